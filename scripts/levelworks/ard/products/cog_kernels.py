"""The inner loops of Cloud-Optimised GeoTIFFs: tiles with differences in place of values, and overviews."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def cut_tiles(rows: np.ndarray, nodata: int, tiles: np.ndarray, filled: np.ndarray) -> None:
    """Cut rows into tiles of horizontal differences, TIFF's predictor 2.

    Parameters
    ----------
    rows : (up to size, columns) of an integer type
        A row of tiles; it may be cut below and at the right.
    nodata : int
    tiles : (tiles, size, size) of the same type
        Written; beyond the rows the last value goes on, whose differences are 0.
    filled : (tiles,) bool
        Written: whether a tile has a pixel other than `nodata`.
    """
    count, size = tiles.shape[:2]
    height, width = rows.shape
    for tile in range(count):
        first = tile * size
        wide = min(size, width - first)
        any_data = False
        for i in range(size):
            line = min(i, height - 1)
            before = 0
            for j in range(wide):
                value = int(rows[line, first + j])
                any_data |= value != nodata
                tiles[tile, i, j] = value - before
                before = value
            for j in range(wide, size):
                tiles[tile, i, j] = 0
        filled[tile] = any_data


@numba.njit(cache=True, nogil=True)
def halve(rows: np.ndarray, nodata: int, average: bool, halved: np.ndarray) -> None:
    """Take one pixel of two by two: the mean of those with data, or the upper left one.

    Parameters
    ----------
    rows : (bands, rows, columns) of an integer type
    halved : (bands, half of the rows, half of the columns), rounded up
        Written. Means are rounded to the nearest integer, halves up.
    """
    bands, height, width = rows.shape
    for band in range(bands):
        for i in range(halved.shape[1]):
            for j in range(halved.shape[2]):
                if not average:
                    halved[band, i, j] = rows[band, 2 * i, 2 * j]
                    continue
                whole = 2 * i + 1 < height and 2 * j + 1 < width
                if whole:
                    a, b = np.int32(rows[band, 2 * i, 2 * j]), np.int32(rows[band, 2 * i, 2 * j + 1])
                    c, d = np.int32(rows[band, 2 * i + 1, 2 * j]), np.int32(rows[band, 2 * i + 1, 2 * j + 1])
                    whole = (a != nodata) & (b != nodata) & (c != nodata) & (d != nodata)
                if whole:
                    halved[band, i, j] = (a + b + c + d + 2) >> 2
                else:
                    halved[band, i, j] = _mean_of_known(rows, band, 2 * i, 2 * j, nodata)


@numba.njit(nogil=True)
def _mean_of_known(rows: np.ndarray, band: int, row: int, column: int, nodata: int) -> int:
    """Return the mean of the up to four pixels with data; `nodata` where none has any."""
    total, count = 0, 0
    for m in range(row, min(row + 2, rows.shape[1])):
        for k in range(column, min(column + 2, rows.shape[2])):
            value = int(rows[band, m, k])
            if value != nodata:
                total += value
                count += 1
    if count == 0:
        return nodata
    return (2 * total + count) // (2 * count)
