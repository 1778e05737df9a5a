"""The machine as a scheduler: real workers in a bounded pool, that outlive their controller."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from snakemake_executor_plugin_jobarray.arrays import Array
from snakemake_executor_plugin_jobarray.backend import ElementState, State
from snakemake_executor_plugin_jobarray.causes import Cause
from snakemake_executor_plugin_jobarray.local import Local
from snakemake_executor_plugin_jobarray.requests import Request

WAIT = "touch begun.INDEX; while ! test -e go; do sleep 0.05; done"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def pool(work: Path) -> Iterator[Callable[[int], Local]]:
    """Return a maker of pools that are empty when the test ends."""
    pools: list[Local] = []

    def make(slots: int) -> Local:
        pools.append(Local(slots))
        return pools[-1]

    yield make
    (work / "go").touch()
    for one in pools:
        one.cancel(dict.fromkeys(one._own))


@pytest.fixture
def submit(array: Callable[..., Array], work: Path) -> Callable[..., Array]:
    """Return a function that writes and submits an array of a command, in which INDEX is the element's."""

    def make(local: Local, elements: int, command: str, **values: Any) -> Array:
        made = array(elements, command=command, **values)
        for index, element in made.elements.items():
            element.jobs = [
                replace(job, task=replace(job.task, command=command.replace("INDEX", str(index))))
                for job in element.jobs
            ]
        made.write(str(work))
        made.external = local.submit(made, 0)
        return made

    return make


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def states(local: Local, array: Array) -> list[State]:
    found = local.query([array])
    return [found[array.name, index].state for index in array.elements]


def begun(work: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in work.glob("begun.*"))


def test_no_more_elements_run_than_there_are_slots(pool: Callable[[int], Local], submit: Any, work: Path) -> None:
    local = pool(2)
    array = submit(local, 4, WAIT)
    until(lambda: begun(work) == ["1", "2"])
    assert states(local, array) == [State.RUNNING, State.RUNNING, State.PENDING, State.PENDING]
    (work / "go").touch()
    until(lambda: states(local, array) == [State.ENDED] * 4)
    assert begun(work) == ["1", "2", "3", "4"]
    assert {found.cause for found in local.query([array]).values()} == {None}
    local.close()


def test_an_element_takes_the_slots_that_it_asks_for(pool: Callable[[int], Local], submit: Any, work: Path) -> None:
    local = pool(4)
    array = submit(local, 3, WAIT, request=Request(cpus=2))
    until(lambda: begun(work) == ["1", "2"])
    assert states(local, array) == [State.RUNNING, State.RUNNING, State.PENDING]


def test_an_element_waits_for_memory_too(pool: Callable[[int], Local], submit: Any, work: Path) -> None:
    local = pool(8)
    whole = psutil.virtual_memory().total // 2**20
    array = submit(local, 3, WAIT, request=Request(mem_mb=int(0.4 * whole)))
    until(lambda: begun(work) == ["1", "2"])
    assert states(local, array) == [State.RUNNING, State.RUNNING, State.PENDING]


def test_an_element_that_asks_for_more_than_there_is_runs_alone(
    pool: Callable[[int], Local], submit: Any, work: Path
) -> None:
    local = pool(2)
    array = submit(local, 2, WAIT, request=Request(cpus=64, mem_mb=10**9))
    until(lambda: begun(work) == ["1"])
    assert states(local, array) == [State.RUNNING, State.PENDING]
    (work / "go").touch()
    until(lambda: states(local, array) == [State.ENDED] * 2)


@pytest.mark.parametrize(
    ("number", "cause"),
    [(signal.SIGKILL, Cause.MEMORY), (signal.SIGTERM, Cause.CANCELLED), (signal.SIGINT, Cause.FAILED)],
)
def test_how_a_worker_was_ended_is_told(
    pool: Callable[[int], Local], submit: Any, work: Path, number: int, cause: Cause
) -> None:
    local = pool(1)
    array = submit(local, 1, WAIT)
    until(lambda: begun(work) == ["1"])
    ((process, _),) = local._running.values()
    os.kill(process.pid, number)
    until(lambda: states(local, array) == [State.ENDED])
    assert local.query([array])[array.name, 1].cause is cause


def test_a_cancelled_array_is_gone_with_all_that_it_started(
    pool: Callable[[int], Local], submit: Any, work: Path
) -> None:
    local = pool(1)
    array = submit(local, 2, f"echo $$ > shell; {WAIT}")
    until(lambda: begun(work) == ["1"])
    shell = int((work / "shell").read_text())
    local.cancel({array.name: None})
    assert states(local, array) == [State.ENDED] * 2
    assert {found.cause for found in local.query([array]).values()} == {Cause.CANCELLED}
    assert not psutil.pid_exists(shell) or psutil.Process(shell).status() == psutil.STATUS_ZOMBIE
    assert begun(work) == ["1"]


def test_one_element_can_be_cancelled(pool: Callable[[int], Local], submit: Any, work: Path) -> None:
    local = pool(1)
    array = submit(local, 3, WAIT)
    until(lambda: begun(work) == ["1"])
    local.cancel({array.name: [2], "another": None})
    assert states(local, array) == [State.RUNNING, State.ENDED, State.PENDING]
    (work / "go").touch()
    until(lambda: states(local, array) == [State.ENDED] * 3)
    assert begun(work) == ["1", "3"]


def test_workers_outlive_their_controller_and_are_known_to_the_next(
    pool: Callable[[int], Local], submit: Any, work: Path
) -> None:
    first, second = pool(1), pool(1)
    array = submit(first, 2, WAIT)
    until(lambda: begun(work) == ["1"])
    inherited = Array(array.folder, array.name, array.rule, array.request, None)
    inherited.load(recalled=False)
    for element in inherited.elements.values():
        element.read()
    assert second.find(array.name) == array.name
    found = second.query([inherited])
    assert found[array.name, 1] == ElementState(State.RUNNING)
    assert (found[array.name, 2].state, found[array.name, 2].cause) == (State.ENDED, Cause.CANCELLED)
    second.cancel({array.name: [1]})
    until(lambda: states(first, array)[0] is State.ENDED)
    assert first.query([array])[array.name, 1].cause is Cause.CANCELLED
    assert second.query([inherited])[array.name, 1].cause is Cause.LOST


def test_another_process_under_a_workers_number_is_not_the_worker(
    pool: Callable[[int], Local], array: Callable[..., Array]
) -> None:
    inherited = array()
    with subprocess.Popen(["sleep", "60"]) as other:
        inherited.elements[1].worker_pid = other.pid
        local = pool(1)
        assert local.query([inherited])[inherited.name, 1].cause is Cause.LOST
        local.cancel({inherited.name: None})
        assert other.poll() is None
        other.kill()


def test_what_a_worker_prints_is_kept(pool: Callable[[int], Local], submit: Any) -> None:
    local = pool(1)
    array = submit(local, 1, "echo printed")
    until(lambda: states(local, array) == [State.ENDED])
    assert array.elements[1].log_path.read_text() == "printed\n"
    array.elements[1].read()
    assert array.elements[1].farewell
