"""The true fields of simulated days, and their means over footprints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Field: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]

BACKGROUND = 412.0
GRADIENT = (0.5, -0.3)
PLUME = 3.0
PLUME_WIDTHS = (0.20, 0.07)
PLUME_DISTANCE = 0.12
"""Of the true field: ppm, ppm/degree east and north, ppm, degrees along and across the wind, degrees downwind."""


def truth_xco2(lon: np.ndarray, lat: np.ndarray, lon0: float, lat0: float, day: dt.date) -> np.ndarray:
    """Return the true XCO2: background, a planar gradient, and a Gaussian plume from the centre with the day's wind.

    Parameters
    ----------
    lon, lat : ndarray
        Degrees; longitudes of any turn.
    lon0, lat0 : float
        The overpass's centre.
    day : datetime.date
        Turns the wind.

    Returns
    -------
    ndarray
        ppm.
    """
    east = (np.asarray(lon, dtype=np.float64) - lon0 + 180) % 360 - 180
    north = np.asarray(lat, dtype=np.float64) - lat0
    return BACKGROUND + GRADIENT[0] * east + GRADIENT[1] * north + PLUME * _plume(east, north, lat0, day)


def truth_sif(lon: np.ndarray, lat: np.ndarray, lon0: float, lat0: float, day: dt.date) -> np.ndarray:
    """Return the true daily SIF at 757 nm, less of it where the plume is; W/m2/sr/um, see `truth_xco2`."""
    east = (np.asarray(lon, dtype=np.float64) - lon0 + 180) % 360 - 180
    north = np.asarray(lat, dtype=np.float64) - lat0
    return 0.8 + 0.05 * east + 0.02 * north - 0.3 * _plume(east, north, lat0, day)


def _plume(east: np.ndarray, north: np.ndarray, lat0: float, day: dt.date) -> np.ndarray:
    wind = 2 * np.pi * (day.toordinal() * 0.618 % 1)
    x = east * np.cos(np.radians(lat0))
    along = x * np.cos(wind) + north * np.sin(wind) - PLUME_DISTANCE
    across = north * np.cos(wind) - x * np.sin(wind)
    return np.exp(-0.5 * ((along / PLUME_WIDTHS[0]) ** 2 + (across / PLUME_WIDTHS[1]) ** 2))


def footprint_mean(field: Field, vertex_longitude: np.ndarray, vertex_latitude: np.ndarray) -> np.ndarray:
    """Average a field over footprints: 3x3 Gauss-Legendre nodes on the bilinear quadrilateral, weighted by area.

    Parameters
    ----------
    field : callable
        Takes longitudes and latitudes (degrees), shape (N,).
    vertex_longitude, vertex_latitude : ndarray, shape (N, 4)
        Corners one after the other, degrees.

    Returns
    -------
    ndarray, shape (N,), float64
    """
    x = vertex_longitude.astype(np.float64)
    x = x[:, :1] + (x - x[:, :1] + 180) % 360 - 180
    y = vertex_latitude.astype(np.float64)
    nodes, weights = np.polynomial.legendre.leggauss(3)
    total, area = np.zeros(len(x)), np.zeros(len(x))
    side_s, side_t = np.array([-1, 1, 1, -1]), np.array([-1, -1, 1, 1])
    for s, weight_s in zip(nodes, weights, strict=True):
        for t, weight_t in zip(nodes, weights, strict=True):
            shape = (1 + s * side_s) * (1 + t * side_t) / 4
            slope_s, slope_t = side_s * (1 + t * side_t) / 4, side_t * (1 + s * side_s) / 4
            jacobian = np.abs((x @ slope_s) * (y @ slope_t) - (x @ slope_t) * (y @ slope_s))
            total += weight_s * weight_t * jacobian * field(x @ shape, y @ shape)
            area += weight_s * weight_t * jacobian
    return total / area
