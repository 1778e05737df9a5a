"""Positions on the sphere: great-circle distances, longitudes about a centre, mean positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM = 6371.0088  # mean radius (2a + b) / 3 of WGS84

Floats = NDArray[np.float64]


def wrap_longitude(longitude: float, *, east: bool = False) -> float:
    """Return a longitude in [-180, 180), or in (-180, 180] where ``east`` is set; values inside stay as they are."""
    if -180 < longitude < 180:
        return float(longitude)
    wrapped = (longitude + 180) % 360 - 180
    return 180.0 if east and wrapped == -180 else float(wrapped)


def unwrap_longitude(longitude: ArrayLike, centre: float) -> Floats:
    """Return longitudes shifted by whole turns to within 180 degrees of a centre (degrees, float64).

    Longitudes that are there already keep their bits.
    """
    values = np.asarray(longitude, np.float64)
    return values - 360.0 * np.round((values - centre) / 360.0)


def great_circle_km(lon_a: ArrayLike, lat_a: ArrayLike, lon_b: ArrayLike, lat_b: ArrayLike) -> Floats:
    """Compute great-circle distances on the sphere of the WGS84 mean radius.

    Parameters
    ----------
    lon_a, lat_a, lon_b, lat_b : array_like
        Degrees; broadcast against each other.

    Returns
    -------
    ndarray
        Kilometres, by the haversine formula, which is exact at short distances.
    """
    lon_1, lat_1, lon_2, lat_2 = (np.radians(np.asarray(value, np.float64)) for value in (lon_a, lat_a, lon_b, lat_b))
    half = np.sin((lat_2 - lat_1) / 2) ** 2 + np.cos(lat_1) * np.cos(lat_2) * np.sin((lon_2 - lon_1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def unit_vectors(longitude: ArrayLike, latitude: ArrayLike) -> Floats:
    """Return points (degrees) as unit vectors from the Earth's centre, shape (..., 3)."""
    lon, lat = np.radians(np.asarray(longitude, np.float64)), np.radians(np.asarray(latitude, np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def mean_position(longitude: ArrayLike, latitude: ArrayLike) -> tuple[float, float]:
    """Return the mean of points as longitude and latitude (degrees), safe at the antimeridian and the poles."""
    x, y, z = unit_vectors(longitude, latitude).reshape(-1, 3).mean(axis=0)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))
