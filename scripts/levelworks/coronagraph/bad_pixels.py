"""Bad pixels of the detector: hot ones from a dark map, dead ones from a flat."""

from __future__ import annotations

import numpy as np

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.bias import GAUSSIAN_MAD
from levelworks.coronagraph.dq import DQ


def hot_pixels(dark: np.ndarray, threshold: float, *, robust: bool = False) -> np.ndarray:
    """Flag pixels of a dark map above mean + threshold * standard deviation (coronagraph spec, 7.2).

    Parameters
    ----------
    dark : ndarray, shape (rows, columns)
        Dark current, any unit; pixels that are not finite take no part in the statistics.
    threshold : float
        In standard deviations, above 0.
    robust : bool
        Take the median, and the standard deviation from the median absolute deviation, which hot pixels
        don't raise.

    Returns
    -------
    ndarray, shape (rows, columns), uint16
        ``HOT``, and ``UNRELIABLE`` where the map is not finite.

    Raises
    ------
    InvalidOptions
        Where the threshold is not above 0.
    InvalidInput
        Where the map is not 2-D, has no finite pixel, or, if robust, more than half of its pixels are equal while
        others differ, so that it shows no spread.
    """
    if not 0 < threshold < np.inf:
        raise InvalidOptions(f"threshold of hot pixels is {threshold:g}, must be above 0 and finite")
    finite = _finite(dark, "dark map")
    values = dark[finite].astype(np.float64)
    if robust:
        centre = np.median(values)
        spread = GAUSSIAN_MAD * np.median(np.abs(values - centre))
        if spread == 0 and np.any(values != centre):
            raise InvalidInput("more than half of the dark map has one value: no robust spread; use mean and sd")
    else:
        # The mean of equal values may round above them.
        centre, spread = np.clip(values.mean(), values.min(), values.max()), values.std()
    hot = finite & (dark > centre + threshold * spread)
    return _flags(hot, DQ.HOT, finite)


def dead_pixels(flat: np.ndarray, fraction: float, width: int) -> np.ndarray:
    """Flag pixels of a flat below a fraction of their local mean, or not above 0 (coronagraph spec, 7.2).

    Parameters
    ----------
    flat : ndarray, shape (rows, columns)
        Relative response.
    fraction : float
        Between 0 and 1, exclusive.
    width : int
        Side of the box of the local mean in pixels, see `box_mean`; the pixel itself takes part.

    Returns
    -------
    ndarray, shape (rows, columns), uint16
        ``DEAD``, and ``UNRELIABLE`` where the flat is not finite.

    Raises
    ------
    InvalidOptions
        Where fraction or width are out of range.
    InvalidInput
        Where the flat is not 2-D or has no finite pixel.
    """
    if not 0 < fraction < 1:
        raise InvalidOptions(f"fraction of dead pixels is {fraction:g}, must be between 0 and 1")
    finite = _finite(flat, "flat")
    dead = finite & ((flat < fraction * box_mean(flat, width)) | (flat <= 0))
    return _flags(dead, DQ.DEAD, finite)


def box_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Average the finite values of a square box around each pixel, with running sums of cost free of the width.

    An odd box is centred; an even one has its extra row and column at the higher index. Boxes are cut at the
    edges. The sums of the integral image are taken one axis at a time: rounding then grows with the side of the
    image, not with its area.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    width : int
        Side of the box in pixels, at least 1.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        NaN where the box holds no finite value.

    Raises
    ------
    InvalidOptions
        Where the width is not a whole number of at least 1.
    """
    if int(width) != width or width < 1:
        raise InvalidOptions(f"width of the box is {width}, must be a whole number of at least 1")
    finite = np.isfinite(values)
    total, count = np.where(finite, values, 0.0).astype(np.float64), finite.astype(np.float64)
    for axis in (0, 1):
        total, count = _box_sum(total, int(width), axis), _box_sum(count, int(width), axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def combine_bad_pixels(*maps: np.ndarray) -> np.ndarray:
    """Combine DQ maps of one shape into one, uint16, that has every bit of each.

    Raises
    ------
    InvalidInput
        Where there is no map, shapes differ, or a map is not of integers that fit 16 bits.
    """
    if not maps:
        raise InvalidInput("there is no bad-pixel map to combine")
    combined = np.zeros(maps[0].shape, dtype=np.uint16)
    for bits in maps:
        if bits.shape != combined.shape:
            raise InvalidInput(f"bad-pixel maps have shapes {combined.shape} and {bits.shape}")
        if bits.dtype.kind not in "iu" or (bits.size and (bits.min() < 0 or bits.max() > 0xFFFF)):
            raise InvalidInput("bad-pixel maps must be of integers between 0 and 65535")
        combined |= bits.astype(np.uint16)
    return combined


def _box_sum(values: np.ndarray, width: int, axis: int) -> np.ndarray:
    size = values.shape[axis]
    running = np.concatenate((np.zeros_like(np.take(values, [0], axis)), np.cumsum(values, axis=axis)), axis=axis)
    start = np.clip(np.arange(size) - (width - 1) // 2, 0, size)
    stop = np.clip(np.arange(size) + width // 2 + 1, 0, size)
    return np.take(running, stop, axis) - np.take(running, start, axis)


def _finite(values: np.ndarray, name: str) -> np.ndarray:
    if values.ndim != 2:
        raise InvalidInput(f"the {name} has {values.ndim} dimensions, must have 2")
    finite = np.isfinite(values)
    if not finite.any():
        raise InvalidInput(f"the {name} has no finite pixel")
    return finite


def _flags(bad: np.ndarray, bit: DQ, finite: np.ndarray) -> np.ndarray:
    return np.where(bad, bit, np.where(finite, 0, DQ.UNRELIABLE)).astype(np.uint16)
