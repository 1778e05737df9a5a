"""Effective wind speeds: what turns the mass of a plume, or of a section through it, into an emission rate.

Two tables stand beside each other: HyperGas' coefficients, which belong to its masks and its operators, and those that
`calibrate_wind` fitted to this line's own masks and operators. Source: specs/plumes.md 1.12, risk R3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.tables import DATA

Table = Literal["levelworks", "hypergas"]
Kind = Literal["point", "area"]
FILES = {"hypergas": "effective_wind.json", "levelworks": "effective_wind_levelworks.json"}
COEFFICIENTS = ("a1", "a2", "a3", "a_residual", "b1", "b2", "b_residual")
CALM = 0.1
"""m s-1; the logarithm of lower speeds is taken of this one."""


@dataclass(frozen=True)
class EffectiveWind:
    """Coefficients for one gas, kind of source and sensor.

    Parameters
    ----------
    a1, a2, a3, a_residual : float
        Of the integrated mass enhancement: a1 ln U10 + a2 + a3 U10, and the residual of the fit, m s-1.
    b1, b2, b_residual : float
        Of cross-sectional flux: b1 U10 + b2.
    alternative : EffectiveWind, optional
        Coefficients of point sources, of an area source: the calibration error is the difference to them.
    """

    gas: str
    kind: Kind
    sensor: str
    table: str
    a1: float
    a2: float
    a3: float
    a_residual: float
    b1: float
    b2: float
    b_residual: float
    alternative: EffectiveWind | None = None

    def of_mass(self, speed: np.ndarray | float) -> np.ndarray | float:
        """Return the effective wind (m s-1) of the integrated mass enhancement for winds at 10 m."""
        logarithm = self.a1 * np.log(np.maximum(speed, CALM)) if self.a1 else 0.0
        return logarithm + self.a2 + self.a3 * speed

    def of_section(self, speed: np.ndarray | float) -> np.ndarray | float:
        """Return the effective wind (m s-1) of cross-sectional flux for winds at 10 m."""
        return self.b1 * speed + self.b2

    def mass_error(self, speed: float) -> float:
        """Return the calibration error (m s-1) of `of_mass`."""
        if self.alternative is not None:
            return abs(float(self.alternative.of_mass(speed)) - float(self.of_mass(speed)))
        return abs(self.a_residual)

    def section_error(self, speed: float) -> float:
        """Return the calibration error (m s-1) of `of_section`."""
        if self.alternative is not None:
            return abs(float(self.alternative.of_section(speed)) - float(self.of_section(speed)))
        return abs(self.b_residual)


def effective_wind(
    gas: str, sensor: str, kind: Kind = "point", table: Table = "levelworks", path: Path | None = None
) -> EffectiveWind | None:
    """Look up the coefficients of a gas, sensor and kind of source.

    Parameters
    ----------
    path : Path, optional
        A table of `calibrate_wind` in place of a bundled one.

    Returns
    -------
    EffectiveWind or None
        None where no coefficients exist (CO and NO2); of an area source without its own, those of a point source.

    Raises
    ------
    InvalidReference
        Where a table of one's own can't be read.
    """
    name = "hypergas" if table == "hypergas" else "levelworks"
    entries = _read(path or DATA / FILES[name])
    label = path.name if path else name
    point = _build(entries.get((gas, "point", sensor)), label, None)
    if kind == "point":
        return point
    return _build(entries.get((gas, "area", sensor)), label, point) or point


def _build(entry: dict[str, Any] | None, table: str, alternative: EffectiveWind | None) -> EffectiveWind | None:
    if entry is None:
        return None
    numbers = {name: float(entry[name]) for name in COEFFICIENTS}
    return EffectiveWind(entry["gas"], entry["kind"], entry["sensor"], table, **numbers, alternative=alternative)


@cache
def _read(path: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["entries"]
        found = {(entry["gas"], entry["kind"], entry["sensor"]): entry for entry in entries}
        for entry in entries:
            missing = [name for name in COEFFICIENTS if not isinstance(entry.get(name), int | float)]
            if missing:
                raise InvalidReference(f"{path}: an entry has no number {', '.join(missing)}")
        return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidReference(
            f"{path} is no table of effective winds ({error}); make one with calibrate-wind"
        ) from None
