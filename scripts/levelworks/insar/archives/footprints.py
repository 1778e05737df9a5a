"""How much of a burst a product's footprint covers: polygons in longitude and latitude, without NumPy for planning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

Ring: TypeAlias = Sequence[tuple[float, float]]


def covered_share(outline: Ring, footprint: Sequence[Ring]) -> float:
    """Compute the share of an outline's area that a footprint covers.

    Parameters
    ----------
    outline : sequence of (float, float)
        Convex; longitude and latitude, degrees.
    footprint : sequence of rings
        Outer rings, which may lie on either side of the antimeridian; they do not overlap.

    Returns
    -------
    float
        0 to 1. Areas are of the plane of longitude and latitude: over one burst that weighs all parts alike.
    """
    convex, whole, (west, south, east, north) = _prepared(tuple(outline))
    if whole == 0:
        return 0.0
    covered = 0.0
    for ring in footprint:
        found, _, (ring_west, ring_south, ring_east, ring_north) = _prepared(tuple(ring))
        shift = 360.0 * round((west + east - ring_west - ring_east) / 720.0)
        if ring_west + shift > east or ring_east + shift < west or ring_south > north or ring_north < south:
            continue
        covered += abs(_area(_clipped([(x + shift, y) for x, y in found], convex)))
    return min(covered / whole, 1.0)


@lru_cache(maxsize=1024)
def _prepared(ring: Ring) -> tuple[list[tuple[float, float]], float, tuple[float, float, float, float]]:
    """Return a ring anticlockwise and without steps, its area and its bounds: a frame's meet those of a catalogue."""
    found = _anticlockwise(_unwrapped(ring))
    longitudes, latitudes = [x for x, _ in found], [y for _, y in found]
    return found, _area(found), (min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def _unwrapped(ring: Ring) -> list[tuple[float, float]]:
    """Return a ring without its repeated last point, its longitudes without steps of a whole turn."""
    points = list(ring[:-1] if len(ring) > 1 and tuple(ring[0]) == tuple(ring[-1]) else ring)
    start = points[0][0]
    return [(start + (x - start + 180.0) % 360.0 - 180.0, y) for x, y in points]


def _area(ring: Ring) -> float:
    """Compute the signed area of a ring (shoelace formula); positive where it goes anticlockwise."""
    following = [*ring[1:], *ring[:1]]
    return 0.5 * sum(x * v - u * y for (x, y), (u, v) in zip(ring, following, strict=True))


def _anticlockwise(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return ring if _area(ring) >= 0 else ring[::-1]


def _clipped(ring: Ring, convex: Ring) -> list[tuple[float, float]]:
    """Clip a ring by a convex one, edge by edge (Sutherland and Hodgman, 1974)."""
    kept = list(ring)
    for (x0, y0), (x1, y1) in zip(convex, [*convex[1:], *convex[:1]], strict=True):
        entering, kept = kept, []
        sides = [(x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for x, y in entering]
        for k, (point, side) in enumerate(zip(entering, sides, strict=True)):
            before, other = entering[k - 1], sides[k - 1]
            if (side >= 0) != (other >= 0):
                part = other / (other - side)
                kept.append((before[0] + part * (point[0] - before[0]), before[1] + part * (point[1] - before[1])))
            if side >= 0:
                kept.append(point)
    return kept
