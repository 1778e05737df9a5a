"""Compiled powers of many single-precision numbers at once."""

from __future__ import annotations

import numpy as np
from numba import njit

BIAS, MANTISSA = 127, 23
ROOT_HALF = 0x3F3504F3
"""Bits of the square root of 1/2."""
LN_2 = float(np.log(2))


@njit(cache=True, nogil=True)
def raise_powers(values: np.ndarray, power: np.float32) -> None:
    """Raise numbers of 0 to 1 to a power of 0 or more, in place.

    Parameters
    ----------
    values : ndarray, shape (n,), float32
        What is below 1e-30 counts as that.
    power : float32

    Notes
    -----
    ``2 ** (p log2 x)`` from the series of the area tangent and of the exponential, which unlike a library's function
    run in vector registers; good to 1e-6 of the result.
    """
    one, half = np.float32(1.0), np.float32(0.5)
    third, fifth, seventh, ninth = np.float32(1 / 3), np.float32(1 / 5), np.float32(1 / 7), np.float32(1 / 9)
    c2, c3, c4 = np.float32(LN_2**2 / 2), np.float32(LN_2**3 / 6), np.float32(LN_2**4 / 24)
    c5, c6, c7 = np.float32(LN_2**5 / 120), np.float32(LN_2**6 / 720), np.float32(LN_2**7 / 5040)
    c1, per_octave = np.float32(LN_2), np.float32(2 / LN_2)
    smallest = np.float32(1e-30)
    bits = values.view(np.int32)
    for k in range(values.size):
        values[k] = max(values[k], smallest)
    octaves = np.empty(values.size, np.float32)
    for k in range(values.size):
        apart = np.int32(bits[k] - np.int32(ROOT_HALF))
        octave = np.int32(apart >> np.int32(MANTISSA))
        octaves[k] = np.float32(octave)
        bits[k] = np.int32(bits[k] - np.int32(octave << np.int32(MANTISSA)))
    for k in range(values.size):
        s = (values[k] - one) / (values[k] + one)
        q = s * s
        series = one + q * (third + q * (fifth + q * (seventh + q * ninth)))
        values[k] = power * (octaves[k] + per_octave * s * series)
    for k in range(values.size):
        whole = np.int32(values[k] - half)
        f = values[k] - np.float32(whole)
        octaves[k] = one + f * (c1 + f * (c2 + f * (c3 + f * (c4 + f * (c5 + f * (c6 + f * c7))))))
        bits[k] = np.int32(np.int32(whole + np.int32(BIAS)) << np.int32(MANTISSA))
    for k in range(values.size):
        values[k] *= octaves[k]
