"""One line of a campaign as its page shows it: granules by stages, a character a job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from levelworks.campaign.standing import Cell, State
from levelworks.campaign.summary import Count, group_of
from levelworks.core.config import LINES

CHUNK = 25
"""Granules whose details share a file."""
ABSENT = ord(".")
WARNED = ord("D")
"""Of what was done with warnings."""
LETTERS = {
    State.DONE: ord("d"),
    State.SKIPPED: ord("s"),
    State.QUARANTINED: ord("q"),
    State.FAILED: ord("f"),
    State.RUNNING: ord("r"),
    State.QUEUED: ord("u"),
    State.WAITING: ord("w"),
    State.REMOVED: ord("x"),
}


class Matrix:
    """Jobs of one line by granule and stage.

    Attributes
    ----------
    stages, granules, groups : list of str
        Columns, rows, and the group of each row.
    cells : list of Cell or None
        Row by row.
    states : bytearray
        A character each.
    dirty : set of int
        Chunks that changed since they were written.
    named : str
        Checksum of the names as they were written; empty before.
    """

    def __init__(self, line: str, cells: Iterable[Cell]) -> None:
        cells = list(cells)
        self.line = line
        self.stages = _in_order(line, {cell.stage for cell in cells})
        columns = {stage: column for column, stage in enumerate(self.stages)}
        placed: dict[tuple[str, int], Cell] = {}
        for cell in cells:
            name, column = cell.granule, columns[cell.stage]
            if (name, column) in placed:  # not told apart by their logs
                name = f"{name} ({PurePath(cell.product).name})"
            placed[name, column] = cell
        groups = {name: group_of(cell) for (name, _), cell in placed.items()}
        self.granules = sorted(groups, key=lambda name: (groups[name], name))
        self.groups = [groups[name] for name in self.granules]
        rows = {name: row for row, name in enumerate(self.granules)}
        self.cells: list[Cell | None] = [None] * (len(rows) * len(columns))
        self.states = bytearray([ABSENT]) * len(self.cells)
        self._taken = [Count() for _ in self.stages]
        self._places: dict[str, int] = {}
        for (name, column), cell in placed.items():
            at = rows[name] * len(columns) + column
            self._places[cell.product] = at
            self._set(at, cell)
        self.dirty = set(range(self.chunks))
        self.named = ""
        self._shows = _pictured(self.granules, self.stages, cells, self._places)
        self._drawn: dict[int, list[int]] = defaultdict(list)
        for picture, row in self._shows.items():
            self._drawn[row].append(picture)

    def names(self) -> dict[str, Any]:
        """Return stages, granules, groups, and the place of each granule's group among them."""
        groups = sorted(set(self.groups))
        index = {group: at for at, group in enumerate(groups)}
        return {
            "stages": self.stages,
            "granules": self.granules,
            "groups": groups,
            "group": [index[group] for group in self.groups],
        }

    @property
    def chunks(self) -> int:
        """Return the number of files of details."""
        return -(-len(self.granules) // CHUNK)

    def fits(self, cells: Iterable[Cell]) -> bool:
        """Return whether all these jobs have a place here."""
        return all(cell.product in self._places for cell in cells)

    def put(self, cell: Cell) -> None:
        """Take what is new of a job that has a place here."""
        at = self._places[cell.product]
        if self.cells[at] == cell:
            return
        self._set(at, cell)
        row = at // len(self.stages)
        self.dirty.add(row // CHUNK)
        if row in self._shows:
            self.dirty.add(self._shows[row] // CHUNK)

    def row(self, row: int) -> list[Cell | None]:
        """Return the jobs of a granule, a stage each."""
        width = len(self.stages)
        return self.cells[row * width : (row + 1) * width]

    def drawn_at(self, row: int) -> Iterator[Cell]:
        """Yield the jobs that draw what a granule became: those at its own name, and those named for its products."""
        for one in (row, *self._drawn.get(row, ())):
            yield from (cell for cell in self.row(one) if cell is not None and cell.state is State.DONE)

    def counted(self) -> list[dict[str, Any]]:
        """Return of every stage the number of jobs by state, and what they took."""
        return [
            {
                "stage": stage,
                "jobs": count.planned,
                **{state.value: count.states[state] for state in State},
                "retried": count.retried,
                "warnings": count.warnings,
                "wall_s": round(count.wall_s, 3),
                "cpu_s": round(count.cpu_s, 3),
                "peak_memory_mb": count.peak_memory_mb,
            }
            for stage, count in zip(self.stages, self._taken, strict=True)
        ]

    def _set(self, at: int, cell: Cell) -> None:
        count, before = self._taken[at % len(self.stages)], self.cells[at]
        if before is not None:
            count.remove(before)
        count.add(cell)
        self.cells[at] = cell
        self.states[at] = WARNED if cell.state is State.DONE and cell.warnings else LETTERS[cell.state]


def _in_order(line: str, found: set[str]) -> list[str]:
    """Return stages in the order in which their line defines them, others behind."""
    from levelworks.core.stage import stages

    known = list(stages(line)) if line in LINES else []
    return [stage for stage in known if stage in found] + sorted(found - set(known))


def _pictured(granules: list[str], stages: list[str], cells: Iterable[Cell], places: dict[str, int]) -> dict[int, int]:
    """Return by row of a picture named ``<stage>/<stem of a product>`` the row of what it shows."""
    named = {row: name for row, name in enumerate(granules) if name.partition("/")[0] in stages and "/" in name}
    if not named:
        return {}
    rows: dict[str, int] = {}
    for cell in cells:
        for product in (cell.products or cell.product).split("\n"):
            rows[f"{cell.stage}/{PurePath(product).stem}"] = places[cell.product] // len(stages)
    return {row: rows[name] for row, name in named.items() if name in rows}
