"""The US Standard Atmosphere 1962 as 6S holds it: pressure at an elevation, and how gases spread over height."""

from __future__ import annotations

import numpy as np

SEA_LEVEL_PRESSURE = 1013.25
"""hPa."""

_PRESSURE = np.array([1013.0, 898.6, 795.0, 701.2, 616.6, 540.5, 472.2, 411.1, 356.5, 308.0, 265.0, 227.0, 194.0])
_TEMPERATURE = np.array([288.1, 281.6, 275.1, 268.7, 262.2, 255.7, 249.2, 242.7, 236.2, 229.7, 223.2, 216.8, 216.6])
_WATER_DENSITY = np.array([5.9, 4.2, 2.9, 1.8, 1.1, 0.64, 0.38, 0.21, 0.12, 0.046, 0.018, 0.0082, 0.0037])
"""At 0, 1, ... 12 km: hPa, kelvin, g m-3."""


def pressure_at(elevation: np.ndarray | float) -> np.ndarray:
    """Return the pressure of the standard atmosphere.

    Parameters
    ----------
    elevation : ndarray or float
        Metres above sea level, below 11 km.

    Returns
    -------
    ndarray, float64
        hPa. U.S. Standard Atmosphere, troposphere.
    """
    return np.asarray(SEA_LEVEL_PRESSURE * (1.0 - 2.25577e-5 * np.asarray(elevation, float)) ** 5.25588)


def water_share_above(altitude: float) -> float:
    """Return which share of the sea-level column of water vapour lies above an altitude (km).

    6S scales its profile to the column that the user gives and then cuts it off at the target; so this is the column
    above the target for a given column of 1.
    """
    density = _PRESSURE * 100.0 / (287.05 * _TEMPERATURE)
    ratio = _WATER_DENSITY / 1000.0 / density
    layers = 0.5 * (ratio[1:] + ratio[:-1]) * -np.diff(_PRESSURE)
    above = np.append(np.cumsum(layers[::-1])[::-1], 0.0)
    lower = min(int(altitude), len(layers) - 1)
    inside = altitude - lower
    # within a layer 6S takes the logarithm of pressure, and the density of water vapour, as linear in height
    pressure = np.exp(np.interp(inside, [0, 1], np.log(_PRESSURE[lower : lower + 2])))
    water = np.interp(inside, [0, 1], _WATER_DENSITY[lower : lower + 2])
    temperature = np.interp(inside, [0, 1], _TEMPERATURE[lower : lower + 2])
    bottom = water / 1000.0 / (pressure * 100.0 / (287.05 * temperature))
    rest = 0.5 * (bottom + ratio[lower + 1]) * (pressure - _PRESSURE[lower + 1])
    return float((rest + above[lower + 1]) / above[0])


def ozone_share_above(altitude: float) -> float:
    """Return which share of the sea-level column of ozone lies above an altitude of up to 3 km (km)."""
    # measured on 6S: logarithms of the transmittance of ozone at 0, 1, 2 and 3 km
    return float(np.interp(altitude, [0.0, 1.0, 2.0, 3.0], [1.0, 0.9926, 0.9853, 0.9783]))
