"""Clouds by FORCE's rules alone (`compat: force`), before they are looked at as objects (spec sections 8.1 to 8.4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from levelworks.ard.masks.clear_sky import HIGH, LOW, quantile_of
from levelworks.ard.masks.coarse_kernels import COUNTS, count_in_cells
from levelworks.ard.masks.displacement_index_kernels import (
    GROWTH,
    SEED,
    blur,
    displacement_index,
    least_around,
    seeds_and_growth,
)
from levelworks.ard.masks.force_kernels import (
    VARIABILITY_STEP,
    count_values,
    decide_as_force,
    mark_clear,
    test_pixels_as_force,
)
from levelworks.ard.masks.inputs import Inputs
from levelworks.ard.masks.layers import Layers
from levelworks.ard.masks.morphology_kernels import fill_by_majority, grow, widen
from levelworks.ard.masks.settings import BRIGHT, CANDIDATE, CLEAR, DEEP, SATURATED, SNOW, VALID, WATER

KELVIN_LOW, KELVIN_STEP, KELVIN_BINS = 180.0, 0.05, 4000
PROBABILITY_LOW, PROBABILITY_STEP, PROBABILITY_BINS = -1.0, 0.001, 6000
REFLECTANCE_STEP, REFLECTANCE_BINS = 0.0005, 4000
LEAST_CLEAR = 0.001
"""Share of valid pixels that must be clear."""
HALO = 48
"""Rows of 10 m around a block within which the displacement index looks."""


@dataclass(frozen=True)
class Scene:
    """What the whole image says.

    Parameters
    ----------
    cold, warm, cold_water : float
        Percentiles of temperature of clear land and clear water, kelvin; NaN where there is none.
    near_infrared, shortwave : float
        Darker end of clear land, reflectance.
    valid : int
        Pixels.
    overcast : bool
        Too little is clear to tell clouds from ground.
    """

    cold: float
    warm: float
    cold_water: float
    near_infrared: float
    shortwave: float
    valid: int
    overcast: bool


def find_clouds_as_force(inputs: Inputs, layers: Layers) -> tuple[Scene, int]:
    """Write clouds and their probability; return what the scene is like, and the pixels of cloud."""
    for block in inputs.blocks():
        _test(inputs, layers, block)
    inputs.wait()
    scene = _survey(inputs, layers)
    if scene.overcast:
        for block in inputs.blocks():
            flags = layers.flags.read(block.start, block.stop)
            _store(inputs, layers, block, (flags & CANDIDATE) > 0, np.where(flags & CANDIDATE, 1.0, 0.0))
    elif inputs.has_temperature:
        _decide_by_temperature(inputs, layers, scene)
    else:
        _decide_by_parallax(inputs, layers)
    inputs.wait()
    own = sum(int(layers.cloud.read(block.start, block.stop).sum()) for block in inputs.blocks())
    return scene, sum(inputs.communicator.allgather(own))


def _test(inputs: Inputs, layers: Layers, block: range) -> None:
    shape, step = (len(block), inputs.grid.columns), inputs.step
    spectrum, temperature = inputs.spectrum(block), inputs.band("TEMP", block)
    flags, variability = np.empty(shape, np.uint16), np.empty(shape, np.uint8)
    slope = inputs.slopes(block)
    test_pixels_as_force(
        spectrum, inputs.band("CIRRUS", block), temperature, inputs.heights(block), slope,
        np.asarray(inputs.saturated(block.start, block.stop), bool), flags, variability,
    )  # fmt: skip
    layers.flags.write(block.start, flags)
    layers.haze.write(block.start, variability)
    first = block.start // step
    known = (flags & VALID) > 0
    for layer, band, scale in (
        (layers.near_infrared, spectrum[3], COUNTS),
        (layers.shortwave, spectrum[4], COUNTS),
        (layers.kelvin, temperature, 100.0),
    ):
        if layer is not None:
            scaled = np.where(known, np.clip(np.rint(np.nan_to_num(band) * scale), 1.0, 65535.0), 0.0)
            layer.write(first, scaled[::step, ::step])
    flat = (flags & WATER) > 0
    if slope.size:
        flat &= slope == 0.0
    layers.water.write(first, flat[::step, ::step])


def _survey(inputs: Inputs, layers: Layers) -> Scene:
    kelvins = np.zeros((3, KELVIN_BINS), np.int64)
    levels = np.zeros((2, REFLECTANCE_BINS), np.int64)
    counts = np.zeros(3, np.int64)  # valid, clear, clear land
    radius = math.trunc(inputs.options.snow_buffer / inputs.grid.resolution)
    for block in inputs.blocks():
        rows = inputs.with_halo(block, radius)
        snow = (layers.flags.read(rows.start, rows.stop) & SNOW) > 0
        flags = layers.flags.read(block.start, block.stop)
        mark_clear(flags, widen(snow, block.start - rows.start, block.stop - rows.start, radius))
        layers.flags.write(block.start, flags)
        clear = (flags & CLEAR) > 0
        counts += [((flags & VALID) > 0).sum(), clear.sum(), (clear & ((flags & WATER) == 0)).sum()]
        temperature = inputs.band("TEMP", block)
        if temperature.size:
            for need, refuse, histogram in (
                (CLEAR, WATER, kelvins[0]),
                (CLEAR, 0, kelvins[1]),
                (CLEAR | DEEP, 0, kelvins[2]),
            ):
                count_values(flags, temperature, need, refuse, KELVIN_LOW, KELVIN_STEP, histogram)
        for band, histogram in (("NIR", levels[0]), ("SWIR1", levels[1])):
            count_values(flags, inputs.band(band, block), CLEAR, WATER, 0.0, REFLECTANCE_STEP, histogram)
    shared = inputs.communicator.allgather((kelvins, levels, counts))
    kelvins, levels, counts = (np.sum([part[i] for part in shared], axis=0) for i in range(3))
    valid, clear_count, land = (int(count) for count in counts)
    ground = kelvins[0] if land >= LEAST_CLEAR * valid else kelvins[1]
    cold, warm = (KELVIN_LOW + KELVIN_STEP * float(quantile_of(ground, share)) for share in (LOW, HIGH))
    cold_water = KELVIN_LOW + KELVIN_STEP * float(quantile_of(kelvins[2], HIGH))
    near, short = (REFLECTANCE_STEP * float(np.nan_to_num(quantile_of(level, LOW))) for level in levels)
    return Scene(cold, warm, cold_water, near, short, valid, clear_count <= LEAST_CLEAR * valid)


def _decide_by_temperature(inputs: Inputs, layers: Layers, scene: Scene) -> None:
    histograms = np.zeros((2, PROBABILITY_BINS), np.int64)
    for block in inputs.blocks():
        flags, probability, _ = _decided(inputs, layers, scene, block, 1.0, 1.0)
        for need, refuse, histogram in ((CLEAR, WATER, histograms[0]), (CLEAR | DEEP, 0, histograms[1])):
            count_values(flags, probability, need, refuse, PROBABILITY_LOW, PROBABILITY_STEP, histogram)
    total = np.sum(inputs.communicator.allgather(histograms), axis=0)
    limits = PROBABILITY_LOW + PROBABILITY_STEP * quantile_of(total, HIGH) + inputs.options.cloud_threshold
    land, water = (float(limit) if np.isfinite(limit) else 1.0 for limit in limits)
    for block in inputs.blocks():
        rows = inputs.with_halo(block, 1)
        flags, probability, cloud = _decided(inputs, layers, scene, rows, land, water)
        cloud = fill_by_majority(cloud, (flags & VALID) > 0)
        inner = slice(block.start - rows.start, block.stop - rows.start)
        _store(inputs, layers, block, cloud[inner], np.clip(np.nan_to_num(probability[inner]), 0.0, 1.0))


def _decided(
    inputs: Inputs, layers: Layers, scene: Scene, rows: range, land: float, water: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    shape = (len(rows), inputs.grid.columns)
    flags, variability = (layer.read(rows.start, rows.stop) for layer in (layers.flags, layers.haze))
    probability, cloud = np.empty(shape, np.float32), np.empty(shape, bool)
    decide_as_force(
        flags, variability, inputs.band("TEMP", rows), scene.cold, scene.warm, scene.cold_water, land, water,
        probability, cloud,
    )  # fmt: skip
    return flags, probability, cloud


def _decide_by_parallax(inputs: Inputs, layers: Layers) -> None:
    """Find clouds of Sentinel-2; Landsat without temperature keeps its candidates."""
    if layers.moving is None:
        for block in inputs.blocks():
            flags = layers.flags.read(block.start, block.stop)
            cloud = (flags & (CANDIDATE | BRIGHT)) == CANDIDATE | BRIGHT
            _store(inputs, layers, block, cloud, cloud.astype(np.float32))
        return
    for block in inputs.blocks():
        rows = inputs.with_halo(block, HALO)
        first = (block.start - rows.start) // 2
        states = _seeds(inputs, layers, rows)[first : first - (-len(block) // 2)]
        layers.moving.write(block.start // 2, states)
    inputs.wait()
    if inputs.communicator.rank == 0:
        states = layers.moving.read(0, layers.moving.rows)
        layers.moving.write(0, grow(states == SEED, states >= GROWTH, states.size))
    inputs.wait()
    for block in inputs.blocks():
        flags = layers.flags.read(block.start, block.stop)
        moving = layers.moving.read(block.start // 2, -(-block.stop // 2)) > 0
        wide = np.repeat(np.repeat(moving, 2, axis=0), 2, axis=1)[: len(block), : inputs.grid.columns]
        cloud = (wide | ((flags & SATURATED) > 0)) & ((flags & BRIGHT) > 0)
        _store(inputs, layers, block, cloud, cloud.astype(np.float32))


def _seeds(inputs: Inputs, layers: Layers, rows: range) -> np.ndarray:
    """Return where clouds begin and may grow on cells of two by two pixels, uint8."""
    flags = layers.flags.read(rows.start, rows.stop)
    variability = layers.haze.read(rows.start, rows.stop).astype(np.float32) / np.float32(VARIABILITY_STEP)
    candidate = _halved(((flags & CANDIDATE) > 0).astype(np.float32)) > 0.0
    near = _halved(inputs.band("NIR", rows))
    with np.errstate(divide="ignore", invalid="ignore"):
        first = _halved(inputs.band("REDEDGE3", rows)) / near
        second = _halved(blur(inputs.band("BROADNIR", rows))) / near
    index = displacement_index(first, second, candidate)
    return seeds_and_growth(index, least_around(_halved(variability), candidate))


def _halved(values: np.ndarray) -> np.ndarray:
    """Return means of two by two pixels, float32; NaN where one is."""
    rows, columns = values.shape
    padded = np.pad(values, ((0, rows % 2), (0, columns % 2)), mode="edge")
    return 0.25 * (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2])


def _store(inputs: Inputs, layers: Layers, block: range, cloud: np.ndarray, probability: np.ndarray) -> None:
    valid = (layers.flags.read(block.start, block.stop) & VALID) > 0
    percent = np.where(valid, np.rint(100.0 * probability), 255.0)
    layers.probability.write(block.start, percent.astype(np.uint8))
    layers.cloud.write(block.start, cloud & valid)
    layers.counts.write(block.start // inputs.step, count_in_cells(cloud & valid, inputs.step))
