"""Amplitudes, spectral diversity and the network, stage by stage, against the timing errors that were put in."""

from __future__ import annotations

import json
import math
from itertools import combinations

import pytest
from insar_chain import Chain

from levelworks.core.outcome import InvalidInput
from levelworks.insar.coregistration.network_files import Shift, read_shifts
from levelworks.insar.coregistration.refinement_files import (
    DateOffset,
    PairShift,
    read_offset,
    read_shift,
    write_offset,
    write_shift,
)
from levelworks.insar.simulation.scenario import Pass, Scenario, Target, cuts

DATES = ("20250406", "20250418", "20250430")
ERRORS = {"20250406": 0.0, "20250418": 0.03, "20250430": -0.02}
"""Lines by which the annotations say that bursts begin too late."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return three passes with timing errors, their offsets and the shifts of their pairs."""
    passes = (
        Pass(0),
        Pass(12, "20250418", timing_error=ERRORS["20250418"]),
        Pass(24, baseline=-40.0, timing_error=ERRORS["20250430"]),
    )
    targets = tuple(Target(east, north, 30.0) for east in (-900.0, 0.0, 900.0) for north in (-9000.0, 0.0, 9000.0))
    scenario = Scenario(passes, cuts("ci"), seed=31, decorrelation=1000.0, targets=targets)
    made = Chain(scenario, tmp_path_factory.mktemp("stack"))
    made.offsets = [made.offset(date) for date in DATES[1:]]
    made.shifts = [made.shift(one, two, least_cells=200) for one, two in combinations(DATES, 2)]
    return made


def test_shifts_are_the_timing_errors(chain):
    """Bursts that are said to begin later than they do seem to have their ground at earlier lines: it is added."""
    for path in chain.shifts:
        found = read_shift(path)
        assert found.degraded == ""
        expected = ERRORS[found.second] - ERRORS[found.first]
        # Overlaps of 256 samples: a few ten-thousandths of a line of noise.
        assert found.line == pytest.approx(expected, abs=max(5 * found.sigma, 5e-4))


def test_pairs_without_the_reference_agree_with_those_that_have_it(chain):
    first, second, between = (read_shift(path) for path in chain.shifts)
    sigma = math.hypot(first.sigma, second.sigma, between.sigma)
    assert abs(second.line - first.line - between.line) < max(4 * sigma, 5e-4)


def test_the_solution_takes_the_seams_away(chain):
    network = chain.solve(chain.shifts, chain.offsets)
    solved = read_shifts(network)
    assert set(solved) == set(DATES)
    assert json.loads(network.read_text()).keys() >= {"pairs", "rules"}
    assert solved[DATES[0]] == Shift(0.0, 0.0, 0.0)
    assert chain.solved.quality["largest_residual_lines"] < 1e-3
    (chain.folder / "solved").mkdir()
    folders = [chain.resample(date, network, f"solved/{date}") for date in DATES]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        chain.pair(folders[one], folders[two], f"solved/{one}{two}.h5")
        assert chain.formed.quality["seam_step_rad"] < 0.12


def test_a_later_date_leaves_earlier_ones_as_they_are(chain):
    early = chain.solve(chain.shifts[:1], chain.offsets[:1], name="early.json")
    late = chain.solve(chain.shifts, chain.offsets, [early], name="late.json")
    assert set(read_shifts(early)) == set(DATES[:2])
    assert chain.solved.quality["moved"] == []
    assert set(read_shifts(late)) == {DATES[2]}


def test_a_date_that_moved_is_said_and_solved_again(chain, tmp_path):
    early = chain.solve(chain.shifts[:1], chain.offsets[:1], name="early.json")
    others = []
    for k, change in ((0, 0.002), (1, 0.0), (2, -0.002)):
        found = read_shift(chain.shifts[k])
        others.append(tmp_path / f"{k}.json")
        write_shift(others[-1], PairShift(found.first, found.second, found.line + change, found.sigma))
    late = chain.solve(others, chain.offsets, [early], name="moved.json")
    assert chain.solved.quality["moved"] == [DATES[1]]
    assert set(read_shifts(late)) == set(DATES[1:])
    assert any("resampled again" in warning for warning in chain.solved.warnings)


def test_nothing_coherent_is_degraded_and_said(chain):
    path = chain.shift(DATES[0], DATES[1], least_cells=10**6)
    found = read_shift(path)
    assert (found.line, found.sigma) == (0.0, math.inf)
    assert "are needed" in found.degraded
    assert chain.diverse.quality["state"] == "degraded"
    chain.solve([path], [], name="nothing.json")
    offset = DateOffset(DATES[1], 0.0, 0.0, math.inf, math.inf, "too few patches")
    write_offset(chain.folder / "none.offset.json", offset)
    assert read_offset(chain.folder / "none.offset.json") == offset
    network = chain.solve([path], [chain.folder / "none.offset.json"], name="alone.json")
    shift = read_shifts(network)[DATES[1]]
    assert (shift.line, shift.sigma, shift.state) == (0.0, None, "degraded")
    assert "no pair ties it" in shift.reason
    chain.resample(DATES[1], network, "alone")
    assert chain.resampled.quality["state"] == "degraded"
    chain.shifts[0] = chain.shift(DATES[0], DATES[1], least_cells=200)


def test_files_that_are_damaged(tmp_path):
    path = tmp_path / "one.json"
    for text in ("", "{}", '{"layout": 9}', "[1]"):
        path.write_text(text)
        for read in (read_offset, read_shift, read_shifts):
            with pytest.raises(InvalidInput, match="again"):
                read(path)
