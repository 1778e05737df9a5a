"""Water vapour pixel by pixel: the amount that explains how dark 0.945 um is beside 0.865 um."""

from __future__ import annotations

import numpy as np
from numba import njit

PIXELS = 6
"""Pixels of 10 m along a side of a pixel of the 0.945 um band."""
PER_CELL = 5
"""Pixels of 60 m along a side of a cell of the field."""
UNIT = 1e-5
"""g cm-2 in which amounts are summed as whole numbers, so that sums don't depend on their order."""
GAS, PATH, HAZE, THROUGH, ALBEDO, WEAK = 0, 1, 2, 3, 4, 5
"""Of the air: transmittance of ozone and evenly mixed gases, path reflectance of molecules and of aerosol,
transmittance down and up, spherical albedo, -ln of the transmittance of 2 g cm-2 of water vapour."""
RED, EDGE, NEAR, VAPOUR = 0, 1, 2, 3
"""Of the bands: 0.665, 0.783, 0.865 and 0.945 um."""
SLOPE_CONSTANT, SLOPE_INDEX, SLOPE_EDGE = 0.0246, -0.0783, 0.6432
"""ln(rho(0.945) / rho(0.865)) of land by its vegetation index and by ln(rho(0.865) / rho(0.783)): least squares over
4000 mixtures of canopies (PROSAIL, Jacquemoud et al. 2009, doi:10.1016/j.rse.2008.01.026), soils (ICRAF-ISRIC soil
spectral library) and litter; what remains deviates by 0.021."""
GROWTH = 0.85
"""Power of the amount with which weak absorption grows."""


@njit(nogil=True, cache=True)
def _ground(toa: float, air: np.ndarray, amount: float) -> float:
    """Return the reflectance of the ground in a band with weak absorption."""
    water = np.exp(-air[WEAK] * (0.5 * amount) ** GROWTH)
    light = (toa / air[GAS] - air[PATH] - air[HAZE] * np.sqrt(water)) / (air[THROUGH] * water)
    return light / (1.0 + air[ALBEDO] * light)


@njit(nogil=True, cache=True)
def _amount(
    toa: float, ground: float, air: np.ndarray, water: np.ndarray, half: np.ndarray, roots: np.ndarray
) -> float:
    """Return the amount at which the band over this ground is as dark as measured; NaN beyond the last node."""
    lit = air[THROUGH] * ground / (1.0 - air[ALBEDO] * ground)
    wanted = toa / air[GAS] - air[PATH]
    low, high = 0, roots.size - 1
    if wanted <= air[HAZE] * half[high] + lit * water[high]:
        return np.nan
    if wanted >= air[HAZE] * half[0] + lit * water[0]:
        return roots[0] ** 2
    while high - low > 1:
        middle = (low + high) // 2
        if wanted < air[HAZE] * half[middle] + lit * water[middle]:
            low = middle
        else:
            high = middle
    bright = np.log(air[HAZE] * half[low] + lit * water[low])
    dark = np.log(air[HAZE] * half[high] + lit * water[high])
    root = roots[low] + (bright - np.log(wanted)) / (bright - dark) * (roots[high] - roots[low])
    return root * root


@njit(nogil=True, cache=True)
def add_rows(
    toa: np.ndarray,
    valid: np.ndarray,
    start: int,
    air: np.ndarray,
    water: np.ndarray,
    half: np.ndarray,
    roots: np.ndarray,
    darkest: float,
    amounts: np.ndarray,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Find the water vapour of the 60 m pixels of a block of rows, and add it to the cells of the field.

    Parameters
    ----------
    toa : ndarray, shape (4, rows, columns), float32
        Reflectance at the top of the atmosphere at 10 m, of the bands RED, EDGE, NEAR, VAPOUR.
    valid : ndarray, shape (rows, columns), uint8
        1 of clear land.
    start : int
        Row of the image that is the block's first, a multiple of 6.
    air : ndarray, shape (cell rows, cell columns, 4, 6), float64
    water, half : ndarray, shape (cell rows, cell columns, nodes), float64
        Transmittance of the whole and of half the water vapour at 0.945 um.
    roots : ndarray, shape (nodes,), float64
        Square roots of the amounts of the nodes, ascending.
    darkest : float
        Reflectance at 0.865 um below which nothing is found.
    amounts : ndarray, shape (rows of 60 m, columns of 60 m), float32
        Filled; NaN where nothing was found.
    counts, sums : ndarray, shape (cell rows, cell columns), int64
    """
    _, rows, columns = toa.shape
    first = start // PIXELS
    mean = np.empty(4)
    for row in range(amounts.shape[0]):
        top, bottom = row * PIXELS, min((row + 1) * PIXELS, rows)
        r = (first + row) // PER_CELL
        for column in range(amounts.shape[1]):
            amounts[row, column] = np.nan
            left, right = column * PIXELS, min((column + 1) * PIXELS, columns)
            whole = True
            mean[:] = 0.0
            for i in range(top, bottom):
                for j in range(left, right):
                    if valid[i, j] == 0:
                        whole = False
                        break
                    for band in range(4):
                        mean[band] += toa[band, i, j]
                if not whole:
                    break
            if not whole:
                continue
            mean /= (bottom - top) * (right - left)
            if not mean[NEAR] > darkest or not mean[VAPOUR] > 0.0:
                continue
            c = column // PER_CELL
            around = air[r, c]
            found = 2.0
            for _ in range(3):
                red = max(_ground(mean[RED], around[RED], found), 0.001)
                edge = max(_ground(mean[EDGE], around[EDGE], found), 0.01)
                near = max(_ground(mean[NEAR], around[NEAR], found), 0.01)
                index = (near - red) / (near + red)
                steps = SLOPE_CONSTANT + SLOPE_INDEX * index + SLOPE_EDGE * np.log(near / edge)
                beyond = near * np.exp(min(max(steps, -0.2), 0.2))
                found = _amount(mean[VAPOUR], beyond, around[VAPOUR], water[r, c], half[r, c], roots)
                if found != found:
                    break
            if found == found:
                amounts[row, column] = found
                counts[r, c] += 1
                sums[r, c] += np.int64(np.floor(found / UNIT + 0.5))
