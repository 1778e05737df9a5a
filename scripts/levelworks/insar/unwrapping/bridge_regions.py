"""Bring islands to the cycle of the mainland across the shortest water."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

CYCLE = 2 * np.pi


def bridge_regions(unwrapped: np.ndarray, valid: np.ndarray, reach: int = 5) -> np.ndarray:
    """Find the cycles that bring each separate region nearest to the largest one across the gap.

    Nothing measured connects the regions: this makes the choice small and the same in every run, not right.

    Parameters
    ----------
    unwrapped : ndarray, shape (rows, columns), float
        rad.
    valid : ndarray, shape (rows, columns), bool
    reach : int
        Pixels around the two ends of the shortest gap, whose medians are compared.

    Returns
    -------
    ndarray, shape (rows, columns), int32
        Cycles to add.
    """
    labels, count = ndimage.label(valid)
    cycles = np.zeros(count + 1, np.int32)
    if count > 1:
        main = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
        distance, nearest = ndimage.distance_transform_edt(labels != main, return_indices=True)
        ends = ndimage.minimum_position(distance, labels, np.arange(1, count + 1))
        for region, (i, j) in enumerate(ends, 1):
            if region != main:
                here = _median_near(unwrapped, labels, region, int(i), int(j), reach)
                there = _median_near(unwrapped, labels, main, int(nearest[0, i, j]), int(nearest[1, i, j]), reach)
                cycles[region] = round((there - here) / CYCLE)
    return cycles[labels]


def _median_near(phase: np.ndarray, labels: np.ndarray, region: int, i: int, j: int, reach: int) -> float:
    """Return the median of a region's phase around a pixel of it."""
    square = slice(max(i - reach, 0), i + reach + 1), slice(max(j - reach, 0), j + reach + 1)
    return float(np.median(phase[square][labels[square] == region]))
