"""The processes of a job: its session, everything below it, and what left both but kept the environment."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One line of the process table."""

    pid: int
    parent: int
    session: int
    state: str
    cpu_time: float  # seconds, its own and that of children it has waited for
    memory: float  # resident, in MB


def table() -> dict[int, Process]:
    """Read the process table."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                words = file.read().rpartition(b")")[2].split()
        except OSError:  # it has gone
            continue
        cpu = sum(int(word) for word in words[11:15]) / TICK
        memory = int(words[21]) * PAGE / 2**20
        found[int(name)] = Process(int(name), int(words[1]), int(words[3]), words[0].decode(), cpu, memory)
    return found


def of_job(leader: int, processes: dict[int, Process]) -> list[Process]:
    """Return the living processes of the session that a leader began and their descendants."""
    inside = {pid for pid, process in processes.items() if process.session == leader}
    inside.add(leader)
    more = True
    while more:
        children = {pid for pid, process in processes.items() if process.parent in inside}
        more = not children <= inside
        inside |= children
    return [processes[pid] for pid in inside if pid in processes and processes[pid].state != "Z"]


def with_environment(*settings: str) -> list[int]:
    """Return the processes in whose environment all the settings stand."""
    wanted = {os.fsencode(setting) for setting in settings}
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if wanted <= set(Path(f"/proc/{name}/environ").read_bytes().split(b"\0")):
                    found.append(int(name))
    return found


def send(pids: list[int], number: int) -> None:
    """Send a signal to processes, some of which may have gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
