"""The product of the wind stage: winds of every source at nodes of the scene's rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np

from levelworks.core.outcome import InvalidInput, Outcome
from levelworks.plumes.layers import CONVENTIONS

MANUAL = "manual"
"""Source of a wind that a person gave; it has no error."""


@dataclass(frozen=True)
class Winds:
    """Winds of a scene by source, at nodes of its rows and columns.

    Parameters
    ----------
    sources : tuple of str
        ERA5, GEOS-FP or manual.
    rows, columns : ndarray, shape (n,), (m,)
        Rows and columns of the nodes, ascending.
    u, v, pressure : ndarray, shape (sources, n, m)
        m s-1 and Pa; pressure is not a number where a source has none.
    preferred : str
        The source that emissions are reported for; empty where there is none.
    notes : tuple of str
        Why sources are missing.
    """

    sources: tuple[str, ...]
    rows: np.ndarray
    columns: np.ndarray
    u: np.ndarray
    v: np.ndarray
    pressure: np.ndarray
    preferred: str = ""
    notes: tuple[str, ...] = ()

    def at(self, source: str, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return u, v and pressure of a source at pixels, linear between nodes."""
        index = self.sources.index(source)
        top, down = _between(self.rows, row)
        left, right = _between(self.columns, column)
        below, beside = np.minimum(top + 1, len(self.rows) - 1), np.minimum(left + 1, len(self.columns) - 1)

        def take(field: np.ndarray) -> np.ndarray:
            upper = (1 - right) * field[top, left] + right * field[top, beside]
            lower = (1 - right) * field[below, left] + right * field[below, beside]
            return np.asarray((1 - down) * upper + down * lower)

        return take(self.u[index]), take(self.v[index]), take(self.pressure[index])


def _between(nodes: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the node before each position and how far on to the next it lies (0 to 1)."""
    fractional = np.interp(position, nodes, np.arange(len(nodes), dtype=float))
    before = np.minimum(np.floor(fractional).astype(int), max(len(nodes) - 2, 0))
    return before, fractional - before


def write_wind(path: Path, winds: Winds, longitude: np.ndarray, latitude: np.ndarray, scene: str) -> None:
    """Write the winds of a scene; longitude and latitude of the nodes are (n, m), degrees."""
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": CONVENTIONS, "scene": scene, "preferred_source": winds.preferred})
        file.setncattr("notes", "\n".join(winds.notes))
        file.createDimension("source", len(winds.sources))
        file.createDimension("y", len(winds.rows))
        file.createDimension("x", len(winds.columns))
        source = file.createVariable("source", str, ("source",))
        for index, name in enumerate(winds.sources):
            source[index] = name
        fields = (
            ("y", ("y",), winds.rows, "1", "row of the scene"),
            ("x", ("x",), winds.columns, "1", "column of the scene"),
            ("longitude", ("y", "x"), longitude, "degrees_east", "longitude"),
            ("latitude", ("y", "x"), latitude, "degrees_north", "latitude"),
            ("u10", ("source", "y", "x"), winds.u, "m s-1", "eastward wind at 10 m"),
            ("v10", ("source", "y", "x"), winds.v, "m s-1", "northward wind at 10 m"),
            ("sp", ("source", "y", "x"), winds.pressure, "Pa", "surface pressure"),
        )
        for name, axes, values, units, meaning in fields:
            variable = file.createVariable(name, "f8", axes, fill_value=np.nan)
            variable.setncatts({"units": units, "long_name": meaning})
            if values.size:
                variable[...] = values


def write_empty_wind(path: Path, outcome: Outcome) -> None:
    """Write the product of a scene without winds; it says why."""
    nothing = np.zeros((0, 0))
    none, empty = np.zeros(0), np.zeros((0, 0, 0))
    winds = Winds((), none, none, empty, empty, empty, notes=(outcome.reason,))
    write_wind(path, winds, nothing, nothing, "")


def read_wind(path: Path) -> Winds:
    """Read the product of the wind stage.

    Raises
    ------
    InvalidInput
        Where it can't be read as one.
    """
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            values = {
                name: np.asarray(file.variables[name][...], dtype=float) for name in ("y", "x", "u10", "v10", "sp")
            }
            return Winds(
                tuple(str(name) for name in file.variables["source"][...]),
                values["y"],
                values["x"],
                values["u10"],
                values["v10"],
                values["sp"],
                str(file.getncattr("preferred_source")),
                tuple(filter(None, str(file.getncattr("notes")).split("\n"))),
            )
    except (OSError, KeyError, AttributeError) as error:
        raise InvalidInput(f"{path} is no product of the wind stage ({error})") from None
