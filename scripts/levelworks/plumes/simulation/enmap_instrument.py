"""Bands and number range of EnMAP's two cameras, for simulations.

Ranges 418 to 993 and 902 to 2445.5 nm, mean sampling 6.5 and 10 nm, mean widths 8.1 and 12.5 nm with a spread of 1.0
and 1.5: Guanter et al., Remote Sensing 7, 8830 (2015), table 1. Sampling and width change smoothly along a detector as
a prism gives it; the products leave out 22 of the 155 SWIR bands, in the two water bands where nothing arrives.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from levelworks.plumes.scene import Spectral
from levelworks.plumes.simulation.simulated_bands import prism_centres
from levelworks.plumes.tables import solar_irradiance

VNIR_BANDS, SWIR_BANDS, SWIR_DETECTED = 91, 133, 155
WATER_BANDS = ((1358.0, 1453.0), (1814.0, 1961.0))
"""nm (specs/plumes.md 1.3)."""
BRIGHTEST = 2.0
"""Albedo of a sunlit surface at which numbers reach their end."""
DARKEST = -0.01
"""Of the brightest: what the smallest number means, so that noise of dark pixels isn't clipped."""
NUMBERS = 65534


@cache
def vnir_bands() -> tuple[np.ndarray, np.ndarray]:
    """Return centres and widths (nm) of the 91 VNIR bands, ascending."""
    return prism_centres(VNIR_BANDS, 418.4, (5.0, 3.14, -0.54)), np.linspace(7.1, 9.1, VNIR_BANDS)


@cache
def swir_bands() -> tuple[np.ndarray, np.ndarray]:
    """Return centres and widths (nm) of the 133 SWIR bands, ascending."""
    centres = prism_centres(SWIR_DETECTED, 902.0, (9.6, 6.52, -8.52))
    widths = np.linspace(14.0, 11.0, SWIR_DETECTED)
    depth = np.min([np.abs(centres - (low + high) / 2) / (high - low) for low, high in WATER_BANDS], axis=0)
    kept = np.sort(np.argsort(-depth, kind="stable")[:SWIR_BANDS])
    return centres[kept], widths[kept]


def enmap_spectral() -> Spectral:
    """Return all 224 bands of both cameras, ascending: where they overlap, bands of one stand between the other's."""
    centres, widths = (np.concatenate(pair) for pair in zip(vnir_bands(), swir_bands(), strict=True))
    order = np.argsort(centres, kind="stable")
    return Spectral(centres[order][None], widths[order][None])


def calibration(centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gains and offsets, W m-2 sr-1 nm-1 = number * gain + offset, for numbers 1 to 65535 (0 is no data)."""
    solar = solar_irradiance()
    full = BRIGHTEST * np.interp(centres, solar.wavelengths, solar.irradiance) * 0.01 / np.pi
    gains = full * (1 - DARKEST) / NUMBERS
    return gains, DARKEST * full - gains
