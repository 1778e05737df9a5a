"""Products that appear whole or not at all.

A product is written under a temporary name in its own folder, flushed, and renamed. Names carry host and
process, so that two attempts alive at once can't mix and the leftovers of a dead attempt are known as such.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".part."


def temporary_name(path: Path) -> Path:
    """Return the temporary name of a product in its own folder; the suffix stays, writers choose by it."""
    return path.with_name(f"{PREFIX}{socket.gethostname()}.{os.getpid()}.{path.name}")


@contextmanager
def atomic_outputs(paths: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    """Give temporary names to write to; on success flush and rename all, on any error remove all.

    Parameters
    ----------
    paths : mapping of str to Path
        Final names, in the order in which they are renamed.
    """
    temporary = {key: temporary_name(path) for key, path in paths.items()}
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stray(path)
    for path in temporary.values():
        remove(path)  # of a dead process that had this one's number
    try:
        yield temporary
        missing = [str(paths[key]) for key, path in temporary.items() if not path.exists()]
        if missing:
            raise FileNotFoundError(f"not written: {', '.join(missing)}")
        for path in temporary.values():
            flush(path)
        for key, path in temporary.items():
            replace(path, paths[key])
        for folder in {path.parent for path in paths.values()}:
            flush(folder)
    finally:
        for path in temporary.values():
            remove(path)


def replace(source: Path, target: Path) -> None:
    """Rename onto a final name; a folder in the way is moved aside first."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    os.replace(source, target)


def write_text(path: Path, text: str) -> None:
    """Write a small text file atomically."""
    with atomic_outputs({"text": path}) as temporary:
        temporary["text"].write_text(text, encoding="utf-8")


def flush(path: Path) -> None:
    """Flush a file, a folder entry, or every file below a folder product to the disk."""
    if path.is_dir() and path.name.startswith(PREFIX):
        for inner in path.rglob("*"):
            if inner.is_file():
                flush(inner)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or a folder where it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_stray(path: Path) -> None:
    """Remove temporaries of this product that dead processes of this host left behind."""
    mine = f"{PREFIX}{socket.gethostname()}."
    for stray in path.parent.glob(f"{mine}*.{path.name}"):
        process = stray.name.removeprefix(mine).split(".", 1)[0]
        if process.isdigit() and int(process) != os.getpid() and not _alive(int(process)):
            remove(stray)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
