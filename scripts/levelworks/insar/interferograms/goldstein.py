"""The filter of Goldstein and Werner (1998), doi:10.1029/1998GL900033, for unwrapping (specs/insar.md 4.12)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.interferograms.fourier_kernels import make_twiddles
from levelworks.insar.interferograms.goldstein_kernels import filter_strip

Exponent = float | Literal["adaptive"]


def goldstein_filter(
    interferogram: np.ndarray,
    exponent: Exponent = 0.5,
    *,
    coherence: np.ndarray | None = None,
    window: int = 32,
    step: int = 8,
    smoothing: int = 3,
    most_empty: float = 0.75,
) -> np.ndarray:
    """Filter the phase of an interferogram by its own local spectrum; magnitudes and gaps stay.

    Patches begin at multiples of the step, those at the edges with nothing outside. What a pixel becomes depends on
    no pixel farther than a window, so that parts with a halo of one window, cut at multiples of the step, give the
    whole.

    Parameters
    ----------
    interferogram : ndarray, shape (rows, columns), complex64
        0 or NaN is no data.
    exponent : float or "adaptive"
        0 leaves the phase, 1 weights by the full spectrum; ``adaptive`` takes 1 less the mean coherence of each patch
        (Baran et al. 2003, doi:10.1109/TGRS.2003.817212).
    coherence : ndarray, shape (rows, columns), float32, optional
        Of ``adaptive``.
    window, step : int
        Pixels, side of patches and from one to the next; the window is a multiple of the step, even.
    smoothing : int
        Bins, side of the square over which the spectrum is averaged; 1 for none.
    most_empty : float
        Share of a patch without data above which it adds nothing.

    Returns
    -------
    ndarray, shape (rows, columns), complex64
        0 where there is no data; the phase as it was where every patch is too empty.

    Raises
    ------
    InvalidOptions
        Where the window is no even multiple of the step, or ``adaptive`` has no coherence.
    """
    if window % step or window < 2 or window & (window - 1) or smoothing % 2 == 0:
        raise InvalidOptions(
            "the window is a power of two and a multiple of the step, the smoothing odd; "
            f"not {window}, {step}, {smoothing}"
        )
    if exponent == "adaptive" and coherence is None:
        raise InvalidOptions("the exponent adaptive needs the coherence")
    magnitude = np.nan_to_num(np.abs(interferogram)).astype(np.float32, copy=False)
    there = magnitude > 0
    rows, columns = interferogram.shape
    # Patches hang over the edges, so that all pixels are in the same number of patches.
    edge = window - step
    inside = slice(edge, edge + rows), slice(edge, edge + columns)
    unit = np.zeros([edge + -(-length // step) * step + edge for length in (rows, columns)], np.complex64)
    np.divide(interferogram, magnitude, out=unit[inside], where=there)
    known = np.zeros(unit.shape if exponent == "adaptive" else (window, 1), np.float32)
    if exponent == "adaptive" and coherence is not None:
        known[inside] = np.where(there, np.nan_to_num(coherence), 0)
    power = -1.0 if exponent == "adaptive" else float(exponent)
    filtered, side, twiddles = np.zeros_like(unit), _side(window), make_twiddles(window)
    for top in range(0, unit.shape[0] - window + 1, step):
        strip = slice(top, top + window)
        beside = known[strip] if exponent == "adaptive" else known
        filter_strip(unit[strip], beside, step, power, smoothing, most_empty, twiddles, side, filtered[strip])
    result, own = filtered[inside], unit[inside]
    size = np.abs(result)
    return np.where(size > 0, result / np.where(size > 0, size, 1), own) * magnitude


def _side(window: int) -> np.ndarray:
    """Return weights that fall from the middle of a side to its ends; those of overlapping patches have one sum."""
    return (1 - np.abs(np.arange(window) + 0.5 - window / 2) / (window / 2)).astype(np.float32)
