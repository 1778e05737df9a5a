"""Interpolation weights fitted to the spectrum that the processor gave a burst (Wiener interpolation).

For a spectrum whose shape is known, the weights of least mean square error solve ``R w = r``: ``R`` the
autocorrelation between the pixels that are summed, ``r`` between them and the place that is asked for. At eight
pixels they leave a quarter to a tenth of the error of a windowed sine.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.annotation import SpectralWindow

FRACTIONS = 2048
LONGEST = 32
TOLERANCE = 0.01
"""rms error relative to the signal (specs/insar.md 4.8)."""
FREQUENCIES = 401
FLOOR = 1e-7
"""White noise relative to the signal, which keeps the equations solvable."""


@cache
def interpolation_taps(window: SpectralWindow, rate: float, tolerance: float = TOLERANCE) -> np.ndarray:
    """Return the weights for fractions of a pixel, of as few pixels, in fours, as keep the error small.

    Parameters
    ----------
    window : SpectralWindow
        Bandwidth and window of the processing along the axis.
    rate : float
        Pixels per second along the axis, Hz.
    tolerance : float
        rms error over all fractions, relative to the signal.

    Returns
    -------
    ndarray, shape (2049, pixels), float32
        For fractions from 0 to 1; the whole part of a place is pixel ``pixels // 2 - 1``.

    Raises
    ------
    InvalidInput
        Where no 32 pixels reach the tolerance: the band is as wide as the rate.
    """
    for count in range(8, LONGEST + 1, 4):
        error = _fit(window, rate, count, np.linspace(0.0, 1.0, 33))[1]
        if float(np.sqrt(np.mean(error**2))) <= tolerance:
            return _fit(window, rate, count, np.linspace(0.0, 1.0, FRACTIONS + 1))[0].astype(np.float32)
    raise InvalidInput(f"a band of {window.bandwidth} Hz at {rate} Hz can't be interpolated to {tolerance}")


def _fit(window: SpectralWindow, rate: float, count: int, fractions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (fractions, pixels) and rms errors (fractions,)."""
    frequency = np.linspace(-0.5, 0.5, FREQUENCIES) * window.bandwidth / rate
    taper = window.coefficient + (1 - window.coefficient) * np.cos(2 * np.pi * frequency * rate / window.bandwidth)
    power = taper**2 / (taper**2).sum()

    def correlation(apart: np.ndarray) -> np.ndarray:
        return np.asarray(np.cos(2 * np.pi * apart[..., None] * frequency) @ power)

    pixels = np.arange(count) - (count // 2 - 1.0)
    between = correlation(pixels[:, None] - pixels)
    place = correlation(pixels - fractions[:, None])
    weights = np.linalg.solve(between + FLOOR * np.eye(count), place.T).T
    square = 1 - 2 * (weights * place).sum(axis=1) + np.einsum("fi,ij,fj->f", weights, between, weights)
    return weights, np.sqrt(np.maximum(square, 0.0))
