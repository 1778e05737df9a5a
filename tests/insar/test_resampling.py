"""Resampling: within one per cent on band-limited fields, true to the carrier, the same however lines are cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from insar_pair import arc_of, burst_of, orbit_of, process

from levelworks.core.outcome import InvalidInput
from levelworks.insar.geometry.carrier import Carrier, carrier
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.geometry.pair_offsets import BurstGrid, PairOffsets, grid_axis, pair_offsets
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.resampling.resample import resample_burst
from levelworks.insar.resampling.taps import interpolation_taps
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.annotation import SpectralWindow
from levelworks.insar.safe.burst import ValidWindow
from levelworks.insar.safe.measurement import read_burst
from levelworks.insar.simulation.burst_signal import shape_spectrum, white_noise

RANGE_RATE, LINE_RATE = 64345238.12571428, 486.4863102995529
BANDS = {"IW1": 56.5e6, "IW2": 48.3e6, "IW3": 42789918.40322842}
SHAPE = (256, 512)


@pytest.fixture(scope="module")
def pair(simulated_pair):
    dates = sorted(simulated_pair.products)
    return [read_acquisition(simulated_pair.products[date], swaths=("IW1", "IW2")) for date in dates]


def offsets_of(lines, samples, shape=SHAPE, steps=(8, 32)):
    grid = grid_axis(shape[0], steps[0]).size, grid_axis(shape[1], steps[1]).size
    return PairOffsets(np.full(grid, lines), np.full(grid, samples), np.zeros(grid), steps)


def no_carrier(samples):
    return Carrier(np.zeros((3, samples)), 0.0, 1 / LINE_RATE, 0.0)


@pytest.mark.parametrize("swath", BANDS)
def test_weights_of_the_swaths(swath):
    taps = interpolation_taps(SpectralWindow(BANDS[swath], "Hamming", 0.75), RANGE_RATE)
    assert taps.shape == (2049, 16 if swath == "IW1" else 8)
    whole = taps.shape[1] // 2 - 1
    np.testing.assert_allclose(taps[0], np.eye(taps.shape[1])[whole], atol=1e-4)
    np.testing.assert_allclose(taps[-1], np.eye(taps.shape[1])[whole + 1], atol=1e-4)
    np.testing.assert_allclose(taps, taps[::-1, ::-1], atol=1e-4)
    assert interpolation_taps(SpectralWindow(327.0, "Hamming", 0.7), LINE_RATE).shape == (2049, 8)


def test_a_band_as_wide_as_the_rate():
    with pytest.raises(InvalidInput, match="can't be interpolated"):
        interpolation_taps(SpectralWindow(RANGE_RATE, "Hamming", 1.0), RANGE_RATE)


@pytest.mark.parametrize("swath", BANDS)
@pytest.mark.parametrize("shift", [(0.5, 0.5), (3.25, -7.4), (0.0, 0.0), (-0.9, 0.1)])
def test_band_limited_fields(pair, swath, shift):
    """specs/insar.md 4.8: rms error below 1 %, phases below 0.01 rad."""
    burst = burst_of(pair[0], "iw1_230135")
    window = replace(burst.range_window, bandwidth=BANDS[swath])
    burst = replace(burst, range_window=window, valid=ValidWindow(0, SHAPE[0] - 1, 0, SHAPE[1] - 1))
    field = shape_spectrum(white_noise(SHAPE, [9]), burst)
    rows, columns = np.fft.fftfreq(SHAPE[0])[:, None], np.fft.fftfreq(SHAPE[1])
    turned = np.fft.fft2(field) * np.exp(2j * np.pi * (rows * shift[0] + columns * shift[1]))
    expected = np.fft.ifft2(turned)
    found = resample_burst(field, burst, no_carrier(SHAPE[1]), offsets_of(*shift), SHAPE[1], (0, SHAPE[0]))
    inside = found != 0
    assert inside.mean() > 0.9
    error = np.abs(found - expected)[inside]
    assert np.sqrt((error**2).mean() / (np.abs(expected) ** 2).mean()) < 0.01
    phase = np.angle(found * np.conj(expected))[inside]
    weight = np.abs(expected)[inside] ** 2
    assert np.sqrt((phase**2 * weight).sum() / weight.sum()) < 0.01


def real_offsets(simulated, pair, key, steps):
    one, two = (burst_of(acquisition, key) for acquisition in pair)
    arcs = [arc_of(orbit_of(pair[k], simulated.orbits), burst) for k, burst in enumerate((one, two))]
    lines, samples = grid_axis(one.lines, steps[0]), grid_axis(one.samples, steps[1])
    place = rdr2geo(arcs[0], one.time_of(lines), one.range_of(samples), read_elevation(simulated.elevation))
    return one, two, arcs, pair_offsets(one, two, arcs[1], BurstGrid(lines, samples, *place))


@pytest.mark.parametrize("key", ["iw1_230136", "iw2_230135"])
def test_a_real_geometry(simulated_pair, pair, key):
    """Beside an interpolation by 12 x 32 pixels with the carrier in double precision, on offsets of 4 x 4 pixels."""
    one, two, arcs, offsets = real_offsets(simulated_pair, pair, key, (8, 32))
    own = carrier(two, arcs[1])
    pixels = read_burst(two)
    own.remove(pixels)
    found = resample_burst(pixels, two, own, offsets, one.samples, (0, one.lines))
    orbits = [orbit_of(acquisition, simulated_pair.orbits) for acquisition in pair]
    careful = process(*pair, orbits, read_elevation(simulated_pair.elevation), key).secondary
    valid = (found != 0) & (careful != 0)
    assert valid.mean() > 0.7
    error = np.abs(found - careful)[valid]
    assert np.sqrt((error**2).mean() / (np.abs(careful[valid]) ** 2).mean()) < 0.01
    assert abs(np.angle((found[valid] * np.conj(careful[valid])).sum())) < 2e-4
    added = resample_burst(pixels, two, own, offsets, one.samples, (0, one.lines), added=(0.3, 0.0))
    assert abs((added * np.conj(careful)).sum()) < 0.3 * abs((found * np.conj(careful)).sum())


def test_lines_may_be_cut_anywhere(simulated_pair, pair):
    one, two, arcs, offsets = real_offsets(simulated_pair, pair, "iw1_230135", (8, 32))
    own, pixels = carrier(two, arcs[1]), read_burst(two)
    whole = resample_burst(pixels, two, own, offsets, one.samples, (0, one.lines))
    cuts = [0, 1, 77, 600, 1001, one.lines]
    parts = [resample_burst(pixels, two, own, offsets, one.samples, part) for part in pairwise(cuts)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_nothing_beyond_the_valid_window(pair):
    burst = replace(burst_of(pair[0], "iw2_230135"), valid=ValidWindow(20, 199, 50, 399))
    ones = np.ones(SHAPE, np.complex64)
    offsets = offsets_of(0.0, 0.0)
    found = resample_burst(ones, burst, no_carrier(SHAPE[1]), offsets, SHAPE[1], (0, SHAPE[0]))
    rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max()) == (23, 195)
    assert (columns.min(), columns.max()) == (53, 395)
    offsets.line[:, 5:] = np.nan
    found = resample_burst(ones, burst, no_carrier(SHAPE[1]), offsets, SHAPE[1], (0, SHAPE[0]))
    assert not found[:, 4 * 32 + 1 :].any()
    assert found[100, 100] != 0
