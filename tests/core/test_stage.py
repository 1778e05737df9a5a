"""The contract around a stage: signature, outcomes, records, and files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import xxhash
from endings import LINE, CopyText, command, named, run_command

from levelworks import __version__
from levelworks.core import stage as stage_module
from levelworks.core.atomic import ASIDE, PREFIX
from levelworks.core.lock import exclusive, lock_path
from levelworks.core.options import Options, option
from levelworks.core.outcome import (
    InvalidInput,
    InvalidOptions,
    LevelworksError,
    NothingToProduce,
    Outcome,
    Status,
    TransientError,
)
from levelworks.core.record import describe_input, read_record, record_path, status_of
from levelworks.core.stage import Port, Stage, _ports, _registry, run, stage, stages


@pytest.fixture
def granule(tmp_path: Path) -> Path:
    path = tmp_path / "raw" / "a.txt"
    path.parent.mkdir()
    path.write_text("a text of level one\n")
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "results" / "a.txt"


def run_copy(
    granule: Path, copy: Path, *, second: Path | None = None, notes: Path | None = None, **options: Any
) -> Outcome:
    files = {
        "granule": [granule],
        "copy": [copy],
        "second": [second] if second else [],
        "notes": [notes] if notes else [],
    }
    return run(named("copy-text"), {**files, "others": [granule]}, CopyText(**options))


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def no_product(path: Path, outcome: Outcome) -> None:
    raise AssertionError("no empty product is wanted here")


def test_ports_come_from_the_signature() -> None:
    found = named("copy-text")
    assert found.inputs == (Port("granule", False, False), Port("notes", True, False), Port("others", False, True))
    assert found.outputs == (Port("copy", False, False), Port("second", True, False))
    assert (found.options, found.version, found.mpi) == (CopyText, 3, False)
    assert found.summary == "Copy a text."
    assert Port("peer_level2a_map", True, False).flag == "--peer-level2a-map"


def test_many_files_may_be_absent(tmp_path: Path) -> None:
    seen = []

    def takes_maybe_many(granules: list[Path] | None, *, copy: Path, options: CopyText) -> Outcome:
        seen.append(granules)
        copy.write_text("done")
        return Outcome()

    found = Stage("endings", "takes-maybe-many", 1, takes_maybe_many, *_ports(takes_maybe_many), no_product, mpi=False)
    assert found.inputs == (Port("granules", True, True),)
    for given in ([], [tmp_path]):
        run(found, {"granules": given, "copy": [tmp_path / "copy.txt"]}, CopyText())
    assert seen == [None, [tmp_path]]


def test_stages_of_a_line_stand_in_the_order_of_their_definition() -> None:
    assert list(stages(LINE)) == ["copy-text", "sum-numbers"]
    assert all(found.line == "coronagraph" for found in stages("coronagraph").values())


def takes_text(granule: str, *, copy: Path, options: CopyText) -> Outcome: ...
def takes_text_or_many(granules: list[Path] | str, *, copy: Path, options: CopyText) -> Outcome: ...
def takes_many_texts(granules: list[str], *, copy: Path, options: CopyText) -> Outcome: ...
def takes_anything(granule, *, copy: Path, options: CopyText) -> Outcome: ...
def gives_many(granule: Path, *, copies: list[Path], options: CopyText) -> Outcome: ...
def gives_any_number(granule: Path, *, copies: Sequence[Path], options: CopyText) -> Outcome: ...
def has_no_options(granule: Path, *, copy: Path) -> Outcome: ...
def has_loose_options(granule: Path, *, copy: Path, options: dict[str, Any]) -> Outcome: ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (takes_text, "granule"),
        (takes_text_or_many, "granules"),
        (takes_many_texts, "granules"),
        (takes_anything, "granule"),
        (gives_many, "copies"),
        (gives_any_number, "copies"),
        (has_no_options, "options"),
        (has_loose_options, "options"),
    ],
)
def test_unknown_hints_are_refused_by_name(function: Any, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        stage("refused", "no-stage", version=1, empty=no_product)(function)


def test_a_registered_function_stays_a_function() -> None:
    def double(values: Sequence[Path], *, doubled: Path | None, options: Options) -> Outcome:
        return Outcome()

    assert stage("registered", "double", version=1, empty=no_product)(double) is double


def test_products_and_records_stand_beside_each_other_and_nothing_else_does(granule: Path, copy: Path) -> None:
    second = copy.with_name("second") / "b.txt"
    assert run_copy(granule, copy, second=second).status is Status.DONE
    assert copy.read_text() == second.read_text() == "a text of level one\n" * 2
    assert files_below(copy.parent) == {"a.txt", "a.txt.json", "second/b.txt", "second/b.txt.json"}
    assert record_path(copy).read_text() == record_path(second).read_text()


def test_the_record_says_how_a_product_came_about(granule: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVELWORKS_ATTEMPT", "3")
    monkeypatch.setenv("LEVELWORKS_EARLIER_ATTEMPTS", "killed for memory on n1\nnode failure on n2")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "12")
    before = datetime.now(UTC)
    run_copy(granule, copy, times=5, ending="warned")
    record = json.loads(record_path(copy).read_text())

    content, text = granule.read_bytes(), copy.read_bytes()
    described = {"path": str(granule), "size": len(content), "checksum": f"sha256:{sha256(content).hexdigest()}"}
    assert record["inputs"] == {"granule": [described], "others": [described]}
    assert record["outputs"] == {
        "copy": {
            "path": str(copy),
            "size": len(text),
            "mtime_ns": copy.stat().st_mtime_ns,
            "checksum": f"xxh3:{xxhash.xxh3_128_hexdigest(text)}",
        }
    }
    assert (record["line"], record["stage"], record["version"]) == (LINE, "copy-text", 3)
    assert (record["outcome"], record["reason"]) == ("done", "")
    assert record["options"] == {"ending": "warned", "times": 5}
    assert record["quality"] == {"characters": len(text), "share_of_nothing": None}
    assert record["warnings"] == ["this text is short"]
    assert record["software"]["levelworks"] == __version__
    assert record["software"]["python"] == platform.python_version()
    assert record["host"] == socket.gethostname()
    assert record["scheduler"] == {"name": "slurm", "slurm_job_id": "4711", "slurm_array_task_id": "12"}
    assert (record["attempt"], record["ranks"]) == (3, 1)
    assert record["earlier_attempts"] == ["killed for memory on n1", "node failure on n2"]
    started = datetime.fromisoformat(record["started"])
    assert abs((started - before).total_seconds()) < 5
    assert 0 < record["wall_s"] < 5
    assert 0 <= record["cpu_s"] < 5
    assert 5 < record["peak_memory_mb"] < 10_000


def test_versions_of_loaded_libraries_stand_in_the_record(granule: Path, copy: Path) -> None:
    import numpy as np

    run_copy(granule, copy)
    assert json.loads(record_path(copy).read_text())["software"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("ending", "status", "reason"),
    [("bad", Status.QUARANTINED, "a.txt: truncated"), ("nothing", Status.SKIPPED, "a.txt: all cloud")],
)
def test_a_flagged_granule_ends_in_empty_products_that_say_why(
    granule: Path, copy: Path, ending: str, status: Status, reason: str
) -> None:
    second = copy.with_name("b.txt")
    outcome = run_copy(granule, copy, second=second, ending=ending)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert copy.read_text() == second.read_text() == f"empty: {reason}"
    record = read_record(second)
    assert record is not None
    assert (record["outcome"], record["reason"]) == (status.value, reason)
    assert status_of(copy) is status
    assert files_below(copy.parent) == {"a.txt", "a.txt.json", "b.txt", "b.txt.json"}


def test_an_empty_product_takes_the_place_of_a_half_written_folder(granule: Path, tmp_path: Path) -> None:
    def fill_folder(granule: Path, *, cube: Path, options: Options) -> Outcome:
        cube.mkdir()
        (cube / "chunk").write_text("half")
        raise InvalidInput("truncated")

    def write_reason(path: Path, outcome: Outcome) -> None:
        path.write_text(outcome.reason)

    cube = tmp_path / "results" / "a.zarr"
    inputs, outputs = (Port("granule", False, False),), (Port("cube", False, False),)
    found = Stage(LINE, "fill", 1, fill_folder, inputs, outputs, Options, write_reason, mpi=False)
    assert run(found, {"granule": [granule], "cube": [cube]}, Options()).status is Status.QUARANTINED
    assert cube.read_text() == "truncated"


@pytest.mark.parametrize(
    ("ending", "error"),
    [("bug", ZeroDivisionError), ("transient", TransientError), ("io", OSError), ("forget", LevelworksError)],
)
def test_any_other_error_leaves_no_file(granule: Path, copy: Path, ending: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        run_copy(granule, copy, second=copy.with_name("b.txt"), ending=ending)
    assert files_below(copy.parent) == set()


def test_a_failing_attempt_leaves_the_products_of_the_one_before(granule: Path, copy: Path) -> None:
    run_copy(granule, copy)
    before = {path: path.read_bytes() for path in copy.parent.iterdir()}
    with pytest.raises(ZeroDivisionError):
        run_copy(granule, copy, ending="bug", times=4)
    assert {path: path.read_bytes() for path in copy.parent.iterdir()} == before


def test_a_stage_that_forgets_an_output_has_a_bug_and_its_name(granule: Path, copy: Path) -> None:
    with pytest.raises(LevelworksError, match=r"copy-text ended without writing .*results/a\.txt$") as caught:
        run_copy(granule, copy, second=copy.with_name("b.txt"), ending="forget")
    assert caught.value.exit_code == 70


def test_optional_files_may_be_absent(granule: Path, copy: Path) -> None:
    run(named("copy-text"), {"granule": [granule], "others": [granule], "copy": [copy]}, CopyText())
    record = json.loads(record_path(copy).read_text())
    assert set(record["inputs"]) == {"granule", "others"}
    assert set(record["outputs"]) == {"copy"}


@pytest.mark.parametrize("absent", ["granule", "others", "copy"])
def test_required_files_must_be_named(granule: Path, copy: Path, absent: str) -> None:
    files = {"granule": [granule], "others": [granule], "copy": [copy], absent: []}
    with pytest.raises(InvalidOptions, match=f"--{absent} is required"):
        run(named("copy-text"), files, CopyText())
    assert not copy.parent.exists()


def test_one_file_means_one(granule: Path, copy: Path) -> None:
    files = {"granule": [granule, granule], "others": [granule], "copy": [copy]}
    with pytest.raises(InvalidOptions, match="--granule takes one file, got 2"):
        run(named("copy-text"), files, CopyText())


@pytest.mark.parametrize("absent", ["granule", "notes", "others"])
def test_a_missing_input_stops_before_anything_is_written(granule: Path, copy: Path, absent: str) -> None:
    files = {"granule": [granule], "others": [granule], "copy": [copy], absent: [granule.with_name("no_such_file")]}
    with pytest.raises(InvalidOptions, match=rf"--{absent}: .*no_such_file does not exist"):
        run(named("copy-text"), files, CopyText())
    assert not copy.parent.exists()


@pytest.mark.parametrize("second", ["a.txt", "a.txt.json"])
def test_two_outputs_never_share_a_name(granule: Path, copy: Path, second: str) -> None:
    with pytest.raises(InvalidOptions, match="would be two files"):
        run_copy(granule, copy, second=copy.with_name(second))
    assert not copy.parent.exists()


def test_an_output_never_replaces_an_input(granule: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(granule.parent, target_is_directory=True)
    for target in (granule, tmp_path / "link" / granule.name):
        with pytest.raises(InvalidOptions, match=r"--granule: .* is an output of this job too"):
            run_copy(granule, target, ending="bad")
    assert files_below(granule.parent) == {"a.txt"}
    assert granule.read_text() == "a text of level one\n"


def test_the_same_job_twice_gives_the_same_bytes(granule: Path, copy: Path) -> None:
    run_copy(granule, copy, times=3)
    first = copy.read_bytes()
    run_copy(granule, copy, times=3)
    assert copy.read_bytes() == first


def copy_words(granule: Path, copy: Path, **options: Any) -> list[str | Path]:
    return [
        LINE,
        "copy-text",
        "--granule",
        granule,
        "--others",
        granule,
        "--copy",
        copy,
        "--options",
        json.dumps(options),
    ]


def temporaries(folder: Path) -> list[str]:
    return sorted(name for name in files_below(folder) if name.startswith(PREFIX))


def test_a_killed_attempt_leaves_no_product_and_the_next_one_cleans_up(granule: Path, copy: Path) -> None:
    killed = run_command(*copy_words(granule, copy, ending="kill"))
    assert killed.returncode == -signal.SIGKILL
    (left,) = temporaries(copy.parent)
    assert files_below(copy.parent) == {left}
    assert (copy.parent / left).read_text() == "a text of level one\n"
    run_copy(granule, copy)
    assert files_below(copy.parent) == {"a.txt", "a.txt.json"}
    assert copy.read_text() == "a text of level one\n" * 2


def test_attempts_alive_at_once_do_not_mix(granule: Path, copy: Path) -> None:
    first = subprocess.Popen(
        command(*copy_words(granule, copy, ending="wait", times=10)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == "half is written\n"
        (unfinished,) = temporaries(copy.parent)
        assert run_command(*copy_words(granule, copy, ending="kill", times=7)).returncode == -signal.SIGKILL
        assert len(temporaries(copy.parent)) == 2
        run_copy(granule, copy, times=2)
        assert copy.read_text() == "a text of level one\n" * 4
        assert temporaries(copy.parent) == [unfinished]
        first.communicate("go on\n", timeout=30)
    assert first.returncode == 0
    assert copy.read_text() == "a text of level one\n" * 20
    assert files_below(copy.parent) == {"a.txt", "a.txt.json"}
    record = read_record(copy)
    assert record is not None
    assert record["options"]["times"] == 10
    assert record["outputs"]["copy"]["mtime_ns"] == copy.stat().st_mtime_ns


def test_a_terminated_attempt_leaves_no_product(granule: Path, copy: Path) -> None:
    waiting = subprocess.Popen(
        command(*copy_words(granule, copy, ending="wait")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with waiting:
        assert waiting.stdout is not None
        waiting.stdout.readline()
        os.kill(waiting.pid, signal.SIGTERM)
    assert waiting.returncode != 0
    assert files_below(copy.parent) == set(temporaries(copy.parent))


def sums(tmp_path: Path, name: str, *, ranks: int = 0, **options: Any) -> tuple[subprocess.CompletedProcess[str], Path]:
    numbers, total = tmp_path / "numbers.txt", tmp_path / "results" / name
    numbers.write_text("".join(f"{number}\n" for number in range(101)))
    words = [LINE, "sum-numbers", "--numbers", numbers, "--total", total, "--options", json.dumps(options)]
    return run_command(*words, ranks=ranks), total


def test_ranks_give_the_bytes_of_one_process_and_one_record(tmp_path: Path) -> None:
    alone, total = sums(tmp_path, "alone.txt")
    shared, together = sums(tmp_path, "together.txt", ranks=2)
    assert (alone.returncode, shared.returncode) == (0, 0), alone.stderr + shared.stderr
    assert total.read_bytes() == together.read_bytes() == b"5050\n"
    record = read_record(together)
    assert record is not None
    assert (record["ranks"], record["quality"]) == (2, {"numbers": 101})
    assert files_below(together.parent) == {"alone.txt", "alone.txt.json", "together.txt", "together.txt.json"}


def test_bad_input_of_one_rank_is_the_outcome_of_all(tmp_path: Path) -> None:
    done, total = sums(tmp_path, "total.txt", ranks=2, bad=True)
    assert done.returncode == 0, done.stderr
    assert total.read_text() == "empty: numbers.txt: one share is bad"
    assert status_of(total) is Status.QUARANTINED


@pytest.mark.parametrize("rank", [0, 1])
def test_a_bug_on_one_rank_ends_all_with_its_code(tmp_path: Path, rank: int) -> None:
    done, total = sums(tmp_path, "total.txt", ranks=2, failing_rank=rank)
    assert done.returncode == 70
    assert "a figure was zero" in done.stderr
    assert files_below(total.parent) == set(temporaries(total.parent))


def test_checksum_of_a_touched_product_is_the_record_s(granule, copy, tmp_path):
    """Snakemake touches products after their jobs; what is made of them must not depend on that."""
    run_copy(granule, copy)
    recorded = read_record(copy)["outputs"]["copy"]["checksum"]
    assert describe_input(copy)["checksum"] == recorded
    os.utime(copy)
    assert describe_input(copy)["checksum"] == recorded
    text = copy.read_text()
    copy.write_text(text.swapcase())
    assert describe_input(copy)["checksum"] == f"xxh3:{xxhash.xxh3_128_hexdigest(copy.read_bytes())}" != recorded
    copy.write_text(text + "longer")
    assert describe_input(copy)["checksum"] == f"sha256:{sha256(copy.read_bytes()).hexdigest()}"


class Book(Options):
    """Options of `update-book`."""

    line: str = option("", "what is added; nothing leaves the book as it is")
    ending: str = option("", "how it ends")


def update_book(granule: Path, standing: Path | None, *, book: Path, options: Book) -> Outcome:
    """Add a line to a book, a folder of pages; half of it is written when it ends in another way than well."""
    pages = sorted(path.read_text() for path in standing.iterdir()) if standing is not None else []
    if not options.line:
        return Outcome(quality={"pages": len(pages), "changed": False})
    book.mkdir()
    for number, page in enumerate([*pages, options.line]):
        (book / str(number)).write_text(page)
        if options.ending:
            raise {"bad": InvalidInput, "nothing": NothingToProduce, "bug": ZeroDivisionError}[options.ending]("ended")
    return Outcome(quality={"pages": len(pages) + 1, "changed": True})


stage("updating", "update-book", version=1, empty=no_product, updates="book")(update_book)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "results" / "book"


def run_book(granule: Path, book: Path, line: str = "", ending: str = "") -> Outcome:
    found = _registry["updating", "update-book"]
    return run(found, {"granule": [granule], "book": [book]}, Book(line=line, ending=ending))


def pages(book: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in book.iterdir()}


def recorded(book: Path) -> dict[str, Any]:
    record = read_record(book)
    assert record is not None
    return record


def test_what_stands_is_no_port_of_a_stage_that_updates() -> None:
    found = _registry["updating", "update-book"]
    assert found.inputs == (Port("granule", False, False),)
    assert found.outputs == (Port("book", False, False),)
    assert found.updates == "book"


def updates_nothing(granule: Path, standing: Path | None, *, book: Path, options: Book) -> Outcome: ...
def updates_unseen(granule: Path, *, book: Path, options: Book) -> Outcome: ...


@pytest.mark.parametrize(("function", "updates"), [(updates_nothing, ""), (updates_unseen, "book")])
def test_what_stands_and_what_is_updated_go_together(function: Any, updates: str) -> None:
    with pytest.raises(TypeError, match="standing"):
        stage("refused", "no-stage", version=1, empty=no_product, updates=updates)(function)


def test_an_output_is_made_first_and_updated_then(granule: Path, book: Path) -> None:
    for number, line in enumerate(["first", "second", "third"], start=1):
        assert run_book(granule, book, line).quality["pages"] == number
    assert pages(book) == {"0": "first", "1": "second", "2": "third"}
    assert sorted(os.listdir(book.parent)) == [lock_path(book).name, "book", "book.json"]


def test_an_output_not_written_stays_and_its_record_is_new(granule: Path, book: Path) -> None:
    run_book(granule, book, "first")
    before = (book / "0").stat()
    checksum = recorded(book)["outputs"]["book"]["checksum"]
    assert run_book(granule, book).quality == {"pages": 1, "changed": False}
    assert (book / "0").stat() == before
    assert recorded(book)["quality"] == {"changed": False, "pages": 1}
    assert recorded(book)["outputs"]["book"]["checksum"] == checksum


def test_without_a_product_the_record_stands_alone(granule: Path, book: Path) -> None:
    run_book(granule, book)
    assert not book.exists()
    assert (recorded(book)["outcome"], recorded(book)["outputs"]) == ("done", {})


@pytest.mark.parametrize(("ending", "status"), [("bad", Status.QUARANTINED), ("nothing", Status.SKIPPED)])
def test_a_flagged_update_leaves_what_stands_and_is_recorded(
    granule: Path, book: Path, ending: str, status: Status
) -> None:
    assert run_book(granule, book, "lost", ending).status is status
    assert not book.exists()
    assert status_of(book) is status
    run_book(granule, book, "first")
    before = (book / "0").stat().st_ino
    assert run_book(granule, book, "lost", ending).status is status
    assert pages(book) == {"0": "first"}
    assert (book / "0").stat().st_ino == before
    assert (recorded(book)["outcome"], recorded(book)["reason"]) == (status.value, "ended")
    assert files_below(book.parent) == {lock_path(book).name, "book/0", "book.json"}
    run_book(granule, book, "second")
    assert pages(book) == {"0": "first", "1": "second"}


def test_a_bug_in_an_update_leaves_product_and_record(granule: Path, book: Path) -> None:
    run_book(granule, book, "first")
    before = {name: (book.parent / name).read_bytes() for name in files_below(book.parent)}
    with pytest.raises(ZeroDivisionError):
        run_book(granule, book, "lost", "bug")
    assert {name: (book.parent / name).read_bytes() for name in files_below(book.parent)} == before


def test_an_update_goes_on_from_what_was_put_aside_before_a_death(granule: Path, book: Path) -> None:
    run_book(granule, book, "first")
    book.rename(book.with_name(ASIDE + book.name))
    run_book(granule, book, "second")
    assert pages(book) == {"0": "first", "1": "second"}
    assert sorted(os.listdir(book.parent)) == [lock_path(book).name, "book", "book.json"]


def test_an_update_waits_for_another_and_is_tried_again_later(
    granule: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_book(granule, book, "first")
    monkeypatch.setattr(stage_module, "exclusive", partial(exclusive, patience_s=0.2))
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.lockf(file, fcntl.LOCK_EX); print(flush=True); input()"
    )
    words = [sys.executable, "-c", hold, str(lock_path(book))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(TransientError, match="another job") as caught:
            run_book(granule, book, "second")
        assert caught.value.exit_code == 75
        assert pages(book) == {"0": "first"}
        assert recorded(book)["quality"]["pages"] == 1
        other.kill()
    assert run_book(granule, book, "second").quality["pages"] == 2
