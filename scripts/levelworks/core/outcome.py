"""What became of a job: outcomes, the errors that lead to them, and exit codes.

An outcome is data. A bad granule ends in a valid, empty product whose record says why, with exit code 0,
so that the DAG stays static; only errors that a retry or a person must act on leave with another code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EXIT_DONE = 0
EXIT_INVALID_OPTIONS = 64
EXIT_TOO_MANY_QUARANTINED = 65
EXIT_BUG = 70
EXIT_TRANSIENT = 75


class Status(StrEnum):
    """How a stage ended where it ended with exit code 0."""

    DONE = "done"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Outcome:
    """The result of one stage: its status, why, its quality figures and its warnings.

    Parameters
    ----------
    status : Status
        ``done``, ``skipped`` (nothing to produce) or ``quarantined`` (bad input).
    reason : str
        One sentence; empty where the status is ``done``.
    quality : dict
        The stage's own figures, JSON-serialisable, units in the names.
    warnings : tuple of str
        What a person should know although products were written.
    """

    status: Status = Status.DONE
    reason: str = ""
    quality: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class LevelworksError(Exception):
    """Base of the package's own errors; one that reaches the command line unnamed is a bug."""

    exit_code = EXIT_BUG


class InvalidInput(LevelworksError):
    """A granule that can't be used: truncated, wrong level, wrong shape, missing variable.

    The stage contract turns it into a ``quarantined`` outcome with exit code 0.
    """

    exit_code = EXIT_DONE


class NothingToProduce(LevelworksError):
    """A granule that is good but gives no product; the contract turns it into ``skipped``, exit code 0."""

    exit_code = EXIT_DONE


class InvalidOptions(LevelworksError):
    """A wrong option or configuration value; the message names the key, the value and what is allowed."""

    exit_code = EXIT_INVALID_OPTIONS


class InvalidReference(LevelworksError):
    """A calibration reference that would make results wrong; the message names the file and the finding."""

    exit_code = EXIT_INVALID_OPTIONS


class TransientError(LevelworksError):
    """I/O or service trouble that a later attempt may not meet."""

    exit_code = EXIT_TRANSIENT
