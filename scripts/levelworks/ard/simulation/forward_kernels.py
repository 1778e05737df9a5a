"""From the ground to the top of the atmosphere, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from levelworks.ard.simulation.cloud_kernels import Look
from levelworks.ard.simulation.noise_kernels import hashed, uniform

PATH, DOWN_DIRECT, DOWN_DIFFUSE, UP_DIRECT, UP_DIFFUSE, ALBEDO, GAS, PATH_GAS, DIRECTION = range(9)
"""What the air and the directions of light do to a band; see air.py."""
COEFFICIENTS = 9


@njit(cache=True, nogil=True)
def top_reflectance(
    air: np.ndarray,
    levels: np.ndarray,
    node: float,
    west: float,
    north: float,
    look: Look,
    x: float,
    y: float,
    step: float,
    ground: np.ndarray,
    background: np.ndarray,
    elevation: np.ndarray,
    sunlit: np.ndarray,
    sky: np.ndarray,
    shade: np.ndarray,
    shaded: float,
    result: np.ndarray,
) -> None:
    """Fill the reflectance at the top of the atmosphere of a band without clouds, (rows, columns) float32.

    ``gas (sun sunlit + diffuse sky) (up rho) + ...``: specs/ard.md 25, with slopes as in 25.

    Parameters
    ----------
    air : (sides, coefficients, levels, node rows, node columns) float32
        Of odd and even detectors, or one side.
    levels : (2,) float64
        Lowest elevation and step between levels, metres.
    node, west, north : float
        Spacing and first place of the nodes, metres.
    ground, background : (rows, columns) float32
        Reflectance of the pixel and of its surroundings.
    sunlit, sky : (rows, columns) float32
        Beam and diffuse light on the slope, as shares of those on flat ground.
    shade : (rows, columns) float32
        Share of the beam that clouds keep away.
    shaded : float
        Share of the light that is left in full shadow.
    """
    sides, coefficients, heights, node_rows, node_columns = air.shape
    local = np.empty(coefficients)
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            east, up = x + j * step, y - i * step
            side = 0
            if sides == 2:
                side = 1 - _detector_number(look, east, up) % 2
            across, down = (east - west) / node, (north - up) / node
            column = min(max(int(across), 0), node_columns - 2)
            row = min(max(int(down), 0), node_rows - 2)
            u, v = across - column, down - row
            level, w = 0, 0.0
            if heights > 1:
                place = (elevation[i, j] - levels[0]) / levels[1]
                level = min(max(int(place), 0), heights - 2)
                w = place - level
            for k in range(coefficients):
                value = _bilinear(air[side, k, level], row, column, v, u)
                if heights > 1:
                    value += w * (_bilinear(air[side, k, level + 1], row, column, v, u) - value)
                local[k] = value
            lit = 1.0 - shade[i, j] * (1.0 - shaded)
            onto = (local[DOWN_DIRECT] * sunlit[i, j] + local[DOWN_DIFFUSE] * sky[i, j]) * lit
            around = background[i, j]
            rising = onto * local[UP_DIRECT] * ground[i, j] * local[DIRECTION]
            rising += (local[DOWN_DIRECT] + local[DOWN_DIFFUSE]) * local[UP_DIFFUSE] * around
            rising /= 1.0 - local[ALBEDO] * around
            result[i, j] = local[PATH_GAS] * local[PATH] + local[GAS] * rising


@njit(cache=True, nogil=True)
def _bilinear(field: np.ndarray, row: int, column: int, v: float, u: float) -> float:
    upper = field[row, column] + u * (field[row, column + 1] - field[row, column])
    lower = field[row + 1, column] + u * (field[row + 1, column + 1] - field[row + 1, column])
    return upper + v * (lower - upper)


@njit(cache=True, nogil=True)
def _detector_number(look: Look, x: float, y: float) -> int:
    across = look.across + (x - look.x) * look.forward_north - (y - look.y) * look.forward_east
    return 1 + math.floor((look.half_across - across) / look.detector_width)


@njit(cache=True, nogil=True)
def fill_nodes(
    field: np.ndarray,
    node: float,
    west: float,
    north: float,
    x: float,
    y: float,
    step: float,
    result: np.ndarray,
) -> None:
    """Fill an array (rows, columns) float32 with a field of nodes (rows, columns) float64, bilinear between them."""
    for i in range(result.shape[0]):
        down = (north - (y - i * step)) / node
        row = min(max(int(down), 0), field.shape[0] - 2)
        for j in range(result.shape[1]):
            across = (x + j * step - west) / node
            column = min(max(int(across), 0), field.shape[1] - 2)
            result[i, j] = _bilinear(field, row, column, down - row, across - column)


@njit(cache=True, nogil=True)
def upset_pixels(seed: int, share: float, row: int, bands: np.ndarray) -> None:
    """Change the counts of one visible band at a share of the pixels by 40 to 120, in place.

    Parameters
    ----------
    row : int
        Of the image, that the first row is.
    bands : (3, rows, columns) uint8
    """
    for i in range(bands.shape[1]):
        for j in range(bands.shape[2]):
            bits = hashed(seed, row + i, j)
            if uniform(bits) < share:
                band = int(bits % np.uint64(3))
                change = 40 + int((bits >> np.uint64(8)) % np.uint64(81))
                count = int(bands[band, i, j])
                bands[band, i, j] = count + change if count + change <= 254 else max(count - change, 1)
