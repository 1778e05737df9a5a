"""Calls between real ranks under a real launcher, and what holds without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core import mpi
from levelworks.core.outcome import LevelworksError

PROGRAM = Path(__file__).resolve().parents[1] / "support" / "ranks.py"


def start(what: str, folder: Path, ranks: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program on ranks; without a launcher for 0 ranks."""
    launcher = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)] if ranks else []
    return subprocess.run(
        [*launcher, sys.executable, str(PROGRAM), what, str(folder)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def on_ranks(what: str, folder: Path, ranks: int) -> list[Any]:
    """Return what each of the ranks found."""
    done = start(what, folder, ranks)
    assert done.returncode == 0, done.stderr
    assert len(list(folder.iterdir())) == max(ranks, 1)
    return [json.loads((folder / f"{rank}").read_text()) for rank in range(max(ranks, 1))]


@pytest.mark.parametrize("ranks", [0, 1, 2, 3])
def test_values_come_in_the_order_of_ranks(tmp_path: Path, ranks: int) -> None:
    found = on_ranks("exchange", tmp_path, ranks)
    size = max(ranks, 1)
    assert [one["size"] for one in found] == [size] * size
    assert found[0]["gathered"] == [{"rank": rank} for rank in range(size)]
    assert all(one["gathered"] is None for one in found[1:])
    assert all(one["gathered by all"] == [10 * rank for rank in range(size)] for one in found)
    assert all(one["broadcast"] == "from 0" for one in found)
    assert [item for one in found for item in one["share"]] == list(range(10))
    assert [one["received"] for one in found] == [
        [f"by {rank}" for rank in range(1, size)],
        *([f"to {rank}"] for rank in range(1, size)),
    ]


def test_of_several_errors_every_rank_raises_the_first(tmp_path: Path) -> None:
    assert on_ranks("fail-together", tmp_path, 3) == ["rank 1 has bad input"] * 3


@pytest.mark.parametrize("ranks", [0, 1, 3])
def test_abort_ends_all_ranks_with_the_code(tmp_path: Path, ranks: int) -> None:
    done = start("abort", tmp_path, ranks)
    assert done.returncode == 75, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_launcher_that_starts_fewer_ranks_than_tasks_is_an_error(tmp_path: Path) -> None:
    done = start("exchange", tmp_path, 1, SLURM_STEP_NUM_TASKS="2")
    assert done.returncode != 0
    assert "this step has 2 tasks but MPI sees one rank" in done.stderr
    assert start("exchange", tmp_path, 2, SLURM_STEP_NUM_TASKS="2").returncode == 0


def test_a_world_of_one_sends_to_nobody_and_aborts_itself() -> None:
    world = mpi.Serial()
    for call in (lambda: world.send("a", 1), lambda: world.receive(1)):
        with pytest.raises(LevelworksError, match="no rank 1"):
            call()
    with pytest.raises(SystemExit) as caught:
        world.abort(75)
    assert caught.value.code == 75


@given(st.integers(1, 2000), st.integers(1, 100), st.integers(0, 2000))
def test_more_items_do_not_move_whole_blocks(items: int, size: int, more: int) -> None:
    found = mpi.blocks(items, size)
    whole = [block for block in found if len(block) == size]
    assert len(found) - len(whole) <= 1
    assert mpi.blocks(items + more, size)[: len(whole)] == whole
