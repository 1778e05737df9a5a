"""How a campaign stands: outcomes by line and stage, flagged granules with their reasons, and what it all cost.

Read from the records beside the products. The record of one job stands beside each of its products and counts once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from levelworks.core.aggregate import LISTED, TooManyQuarantined
from levelworks.core.atomic import atomic_outputs
from levelworks.core.outcome import InvalidOptions, Status
from levelworks.core.survey import Standing, walk
from levelworks.core.table import format_table, on_terminal

COLUMNS = (
    "granule", "stage", "outcome", "reason", "warnings", "wall_s", "cpu_s", "peak_memory_mb", "attempt", "product",
)  # fmt: skip
"""Columns of the table of outcomes."""


@dataclass(frozen=True, order=True)
class Job:
    """One finished job, from its record; ``product`` is the first of its products, as the record names it."""

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
        Files in the place of a record that can't be read as one.
    without_product : tuple of str
        Records whose product is not there: the job was stopped while it finished, or the product was removed.
    """

    results: Path
    jobs: tuple[Job, ...] = ()
    unreadable: tuple[str, ...] = field(default=())
    without_product: tuple[str, ...] = field(default=())

    def summaries(self) -> list[Summary]:
        """Return one summary a stage, in order of line and stage."""
        found: dict[tuple[str, str], Summary] = {}
        for job in self.jobs:
            found.setdefault((job.line, job.stage), Summary(job.line, job.stage)).add(job)
        return list(found.values())

    def flagged(self, *outcomes: Status) -> list[Job]:
        """Return the jobs that ended in one of these ways."""
        return [job for job in self.jobs if job.outcome in outcomes]


def collect(results: Path) -> Outcomes:
    """Read every record below a results folder; a folder that does not exist holds none.

    Where an older record claims a product that a newer job wrote, the older job no longer counts.
    """
    standing: list[tuple[str, Standing]] = []
    unreadable, without_product = [], []
    for folder in walk(results):
        for record in folder.records:
            if record.content is None:
                unreadable.append(record.path)
            elif not record.present:
                without_product.append(record.path)
            else:
                standing.append((str(record.content.get("started", "")), record))
    jobs, claimed = [], set[str]()
    for _, record in sorted(standing, key=lambda entry: entry[0], reverse=True):
        try:
            products = _products(record)
            if claimed.isdisjoint(products):
                jobs.append(_job(record))
            claimed.update(products)
        except (AttributeError, KeyError, TypeError, ValueError):
            unreadable.append(record.path)
    return Outcomes(results, tuple(sorted(jobs)), tuple(sorted(unreadable)), tuple(sorted(without_product)))


def _products(record: Standing) -> list[str]:
    content: dict[str, Any] = record.content or {}
    return [str(output["path"]) for output in content["outputs"].values()]


def _job(record: Standing) -> Job:
    content: dict[str, Any] = record.content or {}
    product = _products(record)[0]
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
        peak_memory_mb=float(content["peak_memory_mb"]),
        attempt=int(content["attempt"]),
        started=str(content["started"]),
    )


def _granule(inputs: dict[str, list[dict[str, Any]]], product: str) -> str:
    """Return the id of the one first input where the product's name begins with it, else the product's stem."""
    stem = os.path.basename(product).split(".")[0]
    first = next(iter(inputs.values()), [])
    if len(first) == 1:
        identifier = os.path.basename(str(first[0]["path"])).split(".")[0]
        if stem.startswith(identifier):
            return identifier
    return stem


def check_quarantined(outcomes: Outcomes, line: str, stage: str, max_quarantined: float) -> None:
    """Refuse a campaign of which too much is quarantined.

    Parameters
    ----------
    stage : str
        The line's stage that runs once a granule.
    max_quarantined : float
        Largest share of its jobs that may be quarantined.

    Raises
    ------
    TooManyQuarantined
        With the list, where the share is larger.
    """
    jobs = [job for job in outcomes.jobs if (job.line, job.stage) == (line, stage)]
    bad = [job for job in jobs if job.outcome is Status.QUARANTINED]
    if len(bad) <= max_quarantined * len(jobs):
        return
    lines = "\n".join(f"  {job.granule}: {job.reason}" for job in bad[:LISTED])
    more = f"\n  and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
    raise TooManyQuarantined(
        f"{len(bad)} of {len(jobs)} granules of {line} {stage} are quarantined, more than campaign.max_quarantined "
        f"{max_quarantined:g} allows:\n{lines}{more}"
    )


def write_outcomes(results: Path, line: str, table: Path, quarantine: Path | None = None) -> Outcomes:
    """Write a line's outcomes as a TSV table, one row a job, and the quarantined ones again as a table of their own.

    Parameters
    ----------
    table : Path
        Rows ordered by granule, stage and product; see `COLUMNS`.
    quarantine : Path, optional
        ``quarantine.tsv`` beside the table where not given.

    Returns
    -------
    Outcomes
        Of all lines.
    """
    quarantine = table.with_name("quarantine.tsv") if quarantine is None else quarantine
    if quarantine == table:
        raise InvalidOptions(f"{table}: the table of outcomes and that of the quarantine need two names")
    outcomes = collect(results)
    jobs = sorted(
        (job for job in outcomes.jobs if job.line == line), key=lambda job: (job.granule, job.stage, job.product)
    )
    with atomic_outputs({"table": table, "quarantine": quarantine}) as temporary:
        temporary["table"].write_text(_tsv(jobs), encoding="utf-8")
        bad = (job for job in jobs if job.outcome is Status.QUARANTINED)
        temporary["quarantine"].write_text(_tsv(bad), encoding="utf-8")
    return outcomes


def _tsv(jobs: Iterable[Job]) -> str:
    rows = [COLUMNS]
    for job in jobs:
        values = {**vars(job), "warnings": "; ".join(job.warnings)}
        # A reason may hold a peer's message of several lines; a cell may not.
        rows.append(tuple(" ".join(str(values[column]).split()) for column in COLUMNS))
    return "".join("\t".join(row) + "\n" for row in rows)


def render(outcomes: Outcomes, *, listed: int = 50, terminal: bool | None = None) -> str:
    """Format outcomes for people: a table of the stages, the flagged granules with their reasons, the totals.

    Parameters
    ----------
    listed : int
        Flagged granules shown; the number of others is told.
    terminal : bool, optional
        Whether to colour and wrap; whether standard output is a terminal where not given.
    """
    terminal = on_terminal() if terminal is None else terminal
    parts = []
    summaries = outcomes.summaries()
    if summaries:
        headings = ("line", "stage", "done", "skipped", "quarantined", "warnings", "wall", "CPU", "peak memory")
        rows = [
            [one.line, one.stage, *(str(number) for number in (one.done, one.skipped, one.quarantined, one.warnings))]
            + [duration(one.wall_s), duration(one.cpu_s), f"{one.peak_memory_mb:.0f} MB"]
            for one in summaries
        ]
        parts.append(format_table(headings, rows, numbers=range(2, 9), terminal=terminal))
    else:
        parts.append(f"no records below {outcomes.results}: nothing has finished yet")
    flagged = outcomes.flagged(Status.QUARANTINED) + outcomes.flagged(Status.SKIPPED)
    if flagged:
        rows = [[job.outcome.value, job.line, job.stage, job.granule, job.reason] for job in flagged[:listed]]
        parts.append(format_table(("outcome", "line", "stage", "granule", "reason"), rows, terminal=terminal))
    if len(flagged) > listed:
        parts.append(f"and {len(flagged) - listed} more flagged granules")
    for what, paths in _oddities(outcomes):
        parts.append("\n".join([f"{len(paths)} {what}:", *(f"  {path}" for path in paths[:listed])]))
    wall, cpu = sum(one.wall_s for one in summaries), sum(one.cpu_s for one in summaries)
    peak = max((one.peak_memory_mb for one in summaries), default=0.0)
    jobs = len(outcomes.jobs)
    parts.append(f"{jobs} jobs, {duration(cpu)} CPU, {duration(wall)} wall, peak memory of a job {peak:.0f} MB")
    return "\n\n".join(parts)


def _oddities(outcomes: Outcomes) -> list[tuple[str, tuple[str, ...]]]:
    found = [
        ("files in the place of a record can't be read as one", outcomes.unreadable),
        ("records have no product", outcomes.without_product),
    ]
    return [(what, paths) for what, paths in found if paths]


def as_json(outcomes: Outcomes) -> str:
    """Return outcomes as JSON: stages, flagged jobs, totals, and records that are broken or left over."""
    summaries = outcomes.summaries()
    content = {
        "results": str(outcomes.results),
        "stages": [asdict(one) | {"jobs": one.jobs} for one in summaries],
        "quarantined": [asdict(job) for job in outcomes.flagged(Status.QUARANTINED)],
        "skipped": [asdict(job) for job in outcomes.flagged(Status.SKIPPED)],
        "total": {
            "jobs": len(outcomes.jobs),
            "wall_s": round(sum(one.wall_s for one in summaries), 3),
            "cpu_s": round(sum(one.cpu_s for one in summaries), 3),
            "peak_memory_mb": max((one.peak_memory_mb for one in summaries), default=0.0),
        },
        "unreadable": outcomes.unreadable,
        "without_product": outcomes.without_product,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def duration(seconds: float) -> str:
    """Say a time as people read it: ``0.4 s``, ``3 min 12 s``, ``5 h 04 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
