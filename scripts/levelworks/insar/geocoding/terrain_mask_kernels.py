"""Compiled search for layover and shadow along lines on the ground that the radar sees at one time."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from levelworks.insar.geometry.elevation_kernels import height_at
from levelworks.insar.geometry.ellipsoid_kernels import cartesian

NO_DATA, FINE, LAYOVER, SHADOW, BOTH = 0, 1, 2, 3, 4


@njit(cache=True, nogil=True)
def flag_lines(
    latitude: np.ndarray,
    longitude: np.ndarray,
    steps: tuple[int, int],
    first: int,
    positions: np.ndarray,
    heights: np.ndarray,
    grid: tuple[float, float, float, float],
    cubic: bool,
    flags: np.ndarray,
) -> None:
    """Write flags of lines, from near to far range.

    Parameters
    ----------
    latitude, longitude : ndarray, float64
        radians; of every ``steps``-th line and sample at height 0.
    first : int
        Of the lines.
    positions : ndarray, shape (lines, 3)
        Of the satellite, m.
    heights, grid, cubic
        See `height_at`.
    flags : ndarray, shape (lines, samples), uint8
    """
    lines, samples = flags.shape
    slant_range, nadir = np.empty(samples), np.empty(samples)
    for i in range(lines):
        coarse, t = (first + i) // steps[0], ((first + i) % steps[0]) / steps[0]
        sx, sy, sz = positions[i]
        out = math.sqrt(sx * sx + sy * sy + sz * sz)
        farthest, widest = -math.inf, math.inf
        for j in range(samples):
            k, s = j // steps[1], (j % steps[1]) / steps[1]
            upper, lower = latitude[coarse], latitude[coarse + 1]
            lat = (1 - t) * ((1 - s) * upper[k] + s * upper[k + 1]) + t * ((1 - s) * lower[k] + s * lower[k + 1])
            upper, lower = longitude[coarse], longitude[coarse + 1]
            lon = (1 - t) * ((1 - s) * upper[k] + s * upper[k + 1]) + t * ((1 - s) * lower[k] + s * lower[k + 1])
            height = height_at(heights, grid, cubic, lat, lon)
            flags[i, j] = NO_DATA
            slant_range[j] = math.nan
            if math.isnan(height):
                continue
            x, y, z = cartesian(lat, lon, height)
            dx, dy, dz = x - sx, y - sy, z - sz
            slant_range[j] = math.sqrt(dx * dx + dy * dy + dz * dz)
            # The cosine of the look angle: it falls as the angle grows.
            nadir[j] = -(dx * sx + dy * sy + dz * sz) / (slant_range[j] * out)
            flags[i, j] = FINE
            if slant_range[j] <= farthest:
                flags[i, j] = LAYOVER
            if nadir[j] >= widest:
                flags[i, j] += SHADOW - FINE
            farthest, widest = max(farthest, slant_range[j]), min(widest, nadir[j])
        nearest = math.inf
        for j in range(samples - 1, -1, -1):
            if slant_range[j] >= nearest and flags[i, j] in (FINE, SHADOW):
                flags[i, j] += LAYOVER - FINE
            nearest = min(nearest, slant_range[j])
