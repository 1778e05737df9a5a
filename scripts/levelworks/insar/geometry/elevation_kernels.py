"""Compiled interpolation of heights in a grid of longitude and latitude."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def height_at(heights, grid, cubic, latitude, longitude):  # type: ignore[no-untyped-def]
    """Return the height (m) at a place in radians; NaN outside the grid or where a height around is NaN.

    ``grid`` is west, north, and the steps to east and south, of cell centres, in radians. Cubic convolution
    (Keys 1981, a = -1/2), bilinear in the outermost cells and where ``cubic`` is false.
    """
    x = (longitude - grid[0]) / grid[2]
    y = (grid[1] - latitude) / grid[3]
    turn = 2 * math.pi / grid[2]
    if x < -0.5:
        x += turn
    elif x > heights.shape[1] - 0.5:
        x -= turn
    rows, columns = heights.shape
    if not (x >= -0.5 and x <= columns - 0.5 and y >= -0.5 and y <= rows - 0.5):
        return math.nan
    x, y = min(max(x, 0.0), columns - 1.0), min(max(y, 0.0), rows - 1.0)
    i, j = min(int(y), rows - 2), min(int(x), columns - 2)
    s, t = x - j, y - i
    if not cubic or i == 0 or j == 0 or i == rows - 2 or j == columns - 2:
        upper = heights[i, j] * (1 - s) + heights[i, j + 1] * s
        lower = heights[i + 1, j] * (1 - s) + heights[i + 1, j + 1] * s
        return upper * (1 - t) + lower * t
    a0, a1 = ((-0.5 * s + 1.0) * s - 0.5) * s, (1.5 * s - 2.5) * s * s + 1.0
    a2, a3 = ((-1.5 * s + 2.0) * s + 0.5) * s, (0.5 * s - 0.5) * s * s
    b0, b1 = ((-0.5 * t + 1.0) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1.0
    b2, b3 = ((-1.5 * t + 2.0) * t + 0.5) * t, (0.5 * t - 0.5) * t * t
    total = 0.0
    for k, b in ((0, b0), (1, b1), (2, b2), (3, b3)):
        row = heights[i - 1 + k]
        total += b * (a0 * row[j - 1] + a1 * row[j] + a2 * row[j + 1] + a3 * row[j + 2])
    return total


@njit(cache=True, nogil=True)
def heights_at(
    heights: np.ndarray,
    grid: tuple[float, float, float, float],
    cubic: bool,
    latitude: np.ndarray,
    longitude: np.ndarray,
    result: np.ndarray,
) -> None:
    """Write heights (m) at places in degrees."""
    for k in range(latitude.size):
        result[k] = height_at(heights, grid, cubic, math.radians(latitude[k]), math.radians(longitude[k]))
