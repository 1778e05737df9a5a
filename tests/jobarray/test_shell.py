"""Jobs by their shell command: the same folders, streams, limits and figures as those in the warm process."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from snakemake_executor_plugin_jobarray.node.shell import LONGEST_ARGUMENT, Shell

Do = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def do(node_task: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Do:
    """Return a function that runs a command as a job."""
    shell = Shell(str(tmp_path_factory.mktemp("scratch")))
    return lambda command, limit=30.0, **values: shell.run(node_task(command=command, **values), limit)


def wait_for_end(process: int) -> None:
    with suppress(psutil.NoSuchProcess):
        psutil.Process(process).wait(10)


@pytest.mark.parametrize("code", [0, 1, 64, 75, 137])
def test_the_exit_code_is_the_commands(do: Do, code: int) -> None:
    assert do(f"exit {code}")["code"] == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGXCPU])
def test_a_signal_is_told_apart_from_a_code(do: Do, number: int) -> None:
    found = do(f"kill -{int(number)} $$")
    assert (found["code"], found["signal"]) == (None, number)


def test_prefix_and_suffix_go_around_the_command(do: Do) -> None:
    assert do("false | true", shell="/bin/bash", prefix=" set -euo pipefail; ")["code"] == 1
    assert do("false | true", shell="/bin/bash")["code"] == 0
    assert do("false", suffix="|| exit 9")["code"] == 9


def test_what_a_command_prints_goes_into_its_log(do: Do, here: Path) -> None:
    do("echo out; echo err >&2", logs=("one.log",))
    assert sorted((here / "one.log").read_text().split()) == ["err", "out"]


def test_a_log_that_the_command_writes_is_its_own(do: Do, here: Path) -> None:
    do("echo mine > one.log; echo not mine", logs=("one.log",))
    assert (here / "one.log").read_text() == "mine\n"


def test_a_command_reads_nothing(do: Do, here: Path) -> None:
    assert do("cat > copy; test ! -s copy")["code"] == 0


def test_a_command_finds_its_threads_and_a_folder_of_its_own(do: Do, here: Path) -> None:
    for _ in range(2):
        do('touch "$TMPDIR/x"; echo "$OMP_NUM_THREADS $LEVELWORKS_ATTEMPT $TMPDIR" >> found', threads=3, attempt=2)
    lines = [line.split() for line in (here / "found").read_text().splitlines()]
    assert [line[:2] for line in lines] == [["3", "2"]] * 2
    folders = {line[2] for line in lines}
    assert len(folders) == 2
    assert not any(Path(folder).exists() for folder in folders)


def test_overrunning_its_time_ends_a_command_and_all_that_it_started(do: Do, here: Path) -> None:
    begun = time.monotonic()
    found = do("sh -c 'sleep 60 & echo $! > below; echo $$ > child; wait' & wait", limit=0.6)
    assert (found["code"], found["reason"]) == (None, "time")
    assert 0.6 <= found["wall"] <= time.monotonic() - begun + 0.001 < 20  # it is told in whole milliseconds
    for name in ("below", "child"):
        process = int((here / name).read_text())
        wait_for_end(process)
        assert not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE


def test_a_command_within_its_time_is_not_touched(do: Do) -> None:
    assert do("sleep 0.3", limit=20.0)["code"] == 0
    assert do("sleep 0.1", limit=None)["code"] == 0


def test_a_command_longer_than_an_argument_may_be_runs_all_the_same(do: Do, here: Path) -> None:
    words = "x" * (LONGEST_ARGUMENT + 40_000)
    found = do(f"printf %s {words} | wc -c > count; exit 7", shell="/bin/bash", prefix="set -euo pipefail;")
    assert found["code"] == 7
    assert int((here / "count").read_text()) == len(words)


def test_time_and_memory_of_all_that_ran_are_counted(do: Do) -> None:
    program = "held = b'x' * (150 << 20); sum(range(5_000_000))"
    usage = do(shlex.join([sys.executable, "-S", "-c", program]) + "; true")["usage"]
    assert usage.rss > 150
    assert usage.cpu > 0.02
    assert 0 < usage.wall < 30
