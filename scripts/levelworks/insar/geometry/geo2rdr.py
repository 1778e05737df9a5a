"""From the ground to the radar: zero-Doppler times and slant ranges of points (specs/insar.md 4.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from levelworks.insar.geometry.geo2rdr_kernels import geo2rdr_cartesian, geo2rdr_geodetic
from levelworks.insar.orbits.state_vectors import OrbitArc


def geo2rdr(
    arc: OrbitArc, latitude: ArrayLike, longitude: ArrayLike, height: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Locate points on the ground in radar geometry.

    Parameters
    ----------
    arc : OrbitArc
        Of the satellite; points that it does not pass get NaN.
    latitude, longitude, height : array_like
        Degrees, degrees, metres above the ellipsoid; broadcast against each other.

    Returns
    -------
    time, slant_range : ndarray, float64
        Zero-Doppler time (s since the orbit's epoch) and slant range (m).
    """
    lat, lon, high = np.broadcast_arrays(*(np.asarray(value, np.float64) for value in (latitude, longitude, height)))
    time, slant_range = np.empty(lat.size), np.empty(lat.size)
    geo2rdr_geodetic(lat.ravel(), lon.ravel(), high.ravel(), arc.coefficients, bounds(arc), time, slant_range)
    return time.reshape(lat.shape), slant_range.reshape(lat.shape)


def locate(arc: OrbitArc, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Locate Earth-fixed points (..., 3; m): zero-Doppler times (s) and slant ranges (m), as `geo2rdr` does."""
    flat = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
    time, slant_range = np.empty(flat.shape[0]), np.empty(flat.shape[0])
    geo2rdr_cartesian(flat, arc.coefficients, bounds(arc), time, slant_range)
    return time.reshape(points.shape[:-1]), slant_range.reshape(points.shape[:-1])


def bounds(arc: OrbitArc) -> tuple[float, float, float, float]:
    """Return middle, half, start and stop of an arc, as kernels take them."""
    return arc.middle, arc.half, arc.start, arc.stop
