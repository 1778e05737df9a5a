"""The peers' series for photon counting, for comparison with `levelworks.coronagraph.photon_counting`."""

from __future__ import annotations

from typing import Literal

import numpy as np

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.photon_counting import check_settings


def series_objective(
    mean: np.ndarray,
    counts: np.ndarray,
    frames: np.ndarray,
    gain: float,
    threshold: float,
    series: Literal["photoncount", "corgidrp"],
) -> tuple[np.ndarray, np.ndarray]:
    """Compute frames * eps(L) - counts and its derivative, eps being a peer's series for the detection probability.

    Both neglect the read noise and take at most three electrons. ``photoncount`` weighs the thresholded share of
    1, 2 and 3 electrons by 1 - e^-L; ``corgidrp`` divides by e^L cut at the cubic term.
    """
    g, t, square = gain, threshold, mean * mean
    above = t * t * square + 2 * g * t * (3 * mean + square) + 2 * g * g * (6 + 3 * mean + square)
    above_slope = 2 * t * t * mean + 2 * g * t * (3 + 2 * mean) + 2 * g * g * (3 + 2 * mean)
    if series == "photoncount":
        below, below_slope = 2 * g * g * (6 + 3 * mean + square), 2 * g * g * (3 + 2 * mean)
        factor, factor_slope = -np.expm1(-mean), np.exp(-mean)
    elif series == "corgidrp":
        below = 2 * g * g * (6 + 6 * mean + 3 * square + square * mean)
        below_slope = 2 * g * g * (6 + 6 * mean + 3 * square)
        factor, factor_slope = mean, 1.0
    else:
        raise InvalidOptions(f"series is {series!r}, must be 'photoncount' or 'corgidrp'")
    share = np.exp(-t / g) * above / below
    share_slope = np.exp(-t / g) * (above_slope * below - above * below_slope) / below**2
    return frames * share * factor - counts, frames * (share_slope * factor + share * factor_slope)


def photon_count_series(
    counts: np.ndarray,
    frames: np.ndarray | int,
    gain: float,
    threshold: float,
    series: Literal["photoncount", "corgidrp"],
) -> np.ndarray:
    """Estimate the mean electrons per pixel and frame as the peers do, for comparison with `invert_counts`.

    Two Newton steps on `series_objective` from -ln(1 - e^(t/g) n/N) where that exists, else from n/N. Good at
    low flux, biased at high flux.

    Returns
    -------
    ndarray, float64
        NaN where ``frames`` is 0.
    """
    check_settings(gain, threshold, 0.0)
    counts, frames = np.broadcast_arrays(np.asarray(counts, np.float64), np.asarray(frames, np.float64))
    rate = counts / np.where(frames > 0, frames, np.nan)
    inside = 1.0 - rate * np.exp(threshold / gain)
    mean = np.where(inside > 0, -np.log(np.where(inside > 0, inside, 1.0)), rate)
    for _ in range(2):
        value, slope = series_objective(mean, counts, frames, gain, threshold, series)
        mean = mean - value / slope
    return mean
