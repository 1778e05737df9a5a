"""Compiled loops of the search for cosmic rays: bright rows, heads of plateaus, streaks, tails and boxes."""

from __future__ import annotations

import numpy as np
from numba import njit

_BACKGROUND_REACH = 256


@njit(cache=True, nogil=True)
def rows_reaching(image: np.ndarray, level: float) -> np.ndarray:
    """Return the rows that hold a pixel of at least the level; counting, unlike a maximum, vectorises."""
    rows = np.empty(image.shape[0], np.int64)
    number = 0
    for row in range(image.shape[0]):
        bright = 0
        for column in range(image.shape[1]):
            bright += image[row, column] >= level
        if bright > 0:
            rows[number] = row
            number += 1
    return rows[:number]


@njit(cache=True, nogil=True)
def flag_level(image: np.ndarray, dq: np.ndarray, level: float, bit: np.uint16, rows: np.ndarray) -> int:
    """Set a bit where the pixels of some rows reach the level; return their number."""
    number = 0
    for row in rows:
        for column in range(image.shape[1]):
            if image[row, column] >= level:
                dq[row, column] |= bit
                number += 1
    return number


@njit(cache=True, nogil=True)
def _mark_plateaus(values: np.ndarray, head_level: float, plateau_level: float, is_head: np.ndarray) -> None:
    """Mark the first pixel of every plateau of one row that holds a pixel of the head level."""
    level = min(head_level, plateau_level)
    start = 0
    for i in range(values.size):
        if values[i] >= level and (i == 0 or not values[i - 1] >= level):
            start = i
        if values[i] >= head_level:
            is_head[start] = True


@njit(cache=True, nogil=True)
def _mark_plateaus_compat(
    values: np.ndarray, head_level: float, plateau_level: float, window: int, is_head: np.ndarray
) -> None:
    """Mark the heads that the running median of one row leads back to.

    The median is the element of rank window // 2 over the offsets from -(window // 2) on, edges repeated: it
    reaches a level where at least window - window // 2 pixels of the window do.
    """
    last = values.size - 1
    before, needed = window // 2, window - window // 2
    bright = 0
    for offset in range(-before, needed):
        bright += values[min(max(offset, 0), last)] >= head_level
    start = 0
    for i in range(values.size):
        if i > 0:
            bright += values[min(i + needed - 1, last)] >= head_level
            bright -= values[max(i - before - 1, 0)] >= head_level
        on_plateau = values[i] >= plateau_level
        if on_plateau and (i == 0 or not values[i - 1] >= plateau_level):
            start = i
        head = start if on_plateau else i + 1
        if bright >= needed and head <= last:
            is_head[head] = True


@njit(cache=True, nogil=True)
def find_heads(
    image: np.ndarray,
    hot_rows: np.ndarray,
    head_level: float,
    plateau_level: float,
    window: int,
    compat: bool,
    bounds: tuple[int, int, int, int],
    excluded: tuple[float, float, float],
) -> np.ndarray:
    """Return rows and columns of the heads, shape (heads, 2), within bounds and outside the excluded circle."""
    first_row, end_row, first_column, end_column = bounds
    centre_row, centre_column, radius = excluded
    heads = np.empty((64, 2), np.int64)
    number = 0
    is_head = np.zeros(image.shape[1], np.bool_)
    for row in hot_rows:
        if row < first_row or row >= end_row:
            continue
        is_head[:] = False
        if compat:
            _mark_plateaus_compat(image[row], head_level, plateau_level, window, is_head)
        else:
            _mark_plateaus(image[row], head_level, plateau_level, is_head)
        for column in range(first_column, end_column):
            if not is_head[column]:
                continue
            if radius >= 0.0 and (row - centre_row) ** 2 + (column - centre_column) ** 2 <= radius * radius:
                continue
            if number == heads.shape[0]:
                longer = np.empty((2 * number, 2), np.int64)
                longer[:number] = heads
                heads = longer
            heads[number, 0], heads[number, 1] = row, column
            number += 1
    return heads[:number]


@njit(cache=True, nogil=True)
def _row_background(values: np.ndarray, column: int, window: int) -> float:
    """Return the median of the means of blocks of the row around a column: a mean that a few hits can't move."""
    first = max(0, min(column, values.size) - _BACKGROUND_REACH)
    end = min(values.size, column + _BACKGROUND_REACH)
    blocks = max(1, (end - first) // window)
    means = np.empty(blocks)
    for block in range(blocks):
        start = first + block * window
        stop = min(start + window, end)
        total = 0.0
        for i in range(start, stop):
            total += values[i]
        means[block] = total / (stop - start)
    return np.nanmedian(means)


@njit(cache=True, nogil=True)
def _follow_tail(
    stream: np.ndarray, stop: int, limit: int, plateau_level: float, background: float, noise: float, window: int
) -> int:
    """Move the end of a streak along the stream while the mean of the next pixels is significant.

    The mean ends before the next plateau, which has a streak of its own.
    """
    while stop < limit:
        total, number = 0.0, 0
        while number < window and stop + number < limit and stream[stop + number] < plateau_level:
            total += stream[stop + number] - background
            number += 1
        if number == 0 or not total > noise * np.sqrt(number):
            break
        stop += 1
    return stop


@njit(cache=True, nogil=True)
def mask_heads(
    image: np.ndarray,
    dq: np.ndarray,
    heads: np.ndarray,
    plateau_level: float,
    tail: int,
    from_end: bool,
    box: int,
    wraps: bool,
    compat: bool,
    adaptive: tuple[float, int, int],
    bit: np.uint16,
) -> None:
    """Set a bit over the box around every head and over its streak.

    Parameters
    ----------
    heads : ndarray, shape (heads, 2)
        From `find_heads`.
    tail : int
        Pixels after the head, or after the plateau's end where ``from_end``.
    wraps, compat : bool
        Whether streaks go on in the next row, and whether they do with the peer's shift.
    adaptive : tuple
        Noise times significance (DN), window and greatest length of a tail to follow; a length of 0 follows none.
    """
    rows, columns = image.shape
    stream = image.reshape(-1)
    noise, window, longest = adaptive
    for k in range(heads.shape[0]):
        row, column = heads[k]
        for r in range(max(0, row - box), min(rows, row + box + 1)):
            for c in range(max(0, column - box), min(columns, column + box + 1)):
                dq[r, c] |= bit
        head = row * columns + column
        row_end = (row + 1) * columns
        limit = rows * columns if wraps else row_end
        last = head
        if from_end or longest > 0:
            while last + 1 < limit and stream[last] >= plateau_level and stream[last + 1] >= plateau_level:
                last += 1
        stop = (last if from_end else head) + tail + 1
        if longest > 0 and stop < limit:
            background = _row_background(image[row], column, window)
            furthest = min(limit, max(stop, last + 1 + longest))
            stop = _follow_tail(stream, max(stop, last + 1), furthest, plateau_level, background, noise, window)
        for c in range(column, min(stop - row * columns, columns)):
            dq[row, c] |= bit
        # The peer's wrapped part repeats the last pixel of the row, and so ends one pixel early.
        shift = 1 if compat else 0
        for pixel in range(row_end - shift, min(stop - shift, limit)):
            dq[pixel // columns, pixel % columns] |= bit
