"""How a scheduler's commands are called, and what starts a worker on a node."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snakemake_executor_plugin_jobarray import backend
from snakemake_executor_plugin_jobarray.arrays import Array
from snakemake_executor_plugin_jobarray.backend import (
    Unanswered,
    Unavailable,
    call,
    complaint,
    node_command,
    node_script,
)


def test_the_command_of_a_node_imports_no_more_than_the_worker(tmp_path: Path) -> None:
    words = node_command(str(tmp_path))
    assert words[0] == sys.executable
    assert words[-1] == str(tmp_path)
    shown = "print([name for name in sys.modules if 'jobarray' in name or name.startswith('snakemake.')])"
    program = f"{words[3].partition('; main(')[0]}; {shown}"
    done = subprocess.run([*words[:3], program], capture_output=True, text=True, check=True, cwd="/")
    modules = {name.partition("jobarray")[2] for name in eval(done.stdout)}
    parts = ("files", "measure", "report", "runner", "shell", "words", "worker")
    assert modules == {"", ".node", *(f".node.{part}" for part in parts)}


def test_the_script_of_a_node_has_one_length_and_quotes_its_folder(array: Callable[..., Array], tmp_path: Path) -> None:
    small, large = array(1), array(500, jobs=20)
    assert node_script(small, "INDEX") == node_script(large, "INDEX")
    odd = array(name="a name; with $signs'")
    (line,) = [line for line in node_script(odd, "INDEX").splitlines() if line.startswith("exec ")]
    assert shlex.split(line)[1:] == [*node_command(str(odd.folder)), "$INDEX"]


def test_variables_of_the_controllers_own_job_are_not_passed_on(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("tool", "answer")
    for name in ("SLURM_MEM_PER_CPU", "SLURM_CONF", "OTHER"):
        monkeypatch.setenv(name, "x")
    done = call(["tool", "a b"], without=("SLURM_",), keep=("SLURM_CONF",), more={"SLURM_MORE": "1"})
    assert done.stdout == "answer"
    names = {line.partition("=")[0] for line in (tmp_path / "bin/tool.environment").read_text().splitlines()}
    assert names >= {"SLURM_CONF", "OTHER", "SLURM_MORE"}
    assert "SLURM_MEM_PER_CPU" not in names


def test_a_command_that_is_not_there_or_does_not_answer_is_unavailable(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match="absent is not on the PATH") as found:
        call(["absent"])
    assert not isinstance(found.value, Unanswered)
    (tmp_path / "bin/broken").write_text("no program")
    with pytest.raises(Unavailable, match="broken"):
        call(["broken"])
    monkeypatch.setattr(backend, "COMMAND_SECONDS", 0.1)
    with pytest.raises(Unanswered, match="no answer"):
        call(["sleep", "20"])


def test_a_command_is_out_of_reach_of_the_terminals_interrupt() -> None:
    done = call([sys.executable, "-c", "import os; print(os.getsid(0))"])
    assert int(done.stdout) != os.getsid(0)


def test_a_complaint_is_one_line() -> None:
    done = subprocess.CompletedProcess([], 1, stdout=" two \n", stderr="one\n\n")
    assert complaint(done) == "one two"
    assert complaint(subprocess.CompletedProcess([], 7, stdout="", stderr="\n")) == "exit code 7"
