"""Compiled loops that put the pixels of a scene on a map.

Coordinates are in cells of the map: the centre of the cell of row i and column j is at (j, i).
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _crosses(x_1: float, y_1: float, x_2: float, y_2: float, x: float, y: float) -> bool:
    """Return whether a ray to the right from (x, y) crosses an edge.

    The lower end goes first, so that both pixels of a shared edge compute the same number: no cell falls between
    them, and none belongs to both.
    """
    if (y_1 > y) == (y_2 > y):
        return False
    if y_2 < y_1:
        x_1, y_1, x_2, y_2 = x_2, y_2, x_1, y_1
    return x < x_1 + (y - y_1) / (y_2 - y_1) * (x_2 - x_1)


@njit(cache=True, nogil=True)
def _inside(corners: np.ndarray, i: int, j: int, x: float, y: float) -> bool:
    """Return whether a point lies in the quadrilateral of pixel (i, j), by the parity of crossings."""
    inside = False
    for a, b, c, d in ((0, 0, 0, 1), (0, 1, 1, 1), (1, 1, 1, 0), (1, 0, 0, 0)):
        first, second = corners[i + a, j + b], corners[i + c, j + d]
        if _crosses(first[0], first[1], second[0], second[1], x, y):
            inside = not inside
    return inside


@njit(cache=True, nogil=True)
def _span(corners: np.ndarray, i: int, j: int, axis: int, size: int) -> tuple[int, int]:
    """Return the half-open range of cells whose centres may lie in a pixel, empty where it has no place."""
    low, high = np.inf, -np.inf
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        value = corners[i + a, j + b, axis]
        if np.isnan(value):
            return 0, 0
        low, high = min(low, value), max(high, value)
    if low > size or high < -1:
        return 0, 0
    return max(int(np.ceil(low)), 0), min(int(np.floor(high)) + 1, size)


@njit(cache=True, nogil=True)
def pixels_of_cells(corners: np.ndarray, centres: np.ndarray, index: np.ndarray) -> None:
    """Write the pixel in whose quadrilateral each cell's centre lies; of several (folded terrain) the nearest.

    Parameters
    ----------
    corners : ndarray, shape (rows + 1, columns + 1, 2)
        Corners of pixels in cells of the map.
    centres : ndarray, shape (rows, columns, 2)
        Their centres; pixels without are left out.
    index : ndarray of int32, shape (map rows, map columns)
        Row times columns plus column of the pixel; -1 on entry.
    """
    rows, columns = centres.shape[:2]
    for i in range(rows):
        for j in range(columns):
            x, y = centres[i, j, 0], centres[i, j, 1]
            if np.isnan(x) or np.isnan(y):
                continue
            first_column, end_column = _span(corners, i, j, 0, index.shape[1])
            first_row, end_row = _span(corners, i, j, 1, index.shape[0])
            for row in range(first_row, end_row):
                for column in range(first_column, end_column):
                    if not _inside(corners, i, j, column, row):
                        continue
                    before = index[row, column]
                    if before >= 0:
                        other = centres[before // columns, before % columns]
                        if (other[0] - column) ** 2 + (other[1] - row) ** 2 <= (x - column) ** 2 + (y - row) ** 2:
                            continue
                    index[row, column] = i * columns + j


@njit(cache=True, nogil=True)
def _clip(polygon: np.ndarray, count: int, axis: int, bound: float, side: float, out: np.ndarray) -> int:
    """Keep what lies above (side 1) or below (side -1) a bound of one coordinate (Sutherland and Hodgman 1974)."""
    kept = 0
    other = 1 - axis
    for k in range(count):
        last = count - 1 if k == 0 else k - 1
        before, here = side * (polygon[last, axis] - bound), side * (polygon[k, axis] - bound)
        if (before < 0) != (here < 0):
            share = before / (before - here)
            out[kept, axis] = bound
            out[kept, other] = polygon[last, other] + share * (polygon[k, other] - polygon[last, other])
            kept += 1
        if here >= 0:
            out[kept] = polygon[k]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _area(polygon: np.ndarray, count: int) -> float:
    total = 0.0
    for k in range(count):
        following = 0 if k == count - 1 else k + 1
        total += polygon[k, 0] * polygon[following, 1] - polygon[following, 0] * polygon[k, 1]
    return 0.5 * abs(total)


@njit(cache=True, nogil=True)
def overlaps(
    corners: np.ndarray,
    centres: np.ndarray,
    shape: tuple[int, int],
    cells: np.ndarray,
    pixels: np.ndarray,
    areas: np.ndarray,
) -> int:
    """Write cell, pixel and shared area (in cells) of every overlap, pixel after pixel; return how many there are.

    Arrays of size 0 only count, generously: the cells of the bounding boxes.
    """
    rows, columns = centres.shape[:2]
    quad, half, band, part = np.empty((4, 2)), np.empty((16, 2)), np.empty((16, 2)), np.empty((16, 2))
    found = 0
    for i in range(rows):
        for j in range(columns):
            if np.isnan(centres[i, j, 0]):
                continue
            quad[0], quad[1] = corners[i, j], corners[i, j + 1]
            quad[2], quad[3] = corners[i + 1, j + 1], corners[i + 1, j]
            if np.isnan(quad).any():
                continue
            left, right = int(np.floor(quad[:, 0].min() + 0.5)), int(np.ceil(quad[:, 0].max() + 0.5))
            top, bottom = int(np.floor(quad[:, 1].min() + 0.5)), int(np.ceil(quad[:, 1].max() + 0.5))
            left, right, top, bottom = max(left, 0), min(right, shape[1]), max(top, 0), min(bottom, shape[0])
            if cells.size == 0:
                found += max(right - left, 0) * max(bottom - top, 0)
                continue
            for row in range(top, bottom):
                count = _clip(quad, 4, 1, row - 0.5, 1.0, half)
                height = _clip(half, count, 1, row + 0.5, -1.0, band)
                for column in range(left, right):
                    count = _clip(band, height, 0, column - 0.5, 1.0, half)
                    count = _clip(half, count, 0, column + 0.5, -1.0, part)
                    area = _area(part, count)
                    if area > 0:
                        cells[found], pixels[found], areas[found] = row * shape[1] + column, i * columns + j, area
                        found += 1
    return found
