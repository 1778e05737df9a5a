"""Checksums of files, remembered as long as size and time of change stay the same.

Level-1 files and references get SHA-256. Our own products get XXH3 (128 bits), which costs a tenth and guards
against damage, not against malice; the record beside a product carries it, so that the next stage need not read
the file to name its content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHUNK = 1 << 22

_known: dict[tuple[str, int, int, str], str] = {}


def checksum(path: Path, algorithm: str = "sha256") -> str:
    """Return ``algorithm:hex digest`` of a file, or of the names and contents below a folder.

    Parameters
    ----------
    algorithm : {'sha256', 'xxh3'}
    """
    if path.is_dir():
        return _folder(path, algorithm)
    key = _key(path, algorithm)
    if key not in _known:
        digest = _new(algorithm)
        _read_into(path, digest)
        _known[key] = f"{algorithm}:{digest.hexdigest()}"
    return _known[key]


def remember(path: Path, content: memoryview) -> None:
    """Take the XXH3 checksum of a file just written from memory, so that it need not be read back for it."""
    digest = _new("xxh3")
    digest.update(content)
    _known[_key(path, "xxh3")] = f"xxh3:{digest.hexdigest()}"


def _key(path: Path, algorithm: str) -> tuple[str, int, int, str]:
    status = path.stat()
    return (os.fspath(path.absolute()), status.st_size, status.st_mtime_ns, algorithm)


def _new(algorithm: str) -> Any:
    if algorithm == "xxh3":
        import xxhash

        return xxhash.xxh3_128()
    return hashlib.new(algorithm)


def _read_into(path: Path, digest: Any) -> None:
    """Read by pieces: pages of a mapped file would count as the process's own memory."""
    piece = bytearray(CHUNK)
    view = memoryview(piece)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            digest.update(view[:count])


def _folder(path: Path, algorithm: str) -> str:
    digest = _new(algorithm)
    root = os.fspath(path)
    for name in sorted(_files_below(root)):
        digest.update(f"{name}\0{checksum(Path(root, name), algorithm)}\n".encode())
    return f"{algorithm}:{digest.hexdigest()}"


def _files_below(root: str, inside: str = "") -> Iterator[str]:
    """Yield the files below a folder by their paths in it; strings, as a store has thousands."""
    with os.scandir(f"{root}/{inside}") as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files_below(root, f"{inside}{entry.name}/")
            elif entry.is_file():
                yield f"{inside}{entry.name}"
