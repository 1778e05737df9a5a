"""Low coherence, and an ionosphere that bursts see differently, through the stages (specs/insar.md 8): all is said."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from insar_chain import LOOKS, Line
from insar_truth import expected_phase, wrapped

from levelworks.insar.coregistration.network_files import read_shifts
from levelworks.insar.coregistration.refinement_files import read_offset, read_shift
from levelworks.insar.geocoding.interpolation import geocode_values
from levelworks.insar.geocoding.lookup import read_lookup
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.simulation.scenario import Pass, Scenario, Uplift, cuts
from levelworks.insar.simulation.simulate import simulate
from levelworks.insar.unwrapping.unwrapped_files import read_unwrapped

FIRST, LOW, NOISE = "20250406", "20250418", "20250605"
PAIR, EMPTY = f"{FIRST}_{LOW}", f"{FIRST}_{NOISE}"
COHERENCE = 0.3
WHOLE = LOOKS.range * LOOKS.azimuth


@pytest.fixture(scope="module")
def low(tmp_path_factory):
    """Take a pair of coherence 0.3, and one of 0.3^5, through the stages."""
    passes = Pass(0), Pass(12, "20250418"), Pass(60, baseline=30.0)
    scenario = Scenario(
        passes,
        cuts("ci"),
        uplift=Uplift(rate=1.0),
        decorrelation=12 / math.log(1 / COHERENCE),
        noise=0.0,
        seed=41,
    )
    line = Line(simulate(scenario, tmp_path_factory.mktemp("low")), tmp_path_factory.mktemp("line"))
    line.begin()
    line.refine(diversity={"least-cells": 150})
    for date in (FIRST, LOW, NOISE):
        line.coregister(date, line.network)
    line.locate()
    for date in (LOW, NOISE):
        line.form(FIRST, date)
        line.finish(FIRST, date)
    return line


def test_coherence_is_right_without_its_bias(low):
    """Few looks show more than there is; the baseline of 125 m costs a hundredth of it."""
    found = low.interferogram(FIRST, LOW)
    whole = found.count == WHOLE
    assert np.mean(found.coherence_debiased[whole]) == pytest.approx(COHERENCE, abs=0.015)
    nothing = low.interferogram(FIRST, NOISE)
    whole = nothing.count == WHOLE
    shown = np.mean(nothing.coherence[whole])
    # The mean of the estimate where there is nothing to estimate, of 9 cells of so many looks.
    assert shown == pytest.approx(math.sqrt(math.pi / (4 * 9 * nothing.equivalent_looks)), rel=0.15)
    assert np.mean(nothing.coherence_debiased[whole]) < 0.7 * shown
    assert np.median(nothing.phase_sigma[whole]) > 1.5


def test_no_shift_is_invented(low):
    """Neither overlaps nor amplitudes know a shift of a fraction of a line here; geometry, which is right, stays."""
    for date, pair in ((LOW, PAIR), (NOISE, EMPTY)):
        shift = read_shift(low.path("shift", pair, ".json"))
        assert (shift.line, shift.sigma) == (0.0, math.inf)
        assert "have a coherence of 0.5 or more; 150 are needed" in shift.degraded
        said = low.said["estimate-diversity", pair]
        assert said.quality["state"] == "degraded"
        assert said.warnings == (shift.degraded,)
        solved = read_shifts(low.network)[date]
        assert (solved.line, solved.sample, solved.state) == (0.0, 0.0, "degraded")
        assert said.status == "done"
    seen, solved = read_offset(low.path("offset", LOW, ".json")), read_shifts(low.network)[LOW]
    # Amplitudes still correlate, some hundredths of a line about the truth, and say how badly.
    assert seen.degraded == ""
    assert 0.005 < seen.line_sigma < 0.1
    assert abs(seen.line) < 3 * seen.line_sigma
    assert solved.sigma == pytest.approx(seen.line_sigma)
    assert "within their noise" in solved.reason
    assert read_shifts(low.network)[NOISE].sigma is None


def test_doubts_are_passed_on_to_pairs(low):
    for pair, reason in ((PAIR, "only amplitudes tie it"), (EMPTY, "no pair ties it")):
        said = low.said["form-interferogram", pair]
        assert said.quality["state"] == "degraded"
        assert any(f"the shift of {pair[-8:]} is not sure: {reason}" in warning for warning in said.warnings)


def test_seams_are_measured_where_they_can_be(low):
    """All cells of an overlap together know its step to some hundredths of a radian at a coherence of 0.3."""
    quality = low.said["form-interferogram", PAIR].quality
    assert len(quality["seams"]) >= 2
    assert quality["seam_sigma_rad"] < 0.1
    assert quality["seam_step_rad"] < 3.5 * quality["seam_sigma_rad"]
    said = low.said["form-interferogram", EMPTY]
    assert said.quality["seams"] == {}
    assert said.quality["seam_step_rad"] is None
    assert said.quality["seams_unmeasured"] >= 2
    assert any("no phase step between bursts could be measured" in warning for warning in said.warnings)


def test_phase_of_low_coherence_is_as_noisy_as_it_says(low):
    found = low.interferogram(FIRST, LOW)
    expected = expected_phase(low.simulated.truth, read_mosaic(low.geometry), FIRST, LOW)
    whole = (found.count == WHOLE) & np.isfinite(expected)
    left = wrapped(np.angle(found.interferogram[whole]) - expected[whole])
    assert abs(np.angle(np.exp(1j * left).sum())) < 0.02
    sigma = found.phase_sigma[whole].astype(float)
    # The bound is one of small noise: at half a radian phases scatter by up to a quarter more.
    assert 0.9 < np.sqrt(np.mean(left**2) / np.mean(sigma**2)) < 1.25


def test_unwrapping_keeps_to_what_is_not_noise(low):
    """At 0.3 the cycles are right; where there is nothing almost all is in no component, and that is said."""
    lookup = read_lookup(low.lookup)
    expected = expected_phase(low.simulated.truth, read_mosaic(low.geometry), FIRST, LOW).astype(np.float32)
    found = read_unwrapped(low.path("unwrapped", PAIR, ".h5"))
    off = found.phase - geocode_values(expected, lookup)
    solved = np.isfinite(off) & (found.components == 1)
    assert solved.sum() > 0.95 * np.isfinite(off).sum()
    off -= np.median(off[solved])
    # Phases before the filter scatter by half a radian: few lie beyond half a cycle without any wrong cycle.
    assert np.mean(np.abs(off[solved]) > np.pi) < 2e-3
    assert low.said["unwrap", PAIR].quality["state"] == "done"
    said = low.said["unwrap", EMPTY]
    assert said.quality["state"] == "degraded"
    assert said.quality["unwrapped_fraction"] < 0.2
    assert "its whole cycles mean nothing" in said.warnings[0]
    geocoded = low.said["geocode", EMPTY].quality
    assert geocoded["unwrapped_share_of_data"] < 0.2


IONOSPHERE = (0.01, 0.01)
"""Lines: of the first burst, and from each burst to the next."""
BURSTS = 4
PERIOD = {"iw1": 0.1041, "iw2": 0.1185}
"""Lines by which the phase of overlaps turns once: 1 / (4779 Hz dt) and 1 / (4105 Hz dt)."""


@pytest.fixture(scope="module")
def ionosphere(tmp_path_factory):
    """Take a pair whose second pass has its bursts shifted one more than the other through refinement."""
    cut = {swath: replace(one, bursts=BURSTS, samples=128) for swath, one in cuts("ci").items()}
    scenario = Scenario((Pass(0), Pass(12, "20250418", ionosphere=IONOSPHERE)), cut, seed=43)
    line = Line(simulate(scenario, tmp_path_factory.mktemp("ionosphere")), tmp_path_factory.mktemp("line"))
    line.begin()
    line.refine(diversity={"least-cells": 100})
    line.coregister(FIRST)
    line.coregister(LOW, line.network)
    line.form(FIRST, LOW)
    return line


def test_overlaps_show_the_shift_of_their_two_bursts(ionosphere):
    """Doppler is as far above the middle in one burst as below it in the other: an overlap shows the bursts' mean."""
    found = ionosphere.said["estimate-diversity", PAIR].quality["overlaps"]
    assert len(found) == 2 * (BURSTS - 1)
    for swath in ("iw1", "iw2"):
        own = [one for name, one in sorted(found.items()) if name.startswith(swath)]
        for k, one in enumerate(own):
            expected = IONOSPHERE[0] + IONOSPHERE[1] * (k + 0.5)
            assert one["azimuth_shift_sigma"] < 2.5e-4
            assert one["azimuth_shift_lines"] == pytest.approx(expected, abs=max(4 * one["azimuth_shift_sigma"], 5e-4))


def test_one_shift_for_all_is_said_not_to_do(ionosphere):
    """The common shift is the bursts' mean, its deviation that of the overlaps and not of the noise in them."""
    said = ionosphere.said["estimate-diversity", PAIR]
    mean = IONOSPHERE[0] + IONOSPHERE[1] * (BURSTS - 1) / 2
    assert said.quality["azimuth_shift_lines"] == pytest.approx(mean, abs=5e-4)
    scatter = IONOSPHERE[1] * math.sqrt(2 / 3)
    assert said.quality["azimuth_shift_sigma"] == pytest.approx(scatter / math.sqrt(5), rel=0.2)
    assert said.quality["state"] == "degraded"
    assert "4 of 6 overlaps disagree with the common shift" in said.warnings[0]
    network = json.loads(ionosphere.network.read_text())["dates"][LOW]
    assert network["sigma"] == pytest.approx(said.quality["azimuth_shift_sigma"], rel=1e-6)


def test_the_steps_it_leaves_are_flagged(ionosphere):
    """A hundredth of a line at the first and the last overlap is 0.60 rad in IW1 and 0.53 in IW2."""
    said = ionosphere.said["form-interferogram", PAIR]
    assert said.quality["state"] == "degraded"
    assert said.quality["seam_step_rad"] > 0.3
    assert any("the phase steps by" in warning for warning in said.warnings)
    for name, step in said.quality["seams"].items():
        swath, first = name.split("-")[0].split("_")
        beyond = int(first) - 230136
        assert beyond in (-1, 0, 1)
        expected = -2 * math.pi * IONOSPHERE[1] * beyond / PERIOD[swath]
        assert step == pytest.approx(expected, abs=0.05)
