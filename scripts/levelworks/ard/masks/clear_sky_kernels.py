"""Histograms of clear ground by cells of an image, and what is found from them at its pixels."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.settings import CIRRUS, CLEAR, FROZEN, VALID, WATER

TEMPERATURE_LOW = 200.0
TEMPERATURE_STEP = 0.25
TEMPERATURE_BINS = 720
HAZE_BINS = 256
LAND, SEA, ICE = 0, 1, 2
LAPSE_RATE = 0.0065
"""Kelvin a metre of the standard atmosphere."""


@njit(cache=True, nogil=True)
def ground_of(bits: int) -> int:
    """Return the kind of ground of a pixel: land, water or snow."""
    return ICE if bits & FROZEN else SEA if bits & WATER else LAND


@njit(cache=True, nogil=True)
def count_clear(
    flags: np.ndarray,
    haze: np.ndarray,
    temperature: np.ndarray,
    elevation: np.ndarray,
    start: int,
    step: int,
    hazes: np.ndarray,
    temperatures: np.ndarray,
) -> None:
    """Add the clear pixels of a block of rows to the histograms of its cells.

    Parameters
    ----------
    flags, haze : ndarray, shape (rows, columns)
        As `test_pixels` leaves them.
    temperature, elevation : ndarray, shape (rows, columns) or (0, 0), float32
        Kelvin, metres.
    start : int
        Row of the image that the first row is.
    step : int
        Pixels along a side of a cell.
    hazes : ndarray, shape (cell rows, cell columns, HAZE_BINS), int32
        Of land and water.
    temperatures : ndarray, shape (3, cell rows, cell columns, TEMPERATURE_BINS), int32
        Of land, water and snow, reduced to sea level by `LAPSE_RATE`.
    """
    has_temperature, has_elevation = temperature.size > 0, elevation.size > 0
    for row in range(flags.shape[0]):
        cell_row = (start + row) // step
        for column in range(flags.shape[1]):
            bits = flags[row, column]
            if not bits & VALID or not bits & CLEAR or bits & CIRRUS:
                continue
            cell = column // step
            ground = ground_of(bits)
            if ground != ICE:
                hazes[cell_row, cell, haze[row, column]] += 1
            if has_temperature and np.isfinite(temperature[row, column]):
                kelvin = temperature[row, column]
                if has_elevation and np.isfinite(elevation[row, column]):
                    kelvin += LAPSE_RATE * elevation[row, column]
                bin_ = int((kelvin - TEMPERATURE_LOW) / TEMPERATURE_STEP)
                temperatures[ground, cell_row, cell, min(max(bin_, 0), TEMPERATURE_BINS - 1)] += 1
