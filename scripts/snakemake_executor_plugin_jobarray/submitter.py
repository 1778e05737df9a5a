"""Submitting: what waits is gathered, grouped, bundled and handed to the scheduler as arrays."""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from snakemake_executor_plugin_jobarray.arrays import (
    Array,
    Element,
    Waiting,
    bundle_size,
    cut,
    element_minutes,
    groups,
)
from snakemake_executor_plugin_jobarray.backend import Backend, Full, Refused, Unanswered, Unavailable, Unexpected
from snakemake_executor_plugin_jobarray.causes import Policy
from snakemake_executor_plugin_jobarray.durations import Durations
from snakemake_executor_plugin_jobarray.journal import Journal
from snakemake_executor_plugin_jobarray.requests import Request

LONGEST_GATHERING = 10.0
"""Gathering windows that a steady trickle of jobs can delay an array at the most."""
PATIENCE = 5
"""How often the same unknown refusal is taken for a passing one."""
SHORTEST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds between attempts to submit while the scheduler takes nothing; each is twice the one before."""


@dataclass(frozen=True)
class Tuning:
    """How arrays are cut, and how patient the controller is; times in seconds.

    Attributes
    ----------
    bundle : int
        Jobs in an element; 0 where their duration decides.
    target : float
        How long an element should last.
    settle : float
        How long the last lines of an ended element may need to arrive through the file system.
    """

    bundle: int = 0
    target: float = 120.0
    array_size: int = 1000
    throttle: int = 0
    gather: float = 1.0
    poll: float = 5.0
    query: float = 30.0
    settle: float = 10.0
    lost_after: float = 120.0


class Submitter:
    """Holds what waits and submits it.

    Parameters
    ----------
    refused : callable
        Takes a job that the scheduler will not take, with its reason.
    """

    def __init__(
        self,
        backend: Backend,
        journal: Journal,
        workdir: str,
        tuning: Tuning,
        policy: Policy,
        durations: Durations,
        refused: Callable[[Waiting, str], None],
        log: Any,
    ) -> None:
        self._backend, self._journal, self._workdir = backend, journal, workdir
        self._tuning, self._policy, self._durations = tuning, policy, durations
        self._refused, self._log = refused, log
        self._run = uuid.uuid4().hex[:8]
        self._number = 0
        self._waiting: list[Waiting] = []
        self._first_arrival = self._last_arrival = 0.0
        self._largest: int | None = None
        self._fits: int | None = None
        self._unexpected: Counter[str] = Counter()
        self._pause = SHORTEST_PAUSE
        self._not_before = 0.0

    def enqueue(self, waiting: Waiting) -> None:
        """Let a job wait for the next array that it fits into."""
        now = time.monotonic()
        if not self._waiting:
            self._first_arrival = now
        self._last_arrival = now
        self._waiting.append(waiting)

    @property
    def gathering(self) -> bool:
        """Return whether jobs wait for nothing but the end of the gathering window."""
        now = time.monotonic()
        return now >= self._not_before and any(waiting.ready <= now for waiting in self._waiting)

    def submit_ready(self) -> list[Array]:
        """Submit what is ready, if no further jobs are about to join it; returns the new arrays."""
        now = time.monotonic()
        ready = [waiting for waiting in self._waiting if waiting.ready <= now]
        window = self._tuning.gather
        gathered = now - self._last_arrival >= window or now - self._first_arrival >= LONGEST_GATHERING * window
        if not ready or now < self._not_before or not gathered:
            return []
        self._waiting = [waiting for waiting in self._waiting if waiting.ready > now]
        self._first_arrival = now
        try:
            if self._largest is None:
                self._largest = min(self._tuning.array_size, self._backend.largest_array())
        except Unavailable as error:
            self._wait(ready, str(error))
            return []
        arrays: list[Array] = []
        for request, group in groups(ready, self._policy.caps):
            task = group[0].task
            duration = self._durations.of(task.rule, task.stage_benchmarks)
            size = bundle_size(
                len(group),
                request,
                chosen=self._tuning.bundle,
                duration=duration,
                target=self._tuning.target,
                slots=self._backend.slots,
            )
            minutes = element_minutes(size, request, duration, self._policy.caps.runtime)
            bundles = cut(group, size)
            while bundles:
                most = self._largest if self._fits is None else min(self._largest, self._fits)
                self._submit(bundles[:most], request, minutes, duration, arrays)
                bundles = bundles[most:]
        return arrays

    def _submit(
        self,
        bundles: Sequence[list[Waiting]],
        request: Request,
        minutes: int | None,
        duration: float | None,
        arrays: list[Array],
    ) -> None:
        """Submit one array; halve it where the scheduler takes no more jobs, wait where it takes none."""
        jobs = [waiting for bundle in bundles for waiting in bundle]
        if time.monotonic() < self._not_before:
            self._waiting += jobs
            return
        array = self._array(bundles, request, minutes)
        array.expected = duration
        try:
            array.external = self._external_id(array)
        except OSError as error:
            self._wait(jobs, str(error))
            return
        except Unanswered as error:
            # It may be there. It is looked for under its name, and submitted again when it stays unknown.
            arrays.append(array)
            self._wait([], f"no answer to an array of {_count(len(jobs), 'job')}: {error}")
            return
        except (Refused, Full, Unexpected, Unavailable) as error:
            self._journal.closed(array)
            reason = str(error)
            if isinstance(error, Unexpected):
                self._unexpected[reason] += 1
            if isinstance(error, Refused) or self._unexpected[reason] >= PATIENCE:
                self._handle_refusal(jobs, request, reason)
            elif isinstance(error, Full) and len(bundles) > 1:
                half = self._fits = len(bundles) // 2
                self._submit(bundles[:half], request, minutes, duration, arrays)
                self._submit(bundles[half:], request, minutes, duration, arrays)
            else:
                self._wait(jobs, reason)
            return
        self._journal.submitted(array)
        if self._fits is None or len(bundles) < self._fits:
            self._pause = SHORTEST_PAUSE  # all that was meant went in
        else:
            self._fits = 2 * self._fits
            if self._largest is not None and self._fits >= self._largest:
                self._pause, self._fits = SHORTEST_PAUSE, None
        self._unexpected.clear()
        arrays.append(array)
        task = jobs[0].task
        attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
        self._log.info(
            f"jobarray: {task.rule}: {_count(len(jobs), 'job')} in {_count(len(bundles), 'element')} of"
            f" {self._backend.name} array {array.external} ({request.describe()}{attempt})"
        )

    def _array(self, bundles: Sequence[list[Waiting]], request: Request, minutes: int | None) -> Array:
        self._number += 1
        rule = re.sub(r"[^A-Za-z0-9._-]", "_", bundles[0][0].task.rule)[:60]
        folder = self._journal.folder / self._run / f"{self._number:04d}-{rule}"
        array = Array(folder, f"{rule}-{self._run}-{self._number}", bundles[0][0].task.rule, request, minutes)
        limit = None if request.runtime is None else 60.0 * request.runtime
        for index, bundle in enumerate(bundles, start=1):
            jobs = [replace(one, task=one.task.prepared(limit, one.history.earlier)) for one in bundle]
            array.elements[index] = Element(array, index, jobs, wanted=set(range(len(jobs))))
        return array

    def _external_id(self, array: Array) -> str:
        array.write(self._workdir)
        self._journal.intend(array)
        try:
            return self._backend.submit(array, self._tuning.throttle)
        except Unanswered as error:
            try:
                found = self._backend.find(array.name)
            except Unavailable:
                raise error from None
            if found is None:
                raise
            return found

    def _handle_refusal(self, jobs: Sequence[Waiting], request: Request, reason: str) -> None:
        if not request.avoid:
            for waiting in jobs:
                self._refused(waiting, reason)
            return
        # Perhaps no other node is left: better a node that failed than none.
        self._log.warning(f"jobarray: {jobs[0].task.rule}: {reason}; trying again with every node allowed")
        for waiting in jobs:
            growth = replace(waiting.history.growth, avoid=frozenset())
            self.enqueue(replace(waiting, history=replace(waiting.history, growth=growth)))

    def _wait(self, jobs: Sequence[Waiting], reason: str) -> None:
        self._waiting += jobs
        self._not_before = time.monotonic() + self._pause
        self._log.warning(
            f"jobarray: {self._backend.name} takes no jobs at the moment ({reason});"
            f" {_count(len(self._waiting), 'job')} waiting, next attempt in {self._pause:.0f} s"
        )
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
