"""Perpendicular baselines as planning takes them: plain numbers, no arrays (specs/insar.md 3, 4.3, 4.4).

What `baseline` computes for places on arrays, at one point and from two state vectors beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from levelworks.insar.orbits.annotated_vectors import StateVector, Vector

SEMI_MAJOR = 6378137.0
"""m, of WGS 84."""
FLATTENING = 1 / 298.257223563
ITERATIONS = 8
LONGEST_STEP = 35.0
"""s between two state vectors: beyond, nothing is interpolated."""


def middle_point(polygons: Iterable[Sequence[tuple[float, float]]]) -> Vector:
    """Return a point of the ellipsoid amid the vertices of polygons.

    Parameters
    ----------
    polygons : iterable of sequences of (float, float)
        Longitude and latitude, degrees.

    Returns
    -------
    tuple of float
        Earth-fixed, m. It lies amid them across the date line and a pole too.
    """
    total = [0.0, 0.0, 0.0]
    for longitude, latitude in (vertex for polygon in polygons for vertex in polygon):
        east, north = math.radians(longitude), math.radians(latitude)
        vertical = math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)
        total = [a + b for a, b in zip(total, vertical, strict=True)]
    # The mean direction of verticals is the vertical of a point of the ellipsoid.
    size = math.sqrt(_dot(total, total))
    x, y, z = (value / size for value in total)
    squared = FLATTENING * (2 - FLATTENING)
    radius = SEMI_MAJOR / math.sqrt(1 - squared * z * z)
    return radius * x, radius * y, radius * (1 - squared) * z


def state_abeam(vectors: Sequence[StateVector], point: Vector) -> tuple[Vector, Vector] | None:
    """Return position (m) and velocity (m/s) at which a satellite sees a point abeam; None beyond its vectors.

    Notes
    -----
    Cubic Hermite between the two vectors beside it: at steps of 10 s its error is 0.2 mm (specs/insar.md 4.3).
    """
    for one, two in pairwise(vectors):
        step = (two.time - one.time).total_seconds()
        if not 0 < step <= LONGEST_STEP:
            continue
        ends = [_dot(_less(point, vector.position), vector.velocity) for vector in (one, two)]
        if not ends[0] >= 0 > ends[1]:
            continue
        low, high = 0.0, 1.0
        position, velocity = one.position, one.velocity
        for _ in range(ITERATIONS):
            share = low + (high - low) * ends[0] / (ends[0] - ends[1])
            position, velocity = _between(one, two, step, share)
            ahead = _dot(_less(point, position), velocity)
            if abs(ahead) < 1.0:  # m2/s2: a ten-thousandth of a metre along the track
                break
            if ahead > 0:
                low, ends[0] = share, ahead
            else:
                high, ends[1] = share, ahead
        return position, velocity
    return None


def perpendicular_baseline(reference: tuple[Vector, Vector], secondary: tuple[Vector, Vector], point: Vector) -> float:
    """Return the perpendicular baseline (m) of two states abeam of a point, signed as `baseline` does."""
    position, velocity = reference
    across = _cross(_less(point, position), velocity)
    return _dot(_less(secondary[0], position), across) / math.sqrt(_dot(across, across))


def _between(one: StateVector, two: StateVector, step: float, u: float) -> tuple[Vector, Vector]:
    """Interpolate by the cubic through two positions and velocities, at a share of the time between."""
    values = (2 * u**3 - 3 * u**2 + 1, (u**3 - 2 * u**2 + u) * step, 3 * u**2 - 2 * u**3, (u**3 - u**2) * step)
    slope = 6 * (u**2 - u) / step
    slopes = (slope, 3 * u**2 - 4 * u + 1, -slope, 3 * u**2 - 2 * u)
    nodes = one.position, one.velocity, two.position, two.velocity

    def mix(weights: tuple[float, float, float, float]) -> Vector:
        x, y, z = (sum(w * node[axis] for w, node in zip(weights, nodes, strict=True)) for axis in range(3))
        return x, y, z

    return mix(values), mix(slopes)


def _less(one: Sequence[float], two: Sequence[float]) -> Vector:
    return one[0] - two[0], one[1] - two[1], one[2] - two[2]


def _dot(one: Sequence[float], two: Sequence[float]) -> float:
    return one[0] * two[0] + one[1] * two[1] + one[2] * two[2]


def _cross(one: Sequence[float], two: Sequence[float]) -> Vector:
    return (
        one[1] * two[2] - one[2] * two[1],
        one[2] * two[0] - one[0] * two[2],
        one[0] * two[1] - one[1] * two[0],
    )
