"""A page that is kept fresh: what is new comes from the ledger alone, the end from the records, and a run writes it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from levelworks.campaign.ledger import LEDGER, Ledger, end_run, plan_jobs, update_job
from levelworks.campaign.page_keeper import SHORTEST, PageKeeper
from levelworks.campaign.processes import birth
from levelworks.campaign.standing import State
from levelworks.campaign.watching import Watch

RESULTS = Path("results")


def states(folder: Path) -> Counter[str]:
    """Return the number of jobs by state, as the page's JSON tells."""
    head = json.loads((folder / "results/status.json").read_text())
    found: Counter[str] = Counter()
    for line in head["lines"]:
        for stage in line["stages"]:
            found.update({state.value: stage[state.value] for state in State if stage[state.value]})
    return found


@pytest.fixture
def ledger(tmp_path):
    """Return a ledger of this process with four jobs, written."""
    made = Ledger(tmp_path / LEDGER)
    now = time.time()
    made.begin(began=now, beat=now, host=socket.gethostname(), pid=os.getpid(), born=birth(os.getpid()), words="x")
    rows = [
        (job, "ard", "mosaic", f"g{job}", f"results/ard/mosaic/g{job}.tif", "", f"results/ard/mosaic/g{job}.tif")
        for job in range(4)
    ]
    made.put(plan_jobs, rows, "results")
    made.flush()
    yield made
    made.close()


def test_following_tells_what_changed_and_no_more(tmp_path, ledger):
    watch = Watch(tmp_path, RESULTS)
    assert len(watch.read().cells) == 4
    ledger.put(update_job, 1, {"state": "running", "began": 1.0})
    ledger.put(update_job, 2, {"state": "failed", "cause": "node"})
    ledger.flush()
    found = {cell.granule: cell.state for cell in watch.follow().cells}
    assert found == {"g1": State.RUNNING, "g2": State.FAILED}
    ledger.put(update_job, 1, {"state": "ended", "outcome": "skipped", "reason": "all cloud"})
    ledger.put(update_job, 2, {"state": "queued"})
    ledger.flush()
    told = watch.follow()
    assert {cell.granule: cell.state for cell in told.cells} == {"g1": State.SKIPPED, "g2": State.QUEUED}
    assert told.alive is not None
    ledger.put(update_job, 3, {"state": "planned"})
    ledger.flush()
    assert State.WAITING in {cell.state for cell in watch.follow().cells}


def test_another_run_or_ledger_is_read_whole(tmp_path, ledger):
    watch = Watch(tmp_path, RESULTS)
    assert watch.follow() is None
    watch.read()
    assert watch.follow() is not None
    other = Ledger(tmp_path / LEDGER)
    other.begin(began=2.0, beat=2.0, host="elsewhere", pid=1, born="1", words="y")
    other.close()
    assert watch.follow() is None
    watch.read()
    assert watch.follow() is not None
    (tmp_path / LEDGER).unlink()
    assert watch.follow() is None


def test_a_refresh_shows_what_the_ledger_says_and_the_last_what_the_disk_says(tmp_path, ledger):
    keeper = PageKeeper(tmp_path, RESULTS)
    keeper.refresh()
    assert states(tmp_path) == {"waiting": 4}
    for job in (0, 1):
        ledger.put(update_job, job, {"state": "ended", "outcome": "done", "ended": 2.0})
    ledger.flush()
    assert keeper.refresh() == SHORTEST
    assert states(tmp_path) == {"waiting": 2, "done": 2}
    (tmp_path / "results/ard/mosaic").mkdir(parents=True)
    (tmp_path / "results/ard/mosaic/g0.tif").touch()
    ledger.put(end_run, "ended")
    ledger.flush()
    keeper.refresh(whole=True)
    assert states(tmp_path) == {"waiting": 2, "done": 1, "removed": 1}
    head = json.loads((tmp_path / "results/status.json").read_text())
    assert head["run"]["ended"]
    assert head["following"] is None


def test_trouble_is_told_once_and_stops_nothing(tmp_path, ledger):
    (tmp_path / "results").write_text("no folder")
    told: list[str] = []
    keeper = PageKeeper(tmp_path, RESULTS, told.append)
    for _ in range(2):
        keeper._try()
    assert len(told) == 1
    assert "status.html can't be written" in told[0]
    (tmp_path / "results").unlink()
    keeper._try()
    assert states(tmp_path) == {"waiting": 4}
