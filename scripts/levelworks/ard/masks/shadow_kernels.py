"""Clouds projected along the sun's rays, and how well what they fall on looks like shadow."""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.ard.masks.settings import OBJECT_SIZE
from levelworks.ard.masks.shade_kernels import EVIDENCE_STEP, UNSEEN

CLEARLY_HIGHER, HIGHER_BY = 1.1, 100.0
"""A cloud hides others that are lower by a tenth and 100 m."""


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


@njit(cache=True, nogil=True)
def hides_its_source(
    row: int,
    column: int,
    levels: np.ndarray,
    down: float,
    across: float,
    near_infrared: np.ndarray,
    above: np.ndarray,
) -> bool:
    """Tell whether a cloud that the image does not show could shade a cell: one beyond it, or below another cloud.

    Parameters
    ----------
    levels : ndarray, float64
        Heights of clouds, metres.
    down, across : float
        Cells from a cloud to its shadow a metre of height.
    near_infrared : ndarray, shape (rows, columns), uint16
        Zero where there is no data.
    above : ndarray, shape (rows, columns), int16
        Heights of the clouds that are seen, metres; zero where none is.
    """
    for height in levels:
        y, x = int(np.rint(row - height * down)), int(np.rint(column - height * across))
        if not (0 <= y < near_infrared.shape[0] and 0 <= x < near_infrared.shape[1]) or near_infrared[y, x] == 0:
            return True
        if above[y, x] > CLEARLY_HIGHER * height + HIGHER_BY:
            return True
    return False


@njit(cache=True, nogil=True)
def dark_without_source(
    darkness: np.ndarray,
    known: np.ndarray,
    near_infrared: np.ndarray,
    above: np.ndarray,
    levels: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    field_step: float,
    least: float,
    strong: float,
) -> np.ndarray:
    """Return dark cells that only a cloud the image does not show could shade: 1, or 2 where very dark; uint8.

    Parameters
    ----------
    darkness : ndarray, shape (rows, columns), int8
        As `find_shade` has it.
    known : ndarray of bool, shape (rows, columns)
        Cells that are explained already.
    near_infrared, above, levels : ndarray
        As `hides_its_source` takes them.
    down, across : ndarray, shape of the field, float64
        Metres from a cloud to its shadow a metre of height.
    field_step : float
        Cells along a side of a cell of the field.
    least, strong : float
        Mean evidence of three by three cells, of dark and of very dark ones.
    """
    rows, columns = darkness.shape
    result = np.zeros((rows, columns), np.uint8)
    for row in range(rows):
        for column in range(columns):
            if known[row, column] or near_infrared[row, column] == 0:
                continue
            total, count = 0, 0
            for v in range(max(row - 1, 0), min(row + 2, rows)):
                for u in range(max(column - 1, 0), min(column + 2, columns)):
                    if darkness[v, u] != UNSEEN:
                        total += darkness[v, u]
                        count += 1
            if count < 3 or total <= least * EVIDENCE_STEP * count:
                continue
            i, j = min(int(row / field_step), down.shape[0] - 1), min(int(column / field_step), down.shape[1] - 1)
            if hides_its_source(
                row, column, levels, down[i, j] / OBJECT_SIZE, across[i, j] / OBJECT_SIZE, near_infrared, above
            ):
                result[row, column] = 2 if total > strong * EVIDENCE_STEP * count else 1
    return result
