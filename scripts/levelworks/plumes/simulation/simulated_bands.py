"""Bands of two-camera instruments for simulations: how a prism spreads them, and which camera has which."""

from __future__ import annotations

import numpy as np

SAME = 1e-6
"""nm within which a band is one that an instrument has."""


def prism_centres(count: int, first: float, sampling: tuple[float, float, float]) -> np.ndarray:
    """Return centres of bands (nm), ascending.

    Parameters
    ----------
    first : float
        Centre of the first (nm).
    sampling : tuple of float
        Distance between bands (nm) as a polynomial of the place on the detector from 0 to 1, constant first.
    """
    place = np.linspace(0.0, 1.0, count)
    constant, slope, bend = sampling
    return first + (count - 1) * (constant * place + slope * place**2 / 2 + bend * place**3 / 3)


def split_bands(centres: np.ndarray, vnir: np.ndarray, swir: np.ndarray, boundary: float) -> np.ndarray:
    """Return which bands are the VNIR camera's: those that it has, and those below a boundary that neither has.

    Parameters
    ----------
    centres, vnir, swir : (n,) float
        Centres of the bands, and of those of each camera (nm).
    boundary : float
        nm.
    """
    in_vnir, in_swir = (np.abs(centres[:, None] - own).min(axis=1) < SAME for own in (vnir, swir))
    return np.asarray(in_vnir | (~in_swir & (centres < boundary)))
