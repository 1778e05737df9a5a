"""Where the shadows of clouds fall: objects matched with dark ground along the sun's rays (spec 8.5, 8.7 v)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.heights import agree_on_heights, likely_heights, trial_heights, usual_heights
from levelworks.ard.masks.objects import NEIGHBOURS, PIECE_SIZE, Pieces, cut_pieces
from levelworks.ard.masks.rays import Rays
from levelworks.ard.masks.settings import OBJECT_SIZE
from levelworks.ard.masks.shade import EVIDENCE_STEP, UNSEEN, find_shade
from levelworks.ard.masks.shadow_kernels import project_cells, score_heights, tell_decks_apart

SAMPLES = 400
"""Cells of a piece that are projected while its height is sought."""
ROUNDS = 2
"""What sunlit ground looks like is learnt again once shadows are known."""
LEAST_EVIDENCE = 0.1
"""Mean evidence of the cells that can be seen, below which a piece throws no shadow that shows."""
LEAST_CONTRAST = 0.25
"""The same in excess of the mean over all heights."""
DECK_REACH, DECK_GAIN = 5, 15.0
"""Cells on either side whose evidence tells decks apart, and by how much it must."""
HIDDEN = 0.1
"""Share of a shadow's cells that must be seen for it to be judged."""
HALF = 0.5
PLAINLY_LIT = -0.5
"""Mean evidence below which ground is not in shadow."""
OUTSIDE_EVIDENCE = 1.0
"""Mean evidence around a cell that may lie in the shadow of a cloud beyond the image."""
OUTSIDE_CELLS = 20


@dataclass(frozen=True)
class Ground:
    """What shadows can fall on, on cells of 60 m.

    Parameters
    ----------
    near_infrared, shortwave : ndarray, shape (rows, columns), uint16
        Reflectance of NIR and SWIR1, times 10000; zero where there is no data.
    water : ndarray of bool, shape (rows, columns)
    relief : ndarray, shape (rows, columns) or (0, 0), int16
        Elevation, metres.
    """

    near_infrared: np.ndarray
    shortwave: np.ndarray
    water: np.ndarray
    relief: np.ndarray


@dataclass(frozen=True)
class Warmth:
    """Temperatures that bound heights.

    Parameters
    ----------
    cells : ndarray, shape (rows, columns), uint16
        Kelvin times 100 on cells of 60 m; zero where there is none.
    cold : ndarray, shape (squares down, squares across), float64
        Cold end of clear land at sea level on squares of `PIECE_SIZE`, kelvin.
    """

    cells: np.ndarray
    cold: np.ndarray


@dataclass(frozen=True)
class Shadows:
    """Shadows as displacements of clouds, on cells of 60 m.

    Parameters
    ----------
    down, across : ndarray, shape (rows, columns), int16
        Metres from a cell of cloud to its shadow, to the south and to the east; zero where none shows.
    heights : ndarray, shape (rows, columns), int16
        Of clouds above ground, metres; zero where no shadow shows.
    outside : ndarray of bool, shape (rows, columns)
        Shadows of clouds beyond the image.
    bright : ndarray of bool, shape (rows, columns)
        Objects that would throw a shadow on ground that is plainly not darkened.
    """

    down: np.ndarray
    across: np.ndarray
    heights: np.ndarray
    outside: np.ndarray
    bright: np.ndarray


def match_shadows(cloudy: np.ndarray, ground: Ground, rays: Rays, warmth: Warmth | None) -> Shadows:
    """Find the shadow of every piece of cloud.

    Parameters
    ----------
    cloudy : ndarray of bool, shape (rows, columns)
        Cells with clouds.
    """
    pieces = cut_pieces(cloudy)
    shape = (int(cloudy.shape[0]), int(cloudy.shape[1]))
    down, across, above = (np.zeros(shape, np.int16) for _ in range(3))
    if not pieces.number:
        return Shadows(down, across, above, np.zeros(shape, bool), np.zeros(shape, bool))
    rows = np.add.reduceat(pieces.rows, pieces.starts[:-1], dtype=np.int64) / pieces.sizes
    columns = np.add.reduceat(pieces.columns, pieces.starts[:-1], dtype=np.int64) / pieces.sizes
    along = rays.at(rows, columns)
    base = pieces.mean_of(ground.relief) if ground.relief.size else np.zeros(pieces.number)
    heights = trial_heights(rays.tangent)
    likely = np.zeros((pieces.number, heights.size), np.float32)
    if warmth is not None:
        tile = round(PIECE_SIZE / OBJECT_SIZE)
        square = (rows // tile).astype(int), (columns // tile).astype(int)
        likely = likely_heights(pieces, warmth.cells, base, warmth.cold[square], heights)
    scores, visible = np.empty(likely.shape, np.float32), np.empty(likely.shape, np.float32)
    seen = ~cloudy & ~ground.water & (ground.near_infrared > 0)
    shadow = np.zeros(shape, bool)
    metres = np.empty(pieces.rows.size)
    where = pieces.starts, pieces.rows, pieces.columns
    for _ in range(ROUNDS):
        darkness = find_shade(ground.near_infrared, ground.shortwave, seen, cloudy, shadow)
        score_heights(*where, heights, *along, darkness, ground.relief, base, SAMPLES, scores, visible)
        agreement = agree_on_heights(pieces, scores, heights, likely, shape)
        chosen = np.where(agreement.chosen >= 0, heights[np.maximum(agreement.chosen, 0)], 0.0)
        others = usual_heights(agreement, heights)[agreement.square]
        tell_decks_apart(*where, chosen, others, *along, darkness, ground.relief, base, DECK_REACH, DECK_GAIN, metres)
        shows = np.repeat(shadow_shows(agreement.chosen, scores, visible), pieces.sizes)
        cast = np.where(shows | (metres != np.repeat(chosen, pieces.sizes)), metres, 0.0)
        shadow[:] = False
        project_cells(*where, cast, *along, ground.relief, base, down, across, shadow)
    above[pieces.rows, pieces.columns] = np.rint(cast)
    outside = find_outside(darkness, shadow, cloudy, ground, rays, cast)
    return Shadows(down, across, above, outside, find_bright(cloudy, pieces, metres, along, darkness))


def shadow_shows(chosen: np.ndarray, scores: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Tell of each piece whether its shadow shows at the height chosen, or is hidden; see `score_heights`."""
    index = np.maximum(chosen, 0)
    every = np.arange(chosen.size)
    evidence, part = scores[every, index], visible[every, index]
    possible = np.isfinite(scores)
    chance = np.where(possible, scores, 0.0).sum(axis=1) / np.maximum(possible.sum(axis=1), 1)
    shows = (evidence > LEAST_EVIDENCE * part) | (evidence - chance > LEAST_CONTRAST * part)
    return (chosen >= 0) & (shows | (part < HIDDEN))


def find_bright(
    cloudy: np.ndarray,
    pieces: Pieces,
    metres: np.ndarray,
    along: tuple[np.ndarray, np.ndarray],
    darkness: np.ndarray,
) -> np.ndarray:
    """Find objects most of whose shadow could be seen and is plainly not there.

    Parameters
    ----------
    metres : ndarray, shape (cells,)
        Likely heights.
    along : tuple of ndarray, shape (pieces,)
        Displacements of the shadows in cells a metre.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    rows, columns = pieces.rows, pieces.columns
    y, x = (
        np.rint(place + metres * np.repeat(part, pieces.sizes)).astype(np.int64)
        for place, part in zip((rows, columns), along, strict=True)
    )
    inside = (y >= 0) & (y < cloudy.shape[0]) & (x >= 0) & (x < cloudy.shape[1])
    values = np.full(y.shape, UNSEEN, np.int64)
    values[inside] = darkness[y[inside], x[inside]]
    values[metres <= 0] = UNSEEN
    labels, number = ndimage.label(cloudy, NEIGHBOURS)
    label = labels[rows, columns]
    seen = values != UNSEEN
    sizes = np.bincount(label, minlength=number + 1)
    counts = np.bincount(label[seen], minlength=number + 1)
    sums = np.bincount(label[seen], weights=values[seen], minlength=number + 1)
    bright = (counts >= HALF * sizes) & (counts > 0) & (sums < PLAINLY_LIT * EVIDENCE_STEP * counts)
    bright[0] = False
    return bright[labels]


def find_outside(
    darkness: np.ndarray, shadow: np.ndarray, cloudy: np.ndarray, ground: Ground, rays: Rays, heights: np.ndarray
) -> np.ndarray:
    """Find shadows of clouds that stand beyond the image: compact, dark, and within reach of its sunward border.

    Parameters
    ----------
    heights : ndarray
        Of the clouds in the image, whose median those beyond it are taken to have; zeros do not count.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    standing = heights[heights > 0]
    if not standing.size:
        return np.zeros(darkness.shape, bool)
    height = float(np.quantile(standing, 0.75))
    valid = ground.near_infrared > 0
    place = np.indices(darkness.shape, dtype=np.int32)
    rows, columns = place[0], place[1]
    down, across = rays.at(rows[:, 0], np.full(rows.shape[0], rows.shape[1] // 2))
    rows = rows - np.rint(height * down).astype(np.int32)[:, None]
    columns = columns - np.rint(height * across).astype(np.int32)[:, None]
    inside = (rows >= 0) & (rows < valid.shape[0]) & (columns >= 0) & (columns < valid.shape[1])
    inside[inside] = valid[rows[inside], columns[inside]]
    weight = (darkness != UNSEEN).astype(np.float32)
    around = ndimage.uniform_filter(darkness * weight, 3) / np.maximum(ndimage.uniform_filter(weight, 3), 0.3)
    dark = ~inside & valid & ~cloudy & ~ground.water & ~shadow & (around > OUTSIDE_EVIDENCE * EVIDENCE_STEP)
    labels, number = ndimage.label(dark, NEIGHBOURS)
    large = np.bincount(labels.ravel(), minlength=number + 1) >= OUTSIDE_CELLS
    large[0] = False
    return large[labels]
