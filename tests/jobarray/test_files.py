"""The way cleared before a job, its folder for temporaries, and what it owes afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snakemake_executor_plugin_jobarray.node.files import (
    Protected,
    clear_the_way,
    job_environment,
    missing_outputs,
    own_output,
    scratch_folder,
    temporary_folder,
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_of_all_files_are_made(here: Path, node_task: Callable[..., dict[str, Any]]) -> None:
    clear_the_way(
        node_task(outputs=(("a/b/one", "file"), ("c/two", "directory"), ("here", "file")), logs=("logs/x/one.log",))
        | {"benchmark": "benchmarks/one.tsv"}
    )
    assert sorted(str(path.relative_to(here)) for path in here.rglob("*")) == [
        *("a", "a/b", "benchmarks", "c", "logs", "logs/x")
    ]


def test_what_an_earlier_attempt_left_is_removed(here: Path, node_task: Callable[..., dict[str, Any]]) -> None:
    for name in ("out/file", "out/folder/inside", "logs/one.log", "out/other"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("old")
    clear_the_way(node_task(outputs=(("out/file", "file"), ("out/folder", "directory")), logs=("logs/one.log",)))
    assert sorted(path.name for path in here.rglob("*") if path.is_file()) == ["other"]
    assert not (here / "out/folder").exists()


def test_a_folder_with_content_under_the_name_of_a_file_is_left_alone(
    here: Path, node_task: Callable[..., dict[str, Any]]
) -> None:
    (here / "full").mkdir()
    (here / "full/inside").write_text("precious")
    (here / "empty").mkdir()
    clear_the_way(node_task(outputs=(("full", "file"), ("empty", "file"))))
    assert (here / "full/inside").read_text() == "precious"
    assert not (here / "empty").exists()


def test_of_a_link_only_the_link_is_removed(here: Path, node_task: Callable[..., dict[str, Any]]) -> None:
    (here / "target").mkdir()
    (here / "target/inside").write_text("precious")
    (here / "to_folder").symlink_to("target")
    (here / "dangling").symlink_to("nowhere")
    clear_the_way(node_task(outputs=(("to_folder", "directory"), ("dangling", "file"))))
    assert sorted(path.name for path in here.iterdir()) == ["target"]
    assert (here / "target/inside").read_text() == "precious"


def test_the_null_device_may_be_a_log(node_task: Callable[..., dict[str, Any]]) -> None:
    clear_the_way(node_task(logs=("/dev/null",)))
    assert Path("/dev/null").is_char_device()


def test_a_protected_output_is_not_touched(
    here: Path, node_task: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("open", "protected"):
        (here / name).write_text("old")
    # The super-user may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "protected")
    with pytest.raises(Protected, match="protected is write-protected"):
        clear_the_way(node_task(outputs=(("protected", "file"),)))
    assert (here / "protected").read_text() == "old"


def test_a_job_owes_its_outputs_but_not_those_that_snakemake_touches(
    here: Path, node_task: Callable[..., dict[str, Any]]
) -> None:
    (here / "there").write_text("")
    (here / "link").symlink_to("nowhere")
    outputs = (("there", "file"), ("absent", "file"), ("flag", "touched"), ("folder", "directory"), ("link", "file"))
    assert missing_outputs(node_task(outputs=outputs)) == ["absent", "folder"]


@pytest.mark.parametrize(
    ("command", "logs", "expected"),
    [
        ("stage --in a", ("logs/a.log",), "logs/a.log"),
        ("stage --in a > logs/a.log 2>&1", ("logs/a.log",), None),
        ("stage --in a", (), None),
        ("stage --report logs/b.log", ("logs/a.log", "logs/b.log"), None),
        ("stage", ("logs/a.log", "logs/b.log"), "logs/a.log"),
    ],
)
def test_a_log_is_filled_unless_the_command_does_so(
    node_task: Callable[..., dict[str, Any]], command: str, logs: tuple[str, ...], expected: str | None
) -> None:
    assert own_output(node_task(command=command, logs=logs)) == expected


def test_the_folder_for_temporaries_goes_with_the_job(here: Path) -> None:
    scratch = str(here)
    with temporary_folder(scratch) as folder, temporary_folder(scratch) as other:
        assert folder != other
        assert Path(folder).parent == Path(other).parent == here
        (Path(folder) / "deep").mkdir()
        (Path(folder) / "deep/file").write_text("x")
    assert not Path(folder).exists()
    with pytest.raises(KeyError), temporary_folder(scratch) as folder:
        raise KeyError
    assert not Path(folder).exists()


def test_the_folder_for_temporaries_lies_where_the_scheduler_gives_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    for name in ("slurm", "lsf", "own"):
        (here / name).mkdir()
    for variable, name in (("TMPDIR", "own"), ("LSF_TMPDIR", "lsf"), ("SLURM_TMPDIR", "slurm")):
        monkeypatch.setenv(variable, str(here / name))
        folder = Path(scratch_folder())
        assert folder.parent == here / name
        assert folder.name.startswith("jobarray-")


def test_a_folder_for_temporaries_that_is_not_there_is_passed_over(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_TMPDIR", str(here / "absent"))
    folder = Path(scratch_folder())
    assert folder.is_dir()
    folder.rmdir()


def test_a_job_is_told_threads_temporaries_and_what_it_has_been_through(
    node_task: Callable[..., dict[str, Any]],
) -> None:
    first = job_environment(node_task(), "/scratch/1", 4)
    assert {first[name] for name in first if name.endswith("_NUM_THREADS")} == {"4"}
    assert {first[name] for name in ("TMPDIR", "TMP", "TEMP", "TEMPDIR")} == {"/scratch/1"}
    assert first["LEVELWORKS_ATTEMPT"] == "1"
    assert "LEVELWORKS_EARLIER_ATTEMPTS" not in first
    second = job_environment(node_task(attempt=3, earlier=("killed for memory", "failed")), "/scratch/1", 1)
    assert second["LEVELWORKS_ATTEMPT"] == "3"
    assert second["LEVELWORKS_EARLIER_ATTEMPTS"].splitlines() == ["killed for memory", "failed"]
