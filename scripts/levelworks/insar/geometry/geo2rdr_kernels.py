"""Compiled zero-Doppler equation: when and how far away a satellite is abeam of points (specs/insar.md 4.4)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from levelworks.insar.geometry.arc_kernels import state
from levelworks.insar.geometry.ellipsoid_kernels import cartesian

ITERATIONS = 20
LAST_STEP = 1e-4
"""s below which a step is the last: Newton's method squares errors, at some 1e-5 per second here."""


@njit(cache=True, nogil=True, inline="always")
def solve(x, y, z, coefficients, bounds, begin):  # type: ignore[no-untyped-def]
    """Return zero-Doppler time (s) and slant range (m) of an Earth-fixed point; NaN beyond the arc.

    Newton's method on ``f(t) = (P - S) . V``, ``f' = (P - S) . A - V . V``, always from the arc's middle, whose
    state is ``begin``, so that a point's solution does not depend on its neighbours.
    """
    middle, half, start, stop = bounds
    t, step = middle, 0.0
    dx = dy = dz = 0.0
    for k in range(ITERATIONS):
        if k == 0:
            px, py, pz, vx, vy, vz, ax, ay, az = begin
        else:
            px, py, pz, vx, vy, vz, ax, ay, az = state(coefficients, (t - middle) / half, half)
        dx, dy, dz = x - px, y - py, z - pz
        step = (dx * vx + dy * vy + dz * vz) / (vx * vx + vy * vy + vz * vz - dx * ax - dy * ay - dz * az)
        t += step
        if not (abs(step) > LAST_STEP and start - half < t < stop + half):
            # The last step is taken in the position too, along velocity and acceleration.
            dx -= (vx + 0.5 * ax * step) * step
            dy -= (vy + 0.5 * ay * step) * step
            dz -= (vz + 0.5 * az * step) * step
            break
    if not start <= t <= stop:
        return math.nan, math.nan
    return t, math.sqrt(dx * dx + dy * dy + dz * dz)


@njit(cache=True, nogil=True)
def geo2rdr_geodetic(
    latitude: np.ndarray,
    longitude: np.ndarray,
    height: np.ndarray,
    coefficients: np.ndarray,
    bounds: tuple[float, float, float, float],
    time: np.ndarray,
    slant_range: np.ndarray,
) -> None:
    """Write times (s) and ranges (m) of points in degrees and metres; ``bounds`` are middle, half, start and stop."""
    begin = state(coefficients, 0.0, bounds[1])
    for i in range(latitude.size):
        x, y, z = cartesian(math.radians(latitude[i]), math.radians(longitude[i]), height[i])
        time[i], slant_range[i] = solve(x, y, z, coefficients, bounds, begin)


@njit(cache=True, nogil=True)
def geo2rdr_cartesian(
    points: np.ndarray,
    coefficients: np.ndarray,
    bounds: tuple[float, float, float, float],
    time: np.ndarray,
    slant_range: np.ndarray,
) -> None:
    """Write times (s) and ranges (m) of Earth-fixed points (points, 3)."""
    begin = state(coefficients, 0.0, bounds[1])
    for i in range(points.shape[0]):
        time[i], slant_range[i] = solve(points[i, 0], points[i, 1], points[i, 2], coefficients, bounds, begin)
