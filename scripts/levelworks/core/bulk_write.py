"""Writing large buffers that are flushed to disk anyway, without a copy through the page cache.

Products are flushed before they get their names. For such a file the page cache only costs: copying into it takes
five times the CPU time of handing the buffer to the device. Where the file system has no direct I/O the ordinary way
is taken.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from contextlib import suppress
from pathlib import Path

from levelworks.core.checksum import remember

ALIGNMENT = 4096
HUGE_PAGES = getattr(mmap, "MADV_HUGEPAGE", None)
DIRECT = getattr(os, "O_DIRECT", 0)
"""Both are Linux's; other systems go the ordinary way."""

_scratch: list[mmap.mmap] = []


def scratch(size: int) -> memoryview:
    """Return a page-aligned buffer of at least ``size`` bytes, the same one on every call: use one at a time."""
    needed = -(-size // ALIGNMENT) * ALIGNMENT
    if not _scratch or len(_scratch[0]) < needed:
        _scratch[:] = [mmap.mmap(-1, needed, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)]
        if HUGE_PAGES is not None:
            with suppress(OSError):  # a kernel without them
                _scratch[0].madvise(HUGE_PAGES)
    return memoryview(_scratch[0])


def write_bulk(path: Path, content: memoryview) -> None:
    """Write a file from a page-aligned buffer and remember its checksum.

    Parameters
    ----------
    content : memoryview
        The bytes of the file; from `scratch`, so that its start is aligned.
    """
    body = len(content) // ALIGNMENT * ALIGNMENT
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        written = _write_direct(descriptor, content[:body])
        _write_all(descriptor, content[written:])
    finally:
        os.close(descriptor)
    remember(path, content)


def _write_direct(descriptor: int, content: memoryview) -> int:
    """Write past the page cache; returns how many bytes went that way (0 where the file system can't)."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    written = 0
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | DIRECT)
        while written < len(content):
            count = os.write(descriptor, content[written:])
            written += count
            if count % ALIGNMENT:
                break
    except OSError as error:
        if error.errno not in (22, 95):  # EINVAL, EOPNOTSUPP: no direct I/O here; all else is a real error
            raise
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)
    return written


def _write_all(descriptor: int, content: memoryview) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
