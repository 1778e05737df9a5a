"""The page of a campaign: ``<results>/status.html``, and beside it the small files that it shows and loads again.

A browser may open it from disk, where a page can load scripts and pictures alone: so data are scripts that call one
function of the page. ``status_data/head.js`` names the others by their checksums, and the page loads what changed:

- ``<line>.names.js``: granules, stages, groups; changes when jobs are added;
- ``<line>.states.js``: a character a job, and the checksums of the details;
- ``<line>.<number>.js``: details of some granules, loaded when one of them is opened.

``status.json`` holds what ``head.js`` holds, for programs.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import xxhash

from levelworks.campaign.failures import Attempt, read_attempts
from levelworks.campaign.page_details import detail, pictures
from levelworks.campaign.page_files import DATA, JSON, PAGE
from levelworks.campaign.page_matrix import CHUNK, Matrix
from levelworks.campaign.read_standing import results_of
from levelworks.campaign.standing import Cell, Standing, State
from levelworks.campaign.summary import Pace, pace_of
from levelworks.core.atomic import remove_stray, temporary_name

FORMAT = 1
STYLES = ("page.css", "matrix.css", "panel.css")
SCRIPTS = ("text.js", "data.js", "view.js", "matrix.js", "overview.js", "side.js", "panel.js", "main.js")
NAMELESS = "other"
"""What files of jobs are called that belong to no line."""
PACED = 15.0
"""Seconds for which the pace is taken as it was."""


def write_page(standing: Standing, folder: Path, results: Path | None = None) -> Path:
    """Write the page of a campaign once, and return it.

    Parameters
    ----------
    standing : Standing
        The whole campaign.
    folder : Path
        Its working folder.
    results : Path, optional
        Folder of products, in which the page stands; the last run's where not given.
    """
    page = Page(folder, results or results_of(folder))
    page.show(standing)
    page.write(standing)
    return page.path


class Page:
    """A page that is written again and again: only files whose content changed.

    Parameters
    ----------
    folder, results : Path
        Working folder of the campaign and folder of its products.
    """

    def __init__(self, folder: Path, results: Path) -> None:
        self.folder = folder.absolute()
        self.results = self.folder / results
        self._matrices: dict[str, Matrix] = {}
        self._attempts: dict[tuple[int, int], tuple[Attempt, ...]] = {}
        self._checksums: dict[str, str] = {}
        self._written: dict[str, str] = {}
        self._pace, self._paced = Pace(), 0.0
        draft = self.results / DATA / "draft"
        remove_stray(draft)
        self._draft = temporary_name(draft)

    @property
    def path(self) -> Path:
        """Return where the page stands."""
        return self.results / PAGE

    def show(self, standing: Standing) -> None:
        """Take a whole campaign; what was taken before is forgotten where it is no longer in it."""
        self._read_attempts(standing.cells)
        self._written.clear()  # others may have written since: what stands on disk counts
        by_line = _by_line(standing.cells)
        self._matrices = {line: found for line, found in self._matrices.items() if line in by_line}
        for line, cells in by_line.items():
            kept = self._matrices.get(line)
            if kept is not None and sum(cell is not None for cell in kept.cells) == len(cells) and kept.fits(cells):
                for cell in cells:
                    kept.put(cell)
            else:
                self._matrices[line] = Matrix(line, cells)

    def change(self, cells: Iterable[Cell]) -> None:
        """Take what is new of some jobs."""
        cells = list(cells)
        self._read_attempts(cells)
        for line, found in _by_line(cells).items():
            matrix = self._matrices.get(line)
            if matrix is None or not matrix.fits(found):
                known = {cell.product: cell for cell in matrix.cells if cell} if matrix else {}
                self._matrices[line] = Matrix(line, {**known, **{cell.product: cell for cell in found}}.values())
            else:
                for cell in found:
                    matrix.put(cell)

    def write(self, standing: Standing, following: float | None = None) -> None:
        """Write what changed: details first, and what names them last.

        Parameters
        ----------
        standing : Standing
            Whose runs, notes and time are shown; its jobs were taken before.
        following : float, optional
            Seconds until it is likely written again; None where nobody does.
        """
        self._draft.parent.mkdir(parents=True, exist_ok=True)
        self._put(PAGE, page_text())
        lines = [self._write_line(line, self._matrices[line]) for line in sorted(self._matrices)]
        head = {
            "format": FORMAT,
            "campaign": self.folder.name,
            "folder": str(self.folder),
            "base": os.path.relpath(self.folder, self.results),
            "seen": round(standing.seen, 1),
            "following": following and round(following, 1),
            "run": asdict(standing.runs[-1]) if standing.runs else None,
            "notes": [*standing.notes, *_damaged(standing)],
            "pace": asdict(self._pace_of(standing)),
            "lines": lines,
        }
        self._part("head", head)
        self._put(JSON, json.dumps(head, indent=1) + "\n")

    def _pace_of(self, standing: Standing) -> Pace:
        """Return how fast the run goes; it changes slowly, and asks every job."""
        if standing.alive is None or abs(standing.seen - self._paced) > PACED:
            self._pace = pace_of(Standing(tuple(self.cells()), standing.runs, seen=standing.seen))
            self._paced = standing.seen
        return self._pace

    def cells(self) -> Iterable[Cell]:
        """Yield all jobs."""
        return (cell for matrix in self._matrices.values() for cell in matrix.cells if cell is not None)

    def _read_attempts(self, cells: Iterable[Cell]) -> None:
        told = [cell for cell in cells if cell.attempt > 1 or cell.cause]
        if told:
            self._attempts.update(read_attempts(self.folder, told))

    def _write_line(self, line: str, matrix: Matrix) -> dict[str, Any]:
        file = line or NAMELESS
        for chunk in sorted(matrix.dirty):
            self._part(f"{file}.{chunk}", self._chunk(matrix, chunk))
        matrix.dirty.clear()
        if not matrix.named:
            matrix.named = self._part(f"{file}.names", matrix.names())
            self._remove_behind(file, matrix.chunks)
        states = {
            "names": matrix.named,
            "states": matrix.states.decode(),
            "size": CHUNK,
            "chunks": [self._checksums[f"{file}.{chunk}"] for chunk in range(matrix.chunks)],
        }
        return {
            "line": line,
            "file": file,
            "granules": len(matrix.granules),
            "names": matrix.named,
            "states": self._part(f"{file}.states", states),
            "stages": matrix.counted(),
        }

    def _chunk(self, matrix: Matrix, chunk: int) -> dict[str, Any]:
        rows = range(chunk * CHUNK, min((chunk + 1) * CHUNK, len(matrix.granules)))
        return {
            "rows": [[self._detail(cell) for cell in matrix.row(row)] for row in rows],
            "pictures": [pictures(matrix.drawn_at(row), self.folder) for row in rows],
        }

    def _detail(self, cell: Cell | None) -> Any:
        if cell is None:
            return 0
        if cell.state is State.WAITING and not cell.attempt:
            return {"product": cell.product}
        return detail(cell, self._attempts.get((cell.run, cell.job), ()), self.folder)

    def _remove_behind(self, file: str, chunks: int) -> None:
        """Remove details of granules that are no more."""
        for path in (self.results / DATA).glob(f"{file}.*.js"):
            number = path.name.removeprefix(f"{file}.").removesuffix(".js")
            if number.isdecimal() and int(number) >= chunks:
                path.unlink(missing_ok=True)
                self._checksums.pop(f"{file}.{number}", None)
                self._written.pop(f"{DATA}/{path.name}", None)

    def _part(self, name: str, content: dict[str, Any]) -> str:
        """Write a script of data where it changed, and return its checksum."""
        text = json.dumps(content, separators=(",", ":"))
        checksum = self._checksums[name] = xxhash.xxh3_64_hexdigest(text.encode())
        self._put(f"{DATA}/{name}.js", f'levelworks.take("{name}","{checksum}",{text})\n')
        return checksum

    def _put(self, name: str, text: str) -> None:
        content = text.encode()
        checksum = xxhash.xxh3_64_hexdigest(content)
        path = self.results / name
        if self._written.get(name) == checksum:
            return
        if name not in self._written and _holds(path, content):
            self._written[name] = checksum
            return
        try:
            self._draft.write_bytes(content)
            self._draft.replace(path)
        except OSError:
            self._draft.unlink(missing_ok=True)
            raise
        self._written[name] = checksum


@cache
def page_text() -> str:
    """Return the page, with its styles and scripts inside."""
    web = resources.files("levelworks.campaign") / "web"
    text = (web / "page.html").read_text(encoding="utf-8")
    styles = "".join((web / name).read_text(encoding="utf-8") for name in STYLES)
    scripts = "".join((web / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return text.replace("/* styles */", styles).replace("/* scripts */", scripts)


def _by_line(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.line].append(cell)
    return dict(found)


def _damaged(standing: Standing) -> list[str]:
    count = len(standing.unreadable)
    return [f"{count} records can't be read: `levelworks status` names them"] if count else []


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
