"""How a campaign stands: outcomes by line and stage, flagged granules with their reasons, and what it all took."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from levelworks.core.aggregate import refuse_too_many
from levelworks.core.atomic import atomic_outputs
from levelworks.core.jobs import Job, Outcomes
from levelworks.core.outcome import InvalidOptions, Status
from levelworks.core.table import format_table, on_terminal

COLUMNS = (
    "granule", "stage", "outcome", "reason", "warnings", "wall_s", "cpu_s", "peak_memory_mb", "attempt", "product",
)  # fmt: skip
"""Columns of the table of outcomes."""


def check_quarantined(outcomes: Outcomes, max_quarantined: float) -> None:
    """Refuse a campaign of which too much is quarantined.

    Parameters
    ----------
    outcomes : Outcomes
        Of the products by which a campaign is judged, one job for each granule.
    max_quarantined : float
        Largest share of the jobs that may be quarantined.

    Raises
    ------
    TooManyQuarantined
        With the list, where the share is larger.
    """
    bad = [(job.granule, job.reason) for job in outcomes.flagged(Status.QUARANTINED)]
    refuse_too_many(bad, len(outcomes.jobs), max_quarantined, "granules")


def write_outcomes(outcomes: Outcomes, table: Path, quarantine: Path | None = None) -> None:
    """Write outcomes as a TSV table, one row a job, and the quarantined ones again as a table of their own.

    Parameters
    ----------
    table : Path
        Rows ordered by granule, stage and product; see `COLUMNS`.
    quarantine : Path, optional
        ``quarantine.tsv`` beside the table where not given.
    """
    quarantine = table.with_name("quarantine.tsv") if quarantine is None else quarantine
    if quarantine == table:
        raise InvalidOptions(f"{table}: the table of outcomes and that of the quarantine need two names")
    jobs = sorted(outcomes.jobs, key=lambda job: (job.granule, job.stage, job.product))
    with atomic_outputs({"table": table, "quarantine": quarantine}) as temporary:
        temporary["table"].write_text(_tsv(jobs), encoding="utf-8")
        bad = (job for job in jobs if job.outcome is Status.QUARANTINED)
        temporary["quarantine"].write_text(_tsv(bad), encoding="utf-8")


def _tsv(jobs: Iterable[Job]) -> str:
    rows: list[tuple[str, ...]] = [COLUMNS]
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
            [
                *(one.line, one.stage, f"{one.done}", f"{one.skipped}", f"{one.quarantined}", f"{one.warnings}"),
                *(duration(one.wall_s), duration(one.cpu_s), f"{one.peak_memory_mb:.0f} MB"),
            ]
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
        ("records are missing or can't be read", outcomes.unreadable),
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
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
