"""What clear ground looks like around a pixel: quantiles of haze and temperature on cells of a few kilometres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.masks.clear_sky_kernels import (
    HAZE_BINS,
    TEMPERATURE_BINS,
    TEMPERATURE_LOW,
    TEMPERATURE_STEP,
)
from levelworks.ard.masks.pixel_test_kernels import HAZE_OFFSET, HAZE_STEP
from levelworks.ard.scene import ImageGrid

CELL_SIZE = 6000.0
"""Metres along a side of the cells of clear-sky statistics."""
ENOUGH = 0.25
"""Share of a cell's pixels that must be clear for its own statistics to count; else neighbours are added."""
LOW, HIGH = 0.175, 0.825
"""Quantiles of Fmask for the cold and the warm end of clear ground."""


def clear_step(grid: ImageGrid) -> int:
    """Return the pixels along a side of a cell."""
    return max(1, round(CELL_SIZE / grid.resolution))


@dataclass(frozen=True)
class Histograms:
    """Of clear pixels by cell, as `count_clear` fills them."""

    hazes: np.ndarray
    temperatures: np.ndarray

    @classmethod
    def empty(cls, grid: ImageGrid) -> Histograms:
        """Return histograms of no pixel."""
        shape = grid.coarser(clear_step(grid)).shape
        return cls(np.zeros((*shape, HAZE_BINS), np.int32), np.zeros((3, *shape, TEMPERATURE_BINS), np.int32))


@dataclass(frozen=True)
class ClearSky:
    """Clear ground on the cells.

    Parameters
    ----------
    haze : ndarray, shape (cell rows, cell columns), float64
        Upper quantile of the haze-optimised transform.
    cold, warm : ndarray, shape (3, cell rows, cell columns), float64
        Lower and upper quantiles of temperature at sea level over land, water and snow, kelvin; NaN where the image
        has no such clear ground.
    """

    haze: np.ndarray
    cold: np.ndarray
    warm: np.ndarray


def quantile_of(histogram: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Return a quantile of histograms along their last axis, in bins; NaN of empty ones.

    Values are taken to be spread evenly within a bin.
    """
    total = histogram.sum(axis=-1)
    cumulative = np.cumsum(histogram, axis=-1)
    wanted = share * total
    bin_ = np.minimum((cumulative < wanted[..., None]).sum(axis=-1), histogram.shape[-1] - 1)
    inside = np.take_along_axis(histogram, bin_[..., None], -1)[..., 0]
    below = np.take_along_axis(cumulative, bin_[..., None], -1)[..., 0] - inside
    part = np.divide(wanted - below, inside, out=np.zeros(np.shape(wanted)), where=inside > 0)
    return np.where(total > 0, bin_ + part, np.nan)


def gather(histogram: np.ndarray, enough: float) -> np.ndarray:
    """Return histograms of cells to which rings of neighbours are added until they hold enough pixels.

    Parameters
    ----------
    histogram : ndarray, shape (cell rows, cell columns, bins)
    enough : float
        Pixels.

    Returns
    -------
    ndarray of int32, of the same shape
    """
    rows, columns, _ = histogram.shape
    sums = np.zeros((rows + 1, columns + 1, histogram.shape[2]), np.int32)
    np.cumsum(histogram, axis=0, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    totals = sums.sum(axis=2, dtype=np.int64)
    gathered = np.empty(histogram.shape, np.int32)
    for row in range(rows):
        for column in range(columns):
            radius = 0
            while True:
                top, bottom = max(row - radius, 0), min(row + radius + 1, rows)
                left, right = max(column - radius, 0), min(column + radius + 1, columns)
                total = totals[bottom, right] - totals[top, right] - totals[bottom, left] + totals[top, left]
                whole = top == 0 and left == 0 and bottom == rows and right == columns
                if whole or total >= enough:
                    break
                radius += 1
            gathered[row, column] = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return gathered


def describe_clear_sky(histograms: Histograms, grid: ImageGrid) -> ClearSky:
    """Find the quantiles of clear ground on the cells from the whole image's histograms."""
    enough = ENOUGH * clear_step(grid) ** 2
    haze = (quantile_of(gather(histograms.hazes, enough), HIGH) - 0.5) / HAZE_STEP - HAZE_OFFSET
    cold, warm = [], []
    for ground in histograms.temperatures:
        near = gather(ground, enough)
        cold.append(TEMPERATURE_LOW + TEMPERATURE_STEP * quantile_of(near, LOW))
        warm.append(TEMPERATURE_LOW + TEMPERATURE_STEP * quantile_of(near, HIGH))
    return ClearSky(haze, np.stack(cold), np.stack(warm))
