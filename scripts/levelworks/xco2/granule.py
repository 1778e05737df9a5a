"""One day of soundings as arrays: footprints, times, modes, quality, targets, and the variables to be gridded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Literal, TypeAlias

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.lite_names import DATASETS, Dataset

__all__ = ["DATASETS", "NO_ORBIT", "Dataset", "Granule", "Mode", "Variable", "VariableKind"]

VariableKind: TypeAlias = Literal["continuous", "flag", "angle"]
NO_ORBIT = -9999


class Mode(IntEnum):
    """Observation modes by the codes of LtCO2 files; `UNKNOWN` is ours, for codes that no user guide names."""

    UNKNOWN = -1
    NADIR = 0
    GLINT = 1
    TARGET = 2
    TRANSITION = 3
    AREA_MAP = 4


@dataclass(frozen=True, eq=False)
class Variable:
    """One number for each sounding.

    Attributes
    ----------
    name : str
        Full path in the granule, e.g. ``/xco2`` or ``/Retrieval/psurf``.
    values : ndarray, shape (N,)
        float64 with NaN where missing; for flags the integers of the file, where ``attributes["missing_value"]`` (if
        there) stands for missing.
    units : str
        Empty where the file gives none.
    attributes : mapping
        Of the file, without the units; without fill values for floats.
    kind : {"continuous", "flag", "angle"}
        Whether numbers may be averaged, only counted, or averaged as unit vectors (degrees).
    """

    name: str
    values: np.ndarray
    units: str
    attributes: Mapping[str, Any]
    kind: VariableKind

    @property
    def missing(self) -> np.ndarray:
        """Return where no value is, bool (N,)."""
        if self.values.dtype.kind == "f":
            return np.isnan(self.values)
        if "missing_value" not in self.attributes:
            return np.zeros(self.values.shape, dtype=bool)
        return np.asarray(self.values == self.attributes["missing_value"])

    def take(self, index: np.ndarray | slice) -> Variable:
        """Return the values of some soundings."""
        return replace(self, values=self.values[index])


@dataclass(frozen=True, eq=False)
class Granule:
    """The soundings of one Lite file, in its order.

    Attributes
    ----------
    kind : {"oco2", "oco3", "oco3_sif"}
        The dataset.
    path_name : str
        Name of the file, without folders.
    day : datetime.date
        UTC day, from the name.
    build : str
        Build of the processing, from the name, e.g. ``B11072Ar``.
    latitude, longitude : ndarray, shape (N,), float64
        Centres of footprints, degrees north and east; both NaN where the file holds no position.
    vertex_latitude, vertex_longitude : ndarray, shape (N, 4), float64
        Corners of footprints in the order of the file, degrees; both NaN where the file holds no position.
    time : ndarray, shape (N,), float64
        Seconds since 1970-01-01 UTC, with fractions; NaN where missing.
    sounding_id : ndarray, shape (N,), uint64
        YYYYMMDDhhmmssmf; 0 where missing.
    mode : ndarray, shape (N,), int8
        `Mode` of each sounding.
    quality : ndarray, shape (N,), int8
        Quality flag as in the file, see `good`.
    target_id, target_name : ndarray, shape (N,), str
        Empty where no target is assigned, as for all of OCO-2.
    orbit : ndarray, shape (N,), int32
        Orbit number; -9999 where missing.
    variables : mapping of str to Variable
        By full path.
    attributes : mapping
        Global attributes of the file.
    missing_variables : tuple of str
        Full paths that were asked for and are not in the file.
    production : str
        Production stamp from the name, by which two files of one day and build are told apart.

    Raises
    ------
    InvalidInput
        Where arrays have different numbers of soundings.
    """

    kind: Dataset
    path_name: str
    day: dt.date
    build: str
    latitude: np.ndarray
    longitude: np.ndarray
    vertex_latitude: np.ndarray
    vertex_longitude: np.ndarray
    time: np.ndarray
    sounding_id: np.ndarray
    mode: np.ndarray
    quality: np.ndarray
    target_id: np.ndarray
    target_name: np.ndarray
    orbit: np.ndarray
    variables: Mapping[str, Variable] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    missing_variables: tuple[str, ...] = ()
    production: str = ""

    def __post_init__(self) -> None:
        size = self.latitude.shape[0]
        for name, array in self._arrays().items():
            shape = (size, 4) if name.startswith("vertex") else (size,)
            if array.shape != shape:
                raise InvalidInput(f"{self.path_name}: {name} has the shape {array.shape}, {shape} is needed")
        for variable in self.variables.values():
            if variable.values.shape != (size,):
                raise InvalidInput(
                    f"{self.path_name}: {variable.name} has the shape {variable.values.shape}, {(size,)} is needed"
                )

    def __len__(self) -> int:
        return len(self.latitude)

    @property
    def good(self) -> np.ndarray:
        """Return which soundings are of good quality, bool (N,): flag 0 of LtCO2, 0 (best) or 1 (good) of LtSIF."""
        if self.kind == "oco3_sif":
            return (self.quality == 0) | (self.quality == 1)
        return self.quality == 0

    @property
    def located(self) -> np.ndarray:
        """Return which soundings have a centre and four corners, bool (N,)."""
        corners = np.isfinite(self.vertex_latitude) & np.isfinite(self.vertex_longitude)
        return np.asarray(np.isfinite(self.latitude) & np.isfinite(self.longitude) & corners.all(axis=1))

    def take(self, index: np.ndarray | slice) -> Granule:
        """Return some soundings with all that belongs to them.

        Parameters
        ----------
        index : ndarray or slice
            Positions, or a bool array (N,).
        """
        arrays: dict[str, Any] = {name: array[index] for name, array in self._arrays().items()}
        variables = {name: variable.take(index) for name, variable in self.variables.items()}
        return replace(self, **arrays, variables=variables)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
