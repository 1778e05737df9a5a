"""Where the sun stands: zenith, azimuth and distance from time and place.

The low-precision theory of Meeus, Astronomical Algorithms, chapters 12, 22, 25 and 40, as NOAA's calculator has it:
apparent longitude within 0.01 degrees from 1950 to 2050. Parallax is in; refraction is asked for, as the angles of
Level 1 are geometric.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
TERRESTRIAL_TIME = 69.2
"""Seconds that terrestrial time is ahead of UTC (since 2017)."""
SOLAR_PARALLAX = 8.794 / 3600
"""Degrees, at one astronomical unit."""


def sun_position(
    time: datetime,
    longitude: np.ndarray,
    latitude: np.ndarray,
    *,
    seconds: np.ndarray | float = 0.0,
    refraction: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth of the sun (degrees, azimuth clockwise from north), seen from the ground.

    Parameters
    ----------
    time : datetime
        With a time zone.
    longitude, latitude : array
        Degrees.
    seconds : array or float
        After `time`, where places are seen at different times.
    refraction : bool
        Whether the zenith is the apparent one.
    """
    days = (time - J2000).total_seconds() / 86400 + np.asarray(seconds, dtype=float) / 86400
    right_ascension, declination, distance = _apparent(days + TERRESTRIAL_TIME / 86400)
    sidereal = 280.46061837 + 360.98564736629 * days
    hour_angle = np.radians(sidereal + np.asarray(longitude, dtype=float)) - right_ascension
    phi = np.radians(np.asarray(latitude, dtype=float))
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour_angle)
    up = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    zenith = np.degrees(np.arctan2(np.hypot(east, north), up))
    zenith += SOLAR_PARALLAX / distance * np.sin(np.radians(zenith))
    if refraction:
        zenith -= refraction_of(zenith)
    return zenith, np.degrees(np.arctan2(east, north)) % 360


def sun_distance(time: datetime) -> float:
    """Return the Earth-Sun distance (astronomical units)."""
    return float(_apparent((time - J2000).total_seconds() / 86400 + TERRESTRIAL_TIME / 86400)[2])


def refraction_of(zenith: np.ndarray) -> np.ndarray:
    """Return by how much the standard atmosphere lifts the sun, degrees (NOAA's pieces; specs/ard.md 4).

    Parameters
    ----------
    zenith : array
        Geometric, degrees.
    """
    elevation = 90.0 - np.asarray(zenith, dtype=float)
    low = 1735.0 + elevation * (-518.2 + elevation * (103.4 + elevation * (-12.79 + 0.711 * elevation)))
    tangent = np.tan(np.radians(np.where(np.abs(elevation) < 0.5, 0.5, elevation)))
    high = 58.1 / tangent - 0.07 / tangent**3 + 0.000086 / tangent**5
    seconds = np.select([elevation > 85.0, elevation > 5.0, elevation > -0.575], [0.0, high, low], -20.774 / tangent)
    return seconds / 3600.0


def _apparent(days: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return right ascension and declination (radians) and distance of the apparent sun, days of TT since J2000."""
    t = np.asarray(days, dtype=float) / 36525
    mean_longitude = 280.46646 + 36000.76983 * t + 0.0003032 * t**2
    anomaly = np.radians(357.52911 + 35999.05029 * t - 0.0001537 * t**2)
    eccentricity = 0.016708634 - 0.000042037 * t
    centre = (
        (1.914602 - 0.004817 * t) * np.sin(anomaly)
        + (0.019993 - 0.000101 * t) * np.sin(2 * anomaly)
        + 0.000289 * np.sin(3 * anomaly)
    )
    node = np.radians(125.04 - 1934.136 * t)
    longitude = np.radians(mean_longitude + centre - 0.00569 - 0.00478 * np.sin(node))
    obliquity = np.radians(23.4392911 - 0.0130042 * t + 0.00256 * np.cos(node))
    true_anomaly = anomaly + np.radians(centre)
    distance = 1.000001018 * (1 - eccentricity**2) / (1 + eccentricity * np.cos(true_anomaly))
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    return right_ascension, np.arcsin(np.sin(obliquity) * np.sin(longitude)), distance
