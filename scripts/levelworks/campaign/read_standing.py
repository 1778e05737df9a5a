"""Reads how a campaign stands from its ledger and from the records on disk, which win."""

from __future__ import annotations

import os
import shlex
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePath
from typing import Any

from levelworks.campaign.ledger import LEDGER, reading
from levelworks.campaign.outcomes import SUFFIX, read_record_row
from levelworks.campaign.page_files import DATA, JSON
from levelworks.campaign.processes import Process
from levelworks.campaign.run_words import told_in, where_started, words_again
from levelworks.campaign.standing import Cell, Run, Standing, State
from levelworks.core.jobs import Job, newest
from levelworks.core.outcome import InvalidOptions
from levelworks.core.survey import CRATE, MARK, beside

COLUMNS = {one.name for one in fields(Cell)} - {"state"}
"""Of a ledger's row, that a cell takes as they are."""
LOCKS = Path(".snakemake/locks")
"""Where Snakemake's locks of a working folder stand: one that was killed leaves them."""
REST = ("state", "outcome", "record_ns", "products", "planned")
EMPTY = {
    one.name: "''" if one.default == "" or one.name in ("line", "stage", "granule", "product") else one.default
    for one in fields(Cell)
    if one.default is not None
}
PRODUCT = [one.name for one in fields(Cell)].index("product")
STATE = [one.name for one in fields(Cell)].index("state")


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
    rows: list[tuple[Any, ...]] = []
    notes: list[str] = []
    base = folder.absolute()
    place = base / (results or "results")
    try:
        with reading(ledger) as connection:
            runs = tuple(read_runs(connection))
            place = base / (results or _results(connection))
            rows = _rows(connection, base, place)
    except FileNotFoundError:
        notes.append("no ledger here: what follows is from the records alone; jobs that wait or failed are not known")
    except (sqlite3.Error, OSError) as error:
        notes.append(f"{ledger} can't be read ({error}): what follows is from the records alone")
    alive = {run.run for run in runs if run.alive}
    if runs and not runs[-1].alive and runs[-1].ended is None:
        notes.append(_killed(runs[-1], folder))
    disk = _look(Path(os.path.normpath(place)), base)
    dropped = _dropped_since(runs)
    cells = [
        cell
        for cell in _merge(rows, alive, disk)
        if cell.state not in (State.FAILED, State.WAITING) or cell.run >= dropped.get(cell.run, 0)
    ]
    return Standing(
        tuple(sorted(cells, key=lambda cell: (cell.line, cell.stage, cell.granule))),
        runs,
        tuple(notes),
        tuple(disk.unreadable),
    )


def _dropped_since(runs: Sequence[Run]) -> dict[int, int]:
    """Return by run the last one of the same command that planned all: what it left out is not asked for any more."""
    last = {run.base: run.run for run in runs if run.whole}
    return {run.run: last[run.base] for run in runs if run.base in last}


def last_run(folder: Path) -> Run | None:
    """Return the last run of a campaign; None without a ledger that can be read."""
    try:
        with reading(folder / LEDGER) as connection:
            return next(reversed(list(read_runs(connection))), None)
    except (OSError, sqlite3.Error):
        return None


def results_of(folder: Path) -> Path:
    """Return the folder of products of a campaign's last run, relative to its working folder or absolute."""
    try:
        with reading(folder / LEDGER) as connection:
            return _results(connection)
    except (FileNotFoundError, sqlite3.Error):
        return Path("results")


def _results(connection: sqlite3.Connection) -> Path:
    last = connection.execute("SELECT results FROM runs WHERE results IS NOT NULL ORDER BY run DESC").fetchone()
    return Path(last[0] if last else "results")


def read_runs(connection: sqlite3.Connection) -> Iterator[Run]:
    """Yield the runs of a ledger, the first one first."""
    for row in connection.execute("SELECT * FROM runs ORDER BY run"):
        process = Process(row["host"], row["pid"], row["born"])
        alive = row["ended"] is None and process.alive(row["beat"])
        names = ("run", "began", "beat", "ended", "host", "pid")
        told = row["words"] or "", alive, row["base"] or "", row["folder"] or "", row["results"] is not None
        yield Run(*(row[name] for name in names), *told)  # type: ignore[call-arg]


def _rows(connection: sqlite3.Connection, base: Path, place: Path) -> list[tuple[Any, ...]]:
    """Return of every product the job of the last run that had one for it: what a cell takes, then `REST`.

    Runs that wrote to another folder than `place` are left out.
    """
    wanted_runs = [
        str(run)
        for run, results in connection.execute("SELECT run, results FROM runs")
        if results is None or os.path.normpath(base / results) == os.path.normpath(place)
    ]
    last: dict[str, tuple[Any, ...]] = {}
    names = [one.name for one in fields(Cell)]
    wanted = ", ".join("NULL" if name == "state" else f"ifnull({name}, {EMPTY.get(name, 'NULL')})" for name in names)
    rest = ", ".join(REST)
    for row in connection.execute(
        f"SELECT {wanted}, {rest} FROM jobs WHERE product IS NOT NULL"  # noqa: S608 - names of columns, numbers
        f" AND run IN ({', '.join(wanted_runs)}) ORDER BY run"
    ):
        last[spelled(row[PRODUCT], base)] = tuple(row)
    return list(last.values())


def spelled(path: str, base: Path) -> str:
    """Return a path as all others are compared: relative to a campaign's folder where it is below it."""
    if path[:1] not in "/.":
        return path
    whole = os.path.normpath(base / path)
    start = f"{base}{os.sep}"
    return whole.removeprefix(start)


@dataclass(frozen=True)
class _Disk:
    """What stands below the results folder: records by path with the time of their last change (ns), and all names."""

    base: Path
    records: dict[str, int]
    names: set[str]
    unreadable: list[str]

    def has(self, path: str) -> bool:
        """Return whether a file stands, here or elsewhere."""
        return path in self.names or spelled(path, self.base) in self.names or (self.base / path).exists()

    def changed(self, record: str) -> int | None:
        """Return when a record was changed (ns); None where it is not there."""
        found = self.records.get(record)
        return self.records.get(spelled(record, self.base)) if found is None else found


def _merge(rows: list[tuple[Any, ...]], alive: set[int], disk: _Disk) -> Iterator[Cell]:
    """Yield the cells of the ledger as the disk confirms them, then those of records that it doesn't know."""
    claimed: set[str] = set()
    for row in rows:
        cell, rest = row[: -len(REST)], row[-len(REST) :]
        for path in (spelled(one, disk.base) for one in (rest[3] or cell[PRODUCT]).split("\n")):
            claimed.add(path + SUFFIX)
            if path.endswith(SUFFIX):
                claimed.add(path)
        yield _cell(cell, rest, alive, disk)
    unknown = {path for path in disk.records if path not in claimed}
    if unknown:
        known = {row[PRODUCT] for row in rows}
        yield from _unknown(unknown, known | {spelled(one, disk.base) for one in known}, disk)


def _look(folder: Path, base: Path) -> _Disk:
    """Look at what stands below the results folder; folders that are stores of their own are not entered."""
    found = _Disk(base, {}, set(), [])
    waiting = [str(folder)]
    start = len(str(base)) + 1 if folder.is_relative_to(base) else 0
    page = {os.path.join(folder, name) for name in (JSON, DATA)}  # noqa: PTH118 - as entries are named
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == "." or name == CRATE or entry.path in page:
                        continue
                    path = entry.path[start:]
                    found.names.add(path)
                    if name.endswith(SUFFIX):
                        with suppress(FileNotFoundError):  # gone meanwhile, or a link to nothing
                            found.records[path] = entry.stat().st_mtime_ns
                    elif not name.endswith(".zarr") and entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found


def _cell(values: tuple[Any, ...], rest: tuple[Any, ...], alive: set[int], disk: _Disk) -> Cell:
    state, outcome, record_ns, products, planned = rest
    cell = Cell(*values[:STATE], State(outcome or State.DONE), *values[STATE + 1 :])  # type: ignore[call-arg]
    if state == "ended":
        if not all(disk.has(one) for one in (products or cell.product).split("\n") if not one.endswith(MARK)):
            return replace(cell, state=State.REMOVED)
        if not cell.record or disk.changed(cell.record) == record_ns:
            return cell
        if disk.changed(cell.record) is None:
            return replace(cell, state=State.REMOVED)
        fresh = read_record_row(disk.base / cell.record)
        if fresh is None:
            disk.unreadable.append(cell.record)
            return cell
        return _renewed(cell, fresh | {"record": cell.record})
    meanwhile = _finished_meanwhile(cell, planned, disk)
    if meanwhile:
        return _renewed(cell, meanwhile)
    if state == State.FAILED:
        return replace(cell, state=State.FAILED)
    goes_on = cell.run in alive and state in (State.RUNNING, State.QUEUED)
    return replace(cell, state=State(state) if goes_on else State.WAITING)


def _renewed(cell: Cell, row: dict[str, Any]) -> Cell:
    """Return a cell with what its record says now."""
    values = {name: value for name, value in row.items() if name not in ("outcome", "record_ns")}
    return replace(cell, state=State(row["outcome"]), **values)


def _finished_meanwhile(cell: Cell, planned: float | None, disk: _Disk) -> dict[str, Any] | None:
    """Return how a job ended after it was planned, though its controller did not hear of it or has yet to write it."""
    since = cell.queued or planned
    if since is None or not disk.has(cell.product):
        return None  # a record without its product is of a job that failed after all
    told = [path for path in (cell.product + SUFFIX, cell.product) if disk.changed(path) is not None]
    for path in told:
        if (disk.changed(path) or 0) >= since * 1e9:
            found = read_record_row(disk.base / path)
            if found:
                return {**found, "record": path}
    if told:
        return None
    # A stage's record takes its name before the product does: this product is of a rule that writes none.
    written = _time_of(disk.base / cell.product)
    return {"outcome": State.DONE, "ended": written} if written is not None and written >= since else None


def _unknown(paths: set[str], known: set[str], disk: _Disk) -> Iterator[Cell]:
    """Yield the jobs of records that no ledger knows: of runs without one, or before it was removed."""
    names = {disk.base / path: path for path in paths}
    found = (beside(path.with_name(path.name.removesuffix(SUFFIX))) for path in names)
    # Other kinds of files, STAC items, say, have no product beside them.
    records = [record for record in found if record.content is not None or record.present]
    unreadable: list[str] = []
    for job, record, products in newest(records, known, unreadable):
        path = names[record.path]
        product = products[0] if products else path.removesuffix(SUFFIX)
        yield Cell(
            line=job.line,
            stage=job.stage,
            granule=_granule(product, job),
            product=product,
            state=State(job.outcome) if record.present or not products else State.REMOVED,
            reason=job.reason,
            warnings=len(job.warnings),
            attempt=job.attempt,
            wall_s=job.wall_s,
            cpu_s=job.cpu_s,
            peak_memory_mb=job.peak_memory_mb,
            ended=_time_of(record.path),
            record=path,
            products="\n".join(products),
        )
    disk.unreadable.extend(names[Path(path)] for path in unreadable)


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


def _killed(run: Run, folder: Path) -> str:
    said = (
        f"the controller (process {run.pid} on {run.host}) ended without a word, last heard of"
        f" {_ago(time.time() - run.beat)} ago: what it left is waiting"
    )
    if not any((folder / LOCKS).glob("*.lock")):
        return f"{said}; start it again and it goes on"
    try:
        unlock = shlex.join(["snakemake", *words_again(run, folder), "--unlock"])
    except InvalidOptions:
        unlock = "snakemake --unlock, with the same profile and directory"
    else:
        unlock = told_in(where_started(run, folder), unlock)
    return f"{said}. It goes on with the same command, once the folder is unlocked: {unlock}"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
