"""A plain processing of two bursts into an interferogram, with nothing of the line but geometry and carriers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.geometry.pair_offsets import BurstGrid, pair_offsets
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.orbits.choose_orbit import choose_orbit
from levelworks.insar.orbits.orbit_names import find_orbit_files
from levelworks.insar.safe.measurement import read_burst
from levelworks.insar.simulation.burst_signal import windowed_sines
from levelworks.insar.simulation.signal_kernels import interpolate

STEP = 4


@dataclass(frozen=True)
class Pair:
    """Two bursts, both on the first one's grid, and their flattened interferogram."""

    reference: np.ndarray
    secondary: np.ndarray
    interferogram: np.ndarray
    line: np.ndarray
    sample: np.ndarray
    frequency: np.ndarray


def orbit_of(acquisition, folder=None):
    """Return the orbit of an acquisition, of files in a folder or of its annotations."""
    files = find_orbit_files([folder]) if folder else []
    orbit, _ = choose_orbit(files, acquisition.mission, acquisition.epoch, *acquisition.span, acquisition.state_vectors)
    return orbit


def arc_of(orbit, burst):
    """Return the arc of an orbit over a burst."""
    return orbit.arc(burst.azimuth_time - 1, burst.azimuth_time + burst.duration + 1)


def burst_of(acquisition, key):
    """Return a burst of an acquisition by its key."""
    return next(burst for burst in acquisition.bursts if burst.key == key)


def process(reference, secondary, orbits, elevation, key, add_lines=0.0):
    """Resample the secondary burst by geometry (and some lines more), and form the flattened interferogram."""
    one, two = burst_of(reference, key), burst_of(secondary, key)
    arc_1, arc_2 = arc_of(orbits[0], one), arc_of(orbits[1], two)
    lines = np.arange(0, one.lines + STEP, STEP, dtype=float)
    samples = np.arange(0, one.samples + STEP, STEP, dtype=float)
    ground = BurstGrid(lines, samples, *rdr2geo(arc_1, one.time_of(lines), one.range_of(samples), elevation))
    offsets = pair_offsets(one, two, arc_2, ground)
    every_line, every_sample = np.arange(one.lines), np.arange(one.samples)
    difference = _everywhere(offsets.range_difference, lines, samples, every_line, every_sample)
    line = every_line[:, None] + _everywhere(offsets.line, lines, samples, every_line, every_sample) + add_lines
    sample = every_sample + _everywhere(offsets.sample, lines, samples, every_line, every_sample)
    carrier_2 = carrier(two, arc_2)
    pixels = read_burst(two)
    carrier_2.remove(pixels)
    resampled = np.empty(line.shape, np.complex64)
    interpolate(pixels, line, sample, windowed_sines(12), windowed_sines(32), resampled)
    resampled *= np.exp(2j * np.pi * carrier_2.cycles(line, sample)).astype(np.complex64)
    first = read_burst(one)
    flat = np.exp(-4j * np.pi / one.wavelength * difference)
    frequency = carrier(one, arc_1).frequency(every_line[:, None], every_sample[None, :])
    return Pair(first, resampled, first * np.conj(resampled) * flat, line, sample, frequency)


def multilook(values, lines=20, samples=16):
    """Return sums over cells."""
    rows, columns = values.shape[0] // lines, values.shape[1] // samples
    return values[: rows * lines, : columns * samples].reshape(rows, lines, columns, samples).sum((1, 3))


def _everywhere(values, lines, samples, every_line, every_sample):
    columns = np.stack([np.interp(every_line, lines, column) for column in values.T], axis=1)
    return np.stack([np.interp(every_sample, samples, row) for row in columns])
