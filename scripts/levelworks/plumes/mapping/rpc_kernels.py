"""Compiled loops of rational polynomial coefficients.

Coefficients have the shape (4, 20): numerator and denominator of the line, then of the sample. Offsets and scales are
those of line, sample, longitude, latitude, height.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ROUNDS = 20
CLOSE = 1e-12
"""Of normalised coordinates, at which Newton's method has arrived: a ten-thousandth of a millimetre."""


@njit(cache=True, nogil=True)
def _terms(east: float, north: float, up: float, value: np.ndarray, by_east: np.ndarray, by_north: np.ndarray) -> None:
    """Write the twenty terms of RPC00B and their derivatives by normalised longitude and latitude."""
    value[:] = (
        1.0,
        east,
        north,
        up,
        east * north,
        east * up,
        north * up,
        east * east,
        north * north,
        up * up,
        north * east * up,
        east**3,
        east * north * north,
        east * up * up,
        east * east * north,
        north**3,
        north * up * up,
        east * east * up,
        north * north * up,
        up**3,
    )
    by_east[:] = (
        0.0,
        1.0,
        0.0,
        0.0,
        north,
        up,
        0.0,
        2 * east,
        0.0,
        0.0,
        north * up,
        3 * east * east,
        north * north,
        up * up,
        2 * east * north,
        0.0,
        0.0,
        2 * east * up,
        0.0,
        0.0,
    )
    by_north[:] = (
        0.0,
        0.0,
        1.0,
        0.0,
        east,
        0.0,
        up,
        0.0,
        2 * north,
        0.0,
        east * up,
        0.0,
        2 * east * north,
        0.0,
        east * east,
        3 * north * north,
        up * up,
        0.0,
        2 * north * up,
        0.0,
    )


@njit(cache=True, nogil=True)
def _sum(coefficients: np.ndarray, terms: np.ndarray) -> float:
    total = 0.0
    for k in range(20):
        total += coefficients[k] * terms[k]
    return total


@njit(cache=True, nogil=True)
def _turned(longitude: float, offset: float) -> float:
    """Return a difference of longitudes within 180 degrees."""
    apart = longitude - offset
    return apart - 360.0 * np.round(apart / 360.0)


@njit(cache=True, nogil=True)
def to_image(
    coefficients: np.ndarray, offsets: np.ndarray, scales: np.ndarray, ground: np.ndarray, image: np.ndarray
) -> None:
    """Write line and sample of points of longitude, latitude and height: (n, 3) to (n, 2)."""
    value, by_east, by_north = np.empty(20), np.empty(20), np.empty(20)
    for i in range(ground.shape[0]):
        east = _turned(ground[i, 0], offsets[2]) / scales[2]
        north = (ground[i, 1] - offsets[3]) / scales[3]
        up = (ground[i, 2] - offsets[4]) / scales[4]
        _terms(east, north, up, value, by_east, by_north)
        for axis in range(2):
            denominator = _sum(coefficients[2 * axis + 1], value)
            ratio = _sum(coefficients[2 * axis], value) / denominator if denominator != 0 else np.nan
            image[i, axis] = offsets[axis] + scales[axis] * ratio


@njit(cache=True, nogil=True)
def to_ground(
    coefficients: np.ndarray, offsets: np.ndarray, scales: np.ndarray, image: np.ndarray, ground: np.ndarray
) -> None:
    """Write longitude and latitude of points of line, sample and height, (n, 3) to (n, 2), by Newton's method.

    Not a number where it does not arrive.
    """
    value, by_east, by_north = np.empty(20), np.empty(20), np.empty(20)
    miss, slope = np.empty(2), np.empty((2, 2))
    for i in range(image.shape[0]):
        up = (image[i, 2] - offsets[4]) / scales[4]
        east = north = 0.0
        arrived = False
        for _ in range(ROUNDS):
            _terms(east, north, up, value, by_east, by_north)
            for axis in range(2):
                top, bottom = coefficients[2 * axis], coefficients[2 * axis + 1]
                denominator = _sum(bottom, value)
                if denominator == 0:
                    denominator = np.nan
                ratio = _sum(top, value) / denominator
                miss[axis] = (image[i, axis] - offsets[axis]) / scales[axis] - ratio
                slope[axis, 0] = (_sum(top, by_east) - ratio * _sum(bottom, by_east)) / denominator
                slope[axis, 1] = (_sum(top, by_north) - ratio * _sum(bottom, by_north)) / denominator
            determinant = slope[0, 0] * slope[1, 1] - slope[0, 1] * slope[1, 0]
            if not abs(determinant) > 0:
                break
            step_east = (miss[0] * slope[1, 1] - miss[1] * slope[0, 1]) / determinant
            step_north = (miss[1] * slope[0, 0] - miss[0] * slope[1, 0]) / determinant
            east, north = east + step_east, north + step_north
            if abs(step_east) < CLOSE and abs(step_north) < CLOSE:
                arrived = True
                break
        if arrived:
            longitude = offsets[2] + scales[2] * east
            ground[i, 0] = longitude - 360.0 * np.floor((longitude + 180.0) / 360.0)
            ground[i, 1] = offsets[3] + scales[3] * north
        else:
            ground[i, :] = np.nan
