"""Detection of plumes in an enhancement field, in sensor geometry, without random numbers.

Source: specs/plumes.md 6.6; thresholds as in 1.11, but in units of the local clutter of the smoothed field, not of the
standard deviation of the scene.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.segmentation import expand_labels

from levelworks.plumes.detection.clutter import signal_to_noise_of_scales
from levelworks.plumes.detection.downwind import Wind, gather_downwind
from levelworks.plumes.detection.plume_pieces import find_pieces, join_pieces

SECOND_LOOK_MARGIN = 3
"""Pixels about what was found first that do not count as clutter the second time."""

FRAGMENT = 0.75
"""A piece torn off a plume counts from this part of the seed threshold."""


@dataclass(frozen=True)
class Criteria:
    """What makes a plume.

    Parameters
    ----------
    scales : tuple of float
        Standard deviations of the smoothing kernels (pixels); the greatest signal-to-noise of all counts.
    window : int
        Side of the window of the local clutter (pixels).
    seed, grow : float
        Signal-to-noise of a plume's peak, and of each of its pixels.
    rim : int
        Pixels about these that belong to the plume too. Chosen by the noise in them, pixels above a threshold hold too
        much of it; those about them hold too little, so that the sum over both is nearly that of the plume.
    min_pixels : int
        Pixels above ``grow`` of a plume.
    reach : float
        Widest gap between pieces of a plume (pixels).
    widest : float
        Largest angle between the direction of a piece and the line to the next (radians).
    downwind : float
        Widest gap across which a weaker piece downwind of a plume is part of it (pixels), where the wind is known.
    cone : float
        Half opening of the cone in which such pieces lie (radians).
    """

    scales: tuple[float, ...] = (1.5, 3.0)
    window: int = 100
    seed: float = 5.3
    grow: float = 3.0
    rim: int = 2
    min_pixels: int = 5
    reach: float = 3.0
    widest: float = float(np.pi / 6)
    downwind: float = 10.0
    cone: float = float(np.radians(35))


@dataclass(frozen=True)
class Detection:
    """What was found in one field.

    Parameters
    ----------
    labels : ndarray of int32, shape (rows, columns)
        0 background, n + 1 the n-th plume.
    pieces : ndarray of int32, shape (rows, columns)
        The pieces that plumes were put together from, and those that belong to none.
    signal : ndarray of float32, shape (rows, columns)
        Signal-to-noise; not a number in gaps.
    count : int
        Plumes.
    mirrored : int
        Plumes that the same criteria find in the field upside down: what clutter alone makes.
    """

    labels: np.ndarray
    pieces: np.ndarray
    signal: np.ndarray
    count: int
    mirrored: int


def detection_signal(enhancement: np.ndarray, criteria: Criteria) -> np.ndarray:
    """Return the greatest signal-to-noise over the scales; plumes found first don't count as clutter the second time.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        Not a number in gaps.
    """
    first = _greatest(signal_to_noise_of_scales(enhancement, criteria.scales, criteria.window))
    pieces, _ = find_pieces(first, criteria.grow, criteria.seed, criteria.seed, criteria.min_pixels)
    if not pieces.any():
        return first
    left_out = expand_labels(pieces, SECOND_LOOK_MARGIN) > 0
    return _greatest(signal_to_noise_of_scales(enhancement, criteria.scales, criteria.window, left_out))


def _greatest(signals: list[np.ndarray]) -> np.ndarray:
    greatest = signals[0]
    for signal in signals[1:]:
        greatest = np.fmax(greatest, signal)
    return greatest


def find_plumes(
    enhancement: np.ndarray, criteria: Criteria, area: np.ndarray | None = None, wind: Wind | None = None
) -> Detection:
    """Find plumes: pieces of excess, those of one plume joined, the smallest gaps between plumes kept.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        Not a number in gaps.
    area : ndarray, shape (rows, columns), optional
        Of pixels, for the order of plumes by mass; pixels count alike without it.
    wind : callable, optional
        Where the wind blows, see `downwind.Wind`: what drifts downwind of a plume is then joined to it.

    Returns
    -------
    Detection
        Plumes by descending mass, then by place.
    """
    signal = detection_signal(enhancement, criteria)
    fragment = max(criteria.grow, FRAGMENT * criteria.seed)
    pieces, found = find_pieces(signal, criteria.grow, criteria.seed, fragment, criteria.min_pixels)
    groups = join_pieces(found, criteria.seed, criteria.reach, criteria.widest)
    if wind is not None and criteria.downwind > 0:
        groups = gather_downwind(groups, found, enhancement, wind, criteria.downwind, criteria.cone)
    grown = np.zeros(signal.shape, dtype=np.int32)
    for label, group in enumerate(groups, start=1):
        for index in group:
            grown[tuple(found[index].pixels.T)] = label
    labels = order_by_mass(expand(grown, criteria.rim, np.isfinite(enhancement)), enhancement, area)
    _, upside = find_pieces(-signal, criteria.grow, criteria.seed, criteria.seed, criteria.min_pixels)
    return Detection(labels, pieces, signal, len(groups), len(upside))


def expand(labels: np.ndarray, rim: int, valid: np.ndarray) -> np.ndarray:
    """Return labels widened by a rim that takes no pixel of another label and none that is not valid."""
    widened = expand_labels(labels, rim) if rim else labels
    return np.where(valid, widened, 0).astype(np.int32)


def order_by_mass(labels: np.ndarray, enhancement: np.ndarray, area: np.ndarray | None = None) -> np.ndarray:
    """Renumber labels by descending mass; of equal masses the one whose first pixel comes first.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        Not a number in gaps, which have no mass.
    """
    count = int(labels.max(initial=0))
    weights = np.where(np.isfinite(enhancement), enhancement, 0).astype(np.float64)
    if area is not None:
        weights *= np.where(np.isfinite(area), area, 0)
    masses = np.bincount(labels.ravel(), weights=weights.ravel(), minlength=count + 1)[1:]
    present, first = np.unique(labels, return_index=True)
    places = dict(zip(present.tolist(), first.tolist(), strict=True))
    order = sorted(
        (label for label in range(1, count + 1) if label in places), key=lambda n: (-masses[n - 1], places[n])
    )
    numbers = np.zeros(count + 1, dtype=np.int32)
    numbers[order] = np.arange(1, len(order) + 1)
    return numbers[labels]


def excluded_mask(enhancement: np.ndarray, criteria: Criteria, margin: int) -> np.ndarray:
    """Return the pixels to leave out of the statistics of a second retrieval: plumes and a margin about them.

    Parameters
    ----------
    margin : int
        Pixels, in place of the criteria's rim.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        A plume too many costs a few pixels of statistics, one too few a bias: criteria may be looser than for plumes.
    """
    signal = detection_signal(enhancement, criteria)
    pieces, _ = find_pieces(signal, criteria.grow, criteria.seed, criteria.seed, criteria.min_pixels)
    return expand_labels(pieces, margin) > 0
