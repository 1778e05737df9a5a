"""Where a satellite stands in the sky of the ground that it sees, from its position in Earth-fixed coordinates."""

from __future__ import annotations

import numpy as np

from levelworks.plumes.mapping.pixel_area import geocentric


def view_angles(longitude: np.ndarray, latitude: np.ndarray, satellite: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth (degrees, azimuth 0 to 360 clockwise from north) of the satellite.

    Parameters
    ----------
    longitude, latitude : (rows, columns)
        Of the ground, degrees in WGS 84, taken at sea level: 4 km higher change the zenith of a low orbit by less
        than 0.3 degrees.
    satellite : (rows, 3)
        Metres from the Earth's centre, for each row.
    """
    sight = satellite[:, None, :] - geocentric(longitude, latitude)
    east, north, up = local_axes(longitude, latitude)
    parts = [(sight * axis).sum(axis=-1) for axis in (east, north, up)]
    zenith = np.degrees(np.arctan2(np.hypot(parts[0], parts[1]), parts[2]))
    return zenith, np.degrees(np.arctan2(parts[0], parts[1])) % 360


def satellite_positions(
    longitude: np.ndarray, latitude: np.ndarray, zenith: np.ndarray, azimuth: np.ndarray, distance: float
) -> np.ndarray:
    """Return where satellites are, (..., 3) m, that stand at angles (degrees) and a distance (m) from the ground."""
    down, around = np.radians(zenith), np.radians(azimuth)
    parts = (np.sin(down) * np.sin(around), np.sin(down) * np.cos(around), np.cos(down))
    axes = local_axes(longitude, latitude)
    sight = np.sum([part[..., None] * axis for part, axis in zip(parts, axes, strict=True)], axis=0)
    return np.asarray(geocentric(longitude, latitude) + distance * sight)


def local_axes(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return unit vectors to the east, north and up, each (..., 3), in Earth-fixed coordinates."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    none = np.zeros_like(lon)
    east = np.stack([-np.sin(lon), np.cos(lon), none], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return east, north, up
