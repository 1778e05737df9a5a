"""The grids of angles in the metadata of a granule: the sun's, and each band's and detector's view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.simulation.cloud_kernels import Look
from levelworks.ard.simulation.orbits import DETECTOR_OVERLAP, DETECTORS
from levelworks.ard.simulation.placement import Placement

STEP = 5000.0
"""Metres between the nodes of the grids; the first is the tile's corner."""


@dataclass(frozen=True)
class AngleGrids:
    """Angles at the nodes, degrees; azimuths from true north, 0 to 360.

    Parameters
    ----------
    sun_zenith, sun_azimuth : (rows, columns) float64
    mean_sun : (float, float)
        Zenith and azimuth.
    views : dict of (int, int) to (ndarray, ndarray)
        Zenith and azimuth by band (0 to 12) and detector (1 to 12); NaN where the detector doesn't look.
    mean_views : dict of int to (float, float)
        By band.
    """

    sun_zenith: np.ndarray
    sun_azimuth: np.ndarray
    mean_sun: tuple[float, float]
    views: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]
    mean_views: dict[int, tuple[float, float]]


def angle_grids(placement: Placement) -> AngleGrids:
    """Return the grids of a scene."""
    west, south, east, north = placement.grid.bounds
    columns, rows = (int(np.ceil(size / STEP)) + 1 for size in (east - west, north - south))
    x, y = np.meshgrid(west + STEP * np.arange(columns), north - STEP * np.arange(rows))
    longitude, latitude = placement.zone.geographic(x, y)
    zenith, azimuth = placement.sun(placement.time, longitude, latitude)
    convergence = placement.zone.convergence(longitude, latitude)
    middle_zenith, middle_azimuth = placement.sun(placement.time)
    views: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
    means: dict[int, tuple[float, float]] = {}
    for number, band in enumerate(placement.sensor.bands):
        look = placement.look(band.key)
        total = np.zeros(2)
        for detector in range(1, DETECTORS + 1):
            tangents = _tangents_of(look, detector, x, y)
            known = np.isfinite(tangents[0])
            if not known.any():
                continue
            total += [np.nansum(tangents[0]), np.nansum(tangents[1])]
            turned = np.degrees(np.arctan2(tangents[0], tangents[1])) + convergence
            views[number, detector] = np.degrees(np.arctan(np.hypot(*tangents))), turned % 360
        if total.any():
            nodes = sum(int(np.isfinite(views[key][0]).sum()) for key in views if key[0] == number)
            east_mean, north_mean = total / nodes
            turned_mean = float(np.degrees(np.arctan2(east_mean, north_mean)) + placement.convergence) % 360
            means[number] = float(np.degrees(np.arctan(np.hypot(east_mean, north_mean)))), turned_mean
    return AngleGrids(zenith, azimuth, (float(middle_zenith), float(middle_azimuth)), views, means)


def _tangents_of(look: Look, detector: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the tangent of a detector's view at nodes, (2, rows, columns): east and north; NaN where it doesn't look.

    Neighbours overlap, and the swath ends where it ends.
    """
    across = look.across + (x - look.x) * look.forward_north - (y - look.y) * look.forward_east
    middle = look.half_across - (detector - 0.5) * look.detector_width
    inside = np.abs(across - middle) <= (look.detector_width + DETECTOR_OVERLAP) / 2
    inside &= np.abs(across) < look.half_across
    side = -across * look.scale
    ahead = look.stagger if detector % 2 else -look.stagger
    east = look.east + side * look.forward_north + ahead * look.forward_east
    north = look.north + ahead * look.forward_north - side * look.forward_east
    return np.where(inside, np.stack([east, north]), np.nan)
