"""Mean and median combination of masked frames, a stripe of rows at a time.

Every pixel is combined on its own, in frame order, so that the result does not depend on how rows are striped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.combine_kernels import add_squared_errors, combine_quality, combine_samples
from levelworks.coronagraph.dq import DQ, UNUSABLE

SCRATCH_BYTES = 1 << 20
"""Size of the scratch of sort keys: it should stay in the second-level cache."""
MEDIAN_ERROR_FACTOR = np.sqrt(np.pi / 2.0)
"""Standard error of the median of many normal samples over that of their mean."""


@dataclass(frozen=True)
class Combination:
    """Frames combined, every plane of shape (rows, columns).

    Attributes
    ----------
    mean : ndarray, float64
        Sum of the usable samples in frame order, over their number.
    median : ndarray, dtype of the values
        Median of the usable samples; of an even number the mean of the two middle ones.
    count : ndarray, int32
        Number of usable samples (the peers' map_im).
    mean_error, median_error : ndarray of float64, or None
        Standard errors, where errors were given.
    dq : ndarray, uint16
        Data quality.
    """

    mean: np.ndarray
    median: np.ndarray
    count: np.ndarray
    mean_error: np.ndarray | None
    median_error: np.ndarray | None
    dq: np.ndarray


def combine_stripe(
    values: np.ndarray,
    usable: np.ndarray | None = None,
    *,
    errors: np.ndarray | None = None,
    dq: np.ndarray | None = None,
    empty_value: float = np.nan,
    scale_to_sum: bool = False,
) -> Combination:
    """Combine the usable samples of each pixel into mean, median, their errors, count and data quality.

    A sample counts where it is usable and not NaN. The error of a mean is sqrt(sum of squared errors) / count,
    which is the root mean square error over sqrt(count); that of a median is sqrt(pi / 2) times this, its value
    for many normal samples (corgidrp's combine_subexposures). An error that is NaN makes the result's NaN.

    Data quality: where no sample counts, all bits of all frames and ``DQ.ALL_MASKED``; elsewhere the informing
    bits (those not in `UNUSABLE`) of the samples that count, so that a good value is never called bad.

    Parameters
    ----------
    values : ndarray, shape (frames, rows, columns) or (rows, columns), float32 or float64
        Frames in the order in which they are summed; a 2-D array is one frame.
    usable : ndarray of bool or 0/1 integers, shape of values, optional
        Which samples may count. Without it: those whose dq has no unusable bit, or all.
    errors : ndarray, shape of values, optional
        Standard errors of the values.
    dq : ndarray of uint16, shape of values, optional
        Data quality of the frames.
    empty_value : float
        Mean, median and errors where no sample counts: 0 as in cgi_iit_drp, or NaN.
    scale_to_sum : bool
        Multiply values and errors by the number of frames (corgidrp's default).

    Returns
    -------
    Combination

    Raises
    ------
    InvalidInput
        Where there are no frames, shapes differ, or a mask holds more than 0 and 1.
    """
    values = _as_stack(values)
    if values.size == 0:
        raise InvalidInput(f"nothing to combine: the frames have shape {values.shape}")
    dq = None if dq is None else _as_cube(dq, values.shape, "data quality").astype(np.uint16, copy=False)
    errors = None if errors is None else _as_stack(errors)
    if errors is not None and errors.shape != values.shape:
        raise InvalidInput(f"frames to combine have shape {values.shape}, their errors {errors.shape}")
    samples: tuple[np.ndarray, np.unsignedinteger, np.unsignedinteger]
    if usable is not None:
        samples = (_as_mask(usable, values.shape), np.uint8(1), np.uint8(1))
    elif dq is not None:
        samples = (dq, np.uint16(UNUSABLE), np.uint16(0))
    else:
        samples = (np.zeros((1, *values.shape[1:]), np.uint8), np.uint8(0), np.uint8(0))

    frames, plane = values.shape[0], values.shape[1:]
    mean, count = np.empty(plane), np.empty(plane, np.int32)
    bits = values.view(np.int32 if values.itemsize == 4 else np.int64)
    infinity = values.dtype.type(np.inf).view(bits.dtype)
    lower, upper = np.empty(plane, values.dtype), np.empty(plane, values.dtype)
    tile = min(max(SCRATCH_BYTES // (frames * values.itemsize) // 16 * 16, 32), 256, plane[1])
    keys = np.empty((-(-frames // 4) * 4, tile), bits.dtype)
    combine_samples(values, bits, samples, infinity, keys, mean, lower.view(bits.dtype), upper.view(bits.dtype), count)
    with np.errstate(invalid="ignore", over="ignore"):
        median = np.where(count % 2 == 1, lower, (lower + upper) / values.dtype.type(2))
    mean_error = median_error = None
    if errors is not None:
        squares = np.zeros(plane)
        add_squared_errors(values, samples, errors, squares)
        mean_error = np.sqrt(squares) / np.maximum(count, 1)
        median_error = mean_error * MEDIAN_ERROR_FACTOR
    empty = count == 0
    for result in (mean, median, mean_error, median_error):
        if result is not None:
            if scale_to_sum:
                np.multiply(result, frames, out=result)
            result[empty] = empty_value
    quality = np.zeros(plane, np.uint16)
    if dq is not None:
        combine_quality(values, samples, dq, count, ~np.uint16(UNUSABLE), quality)
    quality[empty] |= np.uint16(DQ.ALL_MASKED)
    return Combination(mean, median, count, mean_error, median_error, quality)


def enough_for_read_noise(fewest: int, frames: int) -> bool:
    """Tell whether every pixel keeps at least half of the frames; ``fewest`` is the least count of all stripes."""
    return bool(fewest >= frames / 2)


def _as_stack(values: np.ndarray) -> np.ndarray:
    """Return a C-contiguous native stack of three dimensions in float32 or float64."""
    values = np.asarray(values)
    dtype = np.float32 if values.dtype.kind == "f" and values.dtype.itemsize == 4 else np.float64
    values = np.ascontiguousarray(values, dtype=dtype)
    if values.ndim not in (2, 3):
        raise InvalidInput(f"frames to combine must have 2 or 3 dimensions, not shape {values.shape}")
    return values if values.ndim == 3 else values[np.newaxis]


def _as_cube(flags: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    flags = np.asarray(flags)
    flags = np.ascontiguousarray(flags if flags.ndim == 3 else flags[np.newaxis])
    if flags.shape != shape:
        raise InvalidInput(f"frames to combine have shape {shape}, their {name} {flags.shape}")
    return flags


def _as_mask(usable: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    usable = _as_cube(usable, shape, "masks")
    if usable.dtype == np.bool_:
        return usable.view(np.uint8)
    if usable.dtype.kind not in "iu" or usable.min() < 0 or usable.max() > 1:
        raise InvalidInput("the masks of frames to combine must be boolean or integers 0 and 1")
    return usable.astype(np.uint8, copy=False)
