"""Secondary bursts resampled to the reference's pixels, carriers moved along (specs/insar.md 4.8)."""

from __future__ import annotations

import numpy as np

from levelworks.insar.geometry.carrier import Carrier
from levelworks.insar.geometry.pair_offsets import PairOffsets
from levelworks.insar.resampling.resample_kernels import resample
from levelworks.insar.resampling.taps import interpolation_taps
from levelworks.insar.safe.burst import Burst


def resample_burst(
    pixels: np.ndarray,
    secondary: Burst,
    carrier: Carrier,
    offsets: PairOffsets,
    samples: int,
    lines: tuple[int, int],
    added: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Resample lines of a secondary burst.

    Parameters
    ----------
    pixels : ndarray, shape (lines, samples), complex64
        The whole secondary burst, its carrier taken off.
    secondary : Burst
    carrier : Carrier
        Of the secondary; put on again at the places that are sampled.
    offsets : PairOffsets
        On a grid of the reference whose axes are `pair_offsets.grid_axis`.
    samples : int
        Of the reference burst.
    lines : tuple of int
        First line of the reference and the one after the last.
    added : tuple of float
        Lines and samples to add to all places: what refinement found.

    Returns
    -------
    ndarray, shape (lines, samples), complex64
        0 where the pixels that are summed leave the secondary's valid window.
    """
    result = np.empty((lines[1] - lines[0], samples), np.complex64)
    window = secondary.valid
    resample(
        pixels,
        (window.first_line, window.last_line, window.first_sample, window.last_sample),
        np.stack([offsets.line, offsets.sample]),
        offsets.steps,
        added,
        lines[0],
        interpolation_taps(secondary.azimuth_window, 1 / secondary.azimuth_time_interval),
        interpolation_taps(secondary.range_window, secondary.range_sampling_rate),
        carrier.tables,
        carrier.middle,
        carrier.interval,
        result,
    )
    return result
