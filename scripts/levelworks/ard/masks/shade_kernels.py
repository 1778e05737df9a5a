"""The colours of sunlit and shaded ground, separated square by square."""

from __future__ import annotations

import numpy as np
from numba import njit

DARKEST = 60.0
"""Reflectance times 10000 at the first bin."""
BIN = 0.1
"""Natural logarithm."""
BINS = 48
LEAST_SHIFT, LARGEST_SHIFT = 2, 15
"""Bins by which shadows darken: to between 0.82 and 0.22 of the light."""
ROUNDS = 12
RARE = 3e-5
"""Share of sunlit ground that may have any one colour."""
STRONGEST = 2.0
EVIDENCE_STEP = 32.0
"""Steps of stored evidence per natural logarithm."""
UNSEEN = -128
"""Where nothing can be seen of a shadow: cloud, water, no data."""
SIDE_WEIGHT = 0.2
"""Of a neighbouring bin where colours are smoothed."""


@njit(cache=True, nogil=True)
def colour_bin(value: int) -> int:
    """Return the bin of a reflectance times 10000."""
    place = int(np.log(max(value, 1) / DARKEST) / BIN)
    return min(max(place, 0), BINS - 1)


@njit(cache=True, nogil=True)
def count_colours(
    near_infrared: np.ndarray, shortwave: np.ndarray, seen: np.ndarray, tile: int, counts: np.ndarray
) -> None:
    """Count the colours of the cells that are seen, by squares of `tile` cells, in place."""
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            if seen[row, column]:
                first, second = colour_bin(near_infrared[row, column]), colour_bin(shortwave[row, column])
                counts[row // tile, column // tile, first * BINS + second] += 1


@njit(cache=True, nogil=True)
def shaded(sunlit: np.ndarray) -> np.ndarray:
    """Return the distribution of shaded colours from that of sunlit ones, shape (BINS, BINS).

    Shadow takes about the same share of the light of both bands: colours move along the diagonal.
    """
    result = np.zeros((BINS, BINS))
    for i in range(BINS):
        for j in range(BINS):
            total = 0.0
            for shift in range(LEAST_SHIFT, min(LARGEST_SHIFT, BINS - 1 - max(i, j)) + 1):
                total += sunlit[i + shift, j + shift]
            result[i, j] = total / (LARGEST_SHIFT - LEAST_SHIFT + 1)
    return result


@njit(cache=True, nogil=True)
def _smooth(counts: np.ndarray) -> np.ndarray:
    """Return relative frequencies, smoothed over neighbouring bins, of counts in a row."""
    first, result = np.zeros((BINS, BINS)), np.zeros((BINS, BINS))
    for i in range(BINS):
        for j in range(BINS):
            for other in range(max(j - 1, 0), min(j + 2, BINS)):
                first[i, j] += (SIDE_WEIGHT if other != j else 1.0 - 2.0 * SIDE_WEIGHT) * counts[i * BINS + other]
    for i in range(BINS):
        for other in range(max(i - 1, 0), min(i + 2, BINS)):
            for j in range(BINS):
                result[i, j] += (SIDE_WEIGHT if other != i else 1.0 - 2.0 * SIDE_WEIGHT) * first[other, j]
    return result / max(result.sum(), 1e-30)


@njit(cache=True, nogil=True)
def separate_shade(lit: np.ndarray, share: float) -> np.ndarray:
    """Return the logarithm of the ratio of how likely colours are in shadow to how likely they are in the sun.

    The colours of land are taken for a mixture of sunlit ones and the same shaded, in shares that are known; what is
    sunlit is found by expectation maximisation.

    Parameters
    ----------
    lit : ndarray, shape (BINS * BINS,), int32
        Counts on land that is not known to lie in shadow.
    share : float
        Of that land which lies in shadow.

    Returns
    -------
    ndarray, shape (BINS, BINS), float32
        Within `STRONGEST`.
    """
    blurred = _smooth(lit)
    sunlit = blurred.copy()
    for _ in range(ROUNDS):
        dark = shaded(sunlit)
        for i in range(BINS):
            for j in range(BINS):
                light = (1.0 - share) * sunlit[i, j]
                sunlit[i, j] = blurred[i, j] * light / max(light + share * dark[i, j], 1e-30)
        sunlit /= max(sunlit.sum(), 1e-30)
    evidence = np.log((shaded(sunlit) + RARE) / (sunlit + RARE))
    evidence = np.minimum(np.maximum(evidence, -STRONGEST), STRONGEST)
    return evidence.astype(np.float32)


@njit(cache=True, nogil=True)
def look_up_shade(
    near_infrared: np.ndarray, shortwave: np.ndarray, seen: np.ndarray, tile: int, table: np.ndarray
) -> np.ndarray:
    """Return the evidence of shadow of each cell by its colour, int8, interpolated between squares."""
    rows, columns = seen.shape
    squares_down, squares_across = table.shape[:2]
    result = np.empty((rows, columns), np.int8)
    for row in range(rows):
        y = min(max((row + 0.5) / tile - 0.5, 0.0), squares_down - 1.0)
        top = int(y)
        bottom, down = min(top + 1, squares_down - 1), y - top
        for column in range(columns):
            if not seen[row, column]:
                result[row, column] = UNSEEN
                continue
            x = min(max((column + 0.5) / tile - 0.5, 0.0), squares_across - 1.0)
            left = int(x)
            right, across = min(left + 1, squares_across - 1), x - left
            i, j = colour_bin(near_infrared[row, column]), colour_bin(shortwave[row, column])
            upper = table[top, left, i, j] * (1.0 - across) + table[top, right, i, j] * across
            lower = table[bottom, left, i, j] * (1.0 - across) + table[bottom, right, i, j] * across
            result[row, column] = int(np.rint((upper * (1.0 - down) + lower * down) * EVIDENCE_STEP))
    return result
