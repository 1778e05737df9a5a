"""The warm process: imports a product line once and runs the stages of many jobs, one after another.

A job that ends with an exit code leaves the process warm for the next. One that kills it (a signal, out of memory) or
overruns its time costs the process and nothing else: the worker starts another one for the jobs that follow. A process
that has grown beyond its share of the memory retires after the job that it ran.

Forking for every job instead was measured and dropped: each fork pages its arrays in anew and loads the compiled
kernels again, 50 ms and 0.8 s of a coronagraph frame of 30 ms.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import selectors
import signal
import socket
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from snakemake_executor_plugin_jobarray.node.files import job_environment, temporary_folder
from snakemake_executor_plugin_jobarray.node.measure import (
    PAGE_MB,
    Sampler,
    Usage,
    forget_peak,
    peak_memory,
    transfers,
)
from snakemake_executor_plugin_jobarray.node.words import StageCommand

SHARE_OF_MEMORY, GROWTH = 0.5, 1.3
"""What the process may keep between jobs: that share of a job's memory, or so many times what its first job left."""
GRACE = 5.0
"""Seconds between asking a process to end and killing it."""


class Runner:
    """A warm process, as the worker sees it: a child that takes jobs through a socket."""

    def __init__(self, preload: Callable[[], None], memory_mb: float | None, scratch: str) -> None:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        self.process = os.fork()
        if self.process == 0:
            ours.close()
            os.setpgid(0, 0)
            _serve(theirs, preload, memory_mb, scratch)
        theirs.close()
        self._socket = ours
        self._answers = selectors.PollSelector()
        self._answers.register(ours, selectors.EVENT_READ)
        self._text = b""

    def run(self, task: Mapping[str, Any], command: StageCommand, limit: float | None) -> dict[str, Any]:
        """Run a job; returns its code or signal, times and memory. The process may be gone afterwards (`alive`)."""
        sampler, begun = Sampler(self.process), time.monotonic()
        try:
            self._socket.sendall(json.dumps({"task": dict(task), "words": command.words, "log": command.log}).encode())
            self._socket.sendall(b"\n")
        except OSError:
            return self._died(begun, sampler)
        while b"\n" not in self._text:
            left = None if limit is None else limit - (time.monotonic() - begun)
            if left is not None and left <= 0:
                self.end()
                return {"code": None, "reason": "time", "wall": round(time.monotonic() - begun, 3)}
            if not self._answers.select(0.5 if left is None else min(0.5, left)):
                gone, status = os.waitpid(self.process, os.WNOHANG)
                if gone:  # what it had forked may hold the socket open
                    return self._died(begun, sampler, status)
                sampler.look()
                continue
            try:
                received = self._socket.recv(65536)
            except ConnectionResetError:  # it died with the order unread
                received = b""
            if not received:
                return self._died(begun, sampler)
            self._text += received
        line, _, self._text = self._text.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        usage = Usage(**found.pop("usage"))
        usage.raise_to(sampler.peaks)
        if found.pop("retires"):
            self.end()
        return {**found, "usage": usage}

    def _died(self, begun: float, sampler: Sampler, status: int | None = None) -> dict[str, Any]:
        if status is None:
            _, status = os.waitpid(self.process, 0)
        self.process = 0
        self._socket.close()
        wall = round(time.monotonic() - begun, 3)
        memory = {} if sampler.peaks.rss is None else {"rss": round(sampler.peaks.rss, 1)}
        if os.WIFSIGNALED(status):
            return {"code": None, "signal": os.WTERMSIG(status), "wall": wall, **memory}
        return {"code": os.waitstatus_to_exitcode(status) or 70, "wall": wall, **memory}

    @property
    def alive(self) -> bool:
        """Return whether the process can take another job."""
        return self.process != 0

    def end(self) -> None:
        """End the process and all that it started."""
        if self.process:
            end_group(self.process)
            self.process = 0
            self._socket.close()


def end_group(process: int) -> int:
    """Ask the process group of a child to end, kill it after a grace; returns the child's wait status."""
    status: int | None = None
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        # It may not lead its group yet; once it has been waited for, its number may be another's.
        for send in (os.killpg, os.kill) if status is None else (os.killpg,):
            with suppress(ProcessLookupError, PermissionError):
                send(process, number)
        end = None if seconds is None else time.monotonic() + seconds
        while status is None and (end is None or time.monotonic() < end):
            found, waited = os.waitpid(process, 0 if end is None else os.WNOHANG)
            if found:
                status = waited
            else:
                time.sleep(0.02)
    return status or 0


def _serve(channel: socket.socket, preload: Callable[[], None], memory_mb: float | None, scratch: str) -> NoReturn:
    """Take jobs from the worker until it closes the socket."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    code = 1
    try:
        with suppress(Exception):  # the job meets the same, and says so in its log
            preload()
        cli = importlib.import_module("levelworks.cli")
        gc.freeze()
        largest = None
        with channel.makefile("r", encoding="utf-8") as orders:
            for line in orders:
                order = json.loads(line)
                answer = _run(cli.main, order["task"], order["words"], order["log"], scratch)
                if largest is None and memory_mb is not None:
                    largest = max(SHARE_OF_MEMORY * memory_mb, GROWTH * _resident())
                answer["retires"] = largest is not None and _resident() > largest
                channel.sendall(json.dumps(answer).encode() + b"\n")
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here in any case
        traceback.print_exc()  # into the log of the array element
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(
    main: Callable[[Sequence[str]], int],
    task: Mapping[str, Any],
    words: Sequence[str],
    log: str | None,
    scratch: str,
) -> dict[str, Any]:
    forget_peak()
    before, (read, written), begun = _cpu(), transfers("self"), time.perf_counter()
    with temporary_folder(scratch) as folder, _own_environment(job_environment(task, folder, 1)), _output_to(log):
        try:
            code = int(main(words))
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    wall, cpu = time.perf_counter() - begun, _cpu() - before
    rss, vms = peak_memory()
    usage = {"wall": wall, "cpu": cpu, "rss": rss, "vms": vms}
    now_read, now_written = transfers("self")
    if None not in (read, written, now_read, now_written):
        usage |= {"read": now_read - read, "written": now_written - written}  # type: ignore[operator]
    return {"code": code, "usage": usage}


def _cpu() -> float:
    own, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime


def _resident() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE_MB
    except OSError:
        return 0.0


@contextmanager
def _own_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Let a job find the environment and working folder that a process of its own would find, and leave no trace."""
    kept, here, temporary = dict(os.environ), os.getcwd(), tempfile.tempdir
    os.environ.update(variables)
    tempfile.tempdir = None
    try:
        with warnings.catch_warnings():  # what one job was warned of, the next is warned of again
            yield
    finally:
        if dict(os.environ) != kept:
            os.environ.clear()
            os.environ.update(kept)
        os.chdir(here)
        tempfile.tempdir = temporary


@contextmanager
def _output_to(log: str | None) -> Iterator[None]:
    """Send both output streams, of this process and of what it starts, to a file."""
    if log is None:
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, number in zip(kept, (1, 2), strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
