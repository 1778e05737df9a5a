"""Movement between BROADNIR and NIR of Sentinel-2, by blocks of rows."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.inputs import Inputs
from levelworks.ard.masks.parallax_kernels import COUNTS, match_bands, sum_of_four
from levelworks.ard.masks.pixel_test_kernels import EVIDENCE_STEP
from levelworks.ard.masks.settings import CANDIDATE
from levelworks.ard.scratch import Scratch

HALF_WINDOW = 3
"""Cells: windows of seven, 140 m for low and 280 m for high clouds."""
NEAR_REACH, NEAR_ACROSS = 4, 1
"""Pixels of 10 m along and across the track: clouds up to 2600 m."""
FAR_REACH, FAR_ACROSS = 8, 2
"""Pixels of 20 m: clouds up to 10 km."""
HALO = 48
"""Rows of 10 m that a window with its shifts reaches, whole cells of 40 m."""
PIXEL = 10.0
PARALLAX = 0.01703
"""Tangent of the angle along track between the two bands, as the angle grids of real Level-1C metadata have it."""
BORDER = 2
"""Cells around that must agree on movement."""
CANDIDATE_HALO = 12
"""Rows of 10 m around a block whose candidates count as neighbours."""
TELLING = 0.5
"""Evidence from which on movement at one scale outweighs rest at the other."""


def whole_counts(reflectance: np.ndarray) -> np.ndarray:
    """Return reflectance in whole numbers, int32; -1 is no data."""
    scaled = np.rint(reflectance * COUNTS)
    return np.where(np.isfinite(scaled), np.clip(scaled, 0.0, 60000.0), -1.0).astype(np.int32)


def movement(first: np.ndarray, second: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the evidence of movement on cells of two by two pixels, and the height of what moved.

    Parameters
    ----------
    first, second : ndarray, shape (rows, columns), int32
        The two bands in whole numbers; -1 is no data. Numbers of rows and columns are multiples of four.
    wanted : ndarray of bool, shape (rows / 2, columns / 2)

    Returns
    -------
    evidence : ndarray, float32
        Natural logarithm; zero where none is wanted.
    heights : ndarray, float32
        Metres above ground; NaN where unknown.
    """
    near_first, near_second = sum_of_four(first)[::2, ::2].copy(), sum_of_four(second)
    near, near_shift = _match(near_first, near_second, wanted, NEAR_REACH, NEAR_ACROSS)
    far_first = sum_of_four(_quarter(near_first))[::2, ::2].copy()
    far_second = sum_of_four(_quarter(near_second[::2, ::2]))
    far_wanted = wanted[::2, ::2] | wanted[1::2, ::2] | wanted[::2, 1::2] | wanted[1::2, 1::2]
    coarse = _match(far_first, far_second, far_wanted, FAR_REACH, FAR_ACROSS)
    far, far_shift = (np.repeat(np.repeat(part, 2, axis=0), 2, axis=1) for part in coarse)
    most = np.maximum(near, far)
    found = np.where(most > TELLING, most, np.minimum(near, far))
    low, high = (near > TELLING) & np.isfinite(near_shift), far > TELLING
    metres = np.where(low, PIXEL * near_shift, np.where(high, 2.0 * PIXEL * far_shift, np.nan)) / PARALLAX
    # A window at the border of a cloud sees movement before its centre does.
    least = ndimage.minimum_filter(np.where(wanted, found, np.inf), 2 * BORDER + 1, mode="constant", cval=np.inf)
    evidence = np.where(wanted, least, 0.0).astype(np.float32)
    return evidence, np.where(evidence > TELLING, metres, np.nan).astype(np.float32)


def _match(
    first: np.ndarray, second: np.ndarray, wanted: np.ndarray, reach: int, across: int
) -> tuple[np.ndarray, np.ndarray]:
    evidence, shift = np.zeros(wanted.shape, np.float32), np.full(wanted.shape, np.nan, np.float32)
    match_bands(first, second, wanted, reach, across, HALF_WINDOW, evidence, shift)
    return evidence, shift


def _quarter(sums: np.ndarray) -> np.ndarray:
    return np.where(sums < 0, -1, sums // 4).astype(np.int32)


def find_moving(inputs: Inputs, flags: Scratch, moving: Scratch, lift: Scratch, block: range) -> None:
    """Write the evidence of movement of a block's candidates, and the heights of what moved, on cells."""
    half = slice(block.start // 2, -(-block.stop // 2))
    around = inputs.with_halo(block, CANDIDATE_HALO)
    bits = flags.read(around.start, around.stop) & CANDIDATE
    if not bits.any():
        moving.write(half.start, np.zeros((half.stop - half.start, moving.columns), np.int8))
        return
    rows = inputs.with_halo(block, HALO)
    first, second = (_padded(whole_counts(inputs.toa(band, rows.start, rows.stop))) for band in ("NIR", "BROADNIR"))
    wanted = np.zeros((first.shape[0] // 2, first.shape[1] // 2), bool)
    padded = _padded(bits.astype(np.int32), 0) > 0
    offset, skip = (around.start - rows.start) // 2, (block.start - rows.start) // 2
    wanted[offset : offset + padded.shape[0] // 2] = (
        padded[::2, ::2] | padded[1::2, ::2] | padded[::2, 1::2] | padded[1::2, 1::2]
    )
    evidence, metres = (
        part[skip : skip + half.stop - half.start, : moving.columns] for part in movement(first, second, wanted)
    )
    moving.write(half.start, np.rint(evidence * EVIDENCE_STEP).astype(np.int8))
    lift.write(block.start // inputs.step, cell_heights(metres, inputs.step // 2))


def cell_heights(metres: np.ndarray, step: int) -> np.ndarray:
    """Return the mean of the known heights in cells of `step` by `step`, whole metres, uint16; 0 where none is."""
    rows, columns = (-(-size // step) for size in metres.shape)
    full = np.full((rows * step, columns * step), np.nan, np.float32)
    full[: metres.shape[0], : metres.shape[1]] = metres
    full = full.reshape(rows, step, columns, step)
    known = np.isfinite(full)
    total = np.where(known, full, 0.0).sum(axis=(1, 3), dtype=np.float64)
    return np.rint(np.clip(total / np.maximum(known.sum(axis=(1, 3)), 1), 0.0, 65535.0)).astype(np.uint16)


def _padded(values: np.ndarray, fill: int = -1) -> np.ndarray:
    """Return an array extended to multiples of four."""
    rows, columns = values.shape
    return np.pad(values, ((0, -rows % 4), (0, -columns % 4)), constant_values=fill)
