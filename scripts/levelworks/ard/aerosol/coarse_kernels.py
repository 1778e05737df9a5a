"""Sums of the pixels of an image over the cells of its field, by kinds of dark targets."""

from __future__ import annotations

import numpy as np
from numba import njit

CLEAR_BIT = 1
"""Of the mask: the pixel has data and neither cloud nor shadow nor snow nor saturation."""
WATER_BIT = 2
"""Of the mask: the pixel is known to be water (never vegetation)."""
LAND_BIT = 4
"""Of the mask: the pixel is known to be land (never water)."""

DARK_VEGETATION, VEGETATION, WATER, CLEAR = 0, 1, 2, 3
KINDS = 4

SCALE = 1e6
"""Reflectances are summed as whole numbers of millionths: sums don't depend on the order of pixels."""
LARGEST = 2.0
"""Reflectance at which a pixel is cut, so that 900 of them fit 32 bits."""


@njit(nogil=True, cache=True)
def add_pixels(
    toa: np.ndarray,
    mask: np.ndarray,
    slope: np.ndarray,
    water_slope: np.ndarray,
    places: np.ndarray,
    start: int,
    step: int,
    counts: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Add the pixels of a block of rows to the cells in which they lie.

    Dark vegetation is that of spec 13.2 (SWIR2 below 0.05), other vegetation reaches to 0.12. Water is dark in red and
    near infrared too: turbid and shallow water says little of the air.

    Parameters
    ----------
    toa : ndarray, shape (bands, rows, columns), float32
        Reflectance at the top of the atmosphere; NaN is no data.
    mask : ndarray, shape (rows, columns), uint8
    slope : ndarray, shape (rows, columns) or (0, 0), float32
        Degrees; flat where empty.
    water_slope : ndarray, shape (cell rows, cell columns), float32
        Largest slope of water, degrees.
    places : ndarray, shape (5,), int64
        Positions of BLUE, GREEN, RED, NIR and SWIR2 among the bands.
    start : int
        Row of the image that is the block's first.
    step : int
        Pixels along a side of a cell.
    counts : ndarray, shape (KINDS, cell rows, cell columns), int32
    sums : ndarray, shape (KINDS, bands, cell rows, cell columns), int32
    """
    bands, rows, columns = toa.shape
    whole = np.empty(bands, np.int32)
    flat = slope.size == 0
    for row in range(rows):
        r = (start + row) // step
        for column in range(columns):
            if mask[row, column] & CLEAR_BIT == 0:
                continue
            good = True
            for band in range(bands):
                value = toa[band, row, column]
                if not value > -0.5:
                    good = False
                    break
                whole[band] = np.int32(np.floor(min(value, LARGEST) * SCALE + 0.5))
            if not good:
                continue
            c = column // step
            blue, green, red = toa[places[0], row, column], toa[places[1], row, column], toa[places[2], row, column]
            near, far = toa[places[3], row, column], toa[places[4], row, column]
            tilt = np.float32(0.0) if flat else slope[row, column]
            counts[CLEAR, r, c] += 1
            for band in range(bands):
                sums[CLEAR, band, r, c] += whole[band]
            kind = CLEAR
            known = mask[row, column]
            if far < 0.12 and red < 0.2 and blue < near and near - red > 0.4 * (near + red) and tilt < 15.0:
                if known & WATER_BIT == 0:
                    kind = DARK_VEGETATION if far < 0.05 else VEGETATION
            elif far < 0.025 and red < 0.07 and near < 0.05 and known & LAND_BIT == 0 and tilt < water_slope[r, c]:
                kind = WATER if blue > green > red > near else CLEAR
            if kind != CLEAR:
                counts[kind, r, c] += 1
                for band in range(bands):
                    sums[kind, band, r, c] += whole[band]
