"""What solutions that stand leave to a later plan: flagged dates, empty solutions, pairs, and fetched products."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace

import pytest
from archive_products import write_table

from levelworks.core import doctor
from levelworks.core.outcome import InvalidOptions, Outcome
from levelworks.insar import clean_command
from levelworks.insar.coregistration.network_files import NONE, write_network
from levelworks.insar.coregistration.network_stage import write_empty_network
from levelworks.insar.coregistration.refinement_options import Solution
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.layout import Layout
from levelworks.insar.network.pair_options import Pairs
from levelworks.insar.options import Insar
from levelworks.insar.plan import plan_campaign
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.manifest import read_manifest
from levelworks.insar.safe.package import open_package
from levelworks.insar.simulation.safe_files import pack
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate
from levelworks.insar.standing import Standing, read_standing

DATES = ("20250406", "20250418", "20250711")
BY_DAYS, BY_BASELINE = "20250406_20250711", "20250418_20250711"


def row_of(path):
    footprint = ", ".join(f"{x} {y}" for x, y in read_manifest(open_package(path)).footprint)
    row = {"id": path.stem, "address": path, "size": path.stat().st_size, "md5": "", "sha256": ""}
    return row | {"footprint": f"POLYGON (({footprint}))", "relative_orbit": "", "pass": ""}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Return a frame, and an archive of three passes: the last is nearest to the second, by days to the first."""
    folder = tmp_path_factory.mktemp("archive")
    cut = {"IW1": replace(cuts("ci")["IW1"], samples=64)}
    places = (Pass(0), Pass(12, baseline=120.0), Pass(96, baseline=120.0))
    made = simulate(Scenario(tuple(replace(one, swaths=("IW1",)) for one in places), cut), folder / "level1")
    first = read_acquisition(made.products[DATES[0]], swaths=("IW1",), pixels=False)
    write_frame(folder / "frame.json", define_frame(list_bursts(first), first.epoch))
    (folder / "dem.tif").touch()
    (folder / "zips").mkdir()
    packed = [pack(path) for paths in made.products.values() for path in paths]
    zips = [path.rename(folder / "zips" / path.name) for path in packed]
    write_table(folder / "catalogue.tsv", *map(row_of, zips))
    return folder


def section_of(folder, **pairs):
    return Insar.model_validate(
        {
            "frames": str(folder / "frame.json"),
            "elevation": folder / "dem.tif",
            "archive": {"catalogue": str(folder / "catalogue.tsv"), "kind": "folder"},
            "pairs": {"neighbours": 1, "seasons": [3], "season-months": [7]} | pairs,
        }
    )


def plan_of(section, results):
    (frame,) = plan_campaign(section, results).frames.values()
    return frame


def solve(plan, results, left_out=(), batch="001"):
    """Leave a solution as the stage does with what the plan gives it."""
    layout = Layout(SimpleNamespace(section=plan.section, frames={plan.frame.frame: plan}), results)
    options = layout.network_options(SimpleNamespace(track=plan.frame.frame))
    path = results / f"insar/solve-network/{plan.frame.frame}/{batch}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    dates = [date for date in plan.acquisitions if date not in left_out]
    write_network(path, dict.fromkeys(dates, NONE), (), dict.fromkeys(left_out, "bad"), Solution(**options))
    return path


def judge(plan, results, date, outcome):
    path = results / f"insar/correlate-amplitudes/{plan.frame.frame}/{date}.json.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"levelworks_record": 1, "outcome": outcome, "reason": "bad"}))


def fetch(folder, results):
    shutil.copytree(folder / "zips", results / "insar/fetch-product")


def test_pairs_of_solved_dates_stay_once_products_are_fetched(archive, tmp_path):
    section = section_of(archive)
    before = plan_of(section, tmp_path)
    assert len(before.notes) == 3
    assert BY_DAYS in before.pairs
    fetch(archive, tmp_path)
    unsolved = plan_of(section, tmp_path)
    assert unsolved.notes == []
    assert BY_BASELINE in unsolved.pairs
    assert BY_DAYS not in unsolved.pairs
    path = solve(before, tmp_path)
    after = plan_of(section, tmp_path)
    assert (after.pairs, after.network.gaps, after.new_batch) == (before.pairs, before.network.gaps, "")
    # Others were asked for, and a solution without pairs says nothing of them.
    assert plan_of(section_of(archive, seasons=[]), tmp_path).pairs != before.pairs
    path.write_text(json.dumps({name: json.loads(path.read_text())[name] for name in ("layout", "dates", "left_out")}))
    assert plan_of(section, tmp_path).pairs == unsolved.pairs


def test_pairs_that_are_excluded_go_and_come_again(archive, tmp_path):
    section = section_of(archive)
    solve(plan_of(section, tmp_path), tmp_path)
    fetch(archive, tmp_path)
    without = section_of(archive, excluded=["20250406_20250418"])
    pairs = plan_of(without, tmp_path).pairs
    assert "20250406_20250418" not in pairs
    assert BY_DAYS in pairs
    solve(plan_of(without, tmp_path), tmp_path)
    assert {"20250406_20250418", BY_BASELINE} <= set(plan_of(section, tmp_path).pairs)


def test_a_date_that_was_left_out_is_decided_while_it_is_flagged(archive, tmp_path):
    section, bad = section_of(archive), DATES[1]
    before = plan_of(section, tmp_path)
    assert (before.new_batch, before.solution_of(bad)) == ("001", "001")
    solve(before, tmp_path, [bad])
    judge(before, tmp_path, bad, "quarantined")
    for outcome in ("quarantined", "skipped"):
        judge(before, tmp_path, bad, outcome)
        after = plan_of(section, tmp_path)
        assert (after.new_batch, after.solution_of(bad), after.batches) == ("", "001", ["001"])
        assert after.pairs == before.pairs
    # A solution of other dates leaves it out again: its own one stays what it is refused by.
    solve(before, tmp_path, [bad], "002")
    assert plan_of(section, tmp_path).solution_of(bad) == "001"
    judge(before, tmp_path, bad, "done")
    mended = plan_of(section, tmp_path)
    assert (mended.new_batch, mended.solution_of(bad), mended.pairs) == ("003", "003", before.pairs)
    # Damaged after it was decided: what it was resampled with stays.
    solve(before, tmp_path, (), "003")
    judge(before, tmp_path, bad, "quarantined")
    solve(before, tmp_path, [bad], "004")
    assert plan_of(section, tmp_path).solution_of(bad) == "003"


def test_an_empty_solution_is_the_batch_that_is_still_to_be_solved(archive, tmp_path):
    section = section_of(archive)
    plan = plan_of(section, tmp_path)
    path = solve(plan, tmp_path)
    write_empty_network(path, Outcome())
    assert plan_of(section, tmp_path).new_batch == "001"
    solve(plan, tmp_path, DATES[1:])
    write_empty_network(path.with_name("002.json"), Outcome())
    again = plan_of(section, tmp_path)
    assert (again.new_batch, list(again.solved)) == ("002", ["001"])


@pytest.mark.parametrize("content", ["{", "[]", '{"left_out": {}}', '{"dates": {}, "pairs": ["a"], "rules": {}}'])
def test_a_solution_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "solve-network/frame/001.json"
    assert read_standing(tmp_path, "frame", DATES, Pairs()) == Standing()
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InvalidOptions, match=r"001\.json can't be read"):
        read_standing(tmp_path, "frame", DATES, Pairs())


def test_clean_and_the_doctor_plan_as_the_rules_do(archive, tmp_path, monkeypatch):
    section = section_of(archive)
    fetch(archive, tmp_path)
    asked = []

    def plan(own, results=None):
        asked.append(plan_campaign(own, results))
        return asked[-1]

    for module in (clean_command, doctor._hooks("insar")["examine"].__globals__):
        (monkeypatch.setitem if isinstance(module, dict) else monkeypatch.setattr)(module, "plan_campaign", plan)
    config = SimpleNamespace(insar=section, campaign=SimpleNamespace(results=tmp_path))
    clean_command.plan_removal(config, Namespace(keep_dates=0))
    doctor._examine_line("insar", section, tmp_path)
    assert len(asked) == 3
    (wanted,) = {tuple(frame.pairs) for one in [plan_campaign(section, tmp_path)] for frame in one.frames.values()}
    assert all(tuple(frame.pairs) == wanted for one in asked for frame in one.frames.values())
    assert BY_BASELINE in wanted
