"""Tiles of an image that are unwrapped on their own, with overlaps by which they are brought together."""

from __future__ import annotations

from dataclasses import dataclass

from levelworks.core.outcome import InvalidOptions

TILE_SIZE = 2000
TILE_OVERLAP = 200


@dataclass(frozen=True, order=True)
class Tile:
    """A part of an image: its place among tiles, and its first and last (exclusive) rows and columns."""

    row: int
    column: int
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def window(self) -> tuple[slice, slice]:
        """Return the part as slices."""
        return slice(*self.rows), slice(*self.columns)

    @property
    def name(self) -> str:
        """Return the name of the tile's file."""
        return f"tile_{self.row:03d}_{self.column:03d}.npz"


def plan_tiles(shape: tuple[int, int], size: int = TILE_SIZE, overlap: int = TILE_OVERLAP) -> tuple[Tile, ...]:
    """Cut an image into overlapping tiles of nearly one size.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    size : int
        Pixels, the largest side of a tile.
    overlap : int
        Pixels that neighbours share.

    Raises
    ------
    InvalidOptions
        Where a tile would be all overlap.
    """
    if not 0 < 2 * overlap <= size:
        raise InvalidOptions(f"the overlap of tiles is 1 to {size // 2} pixels of {size}, not {overlap}")
    rows, columns = (_spans(length, size, overlap) for length in shape)
    return tuple(Tile(i, j, row, column) for i, row in enumerate(rows) for j, column in enumerate(columns))


def _spans(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Return first and last (exclusive) pixels of tiles along an axis."""
    count = 1 if length <= size else -(-(length - overlap) // (size - overlap))
    edges = [k * (length - overlap) // count for k in range(count + 1)]
    return [(edges[k], edges[k + 1] + overlap) for k in range(count)] if count > 1 else [(0, length)]
