"""Compiled medians of the neighbours of a grid's cells."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def neighbour_medians(
    values: np.ndarray, apart: tuple[int, int], count: int, least: int, medians: np.ndarray, spreads: np.ndarray
) -> None:
    """Write the median of every cell's neighbours, the cell itself left out, and their median absolute deviation.

    Parameters
    ----------
    values : ndarray, shape (rows, columns), float32
        NaN where there is none.
    apart : tuple of int
        Rows and columns from one neighbour to the next.
    count : int
        Neighbours each way along either axis.
    least : int
        Neighbours that must have a value; where fewer have, nothing is written.
    medians, spreads : ndarray, shape (rows, columns), float32
    """
    rows, columns = values.shape
    found = np.empty((2 * count + 1) ** 2, np.float32)
    for row in range(rows):
        for column in range(columns):
            if np.isnan(values[row, column]):
                continue
            n = 0
            for a in range(-count, count + 1):
                for b in range(-count, count + 1):
                    i, j = row + a * apart[0], column + b * apart[1]
                    if (a != 0 or b != 0) and 0 <= i < rows and 0 <= j < columns and not np.isnan(values[i, j]):
                        found[n] = values[i, j]
                        n += 1
            if n < least:
                continue
            middle = _median(found, n)
            for k in range(n):
                found[k] = abs(found[k] - middle)
            medians[row, column], spreads[row, column] = middle, _median(found, n)


@njit(cache=True, nogil=True)
def _median(values, n):  # type: ignore[no-untyped-def]
    """Sort the first values in place, and return their median."""
    for k in range(1, n):
        value, i = values[k], k - 1
        while i >= 0 and values[i] > value:
            values[i + 1] = values[i]
            i -= 1
        values[i + 1] = value
    return values[n // 2] if n % 2 else np.float32(0.5) * (values[n // 2 - 1] + values[n // 2])
