"""The ledger: what is told arrives in one transaction, whatever happens to the file; many jobs are read quickly."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from levelworks.campaign.ledger import (
    LEDGER,
    Ledger,
    add_attempt,
    end_job,
    end_run,
    plan_jobs,
    reading,
    update_job,
)
from levelworks.campaign.planned import row_of
from levelworks.campaign.processes import birth
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.standing import Cell, State
from levelworks.campaign.status_text import render
from levelworks.campaign.summary import count_groups, count_stages, group_of, pace_of
from levelworks.core.record import FORMAT


def begin(ledger: Ledger, *, pid: int | None = None) -> None:
    pid = pid or os.getpid()
    now = time.time()
    ledger.begin(began=now, beat=now, host=socket.gethostname(), pid=pid, born=birth(pid) or "0", words="snakemake all")


def rows(number: int, stage: str = "first") -> list[tuple]:
    made = (row_of(job, [f"results/ard/{stage}/g{job}.tif"], [f"logs/ard/{stage}/g{job}.log"]) for job in range(number))
    return [row for row in made if row]


@pytest.fixture
def told():
    """Return what ledgers had to complain of."""
    return []


@pytest.fixture
def ledger(tmp_path, told):
    made = Ledger(tmp_path / LEDGER, told.append)
    yield made
    made.close()


def flushed(ledger: Ledger) -> sqlite3.Connection:
    ledger.flush()
    connection = sqlite3.connect(ledger.path)
    connection.row_factory = sqlite3.Row
    return connection


def test_a_job_of_a_rule_without_products_is_none():
    assert row_of(3, [], []) is None
    assert row_of(3, ["x/y.tif"], ["elsewhere.log"])[1:5] == ("", "", "y.tif", "x/y.tif")
    nested = row_of(3, ["results/insar/unwrap/1A/p.h5"], ["logs/insar/unwrap/1A/p.log"])
    assert nested[1:4] == ("insar", "unwrap", "1A/p")


def test_plans_updates_and_attempts_arrive(ledger):
    begin(ledger)
    ledger.put(plan_jobs, rows(3), "out")
    ledger.put(update_job, 1, {"state": "running", "attempt": 2})
    ledger.put(add_attempt, 1, {"attempt": 1, "cause": "killed for memory"})
    ledger.put(end_run, "ended")
    with flushed(ledger) as connection:
        jobs = connection.execute("SELECT job, state, attempt FROM jobs ORDER BY job").fetchall()
        assert [tuple(job) for job in jobs] == [(0, "planned", 0), (1, "running", 2), (2, "planned", 0)]
        assert connection.execute("SELECT state, results FROM runs").fetchone()[:] == ("ended", "out")
        assert connection.execute("SELECT cause FROM attempts").fetchone()[0] == "killed for memory"


def test_a_file_that_somebody_removed_is_begun_anew(ledger, told):
    begin(ledger)
    ledger.put(plan_jobs, rows(2))
    flushed(ledger).close()
    ledger.path.unlink()
    ledger.put(update_job, 1, {"product": "results/x", "state": "queued"})
    with flushed(ledger) as connection:
        assert connection.execute("SELECT words FROM runs").fetchall()[0][0] == "snakemake all"
        assert connection.execute("SELECT job, state FROM jobs WHERE job = 1").fetchall()[0][:] == (1, "queued")
    assert told == []


def test_it_is_begun_anew_with_the_jobs_that_go_on(ledger, tmp_path, told):
    begin(ledger)
    ledger.put(plan_jobs, rows(5), "results")
    for job, state in enumerate(("running", "running", "failed", "queued")):
        ledger.put(update_job, job, {"state": state, "attempt": 2})
    flushed(ledger).close()
    product = tmp_path / "results/ard/first/g0.tif"
    record(product, "quarantined")
    ledger.put(end_job, 0, os.fspath(product), time.time())
    flushed(ledger).close()
    ledger.path.unlink()
    ledger.put(update_job, 1, {"state": "queued"})
    flushed(ledger).close()
    found = {cell.granule: (cell.state, cell.attempt) for cell in read_standing(tmp_path).cells}
    assert found == {
        "g0": ("quarantined", 1),  # by its record
        "g1": ("queued", 2),
        "g2": ("failed", 2),
        "g3": ("queued", 2),
        "g4": ("waiting", 0),
    }
    with flushed(ledger) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone()[0] == 1
    assert told == []


def test_a_file_that_could_not_be_written_for_a_while_is_gone_on_with(ledger, told, monkeypatch):
    begin(ledger)
    ledger.put(plan_jobs, rows(2))
    flushed(ledger).close()

    def refuse(*_):
        raise sqlite3.OperationalError("database is locked")

    ledger.put(refuse)
    ledger.put(update_job, 1, {"state": "running"})
    ledger.flush()
    ledger._kept = [order for order in ledger._kept if order[0] is not refuse]
    with flushed(ledger) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone()[0] == 1
        assert connection.execute("SELECT state FROM jobs WHERE job = 1").fetchone()[0] == "running"
    assert ["is locked" in one for one in told] == [True]


def test_a_product_without_record_tells_that_its_job_has_ended_before_the_ledger_does(ledger, tmp_path):
    begin(ledger)
    names = {"check-outcomes": "outcomes.tsv", "older": "older.tsv", "stage": "g.tif", "absent": "absent.tsv"}
    found = [
        row_of(job, [f"results/ard/{name}"], [f"logs/ard/{stage}/x.log"])
        for job, (stage, name) in enumerate(names.items())
    ]
    folder = tmp_path / "results/ard"
    folder.mkdir(parents=True)
    (folder / "older.tsv").write_text("of a run before")
    record = folder / "g.tif.json"
    record.write_text("{}")  # of a run before, too: this product is of a stage that writes one
    for path in (folder / "older.tsv", record):
        os.utime(path, (1e9, 1e9))
    ledger.put(plan_jobs, found)
    for job in range(len(names)):
        ledger.put(update_job, job, {"state": "running", "queued": time.time() - 1})
    flushed(ledger).close()
    for name in ("outcomes.tsv", "g.tif"):
        (folder / name).write_text("new")
    states = {cell.stage: cell.state for cell in read_standing(tmp_path).cells}
    assert states == {"check-outcomes": "done", "older": "running", "stage": "running", "absent": "running"}


def test_a_file_that_is_no_ledger_is_set_aside(tmp_path, told):
    path = tmp_path / "ledger.sqlite"
    path.write_text("not a database, whatever its name says" * 100)
    ledger = Ledger(path, told.append)
    begin(ledger)
    flushed(ledger).close()
    ledger.close()
    assert "was no ledger" in told[0]
    assert (tmp_path / "ledger.sqlite.damaged").read_text().startswith("not a database")


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, told):
    (tmp_path / "file").write_text("")
    ledger = Ledger(tmp_path / "file" / "ledger.sqlite", told.append)
    begin(ledger)
    ledger.put(plan_jobs, rows(1))
    ledger.flush()
    ledger.flush()
    assert len(told) == 1
    assert "it is tried again" in told[0]
    (tmp_path / "file").unlink()
    with flushed(ledger) as connection:
        assert connection.execute("SELECT COUNT(*) FROM jobs").fetchone()[0] == 1
    ledger.close()


def test_another_versions_ledger_is_not_read(ledger):
    begin(ledger)
    flushed(ledger).close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(sqlite3.DatabaseError, match="another version"), reading(ledger.path):
        pass


def record(path: Path, outcome: str = "done", named: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(outcome)
    content = {
        "levelworks_record": FORMAT,
        "line": "ard",
        "stage": "first",
        "outcome": outcome,
        "reason": "",
        "warnings": [],
        "wall_s": 2.0,
        "cpu_s": 1.0,
        "peak_memory_mb": 10.0,
        "attempt": 1,
        "started": "2025",
        "inputs": {},
        "outputs": {"image": {"path": named or f"results/ard/first/{path.name}"}},
    }
    path.with_name(path.name + ".json").write_text(json.dumps(content))


def test_what_a_dead_controller_left_waits_but_what_ended_since_counts(ledger, tmp_path):
    begin(ledger, pid=2**22 - 1)
    ledger.put(plan_jobs, rows(3))
    for job in range(3):
        ledger.put(update_job, job, {"state": "running", "queued": time.time() - 1})
    flushed(ledger).close()
    record(tmp_path / "results/ard/first/g1.tif", "skipped")
    found = read_standing(tmp_path)
    assert [cell.state.value for cell in found.cells] == ["waiting", "skipped", "waiting"]
    assert "ended without a word" in found.notes[0]
    assert found.alive is None
    assert pace_of(found).seconds_left is None


def test_products_removed_or_made_again_since_are_seen(ledger, tmp_path):
    from levelworks.campaign.outcomes import read_outcome

    begin(ledger)
    ledger.put(plan_jobs, rows(3))
    for job in range(3):
        path = tmp_path / f"results/ard/first/g{job}.tif"
        record(path)
        outcome = read_outcome(str(path)) | {"record": f"results/ard/first/g{job}.tif.json"}
        ledger.put(update_job, job, {"state": "ended", **outcome})
    flushed(ledger).close()
    (tmp_path / "results/ard/first/g0.tif.json").unlink()
    record(tmp_path / "results/ard/first/g1.tif", "quarantined")
    os.utime(tmp_path / "results/ard/first/g1.tif.json", (1, 1))
    (tmp_path / "results/ard/first/g2.tif.json").write_text("{")
    found = read_standing(tmp_path)
    assert [cell.state.value for cell in found.cells] == ["removed", "quarantined", "done"]
    assert found.unreadable == ("results/ard/first/g2.tif.json",)


@pytest.mark.parametrize("results", ["results", "{base}/results", "./results", "../{name}/results"])
def test_a_results_folder_may_be_spelled_in_any_way(ledger, tmp_path, results):
    results = results.format(base=tmp_path, name=tmp_path.name)
    begin(ledger)
    made = [row_of(job, [f"{results}/ard/first/g{job}.tif"], [f"logs/ard/first/g{job}.log"]) for job in range(3)]
    ledger.put(plan_jobs, made, results)
    for job in range(2):
        path = tmp_path / f"results/ard/first/g{job}.tif"
        record(
            path, "done" if job else "quarantined", str(path) if "{" in results else f"{results}/ard/first/g{job}.tif"
        )
        ledger.put(end_job, job, str(path), time.time())
        ledger.put(update_job, job, {"record": f"{results}/ard/first/g{job}.tif.json"})
    flushed(ledger).close()
    assert [cell.state for cell in read_standing(tmp_path).cells] == ["quarantined", "done", "waiting"]


def test_jobs_of_another_results_folder_are_no_part(ledger, tmp_path):
    for results in ("one", "two"):
        begin(ledger)
        made = [row_of(job, [f"{results}/ard/first/g{job}.tif"], [f"logs/ard/first/g{job}.log"]) for job in range(2)]
        ledger.put(plan_jobs, made, results)
        ledger.flush()
    assert {cell.product[:3] for cell in read_standing(tmp_path).cells} == {"two"}
    assert {cell.product[:3] for cell in read_standing(tmp_path, Path("one")).cells} == {"one"}


def run_of(ledger, words, jobs, base="snakemake --cores 2"):
    now = time.time()
    ledger.begin(began=now, beat=now, host=socket.gethostname(), pid=os.getpid(), born="0", words=words, base=base)
    ledger.put(plan_jobs, jobs, "results")
    ledger.flush()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("snakemake --cores 2", {"g1"}),
        ("snakemake all --cores 2", {"g1"}),
        ("snakemake results/ard/first/g1.tif --cores 2", {"g0", "g1"}),  # of the others this run says nothing
        ("snakemake --cores 2 --until first", {"g0", "g1"}),
        ("snakemake --cores 4", {"g0", "g1"}),  # another campaign, for all that is known
    ],
)
def test_what_a_whole_plan_left_out_is_not_asked_for_any_more(ledger, tmp_path, words, expected):
    run_of(ledger, "snakemake --cores 2", rows(2))
    for job in range(2):
        ledger.put(update_job, job, {"state": "failed"})
    ledger.flush()
    run_of(ledger, words, rows(2)[1:], "snakemake --cores 4" if "4" in words else "snakemake --cores 2")
    assert {cell.granule for cell in read_standing(tmp_path).cells} == expected


def test_a_job_that_failed_after_its_record_was_written_is_not_done(ledger, tmp_path):
    begin(ledger)
    ledger.put(plan_jobs, rows(1))
    ledger.put(update_job, 0, {"state": "failed", "queued": time.time() - 1})
    flushed(ledger).close()
    product = tmp_path / "results/ard/first/g0.tif"
    record(product)
    product.unlink()
    assert [cell.state for cell in read_standing(tmp_path).cells] == ["failed"]


def test_a_link_to_nothing_hides_no_records(ledger, tmp_path):
    begin(ledger)
    ledger.put(plan_jobs, rows(2))
    for job in range(2):
        path = tmp_path / f"results/ard/first/g{job}.tif"
        record(path)
        ledger.put(end_job, job, str(path), time.time())
        ledger.put(update_job, job, {"record": f"results/ard/first/g{job}.tif.json"})
    flushed(ledger).close()
    (tmp_path / "results/ard/first/AAA.json").symlink_to("/nowhere")
    assert [cell.state for cell in read_standing(tmp_path).cells] == ["done", "done"]


def test_every_product_of_a_job_is_looked_for(ledger, tmp_path):
    begin(ledger)
    both = [f"results/ard/first/{name}" for name in ("a.tif", "b.tif", "a.there")]
    ledger.put(plan_jobs, [row_of(0, both, ["logs/ard/first/a.log"])])
    ledger.put(update_job, 0, {"state": "ended"})
    flushed(ledger).close()
    folder = tmp_path / "results/ard/first"
    folder.mkdir(parents=True)
    for name in ("a.tif", "b.tif"):
        (folder / name).touch()
    assert [cell.state for cell in read_standing(tmp_path).cells] == ["done"]  # marks go with what may be removed
    (folder / "b.tif").unlink()
    assert [cell.state for cell in read_standing(tmp_path).cells] == ["removed"]


def test_groups_are_frames_targets_and_tiles(ledger, tmp_path):
    begin(ledger)
    names = [("insar", "unwrap", "1A/p"), ("insar", "publish", "1A"), ("xco2", "update-cube", "post/oco3/rome")]
    names += [("ard", "merge-tile", "X1_Y2/2020"), ("coronagraph", "calibrate-frame", "f1")]
    names += [("insar", "check-outcomes", "outcomes")]
    made = [row_of(k, [f"r/{k}"], [f"logs/{'/'.join(name)}.log"]) for k, name in enumerate(names)]
    ledger.put(plan_jobs, made)
    flushed(ledger).close()
    found = read_standing(tmp_path)
    groups = {("insar", "1A"), ("insar", ""), ("xco2", "rome"), ("ard", "X1_Y2"), ("coronagraph", "")}
    assert set(count_groups(found.cells)) == groups
    assert count_stages(found.cells)["insar", "unwrap"].planned == 1


@pytest.mark.parametrize(
    ("stage", "granule", "product", "dataset"),
    [
        ("calibrate-frame", "cgi_1_l1_", "cgi_1_L2a.fits", ""),
        ("combine", "HD-1", "HD-1_mean.fits", "HD-1"),
        ("combine", "HD-1_gain100_60p0s", "HD-1_gain100_60p0s_mean.fits", "HD-1"),
        ("combine", "HD-1_gain1_2s_TEST", "HD-1_gain1_2s_TEST_mean.fits", "HD-1"),
        ("combine", "a_mean", "a_mean_mean.fits", "a_mean"),
        ("count-photons", "a", "a_photons.fits", "a"),
        ("plot", "combine/a", "combine/a_median.png", "a"),
        ("plot", "calibrate-frame/cgi_1_L2b", "calibrate-frame/cgi_1_L2b.png", ""),
        ("plot", "make-dark/gain1_2s", "make-dark/gain1_2s.png", ""),
        ("make-dark", "gain1_2s", "gain1_2s.fits", ""),
        ("check-outcomes", "outcomes", "outcomes.tsv", ""),
    ],
)
def test_groups_of_coronagraph_are_datasets(stage, granule, product, dataset):
    cell = Cell("coronagraph", stage, granule, f"results/coronagraph/{stage}/{product}", State.DONE)
    assert group_of(cell) == dataset


def test_memory_is_that_of_all_ranks(ledger, tmp_path):
    product = tmp_path / "results/ard/first/g0.tif"
    record(product)
    beside = product.with_name("g0.tif.json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"ranks": 4}))
    assert [cell.peak_memory_mb for cell in read_standing(tmp_path).cells] == [40.0]
    begin(ledger)
    ledger.put(plan_jobs, rows(1))
    ledger.put(end_job, 0, os.fspath(product), time.time())
    flushed(ledger).close()
    found = read_standing(tmp_path)
    assert [cell.peak_memory_mb for cell in found.cells] == [40.0]
    assert "40 MB" in render(found, terminal=False)


def test_the_pace_tells_when_the_last_job_ends(ledger, tmp_path):
    begin(ledger)
    ledger.put(plan_jobs, rows(30))
    now = time.time()
    ledger.put(lambda connection, run: connection.execute("UPDATE runs SET began = ?", (now - 100,)))
    for job in range(20):
        ended = {"state": "ended", "outcome": "done", "ended": now - job, "wall_s": 10.0}
        ledger.put(update_job, job, ended)
        (tmp_path / f"results/ard/first/g{job}.tif").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"results/ard/first/g{job}.tif").touch()
    flushed(ledger).close()
    pace = pace_of(read_standing(tmp_path))
    assert pace.jobs_per_minute == pytest.approx(12.0, rel=0.1)
    assert pace.seconds_left == pytest.approx(50.0, rel=0.1)


def test_counts_are_those_of_the_cells(ledger, tmp_path):
    begin(ledger)
    ledger.put(plan_jobs, rows(10))
    for job, state in enumerate(["queued"] * 3 + ["running"] * 2 + ["failed"]):
        ledger.put(update_job, job, {"state": state, "attempt": 2, "queued": time.time() - 1})
    flushed(ledger).close()
    count = count_stages(read_standing(tmp_path).cells)["ard", "first"]
    assert Counter({state.value: number for state, number in count.states.items()}) == Counter(
        {"queued": 3, "running": 2, "failed": 1, "waiting": 4}
    )
    assert (count.retried, count.planned, count.finished, count.percent) == (6, 10, 0, 0.0)
