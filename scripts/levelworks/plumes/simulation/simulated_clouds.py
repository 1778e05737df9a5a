"""Clouds of simulated scenes: bright patches that hide the ground, and the shadows that they cast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import shift

from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.simulated_surfaces import smooth_field

HEIGHT = 1500.0
"""m of the clouds above ground."""
SHADE = 0.7
"""Share of light that a thick cloud takes from the ground in its shadow."""
PATCH = 14.0
"""Pixels over which clouds change."""


@dataclass(frozen=True)
class CloudField:
    """Clouds and their shadows, (rows, columns) float32 from 0 to 1."""

    opacity: np.ndarray
    shadow: np.ndarray

    @property
    def cloudy(self) -> np.ndarray:
        """Return where clouds hide more than half of the ground."""
        return np.asarray(self.opacity > 0.5)

    @property
    def shaded(self) -> np.ndarray:
        """Return where the ground is in shadow and no cloud lies over it."""
        return np.asarray((self.shadow > 0.5) & (self.opacity < 0.1))

    def over(self, reflectance: np.ndarray, rows: range, wavelengths: np.ndarray) -> np.ndarray:
        """Return the reflectance of ground and clouds together, (rows, columns, bands) float32."""
        inside = slice(rows.start, rows.stop)
        opacity = self.opacity[inside, :, None]
        lit = 1 - SHADE * self.shadow[inside, :, None]
        return np.asarray(reflectance * lit * (1 - opacity) + cloud_reflectance(wavelengths) * opacity)


def cloud_reflectance(wavelengths: np.ndarray) -> np.ndarray:
    """Return the reflectance of a thick water cloud, float32: white, darker where liquid water absorbs. APPROXIMATE."""
    dark = ((1450.0, 60.0, 0.3), (1940.0, 70.0, 0.5), (2500.0, 250.0, 0.45))
    absorbed = sum(depth * np.exp(-0.5 * ((wavelengths - at) / wide) ** 2) for at, wide, depth in dark)
    return (0.75 * (1 - np.asarray(absorbed))).astype(np.float32)


def make_clouds(share: float, ground: Ground, sun_zenith: float, sun_azimuth: float, seed: int) -> CloudField:
    """Draw clouds over a share of the pixels, with shadows away from the sun."""
    random = np.random.default_rng([seed, 5])
    shape = (ground.rows, ground.columns)
    texture = smooth_field(shape, PATCH, random) + 0.4 * smooth_field(shape, PATCH / 4, random)
    edge = np.quantile(texture, 1 - share)
    opacity = np.clip((texture - edge) / 0.15 + 0.5, 0, 1).astype(np.float32)
    distance = HEIGHT * np.tan(np.radians(sun_zenith)) / ground.pixel
    away = np.radians(sun_azimuth + 180 - ground.heading)
    moved = (distance * np.cos(away), distance * np.sin(away))
    shadow = np.clip(shift(opacity, moved, order=1), 0, 1)
    return CloudField(opacity, shadow.astype(np.float32))
