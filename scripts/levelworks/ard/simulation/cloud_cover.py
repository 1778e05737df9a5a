"""The clouds of a scene: their decks, and what any band sees of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.simulation.cloud_kernels import (
    DECKS_APART,
    Decks,
    Look,
    cast_shadows,
    see_cirrus,
    see_clouds,
)
from levelworks.ard.simulation.scene_description import Clouds
from levelworks.ard.simulation.smooth_noise import SmoothNoise, Window

SAMPLES = 192
"""Places along a side of the scene at which the cover is set."""
OCTAVES = 5
SEEDS = 10_000_000
"""Beyond those of landscapes."""
SPACING = 30.0
"""Metres between the points at which the fields of decks are set."""
CIRRUS_ALTITUDE = 10_000.0
"""Metres."""
CIRRUS_SPACING = 60.0
"""Metres between the points at which the field of cirrus is set."""


@dataclass(frozen=True)
class SeenClouds:
    """What a band sees of the clouds, every array (rows, columns) float32; see cloud_kernels.py."""

    opacity: np.ndarray
    brightness: np.ndarray
    thickness: np.ndarray
    height: np.ndarray


class CloudMaker:
    """Makes the clouds over windows of one scene.

    Parameters
    ----------
    clouds : Clouds
    extent : Window
        The scene, for the cover of it.
    seed : int
    """

    def __init__(self, clouds: Clouds, extent: Window, seed: int) -> None:
        self.clouds = clouds
        random = np.random.default_rng([seed, 21])
        number = clouds.layers if clouds.cover > 0 else 0
        draws = (np.arange(number) + random.random(number)) / max(number, 1)
        self.heights = clouds.lowest * (clouds.highest / clouds.lowest) ** draws
        self._shapes = [SmoothNoise.fractal(SEEDS + seed * 100 + deck, clouds.size, OCTAVES) for deck in range(number)]
        self._texture = SmoothNoise(SEEDS + seed * 100 + 90, (180.0, 90.0, 45.0, 22.0), (0.7, 0.6, 0.6, 0.6))
        self._cirrus = SmoothNoise.fractal(SEEDS + seed * 100 + 91, 2500.0, 4)
        direction = random.uniform(0, np.pi)
        self._streak = float(np.cos(direction)), float(np.sin(direction))
        west, south, east, north = extent.bounds
        along = np.linspace(0, 1, SAMPLES)
        x, y = np.meshgrid(west + (east - west) * along, north - (north - south) * along)
        share = 1 - (1 - clouds.cover) ** (1 / max(number, 1))
        self._thresholds = np.array([_threshold(one.at(x, y), share) for one in self._shapes])
        if clouds.cirrus > 0:
            turned = self._turned(x, y)
            self._cirrus_threshold = _threshold(self._cirrus.at(*turned), clouds.cirrus)

    def _turned(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        east, north = self._streak
        return (x * east + y * north) / 4.0, y * east - x * north

    def _decks(self, window: Window, margin: float, *, textured: bool) -> Decks:
        """Return the decks over a window and some metres around; without their texture a corner of it stands in."""
        west, south, east, north = window.grown(margin)
        points, corner = lattice_over((west, south, east, north), SPACING)
        excess = np.empty((len(self._shapes), *points.shape), np.float32)
        for deck, shape in enumerate(self._shapes):
            excess[deck] = shape.on(points)[::-1] - np.float32(self._thresholds[deck])
        apart = DECKS_APART * len(self._shapes)
        texture = self._texture.over((west, south, east + apart, north) if textured else (west, south, west, south))
        return Decks(self.heights, excess, corner, SPACING, texture, self.clouds.soft_edges)

    def _highest(self, elevation: np.ndarray) -> float:
        """Return the largest height of a deck above the ground."""
        return float(self.heights.max() - min(float(elevation.min()), 0.0))

    def seen(self, window: Window, look: Look, elevation: np.ndarray) -> SeenClouds | None:
        """Return what a band sees of the clouds, None of a scene without any.

        Parameters
        ----------
        elevation : (rows, columns) float32
            Above the lowest ground, metres.
        """
        if self.heights.size == 0:
            return None
        decks = self._decks(window, _widest(window, look) * self._highest(elevation), textured=True)
        arrays = [np.empty(window.shape, np.float32) for _ in range(4)]
        see_clouds(decks, look, window.x, window.y, window.step, elevation, *arrays)
        return SeenClouds(*arrays)

    def shade(self, window: Window, elevation: np.ndarray, sun: np.ndarray) -> np.ndarray:
        """Return the share of the sun's beam that clouds keep from each pixel, (rows, columns) float32.

        Parameters
        ----------
        sun : (2, rows, columns) float32
            Tangent of the sun's zenith angle towards the sun, east and north on the grid.
        """
        shade = np.zeros(window.shape, np.float32)
        if self.heights.size:
            reach = float(np.hypot(sun[0], sun[1]).max()) * self._highest(elevation)
            decks = self._decks(window, reach, textured=False)
            cast_shadows(decks, window.x, window.y, window.step, elevation, sun[0], sun[1], shade)
        return shade

    def cirrus(self, window: Window, look: Look, elevation: np.ndarray) -> np.ndarray | None:
        """Return the reflectance that cirrus adds, (rows, columns) float32, None of a scene without any."""
        if self.clouds.cirrus == 0:
            return None
        height = CIRRUS_ALTITUDE - min(float(elevation.min()), 0.0)
        points, corner = lattice_over(window.grown(_widest(window, look) * height), CIRRUS_SPACING)
        x = points.x + points.step * np.arange(points.columns)
        y = points.y - points.step * np.arange(points.rows)
        excess = self._cirrus.at(*self._turned(*np.meshgrid(x, y))) - self._cirrus_threshold
        ice = Decks(
            np.array([CIRRUS_ALTITUDE]),
            np.ascontiguousarray(excess[None, ::-1], np.float32),
            corner,
            CIRRUS_SPACING,
            self._texture.over((points.x, points.y, points.x, points.y)),
            True,
        )
        result = np.empty(window.shape, np.float32)
        see_cirrus(ice, look, window.x, window.y, window.step, elevation, result)
        return result


def lattice_over(bounds: tuple[float, float, float, float], spacing: float) -> tuple[Window, np.ndarray]:
    """Return the points of a lattice around west, south, east, north, and the number of the first row and column.

    The points are those of a window, rows going south; numbers count from the origin of the zone, rows going north.
    """
    west, south, east, north = bounds
    row, column = int(np.floor(south / spacing)) - 1, int(np.floor(west / spacing)) - 1
    rows, columns = int(np.floor(north / spacing)) + 3 - row, int(np.floor(east / spacing)) + 3 - column
    points = Window(column * spacing, (row + rows - 1) * spacing, spacing, rows, columns)
    return points, np.array([row, column])


def _widest(window: Window, look: Look) -> float:
    """Return a bound of the tangent of a look's zenith angle over a window: it is linear between the corners."""
    west, south, east, north = window.bounds
    across = [
        look.across + (x - look.x) * look.forward_north - (y - look.y) * look.forward_east
        for x in (west, east)
        for y in (south, north)
    ]
    return float(np.hypot(look.east, look.north)) + max(abs(one) for one in across) * look.scale + abs(look.stagger)


def _threshold(values: np.ndarray, share: float) -> float:
    """Return what a share of the values exceeds."""
    if share >= 1:
        return float(values.min()) - 2.0
    return float(np.quantile(values, 1 - share))
