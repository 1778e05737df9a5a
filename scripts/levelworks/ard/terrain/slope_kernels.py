"""Compiled loops over rows of elevation: Horn's slopes, and how the sun falls on each pixel."""

from __future__ import annotations

import numpy as np
from numba import njit

SLOPING = np.uint8(4)
"""Flag of a slope above 2 degrees; the two lowest bits are the class of illumination."""
CAST_SHADOW = np.uint8(8)
"""Flag of a pixel that other terrain hides from the sun."""
POOR, LOW, NONE = 0.5735764, 0.1736482, 0.0
"""Cosines of incidence (55, 80, 90 degrees) below which illumination is of class 1, 2, 3."""
PENUMBRA = np.float32(0.01)
"""Tangent to either side of the horizon over which direct sunlight fades: how well coarse horizons are known."""
LEVEL = 0.0349208**2
"""Squared tangent of 2 degrees."""


@njit(cache=True, nogil=True)
def horn(heights: np.ndarray, row: int, column: int, scale: float) -> tuple[float, float]:
    """Return how elevation rises to the east and to the south of a pixel, by Horn's weights (spec section 7).

    Beyond the first and last column the terrain goes on as it was; `scale` is one over eight pixel sizes.
    """
    last = heights.shape[1] - 1
    left, right = max(column - 1, 0), min(column + 1, last)
    a, b, c = heights[row - 1, left], heights[row - 1, column], heights[row - 1, right]
    d, e, f = heights[row, left], heights[row, column], heights[row, right]
    g, h, i = heights[row + 1, left], heights[row + 1, column], heights[row + 1, right]
    if left == column:
        a, d, g = 2.0 * b - c, 2.0 * e - f, 2.0 * h - i
    if right == column:
        c, f, i = 2.0 * b - a, 2.0 * e - d, 2.0 * h - g
    # The middle counts for a void, not for the slope.
    east = ((c + 2.0 * f + i) - (a + 2.0 * d + g)) * scale + 0.0 * e
    south = ((g + 2.0 * h + i) - (a + 2.0 * b + c)) * scale + 0.0 * e
    return east, south


@njit(cache=True, nogil=True)
def slope_aspect(heights: np.ndarray, resolution: float, slope: np.ndarray, aspect: np.ndarray) -> None:
    """Write slope and aspect (degrees; the way down, clockwise from north); `heights` has a row more at both ends."""
    scale = 1.0 / (8.0 * resolution)
    for row in range(slope.shape[0]):
        for column in range(slope.shape[1]):
            east, south = horn(heights, row + 1, column, scale)
            slope[row, column] = np.degrees(np.arctan(np.hypot(east, south)))
            aspect[row, column] = np.degrees(np.arctan2(-east, south)) % 360.0


@njit(cache=True, nogil=True)
def illuminate(
    heights: np.ndarray,
    resolution: float,
    start: int,
    sun: np.ndarray,
    step: int,
    coarse: np.ndarray,
    first: int,
    factor: int,
    direct: np.ndarray,
    sky_view: np.ndarray,
    tilt: np.ndarray,
    flags: np.ndarray,
) -> None:
    """Write direct sunlight, sky view, sine of the slope and flags of the pixels of some rows.

    Parameters
    ----------
    heights : ndarray, shape (rows + 2, columns), float32
        Elevation, with a row more at both ends.
    start : int
        Row of the image that comes first.
    sun : ndarray, shape (3, field rows, field columns), float32
        Unit vector to the sun on the field: east, north, up.
    coarse : ndarray, shape (2, coarse rows, coarse columns), float32
        Sky view, and the tangent of the horizon less that of the sun, on cells of `factor` pixels.
    first : int
        Row of the whole coarse grid that `coarse` begins with.
    direct : ndarray, shape (rows, columns), float32
        Written: cosine of incidence, 0 where the sun is hidden; NaN where a pixel of the window is void.
    sky_view, tilt : ndarray, shape (rows, columns), float32
    flags : ndarray, shape (rows, columns), uint8
        Written.
    """
    field_rows, field_columns = sun.shape[1:]
    coarse_rows, coarse_columns = coarse.shape[1:]
    lines = np.empty((3, field_columns), np.float32)
    rough = np.empty((2, coarse_columns), np.float32)
    scale = 1.0 / (8.0 * resolution)
    for row in range(direct.shape[0]):
        place = (start + row + 0.5) / step - 0.5
        upper = min(max(int(np.floor(place)), 0), field_rows - 1)
        lower = min(upper + 1, field_rows - 1)
        share = np.float32(min(max(place - upper, 0.0), 1.0))
        for part in range(3):
            for cell in range(field_columns):
                lines[part, cell] = sun[part, upper, cell] + share * (sun[part, lower, cell] - sun[part, upper, cell])
        place = (start + row + 0.5) / factor - 0.5
        upper = min(max(int(np.floor(place)) - first, 0), coarse_rows - 1)
        lower = min(upper + 1, coarse_rows - 1)
        share = np.float32(min(max(place - (first + upper), 0.0), 1.0))
        for part in range(2):
            for cell in range(coarse_columns):
                above = coarse[part, upper, cell]
                rough[part, cell] = above + share * (coarse[part, lower, cell] - above)
        for column in range(direct.shape[1]):
            place = (column + 0.5) / step - 0.5
            left = min(max(int(np.floor(place)), 0), field_columns - 1)
            right = min(left + 1, field_columns - 1)
            share = np.float32(min(max(place - left, 0.0), 1.0))
            to_east = lines[0, left] + share * (lines[0, right] - lines[0, left])
            to_north = lines[1, left] + share * (lines[1, right] - lines[1, left])
            to_zenith = lines[2, left] + share * (lines[2, right] - lines[2, left])
            place = (column + 0.5) / factor - 0.5
            left = min(max(int(np.floor(place)), 0), coarse_columns - 1)
            right = min(left + 1, coarse_columns - 1)
            share = np.float32(min(max(place - left, 0.0), 1.0))
            sky_view[row, column] = rough[0, left] + share * (rough[0, right] - rough[0, left])
            above_sun = rough[1, left] + share * (rough[1, right] - rough[1, left])

            east, south = horn(heights, row + 1, column, scale)
            steepness = east * east + south * south
            upright = 1.0 / np.sqrt(1.0 + steepness)
            incidence = (to_zenith - east * to_east + south * to_north) * upright
            tilt[row, column] = np.sqrt(steepness) * upright
            visible = min(
                max(np.float32(0.5) - above_sun / (np.float32(2.0) * PENUMBRA), np.float32(0.0)), np.float32(1.0)
            )
            # Comparisons with NaN are false: what is void stays void.
            direct[row, column] = 0.0 if incidence < 0.0 else incidence * visible
            flag = np.uint8(0)
            if incidence < NONE or above_sun > 0.0:
                flag = np.uint8(3)
            elif incidence < LOW:
                flag = np.uint8(2)
            elif incidence < POOR:
                flag = np.uint8(1)
            if steepness > LEVEL:
                flag |= SLOPING
            if above_sun > 0.0:
                flag |= CAST_SHADOW
            flags[row, column] = flag
