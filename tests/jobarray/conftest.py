"""A scheduler in memory, a clock that tests set, and jobs as the executor's parts see them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from snakemake_executor_plugin_jobarray.arrays import Array, Element, Waiting
from snakemake_executor_plugin_jobarray.backend import ElementState, State
from snakemake_executor_plugin_jobarray.causes import History
from snakemake_executor_plugin_jobarray.node.report import StatusFile
from snakemake_executor_plugin_jobarray.requests import Request
from snakemake_executor_plugin_jobarray.tasks import Task

PACKAGE = "snakemake_executor_plugin_jobarray"


class Clock:
    """A clock that stands still until it is told how much time has passed."""

    def __init__(self) -> None:
        self._begun, self._passed = time.time(), 0.0

    def advance(self, seconds: float) -> None:
        self._passed += seconds

    sleep = advance

    def monotonic(self) -> float:
        return 1000.0 + self._passed

    def time(self) -> float:
        return self._begun + self._passed


class FakeBackend:
    """A scheduler in memory: takes arrays, says of their elements what a test has set, and remembers what it was told.

    `refusals` are raised by the next submissions, one each (None lets one pass); `lost` are answers that never arrive:
    the array is there, and the caller hears Unavailable.
    """

    name = "fake"

    def __init__(self) -> None:
        self.slots = 0
        self.largest = 1000
        self.arrays: dict[str, Array] = {}
        self.states: dict[tuple[str, int], ElementState] = {}
        self.cancelled: list[tuple[str, list[int] | None]] = []
        self.refusals: list[Exception | None] = []
        self.throttles: list[int] = []
        self.answer_lost: Exception | None = None
        self.away: Exception | None = None
        self.queries = 0
        self.closed = False

    def _answer(self) -> None:
        if self.away:
            raise self.away

    def largest_array(self) -> int:
        self._answer()
        return self.largest

    def submit(self, array: Array, throttle: int) -> str:
        self._answer()
        if self.refusals and (refusal := self.refusals.pop(0)):
            raise refusal
        self.throttles.append(throttle)
        identifier = str(101 + len(self.arrays))
        self.arrays[identifier] = array
        self.set(identifier, State.PENDING)
        if self.answer_lost:
            error, self.answer_lost = self.answer_lost, None
            raise error
        return identifier

    def find(self, name: str) -> str | None:
        self._answer()
        return next((identifier for identifier, array in self.arrays.items() if array.name == name), None)

    def query(self, arrays: Sequence[Array]) -> Mapping[tuple[str, int], ElementState]:
        self.queries += 1
        self._answer()
        asked = {array.external for array in arrays}
        return {place: state for place, state in self.states.items() if place[0] in asked}

    def cancel(self, arrays: Mapping[str, Collection[int] | None]) -> None:
        self._answer()
        self.cancelled += [(name, None if indices is None else sorted(indices)) for name, indices in arrays.items()]

    def close(self) -> None:
        self.closed = True

    # What a test lets happen on the cluster.

    def set(self, identifier: str, state: State, index: int | None = None, **values: Any) -> None:
        """Set the state of an element, or of all of an array."""
        for one in self.arrays[identifier].elements if index is None else [index]:
            self.states[identifier, one] = ElementState(state, **values)

    def says(self, identifier: str, index: int, event: str, **values: Any) -> None:
        """Let the worker of an element write an event."""
        StatusFile(str(self.arrays[identifier].folder / "status" / str(index))).write(event, **values)

    def begins(self, identifier: str, index: int = 1, *, job: int | None = 0, host: str = "node1") -> None:
        """Let the worker of an element begin, and its first job with it."""
        self.set(identifier, State.RUNNING, index, host=host)
        self.says(identifier, index, "worker", host=host, pid=4711, id=identifier)
        if job is not None:
            self.says(identifier, index, "start", job=job)

    def ends(self, identifier: str, index: int = 1, *, job: int = 0, **values: Any) -> None:
        """Let a job end, well unless told otherwise."""
        self.says(identifier, index, "end", job=job, **({"code": 0, "wall": 1.0} | values))

    def finishes(self, identifier: str, index: int = 1) -> None:
        """Let an element run all its jobs well, and end."""
        self.begins(identifier, index, job=None)
        for job in range(len(self.arrays[identifier].elements[index].jobs)):
            self.says(identifier, index, "start", job=job)
            self.ends(identifier, index, job=job)
        self.says(identifier, index, "bye")
        self.set(identifier, State.ENDED, index)


class Log:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.infos: list[str] = []
        self.warnings: list[str] = []

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture(scope="session")
def task() -> Callable[..., Task]:
    """Return a maker of tasks: jobs of one rule, named by their key, that owe no output unless told."""

    def make(key: str = "one", **values: Any) -> Task:
        given = {
            "key": key,
            "fingerprint": f"of {key}",
            "rule": "calibrate",
            "label": f"calibrate ({key})",
            "command": "true",
            "prefix": "",
            "suffix": "",
            "shell": "/bin/sh",
            "nested": False,
            "outputs": (),
            "logs": (),
            "benchmark": None,
            "threads": 1,
        }
        return Task(**(given | values))

    return make


@pytest.fixture(scope="session")
def node_task(task: Callable[..., Task]) -> Callable[..., dict[str, Any]]:
    """Return a maker of tasks as a node reads them from a bundle file."""
    return lambda *key, **values: json.loads(json.dumps(task(*key, **values).to_json()))


@pytest.fixture(scope="session")
def waiting(task: Callable[..., Task]) -> Callable[..., Waiting]:
    """Return a maker of waiting jobs."""

    def make(
        key: str = "one", request: Request | None = None, history: History | None = None, **values: Any
    ) -> Waiting:
        return Waiting(task(key, **values), request or Request(), history or History())

    return make


@pytest.fixture
def array(tmp_path: Path, waiting: Callable[..., Waiting]) -> Callable[..., Array]:
    """Return a maker of arrays: so many elements with so many jobs each, all of them wanted."""

    def make(elements: int = 1, jobs: int = 1, request: Request | None = None, **values: Any) -> Array:
        asked = request or Request()
        name = values.pop("name", "calibrate-1")
        minutes = values.pop("minutes", None)
        made = Array(tmp_path / "arrays" / name, name, "calibrate", asked, minutes)
        for index in range(1, elements + 1):
            members = [waiting(f"{index}.{number}", asked, **values) for number in range(jobs)]
            made.elements[index] = Element(made, index, members, wanted=set(range(jobs)))
        return made

    return make


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of all parts of the controller's side."""
    made = Clock()
    for module in ("controller", "submitter", "watcher", "journal", "node.report"):
        monkeypatch.setattr(f"{PACKAGE}.{module}.time", made)
    return made


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[list[str]]]]:
    """Return a maker of commands on the PATH that print and end as told.

    Each maker returns a function that tells with which words the command was called, each time; what it was given on
    standard input lies beside it in NAME.input, its environment in NAME.environment.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def make(name: str, out: str = "", *, code: int = 0, err: str = "", reads: bool = False) -> Any:
        place = folder / name
        for stream, text in (("out", out), ("err", err)):
            (folder / f"{name}.{stream}").write_text(text)
        place.write_text(
            f'#!/bin/sh\nfor word in "$@"; do printf \'%s\\036\' "$word"; done >> {place}.calls\n'
            f"printf '\\n' >> {place}.calls\nenv > {place}.environment\n"
            + (f"cat > {place}.input\n" if reads else "")
            + f"cat {place}.out\ncat {place}.err >&2\nexit {code}\n"
        )
        place.chmod(0o755)

        def calls() -> list[list[str]]:
            text = (folder / f"{name}.calls").read_text() if (folder / f"{name}.calls").exists() else ""
            return [line.split("\036")[:-1] for line in text.split("\n")[:-1]]

        return calls

    return make
