"""One look at every spectrum: is it whole, how dim does it get, is it saturated; and planes of single bands."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def dimmest(radiance: np.ndarray) -> np.ndarray:
    """Return the least radiance of each spectrum of (columns, rows, bands) float32; -1 where a band is not finite."""
    columns, rows, bands = radiance.shape
    found = np.empty((columns, rows), dtype=np.float32)
    for column in range(columns):
        for row in range(rows):
            least = np.float32(np.inf)
            for band in range(bands):
                value = radiance[column, row, band]
                if not np.isfinite(value):
                    least = np.float32(-1.0)
                    break
                least = min(least, value)
            found[column, row] = least
    return found


@numba.njit(cache=True, nogil=True)
def split_planes(radiance: np.ndarray, places: np.ndarray, first_far: int, saturated: float) -> tuple:
    """Return planes of single bands (n, columns, rows) float32, and where a band from ``first_far`` on is saturated."""
    columns, rows, bands = radiance.shape
    planes = np.empty((places.size, columns, rows), dtype=np.float32)
    beyond = np.zeros((columns, rows), dtype=np.bool_)
    for column in range(columns):
        for row in range(rows):
            for index in range(places.size):
                planes[index, column, row] = radiance[column, row, places[index]]
            for band in range(first_far, bands):
                if radiance[column, row, band] > saturated:
                    beyond[column, row] = True
                    break
    return planes, beyond
