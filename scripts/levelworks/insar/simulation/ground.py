"""The ground of a simulated scene: heights, brightness, motion, and the air above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from levelworks.insar.geometry.elevation import Elevation
from levelworks.insar.simulation.scenario import Scenario, Slip, Target, Terrain, Uplift

METRES_PER_DEGREE = 111_320.0
STEP = 0.001 / 3
"""Degrees, of the elevation model."""
MARGIN = 0.06
"""Degrees around the scene."""
DARKEST = 0.35
"""Amplitude of the darkest ground, the brightest being 1."""
PATCH = 600.0
"""m, of a patch of brightness."""
POISSON = 0.25
YEAR = 365.25


@dataclass(frozen=True)
class Ground:
    """Heights of a scene on a grid, and its centre (longitude, latitude; degrees)."""

    elevation: Elevation
    centre: tuple[float, float]

    def metres(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far places (degrees) lie to the east and north of the centre, m."""
        east = (longitude - self.centre[0]) * METRES_PER_DEGREE * np.cos(np.radians(self.centre[1]))
        return np.asarray(east), np.asarray((latitude - self.centre[1]) * METRES_PER_DEGREE)

    def places(self, targets: Sequence[Target]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return latitudes, longitudes (degrees) and heights (m) of targets."""
        east = np.array([target.east for target in targets]) / METRES_PER_DEGREE
        north = np.array([target.north for target in targets]) / METRES_PER_DEGREE
        latitude = self.centre[1] + north
        longitude = self.centre[0] + east / np.cos(np.radians(self.centre[1]))
        return latitude, longitude, self.elevation.at(latitude, longitude)

    def amplitude(self, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Return the amplitude of the ground: soft patches between dark and bright."""
        east, north = self.metres(latitude, longitude)
        wave = np.sin(2 * np.pi * east / PATCH) * np.sin(2 * np.pi * north / PATCH)
        return DARKEST + (1 - DARKEST) * 0.5 * (1 + wave)


def make_ground(terrain: Terrain, bounds: tuple[float, float, float, float]) -> Ground:
    """Return the ground of a scene.

    Parameters
    ----------
    terrain : Terrain
    bounds : tuple of float
        West, south, east and north of the scene, degrees.
    """
    west, south, east, north = bounds
    centre = (west + east) / 2, (south + north) / 2
    columns = int(np.ceil((east - west + 2 * MARGIN) / STEP))
    rows = int(np.ceil((north - south + 2 * MARGIN) / STEP))
    left, top = round((west - MARGIN) / STEP) * STEP, round((north + MARGIN) / STEP) * STEP
    longitude = left + STEP * (np.arange(columns) + 0.5)
    latitude = top - STEP * (np.arange(rows) + 0.5)
    ground = Ground(Elevation(np.zeros((rows, columns), np.float32), longitude[0], latitude[0], STEP, STEP), centre)
    x, y = ground.metres(latitude[:, None], longitude[None, :])
    heights = terrain.base + terrain.slope_east * x + terrain.slope_north * y
    for hill in terrain.hills:
        square = ((x - hill.east) ** 2 + (y - hill.north) ** 2) / hill.radius**2
        heights = heights + hill.height * np.exp(-square / 2)
    return replace(ground, elevation=replace(ground.elevation, heights=heights.astype(np.float32)))


def write_elevation(path: Path, elevation: Elevation) -> None:
    """Write an elevation model as a GeoTIFF of ellipsoidal heights in EPSG:4326."""
    import rasterio
    from rasterio.transform import from_origin

    rows, columns = elevation.heights.shape
    transform = from_origin(
        elevation.west - elevation.step_east / 2,
        elevation.north + elevation.step_south / 2,
        elevation.step_east,
        elevation.step_south,
    )
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "nodata": np.nan}
    with rasterio.open(path, "w", height=rows, width=columns, transform=transform, **profile) as file:
        file.write(elevation.heights, 1)


def displacement(
    uplift: Uplift, ground: Ground, days: float, latitude: np.ndarray, longitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how far places have moved to the east, north and up after some days, m (Mogi 1958, a point source)."""
    east, north = ground.metres(latitude, longitude)
    east, north = east - uplift.east, north - uplift.north
    factor = uplift.rate * days / YEAR * uplift.depth**2 / (east**2 + north**2 + uplift.depth**2) ** 1.5
    return factor * east, factor * north, factor * uplift.depth


def slid(
    slip: Slip, ground: Ground, days: float, latitude: np.ndarray, longitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far places have slid to the east and north after some days, m."""
    east, north = ground.metres(latitude, longitude)
    bearing = np.radians(slip.bearing)
    beyond = np.sin(bearing) * east + np.cos(bearing) * north - slip.distance
    share = 0.5 * (1 + np.tanh(beyond / slip.width)) if slip.width else np.ones_like(beyond)
    share = share if days >= slip.day else np.zeros_like(beyond)
    return slip.east * share, slip.north * share


def air(scenario: Scenario, ground: Ground, days: int, wavelength: float) -> Elevation:
    """Return the one-way delay (m) of the air of a pass over the scene's grid, to be interpolated as heights are.

    Random, each pass of its own; power falls with wavenumber as k^-8/3 along any line (Hanssen 2001), which is
    k^-11/3 in two dimensions.
    """
    shape = ground.elevation.heights.shape
    random = np.random.default_rng([scenario.seed, 2, days])
    ky, kx = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    k = np.hypot(ky, kx)
    k[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(random.normal(size=shape)) * k ** (-11 / 6), s=shape)
    scale = scenario.atmosphere * wavelength / (4 * np.pi) / field.std()
    return replace(ground.elevation, heights=(field * scale).astype(np.float32))
