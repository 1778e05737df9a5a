"""Variables of an open Lite file: found by path, checked for shape and type, fills as NaN, what is missing named."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.lite_times import seconds_from_counts

if TYPE_CHECKING:
    import netCDF4

FILL = -999999.0
"""Of floats in all Lite products."""
UNASSIGNED = ("", "none", "missing")
"""What stands for no target, in any case of letters."""


class LiteDataset:
    """An open file whose variables are read as stored.

    Parameters
    ----------
    dataset : netCDF4.Dataset
        Open, without automatic masking and scaling.
    file : str
        Its name, for messages.

    Raises
    ------
    InvalidInput
        By every method that needs what is not there or has another shape or type.
    """

    def __init__(self, dataset: netCDF4.Dataset, file: str) -> None:
        self.dataset = dataset
        self.file = file

    def find(self, name: str) -> netCDF4.Variable | None:
        """Return a variable by its full path, None where it or its group is not there."""
        *groups, last = name.strip("/").split("/")
        node = self.dataset
        for group in groups:
            if group not in node.groups:
                return None
            node = node.groups[group]
        return node.variables.get(last)

    def need(self, name: str) -> netCDF4.Variable:
        """Return a variable by its full path."""
        variable = self.find(name)
        if variable is None:
            group = name.strip("/").rpartition("/")[0]
            if group and group not in self.dataset.groups:
                raise InvalidInput(f"{self.file}: the group /{group} is missing; it holds {name}")
            raise InvalidInput(f"{self.file}: the variable {name} is missing")
        return variable

    def numbers(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Read numbers as stored."""
        variable = self.need(name)
        self._check(name, variable.shape, shape)
        if getattr(variable.dtype, "kind", "O") not in "iuf":
            raise InvalidInput(f"{self.file}: {name} holds no numbers")
        return np.asarray(variable[...])

    def floats(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Read numbers as float64, NaN where the variable's fill stands."""
        values = self.numbers(name, shape)
        return np.where(fills(values, self.attributes(name)), np.nan, values.astype(np.float64))

    def seconds(self, name: str, size: int, epoch: dt.datetime) -> np.ndarray:
        """Read a count of seconds as seconds since 1970; the units may name another epoch than the product's."""
        attributes = self.attributes(name)
        units = str(attributes.get("units", attributes.get("Units", "")))
        counts = self.floats(name, (size,))
        try:
            return seconds_from_counts(counts, units, epoch)
        except ValueError as error:
            raise InvalidInput(f"{self.file}: {name} has the units {units!r} ({error})") from None

    def strings(self, name: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """Read strings of either storage, stripped; empty where they say that there is none."""
        import netCDF4

        variable = self.need(name)
        values = np.asarray(variable[...])
        if values.dtype.kind == "S" and values.dtype.itemsize == 1:
            values = netCDF4.chartostring(values)
        if values.dtype.kind not in "OUS" or (shape is None and values.ndim != 1):
            raise InvalidInput(f"{self.file}: {name} holds no list of strings")
        if shape is not None:
            self._check(name, values.shape, shape)
        texts = np.char.strip(values.astype(str))
        return np.where(np.isin(np.char.lower(texts), UNASSIGNED), "", texts)

    def attributes(self, name: str) -> dict[str, Any]:
        """Return a variable's attributes as plain values."""
        variable = self.need(name)
        return {key: plain(variable.getncattr(key)) for key in variable.ncattrs()}

    def _check(self, name: str, found: tuple[int, ...], needed: tuple[int, ...]) -> None:
        if tuple(found) != needed:
            raise InvalidInput(f"{self.file}: {name} has the shape {tuple(found)}, {needed} is needed")


def fills(values: np.ndarray, attributes: dict[str, Any]) -> np.ndarray:
    """Return where a fill stands: one that the attributes name, or in floats that of the product."""
    missing = values == FILL if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    for key in ("missing_value", "_FillValue"):
        for fill in np.atleast_1d(attributes.get(key, [])):
            missing |= values == fill
    return missing


def plain(value: Any) -> Any:
    """Turn a value of NumPy into one of Python."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
