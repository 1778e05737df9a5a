"""Compiled loops over a coarse grid of elevation: horizons all round, and the horizon towards the sun."""

from __future__ import annotations

import numpy as np
from numba import njit

UNIT = 1 << 24
"""Sums of sky view count in parts of this, so that they are the same in any order."""
REACH = 0.1
"""Tangents about the sun's within which a horizon is told from another; beyond, the sun is well up or well down."""
TILE = 16
"""Cells along a side of a tile whose highest elevation lets rays pass over it."""


@njit(cache=True, nogil=True)
def _horizon(line: np.ndarray, ahead: np.ndarray, count: int, length: float) -> float:
    """Return the tangent of the horizon of a point towards the points before it, no less than 0.

    The horizon is the first of the points that form the upper hull of those before (Dozier, Bruno and Downey 1981):
    each is looked at a few times only.
    """
    if count == 0:
        ahead[0] = -1
        return 0.0
    height = line[count]
    seen = count - 1
    rise, run = line[seen] - height, 1.0
    while ahead[seen] >= 0:
        beyond = ahead[seen]
        further, distance = line[beyond] - height, float(count - beyond)
        if further * run < rise * distance:
            break
        seen, rise, run = beyond, further, distance
    ahead[count] = seen
    return max(rise / (run * length), 0.0)


@njit(cache=True, nogil=True)
def _sky(tangent: float, upright: float, towards: float) -> float:
    """Return the term of Dozier and Frew 1990 (IEEE TGRS 28, 963, equation 7b) of one direction."""
    share = 1.0 / (1.0 + tangent * tangent)
    # The arc tangent, within 1e-5 (Abramowitz and Stegun 4.4.49).
    small = tangent if tangent <= 1.0 else 1.0 / tangent
    square = small * small
    angle = small * (
        0.9998660 + square * (-0.3302995 + square * (0.1801410 + square * (-0.0851330 + square * 0.0208351)))
    )
    from_zenith = 0.5 * np.pi - angle if tangent <= 1.0 else angle
    return max(upright * share + towards * (from_zenith - tangent * share), 0.0)


@njit(cache=True, nogil=True)
def tilt_of(heights: np.ndarray, spacing: float, tilt: np.ndarray) -> None:
    """Write the cosine of each cell's slope, and that times the rise to east and south, shape (3, rows, columns)."""
    rows, columns = heights.shape
    for row in range(rows):
        up, below = max(row - 1, 0), min(row + 1, rows - 1)
        for column in range(columns):
            left, beside = max(column - 1, 0), min(column + 1, columns - 1)
            east = (heights[row, beside] - heights[row, left]) / (spacing * max(beside - left, 1))
            south = (heights[below, column] - heights[up, column]) / (spacing * max(below - up, 1))
            upright = 1.0 / np.sqrt(1.0 + east * east + south * south)
            tilt[0, row, column] = upright
            tilt[1, row, column] = upright * east
            tilt[2, row, column] = upright * south


@njit(cache=True, nogil=True)
def add_sky(
    heights: np.ndarray,
    tilt: np.ndarray,
    spacing: float,
    down: int,
    right: int,
    sector: float,
    lines: np.ndarray,
    total: np.ndarray,
) -> None:
    """Add what two opposite sectors of the sky give to each cell's sky view.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns), float32
        Finite.
    tilt : ndarray, shape (3, rows, columns), float32
        Of `tilt_of`.
    down, right : int
        The direction looked to, in cells, and back.
    sector : float
        Share of the full circle that each of the two stands for.
    lines : ndarray, shape (n, 2)
        Row and column at which each line ends, looked along the direction.
    total : ndarray, shape (rows, columns), int32
        Added to, in parts of `UNIT`.
    """
    rows, columns = heights.shape
    longest = max(rows, columns)
    line, back = np.empty(longest, np.float64), np.empty(longest, np.float64)
    tangents = np.empty(longest, np.float64)
    ahead = np.empty(longest, np.int64)
    length = spacing * np.sqrt(float(down * down + right * right))
    eastward, southward = right * spacing / length, down * spacing / length
    unit = sector * UNIT
    for index in range(lines.shape[0]):
        row, column = lines[index]
        size = 0
        while 0 <= row < rows and 0 <= column < columns:
            line[size] = heights[row, column]
            tangents[size] = _horizon(line, ahead, size, length)
            size += 1
            row -= down
            column -= right
        for count in range(size):
            back[count] = line[size - 1 - count]
        for count in range(size):
            row += down
            column += right
            backward = _horizon(back, ahead, count, length)
            upright = float(tilt[0, row, column])
            lean = tilt[1, row, column] * eastward + tilt[2, row, column] * southward
            rise = lean / upright
            # The slope itself is a horizon, where the grid ends too.
            sky = _sky(max(tangents[size - 1 - count], rise), upright, -lean)
            sky += _sky(max(backward, -rise), upright, lean)
            total[row, column] += np.int32(np.rint(sky * unit))


@njit(cache=True, nogil=True)
def highest_about(heights: np.ndarray) -> np.ndarray:
    """Return the highest elevation of each tile and its eight neighbours, float32."""
    rows, columns = (heights.shape[0] + TILE - 1) // TILE, (heights.shape[1] + TILE - 1) // TILE
    own = np.full((rows, columns), -np.inf, np.float32)
    for row in range(heights.shape[0]):
        for column in range(heights.shape[1]):
            own[row // TILE, column // TILE] = max(own[row // TILE, column // TILE], heights[row, column])
    result = np.empty_like(own)
    for row in range(rows):
        for column in range(columns):
            highest = np.float32(-np.inf)
            for y in range(max(row - 1, 0), min(row + 2, rows)):
                for x in range(max(column - 1, 0), min(column + 2, columns)):
                    highest = max(highest, own[y, x])
            result[row, column] = highest
    return result


@njit(cache=True, nogil=True)
def horizon_above_sun(
    heights: np.ndarray, spacing: float, first: int, sun: np.ndarray, step: int, tiles: np.ndarray, result: np.ndarray
) -> None:
    """Write the tangent of the horizon towards the sun less the tangent of the sun's elevation, within `REACH`.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns), float32
        Finite.
    first : int
        Row of the grid that the first row of `result` is.
    sun : ndarray, shape (3, field rows, field columns), float32
        Unit vector to the sun, of cells of `step` of these: east, north, up.
    tiles : ndarray
        What `highest_about` returns.
    result : ndarray, shape (some rows, columns), float32
        Positive in shadow.
    """
    rows, columns = heights.shape
    top = -np.inf
    for row in range(tiles.shape[0]):
        for column in range(tiles.shape[1]):
            top = max(top, tiles[row, column])
    for line in range(result.shape[0]):
        row = first + line
        for column in range(columns):
            cell, beside = min(row // step, sun.shape[1] - 1), min(column // step, sun.shape[2] - 1)
            east, north, up = sun[0, cell, beside], sun[1, cell, beside], sun[2, cell, beside]
            level = np.sqrt(east * east + north * north)
            if level < 1e-6:
                result[line, column] = -REACH
                continue
            along_rows = abs(north) >= abs(east)
            # One cell a step along the axis that the sun is nearer to; `aside` along the other.
            major = abs(north) if along_rows else abs(east)
            onward = (-1 if north > 0.0 else 1) if along_rows else (1 if east > 0.0 else -1)
            aside = (east if along_rows else -north) / major
            length = spacing * level / major
            sun_tangent = up / level
            height = heights[row, column]
            highest = max(sun_tangent - REACH, 0.0)
            start, across = (row, float(column)) if along_rows else (column, float(row))
            end, width = (rows, columns) if along_rows else (columns, rows)
            count = 1
            while True:
                place = start + onward * count
                other = across + aside * count
                near = int(np.floor(other))
                if place < 0 or place >= end or near < 0 or near >= width:
                    break
                distance = length * count
                if height + highest * distance >= top:
                    break
                tile = tiles[place // TILE, near // TILE] if along_rows else tiles[near // TILE, place // TILE]
                if height + highest * distance >= tile:
                    left = TILE - place % TILE if onward > 0 else place % TILE + 1
                    count += left
                    continue
                share = other - near
                far = min(near + 1, width - 1)
                one = heights[place, near] if along_rows else heights[near, place]
                two = heights[place, far] if along_rows else heights[far, place]
                highest = max(highest, (one + share * (two - one) - height) / distance)
                count += 1
            result[line, column] = min(highest - sun_tangent, REACH)
