"""The heights of clouds: what the darkness of the ground says for each piece, and what its neighbours say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.height_hints import Hint
from levelworks.ard.masks.objects import PIECE_SIZE, Pieces
from levelworks.ard.masks.settings import OBJECT_SIZE

LOWEST, HIGHEST = 200.0, 12000.0
"""Metres above ground."""
LOWEST_STEP, RELATIVE_STEP = 25.0, 0.015
SIMILAR = 0.08
"""Relative spread of the heights of neighbouring clouds."""
NEIGHBOURHOOD = 1.5
"""Standard deviation of the weight of neighbours, in squares of `PIECE_SIZE`."""
EVERYWHERE = 0.02
"""Weight of the whole image beside the neighbours."""
STRAY = 1e-5
"""Share of pieces whose height has nothing to do with those around, per height."""
ROUNDS = 3
INDEPENDENT = 32.0
"""Cells that count as one, for ground is alike over some 300 m."""
LARGEST_WEIGHT = 4.0
EXPECTED = 0.05
"""Weight of what is expected beside what is found around: that of a small cloud in the same square."""
BINS, BLUR = 240, 2.0
"""Departures from hinted heights are counted in, and smoothed by, units of the hint."""


def trial_heights(tangent: float) -> np.ndarray:
    """Return the heights to try, metres: shadows move by about a cell from one to the next.

    Parameters
    ----------
    tangent : float
        Of the sun's zenith angle.
    """
    heights = [LOWEST]
    while heights[-1] < HIGHEST:
        step = max(OBJECT_SIZE / max(tangent, 0.2) * 0.75, LOWEST_STEP, RELATIVE_STEP * heights[-1])
        heights.append(heights[-1] + step)
    return np.array(heights)


@dataclass(frozen=True)
class Agreement:
    """Heights of pieces.

    Parameters
    ----------
    chosen : ndarray, shape (pieces,), float64
        Metres, 0 where none is possible.
    index : ndarray, shape (pieces,), int64
        Of the height among those tried.
    """

    chosen: np.ndarray
    index: np.ndarray


def agree_on_heights(
    pieces: Pieces, scores: np.ndarray, heights: np.ndarray, hint: Hint | None, shape: tuple[int, int]
) -> Agreement:
    """Choose a height for every piece, in keeping with the clouds around.

    The heights of a neighbourhood are taken to come from one distribution, found together with the heights
    themselves by expectation maximisation; and so are the departures from heights that follow from temperature or
    parallax, which decks of any height share. A piece that shows its shadow clearly goes by that alone.

    Parameters
    ----------
    scores : ndarray, shape (pieces, heights), float32
        Mean evidence; -inf for what is impossible.
    heights : ndarray, shape (heights,)
    shape : tuple of int
        Rows and columns of cells.
    """
    tile = round(PIECE_SIZE / OBJECT_SIZE)
    squares = (-(-shape[0] // tile), -(-shape[1] // tile))
    first_rows, first_columns = pieces.rows[pieces.starts[:-1]], pieces.columns[pieces.starts[:-1]]
    square = (first_rows // tile).astype(np.int64) * squares[1] + first_columns // tile
    weight = np.minimum(np.sqrt(pieces.sizes / INDEPENDENT), LARGEST_WEIGHT)
    evidence = scores * weight[:, None].astype(np.float32)
    possible = np.isfinite(evidence).any(axis=1)
    apart = (heights[:, None] - heights[None, :]) / (SIMILAR * heights[None, :] + 50.0)
    kernel = np.exp(-0.5 * apart**2)
    kernel /= kernel.sum(axis=0)
    prior = np.zeros(evidence.shape)
    place = known = np.zeros((0, 0), np.int64)
    usual, flat = np.zeros(BINS), np.full(heights.size, 1.0 / heights.size)
    if hint is not None:
        known = np.isfinite(hint.value)[:, None]
        place = _places(hint, heights)
        usual = np.exp(-0.5 * ((np.arange(BINS) - BINS // 2 - hint.centre) / hint.spread) ** 2)
        usual /= usual.sum()
        prior = np.where(known, np.log(usual[place] + STRAY), 0.0)
    for _ in range(ROUNDS):
        posterior = evidence + prior
        posterior -= np.where(possible, posterior.max(axis=1), 0.0)[:, None]
        posterior = np.exp(posterior)
        posterior *= (weight / np.maximum(posterior.sum(axis=1), 1e-30))[:, None]
        near = _among_others(posterior @ kernel.T, square, squares, flat)
        prior = np.log(near + STRAY)
        if hint is not None:
            counts = np.zeros((pieces.number, BINS))
            np.add.at(counts, (np.arange(pieces.number)[:, None], place), np.where(known, posterior, 0.0))
            counts = ndimage.gaussian_filter1d(counts, BLUR, axis=1, mode="constant")
            departures = np.take_along_axis(_among_others(counts, square, squares, usual), place, 1)
            prior = np.where(known, np.log(departures + near + STRAY), prior)
    index = np.argmax(evidence + prior, axis=1)
    return Agreement(np.where(possible, heights[index], 0.0), index)


def _places(hint: Hint, heights: np.ndarray) -> np.ndarray:
    """Return the bin of the departure that each height would be, shape (pieces, heights), int64."""
    departure = np.nan_to_num(hint.value)[:, None] + hint.slope * heights
    return np.clip(np.rint(departure) + BINS // 2, 0, BINS - 1).astype(np.int64)


def _among_others(own: np.ndarray, square: np.ndarray, squares: tuple[int, int], expected: np.ndarray) -> np.ndarray:
    """Return the distributions around each piece, itself left out, lest chance bear itself out.

    Parameters
    ----------
    own : ndarray, shape (pieces, bins), float64
        What each piece adds.
    square : ndarray, shape (pieces,), int64
        Where it lies.
    squares : tuple of int
        Squares down and across.
    expected : ndarray, shape (bins,), float64
        Before anything is seen; of sum one, or zero.

    Returns
    -------
    ndarray, shape (pieces, bins), float64
        Of sum one, or zero where there is no other piece and nothing is expected.
    """
    total = np.zeros((squares[0] * squares[1], own.shape[1]))
    np.add.at(total, square, own)
    near = ndimage.gaussian_filter(
        total.reshape(*squares, own.shape[1]), (NEIGHBOURHOOD, NEIGHBOURHOOD, 0), mode="constant"
    ).reshape(total.shape)
    near += EVERYWHERE * total.mean(axis=0)
    impulse = np.zeros(2 * math.ceil(4.0 * NEIGHBOURHOOD) + 1)
    impulse[impulse.size // 2] = 1.0
    at_once = ndimage.gaussian_filter1d(impulse, NEIGHBOURHOOD, mode="constant").max() ** 2
    others = np.maximum(near[square] - (at_once + EVERYWHERE / len(total)) * own, 0.0)
    others += EXPECTED * expected
    return others / np.maximum(others.sum(axis=1), 1e-9)[:, None]
