"""Options of along-track motion."""

from __future__ import annotations

from levelworks.core.options import Options, option


class MeasureAlongTrack(Options):
    """Along-track motion of a pair by double differences of interferograms in burst overlaps."""

    thresholds: list[float] = option(
        [0.85, 0.75, 0.65, 0.5],
        "coherences from which cells of an overlap count, the first that leaves enough is taken",
        min_length=1,
    )
    least_cells: int = option(100, "cells of an overlap that must be coherent", ge=30, alias="least-cells")
    least_share: float = option(
        0.01, "share of an overlap's cells that must be coherent", ge=0, le=1, alias="least-share"
    )
    most_spread: float = option(
        0.8, "scatter of an overlap's phases above which it has no mean", unit="rad", gt=0, alias="most-spread"
    )
    window: int = option(5, "cells along a side over which rasters are averaged; odd", ge=1, le=51)
