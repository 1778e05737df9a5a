"""The expected signal behind noisy pixels, for shot noise.

Shot noise evaluated on a pixel's own noisy value is biased: a pixel that happened to catch no electron would claim
to have none. The expectation is therefore estimated over the smallest square block around the pixel whose summed
signal is significant, on a quadtree: bright pixels stand for themselves, faint ones for their surroundings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

LEVELS = 7
"""The largest block is 2^7 = 128 pixels wide; blocks of that size are independent of each other."""

SIGNIFICANCE = 7.0
"""Signal over its own error from which a block stands for itself: its variance is then known to 14 %."""


# Each step is a function of its own over whole arrays, of short inner loops: these vectorise, a nest of all steps does
# not. Level l holds sums and numbers of pixels of blocks of 2^l by 2^l; arrays are padded to whole largest blocks.


@njit(cache=True, nogil=True)
def _pick(image: np.ndarray, dq: np.ndarray, unusable: Any, values: np.ndarray, counts: np.ndarray) -> None:
    """Copy the usable pixels of a row, 0 for the others, and count them."""
    for i in range(image.size):
        good = ((dq[i] & unusable) == 0) & (image[i] == image[i])
        values[i] = image[i] if good else 0.0
        counts[i] = good


@njit(cache=True, nogil=True)
def _add_blocks(upper: np.ndarray, lower: np.ndarray, out: np.ndarray) -> None:
    """Add up blocks of two by two of a pair of rows."""
    for i in range(out.size):
        out[i] = (upper[2 * i] + upper[2 * i + 1]) + (lower[2 * i] + lower[2 * i + 1])


@njit(cache=True, nogil=True)
def _sum_pixels(image: np.ndarray, dq: np.ndarray, unusable: Any, sums: np.ndarray, counts: np.ndarray) -> None:
    """Fill level 1 from the usable pixels."""
    rows, columns = image.shape
    pair = np.zeros((2, 2 * sums.shape[1]))
    pair_counts = np.zeros((2, 2 * sums.shape[1]), dtype=np.int32)
    for row in range(0, rows, 2):
        _pick(image[row], dq[row], unusable, pair[0, :columns], pair_counts[0, :columns])
        if row + 1 < rows:
            _pick(image[row + 1], dq[row + 1], unusable, pair[1, :columns], pair_counts[1, :columns])
        else:
            pair[1] = 0.0
            pair_counts[1] = 0
        _add_blocks(pair[0], pair[1], sums[row >> 1])
        _add_blocks(pair_counts[0], pair_counts[1], counts[row >> 1])


@njit(cache=True, nogil=True)
def _sum_level(fine: np.ndarray, coarse: np.ndarray) -> None:
    """Fill a level from the one below."""
    for row in range(coarse.shape[0]):
        _add_blocks(fine[2 * row], fine[2 * row + 1], coarse[row])


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(sums: np.ndarray, counts: np.ndarray, parents: np.ndarray, thresholds: np.ndarray) -> None:
    """Replace the sums of a level by means where significant, else by the estimates of the level above."""
    for row in range(sums.shape[0]):
        above = parents[row >> 1]
        for column in range(sums.shape[1]):
            # Both are computed: a choice between two values costs less than a branch on noise.
            count = counts[row, column]
            total, parent = sums[row, column], above[column >> 1]
            mean = total / max(np.float64(count), 1.0)
            sums[row, column] = mean if total >= thresholds[count] else parent


@njit(cache=True, nogil=True)
def _choose(
    image: np.ndarray, dq: np.ndarray, unusable: Any, single: float, blocks: np.ndarray, out: np.ndarray
) -> None:
    """Take the pixels that are significant by themselves, else the estimates of level 1."""
    for row in range(image.shape[0]):
        above = blocks[row >> 1]
        for column in range(image.shape[1]):
            value, block = image[row, column], above[column >> 1]
            alone = (value >= single) & ((dq[row, column] & unusable) == 0)
            out[row, column] = value if alone else block


def expected_signal(
    image: np.ndarray, dq: np.ndarray, unusable: int, noise_variance: float, excess: float
) -> np.ndarray:
    """Estimate the expected electrons of every pixel.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float64
        Measured electrons per pixel, dark subtracted.
    dq : ndarray, shape (rows, columns), uint16
        Pixels with a bit of ``unusable`` set are left out of every estimate.
    noise_variance : float
        Signal-independent variance of one pixel, e-^2.
    excess : float
        Squared excess noise factor: variance of the shot noise over the signal.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        Not below 0.
    """
    # A sum S of n pixels is significant where S^2 >= s^2 (n noise_variance + excess S): a threshold for each n.
    pixels = np.arange(4**LEVELS + 1)
    half = SIGNIFICANCE**2 * excess / 2
    thresholds = half + np.sqrt(half * half + SIGNIFICANCE**2 * pixels * noise_variance)
    thresholds[0] = np.inf
    thresholds = np.maximum(thresholds, np.finfo(float).tiny)
    largest = 1 << LEVELS
    shape = [-(-size // largest) * largest for size in image.shape]
    sums = [np.zeros((shape[0] >> level, shape[1] >> level)) for level in range(1, LEVELS + 1)]
    counts = [np.zeros(level.shape, dtype=np.int32) for level in sums]
    bits = np.uint16(unusable)
    _sum_pixels(image, dq, bits, sums[0], counts[0])
    for fine in range(LEVELS - 1):
        _sum_level(sums[fine], sums[fine + 1])
        _sum_level(counts[fine], counts[fine + 1])
    # The largest block stands for itself, whatever its significance.
    estimate = np.maximum(sums[-1], 0.0) / np.maximum(counts[-1], 1)
    for level in range(LEVELS - 2, -1, -1):
        _descend(sums[level], counts[level], estimate, thresholds)
        estimate = sums[level]
    out = np.empty_like(image)
    _choose(image, dq, bits, thresholds[1], estimate, out)
    return out
