"""Granules as a campaign's configuration names them, where a granule may be a folder itself."""

from __future__ import annotations

import csv
import glob
from collections.abc import Callable, Iterator
from pathlib import Path

from levelworks.core.outcome import InvalidOptions


def named_paths(source: Path, key: str, is_one: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the granules that a source names: itself, what a folder holds, the rows of a manifest, what matches.

    Parameters
    ----------
    source : Path
        Granule (file or folder), folder of granules, manifest (``.tsv`` with a column ``path``), or wildcards.
    key : str
        Of the configuration, that names it: the start of every message.
    is_one : callable
        Whether a path is named as a granule is.

    Raises
    ------
    InvalidOptions
        Where a source, or what a manifest lists, does not exist.
    """
    if any(character in str(source) for character in "*?["):
        matches = sorted(map(Path, glob.glob(str(source), recursive=True)))  # noqa: PTH207 - in every part of the path
        if not matches:
            raise InvalidOptions(f"config: {key}: nothing matches {source}")
        yield from matches
    elif source.suffix == ".tsv":
        yield from _manifest(source, key)
    elif not source.exists():
        raise InvalidOptions(f"config: {key}: {source} is neither a file nor a folder")
    elif is_one(source) or source.is_file():
        yield source
    else:
        yield from (path for path in sorted(source.iterdir()) if is_one(path))


def _manifest(source: Path, key: str) -> Iterator[Path]:
    try:
        rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    except OSError as error:
        raise InvalidOptions(f"config: {key}: the manifest {source} can't be read ({error.strerror})") from None
    if "path" not in (rows.fieldnames or ()):
        raise InvalidOptions(f"config: {key}: the manifest {source} has no column 'path'")
    for row in rows:
        path = source.parent / (row["path"] or "")
        if not row["path"] or not path.exists():
            raise InvalidOptions(f"config: {key}: {source} line {rows.line_num}: {row['path']} does not exist")
        yield path
