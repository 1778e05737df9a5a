"""What a job asks of the scheduler, from its Snakemake resources, and how a retry asks for more."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

STEP = 1.125
"""Between two amounts of memory where they are rounded."""


class InvalidRequest(Exception):
    """Resources that no scheduler understands; the message names the rule, the resource and what is allowed."""


@dataclass(frozen=True)
class Caps:
    """The largest memory (MB) and run time (minutes) that may be asked for; None where there is no cap."""

    mem_mb: int | None = None
    runtime: int | None = None


@dataclass(frozen=True)
class Growth:
    """By how much a job's memory and run time have grown through retries, and nodes that it must avoid."""

    memory: float = 1.0
    runtime: float = 1.0
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Request:
    """What one array element asks for: memory in MB, run time in minutes, cores a task, and names of the site.

    Elements of one array share it; jobs with equal requests may share an element. `bundle` is the number of jobs that
    do, where the rule says so, and `expected` the seconds that one takes, as the rule guesses.
    """

    mem_mb: int | None = None
    mem_mb_per_cpu: int | None = None
    runtime: int | None = None
    cpus: int = 1
    tasks: int = 1
    tasks_per_node: int | None = None
    nodes: int | None = None
    mpi: bool = False
    partition: str | None = None
    account: str | None = None
    constraint: str | None = None
    qos: str | None = None
    reservation: str | None = None
    gres: str | None = None
    gpus: int | None = None
    gpu_model: str | None = None
    extra: tuple[str, ...] = ()
    avoid: frozenset[str] = frozenset()
    bundle: int | None = None
    expected: int | None = None

    @property
    def cores(self) -> int:
        """Return all cores of the request."""
        return self.cpus * self.tasks

    def grown(self, growth: Growth, caps: Caps) -> Request:
        """Return the request of a retry: only what ran out has grown, and never beyond the caps."""
        return replace(
            self,
            mem_mb=_grow(self.mem_mb, growth.memory, caps.mem_mb),
            mem_mb_per_cpu=_grow(self.mem_mb_per_cpu, growth.memory, caps.mem_mb and caps.mem_mb // self.cores),
            runtime=_grow(self.runtime, growth.runtime, caps.runtime),
            avoid=growth.avoid,
        )

    @property
    def memory(self) -> int | None:
        """Return the memory of all cores in MB."""
        return self.mem_mb or (self.mem_mb_per_cpu and self.mem_mb_per_cpu * self.cores)

    def rounded(self, caps: Caps) -> Request:
        """Return the request with memory rounded up by at most an eighth and time to five minutes, within the caps."""
        memory, minutes = self.mem_mb, self.runtime
        if memory is not None:
            step = math.ceil(math.log(memory) / math.log(STEP) - 1e-9)
            memory = max(memory, _within(math.ceil(STEP**step), caps.mem_mb))
        if minutes is not None:
            minutes = max(minutes, _within(-(-minutes // 5) * 5, caps.runtime))
        return replace(self, mem_mb=memory, runtime=minutes)

    def describe(self) -> str:
        """Return memory, time and cores for a person."""
        memory = (
            f"{self.mem_mb} MB" if self.mem_mb else f"{self.mem_mb_per_cpu} MB a core" if self.mem_mb_per_cpu else ""
        )
        time = f"{self.runtime} min" if self.runtime else ""
        return ", ".join(filter(None, (memory, time, f"{self.cores} core{'s' * (self.cores > 1)}")))


def _grow(value: int | None, factor: float, cap: int | None) -> int | None:
    if value is None:
        return None
    grown = math.ceil(value * factor)
    return max(value, _within(grown, cap))


def _within(value: int, cap: int | None) -> int:
    return value if cap is None else min(value, cap)


def request_of(
    rule: str,
    resources: Mapping[str, Any],
    threads: int,
    *,
    partition: str | None = None,
    account: str | None = None,
    extra: str | None = None,
) -> Request:
    """Read a job's resources.

    Parameters
    ----------
    resources : mapping
        Snakemake's resources. Names of SLURM's and LSF's own plug-ins count as well (``slurm_partition``,
        ``lsf_queue``, ``slurm_account``, ``lsf_project``, ``slurm_extra``, ``lsf_extra``).
    partition, account, extra : str, optional
        The profile's, where the job names none; its ``extra`` comes before the job's.

    Raises
    ------
    InvalidRequest
        Where a number is none, or an MPI job does not say how many tasks it needs.
    """

    def number(name: str) -> int | None:
        value = resources.get(name)
        if value in (None, ""):
            return None
        try:
            found = int(value)
        except (TypeError, ValueError, OverflowError):
            raise InvalidRequest(f"rule {rule}: resource {name} must be a number, it is {value!r}") from None
        if found < 0:
            raise InvalidRequest(f"rule {rule}: resource {name} must not be negative, it is {found}")
        return found or None

    def word(*names: str) -> str | None:
        return next((str(resources[name]) for name in names if resources.get(name) not in (None, "")), None)

    mpi = bool(resources.get("mpi"))
    tasks, per_node = number("tasks"), number("tasks_per_node") or number("ptile")
    if mpi and tasks is None and per_node is None:
        raise InvalidRequest(f"rule {rule}: a job with the resource mpi needs tasks or tasks_per_node too")
    if mpi and tasks is None and per_node is not None:
        tasks = per_node * (number("nodes") or 1)
    per_task = number("cpus_per_task") or (max(1, threads // (tasks or 1)) if mpi else threads)
    own = [one for one in (extra, word("extra"), word("slurm_extra"), word("lsf_extra")) if one]
    return Request(
        mem_mb=None if number("mem_mb_per_cpu") else number("mem_mb"),
        mem_mb_per_cpu=number("mem_mb_per_cpu"),
        runtime=number("runtime"),
        cpus=per_task,
        tasks=tasks or 1,
        tasks_per_node=per_node,
        nodes=number("nodes"),
        mpi=mpi,
        partition=word("partition", "queue", "slurm_partition", "lsf_queue") or partition,
        account=word("account", "project", "slurm_account", "lsf_project") or account,
        constraint=word("constraint"),
        qos=word("qos", "slurm_qos"),
        reservation=word("reservation", "slurm_reservation"),
        gres=word("gres"),
        gpus=number("gpu") or number("gpus"),
        gpu_model=word("gpu_model"),
        extra=_words(rule, own),
        bundle=1 if mpi else number("jobarray_bundle"),
        expected=number("expected_seconds"),
    )


def _words(rule: str, texts: list[str]) -> tuple[str, ...]:
    try:
        return tuple(word for text in texts for word in shlex.split(text))
    except ValueError as error:
        raise InvalidRequest(f"rule {rule}: extra arguments {texts} can't be read: {error}") from None
