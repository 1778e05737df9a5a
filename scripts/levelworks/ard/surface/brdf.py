"""Reflectance as seen from above under a standard sun: the c-factor of Ross-thick and Li-sparse-reciprocal kernels."""

from __future__ import annotations

import numpy as np

WEIGHTS = {
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
"""Isotropic, volumetric and geometric weights of the globe (Roy et al. 2016, 2017a, 2017b; spec section 15.4)."""


def brdf_kernels(
    sun_zenith: np.ndarray | float, view_zenith: np.ndarray | float, relative_azimuth: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Ross-thick and the Li-sparse-reciprocal kernel (crown height 2, shape 1).

    Parameters
    ----------
    sun_zenith, view_zenith, relative_azimuth : array
        Degrees; azimuth 0 is a sensor on the sun's side.

    Returns
    -------
    volumetric, geometric : ndarray, float64
        Both 0 where sun and sensor are at the zenith.

    References
    ----------
    Lucht, Schaaf and Strahler 2000, IEEE TGRS 38, 977, equations 38 to 44 (spec section 15.4).
    """
    sun, view = np.radians(np.asarray(sun_zenith, np.float64)), np.radians(np.asarray(view_zenith, np.float64))
    azimuth = np.radians(np.asarray(relative_azimuth, np.float64))
    phase = np.cos(sun) * np.cos(view) + np.sin(sun) * np.sin(view) * np.cos(azimuth)
    phase = np.clip(phase, -1.0, 1.0)
    angle = np.arccos(phase)
    volumetric = ((np.pi / 2 - angle) * phase + np.sin(angle)) / (np.cos(sun) + np.cos(view)) - np.pi / 4
    secants = 1 / np.cos(sun) + 1 / np.cos(view)
    tangents = np.tan(sun) * np.tan(view)
    distance = np.tan(sun) ** 2 + np.tan(view) ** 2 - 2 * tangents * np.cos(azimuth)
    cosine = 2 * np.sqrt(np.maximum(distance, 0.0) + (tangents * np.sin(azimuth)) ** 2) / secants
    shaded = np.arccos(np.clip(cosine, -1.0, 1.0))
    overlap = (shaded - np.sin(shaded) * np.cos(shaded)) * secants / np.pi
    geometric = overlap - secants + 0.5 * (1 + phase) / (np.cos(sun) * np.cos(view))
    return volumetric, geometric


def modelled_reflectance(
    band: str,
    sun_zenith: np.ndarray | float,
    view_zenith: np.ndarray | float,
    relative_azimuth: np.ndarray | float,
) -> np.ndarray:
    """Return the reflectance of the globe's mean surface in a band and geometry (degrees)."""
    isotropic, volume, geometry = WEIGHTS[band]
    volumetric, geometric = brdf_kernels(sun_zenith, view_zenith, relative_azimuth)
    return isotropic + volume * volumetric + geometry * geometric


def nadir_factor(
    band: str,
    sun_zenith: np.ndarray | float,
    view_zenith: np.ndarray | float,
    relative_azimuth: np.ndarray | float,
    standard_sun_zenith: float,
) -> np.ndarray:
    """Return the factor that brings reflectance to the nadir and to the standard sun zenith.

    Parameters
    ----------
    band : str
        Name in the cube.
    sun_zenith, view_zenith, relative_azimuth : array
        Of the observation, degrees.
    standard_sun_zenith : float
        Degrees.

    Returns
    -------
    ndarray, float64
        1 at the nadir under the standard sun.
    """
    standard = modelled_reflectance(band, standard_sun_zenith, 0.0, 0.0)
    return standard / modelled_reflectance(band, sun_zenith, view_zenith, relative_azimuth)
