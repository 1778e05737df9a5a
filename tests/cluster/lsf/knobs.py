"""The knobs of the emulator: one JSON file each in the folder ``knobs``, read whenever they are used."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

DEFAULTS: dict[str, Any] = {
    "slots": 4,  # job slots in use at the same time, over both hosts together
    "hosts": ["hosta", "hostb"],
    "host_memory": 16384.0,  # MB of each host, for reservations
    "queues": ["normal", "short", "long"],
    "default_queue": "normal",
    "dispatch_delay": 0.0,  # seconds that a job pends at least
    "run_limit_factor": 1.0,  # real seconds for each second of -W
    "memory_poll": 0.2,  # seconds between two looks at the memory of the jobs
    "memory_limit_per": "job",  # what -M limits: "job" or "process"
    "reserve_per": "slot",  # what rusage[mem=…] is for: "slot" or "job"
    "unit_for_limits": "MB",  # unit of a bare -M or rusage[mem=…]
    "terminate_interval": 0.5,  # seconds between SIGINT, SIGTERM and SIGKILL of a killed job
    "max_job_array_size": 1000,
    "clean_period": 3600.0,  # seconds that bjobs remembers a finished job
    "outage": {},  # command: calls that still fail (-1 for all)
    "refuse": None,  # {"times": n, "message": text}: what bsub answers
    "slow": {},  # command: seconds before it prints its answer
}


class Knobs:
    """The current settings, kept in files so that a test may turn them while jobs run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, tuple[tuple[int, int, int], Any]] = {}

    def __getitem__(self, name: str) -> Any:
        default = DEFAULTS[name]
        path = self.folder / name
        try:
            status = os.stat(path)
            mark = (status.st_mtime_ns, status.st_ino, status.st_size)
            known = self._read.get(name)
            if known is None or known[0] != mark:
                self._read[name] = (mark, json.loads(path.read_text()))
        except FileNotFoundError:
            return default
        except ValueError:  # half written: the value before it still holds
            return self._read[name][1] if name in self._read else default
        return self._read[name][1]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in DEFAULTS:
            raise KeyError(f"no such knob: {name}; there are {', '.join(DEFAULTS)}")
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{name}"
        draft.write_text(json.dumps(value))
        draft.replace(self.folder / name)

    def take(self, name: str, command: str) -> bool:
        """Use up one call of a counted knob; return whether there was one left."""
        left = self[name].get(command, 0)
        if left > 0:
            self[name] = {**self[name], command: left - 1}
        return left != 0

    def refusal(self) -> str | None:
        """Use up one refusal of bsub and return its message, if there is one left."""
        refuse = self["refuse"]
        if not refuse or not refuse["times"]:
            return None
        if refuse["times"] > 0:
            self["refuse"] = {**refuse, "times": refuse["times"] - 1}
        return str(refuse["message"])
