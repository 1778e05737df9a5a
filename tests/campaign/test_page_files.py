"""What the page is written from: every job once, only files that changed, details as the jobs are."""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from campaign_standings import job, many, run, standing

from levelworks.campaign.ledger import LEDGER, Ledger, add_attempt, plan_jobs
from levelworks.campaign.page import Page, page_text, write_page
from levelworks.campaign.page_matrix import CHUNK, LETTERS, WARNED
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.standing import Cell, Standing, State
from levelworks.campaign.summary import count_stages
from levelworks.core.jobs import collect

RESULTS = Path("results")


def part(folder: Path, name: str) -> Any:
    """Return what a script of data hands to the page."""
    text = (folder / "results/status_data" / f"{name}.js").read_text()
    told = re.fullmatch(r'levelworks\.take\("([^"]*)","(\w+)",(.*)\)\n', text)
    assert told, text[:200]
    assert told[1] == name
    return json.loads(told[3])


def shown(folder: Path, line: str) -> dict[tuple[str, str], str]:
    """Return the letter of each job of a line, by stage and granule."""
    names, states = part(folder, f"{line}.names"), part(folder, f"{line}.states")["states"]
    places = ((granule, stage) for granule in names["granules"] for stage in names["stages"])
    return {(stage, granule): letter for (granule, stage), letter in zip(places, states, strict=True) if letter != "."}


def letter(cell: Cell) -> str:
    return chr(WARNED if cell.state is State.DONE and cell.warnings else LETTERS[cell.state])


def detail_of(folder: Path, cell: Cell) -> dict[str, Any]:
    names = part(folder, f"{cell.line}.names")
    row = names["granules"].index(cell.granule)
    return part(folder, f"{cell.line}.{row // CHUNK}")["rows"][row % CHUNK][names["stages"].index(cell.stage)]


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in (folder / "results").rglob("*") if path.is_file()}


def test_every_job_is_shown_once_with_its_state(tmp_path):
    cells = [*many(60), job("ard", "mosaic", "X0001_Y0002/a", State.RUNNING), job("", "", "odd.txt", State.WAITING)]
    write_page(standing(cells), tmp_path, RESULTS)
    for line, file in (("plumes", "plumes"), ("ard", "ard"), ("", "other")):
        own = {(cell.stage, cell.granule): letter(cell) for cell in cells if cell.line == line}
        assert shown(tmp_path, file) == own
    assert part(tmp_path, "ard.names")["groups"] == ["X0001_Y0002"]


def test_the_counts_are_those_of_the_terminal(tmp_path):
    whole = standing(many(200))
    write_page(whole, tmp_path, RESULTS)
    head = json.loads((tmp_path / "results/status.json").read_text())
    assert head == part(tmp_path, "head")
    (line,) = head["lines"]
    counts = count_stages(whole.cells)
    assert {("plumes", stage["stage"]) for stage in line["stages"]} == set(counts)
    for stage in line["stages"]:
        count = counts["plumes", stage["stage"]]
        assert {state: stage[state.value] for state in State if stage[state.value]} == dict(count.states)
        told = (stage["jobs"], stage["retried"], stage["warnings"], stage["peak_memory_mb"])
        assert told == (count.planned, count.retried, count.warnings, count.peak_memory_mb)
        assert stage["wall_s"] == pytest.approx(count.wall_s)


def test_stages_stand_in_the_order_of_their_line(tmp_path):
    write_page(standing(many(5)), tmp_path, RESULTS)
    stages = ["absorption", "retrieve", "mask-plumes", "detect-plumes", "orthorectify", "quantify"]
    assert part(tmp_path, "plumes.names")["stages"] == stages


def test_jobs_that_share_a_name_are_both_shown(tmp_path):
    one = job("ard", "mosaic", "cube", State.DONE)
    other = replace(one, product="results/ard/mosaic/second.tif", state=State.FAILED)
    write_page(standing([one, other]), tmp_path, RESULTS)
    assert Counter(shown(tmp_path, "ard").values()) == Counter("df")


def test_only_what_changed_is_written_again(tmp_path):
    cells = many(CHUNK * 4)
    page = Page(tmp_path, RESULTS)
    page.show(standing(cells))
    page.write(standing(cells))
    before = times(tmp_path)
    at = next(at for at, cell in enumerate(cells) if cell.state is State.RUNNING)
    done = replace(cells[at], state=State.DONE, ended=1.8e9, wall_s=3.5)
    page.change([done])
    page.write(standing([done]))
    changed = {name for name, inode in times(tmp_path).items() if before.get(name) != inode}
    row = part(tmp_path, "plumes.names")["granules"].index(done.granule)
    assert changed == {"head.js", "status.json", "plumes.states.js", f"plumes.{row // CHUNK}.js"}
    assert detail_of(tmp_path, done)["wall"] == 3.5
    # what was changed piece by piece is what is written at once
    write_page(standing([*cells[:at], done, *cells[at + 1 :]]), tmp_path / "whole", RESULTS)
    for path in sorted((tmp_path / "whole/results/status_data").iterdir()):
        if path.name != "head.js":
            assert path.read_bytes() == (tmp_path / "results/status_data" / path.name).read_bytes(), path.name
    assert part(tmp_path, "head")["lines"] == part(tmp_path / "whole", "head")["lines"]


def test_a_page_of_before_is_not_written_again(tmp_path):
    whole = standing(many(40))
    write_page(whole, tmp_path, RESULTS)
    before = times(tmp_path)
    write_page(whole, tmp_path, RESULTS)
    assert times(tmp_path) == before


def test_what_a_killed_controller_left_half_written_goes(tmp_path):
    killed = tmp_path / "results/status_data" / f".part.{socket.gethostname()}.{2**22 + 1}.draft"
    killed.parent.mkdir(parents=True)
    killed.touch()
    write_page(standing(many(3)), tmp_path, RESULTS)
    assert not list(tmp_path.rglob(".part.*"))


def test_granules_that_come_and_go(tmp_path):
    cells = many(CHUNK * 3)
    page = Page(tmp_path, RESULTS)
    page.show(standing(cells))
    page.write(standing(cells))
    late = job("plumes", "retrieve", "AAA", State.QUEUED)
    page.change([late])
    page.write(standing([late]))
    assert shown(tmp_path, "plumes")["retrieve", "AAA"] == "u"
    few = standing(cells[:30])
    page.show(few)
    page.write(few)
    assert len(shown(tmp_path, "plumes")) == 30
    assert len(list((tmp_path / "results/status_data").glob("plumes.[0-9]*.js"))) == 1
    assert not list(tmp_path.rglob(".part.*"))


def test_a_detail_tells_why_with_what_and_where(tmp_path):
    failed = job(
        *("plumes", "retrieve", "g1", State.FAILED),
        cause="out of memory",
        message="killed",
        attempt=2,
        host="node7",
        external="81[3]",
        job=5,
        mem_mb=2000.0,
        runtime=30.0,
        peak_memory_mb=1990.0,
        wall_s=20.0,
        queued=1.8e9,
    )
    fine = job("plumes", "retrieve", "g2", State.DONE)
    far = replace(job("plumes", "retrieve", "g3", State.DONE), product=str(tmp_path.parent / "far/g3.nc"), record="")
    for cell in (failed, fine):
        path = tmp_path / cell.log
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"line {number}\n" for number in range(100)))
    ledger = Ledger(tmp_path / LEDGER)
    ledger.begin(began=1.0, beat=1.0, host="h", pid=1, born="0", words="snakemake")
    ledger.put(plan_jobs, [(5, "plumes", "retrieve", "g1", failed.product, failed.log, failed.product)])
    ledger.put(add_attempt, 5, {"attempt": 1, "cause": "node", "detail": "went down", "host": "node3", "mem_mb": 1e3})
    ledger.close()
    write_page(standing([failed, fine, far]), tmp_path, RESULTS)
    told = detail_of(tmp_path, failed)
    assert told.pop("tail").splitlines() == [f"line {number}" for number in range(70, 100)]
    assert told == {
        "product": failed.product,
        "attempt": 2,
        "cause": "out of memory",
        "message": "killed",
        "host": "node7",
        "wall": 20.0,
        "memory": 1990.0,
        "asked_memory": 2000.0,
        "asked_minutes": 30.0,
        "threads": 1,
        "external": "81[3]",
        "queued": 1.8e9,
        "log": 1,
        "attempts": [[1, "node", "went down", "node3", "", 1000.0, None, None, None]],
    }
    assert "tail" not in detail_of(tmp_path, fine)
    assert detail_of(tmp_path, fine)["record"] == 1
    assert detail_of(tmp_path, far)["product"] == "../far/g3.nc"


def test_pictures_are_those_of_the_granule(tmp_path):
    folder = tmp_path / "results/plumes/plot-scene/g1"
    folder.mkdir(parents=True)
    for name in ("map.png", "scene.html", ".part.x.png"):
        (folder / name).touch()
    scene = replace(job("plumes", "plot-scene", "g1", State.DONE), product="results/plumes/plot-scene/g1.json")
    frame = job("coronagraph", "calibrate-frame", "f1", State.DONE, products="a/f1_L2b.fits\na/f1_L2a.fits")
    drawn = job("coronagraph", "plot", "calibrate-frame/f1_L2a", State.DONE, products="p/f1_L2a.png")
    to_come = job("coronagraph", "plot", "calibrate-frame/f1_L2b", State.WAITING, products="p/f1_L2b.png")
    cells = [job("plumes", "retrieve", "g1", State.DONE), scene, frame, drawn, to_come]
    write_page(standing(cells), tmp_path, RESULTS)
    assert part(tmp_path, "plumes.0")["pictures"] == [[["plot-scene", "results/plumes/plot-scene/g1/map.png"]]]
    own = dict(
        zip(part(tmp_path, "coronagraph.names")["granules"], part(tmp_path, "coronagraph.0")["pictures"], strict=True)
    )
    assert own == {
        "f1": [["plot", "p/f1_L2a.png"]],
        "calibrate-frame/f1_L2a": [["plot", "p/f1_L2a.png"]],
        "calibrate-frame/f1_L2b": [],
    }


def test_notes_and_the_end_of_a_run_are_told(tmp_path):
    ended = Standing((), (run(alive=False),), ("the controller ended without a word",), ("results/x.json",))
    write_page(ended, tmp_path, RESULTS)
    head = part(tmp_path, "head")
    assert head["run"]["alive"] is False
    assert head["notes"][0] == "the controller ended without a word"
    assert "1 records" in head["notes"][1]
    assert head["following"] is None
    assert head["pace"]["seconds_left"] is None


def test_the_page_is_no_record(tmp_path, monkeypatch):
    write_page(standing(many(3)), tmp_path, RESULTS)
    assert read_standing(tmp_path).cells == ()
    assert read_standing(tmp_path).unreadable == ()
    monkeypatch.chdir(tmp_path)
    assert collect(RESULTS).unreadable == ()


def test_the_page_asks_for_nothing_from_elsewhere():
    assert not re.findall(r"(?:https?:)?//[a-z]", page_text().replace("// ", ""))
    assert "/* scripts */" not in page_text()
