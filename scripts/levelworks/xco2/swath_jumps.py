"""Offsets between adjacent swaths of a snapshot area map: found and flagged, never corrected.

Biases that change from swath to swath with the viewing geometry are a known error of snapshot area maps (JPLMLIA,
OCO3_swath_bias_correction).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from levelworks.core.sphere import EARTH_RADIUS_KM, unit_vectors
from levelworks.xco2.screening import Flags, Screen

SWATH_PAUSE_S = 2.0
PAIR_KM = 5.0
MIN_PAIRS = 10
SIGMAS = 5.0
MAD_TO_SIGMA = 1.4826
MEDIAN_TO_MEAN_ERROR = 1.2533  # standard error of a median over that of a mean, for normal errors


class SwathJump(NamedTuple):
    """Two successive swaths and how the second stands against the first where they lie side by side."""

    first: int
    second: int
    offset: float
    sigma: float
    pairs: int


def number_swaths(time: ArrayLike, pause_s: float = SWATH_PAUSE_S) -> NDArray[np.int64]:
    """Return the number of the swath of each sounding, from 0; a pause of the soundings starts a new one.

    Parameters
    ----------
    time : array_like, shape (N,)
        Seconds, ascending.
    pause_s : float
        Longest pause inside a swath (s).
    """
    times = np.asarray(time, np.float64)
    return np.concatenate([[0], np.cumsum(np.diff(times) > pause_s)]).astype(np.int64)[: times.size]


def compare_swaths(
    swath: ArrayLike,
    longitude: ArrayLike,
    latitude: ArrayLike,
    values: ArrayLike,
    *,
    pair_km: float = PAIR_KM,
    min_pairs: int = MIN_PAIRS,
) -> list[SwathJump]:
    """Compare each swath with the one before.

    Each sounding is paired with the nearest of the swath before, so that a gradient along the swaths cancels. The
    offset is the median of the differences; its standard error comes from their median absolute deviation and from the
    number of different soundings on the side that has fewer.

    Parameters
    ----------
    swath : array_like of int, shape (N,)
        Number of the swath of each sounding.
    longitude, latitude : array_like, shape (N,)
        Degrees.
    values : array_like, shape (N,)
        What is compared; soundings with NaN are passed over.
    pair_km : float
        Greatest distance of a pair (km).
    min_pairs : int
        Swaths with fewer different soundings in pairs than this are not compared.

    Returns
    -------
    list of SwathJump
        ``offset`` and ``sigma`` in the unit of the values.
    """
    from scipy.spatial import KDTree

    numbers, field = np.asarray(swath), np.asarray(values, np.float64)
    points = EARTH_RADIUS_KM * unit_vectors(longitude, latitude)
    valid = np.isfinite(field) & np.isfinite(points).all(axis=-1)
    found = np.unique(numbers[valid])
    jumps = []
    for first, second in pairwise(found):
        before, behind = (np.flatnonzero(valid & (numbers == one)) for one in (first, second))
        distance, nearest = KDTree(points[before]).query(points[behind])
        near = distance <= pair_km
        count = min(int(near.sum()), np.unique(nearest[near]).size)
        if count < min_pairs:
            continue
        differences = field[behind[near]] - field[before[nearest[near]]]
        offset = float(np.median(differences))
        scatter = MAD_TO_SIGMA * float(np.median(np.abs(differences - offset)))
        error = MEDIAN_TO_MEAN_ERROR * scatter / np.sqrt(count)
        jumps.append(SwathJump(int(first), int(second), offset, float(error), count))
    return jumps


def flag_swath_jumps(
    swath: ArrayLike, comparisons: list[SwathJump], *, sigmas: float = SIGMAS, min_offset: float = 0.0
) -> Flags:
    """Flag the soundings on both sides of every offset beyond ``sigmas`` standard errors and ``min_offset``.

    Returns
    -------
    ndarray of uint8, shape (N,)
        `Screen.SWATH_JUMP` or 0, to be added to the flags of `screen_capture` by ``|``.
    """
    numbers = np.asarray(swath)
    offset = [one for one in comparisons if abs(one.offset) > max(sigmas * one.sigma, min_offset)]
    flagged = np.isin(numbers, [number for one in offset for number in (one.first, one.second)])
    return np.where(flagged, Screen.SWATH_JUMP, 0).astype(np.uint8)
