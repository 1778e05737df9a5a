"""The events file of the batch system, lsb.events, as far as clients read it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .jobs import Job, Submission

CLUSTER = "emulated"
VERSION = "10.1"
NAME_FIELD = 42
STATUS = {"PEND": 1, "PSUSP": 2, "RUN": 4, "SSUSP": 8, "USUSP": 16, "EXIT": 32, "DONE": 64}
POST_DONE = 192


class Events:
    """Append the events of jobs, one a line."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "share" / CLUSTER / "logdir" / "lsb.events"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()

    def new(self, submission: Submission) -> None:
        """Log a submission; the name stands where clients look for it."""
        fields: list[str | int] = [submission.id, os.geteuid(), 0, submission.slots[0], int(submission.time)]
        fields += [0] * (NAME_FIELD - 4 - len(fields))
        self._write("JOB_NEW", *fields, submission.array_name, submission.queue, submission.command)

    def status(self, job: Job) -> None:
        """Log the state of a job; the end of a good one is followed by that of its post-processing."""
        code = job.exit_code or 0
        self._write("JOB_STATUS", job.id, STATUS[job.state], 0, 0, job.cpu_time, code, job.index)
        if job.state == "DONE":
            self._write("JOB_STATUS", job.id, POST_DONE, 0, 0, job.cpu_time, code, job.index)

    def start(self, job: Job) -> None:
        """Log the start of a job."""
        pid = job.process.pid if job.process else 0
        self._write("JOB_START", job.id, STATUS["RUN"], pid, len(job.hosts), *job.hosts, job.index)

    def _write(self, kind: str, *fields: str | float) -> None:
        texts = [_text(field) for field in fields]
        with self.path.open("a", errors="surrogateescape") as file:
            print(f'"{kind}" "{VERSION}" {int(time.time())}', *texts, file=file)


def _text(field: str | float) -> str:
    if isinstance(field, str):
        plain = field.replace('"', "'").replace("\n", ";")
        return f'"{plain or " "}"'
    return f"{field:.3f}" if isinstance(field, float) else str(field)
