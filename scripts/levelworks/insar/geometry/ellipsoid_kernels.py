"""Compiled conversions between geodetic and Cartesian coordinates of WGS 84."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

SEMI_MAJOR = 6378137.0
FLATTENING = 1 / 298.257223563
SEMI_MINOR = SEMI_MAJOR * (1 - FLATTENING)
ECCENTRICITY_2 = FLATTENING * (2 - FLATTENING)
SECOND_ECCENTRICITY_2 = ECCENTRICITY_2 / (1 - ECCENTRICITY_2)


@njit(cache=True, nogil=True, inline="always")
def cartesian(latitude: float, longitude: float, height: float) -> tuple[float, float, float]:
    """Return Earth-fixed coordinates (m) of latitude and longitude (radians) and ellipsoidal height (m)."""
    sine, cosine = math.sin(latitude), math.cos(latitude)
    normal = SEMI_MAJOR / math.sqrt(1 - ECCENTRICITY_2 * sine * sine)
    out = (normal + height) * cosine
    return (
        out * math.cos(longitude),
        out * math.sin(longitude),
        (normal * (1 - ECCENTRICITY_2) + height) * sine,
    )


@njit(cache=True, nogil=True, inline="always")
def parametric(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return sine and cosine of the latitude, and ellipsoidal height (m), of Earth-fixed coordinates (m).

    Bowring's formula with one repetition of the reduced latitude: below 1e-9 m up to 10 km of height.
    """
    out = math.sqrt(x * x + y * y)
    up, along = z * SEMI_MAJOR, out * SEMI_MINOR
    for _ in range(2):
        length = math.sqrt(up * up + along * along)
        s, c = up / length, along / length
        up = z + SECOND_ECCENTRICITY_2 * SEMI_MINOR * s * s * s
        along = out - ECCENTRICITY_2 * SEMI_MAJOR * c * c * c
        last_up, last_along = up, along
        up, along = up * SEMI_MINOR, along * SEMI_MAJOR
    length = math.sqrt(last_up * last_up + last_along * last_along)
    sine, cosine = last_up / length, last_along / length
    height = out * cosine + z * sine - SEMI_MAJOR * math.sqrt(1 - ECCENTRICITY_2 * sine * sine)
    return sine, cosine, height


@njit(cache=True, nogil=True, inline="always")
def geodetic(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return latitude and longitude (radians) and ellipsoidal height (m) of Earth-fixed coordinates (m)."""
    sine, cosine, height = parametric(x, y, z)
    return math.atan2(sine, cosine), math.atan2(y, x), height


@njit(cache=True, nogil=True)
def all_cartesian(latitude: np.ndarray, longitude: np.ndarray, height: np.ndarray, result: np.ndarray) -> None:
    """Write Earth-fixed coordinates of points (degrees, m) to (points, 3)."""
    for i in range(latitude.size):
        result[i, 0], result[i, 1], result[i, 2] = cartesian(
            math.radians(latitude[i]), math.radians(longitude[i]), height[i]
        )


@njit(cache=True, nogil=True)
def all_geodetic(points: np.ndarray, result: np.ndarray) -> None:
    """Write latitude, longitude (degrees) and height (m) of Earth-fixed points (points, 3) to (3, points)."""
    for i in range(points.shape[0]):
        latitude, longitude, height = geodetic(points[i, 0], points[i, 1], points[i, 2])
        result[0, i], result[1, i], result[2, i] = math.degrees(latitude), math.degrees(longitude), height
