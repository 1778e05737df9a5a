"""Grey reconstruction: dark hollows of an image filled to the level at which they would overflow.

The hybrid algorithm of Vincent (1993, IEEE Trans. Image Process. 2, 176): two sweeps, then a queue for what is left.
The result is unique, whatever the order of pixels.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def fill_hollows(image: np.ndarray, outlets: np.ndarray) -> np.ndarray:
    """Return an image whose hollows are full.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), uint16
    outlets : ndarray of bool, shape (rows, columns)
        Where what fills a hollow may drain at the image's own level; the image's border is one too.

    Returns
    -------
    ndarray, shape (rows, columns), uint16
        At each pixel the lowest level over all eight-connected ways to an outlet of the highest pixel on the way.
    """
    rows, columns = image.shape
    level = np.empty((rows, columns), np.uint16)
    for row in range(rows):
        for column in range(columns):
            edge = row in (0, rows - 1) or column in (0, columns - 1)
            level[row, column] = image[row, column] if edge or outlets[row, column] else 65535
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            low = min(
                level[row - 1, column - 1],
                level[row - 1, column],
                level[row - 1, column + 1],
                level[row, column - 1],
            )
            level[row, column] = max(image[row, column], min(level[row, column], low))
    capacity = 4096
    queue = np.empty((capacity, 2), np.int32)
    head, count = 0, 0
    for row in range(rows - 2, 0, -1):
        for column in range(columns - 2, 0, -1):
            low = min(
                level[row + 1, column - 1],
                level[row + 1, column],
                level[row + 1, column + 1],
                level[row, column + 1],
            )
            here = max(image[row, column], min(level[row, column], low))
            level[row, column] = here
            for y, x in ((row + 1, column - 1), (row + 1, column), (row + 1, column + 1), (row, column + 1)):
                if level[y, x] > here and level[y, x] > image[y, x]:
                    if count == capacity:
                        queue, head, capacity = _doubled(queue, head), 0, 2 * capacity
                    end = (head + count) % capacity
                    queue[end, 0], queue[end, 1] = row, column
                    count += 1
                    break
    while count:
        row, column = queue[head, 0], queue[head, 1]
        head = (head + 1) % capacity
        count -= 1
        here = level[row, column]
        for y in range(max(row - 1, 0), min(row + 2, rows)):
            for x in range(max(column - 1, 0), min(column + 2, columns)):
                if level[y, x] > here and level[y, x] > image[y, x]:
                    level[y, x] = max(here, image[y, x])
                    if count == capacity:
                        queue, head, capacity = _doubled(queue, head), 0, 2 * capacity
                    end = (head + count) % capacity
                    queue[end, 0], queue[end, 1] = y, x
                    count += 1
    return level


@njit(cache=True, nogil=True)
def _doubled(queue: np.ndarray, head: int) -> np.ndarray:
    """Return a full ring twice as long that begins at its first place."""
    size = queue.shape[0]
    result = np.empty((2 * size, 2), np.int32)
    result[: size - head] = queue[head:]
    result[size - head : size] = queue[:head]
    return result
