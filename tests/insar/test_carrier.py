"""Carriers, baselines and offsets: the numbers of the real pair, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from insar_pair import arc_of, burst_of, orbit_of

from levelworks.core.outcome import InvalidInput
from levelworks.insar.geometry.baseline import baseline
from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.geometry.elevation import level
from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.geometry.pair_offsets import BurstGrid, grid_axis, pair_offsets
from levelworks.insar.geometry.phasor_kernels import turn
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.safe.acquisition import read_acquisition


@pytest.fixture(scope="module")
def pair(real_pair):
    return [read_acquisition([path], swaths=("IW1", "IW2"), pixels=False) for path in real_pair]


def ground_of(acquisition, key):
    burst = burst_of(acquisition, key)
    arc = arc_of(orbit_of(acquisition), burst)
    lines, samples = np.arange(0.0, burst.lines, 100.0), np.arange(0.0, burst.samples, 500.0)
    place = rdr2geo(arc, burst.time_of(lines), burst.range_of(samples), level(0.0))
    return burst, arc, BurstGrid(lines, samples, *place)


@pytest.mark.parametrize(
    ("key", "speed", "steering", "rate_of_targets", "rate", "span"),
    [
        ("iw1_230132", 7589.94, 7596.59, -2242.85, 1731.60, 5343),
        ("iw2_230132", 7589.92, 4680.42, -2107.94, 1453.38, 4517),
    ],
)
def test_carriers_of_the_pair(pair, key, speed, steering, rate_of_targets, rate, span):
    """specs/insar.md 4.7."""
    burst = burst_of(pair[0], key)
    arc = arc_of(orbit_of(pair[0]), burst)
    found, middle = carrier(burst, arc), burst.samples // 2
    assert np.linalg.norm(arc.at(burst.middle_time)[1]) == pytest.approx(speed, abs=0.05)
    assert found.steering == pytest.approx(steering, abs=0.05)
    assert burst.fm_rate.at(burst.range_time_of(middle)) == pytest.approx(rate_of_targets, abs=0.05)
    assert found.rate[middle] == pytest.approx(rate, abs=0.05)
    ends = found.frequency(np.array([0.0, burst.lines - 1.0]), np.array([middle, middle]))
    assert ends[1] - ends[0] == pytest.approx(span, abs=2)


@pytest.mark.parametrize(("swath", "difference", "lines"), [("iw1", 4779, 0.102), ("iw2", 4012, 0.121)])
def test_doppler_differences_in_overlaps(pair, swath, difference, lines):
    """specs/insar.md 4.9: at mid-swath, and the ambiguity of misregistration that it leaves."""
    one, two = (burst_of(pair[0], f"{swath}_{number}") for number in (230132, 230133))
    carriers = [carrier(burst, arc_of(orbit_of(pair[0]), burst)) for burst in (one, two)]
    time, middle = np.array([two.azimuth_time + 0.15]), np.array([one.samples // 2])
    frequencies = [
        found.frequency(burst.line_of(time), middle)[0] for found, burst in zip(carriers, (one, two), strict=True)
    ]
    assert frequencies[0] - frequencies[1] == pytest.approx(difference, rel=0.003)
    assert 1 / (difference * one.azimuth_time_interval) == pytest.approx(lines, abs=5e-4)


def test_frequencies_are_the_slope_of_phases(pair):
    burst = burst_of(pair[0], "iw2_230135")
    found = carrier(burst, arc_of(orbit_of(pair[0]), burst))
    lines, samples = np.linspace(0, 1500, 30)[:, None], np.linspace(0.3, burst.samples - 2.0, 20)[None, :]
    step = 0.01
    slope = (found.cycles(lines + step, samples) - found.cycles(lines - step, samples)) / (2 * step * found.interval)
    np.testing.assert_allclose(slope, found.frequency(lines, samples), atol=1e-5)


def test_what_is_taken_off_is_put_on(pair):
    burst = burst_of(pair[0], "iw1_230135")
    found = carrier(burst, arc_of(orbit_of(pair[0]), burst))
    random = np.random.default_rng(4)
    pixels = random.normal(size=(40, 2 * burst.samples)).astype(np.float32).view(np.complex64)
    turned = pixels.copy()
    found.remove(turned, first_line=700)
    cycles = found.cycles(700 + np.arange(40)[:, None], np.arange(burst.samples)[None, :])
    expected = pixels * np.exp(-2j * np.pi * cycles)
    assert (np.abs(turned - expected) / np.abs(pixels)).max() < 2e-6
    found.restore(turned, first_line=700)
    assert (np.abs(turned - pixels) / np.abs(pixels)).max() < 3e-6


def test_phasors_of_any_phase():
    cycles = np.concatenate([np.linspace(-2, 2, 4001), np.random.default_rng(5).uniform(-1e6, 1e6, 4000)])[None]
    pixels = np.ones(cycles.shape, np.complex64)
    turn(pixels, cycles)
    assert np.abs(pixels - np.exp(2j * np.pi * (cycles - np.round(cycles)))).max() < 1e-6


def test_offsets_and_baselines_of_the_pair(pair):
    """specs/insar.md 4.6: what two real passes twelve days apart are to each other."""
    limits = {
        "iw1": ((-38.7, -33.2), (124.5, 133.3), (77.4, 90.2)),
        "iw2": ((-42.7, -38.0), (117, 126.1), (88.5, 99.5)),
    }
    heights = {"iw1": (83.5, 113.5), "iw2": (109, 144)}
    lines = {}
    for key in (burst.key for burst in pair[0].bursts):
        burst, arc, ground = ground_of(pair[0], key)
        other = burst_of(pair[1], key)
        other_arc = arc_of(orbit_of(pair[1]), other)
        offsets = pair_offsets(burst, other, other_arc, ground)
        points = to_cartesian(ground.latitude, ground.longitude, ground.height)
        found = baseline(arc, other_arc, points, burst.wavelength)
        samples, perpendicular, parallel = limits[key[:3]]
        for values, (low, high) in (
            (offsets.sample, samples),
            (found.perpendicular, perpendicular),
            (found.parallel, parallel),
            (found.height_of_ambiguity, heights[key[:3]]),
        ):
            assert low < values.min()
            assert values.max() < high
        lines[key] = offsets.line
        np.testing.assert_allclose(offsets.range_difference, found.range_difference, atol=1e-6)
        np.testing.assert_allclose(found.range_difference, -found.parallel, atol=0.02)  # B^2 / 2R
    assert lines["iw1_230132"].min() > 5.26
    assert lines["iw1_230132"].max() < 5.30
    # Bursts begin on whole lines of their own pass: from burst to burst offsets differ by whole lines and a drift.
    for values in lines.values():
        assert np.ptp(values) < 0.05
        assert abs((values.mean() - lines["iw1_230132"].mean() + 0.5) % 1 - 0.5) < 0.12


def test_axes_of_grids_reach_the_last_pixel():
    assert grid_axis(1502, 8).tolist() == list(range(0, 1505, 8))
    assert grid_axis(1501, 100)[-1] == 1500
    assert grid_axis(1, 8).tolist() == [0, 8]


def test_offsets_to_itself_are_none(pair):
    burst, arc, ground = ground_of(pair[0], "iw1_230136")
    offsets = pair_offsets(burst, burst, arc, ground)
    assert np.abs(offsets.line).max() < 1e-6
    assert np.abs(offsets.sample).max() < 1e-7
    with pytest.raises(InvalidInput, match="are not of the same ground"):
        pair_offsets(burst, burst_of(pair[1], "iw1_230137"), arc, ground)


def test_the_phase_of_height(pair):
    """A height of ambiguity above the ground turns the interferogram by one cycle."""
    burst, arc, ground = ground_of(pair[0], "iw1_230136")
    other_arc = arc_of(orbit_of(pair[1]), burst_of(pair[1], "iw1_230136"))
    points = to_cartesian(ground.latitude, ground.longitude, ground.height)
    flat = baseline(arc, other_arc, points, burst.wavelength)
    i, j = 7, 20
    high = rdr2geo(arc, burst.time_of(ground.lines[[i]]), burst.range_of(ground.samples[[j]]), level(50.0))
    raised = baseline(arc, other_arc, to_cartesian(*high), burst.wavelength)
    cycles = 2 / burst.wavelength * (raised.range_difference[0, 0] - flat.range_difference[i, j])
    # The higher place is nearer to the satellite that flies at the positive baseline's end.
    assert cycles == pytest.approx(-50.0 / flat.height_of_ambiguity[i, j], rel=0.01)
