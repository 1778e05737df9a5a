"""What the spectrum of a single pixel says: snow, water, cirrus, and how much speaks for a cloud.

Evidence is the logarithm of the ratio of how likely a value is in clouds to how likely it is on clear ground. The
breakpoints follow the pixel tests of Fmask (Zhu & Woodcock 2012; spec section 8.1), which they make gradual: where
that has a threshold, evidence passes zero.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.settings import CANDIDATE, CIRRUS, CLEAR, FROZEN, ICY, SATURATED, SNOW, VALID, WATER

EVIDENCE_STEP = 16.0
"""Steps of stored evidence per unit of natural logarithm."""
HAZE_STEP = 400.0
"""Steps of stored haze (HOT) per unit of reflectance."""
HAZE_OFFSET = 0.1
FAINTEST_CLOUD = 0.08
"""Mean visible reflectance at the top of the atmosphere below which nothing is a cloud."""
ICY_INDEX = 0.15
CLEAR_EVIDENCE = -0.5
"""Spectral evidence below which a bright pixel may still stand for clear ground."""


@njit(cache=True, nogil=True)
def ramp(value: float, low: float, low_result: float, high: float, high_result: float) -> float:
    """Interpolate between two points, constant beyond them."""
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return low_result + share * (high_result - low_result)


@njit(cache=True, nogil=True)
def difference_index(first: float, second: float) -> float:
    """Return the normalised difference, 0.01 where the sum is zero (spec section 8.1)."""
    total = first + second
    return (first - second) / total if total != 0.0 else 0.01


@njit(cache=True, nogil=True)
def whiteness(blue: float, green: float, red: float) -> float:
    """Return the summed departures of the visible bands from their mean over the mean, 1 at the most."""
    mean = (blue + green + red) / 3.0
    if mean <= 0.0:
        return 1.0
    return min((abs(blue - mean) + abs(green - mean) + abs(red - mean)) / mean, 1.0)


@njit(cache=True, nogil=True)
def cirrus_limit(elevation: float) -> float:
    """Return the reflectance at 1.38 um above which there is cirrus over ground at an elevation in metres."""
    kilometres = elevation * 0.001
    return max(0.01, 0.007 + 0.007 * kilometres * kilometres)


@njit(cache=True, nogil=True)
def spectral_evidence(visible: float, white: float, ndvi: float, ndsi: float, ratio: float) -> float:
    """Return what brightness, whiteness, the two indices and NIR / SWIR1 say for a cloud, natural logarithm."""
    evidence = ramp(visible, 0.12, -2.0, 0.20, 0.0) + ramp(visible, 0.20, 0.0, 0.35, 1.5)
    evidence += ramp(white, 0.05, 1.0, 0.25, 0.0) + ramp(white, 0.25, 0.0, 0.50, -2.0)
    evidence += ramp(ndsi, -0.30, -2.0, -0.12, 0.0) + ramp(ndsi, -0.12, 0.0, 0.05, 1.0)
    evidence += ramp(ndsi, 0.22, 0.0, 0.55, -6.0)
    evidence += ramp(abs(ndvi), 0.30, 0.0, 0.60, -2.0)
    return evidence + ramp(ratio, 0.75, -2.0, 0.95, 0.0)


@njit(cache=True, nogil=True)
def test_pixels(
    bands: tuple[np.ndarray, ...],
    cirrus: np.ndarray,
    temperature: np.ndarray,
    elevation: np.ndarray,
    slope: np.ndarray,
    saturated: np.ndarray,
    flags: np.ndarray,
    evidence: np.ndarray,
    haze: np.ndarray,
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
        Bits of `settings`, filled in place.
    evidence : ndarray, shape (rows, columns), int8
        `EVIDENCE_STEP` per natural logarithm, without haze and temperature; filled in place.
    haze : ndarray, shape (rows, columns), uint8
        ``blue - 0.5 red - 0.08``, the haze-optimised transform; filled in place.
    """
    has_cirrus, has_temperature = cirrus.size > 0, temperature.size > 0
    has_elevation, has_slope = elevation.size > 0, slope.size > 0
    blues, greens, reds, nirs, swir1s, swir2s = bands
    rows, columns = blues.shape
    for row in range(rows):
        for column in range(columns):
            blue, green, red = blues[row, column], greens[row, column], reds[row, column]
            nir, swir1, swir2 = nirs[row, column], swir1s[row, column], swir2s[row, column]
            flags[row, column] = 0
            evidence[row, column] = -128
            haze[row, column] = 0
            if not np.isfinite(blue + green + red + nir + swir1 + swir2):
                continue
            bits = VALID
            visible = (blue + green + red) / 3.0
            ndvi, ndsi = difference_index(nir, red), difference_index(green, swir1)
            white = whiteness(blue, green, red)
            ratio = nir / swir1 if swir1 > 0.0 else 10.0
            hot = blue - 0.5 * red - 0.08

            frozen = ndsi > 0.4 and swir2 < 0.11 and nir > 0.11 and green > 0.10
            snow = frozen
            if has_temperature and not frozen:
                snow = ndsi > 0.15 and temperature[row, column] < 277.0 and nir > 0.11 and green > 0.10 and swir2 < 0.11
            flat = not has_slope or slope[row, column] < 5.0
            dark = (ndvi < 0.01 and nir < 0.11) or (0.0 < ndvi < 0.1 and nir < 0.05)
            # Shaded bare ground is as dark as water in the near infrared, yet not so in the SWIR.
            water = dark and flat and ndsi > 0.35
            full = saturated[row, column]

            over_cirrus = 0.0
            if has_cirrus and np.isfinite(cirrus[row, column]):
                limit = cirrus_limit(elevation[row, column] if has_elevation else 0.0)
                if not frozen and cirrus[row, column] > limit:
                    bits |= CIRRUS
                over_cirrus = ramp(cirrus[row, column] - limit, 0.0, 0.0, 0.03, 2.0)

            candidate = (
                white < 0.7 and ndsi < 0.8 and ndvi < 0.8 and swir2 > 0.03 and ratio > 0.75 and visible > FAINTEST_CLOUD
            )
            total = spectral_evidence(visible, white, ndvi, ndsi, ratio) + over_cirrus
            if full:
                bits |= SATURATED
                candidate = candidate or visible > 0.15
                total = max(total, 0.0)
            if candidate:
                bits |= CANDIDATE
            if water:
                bits |= WATER
            if snow:
                bits |= SNOW
            if frozen:
                bits |= FROZEN
            if ndsi > ICY_INDEX:
                bits |= ICY
            if not (candidate and hot > 0.0 and total > CLEAR_EVIDENCE) and not full:
                bits |= CLEAR
            flags[row, column] = bits
            evidence[row, column] = int(min(max(np.rint(total * EVIDENCE_STEP), -127.0), 127.0))
            haze[row, column] = int(min(max(np.rint((hot + HAZE_OFFSET) * HAZE_STEP), 0.0), 255.0))
