"""Watch over the processes of a test cluster, so that none is left when its owner is gone.

Run as a program:

- ``python slurm_keeper.py keep FOLDER`` ends the cluster in a folder once standard input closes. The cluster's owner
  holds the other end of that pipe, which closes with the owner however it ends.
- ``python slurm_keeper.py adopt COMMAND…`` runs a daemon and takes in the processes that it orphans, as init does.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

# Set in the daemons alone, never in a client: what carries it is part of the cluster in that folder.
MARK = "LEVELWORKS_TEST_CLUSTER"
NODE_MARK = "LEVELWORKS_TEST_NODE"

_PR_SET_CHILD_SUBREAPER = 36


def end_processes(folder: Path, mark: str = MARK, seconds: float = 20) -> None:
    """End the daemons and jobs of the cluster in a folder and their descendants; with NODE_MARK those of its node."""
    end = time.monotonic() + seconds
    while found := _processes(folder, mark):
        if time.monotonic() > end:
            raise RuntimeError(f"processes of the cluster do not end: {found}")
        for process in found:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        # waiting with psutil would take their exit codes from the parent
        time.sleep(0.02)


def _processes(folder: Path, mark: str) -> list[psutil.Process]:
    found = {}
    for process in _marked(folder, mark):
        try:
            found |= {one.pid: one for one in (process, *process.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return [process for process in found.values() if _alive(process)]


def _marked(folder: Path, mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except psutil.Error:
            continue
        in_job = "SLURM_JOB_ID" in variables and variables.get("SLURM_CONF") == str(folder / "slurm.conf")
        if in_job or variables.get(mark) == str(folder):
            yield process


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _adopt(command: list[str]) -> int:
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("this process cannot take in orphans")
    daemon = subprocess.Popen(command)
    while True:
        ended, status = os.wait()
        if ended == daemon.pid:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    if sys.argv[1] == "adopt":
        sys.exit(_adopt(sys.argv[2:]))
    sys.stdin.read()
    end_processes(Path(sys.argv[2]))
