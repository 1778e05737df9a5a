"""Compiled loops of the area that the footprints in a cell cover together.

Polygons are arrays of shape (vertices, 2) with room for more vertices than they have; their number is kept beside.
Convex polygons run counter-clockwise.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.xco2.footprint_kernels import cross, polygon_area
from levelworks.xco2.overlap_kernels import ROUNDING


@njit(cache=True, nogil=True)
def _cut(
    polygon: np.ndarray, count: int, start: np.ndarray, end: np.ndarray, inside: np.ndarray, outside: np.ndarray
) -> tuple[int, int]:
    """Cut a convex polygon along a line into what lies left of it and what lies right; return the vertices of both."""
    ins, outs = 0, 0
    last = count - 1
    before = cross(start[0], start[1], end[0], end[1], polygon[last, 0], polygon[last, 1])
    for i in range(count):
        here = cross(start[0], start[1], end[0], end[1], polygon[i, 0], polygon[i, 1])
        if (here > 0.0 and before < 0.0) or (here < 0.0 and before > 0.0):
            share = before / (before - here)
            for k in range(2):
                value = polygon[last, k] + share * (polygon[i, k] - polygon[last, k])
                inside[ins, k], outside[outs, k] = value, value
            ins, outs = ins + 1, outs + 1
        if here >= 0.0:
            inside[ins] = polygon[i]
            ins += 1
        if here <= 0.0:
            outside[outs] = polygon[i]
            outs += 1
        last, before = i, here
    return ins, outs


@njit(cache=True, nogil=True)
def _apart(polygon: np.ndarray, count: int, piece: np.ndarray) -> bool:
    """Tell whether an edge of the piece has the whole polygon on its outer side."""
    for e in range(4):
        a, b = piece[e], piece[(e + 1) % 4]
        if a[0] == b[0] and a[1] == b[1]:
            continue
        outside = True
        for i in range(count):
            outside &= cross(a[0], a[1], b[0], b[1], polygon[i, 0], polygon[i, 1]) <= 0.0
        if outside:
            return True
    return False


@njit(cache=True, nogil=True)
def _subtract(
    piece: np.ndarray,
    rest: tuple[np.ndarray, np.ndarray],
    left: tuple[np.ndarray, np.ndarray],
    number: int,
    smallest: float,
) -> int:
    """Subtract a convex piece from disjoint convex polygons; return how many are left, or -1 for want of room.

    Each edge cuts off what lies outside it, and hands the remainder on to the next edge.
    """
    polygons, counts = rest
    results, result_counts = left
    room = polygons.shape[1]
    inside, current = np.empty((room, 2)), np.empty((room, 2))
    kept = 0
    for n in range(number):
        if kept + 5 > results.shape[0] or counts[n] + 6 > room:
            return -1
        count = counts[n]
        if _apart(polygons[n], count, piece):
            results[kept, :count] = polygons[n, :count]
            result_counts[kept] = count
            kept += 1
            continue
        current[:count] = polygons[n, :count]
        for e in range(4):
            a, b = piece[e], piece[(e + 1) % 4]
            if count < 3 or (a[0] == b[0] and a[1] == b[1]):
                continue
            count, outs = _cut(current, count, a, b, inside, results[kept])
            current[:count] = inside[:count]
            if outs > 2 and polygon_area(results[kept], outs) > smallest:
                result_counts[kept] = outs
                kept += 1
    return kept


@njit(cache=True, nogil=True)
def union_shares(
    overlaps: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    keep: np.ndarray,
    footprints: tuple[np.ndarray, np.ndarray],
    x_edges: np.ndarray,
    y_edges: np.ndarray,
    scale: np.ndarray,
    room: tuple[int, int],
    shares: np.ndarray,
) -> bool:
    """Write the share of each cell that its footprints cover together; False where the room didn't suffice.

    What is left of a cell is a list of disjoint convex polygons, from which one footprint after the other is
    subtracted: exact, and over as soon as nothing is left.

    Parameters
    ----------
    overlaps : tuple
        Cells, starts, footprints and areas of the overlaps.
    keep : ndarray of bool, shape (footprints,)
        Footprints that count.
    footprints : tuple
        Convex pieces and the first of each footprint.
    room : tuple of int
        Polygons, and vertices of a polygon, that are left of a cell at most.
    shares : ndarray, shape (cells,)
        Result.
    """
    cells, starts, owners, areas = overlaps
    pieces, first_piece = footprints
    polygons, counts = np.empty((room[0], room[1], 2)), np.empty(room[0], np.int64)
    others, other_counts = np.empty((room[0], room[1], 2)), np.empty(room[0], np.int64)
    columns = x_edges.size - 1
    for c in range(cells.size):
        row, column = cells[c] // columns, cells[c] % columns
        west, east, south, north = x_edges[column], x_edges[column + 1], y_edges[row], y_edges[row + 1]
        cell = (east - west) * (north - south)
        number, total, largest = 0, 0.0, 0.0
        for k in range(starts[c], starts[c + 1]):
            if keep[owners[k]]:
                number += 1
                total += areas[k]
                largest = max(largest, areas[k])
        whole = cell * scale[row]
        if number < 2 or largest >= whole * (1.0 - ROUNDING):
            shares[c] = min(total / whole, 1.0)
            continue
        polygons[0, 0, 0], polygons[0, 0, 1] = west, south
        polygons[0, 1, 0], polygons[0, 1, 1] = east, south
        polygons[0, 2, 0], polygons[0, 2, 1] = east, north
        polygons[0, 3, 0], polygons[0, 3, 1] = west, north
        counts[0] = 4
        left = 1
        for k in range(starts[c], starts[c + 1]):
            if not keep[owners[k]]:
                continue
            for p in range(first_piece[owners[k]], first_piece[owners[k] + 1]):
                left = _subtract(pieces[p], (polygons, counts), (others, other_counts), left, ROUNDING * cell)
                if left < 0:
                    return False
                polygons, others = others, polygons
                counts, other_counts = other_counts, counts
            if left == 0:
                break
        bare = 0.0
        for n in range(left):
            bare += polygon_area(polygons[n], counts[n])
        shares[c] = max(min(1.0 - bare / cell, total / whole, 1.0), largest / whole)
    return True
