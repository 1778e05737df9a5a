"""Growth, filling and widening of masks by blocks of rows; what each pixel becomes depends on a fixed surrounding."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def grow(seeds: np.ndarray, allowed: np.ndarray, steps: int) -> np.ndarray:
    """Return the seeds and what is reached from them within a number of eight-connected steps over allowed pixels.

    Parameters
    ----------
    seeds, allowed : ndarray of bool, shape (rows, columns)
    steps : int
        Also the halo that makes a block's inner rows independent of its borders.
    """
    rows, columns = seeds.shape
    reached = seeds.copy()
    capacity = 1024
    front, following = np.empty((capacity, 2), np.int32), np.empty((capacity, 2), np.int32)
    count = 0
    for row in range(rows):
        for column in range(columns):
            if not seeds[row, column]:
                continue
            for y in range(max(row - 1, 0), min(row + 2, rows)):
                for x in range(max(column - 1, 0), min(column + 2, columns)):
                    if allowed[y, x] and not reached[y, x]:
                        reached[y, x] = True
                        if count == front.shape[0]:
                            front = _longer(front)
                        front[count, 0], front[count, 1] = y, x
                        count += 1
    for _ in range(steps - 1):
        found = 0
        for i in range(count):
            row, column = front[i, 0], front[i, 1]
            for y in range(max(row - 1, 0), min(row + 2, rows)):
                for x in range(max(column - 1, 0), min(column + 2, columns)):
                    if allowed[y, x] and not reached[y, x]:
                        reached[y, x] = True
                        if found == following.shape[0]:
                            following = _longer(following)
                        following[found, 0], following[found, 1] = y, x
                        found += 1
        front, following = following, front
        count = found
        if count == 0:
            break
    return reached


@njit(cache=True, nogil=True)
def _longer(array: np.ndarray) -> np.ndarray:
    result = np.empty((2 * array.shape[0], array.shape[1]), array.dtype)
    result[: array.shape[0]] = array
    return result


@njit(cache=True, nogil=True)
def fill_by_majority(mask: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return a mask to which valid pixels with five or more neighbours of eight in it are added, all at once.

    The result depends on the input alone, not on the order of pixels (spec sections 8.2 and 8.7 vi).
    """
    rows, columns = mask.shape
    result = mask.copy()
    for row in range(rows):
        for column in range(columns):
            if mask[row, column] or not valid[row, column]:
                continue
            count = 0
            for y in range(max(row - 1, 0), min(row + 2, rows)):
                for x in range(max(column - 1, 0), min(column + 2, columns)):
                    count += mask[y, x]
            if count >= 5:
                result[row, column] = True
    return result


@njit(cache=True, nogil=True)
def widen(mask: np.ndarray, first: int, last: int, radius: float) -> np.ndarray:
    """Return where the distance to the nearest pixel of a mask is at most a radius, centre to centre.

    Exact up to the borders of the image, at a cost that does not depend on the radius: per column the nearest row
    above and below is carried along; a pixel at vertical distance d then covers the columns within
    ``sqrt(radius^2 - d^2)``, counted by where such runs begin and end.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
        With a halo of ``floor(radius)`` rows where the image has them.
    first, last : int
        Rows of `mask` that are returned.
    radius : float
        Pixels.

    Returns
    -------
    ndarray of bool, shape (last - first, columns)
    """
    rows, columns = mask.shape
    result = np.zeros((last - first, columns), np.bool_)
    if not mask.any():
        return result
    reach = int(np.floor(radius))
    halves = np.empty(reach + 1, np.int32)
    for d in range(reach + 1):
        halves[d] = int(np.floor(np.sqrt(radius * radius - d * d) + 1e-9))
    far = reach + 1
    vertical = np.empty((last - first, columns), np.int32)
    above = np.full(columns, far, np.int32)
    for row in range(last):
        for column in range(columns):
            above[column] = 0 if mask[row, column] else min(above[column] + 1, far)
        if row >= first:
            vertical[row - first] = above
    below = np.full(columns, far, np.int32)
    for row in range(rows - 1, first - 1, -1):
        for column in range(columns):
            below[column] = 0 if mask[row, column] else min(below[column] + 1, far)
        if row < last:
            for column in range(columns):
                vertical[row - first, column] = min(vertical[row - first, column], below[column])
    edges = np.empty(columns + 1, np.int32)
    for row in range(last - first):
        edges[:] = 0
        for column in range(columns):
            d = vertical[row, column]
            if d <= reach:
                half = halves[d]
                edges[max(column - half, 0)] += 1
                edges[min(column + half + 1, columns)] -= 1
        open_runs = 0
        for column in range(columns):
            open_runs += edges[column]
            result[row, column] = open_runs > 0
    return result
