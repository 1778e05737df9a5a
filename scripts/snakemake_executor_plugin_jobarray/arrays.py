"""Arrays and their elements: which jobs go together, how many into one element, and how long that may take."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snakemake_executor_plugin_jobarray.causes import History
from snakemake_executor_plugin_jobarray.node.report import read_events
from snakemake_executor_plugin_jobarray.requests import Caps, Growth, Request
from snakemake_executor_plugin_jobarray.tasks import Task

SHARE_OF_LIMIT = 0.1
"""Of its time limit, what a job is taken to last where nothing is known."""
LARGEST_BUNDLE = 500
GONE = ".gone"
"""Ending of the order of a worker that is to begin no further job."""
MOST_REQUESTS = 20
"""Different requests of one rule that get arrays of their own."""
SAFETY = 2.0
"""Of a bundle's expected duration, for its time limit."""


@dataclass(frozen=True)
class Waiting:
    """A job with what it asks for at its first attempt and what it has been through.

    It is submitted not before `ready`, a monotonic time.
    """

    task: Task
    request: Request
    history: History = History()
    ready: float = 0.0

    def asked(self, caps: Caps) -> Request:
        """Return what the job asks for after what it has been through."""
        return self.request.grown(self.history.growth, caps)


@dataclass
class Element:
    """One array element: its jobs, and what its status file has said so far.

    Attributes
    ----------
    wanted : set of int
        Jobs, by number, whose end Snakemake waits for.
    ended : dict
        ``end`` events by job number.
    running : int or None
        The job that has started and not ended.
    silent_since, dead_since : float or None
        Since when the scheduler denies knowing the element, and since when it says that it has ended.
    asked_to_end : float or None
        When the scheduler asked the worker to end, by the node's clock.
    recalled : bool
        A controller has cancelled it; what is still wanted of it is submitted anew.
    """

    array: Array
    index: int
    jobs: list[Waiting]
    wanted: set[int] = field(default_factory=set)
    ended: dict[int, dict[str, Any]] = field(default_factory=dict)
    running: int | None = None
    running_since: float = 0.0
    host: str = ""
    worker_pid: int = 0
    farewell: bool = False
    asked_to_end: float | None = None
    resolved: bool = False
    recalled: bool = False
    silent_since: float | None = None
    dead_since: float | None = None
    offset: int = 0

    @property
    def status_path(self) -> Path:
        """Return the element's status file."""
        return self.array.folder / "status" / str(self.index)

    @property
    def log_path(self) -> Path:
        """Return the file for what the worker itself prints."""
        return self.array.folder / "logs" / f"{self.index}.log"

    def fence(self) -> None:
        """Take the worker's order away: should it still run, it begins no further job."""
        order = self.array.folder / "bundles" / f"{self.index}.json"
        with suppress(OSError):
            order.rename(order.with_suffix(GONE))

    @property
    def open_jobs(self) -> list[int]:
        """Return the numbers of the jobs that have not ended."""
        return [number for number in range(len(self.jobs)) if number not in self.ended]

    def read(self) -> list[int]:
        """Read what is new in the status file; returns the numbers of the jobs that have ended since."""
        events, self.offset = read_events(os.fspath(self.status_path), self.offset)
        ended = []
        for event in events:
            match event["event"]:
                case "worker":
                    self.worker_pid, self.host, self.running = event["pid"], str(event["host"]), None
                case "start":
                    self.running, self.running_since = event["job"], event["time"]
                case "end":
                    self.ended[event["job"]] = event
                    self.running = None
                    ended.append(event["job"])
                case "signal":
                    self.asked_to_end = event["asked"]
                case "bye":
                    self.farewell = True
        return ended


@dataclass
class Array:
    """One submitted array: its folder on the shared file system, its name and the scheduler's id.

    Attributes
    ----------
    expected : float or None
        Seconds that one job is expected to take.
    good : bool
        Whether everything in it has succeeded so far.
    inherited : bool
        Whether an earlier controller submitted it.
    uncollected : int
        Jobs that succeeded and that Snakemake has not taken over yet.
    """

    folder: Path
    name: str
    rule: str
    request: Request
    minutes: int | None
    expected: float | None = None
    elements: dict[int, Element] = field(default_factory=dict)
    external: str | None = None
    good: bool = True
    inherited: bool = False
    uncollected: int = 0

    @property
    def open_elements(self) -> list[Element]:
        """Return the elements of which something is still to come."""
        return [element for element in self.elements.values() if not element.resolved]

    def begun(self) -> set[int]:
        """Return the elements whose workers have begun to write: one look at a folder, most elements may be waiting."""
        try:
            return {int(name) for name in os.listdir(self.folder / "status") if name.isdecimal()}
        except OSError:
            return set()

    def write(self, workdir: str) -> None:
        """Write what the nodes need: one file a bundle, in a folder of its own."""
        for name in ("bundles", "status", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for element in self.elements.values():
            bundle = {
                "workdir": workdir,
                "limit": None if self.minutes is None or len(element.jobs) == 1 else 60 * self.minutes,
                "memory": self.request.memory,
                "expected": self.expected,
                "tasks": [waiting.task.to_json() for waiting in element.jobs],
                "growth": [(waiting.history.growth.memory, waiting.history.growth.runtime) for waiting in element.jobs],
            }
            (self.folder / "bundles" / f"{element.index}.json").write_text(json.dumps(bundle), encoding="utf-8")

    def load(self, *, recalled: bool) -> None:
        """Read the elements back from the folder, for a controller that was started again."""
        orders = (path for path in (self.folder / "bundles").iterdir() if path.suffix in (".json", GONE))
        for path in sorted(orders, key=lambda path: int(path.stem)):
            bundle = json.loads(path.read_text(encoding="utf-8"))
            jobs = []
            for found, (memory, runtime) in zip(bundle["tasks"], bundle["growth"], strict=True):
                task = Task.from_json(found)
                history = History(earlier=task.earlier, growth=Growth(memory, runtime))
                jobs.append(Waiting(task, self.request, history))
            self.elements[int(path.stem)] = Element(
                self, int(path.stem), jobs, recalled=recalled or path.suffix == GONE
            )


def groups(waiting: Iterable[Waiting], caps: Caps) -> list[tuple[Request, list[Waiting]]]:
    """Put together what may share an array: jobs of one rule and attempt that ask for the same.

    Where a rule asks for many different amounts, as memory by the size of a granule, they are rounded up: an array of
    one job is none.
    """
    by_rule: dict[tuple[str, int], dict[Request, list[Waiting]]] = {}
    for one in waiting:
        by_rule.setdefault((one.task.rule, one.task.attempt), {}).setdefault(one.asked(caps), []).append(one)
    found: list[tuple[Request, list[Waiting]]] = []
    for exact in by_rule.values():
        if len(exact) <= MOST_REQUESTS:
            found += exact.items()
            continue
        rounded: dict[Request, list[Waiting]] = {}
        for request, jobs in exact.items():
            rounded.setdefault(request.rounded(caps), []).extend(jobs)
        found += rounded.items()
    return found


def bundle_size(jobs: int, request: Request, *, chosen: int, duration: float | None, target: float, slots: int) -> int:
    """Return how many jobs one element takes.

    Parameters
    ----------
    jobs : int
        Ready jobs of the group.
    chosen : int
        The profile's number; 0 where the duration decides.
    duration : float or None
        Seconds that one job takes.
    target : float
        Seconds that an element should last.
    slots : int
        Elements that can run at once where that is known (this machine); 0 elsewhere.
    """
    size = request.bundle or chosen
    if not size:
        if duration is None:
            limit = 60 * request.runtime if request.runtime else target
            duration = request.expected or SHARE_OF_LIMIT * limit
        size = max(1, min(int(target / max(duration, 1e-3)), LARGEST_BUNDLE))
        if slots:
            size = min(size, max(1, math.ceil(jobs / slots)))
    return min(size, jobs)


def element_minutes(size: int, request: Request, duration: float | None, cap: int | None) -> int | None:
    """Return the time limit of an element in minutes.

    A worker begins no job for which the time might not suffice, and what is left over is submitted again: the limit
    can stay near what the bundle is expected to take, which schedulers reward.
    """
    if request.runtime is None:
        return None
    if size == 1:
        return request.runtime
    expected = request.runtime if duration is None else math.ceil(SAFETY * duration * size / 60)
    minutes = request.runtime + max(1, expected)
    return minutes if cap is None else max(request.runtime, min(minutes, cap))


def cut(jobs: Sequence[Waiting], size: int) -> list[list[Waiting]]:
    """Cut jobs into bundles."""
    return [list(jobs[start : start + size]) for start in range(0, len(jobs), size)]
