"""The records of a campaign's jobs, each once, whole: what crate, report and advice are made from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelworks.core.jobs import Job, job_of
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
            yield name, Path(os.path.normpath(self.standing.resolve(entry["path"]))), entry

    def inputs(self) -> Iterator[tuple[str, Path, dict[str, Any]]]:
        """Yield name, absolute path and description of each input."""
        for name, entries in self.content["inputs"].items():
            for entry in entries:
                yield name, Path(os.path.normpath(self.standing.resolve(entry["path"]))), entry


def read_jobs(results: Path) -> list[JobRecord]:
    """Read the records below a results folder, in order of line, stage and product.

    The record of a job stands beside each of its products and counts once; where an older one claims a product that a
    newer job wrote, the older no longer counts. What can't be read as a record is left out.
    """
    found: list[JobRecord] = []
    for folder in walk(results):
        for standing in folder.records:
            try:
                found.append(JobRecord(job_of(standing), standing))
            except (AttributeError, KeyError, TypeError, ValueError):
                continue
    claimed: set[str] = set()
    jobs = []
    for record in sorted(found, key=lambda one: (one.job.started, str(one.standing.path)), reverse=True):
        products = {str(entry["path"]) for entry in record.content["outputs"].values()} or {str(record.standing.path)}
        if claimed.isdisjoint(products):
            jobs.append(record)
        claimed.update(products)
    return sorted(jobs, key=lambda one: (one.job.line, one.job.stage, one.job.product))
