"""The worker: runs the jobs of one bundle, one after another, and writes what became of each to its status file."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import socket
import sys
import time
from functools import cached_property
from typing import Any, NoReturn

from snakemake_executor_plugin_jobarray.node.files import (
    Protected,
    clear_the_way,
    missing_outputs,
    own_output,
    scratch_folder,
)
from snakemake_executor_plugin_jobarray.node.measure import Usage, children, write_benchmark
from snakemake_executor_plugin_jobarray.node.report import StatusFile
from snakemake_executor_plugin_jobarray.node.runner import Runner, end_group
from snakemake_executor_plugin_jobarray.node.shell import Shell
from snakemake_executor_plugin_jobarray.node.words import StageCommand, read_stage_command

PLAIN_PREFIXES = ("", "set -euo pipefail;")
"""What stands before a command unless the workflow says otherwise; a single stage's command is the same without."""
SCHEDULER_VARIABLES = ("SLURM_JOB_ID", "LSB_JOBID")
SAFETY = 3.0
"""Of the expected duration of a job, for which there must be time left."""
MARGIN = 5.0
"""Seconds of an allocation that are kept for writing down how its jobs ended."""


class Worker:
    """Runs one bundle.

    Parameters
    ----------
    folder : str
        Folder of the submission: ``bundles/<index>.json`` says what to do, ``status/<index>`` takes what became of it.
    index : int
        Number of the bundle in its array, from 1.
    """

    def __init__(self, folder: str, index: int) -> None:
        self._order = os.path.join(folder, "bundles", f"{index}.json")
        with open(self._order, encoding="utf-8") as file:
            self.bundle: dict[str, Any] = json.load(file)
        self.status = StatusFile(os.path.join(folder, "status", str(index)))
        self.begun = time.monotonic()
        self.scratch = scratch_folder()
        self.shell = Shell(self.scratch)
        self.runner: Runner | None = None

    def run(self) -> None:
        """Run every job that has not ended yet, as far as the time of the allocation goes."""
        os.chdir(self.bundle["workdir"])
        finished = self.status.finished()
        identity = next((os.environ[name] for name in SCHEDULER_VARIABLES if name in os.environ), "")
        self.status.write("worker", host=socket.gethostname(), pid=os.getpid(), id=identity)
        signal.signal(signal.SIGTERM, self._stopped)
        signal.signal(signal.SIGUSR2, self._stopped)  # LSF says so that the run limit is reached
        left = [number for number in range(len(self.bundle["tasks"])) if number not in finished]
        for position, number in enumerate(left):
            task = self.bundle["tasks"][number]
            if not os.path.exists(self._order):
                break  # taken away: the controller counts on this worker no more, and its jobs run elsewhere
            if position and not self._time_for(task):
                self.status.write("left", jobs=left[position:])
                break
            self.status.write("start", job=number)
            self.status.write("end", job=number, **self._run(task))
        if self.runner:
            self.runner.end()
        shutil.rmtree(self.scratch, ignore_errors=True)
        if os.path.exists(self._order):
            self.status.write("bye")

    def _time_for(self, task: dict[str, Any]) -> bool:
        """Return whether the allocation lasts for another job: as long as such jobs take, or as this one may take."""
        whole, expected = self.bundle["limit"], self.bundle["expected"]
        needed = task["limit"] or 0.0
        if expected is not None:
            needed = min(needed, SAFETY * expected)
        return whole is None or time.monotonic() - self.begun + needed + MARGIN <= whole

    def _run(self, task: dict[str, Any]) -> dict[str, Any]:
        try:
            clear_the_way(task)
        except Protected as error:
            return {"code": 64, "message": str(error)}
        except OSError as error:
            return {"code": 75, "message": f"the outputs' place can't be prepared: {error}"}
        try:
            ended = self._run_command(task)
        except OSError as error:
            return {"code": 75, "message": f"the job can't be started: {error}"}
        usage: Usage | None = ended.pop("usage", None)
        if usage is not None:
            ended |= usage.to_json()
        if ended.get("code") == 0:
            if absent := missing_outputs(task):
                return {**ended, "reason": "missing", "message": f"ended well without writing {', '.join(absent)}"}
            if task["benchmark"] and usage is not None and not task["nested"]:
                try:
                    write_benchmark(task["benchmark"], usage)
                except OSError as error:
                    return {**ended, "code": 75, "message": f"the benchmark file can't be written: {error}"}
        return ended

    def _run_command(self, task: dict[str, Any]) -> dict[str, Any]:
        command = self._warm_command(task)
        if command is None:
            return self.shell.run(task, task["limit"])
        if self.runner is None or not self.runner.alive:
            self.runner = Runner(lambda: _preload(command), self.bundle["memory"], self.scratch)
        return self.runner.run(task, command, task["limit"])

    def _warm_command(self, task: dict[str, Any]) -> StageCommand | None:
        plain = task["prefix"].strip() in PLAIN_PREFIXES and not task["suffix"].strip() and own_output(task) is None
        if task["nested"] or not plain or not task["command"].lstrip().startswith("levelworks "):
            return None
        return read_stage_command(task["command"], self._lines)

    @cached_property
    def _lines(self) -> tuple[str, ...]:
        """The product lines of this Python, if it is the one whose ``levelworks`` the shell would find."""
        found = shutil.which("levelworks")
        if found is None or os.path.dirname(os.path.abspath(found)) != os.path.dirname(os.path.abspath(sys.executable)):
            return ()
        lines: tuple[str, ...] = importlib.import_module("levelworks.core.config").LINES
        return lines

    def _stopped(self, number: int, _frame: object) -> NoReturn:
        """End what runs; the scheduler knows why it asked."""
        signal.signal(number, signal.SIG_IGN)
        asked = time.time()
        for child in children(os.getpid()):
            end_group(child)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.status.write("signal", signal=number, asked=round(asked, 3))
        os._exit(128 + number)


def _preload(command: StageCommand) -> None:
    """Import the line of a stage, with one thread for the linear algebra that it may bring."""
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
    importlib.import_module(f"levelworks.{command.words[0]}.stages")


def main(folder: str, index: str) -> None:
    """Run a bundle."""
    Worker(folder, int(index)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
