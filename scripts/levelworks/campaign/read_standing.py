"""Reads how a campaign stands from its ledger and from the records on disk, which win."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path, PurePath
from typing import Any

from levelworks.campaign.ledger import LEDGER, reading
from levelworks.campaign.outcomes import SUFFIX, read_record_row
from levelworks.campaign.processes import Process
from levelworks.campaign.standing import Cell, Run, Standing, State
from levelworks.core.jobs import Job, job_of
from levelworks.core.survey import walk

COLUMNS = {one.name for one in fields(Cell)} - {"state"}


def read_standing(folder: Path, results: Path | None = None) -> Standing:
    """Read how a campaign stands.

    Parameters
    ----------
    folder : Path
        Working folder of the campaign. Its ledger may be absent or damaged: then the records say what they know.
    results : Path, optional
        Folder of products; the ledger's last where not given.
    """
    ledger = folder / LEDGER
    runs: tuple[Run, ...] = ()
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    known = None
    try:
        with reading(ledger) as connection:
            runs = tuple(_runs(connection))
            rows = _rows(connection)
            last = connection.execute("SELECT results FROM runs WHERE results IS NOT NULL ORDER BY run DESC").fetchone()
            known = last and last[0]
    except FileNotFoundError:
        notes.append("no ledger here: what follows is from the records alone; jobs that wait or failed are not known")
    except (sqlite3.Error, OSError) as error:
        notes.append(f"{ledger} can't be read ({error}): what follows is from the records alone")
    alive = {run.run for run in runs if run.alive}
    if runs and not runs[-1].alive and runs[-1].ended is None:
        notes.append(_killed(runs[-1]))
    base = folder.absolute()
    unreadable: list[str] = []
    cells = list(_merge(rows, alive, base / (results or known or "results"), base, unreadable))
    return Standing(
        tuple(sorted(cells, key=lambda cell: (cell.line, cell.stage, cell.granule))),
        runs,
        tuple(notes),
        tuple(unreadable),
    )


def _runs(connection: sqlite3.Connection) -> Iterator[Run]:
    for row in connection.execute("SELECT * FROM runs ORDER BY run"):
        process = Process(row["host"], row["pid"], row["born"])
        alive = row["ended"] is None and process.alive(row["beat"])
        yield Run(
            row["run"], row["began"], row["beat"], row["ended"], row["host"], row["pid"], row["words"] or "", alive
        )


def _rows(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return of every product the job of the last run that had one for it."""
    last = "SELECT product, MAX(run) FROM jobs WHERE product IS NOT NULL GROUP BY product"
    cursor = connection.execute(f"SELECT * FROM jobs WHERE (product, run) IN ({last})")  # noqa: S608 - no values
    return [dict(row) for row in cursor]


def _merge(
    rows: list[dict[str, Any]], alive: set[int], folder: Path, base: Path, unreadable: list[str]
) -> Iterator[Cell]:
    """Yield the cells of the ledger as the disk confirms them, then those of records that it doesn't know."""
    there = dict(_records(folder, base))
    claimed: set[str] = set()
    for row in rows:
        products = (row["products"] or row["product"]).split("\n")
        claimed.update(path + SUFFIX for path in products)
        claimed.update(path for path in products if path.endswith(SUFFIX))
        yield _cell(row, alive, there, base, unreadable)
    unknown = [path for path in there if path not in claimed]
    if unknown:
        yield from _unknown(folder, base, set(unknown), {row["product"] for row in rows}, unreadable)


def _records(folder: Path, base: Path) -> Iterator[tuple[str, int]]:
    """Yield files that may be records, as the ledger names them, and the time of their last change, ns."""
    waiting = [str(folder)]
    prefix = f"{base}{os.sep}"
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.endswith(".zarr"):
                        continue
                    if entry.name.endswith(SUFFIX):
                        yield entry.path.removeprefix(prefix), entry.stat().st_mtime_ns
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue


def _cell(row: dict[str, Any], alive: set[int], there: dict[str, int], base: Path, unreadable: list[str]) -> Cell:
    values = {name: row[name] for name in COLUMNS if row.get(name) is not None}
    record = row["record"]
    if row["state"] == "ended":
        state = State(row["outcome"] or State.DONE)
        if record and record not in there:
            state = State.REMOVED
        elif record and there[record] != row["record_ns"]:
            fresh = read_record_row(base / record) or {}
            unreadable.extend([] if fresh else [record])
            values |= {name: value for name, value in fresh.items() if name in COLUMNS and name != "record"}
            state = State(fresh.get("outcome", state))
        elif not record and not (base / row["product"]).exists():
            state = State.REMOVED
    else:
        meanwhile = _finished_meanwhile(row, there, base)
        if meanwhile:
            values |= {name: value for name, value in meanwhile.items() if name in COLUMNS}
            state = State(meanwhile["outcome"])
        elif row["state"] == "failed":
            state = State.FAILED
        elif row["run"] in alive and row["state"] in (State.RUNNING, State.QUEUED):
            state = State(row["state"])
        else:
            state = State.WAITING
    return Cell(state=state, **values)


def _finished_meanwhile(row: dict[str, Any], there: dict[str, int], base: Path) -> dict[str, Any] | None:
    """Return the record of a job that ended after it was planned, though its controller did not hear of it."""
    product = row["product"]
    for path in (product + SUFFIX, product):
        since = row["queued"] or row["planned"]
        if path in there and since is not None and there[path] >= since * 1e9:
            found = read_record_row(base / path)
            if found:
                return {**found, "record": path}
    return None


def _unknown(folder: Path, base: Path, paths: set[str], known: set[str], unreadable: list[str]) -> Iterator[Cell]:
    """Yield the jobs of records that no ledger knows: of runs without one, or before it was removed."""
    seen: set[str] = set(known)
    prefix = f"{base}{os.sep}"
    for place in walk(folder):
        for record in place.records:
            path = str(record.path).removeprefix(prefix)
            if path not in paths:
                continue
            try:
                job = job_of(record)
            except (AttributeError, KeyError, TypeError, ValueError):
                unreadable.append(path)
                continue
            products = [str(output["path"]) for output in (record.content or {})["outputs"].values()]
            if not seen.isdisjoint(products):
                continue
            seen.update(products)
            product = products[0] if products else path.removesuffix(SUFFIX)
            yield Cell(
                line=job.line,
                stage=job.stage,
                granule=_granule(product, job),
                product=product,
                state=State(job.outcome),
                reason=job.reason,
                warnings=len(job.warnings),
                attempt=job.attempt,
                wall_s=job.wall_s,
                cpu_s=job.cpu_s,
                peak_memory_mb=job.peak_memory_mb,
                ended=_time_of(record.path),
                record=path,
            )


def _time_of(path: Path) -> float | None:
    """Return when a file was last changed, seconds since 1970; None where it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _granule(product: str, job: Job) -> str:
    """Return the name of a job whose log is not known: its granule's, in the folders that its product stands in."""
    parts = PurePath(product).parts
    for at in range(len(parts) - 2):
        if parts[at : at + 2] == (job.line, job.stage):
            return str(PurePath(*parts[at + 2 : -1], job.granule))
    return job.granule


def _killed(run: Run) -> str:
    return (
        f"the controller (process {run.pid} on {run.host}) ended without a word, last heard of"
        f" {_ago(time.time() - run.beat)} ago: what it left is waiting; start it again and it goes on"
    )


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
