"""Simulated scenes with one plume of known rate, taken through the stages, and what came of it beside the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np

from levelworks.plumes.detection.detect_options import DetectPlumes, MaskPlumes
from levelworks.plumes.detection.detect_stage import detect_plumes, mask_plumes
from levelworks.plumes.emission.emission_table import read_rows
from levelworks.plumes.emission.quantify_options import Quantify
from levelworks.plumes.emission.quantify_stage import quantify
from levelworks.plumes.emission.wind_files import Winds, write_wind
from levelworks.plumes.layers import open_layers
from levelworks.plumes.retrieval.absorption_stage import tabulate_absorption
from levelworks.plumes.retrieval.retrieval_options import Absorption, Retrieve
from levelworks.plumes.retrieval.retrieve_stage import retrieve
from levelworks.plumes.scene import Sensor
from levelworks.plumes.simulation.enmap_files import write_enmap
from levelworks.plumes.simulation.enmap_instrument import enmap_spectral
from levelworks.plumes.simulation.prisma_files import write_prisma
from levelworks.plumes.simulation.prisma_instrument import prisma_spectral
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_campaigns import satellite_scene
from levelworks.plumes.simulation.simulated_scenes import emit_scene, write_emit
from levelworks.plumes.simulation.simulated_surfaces import SurfaceKind
from levelworks.plumes.simulation.transport import Plume, Wind

SIZES: dict[Sensor, tuple[int, int]] = {"EMIT": (400, 200), "EnMAP": (480, 240), "PRISMA": (480, 240)}
HEADING = 40.0
SURFACES: tuple[SurfaceKind, ...] = ("desert", "cropland", "urban")
RATES = (0.5, 1.0, 2.0, 4.0, 8.0, 20.0)
"""t h-1."""
SPEEDS = (2.0, 4.5, 7.5)
"""m s-1, at ten metres."""
ZENITHS = (20.0, 40.0, 60.0)
"""Degrees."""


@dataclass(frozen=True)
class Case:
    """One scene with one plume."""

    sensor: Sensor
    surface: SurfaceKind
    rate: float
    speed: float
    sun_zenith: float
    seed: int


@dataclass(frozen=True)
class Found:
    """What came of a case.

    Parameters
    ----------
    recovered : float
        Gas retrieved over gas that is there, in the truth region: pixels of more gas than one standard error.
    error : float
        Standard error of that from the errors that the retrieval states.
    true_mass : float
        Of the truth region, kg.
    in_mask : float
        Gas retrieved over gas that is there in the plume's mask; not a number where none was found.
    rates : dict of str to (rate, error)
        t h-1, by method; empty where the plume was not found.
    false_scores : tuple of float
        False-positive scores of plumes where there is no gas.
    score : float
        That of the plume; not a number where it was not found.
    albedo : float
        Radiance at 2100 nm about the plume over that of the scene.
    pixels : int
        Of the scene.
    """

    case: Case
    recovered: float
    error: float
    true_mass: float
    in_mask: float
    rates: dict[str, tuple[float, float]]
    false_scores: tuple[float, ...]
    score: float
    albedo: float
    pixels: int


def cases(sensor: Sensor, count: int, seed: int) -> Iterator[Case]:
    """Yield cases that go through surfaces, rates, winds and suns so that none goes with another."""
    random = np.random.default_rng([seed, len(sensor)])
    columns = [np.resize(values, count) for values in (SURFACES, RATES, SPEEDS, ZENITHS)]
    for values in columns[1:]:
        random.shuffle(values)
    for number, (surface, rate, speed, zenith) in enumerate(zip(*columns, strict=True)):
        yield Case(sensor, str(surface), float(rate), float(speed), float(zenith), seed + number)  # type: ignore[arg-type]


def reported_speed(case: Case, random: np.random.Generator) -> float:
    """Return the wind that a weather model would report: off by what the rates' errors are made for."""
    sigma = 0.5 * case.speed if case.speed <= 3 else 1.5
    return max(0.3, case.speed + sigma * float(random.normal()))


def run(case: Case, folder: Path, passes: int = 2, mask: dict[str, object] | None = None, **options: object) -> Found:
    """Simulate a case and take it through retrieval, detection and quantification.

    Parameters
    ----------
    passes : int
        1 leaves the plume in the statistics.
    **options
        Of the retrieval.
    """
    rows, columns = SIZES[case.sensor]
    random = np.random.default_rng([case.seed, 99])
    wind = Wind(case.speed, float(random.uniform(0, 360)))
    towards = np.radians(wind.direction + 180 - HEADING)
    upwind = -0.25 * np.array([np.cos(towards) * rows, np.sin(towards) * columns])
    place = np.array([rows / 2, columns / 2]) + upwind + random.uniform(-8, 8, 2)
    description = SceneDescription(
        surface=case.surface,
        plumes=[Plume(case.rate, float(place[0]), float(place[1]), kind="turbulent")],
        wind=wind,
        sun_zenith=case.sun_zenith,
        heading=HEADING,
        seed=case.seed,
    )
    radiance, observations, truth, area = _write(case, description, folder, rows, columns)
    absorption, found = folder / "absorption.nc", folder / "retrieved.nc"
    tabulate_absorption(radiance, observations, {}, {}, absorption, Absorption())
    settings = {"windows": "primary", **options}
    retrieve(radiance, observations, None, None, absorption, None, found, Retrieve(**settings))  # type: ignore[arg-type]
    if passes == 2:
        excluded, second = folder / "excluded.nc", folder / "again.nc"
        mask_plumes(found, None, excluded, MaskPlumes(**(mask or {})))
        chosen = Retrieve(**settings)  # type: ignore[arg-type]
        retrieve(radiance, observations, None, None, absorption, excluded, second, chosen)
        found = second
    speed = reported_speed(case, random)
    winds = folder / "wind.nc"
    _write_winds(winds, Wind(speed, wind.direction), found)
    labels, plumes, emissions = folder / "labels.nc", folder / "plumes.geojson", folder / "emissions"
    detect_plumes(
        found, None, absorption, radiance, winds, None, None, labels=labels, plumes=plumes, options=DetectPlumes()
    )
    quantify(found, labels, plumes, winds, folder=emissions, options=Quantify())
    return _compare(case, found, labels, plumes, emissions, truth, area)


def _write(
    case: Case, description: SceneDescription, folder: Path, rows: int, columns: int
) -> tuple[Path, Path | None, np.ndarray, np.ndarray]:
    """Write the granule; return it, its observations, the true columns (mol m-2) and areas (m2)."""
    if case.sensor == "EMIT":
        scene = emit_scene(description, rows, columns)
        written = write_emit(folder, scene)
        return written.radiance, written.observations, scene.gas_columns["ch4"], scene.pixel_area
    spectral = enmap_spectral() if case.sensor == "EnMAP" else prisma_spectral(columns)
    scene = satellite_scene(description, case.sensor, spectral, rows, columns)
    folder.mkdir(parents=True, exist_ok=True)
    write = write_enmap if case.sensor == "EnMAP" else write_prisma
    return write(folder, scene), None, scene.gas_columns["ch4"], scene.pixel_area  # type: ignore[operator]


def _write_winds(path: Path, wind: Wind, retrieval: Path) -> None:
    with open_layers(retrieval) as layers:
        longitude, latitude = layers.read("longitude"), layers.read("latitude")
    corners = np.ix_([0, -1], [0, -1])
    ends = np.array([0.0, longitude.shape[0] - 1.0]), np.array([0.0, longitude.shape[1] - 1.0])
    field = np.ones((1, 2, 2))
    winds = Winds(("ERA5",), *ends, wind.eastward * field, wind.northward * field, 101325.0 * field, "ERA5")
    write_wind(path, winds, longitude[corners], latitude[corners], "simulated")


def _compare(
    case: Case, retrieval: Path, labels: Path, plumes: Path, emissions: Path, truth: np.ndarray, area: np.ndarray
) -> Found:
    with open_layers(retrieval) as layers:
        enhancement, unsure = layers.read("ch4").astype(float), layers.read("ch4_unc").astype(float)
        bright = layers.read("radiance_2100").astype(float)
    with netCDF4.Dataset(labels) as file:
        mask = np.asarray(file.variables["ch4_mask"][...])
    known = np.isfinite(enhancement)
    region = known & (truth > np.median(unsure[known]))
    amounts = np.bincount(mask.ravel(), weights=(truth * area).ravel())
    amounts[0] = 0.0
    best = int(np.argmax(amounts)) if amounts.size > 1 and amounts.max() > 0.1 * (truth * area).sum() else 0
    described = {
        one["properties"]["label"]: one["properties"]
        for one in json.loads(plumes.read_text())["features"]
        if not one["properties"]["rejected"]
    }
    rates: dict[str, tuple[float, float]] = {}
    in_mask = score = float("nan")
    if best:
        chosen = (mask == best) & known
        in_mask = float((enhancement * area)[chosen].sum() / (truth * area)[chosen].sum())
        score = float(described[best]["fp_score"])
        wanted = described[best]["plume_id"]
        row = next(one for one in read_rows(emissions / "plumes.csv") if one["plume_id"] == wanted)
        for name, key in (("ime", "emission"), ("csf", "emission_csf"), ("fetch", "emission_fetch")):
            if row.get(key) and row.get(f"{key}_uncertainty"):
                rates[name] = float(row[key]) / 1000, float(row[f"{key}_uncertainty"]) / 1000
    touched = {int(one) for one in np.unique(mask[truth > 0.02 * truth.max()])}
    false = set(np.unique(mask).tolist()) - touched - {0}
    there = float((truth * area)[region].sum()) or np.nan
    return Found(
        case,
        float((enhancement * area)[region].sum() / there),
        float(np.sqrt(((unsure * area)[region] ** 2).sum()) / there),
        float(there * 0.0160425),
        in_mask,
        rates,
        tuple(float(described[one]["fp_score"]) for one in sorted(false)),
        score,
        float(np.median(bright[region]) / np.median(bright[known])) if region.any() else float("nan"),
        int(mask.size),
    )
