"""Compiled intersection of range circles with the terrain (specs/insar.md 4.5).

All points at zero Doppler and slant range R lie on a circle about the satellite, in the plane across its velocity.
Along it, from nadir outwards, the ellipsoidal height rises: where it equals the terrain's is the ground.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from levelworks.insar.geometry.arc_kernels import state
from levelworks.insar.geometry.elevation_kernels import height_at
from levelworks.insar.geometry.ellipsoid_kernels import (
    SECOND_ECCENTRICITY_2,
    SEMI_MAJOR,
    geodetic,
    parametric,
)

HEIGHT_TOLERANCE = 1e-5
"""m."""
BRACKETED, GUESSED = 80, 12
"""Iterations: of the search that can't fail, and of the quick one."""
EARTH = 6371000.0
"""m, mean radius, for guesses."""
FARTHEST = 0.01
"""Radians of look angle that the quick search may go from where it begins."""


@njit(cache=True, nogil=True)
def look_angle(frame, slant_range, height):  # type: ignore[no-untyped-def]
    """Return the angle (radians from nadir) at which the circle passes a height above the ellipsoid; NaN where never.

    Newton's method from the look angle over a sphere.
    """
    px, py, pz, nx, ny, nz, cx, cy, cz = frame
    distance = math.sqrt(px * px + py * py + pz * pz)
    sine = pz / distance
    radius = SEMI_MAJOR / math.sqrt(1 + SECOND_ECCENTRICITY_2 * sine * sine) + height
    cosine = (distance * distance + slant_range * slant_range - radius * radius) / (2 * distance * slant_range)
    if not -1.0 < cosine < 1.0:
        return math.nan
    angle = math.acos(cosine)
    for _ in range(20):
        s, c = math.sin(angle), math.cos(angle)
        x, y, z = (
            px + slant_range * (c * nx + s * cx),
            py + slant_range * (c * ny + s * cy),
            pz + slant_range * (c * nz + s * cz),
        )
        sine_lat, cosine_lat, found = parametric(x, y, z)
        out = math.sqrt(x * x + y * y)
        slope = slant_range * (
            ((c * cx - s * nx) * x + (c * cy - s * ny) * y) * cosine_lat / out + (c * cz - s * nz) * sine_lat
        )
        step = (found - height) / slope
        angle -= step
        if abs(step) * slant_range < HEIGHT_TOLERANCE:
            break
    return angle


@njit(cache=True, nogil=True, inline="always")
def above_ground(frame, slant_range, angle, heights, grid, cubic):  # type: ignore[no-untyped-def]
    """Return how far (m) a place of the circle lies above the terrain, and its latitude, longitude and height."""
    px, py, pz, nx, ny, nz, cx, cy, cz = frame
    s, c = slant_range * math.sin(angle), slant_range * math.cos(angle)
    latitude, longitude, height = geodetic(px + c * nx + s * cx, py + c * ny + s * cy, pz + c * nz + s * cz)
    return height - height_at(heights, grid, cubic, latitude, longitude), latitude, longitude, height


@njit(cache=True, nogil=True)
def search(frame, slant_range, lowest, highest, heights, grid, cubic):  # type: ignore[no-untyped-def]
    """Return angle, latitude, longitude (radians) and height (m) of the ground between two heights, by Illinois."""
    low = look_angle(frame, slant_range, lowest - 1.0)
    high = look_angle(frame, slant_range, highest + 1.0)
    below, above, last = lowest - 1.0 - highest, highest + 1.0 - lowest, 0.0
    angle = low + (high - low) * 0.5
    for _ in range(BRACKETED):
        over, latitude, longitude, height = above_ground(frame, slant_range, angle, heights, grid, cubic)
        if abs(over) <= HEIGHT_TOLERANCE:
            return angle, latitude, longitude, height
        if over != over:
            break
        if over < 0.0:
            low, below = angle, over
            if last < 0.0:
                above *= 0.5  # the other end has stood still
        else:
            high, above = angle, over
            if last > 0.0:
                below *= 0.5
        last = over
        angle = low + (high - low) * below / (below - above)
    return math.nan, math.nan, math.nan, math.nan


@njit(cache=True, nogil=True)
def search_near(frame, slant_range, guess, slope, heights, grid, cubic):  # type: ignore[no-untyped-def]
    """Return as `search` from a guess of the angle and of the height's change with it (m per radian), by secants."""
    angle = guess
    over, latitude, longitude, height = above_ground(frame, slant_range, angle, heights, grid, cubic)
    for _ in range(GUESSED):
        if abs(over) <= HEIGHT_TOLERANCE:
            return angle, latitude, longitude, height
        step = -over / slope
        if not abs(angle + step - guess) < FARTHEST:
            break
        angle += step
        before = over
        over, latitude, longitude, height = above_ground(frame, slant_range, angle, heights, grid, cubic)
        slope = (over - before) / step
    return math.nan, math.nan, math.nan, math.nan


@njit(cache=True, nogil=True)
def rdr2geo_grid(
    times: np.ndarray,
    ranges: np.ndarray,
    side: float,
    coefficients: np.ndarray,
    bounds: tuple[float, float, float, float],
    heights: np.ndarray,
    grid: tuple[float, float, float, float],
    cubic: bool,
    lowest: float,
    highest: float,
    result: np.ndarray,
) -> None:
    """Write latitude, longitude (degrees) and height (m) of lines and samples.

    Parameters
    ----------
    times, ranges : ndarray, float64
        Zero-Doppler times of lines (s) and slant ranges of samples (m).
    side : float
        1 looks to the right of the flight, -1 to the left.
    lowest, highest : float
        Of the terrain, m; between them the ground is searched for.
    result : ndarray, shape (3, lines, samples), float64
        NaN where the circle misses the terrain or its height is unknown.
    """
    middle, half, _, _ = bounds
    for i in range(times.size):
        px, py, pz, vx, vy, vz, _, _, _ = state(coefficients, (times[i] - middle) / half, half)
        speed = math.sqrt(vx * vx + vy * vy + vz * vz)
        vx, vy, vz = vx / speed, vy / speed, vz / speed
        along = px * vx + py * vy + pz * vz
        nx, ny, nz = along * vx - px, along * vy - py, along * vz - pz
        length = math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx / length, ny / length, nz / length
        cx, cy, cz = side * (ny * vz - nz * vy), side * (nz * vx - nx * vz), side * (nx * vy - ny * vx)
        frame = (px, py, pz, nx, ny, nz, cx, cy, cz)
        angle, last, sine, tangent = math.nan, math.nan, 1.0, 1.0
        for j in range(ranges.size):
            r = ranges[j]
            found, latitude, longitude, height = math.nan, math.nan, math.nan, math.nan
            if angle == angle:
                # The circle that is wider by dr passes the last height at an angle wider by dr / (r tan(incidence)).
                wider = (r - last) / (r * tangent)
                found, latitude, longitude, height = search_near(
                    frame, r, angle + wider, r * sine, heights, grid, cubic
                )
            if found != found:
                found, latitude, longitude, height = search(frame, r, lowest, highest, heights, grid, cubic)
            angle, last = found, r
            # Over a sphere through the ground, sin(incidence) = |S| sin(look) / |P|.
            sine = math.sin(found) * math.sqrt(px * px + py * py + pz * pz) / EARTH
            tangent = sine / math.sqrt(1.0 - sine * sine) if sine < 1.0 else math.inf
            result[0, i, j], result[1, i, j], result[2, i, j] = math.degrees(latitude), math.degrees(longitude), height
