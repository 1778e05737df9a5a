"""Compiled loops of weighted averages over the soundings of each cell.

Rows of cells are compressed: the soundings of cell c stand at starts[c]..starts[c + 1].
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def means(
    starts: np.ndarray,
    soundings: np.ndarray,
    weights: np.ndarray,
    values: np.ndarray,
    keep: np.ndarray,
    result: np.ndarray,
) -> None:
    """Average many variables with shared weights; NaN values are left out of their own variable.

    Sums are of differences from the first value that counts: equal values give exactly themselves.

    Parameters
    ----------
    values : ndarray, shape (soundings, variables), float64
        Variables of a sounding stand side by side, so that the inner loop runs in vector registers.
    result : ndarray, shape (cells, variables), float64
        NaN where nothing counts.
    """
    variables = values.shape[1]
    first, total, weight = np.empty(variables), np.empty(variables), np.empty(variables)
    for c in range(starts.size - 1):
        total[:] = 0.0
        weight[:] = 0.0
        first[:] = np.nan
        for k in range(starts[c], starts[c + 1]):
            w = weights[k]
            if not (keep[soundings[k]] and w > 0.0):
                continue
            value = values[soundings[k]]
            for v in range(variables):
                x = value[v]
                counts = x == x
                first[v] = x if counts and first[v] != first[v] else first[v]
                total[v] += w * (x - first[v]) if counts else 0.0
                weight[v] += w if counts else 0.0
        for v in range(variables):
            result[c, v] = first[v] + total[v] / weight[v] if weight[v] > 0.0 else np.nan


@njit(cache=True, nogil=True)
def statistics(
    starts: np.ndarray,
    soundings: np.ndarray,
    weights: np.ndarray,
    values: np.ndarray,
    sigmas: np.ndarray,
    keep: np.ndarray,
    correlation: float,
    result: np.ndarray,
) -> None:
    """Write mean, effective number, spread, random and correlated uncertainty, and number of each cell.

    Parameters
    ----------
    values, sigmas : ndarray, shape (soundings,), float64
        Values count where they are not NaN, standard errors where both are not.
    result : ndarray, shape (6, cells), float64
        NaN where nothing counts, the number 0.
    """
    for c in range(starts.size - 1):
        number, first, total, weight, squares = 0, 0.0, 0.0, 0.0, 0.0
        known, variance, linear = 0.0, 0.0, 0.0
        for k in range(starts[c], starts[c + 1]):
            w, x, sigma = weights[k], values[soundings[k]], sigmas[soundings[k]]
            if not (keep[soundings[k]] and w > 0.0 and x == x):
                continue
            first = x if number == 0 else first
            number += 1
            total += w * (x - first)
            weight += w
            squares += w * w
            if sigma == sigma:
                known += w
                variance += (w * sigma) ** 2
                linear += w * sigma
        result[:5, c] = np.nan
        result[5, c] = number
        if number == 0:
            continue
        mean = first + total / weight
        spread = 0.0
        for k in range(starts[c], starts[c + 1]):
            w, x = weights[k], values[soundings[k]]
            if keep[soundings[k]] and w > 0.0 and x == x:
                spread += w * (x - mean) ** 2
        result[0, c], result[1, c], result[2, c] = mean, weight * weight / squares, np.sqrt(spread / weight)
        if known > 0.0:
            result[3, c] = np.sqrt(variance) / known
            result[4, c] = np.sqrt((1.0 - correlation) * variance + correlation * linear**2) / known


@njit(cache=True, nogil=True)
def dominant(
    starts: np.ndarray,
    soundings: np.ndarray,
    areas: np.ndarray,
    codes: np.ndarray,
    keep: np.ndarray,
    result: np.ndarray,
) -> None:
    """Write the code with the greatest area of each cell, the least of several; cells without one stay as they are."""
    for c in range(starts.size - 1):
        greatest = 0.0
        for k in range(starts[c], starts[c + 1]):
            if not keep[soundings[k]]:
                continue
            code, area = codes[soundings[k]], 0.0
            for other in range(starts[c], starts[c + 1]):
                if keep[soundings[other]] and codes[soundings[other]] == code:
                    area += areas[other]
            if area > greatest or (area == greatest and code < result[c]):
                greatest = area
                result[c] = code
