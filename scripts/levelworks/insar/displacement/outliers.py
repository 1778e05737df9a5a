"""Patches that disagree with their neighbours."""

from __future__ import annotations

import numpy as np

from levelworks.insar.displacement.outliers_kernels import neighbour_medians

NEIGHBOURS = 2
"""Neighbours each way along either axis, half a patch apart: those at the ends share nothing with the middle."""
LEAST_NEIGHBOURS = 4
ROBUST = 1.4826
"""Standard deviation of Gaussian values over their median absolute deviation."""


def agree_with_neighbours(values: np.ndarray, sigmas: np.ndarray, apart: tuple[int, int], limit: float) -> np.ndarray:
    """Return which values of a grid are near the median of their neighbours.

    Parameters
    ----------
    values, sigmas : ndarray, shape (rows, columns), float32
        With standard deviations; NaN where there is none.
    apart : tuple of int
        Rows and columns from one neighbour to the next: half a patch.
    limit : float
        Standard deviations by which a value may differ: its own, and the neighbours' robust scatter.

    Returns
    -------
    ndarray, shape (rows, columns), bool
        False too where fewer than four of the 24 neighbours have a value.
    """
    medians, spreads = np.full(values.shape, np.nan, np.float32), np.full(values.shape, np.nan, np.float32)
    neighbour_medians(values, apart, NEIGHBOURS, LEAST_NEIGHBOURS, medians, spreads)
    with np.errstate(invalid="ignore"):
        allowed = limit * np.sqrt((ROBUST * spreads) ** 2 + sigmas**2)
        return np.asarray(np.abs(values - medians) <= allowed)
