"""Reflectance of what covers the ground, at the bands of any sensor.

Values are typical of published spectra (ECOSTRESS library, Meerdink et al. 2019, doi:10.1016/j.rse.2019.05.015; USGS
library 7, Kokaly et al. 2017, doi:10.3133/ds1035), rounded. APPROXIMATE: a scene varies them at random, so that no
ratio of bands that a retrieval may assume is built in.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from levelworks.ard.sensors import Sensor


class Cover(IntEnum):
    """What covers the ground."""

    CLEAR_WATER = 0
    TURBID_WATER = 1
    CONIFER = 2
    BROADLEAF = 3
    CROP = 4
    GRASS = 5
    BARE_SOIL = 6
    BRIGHT_SOIL = 7
    URBAN = 8
    SNOW = 9


WAVELENGTHS = np.array([0.443, 0.485, 0.56, 0.66, 0.68, 0.705, 0.74, 0.783, 0.835, 0.865, 0.945, 1.375, 1.61, 2.20])
"""Micrometres."""
SPECTRA = np.array(
    [
        [0.022, 0.020, 0.015, 0.006, 0.005, 0.004, 0.003, 0.003, 0.002, 0.002, 0.001, 0.001, 0.001, 0.001],
        [0.036, 0.046, 0.076, 0.062, 0.059, 0.052, 0.033, 0.031, 0.024, 0.019, 0.009, 0.003, 0.002, 0.001],
        [0.015, 0.017, 0.034, 0.022, 0.021, 0.055, 0.150, 0.190, 0.205, 0.215, 0.210, 0.140, 0.095, 0.040],
        [0.019, 0.023, 0.055, 0.028, 0.027, 0.095, 0.290, 0.370, 0.390, 0.400, 0.390, 0.280, 0.175, 0.070],
        [0.025, 0.032, 0.075, 0.040, 0.038, 0.115, 0.340, 0.430, 0.455, 0.465, 0.450, 0.330, 0.210, 0.095],
        [0.035, 0.045, 0.085, 0.070, 0.069, 0.140, 0.250, 0.290, 0.310, 0.325, 0.320, 0.280, 0.250, 0.140],
        [0.062, 0.078, 0.113, 0.155, 0.166, 0.178, 0.194, 0.210, 0.225, 0.235, 0.245, 0.285, 0.310, 0.260],
        [0.140, 0.175, 0.235, 0.295, 0.307, 0.320, 0.335, 0.345, 0.355, 0.365, 0.375, 0.400, 0.440, 0.400],
        [0.092, 0.104, 0.124, 0.140, 0.144, 0.150, 0.165, 0.175, 0.185, 0.190, 0.195, 0.205, 0.215, 0.185],
        [0.920, 0.930, 0.920, 0.900, 0.890, 0.880, 0.870, 0.860, 0.840, 0.820, 0.750, 0.300, 0.120, 0.080],
    ]
)
"""Shape (covers, wavelengths). Chlorophyll absorbs most at 0.68 um, beyond which the red edge begins."""
RED = 3
"""Place of 0.66 um among the wavelengths."""
PARTNER = np.array([1, 0, 3, 2, 6, 6, 7, 6, 5, 9], np.uint8)
"""With what each cover mixes."""
TEXTURE = np.array([0.02, 0.03, 0.06, 0.06, 0.05, 0.05, 0.05, 0.05, 0.12, 0.02], np.float32)
"""Deviation of each from pixel to pixel, as a share."""
WARMTH = np.array([-3.0, -2.5, 0.0, 0.5, 3.0, 4.5, 9.0, 9.0, 8.0, -14.0], np.float32)
"""By how much the ground is warmer than the air in the morning, kelvin."""
LEVEL_SPREAD, TILT_SPREAD, BAND_SPREAD = 0.08, 0.06, 0.03
"""Deviations from scene to scene: of all bands together, of red against blue light, of each wavelength alone."""


def cover_spectra(sensor: Sensor, seed: int) -> np.ndarray:
    """Return the reflectance of each cover at the reflective bands of a sensor, as a scene's ground has it.

    Returns
    -------
    ndarray, shape (covers, bands), float32
        Bands in the sensor's order.
    """
    random = np.random.default_rng([seed, 11])
    covers = SPECTRA.shape[0]
    level = LEVEL_SPREAD * random.standard_normal((covers, 1))
    tilt = TILT_SPREAD * random.standard_normal((covers, 1)) * np.log(WAVELENGTHS / 0.8)
    each = BAND_SPREAD * random.standard_normal((covers, WAVELENGTHS.size - 1))
    each = np.insert(each, RED + 1, each[:, RED], axis=1)  # the two red wavelengths vary as one
    varied = SPECTRA * np.exp(level + tilt + each)
    centres = [band.wavelength for band in sensor.reflective]
    spectra = np.stack([np.interp(centres, WAVELENGTHS, np.minimum(one, 0.98)) for one in varied])
    return spectra.astype(np.float32)


def spectral_slopes(sensor: Sensor) -> np.ndarray:
    """Return how much each reflective band changes with the colour of a parcel, (bands,) float32."""
    centres = np.array([band.wavelength for band in sensor.reflective])
    return np.log(np.clip(centres, 0.44, 1.6) / 0.8).astype(np.float32)
