"""Compiled loops of the combination of frames: sums, counts, medians, errors and data quality of each pixel.

Samples are gathered by tiles of columns into a scratch buffer of sort keys that stays in the cache, and medians
are selected there for all columns of a tile at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def combine_samples(
    values: np.ndarray,
    bits: np.ndarray,
    samples: tuple[np.ndarray, np.unsignedinteger, np.unsignedinteger],
    infinity: np.signedinteger,
    keys: np.ndarray,
    mean: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    count: np.ndarray,
) -> None:
    """Sum, count and select the usable samples, tile by tile of columns.

    Parameters
    ----------
    values, bits : ndarray, shape (frames, rows, columns)
        The frames, and the same memory as signed integers.
    samples : tuple
        Flags, mask and wanted value: a sample is usable where flags & mask == wanted and it is not NaN; flags of
        one frame serve all.
    infinity : int
        The bits of infinity.
    keys : ndarray, shape (at least frames, a multiple of 4; tile), dtype of bits
        Scratch.
    mean, lower, upper, count : ndarray, shape (rows, columns)
        Results; lower and upper are the bits of the two middle samples.
    """
    flags, mask, wanted = samples
    frames, rows, columns = values.shape
    tile = keys.shape[1]
    masked = np.iinfo(keys.dtype).max
    total, number = np.empty(tile), np.empty(tile, keys.dtype)
    low, high = np.empty(tile, keys.dtype), np.empty(tile, keys.dtype)
    keys[:] = masked
    for row in range(rows):
        for first in range(0, columns, tile):
            width = min(tile, columns - first)
            here = slice(first, first + width)
            keys[:, width:] = masked
            total[:] = 0.0
            number[:] = 0
            for frame in range(frames):
                flag_frame = frame if flags.shape[0] > 1 else 0
                _write_keys(bits[frame, row, here], flags[flag_frame, row, here], mask, wanted, infinity, keys[frame])
                _add_samples(values[frame, row, here], keys[frame], total, number)
            _select_middle(keys, number, low, high)
            for i in range(width):
                lower[row, first + i] = low[i] if low[i] >= 0 else low[i] ^ masked
                upper[row, first + i] = high[i] if high[i] >= 0 else high[i] ^ masked
                count[row, first + i] = number[i]
                mean[row, first + i] = total[i] / max(number[i], 1)


@njit(cache=True, nogil=True)
def _write_keys(
    bits: np.ndarray,
    flags: np.ndarray,
    mask: np.unsignedinteger,
    wanted: np.unsignedinteger,
    infinity: np.signedinteger,
    keys: np.ndarray,
) -> None:
    """Turn samples into integers in the order of the floats, and those that don't count into the greatest one.

    The bits of a positive float are in order already; of a negative one all but the sign are turned. Beyond the
    key of infinity lie those of NaN.
    """
    masked = np.iinfo(keys.dtype).max
    for i in range(bits.size):
        bit = bits[i]
        usable = (flags[i] & mask == wanted) & ((bit & masked) <= infinity)
        keys[i] = (bit if bit >= 0 else bit ^ masked) if usable else masked


@njit(cache=True, nogil=True)
def _add_samples(values: np.ndarray, keys: np.ndarray, total: np.ndarray, number: np.ndarray) -> None:
    masked = np.iinfo(keys.dtype).max
    for i in range(values.size):
        total[i] += values[i] if keys[i] != masked else 0.0
    for i in range(values.size):
        number[i] += keys[i] != masked


@njit(cache=True, nogil=True)
def _common_start(keys: np.ndarray, base: np.ndarray) -> int:
    """Write the least key of each column to base, and return the highest bit in which any two of a column differ.

    The sign counts as the highest bit; -1 where no two keys differ.
    """
    masked = np.iinfo(keys.dtype).max
    greatest = np.full(base.size, ~masked, keys.dtype)
    base[:] = masked
    for k in range(keys.shape[0]):
        row = keys[k]
        for i in range(base.size):
            key = row[i]
            base[i] = min(base[i], key)
            greatest[i] = max(greatest[i], key if key != masked else ~masked)
    differing = 0
    for i in range(base.size):
        if base[i] != masked:
            differing |= base[i] ^ greatest[i]
    if differing < 0:
        return 8 * keys.itemsize - 1
    top = -1
    while differing >> (top + 1) > 0:
        top += 1
    return top


@njit(cache=True, nogil=True)
def _select_middle(keys: np.ndarray, number: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """Find the two middle keys of every column of a tile by bisection on their bits, all columns at once.

    A bit of ``low`` is set where no more than the rank of the lower middle key lie below, until one key is left
    in each column's interval. No sample moves and nothing branches on data, so this runs in vector registers.
    """
    tile = keys.shape[1]
    masked = np.iinfo(keys.dtype).max
    highest = 8 * keys.itemsize - 1
    top = _common_start(keys, low)
    edge, below = np.empty(tile, keys.dtype), np.empty(tile, keys.dtype)
    under, over = np.zeros(tile, keys.dtype), number.copy()  # keys below the interval, and below its end
    for i in range(tile):
        low[i] = ~masked if top == highest else (low[i] >> (top + 1)) << (top + 1)
    for position in range(top, -1, -1):
        step = ~masked if position == highest else 1 << position
        for i in range(tile):
            edge[i] = low[i] ^ step
        below[:] = 0
        for k in range(0, keys.shape[0], 4):
            first, second, third, fourth = keys[k], keys[k + 1], keys[k + 2], keys[k + 3]
            for i in range(tile):
                limit = edge[i]
                below[i] += (first[i] < limit) + (second[i] < limit) + (third[i] < limit) + (fourth[i] < limit)
        most = 0
        for i in range(tile):
            right = below[i] <= (number[i] - 1) >> 1
            low[i] = edge[i] if right else low[i]
            under[i] = below[i] if right else under[i]
            over[i] = over[i] if right else below[i]
            most = max(most, over[i] - under[i])
        if most <= 1:
            break
    edge[:] = low
    low[:] = masked
    for k in range(keys.shape[0]):
        row = keys[k]
        for i in range(tile):
            low[i] = min(low[i], row[i] if row[i] >= edge[i] else masked)
    # The upper middle key equals the lower where enough keys do; else it is the next greater.
    below[:] = 0
    high[:] = masked
    for k in range(keys.shape[0]):
        row = keys[k]
        for i in range(tile):
            below[i] += row[i] <= low[i]
            high[i] = min(high[i], row[i] if row[i] > low[i] else masked)
    for i in range(tile):
        high[i] = low[i] if below[i] > number[i] >> 1 else high[i]


@njit(cache=True, nogil=True)
def add_squared_errors(
    values: np.ndarray,
    samples: tuple[np.ndarray, np.unsignedinteger, np.unsignedinteger],
    errors: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Add the squared errors of the samples that count."""
    flags, mask, wanted = samples
    frames, rows, columns = values.shape
    for row in range(rows):
        for frame in range(frames):
            flag = flags[frame if flags.shape[0] > 1 else 0, row]
            value, error, out = values[frame, row], errors[frame, row], squares[row]
            for i in range(columns):
                counts = (flag[i] & mask == wanted) & (not np.isnan(value[i]))
                wide = np.float64(error[i])
                out[i] += wide * wide if counts else 0.0


@njit(cache=True, nogil=True)
def combine_quality(
    values: np.ndarray,
    samples: tuple[np.ndarray, np.unsignedinteger, np.unsignedinteger],
    dq: np.ndarray,
    count: np.ndarray,
    informing: np.uint16,
    quality: np.ndarray,
) -> None:
    """Combine the informing bits of the samples that count, or all bits where none does."""
    flags, mask, wanted = samples
    frames, rows, columns = values.shape
    for row in range(rows):
        for frame in range(frames):
            flag = flags[frame if flags.shape[0] > 1 else 0, row]
            value, bits, out, number = values[frame, row], dq[frame, row], quality[row], count[row]
            for i in range(columns):
                counts = (flag[i] & mask == wanted) & (not np.isnan(value[i]))
                kept = bits[i] & informing if counts else np.uint16(0)
                out[i] |= bits[i] if number[i] == 0 else kept
