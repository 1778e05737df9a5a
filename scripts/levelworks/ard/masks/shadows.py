"""Where the shadows of clouds fall: objects matched with dark ground along the sun's rays (spec 8.5, 8.7 v)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.masks.clear_sky_kernels import LAPSE_RATE
from levelworks.ard.masks.height_hints import (
    Hint,
    decks_by_parallax,
    decks_by_temperature,
    hint_by_parallax,
    hint_by_temperature,
)
from levelworks.ard.masks.heights import Agreement, agree_on_heights, trial_heights
from levelworks.ard.masks.object_kernels import count_by_label, label_objects, select_labels, sum_by_label
from levelworks.ard.masks.objects import PIECE_SIZE, Pieces, cut_pieces
from levelworks.ard.masks.rays import Rays
from levelworks.ard.masks.settings import OBJECT_SIZE
from levelworks.ard.masks.shade import find_shade
from levelworks.ard.masks.shade_kernels import EVIDENCE_STEP, UNSEEN
from levelworks.ard.masks.shadow_kernels import dark_without_source, project_cells, score_heights
from levelworks.ard.scene import FIELD_SPACING

SAMPLES = 256
"""Cells of a piece that are projected while its height is sought."""
ROUNDS = 2
"""What sunlit ground looks like is learnt again once shadows are known."""
HIDDEN = 0.1
"""Share of a shadow's cells that must be seen for it to be judged."""
HALF = 0.5
PLAINLY_LIT = -0.5
"""Mean evidence of ground that is not in shadow at all, below which a piece of cloud throws none."""
DARK, VERY_DARK = 0.3, 1.0
"""Mean evidence around cells that may lie in the shadow of a cloud that the image does not show."""
UNSEEN_CELLS, UNSEEN_SHARE = 20, 0.2
"""Cells, and the share, of such a shadow that must be very dark."""
UNSEEN_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the heights of clouds that are seen, at which those that are not may stand."""


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
class Clouds:
    """Clouds, and what is known of their heights, on cells of 60 m.

    Parameters
    ----------
    cloudy : ndarray of bool, shape (rows, columns)
    temperature : ndarray, shape (rows, columns), uint16, or None
        Kelvin times 100; zero where there is none.
    cold : ndarray, shape (squares down, squares across), float64
        Cold end of clear land at sea level on squares of `PIECE_SIZE`, kelvin.
    lift : ndarray, shape (rows, columns), uint16, or None
        Height by parallax, metres; zero where unknown.
    """

    cloudy: np.ndarray
    temperature: np.ndarray | None
    cold: np.ndarray
    lift: np.ndarray | None


@dataclass(frozen=True)
class Shadows:
    """Shadows as displacements of clouds, on cells of 60 m.

    Parameters
    ----------
    down, across : ndarray, shape (rows, columns), int16
        Metres from a cell of cloud to its shadow, to the south and to the east; zero where none shows.
    heights : ndarray, shape (rows, columns), int16
        Of clouds above ground, metres; zero where no shadow shows.
    unseen : ndarray of bool, shape (rows, columns)
        Shadows of clouds that the image does not show.
    bright : ndarray of bool, shape (rows, columns)
        Objects that would throw a shadow on ground that is plainly not darkened.
    """

    down: np.ndarray
    across: np.ndarray
    heights: np.ndarray
    unseen: np.ndarray
    bright: np.ndarray


def match_shadows(clouds: Clouds, ground: Ground, rays: Rays) -> Shadows:
    """Find the shadow of every piece of cloud."""
    cloudy = clouds.cloudy
    pieces = cut_pieces(cloudy, _decks(clouds))
    shape = (int(cloudy.shape[0]), int(cloudy.shape[1]))
    down, across, above = (np.zeros(shape, np.int16) for _ in range(3))
    if not pieces.number:
        return Shadows(down, across, above, np.zeros(shape, bool), np.zeros(shape, bool))
    rows, columns = (
        np.add.reduceat(part, pieces.starts[:-1], dtype=np.int64) / pieces.sizes
        for part in (pieces.rows, pieces.columns)
    )
    along = rays.at(rows, columns)
    base = pieces.mean_of(ground.relief) if ground.relief.size else np.zeros(pieces.number)
    heights = trial_heights(rays.tangent)
    hint = _hint(clouds, pieces, rows, columns, base)
    scores, visible = (np.empty((pieces.number, heights.size), np.float32) for _ in range(2))
    seen = ~cloudy & ~ground.water & (ground.near_infrared > 0)
    shadow = np.zeros(shape, bool)
    where = pieces.starts, pieces.rows, pieces.columns
    for _ in range(ROUNDS):
        darkness = find_shade(ground.near_infrared, ground.shortwave, seen, cloudy, shadow)
        score_heights(*where, heights, *along, darkness, ground.relief, base, SAMPLES, scores, visible)
        found = agree_on_heights(pieces, scores, heights, hint, shape)
        metres = np.repeat(found.chosen, pieces.sizes)
        cast = np.where(np.repeat(shadow_shows(found, scores, visible), pieces.sizes), metres, 0.0)
        shadow[:] = False
        project_cells(*where, cast, *along, ground.relief, base, down, across, shadow)
    above[pieces.rows, pieces.columns] = np.rint(cast)
    unseen = find_unseen(darkness, shadow, cloudy, ground, rays, above)
    return Shadows(down, across, above, unseen, find_bright(cloudy, pieces, metres, along, darkness))


def _decks(clouds: Clouds) -> np.ndarray | None:
    if clouds.temperature is not None:
        return decks_by_temperature(clouds.cloudy, clouds.temperature)
    return None if clouds.lift is None else decks_by_parallax(clouds.cloudy, clouds.lift)


def _hint(clouds: Clouds, pieces: Pieces, rows: np.ndarray, columns: np.ndarray, base: np.ndarray) -> Hint | None:
    if clouds.temperature is not None:
        tile = round(PIECE_SIZE / OBJECT_SIZE)
        cold = clouds.cold[(rows // tile).astype(int), (columns // tile).astype(int)]
        return hint_by_temperature(pieces, clouds.temperature, cold - LAPSE_RATE * base)
    return None if clouds.lift is None else hint_by_parallax(pieces, clouds.lift)


def shadow_shows(found: Agreement, scores: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Tell of each piece whether a shadow can lie at the height found, be it hidden; see `score_heights`."""
    every = np.arange(found.index.size)
    evidence, part = scores[every, found.index], visible[every, found.index]
    return (found.chosen > 0.0) & ((evidence > PLAINLY_LIT * part) | (part < HIDDEN))


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
    labels, number = label_objects(cloudy)
    label = labels[rows, columns]
    seen = values != UNSEEN
    sizes = np.bincount(label, minlength=number + 1)
    counts = np.bincount(label[seen], minlength=number + 1)
    sums = np.bincount(label[seen], weights=values[seen], minlength=number + 1)
    bright = (counts >= HALF * sizes) & (counts > 0) & (sums < PLAINLY_LIT * EVIDENCE_STEP * counts)
    bright[0] = False
    return select_labels(labels, bright)


def find_unseen(
    darkness: np.ndarray, shadow: np.ndarray, cloudy: np.ndarray, ground: Ground, rays: Rays, above: np.ndarray
) -> np.ndarray:
    """Find shadows of clouds that the image does not show: they stand beyond it, or below higher ones.

    Such clouds are taken to stand at the heights of those that are seen. What they may shade must be dark, compact,
    and very dark in part.

    Parameters
    ----------
    darkness : ndarray, shape (rows, columns), int8
        As `find_shade` has it.
    shadow, cloudy : ndarray of bool, shape (rows, columns)
        What is explained.
    above : ndarray, shape (rows, columns), int16
        Heights of the clouds that are seen, metres; zero where none is.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    standing = above[above > 0]
    if not standing.size:
        return np.zeros(darkness.shape, bool)
    dark = dark_without_source(
        darkness, shadow | cloudy | ground.water, ground.near_infrared, above, np.quantile(standing, UNSEEN_LEVELS),
        rays.down, rays.across, FIELD_SPACING / OBJECT_SIZE, DARK, VERY_DARK,
    )  # fmt: skip
    labels, number = label_objects(dark > 0)
    very = sum_by_label(labels, number, (dark > 1).astype(np.uint8))
    found = (very >= UNSEEN_CELLS) & (very >= UNSEEN_SHARE * count_by_label(labels, number))
    found[0] = False
    return select_labels(labels, found)
