"""Options of the definition of a frame."""

from __future__ import annotations

from levelworks.core.options import Options, option


class DefineFrame(Options):
    """Products of one pass to the definition of a frame, whose reference it becomes."""

    polarisation: str = option("VV", "VV, HH, VH or HV", pattern="^(VV|HH|VH|HV)$")
    bounds: list[float] | None = option(
        None, "west, south, east, north: bursts that meet it; null takes all bursts of the products",
        unit="degrees", min_length=4, max_length=4,
    )  # fmt: skip
    step: float = option(0.001, "of the grid of products", unit="degrees", gt=0, le=0.1)
    range_looks: int = option(20, "samples of a cell", ge=1, le=200, alias="range-looks")
    azimuth_looks: int = option(4, "lines of a cell", ge=1, le=200, alias="azimuth-looks")
