"""Compiled amplitudes of complex pixels on a grid twice as fine."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def double_amplitude(pixels: np.ndarray, line_taps: np.ndarray, sample_taps: np.ndarray, result: np.ndarray) -> None:
    """Write the amplitudes of pixels, and of places half a pixel beyond them; 0 where all pixels around are.

    An amplitude's spectrum is twice as wide as the signal's: on the signal's own grid it is aliased, and peaks of its
    correlation are drawn to whole pixels.

    Parameters
    ----------
    pixels : ndarray, shape (lines, samples), complex64
        At baseband; beyond the edges there is nothing.
    line_taps, sample_taps : ndarray, shape (taps,), float32
        Weights of the pixels around a place half a pixel beyond one, which is number ``taps // 2 - 1``.
    result : ndarray, shape (2 lines, 2 samples), float32
    """
    values = pixels.view(np.float32)
    lines, width = values.shape
    between = np.empty(width, np.float32)
    beside = np.empty(width, np.float32)
    for i in range(lines):
        _write_line(values[i], sample_taps, beside, result[2 * i])
        between[:] = 0.0
        for tap in range(line_taps.size):
            k = i + tap - line_taps.size // 2 + 1
            if 0 <= k < lines:
                row, weight = values[k], line_taps[tap]
                for j in range(width):
                    between[j] += weight * row[j]
        _write_line(between, sample_taps, beside, result[2 * i + 1])


@njit(cache=True, nogil=True)
def _write_line(row, taps, beside, result):  # type: ignore[no-untyped-def]
    """Write the amplitudes of one line and of the places between its pixels (real and imaginary parts alternate)."""
    beside[:] = 0.0
    for tap in range(taps.size):
        apart = 2 * (tap - taps.size // 2 + 1)
        first, last = max(0, -apart), min(row.size, row.size - apart)
        weight = taps[tap]
        for j in range(first, last):
            beside[j] += weight * row[j + apart]
    for j in range(row.size // 2):
        result[2 * j] = np.sqrt(row[2 * j] * row[2 * j] + row[2 * j + 1] * row[2 * j + 1])
        result[2 * j + 1] = np.sqrt(beside[2 * j] * beside[2 * j] + beside[2 * j + 1] * beside[2 * j + 1])
