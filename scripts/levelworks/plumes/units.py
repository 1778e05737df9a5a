"""Constants and units of the plumes line: columns are carried in mol m-2, mixing ratios are for display.

Source: specs/plumes.md 6.1; constants of the 2019 SI and of the U.S. Standard Atmosphere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from levelworks.core.outcome import InvalidOptions

if TYPE_CHECKING:
    import numpy as np

AVOGADRO = 6.02214076e23
"""mol-1."""
GRAVITY = 9.80665
"""m s-2."""
MOLAR_MASS = {"ch4": 16.0425e-3, "co2": 44.0095e-3, "co": 28.0101e-3, "no2": 46.0055e-3}
"""kg mol-1."""
MOLAR_MASS_AIR = 28.9647e-3
"""kg mol-1, dry."""
PPM_M = 1e-6 * 1000 / 22.4
"""mol m-2 of one ppm m: a metre of gas of one millionth, 22.4 litres a mole."""
STANDARD_PRESSURE = 101325.0
"""Pa."""

HYPERGAS_COLUMN = 2900.0 / 1000.0
"""ppm of one mol m-2 in HyperGas, whatever the surface pressure (defect D1)."""

Unit = Literal["ppm m", "ppb", "ppm", "umol m-2", "mol m-2"]

GASES = ("ch4", "co2", "co", "no2")
GAS_NAMES = {"ch4": "methane", "co2": "carbon_dioxide", "co": "carbon_monoxide", "no2": "nitrogen_dioxide"}
DISPLAY_UNITS: dict[str, Unit] = {"ch4": "ppb", "co2": "ppm", "co": "ppb", "no2": "ppb"}
"""Units of a gas's enhancement in Level 2, as HyperGas has them."""


def dry_column(pressure: np.ndarray | float) -> np.ndarray | float:
    """Return the moles of air above a square metre (mol m-2) for a surface pressure (Pa)."""
    return pressure / (GRAVITY * MOLAR_MASS_AIR)


def from_molar(unit: Unit, pressure: np.ndarray | float = STANDARD_PRESSURE) -> np.ndarray | float:
    """Return the factor from a column in mol m-2 to a unit; mixing ratios take the air above ``pressure`` (Pa)."""
    if unit == "mol m-2":
        return 1.0
    if unit == "umol m-2":
        return 1e6
    if unit == "ppm m":
        return 1 / PPM_M
    scale = {"ppm": 1e6, "ppb": 1e9}.get(unit)
    if scale is None:
        raise InvalidOptions(f"units: {unit!r} is no unit of a column")
    return scale / dry_column(pressure)


def standard_pressure(elevation: np.ndarray | float) -> np.ndarray:
    """Return the pressure (Pa) of the U.S. Standard Atmosphere 1976 at heights up to 11 km (m)."""
    import numpy as np

    return np.asarray(STANDARD_PRESSURE * (1 - 0.0065 * np.clip(elevation, -500.0, 11000.0) / 288.15) ** 5.25588)
