"""How a natural surface reflects by the directions of sun and view: Ross-thick and Li-sparse-reciprocal.

Written apart from the line's own `surface.brdf`, so that the truth doesn't rest on it. Source: Lucht, Schaaf and
Strahler 2000 (doi:10.1109/36.841980); weights of specs/ard.md 15.4.
"""

from __future__ import annotations

import numpy as np

VOLUME_AND_GEOMETRY = {
    "ULTRABLUE": (0.0774, 0.0372, 0.0079),
    "BLUE": (0.0774, 0.0372, 0.0079),
    "GREEN": (0.1306, 0.0580, 0.0178),
    "RED": (0.1690, 0.0574, 0.0227),
    "REDEDGE1": (0.2085, 0.0845, 0.0256),
    "REDEDGE2": (0.2316, 0.1003, 0.0273),
    "REDEDGE3": (0.2599, 0.1197, 0.0294),
    "BROADNIR": (0.3093, 0.1535, 0.0330),
    "NIR": (0.3093, 0.1535, 0.0330),
    "SWIR1": (0.3430, 0.1154, 0.0453),
    "SWIR2": (0.2658, 0.0639, 0.0387),
}
"""Isotropic, volumetric and geometric weights."""


def directional_ratio(
    band: str, sun_zenith: np.ndarray, view_zenith: np.ndarray, azimuth: np.ndarray, standard_sun_zenith: float
) -> np.ndarray:
    """Return reflectance in given directions over that seen from nadir under a standard sun.

    Parameters
    ----------
    band : str
    sun_zenith, view_zenith, azimuth : ndarray
        Degrees; azimuth between sun and view, 0 where both are on one side.
    standard_sun_zenith : float
        Degrees.

    Returns
    -------
    ndarray, float64
        1 of bands without weights (water vapour, cirrus).
    """
    if band not in VOLUME_AND_GEOMETRY:
        return np.ones(np.shape(sun_zenith))
    seen = _reflectance(band, *(np.radians(one) for one in (sun_zenith, view_zenith, azimuth)))
    standard = _reflectance(band, np.radians(standard_sun_zenith), np.zeros(()), np.zeros(()))
    return np.asarray(seen / standard)


def _reflectance(band: str, sun: np.ndarray, view: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    isotropic, volume, geometry = VOLUME_AND_GEOMETRY[band]
    cosine = np.cos(sun) * np.cos(view) + np.sin(sun) * np.sin(view) * np.cos(azimuth)
    phase = np.arccos(np.clip(cosine, -1, 1))
    ross = ((np.pi / 2 - phase) * cosine + np.sin(phase)) / (np.cos(sun) + np.cos(view)) - np.pi / 4
    secants = 1 / np.cos(sun) + 1 / np.cos(view)
    square = np.tan(sun) ** 2 + np.tan(view) ** 2 - 2 * np.tan(sun) * np.tan(view) * np.cos(azimuth)
    aside = np.tan(sun) * np.tan(view) * np.sin(azimuth)
    overlapping = np.arccos(np.clip(2 * np.sqrt(np.maximum(square, 0) + aside**2) / secants, -1, 1))
    shared = (overlapping - np.sin(overlapping) * np.cos(overlapping)) * secants / np.pi
    li = shared - secants + (1 + cosine) / (2 * np.cos(sun) * np.cos(view))
    return np.asarray(isotropic + volume * ross + geometry * li)
