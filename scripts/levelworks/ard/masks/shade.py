"""How likely it is that ground lies in shadow, by what sunlit ground around looks like.

Shadow takes about the same share of the light in NIR and SWIR1, so that on logarithmic axes the colours of shaded
ground are those of sunlit ground moved along the diagonal. Around each place the colours seen are taken for a mixture
of the two, of which clouds tell the shares: what is sunlit is found by expectation maximisation.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import ndimage

from levelworks.ard.masks.clear_sky import gather
from levelworks.ard.masks.objects import PIECE_SIZE
from levelworks.ard.masks.settings import OBJECT_SIZE

DARKEST = 60.0
"""Reflectance times 10000 at the first bin."""
BIN = 0.1
"""Natural logarithm."""
BINS = 48
LEAST_SHIFT, LARGEST_SHIFT = 2, 15
"""Bins by which shadows darken: to between 0.82 and 0.22 of the light."""
ROUNDS = 12
RARE = 3e-5
"""Share of sunlit ground that may have any one colour."""
STRONGEST = 2.0
EVIDENCE_STEP = 32.0
"""Steps of stored evidence per natural logarithm."""
UNSEEN = -128
"""Where nothing can be seen of a shadow: cloud, water, no data."""


@njit(cache=True, nogil=True)
def colour_bin(value: int) -> int:
    """Return the bin of a reflectance times 10000."""
    place = int(np.log(max(value, 1) / DARKEST) / BIN)
    return min(max(place, 0), BINS - 1)


@njit(cache=True, nogil=True)
def count_colours(
    near_infrared: np.ndarray, shortwave: np.ndarray, seen: np.ndarray, tile: int, counts: np.ndarray
) -> None:
    """Count the colours of the cells that are seen, by squares of `tile` cells, in place."""
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            if seen[row, column]:
                first, second = colour_bin(near_infrared[row, column]), colour_bin(shortwave[row, column])
                counts[row // tile, column // tile, first * BINS + second] += 1


@njit(cache=True, nogil=True)
def look_up_shade(
    near_infrared: np.ndarray, shortwave: np.ndarray, seen: np.ndarray, tile: int, table: np.ndarray
) -> np.ndarray:
    """Return the evidence of shadow of each cell by its colour, int8, interpolated between squares."""
    rows, columns = seen.shape
    squares_down, squares_across = table.shape[:2]
    result = np.empty((rows, columns), np.int8)
    for row in range(rows):
        y = min(max((row + 0.5) / tile - 0.5, 0.0), squares_down - 1.0)
        top = int(y)
        bottom = min(top + 1, squares_down - 1)
        for column in range(columns):
            if not seen[row, column]:
                result[row, column] = UNSEEN
                continue
            x = min(max((column + 0.5) / tile - 0.5, 0.0), squares_across - 1.0)
            left = int(x)
            right = min(left + 1, squares_across - 1)
            first, second = colour_bin(near_infrared[row, column]), colour_bin(shortwave[row, column])
            upper = table[top, left, first, second] * (left + 1 - x) + table[top, right, first, second] * (x - left)
            lower = table[bottom, left, first, second] * (left + 1 - x) + table[bottom, right, first, second] * (
                x - left
            )
            result[row, column] = int(np.rint((upper * (top + 1 - y) + lower * (y - top)) * EVIDENCE_STEP))
    return result


def shaded(sunlit: np.ndarray) -> np.ndarray:
    """Return the distribution of shaded colours from that of sunlit ones, along the last two axes."""
    result = np.zeros_like(sunlit)
    for shift in range(LEAST_SHIFT, LARGEST_SHIFT + 1):
        result[..., :-shift, :-shift] += sunlit[..., shift:, shift:]
    return result / (LARGEST_SHIFT - LEAST_SHIFT + 1)


def separate_shade(colours: np.ndarray, share: np.ndarray, first: bool) -> np.ndarray:
    """Return the logarithm of the ratio of how likely colours are in shadow to how likely they are in the sun.

    Parameters
    ----------
    colours : ndarray, shape (..., BINS, BINS), float64
        Relative frequencies of clear land.
    share : ndarray, shape (...)
        Of clear land that lies in shadow.
    first : bool
        No shadows are known yet.
    """
    blurred = ndimage.gaussian_filter(colours, (0,) * (colours.ndim - 2) + (0.7, 0.7), mode="nearest")
    part = share[..., None, None]
    sunlit = blurred.copy()
    for _ in range(ROUNDS):
        dark = part * shaded(sunlit)
        light = (1.0 - part) * sunlit
        sunlit = blurred * light / np.maximum(light + dark, 1e-30)
        sunlit /= np.maximum(sunlit.sum(axis=(-2, -1), keepdims=True), 1e-30)
    evidence = np.clip(np.log((shaded(sunlit) + RARE) / (sunlit + RARE)), -STRONGEST, STRONGEST)
    if not first:
        return evidence
    # Where clouds cover most of an image, shaded ground is mistaken for a dark kind of sunlit ground; as much of it as
    # must lie in shadow still looks most like shadow.
    ranked = evidence.reshape(*share.shape, -1)
    order = np.argsort(ranked, axis=-1, kind="stable")
    ranked = np.take_along_axis(ranked, order, -1)
    darker = np.cumsum(np.take_along_axis(colours.reshape(ranked.shape), order, -1), axis=-1)
    place = np.minimum((darker < 1.0 - 0.8 * share[..., None]).sum(axis=-1), ranked.shape[-1] - 1)
    offset = np.minimum(np.take_along_axis(ranked, place[..., None], -1)[..., 0], 0.0)
    return np.clip(evidence - offset[..., None, None], -STRONGEST, STRONGEST)


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
    squares = tuple(-(-size // tile) for size in seen.shape)
    counts = np.zeros((*squares, BINS * BINS), np.int32)
    lit = seen & ~shadow
    count_colours(near_infrared, shortwave, lit, tile, counts)
    parts = np.zeros((*squares, 3), np.int32)
    for row in range(squares[0]):
        for column in range(squares[1]):
            window = slice(row * tile, (row + 1) * tile), slice(column * tile, (column + 1) * tile)
            parts[row, column] = [layer[window].sum() for layer in (seen, cloudy, lit)]
    near = gather(counts, 0.5 * tile * tile).astype(np.float64).reshape(*squares, BINS, BINS)
    near /= np.maximum(near.sum(axis=(-2, -1), keepdims=True), 1.0)
    land, cloud, light = np.moveaxis(gather(parts, 5.0 * tile * tile).astype(np.float64), 2, 0)
    shade = land * cloud / np.maximum(land + cloud, 1.0)  # of the land, as large a share as clouds cover of all
    share = np.clip((shade - (land - light)) / np.maximum(light, 1.0), 0.01, 0.6)
    return look_up_shade(near_infrared, shortwave, seen, tile, separate_shade(near, share, not shadow.any()))
