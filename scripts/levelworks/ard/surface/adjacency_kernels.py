"""Compiled sums of clear pixels in the cells of an image's field."""

from __future__ import annotations

import numpy as np
from numba import njit

UNITS = np.float32(20000.0)
"""Sums count reflectance in parts of this: whole numbers add up to the same in any order."""


@njit(cache=True, nogil=True)
def add_clear(toa: np.ndarray, clear: np.ndarray, start: int, step: int, sums: np.ndarray, counts: np.ndarray) -> None:
    """Add the pixels of some rows to the cells that they lie in.

    Parameters
    ----------
    toa : ndarray, shape (bands, rows, columns), float32
        NaN where off.
    clear : ndarray, shape (rows, columns), bool
    start : int
        Row of the image that comes first.
    step : int
        Pixels along a side of a cell.
    sums : ndarray, shape (bands, field rows, field columns), int32
        Of clear pixels; added to.
    counts : ndarray, shape (2, field rows, field columns), int32
        Of clear pixels, and of all that have data; added to.
    """
    bands, rows, columns = toa.shape
    for row in range(rows):
        cell = (start + row) // step
        for beside in range(sums.shape[2]):
            for column in range(beside * step, min((beside + 1) * step, columns)):
                known = True
                for band in range(bands):
                    known &= not np.isnan(toa[band, row, column])
                if not known:
                    continue
                counts[1, cell, beside] += 1
                if clear[row, column]:
                    counts[0, cell, beside] += 1
                    for band in range(bands):
                        sums[band, cell, beside] += np.int32(np.rint(toa[band, row, column] * UNITS))
