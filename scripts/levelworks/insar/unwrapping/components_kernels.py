"""Compiled labels of pixels that differences below half a cycle connect."""

from __future__ import annotations

import numpy as np
from numba import njit

HALF_CYCLE = np.float32(np.pi)


@njit(cache=True, nogil=True)
def count_cuts(phase: np.ndarray, valid: np.ndarray, cuts: np.ndarray, edges: np.ndarray) -> None:
    """Write how many differences to the right and below are over half a cycle, and how many there are.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Unwrapped, rad.
    valid : ndarray, shape (rows, columns), bool
    cuts, edges : ndarray, shape (rows, columns), float32
        0 to 2.
    """
    rows, columns = phase.shape
    for i in range(rows):
        for j in range(columns):
            cuts[i, j] = edges[i, j] = 0.0
            if not valid[i, j]:
                continue
            if j + 1 < columns and valid[i, j + 1]:
                edges[i, j] += 1.0
                cuts[i, j] += abs(phase[i, j + 1] - phase[i, j]) > HALF_CYCLE
            if i + 1 < rows and valid[i + 1, j]:
                edges[i, j] += 1.0
                cuts[i, j] += abs(phase[i + 1, j] - phase[i, j]) > HALF_CYCLE


@njit(cache=True, nogil=True)
def label_components(phase: np.ndarray, valid: np.ndarray, labels: np.ndarray) -> int:
    """Label pixels that are connected by differences of half a cycle at most; return how many numbers there are.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Unwrapped, rad.
    valid : ndarray, shape (rows, columns), bool
    labels : ndarray, shape (rows, columns), int32
        From 1 in the order of first pixels; 0 where not valid.
    """
    rows, columns = phase.shape
    labels[:] = 0
    waiting = np.empty(rows * columns, np.int32)
    number = 0
    for first in range(rows * columns):
        if not valid[first // columns, first % columns] or labels[first // columns, first % columns]:
            continue
        number += 1
        labels[first // columns, first % columns] = number
        waiting[0] = first
        size = 1
        while size:
            size -= 1
            i, j = waiting[size] // columns, waiting[size] % columns
            for side in range(4):
                a, b = i + (side == 0) - (side == 1), j + (side == 2) - (side == 3)
                if not (0 <= a < rows and 0 <= b < columns) or not valid[a, b] or labels[a, b]:
                    continue
                if abs(phase[a, b] - phase[i, j]) > HALF_CYCLE:
                    continue
                labels[a, b] = number
                waiting[size] = a * columns + b
                size += 1
    return number
