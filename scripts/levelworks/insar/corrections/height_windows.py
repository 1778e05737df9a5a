"""Slopes against height that change over a frame: a fit in each window, blended smoothly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from levelworks.insar.corrections.bilinear import interpolate
from levelworks.insar.corrections.height_fit import HeightFit, fit_height

BLEND = 1.0
"""Standard deviation of the blending, in distances of nodes."""
LEAST_WEIGHT = 1e-9
"""Below which the nearest node that is blended stands for one."""


@dataclass(frozen=True)
class Slopes:
    """Slopes against height at nodes half a window apart.

    ``values`` in rad/m, 0 where phase does not go with height, NaN where nothing can be said; ``leverage`` is by what
    they count in blending, so that level ground next to hills says little; ``rows`` and ``columns`` are the nodes'
    places in cells; ``applied`` is how many of the nodes have a slope.
    """

    values: np.ndarray
    leverage: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    applied: int

    def on_grid(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the slopes on a whole grid, rad/m: known nodes blended, what lies beyond them as the nearest."""
        known = np.isfinite(self.values)
        counts = np.where(known, self.leverage / max(self.leverage.max(), 1e-30), 0.0)
        weight = gaussian_filter(counts, BLEND, mode="constant")
        total = gaussian_filter(counts * np.nan_to_num(self.values), BLEND, mode="constant")
        reached = weight > LEAST_WEIGHT
        blended = np.divide(total, weight, out=np.zeros_like(total), where=reached)
        nearest = distance_transform_edt(~reached, return_distances=False, return_indices=True)
        blended = blended[tuple(nearest)]
        # Cells beyond the outermost nodes are as those.
        places = [
            np.clip(np.interp(np.arange(size), at, np.arange(at.size)), 0, at.size - 1)
            for size, at in zip(shape, (self.rows, self.columns), strict=True)
        ]
        return interpolate(blended, *places)


def fit_windows(
    phase: np.ndarray,
    height: np.ndarray,
    weight: np.ndarray,
    inside: np.ndarray,
    sides: tuple[int, int],
    limits: tuple[float, float],
) -> Slopes:
    """Fit slopes in windows that overlap by half.

    Parameters
    ----------
    phase, height, weight : ndarray, shape (rows, columns)
    inside : ndarray of bool
        Cells that are fitted.
    sides : tuple of int
        Rows and columns of a window.
    limits : tuple of float
        Least correlation and least relief (m) of a window whose slope is taken.
    """
    rows, columns = (_nodes(size, side) for size, side in zip(phase.shape, sides, strict=True))
    values, leverage = np.full((rows.size, columns.size), np.nan), np.zeros((rows.size, columns.size))
    applied = 0
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            part = _around(row, sides[0]), _around(column, sides[1])
            chosen = inside[part]
            found: HeightFit = fit_height(phase[part][chosen], height[part][chosen], weight[part][chosen])
            leverage[i, j] = found.leverage
            if found.applies(*limits):
                values[i, j] = found.slope
                applied += 1
            elif found.fitted(limits[1]):
                values[i, j] = 0.0
    return Slopes(values, leverage, rows, columns, applied)


def _nodes(size: int, side: int) -> np.ndarray:
    """Return the middles of windows, half a window apart, evenly from one end to the other."""
    if size <= side:
        return np.array([(size - 1) / 2])
    number = int(np.ceil((size - side) / (side / 2))) + 1
    return np.linspace((side - 1) / 2, size - 1 - (side - 1) / 2, number)


def _around(middle: float, side: int) -> slice:
    start = max(round(middle - (side - 1) / 2), 0)
    return slice(start, start + side)
