"""Winds on regular latitude-longitude grids: linear in time and space, on components, across the antimeridian.

Source: specs/plumes.md 1.10 and D11: directions are never interpolated, their components are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

FULL_CIRCLE = 360.0


class NoWind(Exception):
    """A source has no wind for a scene; its message says why, and the other sources go on."""


@dataclass(frozen=True)
class WindGrid:
    """Wind at 10 m and surface pressure at one instant on a latitude-longitude grid.

    Parameters
    ----------
    latitude : ndarray, shape (n,)
        Degrees, ascending or descending.
    longitude : ndarray, shape (m,)
        Degrees, ascending by even steps; 0..360, -180..180 or across the antimeridian.
    u, v : ndarray, shape (n, m)
        Eastward and northward wind, m s-1.
    pressure : ndarray, shape (n, m), or None
        Pa.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    u: np.ndarray
    v: np.ndarray
    pressure: np.ndarray | None = None


def bracket(times: Sequence[datetime], instant: datetime, longest: timedelta) -> tuple[int, int, float]:
    """Return which two of some times (in any order) enclose an instant, and how far between them it lies (0 to 1).

    Raises
    ------
    NoWind
        Where no two times enclose it, or the two lie further apart than ``longest``.
    """
    before = [index for index, time in enumerate(times) if time <= instant]
    after = [index for index, time in enumerate(times) if time >= instant]
    if not before or not after:
        span = f"from {min(times):%Y-%m-%dT%H:%MZ} to {max(times):%Y-%m-%dT%H:%MZ}" if times else "of no time at all"
        raise NoWind(f"winds are {span}, not of {instant:%Y-%m-%dT%H:%M:%SZ}")
    first = max(before, key=lambda index: times[index])
    second = min(after, key=lambda index: times[index])
    gap = times[second] - times[first]
    if gap > longest:
        raise NoWind(f"the winds about {instant:%Y-%m-%dT%H:%M:%SZ} lie {gap} apart")
    return first, second, (instant - times[first]) / gap if gap else 0.0


def between(first: WindGrid, second: WindGrid, fraction: float) -> WindGrid:
    """Return the wind at a fraction of the time between two grids, linear on components.

    Raises
    ------
    NoWind
        Where the two are not on one grid.
    """
    same = np.array_equal(first.latitude, second.latitude) and np.array_equal(first.longitude, second.longitude)
    if not same:
        raise NoWind("the winds before and after the scene are not on one grid")

    def mix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a if fraction == 0 else (1 - fraction) * a + fraction * b

    pressure = None
    if first.pressure is not None and second.pressure is not None:
        pressure = mix(first.pressure, second.pressure)
    return WindGrid(first.latitude, first.longitude, mix(first.u, second.u), mix(first.v, second.v), pressure)


def interpolate(
    grid: WindGrid, latitude: np.ndarray, longitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interpolate a wind bilinearly to places.

    Parameters
    ----------
    latitude, longitude : ndarray of one shape
        Degrees, of any range.

    Returns
    -------
    u, v, pressure : ndarray
        m s-1 and Pa; pressure is not a number where the grid has none.

    Raises
    ------
    NoWind
        Where a place lies outside the grid, or the grid has no value there.
    """
    south_first = grid.latitude[-1] >= grid.latitude[0]
    rows = np.interp(
        latitude,
        grid.latitude if south_first else grid.latitude[::-1],
        np.arange(len(grid.latitude), dtype=float) if south_first else np.arange(len(grid.latitude), dtype=float)[::-1],
        left=np.nan,
        right=np.nan,
    )
    columns, around = _columns(grid.longitude, longitude)
    if not (np.isfinite(rows).all() and np.isfinite(columns).all()):
        raise NoWind("the scene lies outside the grid of the winds")
    top = np.minimum(np.floor(rows).astype(int), max(len(grid.latitude) - 2, 0))
    left = np.floor(columns).astype(int)
    if not around:
        left = np.minimum(left, max(len(grid.longitude) - 2, 0))
    down, right = rows - top, columns - left
    below = np.minimum(top + 1, len(grid.latitude) - 1)
    count = len(grid.longitude)
    beside = (left + 1) % count if around else np.minimum(left + 1, count - 1)
    left = left % count

    def take(field: np.ndarray) -> np.ndarray:
        upper = (1 - right) * field[top, left] + right * field[top, beside]
        lower = (1 - right) * field[below, left] + right * field[below, beside]
        return np.asarray((1 - down) * upper + down * lower, dtype=float)

    u, v = take(grid.u), take(grid.v)
    if not (np.isfinite(u).all() and np.isfinite(v).all()):
        raise NoWind("the winds have no value over the scene")
    pressure = take(grid.pressure) if grid.pressure is not None else np.full(u.shape, np.nan)
    return u, v, pressure


def _columns(grid: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return fractional columns of longitudes, and whether the grid goes around the Earth."""
    if len(grid) < 2:
        offset = (longitude - grid[0] + 180) % FULL_CIRCLE - 180
        return np.where(np.abs(offset) < 1e-6, 0.0, np.nan), False
    unwrapped = np.unwrap(grid, period=FULL_CIRCLE)
    step = float(unwrapped[-1] - unwrapped[0]) / (len(grid) - 1)
    around = abs(len(grid) * step - FULL_CIRCLE) < step / 2
    tolerance = 1e-6 * step
    east = (longitude - unwrapped[0] + tolerance) % FULL_CIRCLE - tolerance
    columns = np.maximum(east / step, 0.0)
    if around:
        return columns, True
    return np.where(columns <= len(grid) - 1 + 1e-6, np.minimum(columns, len(grid) - 1), np.nan), False


def direction_from(u: np.ndarray | float, v: np.ndarray | float) -> np.ndarray | float:
    """Return the direction that a wind comes from, degrees clockwise from north (specs/plumes.md 1.14)."""
    degrees = (270.0 - np.degrees(np.arctan2(v, u))) % FULL_CIRCLE
    return degrees if isinstance(degrees, np.ndarray) and degrees.ndim else float(degrees)


def components(speed: float, direction: float) -> tuple[float, float]:
    """Return eastward and northward wind of a speed (m s-1) and the direction it comes from (degrees)."""
    angle = np.radians(270.0 - direction)
    return float(speed * np.cos(angle)), float(speed * np.sin(angle))
