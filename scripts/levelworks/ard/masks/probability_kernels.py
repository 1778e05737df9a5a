"""The probability of cloud at each pixel: evidence of spectrum, haze, temperature and parallax summed."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.clear_sky_kernels import ICE, LAND, LAPSE_RATE, SEA, bilinear, ground_of
from levelworks.ard.masks.pixel_test_kernels import EVIDENCE_STEP, HAZE_OFFSET, HAZE_STEP, ramp
from levelworks.ard.masks.settings import CANDIDATE, CLEAR, SATURATED, VALID

PRIOR = -1.5
"""Logarithm of the odds of cloud before anything is seen of a pixel."""
UNLIKELY = -4.0
"""What is added where the pixel tests rule a cloud out."""
LEAST_HAZE = 0.01
"""Excess of haze without which nothing is a cloud, reflectance."""
LEAST_CLEAR = -1.0
"""Log odds below which a pixel stands for clear ground when that is described again."""
SEED, GROWTH = 2, 1
"""Cloud by all evidence; spectrum and haze alone speak for it."""
GROWTH_EVIDENCE = 0.5


@njit(cache=True, nogil=True)
def haze_evidence(excess: float) -> float:
    """Return what haze in excess of that of clear ground says for a cloud."""
    return ramp(excess, 0.0, -2.0, 0.035, 0.0) + ramp(excess, 0.035, 0.0, 0.09, 3.0)


@njit(cache=True, nogil=True)
def thermal_evidence(kelvin: float, cold: float, warm: float) -> float:
    """Return what a temperature says for a cloud, given the cold and warm ends of clear ground.

    Clouds are colder than nearly all clear ground; how far below is needed grows with the ground's own spread.
    """
    spread = min(max(0.25 * (warm - cold), 1.2), 2.0)
    deficit = (cold - kelvin) / spread
    return ramp(deficit, -2.5, -5.0, 1.5, 0.0) + ramp(deficit, 1.5, 0.0, 5.0, 4.0) + ramp(deficit, 5.0, 0.0, 12.0, 2.0)


@njit(cache=True, nogil=True)
def weigh_evidence(
    flags: np.ndarray,
    evidence: np.ndarray,
    haze: np.ndarray,
    temperature: np.ndarray,
    elevation: np.ndarray,
    moving: np.ndarray,
    start: int,
    step: int,
    clear_haze: np.ndarray,
    cold: np.ndarray,
    warm: np.ndarray,
    limit: float,
    probability: np.ndarray,
    cloud: np.ndarray,
) -> None:
    """Find the probability of cloud in a block of rows, and where clouds begin and may grow.

    Parameters
    ----------
    flags, evidence, haze : ndarray, shape (rows, columns)
        As `test_pixels` leaves them.
    temperature, elevation : ndarray, shape (rows, columns) or (0, 0), float32
        Kelvin, metres.
    moving : ndarray, shape (rows / 2, columns / 2) or (0, 0), int8
        Evidence of parallax, `EVIDENCE_STEP` per natural logarithm.
    start, step : int
        Row of the image that the first row is; pixels along a side of a cell of clear-sky statistics.
    clear_haze : ndarray, shape (cell rows, cell columns), float64
    cold, warm : ndarray, shape (3, cell rows, cell columns), float64
        Of land, water and snow, kelvin at sea level; NaN where there is none.
    limit : float
        Log odds from which on a pixel is cloud.
    probability : ndarray, shape (rows, columns), uint8
        0 to 100, 255 is no data; filled in place.
    cloud : ndarray, shape (rows, columns), uint8
        `SEED`, `GROWTH` or 0; filled in place.
    """
    has_temperature, has_elevation, has_parallax = temperature.size > 0, elevation.size > 0, moving.size > 0
    for row in range(flags.shape[0]):
        cell_row = (start + row + 0.5) / step - 0.5
        for column in range(flags.shape[1]):
            bits = flags[row, column]
            cloud[row, column] = 0
            if not bits & VALID:
                probability[row, column] = 255
                continue
            cell = (column + 0.5) / step - 0.5
            clear = bilinear(clear_haze, cell_row, cell)
            if not np.isfinite(clear):
                clear = 0.0
            seen = PRIOR + evidence[row, column] / EVIDENCE_STEP
            excess = haze[row, column] / HAZE_STEP - HAZE_OFFSET - clear
            seen += haze_evidence(excess)
            total = seen
            if has_temperature and np.isfinite(temperature[row, column]):
                kelvin = temperature[row, column]
                if has_elevation and np.isfinite(elevation[row, column]):
                    kelvin += LAPSE_RATE * elevation[row, column]
                ground = ground_of(bits)
                low, high = bilinear(cold[ground], cell_row, cell), bilinear(warm[ground], cell_row, cell)
                if not np.isfinite(low):
                    other = SEA if ground == LAND else LAND
                    low, high = bilinear(cold[other], cell_row, cell), bilinear(warm[other], cell_row, cell)
                if not np.isfinite(low):
                    low, high = bilinear(cold[ICE], cell_row, cell), bilinear(warm[ICE], cell_row, cell)
                if np.isfinite(low):
                    total += thermal_evidence(kelvin, low, high)
            if has_parallax:
                total += moving[row // 2, column // 2] / EVIDENCE_STEP
            if not bits & CANDIDATE or excess < LEAST_HAZE:
                total += UNLIKELY
            elif total > limit or (bits & SATURATED and total > limit - 1.0):
                cloud[row, column] = SEED
            elif seen > GROWTH_EVIDENCE:
                cloud[row, column] = GROWTH
            if total < LEAST_CLEAR:
                flags[row, column] = bits | CLEAR
            else:
                flags[row, column] = bits & ~CLEAR
            probability[row, column] = int(np.rint(100.0 / (1.0 + np.exp(-total))))
