"""Scenes with known clouds, shadows, snow, water and cirrus, simple enough that every pixel's truth is certain.

Surfaces are the cells of a Voronoi tessellation; reflectance at the top of the atmosphere is path plus transmission
times surface; clouds are thresholded smooth noise of a flat base, whose shadows and parallax follow from geometry.
"""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, shift
from scipy.spatial import cKDTree

from levelworks.ard.masks.find_masks import find_masks
from levelworks.ard.masks.settings import MaskOptions, Masks
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.scratch import Scratch
from levelworks.ard.sensors import SENSORS, Sensor
from levelworks.core.mpi import Serial

BANDS = ["ULTRABLUE", "BLUE", "GREEN", "RED", "REDEDGE1", "REDEDGE2", "REDEDGE3", "BROADNIR", "NIR", "SWIR1", "SWIR2"]
PATH = dict(zip(BANDS, (0.105, 0.078, 0.047, 0.027, 0.022, 0.019, 0.016, 0.013, 0.011, 0.004, 0.002), strict=True))
TRANSMISSION = dict(zip(BANDS, (0.78, 0.83, 0.87, 0.90, 0.91, 0.92, 0.92, 0.93, 0.94, 0.94, 0.90), strict=True))

SURFACES = {
    "water": (0.03, 0.03, 0.03, 0.02, 0.015, 0.012, 0.011, 0.010, 0.008, 0.005, 0.003),
    "turbid": (0.05, 0.06, 0.09, 0.08, 0.07, 0.04, 0.04, 0.035, 0.03, 0.010, 0.006),
    "conifer": (0.015, 0.02, 0.04, 0.025, 0.07, 0.17, 0.22, 0.24, 0.25, 0.11, 0.045),
    "broadleaf": (0.02, 0.03, 0.06, 0.035, 0.10, 0.28, 0.36, 0.39, 0.41, 0.19, 0.08),
    "crop": (0.03, 0.04, 0.08, 0.05, 0.12, 0.30, 0.38, 0.41, 0.43, 0.22, 0.11),
    "grass": (0.04, 0.05, 0.09, 0.08, 0.14, 0.24, 0.29, 0.31, 0.33, 0.26, 0.15),
    "bare": (0.07, 0.09, 0.13, 0.17, 0.20, 0.22, 0.24, 0.26, 0.28, 0.35, 0.29),
    "bright": (0.14, 0.18, 0.23, 0.28, 0.31, 0.33, 0.35, 0.37, 0.39, 0.44, 0.38),
    "sand": (0.22, 0.27, 0.34, 0.39, 0.42, 0.43, 0.44, 0.45, 0.46, 0.48, 0.43),
    "urban": (0.11, 0.13, 0.15, 0.17, 0.18, 0.19, 0.20, 0.21, 0.22, 0.22, 0.20),
    "snow": (0.85, 0.86, 0.85, 0.84, 0.83, 0.82, 0.80, 0.79, 0.77, 0.10, 0.07),
}
TEXTURE = {"urban": 0.25, "water": 0.03, "turbid": 0.03}

STYLES: dict[str, dict[str, tuple[float, float]]] = {  # of each surface its share and its temperature in kelvin
    "summer": {
        "water": (0.08, 293),
        "conifer": (0.18, 295),
        "broadleaf": (0.16, 296),
        "crop": (0.18, 298),
        "grass": (0.14, 301),
        "bare": (0.12, 306),
        "bright": (0.08, 305),
        "urban": (0.06, 304),
    },
    "uniform": {
        "water": (0.10, 295),
        "conifer": (0.16, 295),
        "broadleaf": (0.16, 295),
        "crop": (0.16, 295),
        "grass": (0.12, 295),
        "bare": (0.12, 295),
        "bright": (0.12, 295),
        "urban": (0.06, 295),
    },
    "winter": {
        "water": (0.06, 277),
        "conifer": (0.24, 274),
        "grass": (0.22, 273),
        "bare": (0.26, 274),
        "bright": (0.12, 274),
        "urban": (0.10, 275),
    },
    "snowy": {
        "water": (0.04, 275),
        "conifer": (0.26, 270),
        "grass": (0.10, 269),
        "bare": (0.15, 270),
        "snow": (0.45, 265),
    },
    "desert": {
        "bare": (0.40, 315),
        "bright": (0.34, 314),
        "sand": (0.16, 312),
        "grass": (0.06, 308),
        "urban": (0.04, 312),
    },
    "coast": {
        "water": (0.45, 290),
        "turbid": (0.08, 291),
        "conifer": (0.14, 294),
        "grass": (0.12, 299),
        "bare": (0.08, 303),
        "bright": (0.08, 302),
        "urban": (0.05, 302),
    },
}

# Seconds after the first band, from the order of the detectors on the focal plane (Gascon et al. 2017).
SECONDS = {
    "BLUE": 0.0,
    "BROADNIR": 0.264,
    "GREEN": 0.527,
    "CIRRUS": 0.851,
    "RED": 1.005,
    "REDEDGE1": 1.269,
    "SWIR1": 1.468,
    "REDEDGE2": 1.525,
    "REDEDGE3": 1.790,
    "NIR": 2.055,
    "SWIR2": 2.085,
    "ULTRABLUE": 2.314,
    "VAPOR": 2.586,
}
GROUND_SPEED = 6700.0
ALTITUDE = 786_000.0


@dataclass(frozen=True)
class Weather:
    """What lies over a scene: clouds of one deck, cirrus, and where the sun and the sensor stand (degrees)."""

    cloud_fraction: float = 0.2
    height: float = 1500.0
    opacity: tuple[float, float] = (0.35, 1.0)
    """From the edges to the cores."""
    texture: float = 0.07
    scale: float = 1200.0
    """Metres across, of a typical cloud."""
    top_albedo: float = 0.75
    cirrus_fraction: float = 0.0
    sun_zenith: float = 40.0
    sun_azimuth: float = 150.0
    view_zenith: float = 3.0
    view_azimuth: float = 100.0
    style: str = "summer"
    inversion: float = 0.0
    """Kelvin that clouds are warmer than the lapse rate makes them."""


@dataclass
class Scene:
    """A scene and its truth."""

    sensor: Sensor
    grid: ImageGrid
    toa: dict[str, np.ndarray]
    angles: Angles
    cloud: np.ndarray
    shadow: np.ndarray
    snow: np.ndarray
    water: np.ndarray
    cirrus: np.ndarray
    surface: np.ndarray
    names: tuple[str, ...]
    saturated: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def is_surface(self, name: str) -> np.ndarray:
        """Tell where a surface lies, clouded or not."""
        return self.surface == self.names.index(name) if name in self.names else np.zeros(self.surface.shape, bool)


def smooth_noise(
    shape: tuple[int, int], scale: float, generator: np.random.Generator, steepness: float = 1.7
) -> np.ndarray:
    """Return noise of a power-law spectrum, flat above `scale` pixels, of unit variance."""
    padded = tuple(size + int(2 * scale) for size in shape)
    rows, columns = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])[None, :]
    frequency = np.hypot(rows, columns)
    amplitude = (frequency**2 + (0.5 / scale) ** 2) ** (-steepness / 2)
    amplitude[0, 0] = 0.0
    spectrum = np.fft.rfft2(generator.standard_normal(padded)) * amplitude
    noise = np.fft.irfft2(spectrum, padded)[: shape[0], : shape[1]]
    return (noise - noise.mean()) / noise.std()


def _surfaces(
    shape: tuple[int, int], resolution: float, style: str, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    names = tuple(STYLES[style])
    shares = np.array([STYLES[style][name][0] for name in names])
    extent = np.array(shape) * resolution
    count = max(12, int(extent.prod() / 700.0**2))
    centres = generator.uniform(-0.05, 1.05, (count, 2)) * extent
    kinds = generator.choice(len(names), count, p=shares / shares.sum())
    rows, columns = np.meshgrid(*(np.arange(size) * resolution for size in shape), indexing="ij")
    warp = 150.0
    rows = rows + warp * smooth_noise(shape, 600.0 / resolution, generator)
    columns = columns + warp * smooth_noise(shape, 600.0 / resolution, generator)
    _, nearest = cKDTree(centres).query(np.stack([rows.ravel(), columns.ravel()], 1))
    nearest = nearest.reshape(shape)
    return kinds[nearest].astype(np.int16), nearest, names


def _moved(array: np.ndarray, rows: float, columns: float, order: int = 1) -> np.ndarray:
    return shift(array, (rows, columns), order=order, mode="nearest", prefilter=False)


def simulate(sensor: str, size: int, seed: int, weather: Weather | None = None, nodata_corner: int = 0) -> Scene:
    """Make a square scene of `size` pixels a side.

    The fields of clouds are made on a larger canvas, so that clouds beyond the borders throw shadows into the scene.
    """
    weather = weather or Weather()
    generator = np.random.default_rng(seed)
    kind = SENSORS[sensor]
    resolution = float(kind.resolution)
    grid = ImageGrid("EPSG:32633", 300_000.0, 5_400_000.0, resolution, size, size)
    reach = weather.height * (math.tan(math.radians(weather.sun_zenith)) + 0.2) / resolution
    margin = int(min(reach, 500)) + 20
    canvas = (size + 2 * margin, size + 2 * margin)
    inner = (slice(margin, margin + size), slice(margin, margin + size))

    surface, parcel, names = _surfaces((size, size), resolution, weather.style, generator)
    noise = smooth_noise(canvas, weather.scale / resolution, generator, 2.4)
    thickness = np.zeros(canvas)
    if weather.cloud_fraction > 0:
        low = np.quantile(noise[inner], 1 - weather.cloud_fraction)
        thickness = np.clip((noise - low) / (0.6 * noise.std()), 0, 1)
    low_opacity, high_opacity = weather.opacity
    opacity = np.where(thickness > 0, low_opacity + (high_opacity - low_opacity) * thickness, 0.0)
    grain = gaussian_filter(generator.standard_normal(canvas), 40.0 / resolution)
    lumps = smooth_noise(canvas, 200.0 / resolution, generator)
    grain = 1 + weather.texture * (0.5 * grain / grain.std() + 0.9 * lumps)
    true_cloud = thickness > 0

    sun, azimuth = math.radians(weather.sun_zenith), math.radians(weather.sun_azimuth)
    view, view_azimuth = math.radians(weather.view_zenith), math.radians(weather.view_azimuth)
    reach = weather.height * math.tan(sun) / resolution
    lean = weather.height * math.tan(view) / resolution
    seen = (lean * math.cos(view_azimuth), -lean * math.sin(view_azimuth))  # where the sensor sees the cloud
    cast = (reach * math.cos(azimuth), -reach * math.sin(azimuth))
    shade = _moved(opacity, *cast)[inner]
    cloud = _moved(true_cloud.astype(np.float32), *seen)[inner] > 0.5
    shadow = _moved(true_cloud.astype(np.float32), *cast)[inner] > 0.5

    temperatures = np.array([STYLES[weather.style][name][1] for name in names], float)
    brightness = 1 + 0.05 * smooth_noise((size, size), 300.0 / resolution, generator)
    fine = generator.standard_normal((size, size))
    fine = np.where(generator.random((size, size)) < 0.5, fine, gaussian_filter(fine, 1.0) * 3)
    texture = np.array([TEXTURE.get(name, 0.04) for name in names])[surface]
    brightness = np.clip(brightness + texture * fine, 0.3, 3.0)

    # No two parcels of a surface are alike: brightness, slope of the spectrum and temperature vary.
    parcels = int(parcel.max()) + 1
    calm = np.isin(surface, [names.index(name) for name in ("water", "turbid", "snow") if name in names])
    brightness *= np.where(calm, 1.0, np.exp(0.15 * generator.standard_normal(parcels))[parcel])
    tilt = np.where(calm, 0.0, 0.06 * generator.standard_normal(parcels)[parcel])
    warmer = np.where(calm, 0.0, 1.0 * generator.standard_normal(parcels)[parcel])

    cirrus = np.zeros((size, size))
    if weather.cirrus_fraction > 0:
        veil = smooth_noise((size, size), 5000.0 / resolution, generator)
        low = np.quantile(veil, 1 - weather.cirrus_fraction)
        cirrus = np.clip((veil - low) / veil.std(), 0, 1) * 0.05 + np.where(veil > low, 0.012, 0.0)

    slant = 1 / math.cos(sun) / 1.3
    parallax = GROUND_SPEED * weather.height / ALTITUDE / resolution
    heading = math.radians(193.0)
    detector = np.where((np.arange(size) // int(25_000 / resolution)) % 2 == 0, 1.0, -1.0)[None, :]
    toa: dict[str, np.ndarray] = {}
    for band in BANDS:
        if not kind.has(band):
            continue
        index = BANDS.index(band)
        ground = (
            np.array([SURFACES[name][index] for name in names])[surface] * brightness * (1 + tilt * (index / 5 - 1))
        )
        visible = index <= 3
        ground = ground * (1 - shade * (0.62 if visible else 0.74))
        clear = PATH[band] * slant + TRANSMISSION[band] ** slant * ground
        albedo = weather.top_albedo * {"SWIR1": 0.62, "SWIR2": 0.45}.get(band, 1.0)
        if kind.is_landsat:
            here = _moved(opacity, *seen)[inner]
            lump = _moved(grain, *seen)[inner]
        else:
            step = parallax * SECONDS[band]
            along = (-step * math.cos(heading), step * math.sin(heading))
            here, lump = (
                np.where(
                    detector > 0,
                    _moved(layer, seen[0] + along[0], seen[1] + along[1])[inner],
                    _moved(layer, seen[0] - along[0], seen[1] - along[1])[inner],
                )
                for layer in (opacity, grain)
            )
        top = albedo * (0.55 + 0.45 * here) * lump
        value = (1 - here) * clear + here * top + cirrus * 0.8
        toa[band] = value * (1 + 0.004 * generator.standard_normal((size, size)))
    if kind.has("CIRRUS"):
        high = 0.05 * np.clip((weather.height - 4000) / 4000, 0, 1) * _moved(opacity, *seen)[inner]
        toa["CIRRUS"] = np.abs(0.0012 + cirrus + high + 0.0003 * generator.standard_normal((size, size)))
    if kind.has("VAPOR"):
        toa["VAPOR"] = 0.5 * toa["NIR"]
    if kind.has("TEMP"):
        air = float(np.average(temperatures, weights=[STYLES[weather.style][name][0] for name in names])) - 2.0
        top = air - 0.0065 * (weather.height + 300 * _moved(thickness, *seen)[inner]) + weather.inversion
        skin = temperatures[surface] + warmer + 0.8 * smooth_noise((size, size), 900.0 / resolution, generator)
        skin = skin + 0.5 * generator.standard_normal((size, size)) - 3.0 * shade
        here = _moved(opacity, *seen)[inner]
        emitted = np.minimum(1.0, here * 1.05)
        toa["TEMP"] = gaussian_filter((1 - emitted) * skin + emitted * top - 150 * cirrus, 1.0)
    for band in kind.bands:
        factor = max(1, round(band.resolution / resolution)) if not kind.is_landsat else 1
        if factor > 1:
            value = toa[band.name]
            trimmed = value[: size // factor * factor, : size // factor * factor]
            mean = trimmed.reshape(size // factor, factor, size // factor, factor).mean((1, 3))
            toa[band.name] = np.pad(
                np.repeat(np.repeat(mean, factor, 0), factor, 1),
                [(0, size - trimmed.shape[0]), (0, size - trimmed.shape[1])],
                mode="edge",
            )
        toa[band.name] = toa[band.name].astype(np.float32)
        if nodata_corner:
            rows, columns = np.indices((size, size))
            toa[band.name][rows + columns < nodata_corner] = np.nan
    step = field_step(grid)
    coarse = grid.coarser(step).shape
    angles = Angles(
        *(
            np.full(coarse, value, np.float32)
            for value in (weather.sun_zenith, weather.sun_azimuth, weather.view_zenith, weather.view_azimuth)
        )
    )
    snow = surface == names.index("snow") if "snow" in names else np.zeros(surface.shape, bool)
    water = np.isin(surface, [names.index(name) for name in ("water", "turbid") if name in names])
    return Scene(
        kind,
        grid,
        toa,
        angles,
        cloud,
        shadow & ~cloud,
        snow & ~cloud,
        water & ~cloud,
        cirrus > 0,
        surface,
        names,
        np.zeros((size, size), bool),
    )


def scratches(folder: Path, grid: ImageGrid):
    """Return a maker of scratch rasters in a folder, of the grid's shape unless another is given."""

    def make(name: str, dtype: np.dtype | type | str, shape: tuple[int, ...] | None = None) -> Scratch:
        return Scratch(folder / f"{name}.raster", shape or grid.shape, dtype)

    return make


class Rank:
    """A rank of a world of threads."""

    def __init__(self, barrier: threading.Barrier, values: list[Any], rank: int) -> None:
        self.barrier, self.values, self.rank, self.size = barrier, values, rank, len(values)

    def allgather(self, value: Any) -> list[Any]:
        self.values[self.rank] = value
        self.barrier.wait()
        values = list(self.values)
        self.barrier.wait()
        return values

    def broadcast(self, value: Any) -> Any:
        return self.allgather(value)[0]


@dataclass
class Found:
    """What `find_masks` found, read into memory."""

    quality: np.ndarray
    probability: np.ndarray
    masks: Masks
    left: list[str]
    """Names of the rasters that were not removed."""

    @property
    def cloud(self) -> np.ndarray:
        return (self.quality >> 1 & 3) == 2

    @property
    def cirrus(self) -> np.ndarray:
        return (self.quality >> 1 & 3) == 3

    def bit(self, number: int) -> np.ndarray:
        return (self.quality >> number & 1) > 0

    @property
    def shadow(self) -> np.ndarray:
        return self.bit(3)


BARE = MaskOptions(cloud_buffer=0.0, cirrus_buffer=0.0, shadow_buffer=0.0, snow_buffer=0.0)
"""Options without buffers, under which masks are compared with the truth."""


def run(
    scene: Scene,
    folder: Path,
    options: MaskOptions = BARE,
    *,
    without: tuple[str, ...] = (),
    elevation: np.ndarray | None = None,
    slope: np.ndarray | None = None,
    ranks: int = 1,
) -> Found:
    """Find the masks of a scene, on several ranks where asked."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = scene.grid.rows
    make = scratches(folder, scene.grid)

    def find(communicator: Any) -> Masks:
        return find_masks(
            lambda band, start, stop: scene.toa[band][start:stop].copy(),
            frozenset(name for name in scene.toa if name not in without),
            scene.grid,
            scene.sensor,
            scene.angles,
            None if elevation is None else lambda start, stop: elevation[start:stop],
            None if slope is None else lambda start, stop: slope[start:stop],
            lambda start, stop: scene.saturated[start:stop],
            make,
            options,
            communicator,
        )

    if ranks == 1:
        masks = find(Serial())
    else:
        barrier, values = threading.Barrier(ranks, timeout=120), [None] * ranks
        with ThreadPoolExecutor(ranks) as pool:
            masks, *_ = pool.map(find, [Rank(barrier, values, rank) for rank in range(ranks)])
    return Found(
        masks.flags.read(0, rows),
        masks.probability.read(0, rows),
        masks,
        sorted(file.name for file in folder.iterdir()),
    )


@dataclass(frozen=True)
class Accuracy:
    """Of a mask: share of pixels that agree, of found pixels that are true, of true pixels that are found."""

    overall: float
    user: float
    producer: float


def accuracy(found: np.ndarray, true: np.ndarray) -> Accuracy:
    """Compare a mask with the truth."""
    both = float((found & true).sum())
    return Accuracy(float((found == true).mean()), both / max(found.sum(), 1), both / max(true.sum(), 1))


def within_reach(scene: Scene, weather: Weather) -> np.ndarray:
    """Tell of each pixel whether the cloud that would shade it stands in the image."""
    sun, azimuth = math.radians(weather.sun_zenith), math.radians(weather.sun_azimuth)
    view, direction = math.radians(weather.view_zenith), math.radians(weather.view_azimuth)
    height, (rows, columns) = weather.height / scene.grid.resolution, np.indices(scene.grid.shape)
    rows = rows - height * (math.tan(sun) * math.cos(azimuth) - math.tan(view) * math.cos(direction))
    columns = columns + height * (math.tan(sun) * math.sin(azimuth) - math.tan(view) * math.sin(direction))
    return (rows >= 0) & (rows < scene.grid.rows) & (columns >= 0) & (columns < scene.grid.columns)
