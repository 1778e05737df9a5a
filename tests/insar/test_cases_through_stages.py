"""Low coherence, ionosphere, two satellites through the stages (specs/insar.md 8): what one shift can't do is said."""

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
from levelworks.insar.refinement.ambiguity import ResolvedShift
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate
from levelworks.insar.refinement.two_satellites import doubt_shift
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


NEXT = "20250430"
JUMP = -1.3
"""rad, from the first burst to the second one."""


@pytest.fixture(scope="module")
def satellites(tmp_path_factory):
    """Take a pair of two satellites, whose bursts have constant phases, through refinement, without amplitudes."""
    cut = {swath: replace(one, samples=128) for swath, one in cuts("ci").items()}
    phases = {"mission": "S1C", "burst_phases": (0.4, 0.4 + JUMP)}
    passes = Pass(0), Pass(12, "20250418", **phases), Pass(24, "20250418", **phases)
    line = Line(
        simulate(Scenario(passes, cut, seed=45), tmp_path_factory.mktemp("satellites")),
        tmp_path_factory.mktemp("line"),
    )
    line.begin()
    line.refine(diversity={"least-cells": 80})
    line.coregister(FIRST)
    line.coregister(LOW, line.network)
    line.coregister(NEXT, line.network)
    line.form(FIRST, LOW)
    return line


def test_phases_of_bursts_are_not_taken_for_a_shift(satellites):
    """1.3 rad in every overlap are 0.022 lines in IW1 and 0.025 in IW2: no shift is both."""
    said = satellites.said["estimate-diversity", PAIR]
    assert said.quality["state"] == "degraded"
    assert "as bursts of two satellites may have" in said.warnings[0]
    swaths = said.quality["swaths"]
    for swath, period in PERIOD.items():
        assert 2 * math.pi * swaths[swath]["line"] / period == pytest.approx(JUMP, abs=0.05)
    assert read_shifts(satellites.network)[LOW].line == 0.0


def test_phases_of_bursts_are_taken_off_by_themselves(satellites):
    """The missions in the records decide; inside of bursts, where a false shift would tilt phases, all is noise."""
    said = satellites.said["form-interferogram", PAIR]
    assert said.quality["seam_step_before_rad"] == pytest.approx(-JUMP, abs=0.05)
    assert any("of two satellites" in warning for warning in said.warnings)
    found, mosaic = satellites.interferogram(FIRST, LOW), read_mosaic(satellites.geometry)
    expected = expected_phase(satellites.simulated.truth, mosaic, FIRST, LOW)
    whole = (found.count == WHOLE) & np.isfinite(expected)
    bound = math.sqrt(np.mean(found.phase_sigma[whole].astype(float) ** 2))
    constants = []
    for place in mosaic.placements:
        own = place.cells(mosaic.looks)
        left = wrapped(np.angle(found.interferogram[own]) - expected[own])[whole[own]]
        constants.append(np.angle(np.exp(1j * left).sum()))
        assert np.sqrt(np.mean(wrapped(left - constants[-1]) ** 2)) < 1.1 * bound
    # Bursts of one swath are brought together; what is common to them can't be known.
    assert wrapped(constants[0] - constants[1]) == pytest.approx(0, abs=0.03)
    assert wrapped(constants[2] - constants[3]) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(("against", "state"), [((FIRST,), "not verified"), ((FIRST, LOW), "done")])
def test_a_date_of_another_satellite_is_verified_against_one_of_its_own(satellites, against, state):
    same = {"frame": satellites.frame, "reference": satellites.reference}
    said = satellites.run(
        "verify-coregistration",
        NEXT,
        {"least-cells": 80},
        **same,
        date=satellites.path("coregistered", NEXT),
        against=[satellites.path("coregistered", date) for date in against],
        residual=satellites.path("residual", NEXT, ".json"),
    )
    assert (said.quality["state"], said.quality["against"]) == (state, against[-1] if state == "done" else "")
    if state == "done":
        assert abs(said.quality["residual_lines"]) < 5e-4
    else:
        (warning,) = said.warnings
        assert "as bursts of S1A and S1C may" in warning
        assert f"{JUMP:+.1f}" in warning


def estimates(*lines, sigma=1e-4):
    """Return what two swaths show, lines."""
    return [
        ShiftEstimate(line, sigma, period, 0.85, 300, 300, 0.9, 0.1)
        for line, period in zip(lines, PERIOD.values(), strict=True)
    ]


@pytest.mark.parametrize("turns", [-0.45, -0.2, 0.1, 0.3])
def test_a_phase_in_all_swaths_is_doubted_and_a_shift_is_not(turns):
    turned = estimates(*(turns * period for period in PERIOD.values()))
    shifted = estimates(turns * 0.1, turns * 0.1)
    resolved = [ResolvedShift(one[0].line, 1e-4, (0, 0), np.inf, 0.0) for one in (turned, shifted)]
    assert f"{2 * math.pi * turns:.2f} rad" in doubt_shift(turned, resolved[0])
    # Swaths alone tell shifts of two hundredths of a line; amplitudes that agree do no harm.
    assert (doubt_shift(shifted, resolved[1]) == "") == (abs(turns) >= 0.2)
    assert (doubt_shift(shifted, resolved[1], (turns * 0.1, 1e-3)) == "") == (abs(turns) >= 0.2)
    # What is taken for a shift does no harm below 0.3 rad, and what is degraded already needs no doubt.
    assert doubt_shift(estimates(4e-3, 4e-3), ResolvedShift(4e-3, 1e-4, (0, 0), np.inf, 0.0)) == ""
    assert doubt_shift(turned, ResolvedShift(0.0, np.inf, (0, 0), np.inf, 0.0, "no")) == ""


def test_one_swath_alone_tells_nothing():
    one = estimates(0.03, 0.03)[:1]
    assert "fits the overlaps as well" in doubt_shift(one, ResolvedShift(0.03, 1e-4, (0,), np.inf, 0.0))
