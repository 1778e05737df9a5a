"""Options of interferograms."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OnOff, Options, option


class FormInterferogram(Options):
    """Coregistered bursts of two dates to multilooked sums and coherence."""

    coherence_window: int = option(
        3, "cells along a side over which coherence is estimated; odd", ge=1, le=21, alias="coherence-window"
    )
    burst_phases: Annotated[Literal["off", "on", "auto"], OnOff] = option(
        "auto", "take constant phases of bursts off; auto where the dates are of two satellites", alias="burst-phases"
    )
    largest_seam: float = option(
        0.3, "median phase step between bursts above which a pair is degraded", unit="rad", gt=0, alias="largest-seam"
    )
