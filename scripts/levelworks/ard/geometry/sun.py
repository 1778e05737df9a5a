"""The sun over an image: on its field, and the standard zenith that reflectance is brought to.

The theory is `core.sun`'s. The agencies' angles are geometric: without refraction every MTL at hand is met within
0.011 degrees, with it they would all be off by it (specs/ard.md 4).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from levelworks.ard.geometry.directions import to_vectors
from levelworks.ard.geometry.places import coordinates
from levelworks.ard.scene import ImageGrid
from levelworks.core.sun import sun_position

ORBITS = ((98.2, 10.1833), (98.62, 10.5))
"""Of Landsat and Sentinel-2: inclination, degrees, and local hour of crossing the equator (Zhang et al. 2016)."""


def sun_on_field(
    field: ImageGrid, time: datetime, *, seconds: np.ndarray | float = 0.0, refraction: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth of the sun at the centres of a grid's cells, degrees.

    Parameters
    ----------
    field : ImageGrid
        Such as ``grid.coarser(field_step(grid))``.
    time : datetime
        With a time zone.
    seconds : ndarray of the grid's shape, or float
        After `time` that each cell was seen.
    refraction : bool
        Whether the zenith is the apparent one.
    """
    longitude, latitude = coordinates(field)
    return sun_position(time, longitude, latitude, seconds=seconds, refraction=refraction)


def sun_vectors(field: ImageGrid, time: datetime, *, seconds: np.ndarray | float = 0.0) -> np.ndarray:
    """Return unit vectors to the sun at the centres of a grid's cells, shape (rows, columns, 3)."""
    return to_vectors(*sun_on_field(field, time, seconds=seconds))


def standard_sun_zenith(latitude: np.ndarray, longitude: np.ndarray, day: date) -> np.ndarray:
    """Return the sun zenith that reflectance is brought to, degrees: the mean over Landsat's and Sentinel-2's passes.

    Parameters
    ----------
    latitude, longitude : array
        Degrees.
    day : date
        UTC.

    Returns
    -------
    ndarray
        Of the shape of the places. Source: specs/ard.md 4; Zhang et al. 2016.
    """
    latitude, longitude = np.asarray(latitude, dtype=float), np.asarray(longitude, dtype=float)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    total = np.zeros(np.broadcast_shapes(latitude.shape, longitude.shape))
    for inclination, crossing in ORBITS:
        # Beyond the orbit's highest latitude the pass is that of the highest latitude.
        share = np.clip(np.tan(np.radians(latitude)) / np.tan(np.radians(inclination)), -1.0, 1.0)
        local = crossing - np.degrees(np.arcsin(share)) / 15.0
        universal = (local - longitude / 15.0) % 24.0
        total = total + sun_position(midnight, longitude, latitude, seconds=universal * 3600.0)[0]
    return np.asarray(total / len(ORBITS))
