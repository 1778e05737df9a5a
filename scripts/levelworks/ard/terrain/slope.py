"""Slope and aspect of rows of elevation, by Horn's method."""

from __future__ import annotations

import numpy as np

from levelworks.ard.scratch import Scratch
from levelworks.ard.terrain import slope_kernels


def rows_with_neighbours(elevation: Scratch, start: int, stop: int) -> np.ndarray:
    """Return the rows start to stop with one more at both ends; beyond the raster the terrain goes on as it was.

    Parameters
    ----------
    elevation : Scratch, shape (rows, columns), float32

    Returns
    -------
    ndarray, shape (stop - start + 2, columns), float32
    """
    above, below = max(start - 1, 0), min(stop + 1, elevation.rows)
    return with_neighbours(elevation.read(above, below), first=above == start, last=below == stop)


def with_neighbours(heights: np.ndarray, *, first: bool = True, last: bool = True) -> np.ndarray:
    """Return heights with a row more before the first and after the last, each on the line through the outer two."""
    parts = [heights]
    inner = min(1, heights.shape[0] - 1)
    if first:
        parts.insert(0, 2 * heights[:1] - heights[inner : inner + 1])
    if last:
        parts.append(2 * heights[-1:] - heights[-1 - inner : heights.shape[0] - inner])
    return np.ascontiguousarray(np.concatenate(parts), np.float32)


def slope_aspect(heights: np.ndarray, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and aspect (Horn 1981, spec section 7).

    Parameters
    ----------
    heights : ndarray, shape (rows + 2, columns), float32
        Elevation (m), with a row more at both ends: see `rows_with_neighbours`.
    resolution : float
        Metres a pixel.

    Returns
    -------
    slope, aspect : ndarray, shape (rows, columns), float32
        Degrees; the aspect is the way down, clockwise from north. NaN where a pixel of the window is void.
    """
    shape = heights.shape[0] - 2, heights.shape[1]
    slope, aspect = np.empty(shape, np.float32), np.empty(shape, np.float32)
    slope_kernels.slope_aspect(heights, resolution, slope, aspect)
    return slope, aspect
