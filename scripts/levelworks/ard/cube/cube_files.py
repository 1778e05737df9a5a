"""Files of the cube: their names, how they appear, and the list of what a day's job has written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from levelworks.core.atomic import flush, remove, remove_stray, temporary_name, write_text

LISTS = ".levelworks"
"""Folder of the cube's root with the lists of what each day's job has written."""
SIDE_SUFFIXES = (".ovr", ".aux.xml", ".msk")
"""Of files that others may make beside one of ours: they go with it."""


def product_stem(date: str, sensor: str) -> str:
    """Return how the names of a day's files begin: ``20180824_LEVEL2_LND08``."""
    return f"{date}_LEVEL2_{sensor}"


def list_path(cube: Path, date: str, sensor: str) -> Path:
    """Return the list of the files of a day and sensor."""
    return cube / LISTS / f"{date}_{sensor}.json"


@contextmanager
def appearing(folder: Path, stem: str) -> Iterator[Path]:
    """Give a folder to write files into; on success each takes its place in `folder`, on any error none does."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / stem
    remove_stray(final)
    temporary = temporary_name(final)
    remove(temporary)
    temporary.mkdir(parents=True)  # another day's job may just have removed the folder, which was empty
    try:
        yield temporary
        names = sorted(path.name for path in temporary.iterdir())
        for name in names:
            flush(temporary / name)
        for name in names:
            _forget_sides(folder / name, names)
            os.replace(temporary / name, folder / name)
        flush(folder)
    finally:
        remove(temporary)


def _forget_sides(path: Path, names: Sequence[str]) -> None:
    """Remove what was made of the file that is replaced: its overviews would no longer be true."""
    for suffix in SIDE_SUFFIXES:
        if path.name + suffix not in names:
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def read_list(path: Path) -> set[str]:
    """Read the list of a day's files, relative to the cube; empty where there is none yet."""
    try:
        return set(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return set()


def write_list(path: Path, files: Iterable[str]) -> None:
    """Write the list of a day's files atomically."""
    write_text(path, json.dumps(sorted(files), indent=1, ensure_ascii=False) + "\n")


def remove_files(cube: Path, files: Sequence[str]) -> None:
    """Remove files of the cube and what was made beside them; folders that are empty then go too."""
    for name in files:
        path = cube / name
        path.unlink(missing_ok=True)
        path.with_suffix(".hdr").unlink(missing_ok=True)
        _forget_sides(path, ())
        if path.parent != cube:
            try:
                path.parent.rmdir()
            except OSError:
                continue  # not empty
