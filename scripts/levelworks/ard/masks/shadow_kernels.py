"""Clouds projected along the sun's rays, and how well what they fall on looks like shadow."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.settings import OBJECT_SIZE
from levelworks.ard.masks.shade import EVIDENCE_STEP, UNSEEN


@njit(cache=True, nogil=True)
def shadow_of(
    row: float, column: float, height: float, down: float, across: float, relief: np.ndarray, base: float
) -> tuple[int, int, bool]:
    """Return the cell that the shadow of a cell falls on, and whether the ground lies below the cloud there.

    Parameters
    ----------
    height : float
        Of the cloud above the ground beneath it, metres.
    down, across : float
        Cells a metre of height.
    relief : ndarray, shape (rows, columns) or (0, 0), int16
        Elevation, metres.
    base : float
        Elevation of the ground beneath the cloud, metres.
    """
    y, x = int(np.rint(row + height * down)), int(np.rint(column + height * across))
    if relief.size == 0:
        return y, x, True
    for _ in range(2):
        here = relief[min(max(y, 0), relief.shape[0] - 1), min(max(x, 0), relief.shape[1] - 1)]
        drop = height + base - here
        if drop <= 0.0:
            return y, x, False
        y, x = int(np.rint(row + drop * down)), int(np.rint(column + drop * across))
    return y, x, True


@njit(cache=True, nogil=True)
def score_heights(
    starts: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    heights: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    darkness: np.ndarray,
    relief: np.ndarray,
    bases: np.ndarray,
    samples: int,
    scores: np.ndarray,
    visible: np.ndarray,
) -> None:
    """Score every height of every piece of cloud by the darkness its shadow would fall on.

    Parameters
    ----------
    starts : ndarray, shape (pieces + 1,), int64
        Of each piece in `rows` and `columns`.
    rows, columns : ndarray, int32
        Cells of the pieces.
    heights : ndarray, shape (heights,), float64
        Metres.
    down, across : ndarray, shape (pieces,), float64
        Cells a metre.
    darkness : ndarray, int8
        As `find_shade` has it.
    bases : ndarray, shape (pieces,), float64
        Elevation beneath each piece, metres.
    samples : int
        Cells of a piece that are projected, evenly spread.
    scores : ndarray, shape (pieces, heights), float32
        Mean evidence of all cells projected, those unseen counting as zero; -inf where the shadow
        would fall on ground above the cloud. Filled in place.
    visible : ndarray, shape (pieces, heights), float32
        Share of cells whose shadow can be seen. Filled in place.
    """
    height, width = darkness.shape
    for piece in range(starts.size - 1):
        first, end = starts[piece], starts[piece + 1]
        stride = max(1, -(-(end - first) // samples))
        for k in range(heights.size):
            scores[piece, k], visible[piece, k] = -np.inf, 0.0
            total, seen, count, illegal = 0, 0, 0, 0
            for i in range(first, end, stride):
                count += 1
                y, x, legal = shadow_of(
                    rows[i], columns[i], heights[k], down[piece], across[piece], relief, bases[piece]
                )
                if not legal:
                    illegal += 1
                elif 0 <= y < height and 0 <= x < width and darkness[y, x] != UNSEEN:
                    total += darkness[y, x]
                    seen += 1
            if 2 * illegal < count:
                scores[piece, k] = total / EVIDENCE_STEP / count
                visible[piece, k] = seen / count


@njit(cache=True, nogil=True)
def tell_decks_apart(
    starts: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    heights: np.ndarray,
    others: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    darkness: np.ndarray,
    relief: np.ndarray,
    bases: np.ndarray,
    half: int,
    gain: float,
    metres: np.ndarray,
) -> None:
    """Give cells of a piece another usual height where their own surroundings show plainly that it is theirs.

    Clouds of several decks overlap in one object; around each cell the evidence of every height is summed.

    Parameters
    ----------
    heights : ndarray, shape (pieces,), float64
        Metres; zero where no height is possible.
    others : ndarray, shape (pieces, count), float64
        Heights that clouds around have, metres; zeros don't count.
    half : int
        Cells on either side over which evidence is summed.
    gain : float
        Evidence by which another height must be better.
    metres : ndarray, shape (cells,), float64
        Height of each cell; filled in place.
    """
    for piece in range(starts.size - 1):
        first, end = starts[piece], starts[piece + 1]
        metres[first:end] = heights[piece]
        if heights[piece] <= 0.0:
            continue
        top, bottom = rows[first], rows[first]
        left, right = columns[first], columns[first]
        for i in range(first, end):
            top, bottom = min(top, rows[i]), max(bottom, rows[i])
            left, right = min(left, columns[i]), max(right, columns[i])
        best = np.empty(end - first, np.int64)
        for k in range(-1, others.shape[1]):
            height = heights[piece] if k < 0 else others[piece, k]
            if height <= 0.0:
                continue
            sums = np.zeros((bottom - top + 2, right - left + 2), np.int64)
            for i in range(first, end):
                y, x, legal = shadow_of(rows[i], columns[i], height, down[piece], across[piece], relief, bases[piece])
                if legal and 0 <= y < darkness.shape[0] and 0 <= x < darkness.shape[1] and darkness[y, x] != UNSEEN:
                    sums[rows[i] - top + 1, columns[i] - left + 1] = darkness[y, x]
            for y in range(1, sums.shape[0]):
                for x in range(1, sums.shape[1]):
                    sums[y, x] += sums[y - 1, x] + sums[y, x - 1] - sums[y - 1, x - 1]
            for i in range(first, end):
                upper, lower = max(rows[i] - top - half, 0), min(rows[i] - top + half + 1, sums.shape[0] - 1)
                near, far = max(columns[i] - left - half, 0), min(columns[i] - left + half + 1, sums.shape[1] - 1)
                around = sums[lower, far] - sums[upper, far] - sums[lower, near] + sums[upper, near]
                if k < 0:
                    best[i - first] = around + int(gain * EVIDENCE_STEP)
                elif around > best[i - first]:
                    best[i - first], metres[i] = around, height


@njit(cache=True, nogil=True)
def project_cells(
    starts: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    metres: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    relief: np.ndarray,
    bases: np.ndarray,
    downs: np.ndarray,
    acrosses: np.ndarray,
    shadow: np.ndarray,
) -> None:
    """Project the cells of pieces from their heights: where each one's shadow falls.

    Parameters
    ----------
    metres : ndarray, shape (cells,), float64
        Height of each cell; zero where it casts no shadow. The other parameters are those of `score_heights`.
    downs, acrosses : ndarray, shape (rows, columns), int16
        Metres from each cell of cloud to its shadow, to the south and to the east. Filled in place.
    shadow : ndarray of bool, shape (rows, columns)
        Marked in place.
    """
    for piece in range(starts.size - 1):
        for i in range(starts[piece], starts[piece + 1]):
            downs[rows[i], columns[i]], acrosses[rows[i], columns[i]] = 0, 0
            if metres[i] <= 0.0:
                continue
            y, x, legal = shadow_of(rows[i], columns[i], metres[i], down[piece], across[piece], relief, bases[piece])
            if not legal:
                continue
            length = metres[i]
            if relief.size > 0:
                inside_y, inside_x = min(max(y, 0), relief.shape[0] - 1), min(max(x, 0), relief.shape[1] - 1)
                length += bases[piece] - relief[inside_y, inside_x]
            downs[rows[i], columns[i]] = int(np.rint(length * down[piece] * OBJECT_SIZE))
            acrosses[rows[i], columns[i]] = int(np.rint(length * across[piece] * OBJECT_SIZE))
            if 0 <= y < shadow.shape[0] and 0 <= x < shadow.shape[1]:
                shadow[y, x] = True


@njit(cache=True, nogil=True)
def cast(
    cloud: np.ndarray, downs: np.ndarray, acrosses: np.ndarray, step: int, start: int, first: int, shadow: np.ndarray
) -> None:
    """Mark where the shadows of a block's clouds fall in another block.

    Parameters
    ----------
    cloud : ndarray of bool, shape (rows, columns)
    downs, acrosses : ndarray, shape (cell rows, cell columns), int16
        Pixels between cloud and shadow, of each cell that the rows of `cloud` touch; both zero for no shadow.
    step : int
        Pixels along a side of a cell.
    start : int
        Row of the image that the first row of `cloud` is; the first cell row begins there.
    first : int
        Row of the image that the first row of `shadow` is.
    shadow : ndarray of bool, shape (rows, columns)
        Marked in place.
    """
    height, width = shadow.shape
    for row in range(cloud.shape[0]):
        for column in range(cloud.shape[1]):
            if not cloud[row, column]:
                continue
            down, across = downs[row // step, column // step], acrosses[row // step, column // step]
            if down == 0 and across == 0:
                continue
            y, x = start + row + down - first, column + across
            if 0 <= y < height and 0 <= x < width:
                shadow[y, x] = True
