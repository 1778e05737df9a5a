"""Compiled loops over rows of elevation: the sea's surface spread into voids, box means, sums of cells."""

from __future__ import annotations

import numpy as np
from numba import njit

SEA_LEVEL = 1.0
"""Metres about 0 within which an elevation next to a void is taken for the sea's."""


@njit(cache=True, nogil=True)
def count_void(rows: np.ndarray) -> int:
    """Return the number of NaN."""
    count = 0
    for row in range(rows.shape[0]):
        for column in range(rows.shape[1]):
            count += np.isnan(rows[row, column])
    return count


@njit(cache=True, nogil=True)
def spread_sea(rows: np.ndarray, edge: np.ndarray, upward: bool) -> int:
    """Put 0 m into voids beside the sea's surface, in place: along columns from `edge` on, and to both sides.

    Parameters
    ----------
    rows : ndarray, shape (rows, columns), float32
        NaN where void.
    edge : ndarray, shape (columns,), float32
        The row before the first (after the last, where `upward`).

    Returns
    -------
    int
        Number of voids filled.
    """
    height, width = rows.shape
    filled = 0
    for step in range(height):
        row = height - 1 - step if upward else step
        for column in range(width):
            if np.isnan(rows[row, column]):
                before = edge[column]
                if step > 0:
                    before = rows[row + 1, column] if upward else rows[row - 1, column]
                if abs(before) < SEA_LEVEL or (column > 0 and abs(rows[row, column - 1]) < SEA_LEVEL):
                    rows[row, column] = 0.0
                    filled += 1
        for column in range(width - 2, -1, -1):
            if np.isnan(rows[row, column]) and abs(rows[row, column + 1]) < SEA_LEVEL:
                rows[row, column] = 0.0
                filled += 1
    return filled


@njit(cache=True, nogil=True)
def box_mean(rows: np.ndarray, first: int, half: int, result: np.ndarray) -> None:
    """Average squares of ``2 half + 1`` pixels; voids stay void and don't count, edges take what there is.

    Parameters
    ----------
    rows : ndarray, shape (rows, columns), float32
        With up to `half` rows more than `result` at either side.
    first : int
        The row of `rows` that is the first of `result`.
    result : ndarray, shape (rows, columns), float32
        Filled in place.
    """
    height, width = rows.shape
    sums = np.empty(width, np.float64)
    counts = np.empty(width, np.int64)
    for row in range(result.shape[0]):
        middle = first + row
        sums[:] = 0.0
        counts[:] = 0
        for near in range(max(middle - half, 0), min(middle + half + 1, height)):
            for column in range(width):
                value = rows[near, column]
                if not np.isnan(value):
                    sums[column] += value
                    counts[column] += 1
        for column in range(width):
            if np.isnan(rows[middle, column]):
                result[row, column] = np.nan
                continue
            total, count = 0.0, 0
            for near in range(max(column - half, 0), min(column + half + 1, width)):
                total += sums[near]
                count += counts[near]
            result[row, column] = total / count


@njit(cache=True, nogil=True)
def add_to_cells(rows: np.ndarray, step: int, sums: np.ndarray, counts: np.ndarray) -> None:
    """Add the known pixels of `step` rows to the cells that lie in them; both arrays have a value for each cell."""
    for row in range(rows.shape[0]):
        for cell in range(sums.size):
            for column in range(cell * step, min((cell + 1) * step, rows.shape[1])):
                value = rows[row, column]
                if not np.isnan(value):
                    sums[cell] += value
                    counts[cell] += 1
