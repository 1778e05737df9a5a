"""What is known of the reflectance of open water before an image is seen: a library of bio-optical spectra.

Reflectance above the surface by Gordon et al. (1988, doi:10.1029/JD093iD09p10909) and Lee et al. (2002,
doi:10.1364/AO.41.005755) from absorption and backscattering of water, phytoplankton, dissolved matter and suspended
particles; on top of it whitecaps and glint, equal in all bands, and skylight that the surface mirrors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from levelworks.ard.aerosol.water_kernels import mixture_likelihood

PURE_WATER = np.array(
    [
        [0.42, 0.00454],
        [0.43, 0.00495],
        [0.44, 0.00635],
        [0.45, 0.00922],
        [0.46, 0.00979],
        [0.47, 0.0106],
        [0.48, 0.0127],
        [0.49, 0.015],
        [0.5, 0.0204],
        [0.51, 0.0325],
        [0.52, 0.0409],
        [0.53, 0.0434],
        [0.54, 0.0474],
        [0.55, 0.0565],
        [0.56, 0.0619],
        [0.57, 0.0695],
        [0.58, 0.0896],
        [0.6, 0.2224],
        [0.62, 0.2755],
        [0.64, 0.3108],
        [0.65, 0.34],
        [0.66, 0.41],
        [0.67, 0.439],
        [0.68, 0.465],
        [0.7, 0.624],
        [0.72, 1.231],
        [0.74, 2.38],
        [0.8, 2.05],
        [0.83, 3.1],
        [0.84, 3.9],
        [0.865, 4.7],
        [1, 36],
        [1.24, 110],
        [1.61, 680],
        [2, 6500],
        [2.2, 1700],
        [2.4, 5000],
    ]
)
"""Wavelength in micrometres and absorption in m-1: Pope and Fry 1997 (doi:10.1364/AO.36.008710) to 0.72 um, Kou et al.
1993 (doi:10.1364/AO.32.003531) beyond, rounded."""
PIGMENT_WAVELENGTHS = np.array([0.42, 0.443, 0.49, 0.51, 0.56, 0.62, 0.65, 0.675, 0.70, 0.72])
PIGMENT = np.array([0.95, 1.0, 0.72, 0.55, 0.22, 0.22, 0.27, 0.50, 0.10, 0.0])
"""Shape of absorption by phytoplankton (Bricaud et al. 1995, doi:10.1029/95JC00463, of mesotrophic water)."""

MEMBERS = 3000
MEDIANS = {"chlorophyll": 1.5, "dissolved": 0.2, "suspended": 1.5}
"""mg m-3, m-1 at 0.443 um, g m-3: medians of inland and coastal waters that look dark."""
SPREADS = {"chlorophyll": 1.3, "dissolved": 1.3, "suspended": 1.4}
"""Standard deviations of the logarithms."""
GLINT = 0.0015
"""Mean reflectance of whitecaps and residual glint."""
SKY_DIFFUSE = 0.02 * 0.08
"""Fresnel's reflectance of a calm surface times the diffuse share of light at 0.55 um in clear air."""
SHAPE_ERROR, LEVEL_ERROR = 0.3, 0.002
"""Of a library spectrum: a share of it, and reflectance at 0.55 um, which falls as the wavelength grows: what is left
of neighbouring land, of bottoms and of foam is least in the shortwave infrared, where water itself is black."""


@lru_cache
def water_library(wavelengths: tuple[float, ...]) -> np.ndarray:
    """Return reflectance of open water, from clear to turbid.

    Parameters
    ----------
    wavelengths : tuple of float
        Centres of bands, micrometres.

    Returns
    -------
    ndarray, shape (members, bands), float64
        Each as likely as the others.
    """
    quantiles = np.clip(_halton(MEMBERS, (2, 3, 5, 7, 11, 13)), 1e-6, 1 - 1e-6)
    spread = {
        name: MEDIANS[name] * np.exp(SPREADS[name] * ndtri(quantiles[:, column]))[:, None]
        for column, name in enumerate(MEDIANS)
    }
    waves = np.array(wavelengths)
    nanometres = 1e3 * waves
    pigment = np.interp(waves, PIGMENT_WAVELENGTHS, PIGMENT, right=0.0)
    suspended = np.minimum(spread["suspended"], 60.0)
    absorption = (
        np.exp(np.interp(waves, PURE_WATER[:, 0], np.log(PURE_WATER[:, 1])))
        + 0.05 * spread["chlorophyll"] ** 0.65 * pigment
        + spread["dissolved"] * np.exp(-0.015 * (nanometres - 443.0))
        + 0.035 * suspended * np.exp(-0.0110 * (nanometres - 443.0))
    )
    slope = 1.2 * quantiles[:, 3:4]
    scattering = (
        0.00096 * (waves / 0.55) ** -4.32
        + (0.0095 * suspended + 0.0015 * spread["chlorophyll"] ** 0.62) * (waves / 0.55) ** -slope
    )
    share = scattering / (absorption + scattering)
    below = (0.0895 + 0.1247 * share) * share
    leaving = np.pi * 0.52 * below / (1.0 - 1.7 * below)
    glint = -GLINT * np.log(1.0 - quantiles[:, 4:5])
    sky = SKY_DIFFUSE * quantiles[:, 5:6] * (waves / 0.55) ** -3.0
    return np.asarray(leaving + glint + sky)


def _halton(count: int, bases: Sequence[int]) -> np.ndarray:
    """Return points that fill the unit cube evenly, shape (count, bases)."""
    points = np.zeros((count, len(bases)))
    for column, base in enumerate(bases):
        number, factor = np.arange(1, count + 1), 1.0 / base
        while number.any():
            points[:, column] += factor * (number % base)
            number, factor = number // base, factor / base
    return points


def water_likelihood(surface: np.ndarray, wavelengths: Sequence[float], members: int = MEMBERS) -> np.ndarray:
    """Return the logarithm of the likelihood of water's reflectance, whatever kind of water it is.

    Parameters
    ----------
    surface : ndarray, shape (bands, loads, targets)
        Reflectance at the ground for each aerosol load.
    wavelengths : sequence of float
        Centres of the bands, micrometres.
    members : int
        Spectra of the library that are compared.

    Returns
    -------
    ndarray, shape (loads, targets), float64
    """
    library = water_library(tuple(wavelengths))[:members]
    error = np.hypot(SHAPE_ERROR * library, LEVEL_ERROR * 0.55 / np.array(wavelengths))
    bands, loads, targets = surface.shape
    spectra = np.ascontiguousarray(surface.reshape(bands, -1).T)
    likelihood = mixture_likelihood(spectra, library, 1.0 / error, -np.log(error).sum(axis=1))
    return likelihood.reshape(loads, targets)
