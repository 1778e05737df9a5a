"""The insar line on products of an archive: a run fetches and parses them, and nothing is fetched twice."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tape_emulator
from archive_products import write_table

from levelworks.core.config import load
from levelworks.core.outcome import InvalidInput
from levelworks.insar.doctor import examine, space_needed
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.manifest import read_manifest
from levelworks.insar.safe.package import open_package
from levelworks.insar.safe.parse_options import ParseSafe
from levelworks.insar.safe.parse_stage import parse_safe
from levelworks.insar.simulation.safe_files import pack
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate
from workflow import Workflow, planned

DATES = ("20250406", "20250418")


def row_of(path: Path, **values):
    footprint = ", ".join(f"{x} {y}" for x, y in read_manifest(open_package(path)).footprint)
    row = {"id": path.stem, "address": path, "size": path.stat().st_size, "md5": "", "sha256": ""}
    return row | {"footprint": f"POLYGON (({footprint}))", "relative_orbit": "", "pass": ""} | values


@pytest.fixture(scope="module")
def campaign(tmp_path_factory) -> Workflow:
    """Put two passes into an archive, and name none of them as a product."""
    folder = tmp_path_factory.mktemp("campaign")
    cut = {"IW1": replace(cuts("ci")["IW1"], samples=64)}
    passes = (Pass(0, swaths=("IW1",)), Pass(12, DATES[1], swaths=("IW1",)))
    made = simulate(Scenario(passes, cut), folder / "level1")
    first = read_acquisition(made.products[DATES[0]], swaths=("IW1",), pixels=False)
    frame = define_frame(list_bursts(first), dt.date.fromisoformat(DATES[0]))
    write_frame(folder / "frame.json", frame)
    archive = [pack(path) for date in DATES for path in made.products[date]]
    write_table(folder / "catalogue.tsv", *map(row_of, archive))
    section = {
        "frames": "frame.json",
        "orbits": str(made.orbits),
        "elevation": str(made.elevation),
        "archive": {"catalogue": "catalogue.tsv", "kind": "folder"},
    }
    campaign = Workflow(folder, {"insar": section})
    campaign.frame, campaign.archive = frame.frame, archive
    return campaign


def parsed(campaign: Workflow) -> list[str]:
    return [f"results/insar/parse-safe/{campaign.frame}/{date}.json" for date in DATES]


@pytest.mark.long
def test_the_doctor_counts_what_is_to_come(campaign, monkeypatch):
    monkeypatch.chdir(campaign.folder)
    section = load(campaign.config).insar
    assert any(one.verdict == "ok" and one.detail.startswith("2 products to fetch") for one in examine(section))
    assert space_needed(section) > 2 * sum(path.stat().st_size for path in campaign.archive)


@pytest.mark.long
def test_one_run_fetches_and_parses(campaign):
    plan = planned(campaign.run("insar", "--dry-run").stdout)
    assert (plan["fetch_product"], plan["parse_safe"], plan["form_interferogram"]) == (2, 2, 1)
    assert "request_products" not in plan
    campaign.run(*parsed(campaign))
    for path, archived in zip(parsed(campaign), campaign.archive, strict=True):
        fetched = campaign.folder / "results/insar/fetch-product" / archived.name
        assert fetched.read_bytes() == archived.read_bytes()
        record = json.loads((campaign.folder / f"{path}.json").read_text())
        assert (record["outcome"], record["quality"]["state"]) == ("done", "done")
        assert record["inputs"]["products"][0]["path"] == f"results/insar/fetch-product/{archived.name}"


@pytest.mark.long
def test_what_was_fetched_stays_whatever_becomes_of_the_archive(campaign):
    """Catalogues grow, addresses and patience change: nothing of that makes a product again."""
    again = row_of(campaign.archive[0], id=campaign.archive[0].stem[:-4] + "FFFF")
    rows = [row_of(path, address=f"/elsewhere/{path.name}") for path in campaign.archive]
    write_table(campaign.folder / "catalogue.tsv", again, *rows)
    campaign.config["insar"]["archive"] |= {"patience": 7.0, "kind": "http", "first": dt.date(2025, 4, 1)}
    assert planned(campaign.run(*parsed(campaign), "--dry-run").stdout) == {}


@pytest.mark.long
def test_what_the_archive_lost_is_quarantined_with_its_date(campaign):
    gone = campaign.archive[1]
    campaign.config["insar"]["archive"] |= {"kind": "folder"}
    (campaign.folder / "results/insar/fetch-product" / gone.name).unlink()
    shutil.rmtree(campaign.folder / "results/insar/parse-safe")
    campaign.run(*parsed(campaign))
    record = json.loads((campaign.folder / f"{parsed(campaign)[1]}.json").read_text())
    assert record["outcome"] == "quarantined"
    assert f"/elsewhere/{gone.name} is not in the archive" in record["reason"]


@pytest.mark.long
def test_slices_that_came_are_taken_without_those_that_did_not(campaign, tmp_path):
    """One slice of a pass that is quarantined leaves the pass with the bursts of the others, and is said."""
    fetched = campaign.folder / "results/insar/fetch-product"
    products = [fetched / path.name for path in campaign.archive]
    done = parse_safe(
        campaign.folder / "frame.json", products, [], acquisition=tmp_path / "date.json", options=ParseSafe()
    )
    assert any(warning.startswith(f"left out {products[1].name}: ") for warning in done.warnings)
    with pytest.raises(InvalidInput, match="is not in the archive"):
        parse_safe(
            campaign.folder / "frame.json", products[1:], [], acquisition=tmp_path / "date.json", options=ParseSafe()
        )


@pytest.mark.long
def test_jobs_that_fetch_may_stay_on_this_machine(campaign):
    """With `local`, Snakemake keeps them to itself whatever the profile; a resource limits how many run at once."""
    target = f"results/insar/fetch-product/{campaign.archive[1].name}"
    campaign.config["insar"]["archive"] |= {"local": True, "address": str(campaign.archive[0].parent / "{id}.zip")}
    (campaign.folder / target).unlink(missing_ok=True)
    said = campaign.run(target, "--resources", "downloads=1", profile="local").stdout
    assert "localrule fetch_product" in said
    assert (campaign.folder / target).read_bytes() == campaign.archive[1].read_bytes()
    campaign.config["insar"]["archive"] |= {"local": False}


@pytest.mark.long
def test_tape_is_asked_for_a_month_at_once(campaign):
    write_table(campaign.folder / "catalogue.tsv", *map(row_of, campaign.archive))
    targets = [f"results/insar/fetch-product/{path.name}" for path in campaign.archive]
    for target in targets:
        (campaign.folder / target).unlink(missing_ok=True)
    state = campaign.folder / "tape.json"
    offline = {"state": "offline", "asked": False, "turns": ["queued", "queued", "online"]}
    state.write_text(json.dumps({"files": {str(path): offline for path in campaign.archive}, "requests": []}))
    program = [sys.executable, "-S", tape_emulator.__file__, str(state)]
    tape = {"status": [*program, "status", "{address}"], "request": [*program, "request", "{list}", "{label}"]}
    archive = {"kind": "tape", "tape": tape, "address": str(campaign.archive[0].parent / "{id}.zip"), "pause": 0.1}
    campaign.config["insar"]["archive"] |= archive | {"patience": 30.0}
    campaign.run(*targets, "--cores", "1")
    requests = json.loads(state.read_text())["requests"]
    files = sorted(str(path) for path in campaign.archive)
    assert requests == [{"label": f"{campaign.frame}: 2025-04-06 -> 2025-04-18", "files": files}]
    for target, archived in zip(targets, campaign.archive, strict=True):
        assert (campaign.folder / target).read_bytes() == archived.read_bytes()
    (campaign.folder / f"results/insar/request-products/{campaign.frame}/202504.tsv.json").touch()
    assert planned(campaign.run(*targets, "--dry-run").stdout) == {}, "a batch asked for anew fetches nothing anew"
