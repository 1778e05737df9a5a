"""Removal of the smear that a detector without shutter collects while its rows are read out.

Rows move towards row 0 while the sensor stays lit, so a pixel of row r also collects light of every row i <= r
for one row-read time each: seen_r = flux_r t + rowread sum_{i<=r} flux_i. With k = rowread / t and e_r as seen,
the smear S_r = sum_{i<=r} k (1 + k)^(i-r-1) e_i obeys S_r = (S_{r-1} + k e_r) / (1 + k), S_{-1} = 0: one pass.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.options import ROW_READ_TIME


def smear(flux: np.ndarray, exposure_time: float, row_read_time: float = ROW_READ_TIME) -> np.ndarray:
    """Return what the detector sees of a flux: the forward model, for simulations.

    Rows are clocked towards row 0 while they stay lit, so row r collects ``row_read_time`` of the flux of every row
    i <= r: seen_r = flux_r t + row_read_time sum_{i<=r} flux_i (coronagraph spec, section 4).

    Parameters
    ----------
    flux : ndarray, shape (rows, columns)
        Electrons per pixel and second.
    exposure_time, row_read_time : float
        Seconds; a row-read time of 0 leaves the smear out.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        Electrons per pixel: exposure and smear.
    """
    flux = np.asarray(flux, dtype=np.float64)
    return flux * exposure_time + row_read_time * np.cumsum(flux, axis=0)


def desmear(
    image: np.ndarray,
    exposure_time: float,
    row_read_time: float = ROW_READ_TIME,
    *,
    fill_mask: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Subtract the readout smear from an image.

    Pixels of ``fill_mask``, and those that are not finite, count in the smear with the nearest good value of their
    column (of two equally near that of the lower row, of none 0): a cosmic ray would otherwise be smeared down
    its column. The smear is subtracted from them as from any other. Without a mask every finite pixel counts, as
    in cgi_iit_drp.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32 or float64
        Electrons per pixel, dark subtracted.
    exposure_time, row_read_time : float
        Seconds, the exposure positive, the other at least 0.
    fill_mask : ndarray of bool, shape (rows, columns), optional
        True where a value must not count in the smear.
    out : ndarray, shape (rows, columns), float32 or float64, optional
        Where to write; may be ``image`` itself.

    Returns
    -------
    ndarray, shape (rows, columns)
        ``out``, or a new array of float64. Sums are in float64 whatever the type of image and out.

    Raises
    ------
    InvalidInput
        Where a time is not sane or the shapes differ.
    """
    factor = _smear_factor(exposure_time, row_read_time)
    image = np.asarray(image)
    if image.dtype not in (np.float32, np.float64):
        image = image.astype(np.float64)
    if out is None:
        out = np.empty(image.shape)
    mask = np.zeros((0, image.shape[1]), dtype=bool) if fill_mask is None else fill_mask
    if out.shape != image.shape or (fill_mask is not None and mask.shape != image.shape):
        raise InvalidInput(f"desmear: image {image.shape}, fill mask {mask.shape} and out {out.shape} differ in shape")
    _desmear(image, *_find_fills(image, mask), factor, out)
    return out


def desmear_variance(variance: np.ndarray, exposure_time: float, row_read_time: float = ROW_READ_TIME) -> np.ndarray:
    """Propagate the variance of independent pixels through `desmear`.

    The desmeared pixel is e_r / (1 + k) - S_{r-1} / (1 + k), so with V_r the variance of S_r:
    var_r' = (var_r + V_{r-1}) / (1 + k)^2 and V_r = (V_{r-1} + k^2 var_r) / (1 + k)^2.

    Parameters
    ----------
    variance : ndarray, shape (rows, columns)
        Electrons squared.
    exposure_time, row_read_time : float
        Seconds.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        Electrons squared; covariances between rows, of order k, are not kept.
    """
    factor = _smear_factor(exposure_time, row_read_time)
    variance = np.asarray(variance, dtype=np.float64)
    out = np.empty(variance.shape)
    _desmear_variance(variance, factor, out)
    return out


def smear_is_significant(
    image: np.ndarray,
    read_noise: float,
    exposure_time: float,
    row_read_time: float = ROW_READ_TIME,
    *,
    factor: float = 2.0,
    frames: int = 1,
    fill_mask: np.ndarray | None = None,
) -> bool:
    """Tell whether the smear of an image stands out of the read noise anywhere.

    The signal compared is the smear itself, not the image: the largest total that a column passes to its last
    row, |k sum of its good pixels|, against ``factor`` times the read noise of one pixel. The noise of that
    total is k sqrt(rows) of one pixel's, about a hundredth, so that one column is enough evidence. Smear is the
    same in every frame: where frames are to be combined, ``frames`` lowers the noise by its root.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Electrons per pixel, dark subtracted.
    read_noise : float
        Standard deviation in the unit of the image (so divided by the EM gain where the image is).
    exposure_time, row_read_time : float
        Seconds.
    factor : float
        How many times the noise the smear must reach.
    frames : int
        Number of frames that will be combined.
    fill_mask : ndarray of bool, shape (rows, columns), optional
        Pixels left out, e.g. cosmic rays; pixels that are not finite always are.
    """
    good = np.isfinite(image)
    if fill_mask is not None:
        good &= ~np.asarray(fill_mask, dtype=bool)
    totals = np.sum(image, axis=0, where=good, dtype=np.float64)
    largest = _smear_factor(exposure_time, row_read_time) * np.max(np.abs(totals), initial=0.0)
    return bool(largest >= factor * read_noise / np.sqrt(frames))


def _smear_factor(exposure_time: float, row_read_time: float) -> float:
    if not (0 < exposure_time < np.inf and 0 <= row_read_time < np.inf):
        raise InvalidInput(
            f"desmear needs a positive exposure time and a row-read time of at least 0, "
            f"got {exposure_time:g} s and {row_read_time:g} s"
        )
    return row_read_time / exposure_time


@njit(cache=True, nogil=True)
def _is_bad(image: np.ndarray, mask: np.ndarray, row: int, column: int) -> bool:
    return not abs(image[row, column]) < np.inf or (mask.size > 0 and mask[row, column])


@njit(cache=True, nogil=True)
def _count_bad(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Count the bad pixels of each row; short loops without a branch, which vectorise."""
    rows, columns = image.shape
    numbers = np.zeros(rows, np.int64)
    for row in range(rows):
        bad = np.int32(0)
        if mask.size > 0:
            for column in range(columns):
                bad += np.int32(mask[row, column] | (not abs(image[row, column]) < np.inf))
        else:
            for column in range(columns):
                bad += np.int32(not abs(image[row, column]) < np.inf)
        numbers[row] = bad
    return numbers


@njit(cache=True, nogil=True)
def _find_fills(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find what stands in for each bad pixel: the nearest good value of its column.

    Returns
    -------
    ends : ndarray, shape (rows,), int64
        End of each row's part of the list of fills.
    columns, values : ndarray, shape (fills,), int64 and float64
        The list, by rows.
    """
    rows = image.shape[0]
    numbers = _count_bad(image, mask)
    ends = np.cumsum(numbers)
    fill_columns, fill_values = np.empty(ends[-1], np.int64), np.empty(ends[-1])
    above = np.full(image.shape[1], -1)  # nearest good row above a run of bad pixels, and below it
    below = np.full(image.shape[1], -1)
    place = 0
    for row in range(rows):
        if numbers[row] == 0:
            continue
        for column in range(image.shape[1]):
            if not _is_bad(image, mask, row, column):
                continue
            if below[column] < row:
                above[column] = row - 1
                ahead = row + 1
                while ahead < rows and _is_bad(image, mask, ahead, column):
                    ahead += 1
                below[column] = ahead
            value = 0.0
            if below[column] < rows and (above[column] < 0 or below[column] - row < row - above[column]):
                value = image[below[column], column]
            elif above[column] >= 0:
                value = image[above[column], column]
            fill_columns[place], fill_values[place] = column, value
            place += 1
    return ends, fill_columns, fill_values


@njit(cache=True, nogil=True)
def _desmear(
    image: np.ndarray,
    ends: np.ndarray,
    fill_columns: np.ndarray,
    fill_values: np.ndarray,
    factor: float,
    out: np.ndarray,
) -> None:
    """Run the recursion down the rows, all columns at once; reading before writing allows out to be image."""
    sum_, counted = np.zeros(image.shape[1]), np.empty(image.shape[1])
    fill = 0
    for row in range(image.shape[0]):
        values = image[row]
        if fill == ends[row]:
            for column in range(values.size):
                value = values[column]
                smeared = (sum_[column] + factor * value) / (1.0 + factor)
                sum_[column] = smeared
                out[row, column] = value - smeared
            continue
        counted[:] = values
        for k in range(fill, ends[row]):
            counted[fill_columns[k]] = fill_values[k]
        fill = ends[row]
        for column in range(values.size):
            smeared = (sum_[column] + factor * counted[column]) / (1.0 + factor)
            sum_[column] = smeared
            out[row, column] = values[column] - smeared


@njit(cache=True, nogil=True)
def _desmear_variance(variance: np.ndarray, factor: float, out: np.ndarray) -> None:
    rows, columns = variance.shape
    shrink = 1.0 / (1.0 + factor) ** 2
    of_sum = np.zeros(columns)
    for row in range(rows):
        for column in range(columns):
            value = variance[row, column]
            out[row, column] = (value + of_sum[column]) * shrink
            of_sum[column] = (of_sum[column] + factor * factor * value) * shrink
