"""The machine itself: a bounded pool of workers, as many as its cores (or --cores) carry."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from snakemake_executor_plugin_jobarray.arrays import Array, Element
from snakemake_executor_plugin_jobarray.backend import ElementState, State, node_command
from snakemake_executor_plugin_jobarray.causes import Cause
from snakemake_executor_plugin_jobarray.requests import Request

SIGKILL = 9
GRACE = 10.0
"""Seconds that workers have to end after they were asked to."""


class Local:
    """The back end ``local``: elements start when cores and memory are free, in the order of their submission.

    Workers are sessions of their own and outlive a controller that is killed; the next one finds their process numbers
    in the status files.
    """

    name = "local"

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._room = slots, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
        self._own: dict[str, Array] = {}
        self._inherited: dict[str, Array] = {}
        self._waiting: deque[tuple[str, Element]] = deque()
        self._running: dict[tuple[str, int], tuple[subprocess.Popen[bytes], tuple[float, float]]] = {}
        self._ended: dict[tuple[str, int], ElementState] = {}
        self._lock = threading.RLock()

    def largest_array(self) -> int:
        """Return a number that no array reaches."""
        return 1_000_000

    def submit(self, array: Array, throttle: int) -> str:  # noqa: ARG002 - the pool itself is the limit
        """Put the elements into the queue and start what there is room for."""
        with self._lock:
            self._own[array.name] = array
            self._waiting.extend((array.name, element) for element in array.elements.values())
            self._advance()
        return array.name

    def find(self, name: str) -> str | None:
        """Return the name itself: it is the external id."""
        return name

    def query(self, arrays: Sequence[Array]) -> Mapping[tuple[str, int], ElementState]:
        """Take in what has ended, start what there is room for, and tell the state of all elements."""
        with self._lock:
            self._advance()
            states = dict(self._ended)
            states |= {
                (identifier, element.index): ElementState(State.PENDING) for identifier, element in self._waiting
            }
            states |= dict.fromkeys(self._running, ElementState(State.RUNNING))
        for array in arrays:
            if array.name not in self._own:
                self._inherited[array.name] = array
                states |= _of_dead_controller(array)
        return states

    def _advance(self) -> None:
        for name, (process, _) in list(self._running.items()):
            if process.poll() is not None:
                del self._running[name]
                self._ended[name] = _ending(process.returncode)
        while self._waiting:
            identifier, element = self._waiting[0]
            share = self._share(element.array.request)
            taken = [sum(column) for column in zip(*(share for _, share in self._running.values()), strict=True)]
            if taken and any(busy + more > all_ for busy, more, all_ in zip(taken, share, self._room, strict=True)):
                return
            self._waiting.popleft()
            with open(element.log_path, "ab") as log:
                process = subprocess.Popen(
                    [*node_command(os.fspath(element.array.folder)), str(element.index)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._running[identifier, element.index] = process, share

    def _share(self, request: Request) -> tuple[float, float]:
        """Return the cores and the MB that an element occupies, at most all there are: what is alone always runs."""
        return min(request.cores, self.slots), min(request.memory or 0, self._room[1])

    def cancel(self, arrays: Mapping[str, Collection[int] | None]) -> None:
        """End workers, and forget those that wait."""

        def meant(identifier: str, index: int) -> bool:
            return identifier in arrays and (arrays[identifier] is None or index in (arrays[identifier] or ()))

        with self._lock:
            for identifier, element in list(self._waiting):
                if meant(identifier, element.index):
                    self._waiting.remove((identifier, element))
                    self._ended[identifier, element.index] = ElementState(State.ENDED, Cause.CANCELLED)
            ending = [process for name, (process, _) in self._running.items() if meant(*name)]
            for process in ending:
                process.terminate()
            until = time.monotonic() + GRACE
            for process in ending:
                try:
                    process.wait(max(0.0, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            for name, array in self._inherited.items():
                for element in array.open_elements:
                    if meant(name, element.index) and _alive(element):
                        os.kill(element.worker_pid, signal.SIGTERM)

    def close(self) -> None:
        """Wait for workers that write their last line."""
        with self._lock:
            for process, _ in self._running.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)


def _ending(code: int) -> ElementState:
    if code == 0:
        return ElementState(State.ENDED)
    if code == -SIGKILL:
        return ElementState(State.ENDED, Cause.MEMORY, "the worker was killed")
    if code in (-signal.SIGTERM, 128 + signal.SIGTERM):
        return ElementState(State.ENDED, Cause.CANCELLED, "the worker was asked to end")
    return ElementState(State.ENDED, Cause.FAILED, f"the worker ended with {code}")


def _of_dead_controller(array: Array) -> dict[tuple[str, int], ElementState]:
    """Tell the state of another controller's workers by their processes; what had not started then is lost."""
    states = {}
    for element in array.open_elements:
        # What had not begun died with its controller's queue, as if somebody had cancelled it.
        cause = Cause.LOST if element.worker_pid else Cause.CANCELLED
        gone = ElementState(State.ENDED, cause, "its controller was killed")
        states[array.name, element.index] = ElementState(State.RUNNING) if _alive(element) else gone
    return states


def _alive(element: Element) -> bool:
    """Return whether the element's worker runs: the number of a process alone may be another's by now."""
    if not element.worker_pid:
        return False
    try:
        with open(f"/proc/{element.worker_pid}/cmdline", "rb") as file:
            return os.fsencode(element.array.folder) in file.read().split(b"\0")
    except OSError:
        return False
