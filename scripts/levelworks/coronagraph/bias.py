"""The bias of each row, from the clean columns of the serial register."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

GAUSSIAN_MAD = 1.4826022185056018
"""Standard deviation of a normal distribution over its median absolute deviation, 1 / Phi^-1(3/4)."""


@dataclass(frozen=True)
class RowBias:
    """Bias of each row.

    Attributes
    ----------
    level : ndarray, shape (rows,), float64
        DN, the bias offset already taken off.
    error : ndarray, shape (rows,), float64
        Its 1-sigma error in DN.
    replaced : ndarray, shape (rows,), bool
        Rows that were given the level of the rows around them.
    noise : float
        Standard deviation of a single sample in DN: the read noise, quantisation included.
    """

    level: np.ndarray
    error: np.ndarray
    replaced: np.ndarray
    noise: float


NEIGHBOURS = 31
"""Rows over which the running median of the row bias is taken."""


def _running_median(level: np.ndarray) -> np.ndarray:
    # Turned about the edge, not mirrored, so that a drift goes on beyond it.
    padded = np.pad(level, NEIGHBOURS // 2, mode="reflect", reflect_type="odd")
    windows = np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS)
    return np.sort(windows, axis=1)[:, NEIGHBOURS // 2]


def row_bias(samples: np.ndarray, *, offset: float = 0.0, outlier_sigma: float = 0.0) -> RowBias:
    """Take the median of each row's bias samples.

    Parameters
    ----------
    samples : ndarray, shape (rows, columns), DN
        Good prescan columns of the rows.
    offset : float
        By how much the prescan's level exceeds the image's, DN; subtracted.
    outlier_sigma : float
        Rows whose median is further than this many robust standard deviations from that of the rows around them
        (`NEIGHBOURS`) are given the latter: a cosmic-ray tail that spills from the previous row's end into the
        prescan. The frame's median would not do, bias drifts over a frame. 0 leaves every row its own.

    Returns
    -------
    RowBias
        The error of a row is that of a median of normal samples, noise sqrt(pi / (2 columns)).
    """
    columns = samples.shape[1]
    # Vectorised sorts of whole rows of 16-bit integers are far faster than selection.
    ordered = np.sort(samples, axis=1)
    level = (ordered[:, (columns - 1) // 2].astype(np.float64) + ordered[:, columns // 2]) / 2
    noise = sample_noise(samples, level)
    error = np.full(level.size, noise * np.sqrt(np.pi / (2 * columns)))
    replaced = np.zeros(level.size, dtype=bool)
    if outlier_sigma > 0:
        centre = _running_median(level)
        spread = max(GAUSSIAN_MAD * np.median(np.abs(level - centre)), error[0])
        replaced = np.abs(level - centre) > outlier_sigma * spread
        level = np.where(replaced, centre, level)
        error = np.where(replaced, np.hypot(error, spread), error)
    return RowBias(level - offset, error, replaced, noise)


@njit(cache=True, nogil=True)
def _lower_squares(samples: np.ndarray, level: np.ndarray) -> float:
    squares = 0.0
    weight = 0.0
    for row in range(samples.shape[0]):
        for column in range(samples.shape[1]):
            deviation = samples[row, column] - level[row]
            lower = min(deviation, 0.0)
            squares += lower * lower
            weight += 0.5 * ((deviation < 0.0) + (deviation <= 0.0))
    return squares / weight


def sample_noise(samples: np.ndarray, level: np.ndarray) -> float:
    """Measure the standard deviation of bias samples about their rows' medians.

    Clock-induced charge, multiplied by the register, and cosmic-ray tails put up to a few percent of the samples
    far above the rest, never below. The noise is symmetric, so the mean square of the samples below the median
    measures it, untouched by them. That the median is drawn from the samples themselves changes the variance by
    (pi / 2 - 2) / columns, which is corrected.

    Returns
    -------
    float
        DN.
    """
    return float(np.sqrt(_lower_squares(samples, level) / (1 + (np.pi / 2 - 2) / samples.shape[1])))
