"""Compiled unit phasors of phases in cycles, accurate to single precision and free of branches."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, inline="always")
def phasor(cycles):  # type: ignore[no-untyped-def]
    """Return cosine and sine (float32) of a phase in cycles (float64), however large.

    Whole cycles are taken off in double precision. Sine and cosine of half the angle are polynomials in the square
    of the rest (Chebyshev interpolation, 6e-11), and doubled.
    """
    rest = np.float32(cycles - math.floor(cycles + 0.5))
    q = rest * rest
    sine = rest * (
        np.float32(3.141592653536132)
        + q
        * (
            np.float32(-5.167712764593018)
            + q
            * (
                np.float32(2.5501633179386536)
                + q
                * (
                    np.float32(-0.5992521865328313)
                    + q * (np.float32(0.08205035020538638) + q * np.float32(-0.007028303860996682))
                )
            )
        )
    )
    cosine = np.float32(0.9999999999992479) + q * (
        np.float32(-4.934802200249853)
        + q
        * (
            np.float32(4.058712107537561)
            + q
            * (
                np.float32(-1.3352623152630625)
                + q
                * (
                    np.float32(0.2353254365944383)
                    + q * (np.float32(-0.025776316434749914) + q * np.float32(0.0018399894265247146))
                )
            )
        )
    )
    return np.float32(1.0) - np.float32(2.0) * sine * sine, np.float32(2.0) * sine * cosine


@njit(cache=True, nogil=True)
def turn(pixels: np.ndarray, cycles: np.ndarray) -> None:
    """Multiply pixels (complex64), in place, by the unit phasors of phases in cycles (float64)."""
    values = pixels.view(np.float32)
    for i in range(pixels.shape[0]):
        for j in range(pixels.shape[1]):
            cosine, sine = phasor(cycles[i, j])
            real, imaginary = values[i, 2 * j], values[i, 2 * j + 1]
            values[i, 2 * j] = real * cosine - imaginary * sine
            values[i, 2 * j + 1] = real * sine + imaginary * cosine
