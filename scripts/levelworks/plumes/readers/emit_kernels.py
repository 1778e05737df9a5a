"""The inner loop of the EMIT reader: spectra of some columns out of a cube that lies line by line in a mapped file."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def gather_columns(
    cube: np.ndarray, first: int, last: int, bands: np.ndarray, fill: float, factor: float
) -> np.ndarray:
    """Return columns ``first`` to ``last`` (not included) of a cube as (columns, rows, bands) float32.

    Parameters
    ----------
    cube : (rows, columns, bands) float32
    bands : (n,) int64
    fill : float
        What is not a number in the result.
    factor : float
        To the units of the result.
    """
    rows = cube.shape[0]
    found = np.empty((last - first, rows, bands.size), dtype=np.float32)
    for row in range(rows):
        for column in range(first, last):
            for band in range(bands.size):
                value = cube[row, column, bands[band]]
                found[column - first, row, band] = np.nan if value == fill else value * factor
    return found
