"""Watching: status files tell how jobs ended, one query a round confirms what has died."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from snakemake_executor_plugin_jobarray.arrays import Array, Element
from snakemake_executor_plugin_jobarray.backend import Backend, ElementState, State, Unavailable
from snakemake_executor_plugin_jobarray.causes import DISRUPTIONS, Cause, Ending, ending_of
from snakemake_executor_plugin_jobarray.submitter import Tuning

GUILTY = 0.9
"""Share of its own time that a job must have had to be the one for which its element ran out of time."""
LOG_TAIL = 600


class Sink(Protocol):
    """Who is told what became of the jobs of an element."""

    def job_began(self, element: Element, number: int) -> None:
        """Hear that a job runs."""

    def job_ended(self, element: Element, number: int, ending: Ending) -> None:
        """Take the ending of a job."""

    def job_left(self, element: Element, number: int) -> None:
        """Take back a job whose turn did not come."""

    def element_ended(self, element: Element) -> None:
        """Hear that nothing more comes of an element."""


class Watcher:
    """Watches submitted arrays."""

    def __init__(self, backend: Backend, tuning: Tuning, sink: Sink, log: Any) -> None:
        self._backend, self._tuning, self._sink, self._log = backend, tuning, sink, log
        self._next_query = 0.0
        self._silent_since: float | None = None
        self._recalls: dict[str, set[int]] = {}
        self._unreadable = False

    def recall(self, element: Element) -> None:
        """Have an element cancelled, and what is still wanted of it given back once it is dead."""
        element.recalled = True
        self._cancel(element)

    def _cancel(self, element: Element) -> None:
        element.fence()
        if element.array.external:
            self._recalls.setdefault(element.array.external, set()).add(element.index)

    def cancel_recalled(self) -> None:
        """Cancel everything that was recalled since, in one go."""
        recalls, self._recalls = self._recalls, {}
        if not recalls:
            return
        try:
            self._backend.cancel(recalls)
        except Unavailable as error:
            self._recalls = recalls
            self._log.warning(f"jobarray: {len(recalls)} arrays can't be cancelled in part yet: {error}")

    def read(self, arrays: Sequence[Array]) -> None:
        """Read what workers have written since."""
        well = True
        for array in arrays:
            begun = array.begun()
            for element in array.open_elements:
                if element.index in begun:
                    well &= self._try_to_read(element)
                if element.farewell:
                    self._settle(element, None)
        if well:
            self._unreadable = False

    def hear_farewells(self, arrays: Sequence[Array]) -> bool:
        """Read the last words of elements whose jobs have all ended; return whether all of them have spoken."""
        ended = [element for array in arrays for element in array.open_elements if not element.open_jobs]
        for element in ended:
            if self._try_to_read(element) and element.farewell:
                self._settle(element, None)
        return all(element.resolved for element in ended)

    def _try_to_read(self, element: Element) -> bool:
        """Read an element's status file and say whether it could be; trouble is said once until it is over."""
        try:
            self._read(element)
        except OSError as error:
            if not self._unreadable:
                self._log.warning(f"jobarray: {error}; reading again")
            self._unreadable = True
            return False
        return True

    def _read(self, element: Element) -> None:
        before = element.running
        ended = element.read()
        if element.running is not None and element.running != before and element.running in element.wanted:
            self._sink.job_began(element, element.running)
        for number in ended:
            if number in element.wanted:
                ending = ending_of(element.ended[number], element.array.request, element.host)
                if element.recalled and not ending.good:  # killed by the cancellation
                    self._sink.job_left(element, number)
                else:
                    self._sink.job_ended(element, number, ending)

    def query(self, arrays: Sequence[Array]) -> None:
        """Ask the scheduler if it is time to, and act on what it says of elements that have not said farewell."""
        now = time.monotonic()
        watched = [array for array in arrays if array.open_elements]
        if now < self._next_query or not watched:
            return
        self._next_query = now + self._tuning.query
        try:
            for array in watched:
                array.external = array.external or self._backend.find(array.name)
            states = self._backend.query(watched)
        except Unavailable as error:
            if self._silent_since is None:
                self._silent_since = now
                self._log.warning(f"jobarray: {self._backend.name} does not answer ({error}); jobs go on, asking again")
            return
        if self._silent_since is not None:
            self._log.info(f"jobarray: {self._backend.name} answers again after {now - self._silent_since:.0f} s")
            self._silent_since = None
        for array in watched:
            for element in array.open_elements:
                self._consider(element, states.get((array.external or "", element.index)), now)

    def _consider(self, element: Element, state: ElementState | None, now: float) -> None:
        if state is None:
            element.silent_since = now if element.silent_since is None else element.silent_since
            silent = now - element.silent_since
            if silent >= self._tuning.lost_after:
                self._cancel(element)
                detail = f"{self._backend.name} has not known it for {silent:.0f} s"
                if self._try_to_read(element):
                    self._settle(element, ElementState(State.ENDED, Cause.LOST, detail))
            return
        element.silent_since = None
        element.host = state.host or element.host
        if state.state is not State.ENDED:
            element.dead_since = None
            return
        # Its last lines may still be on their way through the file system.
        element.dead_since = now if element.dead_since is None else element.dead_since
        if now - element.dead_since < self._tuning.settle and not element.recalled:
            self._next_query = min(self._next_query, now + max(0.2, self._tuning.settle / 4))
            return
        if self._try_to_read(element):
            self._settle(element, None if element.farewell else state)

    def _settle(self, element: Element, state: ElementState | None) -> None:
        """Say what became of the jobs that have not ended; `state` is None where the worker said farewell."""
        element.resolved = True
        # Who cancelled what an earlier controller had submitted did not mean this one's run.
        taken_back = element.recalled or (element.array.inherited and state and state.cause is Cause.CANCELLED)
        for number in element.open_jobs:
            if number not in element.wanted:
                continue
            ending = None if state is None or taken_back else _ending_of_open(element, number, state)
            if ending is None:
                self._sink.job_left(element, number)
            else:
                self._sink.job_ended(element, number, ending)
        self._sink.element_ended(element)


def _ending_of_open(element: Element, number: int, state: ElementState) -> Ending | None:
    """Return how a job ended that its worker did not see end; None where its turn had not come."""
    cause, host = state.cause, element.host
    if number == element.running and not _innocent(element, number, cause):
        return Ending(cause or Cause.FAILED, state.detail or "its worker ended without a word", None, host)
    if cause is Cause.CANCELLED:
        return Ending(cause, state.detail, None, host)
    if element.ended or element.running is not None:
        return None
    if not element.worker_pid and cause not in DISRUPTIONS | {Cause.MEMORY, Cause.TIME}:
        return Ending(Cause.NOT_STARTED, f"{state.detail} {_tail(element.log_path)}".strip(), None, host)
    return Ending(cause or Cause.LOST, state.detail, None, host)


def _innocent(element: Element, number: int, cause: Cause | None) -> bool:
    """Return whether an element ran out of time for what other jobs of its bundle took."""
    limit = element.jobs[number].task.limit
    if cause is not Cause.TIME or len(element.jobs) == 1 or limit is None:
        return False
    return (element.asked_to_end or time.time()) - element.running_since < GUILTY * limit


def _tail(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " ".join(text[-LOG_TAIL:].split())
