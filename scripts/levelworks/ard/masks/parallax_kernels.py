"""Which things of an image moved between two bands of the same colour, and which stood still.

The detectors of Sentinel-2 see BROADNIR and NIR 1.8 s apart, in which the satellite passes 12 km: what is at height h
appears shifted by 1.5 % of h along the track (Frantz et al. 2018, whose displacement index asks the same question of
variances of ratios). Here the bands are laid over each other at all shifts a cloud can have; what fits better shifted
has moved, what fits best unshifted stands on the ground however bright it is. Sums are of whole numbers, so that no
result depends on how the image is cut.
"""

from __future__ import annotations

import numpy as np
from numba import njit

COUNTS = 10000.0
"""Whole numbers per unit of reflectance."""
NOISE = 0.004
"""Standard deviation of the difference of the bands over even ground, reflectance."""
SHARPNESS = 2.0
"""Evidence per natural logarithm of the ratio of variances: neighbouring pixels are not independent."""
STRONGEST, WEAKEST = 4.0, -6.0
"""Bounds of the evidence: what stands still is hardly a cloud, what moves may be the border of one."""
TILE = 48


@njit(cache=True, nogil=True)
def sum_of_four(fine: np.ndarray) -> np.ndarray:
    """Return the sum of each pixel and its right, lower and lower right neighbours; those beyond the edge repeat it.

    Where one of the four is negative (no data), so is the sum.
    """
    rows, columns = fine.shape
    result = np.empty((rows, columns), np.int32)
    for row in range(rows):
        below = min(row + 1, rows - 1)
        for column in range(columns):
            right = min(column + 1, columns - 1)
            a, b, c, d = fine[row, column], fine[row, right], fine[below, column], fine[below, right]
            result[row, column] = -1 if a < 0 or b < 0 or c < 0 or d < 0 else a + b + c + d
    return result


@njit(cache=True, nogil=True)
def _box(values: np.ndarray, half: int, rows: int, columns: int, result: np.ndarray) -> None:
    """Sum windows of 2 half + 1 a side; `values` has a border of `half`."""
    width = 2 * half + 1
    line = np.zeros(columns + 2 * half, np.int64)
    for row in range(rows + 2 * half):
        for column in range(columns + 2 * half):
            line[column] += values[row, column]
            if row >= width:
                line[column] -= values[row - width, column]
        if row >= 2 * half:
            total = np.int64(0)
            for column in range(columns + 2 * half):
                total += line[column]
                if column >= width:
                    total -= line[column - width]
                if column >= 2 * half:
                    result[row - 2 * half, column - 2 * half] = total


@njit(cache=True, nogil=True)
def match_bands(
    first: np.ndarray,
    second: np.ndarray,
    wanted: np.ndarray,
    row_reach: int,
    column_reach: int,
    half: int,
    evidence: np.ndarray,
    shift: np.ndarray,
) -> None:
    """Find what speaks for movement in windows around wanted cells, natural logarithm.

    Parameters
    ----------
    first : ndarray, shape (rows, columns), int32
        One band: sums of four counts; -1 is no data.
    second : ndarray, shape (2 rows, 2 columns), int32
        The other on pixels half as large: at each of them the sum of the four from there on.
    wanted : ndarray of bool, shape (rows, columns)
    row_reach, column_reach : int
        Largest shifts, in pixels of `second`.
    half : int
        Cells on either side of the centre of a window.
    evidence : ndarray, shape (rows, columns), float32
        Set at wanted cells: above zero for movement, below for rest, zero where nothing can be told. Elsewhere left.
    shift : ndarray, shape (rows, columns), float32
        Set at wanted cells: the distance of the best fit, in pixels of `second`; NaN where it may lie beyond reach.
    """
    rows, columns = first.shape
    fine_rows, fine_columns = second.shape
    side = TILE + 2 * half
    difference, square = np.empty((side, side), np.int64), np.empty((side, side), np.int64)
    bad = np.empty((side, side), np.int64)
    sums, squares = np.empty((TILE, TILE), np.int64), np.empty((TILE, TILE), np.int64)
    lines, width = 2 * row_reach + 1, 2 * column_reach + 1
    misfit, gaps = np.empty((lines, width, TILE, TILE)), np.zeros((TILE, TILE), np.int64)
    missing = np.empty((TILE, TILE), np.int64)
    window = (2 * half + 1) ** 2
    floor = (NOISE * 4.0 * COUNTS) ** 2
    for top in range(0, rows, TILE):
        for left in range(0, columns, TILE):
            high, wide = min(TILE, rows - top), min(TILE, columns - left)
            if not wanted[top : top + high, left : left + wide].any():
                continue
            gaps[:, :] = 0
            for down in range(-row_reach, row_reach + 1):
                for across in range(-column_reach, column_reach + 1):
                    for row in range(high + 2 * half):
                        source_row = min(max(top + row - half, 0), rows - 1)
                        shifted_row = min(max(2 * source_row + down, 0), fine_rows - 1)
                        for column in range(wide + 2 * half):
                            source = min(max(left + column - half, 0), columns - 1)
                            shifted = min(max(2 * source + across, 0), fine_columns - 1)
                            a, b = first[source_row, source], second[shifted_row, shifted]
                            gap = a < 0 or b < 0
                            value = np.int64(0) if gap else np.int64(a - b)
                            difference[row, column], square[row, column] = value, value * value
                            bad[row, column] = gap
                    _box(difference, half, high, wide, sums)
                    _box(square, half, high, wide, squares)
                    if down == across == 0 or max(abs(down) - row_reach, abs(across) - column_reach) == 0:
                        _box(bad, half, high, wide, missing)
                        gaps[:high, :wide] += missing[:high, :wide]
                    for row in range(high):
                        for column in range(wide):
                            mean = sums[row, column] / window
                            misfit[down + row_reach, across + column_reach, row, column] = (
                                squares[row, column] / window - mean * mean
                            )
            for row in range(high):
                for column in range(wide):
                    if wanted[top + row, left + column]:
                        ratio, distance = 0.0, np.nan
                        if gaps[row, column] == 0:
                            ratio, distance = _best_fit(misfit[:, :, row, column], row_reach, column_reach, floor)
                        evidence[top + row, left + column] = min(max(ratio, WEAKEST), STRONGEST)
                        shift[top + row, left + column] = distance


@njit(cache=True, nogil=True)
def _best_fit(misfit: np.ndarray, row_reach: int, column_reach: int, floor: float) -> tuple[float, float]:
    """Return the evidence of movement, and the distance of the best shift, refined by a parabola along the track."""
    best, line, place = np.inf, 0, 0
    for i in range(misfit.shape[0]):
        for j in range(misfit.shape[1]):
            if i != row_reach and misfit[i, j] < best:
                best, line, place = misfit[i, j], i, j
    ratio = SHARPNESS * np.log((misfit[row_reach, column_reach] + floor) / (best + floor))
    if line in (0, misfit.shape[0] - 1):
        return ratio, np.nan
    before, after = misfit[line - 1, place], misfit[line + 1, place]
    bend = before - 2.0 * best + after
    refined = line - row_reach + (0.5 * (before - after) / bend if bend > 0.0 else 0.0)
    return ratio, np.hypot(refined, place - column_reach)
