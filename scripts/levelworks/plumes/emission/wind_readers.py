"""Reads winds at 10 m: ERA5 in GRIB or NetCDF, and GEOS-FP hourly averages.

Names of files and variables: specs/plumes.md 1.10; ECMWF parameters 165, 166, 134; NASA GMAO tavg1_2d_slv_Nx.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from levelworks.plumes.emission.wind_grids import NoWind, WindGrid, between, bracket

LONGEST_GAP = timedelta(hours=6)
"""Between two times of ERA5: hourly, 3-hourly and 6-hourly subsets are interpolated, no longer ones."""
GRIB_ENDINGS = (".grib", ".grb", ".grib2", ".grb2")
NETCDF_ENDINGS = (".nc", ".nc4")
ERA5_VARIABLES = {"u": ("u10", "10u"), "v": ("v10", "10v"), "pressure": ("sp",)}
GRIB_FIELDS = {"10U": "u", "U10": "u", "10V": "v", "V10": "v", "SP": "pressure"}
GRIB2_FIELDS = {("UGRD", "10-HTGL"): "u", ("VGRD", "10-HTGL"): "v", ("PRES", "0-SFC"): "pressure"}
"""Elements as GDAL names them: ECMWF's local table of GRIB 1, and WMO's tables of GRIB 2 with the level."""
FILL = 1e14
"""GEOS-FP fills with 1e15."""


@dataclass(frozen=True)
class TimeStep:
    """One instant that a file has winds of, and how to read them."""

    time: datetime
    read: Callable[[], WindGrid]


def era5_wind(paths: Sequence[Path], instant: datetime) -> WindGrid:
    """Read the wind of ERA5 at an instant (UTC), linear between the two nearest times.

    Parameters
    ----------
    paths : sequence of Path
        GRIB or NetCDF files, or folders with ``yyyy/sl_yyyymmdd.grib``; a file that can't be read is passed over.

    Raises
    ------
    NoWind
        Where no file can be read or no two times enclose the instant; the message says why.
    """
    steps: list[TimeStep] = []
    reasons = []
    files = list(era5_files(paths, instant))
    if not files:
        raise NoWind(f"no file sl_{instant:%Y%m%d}.grib or .nc")
    for path in files:
        try:
            steps += _grib_steps(path) if path.suffix.lower() in GRIB_ENDINGS else _netcdf_steps(path)
        except NoWind as reason:
            reasons.append(str(reason))
    if not steps:
        raise NoWind("; ".join(reasons))
    first, second, fraction = bracket([step.time for step in steps], instant, LONGEST_GAP)
    grid = steps[first].read()
    return grid if first == second else between(grid, steps[second].read(), fraction)


def era5_files(paths: Sequence[Path], instant: datetime) -> list[Path]:
    """Return the files of a list, and those of its folders that have the day of an instant or the hour beside it."""
    found: list[Path] = []
    days = sorted({(instant + timedelta(hours=hours)).date() for hours in (-6, 0, 6)})
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        for day in days:
            names = [f"sl_{day:%Y%m%d}{ending}" for ending in (*GRIB_ENDINGS, *NETCDF_ENDINGS)]
            candidates = [folder / name for name in names for folder in (path / f"{day:%Y}", path)]
            found += [candidate for candidate in candidates if candidate.is_file()][:1]
    return found


def geos_fp_wind(paths: Sequence[Path], instant: datetime) -> WindGrid:
    """Read the hourly average of GEOS-FP that an instant (UTC) lies in.

    Raises
    ------
    NoWind
        Where there is no file of that hour or it can't be read.
    """
    name = f"GEOS.fp.asm.tavg1_2d_slv_Nx.{instant:%Y%m%d_%H}30"
    places = (place for path in paths for place in (sorted(path.rglob(f"{name}*")) if path.is_dir() else [path]))
    found = next((place for place in places if place.name.startswith(name)), None)
    if found is None:
        raise NoWind(f"no file {name}.V01.nc4")
    with _open(found) as file:
        u, v = (_first_step(file, variable, found) for variable in ("U10M", "V10M"))
        pressure = _first_step(file, "PS", found) if "PS" in file.variables else None
        return WindGrid(_axis(file, found, "lat"), _axis(file, found, "lon"), u, v, pressure)


def _open(path: Path) -> Any:
    try:
        return netCDF4.Dataset(path)
    except OSError as error:
        raise NoWind(f"{path.name} can't be read as NetCDF ({error.strerror or error})") from None


def _axis(file: Any, path: Path, *names: str) -> np.ndarray:
    name = next((name for name in names if name in file.variables), None)
    if name is None:
        raise NoWind(f"{path.name} has no variable {names[0]}")
    return np.asarray(file.variables[name][...], dtype=float)


def _plain(values: Any) -> np.ndarray:
    """Return values as double precision; masked and filled ones are not a number."""
    array = np.ma.filled(np.ma.asarray(values).astype(float), np.nan)
    return np.where(np.abs(array) < FILL, array, np.nan)


def _first_step(file: Any, name: str, path: Path) -> np.ndarray:
    if name not in file.variables:
        raise NoWind(f"{path.name} has no variable {name}")
    variable = file.variables[name]
    return _plain(variable[0] if variable.ndim == 3 else variable[...])


def _netcdf_steps(path: Path) -> list[TimeStep]:
    with _open(path) as file:
        name = next((name for name in ("valid_time", "time") if name in file.variables), None)
        if name is None:
            raise NoWind(f"{path.name} has no variable time or valid_time")
        for role in ("u", "v"):
            if not any(known in file.variables for known in ERA5_VARIABLES[role]):
                raise NoWind(f"{path.name} has no variable {ERA5_VARIABLES[role][0]}")
        variable = file.variables[name]
        times: Any = netCDF4.num2date(
            np.atleast_1d(variable[...]),
            variable.units,
            getattr(variable, "calendar", "standard"),
            only_use_cftime_datetimes=False,
            only_use_python_datetimes=True,
        )
    return [
        TimeStep(time.replace(tzinfo=UTC), lambda index=index: _netcdf_grid(path, name, index))  # type: ignore[misc]
        for index, time in enumerate(times)
    ]


def _netcdf_grid(path: Path, time: str, index: int) -> WindGrid:
    with _open(path) as file:
        fields = {}
        for role, names in ERA5_VARIABLES.items():
            known = next((name for name in names if name in file.variables), None)
            fields[role] = None if known is None else _field(file.variables[known], time, index)
        latitude, longitude = _axis(file, path, "latitude", "lat"), _axis(file, path, "longitude", "lon")
    u, v = fields["u"], fields["v"]
    if u is None or v is None:
        raise NoWind(f"{path.name} has no wind")
    return WindGrid(latitude, longitude, u, v, fields["pressure"])


def _field(variable: Any, time: str, index: int) -> np.ndarray:
    """Return one time of a variable; of further axes (expver, number) the first entry that has values counts."""
    axes = variable.dimensions
    values = _plain(variable[tuple(index if axis == time else slice(None) for axis in axes)])
    while values.ndim > 2:
        with_values = [entry for entry in values if np.isfinite(entry).any()]
        values = with_values[0] if with_values else values[0]
    return values


def _grib_steps(path: Path) -> list[TimeStep]:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    bands: dict[datetime, dict[str, int]] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as file:
                for band in file.indexes:
                    tags = file.tags(band)
                    element, level = tags.get("GRIB_ELEMENT", ""), tags.get("GRIB_SHORT_NAME", "")
                    role = GRIB_FIELDS.get(element) or GRIB2_FIELDS.get((element, level))
                    if role:
                        seconds = int(tags["GRIB_VALID_TIME"].split()[0])
                        bands.setdefault(datetime.fromtimestamp(seconds, UTC), {}).setdefault(role, band)
    except (RasterioIOError, KeyError, ValueError) as error:
        raise NoWind(f"{path.name} can't be read as GRIB ({error})") from None
    complete = {time: found for time, found in bands.items() if {"u", "v"} <= found.keys()}
    if not complete:
        raise NoWind(f"{path.name} has no 10 m wind (parameters 165 and 166)")
    return [
        TimeStep(time, lambda found=found: _grib_grid(path, found))  # type: ignore[misc]
        for time, found in complete.items()
    ]


def _grib_grid(path: Path, bands: dict[str, int]) -> WindGrid:
    import rasterio

    with rasterio.open(path) as file:
        transform, (rows, columns) = file.transform, file.shape
        fields = {role: _plain(file.read(band, masked=True)) for role, band in bands.items()}
    latitude = transform.f + transform.e * (np.arange(rows) + 0.5)
    longitude = transform.c + transform.a * (np.arange(columns) + 0.5)
    return WindGrid(latitude, longitude, fields["u"], fields["v"], fields.get("pressure"))
