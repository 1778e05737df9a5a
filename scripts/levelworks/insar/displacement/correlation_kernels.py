"""Compiled correlation of many overlapping patches: products are summed once over cells that patches share."""

from __future__ import annotations

import numpy as np
from numba import njit

LEAST_ABOVE = 1e-3
"""Of a peak above its ground, for its standard deviation to be finite."""


@njit(cache=True, nogil=True)
def correlate_patches(
    one: np.ndarray,
    two: np.ndarray,
    before: np.ndarray,
    cell: int,
    corner: int,
    window: tuple[int, int],
    steps: tuple[int, int],
    lag: tuple[int, int],
    reach: int,
    chosen: np.ndarray,
    result: np.ndarray,
) -> None:
    """Write the normalised correlation of patches, each with its own means taken off, at the lags around one.

    Parameters
    ----------
    one, two : ndarray, shape (lines, samples), float32
        Amplitudes of both dates on one grid.
    before : ndarray, shape (2, 2, lines + 1, samples + 1), float64
        Of either image: sums of its pixels, and of their squares, over all lines and samples before each.
    cell : int
        Lines and samples of a cell.
    corner : int
        Lines and samples before the first patch.
    window, steps : tuple of int
        Cells of a patch, and from one patch to the next, along lines and samples.
    lag : tuple of int
        Lines and samples by which ``two`` is taken later, in the middle of those tried.
    reach : int
        Lines and samples around it that are tried too.
    chosen : ndarray, shape (rows, columns), bool
        Patches to correlate.
    result : ndarray, shape (rows, columns, 2 reach + 1, 2 reach + 1), float32
        Of the patches that are not chosen nothing is written.
    """
    shape = (chosen.shape[0] - 1) * steps[0] + window[0], (chosen.shape[1] - 1) * steps[1] + window[1]
    needed = np.zeros(shape, np.bool_)
    for row in range(chosen.shape[0]):
        for column in range(chosen.shape[1]):
            if chosen[row, column]:
                top, left = row * steps[0], column * steps[1]
                needed[top : top + window[0], left : left + window[1]] = True
    products, upright = np.zeros(shape, np.float32), np.empty(shape[1])
    high, wide = window[0] * cell, window[1] * cell
    count = high * wide
    for p in range(2 * reach + 1):
        for q in range(2 * reach + 1):
            down, right = lag[0] + p - reach, lag[1] + q - reach
            _sum_products(one, two, cell, corner, down, right, needed, products)
            for row in range(chosen.shape[0]):
                upright[:] = 0.0
                for r in range(row * steps[0], row * steps[0] + window[0]):
                    for c in range(shape[1]):
                        upright[c] += products[r, c]
                for column in range(chosen.shape[1]):
                    if not chosen[row, column]:
                        continue
                    total = 0.0
                    for c in range(column * steps[1], column * steps[1] + window[1]):
                        total += upright[c]
                    top, left = corner + row * steps[0] * cell, corner + column * steps[1] * cell
                    first = _box(before[0, 0], top, left, high, wide)
                    second = _box(before[1, 0], top + down, left + right, high, wide)
                    spread = _box(before[0, 1], top, left, high, wide) - first * first / count
                    other = _box(before[1, 1], top + down, left + right, high, wide) - second * second / count
                    norm = np.sqrt(max(spread, 0.0) * max(other, 0.0))
                    total -= first * second / count
                    result[row, column, p, q] = total / norm if norm > 0.0 else 0.0


@njit(cache=True, nogil=True)
def sum_before(image: np.ndarray, result: np.ndarray) -> None:
    """Write sums of an image over all lines and samples before each.

    Parameters
    ----------
    image : ndarray, shape (lines, samples), float32
    result : ndarray, shape (2, lines + 1, samples + 1), float64
        Of its pixels, and of their squares.
    """
    result[:, 0, :], result[:, :, 0] = 0.0, 0.0
    for i in range(image.shape[0]):
        total = square = 0.0
        for j in range(image.shape[1]):
            value = np.float64(image[i, j])
            total += value
            square += value * value
            result[0, i + 1, j + 1] = result[0, i, j + 1] + total
            result[1, i + 1, j + 1] = result[1, i, j + 1] + square


@njit(cache=True, nogil=True)
def _sum_products(one, two, cell, corner, down, right, needed, products):  # type: ignore[no-untyped-def]
    """Write the sums of products over the cells that are needed, ``two`` taken so many lines and samples later."""
    along = np.empty(needed.shape[1] * cell, np.float32)
    for row in range(needed.shape[0]):
        column = 0
        while column < needed.shape[1]:
            if not needed[row, column]:
                column += 1
                continue
            stop = column
            while stop < needed.shape[1] and needed[row, stop]:
                stop += 1
            # Lines first, four at once and in vector registers; only their sums are added one by one.
            first, last = column * cell, stop * cell
            width, left = last - first, corner + first
            part = along[first:last]
            part[:] = 0.0
            for line in range(corner + row * cell, corner + (row + 1) * cell, 4):
                a, b = one[line, left : left + width], two[line + down, left + right : left + right + width]
                c, d = one[line + 1, left : left + width], two[line + 1 + down, left + right : left + right + width]
                e, f = one[line + 2, left : left + width], two[line + 2 + down, left + right : left + right + width]
                g, h = one[line + 3, left : left + width], two[line + 3 + down, left + right : left + right + width]
                for k in range(width):
                    part[k] += a[k] * b[k] + c[k] * d[k] + e[k] * f[k] + g[k] * h[k]
            for m in range(column, stop):
                total = np.float32(0.0)
                for k in range(m * cell, (m + 1) * cell):
                    total += along[k]
                products[row, m] = total
            column = stop


@njit(cache=True, nogil=True, inline="always")
def _box(table, top, left, high, wide):  # type: ignore[no-untyped-def]
    return table[top + high, left + wide] - table[top, left + wide] - table[top + high, left] + table[top, left]


@njit(cache=True, nogil=True)
def refine_peaks(
    surfaces: np.ndarray,
    grounds: np.ndarray,
    line_taps: np.ndarray,
    sample_taps: np.ndarray,
    count: int,
    result: np.ndarray,
) -> None:
    """Write where correlations have their peaks, how high these are, and how well the place is known.

    Parameters
    ----------
    surfaces : ndarray, shape (n, lags, lags), float32
    grounds : ndarray, shape (n,), float64
        Correlation that is there away from the peak too.
    line_taps, sample_taps : ndarray, shape (fractions + 1, taps), float32
        Interpolation weights for fractions from 0 to 1; the whole part is tap ``taps // 2 - 1``.
    count : int
        Pixels of a patch on the grid of the lags.
    result : ndarray, shape (n, 5), float64
        Place from the lag in the middle (lines, samples), peak, and standard deviations of the place; NaN where
        the peak is too near the edge to be interpolated.

    Notes
    -----
    The parabola through the highest of the interpolated places and its neighbours has its vertex at the peak. Its
    variance is ``(1 - r) (1 + 3.5 r) / (n r^2) sum_k (dC/dx)^2 / (d2C/dx2)^2``, ``r`` the height of the peak above
    its ground (`displacement.dense_offsets`).
    """
    fractions, reach = line_taps.shape[0] - 1, line_taps.shape[1] // 2
    size = surfaces.shape[1]
    middle = size // 2
    around = np.empty((3, 3))
    for n in range(surfaces.shape[0]):
        surface = surfaces[n]
        result[n, :] = np.nan
        y, x = 0, 0
        for i in range(size):
            for j in range(size):
                if surface[i, j] > surface[y, x]:
                    y, x = i, j
        if not (reach < y < size - 1 - reach and reach < x < size - 1 - reach):
            continue
        # Climb from the whole place to the highest of the fractions, then fit.
        v, u = y * fractions, x * fractions
        best = _value(surface, line_taps, sample_taps, v, u)
        moving = True
        while moving:
            moving = False
            for a in range(-1, 2):
                for b in range(-1, 2):
                    value = _value(surface, line_taps, sample_taps, v + a, u + b)
                    if value > best:
                        best, to_v, to_u, moving = value, v + a, u + b, True
            if moving:
                v, u = to_v, to_u
                if abs(v - y * fractions) > fractions or abs(u - x * fractions) > fractions:
                    moving = False
        if abs(v - y * fractions) > fractions or abs(u - x * fractions) > fractions:
            continue
        for a in range(3):
            for b in range(3):
                around[a, b] = _value(surface, line_taps, sample_taps, v + a - 1, u + b - 1)
        bend_v = around[0, 1] - 2 * around[1, 1] + around[2, 1]
        bend_u = around[1, 0] - 2 * around[1, 1] + around[1, 2]
        if bend_v >= 0.0 or bend_u >= 0.0:
            continue
        result[n, 0] = (v + 0.5 * (around[0, 1] - around[2, 1]) / bend_v) / fractions - middle
        result[n, 1] = (u + 0.5 * (around[1, 0] - around[1, 2]) / bend_u) / fractions - middle
        peak = around[1, 1]
        result[n, 2] = peak
        steep_v = steep_u = 0.0
        for i in range(1, size - 1):
            for j in range(1, size - 1):
                steep_v += (0.5 * (surface[i + 1, j] - surface[i - 1, j])) ** 2
                steep_u += (0.5 * (surface[i, j + 1] - surface[i, j - 1])) ** 2
        above = max((peak - grounds[n]) / (1.0 - grounds[n]), LEAST_ABOVE)
        rest = max(1.0 - above, 0.0) * (1.0 + 3.5 * above) / (count * above * above)
        result[n, 3] = np.sqrt(rest * steep_v) / (-bend_v * fractions**2)
        result[n, 4] = np.sqrt(rest * steep_u) / (-bend_u * fractions**2)


@njit(cache=True, nogil=True)
def _value(surface, line_taps, sample_taps, v, u):  # type: ignore[no-untyped-def]
    """Return a surface at fractions of lags."""
    fractions, reach = line_taps.shape[0] - 1, line_taps.shape[1] // 2
    i, j = v // fractions, u // fractions
    down, along = line_taps[v - i * fractions], sample_taps[u - j * fractions]
    total = 0.0
    for a in range(2 * reach):
        part = 0.0
        for b in range(2 * reach):
            part += along[b] * surface[i + a - reach + 1, j + b - reach + 1]
        total += down[a] * part
    return total
