"""What the instruments add to the light: noise."""

from __future__ import annotations

import numpy as np

from levelworks.ard.sensors import Sensor
from levelworks.ard.simulation.noise_kernels import fill_normal

REFLECTANCE_NOISE = {"LND04": 1.5e-3, "LND05": 1.5e-3, "LND07": 1.0e-3, "LND08": 2.5e-4, "LND09": 2.0e-4}
MSI_NOISE = 5e-4
"""Deviation at a reflectance of 0; it grows with the root of the light. APPROXIMATE: signal-to-noise ratios of 60 to
300 at the radiances that the agencies quote (Morfitt et al. 2015, doi:10.3390/rs70202208; Gascon et al. 2017,
doi:10.3390/rs9060584)."""
LIGHT = 0.1
"""Reflectance at which the noise is larger by the root of two."""
TEMPERATURE_NOISE = {"LND04": 0.2, "LND05": 0.2, "LND07": 0.2, "LND08": 0.05, "LND09": 0.05}
"""Kelvin."""


def draw(seed: int, number: int, row: int, shape: tuple[int, int]) -> np.ndarray:
    """Return normal numbers of the pixels from a row on, float32; `number` tells bands apart."""
    values = np.empty(shape, np.float32)
    fill_normal(seed * 1000 + 500 + number, row, 0, values)
    return values


def add_noise(reflectance: np.ndarray, sensor: Sensor, seed: int, number: int, row: int) -> np.ndarray:
    """Return reflectance with the instrument's noise, float32."""
    least = np.float32(REFLECTANCE_NOISE.get(sensor.id, MSI_NOISE))
    spread = least * np.sqrt(1 + np.maximum(reflectance, 0) / np.float32(LIGHT))
    return reflectance + spread * draw(seed, number, row, (reflectance.shape[0], reflectance.shape[1]))
