"""Interferograms over looks: what plain arithmetic gives, however parts are cut, and the coherence that was put in."""

from __future__ import annotations

import numpy as np
import pytest
from insar_pair import arc_of, burst_of, multilook, orbit_of

from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.geometry.pair_offsets import BurstGrid, PairOffsets, grid_axis, pair_offsets
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.interferograms.look_sums import look_sums
from levelworks.insar.resampling.resample import resample_burst
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.measurement import read_burst
from levelworks.insar.simulation.burst_signal import white_noise
from levelworks.insar.simulation.truth import read_truth

WAVELENGTH = 0.05546576
SHAPE, STEPS, LOOKS = (83, 203), (8, 32), (4, 20)


def ramp(lines, samples):
    """Return a range difference (m) that is bilinear: many wavelengths, tens of cycles over the part."""
    return 80.0 + 0.003 * lines - 0.02 * samples + 1e-6 * lines * samples


@pytest.fixture(scope="module")
def fields():
    lines, samples = grid_axis(SHAPE[0], STEPS[0])[:, None], grid_axis(SHAPE[1], STEPS[1])[None, :]
    offsets = PairOffsets(np.zeros(1), np.zeros(1), ramp(lines, samples), STEPS)
    one, two = white_noise(SHAPE, [1]), white_noise(SHAPE, [2])
    two[30:50, 40:90] = 0
    return one, two, offsets


def test_plain_arithmetic(fields):
    one, two, offsets = fields
    found = look_sums(one, two, offsets, WAVELENGTH, LOOKS)
    every = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(float)
    flat = one * np.conj(two) * np.exp(-4j * np.pi / WAVELENGTH * ramp(*every))
    there = (one != 0) & (two != 0)

    def cells(values):
        return values[:80, :200].reshape(20, 4, 10, 20).sum((1, 3))

    np.testing.assert_allclose(found.interferogram, cells(flat), atol=2e-5)
    np.testing.assert_allclose(found.reference, cells(np.abs(one) ** 2 * there), rtol=2e-6)
    np.testing.assert_allclose(found.secondary, cells(np.abs(two) ** 2 * there), rtol=2e-6, atol=1e-9)
    assert np.array_equal(found.count, cells(there.astype(int)))
    assert found.interferogram.shape == (20, 10)


def test_parts_are_those_of_the_whole(fields):
    one, two, offsets = fields
    whole = look_sums(one, two, offsets, WAVELENGTH, LOOKS)
    part = look_sums(one[12:60, 40:180], two[12:60, 40:180], offsets, WAVELENGTH, LOOKS, (12, 40))
    inside = slice(3, 15), slice(2, 9)
    for name in ("interferogram", "reference", "secondary", "count"):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[inside])


def test_an_image_with_itself(fields):
    one = fields[0]
    level = PairOffsets(np.zeros(1), np.zeros(1), np.zeros((12, 8)), STEPS)
    found = look_sums(one, one, level, WAVELENGTH, LOOKS)
    np.testing.assert_allclose(found.coherence, 1.0, atol=1e-6)
    assert np.abs(np.angle(found.interferogram)).max() < 1e-6
    nothing = look_sums(one, np.zeros_like(one), level, WAVELENGTH, LOOKS)
    assert np.isnan(nothing.coherence).all()
    assert not nothing.count.any()


@pytest.mark.parametrize("key", ["iw1_230135", "iw2_230136"])
def test_from_products_to_cells(simulated_pair, key):
    """The chain of the line on the pair: geometry, resampling, sums; what is left is noise about what was put in."""
    dates = sorted(simulated_pair.products)
    acquisitions = [read_acquisition(simulated_pair.products[date], swaths=("IW1", "IW2")) for date in dates]
    one, two = (burst_of(acquisition, key) for acquisition in acquisitions)
    arcs = [arc_of(orbit_of(acquisitions[k], simulated_pair.orbits), burst) for k, burst in enumerate((one, two))]
    lines, samples = grid_axis(one.lines, 8), grid_axis(one.samples, 32)
    elevation = read_elevation(simulated_pair.elevation)
    ground = BurstGrid(lines, samples, *rdr2geo(arcs[0], one.time_of(lines), one.range_of(samples), elevation))
    offsets = pair_offsets(one, two, arcs[1], ground)
    pixels, own = read_burst(two), carrier(two, arcs[1])
    own.remove(pixels)
    secondary = resample_burst(pixels, two, own, offsets, one.samples, (0, one.lines))
    found = look_sums(read_burst(one), secondary, offsets, WAVELENGTH, LOOKS)
    first, second = (read_truth(simulated_pair.truth, key, date) for date in dates)
    path = (second["air"] - second["motion"]) - (first["air"] - first["motion"])
    path = np.stack([np.interp(np.arange(one.lines), first["lines"], column) for column in path.T], axis=1)
    path = np.stack([np.interp(np.arange(one.samples), first["samples"], row) for row in path])
    # The air is rough inside a cell: what is taken off is the mean phasor, not the phase at the centre.
    left = found.interferogram * np.conj(multilook(np.exp(4j * np.pi / WAVELENGTH * path), *LOOKS))
    whole = found.count == 80
    assert whole.mean() > 0.6
    assert abs(np.angle(left[whole].sum())) < 0.005
    coherence = np.median(found.coherence[whole])
    bands = (
        one.azimuth_window.bandwidth * one.azimuth_time_interval * one.range_window.bandwidth / one.range_sampling_rate
    )
    looks = 80 * bands * 0.85  # the windows' share
    assert np.angle(left[whole]).std() < 1.15 * np.sqrt((1 - coherence**2) / (2 * looks * coherence**2))
    assert 0.90 < coherence < 0.95
