"""The mask of OCO3-data-transformer, cell by cell as that software decides.

It keeps a cell whose centre lies within half a cell of a footprint's bounding box, and around whose centre a square
of twice the cell's width and height touches the footprint. Coordinates and cell widths are float32 there, so that
they are here.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.grids import EqualAreaGrid, Grid


@njit(cache=True, nogil=True)
def _segment_touches(
    ax: float, ay: float, bx: float, by: float, west: float, south: float, east: float, north: float
) -> bool:
    """Tell whether a segment touches a closed rectangle, by the axes along which they could be apart."""
    if max(ax, bx) < west or min(ax, bx) > east or max(ay, by) < south or min(ay, by) > north:
        return False
    dx, dy = bx - ax, by - ay
    low, high = np.inf, -np.inf
    for x in (west, east):
        for y in (south, north):
            side = dx * (y - ay) - dy * (x - ax)
            low, high = min(low, side), max(high, side)
    return low <= 0.0 <= high


@njit(cache=True, nogil=True)
def _holds(xs: np.ndarray, ys: np.ndarray, x: float, y: float) -> bool:
    """Tell whether a polygon holds a point, by the parity of crossings."""
    inside = False
    last = xs.size - 1
    for i in range(xs.size):
        if (ys[i] > y) != (ys[last] > y):
            inside ^= x < xs[i] + (y - ys[i]) * (xs[last] - xs[i]) / (ys[last] - ys[i])
        last = i
    return inside


@njit(cache=True, nogil=True)
def _mark(xs: np.ndarray, ys: np.ndarray, x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> None:
    """Mark the cells that any of the footprints keeps."""
    dx, dy = x[1] - x[0], y[1] - y[0]
    half_x, half_y = dx / np.float32(2), dy / np.float32(2)
    for n in range(xs.shape[0]):
        if not (np.isfinite(xs[n]).all() and np.isfinite(ys[n]).all()):
            continue
        first_row = np.searchsorted(y, np.float32(ys[n].min() - np.float64(half_y)), side="left")
        end_row = np.searchsorted(y, np.float32(ys[n].max() + np.float64(half_y)), side="right")
        first = np.searchsorted(x, np.float32(xs[n].min() - np.float64(half_x)), side="left")
        end = np.searchsorted(x, np.float32(xs[n].max() + np.float64(half_x)), side="right")
        for row in range(first_row, end_row):
            south, north = np.float64(y[row] - dy), np.float64(y[row] + dy)
            for column in range(first, end):
                if mask[row, column]:
                    continue
                west, east = np.float64(x[column] - dx), np.float64(x[column] + dx)
                kept = False
                for i in range(4):
                    kept = kept or _segment_touches(
                        xs[n, i - 1], ys[n, i - 1], xs[n, i], ys[n, i], west, south, east, north
                    )
                mask[row, column] = kept or _holds(xs[n], ys[n], 0.5 * (west + east), 0.5 * (south + north))


def seed_mask(
    grid: Grid, vertex_longitude: np.ndarray, vertex_latitude: np.ndarray, scaling: float = 1.0
) -> np.ndarray:
    """Return the mask that OCO3-data-transformer would draw around footprints.

    Parameters
    ----------
    grid : Grid
        Grid of equal degrees; of the ``node`` convention to equal that software's.
    vertex_longitude, vertex_latitude : ndarray, shape (soundings, 4)
        Degrees, in the order along the footprint's edge. Of the set of soundings that the mask is for.
    scaling : float
        Footprints are scaled about the middle of their bounding box; taken as 1 below 1, as 1.5 above 1.5.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    InvalidOptions
        Where the grid has a single row or column, or isn't of equal degrees.
    """
    if isinstance(grid, EqualAreaGrid) or min(grid.shape) < 2:
        raise InvalidOptions("compat: the seed's mask needs a grid of equal degrees with 2 rows and columns at least")
    xs, ys = (np.ascontiguousarray(values) for values in grid.locate(vertex_longitude, vertex_latitude))
    scaling = min(max(scaling, 1.0), 1.5)
    if scaling != 1.0:
        xs, ys = _scaled(xs, scaling), _scaled(ys, scaling)
    mask = np.zeros(grid.shape, np.bool_)
    _mark(xs, ys, grid.x.astype(np.float32), grid.y.astype(np.float32), mask)
    return mask


def _scaled(values: np.ndarray, factor: float) -> np.ndarray:
    middle = (values.min(axis=1, keepdims=True) + values.max(axis=1, keepdims=True)) / 2
    return middle + factor * (values - middle)
