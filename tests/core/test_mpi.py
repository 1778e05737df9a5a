"""Ranks: splits of work by their properties, and real ranks under a real launcher."""

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
from levelworks.core.outcome import InvalidInput, LevelworksError

PROGRAM = Path(__file__).resolve().parents[1] / "support" / "ranks.py"
MPIEXEC = Path(sys.executable).with_name("mpiexec")


def start(what: str, folder: Path, ranks: int, **environment: str) -> subprocess.CompletedProcess[str]:
    launcher = [str(MPIEXEC), "-n", str(ranks)] if ranks else []
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
    """Run a program on ranks and return what each of them found; without a launcher for 0 ranks."""
    done = start(what, folder, ranks)
    assert done.returncode == 0, done.stderr
    assert len(list(folder.iterdir())) == max(ranks, 1)
    return [json.loads((folder / f"{rank}").read_text()) for rank in range(max(ranks, 1))]


@given(st.integers(0, 5000), st.integers(1, 300))
def test_shares_cover_all_items_once_in_order_and_evenly(items: int, parts: int) -> None:
    shares = [mpi.split(items, parts, part) for part in range(parts)]
    assert [item for share in shares for item in share] == list(range(items))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(0, 5000), st.integers(1, 300))
def test_blocks_cover_all_items_once_in_order_and_only_the_last_is_shorter(items: int, size: int) -> None:
    found = mpi.blocks(items, size)
    assert [item for block in found for item in block] == list(range(items))
    assert all(len(block) == size for block in found[:-1])
    assert all(0 < len(block) <= size for block in found[-1:])


@given(st.integers(1, 2000), st.integers(1, 100), st.integers(0, 2000))
def test_more_items_do_not_move_whole_blocks(items: int, size: int, more: int) -> None:
    whole = [block for block in mpi.blocks(items, size) if len(block) == size]
    assert mpi.blocks(items + more, size)[: len(whole)] == whole


def test_a_world_of_one_needs_no_mpi() -> None:
    world = mpi.Serial()
    assert (world.rank, world.size) == (0, 1)
    assert (world.gather("a"), world.allgather("b"), world.broadcast("c")) == (["a"], ["b"], "c")
    for call in (lambda: world.send("a", 1), lambda: world.receive(1)):
        with pytest.raises(LevelworksError, match="no rank 1"):
            call()
    with pytest.raises(SystemExit) as caught:
        world.abort(75)
    assert caught.value.code == 75


def test_together_passes_errors_of_a_world_of_one() -> None:
    with mpi.together(mpi.Serial()):
        done = True
    assert done
    with pytest.raises(InvalidInput, match="bad"), mpi.together(mpi.Serial()):
        raise InvalidInput("bad")
    with pytest.raises(ZeroDivisionError), mpi.together(mpi.Serial()):
        raise ZeroDivisionError


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


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_an_error_of_any_rank_is_raised_on_all(tmp_path: Path, ranks: int) -> None:
    expected = "rank 1 has bad input" if ranks > 1 else "nothing"
    assert on_ranks("fail-together", tmp_path, ranks) == [expected] * ranks


@pytest.mark.parametrize("ranks", [0, 1, 3])
def test_abort_ends_all_ranks_with_the_code(tmp_path: Path, ranks: int) -> None:
    done = start("abort", tmp_path, ranks)
    assert done.returncode == 75, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ranks", [0, 1])
def test_tasks_that_do_not_see_each_other_are_an_error(tmp_path: Path, ranks: int) -> None:
    done = start("exchange", tmp_path, ranks, SLURM_STEP_NUM_TASKS="2")
    assert done.returncode != 0
    assert "this step has 2 tasks but MPI sees one rank" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_tasks_that_see_each_other_are_none(tmp_path: Path) -> None:
    done = start("exchange", tmp_path, 2, SLURM_STEP_NUM_TASKS="2")
    assert done.returncode == 0, done.stderr
