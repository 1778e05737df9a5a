"""Unit vectors from the ground to the satellite, angles of incidence, headings (specs/insar.md 4.16)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from levelworks.insar.geometry.ellipsoid import local_axes, to_cartesian, to_geodetic
from levelworks.insar.geometry.geo2rdr import locate
from levelworks.insar.orbits.state_vectors import OrbitArc

EARTH_RATE = 7.2921151467e-5
"""rad/s, of the Earth-fixed frame."""


@dataclass(frozen=True)
class LineOfSight:
    """Components of the unit vector from the ground to the satellite, and the angle of incidence; float64.

    ``incidence`` is against the ellipsoid's normal, degrees.
    """

    east: np.ndarray
    north: np.ndarray
    up: np.ndarray
    incidence: np.ndarray


def line_of_sight(arc: OrbitArc, latitude: ArrayLike, longitude: ArrayLike, height: ArrayLike) -> LineOfSight:
    """Compute the direction in which places see the satellite when it is abeam.

    Parameters
    ----------
    arc : OrbitArc
    latitude, longitude, height : array_like
        Degrees, degrees, metres above the ellipsoid; NaN gives NaN, as does a place that the arc doesn't pass.
    """
    points = to_cartesian(latitude, longitude, height)
    times, slant_range = locate(arc, points)
    look = (arc.at(times)[0] - points) / slant_range[..., None]
    east, north, up = (np.einsum("...k,...k", look, axis) for axis in local_axes(latitude, longitude))
    return LineOfSight(east, north, up, np.degrees(np.arccos(np.clip(up, -1.0, 1.0))))


def geocentric_incidence(arc: OrbitArc, points: np.ndarray) -> np.ndarray:
    """Return angles of incidence (degrees) at Earth-fixed points (..., 3; m) against the direction from the centre.

    These are what the agency's annotations give, to 1e-9 degrees; against the ellipsoid's normal they differ by up
    to 0.04 degrees.
    """
    times, slant_range = locate(arc, points)
    look = (arc.at(times)[0] - points) / slant_range[..., None]
    upright = points / np.linalg.norm(points, axis=-1, keepdims=True)
    return np.asarray(np.degrees(np.arccos(np.einsum("...k,...k", look, upright))))


def heading(arc: OrbitArc, time: float, *, inertial: bool = False) -> float:
    """Return the direction of flight over the ground (degrees clockwise from north, -180 to 180).

    Parameters
    ----------
    time : float
        s since the orbit's epoch.
    inertial : bool
        Of the velocity in space rather than relative to the turning Earth.
    """
    position, velocity, _ = arc.at(time)
    if inertial:
        velocity = velocity + np.cross([0.0, 0.0, EARTH_RATE], position)
    latitude, longitude, _ = to_geodetic(position)
    east, north, _ = local_axes(latitude, longitude)
    return float(np.degrees(np.arctan2(velocity @ east, velocity @ north)))
