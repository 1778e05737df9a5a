"""Ranks: the communicator of this job, serial where there is no launcher, and deterministic splits of work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

from levelworks.core.outcome import LevelworksError

LAUNCHER_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS")


class Communicator(Protocol):
    """The few calls that stages use; objects are pickled."""

    rank: int
    size: int

    def gather(self, value: Any) -> list[Any] | None:
        """Collect one value of every rank on rank 0, in the order of ranks; None elsewhere."""

    def allgather(self, value: Any) -> list[Any]:
        """Collect one value of every rank on every rank."""

    def broadcast(self, value: Any) -> Any:
        """Hand rank 0's value to every rank."""

    def send(self, value: Any, rank: int) -> None:
        """Send a value to a rank."""

    def receive(self, rank: int) -> Any:
        """Receive a value from a rank."""

    def abort(self, code: int) -> None:
        """End every rank with an exit code."""


class Serial:
    """A world of one rank that needs no MPI."""

    rank = 0
    size = 1

    def gather(self, value: Any) -> list[Any]:
        return [value]

    def allgather(self, value: Any) -> list[Any]:
        return [value]

    def broadcast(self, value: Any) -> Any:
        return value

    def send(self, value: Any, rank: int) -> None:
        raise LevelworksError(f"a world of one rank has no rank {rank} to send to")

    def receive(self, rank: int) -> Any:
        raise LevelworksError(f"a world of one rank has no rank {rank} to receive from")

    def abort(self, code: int) -> None:
        raise SystemExit(code)


class World:
    """The ranks that a launcher started, through mpi4py."""

    def __init__(self) -> None:
        from mpi4py import MPI

        self._world = MPI.COMM_WORLD
        self.rank = self._world.Get_rank()
        self.size = self._world.Get_size()

    def gather(self, value: Any) -> list[Any] | None:
        return self._world.gather(value)

    def allgather(self, value: Any) -> list[Any]:
        return self._world.allgather(value)

    def broadcast(self, value: Any) -> Any:
        return self._world.bcast(value)

    def send(self, value: Any, rank: int) -> None:
        self._world.send(value, dest=rank)

    def receive(self, rank: int) -> Any:
        return self._world.recv(source=rank)

    def abort(self, code: int) -> None:
        self._world.Abort(code)


@cache
def world() -> Communicator:
    """Return the communicator of this process: MPI's where a launcher started it, else a serial one.

    Raises
    ------
    LevelworksError
        Where the scheduler gave several tasks to this step but each is a world of its own (a launcher that
        speaks another process-management interface than the MPI library): every rank would do all the work.
    """
    if not any(name in os.environ for name in LAUNCHER_VARIABLES):
        communicator: Communicator = Serial()
    else:
        communicator = World()
    expected = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    if communicator.size == 1 and expected > 1:
        raise LevelworksError(
            f"this step has {expected} tasks but MPI sees one rank; start it with 'mpiexec' or 'srun --mpi=pmi2'"
        )
    return communicator


def split(items: int, parts: int, part: int) -> range:
    """Return the contiguous share of ``range(items)`` of one of ``parts``; sizes differ by one at the most."""
    return range(items * part // parts, items * (part + 1) // parts)


def blocks(items: int, size: int) -> list[range]:
    """Cut ``range(items)`` into consecutive blocks of ``size``; their bounds depend on nothing else."""
    return [range(start, min(start + size, items)) for start in range(0, items, size)]


@contextmanager
def together(communicator: Communicator) -> Iterator[None]:
    """Run a part without communication on every rank; an error of any rank is raised on all of them."""
    error: LevelworksError | None = None
    try:
        yield
    except LevelworksError as caught:
        error = caught
    for other in communicator.allgather(error):
        if other is not None:
            raise other
