"""Compiled loops of the overlaps of convex footprints with the cells of a grid.

Polygons are arrays of shape (vertices, 2) with room for more vertices than they have; their number is kept beside.
Convex polygons run counter-clockwise.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.xco2.footprint_kernels import polygon_area

ROUNDING = 1e-12
"""Share of a cell's area below which an overlap is taken for rounding."""


@njit(cache=True, nogil=True)
def _clip(polygon: np.ndarray, count: int, axis: int, bound: float, side: float, out: np.ndarray) -> int:
    """Keep what lies above (side 1) or below (side -1) a bound of one coordinate (Sutherland and Hodgman 1974)."""
    kept = 0
    other = 1 - axis
    last = count - 1
    before = side * (polygon[last, axis] - bound)
    for i in range(count):
        here = side * (polygon[i, axis] - bound)
        if (here > 0.0 and before < 0.0) or (here < 0.0 and before > 0.0):
            share = before / (before - here)
            out[kept, axis] = bound
            out[kept, other] = polygon[last, other] + share * (polygon[i, other] - polygon[last, other])
            kept += 1
        if here >= 0.0:
            out[kept, 0], out[kept, 1] = polygon[i, 0], polygon[i, 1]
            kept += 1
        last, before = i, here
    return kept


@njit(cache=True, nogil=True)
def _extent(polygon: np.ndarray, count: int, axis: int) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for i in range(count):
        low, high = min(low, polygon[i, axis]), max(high, polygon[i, axis])
    return low, high


@njit(cache=True, nogil=True)
def _span(edges: np.ndarray, low: float, high: float) -> tuple[int, int]:
    """Return the half-open range of intervals that an extent overlaps."""
    cells = edges.size - 1
    first, end = np.searchsorted(edges, low, side="right") - 1, np.searchsorted(edges, high, side="left")
    return max(int(first), 0), min(int(end), cells)


@njit(cache=True, nogil=True)
def count_candidates(pieces: np.ndarray, x_edges: np.ndarray, y_edges: np.ndarray) -> int:
    """Return the number of cells that the bounding boxes of the pieces overlap."""
    total = 0
    for p in range(pieces.shape[0]):
        left, right = _extent(pieces[p], 4, 0)
        low, high = _extent(pieces[p], 4, 1)
        first_column, end_column = _span(x_edges, left, right)
        first_row, end_row = _span(y_edges, low, high)
        total += max(end_column - first_column, 0) * max(end_row - first_row, 0)
    return total


@njit(cache=True, nogil=True)
def _covered_columns(band: np.ndarray, count: int, bottom: float, top: float) -> tuple[float, float]:
    """Return the range of x that a convex polygon clipped to a row covers over the whole height of the row."""
    left, right = -np.inf, np.inf
    for bound in (bottom, top):
        low, high = np.inf, -np.inf
        for i in range(count):
            if band[i, 1] == bound:
                low, high = min(low, band[i, 0]), max(high, band[i, 0])
        left, right = max(left, low), min(right, high)
    return left, right


@njit(cache=True, nogil=True)
def overlap_areas(
    pieces: np.ndarray,
    x_edges: np.ndarray,
    y_edges: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    owners: np.ndarray,
    areas: np.ndarray,
) -> int:
    """Write row, column, piece and area in the plane of every overlap of positive area, piece after piece.

    A piece is clipped to a row once, and to the columns only outside the range that it covers in the row's whole
    height.
    """
    band, left_band, part = np.empty((8, 2)), np.empty((10, 2)), np.empty((12, 2))
    found = 0
    for p in range(pieces.shape[0]):
        low, high = _extent(pieces[p], 4, 1)
        first_row, end_row = _span(y_edges, low, high)
        for row in range(first_row, end_row):
            bottom, top = y_edges[row], y_edges[row + 1]
            count = _clip(pieces[p], 4, 1, bottom, 1.0, part)
            count = _clip(part, count, 1, top, -1.0, band)
            if count < 3:
                continue
            left, right = _extent(band, count, 0)
            covered_left, covered_right = _covered_columns(band, count, bottom, top)
            first, end = _span(x_edges, left, right)
            for column in range(first, end):
                west, east = x_edges[column], x_edges[column + 1]
                cell = (east - west) * (top - bottom)
                area = cell
                if west < covered_left or east > covered_right:
                    kept = _clip(band, count, 0, west, 1.0, left_band)
                    kept = _clip(left_band, kept, 0, east, -1.0, part)
                    area = polygon_area(part, kept)
                if area > ROUNDING * cell:
                    rows[found], columns[found], owners[found], areas[found] = row, column, p, area
                    found += 1
    return found


@njit(cache=True, nogil=True)
def stable_order(keys: np.ndarray, size: int, order: np.ndarray) -> np.ndarray:
    """Return an order sorted by keys in 0..size-1, equal keys as they were."""
    starts = np.zeros(size + 1, np.int64)
    for i in range(keys.size):
        starts[keys[i] + 1] += 1
    for k in range(size):
        starts[k + 1] += starts[k]
    result = np.empty_like(order)
    for i in range(order.size):
        key = keys[order[i]]
        result[starts[key]] = order[i]
        starts[key] += 1
    return result


@njit(cache=True, nogil=True)
def compress_rows(
    flat: np.ndarray, owners: np.ndarray, areas: np.ndarray, cells: np.ndarray, starts: np.ndarray
) -> tuple[int, int]:
    """Merge sorted overlaps of the same cell and footprint in place, and write the cells and where each starts."""
    number, kept = 0, 0
    for i in range(flat.size):
        new = number == 0 or cells[number - 1] != flat[i]
        if new:
            cells[number], starts[number] = flat[i], kept
            number += 1
        if new or owners[kept - 1] != owners[i]:
            owners[kept], areas[kept] = owners[i], areas[i]
            kept += 1
        else:
            areas[kept - 1] += areas[i]
    starts[number] = kept
    return number, kept
