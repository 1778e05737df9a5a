"""Ranks: splits that cover everything once, and worlds that a launcher starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.mpi import Serial, blocks, split, together
from levelworks.core.outcome import InvalidInput, LevelworksError

MPIEXEC = Path(sys.executable).parent / "mpiexec"


@given(items=st.integers(0, 5000), parts=st.integers(1, 64))
def test_splits_cover_all_once_and_differ_by_one(items, parts):
    shares = [split(items, parts, part) for part in range(parts)]
    assert [item for share in shares for item in share] == list(range(items))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(items=st.integers(0, 5000), size=st.integers(1, 200))
def test_blocks_cover_all_once(items, size):
    assert [item for block in blocks(items, size) for item in block] == list(range(items))


def test_a_world_of_one_needs_no_launcher():
    world = Serial()
    assert (world.gather(1), world.allgather(2), world.broadcast(3)) == ([1], [2], 3)
    with pytest.raises(LevelworksError), together(world):
        raise InvalidInput("bad")


SCRIPT = """
import sys
from levelworks.core.mpi import together, world
from levelworks.core.outcome import InvalidInput
here = world()
assert here.gather(here.rank * 10) in ([rank * 10 for rank in range(here.size)], None)
assert here.broadcast("first" if here.rank == 0 else None) == "first"
try:
    with together(here):
        if here.rank == here.size - 1:
            raise InvalidInput("the last rank's file is bad")
except InvalidInput as error:
    lines = here.gather(f"{here.rank} {here.size} {error}")
    print("\\n".join(lines)) if lines else None
"""


def run(ranks: int, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(MPIEXEC), "-n", str(ranks), sys.executable, "-c", script]
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_an_error_of_one_rank_is_raised_on_all(ranks):
    done = run(ranks, SCRIPT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{rank} {ranks} the last rank's file is bad" for rank in range(ranks)]


def test_abort_ends_every_rank_with_its_code():
    script = """
import time
from levelworks.core.mpi import world
here = world()
here.abort(64) if here.rank == 1 else time.sleep(60)
"""
    assert run(2, script).returncode == 64


def test_tasks_that_are_worlds_of_their_own_are_an_error():
    script = "from levelworks.core.mpi import world\nworld()"
    environment = {**os.environ, "SLURM_STEP_NUM_TASKS": "2"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "this step has 2 tasks but MPI sees one rank" in done.stderr
