"""What pictures see of a Level-2 file: its layers north up, where they lie, and the wind at the scene's centre.

Names and units are those of specs/plumes.md 1.13; the grid is a projected one in metres.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from rasterio.transform import Affine

from levelworks.core.outcome import InvalidInput, NothingToProduce
from levelworks.core.record import read_record
from levelworks.plumes.layers import open_netcdf

UNKNOWN = "unknown sensor"


@dataclass(frozen=True)
class MapGrid:
    """A north-up grid of square or rectangular pixels in a projection (metres)."""

    crs: CRS
    transform: Affine
    shape: tuple[int, int]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Return left, right, bottom and top edge (m)."""
        rows, columns = self.shape
        left, top = self.transform.c, self.transform.f
        return left, left + columns * self.transform.a, top + rows * self.transform.e, top

    @cached_property
    def to_degrees(self) -> Transformer:
        """Return the transformation from the projection to longitude and latitude (WGS 84)."""
        return Transformer.from_crs(self.crs, 4326, always_xy=True)

    @cached_property
    def from_degrees(self) -> Transformer:
        """Return the transformation from longitude and latitude (WGS 84) to the projection."""
        return Transformer.from_crs(4326, self.crs, always_xy=True)

    @property
    def centre(self) -> tuple[float, float]:
        """Return longitude and latitude of the middle (degrees)."""
        left, right, bottom, top = self.extent
        return self.to_degrees.transform((left + right) / 2, (bottom + top) / 2)

    def window(self, left: float, right: float, bottom: float, top: float) -> tuple[slice, slice] | None:
        """Return rows and columns of the pixels that a box (m) touches; None where there are none."""
        step_x, step_y = self.transform.a, -self.transform.e
        columns, rows = (
            slice(max(int(np.floor(low / step)), 0), min(int(np.ceil(high / step)), size))
            for low, high, step, size in (
                (left - self.transform.c, right - self.transform.c, step_x, self.shape[1]),
                (self.transform.f - top, self.transform.f - bottom, step_y, self.shape[0]),
            )
        )
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

    def part(self, rows: slice, columns: slice) -> MapGrid:
        """Return the grid of a window."""
        moved = Affine(
            self.transform.a,
            0,
            self.transform.c + columns.start * self.transform.a,
            0,
            self.transform.e,
            self.transform.f + rows.start * self.transform.e,
        )
        return MapGrid(self.crs, moved, (rows.stop - rows.start, columns.stop - columns.start))


@dataclass(frozen=True)
class Wind:
    """Wind of one source at one place: components towards east and north (m s-1), where it holds (degrees)."""

    source: str
    u: float
    v: float
    longitude: float
    latitude: float

    @property
    def speed(self) -> float:
        """Return the speed (m s-1)."""
        return float(np.hypot(self.u, self.v))

    @property
    def direction(self) -> float:
        """Return where the wind comes from, degrees clockwise from north."""
        return float((270 - np.degrees(np.arctan2(self.v, self.u))) % 360)


@dataclass(frozen=True)
class Level2View:
    """An open file on a projected grid: layers are read when asked for, north up."""

    file: Any
    path: Path
    grid: MapGrid
    upside_down: bool

    @property
    def stem(self) -> str:
        """Return the file's name without its suffix."""
        return self.path.stem

    @property
    def names(self) -> list[str]:
        """Return the names of all variables."""
        return list(self.file.variables)

    def attribute(self, name: str, variable: str = "") -> str:
        """Return an attribute of a variable or of the file as text; empty where there is none."""
        owner = self.file.variables.get(variable, self.file)
        return str(getattr(owner, name, ""))

    def number(self, name: str) -> float:
        """Return an attribute of the file as a number; not a number where it is none."""
        try:
            return float(self.attribute(name))
        except ValueError:
            return float("nan")

    @property
    def sensor(self) -> str:
        """Return the sensor, of the file or of its first variable that names one."""
        return self._first("sensor") or UNKNOWN

    @property
    def start(self) -> str:
        """Return the start of acquisition as the file writes it."""
        return self._first("start_time")

    def _first(self, name: str) -> str:
        found = (self.attribute(name, variable) for variable in ("", *self.names))
        return next((one for one in found if one), "")

    def units(self, name: str) -> str:
        """Return the units of a variable; empty for those of none."""
        units = self.attribute("units", name)
        return "" if units == "1" else units

    def read(self, name: str, window: tuple[slice, slice] | None = None) -> np.ndarray:
        """Return a layer north up, (rows, columns) or (n, rows, columns); floating-point fills are not-a-number.

        Raises
        ------
        InvalidInput
            Where it isn't on the file's grid.
        """
        variable = self.file.variables[name]
        if variable.dimensions[-2:] != ("y", "x"):
            raise InvalidInput(f"{self.path}: {name} is on {', '.join(variable.dimensions)}, not on y, x")
        data = np.asarray(variable[...])
        if data.dtype.kind == "f":
            fill = getattr(variable, "_FillValue", np.nan)
            data = np.where(data == fill, np.array(np.nan, data.dtype), data)
        if self.upside_down:
            data = data[..., ::-1, :]
        return data if window is None else data[..., window[0], window[1]]

    def read_rgb(self, window: tuple[slice, slice] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return (rows, columns, 3) uint8 and where there is a picture, bool; black in all bands is no picture."""
        data = self.read("rgb", window)
        present = np.isfinite(data).all(axis=0) & (data != 0).any(axis=0)
        if data.dtype.kind == "f":
            scale = 255.0 if np.max(data, initial=0.0, where=np.isfinite(data)) <= 1 else 1.0
            data = np.clip(np.rint(np.where(present, data, 0) * scale), 0, 255)
        fill = getattr(self.file.variables["rgb"], "_FillValue", None)
        if fill is not None and data.dtype.kind == "u":
            present &= (data != fill).any(axis=0)
        return np.moveaxis(data.astype(np.uint8), 0, -1), present

    def sources(self) -> list[str]:
        """Return the names of the wind sources, in the order of the file."""
        if "source" not in self.file.variables:
            size = len(self.file.dimensions["source"]) if "source" in self.file.dimensions else 1
            return [f"source {number + 1}" for number in range(size)]
        values = self.file.variables["source"]
        return [str(one) for one in (netCDF4.chartostring(values[...]) if values.ndim == 2 else values[...])]

    def winds(self, place: tuple[float, float] | None = None) -> list[Wind]:
        """Return the wind of each source that has one, at the pixel nearest to a place, or to the middle.

        Parameters
        ----------
        place : tuple of float
            Longitude and latitude (degrees).
        """
        if not {"u10", "v10"} <= set(self.names):
            return []
        longitude, latitude = place or self.grid.centre
        found = []
        for number, source in enumerate(self.sources()):
            components = self._wind_near(number, longitude, latitude)
            if components is not None:
                found.append(Wind(source, *components, longitude, latitude))
        return found

    def _wind_near(self, number: int, longitude: float, latitude: float) -> tuple[float, float] | None:
        part = number if "source" in self.file.variables["u10"].dimensions else ...
        u, v = (np.asarray(self.file.variables[name][part], dtype=np.float64) for name in ("u10", "v10"))
        if u.ndim != 2:
            pair = float(np.ravel(u)[0]), float(np.ravel(v)[0])
            return pair if np.isfinite(pair).all() else None
        if self.upside_down:
            u, v = u[::-1], v[::-1]
        known = np.isfinite(u) & np.isfinite(v)
        x, y = self.grid.from_degrees.transform(longitude, latitude)
        place = (y - self.grid.transform.f) / self.grid.transform.e, (x - self.grid.transform.c) / self.grid.transform.a
        row, column = (int(np.clip(one, 0, size - 1)) for one, size in zip(place, u.shape, strict=True))
        if not known[row, column]:
            rows, columns = np.nonzero(known)
            if not rows.size:
                return None
            nearest = int(np.argmin((rows + 0.5 - place[0]) ** 2 + (columns + 0.5 - place[1]) ** 2))
            row, column = int(rows[nearest]), int(columns[nearest])
        return float(u[row, column]), float(v[row, column])


@contextmanager
def open_level2(path: Path) -> Iterator[Level2View]:
    """Open a Level-2 or Level-3 file on a projected grid.

    Raises
    ------
    NothingToProduce
        Where the file is the empty product of what was skipped or quarantined.
    InvalidInput
        Where it can't be read, or lacks coordinates or a projection.
    """
    refuse_empty(path)
    with open_netcdf(path) as file:
        if getattr(file, "outcome", "done") != "done":
            raise NothingToProduce(f"{path.name} is empty ({file.outcome}): {getattr(file, 'reason', '')}")
        yield Level2View(file, path, *_grid_of(file, path))


def refuse_empty(product: Path) -> None:
    """Raise NothingToProduce, with the reason, where a product is the empty one of what was skipped or quarantined."""
    record = read_record(product)
    if record is not None and record["outcome"] != "done":
        raise NothingToProduce(f"{product.name} is empty ({record['outcome']}): {record['reason']}")


def _grid_of(file: Any, path: Path) -> tuple[MapGrid, bool]:
    missing = [name for name in ("y", "x") if name not in file.variables or file.variables[name].size < 2]
    if missing:
        raise InvalidInput(f"{path} has no coordinate {' and '.join(missing)} of two pixels or more")
    x, y = (np.asarray(file.variables[name][...], dtype=np.float64) for name in ("x", "y"))
    upside_down = bool(y[-1] > y[0])
    if upside_down:
        y = y[::-1]
    step_x, step_y = (x[-1] - x[0]) / (x.size - 1), (y[0] - y[-1]) / (y.size - 1)
    if not (step_x > 0 and step_y > 0):
        raise InvalidInput(f"{path}: coordinates x and y do not grow evenly")
    transform = Affine(step_x, 0, x[0] - step_x / 2, 0, -step_y, y[0] + step_y / 2)
    return MapGrid(_crs_of(file, path), transform, (y.size, x.size)), upside_down


def _crs_of(file: Any, path: Path) -> CRS:
    named = [getattr(one, "grid_mapping", "") for one in file.variables.values()]
    for name in (*named, *file.variables):
        variable = file.variables.get(str(name).partition(":")[0])
        if variable is None:
            continue
        for attribute in ("crs_wkt", "spatial_ref"):
            text = getattr(variable, attribute, "")
            if text:
                try:
                    return CRS.from_user_input(text)
                except CRSError as error:
                    raise InvalidInput(f"{path}: {name}:{attribute} is no projection ({error})") from None
    raise InvalidInput(f"{path} has no grid mapping with a projection (crs_wkt)")
