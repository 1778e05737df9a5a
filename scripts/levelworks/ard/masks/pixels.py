"""The passes over pixels: their tests, parallax, and the probability of cloud."""

from __future__ import annotations

import numpy as np

from levelworks.ard.masks.clear_sky import ClearSky, Histograms, clear_step, describe_clear_sky
from levelworks.ard.masks.clear_sky_kernels import count_clear
from levelworks.ard.masks.coarse_kernels import COUNTS, cell_means, count_in_cells, means_in_cells, mostly_water
from levelworks.ard.masks.inputs import Inputs
from levelworks.ard.masks.layers import Layers
from levelworks.ard.masks.morphology_kernels import fill_by_majority, grow
from levelworks.ard.masks.parallax import find_moving
from levelworks.ard.masks.pixel_test_kernels import test_pixels
from levelworks.ard.masks.probability_kernels import GROWTH, SEED, weigh_evidence
from levelworks.ard.masks.settings import VALID

STILL = np.zeros((0, 0), np.int8)
USUAL_THRESHOLD = 0.225
ODDS_PER_THRESHOLD = 8.0
"""Log odds that a unit of the option `cloud_threshold` asks for more."""
GROWTH_STEPS = 8
"""Pixels by which clouds grow into what spectrum and haze alone take for cloud."""
REVIEWS = 2
"""Times that probabilities are found: clear ground is described again once clouds are known."""


def find_probability(inputs: Inputs, layers: Layers) -> ClearSky:
    """Find the probability of cloud at every pixel, and clouds before they are looked at as objects."""
    sky = _describe(inputs, _test(inputs, layers))
    if layers.moving is not None and layers.lift is not None:
        inputs.wait()
        for block in inputs.blocks():
            find_moving(inputs, layers.flags, layers.moving, layers.lift, block)
    for review in range(REVIEWS):
        histograms = _weigh(inputs, layers, sky)
        if review + 1 < REVIEWS:
            sky = _describe(inputs, histograms)
    inputs.wait()
    for block in inputs.blocks():
        rows = inputs.with_halo(block, GROWTH_STEPS + 1)
        states = layers.states.read(rows.start, rows.stop)
        valid = (layers.flags.read(rows.start, rows.stop) & VALID) > 0
        mask = fill_by_majority(grow(states == SEED, states >= GROWTH, GROWTH_STEPS), valid)
        mask = mask[block.start - rows.start : block.stop - rows.start]
        first = block.start // inputs.step
        probability = layers.probability.read(block.start, block.stop)
        layers.counts.write(first, count_in_cells(mask, inputs.step))
        layers.certainty.write(first, means_in_cells(probability, mask, inputs.step))
        layers.cloud.write(block.start, mask)
    inputs.wait()
    return sky


def _test(inputs: Inputs, layers: Layers) -> Histograms:
    histograms, step = Histograms.empty(inputs.grid), clear_step(inputs.grid)
    for block in inputs.blocks():
        shape = (len(block), inputs.grid.columns)
        spectrum = inputs.spectrum(block)
        temperature, elevation = inputs.band("TEMP", block), inputs.heights(block)
        flags, evidence, haze = np.empty(shape, np.uint16), np.empty(shape, np.int8), np.empty(shape, np.uint8)
        test_pixels(
            spectrum, inputs.band("CIRRUS", block), temperature, elevation, inputs.slopes(block),
            np.asarray(inputs.saturated(block.start, block.stop), bool), flags, evidence, haze,
        )  # fmt: skip
        count_clear(flags, haze, temperature, elevation, block.start, step, histograms.hazes, histograms.temperatures)
        layers.flags.write(block.start, flags)
        layers.evidence.write(block.start, evidence)
        layers.haze.write(block.start, haze)
        first = block.start // inputs.step
        layers.near_infrared.write(first, cell_means(spectrum[3], flags, inputs.step, COUNTS))
        layers.shortwave.write(first, cell_means(spectrum[4], flags, inputs.step, COUNTS))
        layers.water.write(first, mostly_water(flags, inputs.step))
        if layers.kelvin is not None:
            layers.kelvin.write(first, cell_means(temperature, flags, inputs.step, 100.0))
        if layers.relief is not None:
            raised = cell_means(elevation + 1000.0, np.full(shape, VALID, np.uint16), inputs.step, 1.0)
            layers.relief.write(first, np.maximum(raised.astype(np.int32) - 1000, -1000))
    return histograms


def _describe(inputs: Inputs, own: Histograms) -> ClearSky:
    parts = inputs.communicator.allgather((own.hazes, own.temperatures))
    hazes, temperatures = (np.stack([part[i] for part in parts]).sum(axis=0, dtype=np.int32) for i in range(2))
    return describe_clear_sky(Histograms(np.asarray(hazes), np.asarray(temperatures)), inputs.grid)


def _weigh(inputs: Inputs, layers: Layers, sky: ClearSky) -> Histograms:
    histograms, step = Histograms.empty(inputs.grid), clear_step(inputs.grid)
    limit = ODDS_PER_THRESHOLD * (inputs.options.cloud_threshold - USUAL_THRESHOLD)
    for block in inputs.blocks():
        shape = (len(block), inputs.grid.columns)
        flags, haze = (layer.read(block.start, block.stop) for layer in (layers.flags, layers.haze))
        temperature, elevation = inputs.band("TEMP", block), inputs.heights(block)
        moving = STILL
        if layers.moving is not None:
            moving = layers.moving.read(block.start // 2, -(-block.stop // 2))
        probability, states = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
        weigh_evidence(
            flags, layers.evidence.read(block.start, block.stop), haze, temperature, elevation, moving, block.start,
            step, sky.haze, sky.cold, sky.warm, limit, probability, states,
        )  # fmt: skip
        count_clear(flags, haze, temperature, elevation, block.start, step, histograms.hazes, histograms.temperatures)
        layers.flags.write(block.start, flags)
        layers.probability.write(block.start, probability)
        layers.states.write(block.start, states)
    return histograms
