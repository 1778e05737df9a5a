"""A ledger on a file system that hosts share: its readers take a copy.

SQLite's write-ahead log is for processes of one host, since its index is shared memory. A reader on another login node
would see old content, and write into that index. A copy of file and log has neither trouble.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

NETWORK = frozenset(
    ("afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "panfs", "pvfs2", "smb3", "wekafs")
)
"""Types of file systems that other hosts may write; what user space mounts may be one, too."""
ATTEMPTS = 20
HEADER = 32
"""Bytes of the log's header: it has other salts each time the log begins anew."""
MOUNTS = Path("/proc/self/mountinfo")


def on_network(path: Path) -> bool:
    """Return whether a file stands on a file system that hosts share; False where the system doesn't say."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    real = path.resolve()
    found = ""
    longest = -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        where = Path(before.split(" ")[4].encode().decode("unicode_escape"))
        if len(where.parts) >= longest and real.is_relative_to(where):
            longest, found = len(where.parts), after.split(" ")[0]
    return found in NETWORK or found.startswith("fuse.")


def copy_ledger(path: Path, folder: Path) -> Path:
    """Copy a ledger that is written meanwhile, as it stood at some moment.

    Pages that a checkpoint changes while they are copied stand whole in the log, as long as that does not begin anew:
    its header tells, and then all is copied once more.

    Parameters
    ----------
    path : Path
    folder : Path
        Where the copy goes.

    Raises
    ------
    sqlite3.OperationalError
        Where the log begins anew each time.
    """
    copy = folder / path.name
    log, copied_log = (one.with_name(f"{one.name}-wal") for one in (path, copy))
    for _ in range(ATTEMPTS):
        before = _state(path, log)
        shutil.copyfile(path, copy)
        copied_log.unlink(missing_ok=True)
        try:
            shutil.copyfile(log, copied_log)
        except FileNotFoundError:
            copied_log.write_bytes(b"")
        if before == _state(path, log) and _header(copied_log) == before[0]:
            return copy
    raise sqlite3.OperationalError("it changes faster than it can be copied")


def _state(path: Path, log: Path) -> tuple[bytes, tuple[int, int] | None]:
    """Return the header of the log; of a file without one, when it was changed and how long it is."""
    header = _header(log)
    if header:
        return header, None
    facts = path.stat()
    return header, (facts.st_mtime_ns, facts.st_size)


def _header(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            return file.read(HEADER)
    except FileNotFoundError:
        return b""
