"""Compiled fast Fourier transform of many series side by side, in single precision."""

from __future__ import annotations

import numpy as np
from numba import njit


def make_twiddles(length: int) -> np.ndarray:
    """Return ``exp(-2 pi j k / length)`` for the first half of k, complex64."""
    return np.exp(-2j * np.pi * np.arange(length // 2) / length).astype(np.complex64)


@njit(cache=True, nogil=True)
def transform(work: np.ndarray, length: int, lanes: int, twiddles: np.ndarray) -> int:
    """Transform series that stand side by side, forward and without a factor.

    Rows change places after every step, which sorts the result (Stockham's form: Van Loan 1992,
    doi:10.1137/1.9781611970999).

    Parameters
    ----------
    work : ndarray, shape (at least 4, at least length * lanes), float32
        Rows 0 and 1 are real and imaginary parts as (element, series); all four are written.
    length : int
        A power of two.
    lanes : int
        How many series.
    twiddles : ndarray, shape (length / 2,), complex64

    Returns
    -------
    int
        Row of the real part; the imaginary one is below it.
    """
    source, target, rest, run = 0, 2, length, lanes
    while rest > 1:
        half = rest // 2
        _halve(work[source], work[source + 1], work[target], work[target + 1], half, run, twiddles[:: length // rest])
        source, target, rest, run = target, source, half, 2 * run
    return source


@njit(cache=True, nogil=True)
def _halve(from_real, from_imag, to_real, to_imag, half, run, factors):  # type: ignore[no-untyped-def]
    """Write the sums of runs that are half the series apart, and their differences times factors."""
    # Unsigned places are never counted from the end, so that the loop along a run needs no branches.
    length, apart, double = np.uint64(run), np.uint64(half * run), np.uint64(2 * run)
    for p in range(half):
        low, out = np.uint64(p) * length, np.uint64(p) * double
        high, second = low + apart, out + length
        real, imag = factors[p].real, factors[p].imag
        for k in range(length):
            x, y = from_real[low + k] - from_real[high + k], from_imag[low + k] - from_imag[high + k]
            to_real[out + k] = from_real[low + k] + from_real[high + k]
            to_imag[out + k] = from_imag[low + k] + from_imag[high + k]
            to_real[second + k] = x * real - y * imag
            to_imag[second + k] = x * imag + y * real
