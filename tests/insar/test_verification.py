"""Spectral diversity after resampling: dates that lie where they should, that don't, and of which nothing says."""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from insar_chain import Chain

from levelworks.core.options import validate
from levelworks.insar.coregistration.network_files import Shift, write_network
from levelworks.insar.coregistration.refinement_options import Verification
from levelworks.insar.coregistration.verification import judge_residual
from levelworks.insar.coregistration.verify_stage import verify_coregistration
from levelworks.insar.options import Insar
from levelworks.insar.plan import FramePlan
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts

FIRST, SECOND, LATE = "20250406", "20250418", "20311031"
ERROR = 0.02
"""Lines by which the annotation says that the second date's bursts begin too late: they are to be added."""
CELLS = {"least-cells": 200}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a pass with a timing error, resampled with and without its shift, and one that nothing is left of."""
    passes = Pass(0), Pass(12, "20250418", timing_error=ERROR), Pass(2399, baseline=30.0)
    made = Chain(Scenario(passes, cuts("ci"), seed=41, decorrelation=600.0), tmp_path_factory.mktemp("stack"))
    network = made.folder / "network.json"
    write_network(network, {SECOND: Shift(ERROR, 0.0, 1e-4)})
    for name in ("solved", "late"):
        (made.folder / name).mkdir()
    made.dates = {
        "reference": made.resample(FIRST),
        "unsolved": made.resample(SECOND),
        "solved": made.resample(SECOND, network, f"solved/{SECOND}"),
        "late": made.resample(LATE, name=f"late/{LATE}"),
    }
    return made


def verify(chain, name, against, path, **options):
    said = verify_coregistration(
        chain.frame,
        chain.reference,
        chain.dates[name],
        [chain.dates[one] for one in against],
        residual=path,
        options=validate(Verification, CELLS | options, "test"),
    )
    return said, json.loads(path.read_text())


def test_a_timing_error_that_was_solved_is_verified(chain, tmp_path):
    said, found = verify(chain, "solved", ["reference"], tmp_path / "one.json")
    assert said.quality["state"] == "done"
    assert said.warnings == ()
    assert abs(found["line"]) < 5e-4
    assert 0 < found["sigma"] < 2e-4
    assert (found["date"], found["against"], found["state"]) == (SECOND, FIRST, "done")
    assert set(said.quality["swaths"]) == {"iw1", "iw2"}


def test_a_timing_error_that_was_not_is_said(chain, tmp_path):
    said, found = verify(chain, "unsolved", ["reference"], tmp_path / "one.json")
    assert said.quality["state"] == "degraded"
    assert found["line"] == pytest.approx(ERROR, abs=5e-4)
    assert abs(found["line"] - ERROR) < 5 * found["sigma"]
    (warning,) = said.warnings
    assert warning.startswith(f"{SECOND} is not on the grid of {FIRST}: +0.0")
    assert "estimate-diversity" in warning
    assert (
        verify(chain, "unsolved", ["reference"], tmp_path / "two.json", **{"largest-residual": 0.03})[0].warnings == ()
    )


def test_a_date_without_coherence_is_measured_against_the_one_beside_it(chain, tmp_path):
    said, found = verify(chain, "late", ["reference"], tmp_path / "one.json")
    assert said.quality["state"] == found["state"] == "not verified"
    assert (found["line"], found["sigma"]) == (None, None)
    assert f"{LATE} is not verified: against {FIRST}" in said.warnings[0]
    assert "cells" in said.warnings[0]
    # The same pass a fiftieth of a line away stands for a date that changed nothing since.
    shutil.copytree(chain.dates["solved"], tmp_path / SECOND)
    chain.dates["beside"] = tmp_path / SECOND
    said, found = verify(chain, "unsolved", ["late", "beside"], tmp_path / "two.json")
    assert (said.quality["state"], found["against"]) == ("degraded", SECOND)
    assert found["line"] == pytest.approx(ERROR, abs=5e-4)
    assert [one["state"] for one in found["tried"]] == ["not verified", "degraded"]


def test_dates_without_overlaps_are_not_verified(chain, tmp_path):
    folder = tmp_path / SECOND
    folder.mkdir()
    one = next(path for path in chain.dates["solved"].iterdir() if path.name.startswith("iw1"))
    shutil.copy(one, folder / one.name)
    chain.dates["lone"] = folder
    said, _ = verify(chain, "lone", ["reference"], tmp_path / "one.json")
    assert said.quality["state"] == "not verified"
    assert "no two bursts that follow each other" in said.warnings[0]


def swath(line, sigma=1e-5, period=0.1017, degraded=""):
    return ShiftEstimate(line, sigma, period, 0.5, 2000, 1500, 0.8, 0.3, degraded)


NONE = {"iw1": swath(0.0, math.inf, degraded="nothing is coherent")}


@pytest.mark.parametrize(
    ("swaths", "state", "line"),
    [
        ({"iw1": swath(0.0004)}, "done", 0.0004),
        ({"iw1": swath(-0.0006)}, "degraded", -0.0006),
        ({"iw1": swath(0.0006, 0.0003)}, "not verified", 0.0006),
        ({"iw1": swath(0.0001, 0.0006)}, "not verified", 0.0001),
        (NONE, "not verified", None),
        ({}, "not verified", None),
        ({**NONE, "iw2": swath(0.0002, period=0.1211)}, "done", 0.0002),
        # A whole period of IW1 shows in IW2, whose own is another.
        ({"iw1": swath(0.0), "iw2": swath(0.1017 - 0.1211, period=0.1211)}, "degraded", 0.1017),
        ({"iw1": swath(0.0), "iw2": swath(0.005, period=0.1211)}, "degraded", None),
    ],
)
def test_judgement(swaths, state, line):
    found = judge_residual(FIRST, swaths, Verification())
    assert found.state == state
    assert found.line == (line if line is None else pytest.approx(line, abs=1e-6))
    assert (found.reason == "") == (state == "done")


TURN = -1.3
"""rad, a phase of bursts."""


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ((TURN / (2 * math.pi) * 0.1017, TURN / (2 * math.pi) * 0.1211), "not verified"),
        ((0.02, 0.02), "degraded"),  # no phase is the same in both swaths
        ((0.02, -0.03), "degraded"),  # neither shift nor phase
        ((0.02,), "not verified"),  # a lone swath can't tell
        ((0.0003, 0.0003), "done"),
    ],
)
def test_phases_of_bursts_of_two_satellites_are_no_misplacement(lines, state):
    swaths = {f"iw{k + 1}": swath(line, period=(0.1017, 0.1211)[k]) for k, line in enumerate(lines)}
    found = judge_residual(FIRST, swaths, Verification(), ("S1C", "S1D"))
    assert found.state == state
    if state == "not verified":
        assert "as bursts of S1C and S1D may" in found.reason
    of_one = judge_residual(FIRST, swaths, Verification(), ("S1C",))
    assert of_one.state == ("done" if state == "done" else "degraded")


def test_the_date_beside_and_one_of_the_same_satellite_stand_in_for_the_reference():
    missions = dict(zip("12345678", "AABABBAB", strict=True))
    passes = {f"2025010{day}": SimpleNamespace(mission=f"S1{one}") for day, one in missions.items()}
    frame = SimpleNamespace(reference=dt.date(2025, 1, 4))
    planned = FramePlan(Insar(), Path(), frame, passes, {}, {}, {})
    days = {date[-1]: [one[-1] for one in planned.verified_against(date)] for date in passes if date[-1] != "4"}
    assert days == {
        "1": ["4", "2"],
        "2": ["4", "3"],  # the next of its own is the reference
        "3": ["4"],
        "5": ["4"],
        "6": ["4", "5"],
        "7": ["4", "6"],
        "8": ["4", "7", "6"],
    }


SCRIPT = """
import sys
from pathlib import Path
from levelworks.core.stage import run, stages
from levelworks.core.options import validate
frame, reference, residual, date, *against = map(Path, sys.argv[1:])
found = stages("insar")["verify-coregistration"]
files = {"frame": [frame], "reference": [reference], "date": [date], "against": against, "residual": [residual]}
run(found, files, validate(found.options, {"least-cells": 200}, "test"))
"""


def test_ranks_change_nothing(chain, tmp_path):
    """Two ranks, through the date that says nothing on to the one that does."""
    verify(chain, "unsolved", ["late", "reference"], tmp_path / "one.json")
    launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", "2", sys.executable, "-c", SCRIPT]
    files = [chain.frame, chain.reference, tmp_path / "two.json", chain.dates["unsolved"]]
    command = [*launcher, *map(str, files), str(chain.dates["late"]), str(chain.dates["reference"])]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()
