"""Sharpening 20 m bands with 10 m bands; the mean of the four pixels of a 20 m cell stays what was measured."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

CUTS = (0.0025, 0.005, 0.01, 0.02, 0.025)
"""Classes of spectral distance (specification section 10): neighbours beyond the last are no help."""
NEIGHBOURS = 3
"""A class needs, to be used alone."""
STEPS = 512
"""Of the table of weights."""
WEIGHTS = np.array([1.0 / (1.0 + math.exp(25.0 * step / STEPS - 7.5)) for step in range(STEPS + 1)], np.float32)


@njit(nogil=True, cache=True)
def improphe(
    fine: np.ndarray, coarse: np.ndarray, keep: np.ndarray, offset: int, weights: np.ndarray, result: np.ndarray
) -> None:
    """Predict each pixel as the weighted mean of the 20 m values of spectrally similar neighbours within two pixels.

    Parameters
    ----------
    fine : ndarray, shape (predictors, rows + halo, columns), float32
        Reflectance of the 10 m bands, NaN where unknown; `offset` rows of halo above the rows of `result`.
    coarse : ndarray, shape (targets, (rows + halo) / 2, columns / 2), float32
        Reflectance of the 20 m bands over the same rows.
    keep : ndarray, shape (rows, columns), bool
        Pixels that keep the 20 m value (cloud, shadow, no data).
    weights : ndarray, shape (STEPS + 1,), float32
        By the distance's place between the least and the largest of its class.
    result : ndarray, shape (targets, rows, columns), float32
        Filled in place.
    """
    predictors, height, width = fine.shape
    targets, rows, columns = result.shape
    distance = np.empty(12, np.float32)
    place_row = np.empty(12, np.int64)
    place_column = np.empty(12, np.int64)
    total = np.empty(targets, np.float32)
    for row in range(rows):
        y = row + offset
        for column in range(columns):
            for target in range(targets):
                result[target, row, column] = coarse[target, y // 2, column // 2]
            if keep[row, column]:
                continue
            count = 0
            for dy in range(-2, 3):
                for dx in range(-2, 3):
                    far = dy * dy + dx * dx
                    if far == 0 or far > 4:
                        continue
                    yy, xx = y + dy, column + dx
                    if yy < 0 or yy >= height or xx < 0 or xx >= width:
                        continue
                    difference = np.float32(0.0)
                    for predictor in range(predictors):
                        difference += abs(fine[predictor, yy, xx] - fine[predictor, y, column])
                    difference /= predictors
                    if not difference <= CUTS[4] or math.isnan(coarse[0, yy // 2, xx // 2]):
                        continue
                    distance[count], place_row[count], place_column[count] = difference, yy // 2, xx // 2
                    count += 1
            if count == 0:
                continue
            limit = CUTS[4]
            for cut in CUTS:
                inside = 0
                for index in range(count):
                    if distance[index] <= cut:
                        inside += 1
                if inside >= NEIGHBOURS:
                    limit = cut
                    break
            least, most = np.float32(np.inf), np.float32(0.0)
            for index in range(count):
                if distance[index] <= limit:
                    least, most = min(least, distance[index]), max(most, distance[index])
            weight_sum = np.float32(0.0)
            total[:] = 0.0
            for index in range(count):
                if distance[index] > limit:
                    continue
                weight = np.float32(1.0)
                if most > least:
                    weight = weights[int((distance[index] - least) / (most - least) * STEPS + 0.5)]
                weight_sum += weight
                for target in range(targets):
                    total[target] += weight * coarse[target, place_row[index], place_column[index]]
            for target in range(targets):
                result[target, row, column] = total[target] / weight_sum


@njit(nogil=True, cache=True)
def _eliminate(normal: np.ndarray, right: np.ndarray) -> None:
    """Solve a small positive definite system in place, the solution in `right`."""
    size = normal.shape[0]
    for pivot in range(size):
        for row in range(size):
            if row != pivot:
                factor = normal[row, pivot] / normal[pivot, pivot]
                for column in range(size):
                    normal[row, column] -= factor * normal[pivot, column]
                for column in range(right.shape[1]):
                    right[row, column] -= factor * right[pivot, column]
    for row in range(size):
        for column in range(right.shape[1]):
            right[row, column] /= normal[row, row]


@njit(nogil=True, cache=True)
def regression(fine: np.ndarray, coarse: np.ndarray, keep: np.ndarray, offset: int, result: np.ndarray) -> None:
    """Add detail by the linear relation of the 20 m bands to the 10 m bands' means, fitted in 5 by 5 cells of 20 m.

    Parameters are those of `improphe`.
    """
    predictors, height, width = fine.shape
    targets, rows, columns = result.shape
    cells_high, cells_wide = coarse.shape[1:]
    means = np.empty((predictors, cells_high, cells_wide), np.float32)
    for predictor in range(predictors):
        for cell_row in range(cells_high):
            for cell_column in range(cells_wide):
                total = np.float32(0.0)
                for dy in range(2):
                    for dx in range(2):
                        yy, xx = min(2 * cell_row + dy, height - 1), min(2 * cell_column + dx, width - 1)
                        total += fine[predictor, yy, xx]
                means[predictor, cell_row, cell_column] = total / 4
    normal = np.empty((predictors, predictors))
    right = np.empty((predictors, targets))
    centre = np.empty(predictors)
    middle = np.empty(targets)
    for cell_row in range(offset // 2, (offset + rows + 1) // 2):
        for cell_column in range(cells_wide):
            count = 0
            centre[:] = 0.0
            middle[:] = 0.0
            normal[:] = 0.0
            right[:] = 0.0
            for sums in range(2):
                for yy in range(max(cell_row - 2, 0), min(cell_row + 3, cells_high)):
                    for xx in range(max(cell_column - 2, 0), min(cell_column + 3, cells_wide)):
                        known = True
                        for predictor in range(predictors):
                            known = known and not math.isnan(means[predictor, yy, xx])
                        for target in range(targets):
                            known = known and not math.isnan(coarse[target, yy, xx])
                        if not known:
                            continue
                        if sums == 0:
                            count += 1
                            for predictor in range(predictors):
                                centre[predictor] += means[predictor, yy, xx]
                            for target in range(targets):
                                middle[target] += coarse[target, yy, xx]
                        else:
                            for first in range(predictors):
                                value = means[first, yy, xx] - centre[first]
                                for second in range(predictors):
                                    normal[first, second] += value * (means[second, yy, xx] - centre[second])
                                for target in range(targets):
                                    right[first, target] += value * (coarse[target, yy, xx] - middle[target])
                if sums == 0 and count > 0:
                    for predictor in range(predictors):
                        centre[predictor] /= count
                    for target in range(targets):
                        middle[target] /= count
            slopes = np.zeros((predictors, targets))
            if count > predictors + 1:
                trace = 0.0
                for predictor in range(predictors):
                    trace += normal[predictor, predictor]
                for predictor in range(predictors):
                    # A ridge of a thousandth: where bands go together their slopes share the detail.
                    normal[predictor, predictor] += 1e-3 * trace / predictors + 1e-9
                _eliminate(normal, right)
                slopes[:] = right
            for dy in range(2):
                for dx in range(2):
                    row, column = 2 * cell_row + dy - offset, 2 * cell_column + dx
                    if row < 0 or row >= rows or column >= columns:
                        continue
                    for target in range(targets):
                        value = coarse[target, cell_row, cell_column]
                        if not keep[row, column]:
                            for predictor in range(predictors):
                                detail = fine[predictor, row + offset, column] - means[predictor, cell_row, cell_column]
                                value += np.float32(slopes[predictor, target]) * detail
                        result[target, row, column] = value


@njit(nogil=True, cache=True)
def modulation(fine: np.ndarray, coarse: np.ndarray, keep: np.ndarray, offset: int, result: np.ndarray) -> None:
    """Modulate 20 m values by the ratio of fine to degraded reflectance of two pairs, weighed by likeness (STARFM).

    The pairs are the mean of green and red, and the broad near infrared (the last predictor), degraded over 2 by 2
    pixels; neighbours within one pixel count by the inverse of their spectral and spatial distance. Parameters are
    those of `improphe`.
    """
    predictors, height, width = fine.shape
    targets, rows, columns = result.shape
    total = np.empty(targets, np.float32)
    for row in range(rows):
        y = row + offset
        for column in range(columns):
            for target in range(targets):
                result[target, row, column] = coarse[target, y // 2, column // 2]
            if keep[row, column]:
                continue
            visible = (fine[0, y, column] + fine[1, y, column]) / 2
            infrared = fine[predictors - 1, y, column]
            weight_sum = np.float32(0.0)
            total[:] = 0.0
            for yy in range(max(y - 1, 0), min(y + 2, height)):
                for xx in range(max(column - 1, 0), min(column + 2, width)):
                    cell_row, cell_column = yy // 2, xx // 2
                    degraded_visible, degraded_infrared = np.float32(0.0), np.float32(0.0)
                    for dy in range(2):
                        for dx in range(2):
                            iy, ix = min(2 * cell_row + dy, height - 1), min(2 * cell_column + dx, width - 1)
                            degraded_visible += (fine[0, iy, ix] + fine[1, iy, ix]) / 8
                            degraded_infrared += fine[predictors - 1, iy, ix] / 4
                    if not (degraded_visible > 0.0 and degraded_infrared > 0.0):
                        continue
                    near = np.float32(1.0 + math.sqrt(float((yy - y) ** 2 + (xx - column) ** 2)))
                    far_visible, far_infrared = abs(visible - degraded_visible), abs(infrared - degraded_infrared)
                    weight = np.float32(1.0) / ((far_visible + far_infrared + np.float32(1e-4)) * near)
                    share = (far_infrared + np.float32(1e-4)) / (far_visible + far_infrared + np.float32(2e-4))
                    ratio = share * visible / degraded_visible + (1 - share) * infrared / degraded_infrared
                    if math.isnan(ratio) or math.isnan(coarse[0, cell_row, cell_column]):
                        continue
                    weight_sum += weight
                    for target in range(targets):
                        total[target] += weight * coarse[target, cell_row, cell_column] * ratio
            if weight_sum > 0.0:
                for target in range(targets):
                    result[target, row, column] = total[target] / weight_sum


@njit(nogil=True, cache=True)
def keep_means(coarse: np.ndarray, offset: int, result: np.ndarray) -> None:
    """Shift the four pixels of each 20 m cell so that their mean is the measured value, in place.

    `result` begins at an even row of the image.
    """
    targets, rows, columns = result.shape
    for target in range(targets):
        for cell_row in range(rows // 2):
            for cell_column in range(columns // 2):
                total = np.float32(0.0)
                for dy in range(2):
                    for dx in range(2):
                        total += result[target, 2 * cell_row + dy, 2 * cell_column + dx]
                shift = coarse[target, cell_row + offset // 2, cell_column] - total / 4
                for dy in range(2):
                    for dx in range(2):
                        result[target, 2 * cell_row + dy, 2 * cell_column + dx] += shift
