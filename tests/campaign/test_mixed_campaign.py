"""Every kind of outcome at once: what status, failed and retry say, and what stands on disk, are one."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from mixed_campaign import MixedCampaign

from levelworks.campaign.failures import find_failures
from levelworks.campaign.ledger import LEDGER
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.standing import Standing
from workflow import BIN, environment

GRANULES = {
    "a": "done", "b": "done", "c": "skipped", "d": "quarantined", "e": "bug", "f": "hungry", "g": "waits", "h": "bug",
}  # fmt: skip
FIRST = {
    "a": "done", "b": "done", "c": "skipped", "d": "quarantined", "e": "failed", "f": "done", "g": "running",
    "h": "failed",
}  # fmt: skip
SECOND = {granule: "waiting" if state in ("failed", "running") else "done" for granule, state in FIRST.items()}
EXPECTED = Counter([*FIRST.values(), *SECOND.values()])


def levelworks(folder: Path, *words: str) -> str:
    command = [str(BIN / "levelworks"), *words]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def states(standing: Standing) -> dict[tuple[str, str], str]:
    return {(cell.stage, cell.granule): cell.state.value for cell in standing.cells}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Return the campaign while one job still runs and all else is over, with what was known then."""
    made = MixedCampaign(tmp_path_factory.mktemp("mixed"), GRANULES)
    process = made.start()

    def nearly_over() -> bool:
        found = states(read_standing(made.folder))
        return Counter(found.values()) == EXPECTED

    try:
        made.wait_for(nearly_over)
        made.meanwhile = read_standing(made.folder)
        made.text = levelworks(made.folder, "status")
        made.json = json.loads(levelworks(made.folder, "status", "--json"))
        made.refusal = subprocess.run(
            [str(BIN / "levelworks"), "retry"], cwd=made.folder, env=environment(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        made.go()
        assert process.wait(60) == 1
        yield made
    finally:
        made.end()


def test_while_one_runs_each_is_what_it_is(mixed):
    expected = {("first", granule): state for granule, state in FIRST.items()}
    expected |= {("second", granule): state for granule, state in SECOND.items()}
    assert states(mixed.meanwhile) == expected
    assert mixed.meanwhile.alive is not None
    hungry = next(cell for cell in mixed.meanwhile.cells if (cell.stage, cell.granule) == ("first", "f"))
    assert hungry.attempt == 2
    assert hungry.mem_mb == 200


def test_terminal_and_json_count_alike(mixed):
    header, first, second = (line.split() for line in mixed.text.splitlines()[:3])
    names = header[2 : header.index("finished")]
    assert set(names) == {"jobs", *EXPECTED, "retried"}
    for row, stage in ((first, FIRST), (second, SECOND)):
        counts = Counter(stage.values())
        shown = dict(zip(names, row[2 : 2 + len(names)], strict=True))
        assert shown.pop("retried") == ("3" if stage is FIRST else "·")
        assert shown.pop("jobs") == "8"
        assert {name: int(count.replace("·", "0")) for name, count in shown.items()} == {
            name: counts[name] for name in shown
        }
    assert {state: count for state, count in mixed.json["total"]["states"].items() if count} == dict(EXPECTED)
    assert [job["granule"] for job in mixed.json["failed"]] == ["e", "h"]
    assert mixed.json["quarantined"][0]["reason"] == "d.txt: truncated"
    assert "a run goes on" in mixed.text


def test_nothing_is_retried_beside_a_run(mixed):
    assert mixed.refusal.returncode == 64
    assert "a run goes on" in mixed.refusal.stderr


def test_the_disk_agrees(mixed):
    found = read_standing(mixed.folder)
    assert found.alive is None
    finished = {key: state for key, state in states(found).items() if state in ("done", "skipped", "quarantined")}
    assert finished == mixed.on_disk()
    assert len(finished) == 12


def test_failures_come_by_cause_with_attempts_and_logs(mixed):
    failures = find_failures(read_standing(mixed.folder), mixed.folder)
    assert [(one.cause, one.cell.granule) for one in failures] == [
        ("failed", "e"), ("failed", "h"), ("quarantined: truncated", "d"),
    ]  # fmt: skip
    assert [attempt.attempt for attempt in failures[0].attempts] == [1, 2]
    assert "nothing is known of this" in failures[0].tail
    text = levelworks(mixed.folder, "failed")
    assert "2 jobs: failed" in text
    assert "nothing is known of this" in text
    assert "levelworks retry --quarantined" in text


def test_the_report_counts_alike(mixed):
    levelworks(mixed.folder, "report")
    page = (mixed.folder / "results/report.html").read_text()
    told = {what: int(count) for count, what in re.findall(r"<b>(\d+)</b>\s*<span>(\w+)</span>", page)}
    counts = Counter(states(read_standing(mixed.folder)).values())
    assert told["jobs"] == counts.total() == 16
    for state in ("done", "skipped", "quarantined", "failed"):
        assert told[state] == counts[state]


def test_the_end_of_a_log_that_was_cut_off_is_shown_as_far_as_it_goes(mixed):
    log = mixed.folder / "logs/coronagraph/first/e.log"
    whole = log.read_bytes()
    log.write_bytes("reading\ngrün".encode()[:-2])  # within a letter
    try:
        failures = find_failures(read_standing(mixed.folder), mixed.folder)
        assert failures[0].tail == ("reading", "gr\ufffd")
        log.unlink()
        assert find_failures(read_standing(mixed.folder), mixed.folder)[0].tail == ()
    finally:
        log.write_bytes(whole)


def test_without_its_ledger_the_records_tell(mixed):
    ledger = mixed.folder / LEDGER
    aside = ledger.rename(ledger.with_name("aside"))
    try:
        found = read_standing(mixed.folder)
        assert states(found) == mixed.on_disk()
        assert "records alone" in found.notes[0]
        ledger.write_bytes(aside.read_bytes()[:3000])
        damaged = read_standing(mixed.folder)
        assert states(damaged) == mixed.on_disk()
        assert "can't be read" in damaged.notes[0]
    finally:
        aside.rename(ledger)


def test_retry_runs_just_what_failed(mixed):
    before = mixed.ran()
    mixed.tell("e", "done")
    mixed.tell("h", "done")
    shown = levelworks(mixed.folder, "retry", "--show")
    assert shown.count("results/") == 2
    levelworks(mixed.folder, "retry")
    ran = Counter(mixed.ran()) - Counter(before)
    assert set(ran) == {"first e 1", "first h 1"}
    found = states(read_standing(mixed.folder))
    assert found["first", "e"] == found["first", "h"] == "done"
    assert found["second", "e"] == "waiting"
    assert mixed.start().wait(60) == 0
    found = states(read_standing(mixed.folder))
    assert found == mixed.on_disk()
    assert len(found) == 16


def test_retry_of_one_granule_by_its_name(mixed):
    before = mixed.ran()
    mixed.tell("d", "done")
    levelworks(mixed.folder, "retry", "d")
    assert set(Counter(mixed.ran()) - Counter(before)) == {"first d 1"}
    assert mixed.on_disk()["first", "d"] == "done"
