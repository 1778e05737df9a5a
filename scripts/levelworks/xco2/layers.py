"""Gridded variables as the touched cells of a grid hold them, and what products say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from levelworks.xco2.granule import Variable

SETS = ("pre", "post")
NUMBER, EFFECTIVE_NUMBER, COVERAGE = "/number_of_soundings", "/effective_number_of_soundings", "/coverage"
ABOUT_CELLS = (NUMBER, EFFECTIVE_NUMBER, COVERAGE)
"""What describes a cell rather than a variable."""
NO_FLAG = -1
STANDARD_NAMES = {"xco2": "dry_atmosphere_mole_fraction_of_carbon_dioxide"}
PPM = ("ppm", "ppmv")


@dataclass(frozen=True, eq=False)
class Layer:
    """One gridded variable in the touched cells.

    Attributes
    ----------
    values : ndarray, shape (cells,)
        Floats with NaN, integers with ``fill``.
    fill : float or int
        Of cells without a value.
    attributes : mapping
        Units, long name and the like.
    """

    values: np.ndarray
    fill: float | int
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Return whether no cell has a value."""
        present = ~np.isnan(self.values) if self.values.dtype.kind == "f" else self.values != self.fill
        return not bool(present.any())


@dataclass(frozen=True, eq=False)
class Gridded:
    """Soundings on a grid.

    Attributes
    ----------
    cells : ndarray, shape (cells,), int64
        Positions in the flattened grid, row by row from the south west, ascending: every cell of either set.
    layers : mapping
        By quality set (``pre``, ``post``) and full path.
    methods : mapping of str to str
        How each set was gridded: that of the options, or ``nearest`` where soundings were too few to triangulate.
    """

    cells: np.ndarray
    layers: Mapping[str, Mapping[str, Layer]]
    methods: Mapping[str, str]


def wider(first: Layer | None, second: Layer) -> Layer:
    """Return the first of two kinds of one variable, in a type that holds the values of both."""
    if first is None:
        return second
    dtype = np.result_type(first.values.dtype, second.values.dtype)
    return first if dtype == first.values.dtype else Layer(np.zeros(0, dtype), first.fill, first.attributes)


def without_values(layers: Mapping[str, Layer]) -> bool:
    """Return whether no variable has a value in any cell, whatever is known about the cells themselves."""
    return all(layer.empty for name, layer in layers.items() if name not in ABOUT_CELLS)


def canonical_units(units: str) -> str:
    """Return units as CF has them: "ppm" is no unit of UDUNITS, 1e-6 is the same number."""
    return "1e-6" if units in PPM else units


def describe(variable: Variable, cell_methods: str) -> dict[str, Any]:
    """Return the attributes of a gridded variable; ``cell_methods`` says how it came about."""
    kept = ("long_name", "standard_name", "comment", "flag_values", "flag_meanings", "flag_masks")
    attributes = {name: variable.attributes[name] for name in kept if name in variable.attributes}
    if variable.units:
        attributes["units"] = canonical_units(variable.units)
    standard = STANDARD_NAMES.get(variable.name.rpartition("/")[2])
    return attributes | ({"standard_name": standard} if standard else {}) | {"cell_methods": cell_methods}
