"""What pictures read of one quantified plume: its Level-3 file, its cross sections and its row of the table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import netCDF4
import numpy as np
from pyproj import CRS, Transformer

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.drawing.level2_view import MapGrid, Wind, open_level2
from levelworks.plumes.drawing.picture_layers import gas_of
from levelworks.plumes.drawing.quantified_files import TABLE, plume_number, read_table

PLUME_FILE = re.compile(r"(?P<stem>.+)_plume(?P<number>\d+)\.nc")


@dataclass(frozen=True)
class CrossSections:
    """Lines across a plume: their ends (m, of the plume's projection) and the rate through each (kg h-1).

    ``start`` and ``end`` are (lines, 2), ``centre`` (points, 2), ``rate`` (lines,); not a number where a line has none.
    """

    rate: np.ndarray
    start: np.ndarray
    end: np.ndarray
    centre: np.ndarray


@dataclass(frozen=True)
class Plume:
    """One plume on its grid, north up.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        In ``units``; not a number outside of the plume.
    carbon_mapper : ndarray or None
        The same in the mask after Carbon Mapper.
    source : tuple of float or None
        Longitude and latitude (degrees).
    row : mapping
        Of the table, empty where the table has none.
    """

    name: str
    number: int
    gas: str
    units: str
    sensor: str
    start: str
    grid: MapGrid
    enhancement: np.ndarray
    source: tuple[float, float] | None
    carbon_mapper: np.ndarray | None = None
    winds: tuple[Wind, ...] = ()
    sections: CrossSections | None = None
    row: Mapping[str, str] = field(default_factory=dict)


def plume_paths(folder: Path) -> list[tuple[int, Path]]:
    """Return the number and Level-3 file of each plume in a folder of `quantify`, by number."""
    found = ((PLUME_FILE.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match["number"]), path) for match, path in found if match)


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's table; none where it has none."""
    path = folder / TABLE
    return read_table(path) if path.is_file() else []


def row_of(rows: Sequence[Mapping[str, str]], plume_id: str, number: int) -> Mapping[str, str]:
    """Return the row of a plume: by its id, or by its number where its file names none; empty without one."""
    if plume_id:
        return next((row for row in rows if row.get("plume_id") == plume_id), {})
    return next((row for row in rows if plume_number(row) == number), {})


def read_plume(path: Path, number: int, rows: Sequence[Mapping[str, str]]) -> Plume:
    """Read a plume.

    Parameters
    ----------
    number : int
        At the end of the file's name.
    rows : sequence of mapping
        The table of the scene's plumes.

    Raises
    ------
    InvalidInput
        Where the file can't be read or holds no enhancement of a gas.
    """
    with open_level2(path) as view:
        names = [name for name in view.names if gas_of(name) == name]
        wanted = view.attribute("gas").lower()
        gas = wanted if wanted in names else next(iter(names), "")
        if not gas:
            raise InvalidInput(f"{path} holds no enhancement of a gas")
        row = row_of(rows, view.attribute("plume_id"), number)
        mapper = f"{gas}_cm"
        place = _numbers(view.number("plume_longitude"), view.number("plume_latitude"))
        place = place or _numbers(_float(row.get("plume_longitude")), _float(row.get("plume_latitude")))
        return Plume(
            path.stem,
            number,
            gas,
            view.units(gas),
            row.get("platform") or view.sensor,
            view.start or row.get("datetime", ""),
            view.grid,
            view.read(gas),
            place,
            view.read(mapper) if mapper in view.names else None,
            tuple(view.winds(place)),
            read_sections(path.with_name(f"{path.stem}_csf.nc"), view.grid),
            row,
        )


def _numbers(longitude: float, latitude: float) -> tuple[float, float] | None:
    return (longitude, latitude) if np.isfinite([longitude, latitude]).all() else None


def _float(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def read_sections(path: Path, grid: MapGrid) -> CrossSections | None:
    """Read the cross sections of a plume; None where there is no file or no line in it.

    Parameters
    ----------
    grid : MapGrid
        In whose projection lines are wanted; they are in it unless the file names another (``epsg``).

    Raises
    ------
    InvalidInput
        Where the file can't be read or lacks a variable.
    """
    if not path.is_file():
        return None
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            names = ("emission_rate", "x_start", "y_start", "x_end", "y_end", "x_center", "y_center")
            missing = [name for name in names[:5] if name not in file.variables]
            if missing:
                raise InvalidInput(f"{path} has no {', '.join(missing)}")
            found = [
                np.asarray(file.variables[name][...], dtype=np.float64).ravel()
                if name in file.variables
                else np.zeros(0)
                for name in names
            ]
            epsg = int(getattr(file, "epsg", 0))
    except OSError as error:
        raise InvalidInput(f"{path} can't be read as NetCDF ({error.strerror or error})") from None
    rate, *ends = found
    if not rate.size:
        return None
    places = list(zip(ends[0::2], ends[1::2], strict=True))
    if epsg and CRS.from_epsg(epsg) != grid.crs:
        to_grid = Transformer.from_crs(epsg, grid.crs, always_xy=True)
        places = [to_grid.transform(x, y) for x, y in places]
    start, end, centre = (np.column_stack(pair) for pair in places)
    return CrossSections(rate, start, end, centre)
