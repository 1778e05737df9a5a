"""What failed or was quarantined, why, and after which attempts."""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelworks.campaign.ledger import LEDGER, reading
from levelworks.campaign.standing import Cell, Standing, State

TAIL = 12
"""Lines of a log that are shown."""
TAIL_BYTES = 16384
ERROR = " ERROR "
"""Between time and message of such a line in the log of a job."""


@dataclass(frozen=True)
class Attempt:
    """An attempt that ended badly: what it asked for (MB, minutes) and used (MB, s), where, and why it ended."""

    attempt: int
    cause: str
    detail: str
    host: str
    external: str
    mem_mb: float | None
    runtime: float | None
    peak_memory_mb: float | None
    wall_s: float | None


@dataclass(frozen=True)
class Failure:
    """A job that failed or was quarantined, with its attempts, the end of its log and the last error in it."""

    cell: Cell
    cause: str
    attempts: tuple[Attempt, ...]
    tail: tuple[str, ...]
    error: str = ""

    @property
    def reason(self) -> str:
        """Return why, in one line: as the record says, else the log's last error, else the executor."""
        return " ".join((self.cell.reason or self.error or self.cell.message).split())


def find_failures(standing: Standing, folder: Path) -> list[Failure]:
    """Return the failed and the quarantined jobs of a campaign, by cause, the most frequent first."""
    cells = [cell for cell in standing.cells if cell.state in (State.FAILED, State.QUARANTINED)]
    attempts = read_attempts(folder, cells)
    failures = []
    for cell in cells:
        log = read_log(folder, cell.log)
        error = last_error(log) if cell.state is State.FAILED else ""
        failures.append(Failure(cell, _cause(cell), attempts.get((cell.run, cell.job), ()), log[-TAIL:], error))
    sizes: dict[str, int] = defaultdict(int)
    for failure in failures:
        sizes[failure.cause] += 1
    return sorted(failures, key=lambda one: (-sizes[one.cause], one.cause, one.cell.stage, one.cell.granule))


def _cause(cell: Cell) -> str:
    """Return what jobs of one cause share: of bad input the reason without the granule's own name."""
    if cell.state is State.FAILED:
        return cell.cause or "failed"
    _, colon, rest = cell.reason.partition(": ")
    return f"quarantined: {rest if colon else cell.reason}"


def read_attempts(folder: Path, cells: Iterable[Cell]) -> dict[tuple[int, int], tuple[Attempt, ...]]:
    """Return the attempts of jobs that ended badly, by run and job; none where no ledger tells."""
    wanted = {(cell.run, cell.job) for cell in cells}
    found: dict[tuple[int, int], list[Attempt]] = defaultdict(list)
    try:
        with reading(folder / LEDGER) as connection:
            for row in connection.execute("SELECT * FROM attempts ORDER BY run, job, attempt, ended"):
                if (row["run"], row["job"]) in wanted:
                    found[row["run"], row["job"]].append(_attempt(row))
    except (FileNotFoundError, sqlite3.Error):
        return {}
    return {key: tuple(attempts) for key, attempts in found.items()}


def _attempt(row: Any) -> Attempt:
    return Attempt(
        row["attempt"] or 1,
        row["cause"] or "",
        row["detail"] or "",
        row["host"] or "",
        row["external"] or "",
        row["mem_mb"],
        row["runtime"],
        row["peak_memory_mb"],
        row["wall_s"],
    )


def read_log(folder: Path, log: str) -> tuple[str, ...]:
    """Return the lines at the end of a job's log, 16 kB at the most; none where it has none."""
    if not log:
        return ()
    try:
        with open(folder / log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines())


def log_tail(folder: Path, log: str, lines: int = TAIL) -> tuple[str, ...]:
    """Return the last lines of a job's log; none where it has none."""
    return read_log(folder, log)[-lines:]


def last_error(log: Sequence[str]) -> str:
    """Return the first line of what a stage said last where it gave up; empty where it was not heard."""
    return next((line.split(ERROR, 1)[1] for line in reversed(log) if ERROR in line), "")
