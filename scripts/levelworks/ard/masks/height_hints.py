"""What temperature or parallax say of the heights of clouds, before shadows are looked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.clear_sky_kernels import LAPSE_RATE
from levelworks.ard.masks.objects import DECKS, Pieces

EDGE = 2
"""Cells by which the edges of clouds are semi-transparent."""
KELVIN_STEP, HEIGHT_STEP = 800, 1000
"""Hundredths of kelvin, and metres, by which decks are told apart."""
WARMER, WARMER_SPREAD = 2.0, 8.0
"""Kelvin by which the air at the ground is warmer than the cold end of clear ground, and how well that is known."""
METRES = 100.0
"""A unit of departures from heights by parallax."""
LIFT_SPREAD = 4.0
LIFT_REACH = 9
"""Cells over which heights by parallax are averaged where decks are told apart."""


@dataclass(frozen=True)
class Hint:
    """A quantity that grows with height and that the clouds around share: ``value + slope * height``.

    Parameters
    ----------
    value : ndarray, shape (pieces,), float64
        NaN where unknown.
    slope : float
        A metre.
    centre, spread : float
        Where the quantity is expected before anything is seen of it.
    """

    value: np.ndarray
    slope: float
    centre: float
    spread: float


def hint_by_temperature(pieces: Pieces, temperature: np.ndarray, cold: np.ndarray) -> Hint:
    """Return the temperature that clouds would have at the ground, in kelvin above the cold end of clear ground.

    Parameters
    ----------
    temperature : ndarray, shape (rows, columns), uint16
        Kelvin times 100 on cells; zero where there is none.
    cold : ndarray, shape (pieces,)
        Kelvin beneath each piece; NaN where unknown.
    """
    return Hint(_quantile_of(pieces, temperature, 0.25) / 100.0 - cold, LAPSE_RATE, WARMER, WARMER_SPREAD)


def hint_by_parallax(pieces: Pieces, lift: np.ndarray) -> Hint:
    """Return by how much clouds are higher than their parallax makes them, in units of 100 m.

    Parameters
    ----------
    lift : ndarray, shape (rows, columns), uint16
        Metres on cells; zero where unknown.
    """
    return Hint(-_quantile_of(pieces, lift, 0.5) / METRES, 1.0 / METRES, 0.0, LIFT_SPREAD)


def _quantile_of(pieces: Pieces, raster: np.ndarray, share: float) -> np.ndarray:
    """Return a quantile of what is above zero over each piece, float64; NaN where nothing is."""
    values = raster[pieces.rows, pieces.columns]
    result = np.full(pieces.number, np.nan)
    for piece in range(pieces.number):
        known = values[pieces.starts[piece] : pieces.starts[piece + 1]]
        known = known[known > 0]
        if known.size:
            result[piece] = np.quantile(known, share)
    return result


def decks_by_temperature(cloudy: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """Return numbers of decks, uint8; each cell counts as the coldest around it, for edges are semi-transparent."""
    known = np.where(cloudy & (temperature > 0), temperature, np.uint16(65535))
    coldest = ndimage.minimum_filter(known, 2 * EDGE + 1, mode="nearest")
    return np.minimum(coldest // KELVIN_STEP, DECKS - 1).astype(np.uint8)


def decks_by_parallax(cloudy: np.ndarray, lift: np.ndarray) -> np.ndarray:
    """Return numbers of decks, uint8, by the mean height of what moved around each cell."""
    known = (cloudy & (lift > 0)).astype(np.float32)
    weight = ndimage.uniform_filter(known, LIFT_REACH, mode="constant")
    total = ndimage.uniform_filter(known * lift, LIFT_REACH, mode="constant")
    mean = np.where(weight > 1e-4, total / np.maximum(weight, 1e-4), 0.0)
    return np.minimum(np.rint(mean) // HEIGHT_STEP, DECKS - 1).astype(np.uint8)
