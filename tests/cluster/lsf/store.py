"""The table of submissions and how the commands choose jobs in it."""

from __future__ import annotations

import fnmatch
import getpass
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .events import Events
from .jobs import Job, Submission
from .knobs import Knobs


class BadJobId(ValueError):
    """Words that are no job id."""


@dataclass
class Filter:
    """The options by which bjobs and bkill choose jobs."""

    name: str | None = None
    queue: str | None = None
    project: str | None = None
    group: str | None = None
    host: str | None = None
    user: str | None = None  # "all" for everybody


class Store:
    """Every submission that the emulator has seen, and the jobs of them that bjobs still knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.knobs = Knobs(folder / "knobs")
        self.events = Events(folder)
        try:
            self.user = getpass.getuser()
        except (KeyError, OSError):
            self.user = str(os.geteuid())
        self.history: dict[int, Submission] = {}
        self.known: dict[Job, None] = {}
        self.active: dict[Job, None] = {}
        self._last_id = 7000

    def next_id(self) -> int:
        """Return the number of the next submission."""
        self._last_id += 1
        return self._last_id

    def add(self, submission: Submission) -> None:
        """Enter a submission."""
        self.history[submission.id] = submission
        for job in submission.jobs:
            self.known[job] = None
            self.active[job] = None
        self.events.new(submission)

    def forget(self, job: Job) -> None:
        """Take a job out of what bjobs knows, with no trace in the events."""
        self.known.pop(job, None)
        self.active.pop(job, None)

    def clean(self) -> None:
        """Forget the jobs that finished longer than CLEAN_PERIOD ago."""
        before = time.time() - self.knobs["clean_period"]
        for job in [job for job in self.known if job.finished and (job.finish_time or 0.0) < before]:
            self.forget(job)

    @staticmethod
    def matches(pattern: str, name: str) -> bool:
        """Compare a name with a pattern in which only ``*`` is special."""
        return fnmatch.fnmatchcase(name, re.sub(r"([?\[])", r"[\1]", pattern))

    def passes(self, job: Job, wanted: Filter) -> bool:
        """Tell whether a job passes the filter."""
        submission = job.submission
        return (
            (wanted.name is None or any(self.matches(wanted.name, name) for name in _names(job)))
            and (wanted.queue is None or submission.queue == wanted.queue)
            and (wanted.project is None or (submission.options.get("project") or "default") == wanted.project)
            and (wanted.group is None or submission.options.get("group") == wanted.group)
            and wanted.user in {None, "all", submission.user}
            and (wanted.host is None or wanted.host in job.hosts)
        )

    def jobs(self, word: str, wanted: Filter) -> list[Job]:
        """Return the known jobs of an id: ``7``, ``7[3]``, ``7[2-5,9]``; every job that passes, for ``0``."""
        number, indices = self.job_id(word)
        if not number:
            return [job for job in self.known if self.passes(job, wanted)]
        submission = self.history.get(number)
        jobs = submission.jobs if submission else []
        if indices is not None:
            jobs = [job for job in jobs if job.submission.array and job.index in indices]
        return [job for job in jobs if job in self.known and self.passes(job, wanted)]

    @staticmethod
    def job_id(word: str) -> tuple[int, set[int] | None]:
        """Read an id: the number, and the indices of the elements that are meant unless all are."""
        found = re.fullmatch(r"(\d+)(?:\[([\d,:-]+|\*)\])?", word)
        if not found:
            raise BadJobId(word)
        return int(found[1]), _indices(found[2]) if found[2] and found[2] != "*" else None

    def unfinished(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs that have not ended."""
        return [job for job in jobs if not job.finished]


def _names(job: Job) -> set[str]:
    return {job.name, job.submission.name, job.submission.array_name}


def _indices(text: str) -> set[int]:
    chosen: set[int] = set()
    for part in text.split(","):
        span = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", part)
        if not span:
            raise BadJobId(text)
        chosen.update(range(int(span[1]), int(span[2] or span[1]) + 1, int(span[3] or 1)))
    return chosen
