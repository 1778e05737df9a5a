"""Finding granules: by the agency's own file names in folders, by explicit lists, or by a manifest.

A granule's id is the agency's: the file's stem. What lies in a folder and has another name is not an error;
it is returned as ignored, so that a person can be told.
"""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import InvalidOptions

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*")


@dataclass(frozen=True)
class Granule:
    """One Level-1 file and the id under which its products stand."""

    id: str
    path: Path


@dataclass(frozen=True)
class Discovery:
    """The granules found, sorted by id, and the files passed over because their names are not the agency's."""

    granules: tuple[Granule, ...]
    ignored: tuple[Path, ...]


def discover(sources: Sequence[str | Path], pattern: str, key: str) -> Discovery:
    """Find granules in folders, files, wildcards and manifests.

    Parameters
    ----------
    sources : sequence of str or Path
        Each a folder (its files whose names match ``pattern``), a file (taken whatever its name), a wildcard
        (``raw/CGI_*.fits``), or a manifest ``*.tsv`` with a column ``path`` and, optionally, ``id``.
    pattern : str
        Regular expression that the whole name of a file in a folder must match.
    key : str
        Name of the configuration key, for messages.

    Raises
    ------
    InvalidOptions
        Where a source does not exist, a manifest is wrong, or two files have the same id.
    """
    found: dict[str, Path] = {}
    ignored: list[Path] = []
    expression = _compile(pattern, key)
    for source in map(Path, sources):
        for granule in _from_source(source, expression, key, ignored):
            known = found.setdefault(granule.id, granule.path)
            if known != granule.path:
                raise InvalidOptions(f"{key}: two files have the id {granule.id}: {known} and {granule.path}")
    return Discovery(tuple(Granule(name, found[name]) for name in sorted(found)), tuple(sorted(ignored)))


def _compile(pattern: str, key: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidOptions(f"{key}: {pattern!r} is no regular expression ({error})") from None


def _from_source(source: Path, expression: re.Pattern[str], key: str, ignored: list[Path]) -> Iterable[Granule]:
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.is_dir():
                continue
            if expression.fullmatch(path.name):
                yield Granule(identifier(path, key), path)
            else:
                ignored.append(path)
    elif source.suffix == ".tsv":
        yield from _from_manifest(source, key)
    elif any(character in str(source) for character in "*?["):
        matches = sorted(map(Path, glob.glob(str(source), recursive=True)))  # noqa: PTH207 - in every part of the path
        if not matches:
            raise InvalidOptions(f"{key}: nothing matches {source}")
        yield from (Granule(identifier(path, key), path) for path in matches)
    elif source.is_file():
        yield Granule(identifier(source, key), source)
    else:
        raise InvalidOptions(f"{key}: {source} is neither a file nor a folder")


def _from_manifest(source: Path, key: str) -> Iterable[Granule]:
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidOptions(f"{key}: the manifest {source} can't be read ({error.strerror})") from None
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    if "path" not in (rows.fieldnames or ()):
        raise InvalidOptions(f"{key}: the manifest {source} has no column 'path'")
    for row in rows:
        if not row["path"]:
            raise InvalidOptions(f"{key}: {source} line {rows.line_num} names no path")
        path = source.parent / row["path"]
        if not path.is_file():
            raise InvalidOptions(f"{key}: {source} line {rows.line_num}: {row['path']} does not exist")
        yield Granule(_checked(row["id"], path, key) if row.get("id") else identifier(path, key), path)


def identifier(path: Path, key: str) -> str:
    """Return the stem of a file as its id.

    Raises
    ------
    InvalidOptions
        Where it holds characters that job names and log folders can't take.
    """
    return _checked(path.name.split(".")[0], path, key)


def _checked(name: str, path: Path, key: str) -> str:
    if not IDENTIFIER.fullmatch(name):
        raise InvalidOptions(
            f"{key}: {path} gives the id {name!r}; ids hold letters, digits, '_', '-' and '+': "
            "rename the file, or name an id in a manifest"
        )
    return name
