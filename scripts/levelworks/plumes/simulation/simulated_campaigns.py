"""Campaigns of simulated granules: sensors, land covers and plumes drawn from a seed, with the winds of their days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from levelworks.plumes.retrieval.noise import noise_of
from levelworks.plumes.scene import Sensor, Spectral
from levelworks.plumes.simulation.enmap_files import write_enmap
from levelworks.plumes.simulation.enmap_instrument import enmap_spectral
from levelworks.plumes.simulation.prisma_files import write_prisma
from levelworks.plumes.simulation.prisma_instrument import prisma_spectral
from levelworks.plumes.simulation.simulate import SceneDescription, make_scene
from levelworks.plumes.simulation.simulated_scene import SimulatedScene
from levelworks.plumes.simulation.simulated_scenes import emit_scene, write_emit
from levelworks.plumes.simulation.simulated_surfaces import SurfaceKind
from levelworks.plumes.simulation.simulated_truth import write_truth
from levelworks.plumes.simulation.simulated_winds import write_winds
from levelworks.plumes.simulation.transport import Plume, Wind
from levelworks.plumes.tables import NoiseModel
from levelworks.plumes.units import STANDARD_PRESSURE

SCALE_HEIGHT = 8434.0
"""m over which pressure falls by e."""
PIXEL = 30.0
"""m of EnMAP and PRISMA."""
ALTITUDE = {"EnMAP": 653_000.0, "PRISMA": 615_000.0}
"""m."""
OFF_NADIR = {"EnMAP": 6.0, "PRISMA": 4.0}
"""Degrees that they look aside in simulated scenes."""


@dataclass(frozen=True)
class WrittenGranule:
    """The files of one granule of a campaign."""

    scene: SimulatedScene
    radiance: Path
    truth: Path


def simulate_granule(
    folder: Path,
    sensor: Sensor,
    surface: SurfaceKind,
    rows: int,
    columns: int,
    *,
    plumes: int = 2,
    rate: float = 10.0,
    gas: str = "ch4",
    wind_speed: float = 4.0,
    clouds: float = 0.0,
    seed: int = 0,
) -> WrittenGranule:
    """Write one granule under ``folder``, its truth, and the winds of its day under ``folder/winds``.

    Parameters
    ----------
    plumes, rate, gas
        How many plumes, their mean rate (t h-1) and gas; rates are from half to twice the mean.
    wind_speed : float
        Mean at ten metres, m s-1; each scene's is from 0.7 to 1.4 times that.
    clouds : float
        Share of pixels under clouds.
    seed : int
        Of everything that is drawn.
    """
    random = np.random.default_rng([seed, 7])
    wind = Wind(wind_speed * float(2 ** random.uniform(-0.5, 0.5)), float(random.uniform(0, 360)))
    heading = 40.0 if sensor == "EMIT" else 193.0
    description = SceneDescription(
        surface=surface,
        plumes=draw_plumes(plumes, rate, gas, wind, heading, (rows, columns), random),
        wind=wind,
        heading=heading,
        clouds=clouds,
        dead_elements=rows * columns // 20_000,
        seed=seed,
    )
    if sensor == "EMIT":
        scene = emit_scene(description, rows, columns)
        written = write_emit(folder, scene, mask=True)
        granule = WrittenGranule(scene, written.radiance, written.truth)
    else:
        spectral = enmap_spectral() if sensor == "EnMAP" else prisma_spectral(columns)
        scene = satellite_scene(description, sensor, spectral, rows, columns)
        write = write_enmap if sensor == "EnMAP" else write_prisma
        path = write(folder, scene, masks=agency_masks(scene), dead_elements=dead_mask(scene))
        scene = replace(scene, name=path.stem)
        granule = WrittenGranule(scene, path, write_truth(folder, scene))
    places = scene.geometry
    bounds = (places.longitude.min(), places.latitude.min(), places.longitude.max(), places.latitude.max())
    pressure = STANDARD_PRESSURE * float(np.exp(-places.elevation.mean() / SCALE_HEIGHT))
    west, south, east, north = (float(bound) for bound in bounds)
    write_winds(folder / "winds", scene.start, (west, south, east, north), wind.eastward, wind.northward, pressure)
    return granule


def satellite_scene(
    description: SceneDescription, sensor: Sensor, spectral: Spectral, rows: int, columns: int
) -> SimulatedScene:
    """Put a scene of EnMAP or PRISMA together: 30 m pixels, looking a little aside; its name is the writer's."""
    noise = NoiseModel(spectral.mean, *noise_of(sensor, spectral.mean, None))
    return make_scene(
        description,
        "",
        sensor,
        spectral,
        rows,
        columns,
        pixel=PIXEL,
        altitude=ALTITUDE[sensor],
        off_nadir=OFF_NADIR[sensor],
        noise=noise,
    )


def draw_plumes(
    count: int,
    rate: float,
    gas: str,
    wind: Wind,
    heading: float,
    shape: tuple[int, int],
    random: np.random.Generator,
) -> tuple[Plume, ...]:
    """Draw sources apart from each other in the upwind half of a scene, so that plumes lie in it.

    Parameters
    ----------
    heading : float
        Of the flight, degrees: rows go along it.
    shape : (rows, columns)
    """
    towards = np.radians(wind.direction + 180 - heading)
    upwind = -0.2 * np.array([np.cos(towards), np.sin(towards)])
    drawn = 0.5 + upwind + random.uniform(-0.25, 0.25, (40 * max(count, 1), 2))
    chosen: list[np.ndarray] = []
    for place in drawn:
        apart = 0.6 / np.sqrt(max(count, 1))
        if len(chosen) < count and all(np.hypot(*(place - other)) > apart * 0.6 for other in chosen):
            chosen.append(place)
    chosen += list(drawn[: count - len(chosen)])
    last_row, last_column = shape[0] - 1, shape[1] - 1
    rates = rate * 2 ** random.uniform(-1, 1, len(chosen))
    return tuple(
        Plume(float(emitted), float(row * last_row), float(column * last_column), gas)
        for emitted, (row, column) in zip(rates, chosen, strict=True)
    )


def agency_masks(scene: SimulatedScene) -> dict[str, np.ndarray]:
    """Return what the agency would flag in a scene: cloud, shadow and water."""
    nothing = np.zeros((scene.rows, scene.columns), dtype=bool)
    cloud = scene.clouds.cloudy if scene.clouds else nothing
    shadow = scene.clouds.shaded if scene.clouds else nothing
    return {"cloud": cloud, "shadow": shadow, "water": scene.surface.water & ~cloud}


def dead_mask(scene: SimulatedScene) -> np.ndarray:
    """Return which elements are dead, (columns, bands) bool."""
    dead = np.zeros((scene.columns, scene.spectral.bands), dtype=bool)
    dead[scene.dead_elements] = True
    return dead
