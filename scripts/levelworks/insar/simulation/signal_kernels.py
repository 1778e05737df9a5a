"""Compiled loops of the simulator: fields spread from coarse grids, signals interpolated far more exactly than used."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def spread(coarse: np.ndarray, steps: tuple[int, int], result: np.ndarray) -> None:
    """Write, bilinearly, values at every line and sample of a grid given at every so many of them."""
    for i in range(result.shape[0]):
        y = i / steps[0]
        k = min(int(y), coarse.shape[0] - 2)
        t = y - k
        for j in range(result.shape[1]):
            x = j / steps[1]
            m = min(int(x), coarse.shape[1] - 2)
            s = x - m
            upper = coarse[k, m] * (1 - s) + coarse[k, m + 1] * s
            lower = coarse[k + 1, m] * (1 - s) + coarse[k + 1, m + 1] * s
            result[i, j] = upper * (1 - t) + lower * t


@njit(cache=True, nogil=True, inline="always")
def _weights(table, offset, weights):  # type: ignore[no-untyped-def]
    """Write the taps for a fraction of a sample, between rows of a table."""
    x = offset * (table.shape[0] - 1)
    k = min(int(x), table.shape[0] - 2)
    s = np.float32(x - k)
    for tap in range(weights.size):
        weights[tap] = table[k, tap] + s * (table[k + 1, tap] - table[k, tap])


@njit(cache=True, nogil=True)
def interpolate(
    signal: np.ndarray,
    lines: np.ndarray,
    samples: np.ndarray,
    line_table: np.ndarray,
    sample_table: np.ndarray,
    result: np.ndarray,
) -> None:
    """Write a band-limited signal (complex64) at places of it, in lines and samples; 0 where taps leave it.

    Parameters
    ----------
    lines, samples : ndarray, shape of ``result``, float64
    line_table, sample_table : ndarray, shape (fractions + 1, taps), float32
        Taps of fractions from 0 to 1 of a sample; tap ``taps // 2 - 1`` is of the whole part.
    """
    line_taps, sample_taps = line_table.shape[1], sample_table.shape[1]
    across, along = np.empty(sample_taps, np.float32), np.empty(line_taps, np.float32)
    parts, gathered = signal.view(np.float32), np.empty(2 * sample_taps, np.float32)
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            y, x = lines[i, j], samples[i, j]
            result[i, j] = 0.0
            if not (y == y and x == x):
                continue
            k, m = int(np.floor(y)), int(np.floor(x))
            first_line, first_sample = k - line_taps // 2 + 1, m - sample_taps // 2 + 1
            if first_line < 0 or first_line + line_taps > signal.shape[0]:
                continue
            if first_sample < 0 or first_sample + sample_taps > signal.shape[1]:
                continue
            _weights(line_table, y - k, along)
            _weights(sample_table, x - m, across)
            # Lines are summed first, samples beside each other: the loop runs in vector registers.
            gathered[:] = 0.0
            for p in range(line_taps):
                row, weight = parts[first_line + p], along[p]
                for q in range(2 * sample_taps):
                    gathered[q] += weight * row[2 * first_sample + q]
            real = imaginary = np.float32(0.0)
            for q in range(sample_taps):
                real += across[q] * gathered[2 * q]
                imaginary += across[q] * gathered[2 * q + 1]
            result[i, j] = complex(real, imaginary)
