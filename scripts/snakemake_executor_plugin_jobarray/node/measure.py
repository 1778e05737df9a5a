"""What a job took, and the benchmark file that Snakemake would write of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
COLUMNS = ("s", "h:m:s", "max_rss", "max_vms", "max_uss", "max_pss", "io_in", "io_out", "mean_load", "cpu_time")


@dataclass
class Usage:
    """Wall and CPU time in seconds, memory and transfers in MB; None where it was not measured."""

    wall: float = 0.0
    cpu: float = 0.0
    rss: float | None = None
    vms: float | None = None
    uss: float | None = None
    pss: float | None = None
    read: float | None = None
    written: float | None = None

    def raise_to(self, other: Usage) -> None:
        """Raise the peaks to those of another measurement."""
        for name in ("rss", "vms", "uss", "pss", "read", "written"):
            mine, yours = getattr(self, name), getattr(other, name)
            if yours is not None:
                setattr(self, name, yours if mine is None else max(mine, yours))

    def to_json(self) -> dict[str, float]:
        """Return wall, CPU and peak memory for the status file."""
        found = {"wall": round(self.wall, 4), "cpu": round(self.cpu, 4)}
        return found if self.rss is None else {**found, "rss": round(self.rss, 1)}


@dataclass
class Sampler:
    """Peaks of a process and all below it, looked at seldom enough to cost nothing."""

    process: int
    peaks: Usage = field(default_factory=Usage)
    _next: float = field(default_factory=lambda: time.monotonic() + 0.5)
    _pause: float = 0.5

    def look(self) -> None:
        """Take a sample if it is time for one: after half a second, then ever more seldom, at most every 10 s."""
        now = time.monotonic()
        if now < self._next:
            return
        self.peaks.raise_to(tree_usage(self.process))
        self._pause = min(10.0, self._pause * 1.5)
        self._next = now + self._pause


def tree_usage(process: int) -> Usage:
    """Add up memory and transfers of a process and its descendants."""
    total = Usage(rss=0.0, vms=0.0, uss=0.0, pss=0.0, read=0.0, written=0.0)
    for one in (process, *descendants(process)):
        usage = process_usage(one)
        for name in ("rss", "vms", "uss", "pss", "read", "written"):
            setattr(total, name, getattr(total, name) + (getattr(usage, name) or 0.0))
    return total if total.rss else Usage()


def process_usage(process: int | str) -> Usage:
    """Read memory and transfers of one process; what the kernel does not tell stays None."""
    usage = Usage()
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            pages = file.read().split()
        usage.vms, usage.rss = int(pages[0]) * PAGE_MB, int(pages[1]) * PAGE_MB
        rollup = _table(f"/proc/{process}/smaps_rollup")
        usage.pss = rollup["Pss"] / 1024
        usage.uss = (rollup["Private_Clean"] + rollup["Private_Dirty"]) / 1024
    except (OSError, KeyError, ValueError, IndexError):
        pass
    usage.read, usage.written = transfers(process)
    return usage


def transfers(process: int | str) -> tuple[float | None, float | None]:
    """Return MB read from and written to storage by a process."""
    try:
        table = _table(f"/proc/{process}/io")
        return table["read_bytes"] / 2**20, table["write_bytes"] / 2**20
    except (OSError, KeyError, ValueError):
        return None, None


def peak_memory() -> tuple[float | None, float | None]:
    """Return the peaks of resident and virtual memory of this process in MB, since the last `forget_peak`."""
    try:
        table = _table("/proc/self/status")
        return table["VmHWM"] / 1024, table["VmPeak"] / 1024
    except (OSError, KeyError, ValueError):
        return None, None


def forget_peak() -> None:
    """Let the kernel begin anew with the peak of resident memory of this process."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def descendants(process: int) -> list[int]:
    """Return the processes below a process."""
    found: list[int] = []
    waiting = [process]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def children(process: int) -> list[int]:
    """Return the processes that a process has started and not waited for."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except (OSError, ValueError):
        pass
    return found


def _table(path: str) -> dict[str, int]:
    table = {}
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            number = value.split(None, 1)
            if number and number[0].isdigit():
                table[name] = int(number[0])
    return table


def write_benchmark(path: str, usage: Usage) -> None:
    """Write a job's benchmark file in Snakemake's format: TSV, or a JSON object where the name ends with .jsonl."""
    row = _row(usage)
    with open(path, "w", encoding="utf-8") as file:
        if path.endswith(".jsonl"):
            json.dump(dict(zip(COLUMNS, row, strict=True)), file, sort_keys=True)
            file.write("\n")
        else:
            file.write("\t".join(COLUMNS) + "\n" + "\t".join(_words(row)) + "\n")


def _row(usage: Usage) -> list[Any]:
    memory = [usage.rss, usage.vms, usage.uss, usage.pss, usage.read, usage.written]
    load = 100 * usage.cpu / usage.wall if usage.wall else 0.0
    clock = str(timedelta(seconds=int(usage.wall)))
    return [round(usage.wall, 4), clock, *("NA" if one is None else one for one in memory), load, usage.cpu]


def _words(row: Iterable[Any]) -> list[str]:
    return [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row]
