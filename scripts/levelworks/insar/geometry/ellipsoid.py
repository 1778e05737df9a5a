"""Geodetic and Cartesian coordinates of WGS 84."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from levelworks.insar.geometry.ellipsoid_kernels import all_cartesian, all_geodetic


def to_cartesian(latitude: ArrayLike, longitude: ArrayLike, height: ArrayLike) -> np.ndarray:
    """Convert geodetic to Earth-fixed coordinates.

    Parameters
    ----------
    latitude, longitude, height : array_like
        Degrees, degrees, metres above the ellipsoid; broadcast against each other.

    Returns
    -------
    ndarray, shape (..., 3), float64
        Metres.
    """
    lat, lon, high = np.broadcast_arrays(*(np.asarray(value, np.float64) for value in (latitude, longitude, height)))
    result = np.empty((lat.size, 3))
    all_cartesian(lat.ravel(), lon.ravel(), high.ravel(), result)
    return result.reshape(*lat.shape, 3)


def to_geodetic(points: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Convert Earth-fixed coordinates (..., 3; m) to latitude, longitude (degrees) and ellipsoidal height (m)."""
    values = np.ascontiguousarray(points, np.float64)
    result = np.empty((3, values.size // 3))
    all_geodetic(values.reshape(-1, 3), result)
    latitude, longitude, height = result.reshape(3, *values.shape[:-1])
    return latitude, longitude, height


def local_axes(latitude: ArrayLike, longitude: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the unit vectors to east, north and up at places (degrees), each (..., 3) in Earth-fixed axes."""
    lat, lon = np.broadcast_arrays(*(np.radians(np.asarray(value, np.float64)) for value in (latitude, longitude)))
    sin_lat, cos_lat, sin_lon, cos_lon = np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)
    east = np.stack([-sin_lon, cos_lon, np.zeros_like(lon)], axis=-1)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=-1)
    up = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=-1)
    return east, north, up
