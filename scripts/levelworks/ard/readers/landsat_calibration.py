"""From counts of Landsat to reflectance and radiance: what the MTL says, and what holds where it does not say.

Source: specs/ard.md 3.1, 5 and 20; USGS Landsat 8-9 Data Users Handbook (LSDS-1574), chapter 5.
"""

from __future__ import annotations

import math

from levelworks.ard.readers.mtl import Mtl
from levelworks.ard.scene import Calibration
from levelworks.ard.sensors import Band, Sensor
from levelworks.core.outcome import InvalidInput

SOLAR_IRRADIANCE: dict[str, dict[str, float]] = {
    "LND04": {"BLUE": 1981.3, "GREEN": 1794.8, "RED": 1538.6, "NIR": 1027.6, "SWIR1": 219.0, "SWIR2": 83.5},
    "LND05": {"BLUE": 1981.2, "GREEN": 1795.9, "RED": 1536.2, "NIR": 1030.4, "SWIR1": 220.0, "SWIR2": 83.4},
    "LND07": {"BLUE": 1994.9, "GREEN": 1812.0, "RED": 1532.9, "NIR": 1038.4, "SWIR1": 230.8, "SWIR2": 84.9},
    "LND08": {
        "ULTRABLUE": 1895.8,
        "BLUE": 2003.9,
        "GREEN": 1821.0,
        "RED": 1549.3,
        "NIR": 951.7,
        "CIRRUS": 367.0,
        "SWIR1": 247.6,
        "SWIR2": 85.5,
    },
}
"""W m-2 um-1 at one astronomical unit, Thuillier's spectrum under the bands' responses (specs/ard.md 20)."""

THERMAL_CONSTANTS = {
    "LND04": (671.62, 1284.30),
    "LND05": (607.76, 1260.56),
    "LND07": (666.09, 1282.71),
}
"""K1 (W m-2 sr-1 um-1) and K2 (K) of sensors whose older MTLs have none."""


def calibrations(mtl: Mtl, sensor: Sensor, distance: float) -> dict[str, Calibration]:
    """Return the calibration of each band by its name.

    Parameters
    ----------
    mtl : Mtl
    sensor : Sensor
    distance : float
        Earth to sun, astronomical units; it matters where the MTL has no reflectance.

    Raises
    ------
    InvalidInput
        Where the MTL has neither reflectance nor radiance of a band.
    """
    return {
        band.name: _thermal(mtl, sensor, band) if band.name == "TEMP" else _reflective(mtl, sensor, band, distance)
        for band in sensor.bands
    }


def _reflective(mtl: Mtl, sensor: Sensor, band: Band, distance: float) -> Calibration:
    multiplier = mtl.find_number(f"REFLECTANCE_MULT_BAND_{band.key}")
    offset = mtl.find_number(f"REFLECTANCE_ADD_BAND_{band.key}")
    if multiplier is not None and offset is not None:
        return Calibration(multiplier, offset, over_cosine=True)
    irradiance = SOLAR_IRRADIANCE.get(sensor.id, {}).get(band.name)
    if irradiance is None:
        raise InvalidInput(f"{mtl.path} has no REFLECTANCE_MULT_BAND_{band.key}: fetch the image again")
    multiplier, offset = _radiance(mtl, band)
    scale = math.pi * distance**2 / irradiance
    return Calibration(multiplier * scale, offset * scale, over_cosine=True)


def _thermal(mtl: Mtl, sensor: Sensor, band: Band) -> Calibration:
    known = THERMAL_CONSTANTS.get(sensor.id, (None, None))
    constants = [
        mtl.find_number(f"K{index}_CONSTANT_BAND_{band.key}") or fallback
        for index, fallback in zip((1, 2), known, strict=True)
    ]
    if None in constants:
        raise InvalidInput(f"{mtl.path} has no K1_CONSTANT_BAND_{band.key}: fetch the image again")
    multiplier, offset = _radiance(mtl, band)
    return Calibration(multiplier, offset, k1=constants[0], k2=constants[1])


def _radiance(mtl: Mtl, band: Band) -> tuple[float, float]:
    """Return multiplier and offset of radiance, W m-2 sr-1 um-1: given, or from the extremes of older files."""
    multiplier = mtl.find_number(f"RADIANCE_MULT_BAND_{band.key}")
    offset = mtl.find_number(f"RADIANCE_ADD_BAND_{band.key}")
    if multiplier is not None and offset is not None:
        return multiplier, offset
    high, low = (mtl.number(f"RADIANCE_{end}_BAND_{band.key}") for end in ("MAXIMUM", "MINIMUM"))
    top, bottom = (mtl.number(f"QUANTIZE_CAL_{end}_BAND_{band.key}") for end in ("MAX", "MIN"))
    if top <= bottom:
        raise InvalidInput(f"{mtl.path}: QUANTIZE_CAL_MAX_BAND_{band.key} is not above its minimum")
    multiplier = (high - low) / (top - bottom)
    return multiplier, low - multiplier * bottom
