"""Compiled resampling of deramped bursts, their carrier put on at the places sampled (specs/insar.md 4.8)."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.insar.geometry.phasor_kernels import phasor


@njit(cache=True, nogil=True)
def resample(
    pixels: np.ndarray,
    window: tuple[int, int, int, int],
    offsets: np.ndarray,
    steps: tuple[int, int],
    added: tuple[float, float],
    first_line: int,
    line_taps: np.ndarray,
    sample_taps: np.ndarray,
    carrier: np.ndarray,
    middle: float,
    interval: float,
    result: np.ndarray,
) -> None:
    """Write lines of the reference's grid from a deramped secondary burst.

    Parameters
    ----------
    pixels : ndarray, shape (lines, samples), complex64
        Of the secondary, its carrier taken off.
    window : tuple of int
        First and last line, first and last sample of its valid pixels, both included.
    offsets : ndarray, shape (2, n, m), float64
        What to add to lines and samples of the reference, at every ``steps``-th of them; bilinear between.
    added : tuple of float
        Lines and samples to add to all places.
    first_line : int
        The reference's line that ``result[0]`` is.
    line_taps, sample_taps : ndarray, shape (fractions + 1, pixels), float32
        Weights for fractions of a pixel from 0 to 1 (`taps`).
    carrier : ndarray, shape (3, samples), float64
        Tables of the secondary's carrier (`geometry.carrier`), with its ``middle`` line and ``interval`` (s).
    result : ndarray, shape (lines, reference samples), complex64
        0 where the support leaves the valid window.
    """
    parts, out = pixels.view(np.float32), result.view(np.float32)
    tall, wide = line_taps.shape[1], sample_taps.shape[1]
    above, before = tall // 2 - 1, wide // 2 - 1
    gathered = np.empty(2 * wide, np.float32)
    fractions = line_taps.shape[0] - 1
    top, bottom, left, right = window
    for i in range(result.shape[0]):
        y = (first_line + i) / steps[0]
        k = min(int(y), offsets.shape[1] - 2)
        t = y - k
        for m in range(offsets.shape[2] - 1):
            start = m * steps[1]
            stop = min(start + steps[1], result.shape[1])
            line = offsets[0, k, m] * (1 - t) + offsets[0, k + 1, m] * t
            sample = offsets[1, k, m] * (1 - t) + offsets[1, k + 1, m] * t
            line_slope = (offsets[0, k, m + 1] * (1 - t) + offsets[0, k + 1, m + 1] * t - line) / steps[1]
            sample_slope = (offsets[1, k, m + 1] * (1 - t) + offsets[1, k + 1, m + 1] * t - sample) / steps[1]
            line += first_line + i + added[0]
            sample += start + added[1]
            for j in range(start, stop):
                at_line = line + line_slope * (j - start)
                at_sample = sample + (sample_slope + 1.0) * (j - start)
                out[i, 2 * j] = out[i, 2 * j + 1] = 0.0
                if not (at_line == at_line and at_sample == at_sample):
                    continue
                p, q = int(np.floor(at_line)), int(np.floor(at_sample))
                if p - above < top or p + tall - above - 1 > bottom:
                    continue
                if q - before < left or q + wide - before - 1 > right:
                    continue
                along = line_taps[int((at_line - p) * fractions + 0.5)]
                fraction = at_sample - q
                across = sample_taps[int(fraction * fractions + 0.5)]
                # Lines are summed first, samples beside each other: the loops run in vector registers.
                for n in range(2 * wide):
                    gathered[n] = 0.0
                for r in range(tall):
                    row, weight = parts[p - above + r, 2 * (q - before) : 2 * (q - before + wide)], along[r]
                    for n in range(2 * wide):
                        gathered[n] += weight * row[n]
                real = imaginary = np.float32(0.0)
                for n in range(wide):
                    real += across[n] * gathered[2 * n]
                    imaginary += across[n] * gathered[2 * n + 1]
                rate = carrier[0, q] + fraction * (carrier[0, q + 1] - carrier[0, q])
                centroid = carrier[1, q] + fraction * (carrier[1, q + 1] - carrier[1, q])
                later = carrier[2, q] + fraction * (carrier[2, q + 1] - carrier[2, q])
                time = (at_line - middle) * interval - later
                cosine, sine = phasor((0.5 * rate * time + centroid) * time)
                out[i, 2 * j] = real * cosine - imaginary * sine
                out[i, 2 * j + 1] = real * sine + imaginary * cosine
