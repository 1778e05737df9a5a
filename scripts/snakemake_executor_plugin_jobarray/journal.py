"""What a controller writes down, so that another one started after its death goes on where it stood.

One folder, ``.snakemake/jobarray``: ``journal.jsonl`` (submissions, what was collected of them, their end), a folder
for each array, and ``controller.json``, which says who the controller is and whose time of change is its heartbeat.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from levelworks.campaign.processes import birth
from snakemake_executor_plugin_jobarray.arrays import Array
from snakemake_executor_plugin_jobarray.node.report import append_line
from snakemake_executor_plugin_jobarray.requests import Request

HEARTBEAT = 20.0
"""Seconds between two signs of life."""
DEAD_AFTER = 300.0
"""Seconds without a sign of life after which a controller on another host counts as dead."""


class AnotherController(Exception):
    """Another controller works in this folder; the message says which, and what to do."""


class Journal:
    """The journal of one working folder, held by one controller at a time.

    Raises
    ------
    AnotherController
        Where one that lives holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path = self.folder / "journal.jsonl"
        self._holder = self.folder / "controller.json"
        self._identity = {"host": socket.gethostname(), "pid": os.getpid(), "begun": birth(os.getpid())}
        self._taken = threading.Event()
        self._released = threading.Event()
        self._hold()
        threading.Thread(target=self._beat, name="jobarray-heartbeat", daemon=True).start()

    def _hold(self) -> None:
        draft = self.folder / f"controller.{socket.gethostname()}.{os.getpid()}"
        draft.write_text(json.dumps(self._identity), encoding="utf-8")
        try:
            for _ in range(3):
                try:
                    os.link(draft, self._holder)  # fails where the name is taken, on network file systems too
                    return
                except FileExistsError:
                    self._take_from_dead()
            raise AnotherController(f"another controller begins at this moment in {self.folder}; try again")
        finally:
            draft.unlink(missing_ok=True)

    def _take_from_dead(self) -> None:
        try:
            text = self._holder.read_text(encoding="utf-8")
            silent = time.time() - self._holder.stat().st_mtime
        except FileNotFoundError:
            return
        try:
            other = json.loads(text)
        except ValueError:
            other = {}
        if other.get("host") == socket.gethostname():
            alive = birth(other.get("pid", 0)) == other.get("begun") is not None
        else:
            alive = silent < DEAD_AFTER
        if alive:
            raise AnotherController(
                f"process {other.get('pid')} on {other.get('host')} already runs this folder's jobs (last sign of life"
                f" {silent:.0f} s ago); wait for it, stop it, or use another --directory. If it is dead, remove"
                f" {self._holder}"
            )
        grave = self.folder / f"controller.dead.{socket.gethostname()}.{os.getpid()}"
        try:
            self._holder.rename(grave)
        except FileNotFoundError:
            return
        if grave.read_text(encoding="utf-8") != text:
            with suppress(FileExistsError):
                os.link(grave, self._holder)  # somebody else was quicker: it is not the dead one's
        grave.unlink(missing_ok=True)

    def _beat(self) -> None:
        """Give signs of life, however long the controller waits for its scheduler, until the journal is released."""
        while not self._released.wait(HEARTBEAT):
            try:
                mine = json.loads(self._holder.read_text(encoding="utf-8")) == self._identity
                if mine:
                    os.utime(self._holder)
            except (FileNotFoundError, ValueError):
                mine = False
            except OSError:
                continue  # the file system is away; that says nothing about who holds the journal
            if not mine:
                self._taken.set()
                return

    def check_held(self) -> None:
        """Check that the journal is still this controller's.

        Raises
        ------
        AnotherController
            Where another one took over: this one was taken for dead.
        """
        if self._taken.is_set():
            raise AnotherController(f"another controller took over in {self.folder}")

    def release(self) -> None:
        """Let the next controller have the folder."""
        self._released.set()
        try:
            if json.loads(self._holder.read_text(encoding="utf-8")) == self._identity:
                self._holder.unlink()
        except (OSError, ValueError):
            pass

    def append(self, event: str, *, flush: bool = True, **values: Any) -> None:
        """Write an event down, and through to the disk where losing it would matter."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **values}, separators=(",", ":")) + "\n"
        append_line(os.fspath(self._path), line, flush=flush)

    def intend(self, array: Array) -> None:
        """Write down an array before it is submitted: its name finds it even if the answer never arrives."""
        request = asdict(array.request) | {"avoid": sorted(array.request.avoid)}
        folder = self._relative(array)
        self.append("intend", folder=folder, name=array.name, rule=array.rule, minutes=array.minutes, request=request)

    def submitted(self, array: Array) -> None:
        """Write down the scheduler's id of an array."""
        self.append("submitted", folder=self._relative(array), external=array.external)

    def collected(self, places: Iterable[tuple[str, int, int]]) -> None:
        """Write down jobs (folder, element, number) whose success Snakemake has taken over."""
        named = [(os.path.relpath(folder, self.folder), element, number) for folder, element, number in places]
        self.append("collected", flush=False, jobs=named)

    def cancelled(self, array: Array) -> None:
        """Write down that an array was cancelled: what had ended in it counts, what runs is about to end."""
        self.append("cancelled", folder=self._relative(array))

    def closed(self, array: Array) -> None:
        """Write down that nothing more comes of an array; its folder goes unless something failed in it."""
        self.append("closed", flush=False, folder=self._relative(array))
        if array.good:
            shutil.rmtree(array.folder, ignore_errors=True)

    def _relative(self, array: Array) -> str:
        return os.path.relpath(array.folder, self.folder)

    def open_arrays(self) -> list[tuple[Array, set[tuple[int, int]]]]:
        """Return the arrays that earlier controllers left open, and of each the jobs that were collected.

        The journal begins anew where nothing is open.
        """
        arrays: dict[str, Array] = {}
        collected: dict[str, set[tuple[int, int]]] = {}
        recalled: set[str] = set()
        for event in self._events():
            name = event.get("folder", "")
            match event["event"]:
                case "intend":
                    request = event["request"]
                    request |= {"avoid": frozenset(request["avoid"]), "extra": tuple(request["extra"])}
                    known = event["name"], event["rule"], Request(**request), event["minutes"]
                    arrays[name] = Array(self.folder / name, *known)
                case "submitted" if name in arrays:
                    arrays[name].external = event["external"]
                case "cancelled" if name in arrays:
                    recalled.add(name)
                case "closed":
                    arrays.pop(name, None)
                case "collected":
                    for where, element, number in event["jobs"]:
                        collected.setdefault(where, set()).add((element, number))
        if not arrays:
            self._path.unlink(missing_ok=True)
        for name, array in arrays.items():
            array.load(recalled=name in recalled)
        return [(array, collected.get(name, set())) for name, array in arrays.items()]

    def _events(self) -> list[dict[str, Any]]:
        events = []
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return []
        for line in text.splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue  # the line that a dying controller left unfinished
        return events
