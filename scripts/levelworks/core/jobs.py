"""Finished jobs, from the records beside their products: how each ended, why, and what it took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from levelworks.core.outcome import Status
from levelworks.core.survey import Standing, beside, walk


@dataclass(frozen=True, order=True)
class Job:
    """One finished job, from its record.

    Attributes
    ----------
    product : str
        The first of its products, as the record names it.
    peak_memory_mb : float
        Of its ranks together.
    """

    line: str
    stage: str
    granule: str
    product: str
    outcome: Status
    reason: str
    warnings: tuple[str, ...]
    wall_s: float
    cpu_s: float
    peak_memory_mb: float
    attempt: int
    started: str


@dataclass
class Summary:
    """Jobs of one stage: how many ended how, how many warnings they gave, and what they took."""

    line: str
    stage: str
    done: int = 0
    skipped: int = 0
    quarantined: int = 0
    warnings: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0

    @property
    def jobs(self) -> int:
        """Return the number of jobs."""
        return self.done + self.skipped + self.quarantined

    def add(self, job: Job) -> None:
        """Count a job."""
        setattr(self, job.outcome.value, getattr(self, job.outcome.value) + 1)
        self.warnings += len(job.warnings)
        self.wall_s += job.wall_s
        self.cpu_s += job.cpu_s
        self.peak_memory_mb = max(self.peak_memory_mb, job.peak_memory_mb)


@dataclass(frozen=True)
class Outcomes:
    """What the records below a results folder say.

    Attributes
    ----------
    jobs : tuple of Job
        Ordered by line, stage, granule.
    unreadable : tuple of str
        Records that can't be read as such, or that a product lacks.
    without_product : tuple of str
        Records whose product is not there: the job was stopped while it finished, or the product was removed.
    """

    results: Path
    jobs: tuple[Job, ...] = ()
    unreadable: tuple[str, ...] = ()
    without_product: tuple[str, ...] = ()

    def summaries(self) -> list[Summary]:
        """Return one summary a stage, in order of line and stage."""
        found: dict[tuple[str, str], Summary] = {}
        for job in self.jobs:
            found.setdefault((job.line, job.stage), Summary(job.line, job.stage)).add(job)
        return list(found.values())

    def only(self, line: str, stage: str | None = None) -> Outcomes:
        """Return the outcomes of one line, or of one of its stages."""
        jobs = (job for job in self.jobs if job.line == line and stage in (None, job.stage))
        return replace(self, jobs=tuple(jobs))

    def flagged(self, *outcomes: Status) -> list[Job]:
        """Return the jobs that ended in one of these ways."""
        return [job for job in self.jobs if job.outcome in outcomes]


def collect(results: Path) -> Outcomes:
    """Read every record below a results folder; a folder that does not exist holds none."""
    return _sort_out(results, (record for folder in walk(results) for record in folder.records))


def collect_products(results: Path, products: Iterable[Path]) -> Outcomes:
    """Read the records of some products only; one that is not there counts as unreadable."""
    return _sort_out(results, (beside(product) for product in products))


def _sort_out(results: Path, records: Iterable[Standing]) -> Outcomes:
    """Make jobs of records; where an older one claims a product that a newer job wrote, the older no longer counts."""
    standing: list[Standing] = []
    unreadable: list[str] = []
    without_product: list[str] = []
    for record in records:
        if record.content is None:
            unreadable.append(str(record.path))
        elif not record.present and record.content.get("outputs"):
            without_product.append(str(record.path))
        else:
            standing.append(record)
    jobs = sorted(job for job, _, _ in newest(standing, unreadable=unreadable))
    return Outcomes(results, tuple(jobs), tuple(sorted(unreadable)), tuple(sorted(without_product)))


def newest(
    records: Iterable[Standing], known: Iterable[str] = (), unreadable: list[str] | None = None
) -> Iterator[tuple[Job, Standing, list[str]]]:
    """Yield jobs with their records and the names of their products, the job that began last first.

    The record of a job stands beside each of its products and counts once. Where an older one claims a product that a
    newer job wrote, the older no longer counts.

    Parameters
    ----------
    records : iterable of Standing
    known : iterable of str
        Products that are claimed already.
    unreadable : list of str, optional
        Takes the paths of what can't be read as a record.
    """
    claimed = set(known)
    for record in sorted(records, key=lambda one: (_began(one), str(one.path)), reverse=True):
        try:
            products, job = _products(record), job_of(record)
        except (AttributeError, KeyError, TypeError, ValueError):
            if unreadable is not None:
                unreadable.append(str(record.path))
            continue
        if claimed.isdisjoint(products):
            yield job, record, products
        claimed.update(products)


def _began(record: Standing) -> str:
    return str(record.content.get("started", "")) if isinstance(record.content, dict) else ""


def _products(record: Standing) -> list[str]:
    content: dict[str, Any] = record.content or {}
    return [str(output["path"]) for output in content["outputs"].values()]


def job_of(record: Standing) -> Job:
    """Return the job that a readable record is of."""
    content: dict[str, Any] = record.content or {}
    # A job that leaves out a product which it would have updated has a record alone.
    product = next(iter(_products(record)), str(record.product))
    return Job(
        line=str(content["line"]),
        stage=str(content["stage"]),
        granule=_granule(content["inputs"], product),
        product=product,
        outcome=Status(content["outcome"]),
        reason=str(content["reason"]),
        warnings=tuple(str(warning) for warning in content["warnings"]),
        wall_s=float(content["wall_s"]),
        cpu_s=float(content["cpu_s"]),
        peak_memory_mb=peak_memory_of(content),
        attempt=int(content["attempt"]),
        started=str(content["started"]),
    )


def peak_memory_of(content: dict[str, Any]) -> float:
    """Return the peak memory of a job's ranks together, MB; its record has that of the largest."""
    ranks = content.get("ranks")
    return float(content["peak_memory_mb"]) * (ranks if isinstance(ranks, int) and ranks > 0 else 1)


def _granule(inputs: dict[str, list[dict[str, Any]]], product: str) -> str:
    """Return the id of the one first input where the product's name begins with it, else the product's stem."""
    stem = Path(product).name.split(".")[0]
    first = next(iter(inputs.values()), [])
    if len(first) == 1:
        identifier = Path(first[0]["path"]).name.split(".")[0]
        if stem.startswith(identifier):
            return identifier
    return stem
