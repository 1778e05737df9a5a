"""Compiled azimuth carriers of TOPS bursts: evaluated, and taken off or put on (specs/insar.md 4.7)."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.insar.geometry.phasor_kernels import phasor


@njit(cache=True, nogil=True)
def carrier_cycles(
    lines: np.ndarray,
    samples: np.ndarray,
    tables: np.ndarray,
    middle: float,
    interval: float,
    result: np.ndarray,
) -> None:
    """Write the carrier's phase (cycles) at places, whole or not.

    Parameters
    ----------
    lines, samples : ndarray, shape (n,), float64
    tables : ndarray, shape (3, samples), float64
        Rate of the carrier (Hz/s), Doppler centroid (Hz) and reference time (s) at whole samples.
    middle, interval : float
        Line of azimuth time 0, and s from line to line.
    """
    for k in range(lines.size):
        j = min(max(int(samples[k]), 0), tables.shape[1] - 2)
        s = samples[k] - j
        rate = tables[0, j] + s * (tables[0, j + 1] - tables[0, j])
        centroid = tables[1, j] + s * (tables[1, j + 1] - tables[1, j])
        time = (lines[k] - middle) * interval - tables[2, j] - s * (tables[2, j + 1] - tables[2, j])
        result[k] = (0.5 * rate * time + centroid) * time


@njit(cache=True, nogil=True)
def turn_by_carrier(
    pixels: np.ndarray, first_line: int, tables: np.ndarray, middle: float, interval: float, sign: float
) -> None:
    """Multiply whole lines, in place, by ``exp(j sign phase)`` of the carrier.

    Parameters
    ----------
    pixels : ndarray, shape (lines, samples), complex64
    first_line : int
        The burst's line that ``pixels[0]`` is.
    sign : float
        -1 takes the carrier off, 1 puts it on.
    """
    values = pixels.view(np.float32)
    for i in range(pixels.shape[0]):
        line = (first_line + i - middle) * interval
        for j in range(pixels.shape[1]):
            time = line - tables[2, j]
            cosine, sine = phasor(sign * (0.5 * tables[0, j] * time + tables[1, j]) * time)
            real, imaginary = values[i, 2 * j], values[i, 2 * j + 1]
            values[i, 2 * j] = real * cosine - imaginary * sine
            values[i, 2 * j + 1] = real * sine + imaginary * cosine
