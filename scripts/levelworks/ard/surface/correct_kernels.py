"""The compiled pass over pixels: reflectance of the surface, its error and its flags, for all bands of some rows."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.surface.field_kernels import (
    ALBEDO,
    ALBEDO_RISE,
    BACKGROUND,
    BRDF,
    COEFFICIENTS,
    DIFFUSE,
    GAIN,
    GAIN_RISE,
    OFFSET,
    OFFSET_RISE,
    VARIANCE,
)

NODATA = np.int16(-9999)
SCALE = np.float32(10000.0)
HIGHEST = np.float32(32767.0)
SUBZERO, SATURATED, OFF = np.uint8(16), np.uint8(32), np.uint8(64)
"""Flags beside those of illumination: below 0 in a band, above 1 in a band, no data."""
LOWEST = np.float32(-1.0)
"""Reflectance below which a pixel is off."""
SLOPE_ERROR = np.float32(0.1)
"""Of a slope, relative: elevation models differ by about that much on hills."""
DIFFUSE_ERROR = np.float32(0.3)
"""Of the diffuse share of sunlight, relative."""


@njit(cache=True, nogil=True)
def correct_rows(
    toa: np.ndarray,
    coefficients: np.ndarray,
    first: int,
    sun: np.ndarray,
    step: int,
    start: int,
    elevation: np.ndarray,
    direct: np.ndarray,
    sky_view: np.ndarray,
    tilt: np.ndarray,
    level: bool,
    most: float,
    reflectance: np.ndarray,
    uncertainty: np.ndarray,
    exact: np.ndarray,
    flags: np.ndarray,
) -> None:
    """Write what the surface reflects; coefficients run straight between the centres of the field's cells.

    Parameters
    ----------
    toa : ndarray, shape (bands, rows, columns), float32
        Reflectance at the top of the atmosphere, NaN where off.
    coefficients : ndarray, shape (bands, COEFFICIENTS, some field rows, field columns), float32
        Of the rows of the field from `first` on.
    sun : ndarray, shape (some field rows, field columns), float32
        Cosine of the sun's zenith angle, of the same rows.
    step, start : int
        Pixels along a side of a cell, and the row of the image that comes first.
    elevation, direct, sky_view, tilt : ndarray, shape (rows, columns), float32
        Elevation (m), cosine of incidence of direct sunlight, sky view, sine of the slope.
    level : bool
        Leave slopes as they are.
    most : float
        What a slope's correction may multiply by, at the most.
    reflectance : ndarray, shape (bands, rows, columns), int16
        Written, times 10000, half to even.
    uncertainty : ndarray, shape (bands, rows, columns) or (0, 0, 0), int16
        Written where it has a size: standard error, times 10000.
    exact : ndarray, shape (bands, rows, columns) or (0, 0, 0), float32
        Written where it has a size: reflectance as computed.
    flags : ndarray, shape (rows, columns), uint8
        Those of illumination come in, the rest is added.
    """
    bands, rows, columns = toa.shape
    some, cells = sun.shape
    one, none = np.float32(1.0), np.float32(0.0)
    top = np.float32(most)
    places = np.empty(columns, np.int64)
    shares = np.empty(columns, np.float32)
    for column in range(columns):
        place = (column + 0.5) / step - 0.5
        left = min(max(int(np.floor(place)), 0), max(cells - 2, 0))
        places[column] = left
        shares[column] = min(max(place - left, 0.0), 1.0)
    line = np.empty((COEFFICIENTS, cells + 1), np.float32)
    ahead = np.empty((COEFFICIENTS, cells + 1), np.float32)
    zenith = np.empty(cells + 1, np.float32)
    for row in range(rows):
        place = (start + row + 0.5) / step - 0.5
        upper = min(max(int(np.floor(place)) - first, 0), some - 1)
        lower = min(upper + 1, some - 1)
        share = np.float32(min(max(place - (first + upper), 0.0), 1.0))
        for cell in range(cells):
            zenith[cell] = sun[upper, cell] + share * (sun[lower, cell] - sun[upper, cell])
        zenith[cells] = zenith[cells - 1]
        for column in range(columns):
            if np.isnan(elevation[row, column]) or np.isnan(direct[row, column]):
                flags[row, column] |= OFF
        for band in range(bands):
            for part in range(COEFFICIENTS):
                for cell in range(cells):
                    above = coefficients[band, part, upper, cell]
                    line[part, cell] = above + share * (coefficients[band, part, lower, cell] - above)
                line[part, cells] = line[part, cells - 1]
                for cell in range(cells):
                    ahead[part, cell] = line[part, cell + 1] - line[part, cell]
            for column in range(columns):
                seen = toa[band, row, column]
                if np.isnan(seen):
                    flags[row, column] |= OFF
                if flags[row, column] & OFF:
                    continue
                cell, aside = places[column], shares[column]
                height = elevation[row, column]
                gain = line[GAIN, cell] + aside * ahead[GAIN, cell]
                gain += height * (line[GAIN_RISE, cell] + aside * ahead[GAIN_RISE, cell])
                offset = line[OFFSET, cell] + aside * ahead[OFFSET, cell]
                offset += height * (line[OFFSET_RISE, cell] + aside * ahead[OFFSET_RISE, cell])
                albedo = line[ALBEDO, cell] + aside * ahead[ALBEDO, cell]
                albedo += height * (line[ALBEDO_RISE, cell] + aside * ahead[ALBEDO_RISE, cell])
                signal = seen * gain - offset
                value = signal / (one + albedo * signal)

                factor = line[BRDF, cell] + aside * ahead[BRDF, cell]
                slope, shade = none, none
                if not level:
                    # Sunlight on level ground and on the slope: direct, from the sky, from terrain about it.
                    overhead = zenith[cell] + aside * (zenith[cell + 1] - zenith[cell])
                    diffuse = line[DIFFUSE, cell] + aside * ahead[DIFFUSE, cell]
                    sky = sky_view[row, column]
                    terrain = (one - sky) * (line[BACKGROUND, cell] + aside * ahead[BACKGROUND, cell])
                    ground = overhead + diffuse
                    lit = direct[row, column] + sky * diffuse + terrain * ground
                    factor *= min(ground / lit, top)
                    if direct[row, column] > none:
                        slope = SLOPE_ERROR * tilt[row, column] * np.sqrt(one - overhead * overhead) / lit
                    shade = DIFFUSE_ERROR * diffuse * (one / ground - (sky + terrain) / lit)
                if uncertainty.size:
                    variance = line[VARIANCE, cell] + aside * ahead[VARIANCE, cell]
                    linear = line[VARIANCE + 1, cell] + aside * ahead[VARIANCE + 1, cell]
                    linear += value * (line[VARIANCE + 2, cell] + aside * ahead[VARIANCE + 2, cell])
                    variance += value * (linear + value * (slope * slope + shade * shade))
                    error = factor * np.sqrt(max(variance, none))
                    uncertainty[band, row, column] = np.int16(min(np.rint(error * SCALE), HIGHEST))
                value *= factor
                if value < LOWEST:
                    flags[row, column] |= OFF
                    continue
                if value < none:
                    flags[row, column] |= SUBZERO
                elif value > one:
                    flags[row, column] |= SATURATED
                reflectance[band, row, column] = np.int16(min(np.rint(value * SCALE), HIGHEST))
                if exact.size:
                    exact[band, row, column] = value
        for column in range(columns):
            if flags[row, column] & OFF:
                flags[row, column] = OFF
                for band in range(bands):
                    reflectance[band, row, column] = NODATA
                    if uncertainty.size:
                        uncertainty[band, row, column] = NODATA
                    if exact.size:
                        exact[band, row, column] = np.nan
