"""Compiled interpolation of radar cells at the places of a geographic grid."""

from __future__ import annotations

import numpy as np
from numba import njit

LEAST_WEIGHT = 0.5
"""Of the weights of a place that cells with data must have."""


@njit(cache=True, nogil=True)
def cubic_weights(t, weights):  # type: ignore[no-untyped-def]
    """Set the weights of cubic convolution (Keys 1981, a = -1/2) of four cells, ``t`` beyond the second one."""
    weights[0] = ((-0.5 * t + 1.0) * t - 0.5) * t
    weights[1] = (1.5 * t - 2.5) * t * t + 1.0
    weights[2] = ((-1.5 * t + 2.0) * t + 0.5) * t
    weights[3] = (0.5 * t - 0.5) * t * t


@njit(cache=True, nogil=True)
def inside(y, x, rows, columns):  # type: ignore[no-untyped-def]
    """Return whether a place (cells) is within the cells' edges; not where it is NaN."""
    return -0.5 <= y <= rows - 0.5 and -0.5 <= x <= columns - 0.5


@njit(cache=True, nogil=True)
def interpolate_phasors(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, result: np.ndarray) -> None:
    """Interpolate complex cells, 0 or NaN of which is no data; 0 where too much of the weight has none.

    Cubic where all sixteen cells around have data. Elsewhere bilinear over those of the next four that have: fewer of
    the sixteen would pull the phase of a slope towards the side with data.

    Parameters
    ----------
    values : ndarray, shape (n, m), complex64
    rows, columns : ndarray, shape (k,), float32
        Places in cells.
    result : ndarray, shape (k,), complex64
    """
    height, width = values.shape
    down, along = np.empty(4), np.empty(4)
    for k in range(rows.size):
        result[k] = 0.0
        y, x = rows[k], columns[k]
        if not inside(y, x, height, width):
            continue
        top, left = int(np.floor(y)), int(np.floor(x))
        complete = top >= 1 and left >= 1 and top + 2 < height and left + 2 < width
        if complete:
            cubic_weights(y - top, down)
            cubic_weights(x - left, along)
            total = 0.0 + 0.0j
            for a in range(4):
                for b in range(4):
                    value = values[top - 1 + a, left - 1 + b]
                    complete = complete and value != 0
                    total += down[a] * along[b] * value
            if complete and np.isfinite(total.real) and np.isfinite(total.imag):
                result[k] = total
                continue
        total, weight = 0.0 + 0.0j, 0.0
        for a in range(2):
            for b in range(2):
                i, j = top + a, left + b
                if 0 <= i < height and 0 <= j < width:
                    value = values[i, j]
                    if value != 0 and np.isfinite(value.real) and np.isfinite(value.imag):
                        share = abs(1 - a - (y - top)) * abs(1 - b - (x - left))
                        total += share * value
                        weight += share
        if weight >= LEAST_WEIGHT:
            result[k] = total / weight


@njit(cache=True, nogil=True)
def interpolate_values(
    values: np.ndarray, rows: np.ndarray, columns: np.ndarray, limits: tuple[float, float], result: np.ndarray
) -> None:
    """Interpolate real cells (float32), NaN of which is no data, as phasors; keep the result within limits."""
    height, width = values.shape
    down, along = np.empty(4), np.empty(4)
    for k in range(rows.size):
        result[k] = np.nan
        y, x = rows[k], columns[k]
        if not inside(y, x, height, width):
            continue
        top, left = int(np.floor(y)), int(np.floor(x))
        total, weight = np.nan, 1.0
        if top >= 1 and left >= 1 and top + 2 < height and left + 2 < width:
            cubic_weights(y - top, down)
            cubic_weights(x - left, along)
            total = 0.0
            for a in range(4):
                for b in range(4):
                    total += down[a] * along[b] * values[top - 1 + a, left - 1 + b]
        if np.isnan(total):
            total = weight = 0.0
            for a in range(2):
                for b in range(2):
                    i, j = top + a, left + b
                    if 0 <= i < height and 0 <= j < width and not np.isnan(values[i, j]):
                        share = abs(1 - a - (y - top)) * abs(1 - b - (x - left))
                        total += share * values[i, j]
                        weight += share
        if weight >= LEAST_WEIGHT:
            result[k] = min(max(total / weight, limits[0]), limits[1])


@njit(cache=True, nogil=True)
def interpolate_unwrapped(
    phase: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    result: np.ndarray,
    components: np.ndarray,
) -> None:
    """Interpolate unwrapped phase: bilinear among four cells of one component, else the nearest cell."""
    height, width = phase.shape
    for k in range(rows.size):
        result[k], components[k] = np.nan, 0
        y, x = rows[k], columns[k]
        if not inside(y, x, height, width):
            continue
        i, j = min(max(int(np.floor(y)), 0), height - 2), min(max(int(np.floor(x)), 0), width - 2)
        t, s = min(max(y - i, 0.0), 1.0), min(max(x - j, 0.0), 1.0)
        label = labels[i, j]
        one = label > 0 and label == labels[i, j + 1] == labels[i + 1, j] == labels[i + 1, j + 1]
        total = 0.0
        if one:
            upper = phase[i, j] * (1 - s) + phase[i, j + 1] * s
            lower = phase[i + 1, j] * (1 - s) + phase[i + 1, j + 1] * s
            total = upper * (1 - t) + lower * t
            one = np.isfinite(total)
        if one:
            result[k], components[k] = total, label
        else:
            near, beside = i + int(t >= 0.5), j + int(s >= 0.5)
            result[k], components[k] = phase[near, beside], labels[near, beside]
