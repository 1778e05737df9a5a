"""Progress of frames as files: a table of units, the same as JSON, and the page."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from levelworks.core.atomic import atomic_outputs
from levelworks.insar.products.progress import JOB_TYPES, FrameProgress
from levelworks.insar.products.progress_page import progress_page

COLUMNS = ("frame", "job_type", "unit", "state", "code", "reason")


def write_progress(frames: Sequence[FrameProgress], folder: Path, title: str = "Interferograms") -> None:
    """Write ``progress.csv`` (a row a unit), ``progress.json`` and ``progress.html`` into a folder, all or none."""
    names = {"table": "progress.csv", "content": "progress.json", "page": "progress.html"}
    with atomic_outputs({key: folder / name for key, name in names.items()}) as temporary:
        write_units(temporary["table"], frames)
        text = json.dumps(as_content(frames), indent=1, ensure_ascii=False) + "\n"
        temporary["content"].write_text(text, encoding="utf-8")
        temporary["page"].write_text(progress_page(title, frames), encoding="utf-8")


def write_units(path: Path, frames: Sequence[FrameProgress]) -> None:
    """Write a row for each unit of each job type."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in frames:
            for job in JOB_TYPES:
                for unit in one.units[job.name]:
                    reason = " ".join(unit.reason.split())
                    writer.writerow([one.frame, unit.job, unit.name, unit.state, unit.code, reason])


def as_content(frames: Sequence[FrameProgress]) -> list[dict[str, Any]]:
    """Return progress as JSON has it: by frame the counts and percentages of job types, units, pairs and dates."""
    return [
        {
            "frame": one.frame,
            "job_types": {job.name: {**one.counts(job.name), "percent": one.percent(job.name)} for job in JOB_TYPES},
            "units": [asdict(unit) for job in JOB_TYPES for unit in one.units[job.name]],
            "pairs": [asdict(row) for row in one.pairs],
            "dates": [asdict(row) for row in one.dates],
        }
        for one in frames
    ]
