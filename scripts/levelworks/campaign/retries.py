"""What attempts that ended badly cost, by their cause: from the ledger, or what the records say without one."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from levelworks.campaign.job_records import JobRecord
from levelworks.campaign.ledger import LEDGER, reading

QUERY = """
SELECT attempts.cause, attempts.wall_s, jobs.threads, jobs.line, jobs.stage, jobs.product, EXISTS (
    SELECT 1 FROM jobs AS later
    WHERE later.product = jobs.product AND later.run >= attempts.run AND later.state = 'ended'
) AS overcome
FROM attempts LEFT JOIN jobs ON attempts.run = jobs.run AND attempts.job = jobs.job
"""


@dataclass
class Cost:
    """Attempts that ended badly for one cause.

    Attributes
    ----------
    wall_s, core_s : float
        Of the attempts whose wall time is known; core seconds are wall times cores that were held.
    unknown : int
        Attempts whose wall time is not known.
    overcome : int
        Attempts of jobs that ended well in the end.
    """

    cause: str
    attempts: int = 0
    wall_s: float = 0.0
    core_s: float = 0.0
    unknown: int = 0
    overcome: int = 0
    stages: set[str] = field(default_factory=set)


def cost_of_retries(folder: Path, records: Iterable[JobRecord]) -> list[Cost]:
    """Return the cost by cause, the dearest first.

    Parameters
    ----------
    folder : Path
        Working folder of the campaign.
    """
    costs: dict[str, Cost] = defaultdict(lambda: Cost(""))
    try:
        with reading(folder / LEDGER) as connection:
            rows = connection.execute(QUERY).fetchall()
    except (OSError, sqlite3.Error):
        rows = None
    if rows is None:
        for record in records:
            for told in record.content.get("earlier_attempts") or ():
                cost = costs[str(told).partition(" on ")[0].partition(":")[0]]
                cost.attempts += 1
                cost.unknown += 1
                cost.overcome += 1
                cost.stages.add(f"{record.job.line} {record.job.stage}")
    else:
        for row in rows:
            cost = costs[row["cause"] or "failed"]
            cost.attempts += 1
            cost.overcome += row["overcome"]
            if row["stage"]:
                cost.stages.add(f"{row['line']} {row['stage']}")
            if row["wall_s"] is None:
                cost.unknown += 1
            else:
                cost.wall_s += row["wall_s"]
                cost.core_s += row["wall_s"] * (row["threads"] or 1)
    for cause, cost in costs.items():
        cost.cause = cause
    return sorted(costs.values(), key=lambda cost: (-cost.core_s, -cost.attempts, cost.cause))
