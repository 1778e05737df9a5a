"""The ledger of a campaign: one SQLite file with its runs, their jobs and the attempts that ended badly.

One process writes, the controller's logger plug-in; what it is told is queued and written in one transaction from time
to time. Anybody may read meanwhile (write-ahead log).
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from levelworks.campaign.outcomes import read_outcome
from levelworks.campaign.shared_ledger import copy_ledger, on_network

LEDGER = Path(".snakemake/levelworks/ledger.sqlite")
"""Where the ledger stands in a campaign's working folder."""
FORMAT = 3
FLUSH = 0.5
"""Seconds between two transactions."""
WAIT = 20.0
"""Seconds to wait for a reader that holds the file."""

Order = tuple[Callable[..., Any], tuple[Any, ...]]
"""What is to be written: a function of connection and run, and its further arguments."""

SCHEMA = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE IF NOT EXISTS runs (
    run INTEGER PRIMARY KEY, began REAL, beat REAL, ended REAL, state TEXT, host TEXT, pid INTEGER, born TEXT,
    words TEXT, base TEXT, folder TEXT, results TEXT
);
CREATE TABLE IF NOT EXISTS jobs (
    run INTEGER, job INTEGER, line TEXT, stage TEXT, granule TEXT, product TEXT, log TEXT, products TEXT, state TEXT,
    attempt INTEGER DEFAULT 0, threads INTEGER, mem_mb REAL, runtime REAL, external TEXT, host TEXT,
    planned REAL, queued REAL, began REAL, ended REAL, outcome TEXT, reason TEXT, warnings INTEGER,
    wall_s REAL, cpu_s REAL, peak_memory_mb REAL, record TEXT, record_ns INTEGER, cause TEXT, message TEXT,
    changed REAL, PRIMARY KEY (run, job)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_product ON jobs (product, run);
CREATE TABLE IF NOT EXISTS attempts (
    run INTEGER, job INTEGER, attempt INTEGER, ended REAL, cause TEXT, detail TEXT, host TEXT, external TEXT,
    wall_s REAL, peak_memory_mb REAL, mem_mb REAL, runtime REAL, log TEXT
);
CREATE INDEX IF NOT EXISTS attempts_by_job ON attempts (run, job);
"""


class Ledger:
    """Writes a ledger from a thread of its own; whoever tells it something returns at once.

    Trouble with the file never stops a campaign: it is handed to `complain` once, and writing is tried again.

    Parameters
    ----------
    path : Path
    complain : callable
        Takes a message for people.
    """

    def __init__(self, path: Path, complain: Callable[[str], None] = lambda _message: None) -> None:
        self.path = path
        self.run = 0
        self._complain = complain
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._kept: list[Order] = []
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._first: Order | None = None
        self._unfinished = _Unfinished()
        self._complained = False
        self._closing = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    def put(self, write: Callable[..., Any], *values: Any) -> None:
        """Have `write(connection, run, *values)` called in the next transaction."""
        self._orders.put((write, values))

    def begin(self, **values: Any) -> None:
        """Open a run; everything told later is of it."""
        first: Order = (_insert_run, (values,))
        self._first = first
        self._orders.put(first)

    def close(self) -> None:
        """Write what is queued, and close the file."""
        self._closing.set()
        self._thread.join(WAIT)

    def flush(self) -> None:
        """Write what is queued now."""
        with self._writing:
            self._write()

    def _work(self) -> None:
        while not self._closing.wait(FLUSH):
            self.flush()
        self.flush()
        self._let_go()

    def _write(self) -> None:
        while not self._orders.empty():
            self._kept.append(self._orders.get())
        if not self._kept and self.run == 0:
            return
        try:
            connection = self._open()
            with connection:
                for write, values in self._kept:
                    if write is _insert_run:
                        self.run = _insert_run(connection, 0, *values)
                    else:
                        write(connection, self.run, *values)
                connection.execute("UPDATE runs SET beat = ? WHERE run = ?", (time.time(), self.run))
            for order in self._kept:
                self._unfinished.hear(*order)
            self._kept = []
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            if not self._complained:
                self._complain(f"{self.path} can't be written ({error}); it is tried again, the campaign goes on")
                self._complained = True

    def _let_go(self) -> None:
        """Close a connection that failed; what it can't say any more does not matter."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        """Return the connection; where somebody removed the file, a new one is begun with the jobs that go on."""
        if self._connection is not None and _inode(self.path) == self._inode:
            return self._connection
        self._let_go()
        if self.run and self._first and self._first not in self._kept and _inode(self.path) != self._inode:
            self._kept[:0] = [self._first, *self._unfinished.orders()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=WAIT, check_same_thread=False)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, FORMAT):
                raise sqlite3.DatabaseError("written by another version")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError):
                raise  # held by somebody, or the file system is full: it is tried again
            self._set_aside(error)
            return self._open()
        self._connection, self._inode = connection, _inode(self.path)
        return connection

    def _set_aside(self, error: Exception) -> None:
        """Move a file away that is no ledger, with what belongs to it."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        self.path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self._complain(f"{self.path} was no ledger ({error}) and stands now as {aside.name}; a new one is begun")


class _Unfinished:
    """What was told of the jobs that have not ended; what others did stands in their records."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Any, ...]] = {}
        self._values: dict[int, dict[str, Any]] = {}
        self._results: str | None = None

    def hear(self, write: Callable[..., Any], values: tuple[Any, ...]) -> None:
        """Take an order that has been written."""
        if write is plan_jobs:
            rows, *results = values
            self._rows.update((row[0], row) for row in rows)
            self._results = next(iter(results), None) or self._results
        elif write is update_job:
            job, new = values
            self._values.setdefault(job, {}).update(new)
        elif write is end_job:
            self._rows.pop(values[0], None)
            self._values.pop(values[0], None)

    def orders(self) -> list[Order]:
        """Return what writes them anew."""
        return [
            (plan_jobs, (list(self._rows.values()), self._results)),
            *((update_job, (job, values)) for job, values in self._values.items()),
        ]


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger to read; of one on a file system that hosts share, a copy.

    Raises
    ------
    sqlite3.Error
        Where it is damaged, or written by another version.
    FileNotFoundError
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    with ExitStack() as stack:
        if on_network(path):
            path = copy_ledger(path, Path(stack.enter_context(TemporaryDirectory(prefix="ledger-"))))
        connection = sqlite3.connect(f"file:{path.absolute()}?mode=ro", uri=True, timeout=WAIT)
        stack.enter_context(closing(connection))
        connection.row_factory = sqlite3.Row
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            raise FileNotFoundError(path)  # its first transaction is still to come
        if version != FORMAT:
            raise sqlite3.DatabaseError("written by another version")
        yield connection


def _insert_run(connection: sqlite3.Connection, _run: int, values: dict[str, Any]) -> int:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    statement = f"INSERT INTO runs ({names}, state) VALUES ({marks}, 'running')"  # noqa: S608 - names of columns
    return int(connection.execute(statement, tuple(values.values())).lastrowid or 0)


def plan_jobs(
    connection: sqlite3.Connection, run: int, rows: Sequence[tuple[Any, ...]], results: str | None = None
) -> None:
    """Write jobs that a run is going to run (see `planned.row_of`), and where their products stand."""
    if results is not None:
        connection.execute("UPDATE runs SET results = ? WHERE run = ?", (results, run))
    now = time.time()
    connection.executemany(
        "INSERT INTO jobs (run, job, line, stage, granule, product, log, products, planned, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned')"
        " ON CONFLICT (run, job) DO UPDATE SET line = excluded.line, stage = excluded.stage,"
        " granule = excluded.granule, product = excluded.product, log = excluded.log,"
        " products = excluded.products",
        ((run, *row, now) for row in rows),
    )


def update_job(connection: sqlite3.Connection, run: int, job: int, values: dict[str, Any]) -> None:
    """Write what is new of a job, planned or not."""
    values = {**values, "changed": time.time()}
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    connection.execute(
        f"INSERT INTO jobs (run, job, {names}) VALUES (?, ?, {marks})"  # noqa: S608 - names of columns
        f" ON CONFLICT (run, job) DO UPDATE SET {changes}",
        (run, job, *values.values()),
    )


def end_job(connection: sqlite3.Connection, run: int, job: int, product: str, ended: float) -> None:
    """Write how a job ended well, from the record beside its product."""
    update_job(connection, run, job, {"state": "ended", "ended": ended, "cause": None, **read_outcome(product)})


def add_attempt(connection: sqlite3.Connection, run: int, job: int, values: dict[str, Any]) -> None:
    """Write an attempt that ended badly."""
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    statement = f"INSERT INTO attempts (run, job, {names}) VALUES (?, ?, {marks})"  # noqa: S608 - names of columns
    connection.execute(statement, (run, job, *values.values()))


def end_run(connection: sqlite3.Connection, run: int, state: str) -> None:
    """Write how a run ended; jobs that it left do not run any more."""
    connection.execute("UPDATE runs SET ended = ?, state = ? WHERE run = ?", (time.time(), state, run))


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
