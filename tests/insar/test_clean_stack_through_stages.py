"""The acceptance line of specs/insar.md 8 on a clean stack, stage by stage, and what an orbit error leaves of it.

Three passes; the second one's annotated orbit is off by 5 cm, its orbit file is not. With orbit files the stack is
clean; without them the same pixels show the error.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from insar_chain import LOOKS, Line
from insar_truth import WAVELENGTH, at_cells, expected_phase, wrapped
from scipy.interpolate import RegularGridInterpolator

from levelworks.insar.coregistration.burst_pairs import pair_bursts
from levelworks.insar.coregistration.network_files import read_shifts
from levelworks.insar.geocoding.interpolation import geocode_values
from levelworks.insar.geocoding.lookup import read_lookup
from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.network.closure import whole_cycles
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.simulation.scenario import Pass, Scenario, Uplift, cuts
from levelworks.insar.simulation.simulate import simulate
from levelworks.insar.simulation.truth import read_truth
from levelworks.insar.unwrapping.unwrapped_files import read_unwrapped

FIRST, SECOND, THIRD = DATES = "20250406", "20250418", "20250430"
PAIRS = (FIRST, SECOND), (FIRST, THIRD), (SECOND, THIRD)
UP, ALONG = 0.03, 0.04
"""m, of the orbit error: 5 cm."""
LINE = 0.0020555563
"""s."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Simulate three passes with hills, uplift and air."""
    passes = (
        Pass(0),
        Pass(12, "20250418", orbit_error=(UP, ALONG, 0.0)),
        Pass(24, baseline=-40.0),
    )
    scenario = Scenario(passes, cuts("ci"), uplift=Uplift(rate=1.0), seed=2030)
    return simulate(scenario, tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def clean(stack, tmp_path_factory):
    """Take the stack through all stages to closure."""
    line = Line(stack, tmp_path_factory.mktemp("clean"))
    line.begin()
    line.refine(diversity={"least-cells": 150})
    for date in DATES:
        line.coregister(date, line.network)
    line.locate()
    for pair in PAIRS:
        line.form(*pair)
        line.finish(*pair)
    unwrapped = [line.path("unwrapped", "_".join(pair), ".h5") for pair in PAIRS]
    line.run("check-closure", "", unwrapped=unwrapped, folder=line.folder / "closure")
    return line


def test_nothing_is_flagged(clean):
    for (stage, unit), said in clean.said.items():
        if stage == "correlate-amplitudes":
            continue  # at this width no patch of the third date lies whole inside both images
        assert said.status == "done", (stage, unit)
        assert said.quality.get("state", "done") == "done", (stage, unit)
        assert said.warnings in ((), ("no mask of land: all is land",)), (stage, unit)


def test_gentle_ground_is_computed_at_few_places(clean):
    quality = clean.said["reference-geometry", ""].quality
    assert quality["least_steps"] == [8, 32]
    assert quality["height_bend_m"] < 1.0


@pytest.mark.parametrize("date", [SECOND, THIRD])
def test_geometry_is_the_truth_to_a_thousandth_of_a_pixel(clean, date):
    reference = read_acquisition_file(clean.reference)
    own = read_acquisition_file(clean.path("acquisition", date, ".json"))
    for key, pair in pair_bursts(reference, own, clean.geometry, [burst.key for burst in reference.bursts]).items():
        truth, found = read_truth(clean.simulated.truth, key, date), pair.offsets
        axes = [step * np.arange(count) for step, count in zip(found.steps, found.line.shape, strict=True)]
        inside = [
            (at >= 0) & (at <= axis[-1]) for at, axis in zip((truth["lines"], truth["samples"]), axes, strict=True)
        ]
        places = np.stack(np.meshgrid(truth["lines"][inside[0]], truth["samples"][inside[1]], indexing="ij"), -1)
        for name, expected in (("line", "line_offset"), ("sample", "sample_offset")):
            off = RegularGridInterpolator(axes, getattr(found, name))(places) - truth[expected][np.ix_(*inside)]
            assert np.abs(off).max() < 1e-3
        off = RegularGridInterpolator(axes, found.range_difference)(places)
        off -= truth["range_difference"][np.ix_(*inside)]
        # In phase: a hundredth of what the noise of a cell is.
        assert 4 * np.pi / WAVELENGTH * np.sqrt(np.mean(off**2)) < 5e-3


def test_shifts_are_less_than_two_ten_thousandths_of_a_line(clean):
    shifts = read_shifts(clean.network)
    for date in (SECOND, THIRD):
        assert abs(shifts[date].line) < 2e-4
        assert abs(shifts[date].line) < 4 * shifts[date].sigma
        assert shifts[date].sigma < 1e-4
    assert clean.said["solve-network", ""].quality["largest_residual_lines"] < 2e-4


@pytest.mark.parametrize("pair", PAIRS)
def test_phase_is_as_exact_as_its_noise_allows(clean, pair):
    """Below 1.1 of the bound of Cramer and Rao, and no step between bursts."""
    found, mosaic = clean.interferogram(*pair), read_mosaic(clean.geometry)
    expected = expected_phase(clean.simulated.truth, mosaic, *pair)
    whole = (found.count == LOOKS.range * LOOKS.azimuth) & np.isfinite(expected)
    left = wrapped(np.angle(found.interferogram[whole]) - expected[whole])
    bound = math.sqrt(np.mean(found.phase_sigma[whole].astype(float) ** 2))
    assert math.sqrt(np.mean(left**2)) < 1.1 * bound
    assert np.std(expected[whole]) > 3 * bound
    quality = clean.said["form-interferogram", "_".join(pair)].quality
    assert quality["seam_step_rad"] < 0.05
    assert quality["seam_sigma_rad"] < 0.02


@pytest.mark.parametrize("pair", PAIRS)
def test_unwrapped_phase_has_the_right_cycles(clean, pair):
    """Fewer than a thousandth of the cells off by a cycle, on the geographic grid; layers of a pair agree on data."""
    lookup = read_lookup(clean.lookup)
    truth = expected_phase(clean.simulated.truth, read_mosaic(clean.geometry), *pair).astype(np.float32)
    unwrapped = read_unwrapped(clean.path("unwrapped", "_".join(pair), ".h5"))
    off = unwrapped.phase - geocode_values(truth, lookup)
    there = np.isfinite(off)
    assert there.sum() > 5000
    assert (unwrapped.components[there] == 1).mean() > 0.999
    off -= np.median(off[there])
    assert np.mean(np.abs(off[there]) > np.pi) < 1e-3


def test_closure_is_whole(clean):
    quality = clean.said["check-closure", ""].quality
    assert (quality["triplets"], quality["failing_triplets_before"], quality["good_pairs"]) == (1, 0, 3)
    phases = [read_unwrapped(clean.path("unwrapped", "_".join(pair), ".h5")).phase.astype(float) for pair in PAIRS]
    closure = phases[0] + phases[2] - phases[1]
    closure -= np.nanmedian(closure)
    assert np.isfinite(closure).sum() > 5000
    assert not whole_cycles(closure).any()


@pytest.fixture(scope="module")
def off(stack, tmp_path_factory):
    """Take the first pair through the stages without orbit files, as geometry has it and as refinement leaves it."""
    line = Line(stack, tmp_path_factory.mktemp("off"), orbits=False)
    line.begin()
    line.refine((FIRST, SECOND), diversity={"least-cells": 150})
    line.coregister(FIRST)
    line.coregister(SECOND)
    line.form(FIRST, SECOND)
    line.steps = line.said["form-interferogram", f"{FIRST}_{SECOND}"].quality["seams"]
    refined = Line(stack, line.folder / "refined", orbits=False)
    refined.begin()
    refined.parse(SECOND)
    refined.coregister(FIRST)
    refined.coregister(SECOND, line.network)
    refined.form(FIRST, SECOND)
    line.refined = refined
    return line


def test_an_orbit_without_a_file_is_said(off):
    for date in (FIRST, SECOND):
        said = off.said["parse-safe", date]
        assert said.quality["orbit_kind"] == "annotated"
        assert any("no orbit file covers it" in warning for warning in said.warnings)


def test_refinement_takes_the_error_along_the_track_off(off, clean):
    """4 cm along the track are their share of a line's length on the orbit; overlaps see it, amplitudes don't."""
    burst = read_acquisition_file(off.reference).bursts[0]
    speed = np.linalg.norm(read_acquisition_file(off.reference).orbit.at(burst.azimuth_time)[1])
    lines = ALONG / (speed * LINE)
    assert 2e-3 < lines < 3e-3
    shift = read_shifts(off.network)[SECOND]
    assert shift.line - read_shifts(clean.network)[SECOND].line == pytest.approx(lines, abs=3e-5)
    assert shift.line == pytest.approx(lines, abs=max(2e-4, 4 * shift.sigma))
    # 2 pi 4779 Hz 0.0026 dt in IW1, 4100 Hz in IW2: what geometry alone leaves between bursts.
    along = {key: step for key, step in off.steps.items() if key[:3] == key.split("-")[1][:3]}
    assert sorted(abs(step) for step in along.values()) == pytest.approx(
        [2 * np.pi * lines / 0.1185, 2 * np.pi * lines / 0.1041], abs=0.03
    )
    left = off.refined.said["form-interferogram", f"{FIRST}_{SECOND}"].quality
    assert left["seam_step_rad"] < 0.05
    assert left["state"] == "done"


def test_the_error_across_the_track_is_left(off, clean):
    """The share of the error along the look is left in every cell, and no more; nothing measured could tell it.

    The share's change from near to far is the ramp; over the widths here it is a few thousandths of a radian.
    """
    mosaic = read_mosaic(clean.geometry)
    right, wrong = clean.interferogram(FIRST, SECOND), off.refined.interferogram(FIRST, SECOND)
    whole = (right.count == LOOKS.range * LOOKS.azimuth) & (wrong.count == right.count)
    found = np.angle(wrong.interferogram * np.conj(right.interferogram))
    own, other = (read_acquisition_file(line.path("acquisition", SECOND, ".json")) for line in (clean, off))
    expected = np.full(mosaic.shape, np.nan)
    for place in mosaic.placements:
        burst = next(burst for burst in own.bursts if burst.key == place.key)
        truth = read_truth(clean.simulated.truth, place.key)
        lines = truth["lines"] + read_truth(clean.simulated.truth, place.key, SECOND)["line_offset"].mean()
        satellite, annotated = (orbit.at(burst.time_of(lines))[0] for orbit in (own.orbit, other.orbit))
        error = annotated - satellite
        assert np.linalg.norm(error, axis=1) == pytest.approx(math.hypot(UP, ALONG), abs=1e-4)
        ground = to_cartesian(truth["latitude"], truth["longitude"], truth["height"])
        look = satellite[:, None] - ground
        look /= np.linalg.norm(look, axis=-1, keepdims=True)
        phase = -4 * np.pi / WAVELENGTH * np.einsum("lk,lsk->ls", error, look)
        expected[place.cells(mosaic.looks)] = at_cells(mosaic, place, truth, phase)
    left = wrapped(found - expected)[whole]
    assert np.median(np.abs(expected[whole])) > 5
    assert abs(np.median(left)) < 1e-4
    # The ramp from near to far is 2e-3 rad over the widths here, and is seen.
    assert np.std(left) < np.std(expected[whole]) / 4 < 1e-3
