"""Whether a process that wrote its name down still lives, here or on another host."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

SILENT = 120.0
"""Seconds without a sign of life after which a process of another host counts as dead."""


@dataclass(frozen=True)
class Process:
    """A process by host, number and time of birth (in the kernel's ticks): a number alone may be another's by now."""

    host: str
    pid: int
    born: str | None

    def alive(self, beat: float) -> bool:
        """Return whether it lives; of another host's, its last sign of life (seconds since 1970) tells."""
        if self.host == socket.gethostname():
            return self.born is not None and birth(self.pid) == self.born
        return time.time() - beat < SILENT


def birth(process: int) -> str | None:
    """Return when a process of this host began, in the kernel's ticks; None where there is none that lives."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
