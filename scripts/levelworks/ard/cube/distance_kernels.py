"""The inner loops of exact Euclidean distances, row by row (Meijster, Roerdink & Hesselink 2000).

One pass from below counts the rows to the next marked pixel underneath; one from above has both counts of a row at
hand and finds the least distance along it, so that no more than rows are in memory.
"""

from __future__ import annotations

import numba
import numpy as np

FAR = 65535
"""Rows to a marked pixel where there is none."""


@numba.njit(cache=True, nogil=True)
def count_from_below(marked: np.ndarray, below: np.ndarray, counts: np.ndarray) -> None:
    """Count the rows to the next marked pixel at or under each pixel.

    Parameters
    ----------
    marked : (rows, columns) bool
    below : (columns,) uint16
        Counts of the row under the last one; replaced by those of the first.
    counts : (rows, columns) uint16
        Written.
    """
    for i in range(marked.shape[0] - 1, -1, -1):
        for j in range(marked.shape[1]):
            below[j] = 0 if marked[i, j] else min(int(below[j]) + 1, FAR)
            counts[i, j] = below[j]


@numba.njit(cache=True, nogil=True)
def distances_of_rows(
    marked: np.ndarray, counts: np.ndarray, above: np.ndarray, reach: int, edge: bool, distances: np.ndarray
) -> None:
    """Find the distance of each pixel to the next marked one, in pixels.

    Parameters
    ----------
    marked : (rows, columns) bool
    counts : (rows, columns) uint16
        See `count_from_below`.
    above : (columns,) uint16
        Counts of the row over the first one; replaced by those of the last.
    reach : int
        Largest distance told; farther ones are it.
    edge : bool
        Whether the pixels beyond the left and right edge count as marked.
    distances : (rows, columns) float32
        Written.
    """
    columns = marked.shape[1]
    nearest = np.empty(columns, np.int64)
    place = np.empty(columns, np.int64)
    begin = np.empty(columns, np.int64)
    for i in range(marked.shape[0]):
        last = -1
        for u in range(columns):
            above[u] = 0 if marked[i, u] else min(int(above[u]) + 1, FAR)
            count = min(int(above[u]), int(counts[i, u]))
            nearest[u] = count * count
            if count > reach:
                continue
            while last >= 0:
                at = begin[last]
                old, new = at - place[last], at - u
                if old * old + nearest[place[last]] <= new * new + nearest[u]:
                    break
                last -= 1
            if last < 0:
                last = 0
                place[0], begin[0] = u, 0
            else:
                p = place[last]
                first = 1 + (u * u - p * p + nearest[u] - nearest[p]) // (2 * (u - p))
                if first < columns:
                    last += 1
                    place[last], begin[last] = u, first
        for u in range(columns - 1, -1, -1):
            square = reach * reach
            if last >= 0:
                away = u - place[last]
                square = min(square, away * away + nearest[place[last]])
                if u == begin[last] and last > 0:
                    last -= 1
            if edge:
                side = min(u + 1, columns - u)
                square = min(square, side * side)
            distances[i, u] = np.sqrt(np.float32(square))
