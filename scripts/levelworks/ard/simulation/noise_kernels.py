"""Random numbers and smooth random fields that depend on a seed and on a place alone, so that blocks always agree.

A smooth field is nearly normal numbers on a lattice under cubic B-splines, summed over lattices of different spacing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

SPLINE = 0.4793650793650794
"""Mean of the sum of squares of the four cubic B-splines at a point, 151/315: the variance they leave, by direction."""


class Lattices(NamedTuple):
    """The lattices of a smooth field over some region.

    Parameters
    ----------
    values : (n,) float32
        Numbers of all lattices, one after the other, each by rows.
    places : (octaves, 5) int64
        Of each lattice: where it begins in `values`, number of its first row and column, rows, columns.
    spacing : (octaves,) float64
        Metres.
    amplitude : (octaves,) float64
        By which the lattice's sum is multiplied.
    """

    values: np.ndarray
    places: np.ndarray
    spacing: np.ndarray
    amplitude: np.ndarray


@njit(cache=True, nogil=True)
def hashed(seed: int, row: int, column: int) -> np.uint64:
    """Return 64 random bits of a place (SplitMix64; Steele et al. 2014, doi:10.1145/2660193.2660195)."""
    bits = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(row)
    for number in (np.uint64(column), np.uint64(0)):
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = (bits ^ (bits >> np.uint64(31))) + np.uint64(0x9E3779B97F4A7C15) + number
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return bits ^ (bits >> np.uint64(31))


@njit(cache=True, nogil=True)
def uniform(bits: np.uint64) -> float:
    """Return a number from 0 to 1, both excluded, of the upper 32 bits."""
    return (np.float64(bits >> np.uint64(32)) + 0.5) / 4294967296.0


@njit(cache=True, nogil=True)
def normal(bits: np.uint64) -> float:
    """Return a normal number of mean 0 and deviation 1 (Box and Muller 1958)."""
    angle = np.float64(bits & np.uint64(0xFFFFFFFF)) / 4294967296.0
    return math.sqrt(-2.0 * math.log(uniform(bits))) * math.cos(2.0 * math.pi * angle)


@njit(cache=True, nogil=True)
def bell(bits: np.uint64) -> float:
    """Return a number of mean 0 and deviation 1 that is nearly normal: the sum of four uniform ones."""
    part = np.uint64(0xFFFF)
    total = (bits & part) + ((bits >> np.uint64(16)) & part)
    total += ((bits >> np.uint64(32)) & part) + (bits >> np.uint64(48))
    return (np.float64(total) - 131070.0) / 37837.24


@njit(cache=True, nogil=True)
def fill_bell(seed: int, row: int, column: int, values: np.ndarray) -> None:
    """Fill an array (rows, columns) with the nearly normal numbers of its places."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            values[i, j] = bell(hashed(seed, row + i, column + j))


@njit(cache=True, nogil=True)
def fill_normal(seed: int, row: int, column: int, values: np.ndarray) -> None:
    """Fill an array (rows, columns) with the normal numbers of its places."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            values[i, j] = normal(hashed(seed, row + i, column + j))


@njit(cache=True, nogil=True)
def spline(u: float) -> tuple[float, float, float, float]:
    """Return the weights of the four points around, a share `u` of the way from the second to the third."""
    v = 1.0 - u
    first, last = v * v * v / 6.0, u * u * u / 6.0
    second = 2.0 / 3.0 - u * u * (2.0 - u) * 0.5
    return first, second, 1.0 - first - second - last, last


@njit(cache=True, nogil=True)
def noise_at(field: Lattices, x: float, y: float, first: int, last: int) -> float:
    """Return the sum of the octaves first to last of a field at a place (metres)."""
    total = 0.0
    values = field.values
    for octave in range(first, last):
        across, down = x / field.spacing[octave], y / field.spacing[octave]
        left, top = math.floor(across), math.floor(down)
        a0, a1, a2, a3 = spline(across - left)
        b0, b1, b2, b3 = spline(down - top)
        width = field.places[octave, 4]
        k = field.places[octave, 0] + (int(top) - 1 - field.places[octave, 1]) * width
        k += int(left) - 1 - field.places[octave, 2]
        part = b0 * (a0 * values[k] + a1 * values[k + 1] + a2 * values[k + 2] + a3 * values[k + 3])
        k += width
        part += b1 * (a0 * values[k] + a1 * values[k + 1] + a2 * values[k + 2] + a3 * values[k + 3])
        k += width
        part += b2 * (a0 * values[k] + a1 * values[k + 1] + a2 * values[k + 2] + a3 * values[k + 3])
        k += width
        part += b3 * (a0 * values[k] + a1 * values[k + 1] + a2 * values[k + 2] + a3 * values[k + 3])
        total += field.amplitude[octave] * part
    return total


@njit(cache=True, nogil=True)
def fill_noise(field: Lattices, x: float, y: float, step: float, values: np.ndarray) -> None:
    """Fill an array (rows, columns) float32 with a field; its first pixel's centre at x, y, rows going south.

    First along the rows of the lattice, then between them.
    """
    rows, columns = values.shape
    values[:] = 0.0
    for octave in range(field.spacing.size):
        spacing, width = field.spacing[octave], field.places[octave, 4]
        top = math.floor((y - (rows - 1) * step) / spacing) - 1
        bottom = math.floor(y / spacing) + 2
        along = np.empty((int(bottom - top) + 1, columns), np.float32)
        for j in range(columns):
            across = (x + j * step) / spacing
            left = math.floor(across)
            a0, a1, a2, a3 = spline(across - left)
            k = field.places[octave, 0] + (int(top) - field.places[octave, 1]) * width
            k += int(left) - 1 - field.places[octave, 2]
            for line in range(along.shape[0]):
                part = a0 * field.values[k] + a1 * field.values[k + 1]
                along[line, j] = part + a2 * field.values[k + 2] + a3 * field.values[k + 3]
                k += width
        for i in range(rows):
            down = (y - i * step) / spacing
            lowest = math.floor(down)
            line = int(lowest - 1 - top)
            b0, b1, b2, b3 = spline(down - lowest)
            amplitude = field.amplitude[octave]
            c0, c1 = np.float32(amplitude * b0), np.float32(amplitude * b1)
            c2, c3 = np.float32(amplitude * b2), np.float32(amplitude * b3)
            for j in range(columns):
                values[i, j] += c0 * along[line, j] + c1 * along[line + 1, j]
                values[i, j] += c2 * along[line + 2, j] + c3 * along[line + 3, j]


@njit(cache=True, nogil=True)
def noise_at_places(field: Lattices, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a field at places, (n,) float64."""
    values = np.empty(x.size)
    for k in range(x.size):
        values[k] = noise_at(field, x[k], y[k], 0, field.spacing.size)
    return values
