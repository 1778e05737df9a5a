"""What a controller writes down, who may hold it, and what the next one reads."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.arrays import Array, Element, Waiting
from snakemake_executor_plugin_jobarray.journal import DEAD_AFTER, HEARTBEAT, AnotherController, Journal
from snakemake_executor_plugin_jobarray.requests import Request

HOLD = """
import sys
from pathlib import Path
from snakemake_executor_plugin_jobarray.journal import Journal
Journal(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jobarray"


@pytest.fixture
def filed(folder: Path, waiting: Callable[..., Waiting]) -> Callable[..., Array]:
    """Return a maker of arrays in the folder of a journal."""

    def make(name: str = "calibrate-1", request: Request | None = None, jobs: int = 2) -> Array:
        array = Array(folder / "run" / name, name, "calibrate", request or Request(), 12)
        array.elements[1] = Element(array, 1, [waiting(f"{name}.{number}") for number in range(jobs)])
        array.write("/work")
        return array

    return make


def hold(folder: Path, *, silent: float = 0.0, **identity: Any) -> None:
    """Let another controller hold a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "controller.json").write_text(json.dumps(identity))
    then = time.time() - silent
    os.utime(folder / "controller.json", (then, then))


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hearts beat fast."""
    monkeypatch.setattr("snakemake_executor_plugin_jobarray.journal.HEARTBEAT", 0.01)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def restarted(journal: Journal) -> list[tuple[Array, set[tuple[int, int]]]]:
    """Return what the next controller finds after this one was killed."""
    journal.release()
    following = Journal(journal.folder)
    try:
        return following.open_arrays()
    finally:
        following.release()


def test_a_folder_has_one_controller(folder: Path) -> None:
    first = Journal(folder)
    with pytest.raises(AnotherController, match=f"process {os.getpid()} on"):
        Journal(folder)
    first.release()
    Journal(folder).release()
    assert not (folder / "controller.json").exists()


def test_a_controller_that_lives_is_respected_and_a_killed_one_is_not(folder: Path) -> None:
    words = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(AnotherController, match=f"process {other.pid} on {socket.gethostname()}"):
            Journal(folder)
        other.kill()
    Journal(folder).release()
    assert not list(folder.glob("controller*"))


def test_the_number_of_a_process_alone_is_no_proof_of_life(folder: Path) -> None:
    hold(folder, host=socket.gethostname(), pid=os.getpid(), begun="1")
    Journal(folder).release()


def test_a_process_that_only_waits_for_its_parent_is_dead(folder: Path) -> None:
    other = subprocess.Popen(["true"])
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    hold(folder, host=socket.gethostname(), pid=other.pid, begun=None)
    Journal(folder).release()
    other.wait()


@pytest.mark.parametrize(("silent", "dead"), [(0.0, False), (DEAD_AFTER - 30, False), (DEAD_AFTER + 5, True)])
def test_a_controller_on_another_host_lives_as_long_as_its_heart_beats(folder: Path, silent: float, dead: bool) -> None:
    hold(folder, silent=silent, host="elsewhere", pid=1, begun="1")
    if dead:
        Journal(folder).release()
        return
    with pytest.raises(AnotherController, match="process 1 on elsewhere"):
        Journal(folder)


def test_a_sign_of_life_is_given_now_and_then(folder: Path, fast: None) -> None:
    journal = Journal(folder)
    holder = folder / "controller.json"
    for _ in range(2):
        os.utime(holder, (1, 1))
        until(lambda: holder.stat().st_mtime > 1)
    journal.check_held()
    assert HEARTBEAT * 5 < DEAD_AFTER
    journal.release()
    hold(folder, silent=1000, host="elsewhere", pid=1, begun="1")
    then = holder.stat().st_mtime
    time.sleep(0.1)
    assert holder.stat().st_mtime == then


def test_a_file_system_in_trouble_does_not_mean_that_another_took_over(
    folder: Path, fast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(folder)
    tried, touch = [], os.utime

    def away(*_: Any) -> None:
        tried.append(1)
        raise OSError(errno.ESTALE, "stale")

    monkeypatch.setattr(os, "utime", away)
    until(lambda: len(tried) > 2)
    journal.check_held()
    monkeypatch.setattr(os, "utime", touch)
    os.utime(folder / "controller.json", (1, 1))
    until(lambda: (folder / "controller.json").stat().st_mtime > 1)
    journal.check_held()
    journal.release()


def test_who_took_over_from_the_dead_in_between_keeps_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(folder, silent=DEAD_AFTER + 5, host="elsewhere", pid=1, begun="1")
    rename = Path.rename

    def late(path: Path, target: Path) -> Path:
        hold(folder, host="quicker", pid=2, begun="2")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(AnotherController, match="process 2 on quicker"):
        Journal(folder)
    assert json.loads((folder / "controller.json").read_text())["host"] == "quicker"
    assert [path.name for path in folder.glob("controller*")] == ["controller.json"]


@pytest.mark.parametrize("text", ["", '{"host": "elsewhere", "pid": 1, "begun": "1"}', None])
def test_a_controller_whose_folder_was_taken_over_stops(folder: Path, fast: None, text: str | None) -> None:
    journal = Journal(folder)
    (folder / "controller.json").unlink()
    if text is not None:
        (folder / "controller.json").write_text(text)
    until(journal._taken.is_set)
    with pytest.raises(AnotherController, match="took over"):
        journal.check_held()
    journal.release()
    assert (folder / "controller.json").exists() == (text is not None)  # what is another's stays


def test_nothing_is_open_at_first(folder: Path) -> None:
    assert Journal(folder).open_arrays() == []


def test_an_open_array_comes_back_as_it_was(folder: Path, filed: Callable[..., Array]) -> None:
    journal = Journal(folder)
    request = Request(
        mem_mb=800, runtime=5, cpus=2, partition="normal", extra=("--nice", "two words"), avoid=frozenset({"n2", "n1"})
    )
    array = filed(request=request)
    journal.intend(array)
    array.external = "77"
    journal.submitted(array)
    ((back, collected),) = restarted(journal)
    assert (back.folder, back.name, back.rule, back.external) == (array.folder, array.name, array.rule, "77")
    assert (back.request, back.minutes) == (request, 12)
    assert [job.task for job in back.elements[1].jobs] == [job.task for job in array.elements[1].jobs]
    assert collected == set()


def test_an_array_whose_answer_never_came_is_known_by_its_name(folder: Path, filed: Callable[..., Array]) -> None:
    journal = Journal(folder)
    journal.intend(filed())
    ((back, _),) = restarted(journal)
    assert (back.name, back.external) == ("calibrate-1", None)


def test_jobs_that_were_taken_over_are_known_by_their_array(folder: Path, filed: Callable[..., Array]) -> None:
    journal = Journal(folder)
    one, two = filed("one"), filed("two")
    for array in (one, two):
        journal.intend(array)
    journal.collected([(str(one.folder), 1, 0), (str(two.folder), 1, 1)])
    journal.collected([(str(two.folder), 1, 0)])
    assert {array.name: places for array, places in restarted(journal)} == {"one": {(1, 0)}, "two": {(1, 0), (1, 1)}}


@pytest.mark.parametrize("good", [True, False])
def test_of_a_closed_array_only_what_failed_stays_to_be_looked_at(
    folder: Path, filed: Callable[..., Array], good: bool
) -> None:
    journal = Journal(folder)
    one, two = filed("one"), filed("two")
    for array in (one, two):
        journal.intend(array)
    one.good = good
    journal.closed(one)
    assert one.folder.exists() != good
    assert [array.name for array, _ in restarted(journal)] == ["two"]


def test_the_journal_begins_anew_where_nothing_is_open(folder: Path, filed: Callable[..., Array]) -> None:
    journal = Journal(folder)
    array = filed()
    journal.intend(array)
    journal.closed(array)
    assert (folder / "journal.jsonl").exists()
    assert restarted(journal) == []
    assert not (folder / "journal.jsonl").exists()


def test_the_folder_may_move_with_the_campaign(folder: Path, filed: Callable[..., Array]) -> None:
    journal = Journal(folder)
    journal.intend(filed())
    journal.release()
    moved = folder.rename(folder.with_name("moved"))
    following = Journal(moved)
    ((back, _),) = following.open_arrays()
    following.release()
    assert back.folder == moved / "run" / "calibrate-1"
    assert len(back.elements) == 1


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_an_array_written_down_behind_a_torn_line_is_open(
    folder: Path, filed: Callable[..., Array], share: float
) -> None:
    journal = Journal(folder)
    one, two = filed("one"), filed("two")
    journal.intend(one)
    path = folder / "journal.jsonl"
    text = path.read_bytes()
    journal.intend(two)
    last = path.read_bytes()[len(text) :]
    path.write_bytes(text + last[: round(share * len(last))])
    journal.release()
    following = Journal(folder)
    assert [array.name for array, _ in following.open_arrays()] == ["one"]
    following.intend(filed("three"))
    assert [array.name for array, _ in restarted(following)] == ["one", "three"]


def test_a_cancelled_array_stays_open_and_is_recalled(folder: Path, filed: Callable[..., Array]) -> None:
    journal = Journal(folder)
    one, two = filed("one"), filed("two")
    for array in (one, two):
        journal.intend(array)
        array.external = array.name
        journal.submitted(array)
    journal.cancelled(one)
    found = {array.name: array for array, _ in restarted(journal)}
    assert {name: [element.recalled for element in array.elements.values()] for name, array in found.items()} == {
        "one": [True],
        "two": [False],
    }
    assert found["one"].external == "one"
    journal.closed(one)
    assert [array.name for array, _ in restarted(journal)] == ["two"]


@settings(deadline=None)
@given(st.floats(0, 1))
def test_a_journal_that_ends_anywhere_tells_what_was_whole(
    tmp_path_factory: pytest.TempPathFactory, waiting: Callable[..., Waiting], share: float
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    journal = Journal(folder)
    for number in range(3):
        array = Array(folder / str(number), str(number), "calibrate", Request(), None)
        array.elements[1] = Element(array, 1, [waiting(str(number))])
        array.write("/work")
        journal.intend(array)
        journal.submitted(replace(array, external=str(number)))
    text = (folder / "journal.jsonl").read_bytes()
    cut = round(share * len(text))
    (folder / "journal.jsonl").write_bytes(text[:cut])
    whole = text[:cut].decode().count("\n")
    if text[cut : cut + 1] == b"\n":
        whole += 1  # of the last line the line feed alone is missing
    assert [array.external for array, _ in restarted(journal)] == [
        str(number) if whole > 2 * number + 1 else None for number in range((whole + 1) // 2)
    ]
