"""A campaign in numbers: jobs by line, stage and group, how fast they end, and when the last will."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from levelworks.campaign.standing import FINISHED, Cell, Standing, State

WINDOW = 900.0
"""Seconds back over which the rate is taken."""
GROUPED_BY_LAST = frozenset({"xco2"})
"""Lines whose granules are named dataset first, target last; others name frame or tile first."""
NAMED_WHOLE = frozenset({"insar"})
"""Lines that name jobs of a whole frame by the frame alone."""
OF_DATASETS = frozenset({"combine", "count-photons"})
"""Stages of coronagraph whose products are named for a dataset; frames don't say of which they are."""
DATASET = re.compile(r"(.+?)(?:_gain[0-9pem]+_[0-9pem]+s(?:_.+)?)?_(?:mean|median|photons)")
"""How: the dataset, its setting and geometry where it has several, and what was made of its frames."""
OF_A_LINE = "check-outcomes"
"""The stage whose job is of a whole line."""


@dataclass
class Count:
    """Jobs of a stage or a group by state, and what they took.

    Attributes
    ----------
    retried : int
        Jobs that needed more than one attempt.
    warnings : int
        Jobs that ended with warnings.
    """

    states: Counter[State] = field(default_factory=Counter)
    retried: int = 0
    warnings: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0

    def add(self, cell: Cell) -> None:
        """Count a job."""
        self.states[cell.state] += 1
        self.retried += cell.attempt > 1
        self.warnings += cell.warnings > 0
        self.wall_s += cell.wall_s
        self.cpu_s += cell.cpu_s
        self.peak_memory_mb = max(self.peak_memory_mb, cell.peak_memory_mb)

    def remove(self, cell: Cell) -> None:
        """Count a job no more; the peak of memory stays."""
        self.states[cell.state] -= 1
        self.retried -= cell.attempt > 1
        self.warnings -= cell.warnings > 0
        self.wall_s -= cell.wall_s
        self.cpu_s -= cell.cpu_s

    @property
    def planned(self) -> int:
        """Return the number of all jobs, finished or to come."""
        return self.states.total()

    @property
    def finished(self) -> int:
        """Return the number of jobs of which nothing more is to come."""
        return sum(self.states[state] for state in FINISHED)

    @property
    def percent(self) -> float:
        """Return the share of finished jobs."""
        return 100.0 * self.finished / self.planned if self.planned else 0.0


@dataclass(frozen=True)
class Pace:
    """How fast a run goes: jobs a minute of late, and the seconds until its last job ends; None where unknown."""

    jobs_per_minute: float | None = None
    seconds_left: float | None = None


def count_stages(cells: Iterable[Cell]) -> dict[tuple[str, str], Count]:
    """Return the counts by line and stage."""
    return _count(cells, lambda cell: (cell.line, cell.stage))


def count_groups(cells: Iterable[Cell]) -> dict[tuple[str, str], Count]:
    """Return the counts by line and frame, target, tile or dataset; of jobs that have none, by line and ``""``."""
    return _count(cells, lambda cell: (cell.line, group_of(cell)))


def group_of(cell: Cell) -> str:
    """Return the frame, target, tile or dataset that a job is of; empty where its granule stands for itself."""
    if cell.stage == OF_A_LINE:
        return ""
    if cell.line == "coronagraph":
        return _dataset_of(cell)
    if "/" not in cell.granule:
        return cell.granule if cell.line in NAMED_WHOLE else ""
    return cell.granule.rpartition("/")[2] if cell.line in GROUPED_BY_LAST else cell.granule.partition("/")[0]


def _dataset_of(cell: Cell) -> str:
    """Return the dataset that a job of coronagraph is of; pictures are of the stage whose product they show."""
    stage = cell.granule.partition("/")[0] if cell.stage == "plot" else cell.stage
    named = DATASET.fullmatch(PurePath(cell.product).stem) if stage in OF_DATASETS else None
    return named[1] if named else ""


def pace_of(standing: Standing) -> Pace:
    """Return how fast the run that goes on goes.

    What is left is counted in seconds of work: the mean of its stage for each job to come, and of all stages where
    none of its own has ended. The jobs at work at once are those of late.
    """
    run = standing.alive
    if run is None:
        return Pace()
    since = max(run.began, standing.seen - WINDOW)
    late = [cell for cell in standing.cells if cell.run == run.run and (cell.ended or 0.0) >= since]
    span = standing.seen - since
    if not late or span <= 0:
        return Pace()
    to_come = [
        cell
        for cell in standing.cells
        if cell.run == run.run and cell.state in (State.WAITING, State.QUEUED, State.RUNNING)
    ]
    at_once = sum(cell.wall_s for cell in late) / span
    left = _work(standing.cells, to_come) / at_once if at_once > 0 else None
    return Pace(60.0 * len(late) / span, left)


def _work(cells: Sequence[Cell], to_come: Sequence[Cell]) -> float:
    walls: dict[tuple[str, str], list[float]] = defaultdict(list)
    for cell in cells:
        if cell.wall_s > 0:
            walls[cell.line, cell.stage].append(cell.wall_s)
    means = {key: sum(found) / len(found) for key, found in walls.items()}
    mean = sum(means.values()) / len(means) if means else 0.0
    return sum(means.get((cell.line, cell.stage), mean) for cell in to_come)


def _count(cells: Iterable[Cell], key: Callable[[Cell], tuple[str, str]]) -> dict[tuple[str, str], Count]:
    found: dict[tuple[str, str], Count] = {}
    for cell in cells:
        found.setdefault(key(cell), Count()).add(cell)
    return found
