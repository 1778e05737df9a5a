"""Tables of column water vapour over the world, by day and as a monthly climatology (spec 18).

A folder holds ``WVP_YYYY-MM-DD.txt`` (lon lat value source) and ``WVP_0000-MM-00.txt`` (lon lat mean sd n), in g cm-2;
9999 stands for no value. The format is that of the water vapour database of Frantz et al. (2019,
doi:10.3390/rs11030257).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from levelworks.core.atomic import write_text
from levelworks.core.outcome import InvalidReference, NothingToProduce
from levelworks.core.sphere import EARTH_RADIUS_KM, great_circle_km

FILL = 9999.0
LARGEST = 10.0
"""g cm-2 above which a value is no value."""
REACH = 1.5
"""Degrees of arc within which a line of a table is near."""
DAILY_ERROR = 0.3
"""g cm-2: error of a day's value, about what MODIS and reanalyses show against GPS and sun photometers."""


@dataclass(frozen=True)
class ColumnWaterVapour:
    """Water vapour above a place.

    Parameters
    ----------
    value, sigma : float
        g cm-2, and its standard error.
    source : str
        ``MOD``, ``MYD``, ``ERA`` ... of a day's table, or ``climatology``.
    """

    value: float
    sigma: float
    source: str


def daily_name(day: date) -> str:
    """Return the file name of a day's table."""
    return f"WVP_{day:%Y-%m-%d}.txt"


def climatology_name(month: int) -> str:
    """Return the file name of a month's climatology."""
    return f"WVP_0000-{month:02d}-00.txt"


def water_vapour_at(
    folder: Path, longitude: float, latitude: float, day: date, *, strict: bool = False
) -> ColumnWaterVapour:
    """Look up the water vapour above a place on a day, or that of its month where the day has none.

    Parameters
    ----------
    longitude, latitude : float
        Degrees.
    strict : bool
        Forbid the climatology.

    Raises
    ------
    NothingToProduce
        `strict`, and the day has no value near the place.
    InvalidReference
        A table is malformed, or the climatology is missing or has no value within 1.5 degrees.
    """
    path = folder / daily_name(day)
    if path.exists():
        positions, values, sources = read_daily(path)
        nearest = _nearest(positions, values, longitude, latitude)
        if nearest is not None:
            return ColumnWaterVapour(float(values[nearest]), DAILY_ERROR, sources[nearest])
    if strict:
        raise NothingToProduce(
            f"no water vapour of {day} within {REACH} degrees of {longitude:.3f}, {latitude:.3f} in {folder}, "
            "and the climatology is forbidden"
        )
    path = folder / climatology_name(day.month)
    positions, values, spread = read_climatology(path)
    nearest = _nearest(positions, values, longitude, latitude)
    if nearest is None:
        raise InvalidReference(
            f"{path} has no water vapour within {REACH} degrees of {longitude:.3f}, {latitude:.3f}: make tables that "
            "cover the images, or set water_vapour"
        )
    sigma = float(spread[nearest]) if spread[nearest] < LARGEST else float(values[nearest]) / 2
    return ColumnWaterVapour(float(values[nearest]), sigma, "climatology")


def _nearest(positions: np.ndarray, values: np.ndarray, longitude: float, latitude: float) -> int | None:
    """Return the line nearest to a place along the great circle, if it is near and has a value.

    The nearest line decides, as it does in FORCE: the next one may belong to other air.
    """
    if not len(values):
        return None
    distance = great_circle_km(positions[:, 0], positions[:, 1], longitude, latitude)
    nearest = int(np.argmin(distance))
    near = distance[nearest] <= np.radians(REACH) * EARTH_RADIUS_KM
    return nearest if near and 0.0 < values[nearest] <= LARGEST else None


@lru_cache(maxsize=4)
def read_daily(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read a day's table.

    Returns
    -------
    positions : ndarray, shape (lines, 2), float64
        Longitude and latitude, degrees.
    values : ndarray, shape (lines,), float64
        g cm-2; 9999 where there is none.
    sources : tuple of str
    """
    words = _words(path, 4, "lon lat value source")
    return _numbers(path, words[:, :2]), _numbers(path, words[:, 2:3])[:, 0], tuple(words[:, 3])


@lru_cache(maxsize=4)
def read_climatology(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a month's climatology.

    Returns
    -------
    positions : ndarray, shape (lines, 2), float64
    mean, deviation : ndarray, shape (lines,), float64
        g cm-2; 9999 where there is none.
    """
    table = _numbers(path, _words(path, 5, "lon lat mean sd n"))
    return table[:, :2], table[:, 2], table[:, 3]


def _words(path: Path, columns: int, names: str) -> np.ndarray:
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise InvalidReference(f"the water vapour table {path} can't be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if len(line) != columns:
            raise InvalidReference(f"{path}, line {number}: {columns} columns are wanted ({names}), found {len(line)}")
    return np.array(lines, dtype=str).reshape(-1, columns)


def _numbers(path: Path, words: np.ndarray) -> np.ndarray:
    try:
        return words.astype(np.float64)
    except ValueError as error:
        raise InvalidReference(f"{path}: a water vapour table holds numbers; {error}") from error


def write_daily(path: Path, positions: np.ndarray, values: np.ndarray, source: str) -> None:
    """Write a day's table; NaN becomes ``9999 TBD``."""
    lines = [
        f"{longitude:.4f} {latitude:.4f} {value:.4f} {source}"
        if np.isfinite(value)
        else f"{longitude:.4f} {latitude:.4f} 9999 TBD"
        for (longitude, latitude), value in zip(positions, values, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def write_climatology(
    path: Path, positions: np.ndarray, mean: np.ndarray, deviation: np.ndarray, count: np.ndarray
) -> None:
    """Write a month's climatology; lines without values have ``9999 9999 0``."""
    lines = [
        f"{longitude:.4f} {latitude:.4f} {one:.4f} {spread:.4f} {number}"
        if number > 0
        else f"{longitude:.4f} {latitude:.4f} 9999 9999 0"
        for (longitude, latitude), one, spread, number in zip(positions, mean, deviation, count, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def read_coordinates(path: Path) -> np.ndarray:
    """Read the places that tables are wanted for: lines of longitude and latitude, (places, 2) float64.

    Raises
    ------
    InvalidReference
        The file can't be read, is empty, or a line isn't a place.
    """
    table = _numbers(path, _words(path, 2, "lon lat"))
    if not len(table):
        raise InvalidReference(f"{path}: no coordinates")
    if np.any(np.abs(table[:, 0]) > 360.0) or np.any(np.abs(table[:, 1]) > 90.0):
        raise InvalidReference(f"{path}: longitudes reach from -180 to 180 and latitudes from -90 to 90 degrees")
    return table


ROTATION = 360.0 * 16.0 / 233.0
"""Degrees by which the Earth turns in one orbit of Landsat: 233 orbits in 16 days."""
INCLINATION = 98.2
FIRST_EQUATOR = -64.60
"""Longitude at which path 1 descends through the equator, in row 60."""
ECCENTRICITY_SQUARED = 0.00669438


def wrs2_centres(paths: Sequence[int] = range(1, 234), rows: Sequence[int] = range(1, 123)) -> np.ndarray:
    """Compute the centres of scenes of the Worldwide Reference System 2 (Landsat 4 to 9).

    Parameters
    ----------
    paths : sequence of int
        1 to 233.
    rows : sequence of int
        Those of the daylight side are about 1 to 122.

    Returns
    -------
    ndarray, shape (paths * rows, 2), float64
        Longitude and latitude, degrees; rows of a path stand together. Within 0.2 degrees of the real ones.
    """
    path, row = (one.ravel() for one in np.meshgrid(np.asarray(paths, float), np.asarray(rows, float), indexing="ij"))
    along = np.radians((row - 60.0) * 360.0 / 248.0)
    inclination = np.radians(INCLINATION)
    geocentric = -np.arcsin(np.sin(along) * np.sin(inclination))
    turned = np.degrees(np.arctan2(np.sin(along) * np.cos(inclination), np.cos(along)))
    longitude = FIRST_EQUATOR - (path - 1.0) * 360.0 / 233.0 + turned - np.degrees(along) / 360.0 * ROTATION
    latitude = np.arctan(np.tan(geocentric) / (1.0 - ECCENTRICITY_SQUARED))
    return np.stack([(longitude + 180.0) % 360.0 - 180.0, np.degrees(latitude)], axis=1)
