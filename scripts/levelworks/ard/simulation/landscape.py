"""The ground of a scene as a function of place: elevation, cover, brightness, colour, snow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from levelworks.ard.sensors import Sensor
from levelworks.ard.simulation.ground_spectra import (
    PARTNER,
    TEXTURE,
    Cover,
    cover_spectra,
    spectral_slopes,
)
from levelworks.ard.simulation.landscape_kernels import (
    AGRICULTURE,
    TOWN,
    Parcels,
    ground_reflectance,
    paint_parcels,
)
from levelworks.ard.simulation.noise_kernels import fill_bell
from levelworks.ard.simulation.scene_description import Landscape
from levelworks.ard.simulation.smooth_noise import SmoothNoise, Window

SAMPLES = 192
"""Places along a side of the scene at which shares are set."""
HIGHEST = 3.0
"""Deviations above the water that the highest ground has."""
RIVER = 0.012
"""Half the width of rivers, in deviations of their field."""


@dataclass(frozen=True)
class Ground:
    """The ground at the pixels of a window; every array (rows, columns).

    Parameters
    ----------
    cover : uint8
        Numbers of `Cover`; snow where it hides more than half.
    level, tilt, mixing, texture, snow : float32
        See landscape_kernels.py.
    elevation : float32
        Metres.
    below : uint8
        What covers the ground beneath the snow.
    """

    cover: np.ndarray
    level: np.ndarray
    tilt: np.ndarray
    mixing: np.ndarray
    texture: np.ndarray
    snow: np.ndarray
    elevation: np.ndarray
    below: np.ndarray

    @property
    def water(self) -> np.ndarray:
        """Return where water is open."""
        return np.asarray((self.below <= Cover.TURBID_WATER) & (self.cover != Cover.SNOW))


class GroundMaker:
    """Makes the ground of windows of one scene.

    Parameters
    ----------
    landscape : Landscape
    extent : Window
        The scene, for the shares of it.
    """

    def __init__(self, landscape: Landscape, extent: Window) -> None:
        self.landscape = landscape
        seed = landscape.seed * 100
        self._terrain = SmoothNoise.fractal(seed + 1, 9000.0, 7, 0.52)
        self._forest = SmoothNoise.fractal(seed + 2, 3500.0, 3)
        self._kind = SmoothNoise.fractal(seed + 3, 2500.0, 2)
        self._town = SmoothNoise.fractal(seed + 4, 3000.0, 2)
        self._sediment = SmoothNoise.fractal(seed + 5, 2500.0, 3)
        self._river = SmoothNoise.fractal(seed + 6, 8000.0, 4, 0.45)
        self._snow = SmoothNoise.fractal(seed + 7, 2500.0, 6)
        self._warp = (SmoothNoise.fractal(seed + 8, 240.0, 3), SmoothNoise.fractal(seed + 9, 240.0, 3))
        self._texture = SmoothNoise(seed + 10, (160.0, 50.0, 16.0), (0.5, 0.65, 0.6))
        west, south, east, north = extent.bounds
        along = np.linspace(0, 1, SAMPLES)
        self._sample = np.meshgrid(west + (east - west) * along, north - (north - south) * along)

    @cached_property
    def _water_level(self) -> float:
        return self._quantile(self._terrain, self.landscape.water)

    @cached_property
    def _snow_line(self) -> float:
        """Return what snow's field exceeds; there is none on water, so that more of the land has it."""
        if self.landscape.shared:
            return float(ndtri(1 - min(self.landscape.snow / max(1 - self.landscape.water, 1e-6), 1.0)))
        land = self._terrain.at(*self._sample) >= self._water_level
        share = min(self.landscape.snow / max(float(land.mean()), 1e-6), 1.0)
        return float(np.quantile(self._snowiness(*self._sample)[land], 1 - share)) if land.any() else np.inf

    def _quantile(self, field: SmoothNoise, share: float) -> float:
        if share == 0:
            return -np.inf
        if self.landscape.shared:
            return float(ndtri(share))
        return float(np.quantile(field.at(*self._sample), share))

    def _snowiness(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        patches = self._snow.at(x, y)
        return patches if self.landscape.relief == 0 else 0.35 * patches + 0.94 * self._terrain.at(x, y)

    def elevation(self, window: Window) -> np.ndarray:
        """Return metres at the pixels of a window, float32."""
        return self._elevation(self._terrain.on(window))

    def _elevation(self, terrain: np.ndarray) -> np.ndarray:
        lowest = max(self._water_level, -HIGHEST)
        above = np.maximum(terrain - lowest, 0.0) / (HIGHEST - lowest)
        return (self.landscape.base + self.landscape.relief * above).astype(np.float32)

    def on(self, window: Window) -> Ground:
        """Return the ground at the pixels of a window."""
        shape = window.shape
        cover = np.empty(shape, np.uint8)
        level, tilt, mixing = (np.empty(shape, np.float32) for _ in range(3))
        warp = 70.0 * np.stack([one.on(window) for one in self._warp])
        parcels = self.parcels(window.grown(self.landscape.parcel + 5 * 70.0))
        paint_parcels(parcels, window.x, window.y, window.step, warp, cover, level, tilt, mixing)
        terrain = self._terrain.on(window)
        water = terrain < self._water_level
        if self.landscape.water > 0:
            low = terrain < self._water_level + 0.2
            water |= low & (np.abs(self._river.on(window)) < RIVER)
        murky = np.clip(0.5 + 0.6 * self._sediment.on(window), 0, 1)[water]
        cover[water] = murky > 0.5
        mixing[water] = np.minimum(murky, 1 - murky)
        level[water], tilt[water] = 0.0, 0.0
        below = cover.copy()
        snow = self._snow_on(window, terrain)
        snow[water] = 0.0
        cover[snow > 0.5] = Cover.SNOW
        texture = self._texture.on(window)
        return Ground(cover, level, tilt, mixing, texture, snow, self._elevation(terrain), below)

    def _snow_on(self, window: Window, terrain: np.ndarray) -> np.ndarray:
        if self.landscape.snow == 0:
            return np.zeros(window.shape, np.float32)
        patches = self._snow.on(window)
        here = patches if self.landscape.relief == 0 else 0.35 * patches + 0.94 * terrain
        return np.clip((here - self._snow_line) / 0.12 + 0.5, 0, 1).astype(np.float32)

    def parcels(self, bounds: tuple[float, float, float, float]) -> Parcels:
        """Return the parcels that pixels within west, south, east, north can belong to."""
        size, ground = self.landscape.parcel, self.landscape
        west, south, east, north = bounds
        row, column = int(np.floor(south / size)) - 1, int(np.floor(west / size)) - 1
        shape = int(np.floor(north / size)) + 2 - row, int(np.floor(east / size)) + 2 - column
        draws = np.empty((8, *shape))
        for number, draw in enumerate(draws):
            fill_bell(ground.seed * 100 + 50 + number, row, column, draw)
        rows, columns = np.mgrid[row : row + shape[0], column : column + shape[1]]
        x, y = (columns + 0.1 + 0.8 * ndtr(draws[0])) * size, (rows + 0.1 + 0.8 * ndtr(draws[1])) * size
        wooded = ndtr(0.9 * self._forest.at(x, y) + 0.436 * draws[2])
        built = ndtr(0.9 * self._town.at(x, y) + 0.436 * draws[3])
        other = ndtr(draws[4])
        land = max(1 - ground.water, 1e-6)
        forest, town = ground.forest / land, ground.urban / land
        bright = ground.bright / land
        open_land = max(1 - forest - town, 1e-6)
        use = np.full(shape, AGRICULTURE, np.uint8)
        use[other < 0.27] = Cover.GRASS
        use[other < 0.12] = Cover.BARE_SOIL
        use[other > 1 - min(bright / open_land, 1.0)] = Cover.BRIGHT_SOIL
        # towns and forests exclude each other: the share of towns counts where there is no forest
        use[built > 1 - min(town / max(1 - forest, 1e-6), 1.0)] = TOWN
        trees = wooded > 1 - min(forest, 1.0)
        conifer = self._kind.at(x, y) + 0.5 * draws[5] > 0
        use[trees] = np.where(conifer, Cover.CONIFER, Cover.BROADLEAF)[trees]
        mixing = 0.5 * ndtr(draws[6]) ** 2
        return Parcels(
            np.array([size]),
            np.array([row, column]),
            x,
            y,
            use,
            (0.09 * draws[7]).clip(-0.3, 0.3).astype(np.float32),
            (0.05 * draws[6]).astype(np.float32),
            mixing.astype(np.float32),
            (np.pi * ndtr(draws[5])).astype(np.float32),
        )


class ReflectanceMaker:
    """Gives the reflectance of a ground at the bands of a sensor."""

    def __init__(self, sensor: Sensor, seed: int) -> None:
        self._spectra = cover_spectra(sensor, seed)
        self._slopes = spectral_slopes(sensor)
        self.names = tuple(band.name for band in sensor.reflective)

    def of(self, ground: Ground, band: str) -> np.ndarray:
        """Return the reflectance of one band, (rows, columns) float32."""
        number = self.names.index(band)
        own = np.ascontiguousarray(self._spectra[:, number])
        result = np.empty(ground.cover.shape, np.float32)
        ground_reflectance(
            ground.below,
            ground.level,
            ground.tilt,
            ground.mixing,
            ground.texture,
            ground.snow,
            own,
            own[PARTNER],
            float(own[Cover.SNOW]),
            float(self._slopes[number]),
            TEXTURE,
            result,
        )
        return result
