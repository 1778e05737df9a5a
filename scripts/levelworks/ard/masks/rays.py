"""The way from where the sensor sees a cloud to where the cloud's shadow falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.fields import fill_missing
from levelworks.ard.masks.settings import OBJECT_SIZE
from levelworks.ard.scene import FIELD_SPACING, Angles


@dataclass(frozen=True)
class Rays:
    """How far a cloud's shadow lies from where the sensor sees the cloud, per metre of height.

    Parameters
    ----------
    down, across : ndarray, shape of the field, float64
        Metres to the south and to the east.
    tangent : float
        Of the mean zenith angle of the sun.
    """

    down: np.ndarray
    across: np.ndarray
    tangent: float

    def at(self, rows: np.ndarray, columns: np.ndarray, size: float = OBJECT_SIZE) -> tuple[np.ndarray, np.ndarray]:
        """Return the displacement in cells a metre at cells of a size in metres."""
        scale = size / FIELD_SPACING
        y = np.clip((rows * scale).astype(int), 0, self.down.shape[0] - 1)
        x = np.clip((columns * scale).astype(int), 0, self.down.shape[1] - 1)
        return self.down[y, x] / size, self.across[y, x] / size


def trace_rays(angles: Angles) -> Rays:
    """Find from the angles where shadows lie: against the view to the cloud, on along the sun's rays (spec 8.5)."""
    zenith, azimuth = np.radians(angles.sun_zenith.astype(float)), np.radians(angles.sun_azimuth.astype(float))
    view, direction = np.radians(angles.view_zenith.astype(float)), np.radians(angles.view_azimuth.astype(float))
    down = np.tan(zenith) * np.cos(azimuth) - np.tan(view) * np.cos(direction)
    across = -np.tan(zenith) * np.sin(azimuth) + np.tan(view) * np.sin(direction)
    known = np.isfinite(down) & np.isfinite(across)
    down, across = (np.where(known, part, np.nan) for part in (down, across))
    tangent = float(np.tan(zenith[known].mean())) if known.any() else 1.0
    return Rays(np.nan_to_num(fill_missing(down)), np.nan_to_num(fill_missing(across)), tangent)
