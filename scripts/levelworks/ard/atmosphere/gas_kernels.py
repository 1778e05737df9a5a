"""Absorption by gases at given geometries and amounts, linear on fine tables of the square root of the amount."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def _water(table: np.ndarray, path: float, mass: float, thinness: float, root_step: float, mass_step: float) -> float:
    last_root, last_mass = table.shape[2] - 1, table.shape[1] - 1
    place = min(np.sqrt(max(path, 0.0)) / root_step, float(last_root))
    low = min(int(place), last_root - 1)
    to_low = place - low
    place = min(max((mass - 2.0) / mass_step, 0.0), float(last_mass))
    left = min(int(place), last_mass - 1)
    to_left = place - left
    absorption = 0.0
    exponent = 0.0
    for side in range(2):
        for end in range(2):
            share = (to_left if side else 1.0 - to_left) * (to_low if end else 1.0 - to_low)
            absorption += share * table[0, left + side, low + end]
            exponent += share * (table[1, left + side, low + end] + thinness * table[2, left + side, low + end])
    return absorption * np.exp(exponent * thinness)


@njit(nogil=True, cache=True)
def absorb(
    sun: np.ndarray,
    view: np.ndarray,
    water_vapour: np.ndarray,
    ozone_column: np.ndarray,
    pressure: np.ndarray,
    water: np.ndarray,
    ozone: np.ndarray,
    other: np.ndarray,
    steps: np.ndarray,
    result: np.ndarray,
) -> None:
    """Fill in the two-way transmittances of a band.

    Parameters
    ----------
    sun, view : ndarray, shape (n,), float64
        Degrees.
    water_vapour, ozone_column : ndarray, shape (n,), float64
        Above the ground, g cm-2 and atm-cm.
    pressure : ndarray, shape (n,), float64
        Of the ground over that at sea level.
    water : ndarray, shape (3, air masses, roots), float64
        -ln T at sea level, its exponent with pressure and how that changes with the logarithm of pressure, by air mass
        and square root of the amount along the path.
    ozone : ndarray, shape (roots,), float64
        -ln T by square root of the amount along the path.
    other : ndarray, shape (3, air masses), float64
        As `water`, by air mass.
    steps : ndarray, shape (3,), float64
        Of the square roots of water vapour and ozone, and of air mass.
    result : ndarray, shape (4, n), float64
        Water vapour, half the water vapour, ozone, other gases.
    """
    radian = np.pi / 180.0
    last_mass, last_ozone = other.shape[1] - 1, ozone.shape[0] - 1
    for one in range(sun.shape[0]):
        if not np.isfinite(sun[one] + view[one] + water_vapour[one] + ozone_column[one] + pressure[one]):
            result[:, one] = np.nan
            continue
        mass = 1.0 / np.cos(sun[one] * radian) + 1.0 / np.cos(view[one] * radian)
        thinness = np.log(max(pressure[one], 0.1))
        path = water_vapour[one] * mass
        result[0, one] = np.exp(-_water(water, path, mass, thinness, steps[0], steps[2]))
        result[1, one] = np.exp(-_water(water, 0.5 * path, mass, thinness, steps[0], steps[2]))
        place = min(np.sqrt(max(ozone_column[one] * mass, 0.0)) / steps[1], float(last_ozone))
        low = min(int(place), last_ozone - 1)
        result[2, one] = np.exp(-(ozone[low] + (place - low) * (ozone[low + 1] - ozone[low])))
        place = min(max((mass - 2.0) / steps[2], 0.0), float(last_mass))
        left = min(int(place), last_mass - 1)
        share = place - left
        absorption = other[0, left] + share * (other[0, left + 1] - other[0, left])
        exponent = other[1, left] + share * (other[1, left + 1] - other[1, left])
        exponent += thinness * (other[2, left] + share * (other[2, left + 1] - other[2, left]))
        result[3, one] = np.exp(-absorption * np.exp(exponent * thinness))
