"""Which tiles an image touches, across the seams of a projection too (180 degrees, spec D15)."""

from __future__ import annotations

import numpy as np

from levelworks.ard.cube.grid import CubeGrid, Tile
from levelworks.ard.cube.projections import transformer
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidOptions

PIECES = 64
"""Cells along each side of an image, of some kilometres."""
FINER = 16
"""Cells along each side of a cell that the seam cuts."""
JUMP = 8.0
"""Times the usual size of a cell from which on it is held for cut by a seam."""


def tiles_of_image(image: ImageGrid, grid: CubeGrid) -> list[Tile]:
    """Return the tiles that an image touches, sorted by row and column.

    The image is cut into cells, and each cell's corners are put on the map. A cell that is far wider there than the
    others lies across the seam of the projection: it is cut up again, and of what still jumps the corners alone count.
    """
    x, y = _on_map(image, grid, 0.0, 0.0, image.columns, image.rows, PIECES)
    wide, high = _extent(x), _extent(y)
    known = np.isfinite(wide) & np.isfinite(high)
    if not known.any():
        return []
    limits = JUMP * np.median(wide[known]), JUMP * np.median(high[known])
    whole = known & (wide <= limits[0]) & (high <= limits[1])
    tiles = _tiles_of_cells(x, y, whole, grid)
    for row, column in np.argwhere(~whole):
        left, right = (image.columns * (column + end) / PIECES for end in (0, 1))
        top, bottom = (image.rows * (row + end) / PIECES for end in (0, 1))
        inner_x, inner_y = _on_map(image, grid, left, top, right, bottom, FINER)
        inner = (_extent(inner_x) <= limits[0]) & (_extent(inner_y) <= limits[1])
        tiles |= _tiles_of_cells(inner_x, inner_y, inner, grid)
        finite = np.isfinite(inner_x) & np.isfinite(inner_y)
        tiles |= {grid.tile_at(*point) for point in zip(inner_x[finite], inner_y[finite], strict=True)}
    return sorted(tiles, key=lambda tile: (tile.y, tile.x))


def tiles_of_nodes(x: np.ndarray, y: np.ndarray, grid: CubeGrid) -> set[Tile]:
    """Return the tiles that cells between nodes on the map touch; of cells that a seam cuts those of the corners.

    Parameters
    ----------
    x, y : ndarray, shape (rows, columns)
        Infinite where a node has no place.
    """
    wide, high = _extent(x), _extent(y)
    known = np.isfinite(wide) & np.isfinite(high)
    tiles: set[Tile] = set()
    if known.any():
        known &= (wide <= JUMP * np.median(wide[known])) & (high <= JUMP * np.median(high[known]))
        tiles = _tiles_of_cells(x, y, known, grid)
    cut = np.zeros(x.shape, np.bool_)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            cut[rows, columns] |= ~known
    finite = cut & np.isfinite(x) & np.isfinite(y)
    return tiles | {grid.tile_at(*point) for point in zip(x[finite], y[finite], strict=True)}


def extent_of_image(image: ImageGrid, grid: CubeGrid) -> tuple[float, float, float, float]:
    """Return west, south, east, north of an image on the map.

    Raises
    ------
    InvalidOptions
        Where a seam of the projection cuts the image, or a part of it has no place on the map.
    """
    x, y = _on_map(image, grid, 0.0, 0.0, image.columns, image.rows, PIECES)
    wide, high = _extent(x), _extent(y)
    if not (np.isfinite(x) & np.isfinite(y)).all() or _jumps(wide) or _jumps(high):
        raise InvalidOptions(
            "tile-image: an edge of the projection cuts the image; set tile, or take another projection"
        )
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _jumps(extent: np.ndarray) -> bool:
    return bool(extent.max() > JUMP * np.median(extent))


def _on_map(
    image: ImageGrid, grid: CubeGrid, left: float, top: float, right: float, bottom: float, pieces: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places on the map of nodes between pixel edges of an image, shape (pieces + 1, pieces + 1)."""
    columns, rows = np.meshgrid(np.linspace(left, right, pieces + 1), np.linspace(top, bottom, pieces + 1))
    x, y = image.west + columns * image.resolution, image.north - rows * image.resolution
    found_x, found_y = transformer(image.crs, grid.wkt).transform(x, y)
    return np.asarray(found_x), np.asarray(found_y)


def _corners(nodes: np.ndarray) -> np.ndarray:
    return np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]])


def _extent(nodes: np.ndarray) -> np.ndarray:
    """Return how wide each cell is; infinite or NaN where a corner has no place."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.ptp(_corners(nodes), axis=0))


def _tiles_of_cells(x: np.ndarray, y: np.ndarray, chosen: np.ndarray, grid: CubeGrid) -> set[Tile]:
    corners_x, corners_y = _corners(x)[:, chosen], _corners(y)[:, chosen]
    boxes = zip(corners_x.min(axis=0), corners_y.min(axis=0), corners_x.max(axis=0), corners_y.max(axis=0), strict=True)
    return {tile for box in boxes for tile in grid.tiles_within(*map(float, box))}
