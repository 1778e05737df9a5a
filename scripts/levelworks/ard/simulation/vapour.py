"""Water vapour in the two bands that it darkens most: what clouds at some height show of them."""

from __future__ import annotations

import numpy as np

SCALE_HEIGHT = 2000.0
"""Metres over which water vapour falls to 1/e."""
STRENGTH = {"CIRRUS": (3.66, 0.455), "VAPOR": (0.535, 0.585)}
"""-ln T at 1 g cm-2, and its power; fitted to the band transmittances of specs/ard.md 20 at 1, 2 and 4 g cm-2."""


def vapour_transmittance(band: str, slant: np.ndarray) -> np.ndarray:
    """Return the transmittance of water vapour along a path (g cm-2) in a band of `STRENGTH`."""
    strength, power = STRENGTH[band]
    return np.asarray(np.exp(-strength * np.asarray(slant) ** power))


def above_clouds(band: str, height: np.ndarray, column: float, air_mass: float) -> np.ndarray:
    """Return the transmittance above clouds of some height (m) in a band of `STRENGTH`.

    Parameters
    ----------
    column : float
        From the ground up, g cm-2.
    air_mass : float
        Of the way down and up.
    """
    return vapour_transmittance(band, column * np.exp(-height / SCALE_HEIGHT) * air_mass).astype(height.dtype)
