"""Angles of sun and view: relative azimuth, sun glint, and interpolation between the corners of a scene.

Zeniths in degrees from the zenith, azimuths in degrees clockwise from north, both as seen from the ground.
"""

from __future__ import annotations

import numpy as np


def relative_azimuth(sun_azimuth: np.ndarray, view_azimuth: np.ndarray) -> np.ndarray:
    """Return the angle between the azimuths of sun and sensor (degrees), 0 to 180."""
    apart = np.abs(np.asarray(sun_azimuth) - np.asarray(view_azimuth)) % 360.0
    return np.minimum(apart, 360.0 - apart)


def sun_glint_angle(sun_zenith: np.ndarray, view_zenith: np.ndarray, relative: np.ndarray) -> np.ndarray:
    """Return the angle between the view and the mirror image of the sun on level water (degrees).

    The mirror sends sunlight to the azimuth opposite the sun's, so that the cosine is cos(vza) cos(sza) -
    sin(vza) sin(sza) cos(relative azimuth): 0 degrees where the zeniths agree and the azimuths are 180 apart
    (specs/plumes.md 1.3).
    """
    sun, view = np.radians(sun_zenith), np.radians(view_zenith)
    cosine = np.cos(view) * np.cos(sun) - np.sin(view) * np.sin(sun) * np.cos(np.radians(relative))
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def direction_vectors(zenith: np.ndarray | float, azimuth: np.ndarray | float) -> np.ndarray:
    """Return directions (degrees) as unit vectors to the east, north and up, shape (..., 3)."""
    down, around = np.radians(np.asarray(zenith, np.float64)), np.radians(np.asarray(azimuth, np.float64))
    return np.stack([np.sin(down) * np.sin(around), np.sin(down) * np.cos(around), np.cos(down)], axis=-1)


def angles_of(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth (degrees, azimuth 0 to 360) of vectors to the east, north and up of any length."""
    east, north, up = np.moveaxis(vectors, -1, 0)
    return np.degrees(np.arctan2(np.hypot(east, north), up)), np.degrees(np.arctan2(east, north)) % 360.0


def interpolate_directions(
    corners: tuple[np.ndarray, np.ndarray], centre: tuple[float, float], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate directions from the corners and the centre of a scene, as vectors.

    Bilinear between the corners; what the centre differs from that is added with the weight 16 x (1-x) y (1-y),
    which is 1 there. Azimuths of 359 and 1 degrees so give 0 and not 180 (specs/plumes.md, D11).

    Parameters
    ----------
    corners : pair of ndarray, shape (2, 2)
        Zenith and azimuth of the first and last pixels of the first and last rows.
    centre : pair of float
        Zenith and azimuth of the middle.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    zenith, azimuth : ndarray, shape (rows, columns)
    """
    vectors = direction_vectors(*corners)
    y, x = (np.linspace(0.0, 1.0, size) if size > 1 else np.array([0.5]) for size in shape)
    down, right = y[:, np.newaxis, np.newaxis], x[np.newaxis, :, np.newaxis]
    first = (1 - right) * vectors[0, 0] + right * vectors[0, 1]
    last = (1 - right) * vectors[1, 0] + right * vectors[1, 1]
    bubble = 16 * right * (1 - right) * down * (1 - down)
    remainder = direction_vectors(*centre) - vectors.mean(axis=(0, 1))
    return angles_of((1 - down) * first + down * last + bubble * remainder)
