"""The files of a job on the node: the way cleared before it, a folder for its temporaries, what it owes after it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

Task = Mapping[str, Any]


class Protected(Exception):
    """An output exists and is write-protected."""


def clear_the_way(task: Task) -> None:
    """Remove what an earlier attempt left under the names of outputs and logs, and make their folders.

    Raises
    ------
    Protected
        Where an output is there and write-protected, as Snakemake's ``protected()`` leaves it.
    """
    for path, kind in task["outputs"]:
        if os.path.lexists(path):
            if not os.path.islink(path) and not os.access(path, os.W_OK):
                raise Protected(f"{path} is write-protected")
            _remove(path, whole=kind == "directory")
    for path in task["logs"]:
        _remove(path, whole=False)
    everything = [path for path, _ in task["outputs"]] + task["logs"] + [task["benchmark"]] * bool(task["benchmark"])
    for folder in {os.path.dirname(path) for path in everything}:
        if folder:
            os.makedirs(folder, exist_ok=True)


def _remove(path: str, *, whole: bool) -> None:
    if path == os.devnull:
        return
    if os.path.isdir(path) and not os.path.islink(path):
        if whole:
            shutil.rmtree(path)
        elif not os.listdir(path):
            os.rmdir(path)
        return
    with suppress(FileNotFoundError):
        os.remove(path)


def missing_outputs(task: Task) -> list[str]:
    """Return the outputs that a job owes and that are not there."""
    return [path for path, kind in task["outputs"] if kind != "touched" and not os.path.lexists(path)]


def own_output(task: Task) -> str | None:
    """Return the file for what the command prints: the rule's log, unless the command writes it by itself."""
    logs = task["logs"]
    return logs[0] if logs and not any(path in task["command"] for path in logs) else None


def scratch_folder() -> str:
    """Make a folder for the temporaries of a worker's jobs, where the site wants such things."""
    base = os.environ.get("SLURM_TMPDIR") or os.environ.get("LSF_TMPDIR") or os.environ.get("TMPDIR")
    return tempfile.mkdtemp(prefix="jobarray-", dir=base if base and os.path.isdir(base) else None)


@contextmanager
def temporary_folder(scratch: str) -> Iterator[str]:
    """Give a job a folder for its temporaries and remove it afterwards."""
    folder = tempfile.mkdtemp(dir=scratch)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def job_environment(task: Task, folder: str, threads: int) -> dict[str, str]:
    """Return the variables that a job sees beside those of the worker."""
    names = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")
    pinned = {f"{name}_NUM_THREADS": str(threads) for name in names} | {"VECLIB_MAXIMUM_THREADS": str(threads)}
    own = dict.fromkeys(("TMPDIR", "TMP", "TEMP", "TEMPDIR"), folder)
    told = {"LEVELWORKS_ATTEMPT": str(task["attempt"])}
    if task["earlier"]:
        told["LEVELWORKS_EARLIER_ATTEMPTS"] = "\n".join(task["earlier"])
    return pinned | own | told
