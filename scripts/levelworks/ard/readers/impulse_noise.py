"""Impulse noise of 8-bit sensors: where one visible band scatters far more than the others (specs/ard.md 6)."""

from __future__ import annotations

import numpy as np
from numba import njit

THRESHOLD = 15.0
"""Counts that the largest standard deviation is above the second largest."""


def impulse_noise(blue: np.ndarray, green: np.ndarray, red: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return where the 3 x 3 window scatters in one visible band alone, bool.

    Rows on the edge of the block see part of their window: hand over one row more on either side, and leave it out.

    Parameters
    ----------
    blue, green, red : ndarray, shape (rows, columns)
        Counts.
    valid : ndarray of bool, shape (rows, columns)
        Pixels that count; where False, the result is False.
    """
    return np.asarray(_flag(blue, green, red, valid, THRESHOLD))


@njit(cache=True, nogil=True)
def _flag(blue: np.ndarray, green: np.ndarray, red: np.ndarray, valid: np.ndarray, threshold: float) -> np.ndarray:
    rows, columns = valid.shape
    found = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            if not valid[row, column]:
                continue
            count = 0
            sums = (0, 0, 0)
            squares = (0, 0, 0)
            for y in range(max(row - 1, 0), min(row + 2, rows)):
                for x in range(max(column - 1, 0), min(column + 2, columns)):
                    if valid[y, x]:
                        b, g, r = int(blue[y, x]), int(green[y, x]), int(red[y, x])
                        count += 1
                        sums = (sums[0] + b, sums[1] + g, sums[2] + r)
                        squares = (squares[0] + b * b, squares[1] + g * g, squares[2] + r * r)
            if count < 2:
                continue
            # Sums of whole numbers are exact, so that the result does not depend on their order.
            scale = 1.0 / (count * (count - 1))
            largest, second = 0.0, 0.0
            for band in range(3):
                deviation = np.sqrt((count * squares[band] - sums[band] * sums[band]) * scale)
                if deviation > largest:
                    largest, second = deviation, largest
                elif deviation > second:
                    second = deviation
            found[row, column] = largest - second > threshold
    return found
