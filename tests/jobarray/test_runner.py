"""The warm process: jobs leave no trace in it, and what kills it costs one job alone."""

from __future__ import annotations

import importlib.abc
import mmap
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from snakemake_executor_plugin_jobarray.node.runner import GRACE, Runner, end_group
from snakemake_executor_plugin_jobarray.node.words import StageCommand

Start = Callable[..., Runner]
held: list[Any] = []
"""What the jobs of these tests keep, as a library's cache would."""


def fork_sleepers(note: str) -> None:
    """Start a child and a grandchild that sleep, write their numbers down, and sleep too."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            os.write(writing, f"{os.getpid()} {os.getppid()}".encode())
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
        os._exit(0)
    numbers = os.read(reading, 100).decode()
    Path(note).write_text(numbers, encoding="ascii")
    time.sleep(60)


def stage(words: list[str]) -> int:
    """Stand for the command ``levelworks``: does what its words say, and returns an exit code."""
    match words:
        case [_, "code", number]:
            return int(number)
        case [_, "exit", "none"]:
            sys.exit()
        case [_, "exit", "text"]:
            sys.exit("a complaint")
        case [_, "exit", number]:
            sys.exit(int(number))
        case [_, "kill", number]:
            os.kill(os.getpid(), int(number))
        case [_, "raise"]:
            raise RuntimeError("it broke")
        case [_, "process"]:
            print(os.getpid())
        case [_, "sleepers", note]:
            fork_sleepers(note)
        case [_, "change"]:
            for name in ("A_NEW_ONE", "HOME", "TMPDIR"):
                os.environ[name] = "changed"
            del os.environ["PATH"]
            os.chdir("/")
            tempfile.tempdir = "/nowhere"
            warnings.simplefilter("ignore")
        case [_, "warn"]:
            for _ in range(2):
                warnings.warn("look out", stacklevel=1)
        case [_, "look"]:
            print(Path.cwd(), sorted(os.environ.items()))
        case [_, "temporary"]:
            print(tempfile.gettempdir())
            tempfile.mkstemp()
        case [_, "hold", megabytes]:
            # Fresh pages: the heap may have some that tests before this left.
            held.append(mmap.mmap(-1, int(megabytes) << 20, flags=mmap.MAP_PRIVATE))
            for _ in range(int(megabytes)):
                held[-1].write(b"x" * (1 << 20))
        case [_, "burn", seconds]:
            while time.process_time() < float(seconds):
                pass
        case [_, "print"]:
            print("to stdout")
            print("to stderr", file=sys.stderr)
            os.write(1, b"to descriptor 1\n")
            os.system("echo from a child")
    return 0


def prepare() -> None:
    """Give the new process the streams and the warnings of a process of its own, and the stand-in for the command."""
    import levelworks.cli

    levelworks.cli.main = stage
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    warnings.simplefilter("default")
    warnings.showwarning = lambda message, *_: print(f"warned: {message}", file=sys.stderr)


@pytest.fixture
def scratch(tmp_path: Path) -> str:
    folder = tmp_path / "jobarray-scratch"
    folder.mkdir()
    return str(folder)


@pytest.fixture
def start(scratch: str) -> Iterator[Start]:
    """Return a maker of warm processes that end with the test."""
    runners: list[Runner] = []

    def make(memory_mb: float | None = None) -> Runner:
        runners.append(Runner(prepare, memory_mb, scratch))
        return runners[-1]

    yield make
    for runner in runners:
        runner.end()


@pytest.fixture
def do(node_task: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., tuple[dict[str, Any], str]]:
    """Return a function that runs one job in a warm process; gives its result and what it printed."""

    def run(runner: Runner, *words: str, limit: float | None = 30.0, **values: Any) -> tuple[dict[str, Any], str]:
        log = tmp_path / "log"
        found = runner.run(node_task(**values), StageCommand(("coronagraph", *words), str(log)), limit)
        return found, log.read_text() if log.exists() else ""

    return run


def gone(process: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("code", "0"), 0),
        (("code", "75"), 75),
        (("exit", "64"), 64),
        (("exit", "none"), 0),
        (("exit", "text"), 1),
    ],
)
def test_an_exit_code_is_that_of_a_process_of_its_own(start: Start, do: Any, words: tuple[str, ...], code: int) -> None:
    runner = start()
    found, _ = do(runner, *words)
    assert found["code"] == code
    assert runner.alive


def test_jobs_share_one_process(start: Start, do: Any) -> None:
    runner = start()
    printed = {do(runner, "process")[1] for _ in range(3)}
    assert printed == {f"{runner.process}\n"}
    assert runner.process != os.getpid()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGXCPU, signal.SIGTERM])
def test_a_signal_costs_the_process_and_its_job_alone(start: Start, do: Any, number: int) -> None:
    runner = start()
    assert do(runner, "code", "0")[0]["code"] == 0
    found, _ = do(runner, "kill", str(int(number)))
    assert (found["code"], found["signal"]) == (None, number)
    assert not runner.alive
    assert do(start(), "code", "0")[0]["code"] == 0


def test_a_process_that_died_between_two_jobs_is_noticed(start: Start, do: Any) -> None:
    runner = start()
    do(runner, "code", "0")
    os.kill(runner.process, signal.SIGKILL)
    os.waitid(os.P_PID, runner.process, os.WEXITED | os.WNOWAIT)
    assert do(runner, "code", "0")[0]["signal"] == signal.SIGKILL
    assert not runner.alive


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1])
@pytest.mark.parametrize("ordered", [False, True])
def test_a_signal_in_the_preload_is_told_and_ends_the_process(
    do: Any, scratch: str, number: int, ordered: bool
) -> None:
    reading, writing = os.pipe()

    def die() -> None:
        os.read(reading, 1)
        os.kill(os.getpid(), number)

    runner = Runner(die, None, scratch)
    if ordered:  # it dies with the order unread
        threading.Timer(0.2, os.write, (writing, b".")).start()
    else:
        os.write(writing, b".")
        os.waitid(os.P_PID, runner.process, os.WEXITED | os.WNOWAIT)
    found, printed = do(runner, "code", "0")
    assert (found["code"], found["signal"], printed) == (None, number, "")
    assert not runner.alive


def test_a_process_that_dies_of_an_exception_says_where(
    start: Start, do: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    runner = start()
    found, printed = do(runner, "raise")
    assert (found["code"], printed) == (1, "")
    assert not runner.alive
    said = capfd.readouterr().err  # the log of the array element
    assert said.startswith("Traceback")
    assert said.endswith("RuntimeError: it broke\n")


def test_an_error_in_the_preload_is_the_jobs_to_meet(do: Any, scratch: str) -> None:
    """The command imports its line anew: it says why it can't, in the log of each job, and the process stays."""

    class Broken(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "levelworks.coronagraph.stages":
                raise RuntimeError("a broken line")

    def preload() -> None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        sys.modules.pop("levelworks.coronagraph.stages", None)
        sys.meta_path.insert(0, Broken())
        importlib.import_module("levelworks.coronagraph.stages")

    runner = Runner(preload, None, scratch)
    try:
        for _ in range(2):
            found, printed = do(runner, "make-dark")
            assert found["code"] == 70
            assert "RuntimeError: a broken line" in printed
        assert runner.alive
    finally:
        runner.end()


def test_overrunning_its_time_ends_a_job_and_all_that_it_started(start: Start, do: Any, tmp_path: Path) -> None:
    runner, note = start(), tmp_path / "note"
    begun = time.monotonic()
    found, _ = do(runner, "sleepers", str(note), limit=1.0)
    assert (found["code"], found["reason"]) == (None, "time")
    assert 1.0 <= found["wall"] <= time.monotonic() - begun + 0.001 < 20
    assert not runner.alive
    numbers = [int(number) for number in note.read_text().split()]
    assert len(numbers) == 2
    for number in numbers:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(number).wait(10)
        assert gone(number)


def test_environment_and_folder_of_one_job_are_not_the_next_ones(start: Start, do: Any) -> None:
    runner = start()
    _, before = do(runner, "look")
    do(runner, "change")
    _, after = do(runner, "look")
    folder, variables = before.split(" ", maxsplit=1)
    assert folder == str(Path.cwd())
    assert "A_NEW_ONE" not in after
    # The folder for temporaries alone is another one for each job.
    assert _without_temporaries(after) == _without_temporaries(before)
    assert variables != after.split(" ", maxsplit=1)[1]


def _without_temporaries(text: str) -> list[str]:
    return [word for word in text.split("), (") if "jobarray-" not in word]


def test_a_job_is_told_its_attempt_and_the_earlier_ones(start: Start, do: Any) -> None:
    runner = start()
    assert "('LEVELWORKS_ATTEMPT', '2')" in do(runner, "look", attempt=2, earlier=("killed for memory",))[1]
    assert "LEVELWORKS_EARLIER_ATTEMPTS" not in do(runner, "look")[1]


def test_every_job_has_a_folder_for_temporaries_that_goes_with_it(start: Start, do: Any) -> None:
    runner = start()
    folders = [do(runner, "temporary")[1].strip() for _ in range(2)]
    do(runner, "change")
    folders.append(do(runner, "temporary")[1].strip())
    assert len(set(folders)) == 3
    assert all("jobarray-" in folder and not Path(folder).exists() for folder in folders)


def test_what_one_job_is_warned_of_the_next_is_warned_of_again(start: Start, do: Any) -> None:
    runner = start()
    printed = [do(runner, "warn")[1]]
    do(runner, "change")
    printed.append(do(runner, "warn")[1])
    assert printed == ["warned: look out\n"] * 2


def test_both_streams_and_those_of_children_go_into_the_log_of_their_job(start: Start, do: Any, tmp_path: Path) -> None:
    runner = start()
    _, printed = do(runner, "print")
    assert sorted(printed.splitlines()) == ["from a child", "to descriptor 1", "to stderr", "to stdout"]
    assert do(runner, "code", "0")[1] == ""


def test_a_process_that_has_grown_beyond_its_share_retires_after_its_job(start: Start, do: Any) -> None:
    inherited = psutil.Process().memory_info().rss / 2**20
    runner = start(2 * (inherited + 100))
    assert do(runner, "hold", "10")[0]["code"] == 0
    assert runner.alive
    assert do(runner, "hold", str(int(inherited + 350)))[0]["code"] == 0
    assert not runner.alive
    assert do(start(None), "hold", "350")[0]["code"] == 0


def test_a_process_may_keep_what_its_first_job_left_and_little_more(start: Start, do: Any) -> None:
    runner = start(1.0)
    do(runner, "hold", "200")
    for _ in range(2):
        do(runner, "code", "0")
        assert runner.alive
    inherited = psutil.Process(runner.process).memory_info().rss / 2**20
    do(runner, "hold", str(int(0.3 * inherited + 50)))
    assert not runner.alive


def test_a_process_without_a_share_stays_however_large_it_is(start: Start, do: Any) -> None:
    runner = start()
    do(runner, "hold", "350")
    assert runner.alive


def test_memory_and_time_are_those_of_each_job(start: Start, do: Any) -> None:
    runner = start()
    small = do(runner, "code", "0")[0]["usage"]
    large = do(runner, "hold", "200")[0]["usage"]
    busy = do(runner, "burn", "0.5")[0]["usage"]
    assert large.rss > small.rss + 190
    assert busy.cpu > 0.1
    assert busy.cpu > small.cpu
    assert busy.wall >= busy.cpu * 0.5
    assert 0 <= small.wall < 10


def test_what_a_library_keeps_stays_warm_for_the_next_job(start: Start, do: Any) -> None:
    runner = start()
    do(runner, "hold", "50")
    assert do(runner, "code", "0")[0]["usage"].rss > 50


def test_a_process_that_does_not_lead_its_group_yet_is_ended_too() -> None:
    process = os.fork()
    if process == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(60)
        os._exit(0)
    begun = time.monotonic()
    assert os.WTERMSIG(end_group(process)) == signal.SIGTERM
    assert gone(process)
    assert time.monotonic() - begun < GRACE


def test_a_group_that_does_not_heed_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snakemake_executor_plugin_jobarray.node.runner.GRACE", 0.3)
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(writing, b".")
        time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    assert os.WTERMSIG(end_group(process)) == signal.SIGKILL
    assert gone(process)
