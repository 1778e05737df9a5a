"""The jobs that a run is going to run, as its ledger names them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

LOGS = "logs"

listeners: list[Any] = []
"""Called with the rows of a plan and the results folder: the logger plug-in, where it is switched on."""


def announce_plan(jobs: Iterable[Any], results: Path) -> None:
    """Tell listeners which jobs a run is going to run, Snakemake's, and below which folder their products stand."""
    if listeners:
        rows = [row for job in jobs if (row := row_of(job.jobid, list(job.output), list(job.log)))]
        for listener in listeners:
            listener(rows, str(results))


def row_of(job: int, outputs: Sequence[str], logs: Sequence[str]) -> tuple[int, str, str, str, str, str, str] | None:
    """Return job, line, stage, granule, first product, log and all products, a line each, as a ledger keeps them.

    None for a rule that makes nothing, which is no job. Line, stage and granule are those of the log's name.
    """
    if not outputs:
        return None
    product, products = str(outputs[0]), "\n".join(map(str, outputs))
    log = str(logs[0]) if logs else ""
    parts = PurePath(log).parts
    if len(parts) < 4 or parts[0] != LOGS:
        return job, "", "", PurePath(product).name, product, log, products
    return job, parts[1], parts[2], str(PurePath(*parts[3:]).with_suffix("")), product, log, products
