"""Directions as unit vectors (east, north, up): the only way to average and interpolate angles that wrap."""

from __future__ import annotations

import numpy as np


def to_vectors(zenith: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """Return unit vectors, shape (..., 3), of zenith and azimuth in degrees; azimuth clockwise from north."""
    tilt, turn = np.radians(zenith), np.radians(azimuth)
    return np.stack([np.sin(tilt) * np.sin(turn), np.sin(tilt) * np.cos(turn), np.cos(tilt)], axis=-1)


def to_angles(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth (0 to 360), degrees, of vectors of any length, shape (..., 3); NaN stays NaN."""
    east, north, up = np.moveaxis(np.asarray(vectors, dtype=float), -1, 0)
    zenith = np.degrees(np.arctan2(np.hypot(east, north), up))
    azimuth = np.degrees(np.arctan2(east, north)) % 360.0
    return zenith, np.where(azimuth == 360.0, 0.0, azimuth)


def spread_to_neighbours(vectors: np.ndarray, cells: float) -> np.ndarray:
    """Give cells without a direction that of the nearest cell with one, up to a distance.

    Parameters
    ----------
    vectors : ndarray, shape (rows, columns, n)
        NaN where there is none.
    cells : float
        Largest distance, in cells.
    """
    missing = ~np.isfinite(vectors).all(axis=-1)
    if not missing.any() or missing.all():
        return vectors
    from scipy.ndimage import distance_transform_edt

    distance, nearest = distance_transform_edt(missing, return_indices=True)
    filled = vectors[tuple(nearest)]
    filled[distance > cells] = np.nan
    return np.asarray(filled)
