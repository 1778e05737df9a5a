"""Clouds as an orthorectified image has them: flat decks, moved by the view of each band, shading what the sun sends.

A pixel shows the deck at ``pixel + (height of the deck - elevation) * tangent`` of the view, and lies in the shadow of
the deck at the same with the tangent of the sun (tangent of the zenith angle towards the azimuth, east and north).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from levelworks.ard.simulation.noise_kernels import Lattices, noise_at

EDGE = 0.20
"""Width of semi-transparent edges, in deviations of the field."""
DEEP = 0.9
"""Deviations above the threshold at which a cloud is as thick as can be."""
PENUMBRA = 0.12
"""Width of the soft edges of shadows, in deviations of the field."""
TEXTURE = 0.07
"""Deviation of brightness within clouds, at 20 to 200 m."""

DECKS_APART = 211.0
"""Metres by which the texture of a deck is moved against that of the deck below."""


class Look(NamedTuple):
    """Where a band of the satellite looks from, over a scene.

    Parameters
    ----------
    x, y : float
        A place of the scene, metres.
    across, along : float
        How far it lies to the right of the ground track, and ahead of the middle of the frame, metres.
    forward_east, forward_north : float
        Direction of flight on the grid.
    scale : float
        Tangent of the view's zenith angle a metre across.
    stagger : float
        Tangent by which odd detectors look back and even ones ahead; 0 where there is one row of detectors.
    detector_width : float
        Metres; 0 where there are no detectors to tell apart.
    half_across, half_along : float
        Half of the swath and of the frame, metres.
    east, north : float
        Tangent that is added everywhere.
    """

    x: float
    y: float
    across: float
    along: float
    forward_east: float
    forward_north: float
    scale: float
    stagger: float
    detector_width: float
    half_across: float
    half_along: float
    east: float
    north: float


class Decks(NamedTuple):
    """Decks of clouds, from the lowest to the highest.

    Parameters
    ----------
    heights : (decks,) float64
        Metres above the lowest ground.
    excess : (decks, rows, columns) float32
        By how much the field of each deck exceeds its threshold, at the points of a lattice.
    corner : (2,) int64
        Number of the lattice's first row and column, rows going north.
    spacing : float
        Of the lattice, metres.
    texture : Lattices
        Brightness within the clouds of the first deck, other decks elsewhere in it.
    soft : bool
    """

    heights: np.ndarray
    excess: np.ndarray
    corner: np.ndarray
    spacing: float
    texture: Lattices
    soft: bool


@njit(cache=True, nogil=True)
def detector_at(look: Look, x: float, y: float) -> int:
    """Return which detector sees a place, from 1; 0 where none does."""
    east, north = x - look.x, y - look.y
    across = look.across + east * look.forward_north - north * look.forward_east
    along = look.along + east * look.forward_east + north * look.forward_north
    if abs(across) >= look.half_across or abs(along) > look.half_along:
        return 0
    if look.detector_width == 0.0:
        return 1
    return 1 + math.floor((look.half_across - across) / look.detector_width)


@njit(cache=True, nogil=True)
def view_tangent(look: Look, x: float, y: float) -> tuple[float, float]:
    """Return the tangent of the view's zenith angle at a place, towards the satellite, east and north."""
    across = look.across + (x - look.x) * look.forward_north - (y - look.y) * look.forward_east
    side, ahead = -across * look.scale, 0.0
    if look.stagger != 0.0:
        odd = math.floor((look.half_across - across) / look.detector_width) % 2 == 0
        ahead = look.stagger if odd else -look.stagger
    return (
        look.east + side * look.forward_north + ahead * look.forward_east,
        look.north + ahead * look.forward_north - side * look.forward_east,
    )


@njit(cache=True, nogil=True)
def fill_detectors(look: Look, x: float, y: float, step: float, numbers: np.ndarray) -> None:
    """Fill the number of the detector that sees each pixel of a window, (rows, columns) uint8."""
    for i in range(numbers.shape[0]):
        for j in range(numbers.shape[1]):
            numbers[i, j] = detector_at(look, x + j * step, y - i * step)


@njit(cache=True, nogil=True)
def fill_view(look: Look, x: float, y: float, step: float, east: np.ndarray, north: np.ndarray) -> None:
    """Fill the tangent of the view at each pixel of a window, two arrays (rows, columns)."""
    for i in range(east.shape[0]):
        for j in range(east.shape[1]):
            east[i, j], north[i, j] = view_tangent(look, x + j * step, y - i * step)


@njit(cache=True, nogil=True)
def excess_at(decks: Decks, deck: int, x: float, y: float) -> float:
    """Return by how much a deck's field exceeds its threshold at a place, linear between the points of the lattice."""
    across, up = x / decks.spacing - decks.corner[1], y / decks.spacing - decks.corner[0]
    column, row = int(across), int(up)
    u, v = across - column, up - row
    field = decks.excess[deck]
    lower = field[row, column] + u * (field[row, column + 1] - field[row, column])
    upper = field[row + 1, column] + u * (field[row + 1, column + 1] - field[row + 1, column])
    return lower + v * (upper - lower)


@njit(cache=True, nogil=True)
def smooth_step(value: float) -> float:
    """Return 0 below 0, 1 above 1, and a smooth curve between."""
    share = min(max(value, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


@njit(cache=True, nogil=True)
def see_clouds(
    decks: Decks,
    look: Look,
    x: float,
    y: float,
    step: float,
    elevation: np.ndarray,
    opacity: np.ndarray,
    brightness: np.ndarray,
    thickness: np.ndarray,
    height: np.ndarray,
) -> None:
    """Fill what a band sees of the clouds at each pixel of a window, every array (rows, columns) float32.

    Parameters
    ----------
    elevation
        Above the lowest ground, metres.
    opacity
        Share of the ground's light that clouds hide.
    brightness
        Reflectance of the clouds, where there are any.
    thickness
        0 to 1.
    height
        Of the highest deck that hides more than half, else of the highest that hides anything; 0 without clouds.
    """
    for i in range(opacity.shape[0]):
        for j in range(opacity.shape[1]):
            east, north = x + j * step, y - i * step
            across, up = view_tangent(look, east, north)
            through, light, depth, top = 1.0, 0.0, 0.0, 0.0
            for deck in range(decks.heights.size):
                rise = decks.heights[deck] - elevation[i, j]
                u, v = east + rise * across, north + rise * up
                excess = excess_at(decks, deck, u, v)
                if rise <= 0.0 or excess <= -EDGE / 2:
                    continue
                hidden = smooth_step(excess / EDGE + 0.5) if decks.soft else (1.0 if excess > 0.0 else 0.0)
                if hidden == 0.0:
                    continue
                deep = min(max(excess / DEEP, 0.0), 1.0)
                grain = noise_at(decks.texture, u + DECKS_APART * deck, v, 0, decks.texture.spacing.size)
                bright = (0.36 + 0.46 * math.sqrt(deep)) * (1.0 + TEXTURE * grain)
                through *= 1.0 - hidden
                light = light * (1.0 - hidden) + bright * hidden
                depth = max(depth, deep)
                if hidden >= 0.5 or top == 0.0:
                    top = decks.heights[deck]
            opacity[i, j] = 1.0 - through
            brightness[i, j] = light / (1.0 - through) if through < 1.0 else 0.0
            thickness[i, j] = depth
            height[i, j] = top


@njit(cache=True, nogil=True)
def cast_shadows(
    decks: Decks,
    x: float,
    y: float,
    step: float,
    elevation: np.ndarray,
    sun_east: np.ndarray,
    sun_north: np.ndarray,
    shade: np.ndarray,
) -> None:
    """Fill the share of the sun's beam that clouds keep from each pixel, (rows, columns) float32."""
    for i in range(shade.shape[0]):
        for j in range(shade.shape[1]):
            east, north = x + j * step, y - i * step
            lit = 1.0
            for deck in range(decks.heights.size):
                rise = decks.heights[deck] - elevation[i, j]
                if rise > 0.0:
                    u, v = east + rise * sun_east[i, j], north + rise * sun_north[i, j]
                    lit *= 1.0 - smooth_step(excess_at(decks, deck, u, v) / PENUMBRA + 0.5)
            shade[i, j] = 1.0 - lit


@njit(cache=True, nogil=True)
def see_cirrus(
    ice: Decks, look: Look, x: float, y: float, step: float, elevation: np.ndarray, reflectance: np.ndarray
) -> None:
    """Fill the reflectance that thin ice clouds, the only deck of `ice`, add; (rows, columns) float32."""
    for i in range(reflectance.shape[0]):
        for j in range(reflectance.shape[1]):
            east, north = x + j * step, y - i * step
            across, up = view_tangent(look, east, north)
            rise = ice.heights[0] - elevation[i, j]
            excess = excess_at(ice, 0, east + rise * across, north + rise * up)
            reflectance[i, j] = 0.06 * smooth_step(excess / 1.4 + 0.25)
