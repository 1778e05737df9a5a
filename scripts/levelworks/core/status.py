"""The tables of outcomes that a line ends with, and the judgement whether too much is quarantined."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from levelworks.core.aggregate import refuse_too_many
from levelworks.core.atomic import atomic_outputs
from levelworks.core.jobs import Job, Outcomes
from levelworks.core.outcome import InvalidOptions, Status

OUTCOMES = "outcomes.tsv"
"""Name of a line's table, below its folder of products."""
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
        Largest share of the jobs that may be quarantined; those put aside by hand are not counted.

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
