"""Compiled sums of a pair over looks: flattened interferogram and powers (specs/insar.md 4.11)."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.insar.geometry.phasor_kernels import phasor


@njit(cache=True, nogil=True)
def sum_looks(
    reference: np.ndarray,
    secondary: np.ndarray,
    cycles: np.ndarray,
    steps: tuple[int, int],
    first_line: int,
    first_sample: int,
    looks: tuple[int, int],
    interferogram: np.ndarray,
    powers: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Write sums of whole cells, the first of which begins at the first pixel of the arrays.

    Parameters
    ----------
    reference, secondary : ndarray, shape (lines, samples), complex64
        On the same grid; 0 where there is none.
    cycles : ndarray, shape (n, m), float64
        Phase to take off, at every ``steps``-th line and sample of the burst; bilinear between.
    first_line, first_sample : int
        Of the burst, that the arrays begin at.
    looks : tuple of int
        Lines and samples of a cell.
    interferogram : ndarray, shape (rows, columns), complex64
        Sums of ``reference conj(secondary) exp(-j 2 pi cycles)``.
    powers : ndarray, shape (2, rows, columns), float32
        Sums of squared amplitudes where both have a pixel.
    counts : ndarray, shape (rows, columns), int32
        Of pixels that both have.
    """
    one, two, out = reference.view(np.float32), secondary.view(np.float32), interferogram.view(np.float32)
    rows, columns = counts.shape
    width = columns * looks[1]
    # Kept per sample over the lines of a cell, so that the loops along samples run in vector registers.
    real, imaginary = np.empty(width, np.float32), np.empty(width, np.float32)
    power_1, power_2, both = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.int32)
    phase = np.empty(width, np.float64)
    for row in range(rows):
        real[:], imaginary[:], power_1[:], power_2[:], both[:] = 0.0, 0.0, 0.0, 0.0, 0
        for look in range(looks[0]):
            i = row * looks[0] + look
            y = (first_line + i) / steps[0]
            k = min(int(y), cycles.shape[0] - 2)
            t = y - k
            _spread_line(cycles[k], cycles[k + 1], t, steps[1], first_sample, phase)
            _add_line(one[i], two[i], phase, real, imaginary, power_1, power_2, both)
        for column in range(columns):
            start = column * looks[1]
            re = im = first = second = np.float32(0.0)
            count = 0
            for j in range(start, start + looks[1]):
                re += real[j]
                im += imaginary[j]
                first += power_1[j]
                second += power_2[j]
                count += both[j]
            out[row, 2 * column], out[row, 2 * column + 1] = re, im
            powers[0, row, column], powers[1, row, column] = first, second
            counts[row, column] = count


@njit(cache=True, nogil=True)
def _spread_line(above, below, t, step, first_sample, phase):  # type: ignore[no-untyped-def]
    """Write the phase (cycles) at every sample of a line, linear between every ``step``-th of the burst."""
    j = 0
    while j < phase.size:
        m = min((first_sample + j) // step, above.size - 2)
        left = above[m] * (1 - t) + below[m] * t
        slope = (above[m + 1] * (1 - t) + below[m + 1] * t - left) / step
        start = first_sample + j - m * step
        stop = min(phase.size, j + step - start if m < above.size - 2 else phase.size)
        for n in range(j, stop):
            phase[n] = left + slope * (start + n - j)
        j = stop


@njit(cache=True, nogil=True)
def _add_line(one, two, phase, real, imaginary, power_1, power_2, both):  # type: ignore[no-untyped-def]
    """Add one line's products and powers."""
    for j in range(phase.size):
        a, b, c, d = one[2 * j], one[2 * j + 1], two[2 * j], two[2 * j + 1]
        re, im = a * c + b * d, b * c - a * d
        cosine, sine = phasor(phase[j])
        real[j] += re * cosine + im * sine
        imaginary[j] += im * cosine - re * sine
        first, second = a * a + b * b, c * c + d * d
        there = (first > 0.0) & (second > 0.0)
        power_1[j] += first if there else np.float32(0.0)
        power_2[j] += second if there else np.float32(0.0)
        both[j] += 1 if there else 0
