"""The emulated hosts: which job fits where."""

from __future__ import annotations

from typing import Any

from .jobs import Job
from .knobs import Knobs


class Hosts:
    """The hosts of the cluster, all of them on this machine, and what their jobs hold."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.down: set[str] = set()

    def place(self, job: Job, running: list[Job]) -> tuple[dict[str, int], dict[str, float]] | str:
        """Return slots and reserved memory by host, or the reason why the job has to wait."""
        submission = job.submission
        wanted = submission.requirement
        slots, limit = submission.slots[0], self.knobs["slots"]
        used = {host: sum(one.hosts.get(host, 0) for one in running) for host in self.knobs["hosts"]}
        if sum(used.values()) + slots > limit:
            return "Job slot limit reached"
        allowed = (submission.options.get("hosts") or "").split() or list(used)
        candidates = [host for host in used if host in allowed and wanted.accepts(self.values(host, running))]
        if not candidates:
            return "New job is waiting: no host satisfies its resource requirements"
        per_slot = self._per_slot(job)
        room = {}
        for host in candidates:
            free = limit - used[host]
            if host in self.down or not self._shareable(job, host, running):
                free = 0
            if wanted.memory:
                memory = self.values(host, running)["mem"]
                free = min(free, int(memory // wanted.memory)) if per_slot else free * (memory >= wanted.memory)
            room[host] = min(free, slots, wanted.per_host or slots)
        order = sorted(room, key=lambda host: (used[host], host))
        if wanted.one_host:
            order = [host for host in order if room[host] >= slots][:1]
        chosen: dict[str, int] = {}
        for host in order:
            if room[host] and (take := min(room[host], slots - sum(chosen.values()))):
                chosen[host] = take
        if sum(chosen.values()) < slots:
            return "Not enough hosts with free job slots or memory to meet the job's requirements"
        memory = wanted.memory or 0.0
        return chosen, {host: memory * count if per_slot else memory for host, count in chosen.items()}

    def values(self, host: str, running: list[Job]) -> dict[str, Any]:
        """Return the values that a selection may ask for."""
        total = self.knobs["host_memory"]
        return {
            "hname": host,
            "mem": total - sum(one.reserved.get(host, 0.0) for one in running),
            "maxmem": total,
            "ncpus": self.knobs["slots"],
            "slots": self.knobs["slots"] - sum(one.hosts.get(host, 0) for one in running),
        }

    def _per_slot(self, job: Job) -> bool:
        return (job.submission.requirement.memory_per or self.knobs["reserve_per"]) == "slot"

    @staticmethod
    def _shareable(job: Job, host: str, running: list[Job]) -> bool:
        there = [one for one in running if host in one.hosts]
        alone = "exclusive" in job.submission.options.flags
        return not (there and alone) and not any("exclusive" in one.submission.options.flags for one in there)
