"""The list of all captures of a dataset: what `list-captures` writes and cubes are made by."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.grid_files import Entry, Source, entry_as_text, entry_from_text

COLUMNS = (
    "granule",
    "grids",
    "number",
    "capture",
    "target",
    "mode",
    "start",
    "soundings",
    "good",
    "entry",
)
NO_CAPTURE = -1


@dataclass(frozen=True)
class Listed:
    """One row: a capture, or a granule without any, whose number is -1 and which has no entry."""

    granule: str
    grids: Path
    number: int
    entry: Entry | None


def listing(granules: Iterable[tuple[Path, Source, Sequence[Entry]]], folder: Path) -> str:
    """Return the table of captures as text: a row for each, and one for each granule without any.

    Parameters
    ----------
    granules : iterable of (Path, Source, sequence of Entry)
        Products of `grid-capture`.
    folder : Path
        Where the table stands: paths are relative to it.
    """
    rows: list[tuple[str, ...]] = []
    for path, source, entries in granules:
        head = source.name, os.path.relpath(path, folder)
        if not entries:
            rows.append((*head, str(NO_CAPTURE), *[""] * (len(COLUMNS) - 3)))
        for number, entry in enumerate(entries):
            named = entry.id, entry.target_id, entry.mode, f"{entry.start:.3f}", str(entry.soundings), str(entry.good)
            rows.append((*head, str(number), *named, entry_as_text(entry)))
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda one: (one[0], int(one[2]))):
        writer.writerow(row)
    return text.getvalue()


def read_listing(path: Path, target: str) -> list[Listed]:
    """Read the captures of one target, and every granule without one of it, as rows without capture.

    Raises
    ------
    InvalidInput
        Where the file is no list of captures.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            if file.readline() != "\t".join(COLUMNS) + "\n" or not _is_whole(path):
                raise ValueError("other columns, or cut short")
            found, without = _rows(file, path.parent, target)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput(f"{path}: no list of captures, or damaged; remove it, then it is made again") from None
    named = {one.granule for one in found}
    return found + [one for granule, one in without.items() if granule not in named]


def _is_whole(path: Path) -> bool:
    """Return whether the last row ends: captures that a list has lost would be taken out of their cubes."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _rows(lines: Iterable[str], folder: Path, target: str) -> tuple[list[Listed], dict[str, Listed]]:
    """Return the captures of a target, and by granule that it has others or none; a list has rows by the thousand."""
    found: list[Listed] = []
    without: dict[str, Listed] = {}
    for line in lines:
        granule, grids, number, _, owner, _, _, _, _, entry = line.rstrip("\n").split("\t")
        if int(number) != NO_CAPTURE and owner == target:
            found.append(Listed(granule, folder / grids, int(number), entry_from_text(entry)))
        elif granule not in without:
            without[granule] = Listed(granule, folder / grids, NO_CAPTURE, None)
    return found, without
