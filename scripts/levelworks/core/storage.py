"""What the file system of the results can do: write, flush, replace atomically, delete; and how much room it has."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from levelworks.core.atomic import flush, remove, replace, temporary_name
from levelworks.core.check import Check

REPLACEMENTS = 200
TIGHT = 1.2
"""Free room over the room needed below which a campaign is warned."""


def examine_results(results: Path) -> list[Check]:
    """Write, flush, rename and delete a small file below the results folder, for real, and leave nothing behind."""
    name = "results folder"
    try:
        with _there(results):
            detail = _write_and_delete(results)
            checks = [Check(name, "ok" if detail is None else "failure", detail or f"{results} can be written")]
            if detail is None:
                checks.append(_examine_rename(results))
            return checks
    except OSError as error:
        where = error.filename or results
        remedy = "set campaign.results to a folder where you may write and that has room"
        return [Check(name, "failure", f"{results} can't be written: {error.strerror} ({where})", remedy)]


@contextmanager
def _there(folder: Path) -> Iterator[None]:
    """Make a folder for a while, where it isn't there, and its parents."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in made:
            with suppress(OSError):  # a campaign that began meanwhile fills it
                path.rmdir()


def _write_and_delete(results: Path) -> str | None:
    first, second = temporary_name(results / "doctor.1"), temporary_name(results / "doctor.2")
    content = os.urandom(4096)
    try:
        first.write_bytes(content)
        flush(first)
        replace(first, second)
        flush(results)
        if second.read_bytes() != content:
            return f"{results}: what was written does not come back"
        if first.exists():
            return f"{results}: a renamed file still has its old name"
    finally:
        remove(first)
        remove(second)
    return None


def _examine_rename(results: Path) -> Check:
    """Replace a file again and again while a thread reads it: it must be there, whole, every time."""
    target, source = temporary_name(results / "doctor.target"), temporary_name(results / "doctor.source")
    contents = [bytes([number]) * 4096 for number in range(2)]
    faults: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set() and not faults:
            try:
                if target.read_bytes() not in contents:
                    faults.append("a reader saw a part of a file")
            except OSError as error:
                faults.append(f"a reader met: {error.strerror}")

    watcher = threading.Thread(target=watch)
    try:
        target.write_bytes(contents[0])
        watcher.start()
        for number in range(REPLACEMENTS):
            source.write_bytes(contents[number % 2])
            replace(source, target)
            if faults:
                break
    finally:
        ended.set()
        if watcher.is_alive():
            watcher.join()
        remove(target)
        remove(source)
    if faults:
        remedy = "put the results on another file system: here a killed job can leave half a product"
        return Check("atomic rename", "failure", f"{results}: {faults[0]} while it was replaced", remedy)
    return Check("atomic rename", "ok", f"{REPLACEMENTS} replacements under a reader's eyes")


def examine_space(results: Path, needed: int) -> Check:
    """Compare free room with what the campaign's products still need.

    Parameters
    ----------
    needed : int
        Estimate in bytes for all products; what already lies in the results folder is taken off.
    """
    name = "disk space"
    there = next(path for path in (results, *results.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    present = size_below(results)
    missing = max(needed - present, 0)
    detail = f"{_gigabytes(free)} free; about {_gigabytes(missing)} needed"
    if present:
        detail += f" beyond {_gigabytes(present)} that are there"
    remedy = "make room, set campaign.results to a larger file system, or write less (see the line's options)"
    if free < missing:
        return Check(name, "failure", detail, remedy)
    return Check(name, "warning", detail, remedy) if free < TIGHT * missing else Check(name, "ok", detail)


def size_below(folder: Path) -> int:
    """Add up the sizes of the files below a folder, bytes; links are not followed."""
    total, waiting = 0, [os.fspath(folder)] if folder.is_dir() else []
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return total


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; links to files count as what they lead to."""
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"
