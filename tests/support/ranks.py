"""What one rank does in the tests of ranks: ``ranks.py WHAT FOLDER``; it writes what it found to ``FOLDER/<rank>``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from levelworks.core import mpi
from levelworks.core.outcome import InvalidInput


def exchange(world: mpi.Communicator) -> dict[str, Any]:
    """Make every call once."""
    time.sleep(0.02 * (world.size - world.rank))  # the last rank comes first
    found = {
        "size": world.size,
        "gathered": world.gather({"rank": world.rank}),
        "gathered by all": world.allgather(world.rank * 10),
        "broadcast": world.broadcast(f"from {world.rank}"),
        "share": list(mpi.split(10, world.size, world.rank)),
    }
    if world.rank == 0:
        for rank in range(1, world.size):
            world.send(f"to {rank}", rank)
        found["received"] = [world.receive(rank) for rank in range(1, world.size)]
    else:
        found["received"] = [world.receive(0)]
        world.send(f"by {world.rank}", 0)
    return found


def fail_together(world: mpi.Communicator) -> str:
    """Return what every rank sees of errors that all but rank 0 met."""
    try:
        with mpi.together(world):
            if world.rank > 0:
                raise InvalidInput(f"rank {world.rank} has bad input")
    except InvalidInput as error:
        return str(error)
    return "nothing"


def abort(world: mpi.Communicator) -> None:
    """End all from the last rank while the others wait."""
    if world.rank == world.size - 1:
        world.abort(75)
    time.sleep(60)


if __name__ == "__main__":
    communicator = mpi.world()
    found = {"exchange": exchange, "fail-together": fail_together, "abort": abort}[sys.argv[1]](communicator)
    (Path(sys.argv[2]) / f"{communicator.rank}").write_text(json.dumps(found))
