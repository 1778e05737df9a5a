"""Light that reaches the sensor from around a target: means over squares of growing size, and the share of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter

from levelworks.ard.aerosol.coarse import CLEAR, CoarseScene
from levelworks.ard.aerosol.coarse_kernels import SCALE
from levelworks.ard.aerosol.inversion import RadiativeTransfer
from levelworks.ard.atmosphere.forward import environment_fraction

SIDES = (1, 3, 9, 27, 81)
"""Cells along the sides of the squares: 0.3 to 24 km."""


def square_means(scene: CoarseScene, cells: np.ndarray) -> np.ndarray:
    """Return the mean reflectance of the clear pixels in squares about cells of the field.

    Parameters
    ----------
    cells : ndarray, shape (cells,)
        Places in the order of the field's rows; each with a clear pixel.

    Returns
    -------
    ndarray, shape (squares, bands, cells), float32
    """
    means = np.empty((len(SIDES), len(scene.bands), len(cells)), np.float32)
    count = scene.counts[CLEAR].astype(np.float64)
    numbers = [uniform_filter(count, side, mode="constant").ravel()[cells] for side in SIDES]
    for band, sums in enumerate(scene.sums[CLEAR]):
        whole = sums.astype(np.float64)
        for square, side in enumerate(SIDES):
            total = uniform_filter(whole, side, mode="constant").ravel()[cells]
            means[square, band] = total / (SCALE * np.maximum(numbers[square], 1e-9))
    return means


def square_shares(
    tables: RadiativeTransfer, model: str, bands: Sequence[str], aod: float, spacing: float
) -> np.ndarray:
    """Return how much each square lights a target from the side.

    Parameters
    ----------
    aod : float
        At 550 nm.
    spacing : float
        Metres between cells.

    Returns
    -------
    ndarray, shape (squares, bands), float64
        Sums to 1 in each band. Discs as large as the squares, stacked with these weights, send as much light from
        within each of their radii as the environment function of 6S has it.
    """
    radii = np.array(SIDES) * spacing / 1000.0 / np.sqrt(np.pi)
    within = np.minimum(1.0, (radii[:, None] / radii[None]) ** 2)
    shares = np.empty((len(SIDES), len(bands)))
    for number, band in enumerate(bands):
        found = tables.at(band, model, sun_zenith=30.0, view_zenith=0.0, relative_azimuth=0.0, aod=aod, pressure=1013.0)
        fraction = environment_fraction(radii, found.rayleigh, found.aerosol)
        fraction[-1] = 1.0
        shares[:, number] = np.linalg.solve(within, fraction)
    return shares
