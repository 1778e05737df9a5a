"""Ids of targets, as planning needs them: from targets files and lists of sites, without geometry."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from levelworks.core.discover import IDENTIFIER
from levelworks.core.outcome import InvalidOptions

CENTRE_COLUMNS = (
    ("Target ID", "Target Name", "Site Center WKT"),
    ("Target_ID", "Target_Name", "Center_WKT"),
)
"""Columns of id, name and centre in the lists of the OCO-3 and of the OCO-2 project."""


def ids_of_targets(path: Path) -> list[str]:
    """Return the ids in a targets file, in its order; `levelworks.xco2.targets.read_targets` reads all of it.

    Raises
    ------
    InvalidOptions
        Where the file can't be read, or holds no object of targets by id.
    """
    return list(_ids(path, path.stat().st_mtime_ns))


@cache
def _ids(path: Path, _changed: int) -> tuple[str, ...]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidOptions(f"targets file {path} can't be read ({error})") from None
    if not isinstance(entries, dict) or not entries:
        raise InvalidOptions(f"targets file {path} must hold an object of targets by id, and at least one")
    wrong = [name for name in entries if not IDENTIFIER.fullmatch(name)]
    if wrong:
        raise InvalidOptions(
            f"targets file {path}: target {wrong[0]!r}: ids name folders: letters, digits, '_', '-' and '+'"
        )
    return tuple(entries)


def ids_of_centres(path: Path) -> list[str]:
    """Return the ids in a list of sites; errors as those of `rows_of_centres`."""
    return [name for name, *_ in rows_of_centres(path)]


def rows_of_centres(path: Path) -> Iterator[tuple[str, str, str, str, int]]:
    """Yield id, name and centre of each site of a CSV, the name of the centre's column, and the line.

    Raises
    ------
    InvalidOptions
        Where the file can't be read or lacks the columns.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidOptions(f"list of sites {path} can't be read ({error})") from None
    rows = csv.DictReader(text.splitlines())
    columns = next((known for known in CENTRE_COLUMNS if set(known) <= set(rows.fieldnames or ())), None)
    if columns is None:
        wanted = " or ".join(", ".join(known) for known in CENTRE_COLUMNS)
        raise InvalidOptions(f"list of sites {path} needs the columns {wanted}")
    for row in rows:
        yield row[columns[0]], row[columns[1]], row[columns[2]], columns[2], rows.line_num
