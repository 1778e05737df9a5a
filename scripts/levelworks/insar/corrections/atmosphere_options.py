"""Options of the tide of dates and of the correction of the atmosphere."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OnOff, Options, option


class GeocodeDelay(Options):
    """Zenith delays of a date to slant delays on the geographic grid."""

    time_tolerance: float = option(
        1.0,
        "from the time of the delays to that of the pass, above which the product is degraded",
        unit="h",
        gt=0,
        le=12,
        alias="time-tolerance",
    )


class GeocodeTide(Options):
    """The solid Earth's tide of a date on the geographic grid; there is nothing to choose."""


class CorrectAtmosphere(Options):
    """Tropospheric delay taken off the unwrapped phase of pairs."""

    method: Annotated[Literal["off", "gacos", "height", "gacos-height"], OnOff] = option(
        "off",
        "off; gacos: the delays of both dates; height: what goes linearly with height; gacos-height: one after the "
        "other",
    )
    window: float | None = option(
        None, "side of the windows in which slopes against height are fitted; null: one for the frame", unit="km", ge=5
    )
    min_correlation: float = option(
        0.5,
        "of phase and height, at or below which no slope is taken off",
        ge=0,
        lt=1,
        alias="min-correlation",
    )
    min_relief: float = option(
        100.0, "from the 1st to the 99th percentile of height, below which no slope is fitted", unit="m", ge=1,
        alias="min-relief",
    )  # fmt: skip
    worse: Literal["leave-out", "apply"] = option("leave-out", "a step that makes the phase's rms larger")
    max_unknown: float = option(
        0.01,
        "share of unwrapped cells without a delay up to which they take that of the nearest cell; above it the pair is "
        "skipped",
        ge=0,
        le=1,
        alias="max-unknown",
    )

    @property
    def takes_delays(self) -> bool:
        """Return whether the delays of GACOS are taken off."""
        return self.method in ("gacos", "gacos-height")

    @property
    def fits_height(self) -> bool:
        """Return whether slopes against height are taken off."""
        return self.method in ("height", "gacos-height")
