"""A submission and its jobs: one job, or one for each element of an array."""

from __future__ import annotations

import bisect
import subprocess
import time
from dataclasses import dataclass, field

from .expressions import Tree
from .options import Options
from .reasons import Reason
from .requirements import Requirement

FINISHED = frozenset({"DONE", "EXIT"})
STARTED = frozenset({"RUN", "USUSP", "SSUSP"})


@dataclass
class Submission:
    """What one bsub asked for."""

    id: int
    options: Options
    user: str
    queue: str
    name: str
    array: str | None  # the index list of an array, as it was written
    indices: list[int]
    most_running: int | None
    slots: tuple[int, int]
    run_limit: float | None  # minutes
    memory_limit: float | None  # MB
    requirement: Requirement
    dependency: Tree | None
    command: str
    script: bool
    sub_cwd: str
    cwd: str
    environment: dict[str, str]
    time: float = field(default_factory=time.time)
    jobs: list[Job] = field(default_factory=list)

    def elements(self, index: int) -> list[Job]:
        """Return the job with an index, if there is one."""
        at = bisect.bisect_left(self.indices, index)
        return self.jobs[at : at + 1] if at < len(self.indices) and self.indices[at] == index else []

    @property
    def step(self) -> int:
        """Return the step of the index list."""
        text = self.array or ""
        return int(text.rpartition(":")[2]) if ":" in text and "," not in text else 1

    def job_name(self, index: int) -> str:
        """Return the name of the submission or of an element."""
        return f"{self.name}[{index}]" if self.array else self.name

    @property
    def array_name(self) -> str:
        """Return the name with the whole index list and limit."""
        limit = f"%{self.most_running}" if self.most_running else ""
        return f"{self.name}[{self.array}]{limit}" if self.array else self.name


@dataclass(eq=False)
class Job:
    """One job, or one element of an array."""

    submission: Submission
    index: int
    state: str = "PEND"
    exit_code: int | None = None
    reason: Reason | None = None
    start_time: float | None = None
    finish_time: float | None = None
    pend_reason: str = "New job is waiting for scheduling"
    hosts: dict[str, int] = field(default_factory=dict)  # slots by host
    reserved: dict[str, float] = field(default_factory=dict)  # MB by host
    process: subprocess.Popen[bytes] | None = None
    output: str | None = None
    output_error: str | None = None
    cwd: str = ""
    starts: int = 0
    memory: float = 0.0
    max_memory: float = 0.0
    cpu_time: float = 0.0
    suspended_at: float | None = None
    suspended_for: float = 0.0
    unknown_until: float = 0.0
    death: Reason | None = None  # why signals are on their way
    death_plan: list[tuple[float, int]] = field(default_factory=list)
    requeue: bool = False

    @property
    def id(self) -> int:
        """Return the number of the submission."""
        return self.submission.id

    @property
    def label(self) -> str:
        """Return the id as the commands print it."""
        return f"{self.id}[{self.index}]" if self.submission.array else str(self.id)

    @property
    def name(self) -> str:
        """Return the job's name, with the index of an element."""
        return self.submission.job_name(self.index)

    @property
    def finished(self) -> bool:
        """Tell whether the job has ended."""
        return self.state in FINISHED

    @property
    def shown_state(self) -> str:
        """Return the state that the commands show."""
        return "UNKWN" if time.time() < self.unknown_until else self.state

    @property
    def exit_words(self) -> str:
        """Return the reason of the end in LSF's words, or nothing."""
        return self.reason.text if self.reason else ""

    def run_time(self, now: float) -> float:
        """Return the seconds that the job has run, without those in which it was stopped."""
        if self.start_time is None:
            return 0.0
        end = self.finish_time or self.suspended_at or now
        return max(0.0, end - self.start_time - self.suspended_for)

    def back_to_pending(self) -> None:
        """Forget a run, so that the job starts again."""
        self.state, self.exit_code, self.reason = "PEND", None, None
        self.start_time = self.finish_time = self.suspended_at = None
        self.hosts, self.reserved, self.process = {}, {}, None
        self.death, self.death_plan, self.requeue = None, [], False
        self.suspended_for = self.memory = 0.0
        self.pend_reason = "The job has been requeued"
