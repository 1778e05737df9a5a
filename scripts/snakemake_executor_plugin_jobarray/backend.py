"""What every back end offers, and how commands of a scheduler are called."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from snakemake_executor_plugin_jobarray.arrays import Array
from snakemake_executor_plugin_jobarray.causes import Cause

COMMAND_SECONDS = 120
"""How long a command of the scheduler may take."""


class State(StrEnum):
    """Where an element is, as far as the scheduler is concerned."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class ElementState:
    """What the scheduler says of an element; the cause is None where it ended well, or has not ended."""

    state: State
    cause: Cause | None = None
    detail: str = ""
    host: str = ""


class Refused(Exception):
    """The scheduler will not take this array, now or later."""


class Full(Exception):
    """The scheduler takes no more for now: a limit on jobs is reached."""


class Unexpected(Exception):
    """The scheduler refuses with words that are not known to be meant for ever."""


class Unavailable(Exception):
    """The scheduler can't be reached: it has not heard what was asked, and tells nothing."""


class Unanswered(Unavailable):
    """The scheduler's answer did not arrive: it may have done what was asked."""


class Backend(Protocol):
    """One kind of scheduler. Elements are named by the array's external id and their index from 1."""

    name: str
    slots: int
    """Elements that can run at once where that is known, else 0."""

    def largest_array(self) -> int:
        """Return how many elements one array may have."""

    def submit(self, array: Array, throttle: int) -> str:
        """Submit an array and return its external id; raises Refused, Full, Unexpected or Unavailable."""

    def find(self, name: str) -> str | None:
        """Return the external id of the array with this name; raises Unavailable."""

    def query(self, arrays: Sequence[Array]) -> Mapping[tuple[str, int], ElementState]:
        """Return what the scheduler says of the arrays' elements; those that it does not know are absent."""

    def cancel(self, arrays: Mapping[str, Collection[int] | None]) -> None:
        """Cancel arrays by external id, whole (None) or some of their elements; raises Unavailable."""

    def close(self) -> None:
        """Let go of what the back end holds when the run ends."""


def node_command(folder: str) -> list[str]:
    """Return the command that runs a bundle on a node, but for the bundle's index."""
    root = os.fspath(Path(__file__).resolve().parents[1])
    start = (
        f"import sys; sys.path.insert(0, {root!r});"
        " from snakemake_executor_plugin_jobarray.node.worker import main; main(*sys.argv[1:])"
    )
    return [sys.executable, "-P", "-c", start, folder]


def node_script(array: Array, index: str) -> str:
    """Return the script that a scheduler runs for each element, of constant length.

    Parameters
    ----------
    index : str
        Variable in which the scheduler tells the element's index.
    """
    return f'#!/bin/sh\nexec {shlex.join(node_command(os.fspath(array.folder)))} "${index}"\n'


def call(
    words: Sequence[str],
    *,
    text: str | None = None,
    without: Sequence[str] = (),
    keep: Sequence[str] = (),
    more: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command of the scheduler; its answer may be a failure.

    Parameters
    ----------
    without, keep : sequence of str
        Beginnings of variables that the command must not inherit, and names that it keeps all the same: a controller
        that runs inside a job would pass that job's limits on.

    more : mapping of str to str
        Variables beside the inherited ones.

    Raises
    ------
    Unavailable
        Where the command is not there or does not answer.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in keep or not any(name.startswith(start) for start in without)
    } | dict(more or {})
    try:
        return subprocess.run(
            words,
            input=text,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            start_new_session=True,  # Ctrl-C is meant for the controller, which goes on to cancel
        )
    except FileNotFoundError:
        raise Unavailable(f"{words[0]} is not on the PATH") from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{words[0]} gave no answer within {COMMAND_SECONDS} s") from None
    except OSError as error:
        raise Unavailable(f"{words[0]} can't be run: {error}") from None


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed command says, in one line."""
    lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
    return " ".join(lines) or f"exit code {done.returncode}"


@dataclass(frozen=True)
class Complaints:
    """The words by which a scheduler's submission command tells why it took nothing.

    Attributes
    ----------
    unanswered, away, for_ever, limits : pattern
        The answer did not arrive; nobody was reached; time does not mend it; time may.
    """

    unanswered: re.Pattern[str]
    away: re.Pattern[str]
    for_ever: re.Pattern[str]
    limits: re.Pattern[str]

    def read(self, done: subprocess.CompletedProcess[str]) -> Exception:
        """Return what a submission that gave no id comes to."""
        reason = complaint(done)
        if done.returncode <= 0 or self.unanswered.search(reason):
            return Unanswered(reason)
        if self.for_ever.search(reason):
            return Refused(reason)
        if self.limits.search(reason):
            return Full(reason)
        return Unavailable(reason) if self.away.search(reason) else Unexpected(reason)
