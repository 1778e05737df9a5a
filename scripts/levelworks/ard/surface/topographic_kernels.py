"""Compiled sums of what sloping pixels reflect in SWIR2 over how the sun falls on them."""

from __future__ import annotations

import numpy as np
from numba import njit

KINDS = 20
"""Classes of like surfaces, by (SWIR1 - SWIR2) / (SWIR1 + SWIR2) on level ground from 0 to 1."""
COUNT, LIGHT, SIGNAL, LIGHT2, LIGHT_SIGNAL, SIGNAL2 = range(6)
"""Places of sums: number, illumination, signal, and their products."""
UNITS = np.float32(4096.0)
"""Sums count in parts of this: whole numbers add up to the same in any order."""
DIM = np.float32(0.1)
"""Cosine of incidence below which a pixel says more of the elevation model than of light."""
NO_SUN, SLOPING = np.uint8(3), np.uint8(4)


@njit(cache=True, nogil=True)
def _signal(toa: float, height: float, coefficients: np.ndarray, near: int, beside: int) -> float:
    """Return what the surface sends up, in units of its reflectance on level ground."""
    gain = coefficients[0, near, beside] + height * coefficients[1, near, beside]
    return toa * gain - coefficients[2, near, beside] - height * coefficients[3, near, beside]


@njit(cache=True, nogil=True)
def _light(incidence: float, sky: float, zenith: float, coefficients: np.ndarray, near: int, beside: int) -> float:
    """Return sunlight on a slope, in cosines of incidence."""
    diffuse, background = coefficients[4, near, beside], coefficients[5, near, beside]
    return incidence + sky * diffuse + (1.0 - sky) * background * (zenith + diffuse)


@njit(cache=True, nogil=True)
def add_slopes(
    swir1: np.ndarray,
    swir2: np.ndarray,
    clear: np.ndarray,
    coefficients: np.ndarray,
    zenith: np.ndarray,
    first: int,
    step: int,
    start: int,
    spacing: int,
    tile: int,
    elevation: np.ndarray,
    direct: np.ndarray,
    sky_view: np.ndarray,
    flags: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Add the clear sloping pixels of some rows to the sums of their tiles and kinds.

    Parameters
    ----------
    swir1, swir2 : ndarray, shape (rows, columns), float32
        At the top of the atmosphere, NaN where off.
    clear : ndarray, shape (rows, columns), bool
        Land without cloud, shadow or snow.
    coefficients : ndarray, shape (2, 6, some field rows, field columns), float32
        Gain, its rise, offset, its rise, diffuse light and background of SWIR1 and SWIR2, of the cells from row
        `first` on.
    zenith : ndarray, shape (some field rows, field columns), float32
        Cosine of the sun's zenith angle.
    step, start : int
        Pixels along a side of a cell, and the row of the image that comes first.
    spacing : int
        Pixels between those that are taken.
    tile : int
        Cells along a side of a tile.
    elevation, direct, sky_view : ndarray, shape (rows, columns), float32
    flags : ndarray, shape (rows, columns), uint8
        Of illumination.
    sums : ndarray, shape (tile rows, tile columns, KINDS, 6), int64
        Added to.
    """
    rows, columns = swir2.shape
    for row in range(-start % spacing, rows, spacing):
        cell = (start + row) // step
        near = cell - first
        for column in range(0, columns, spacing):
            one, two = swir1[row, column], swir2[row, column]
            flag = flags[row, column]
            incidence = direct[row, column]
            if not clear[row, column] or not flag & SLOPING or flag & NO_SUN == NO_SUN or not incidence > DIM:
                continue
            beside = column // step
            height, sky, overhead = elevation[row, column], sky_view[row, column], zenith[near, beside]
            one = _signal(one, height, coefficients[0], near, beside)
            two = _signal(two, height, coefficients[1], near, beside)
            if not (one > 0.0 and 0.0 < two < 2.0):
                continue
            light = _light(incidence, sky, overhead, coefficients[1], near, beside)
            # Kinds go by colours on level ground: those seen depend on light, and would mix with it.
            other = one / _light(incidence, sky, overhead, coefficients[0], near, beside)
            signal = two / light
            kind = int((other - signal) / (other + signal) * KINDS)
            if kind < 0:
                continue
            x, y = np.int64(np.rint(light * UNITS)), np.int64(np.rint(two * UNITS))
            total = sums[cell // tile, beside // tile, min(kind, KINDS - 1)]
            total[COUNT] += 1
            total[LIGHT] += x
            total[SIGNAL] += y
            total[LIGHT2] += x * x
            total[LIGHT_SIGNAL] += x * y
            total[SIGNAL2] += y * y
