"""Independent looks of a cell, and the coherence that so many show where there is less (specs/insar.md 4.11)."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gammaln

from levelworks.insar.safe.annotation import SpectralWindow
from levelworks.insar.safe.burst import Burst

HIGHEST = 0.95
"""Coherence above which the bias of ten looks and more is below 1e-3, and a straight line to 1 is taken."""
STEP = 0.01


def equivalent_looks(burst: Burst, looks: tuple[int, int]) -> float:
    """Return the number of independent looks of a cell.

    Parameters
    ----------
    burst : Burst
    looks : tuple of int
        Lines and samples of a cell.

    Returns
    -------
    float
        For each axis ``n / (1 + 2 sum_k (1 - k / n) rho_k^2)`` of n pixels, rho the autocorrelation of noise of the
        processor's spectrum: the mean over variance of intensity summed over the cell, squared.
    """
    along = _independent(burst.azimuth_window, 1 / burst.azimuth_time_interval, looks[0])
    across = _independent(burst.range_window, burst.range_sampling_rate, looks[1])
    return along * across


def _independent(window: SpectralWindow, rate: float, pixels: int) -> float:
    """Return how many independent ones so many neighbouring pixels along an axis are."""
    place = np.linspace(-0.5, 0.5, 2001)
    power = (window.coefficient + (1 - window.coefficient) * np.cos(2 * np.pi * place)) ** 2
    lags = np.arange(1, pixels)
    turns = np.cos(2 * np.pi * lags[:, None] * place * window.bandwidth / rate)
    correlation = (turns * power).mean(axis=1) / power.mean()
    return float(pixels / (1 + 2 * np.sum((1 - lags / pixels) * correlation**2)))


def expected_coherence(coherence: np.ndarray, looks: float) -> np.ndarray:
    """Return what the estimate of a coherence is on average.

    Parameters
    ----------
    coherence : ndarray, float64
        True values, 0 to 0.95.
    looks : float
        Independent looks, above 1.

    Returns
    -------
    ndarray, float64
        ``E|g|`` as the series of Touzi et al. 1999, doi:10.1109/36.739146, equation 12.
    """
    square = np.asarray(coherence, np.float64)[:, None] ** 2
    most = looks * HIGHEST**2 / (1 - HIGHEST**2)
    n = np.arange(int(most + 12 * np.sqrt(most / (1 - HIGHEST**2)) + 60))
    scale = gammaln(looks) + gammaln(1.5) - gammaln(looks + 0.5)
    terms = (
        gammaln(n + 1.5)
        - gammaln(1.5)
        + 2 * (gammaln(n + looks) - gammaln(looks))
        - (gammaln(n + looks + 0.5) - gammaln(looks + 0.5))
        - 2 * gammaln(n + 1)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.where(n == 0, 0.0, n * np.log(square))
    return np.asarray(np.exp(scale + looks * np.log1p(-square) + terms + powers).sum(axis=1))


@cache
def _table(looks: float) -> tuple[np.ndarray, np.ndarray]:
    true = np.append(np.arange(0, HIGHEST + STEP / 2, STEP), 1.0)
    return np.append(expected_coherence(true[:-1], looks), 1.0), true


def debias_coherence(coherence: np.ndarray, looks: float) -> np.ndarray:
    """Return the coherence whose estimate of so many looks is on average what was found.

    Parameters
    ----------
    coherence : ndarray, float32
        NaN stays.
    looks : float
        Independent looks of an estimate.

    Returns
    -------
    ndarray, float32
        0 where no less than noise was found.
    """
    seen, true = _table(round(looks, 2))
    return np.interp(coherence, seen, true).astype(np.float32)
