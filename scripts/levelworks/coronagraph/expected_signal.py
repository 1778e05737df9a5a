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


@njit(cache=True, nogil=True)
def _sum_pixels(image: np.ndarray, dq: np.ndarray, unusable: Any, sums: np.ndarray, counts: np.ndarray) -> None:
    """Sum the usable pixels of each 2 x 2 block of a tile; blocks at an odd edge are cut."""
    rows, columns = image.shape
    for row in range(0, rows, 2):
        other = min(row + 1, rows - 1)
        twice = row + 1 < rows
        for column in range(columns // 2 * 2):
            good = ((dq[row, column] & unusable) == 0) & (image[row, column] == image[row, column])
            also = twice & ((dq[other, column] & unusable) == 0) & (image[other, column] == image[other, column])
            pair = (image[row, column] if good else 0.0) + (image[other, column] if also else 0.0)
            usable = np.int32(good) + np.int32(also)
            if column & 1:
                sums[row >> 1, column >> 1] += pair
                counts[row >> 1, column >> 1] += usable
            else:
                sums[row >> 1, column >> 1] = pair
                counts[row >> 1, column >> 1] = usable
        if columns & 1:
            last = columns - 1
            good = ((dq[row, last] & unusable) == 0) & (image[row, last] == image[row, last])
            also = twice & ((dq[other, last] & unusable) == 0) & (image[other, last] == image[other, last])
            sums[row >> 1, last >> 1] = (image[row, last] if good else 0.0) + (image[other, last] if also else 0.0)
            counts[row >> 1, last >> 1] = np.int32(good) + np.int32(also)


@njit(cache=True, nogil=True)
def _estimate(image: np.ndarray, dq: np.ndarray, unusable: Any, thresholds: np.ndarray, out: np.ndarray) -> None:
    tile = 1 << LEVELS
    rows, columns = image.shape
    sums = [np.zeros((tile >> level, tile >> level)) for level in range(1, LEVELS + 1)]
    counts = [np.zeros((tile >> level, tile >> level), dtype=np.int32) for level in range(1, LEVELS + 1)]
    single = thresholds[1]
    for top in range(0, rows, tile):
        bottom = min(top + tile, rows)
        for left in range(0, columns, tile):
            right = min(left + tile, columns)
            if bottom - top < tile or right - left < tile:
                sums[0][:] = 0.0
                counts[0][:] = 0
            here, flags = image[top:bottom, left:right], dq[top:bottom, left:right]
            _sum_pixels(here, flags, unusable, sums[0], counts[0])
            for level in range(1, LEVELS):
                fine, coarse = sums[level - 1], sums[level]
                fine_count, coarse_count = counts[level - 1], counts[level]
                for row in range(coarse.shape[0]):
                    for column in range(coarse.shape[1]):
                        r, c = 2 * row, 2 * column
                        coarse[row, column] = (fine[r, c] + fine[r, c + 1]) + (fine[r + 1, c] + fine[r + 1, c + 1])
                        coarse_count[row, column] = (fine_count[r, c] + fine_count[r, c + 1]) + (
                            fine_count[r + 1, c] + fine_count[r + 1, c + 1]
                        )
            sums[LEVELS - 1][0, 0] = max(sums[LEVELS - 1][0, 0], 0.0) / max(counts[LEVELS - 1][0, 0], 1)
            for level in range(LEVELS - 2, -1, -1):
                estimate, parents, count = sums[level], sums[level + 1], counts[level]
                for row in range(estimate.shape[0]):
                    for column in range(estimate.shape[1]):
                        if estimate[row, column] >= thresholds[count[row, column]]:
                            estimate[row, column] /= count[row, column]
                        else:
                            estimate[row, column] = parents[row >> 1, column >> 1]
            blocks = sums[0]
            for row in range(bottom - top):
                for column in range(right - left):
                    value = here[row, column]
                    alone = (value >= single) & ((flags[row, column] & unusable) == 0)
                    out[top + row, left + column] = value if alone else blocks[row >> 1, column >> 1]


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
    out = np.empty_like(image)
    _estimate(image, dq, np.uint16(unusable), np.maximum(thresholds, np.finfo(float).tiny), out)
    return out
