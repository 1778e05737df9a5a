"""Water vapour tables from reanalyses: total column of ERA5 or MERRA-2 at the places of scenes (spec 18)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.ard.water_vapour.tables import climatology_name, daily_name, write_climatology, write_daily
from levelworks.core.outcome import InvalidReference

NAMES = {"tcwv": "ERA", "TQV": "MER"}
"""Variables of column water vapour, and what the tables call their source."""
TO_GRAMS = {"kg m**-2": 0.1, "kg m-2": 0.1, "kg/m2": 0.1, "kg m^-2": 0.1, "mm": 0.1, "g cm-2": 1.0, "cm": 1.0}
"""From a unit to g cm-2."""
BOX = 0.75
"""Half the side of the box that is averaged about a place, degrees."""
OVERPASS = 10.25
"""Local solar time at which Landsat and Sentinel-2 see a place, hours."""
LONGEST_GAP = 12.0
"""Hours to the nearest step of the reanalysis beyond which a day has no value."""


def build_tables(files: Sequence[Path], coordinates: np.ndarray, folder: Path) -> list[Path]:
    """Write daily tables and the climatology of their months from files of a reanalysis.

    Parameters
    ----------
    files : sequence of Path
        NetCDF with ``tcwv`` (ERA5) or ``TQV`` (MERRA-2) over time, latitude and longitude; hours of the day as they
        come, in any order of files.
    coordinates : ndarray, shape (places, 2)
        Longitude and latitude, degrees.
    folder : Path
        Of the tables.

    Returns
    -------
    list of Path
        The tables, in the order of their days; then those of the months.

    Raises
    ------
    InvalidReference
        A file has no such variable, an unknown unit or no coordinates.

    Notes
    -----
    The value of a day is that at 10:15 local solar time, interpolated between the steps around it, averaged over the
    box of 1.5 degrees about a place.
    """
    places = np.asarray(coordinates, np.float64).reshape(-1, 2)
    steps = _Steps(files, places)
    hours = (OVERPASS - places[:, 0] / 15.0) % 24.0
    written: list[Path] = []
    shape = (12, len(places))
    number, total, squares = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    for day in sorted({time.date() for time in steps.times}):
        values = _at_overpass(steps, day, hours)
        path = folder / daily_name(day)
        write_daily(path, places, values, steps.source)
        written.append(path)
        known = np.isfinite(values)
        number[day.month - 1] += known
        total[day.month - 1] += np.where(known, values, 0.0)
        squares[day.month - 1] += np.where(known, values**2, 0.0)
    for month in np.flatnonzero(number.any(axis=1)):
        count = np.maximum(number[month], 1)
        mean = total[month] / count
        variance = np.maximum(squares[month] / count - mean**2, 0.0) * count / np.maximum(count - 1, 1)
        path = folder / climatology_name(int(month) + 1)
        write_climatology(path, places, mean, np.sqrt(variance), number[month])
        written.append(path)
    return written


class _Steps:
    """The time steps of a reanalysis at places: found at once, read when they are needed.

    Parameters
    ----------
    files : sequence of Path
    places : ndarray, shape (places, 2)
    """

    def __init__(self, files: Sequence[Path], places: np.ndarray) -> None:
        self.places = places
        self.source = ""
        self._files: dict[datetime, tuple[Path, int]] = {}
        self._read: dict[datetime, np.ndarray] = {}
        self._boxes: dict[tuple[bytes, bytes], Any] = {}
        for path in files:
            with _opened(path) as dataset:
                self.source = max(self.source, NAMES[_variable(path, dataset)])
                for step, time in enumerate(_times(path, dataset)):
                    self._files[time] = path, step
        if not self._files:
            raise InvalidReference("no file of a reanalysis was given, or none has a time step")
        self.times = sorted(self._files)

    def about(self, day: date) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps from twelve hours before a day to twelve hours after it.

        Returns
        -------
        hours : ndarray, shape (steps,), float64
            From the day's midnight, ascending.
        values : ndarray, shape (steps, places), float64
            g cm-2; NaN where there is none.
        """
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        clock = {time: (time - midnight) / timedelta(hours=1) for time in self.times}
        near = [time for time, hour in clock.items() if -12.0 <= hour <= 36.0]
        self._read = {time: self._read[time] if time in self._read else self._load(time) for time in near}
        return np.array([clock[time] for time in near]), np.stack([self._read[time] for time in near])

    def _load(self, time: datetime) -> np.ndarray:
        path, step = self._files[time]
        with _opened(path) as dataset:
            variable = dataset[_variable(path, dataset)]
            unit = str(getattr(variable, "units", "missing")).strip()
            if unit not in TO_GRAMS:
                raise InvalidReference(f"{path}: {variable.name} is in {unit!r}; known are {', '.join(TO_GRAMS)}")
            latitude, longitude = (_axis(path, dataset, names) for names in (("latitude", "lat"), ("longitude", "lon")))
            layer = np.ma.filled(np.ma.asarray(variable[step], np.float64), np.nan)
        while layer.ndim > 2:  # ERA5 beside ERA5T: the one that has data
            layer = np.where(np.isfinite(layer[0]), layer[0], layer[-1])
        grid = latitude.tobytes(), longitude.tobytes()
        if grid not in self._boxes:
            self._boxes[grid] = _box_means(latitude, longitude, self.places)
        return TO_GRAMS[unit] * _averaged(self._boxes[grid], layer)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import netCDF4

    try:
        dataset = netCDF4.Dataset(path)
    except OSError as error:
        raise InvalidReference(f"the reanalysis file {path} can't be read: {error}") from error
    with dataset:
        yield dataset


def _variable(path: Path, dataset: Any) -> str:
    for name in NAMES:
        if name in dataset.variables:
            return name
    raise InvalidReference(f"{path}: no variable {' or '.join(NAMES)} (total column water vapour)")


def _times(path: Path, dataset: Any) -> list[datetime]:
    import netCDF4

    clock = dataset[_present(path, dataset, ("valid_time", "time"))]
    found = netCDF4.num2date(
        np.atleast_1d(clock[:]), clock.units, only_use_cftime_datetimes=False, only_use_python_datetimes=True
    )
    return [time.replace(tzinfo=None) for time in np.asarray(found, object).ravel()]


def _present(path: Path, dataset: Any, names: Sequence[str]) -> str:
    for name in names:
        if name in dataset.variables:
            return name
    raise InvalidReference(f"{path}: no coordinate {' or '.join(names)}")


def _axis(path: Path, dataset: Any, names: Sequence[str]) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(dataset[_present(path, dataset, names)][:], np.float64), np.nan)


def _box_means(latitude: np.ndarray, longitude: np.ndarray, places: np.ndarray) -> Any:
    """Return the sparse matrix that averages a grid over boxes about places; the nearest node where a box is empty."""
    from scipy.sparse import csr_matrix

    rows, columns, weights = [], [], []
    for place, (east, north) in enumerate(places):
        away = np.abs(latitude - north)
        off = np.abs((longitude - east + 180.0) % 360.0 - 180.0)
        near = np.flatnonzero(away <= BOX + 1e-6) if away.min() <= BOX else np.array([np.argmin(away)])
        beside = np.flatnonzero(off <= BOX + 1e-6) if off.min() <= BOX else np.array([np.argmin(off)])
        nodes = (near[:, None] * len(longitude) + beside).ravel()
        rows.append(np.full(len(nodes), place))
        columns.append(nodes)
        weights.append(np.ones(len(nodes)))
    return csr_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(places), len(latitude) * len(longitude)),
    )


def _averaged(boxes: Any, layer: np.ndarray) -> np.ndarray:
    known = np.isfinite(layer).ravel()
    count = boxes @ known.astype(np.float64)
    total = boxes @ np.where(known, layer.ravel(), 0.0)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _at_overpass(steps: _Steps, day: date, hours: np.ndarray) -> np.ndarray:
    """Return the values at each place's hour (UTC) of a day, between the steps around it."""
    clock, values = steps.about(day)
    after = np.clip(np.searchsorted(clock, hours), 0, len(clock) - 1)
    before = np.where(clock[after] > hours, np.maximum(after - 1, 0), after)
    place = np.arange(len(hours))
    gap = clock[after] - clock[before]
    share = np.clip(np.divide(hours - clock[before], gap, out=np.zeros(len(hours)), where=gap > 0), 0.0, 1.0)
    first, second = values[before, place], values[after, place]
    between = first + share * (second - first)
    between = np.where(np.isfinite(between), between, np.where(share < 0.5, first, second))
    nearest = np.minimum(np.abs(clock[before] - hours), np.abs(clock[after] - hours))
    return np.where(nearest <= LONGEST_GAP, between, np.nan)
