"""The pixel tests and cloud probabilities of FORCE (spec sections 8.1 and 8.2), after Zhu & Woodcock (2012)."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.pixel_test_kernels import cirrus_limit, difference_index, whiteness
from levelworks.ard.masks.settings import (
    BRIGHT,
    CANDIDATE,
    CIRRUS,
    CLEAR,
    DEEP,
    SATURATED,
    SNOW,
    VALID,
    WATER,
)

VARIABILITY_STEP = 250.0
"""Steps of stored variability probability."""


@njit(cache=True, nogil=True)
def test_pixels_as_force(
    bands: tuple[np.ndarray, ...],
    cirrus: np.ndarray,
    temperature: np.ndarray,
    elevation: np.ndarray,
    slope: np.ndarray,
    saturated: np.ndarray,
    flags: np.ndarray,
    variability: np.ndarray,
) -> None:
    """Test the pixels of a block of rows.

    Parameters
    ----------
    bands : six ndarrays, shape (rows, columns), float32
        Reflectance of BLUE, GREEN, RED, NIR, SWIR1, SWIR2; NaN is no data.
    cirrus, temperature, elevation, slope : ndarray, shape (rows, columns) or (0, 0), float32
        Reflectance at 1.38 um, kelvin, metres, degrees; empty where there is none.
    saturated : ndarray of bool, shape (rows, columns)
    flags : ndarray, shape (rows, columns), uint16
        Bits of `settings` without `CLEAR`; filled in place.
    variability : ndarray, shape (rows, columns), uint8
        Of land the probability that little variability means cloud, of water the brightness in SWIR1;
        `VARIABILITY_STEP` per unit; filled in place.
    """
    has_cirrus, has_temperature = cirrus.size > 0, temperature.size > 0
    has_elevation, has_slope = elevation.size > 0, slope.size > 0
    blues, greens, reds, nirs, swir1s, swir2s = bands
    for row in range(blues.shape[0]):
        for column in range(blues.shape[1]):
            blue, green, red = blues[row, column], greens[row, column], reds[row, column]
            nir, swir1, swir2 = nirs[row, column], swir1s[row, column], swir2s[row, column]
            kelvin = temperature[row, column] if has_temperature else 0.0
            flags[row, column], variability[row, column] = 0, 0
            if not np.isfinite(blue + green + red + nir + swir1 + swir2 + kelvin):
                continue
            bits, full = VALID, saturated[row, column]
            visible = (blue + green + red) / 3.0
            ndvi, ndsi = difference_index(nir, red), difference_index(green, swir1)
            white = whiteness(blue, green, red)
            green_and_bright = nir > 0.11 and green > 0.10
            if (has_temperature and ndsi > 0.15 and kelvin < 283.0 and green_and_bright) or (
                ndsi > 0.4 and swir2 < 0.11 and green_and_bright
            ):
                bits |= SNOW
            dark = (ndvi < 0.01 and nir < 0.11) or (0.0 < ndvi < 0.1 and nir < 0.05)
            water = dark and (not has_slope or slope[row, column] < 5.0)
            if water:
                bits |= WATER
                if swir2 <= 0.03:
                    bits |= DEEP
            basic = ndsi < 0.8 and ndvi < 0.8 and swir2 > 0.03 and (not has_temperature or kelvin <= 300.15)
            if visible > 0.15:
                bits |= BRIGHT
            hazy = blue - 0.5 * red - 0.08 > 0.0
            if full:
                bits |= SATURATED
            if full or (basic and white < 0.7 and visible > 0.15 and hazy and nir > 0.75 * swir1):
                bits |= CANDIDATE
            height = elevation[row, column] if has_elevation else 0.0
            if has_cirrus and not bits & SNOW and cirrus[row, column] > max(0.01, cirrus_limit(height)):
                bits |= CIRRUS
            vegetation = 0.0 if full and ndvi > 0.0 else abs(ndvi)
            ice = 0.0 if full and ndsi < 0.0 else abs(ndsi)
            value = min(1.0, max(swir1, 0.0) / 0.11) if water else 1.0 - max(vegetation, ice, white)
            flags[row, column] = bits
            variability[row, column] = int(np.rint(min(max(value, 0.0), 1.0) * VARIABILITY_STEP))


@njit(cache=True, nogil=True)
def cloud_probability(bits: int, variability: int, kelvin: float, cold: float, warm: float, cold_water: float) -> float:
    """Return the probability of cloud of a pixel of Landsat over land or water (spec section 8.2).

    Parameters
    ----------
    cold, warm : float
        17.5 and 82.5 percentiles of the temperature of clear land, kelvin.
    cold_water : float
        82.5 percentile over clear water; NaN where there is none.
    """
    likeness = variability / VARIABILITY_STEP
    if bits & WATER:
        return (cold_water - kelvin) / 4.0 * likeness if np.isfinite(cold_water) else 0.0
    return max(0.0, (warm + 4.0 - kelvin) / (warm - cold + 8.0)) * likeness


@njit(cache=True, nogil=True)
def count_values(
    flags: np.ndarray, values: np.ndarray, need: int, refuse: int, low: float, step: float, counts: np.ndarray
) -> None:
    """Add to a histogram the finite values of pixels that have all of some bits and none of others, in place."""
    for row in range(flags.shape[0]):
        for column in range(flags.shape[1]):
            bits = flags[row, column]
            if bits & need == need and not bits & refuse and np.isfinite(values[row, column]):
                place = int((values[row, column] - low) / step)
                counts[min(max(place, 0), counts.size - 1)] += 1


@njit(cache=True, nogil=True)
def decide_as_force(
    flags: np.ndarray,
    variability: np.ndarray,
    temperature: np.ndarray,
    cold: float,
    warm: float,
    cold_water: float,
    land_limit: float,
    water_limit: float,
    probability: np.ndarray,
    cloud: np.ndarray,
) -> None:
    """Find the probability of cloud, and clouds, of a block of rows; filled in place.

    Parameters
    ----------
    probability : ndarray, shape (rows, columns), float32
        NaN where there is no data.
    cloud : ndarray of bool, shape (rows, columns)
    """
    for row in range(flags.shape[0]):
        for column in range(flags.shape[1]):
            bits = flags[row, column]
            probability[row, column], cloud[row, column] = np.nan, False
            if not bits & VALID:
                continue
            kelvin = temperature[row, column]
            value = cloud_probability(bits, variability[row, column], kelvin, cold, warm, cold_water)
            probability[row, column] = value
            found = bits & CANDIDATE and value > (water_limit if bits & WATER else land_limit)
            if bits & BRIGHT and (found or kelvin < cold - 35.0 or bits & SATURATED):
                cloud[row, column] = True


@njit(cache=True, nogil=True)
def mark_clear(flags: np.ndarray, near_snow: np.ndarray) -> None:
    """Set the bit of clear ground, in place: no candidate, and not near snow."""
    for row in range(flags.shape[0]):
        for column in range(flags.shape[1]):
            bits = flags[row, column]
            if bits & VALID and not bits & CANDIDATE and not near_snow[row, column]:
                flags[row, column] = bits | CLEAR
