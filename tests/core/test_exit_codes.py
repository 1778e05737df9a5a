"""The command as a process of its own, with a line whose stages end in every way: exit codes and what is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from endings import LINE, run_command

from levelworks import __version__
from levelworks.cli import COMMANDS
from levelworks.core.record import read_record


@pytest.fixture
def granule(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("text\n")
    return tmp_path / "a.txt"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "results" / "b.txt"


def copy_text(granule: Path, *words: str | Path, code: int = 0, **options: object) -> str:
    """Run the stage that copies a text; return what it told."""
    given = ["--options", json.dumps(options)] if options else []
    done = run_command(LINE, "copy-text", "--granule", granule, "--others", granule, *words, *given)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    return done.stderr


def test_done_is_0_and_products_are_named(granule: Path, copy: Path) -> None:
    told = copy_text(granule, "--copy", copy, times=3)
    assert copy.read_text() == "text\n" * 6
    assert f"{LINE} copy-text done" in told
    assert f"wrote {copy}" in told


@pytest.mark.parametrize(
    ("ending", "message"),
    [("bad", "quarantined: a.txt: truncated"), ("nothing", "skipped: a.txt: all cloud"), ("warned", "text is short")],
)
def test_flagged_granules_and_warnings_are_0_and_told(granule: Path, copy: Path, ending: str, message: str) -> None:
    assert message in copy_text(granule, "--copy", copy, ending=ending)
    assert copy.exists()


@pytest.mark.parametrize(
    ("ending", "code", "message"),
    [
        ("transient", 75, "the service is away"),
        ("io", 75, "Input/output error"),
        ("bug", 70, 'raise ZeroDivisionError("a figure was zero")'),
        ("forget", 70, "copy-text ended without writing"),
        ("kill", -9, ""),
    ],
)
def test_errors_have_their_codes_and_leave_no_product(
    granule: Path, copy: Path, ending: str, code: int, message: str
) -> None:
    assert message in copy_text(granule, "--copy", copy, code=code, ending=ending)
    assert [path.name for path in copy.parent.iterdir() if not path.name.startswith(".part.")] == []


def test_a_bug_tells_the_version(granule: Path, copy: Path) -> None:
    assert f"a bug in levelworks {__version__}" in copy_text(granule, "--copy", copy, code=70, ending="bug")


def test_a_file_where_a_folder_should_be_is_75(granule: Path) -> None:
    assert str(granule) in copy_text(granule, "--copy", granule / "b.txt", code=75)


def test_an_input_as_output_is_64_and_stays(granule: Path) -> None:
    assert "is an output of this job too" in copy_text(granule, "--copy", granule, code=64, ending="bad")
    assert granule.read_text() == "text\n"


def test_empty_flags_are_absent_files_unless_required(granule: Path, copy: Path) -> None:
    copy_text(granule, "--notes", "--copy", copy, "--second")
    record = read_record(copy)
    assert record is not None
    assert (set(record["inputs"]), set(record["outputs"])) == ({"granule", "others"}, {"copy"})
    assert "--copy is required" in copy_text(granule, "--copy", code=64)
    assert "--others is required" in copy_text(granule, "--copy", copy, "--others", code=64)


def test_a_stage_takes_a_list_of_files(granule: Path, copy: Path) -> None:
    others = [granule.with_name(f"other {number}.txt") for number in range(3)]
    for number, path in enumerate(others):
        path.write_text(f"{number}\n")
    listing = granule.with_name("others.list")
    listing.write_text("".join(f"{path}\n" for path in others))
    done = run_command(LINE, "copy-text", "--granule", granule, "--others", f"@{listing}", "--copy", copy)
    assert done.returncode == 0, done.stderr
    assert copy.read_text() == "text\n0\n1\n2\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = run_command(command, "--help")
    assert done.returncode == 0, done.stderr
    assert f"usage: levelworks {command}" in done.stdout + done.stderr


def test_libraries_get_one_thread_unless_said_otherwise() -> None:
    program = "import os, levelworks.cli; print(os.environ['OMP_NUM_THREADS'], os.environ['OPENBLAS_NUM_THREADS'])"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    for given, expected in (({}, "1 1\n"), ({"OMP_NUM_THREADS": "3"}, "3 1\n")):
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment | given, capture_output=True, text=True, check=True)
        assert done.stdout == expected
