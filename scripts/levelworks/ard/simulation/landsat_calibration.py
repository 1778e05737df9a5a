"""How Landsat's counts stand for radiance and reflectance, as metadata say it.

Source: real MTLs of Collection 2 (shared/data/ard/meta/landsat_mtl) and, of Landsat 4 and 5, Chander et al. 2009
(doi:10.1016/j.rse.2009.01.007). The solar irradiances are those that the ratio of the files' radiance and reflectance
gains implies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from levelworks.ard.sensors import Sensor

REFLECTANCE_GAIN, REFLECTANCE_OFFSET = 2e-5, -0.1
"""Of OLI: the same for all bands and days."""
OLI_IRRADIANCE = {
    "LND08": (1972.26, 2019.62, 1860.99, 1569.34, 960.36, 238.83, 80.50, 1776.06, 375.33),
    "LND09": (1969.84, 2023.04, 1859.00, 1575.56, 966.66, 241.49, 81.54, 1783.48, 401.02),
}
"""W m-2 um-1 of the bands 1 to 9."""
OLI_THERMAL = {
    "LND08": {"10": (3.3420e-4, 0.1, 774.8853, 1321.0789), "11": (3.3420e-4, 0.1, 480.8883, 1201.1442)},
    "LND09": {"10": (3.8000e-4, 0.1, 799.0284, 1329.2405), "11": (3.4900e-4, 0.1, 475.6581, 1198.3494)},
}
"""Gain, offset, K1 and K2."""
TM_RADIANCE = {
    "LND04": {
        "1": (171.0, -1.52, 1958.0),
        "2": (336.0, -2.84, 1826.0),
        "3": (254.0, -1.17, 1554.0),
        "4": (221.0, -1.51, 1033.0),
        "5": (31.4, -0.37, 214.7),
        "7": (16.6, -0.15, 80.70),
    },
    "LND05": {
        "1": (193.0, -1.52, 1958.0),
        "2": (365.0, -2.84, 1827.0),
        "3": (264.0, -1.17, 1551.0),
        "4": (221.0, -1.51, 1036.0),
        "5": (30.2, -0.37, 214.9),
        "7": (16.5, -0.15, 80.65),
    },
    "LND07": {
        "1": (191.6, -6.2, 2036.07),
        "2": (196.5, -6.4, 1855.95),
        "3": (152.9, -5.0, 1524.95),
        "4": (241.1, -5.1, 1070.98),
        "5": (31.06, -1.0, 221.60),
        "7": (10.8, -0.35, 81.36),
    },
}
"""Radiance of counts 255 and 1 (W m-2 sr-1 um-1) and solar irradiance (W m-2 um-1)."""
TM_THERMAL = {
    "LND04": {"6": (15.303, 1.238, 671.62, 1284.30)},
    "LND05": {"6": (15.303, 1.238, 607.76, 1260.56)},
    "LND07": {"6_VCID_1": (17.04, 0.0, 666.09, 1282.71), "6_VCID_2": (12.65, 3.2, 666.09, 1282.71)},
}
"""Radiance of counts 255 and 1, K1 and K2."""


@dataclass(frozen=True)
class BandCalibration:
    """How a band's counts are read, rounded as in the metadata.

    Parameters
    ----------
    radiance_gain, radiance_offset : float
        W m-2 sr-1 um-1.
    reflectance_gain, reflectance_offset : float, optional
        Times the cosine of the sun's zenith angle; none of thermal bands.
    k1, k2 : float, optional
        Of thermal bands.
    """

    radiance_gain: float
    radiance_offset: float
    reflectance_gain: float | None = None
    reflectance_offset: float | None = None
    k1: float | None = None
    k2: float | None = None


def thermal_keys(sensor: Sensor) -> tuple[str, ...]:
    """Return the numbers of a sensor's thermal bands."""
    return tuple((OLI_THERMAL if sensor.saturation > 255 else TM_THERMAL)[sensor.id])


def calibrations(sensor: Sensor, earth_sun_distance: float) -> dict[str, BandCalibration]:
    """Return the calibration of every band of Level 1, by its number in the order of the metadata.

    Parameters
    ----------
    sensor : Sensor
    earth_sun_distance : float
        Astronomical units.
    """
    factor = math.pi * earth_sun_distance**2
    found = {}
    if sensor.saturation > 255:
        for number, irradiance in enumerate(OLI_IRRADIANCE[sensor.id], start=1):
            gain, offset = (one * irradiance / factor for one in (REFLECTANCE_GAIN, REFLECTANCE_OFFSET))
            found[str(number)] = _rounded(gain, offset, REFLECTANCE_GAIN, REFLECTANCE_OFFSET)
        for key, (gain, offset, k1, k2) in OLI_THERMAL[sensor.id].items():
            found[key] = BandCalibration(gain, offset, k1=k1, k2=k2)
        return found
    for key, (most, least, irradiance) in TM_RADIANCE[sensor.id].items():
        gain = (most - least) / 254
        offset = least - gain
        found[key] = _rounded(gain, offset, gain * factor / irradiance, offset * factor / irradiance)
    for key, (most, least, k1, k2) in TM_THERMAL[sensor.id].items():
        gain = float(f"{(most - least) / 254:.4E}")
        found[key] = BandCalibration(gain, round(least - gain, 5), k1=k1, k2=k2)
    return dict(sorted(found.items()))


def _rounded(gain: float, offset: float, reflectance_gain: float, reflectance_offset: float) -> BandCalibration:
    return BandCalibration(
        float(f"{gain:.4E}"), round(offset, 5), float(f"{reflectance_gain:.4E}"), round(reflectance_offset, 6)
    )
