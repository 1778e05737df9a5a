"""Pixels gathered into the cells on which clouds are objects."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.settings import VALID, WATER

COUNTS = 10000.0
"""Whole numbers per unit of reflectance."""


@njit(cache=True, nogil=True)
def cell_means(values: np.ndarray, flags: np.ndarray, step: int, scale: float) -> np.ndarray:
    """Return the mean over the valid pixels of each cell in whole numbers, uint16: 1 at the least, 0 where none is.

    Parameters
    ----------
    values : ndarray, shape (rows, columns), float32
    flags : ndarray, shape (rows, columns), uint16
        Bits of `settings`.
    step : int
        Pixels along a side; the first row and column begin a cell, the last cells may be cut.
    scale : float
        Whole numbers per unit.
    """
    rows, columns = values.shape
    result = np.zeros((-(-rows // step), -(-columns // step)), np.uint16)
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            total, count = 0.0, 0
            for y in range(row * step, min((row + 1) * step, rows)):
                for x in range(column * step, min((column + 1) * step, columns)):
                    if flags[y, x] & VALID and np.isfinite(values[y, x]):
                        total += values[y, x]
                        count += 1
            if count:
                result[row, column] = int(min(max(np.rint(total / count * scale), 1.0), 65535.0))
    return result


@njit(cache=True, nogil=True)
def mostly_water(flags: np.ndarray, step: int) -> np.ndarray:
    """Return 1 where most of the valid pixels of a cell are water, uint8."""
    rows, columns = flags.shape
    result = np.zeros((-(-rows // step), -(-columns // step)), np.uint8)
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            water, count = 0, 0
            for y in range(row * step, min((row + 1) * step, rows)):
                for x in range(column * step, min((column + 1) * step, columns)):
                    if flags[y, x] & VALID:
                        count += 1
                        water += (flags[y, x] & WATER) > 0
            result[row, column] = 2 * water > count
    return result


@njit(cache=True, nogil=True)
def count_in_cells(mask: np.ndarray, step: int) -> np.ndarray:
    """Return how many pixels of each cell are in a mask, uint8."""
    rows, columns = mask.shape
    result = np.zeros((-(-rows // step), -(-columns // step)), np.uint8)
    for row in range(rows):
        for column in range(columns):
            result[row // step, column // step] += mask[row, column]
    return result


@njit(cache=True, nogil=True)
def means_in_cells(values: np.ndarray, mask: np.ndarray, step: int) -> np.ndarray:
    """Return the mean over those pixels of each cell that are in a mask, rounded down, uint8; 0 where none is."""
    rows, columns = mask.shape
    sums = np.zeros((-(-rows // step), -(-columns // step)), np.int32)
    counts = np.zeros(sums.shape, np.int32)
    for row in range(rows):
        for column in range(columns):
            if mask[row, column]:
                sums[row // step, column // step] += values[row, column]
                counts[row // step, column // step] += 1
    return (sums // np.maximum(counts, 1)).astype(np.uint8)


@njit(cache=True, nogil=True)
def of_cells(cells: np.ndarray, step: int, first: int, mask: np.ndarray) -> None:
    """Take pixels out of a mask, in place, whose cell is zero.

    Parameters
    ----------
    cells : ndarray, shape (cell rows, cell columns)
    first : int
        Row in pixels of the mask's first row below the first cell's upper edge.
    mask : ndarray of bool, shape (rows, columns)
    """
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            if mask[row, column] and not cells[(first + row) // step, column // step]:
                mask[row, column] = False
