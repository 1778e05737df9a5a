"""Compiled Goldstein filter: patches of a strip share their transforms along columns (specs/insar.md 4.12)."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.insar.interferograms.fourier_kernels import transform
from levelworks.insar.interferograms.power_kernels import raise_powers

LANES = 32
"""Columns that are transformed at once."""
SMALLEST = np.float32(1e-30)


@njit(cache=True, nogil=True)
def filter_strip(
    strip: np.ndarray,
    known: np.ndarray,
    step: int,
    exponent: float,
    smoothing: int,
    most_empty: float,
    twiddles: np.ndarray,
    side: np.ndarray,
    filtered: np.ndarray,
) -> None:
    """Add the filtered patches of a strip, weighted by a triangle, to what others gave.

    The transform along columns is linear, and patches that overlap along rows share it: it is made once a strip, there
    and back, between which patches are transformed along rows only.

    Parameters
    ----------
    strip : ndarray, shape (window, columns), complex64
        Of magnitude 1, or 0 where there is no data.
    known : ndarray, shape (window, columns), float32
        Coherence, of exponents below 0.
    step : int
        Columns from one patch to the next.
    exponent : float
        Below 0 it is 1 less the mean coherence of a patch.
    smoothing : int
        Bins, side of the square over which magnitudes are summed.
    most_empty : float
        Share of a patch without data above which it adds nothing.
    twiddles : ndarray, shape (window / 2,), complex64
        ``exp(-2 pi j k / window)``.
    side : ndarray, shape (window,), float32
        Weights along a side of a patch.
    filtered : ndarray, shape (window, columns), complex64
        Is added to.
    """
    window, columns = strip.shape
    size = window * window
    real, imaginary = np.zeros((2, columns * window), np.float32)
    sum_real, sum_imaginary = np.zeros((2, columns * window), np.float32)
    counts, coherences = np.zeros(columns, np.int64), np.zeros(columns, np.float64)
    work = np.empty((6, window * max(window, LANES)), np.float32)
    any_used = False
    _transform_columns(strip, twiddles, work, real, imaginary)
    for i in range(window):
        for j in range(columns):
            there = (strip[i, j].real != 0.0) | (strip[i, j].imag != 0.0)
            counts[j] += 1 if there else 0
            coherences[j] += known[i, j] if exponent < 0.0 else 0.0
    for first in range(0, columns - window + 1, step):
        full = counts[first : first + window].sum()
        if full <= (1.0 - most_empty) * size:
            continue
        power = exponent
        if exponent < 0.0:
            power = 1.0 - min(max(coherences[first : first + window].sum() / full, 0.0), 1.0)
        any_used = True
        part = slice(first * window, first * window + size)
        _filter_patch(
            real[part], imaginary[part], power, smoothing, twiddles, side, work, sum_real[part], sum_imaginary[part]
        )
    if any_used:
        _return_columns(sum_real, sum_imaginary, twiddles, side, work, filtered)


@njit(cache=True, nogil=True)
def _transform_columns(strip, twiddles, work, real, imaginary):  # type: ignore[no-untyped-def]
    """Write the transform along columns of a strip as (column, frequency)."""
    window, columns = strip.shape
    for first in range(0, columns, LANES):
        lanes = min(LANES, columns - first)
        for i in range(window):
            for j in range(lanes):
                work[0, i * lanes + j] = strip[i, first + j].real
                work[1, i * lanes + j] = strip[i, first + j].imag
        at = transform(work, window, lanes, twiddles)
        for j in range(lanes):
            start = (first + j) * window
            for i in range(window):
                real[start + i] = work[at, i * lanes + j]
                imaginary[start + i] = work[at + 1, i * lanes + j]


@njit(cache=True, nogil=True)
def _filter_patch(real, imaginary, power, smoothing, twiddles, side, work, sum_real, sum_imaginary):  # type: ignore[no-untyped-def]
    """Weight the spectrum of a patch by its smoothed magnitude and add what comes of it, back along rows."""
    window = side.size
    size = window * window
    _copy(real, work[0])
    _copy(imaginary, work[1])
    at = transform(work, window, window, twiddles)
    magnitude = work[4][:size]
    _measure(work[at], work[at + 1], magnitude)
    if smoothing > 1:
        _smooth(magnitude, work[5], window, smoothing // 2)
    _scale(magnitude)
    raise_powers(magnitude, np.float32(power))
    # The transform of the conjugate is the conjugate of the one back.
    _weight(work[at], magnitude, work[0], np.float32(1.0))
    _weight(work[at + 1], magnitude, work[1], np.float32(-1.0))
    at = transform(work, window, window, twiddles)
    for j in range(window):
        part = slice(j * window, (j + 1) * window)
        _add(work[at][part], side[j], sum_real[part])
        _add(work[at + 1][part], side[j], sum_imaginary[part])


@njit(cache=True, nogil=True)
def _copy(values, copy):  # type: ignore[no-untyped-def]
    for k in range(values.size):
        copy[k] = values[k]


@njit(cache=True, nogil=True)
def _measure(real, imaginary, magnitude):  # type: ignore[no-untyped-def]
    for k in range(magnitude.size):
        magnitude[k] = np.sqrt(real[k] * real[k] + imaginary[k] * imaginary[k])


@njit(cache=True, nogil=True)
def _weight(values, weights, weighted, sign):  # type: ignore[no-untyped-def]
    for k in range(weights.size):
        weighted[k] = sign * (values[k] * weights[k])


@njit(cache=True, nogil=True)
def _add(values, weight, total):  # type: ignore[no-untyped-def]
    for k in range(values.size):
        total[k] += weight * values[k]


@njit(cache=True, nogil=True)
def _smooth(magnitude, smooth, window, reach):  # type: ignore[no-untyped-def]
    """Sum magnitudes over a square of bins, around the ends of the spectrum."""
    for i in range(window):
        here = smooth[i * window : (i + 1) * window]
        _copy(magnitude[i * window : (i + 1) * window], here)
        for shift in range(1, reach + 1):
            for other in ((i - shift) % window, (i + shift) % window):
                _add(magnitude[other * window : (other + 1) * window], np.float32(1.0), here)
    for i in range(window):
        here, out = smooth[i * window : (i + 1) * window], magnitude[i * window : (i + 1) * window]
        _copy(here, out)
        for shift in range(1, reach + 1):
            _add(here[shift:], np.float32(1.0), out[: window - shift])
            _add(here[: window - shift], np.float32(1.0), out[shift:])
            _add(here[:shift], np.float32(1.0), out[window - shift :])
            _add(here[window - shift :], np.float32(1.0), out[:shift])


@njit(cache=True, nogil=True)
def _scale(magnitude):  # type: ignore[no-untyped-def]
    """Divide by the greatest value."""
    side = magnitude.size // 8
    greatest = SMALLEST
    lanes = magnitude[:side].copy()
    for i in range(1, 8):
        part = magnitude[i * side : (i + 1) * side]
        for j in range(side):
            lanes[j] = max(lanes[j], part[j])
    for j in range(side):
        greatest = max(greatest, lanes[j])
    factor = np.float32(1.0) / greatest
    for k in range(magnitude.size):
        magnitude[k] *= factor


@njit(cache=True, nogil=True)
def _return_columns(real, imaginary, twiddles, side, work, filtered):  # type: ignore[no-untyped-def]
    """Add the transform back along columns of conjugates as (column, frequency), weighted along columns."""
    window, columns = filtered.shape
    for first in range(0, columns, LANES):
        lanes = min(LANES, columns - first)
        for j in range(lanes):
            start = (first + j) * window
            for i in range(window):
                work[0, i * lanes + j] = real[start + i]
                work[1, i * lanes + j] = imaginary[start + i]
        at = transform(work, window, lanes, twiddles)
        for i in range(window):
            for j in range(lanes):
                value = complex(work[at, i * lanes + j], -work[at + 1, i * lanes + j])
                filtered[i, first + j] += np.complex64(side[i] * value)
