"""Interpolation weights between lags of a correlation of amplitudes, fitted to the spectrum it has."""

from __future__ import annotations

from functools import cache

import numpy as np

from levelworks.insar.refinement.cross_correlation import DETECTION
from levelworks.insar.safe.annotation import SpectralWindow

FRACTIONS = 8
"""Places per lag at which a correlation is interpolated before a parabola takes over."""
TAPS = 8
PLACES = 401
FLOOR = 1e-7
"""White noise relative to the correlation, which keeps the equations solvable."""


@cache
def peak_taps(window: SpectralWindow, rate: float) -> np.ndarray:
    """Return the weights of 8 lags, half a pixel apart, for fractions of a lag.

    Parameters
    ----------
    window : SpectralWindow
        Bandwidth and window of the processing along the axis.
    rate : float
        Pixels per second along the axis, Hz.

    Returns
    -------
    ndarray, shape (9, 8), float32
        For fractions from 0 to 1; the whole part of a place is lag 3.

    Notes
    -----
    Of least mean square error over all places of the peak. The correlation of intensities has for spectrum the
    convolution of the signal's power spectrum with itself; that of amplitudes is nearly the same.
    """
    place = np.linspace(-0.5, 0.5, PLACES)
    power = (window.coefficient + (1 - window.coefficient) * np.cos(2 * np.pi * place)) ** 2
    spectrum = np.convolve(power, power)
    frequency = np.linspace(-1.0, 1.0, spectrum.size) * window.bandwidth / rate / DETECTION
    energy = spectrum**2 / (spectrum**2).sum()

    def overlap(apart: np.ndarray) -> np.ndarray:
        return np.asarray(np.cos(2 * np.pi * apart[..., None] * frequency) @ energy)

    lags = np.arange(TAPS) - (TAPS // 2 - 1.0)
    fractions = np.linspace(0.0, 1.0, FRACTIONS + 1)
    between = overlap(lags[:, None] - lags) + FLOOR * np.eye(TAPS)
    return np.linalg.solve(between, overlap(lags - fractions[:, None]).T).T.astype(np.float32)
