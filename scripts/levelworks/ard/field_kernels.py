"""From the cells of an image's field to its pixels."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def expand(field: np.ndarray, step: int, start: int, rows: np.ndarray) -> None:
    """Interpolate a field bilinearly between the centres of its cells; pixels beyond the outer centres take theirs.

    Parameters
    ----------
    field : ndarray, shape (field rows, field columns), float32
    step : int
        Pixels along a side of a cell.
    start : int
        Row of the image that the first row of `rows` is.
    rows : ndarray, shape (rows, columns), float32
        Filled in place.
    """
    height, width = field.shape
    line = np.empty(width, np.float32)
    for row in range(rows.shape[0]):
        position = (start + row + 0.5) / step - 0.5
        upper = min(max(int(np.floor(position)), 0), height - 1)
        lower = min(upper + 1, height - 1)
        share = np.float32(min(max(position - upper, 0.0), 1.0))
        for cell in range(width):
            line[cell] = field[upper, cell] + share * (field[lower, cell] - field[upper, cell])
        for column in range(rows.shape[1]):
            place = (column + 0.5) / step - 0.5
            left = min(max(int(np.floor(place)), 0), width - 1)
            right = min(left + 1, width - 1)
            part = np.float32(min(max(place - left, 0.0), 1.0))
            rows[row, column] = line[left] + part * (line[right] - line[left])
