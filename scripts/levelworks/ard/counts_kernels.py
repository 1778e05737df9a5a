"""From counts to reflectance and temperature; what is off, what is saturated."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def calibrate(
    counts: np.ndarray, multiplier: float, offset: float, cosine: np.ndarray, off: np.ndarray, k1: float, k2: float
) -> np.ndarray:
    """Return what counts stand for, NaN where the pixel is off.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns)
    cosine : ndarray, shape (rows, columns) or (1, 1), float32
        Of the sun's zenith angle, by which the result is divided.
    k1, k2 : float
        Of a thermal band; zero of others.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        Reflectance, or temperature (K): ``k2 / ln(k1 / radiance + 1)``.
    """
    rows, columns = counts.shape
    result = np.empty((rows, columns), np.float32)
    single = cosine.size == 1
    for row in range(rows):
        for column in range(columns):
            if off[row, column]:
                result[row, column] = np.nan
                continue
            value = multiplier * counts[row, column] + offset
            if k1 > 0.0:
                result[row, column] = k2 / np.log(k1 / value + 1.0) if value > 0.0 else np.nan
            else:
                result[row, column] = value / (cosine[0, 0] if single else cosine[row, column])
    return result


@njit(nogil=True, cache=True)
def find_off(counts: np.ndarray, saturation: int, off: np.ndarray, saturated: np.ndarray) -> None:
    """Mark pixels without data (count 0) and pixels that reach the largest count, in place."""
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            count = counts[row, column]
            if count == 0:
                off[row, column] = 1
            elif count >= saturation:
                saturated[row, column] = 1


@njit(nogil=True, cache=True)
def widen(off: np.ndarray) -> np.ndarray:
    """Return what is off with its eight neighbours."""
    rows, columns = off.shape
    result = off.copy()
    for row in range(rows):
        for column in range(columns):
            if off[row, column]:
                for y in range(max(row - 1, 0), min(row + 2, rows)):
                    for x in range(max(column - 1, 0), min(column + 2, columns)):
                        result[y, x] = 1
    return result
