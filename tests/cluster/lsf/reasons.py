"""Why LSF ended a job: the termination reasons of its accounting, with their codes and their words."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """A termination reason: the number that LSF logs and the words that it prints."""

    TERM_UNKNOWN = (0, "unknown reason")
    TERM_PREEMPT = (1, "job killed after preemption")
    TERM_RUNLIMIT = (5, "job killed after reaching LSF run time limit")
    TERM_FORCE_OWNER = (8, "job killed by owner without time for cleanup")
    TERM_OWNER = (14, "job killed by owner")
    TERM_MEMLIMIT = (16, "job killed after reaching LSF memory usage limit")
    TERM_EXTERNAL_SIGNAL = (17, "job killed by a signal external to LSF")
    TERM_CWD_NOTEXIST = (25, "current working directory is not accessible or does not exist on the execution host")

    @property
    def code(self) -> int:
        """Return the number of the reason."""
        return self.value[0]

    @property
    def text(self) -> str:
        """Return the reason as the commands print it."""
        return f"{self.name}: {self.value[1]}"
