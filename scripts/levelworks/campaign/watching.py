"""Follows a campaign while a run goes on: it is read whole once, then only what its ledger says is new."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from levelworks.campaign.ledger import LEDGER, reading
from levelworks.campaign.read_standing import COLUMNS, read_runs, read_standing
from levelworks.campaign.standing import Cell, Standing, State


class Watch:
    """A campaign that is looked at again and again.

    Parameters
    ----------
    folder : Path
        Working folder of the campaign.
    results : Path, optional
        Folder of products; the ledger's last where not given.
    """

    def __init__(self, folder: Path, results: Path | None = None) -> None:
        self.folder, self.results = folder, results
        self._run: int | None = None
        self._since = 0.0

    def read(self) -> Standing:
        """Read how the campaign stands from the ledger and the records on disk, which win."""
        self._run = None
        try:
            with reading(self.folder / LEDGER) as connection:
                run, changed = connection.execute(
                    "SELECT MAX(run), (SELECT MAX(changed) FROM jobs) FROM runs"
                ).fetchone()
                self._run, self._since = run, changed or 0.0
        except (FileNotFoundError, sqlite3.Error):
            pass  # it is told by what follows
        return read_standing(self.folder, self.results)

    def follow(self) -> Standing | None:
        """Return what is new in the last run since it was looked at last, from the ledger alone.

        None where it must be read whole: another run began, or the ledger can't be read.
        """
        if self._run is None:
            return None
        try:
            with reading(self.folder / LEDGER) as connection:
                runs = tuple(read_runs(connection))
                if not runs or runs[-1].run != self._run:
                    return None
                found = connection.execute(
                    "SELECT * FROM jobs WHERE run = ? AND changed >= ? AND product IS NOT NULL",
                    (self._run, self._since),
                ).fetchall()
        except (FileNotFoundError, sqlite3.Error):
            return None
        self._since = max((row["changed"] for row in found), default=self._since)
        return Standing(tuple(_cell(row) for row in found), runs)


def _cell(row: Any) -> Cell:
    """Return a job as the ledger tells it."""
    values = {name: row[name] for name in COLUMNS if row[name] is not None}
    match row["state"]:
        case "ended":
            state = State(row["outcome"] or State.DONE)
        case State.FAILED | State.RUNNING | State.QUEUED:
            state = State(row["state"])
        case _:
            state = State.WAITING
    return Cell(state=state, **values)
