"""Status files: whole lines alone count, and none is lost to a full disk."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.node import report
from snakemake_executor_plugin_jobarray.node.report import PATIENCE, StatusFile, append_line, read_events

MANY = [{"event": "end", "job": number, "message": "a Ä\n" * (number % 3)} for number in range(20)]
TEXT = "".join(json.dumps(event) + "\n" for event in MANY).encode()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("status")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that a writer makes, without making them."""
    made: list[float] = []
    monkeypatch.setattr(report.time, "sleep", made.append)
    return made


class Disk:
    """Stands for `os.write`: takes so many bytes, or none, at its first calls, and everything afterwards."""

    def __init__(self, *takes: int | OSError) -> None:
        self.takes = list(takes)
        self.write = os.write

    def __call__(self, descriptor: int, line: bytes) -> int:
        if not self.takes:
            return self.write(descriptor, line)
        taken = self.takes.pop(0)
        if isinstance(taken, OSError):
            raise taken
        return self.write(descriptor, line[:taken])


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = str(tmp_path / "1")
    status = StatusFile(path)
    status.write("worker", host="node1", pid=12, id="7")
    status.write("start", job=0)
    first, offset = read_events(path, 0)
    status.write("end", job=0, code=75, message="zwei\nZeilen")
    second, end = read_events(path, offset)
    assert [event["event"] for event in first] == ["worker", "start"]
    assert [(event["job"], event["code"], event["message"]) for event in second] == [(0, 75, "zwei\nZeilen")]
    assert end == Path(path).stat().st_size
    assert first[0]["time"] <= second[0]["time"]


def test_a_file_that_is_not_there_has_no_events(tmp_path: Path) -> None:
    assert read_events(str(tmp_path / "none"), 0) == ([], 0)


@settings(deadline=None)
@given(st.lists(st.integers(0, len(TEXT)), max_size=5))
def test_a_reader_who_comes_at_any_moment_misses_nothing_and_sees_nothing_twice(
    scratch: Path, moments: list[int]
) -> None:
    path = scratch / "growing"
    seen: list[dict[str, Any]] = []
    offset = 0
    for moment in [*sorted(moments), len(TEXT)]:
        path.write_bytes(TEXT[:moment])
        events, offset = read_events(str(path), offset)
        seen += events
    assert seen == MANY


@settings(deadline=None)
@given(st.integers(0, len(TEXT)), st.binary(max_size=30))
def test_a_torn_line_costs_no_other_line(scratch: Path, cut: int, rubbish: bytes) -> None:
    path = scratch / "torn"
    path.write_bytes(TEXT[:cut] + rubbish + b"\n" + TEXT)
    events, offset = read_events(str(path), 0)
    assert [event for event in events if event in MANY][-len(MANY) :] == MANY
    assert offset == path.stat().st_size


def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "1"
    path.write_bytes(b'1\n[]\nnull\n{"a": 1}\n\n\xff\n{"event": "bye"}\n')
    assert read_events(str(path), 0)[0] == [{"event": "bye"}]


def test_jobs_that_have_ended_are_known_to_the_next_worker(tmp_path: Path) -> None:
    status = StatusFile(str(tmp_path / "1"))
    assert status.finished() == set()
    for job, code in ((0, 0), (3, 1)):
        status.write("start", job=job)
        status.write("end", job=job, code=code)
    status.write("start", job=4)
    assert status.finished() == {0, 3}


def test_a_line_is_written_when_the_disk_takes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    path = str(tmp_path / "1")
    append_line(path, "first\n")
    monkeypatch.setattr(report.os, "write", Disk(FULL, OSError(errno.EIO, "Input/output error"), FULL))
    append_line(path, "second\n")
    assert Path(path).read_text() == "first\nsecond\n"
    assert pauses == list(PATIENCE[:3])


@pytest.mark.parametrize("taken", range(7))
def test_a_line_of_which_the_disk_took_a_part_stands_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float], taken: int
) -> None:
    path = str(tmp_path / "1")
    append_line(path, "first\n")
    monkeypatch.setattr(report.os, "write", Disk(taken, taken))
    append_line(path, "second\n")
    assert Path(path).read_text() == "first\nsecond\n"
    assert len(pauses) == (2 if taken < len("second\n") else 0)


@settings(deadline=None)
@given(st.integers(1, len(TEXT)))
def test_a_line_is_not_swallowed_by_what_another_writer_left_unfinished(scratch: Path, cut: int) -> None:
    path = scratch / "unfinished"
    path.write_bytes(TEXT[:cut])
    StatusFile(str(path)).write("worker", host="node2", pid=34, id="7")
    StatusFile(str(path)).write("bye")
    events, offset = read_events(str(path), 0)
    assert [event["event"] for event in events[-2:]] == ["worker", "bye"]
    whole = TEXT[:cut].count(b"\n") + (TEXT[cut : cut + 1] == b"\n")  # of which the line feed alone was missing
    assert events[:-2] == MANY[:whole]
    assert offset == path.stat().st_size
    assert b"\n\n" not in path.read_bytes()


def test_an_unfinished_line_is_closed_once_however_often_the_disk_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    path = tmp_path / "1"
    path.write_text("unfin")
    monkeypatch.setattr(report.os, "write", Disk(1, FULL, 3))
    append_line(str(path), "second\n")
    append_line(str(path), "third\n")
    assert path.read_text() == "unfin\nsecond\nthird\n"
    assert len(pauses) == 3


def test_a_disk_that_stays_full_is_an_error_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setattr(report.os, "write", Disk(*[FULL] * 100))
    with pytest.raises(OSError, match="No space left"):
        append_line(str(tmp_path / "1"), "line\n")
    assert pauses == list(PATIENCE)
    assert sum(pauses) > 60


def test_a_folder_that_comes_back_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "away"
    monkeypatch.setattr(report.time, "sleep", lambda _: folder.mkdir(exist_ok=True))
    append_line(str(folder / "1"), "line\n")
    assert (folder / "1").read_text() == "line\n"


def test_a_line_that_matters_goes_through_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(report.os, "fsync", flushed.append)
    append_line(str(tmp_path / "1"), "line\n")
    assert not flushed
    append_line(str(tmp_path / "1"), "line\n", flush=True)
    assert len(flushed) == 1
