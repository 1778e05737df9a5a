"""What 6S says of the absorption by gases in a band, for amounts of gas and air masses."""

from __future__ import annotations

from itertools import product

import numpy as np

from levelworks.ard.atmosphere.sixs import Case, Sixs, read_printed
from levelworks.ard.atmosphere.standard_atmosphere import ozone_share_above, water_share_above

AIR_MASSES = (2.0, 2.4, 3.0, 3.8, 5.0, 7.0)
"""Sum of the secants of sun and view zenith."""
WATER_AIR_MASSES = (2.0, 3.5, 7.0)
WATER_PATHS = (0.05, 0.2, 0.5, 1.0, 1.8, 3.0, 4.5, 6.5, 9.0, 12.0, 16.0, 22.0, 30.0, 40.0, 56.0)
"""Water vapour along the path down and up, g cm-2."""
OZONE_PATHS = (0.2, 0.5, 0.9, 1.4, 2.0, 2.8, 4.0)
"""Ozone along the path down and up, atm-cm."""
ALTITUDES = (0.0, 1.5, 3.0)
"""Of the target, km."""
_SMALLEST = 2e-6


def _zenith(air_mass: float) -> float:
    return float(np.degrees(np.arccos(1.0 / (air_mass - 1.0))))


def _transmittances(sixs: Sixs, cases: list[Case]) -> np.ndarray:
    return np.array([read_printed(text).values["gas"][2] for text in sixs.run_all(cases)])


def gas_tables(sixs: Sixs, response: tuple[float, tuple[float, ...]]) -> dict[str, np.ndarray]:
    """Run a band without aerosol.

    Parameters
    ----------
    sixs : Sixs
    response : tuple
        First wavelength (um) and response every 2.5 nm.

    Returns
    -------
    dict of ndarray, float64
        Absorption -ln T of the way down and up: `other` (altitudes, air masses) of all gases but water vapour and
        ozone; `ozone` (ozone paths); `water` (altitudes, water air masses, water paths), each beyond those before it,
        so that the product of the three transmittances is that of all gases with their overlap.
    """
    dry = [
        Case(response=response, sun_zenith=_zenith(mass), altitude=altitude, water_vapour=0.0, ozone=0.0)
        for altitude, mass in product(ALTITUDES, AIR_MASSES)
    ]
    other = _transmittances(sixs, dry).reshape(len(ALTITUDES), len(AIR_MASSES))
    ozone = _transmittances(
        sixs,
        [
            Case(response=response, sun_zenith=_zenith(AIR_MASSES[1]), water_vapour=0.0, ozone=path / AIR_MASSES[1])
            for path in OZONE_PATHS
        ],
    )
    # a usual amount of ozone, so that the little it overlaps with water vapour is in
    amounts = {altitude: 0.3 / ozone_share_above(altitude) for altitude in ALTITUDES}
    moist = [
        Case(
            response=response,
            sun_zenith=_zenith(mass),
            altitude=altitude,
            water_vapour=path / mass / water_share_above(altitude),
            ozone=amounts[altitude],
        )
        for altitude, mass, path in product(ALTITUDES, WATER_AIR_MASSES, WATER_PATHS)
    ]
    without = [
        Case(response=response, sun_zenith=_zenith(mass), altitude=altitude, water_vapour=0.0, ozone=amounts[altitude])
        for altitude, mass in product(ALTITUDES, WATER_AIR_MASSES)
    ]
    shape = (len(ALTITUDES), len(WATER_AIR_MASSES), len(WATER_PATHS))
    water = _transmittances(sixs, moist).reshape(shape) / _transmittances(sixs, without).reshape(shape[:2])[..., None]
    return {
        "other": _absorption(other),
        "ozone": _absorption(ozone / other[0, 1]),
        "water": _absorption(water),
    }


def _absorption(transmittance: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(transmittance, _SMALLEST, 1.0))
