"""How likely it is that ground lies in shadow, by what sunlit ground around looks like.

Shadow takes about the same share of the light in NIR and SWIR1, so that on logarithmic axes the colours of shaded
ground are those of sunlit ground moved along the diagonal. Around each place the colours seen are taken for a mixture
of the two, of which clouds tell the shares.
"""

from __future__ import annotations

import numpy as np

from levelworks.ard.masks.clear_sky import gather
from levelworks.ard.masks.objects import PIECE_SIZE
from levelworks.ard.masks.settings import OBJECT_SIZE
from levelworks.ard.masks.shade_kernels import BINS, STRONGEST, count_colours, look_up_shade, separate_shade

LEAST_SHARE, LARGEST_SHARE = 0.01, 0.6
"""Bounds of the share of land that may lie in shadow."""
LEAST_SHADED = 0.8
"""Part of the shaded land that is taken to look more like shadow than like sunlit land, while no shadow is known."""
ENOUGH_COLOURS, ENOUGH_LAND = 0.5, 5.0
"""Squares' worth of cells whose colours, and whose clouds, count around a square."""


def find_shade(
    near_infrared: np.ndarray, shortwave: np.ndarray, seen: np.ndarray, cloudy: np.ndarray, shadow: np.ndarray
) -> np.ndarray:
    """Return what the colour of each cell says for a shadow.

    Parameters
    ----------
    near_infrared, shortwave : ndarray, shape (rows, columns), uint16
        Reflectance times 10000 on cells of 60 m.
    seen, cloudy : ndarray of bool, shape (rows, columns)
        Clear land, and clouds.
    shadow : ndarray of bool, shape (rows, columns)
        Where shadows are known to fall already: not what sunlit ground is learnt from. As much as that lacks of the
        clouds' own cover is taken to lie in shadow elsewhere.

    Returns
    -------
    ndarray, shape (rows, columns), int8
        Logarithm of the likelihood ratio, `EVIDENCE_STEP` per unit; `UNSEEN` where nothing can be seen.
    """
    tile = round(PIECE_SIZE / OBJECT_SIZE)
    squares = (-(-seen.shape[0] // tile), -(-seen.shape[1] // tile))
    lit = seen & ~shadow
    parts = np.zeros((*squares, 3), np.int32)
    for row in range(squares[0]):
        for column in range(squares[1]):
            window = slice(row * tile, (row + 1) * tile), slice(column * tile, (column + 1) * tile)
            parts[row, column] = [layer[window].sum() for layer in (seen, cloudy, lit)]
    land, cloud, light = np.moveaxis(gather(parts, ENOUGH_LAND * tile * tile).astype(np.float64), 2, 0)
    shade = cloud / np.maximum(land + cloud, 1.0)  # of the land, as large a share as clouds cover of all
    share = np.clip((shade * land - (land - light)) / np.maximum(light, 1.0), LEAST_SHARE, LARGEST_SHARE)
    first = LEAST_SHADED * np.minimum(shade, LARGEST_SHARE) * (not shadow.any())
    every, near = (_colours_around(near_infrared, shortwave, mask, tile, squares) for mask in (seen, lit))
    table = np.empty((*squares, BINS, BINS), np.float32)
    for row in range(squares[0]):
        for column in range(squares[1]):
            place = row, column
            table[place] = hold_shaded(separate_shade(near[place], share[place]), every[place], first[place])
    return look_up_shade(near_infrared, shortwave, seen, tile, table)


def hold_shaded(evidence: np.ndarray, seen: np.ndarray, shade: float) -> np.ndarray:
    """Return evidence raised until as much land as must lie in shadow looks more like shadow than like sunlit land.

    Where clouds cover most of an image, shaded ground is mistaken for a dark kind of sunlit ground; as much of it as
    must lie in shadow still looks most like shadow.

    Parameters
    ----------
    evidence : ndarray, shape (BINS, BINS), float32
        Of each colour.
    seen : ndarray, shape (BINS * BINS,), int32
        How often the colours occur on clear land.
    shade : float
        Share of clear land that must lie in shadow.

    Returns
    -------
    ndarray, shape (BINS, BINS), float32
        Within `STRONGEST`.
    """
    if shade <= 0.0:
        return evidence
    flat = evidence.ravel()
    order = np.argsort(flat, kind="stable")
    darker = np.cumsum(seen[order], dtype=np.int64)
    place = min(int(np.searchsorted(darker, (1.0 - shade) * darker[-1])), order.size - 1)
    return np.clip(evidence - min(flat[order[place]], 0.0), -STRONGEST, STRONGEST)


def _colours_around(
    near_infrared: np.ndarray, shortwave: np.ndarray, mask: np.ndarray, tile: int, squares: tuple[int, int]
) -> np.ndarray:
    """Return how often colours occur in a mask around each square, shape (*squares, BINS * BINS), int32."""
    counts = np.zeros((*squares, BINS * BINS), np.int32)
    count_colours(near_infrared, shortwave, mask, tile, counts)
    return gather(counts, ENOUGH_COLOURS * tile * tile)
