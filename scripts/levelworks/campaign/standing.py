"""How a campaign stands: each of its jobs with its state, and its runs."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum


class State(StrEnum):
    """Of a job; the order is that of columns."""

    DONE = "done"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    RUNNING = "running"
    QUEUED = "queued"
    WAITING = "waiting"
    REMOVED = "removed"


ALL = "all"
"""The target that stands for all."""
FINISHED = frozenset({State.DONE, State.SKIPPED, State.QUARANTINED, State.REMOVED})
"""Of which nothing more is to come; what was removed had been done."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A job: a granule at a stage.

    Attributes
    ----------
    granule : str
        As the job's log is named.
    attempt : int
        The last one; 0 before the first.
    cause, message : str
        Why an attempt ended badly, and what is known of it.
    mem_mb, runtime : float or None
        What was asked for, MB and minutes.
    queued, began, ended : float or None
        Seconds since 1970.
    products : str
        All of them, a line each.
    """

    line: str
    stage: str
    granule: str
    product: str
    state: State
    reason: str = ""
    warnings: int = 0
    attempt: int = 0
    cause: str = ""
    message: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0
    mem_mb: float | None = None
    runtime: float | None = None
    threads: int | None = None
    host: str = ""
    external: str = ""
    queued: float | None = None
    began: float | None = None
    ended: float | None = None
    log: str = ""
    record: str = ""
    run: int = 0
    job: int = 0
    products: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a controller.

    Attributes
    ----------
    words : str
        Its command.
    alive : bool
        Whether it goes on.
    base : str
        Its command without targets.
    folder : str
        Where it was started, to which the paths of its command are relative.
    planned : bool
        Whether it told what it was going to make.
    """

    run: int
    began: float
    beat: float
    ended: float | None
    host: str
    pid: int
    words: str
    alive: bool
    base: str = ""
    folder: str = ""
    planned: bool = False

    @property
    def whole(self) -> bool:
        """Return whether it planned the whole of its campaign: it named no target, or all."""
        if not self.planned or len(self.words) > len(self.base) + len(f" {ALL}"):
            return False
        words, base = ([one for one in shlex.split(words) if one != ALL] for words in (self.words, self.base))
        return words == base


@dataclass(frozen=True)
class Standing:
    """All jobs of a campaign that are known, its runs, what is to be said of the sources, and damaged records."""

    cells: tuple[Cell, ...]
    runs: tuple[Run, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    seen: float = field(default_factory=time.time)

    @property
    def alive(self) -> Run | None:
        """Return the run that goes on."""
        return next((run for run in reversed(self.runs) if run.alive), None)

    def only(self, line: str) -> Standing:
        """Return the jobs of one line."""
        return replace(self, cells=tuple(cell for cell in self.cells if cell.line == line))
