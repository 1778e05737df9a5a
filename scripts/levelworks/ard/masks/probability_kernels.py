"""The probability of cloud at each pixel: evidence of spectrum, haze, temperature and parallax summed."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.clear_sky_kernels import ICE, LAND, LAPSE_RATE, SEA, ground_of
from levelworks.ard.masks.pixel_test_kernels import EVIDENCE_STEP, HAZE_OFFSET, HAZE_STEP, ramp
from levelworks.ard.masks.settings import CANDIDATE, CLEAR, ICY, SATURATED, VALID

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
GROWTH_EVIDENCE = 1.5
STILL = -2.0
"""Evidence of movement below which clouds don't grow into a pixel."""


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
    width = clear_haze.shape[1]
    hazes, lows, highs = np.empty(width), np.empty((3, width)), np.empty((3, width))
    for row in range(flags.shape[0]):
        _interpolate_row(clear_haze, cold, warm, (start + row + 0.5) / step - 0.5, hazes, lows, highs)
        for column in range(flags.shape[1]):
            bits = flags[row, column]
            cloud[row, column] = 0
            if not bits & VALID:
                probability[row, column] = 255
                continue
            probability[row, column] = 0
            if not bits & CANDIDATE:
                flags[row, column] = bits | CLEAR
                continue
            place = min(max((column + 0.5) / step - 0.5, 0.0), width - 1.0)
            left = int(place)
            right, across = min(left + 1, width - 1), place - left
            clear = hazes[left] * (1.0 - across) + hazes[right] * across
            if not np.isfinite(clear):
                clear = 0.0
            excess = haze[row, column] / HAZE_STEP - HAZE_OFFSET - clear
            seen = PRIOR + evidence[row, column] / EVIDENCE_STEP + haze_evidence(excess)
            total = seen
            if has_temperature and np.isfinite(temperature[row, column]):
                kelvin = temperature[row, column]
                if has_elevation and np.isfinite(elevation[row, column]):
                    kelvin += LAPSE_RATE * elevation[row, column]
                ground = _reference(bits, lows, left, right)
                if ground >= 0:
                    low = lows[ground, left] * (1.0 - across) + lows[ground, right] * across
                    high = highs[ground, left] * (1.0 - across) + highs[ground, right] * across
                    total += thermal_evidence(kelvin, low, high)
            still = False
            if has_parallax:
                moved = moving[row // 2, column // 2] / EVIDENCE_STEP
                still = moved < STILL
                total += moved
            if excess < LEAST_HAZE:
                total += UNLIKELY
            elif total > limit or (bits & SATURATED and total > limit - 1.0):
                cloud[row, column] = SEED
            elif seen > GROWTH_EVIDENCE and not still:
                cloud[row, column] = GROWTH
            flags[row, column] = bits | CLEAR if total < LEAST_CLEAR else bits & ~CLEAR
            probability[row, column] = int(np.rint(100.0 / (1.0 + np.exp(-total))))


@njit(cache=True, nogil=True)
def _interpolate_row(
    clear_haze: np.ndarray,
    cold: np.ndarray,
    warm: np.ndarray,
    place: float,
    hazes: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
) -> None:
    """Interpolate the cells of clear sky to a row of the image, in place."""
    place = min(max(place, 0.0), clear_haze.shape[0] - 1.0)
    top = int(place)
    bottom, down = min(top + 1, clear_haze.shape[0] - 1), place - top
    for cell in range(clear_haze.shape[1]):
        hazes[cell] = clear_haze[top, cell] * (1.0 - down) + clear_haze[bottom, cell] * down
        for ground in range(3):
            lows[ground, cell] = cold[ground, top, cell] * (1.0 - down) + cold[ground, bottom, cell] * down
            highs[ground, cell] = warm[ground, top, cell] * (1.0 - down) + warm[ground, bottom, cell] * down


@njit(cache=True, nogil=True)
def _reference(bits: int, lows: np.ndarray, left: int, right: int) -> int:
    """Return the kind of clear ground whose temperature a pixel is compared with, -1 where none is known."""
    ground = ground_of(bits)
    if not np.isfinite(lows[ground, left] + lows[ground, right]):
        ground = SEA if ground == LAND else LAND
    ice = lows[ICE, left] + lows[ICE, right]
    known = lows[ground, left] + lows[ground, right]
    # Ground that is partly under snow is as cold as either.
    if np.isfinite(ice) and (not np.isfinite(known) or (bits & ICY and ice < known)):
        return ICE
    return ground if np.isfinite(known) else -1
