"""Compiled geometry of single footprints: areas, and convex pieces of quadrilaterals in any order of vertices."""

from __future__ import annotations

import numpy as np
from numba import njit

FLATNESS = 1e-4
"""Area over squared length below which a footprint is taken for a line."""
CONVEX, REORDERED, SPLIT, DEGENERATE, NOT_FINITE = range(5)


@njit(cache=True, nogil=True)
def cross(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> float:
    """Return twice the area of a triangle, positive where it runs counter-clockwise."""
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


@njit(cache=True, nogil=True)
def polygon_area(polygon: np.ndarray, count: int) -> float:
    """Return the area of a polygon by the shoelace formula, relative to its first vertex against cancellation."""
    total = 0.0
    for i in range(1, count - 1):
        total += cross(polygon[0, 0], polygon[0, 1], polygon[i, 0], polygon[i, 1], polygon[i + 1, 0], polygon[i + 1, 1])
    return 0.5 * total


@njit(cache=True, nogil=True)
def _turns(quad: np.ndarray, order: tuple[int, int, int, int], signs: np.ndarray) -> tuple[int, int]:
    """Count the left and right turns of a quadrilateral in an order of its vertices, and write their signs."""
    left, right = 0, 0
    for i in range(4):
        a, b, c = order[i - 1], order[i], order[(i + 1) % 4]
        turn = cross(quad[a, 0], quad[a, 1], quad[b, 0], quad[b, 1], quad[c, 0], quad[c, 1])
        signs[i] = turn
        left += turn > 0.0
        right += turn < 0.0
    return left, right


@njit(cache=True, nogil=True)
def convex_pieces(
    quads: np.ndarray, aspects: np.ndarray, pieces: np.ndarray, starts: np.ndarray, flags: np.ndarray
) -> int:
    """Write each quadrilateral as one convex piece or two, all counter-clockwise, and say what was found.

    Of four points none of which lies inside the triangle of the others, one order in three is convex and the others
    cross themselves; where one does lie inside, every order is simple and the piece is cut there.

    Parameters
    ----------
    quads : ndarray, shape (n, 4, 2)
        Vertices in any order.
    aspects : ndarray, shape (n,)
        Ratio of the plane's scales, north to east, which lengths are freed from.
    pieces : ndarray, shape (2 n, 4, 2)
        Result; a triangle repeats its last vertex.
    starts : ndarray, shape (n + 1,)
        Result: the first piece of each quadrilateral.
    flags : ndarray, shape (n,)
        Result.

    Returns
    -------
    int
        Number of pieces.
    """
    signs = np.empty(4)
    count = 0
    for n in range(quads.shape[0]):
        quad = quads[n]
        starts[n] = count
        if not np.isfinite(quad).all():
            flags[n] = NOT_FINITE
            continue
        length, spread = 0.0, 0.0
        for i in range(4):
            for j in range(i):
                east, north = quad[i, 0] - quad[j, 0], quad[i, 1] - quad[j, 1]
                length = max(length, east * east * aspects[n] + north * north / aspects[n])
                for k in range(j):
                    area = cross(quad[i, 0], quad[i, 1], quad[j, 0], quad[j, 1], quad[k, 0], quad[k, 1])
                    spread = max(spread, abs(area))
        if spread <= FLATNESS * length:
            flags[n] = DEGENERATE
            continue
        flags[n] = SPLIT
        for order in ((0, 1, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2)):
            left, right = _turns(quad, order, signs)
            if left == 0 or right == 0:
                flags[n] = CONVEX if order[1] == 1 and order[2] == 2 else REORDERED
                for i in range(4):
                    pieces[count, i] = quad[order[i if right == 0 else 3 - i]]
                count += 1
                break
        if flags[n] == SPLIT:
            left, right = _turns(quad, (0, 1, 2, 3), signs)
            for i in range(4):
                if (signs[i] > 0.0) == (left == 1):
                    for step in (1, 2):
                        a, b, c = quad[i], quad[(i + step) % 4], quad[(i + step + 1) % 4]
                        ahead = cross(a[0], a[1], b[0], b[1], c[0], c[1]) > 0.0
                        pieces[count, 0] = a
                        pieces[count, 1] = b if ahead else c
                        pieces[count, 2] = c if ahead else b
                        pieces[count, 3] = pieces[count, 2]
                        count += 1
                    break
    starts[quads.shape[0]] = count
    return count
