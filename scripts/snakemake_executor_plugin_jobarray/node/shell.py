"""A job's shell command in a process of its own, as Snakemake would run it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from snakemake_executor_plugin_jobarray.node.files import job_environment, own_output, temporary_folder
from snakemake_executor_plugin_jobarray.node.measure import Sampler, Usage
from snakemake_executor_plugin_jobarray.node.runner import end_group

LONGEST_ARGUMENT = 100_000
"""Bytes; the kernel takes 131,072 for one argument."""


class Shell:
    """Runs shell commands, one at a time.

    Parameters
    ----------
    scratch : str
        Folder for the temporaries of jobs.
    """

    def __init__(self, scratch: str) -> None:
        self._scratch = scratch

    def run(self, task: Mapping[str, Any], limit: float | None) -> dict[str, Any]:
        """Run a job's command with its prefix, in its own session; returns code or signal, times and memory."""
        with temporary_folder(self._scratch) as folder:
            log = own_output(task)
            output = open(log, "w", encoding="utf-8") if log else None  # noqa: SIM115 - closed below
            try:
                begun = time.monotonic()
                process = subprocess.Popen(
                    _arguments(task, folder),
                    env={**os.environ, **job_environment(task, folder, task["threads"])},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT if output else None,
                    start_new_session=True,
                )
                return self._wait(process, begun, limit)
            finally:
                if output:
                    output.close()

    def _wait(self, process: subprocess.Popen[bytes], begun: float, limit: float | None) -> dict[str, Any]:
        sampler, pause = Sampler(process.pid), 0.002
        while True:
            found, status, spent = os.wait4(process.pid, os.WNOHANG)
            if found:
                break
            if limit is not None and time.monotonic() - begun > limit:
                end_group(process.pid)
                process.returncode = -9
                return {"code": None, "reason": "time", "wall": round(time.monotonic() - begun, 3)}
            sampler.look()
            time.sleep(pause)
            pause = min(0.1, pause * 1.3)
        process.returncode = os.waitstatus_to_exitcode(status)
        usage = Usage(wall=time.monotonic() - begun, cpu=spent.ru_utime + spent.ru_stime, rss=spent.ru_maxrss / 1024)
        usage.raise_to(sampler.peaks)
        if os.WIFSIGNALED(status):
            return {"code": None, "signal": os.WTERMSIG(status), "usage": usage}
        return {"code": os.WEXITSTATUS(status), "usage": usage}


def _arguments(task: Mapping[str, Any], folder: str) -> list[str]:
    text = " ".join(filter(None, (task["prefix"].strip(), task["command"], task["suffix"].strip())))
    if len(text.encode()) <= LONGEST_ARGUMENT:
        return [task["shell"], "-c", text]
    script = os.path.join(folder, "command.sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return [task["shell"], script]
