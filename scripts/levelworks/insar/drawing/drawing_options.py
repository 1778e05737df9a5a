"""Options of `plot-pair`."""

from __future__ import annotations

from levelworks.core.options import Options, option


class PlotPair(Options):
    """Pictures of a pair's products."""

    pixels: int = option(1200, "longer side of a map", unit="pixel", ge=200, le=4000)
    kmz: bool = option(True, "write the wrapped phase as an overlay for globes")
