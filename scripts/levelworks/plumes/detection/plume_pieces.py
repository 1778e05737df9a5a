"""Pieces of plumes: connected clutter excess, parted where plumes touch, joined where one plume is torn.

Source: specs/plumes.md 1.11 and 6.6. Positions are pixels (row, column); directions are measured in the sensor's grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

EIGHT = np.ones((3, 3), dtype=bool)

PROMINENCE = 4.0
RELATIVE_PROMINENCE = 0.15
"""A peak has its own part where the signal falls by so much about it: in noise or of itself, whichever is more."""

ELONGATED = 1.5
"""From this ratio of principal axes a shape has a direction."""


@dataclass(frozen=True)
class Piece:
    """One piece: its pixels, its peak signal-to-noise and where, and its direction where it has one (radians).

    ``pixels`` has shape (n, 2), in the order of the raster.
    """

    pixels: np.ndarray
    peak: float
    peak_at: tuple[int, int]
    direction: float | None


def principal_direction(pixels: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the angle of the long axis, ``atan2(rows, columns)`` in radians, and the ratio of long to short axis.

    Parameters
    ----------
    pixels : ndarray, shape (n, 2)
        Rows and columns.
    weights : ndarray, shape (n,)
        Not negative, their sum positive.
    """
    centre = np.average(pixels, axis=0, weights=weights)
    offsets = pixels - centre
    # A pixel has a width of its own: without it one row of pixels would be infinitely elongated.
    spread = (offsets * weights[:, None]).T @ offsets / weights.sum() + np.eye(2) / 12
    values, vectors = np.linalg.eigh(spread)
    return float(np.arctan2(vectors[0, 1], vectors[1, 1])), float(np.sqrt(values[1] / values[0]))


def axis_difference(first: float, second: float) -> float:
    """Return the angle between two axes without sense (radians, 0 to pi/2)."""
    difference = (first - second) % np.pi
    return float(min(difference, np.pi - difference))


def find_pieces(
    signal: np.ndarray, grow: float, seed: float, least: float, min_pixels: int
) -> tuple[np.ndarray, list[Piece]]:
    """Label the pieces above a threshold and part those in which plumes touch.

    Parameters
    ----------
    signal : ndarray, shape (rows, columns)
        Signal-to-noise; not a number in gaps.
    grow, seed, least : float
        What a pixel needs to belong to a piece, a peak to have a part of its own, and a piece to count at all.
    min_pixels : int
        Smaller pieces don't count.

    Returns
    -------
    labels : ndarray of int32, shape (rows, columns)
        0 background, n + 1 the n-th piece.
    pieces : list of Piece
        By descending peak, then by place.
    """
    filled = np.where(np.isfinite(signal), signal, 0).astype(np.float32)
    components, count = ndimage.label(filled >= grow, structure=EIGHT)
    labels = np.zeros(signal.shape, dtype=np.int32)
    pieces = []
    if count:
        peaks = ndimage.maximum(filled, components, np.arange(1, count + 1))
        sizes = np.bincount(components.ravel(), minlength=count + 1)[1:]
        boxes = ndimage.find_objects(components)
        for index in np.flatnonzero((peaks >= least) & (sizes >= min_pixels)):
            box = boxes[index]
            inside = components[box] == index + 1
            origin = np.array([box[0].start, box[1].start])
            whole = _direction(np.argwhere(inside), filled[box][inside])
            for part in part_touching(filled[box], inside, seed):
                pixels = np.argwhere(part)
                if len(pixels) >= min_pixels:
                    pieces.append(_piece(pixels + origin, filled, whole))
    pieces.sort(key=lambda piece: (-piece.peak, piece.peak_at))
    for label, piece in enumerate(pieces, start=1):
        labels[tuple(piece.pixels.T)] = label
    return labels, pieces


def _direction(pixels: np.ndarray, weights: np.ndarray) -> float | None:
    direction, ratio = principal_direction(pixels, weights)
    return direction if ratio >= ELONGATED else None


def _piece(pixels: np.ndarray, signal: np.ndarray, whole: float | None) -> Piece:
    """Make a piece; a round one takes the direction of the component it is part of."""
    values = signal[tuple(pixels.T)]
    best = int(np.argmax(values))
    own = _direction(pixels, values)
    return Piece(
        pixels, float(values[best]), (int(pixels[best, 0]), int(pixels[best, 1])), own if own is not None else whole
    )


def steps_of_prominence(signal: np.ndarray) -> np.ndarray:
    """Return heights in which one is the prominence of a peak at that signal: linear in weak, logarithmic in strong."""
    turn = PROMINENCE / RELATIVE_PROMINENCE
    weak = np.minimum(signal, turn).astype(np.float64) / PROMINENCE
    return np.asarray(weak + np.log(np.maximum(signal, turn).astype(np.float64) / turn) / RELATIVE_PROMINENCE)


def part_touching(signal: np.ndarray, inside: np.ndarray, seed: float) -> list[np.ndarray]:
    """Part a component by watershed at its prominent peaks.

    Parameters
    ----------
    signal : ndarray, shape (rows, columns)
        Positive inside.
    inside : ndarray of bool, shape (rows, columns)

    Returns
    -------
    list of ndarray of bool, shape (rows, columns)
        The component itself where it has one peak.
    """
    heights = steps_of_prominence(np.where(inside, signal, signal[inside].min()))
    lowered = reconstruction(heights - 1, heights, method="dilation", footprint=EIGHT)
    # What stands a full step above the reconstruction is a peak that no higher one overlooks.
    tops = inside & (heights - lowered >= 1 - 1e-6) & (signal >= seed)
    markers, count = ndimage.label(tops, structure=EIGHT)
    if count < 2:
        return [inside]
    parts = watershed(-heights, markers, mask=inside, connectivity=2)
    return [parts == label for label in range(1, count + 1)]


def gap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the distance between the nearest edges of two sets of pixels (pixels; 0 where they touch)."""
    from scipy.spatial import cKDTree

    distances, _ = cKDTree(first).query(second)
    near = second[distances <= distances.min() + 2]
    apart = np.maximum(np.abs(near[:, None, :] - first[None, :, :]) - 1, 0)
    return float(np.sqrt((apart**2).sum(axis=2).min()))


def aligned(first: Piece, second: Piece, widest: float) -> bool:
    """Tell whether the second piece lies along the direction of the first, within an angle (radians)."""
    if first.direction is None:
        return False
    joining = np.array(second.peak_at, dtype=float) - first.peak_at
    return axis_difference(float(np.arctan2(joining[0], joining[1])), first.direction) <= widest


def join_pieces(pieces: list[Piece], seed: float, reach: float, widest: float) -> list[list[int]]:
    """Gather the pieces of each plume: near each other, and one along the direction of the other.

    Parameters
    ----------
    pieces : list of Piece
        By descending peak.
    seed : float
        What the highest peak of a plume has at least; pieces that join no such peak are dropped.
    reach : float
        Widest gap (pixels).
    widest : float
        Largest angle between the direction of the larger piece and the line to the other (radians).

    Returns
    -------
    list of list of int
        Indices of pieces, the highest first.
    """
    owner = list(range(len(pieces)))

    def root(index: int) -> int:
        while owner[index] != index:
            index = owner[index]
        return index

    corners = [(piece.pixels.min(axis=0), piece.pixels.max(axis=0)) for piece in pieces]
    low, high = np.array(corners).reshape(-1, 2, 2).transpose(1, 0, 2)
    for i, first in enumerate(pieces):
        # the gap between boxes, of all later pieces at once: there may be thousands
        apart = np.maximum(np.maximum(low[i + 1 :] - high[i], low[i] - high[i + 1 :]) - 1, 0)
        for j in (i + 1 + np.flatnonzero(np.hypot(*apart.T) <= reach)).tolist():
            if root(i) == root(j):
                continue
            second = pieces[j]
            large, small = (first, second) if len(first.pixels) >= len(second.pixels) else (second, first)
            if aligned(large, small, widest) and gap(large.pixels, small.pixels) <= reach:
                kept, joined = sorted((root(i), root(j)))
                owner[joined] = kept
    groups: dict[int, list[int]] = {}
    for index in range(len(pieces)):
        groups.setdefault(root(index), []).append(index)
    return [group for group in groups.values() if pieces[group[0]].peak >= seed]
