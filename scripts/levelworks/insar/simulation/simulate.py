"""Simulates stacks of Sentinel-1 passes as the agency delivers them: SAFE products, orbit files, elevation, truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from levelworks.insar.geometry.carrier import Carrier, carrier
from levelworks.insar.geometry.elevation import Elevation, level
from levelworks.insar.geometry.ellipsoid import local_axes, to_cartesian
from levelworks.insar.geometry.geo2rdr import geo2rdr, locate
from levelworks.insar.geometry.phasor_kernels import turn
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.safe.burst import Burst
from levelworks.insar.safe.manifest import parse_manifest
from levelworks.insar.simulation.burst_signal import (
    Canvas,
    add_point,
    canvas,
    sample_signal,
    shape_spectrum,
    white_noise,
)
from levelworks.insar.simulation.ground import Ground, air, displacement, make_ground, slid, write_elevation
from levelworks.insar.simulation.orbit_file_writer import write_orbit_file
from levelworks.insar.simulation.passes import SimulatedPass, make_pass
from levelworks.insar.simulation.product_writer import PassWriter
from levelworks.insar.simulation.scenario import Scenario
from levelworks.insar.simulation.truth import write_ground, write_pass, write_targets

FIRST_NOISE = 1000
"""Of the seeds of thermal noise, above those of decorrelation."""


@dataclass(frozen=True)
class BurstGround:
    """The ground of a burst of the first pass, on the coarse grid of its canvas; degrees, m."""

    burst: Burst
    arc: OrbitArc
    grid: Canvas
    points: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    height: np.ndarray


@dataclass(frozen=True)
class Stack:
    """What all bursts of a simulation share; ``airs`` are the delays (m) of the passes."""

    scenario: Scenario
    ground: Ground
    passes: list[SimulatedPass]
    airs: list[Elevation]
    writers: list[PassWriter]
    truth: Path


@dataclass(frozen=True)
class Simulated:
    """Where a simulated stack lies: products by date, folder of orbit files, elevation model and truth."""

    products: dict[str, tuple[Path, ...]]
    orbits: Path
    elevation: Path
    truth: Path


def simulate(scenario: Scenario, folder: Path) -> Simulated:
    """Write a stack of passes: ``products/*.SAFE``, ``orbits/*.EOF``, ``dem.tif`` and ``truth.h5``.

    The same scenario gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    passes = [make_pass(asked) for asked in scenario.passes]
    manifest = parse_manifest(passes[0].template.manifest, passes[0].template.day)
    bursts = {
        swath: [simulated.bursts(swath, cut, manifest) for simulated in passes] for swath, cut in scenario.cuts.items()
    }
    first = [burst for own in bursts.values() for burst in own[0]]
    ground = make_ground(scenario.terrain, _bounds(passes[0], first, scenario.terrain.base))
    write_elevation(folder / "dem.tif", ground.elevation)
    (folder / "truth.h5").unlink(missing_ok=True)
    write_targets(folder / "truth.h5", ground.places(scenario.targets))
    writers = [PassWriter(folder / "products", simulated, scenario, ground) for simulated in passes]
    wavelength = next(iter(bursts.values()))[0][0].wavelength
    airs = [air(scenario, ground, simulated.asked.days, wavelength) for simulated in passes]
    stack = Stack(scenario, ground, passes, airs, writers, folder / "truth.h5")
    for own in bursts.values():
        for index in range(len(own[0])):
            _simulate_burst(stack, [each[index] for each in own], index)
    products = {f"{simulated.epoch:%Y%m%d}": writer.finish() for simulated, writer in zip(passes, writers, strict=True)}
    for simulated in passes:
        write_orbit_file(
            folder / "orbits",
            simulated.asked.mission,
            simulated.epoch,
            simulated.orbit.vectors,
            simulated.absolute_orbit,
        )
    return Simulated(products, folder / "orbits", folder / "dem.tif", folder / "truth.h5")


def _bounds(first: SimulatedPass, bursts: list[Burst], height: float) -> tuple[float, float, float, float]:
    """Return west, south, east and north (degrees) of the bursts of the first pass at a height (m)."""
    places = [
        rdr2geo(
            first.arc(burst),
            burst.time_of(np.array([0, burst.lines - 1])),
            burst.range_of(np.array([0, burst.samples - 1])),
            level(height),
        )
        for burst in bursts
    ]
    latitude, longitude = (np.concatenate([place[k].ravel() for place in places]) for k in (0, 1))
    return float(longitude.min()), float(latitude.min()), float(longitude.max()), float(latitude.max())


def _simulate_burst(stack: Stack, bursts: list[Burst], index: int) -> None:
    """Write one burst of all passes, and its truth."""
    scenario, ground, passes = stack.scenario, stack.ground, stack.passes
    below = _ground_of(passes[0], bursts[0], ground, scenario.spacing)
    amplitude = ground.amplitude(below.latitude, below.longitude)
    fixed = {"latitude": below.latitude, "longitude": below.longitude, "height": below.height, "amplitude": amplitude}
    write_ground(stack.truth, bursts[0].key, below.grid, fixed)
    bright = below.grid.fill(amplitude).astype(np.float32)
    points = _points(below, stack)
    seed = [scenario.seed, 1, int(bursts[0].swath[-1]), bursts[0].id]
    scatterers = white_noise(below.grid.shape, seed)
    for k, (simulated, burst) in enumerate(zip(passes, bursts, strict=True)):
        if k:
            kept = math.exp(-(simulated.asked.days - passes[k - 1].asked.days) / scenario.decorrelation)
            scatterers *= np.float32(kept)
            scatterers += white_noise(below.grid.shape, [*seed, k]) * np.float32(math.sqrt(1 - kept**2))
        if index in simulated.asked.missing or burst.swath not in simulated.asked.swaths:
            continue
        arc = simulated.arc(burst)
        own = carrier(burst, arc)
        fields, lines, samples = _seen(below, simulated, burst, arc, stack)
        write_pass(stack.truth, bursts[0].key, f"{simulated.epoch:%Y%m%d}", fields)
        path = fields["range_difference"] - fields["motion"] + fields["air"]
        cycles = below.grid.fill(-2 / burst.wavelength * path + _carrier_difference(below, own, lines, samples))
        signal = scatterers * bright
        for line, sample, size in points:
            add_point(signal, below.grid, line, sample, size)
        turn(signal, cycles)
        signal += white_noise(below.grid.shape, [*seed, FIRST_NOISE + k]) * np.float32(math.sqrt(scenario.noise))
        signal = shape_spectrum(signal, burst)
        shift = simulated.asked.ionosphere[0] + index * simulated.asked.ionosphere[1]
        phase = simulated.asked.burst_phases[index % len(simulated.asked.burst_phases)]
        places = _inverse(below, burst, arc, ground, scenario.spacing)
        moved = _moved(below, simulated, burst, arc, stack)
        pixels = sample_signal(signal, below.grid, *places, own, shift, moved) * np.complex64(np.exp(1j * phase))
        stack.writers[k].write(burst, index, _only_valid(pixels, burst))


def _ground_of(first: SimulatedPass, burst: Burst, ground: Ground, steps: tuple[int, int]) -> BurstGround:
    grid = canvas(burst, steps)
    arc = first.arc(burst)
    times, ranges = burst.time_of(grid.coarse_lines), burst.range_of(grid.coarse_samples)
    latitude, longitude, height = rdr2geo(arc, times, ranges, ground.elevation)
    return BurstGround(burst, arc, grid, to_cartesian(latitude, longitude, height), latitude, longitude, height)


def _seen(
    below: BurstGround, simulated: SimulatedPass, burst: Burst, arc: OrbitArc, stack: Stack
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return the truth of a pass on the coarse grid, and the lines and samples at which it sees the ground."""
    times, ranges = locate(arc, below.points)
    lines, samples = burst.line_of(times), burst.sample_of(ranges)
    look = (arc.at(times)[0] - below.points) / ranges[..., None]
    days, uplift = simulated.asked.days, stack.scenario.uplift
    moved = displacement(uplift, stack.ground, days, below.latitude, below.longitude)
    slip = _slip(stack, days, below.latitude, below.longitude)
    moved = (moved[0] + slip[0], moved[1] + slip[1], moved[2]) if slip else moved
    axes = local_axes(below.latitude, below.longitude)
    motion = sum(part * np.einsum("...k,...k", look, axis) for part, axis in zip(moved, axes, strict=True))
    fields = {
        "range_difference": ranges - below.burst.range_of(below.grid.coarse_samples)[None, :],
        "motion": np.asarray(motion),
        "air": stack.airs[stack.passes.index(simulated)].at(below.latitude, below.longitude),
        "line_offset": lines - below.grid.coarse_lines[:, None],
        "sample_offset": samples - below.grid.coarse_samples[None, :],
        "coherence": _coherence(below, simulated, stack),
    }
    return fields, lines, samples


def _slip(stack: Stack, days: int, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return how far places have slid to the east and north, m; None where nothing does."""
    slip = stack.scenario.slip
    return None if slip is None else slid(slip, stack.ground, days, latitude, longitude)


def _moved(
    below: BurstGround, simulated: SimulatedPass, burst: Burst, arc: OrbitArc, stack: Stack
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return by how many lines and samples a pass sees slid ground later and farther, at its pixels."""
    if stack.scenario.slip is None:
        return None
    grid = replace(below.grid, first_line=0, first_sample=0, shape=(burst.lines, burst.samples))
    times, ranges = burst.time_of(grid.coarse_lines), burst.range_of(grid.coarse_samples)
    latitude, longitude, height = rdr2geo(arc, times, ranges, stack.ground.elevation)
    east, north = slid(stack.scenario.slip, stack.ground, simulated.asked.days, latitude, longitude)
    axes = local_axes(latitude, longitude)
    points = to_cartesian(latitude, longitude, height)
    there = locate(arc, points + east[..., None] * axes[0] + north[..., None] * axes[1])
    here = locate(arc, points)
    lines = burst.line_of(there[0]) - burst.line_of(here[0])
    return grid.fill(lines), grid.fill(burst.sample_of(there[1]) - burst.sample_of(here[1]))


def _coherence(below: BurstGround, simulated: SimulatedPass, stack: Stack) -> np.ndarray:
    """Return the coherence with the first pass that time and noise leave."""
    days = simulated.asked.days - stack.passes[0].asked.days
    power = stack.ground.amplitude(below.latitude, below.longitude) ** 2
    noisy = power / (power + stack.scenario.noise) if days else np.ones_like(power)
    return math.exp(-days / stack.scenario.decorrelation) * noisy


def _points(below: BurstGround, stack: Stack) -> list[tuple[float, float, float]]:
    """Return lines, samples and amplitudes of the targets that the first pass sees during a burst."""
    targets = stack.scenario.targets
    if not targets:
        return []
    times, ranges = geo2rdr(below.arc, *stack.ground.places(targets))
    lines, samples = below.burst.line_of(times), below.burst.sample_of(ranges)
    found = zip(lines.tolist(), samples.tolist(), (target.amplitude for target in targets), strict=True)
    return [point for point in found if math.isfinite(point[0])]


def _carrier_difference(below: BurstGround, own: Carrier, lines: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the first pass's carrier less the own one's at the same ground, cycles on the coarse grid.

    The difference alone is smooth enough to be spread from there.
    """
    first = carrier(below.burst, below.arc)
    return first.cycles(below.grid.coarse_lines[:, None], below.grid.coarse_samples[None, :]) - own.cycles(
        lines, samples
    )


def _inverse(
    below: BurstGround, burst: Burst, arc: OrbitArc, ground: Ground, steps: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where, in the first pass's burst, the ground of every pixel of a pass lies, lines and samples."""
    grid = replace(below.grid, first_line=0, first_sample=0, shape=(burst.lines, burst.samples), steps=steps)
    times, ranges = burst.time_of(grid.coarse_lines), burst.range_of(grid.coarse_samples)
    there_times, there_ranges = geo2rdr(below.arc, *rdr2geo(arc, times, ranges, ground.elevation))
    offsets = (
        below.burst.line_of(there_times) - grid.coarse_lines[:, None],
        below.burst.sample_of(there_ranges) - grid.coarse_samples[None, :],
    )
    return (
        grid.fill(offsets[0]) + np.arange(burst.lines)[:, None],
        grid.fill(offsets[1]) + np.arange(burst.samples)[None, :],
    )


def _only_valid(pixels: np.ndarray, burst: Burst) -> np.ndarray:
    """Return pixels that are zero beyond the burst's valid window."""
    window = burst.valid
    result = np.zeros_like(pixels)
    inside = slice(window.first_line, window.last_line + 1), slice(window.first_sample, window.last_sample + 1)
    result[inside] = pixels[inside]
    return result
