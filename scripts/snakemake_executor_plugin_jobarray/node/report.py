"""The status file of a bundle: one line an event, written by its worker, read by the controller.

Events: ``worker`` (a worker has begun; a scheduler that requeues an element starts another one on the same file),
``start`` and ``end`` of a job by its number in the bundle, ``signal``, ``left`` (jobs for which the time does not
suffice) and ``bye``.
A line counts when it ends with a line feed; each is written by one call, and the file closed after it, so that network
file systems show it to the controller.
"""

from __future__ import annotations

import errno
import json
import os
import time
from typing import Any

PATIENCE = (1, 2, 5, 10, 30, 60)
"""Seconds between attempts to write a line where the disk is full or away."""


class StatusFile:
    """The status file of one bundle, as its worker sees it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, event: str, **values: Any) -> None:
        """Append an event; waits and tries again where the file system does not take it."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **values}, separators=(",", ":")) + "\n"
        append_line(self.path, line)

    def finished(self) -> set[int]:
        """Return the numbers of the jobs that have ended: those of an earlier worker, when this one was requeued."""
        events, _ = read_events(self.path, 0)
        return {event["job"] for event in events if event["event"] == "end"}


def append_line(path: str, line: str, *, flush: bool = False) -> None:
    """Append a whole line to a file; waits and tries again where the disk is full or away.

    Raises
    ------
    OSError
        Where the file system has not taken it after two minutes.
    """
    for pause in (*PATIENCE, None):
        try:
            _append(path, line.encode(), flush=flush)
            return
        except OSError:
            if pause is None:
                raise
            time.sleep(pause)


def _append(path: str, line: bytes, *, flush: bool) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        begun = os.fstat(descriptor).st_size
        if begun and os.pread(descriptor, 1, begun - 1) != b"\n":
            line = b"\n" + line  # behind what another writer left unfinished
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, begun)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_events(path: str, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Read the events after an offset; returns them and the offset behind the last whole line.

    A line that is no event (a torn write that a later worker wrote behind) is passed over.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            text = file.read()
    except FileNotFoundError:
        return [], offset
    whole = text[: text.rfind(b"\n") + 1]
    events = []
    for line in whole.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            events.append(event)
    return events, offset + len(whole)
