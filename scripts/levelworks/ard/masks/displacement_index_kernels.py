"""The cloud displacement index (spec section 8.3; Frantz et al. 2018, Remote Sens. Environ. 215, 471)."""

from __future__ import annotations

import numpy as np
from numba import njit

WINDOW, WIDE_WINDOW = 3, 7
"""Cells on either side: variances of 7 by 7, least variability of 15 by 15."""
SIGMA = 0.47537
"""Pixels: half of a pixel's light falls on itself."""
SEED, GROWTH = 2, 1


@njit(cache=True, nogil=True)
def blur(values: np.ndarray) -> np.ndarray:
    """Smooth with a Gaussian kernel of 5 by 5 pixels; what is beyond the border or NaN has no weight."""
    rows, columns = values.shape
    weights = np.exp(-0.5 * (np.arange(-2, 3) / SIGMA) ** 2)
    result = np.full((rows, columns), np.nan, np.float32)
    for row in range(rows):
        for column in range(columns):
            total, weight = 0.0, 0.0
            for y in range(max(row - 2, 0), min(row + 3, rows)):
                for x in range(max(column - 2, 0), min(column + 3, columns)):
                    if np.isfinite(values[y, x]):
                        share = weights[y - row + 2] * weights[x - column + 2]
                        total += share * values[y, x]
                        weight += share
            if weight > 0.0:
                result[row, column] = total / weight
    return result


@njit(cache=True, nogil=True)
def displacement_index(near: np.ndarray, far: np.ndarray, candidate: np.ndarray) -> np.ndarray:
    """Return ``(V1 - V2) / (V1 + V2)`` of the variances of two ratios of bands, NaN elsewhere than at candidates.

    Parameters
    ----------
    near, far : ndarray, shape (rows, columns), float32
        Ratios to NIR of REDEDGE3, seen shortly before, and of BROADNIR, seen long before.
    candidate : ndarray of bool, shape (rows, columns)
        Cells that count.
    """
    rows, columns = near.shape
    result = np.full((rows, columns), np.nan, np.float32)
    for row in range(rows):
        for column in range(columns):
            if not candidate[row, column]:
                continue
            count, first, first_square, second, second_square = 0, 0.0, 0.0, 0.0, 0.0
            for y in range(max(row - WINDOW, 0), min(row + WINDOW + 1, rows)):
                for x in range(max(column - WINDOW, 0), min(column + WINDOW + 1, columns)):
                    if candidate[y, x] and np.isfinite(near[y, x] + far[y, x]):
                        a, b = near[y, x] - 1.0, far[y, x] - 1.0
                        count += 1
                        first, first_square = first + a, first_square + a * a
                        second, second_square = second + b, second_square + b * b
            if count > 2:
                one = max(first_square - first * first / count, 0.0)
                two = max(second_square - second * second / count, 0.0)
                if one + two > 0.0:
                    result[row, column] = (one - two) / (one + two)
    return result


@njit(cache=True, nogil=True)
def least_around(values: np.ndarray, candidate: np.ndarray) -> np.ndarray:
    """Return the least value of candidates within 15 by 15 cells; NaN where there is none."""
    rows, columns = values.shape
    across = np.full((rows, columns), np.inf, np.float32)
    for row in range(rows):
        for column in range(columns):
            for x in range(max(column - WIDE_WINDOW, 0), min(column + WIDE_WINDOW + 1, columns)):
                if candidate[row, x]:
                    across[row, column] = min(across[row, column], values[row, x])
    result = np.full((rows, columns), np.nan, np.float32)
    for row in range(rows):
        for column in range(columns):
            least = np.inf
            for y in range(max(row - WIDE_WINDOW, 0), min(row + WIDE_WINDOW + 1, rows)):
                least = min(least, across[y, column])
            if least < np.inf:
                result[row, column] = least
    return result


@njit(cache=True, nogil=True)
def seeds_and_growth(index: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Return where clouds begin and into what they grow, uint8.

    Seeds have an index of -0.5 at the most, or below zero amid variability probabilities above 0.8, and no neighbour
    that lacks an index or has neither property; clouds grow into cells of -1 to -0.25.
    """
    rows, columns = index.shape
    result = np.zeros((rows, columns), np.uint8)
    for row in range(rows):
        for column in range(columns):
            value = index[row, column]
            if not np.isfinite(value):
                continue
            if -1.0 <= value < -0.25:
                result[row, column] = GROWTH
            if not (value <= -0.5 or (least[row, column] > 0.8 and value < 0.0)):
                continue
            eroded = False
            for y in range(max(row - 1, 0), min(row + 2, rows)):
                for x in range(max(column - 1, 0), min(column + 2, columns)):
                    if not np.isfinite(index[y, x]) or (index[y, x] > -0.5 and least[y, x] < 0.8):
                        eroded = True
            if not eroded:
                result[row, column] = SEED
    return result
