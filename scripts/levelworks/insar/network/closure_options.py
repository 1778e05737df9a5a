"""Options of the stage `check-closure`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from levelworks.core.options import Options, option


class CheckClosure(Options):
    """Closure of triplets, verdicts on pairs, and repairs of whole cycles."""

    pairs: tuple[Annotated[str, Field(pattern=r"^\d{8}_\d{8}$")], ...] | None = option(
        None, "pairs that this batch decides, YYYYMMDD_YYYYMMDD; null takes all. The others are not altered"
    )
    reference_share: float = option(
        0.05, "most coherent part of the common cells, to whose median every pair is referred", gt=0, le=1,
        alias="reference-share",
    )  # fmt: skip
    least_pixels: int = option(100, "cells of an area that counts in repairs", unit="cells", ge=1, alias="least-pixels")
    repair: bool = option(True, "look for whole cycles that mend components; false only judges")
    max_quarantined: float | None = option(
        None, "share of quarantined pairs above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )
