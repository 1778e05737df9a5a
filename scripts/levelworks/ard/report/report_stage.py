"""The stage `report-level2`: what became of every image, as a page and as a table."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from levelworks.ard.report.outcomes import FIGURES, Row, collect
from levelworks.ard.report.page import report_page
from levelworks.ard.report.report_options import ReportLevel2
from levelworks.core.aggregate import refuse_too_many
from levelworks.core.outcome import NothingToProduce, Outcome

COLUMNS = ("id", "sensor", "date", "outcome", "reason", *FIGURES, "cpu_s", "wall_s", "peak_memory_mb")


def report_level2(images: Sequence[Path], *, page: Path, table: Path, options: ReportLevel2) -> Outcome:
    """Write the page and the table of a campaign's images.

    Raises
    ------
    NothingToProduce
        Where no image has a record.
    TooManyQuarantined
        With the list, where too many images are bad.
    """
    rows = collect(images)
    if not rows:
        raise NothingToProduce("no image was processed")
    bad = [(row.id, row.reason) for row in rows if row.outcome == "quarantined"]
    refuse_too_many(bad, len(rows), options.max_quarantined, "images")
    page.write_text(report_page(options.title, rows), encoding="utf-8")
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_cells(row) for row in rows)
    return Outcome(quality=dict(Counter(row.outcome for row in rows)))


def _cells(row: Row) -> list[str]:
    figures = ["" if row.figures[name] is None else f"{row.figures[name]:.6g}" for name in FIGURES]
    return [
        row.id,
        row.sensor,
        row.date,
        row.outcome,
        row.reason,
        *figures,
        *map(str, (row.cpu_s, row.wall_s, row.memory_mb)),
    ]


def write_empty_report(path: Path, outcome: Outcome) -> None:
    """Write what stands in place of a report where there is nothing to report."""
    text = f"{outcome.status.value}: {outcome.reason}"
    if path.suffix == ".html":
        path.write_text(f"<!doctype html><title>report</title><p>{text}</p>\n", encoding="utf-8")
    else:
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
