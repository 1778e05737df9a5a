"""Products in sensor geometry: named layers of one scene in a NetCDF file, read back by name.

What stages hand to each other has the rows and columns of the granule, so that nothing is resampled on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from levelworks.core.outcome import InvalidInput, Outcome

CONVENTIONS = "CF-1.11"


@dataclass(frozen=True)
class Layer:
    """One variable: (rows, columns) or, with a leading axis ``along``, (n, rows, columns).

    Parameters
    ----------
    units : str
        CF units; empty for codes and flags.
    attributes : mapping
        Further attributes, e.g. ``flag_masks``.
    """

    name: str
    data: np.ndarray
    units: str = ""
    long_name: str = ""
    along: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


def write_layers(path: Path, layers: Sequence[Layer], attributes: Mapping[str, Any]) -> None:
    """Write layers of one scene; floating-point fills are not-a-number.

    Parameters
    ----------
    attributes : mapping
        Global attributes: text, numbers or sequences of numbers.
    """
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": CONVENTIONS, **attributes})
        for layer in layers:
            *leading, rows, columns = layer.data.shape
            sizes = {"y": rows, "x": columns} | ({layer.along: leading[0]} if leading else {})
            for name, size in sizes.items():
                if name not in file.dimensions:
                    file.createDimension(name, size)
            names = ((layer.along,) if leading else ()) + ("y", "x")
            floating = layer.data.dtype.kind == "f"
            # noise does not compress; flags and labels do
            variable = file.createVariable(
                layer.name,
                layer.data.dtype,
                names,
                fill_value=np.nan if floating else False,
                compression="zlib" if layer.data.size and not floating else None,
                complevel=1,
            )
            described = {"units": layer.units, "long_name": layer.long_name or layer.name.replace("_", " ")}
            variable.setncatts({key: text for key, text in described.items() if text} | dict(layer.attributes))
            if layer.data.size:
                variable[...] = layer.data


def write_empty(path: Path, outcome: Outcome) -> None:
    """Write the valid, empty product of a skipped or quarantined granule; its attributes say why."""
    write_layers(path, [], {"outcome": outcome.status.value, "reason": outcome.reason})


@dataclass(frozen=True)
class Layers:
    """An open product: layers are read when asked for."""

    file: Any
    path: Path

    @property
    def attributes(self) -> dict[str, Any]:
        """Return the global attributes."""
        return {name: self.file.getncattr(name) for name in self.file.ncattrs()}

    @property
    def names(self) -> list[str]:
        """Return the names of all layers."""
        return list(self.file.variables)

    def __contains__(self, name: str) -> bool:
        return name in self.file.variables

    def read(self, name: str) -> np.ndarray:
        """Return a layer.

        Raises
        ------
        InvalidInput
            Where the product has no such layer.
        """
        if name not in self.file.variables:
            raise InvalidInput(f"{self.path} has no layer {name!r}")
        return np.asarray(self.file.variables[name][...])

    def attributes_of(self, name: str) -> dict[str, Any]:
        """Return the attributes of a layer."""
        variable = self.file.variables[name]
        return {key: variable.getncattr(key) for key in variable.ncattrs()}


@contextmanager
def open_netcdf(path: Path) -> Iterator[netCDF4.Dataset]:
    """Open a NetCDF file; arrays are read as they are, not masked.

    Raises
    ------
    InvalidInput
        Where it can't be opened.
    """
    try:
        file = netCDF4.Dataset(path)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read as NetCDF ({error.strerror or error})") from None
    with file:
        file.set_auto_mask(False)
        yield file


@contextmanager
def open_layers(path: Path) -> Iterator[Layers]:
    """Open a product of `write_layers`.

    Raises
    ------
    InvalidInput
        Where it can't be opened.
    """
    with open_netcdf(path) as file:
        yield Layers(file, path)
