"""The surroundings of each pixel as the air mixes them into its light: a weighted mean of the ground, by FFT.

The weights follow the environment function of 6S (Vermote et al. 1997, doi:10.1109/36.581987) with the constants of
6SV 1.1, as its runs over bright surroundings give them back.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.signal import fftconvolve

REACH = 40.0
"""Kilometres beyond which the surroundings don't count."""
AEROSOL = ((0.448, 0.27), (0.552, 2.83))
"""Parts of the light that aerosol scatters, and how each falls off with distance, 1/km."""
MOLECULES = ((0.930, 0.08), (0.070, 1.10))
"""The same of light that molecules scatter."""
FINE, COARSE = 60, 4
"""Points along a side of a cell at which the weights are summed: of the inner nine cells and of the others."""


def aerosol_share(radius: np.ndarray) -> np.ndarray:
    """Return the share of light scattered by aerosol that comes from within a radius (km)."""
    return np.asarray(1 - sum(part * np.exp(-rate * radius) for part, rate in AEROSOL))


def molecular_share(radius: np.ndarray) -> np.ndarray:
    """Return the share of light scattered by molecules that comes from within a radius (km)."""
    return np.asarray(1 - sum(part * np.exp(-rate * radius) for part, rate in MOLECULES))


def environment_weights(cell: float, molecules: float, aerosol: float) -> np.ndarray:
    """Return the weights of the cells around one.

    Parameters
    ----------
    cell : float
        Size of a cell, km.
    molecules, aerosol : float
        Optical depths of the band.

    Returns
    -------
    ndarray, shape (2 n + 1, 2 n + 1), float64
        Sum 1.
    """
    share = (0.8333 * aerosol) / (0.8333 * aerosol + 0.5 * molecules)
    by_aerosol, by_molecules = _densities(cell)
    weights = share * by_aerosol + (1 - share) * by_molecules
    return np.asarray(weights / weights.sum())


@cache
def _densities(cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums over the cells of the shares' derivatives spread over their rings, of aerosol and molecules."""
    reach = int(np.ceil(REACH / cell))
    aerosol, molecules = _summed(cell, reach, COARSE)
    inner = slice(reach - 1, reach + 2)
    aerosol[inner, inner], molecules[inner, inner] = _summed(cell, 1, FINE)
    return aerosol, molecules


def _summed(cell: float, reach: int, points: int) -> tuple[np.ndarray, np.ndarray]:
    size = 2 * reach + 1
    places = (np.arange(size * points) + 0.5) / points - reach - 0.5
    radius = cell * np.hypot(places[:, None], places[None, :])
    found = []
    for parts in (AEROSOL, MOLECULES):
        slope = sum(part * rate * np.exp(-rate * radius) for part, rate in parts)
        density = np.where(radius <= REACH, slope / radius, 0.0) / points**2
        found.append(density.reshape(size, points, size, points).sum(axis=(1, 3)))
    return found[0], found[1]


def surroundings(cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean around each cell; beyond the edges the ground is mirrored.

    Parameters
    ----------
    cells : ndarray, shape (rows, columns)
        Mean reflectance of each cell.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    reach = weights.shape[0] // 2
    padded = np.pad(cells.astype(np.float64), reach, mode="symmetric")
    return fftconvolve(padded, weights, mode="valid").astype(np.float32)
