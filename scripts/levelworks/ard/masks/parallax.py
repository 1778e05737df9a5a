"""Movement between BROADNIR and NIR of Sentinel-2, by blocks of rows."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.inputs import Inputs
from levelworks.ard.masks.parallax_kernels import COUNTS, match_bands, sum_of_four
from levelworks.ard.masks.pixel_test_kernels import EVIDENCE_STEP
from levelworks.ard.scratch import Scratch

HALF_WINDOW = 3
"""Cells: windows of seven, 140 m for low and 280 m for high clouds."""
NEAR_REACH, NEAR_ACROSS = 4, 1
"""Pixels of 10 m along and across the track: clouds up to 2600 m."""
FAR_REACH, FAR_ACROSS = 8, 2
"""Pixels of 20 m: clouds up to 10 km."""
HALO = 48
"""Rows of 10 m that a window with its shifts reaches, whole cells of 40 m."""
BORDER = 2
"""Cells around that must agree on movement."""
TELLING = 0.5
"""Evidence from which on movement at one scale outweighs rest at the other."""


def whole_counts(reflectance: np.ndarray) -> np.ndarray:
    """Return reflectance in whole numbers, int32; -1 is no data."""
    scaled = np.rint(reflectance * COUNTS)
    return np.where(np.isfinite(scaled), np.clip(scaled, 0.0, 60000.0), -1.0).astype(np.int32)


def movement(first: np.ndarray, second: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the evidence of movement on cells of two by two pixels, natural logarithm, float32.

    Parameters
    ----------
    first, second : ndarray, shape (rows, columns), int32
        The two bands in whole numbers; -1 is no data. Even numbers of rows and columns, in multiples of four.
    wanted : ndarray of bool, shape (rows / 2, columns / 2)
        Elsewhere the result is zero.
    """
    near_first, near_second = sum_of_four(first)[::2, ::2].copy(), sum_of_four(second)
    near = np.zeros(wanted.shape, np.float32)
    match_bands(near_first, near_second, wanted, NEAR_REACH, NEAR_ACROSS, HALF_WINDOW, near)
    far_first = sum_of_four(_quarter(near_first))[::2, ::2].copy()
    far_second = sum_of_four(_quarter(near_second[::2, ::2]))
    far_wanted = wanted[::2, ::2] | wanted[1::2, ::2] | wanted[::2, 1::2] | wanted[1::2, 1::2]
    far = np.zeros(far_wanted.shape, np.float32)
    match_bands(far_first, far_second, far_wanted, FAR_REACH, FAR_ACROSS, HALF_WINDOW, far)
    far = np.repeat(np.repeat(far, 2, axis=0), 2, axis=1)
    most = np.maximum(near, far)
    found = np.where(most > TELLING, most, np.minimum(near, far))
    # A window at the border of a cloud sees movement before its centre does.
    least = ndimage.minimum_filter(np.where(wanted, found, np.inf), 2 * BORDER + 1, mode="constant", cval=np.inf)
    return np.where(wanted, least, 0.0).astype(np.float32)


def _quarter(sums: np.ndarray) -> np.ndarray:
    return np.where(sums < 0, -1, sums // 4).astype(np.int32)


def find_moving(inputs: Inputs, flags: Scratch, moving: Scratch, candidate: int, block: range) -> None:
    """Write the evidence of movement of a block's candidates, int8, `EVIDENCE_STEP` per natural logarithm."""
    half = slice(block.start // 2, -(-block.stop // 2))
    bits = flags.read(block.start, block.stop) & candidate
    if not bits.any():
        moving.write(half.start, np.zeros((half.stop - half.start, moving.columns), np.int8))
        return
    rows = inputs.with_halo(block, HALO)
    first, second = (_padded(whole_counts(inputs.toa(band, rows.start, rows.stop))) for band in ("NIR", "BROADNIR"))
    wanted = np.zeros((first.shape[0] // 2, first.shape[1] // 2), bool)
    padded = _padded(bits.astype(np.int32), 0) > 0
    skip = (block.start - rows.start) // 2
    wanted[skip : skip + padded.shape[0] // 2] = (
        padded[::2, ::2] | padded[1::2, ::2] | padded[::2, 1::2] | padded[1::2, 1::2]
    )
    found = movement(first, second, wanted)[skip : skip + half.stop - half.start, : moving.columns]
    moving.write(half.start, np.rint(found * EVIDENCE_STEP).astype(np.int8))


def _padded(values: np.ndarray, fill: int = -1) -> np.ndarray:
    """Return an array extended to multiples of four."""
    rows, columns = values.shape
    return np.pad(values, ((0, -rows % 4), (0, -columns % 4)), constant_values=fill)
