"""The inner loops of warping: where the pixels of a map lie in an image, and values there.

All bands of a layer are taken at the same places. A pixel of the map has a value where the nearest pixel of the image
has one, so that every layer of an image is missing at the same places, whatever its resampling.
"""

from __future__ import annotations

import numba
import numpy as np

OUTSIDE = -1.0e9
"""Place of a pixel of the map that is not in the image."""
MOST_TAPS = 256
"""Pixels of the image along a side of what is averaged for one pixel of the map."""


@numba.njit(cache=True, nogil=True)
def places(
    nodes_x: np.ndarray,
    nodes_y: np.ndarray,
    step: int,
    row: int,
    column: int,
    rows: int,
    columns: int,
    x: np.ndarray,
    y: np.ndarray,
) -> tuple[int, int, int, int]:
    """Find the places of pixel centres between nodes: bilinear within each cell.

    Parameters
    ----------
    nodes_x, nodes_y : (node rows, node columns) float64
        Place in the image, in pixels, of every ``step``-th pixel edge of the map; the first node is the map's corner.
    row, column : int
        First pixel of the map that is wanted.
    rows, columns : int
        Of the image.
    x, y : float64
        Written: columns and rows of the image, in pixels from its corner; `OUTSIDE` where that is not in the image.

    Returns
    -------
    top, left, bottom, right : int
        Pixels of the image that hold the places; the last two are beyond, and not greater where there are none.
    """
    top, left, bottom, right = rows, columns, 0, 0
    part = 1.0 / step
    for i in range(x.shape[0]):
        m = (row + i) // step
        v = (row + i - m * step + 0.5) * part
        j = 0
        while j < x.shape[1]:
            k = (column + j) // step
            first_x = nodes_x[m, k] + v * (nodes_x[m + 1, k] - nodes_x[m, k])
            last_x = nodes_x[m, k + 1] + v * (nodes_x[m + 1, k + 1] - nodes_x[m, k + 1])
            first_y = nodes_y[m, k] + v * (nodes_y[m + 1, k] - nodes_y[m, k])
            last_y = nodes_y[m, k + 1] + v * (nodes_y[m + 1, k + 1] - nodes_y[m, k + 1])
            stop = min((k + 1) * step - column, x.shape[1])
            for n in range(j, stop):
                u = (column + n - k * step + 0.5) * part
                px = first_x + u * (last_x - first_x)
                py = first_y + u * (last_y - first_y)
                if 0.0 <= px < columns and 0.0 <= py < rows:
                    x[i, n] = px
                    y[i, n] = py
                    top, bottom = min(top, int(py)), max(bottom, int(py) + 1)
                    left, right = min(left, int(px)), max(right, int(px) + 1)
                else:
                    x[i, n] = OUTSIDE
                    y[i, n] = OUTSIDE
            j = stop
    return top, left, bottom, right


@numba.njit(cache=True, nogil=True)
def take_nearest(source: np.ndarray, x: np.ndarray, y: np.ndarray, nodata: int, target: np.ndarray) -> None:
    """Take the nearest pixel of each band.

    Parameters
    ----------
    source, target : (bands, rows, columns) of one integer type
    x, y : (rows, columns) float64
        Places in the source, in pixels from its corner.
    nodata : int
        Written where the source has no pixel.
    """
    bands, rows, columns = source.shape
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            column = int(np.floor(x[i, j]))
            row = int(np.floor(y[i, j]))
            if 0 <= row < rows and 0 <= column < columns:
                for band in range(bands):
                    target[band, i, j] = source[band, row, column]
            else:
                for band in range(bands):
                    target[band, i, j] = nodata


@numba.njit(cache=True, nogil=True)
def whole_neighbourhoods(source: np.ndarray, nodata: int, size: int) -> np.ndarray:
    """Tell of each pixel whether it and those right of and below it, `size` a side, have data in every band.

    Parameters
    ----------
    source : (bands, rows, columns)

    Returns
    -------
    (rows, columns) bool
        False where the neighbourhood reaches over the edge.
    """
    bands, rows, columns = source.shape
    known = np.ones((rows, columns), np.bool_)
    for band in range(bands):
        for i in range(rows):
            for j in range(columns):
                known[i, j] &= source[band, i, j] != nodata
    across = np.zeros((rows, columns), np.bool_)
    for i in range(rows):
        run = 0
        for j in range(columns - 1, -1, -1):
            run = run + 1 if known[i, j] else 0
            across[i, j] = run >= size
    runs = np.zeros(columns, np.int64)
    for i in range(rows - 1, -1, -1):
        for j in range(columns):
            runs[j] = runs[j] + 1 if across[i, j] else 0
            known[i, j] = runs[j] >= size
    return known


@numba.njit(nogil=True, inline="always")
def _tent(distance: float) -> float:
    return max(0.0, 1.0 - abs(distance))


@numba.njit(nogil=True, inline="always")
def _cubic(distance: float) -> float:
    """Return the convolution kernel of Keys 1981 with a = -1/2."""
    t = abs(distance)
    if t < 1.0:
        return (1.5 * t - 2.5) * t * t + 1.0
    if t < 2.0:
        return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return 0.0


@numba.njit(nogil=True, inline="always")
def _stored(value: float, nodata: int, lowest: int, highest: int) -> int:
    """Return a value as it is stored: rounded, within the range, and never no data."""
    rounded = min(max(int(np.rint(value)), lowest), highest)
    return rounded + 1 if rounded == nodata else rounded


@numba.njit(cache=True, nogil=True)
def take_smooth(
    source: np.ndarray,
    whole: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    nodata: int,
    lowest: int,
    highest: int,
    cubic: bool,
    target: np.ndarray,
) -> None:
    """Take weighted means of the 2 x 2 (bilinear) or 4 x 4 (cubic) pixels around each place.

    Where one of them has no data, the rest count by distance alone, so that edges neither ring nor fade.

    Parameters
    ----------
    source, target : (bands, rows, columns) of one integer type
    whole : (rows, columns) bool
        See `whole_neighbourhoods`, for 2 or 4 pixels.
    x, y : (rows, columns) float64
        Places in the source, in pixels from its corner.
    nodata, lowest, highest : int
        No data, and the range of values; a result that would be `nodata` becomes one more.
    """
    bands, rows, columns = source.shape
    half = 2 if cubic else 1
    across = np.zeros(4, np.float32)
    along = np.zeros(4, np.float32)
    w = np.empty((4, 4), np.float32)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            px, py = x[i, j], y[i, j]
            column, row = int(np.floor(px)), int(np.floor(py))
            if not (0 <= row < rows and 0 <= column < columns):
                for band in range(bands):
                    target[band, i, j] = nodata
                continue
            left = int(np.floor(px - 0.5)) + 1 - half
            top = int(np.floor(py - 0.5)) + 1 - half
            if not (left >= 0 and top >= 0 and whole[top, left]):
                for band in range(bands):
                    if source[band, row, column] == nodata:
                        target[band, i, j] = nodata
                    else:
                        mean = _mean_of_known(source, band, px, py, left, top, 2 * half, 2 * half, 1.0, nodata)
                        target[band, i, j] = _stored(mean, nodata, lowest, highest)
                continue
            for k in range(2 * half):
                dx, dy = left + k + 0.5 - px, top + k + 0.5 - py
                across[k] = _cubic(dx) if cubic else _tent(dx)
                along[k] = _cubic(dy) if cubic else _tent(dy)
            for m in range(2 * half):
                for k in range(2 * half):
                    w[m, k] = along[m] * across[k]
            for band in range(bands):
                s = source[band]
                if cubic:
                    # Four lanes that are added at last: the processor takes a line of four at once.
                    a = w[0, 0] * np.float32(s[top, left])
                    b = w[0, 1] * np.float32(s[top, left + 1])
                    c = w[0, 2] * np.float32(s[top, left + 2])
                    d = w[0, 3] * np.float32(s[top, left + 3])
                    for m in range(1, 4):
                        a += w[m, 0] * np.float32(s[top + m, left])
                        b += w[m, 1] * np.float32(s[top + m, left + 1])
                        c += w[m, 2] * np.float32(s[top + m, left + 2])
                        d += w[m, 3] * np.float32(s[top + m, left + 3])
                    value = (a + b) + (c + d)
                else:
                    value = (w[0, 0] * np.float32(s[top, left]) + w[0, 1] * np.float32(s[top, left + 1])) + (
                        w[1, 0] * np.float32(s[top + 1, left]) + w[1, 1] * np.float32(s[top + 1, left + 1])
                    )
                target[band, i, j] = _stored(value, nodata, lowest, highest)


@numba.njit(cache=True, nogil=True)
def take_wide(
    source: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    nodata: int,
    lowest: int,
    highest: int,
    cubic: bool,
    scale: float,
    target: np.ndarray,
) -> None:
    """Take weighted means where the map is coarser than the image: weights reach as much farther.

    Parameters
    ----------
    source, target : (bands, rows, columns) of one integer type
    x, y : (rows, columns) float64
        Places in the source, in pixels from its corner.
    nodata, lowest, highest : int
        See `take_smooth`.
    scale : float
        Pixels of the source along a pixel of the map.
    """
    bands, rows, columns = source.shape
    reach = (2.0 if cubic else 1.0) * scale
    across = np.empty(MOST_TAPS)
    along = np.empty(MOST_TAPS)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            px, py = x[i, j], y[i, j]
            column, row = int(np.floor(px)), int(np.floor(py))
            left = int(np.floor(px - 0.5 - reach)) + 1
            top = int(np.floor(py - 0.5 - reach)) + 1
            wide = min(int(np.floor(px - 0.5 + reach)) - left + 1, MOST_TAPS)
            high = min(int(np.floor(py - 0.5 + reach)) - top + 1, MOST_TAPS)
            for k in range(wide):
                d = (left + k + 0.5 - px) / scale
                across[k] = _cubic(d) if cubic else _tent(d)
            for m in range(high):
                d = (top + m + 0.5 - py) / scale
                along[m] = _cubic(d) if cubic else _tent(d)
            inside = left >= 0 and top >= 0 and left + wide <= columns and top + high <= rows
            for band in range(bands):
                if not (0 <= row < rows and 0 <= column < columns) or source[band, row, column] == nodata:
                    target[band, i, j] = nodata
                    continue
                value = 0.0
                total = 0.0
                missing = not inside
                for m in range(high if inside else 0):
                    for k in range(wide):
                        one = source[band, top + m, left + k]
                        missing |= one == nodata
                        weight = along[m] * across[k]
                        total += weight
                        value += weight * one
                if missing:
                    mean = _mean_of_known(source, band, px, py, left, top, wide, high, scale, nodata)
                    target[band, i, j] = _stored(mean, nodata, lowest, highest)
                else:
                    target[band, i, j] = _stored(value / total, nodata, lowest, highest)


@numba.njit(nogil=True)
def _mean_of_known(
    source: np.ndarray,
    band: int,
    px: float,
    py: float,
    left: int,
    top: int,
    wide: int,
    high: int,
    scale: float,
    nodata: int,
) -> float:
    """Return the mean of the pixels with data, weighted bilinearly; the nearest one has weight always."""
    value = 0.0
    total = 0.0
    for m in range(max(top, 0), min(top + high, source.shape[1])):
        weight_y = max(0.0, 1.0 - abs(m + 0.5 - py) / scale)
        for k in range(max(left, 0), min(left + wide, source.shape[2])):
            one = source[band, m, k]
            if one != nodata:
                weight = weight_y * max(0.0, 1.0 - abs(k + 0.5 - px) / scale)
                total += weight
                value += weight * one
    return value / total
