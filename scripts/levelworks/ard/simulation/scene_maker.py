"""A scene put together, some rows at a time: ground, air, clouds and instrument, with the truth of every pixel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from levelworks.ard.fields import cell_means, rows_of
from levelworks.ard.scene import FIELD_SPACING, field_step
from levelworks.ard.simulation.air import AirModel, air_of_band, aod_at, elevations_of, water_vapour_at
from levelworks.ard.simulation.cloud_cover import CloudMaker, SeenClouds
from levelworks.ard.simulation.cloud_kernels import Look, fill_detectors, fill_view
from levelworks.ard.simulation.environment import environment_weights, surroundings
from levelworks.ard.simulation.forward_kernels import fill_nodes, top_reflectance
from levelworks.ard.simulation.ground_spectra import WARMTH, Cover
from levelworks.ard.simulation.landscape import Ground, GroundMaker, ReflectanceMaker
from levelworks.ard.simulation.placement import NODE, Placement
from levelworks.ard.simulation.smooth_noise import Window
from levelworks.ard.simulation.vapour import STRENGTH, above_clouds

REFERENCE_BAND = "RED"
"""As this band sees the clouds the truth has them."""
SHADED = {"ULTRABLUE": 0.35, "BLUE": 0.35, "GREEN": 0.35, "RED": 0.35}
SHADED_INFRARED = 0.25
"""Share of the light that is left in a full shadow."""
CLOUD_COLOUR = {"SWIR1": 0.78, "SWIR2": 0.58}
"""Reflectance of clouds against that in visible light, 1 elsewhere."""
CIRRUS_COLOUR = {"SWIR1": 0.8, "SWIR2": 0.6}
LAPSE = 0.0065
"""Kelvin a metre."""


class SceneMaker:
    """Makes the scene of a description.

    Parameters
    ----------
    placement : Placement
    air : AirModel
    """

    def __init__(self, placement: Placement, air: AirModel) -> None:
        self.placement = placement
        self.description = placement.description
        self.sensor = placement.sensor
        self.grid = placement.grid
        self.air = air
        self.ground_maker = GroundMaker(self.description.landscape, placement.extent)
        self.reflectance_maker = ReflectanceMaker(self.sensor, self.description.landscape.seed)
        self.clouds = CloudMaker(self.description.clouds, placement.extent, self.description.seed)
        self._air_of: dict[str, np.ndarray] = {}

    def blocks(self, rows: int) -> Iterator[Block]:
        """Yield the scene from north to south, some rows at a time."""
        for start in range(0, self.grid.rows, rows):
            yield Block(self, start, min(start + rows, self.grid.rows))

    def air_of(self, band: str) -> np.ndarray:
        """Return what the air does to a band at the nodes; see air.py."""
        if band not in self._air_of:
            self._air_of[band] = air_of_band(self.placement, self.air, band)
        return self._air_of[band]

    def look(self, band: str) -> Look:
        """Return how a band looks at the scene."""
        return self.placement.look(self.sensor.band(band).key)

    @cached_property
    def air_mass(self) -> float:
        """Return how much longer than a vertical one the way down and up is, in the middle."""
        return float(1 / np.cos(np.radians(self.placement.sun(self.placement.time)[0])) + 1)

    @cached_property
    def background(self) -> dict[str, np.ndarray]:
        """Return the reflectance of the surroundings on the field, of every reflective band."""
        step = field_step(self.grid)
        bands = [band.name for band in self.sensor.reflective]
        means: dict[str, list[np.ndarray]] = {band: [] for band in bands}
        for block in self.blocks(step * max(1, 120 // step)):
            for band in bands:
                means[band].append(cell_means(block.surface(band), step))
        return {band: surroundings(np.concatenate(means[band]), self._weights(band)) for band in bands}

    def _weights(self, band: str) -> np.ndarray:
        wavelength = self.sensor.band(band).wavelength
        molecules = 0.0088 * wavelength ** (-4.15 + 0.2 * wavelength)
        aerosol = max(self.description.air.aod, 1e-3) * (wavelength / 0.55) ** -1.3
        return environment_weights(FIELD_SPACING / 1000, molecules, aerosol)


class Block:
    """Some rows of a scene; every array has the shape (rows, columns) of their pixels, float32 unless said.

    Parameters
    ----------
    maker : SceneMaker
    start, stop : int
        Rows of the scene.
    """

    def __init__(self, maker: SceneMaker, start: int, stop: int) -> None:
        self.maker = maker
        self.start, self.stop = start, stop
        self.window = Window.of(maker.grid, start, stop)
        self._surface: dict[str, np.ndarray] = {}

    @cached_property
    def ground(self) -> Ground:
        """Return the ground."""
        return self.maker.ground_maker.on(self.window)

    def surface(self, band: str) -> np.ndarray:
        """Return the reflectance of the ground from above, under the standard sun where `brdf` is on."""
        if band not in self._surface:
            self._surface[band] = self.maker.reflectance_maker.of(self.ground, band)
        return self._surface[band]

    @cached_property
    def seen(self) -> np.ndarray:
        """Return where the satellite looked, as the number of the detector, uint8; 0 where it didn't."""
        return self.detectors(self.maker.look(REFERENCE_BAND))

    def detectors(self, look: Look) -> np.ndarray:
        """Return the number of the detector that sees each pixel, uint8; 0 where none does."""
        numbers = np.empty(self.window.shape, np.uint8)
        fill_detectors(look, self.window.x, self.window.y, self.window.step, numbers)
        return numbers

    @cached_property
    def above_base(self) -> np.ndarray:
        """Return the elevation above the lowest ground, metres."""
        return self.ground.elevation - np.float32(self.maker.description.landscape.base)

    @cached_property
    def sun_tangent(self) -> np.ndarray:
        """Return the tangent of the sun's zenith angle towards the sun, (2, rows, columns)."""
        return np.stack([self.at_nodes(one) for one in self.maker.placement.nodes.sun_tangent])

    @cached_property
    def sun_angles(self) -> tuple[np.ndarray, np.ndarray]:
        """Return zenith and azimuth of the sun, degrees; azimuth from true north, -180 to 180."""
        return self._angles(self.sun_tangent[0], self.sun_tangent[1])

    @cached_property
    def view_angles(self) -> tuple[np.ndarray, np.ndarray]:
        """Return zenith and azimuth of the reference band's view, degrees; azimuth from true north, -180 to 180."""
        east, north = np.empty(self.window.shape, np.float32), np.empty(self.window.shape, np.float32)
        fill_view(self.maker.look(REFERENCE_BAND), self.window.x, self.window.y, self.window.step, east, north)
        return self._angles(east, north)

    def _angles(self, east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        azimuth = np.degrees(np.arctan2(east, north)) + self.at_nodes(self.maker.placement.nodes.convergence)
        return np.degrees(np.arctan(np.hypot(east, north))), (azimuth + 180) % 360 - 180

    @cached_property
    def sun_zenith(self) -> np.ndarray:
        """Return the sun's zenith angle, degrees."""
        return self.sun_angles[0]

    def at_nodes(self, field: np.ndarray) -> np.ndarray:
        """Return a field of the placement's nodes at the pixels."""
        grid, window = self.maker.grid, self.window
        result = np.empty(window.shape, np.float32)
        fill_nodes(
            np.ascontiguousarray(field, float), NODE, grid.west, grid.north, window.x, window.y, window.step, result
        )
        return result

    @cached_property
    def light(self) -> tuple[np.ndarray, np.ndarray]:
        """Return beam and diffuse light on the slopes, as shares of those on flat ground."""
        landscape = self.maker.description.landscape
        if not self.maker.description.terrain or landscape.relief == 0:
            flat = np.ones(self.window.shape, np.float32)
            return flat, flat
        around = Window.of(self.maker.grid, self.start, self.stop, margin=1)
        east, north = slopes(self.maker.ground_maker.elevation(around), self.window.step)
        steepness = np.sqrt(1 + east**2 + north**2)
        sun = self.sun_tangent
        beam = np.maximum((1 - east * sun[0] - north * sun[1]) / steepness, 0)
        sky = 1 - np.arccos(1 / steepness) / np.pi
        return beam.astype(np.float32), sky.astype(np.float32)

    @cached_property
    def shade(self) -> np.ndarray:
        """Return the share of the sun's beam that clouds keep away."""
        return self.maker.clouds.shade(self.window, self.above_base, self.sun_tangent)

    def clouds_in(self, band: str) -> SeenClouds | None:
        """Return what a band sees of the clouds."""
        return self.maker.clouds.seen(self.window, self.maker.look(band), self.above_base)

    @cached_property
    def widest_opacity(self) -> np.ndarray:
        """Return the largest share of the ground's light that clouds hide in any band so far."""
        return np.zeros(self.window.shape, np.float32) if self.clouds is None else self.clouds.opacity.copy()

    @cached_property
    def clouds(self) -> SeenClouds | None:
        """Return the clouds as the reference band sees them."""
        return self.clouds_in(REFERENCE_BAND)

    @cached_property
    def cirrus(self) -> np.ndarray | None:
        """Return the reflectance that cirrus adds, as the reference band sees it."""
        return self.maker.clouds.cirrus(self.window, self.maker.look(REFERENCE_BAND), self.above_base)

    def _cirrus_in(self, band: str) -> np.ndarray | None:
        return self.maker.clouds.cirrus(self.window, self.maker.look(band), self.above_base)

    @cached_property
    def aod(self) -> np.ndarray:
        """Return the aerosol optical depth at 550 nm above the ground."""
        maker = self.maker
        x = self.window.x + self.window.step * np.arange(self.window.columns)
        base = maker.description.landscape.base
        found = aod_at(maker.description.air, maker.placement, x[None, :], self.ground.elevation, base)
        return np.broadcast_to(found, self.window.shape).astype(np.float32)

    @cached_property
    def water_vapour(self) -> np.ndarray:
        """Return water vapour, g cm-2."""
        y = self.window.y - self.window.step * np.arange(self.window.rows)
        found = water_vapour_at(self.maker.description.air, self.maker.placement, y)
        return np.broadcast_to(found[:, None], self.window.shape).astype(np.float32)

    def clear_reflectance(self, band: str) -> np.ndarray:
        """Return the reflectance at the top of the atmosphere without clouds, but with their shadows."""
        maker, window = self.maker, self.window
        surface = self.surface(band)
        background = surface
        if maker.description.adjacency:
            background = rows_of(maker.background[band], maker.grid, self.start, self.stop)
        elevations = elevations_of(maker.placement)
        levels = np.array([elevations[0], elevations[1] - elevations[0] if elevations.size > 1 else 1.0])
        result = np.empty(window.shape, np.float32)
        top_reflectance(
            maker.air_of(band),
            levels,
            NODE,
            maker.grid.west,
            maker.grid.north,
            maker.look(band),
            window.x,
            window.y,
            window.step,
            surface,
            background,
            self.ground.elevation,
            *self.light,
            self.shade,
            SHADED.get(band, SHADED_INFRARED),
            result,
        )
        return result

    def top_reflectance(self, band: str) -> np.ndarray:
        """Return the reflectance at the top of the atmosphere, before the instrument."""
        maker = self.maker
        result = self.clear_reflectance(band)
        moving = not self.maker.sensor.is_landsat
        clouds = self.clouds_in(band) if moving else self.clouds
        vapour = maker.description.air.water_vapour
        if clouds is not None:
            if moving:
                np.maximum(self.widest_opacity, clouds.opacity, out=self.widest_opacity)
            white = clouds.brightness * np.float32(CLOUD_COLOUR.get(band, 1.0))
            if band in STRENGTH:
                white *= above_clouds(band, clouds.height, vapour, maker.air_mass)
            result += clouds.opacity * (white - result)
        cirrus = self._cirrus_in(band) if moving else self.cirrus
        if cirrus is not None:
            ice = cirrus * np.float32(CIRRUS_COLOUR.get(band, 1.0))
            result = result * (1 - np.float32(1.2) * ice) + ice
        return result

    def temperature(self, cooling: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return brightness temperatures (K) of the ground seen through the air, of clouds, and the clouds' share.

        Parameters
        ----------
        cooling : float
            Kelvin that the air takes for each g cm-2 of water vapour.
        """
        ground, description = self.ground, self.maker.description
        air = np.float32(description.landscape.temperature) - np.float32(LAPSE) * ground.elevation
        surface = air + WARMTH[ground.below] + np.float32(0.6) * ground.texture
        surface = np.where(ground.snow > 0, surface + ground.snow * (np.minimum(air, 274) - 4 - surface), surface)
        surface -= np.float32(cooling) * self.water_vapour + 2 * self.shade
        if self.clouds is None:
            return surface, surface, np.zeros_like(surface)
        base = description.landscape.temperature - LAPSE * description.landscape.base
        top = np.float32(base) - np.float32(LAPSE) * self.clouds.height - 3 * self.clouds.thickness
        return surface, top, self.clouds.opacity

    @property
    def snow(self) -> np.ndarray:
        """Return where snow hides more than half of the ground, bool."""
        return np.asarray(self.ground.cover == Cover.SNOW)


def slopes(elevation: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the rise eastward and northward of the inner pixels (Horn 1981)."""
    z = elevation.astype(float)
    west = z[:-2, :-2] + 2 * z[1:-1, :-2] + z[2:, :-2]
    east = z[:-2, 2:] + 2 * z[1:-1, 2:] + z[2:, 2:]
    north = z[:-2, :-2] + 2 * z[:-2, 1:-1] + z[:-2, 2:]
    south = z[2:, :-2] + 2 * z[2:, 1:-1] + z[2:, 2:]
    return (east - west) / (8 * step), (north - south) / (8 * step)
