"""What the jobs of each rule asked for and what they took, and what to ask for next time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from levelworks.campaign.job_records import JobRecord
from levelworks.campaign.standing import Cell
from levelworks.core.outcome import Status

LEAST_JOBS = 5
"""Jobs below which nothing is suggested for a rule."""
SHARE = 0.99
"""Of the jobs, for which what is suggested is enough with room to spare; a retry serves the others."""
MEMORY_MARGIN, LEAST_MEMORY, MEMORY_STEP = 1.25, 300, 50
"""Factor, and MB: what a node counts for a job is more than the job's own peak."""
RUNTIME_MARGIN, LEAST_RUNTIME = 2.0, 5
"""Factor, and minutes: nodes differ, and file systems have bad hours."""


@dataclass(frozen=True)
class Request:
    """What to ask for: memory of the whole job in MB, run time in minutes, the seconds that a job is likely to take."""

    mem_mb: int
    runtime: int
    expected_seconds: int


@dataclass(frozen=True)
class Usage:
    """The jobs of a rule that were done.

    Attributes
    ----------
    memory, wall : tuple of float
        Peak memory of all ranks in MB and wall time in seconds, of each job, in rising order.
    asked_memory, asked_runtime : float or None
        Largest that a job asked for at its first attempt, MB and minutes; None where no ledger knows.
    """

    rule: str
    line: str
    stage: str
    memory: tuple[float, ...]
    wall: tuple[float, ...]
    asked_memory: float | None = None
    asked_runtime: float | None = None

    @property
    def jobs(self) -> int:
        """Return the number of jobs."""
        return len(self.memory)

    def suggest(self, least: int = LEAST_JOBS) -> Request | None:
        """Return what to ask for; None where too few jobs were measured."""
        if self.jobs < least:
            return None
        memory = percentile(self.memory, SHARE) * MEMORY_MARGIN
        minutes = percentile(self.wall, SHARE) * RUNTIME_MARGIN / 60.0
        return Request(
            max(LEAST_MEMORY, math.ceil(memory / MEMORY_STEP) * MEMORY_STEP),
            max(LEAST_RUNTIME, math.ceil(minutes)),
            max(1, round(percentile(self.wall, 0.5))),
        )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of the values does not exceed; the values are in rising order."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def usage_by_rule(records: Iterable[JobRecord], cells: Iterable[Cell] = ()) -> list[Usage]:
    """Return what the jobs of each rule took, in order of line and stage.

    Only jobs that were done count: those that stop at once at a bad input say nothing of what the others need.

    Parameters
    ----------
    cells : iterable of Cell
        Of the ledger, for what was asked.
    """
    jobs: dict[tuple[str, str], list[JobRecord]] = defaultdict(list)
    for record in records:
        if record.job.outcome is Status.DONE:
            jobs[record.job.line, record.job.stage].append(record)
    asked: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.attempt == 1:  # later ones ask for more
            asked[cell.line, cell.stage].append(cell)
    return [
        Usage(
            stage.replace("-", "_"),
            line,
            stage,
            tuple(sorted(record.job.peak_memory_mb for record in found)),
            tuple(sorted(record.job.wall_s for record in found)),
            max((cell.mem_mb for cell in asked[line, stage] if cell.mem_mb), default=None),
            max((cell.runtime for cell in asked[line, stage] if cell.runtime), default=None),
        )
        for (line, stage), found in sorted(jobs.items())
    ]
