"""The controller: takes ready jobs, lets them be submitted and watched, and says how each ended.

One thread does it all. It knows nothing of Snakemake: jobs come as tasks with requests, endings go to a listener.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from snakemake_executor_plugin_jobarray.arrays import Array, Element, Waiting
from snakemake_executor_plugin_jobarray.backend import Backend, Unavailable
from snakemake_executor_plugin_jobarray.causes import (
    DISRUPTIONS,
    Cause,
    Ending,
    History,
    Policy,
    Verdict,
    ending_of,
    judge,
)
from snakemake_executor_plugin_jobarray.durations import Durations
from snakemake_executor_plugin_jobarray.journal import Journal
from snakemake_executor_plugin_jobarray.requests import Request
from snakemake_executor_plugin_jobarray.submitter import Submitter, Tuning
from snakemake_executor_plugin_jobarray.tasks import Task
from snakemake_executor_plugin_jobarray.watcher import Watcher

CLOCK_SLACK = 2.0
"""Seconds by which the clocks of nodes and file servers may differ."""

FAREWELL = 2.0
"""Seconds that workers whose jobs have all ended are given to say so, when a run ends."""
KEPT = 30 * 86400.0
"""Seconds that a finished array is kept for jobs that nobody has asked for since."""
PAUSE_PER_JOB, LONGEST_PAUSE = 0.002, 5.0
"""Seconds between two reports of successes: for each job in flight, and at the most."""


class Listener(Protocol):
    """Who is told how jobs ended."""

    def submitted(self, tasks: Sequence[Task], element: Element) -> None:
        """Hear that jobs were submitted."""

    def began(self, task: Task, element: Element) -> None:
        """Hear that a job runs."""

    def ended_well(self, tasks: Sequence[Task]) -> None:
        """Take over jobs that succeeded."""

    def disrupted(self, task: Task, ending: Ending, element: Element | None) -> None:
        """Hear of a job that is submitted again, by no fault of its own."""

    def ended_badly(self, task: Task, ending: Ending, verdict: Verdict, element: Element | None) -> None:
        """Take over a job that failed; the verdict says whether another attempt is worth it."""

    def broke(self, error: Exception) -> None:
        """Hear that the controller can't go on."""


class Controller:
    """Runs jobs through a back end.

    Parameters
    ----------
    journal : Journal
        Held by this controller.
    workdir : str
        Where jobs run.
    log : logger
        Takes what people should see.
    """

    def __init__(
        self,
        backend: Backend,
        journal: Journal,
        listener: Listener,
        workdir: str,
        tuning: Tuning,
        policy: Policy,
        log: Any,
    ) -> None:
        self._backend, self._journal, self._listener = backend, journal, listener
        self._tuning, self._policy, self._log = tuning, policy, log
        self._durations = Durations()
        self._submitter = Submitter(backend, journal, workdir, tuning, policy, self._durations, self._take_refusal, log)
        self._watcher = Watcher(backend, tuning, self, log)
        self._arrays: list[Array] = []
        self._histories: dict[str, History] = {}
        self._places: dict[str, tuple[Element, int]] = {}
        self._behind: dict[str, Waiting] = {}
        self._good: list[Task] = []
        self._inbox: list[tuple[Task, Request]] = []
        self._collected: list[str] = []
        self._rejected: list[str] = []
        self._handed_over: set[str] = set()
        self._in_flight = 0
        self._last_hand_over = 0.0
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="jobarray", daemon=True)

    def start(self) -> None:
        """Take up what earlier controllers left, and begin."""
        cancelled = 0
        for array, collected in self._journal.open_arrays():
            array.inherited = True
            self._arrays.append(array)
            for element in array.elements.values():
                with suppress(OSError):  # it is read again
                    element.read()
                for number, waiting in enumerate(element.jobs):
                    if (element.index, number) not in collected:
                        self._places[waiting.task.key] = (element, number)
                        cancelled += element.recalled
        if self._places:
            left = sum(not element.recalled for element, _ in self._places.values())
            besides = f", and {cancelled} in arrays that were cancelled" if cancelled else ""
            self._log.info(
                f"jobarray: an earlier run left {left} jobs that run or have ended since{besides}; those wanted are"
                " adopted"
            )
        self._thread.start()

    def add(self, jobs: Iterable[tuple[Task, Request]]) -> None:
        """Take jobs that are ready."""
        with self._lock:
            self._inbox += jobs
        self._wake.set()

    def collected(self, key: str) -> None:
        """Hear that Snakemake has taken over a job that succeeded."""
        with self._lock:
            self._collected.append(key)
            self._handed_over.discard(key)

    def rejected(self, key: str) -> None:
        """Hear that Snakemake does not accept the products of a job that ended well."""
        with self._lock:
            self._handed_over.discard(key)
            self._rejected.append(key)

    def cancel(self) -> tuple[list[str], int]:
        """Stop and cancel everything that is submitted; returns the arrays' ids and the number of unfinished jobs."""
        self._halt()
        for array in self._arrays:
            if array.external is None:
                with suppress(Unavailable):
                    array.external = self._backend.find(array.name)
        live = [array for array in self._arrays if array.external and array.open_elements]
        jobs = sum(len(element.open_jobs) for array in live for element in array.open_elements)
        for array in live:
            self._journal.cancelled(array)
        if live:
            self._backend.cancel(dict.fromkeys([array.external or "" for array in live]))
        return [array.external or "" for array in live], jobs

    def stop(self) -> int:
        """Stop without touching what is submitted; returns how many jobs go on, the journal keeps them."""
        self._halt()
        self._write_collected()
        until = time.monotonic() + FAREWELL
        while not self._watcher.hear_farewells(self._arrays) and time.monotonic() < until:
            time.sleep(0.05)
        # What ended well and was not asked for in this run may be asked for in the next.
        unclaimed = {id(element.array) for element, number in self._places.values() if number in element.ended}
        open_jobs = 0
        for array in self._arrays:
            if array.open_elements:
                open_jobs += sum(len(element.open_jobs) for element in array.open_elements if not element.recalled)
            elif not array.uncollected and (id(array) not in unclaimed or _older(array.folder, KEPT)):
                self._journal.closed(array)
        return open_jobs

    def _halt(self) -> None:
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _loop(self) -> None:
        try:
            while not self._stopping:
                self._round()
                soon = max(0.05, min(self._tuning.poll, self._tuning.gather / 4))
                self._wake.wait(soon if self._submitter.gathering else self._tuning.poll)
                self._wake.clear()
        except Exception as error:  # noqa: BLE001 - whatever it is, Snakemake must end and not wait for ever
            self._listener.broke(error)

    def _round(self) -> None:
        self._journal.check_held()
        with self._lock:
            arrived, self._inbox = self._inbox, []
            rejected, self._rejected = self._rejected, []
        for key in rejected:  # before the job comes again, with a new place
            if place := self._places.pop(key, None):
                place[0].array.uncollected -= 1
        self._in_flight += len(arrived)
        for task, request in arrived:
            self._take(task, request)
        for array in self._submitter.submit_ready():
            self._arrays.append(array)
            for element in array.elements.values():
                for number, waiting in enumerate(element.jobs):
                    self._places[waiting.task.key] = (element, number)
                self._listener.submitted([waiting.task for waiting in element.jobs], element)
        self._watcher.read(self._arrays)
        self._watcher.query(self._arrays)
        self._watcher.cancel_recalled()
        self._hand_over()
        self._write_collected()
        self._close()

    def _hand_over(self) -> None:
        """Hand over what succeeded.

        Each call costs Snakemake a look at all its jobs: it comes when Snakemake is done with the last one, and is the
        rarer the more jobs there are.
        """
        if not self._good:
            return
        now = time.monotonic()
        pause = min(LONGEST_PAUSE, PAUSE_PER_JOB * self._in_flight)
        with self._lock:
            if self._handed_over or (now < self._last_hand_over + pause and len(self._good) < self._in_flight):
                return
            self._handed_over = {task.key for task in self._good}
        self._last_hand_over = now
        good, self._good = self._good, []
        self._in_flight -= len(good)
        self._listener.ended_well(good)

    # What arrives.

    def _take(self, task: Task, request: Request) -> None:
        history = self._histories.get(task.key, History())
        waiting = Waiting(task, request, history, time.monotonic() + history.delay)
        element, number = self._places.get(task.key, (None, 0))
        if element is None or number in element.wanted:
            self._submitter.enqueue(waiting)
            return
        # An earlier controller submitted this job, and was killed.
        known = element.jobs[number]
        same = known.task.fingerprint == task.fingerprint
        ended = element.ended.get(number)
        if ended is None and not element.resolved:
            if same:
                self._adopt(element, number, waiting)
            else:
                # The same product with other options: what runs must not write it after ours.
                self._behind[task.key] = waiting
                self._watcher.recall(element)
        elif ended and same and ending_of(ended, request, element.host).good and _products_stand(task, ended):
            self._adopt(element, number, waiting)
            element.array.uncollected += 1
            self._good.append(task)
        else:
            del self._places[task.key]
            self._submitter.enqueue(waiting)

    def _adopt(self, element: Element, number: int, waiting: Waiting) -> None:
        known = element.jobs[number]
        self._histories[waiting.task.key] = known.history
        task = replace(waiting.task, attempt=known.task.attempt, limit=known.task.limit)
        element.jobs[number] = replace(waiting, task=task, history=known.history)
        element.wanted.add(number)

    # What the watcher sees.

    def job_began(self, element: Element, number: int) -> None:
        """Tell that a job runs."""
        self._listener.began(element.jobs[number].task, element)

    def job_ended(self, element: Element, number: int, ending: Ending) -> None:
        """Take the ending of a job."""
        waiting = element.jobs[number]
        if ending.good and element.array.inherited and not _products_stand(waiting.task, element.ended[number]):
            self.job_left(element, number)  # its inputs have changed since it began
            return
        if ending.good:
            if ending.wall is not None:
                self._durations.add(waiting.task.rule, ending.wall)
            element.array.uncollected += 1
            self._good.append(waiting.task)
            return
        element.array.good = False
        self._fail(waiting, ending, element.array.request, element)

    def job_left(self, element: Element, number: int) -> None:
        """Submit a job again whose turn did not come; that is no attempt of its."""
        waiting = element.jobs[number]
        self._places.pop(waiting.task.key, None)
        self._submitter.enqueue(replace(waiting, ready=0.0))

    def element_ended(self, element: Element) -> None:
        """Let jobs go that waited for this element to be dead."""
        for waiting in element.jobs:
            if behind := self._behind.pop(waiting.task.key, None):
                self._places.pop(waiting.task.key, None)
                self._submitter.enqueue(behind)

    def _take_refusal(self, waiting: Waiting, reason: str) -> None:
        self._fail(waiting, Ending(Cause.REFUSED, reason), waiting.request, None)

    def _fail(self, waiting: Waiting, ending: Ending, asked: Request, element: Element | None) -> None:
        task = waiting.task
        verdict = judge(ending, asked, waiting.history, self._policy)
        self._histories[task.key] = verdict.history
        self._places.pop(task.key, None)
        if ending.cause in DISRUPTIONS and verdict.again:
            self._log.warning(f"jobarray: {task.label}: {ending.describe()}; submitted again")
            self._listener.disrupted(task, ending, element)
            ready = time.monotonic() + verdict.history.delay
            self._submitter.enqueue(replace(waiting, history=verdict.history, ready=ready))
            return
        self._in_flight -= 1
        self._listener.ended_badly(task, ending, verdict, element)

    # What is over.

    def _write_collected(self) -> None:
        with self._lock:
            keys, self._collected = self._collected, []
        places = []
        for key in keys:
            element, number = self._places.pop(key)
            element.array.uncollected -= 1
            places.append((os.fspath(element.array.folder), element.index, number))
        if places:
            self._journal.collected(places)

    def _close(self) -> None:
        """Close arrays of which nothing more comes; inherited ones stay for jobs that are wanted later in this run."""
        over = [
            array for array in self._arrays if not array.inherited and not array.open_elements and not array.uncollected
        ]
        for array in over:
            self._arrays.remove(array)
            self._journal.closed(array)


def _products_stand(task: Task, ended: dict[str, Any]) -> bool:
    """Return whether the products of a job that another controller submitted are its own, and its inputs as they were.

    Of a job that a nested Snakemake ran, only the inputs are known here.
    """
    begun = ended["time"] - ended.get("wall", 0.0)
    try:
        written = [os.stat(path).st_mtime for path, kind in task.outputs if kind != "touched"]
        read = [os.stat(path).st_mtime for path in task.inputs]
    except OSError:
        return False
    return min(written, default=begun) >= begun - CLOCK_SLACK and max(read, default=begun) <= begun + CLOCK_SLACK


def _older(folder: Path, seconds: float) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > seconds
    except OSError:
        return True
