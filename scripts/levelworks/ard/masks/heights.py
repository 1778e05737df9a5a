"""The heights of clouds: what the darkness of the ground says for each piece, and what its neighbours say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.clear_sky_kernels import LAPSE_RATE
from levelworks.ard.masks.objects import PIECE_SIZE, Pieces
from levelworks.ard.masks.settings import OBJECT_SIZE

DRY_LAPSE_RATE = 0.0098
"""Kelvin a metre, the most that the air cools (spec section 8.5)."""
MARGIN = 4.0
"""Kelvin beyond the cold and warm ends of clear ground."""
LOWEST, HIGHEST = 200.0, 12000.0
"""Metres above ground."""
LOWEST_STEP, RELATIVE_STEP = 25.0, 0.015
SIMILAR = 0.08
"""Relative spread of the heights of neighbouring clouds."""
NEIGHBOURHOOD = 1.5
"""Standard deviation of the weight of neighbours, in squares of `PIECE_SIZE`."""
STRAY = 0.0002
"""Share of pieces whose height has nothing to do with those around, per height."""
ROUNDS = 3
INDEPENDENT = 4.0
"""Cells that count as one, for neighbours are alike."""
LARGEST_WEIGHT = 20.0
PEAKS = 4
DOUBT, THIN = 1.3, 1500.0
"""Share and metres by which clouds may be higher than they seem."""
LOW_SCALE, HIGH_SCALE, LARGEST_PENALTY = 300.0, 1200.0, 6.0
"""Metres per natural logarithm of likelihood below and above, and the most that temperature counts."""


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
    """Heights of pieces, and what is known of those around.

    Parameters
    ----------
    chosen : ndarray, shape (pieces,), int64
        Index of the height, -1 where none is possible.
    square : ndarray, shape (pieces,), int64
        Number of the square of `PIECE_SIZE` that each piece lies in.
    prior : ndarray, shape (squares, heights), float64
        Logarithm of the distribution of heights around each square.
    """

    chosen: np.ndarray
    square: np.ndarray
    prior: np.ndarray


def agree_on_heights(
    pieces: Pieces, scores: np.ndarray, heights: np.ndarray, likely: np.ndarray, shape: tuple[int, int]
) -> Agreement:
    """Choose a height for every piece, in keeping with those of the clouds around.

    The heights of a neighbourhood are taken to come from one distribution, found together with the heights
    themselves by expectation maximisation; a piece that shows its shadow clearly goes by that alone.

    Parameters
    ----------
    scores : ndarray, shape (pieces, heights), float32
        Mean evidence; -inf for what is impossible.
    heights : ndarray, shape (heights,)
    likely : ndarray, shape (pieces, heights), float32
        Logarithm of how likely heights are by temperature.
    shape : tuple of int
        Rows and columns of cells.
    """
    tile = round(PIECE_SIZE / OBJECT_SIZE)
    squares = tuple(-(-size // tile) for size in shape)
    centres = pieces.rows[pieces.starts[:-1]], pieces.columns[pieces.starts[:-1]]
    square = (centres[0] // tile).astype(np.int64) * squares[1] + centres[1] // tile
    weight = np.minimum(np.sqrt(pieces.sizes / INDEPENDENT), LARGEST_WEIGHT)
    evidence = scores * weight[:, None].astype(np.float32) + likely
    apart = (heights[:, None] - heights[None, :]) / (SIMILAR * heights[None, :] + 50.0)
    kernel = np.exp(-0.5 * apart**2)
    kernel /= kernel.sum(axis=0)
    prior = np.zeros((squares[0] * squares[1], heights.size))
    possible = np.isfinite(evidence).any(axis=1)
    for _ in range(ROUNDS):
        posterior = evidence + prior[square]
        posterior -= np.where(possible, posterior.max(axis=1), 0.0)[:, None]
        posterior = np.exp(posterior)
        posterior /= np.maximum(posterior.sum(axis=1), 1e-30)[:, None]
        total = np.zeros(prior.shape)
        np.add.at(total, square, posterior * weight[:, None])
        total = total @ kernel.T
        near = ndimage.gaussian_filter(
            total.reshape(*squares, heights.size), (NEIGHBOURHOOD, NEIGHBOURHOOD, 0), mode="constant"
        ).reshape(prior.shape)
        near += 0.02 * total.mean(axis=0)
        near /= np.maximum(near.sum(axis=1), 1e-30)[:, None]
        prior = np.log(near + STRAY)
    return Agreement(np.where(possible, np.argmax(evidence + prior[square], axis=1), -1), square, prior)


def usual_heights(agreement: Agreement, heights: np.ndarray) -> np.ndarray:
    """Return the heights at which the distribution around each square peaks, shape (squares, `PEAKS`), metres.

    Those of the highest peaks, zero where there are fewer.
    """
    prior = agreement.prior
    padded = np.pad(prior, ((0, 0), (1, 1)), constant_values=-np.inf)
    peak = (prior > padded[:, :-2]) & (prior >= padded[:, 2:]) & (prior > np.log(2.0 * STRAY))
    rank = np.argsort(np.where(peak, -prior, np.inf), axis=1, kind="stable")[:, :PEAKS]
    return np.where(np.take_along_axis(peak, rank, 1), heights[rank], 0.0)


def likely_heights(
    pieces: Pieces,
    temperature: np.ndarray,
    base: np.ndarray,
    cold: np.ndarray,
    heights: np.ndarray,
) -> np.ndarray:
    """Return how likely heights are by the temperature of each piece, logarithm, shape (pieces, heights), float32.

    Below the height that the dry lapse rate allows, and well above that of the standard atmosphere, heights get less
    likely; thin clouds, through which warm ground shines, are higher than they seem.

    Parameters
    ----------
    temperature : ndarray, shape (rows, columns), uint16
        Kelvin times 100 on cells; zero where there is none.
    base : ndarray, shape (pieces,)
        Elevation beneath, metres.
    cold : ndarray, shape (pieces,)
        Cold end of clear ground at sea level, kelvin; NaN where unknown.
    """
    kelvin = temperature[pieces.rows, pieces.columns] / 100.0
    tops = np.full(pieces.number, np.nan)
    for piece in range(pieces.number):
        values = kelvin[pieces.starts[piece] : pieces.starts[piece + 1]]
        values = values[values > 0]
        if values.size:
            tops[piece] = np.quantile(values, 0.25) + LAPSE_RATE * base[piece]
    deficit = cold - tops
    low = np.maximum((deficit - MARGIN) / DRY_LAPSE_RATE, LOWEST)[:, None]
    high = (DOUBT * np.maximum(deficit + MARGIN, 0.0) / LAPSE_RATE + THIN)[:, None]
    penalty = np.maximum(low - heights, 0.0) / LOW_SCALE + np.maximum(heights - high, 0.0) / HIGH_SCALE
    return -np.minimum(np.nan_to_num(penalty), LARGEST_PENALTY).astype(np.float32)
