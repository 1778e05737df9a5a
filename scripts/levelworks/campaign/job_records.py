"""The records of a campaign's jobs, each once, whole: what crate, report and advice are made from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from levelworks.core.jobs import Job, newest
from levelworks.core.survey import Standing, walk


@dataclass(frozen=True)
class JobRecord:
    """A job with the whole of its record, and where that stands."""

    job: Job
    standing: Standing

    @property
    def content(self) -> dict[str, Any]:
        """Return the record."""
        return self.standing.content or {}

    @property
    def quality(self) -> dict[str, Any]:
        """Return the stage's own figures."""
        found = self.content.get("quality")
        return found if isinstance(found, dict) else {}

    def outputs(self) -> Iterator[tuple[str, Path, dict[str, Any]]]:
        """Yield name, absolute path and description of each product."""
        for name, entry in self.content["outputs"].items():
            yield name, _real(self.standing.resolve(entry["path"])), entry

    def inputs(self) -> Iterator[tuple[str, Path, dict[str, Any]]]:
        """Yield name, absolute path and description of each input."""
        for name, entries in self.content["inputs"].items():
            for entry in entries:
                yield name, _real(self.standing.resolve(entry["path"])), entry


def _real(path: Path) -> Path:
    """Return a file's path without links on the way to it: products may stand behind one."""
    return Path(_real_folder(os.path.normpath(path.parent)), path.name)


@lru_cache(maxsize=4096)
def _real_folder(path: str) -> str:
    return os.path.realpath(path)


def read_jobs(results: Path) -> list[JobRecord]:
    """Read the records below a results folder, in order of line, stage and product; others are left out."""
    found = newest(record for folder in walk(results) for record in folder.records)
    jobs = [JobRecord(job, record) for job, record, _ in found]
    return sorted(jobs, key=lambda one: (one.job.line, one.job.stage, one.job.product))
