"""Snakemakes forked from a process that has imported Snakemake once: 2 CPU s less for each of the suite's many starts.

What runs is Snakemake from its command line on, in a process and a session of its own, with its own folder,
environment and output. That the program starts from a shell is for the tests that call it by its name.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from levelworks.core.config import LINES

TESTS = Path(__file__).resolve().parents[1]
PRELOADED = [
    "snakemake.cli",
    *(f"snakemake.{name}" for name in ("assets", "profiles", "report.html_reporter", "storage")),
    *(f"snakemake_executor_plugin_{name}" for name in ("jobarray.executor", "jobarray.settings", "slurm", "lsf")),
    "snakemake_scheduler_plugin_firstfit",
    "smart_open",
    *(f"levelworks.{line}.plan" for line in LINES),
]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(PRELOADED)


class Snakemake:
    """A Snakemake that runs, with as much of the interface of `subprocess.Popen` as tests use.

    Parameters
    ----------
    words
        Its command line without the name of the program.
    folder, environment
        Where and with which variables it runs.
    log
        File for both of its streams.
    """

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        arguments = (list(words), str(folder), dict(environment), str(log))
        self._process = _processes.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("snakemake", timeout or 0)
        return code

    def signal(self, number: int) -> None:
        """Send a signal to it alone."""
        os.kill(self.pid, number)


def run_snakemake(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake to its end; its output, both streams together, stands in ``stdout``."""
    with tempfile.NamedTemporaryFile() as log:
        process = Snakemake(words, folder, environment, Path(log.name))
        code = process.wait(timeout)
        return subprocess.CompletedProcess(["snakemake", *words], code, log.read().decode(errors="replace"))


def _run(words: list[str], folder: str, environment: dict[str, str], log: str) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [path for path in sys.path if not Path(path).is_relative_to(TESTS)]
    sys.argv = ["snakemake", *words]
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from snakemake.cli import main

    try:
        main(words)
    finally:
        atexit._run_exitfuncs()
