"""Compiled costs of cycles on edges: how unlikely a further cycle makes a difference of phase."""

from __future__ import annotations

import numpy as np
from numba import njit

CYCLE = np.float32(2 * np.pi)
COST_SCALE = np.float32(10.0)
"""Of a unit of the negative logarithm of a probability; costs are integers, so that sums have no order."""
MOST_COST = 4000


@njit(cache=True, nogil=True)
def fill_costs(
    phase: np.ndarray, valid: np.ndarray, variance: np.ndarray, window: int, up: np.ndarray, down: np.ndarray
) -> None:
    """Write the cost of one cycle more and one less on each edge.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Wrapped, rad.
    valid : ndarray, shape (rows, columns), bool
    variance : ndarray, shape (rows, columns), float32
        Of the phase, rad2, with half of what the ground may add between neighbours.
    window : int
        Half the side (edges) of the square whose mean phasor, weighted by variance, is the expected difference.
    up, down : ndarray, shape (2, rows, columns), int32
        ``((d - m +- 2 pi)^2 - (d - m)^2) / 2 s^2`` of the wrapped difference d, the expected one m and the variance s^2
        (Carballo and Fieguth 2000, doi:10.1109/36.868875); 1 at least.
    """
    rows, columns = phase.shape
    real, imaginary = np.empty((rows, columns), np.float32), np.empty((rows, columns), np.float32)
    # Sums over the rows of the window, moved down row by row.
    sum_re, sum_im = np.empty(columns, np.float64), np.empty(columns, np.float64)
    for kind in range(2):
        for i in range(rows):
            for j in range(columns):
                a, b = (i, j + 1) if kind == 0 else (i + 1, j)
                real[i, j] = imaginary[i, j] = 0.0
                if a < rows and b < columns and valid[i, j] and valid[a, b]:
                    step = phase[a, b] - phase[i, j]
                    weight = np.float32(1.0) / (variance[i, j] + variance[a, b])
                    real[i, j], imaginary[i, j] = weight * np.cos(step), weight * np.sin(step)
        for i in range(rows):
            sum_re[:], sum_im[:] = 0.0, 0.0
            for k in range(max(i - window, 0), min(i + window + 1, rows)):
                for j in range(columns):
                    sum_re[j] += real[k, j]
                    sum_im[j] += imaginary[k, j]
            for j in range(columns):
                a, b = (i, j + 1) if kind == 0 else (i + 1, j)
                up[kind, i, j] = down[kind, i, j] = 1
                if a >= rows or b >= columns or not (valid[i, j] and valid[a, b]):
                    continue
                re = im = 0.0
                for k in range(max(j - window, 0), min(j + window + 1, columns)):
                    re += sum_re[k]
                    im += sum_im[k]
                step = phase[a, b] - phase[i, j]
                step -= CYCLE * np.float32(round(np.float64(step / CYCLE)))
                apart = step - np.float32(np.arctan2(im, re))
                weight = COST_SCALE * CYCLE / (variance[i, j] + variance[a, b])
                most, least = np.float32(MOST_COST), np.float32(1.0)
                up[kind, i, j] = np.int32(min(max(weight * (CYCLE / 2 + apart), least), most))
                down[kind, i, j] = np.int32(min(max(weight * (CYCLE / 2 - apart), least), most))
