"""Products that appear whole or not at all.

A product is written under a temporary name in its own folder, flushed, and renamed. Names carry host and
process, so that two attempts alive at once can't mix and the leftovers of a dead attempt are known as such.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".part."
ASIDE = ".aside."
"""Of a folder product for the moment in which another takes its name, where the system can't exchange two."""

AT_FDCWD = -100
RENAME_EXCHANGE = 2
NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def temporary_name(path: Path) -> Path:
    """Return the temporary name of a product in its own folder; the suffix stays, writers choose by it."""
    return path.with_name(f"{PREFIX}{socket.gethostname()}.{os.getpid()}.{path.name}")


@contextmanager
def atomic_outputs(paths: Mapping[str, Path], optional: Iterable[str] = ()) -> Iterator[dict[str, Path]]:
    """Give temporary names to write to; on success flush and rename all, on any error remove all.

    Parameters
    ----------
    paths : mapping of str to Path
        Final names, in the order in which they are renamed.
    optional : iterable of str
        Which of them may be left unwritten; what stands under their final names then stays.
    """
    temporary = {key: temporary_name(path) for key, path in paths.items()}
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        put_back(path)
        remove_stray(path)
    for path in temporary.values():
        remove(path)  # of a dead process that had this one's number
    try:
        yield temporary
        for key in optional:
            if not temporary[key].exists():
                del temporary[key]
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
    """Rename onto a final name; a folder that stands there changes names with the new one at once, and goes."""
    folders = source.is_dir(), target.is_dir() and not target.is_symlink()
    if not any(folders) or not os.path.lexists(target):
        os.replace(source, target)
        return
    if _exchange(source, target):
        remove(source)
        return
    aside = target.with_name(ASIDE + target.name)
    remove(aside)
    os.replace(target, aside)
    os.replace(source, target)
    remove(aside)


def _exchange(first: Path, second: Path) -> bool:
    """Let two names change places, of which each stands for something at any moment; False where that can't be done."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    if rename(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(second))


def put_back(path: Path) -> None:
    """Give a folder product its name again that a process put aside and died before it put another in its place."""
    aside = path.with_name(ASIDE + path.name)
    if aside.is_dir():
        if path.exists():
            remove(aside)
        else:
            os.replace(aside, path)


def write_text(path: Path, text: str) -> None:
    """Write a small text file atomically."""
    with atomic_outputs({"text": path}) as temporary:
        temporary["text"].write_text(text, encoding="utf-8")


def flush(path: Path) -> None:
    """Flush a file, a folder entry, or every file below a folder product to the disk.

    A folder product has hundreds of small files: its file system is flushed once rather than each of them.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if path.name.startswith(PREFIX) and path.is_dir() and not _flush_file_system(descriptor):
            for inner in path.rglob("*"):
                if inner.is_file():
                    flush(inner)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_file_system(descriptor: int) -> bool:
    """Flush the file system of an open file; False where the system can't."""
    try:
        done: int = ctypes.CDLL(None, use_errno=True).syncfs(descriptor)
    except (OSError, AttributeError):
        return False
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return True


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
