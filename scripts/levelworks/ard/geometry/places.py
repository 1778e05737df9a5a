"""Where the cells of a grid lie: in the projection, on the ellipsoid, and seen from the Earth's centre."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pyproj import Transformer

from levelworks.ard.scene import ImageGrid

SEMI_MAJOR_AXIS = 6378137.0
ECCENTRICITY_SQUARED = 0.0066943799901413165
"""Of WGS 84's ellipsoid."""


@lru_cache(maxsize=8)
def _to_geographic(crs: str) -> Transformer:
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def centres(grid: ImageGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return x of the columns' centres and y of the rows', units of the projection."""
    x = grid.west + (np.arange(grid.columns) + 0.5) * grid.resolution
    y = grid.north - (np.arange(grid.rows) + 0.5) * grid.resolution
    return x, y


def coordinates(grid: ImageGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude of the cells' centres, degrees, both of the grid's shape."""
    return to_geographic(grid.crs, *np.meshgrid(*centres(grid)))


def to_geographic(crs: str, x: np.ndarray | float, y: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude, degrees, of places in a projection."""
    longitude, latitude = _to_geographic(crs).transform(x, y)
    return np.asarray(longitude, dtype=float), np.asarray(latitude, dtype=float)


def to_projection(crs: str, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y in a projection of places in degrees."""
    x, y = _to_geographic(crs).transform(longitude, latitude, direction="INVERSE")
    return np.asarray(x, dtype=float), np.asarray(y, dtype=float)


def earth_fixed(longitude: np.ndarray | float, latitude: np.ndarray | float) -> np.ndarray:
    """Return places on the ellipsoid as Earth-fixed coordinates (m), shape (..., 3)."""
    turn, phi = np.radians(longitude), np.radians(latitude)
    radius = SEMI_MAJOR_AXIS / np.sqrt(1.0 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2)
    up = (1.0 - ECCENTRICITY_SQUARED) * radius * np.sin(phi)
    return np.stack(
        np.broadcast_arrays(radius * np.cos(phi) * np.cos(turn), radius * np.cos(phi) * np.sin(turn), up), axis=-1
    )


def local_direction(longitude: np.ndarray, latitude: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return Earth-fixed vectors as unit vectors east, north and up at places, shape (..., 3)."""
    turn, phi = np.radians(longitude), np.radians(latitude)
    x, y, z = np.moveaxis(vector, -1, 0)
    outward = np.cos(turn) * x + np.sin(turn) * y
    found = np.stack(
        [
            -np.sin(turn) * x + np.cos(turn) * y,
            -np.sin(phi) * outward + np.cos(phi) * z,
            np.cos(phi) * outward + np.sin(phi) * z,
        ],
        axis=-1,
    )
    return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True))
