"""What covers each pixel: parcels around random seeds, fields and buildings within them, and how it reflects."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from levelworks.ard.simulation.noise_kernels import hashed, normal, uniform

AGRICULTURE, TOWN = 20, 21
"""Uses of parcels that are several covers; other uses are the number of one cover."""
STREET = 26.0
"""Metres, half of it the width of streets."""


class Parcels(NamedTuple):
    """Parcels on a lattice, one in each cell at a random place: a pixel belongs to the nearest.

    Parameters
    ----------
    size : (1,) float64
        Metres of a cell.
    corner : (2,) int64
        Number of the first row and column.
    x, y : (rows, columns) float64
        Where the seeds are, metres.
    use : (rows, columns) uint8
        A cover, `AGRICULTURE` or `TOWN`.
    level, tilt, mixing, heading : (rows, columns) float32
        Logarithm of brightness, colour, share of the partner cover, direction of fields (radians).
    """

    size: np.ndarray
    corner: np.ndarray
    x: np.ndarray
    y: np.ndarray
    use: np.ndarray
    level: np.ndarray
    tilt: np.ndarray
    mixing: np.ndarray
    heading: np.ndarray


@njit(cache=True, nogil=True)
def nearest_parcel(parcels: Parcels, x: float, y: float) -> tuple[int, int]:
    """Return row and column in the tables of the parcel whose seed is nearest."""
    row = math.floor(y / parcels.size[0]) - parcels.corner[0]
    column = math.floor(x / parcels.size[0]) - parcels.corner[1]
    best, best_row, best_column = np.inf, row, column
    for i in range(row - 1, row + 2):
        for j in range(column - 1, column + 2):
            across, down = x - parcels.x[i, j], y - parcels.y[i, j]
            distance = across * across + down * down
            if distance < best:
                best, best_row, best_column = distance, i, j
    return best_row, best_column


@njit(cache=True, nogil=True)
def paint_parcels(
    parcels: Parcels,
    x: float,
    y: float,
    step: float,
    warp: np.ndarray,
    cover: np.ndarray,
    level: np.ndarray,
    tilt: np.ndarray,
    mixing: np.ndarray,
) -> None:
    """Fill cover, brightness, colour and share of the partner of every pixel by its parcel.

    Parameters
    ----------
    x, y, step : float
        Centre of the first pixel and size of a pixel, metres.
    warp : (2, rows, columns) float32
        Metres by which borders are bent eastward and northward.
    """
    rows, columns = cover.shape
    for i in range(rows):
        for j in range(columns):
            east, north = x + j * step, y - i * step
            row, column = nearest_parcel(parcels, east + warp[0, i, j], north + warp[1, i, j])
            use = parcels.use[row, column]
            level[i, j] = parcels.level[row, column]
            tilt[i, j] = parcels.tilt[row, column]
            mixing[i, j] = parcels.mixing[row, column]
            if use < AGRICULTURE:
                cover[i, j] = use
                continue
            sine, cosine = math.sin(parcels.heading[row, column]), math.cos(parcels.heading[row, column])
            across, down = east * cosine + north * sine, north * cosine - east * sine
            place = (row + parcels.corner[0]) * 1_000_003 + column + parcels.corner[1]
            if use == AGRICULTURE:
                kind, brighter, colour, share = _field(place, across, down)
            else:
                kind, brighter, colour, share = _building(place, across, down)
            cover[i, j] = kind
            level[i, j] += brighter
            tilt[i, j] += colour
            mixing[i, j] = share


@njit(cache=True, nogil=True)
def _field(place: int, across: float, down: float) -> tuple[int, float, float, float]:
    """Return cover, brightness, colour and mixing of a field: strips of one crop each."""
    long = hashed(place, 0, 0) & np.uint64(1) == np.uint64(0)
    width, length = (170.0, 420.0) if long else (260.0, 260.0)
    bits = hashed(place, math.floor(across / width), math.floor(down / length))
    draw, other = uniform(bits), uniform(hashed(place + 1, int(bits >> np.uint64(40)), 1))
    colour = 0.06 * normal(hashed(place + 2, int(bits >> np.uint64(40)), 2))
    brighter = 0.10 * normal(hashed(place + 3, int(bits >> np.uint64(40)), 3))
    if draw < 0.46:
        return 4, brighter, colour, 0.75 * other * other
    if draw < 0.66:
        return 5, brighter, colour, 0.5 * other
    return 6, brighter, colour, 0.3 * other


@njit(cache=True, nogil=True)
def _building(place: int, across: float, down: float) -> tuple[int, float, float, float]:
    """Return cover, brightness, colour and mixing within a town: dark streets, roofs, gardens."""
    if across % 130.0 < STREET or down % 95.0 < STREET:
        return 8, -0.30, 0.0, 0.05
    bits = hashed(place, math.floor(across / 32.0), math.floor(down / 32.0))
    draw = uniform(bits)
    if draw < 0.35:
        return 8, 0.05 + 0.5 * draw, 0.1, 0.1
    if draw < 0.42:
        return 8, 0.75, -0.05, 0.0
    return 8, 0.0, 0.0, 0.2 + 0.75 * (draw - 0.42)


@njit(cache=True, nogil=True)
def ground_reflectance(
    cover: np.ndarray,
    level: np.ndarray,
    tilt: np.ndarray,
    mixing: np.ndarray,
    texture: np.ndarray,
    snow: np.ndarray,
    own: np.ndarray,
    partner: np.ndarray,
    white: float,
    slope: float,
    roughness: np.ndarray,
    result: np.ndarray,
) -> None:
    """Fill the reflectance of one band, (rows, columns) float32.

    Parameters
    ----------
    own, partner : (covers,) float32
        Reflectance of each cover, and of the one it mixes with.
    white : float
        Reflectance of snow.
    slope : float
        How the band changes with colour.
    """
    for i in range(cover.shape[0]):
        for j in range(cover.shape[1]):
            k, share = cover[i, j], mixing[i, j]
            value = own[k] + share * (partner[k] - own[k])
            value *= (1.0 + level[i, j]) * (1.0 + slope * tilt[i, j]) * (1.0 + roughness[k] * texture[i, j])
            bright = white * (1.0 + 0.02 * texture[i, j])
            value += snow[i, j] * (bright - value)
            result[i, j] = min(max(value, 0.0003), 0.99)
