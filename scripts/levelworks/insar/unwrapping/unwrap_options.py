"""Options of the stage `unwrap`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from levelworks.core.options import Options, option


class Unwrap(Options):
    """Phase unwrapping of a pair."""

    domain: Literal["geographic", "radar"] = option(
        "geographic", "grid on which phase is unwrapped: that of the products, or the radar's"
    )
    solver: Literal["flow", "snaphu"] = option(
        "flow",
        "flow is built in; snaphu is used where a person has installed it (free for non-commercial use only)",
    )
    mask: Literal["land", "none"] = option("land", "where to unwrap; land is of the geographic domain only")
    least_coherence: float = option(
        0.05, "coherence of a pair below which a cell is left out", ge=0, le=1, alias="least-coherence"
    )
    least_filtered_coherence: float = option(
        0.0, "the same of the filtered phase; 0 asks nothing", ge=0, le=1, alias="least-filtered-coherence"
    )
    least_fraction: float = option(
        0.01, "share of the cells in use that a connected component has at least", ge=0, le=1, alias="least-fraction"
    )
    tile_pixels: int = option(
        12_000_000, "size of an image above which it is unwrapped in tiles", unit="cells", ge=1, alias="tile-pixels"
    )
    tile_size: int = option(2000, "largest side of a tile", unit="cells", ge=16, alias="tile-size")
    tile_overlap: int = option(200, "cells that neighbouring tiles share", unit="cells", ge=2, alias="tile-overlap")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if 2 * self.tile_overlap > self.tile_size:
            raise ValueError(f"tile-overlap {self.tile_overlap} is more than half of tile-size {self.tile_size}")
        return self
