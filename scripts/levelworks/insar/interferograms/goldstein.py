"""The filter of Goldstein and Werner (1998), doi:10.1029/1998GL900033, for unwrapping (specs/insar.md 4.12)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import fft

from levelworks.core.outcome import InvalidOptions

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
    if window % step or window % 2 or smoothing % 2 == 0:
        raise InvalidOptions(
            f"the window is even and a multiple of the step, the smoothing odd; not {window}, {step}, {smoothing}"
        )
    if exponent == "adaptive" and coherence is None:
        raise InvalidOptions("the exponent adaptive needs the coherence")
    magnitude = np.nan_to_num(np.abs(interferogram)).astype(np.float32)
    there = magnitude > 0
    rows, columns = interferogram.shape
    # Patches hang over the edges, so that all pixels are in the same number of patches.
    edge = window - step
    inside = slice(edge, edge + rows), slice(edge, edge + columns)
    unit = np.zeros([edge + -(-length // step) * step + edge for length in (rows, columns)], np.complex64)
    unit[inside][there] = interferogram[there] / magnitude[there]
    data = (unit != 0).astype(np.float32)
    known = np.zeros_like(data)
    if coherence is not None:
        known[inside] = np.where(there, np.nan_to_num(coherence), 0)
    filtered, triangle = np.zeros_like(unit), _triangle(window)
    for top in range(0, unit.shape[0] - window + 1, step):
        strip = slice(top, top + window)
        full = _patches(data[strip], step).sum((1, 2))
        used = np.flatnonzero(full > (1 - most_empty) * window**2)
        powers = np.full(used.size, 0.0 if exponent == "adaptive" else exponent, np.float32)
        if exponent == "adaptive":
            powers = 1 - np.clip(_patches(known[strip], step).sum((1, 2))[used] / full[used], 0, 1)
        weighted = _weight_spectra(_patches(unit[strip], step)[used], powers, smoothing) * triangle
        for k, patch in zip(used, weighted, strict=True):
            filtered[strip, k * step : k * step + window] += patch
    result, own = filtered[inside], unit[inside]
    size = np.abs(result)
    return (np.where(size > 0, result / np.where(size > 0, size, 1), own) * magnitude).astype(np.complex64)


def _patches(strip: np.ndarray, step: int) -> np.ndarray:
    """Return the square patches of a strip as (patch, row, column), without a copy."""
    window = strip.shape[0]
    return np.lib.stride_tricks.sliding_window_view(strip, window, axis=1)[:, ::step].transpose(1, 0, 2)


def _triangle(window: int) -> np.ndarray:
    """Return weights that fall from the middle of a patch to its edges; those of overlapping patches have one sum."""
    side = 1 - np.abs(np.arange(window) + 0.5 - window / 2) / (window / 2)
    return np.outer(side, side).astype(np.float32)


def _weight_spectra(patches: np.ndarray, powers: np.ndarray, smoothing: int) -> np.ndarray:
    """Multiply spectra by their smoothed magnitudes to a power, the greatest of which is 1."""
    spectra = fft.fft2(patches)
    size = np.abs(spectra)
    for axis in (1, 2):
        reach = smoothing // 2
        size = sum((np.roll(size, shift, axis) for shift in range(-reach, reach + 1)), np.zeros_like(size))
    size /= np.maximum(size.max((1, 2), keepdims=True, initial=0), np.float32(1e-30))
    return fft.ifft2(spectra * size ** powers[:, None, None].astype(np.float32))
