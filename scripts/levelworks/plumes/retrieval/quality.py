"""Which pixels a matched filter may look at: clouds, cirrus, water, shadow, flares, saturation, bad detector columns.

Thresholds on top-of-atmosphere reflectance and radiance (specs/plumes.md 1.4, 5.1, 5.2), in units that every reader
gives (D7), with the Earth-Sun distance and the sun's height of each pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.plumes.retrieval.absorption import FWHM_TO_SIGMA
from levelworks.plumes.retrieval.absorption_kernels import band_means
from levelworks.plumes.scene import Spectral
from levelworks.plumes.tables import solar_irradiance

FLAGS = {
    "cloud": 1,
    "cirrus": 2,
    "water": 4,
    "shadow": 8,
    "flare": 16,
    "saturated": 32,
    "edge": 64,
    "few_statistics": 128,
    "fill": 512,
    "bad_column": 1024,
}

REFLECTANCE_BANDS = (450.0, 560.0, 650.0, 1000.0, 1250.0, 1380.0, 1650.0, 2100.0)
"""nm."""
HOT_BANDS = (2060.0, 2389.5, 2430.0)
"""nm: where fires and flares shine."""
LEAST_ROWS = 10
LIT = 0.1
"""uW cm-2 sr-1 nm-1: median radiance below which a band says nothing of its detector."""


@dataclass(frozen=True)
class Thresholds:
    """Reflectance (1) and radiance (uW cm-2 sr-1 nm-1) at which pixels are flagged."""

    water: float = 0.05
    cloud_450: float = 0.28
    cloud_1250: float = 0.46
    cloud_1650: float = 0.22
    whiteness: float = 0.75
    cirrus_1380: float = 0.1
    shadow: float = 0.03
    flare_radiance: float = 1.5
    hot_index: float = -0.32
    saturated: float = 6.0


def band_irradiance(spectral: Spectral) -> np.ndarray:
    """Return sunlight in each band at one astronomical unit (uW cm-2 nm-1), (bands,)."""
    sun = solar_irradiance()
    sigmas = spectral.widths.mean(axis=0) * FWHM_TO_SIGMA
    ones = np.ones_like(sun.wavelengths)
    return band_means(sun.wavelengths, ones, sun.irradiance[:, None], spectral.mean, sigmas)[:, 0]


def reflectance(
    radiance: np.ndarray, irradiance: np.ndarray | float, sun_zenith: np.ndarray, earth_sun: float
) -> np.ndarray:
    """Return top-of-atmosphere reflectance pi L d^2 / (E0 cos(sun zenith)); NaN where the sun is down.

    Parameters
    ----------
    radiance : array
        uW cm-2 sr-1 nm-1.
    irradiance : float or array
        uW cm-2 nm-1 at one astronomical unit.
    sun_zenith : array
        Degrees.
    earth_sun : float
        Astronomical units.
    """
    height = np.cos(np.radians(sun_zenith))
    lit = np.where(height > 0.01, height, np.nan)
    return np.pi * radiance * earth_sun**2 / (irradiance * lit)


def find_flags(
    reflectances: Mapping[float, np.ndarray],
    hot: Mapping[float, np.ndarray],
    saturated: np.ndarray,
    filled: np.ndarray,
    agency: Mapping[str, np.ndarray],
    thresholds: Thresholds,
) -> np.ndarray:
    """Return the flags of a scene, uint16 bits of `FLAGS`; every array (columns, rows).

    Parameters
    ----------
    reflectances : mapping of float to array
        By wavelength (nm), of `REFLECTANCE_BANDS`; NaN counts as not flagged.
    hot : mapping of float to array
        Radiance by wavelength (nm), of `HOT_BANDS`.
    saturated, filled : array of bool
        Pixels beyond what the detector measures, and without a spectrum.
    agency : mapping of str to bool array
        Flags of the agency, which are taken too.
    """
    rho = {key: np.nan_to_num(values, nan=-1.0) for key, values in reflectances.items()}
    found = {
        "water": (rho[1000.0] < thresholds.water) & (rho[1000.0] >= 0),
        "cloud": (rho[450.0] > thresholds.cloud_450)
        & (rho[1250.0] > thresholds.cloud_1250)
        & (rho[1650.0] > thresholds.cloud_1650)
        # sand is as bright as that in the infrared, and red
        & (rho[450.0] > thresholds.whiteness * rho[650.0]),
        "cirrus": rho[1380.0] > thresholds.cirrus_1380,
        "saturated": saturated,
        "fill": filled,
    }
    found["shadow"] = _shadow(rho, found["cloud"], thresholds)
    found["flare"] = _flares({key: np.nan_to_num(values) for key, values in hot.items()}, thresholds)
    bits = np.zeros(filled.shape, dtype=np.uint16)
    for name, plane in found.items():
        bits[plane] |= FLAGS[name]
    for name, plane in agency.items():
        code = {"bad": "bad_column"}.get(name, name)
        if code in FLAGS:
            bits[plane] |= FLAGS[code]
    return bits


def _shadow(rho: Mapping[float, np.ndarray], cloud: np.ndarray, thresholds: Thresholds) -> np.ndarray:
    """Return dark pixels near clouds: land that is darker in the near and shortwave infrared than shade allows."""
    if not cloud.any():
        return np.zeros(cloud.shape, dtype=bool)
    near = ndimage.binary_dilation(cloud, iterations=30)
    dark = (rho[1250.0] < thresholds.shadow + 0.03) & (rho[1650.0] < thresholds.shadow + 0.02) & (rho[1000.0] >= 0)
    return dark & near & ~cloud


def _flares(hot: Mapping[float, np.ndarray], thresholds: Thresholds) -> np.ndarray:
    """Return pixels of fires and flares with their neighbours: bright at 2390 nm, and redder than sunlight.

    The index (L2430 - L2060) / (L2430 + L2060) is the hyperspectral fire index. Through the air it is about -0.38 where
    the sun shines on grey ground, -0.26 for a flare of 2000 K, and higher for cooler ones.
    """
    total = hot[2430.0] + hot[2060.0]
    index = np.divide(
        hot[2430.0] - hot[2060.0], total, out=np.full(total.shape, -1.0, dtype=total.dtype), where=total > 0
    )
    bright = (hot[2389.5] > thresholds.flare_radiance) & (index > thresholds.hot_index)
    return ndimage.uniform_filter(bright.astype(np.float32), 5) > 0.01


def bad_columns(planes: np.ndarray, least: float = 0.2) -> np.ndarray:
    """Return detector columns with a band that stands out from its neighbours: dead, hot or miscalibrated elements.

    Along most rows such a band departs from the mean of the columns beside it by the same factor, which the ground
    does not do.

    Parameters
    ----------
    planes : (bands, columns, rows)
        Radiance; NaN where a pixel has no spectrum.
    least : float
        Relative departure, the median over the rows.
    """
    columns = planes.shape[1]
    found = np.zeros(columns, dtype=bool)
    for plane in planes:
        usable = np.where(np.isfinite(plane) & (plane > 0), plane, np.nan)
        known = np.isfinite(usable)
        # bands that water vapour blackens are nothing but noise
        if columns < 3 or not known.any() or np.median(usable[known]) < LIT:
            continue
        logs = np.log(usable)
        departure = logs[1:-1] - 0.5 * (logs[:-2] + logs[2:])
        for column, line in enumerate(departure, start=1):
            told = line[np.isfinite(line)]
            # beside a bad column its neighbours depart half as far, the other way
            if told.size <= LEAST_ROWS:
                continue
            middle = float(np.median(told))
            chance = 1.86 * float(np.median(np.abs(told - middle))) / np.sqrt(told.size)
            if abs(middle) > max(np.log1p(least), 5 * chance):
                found[column] = True
    return found
