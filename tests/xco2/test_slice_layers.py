"""Arrays of slices: whatever was kept, inserted and replaced, the store is the one written in one go."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.xco2.slice_layers import Fresh, Kept, write_slices
from levelworks.xco2.zarr_arrays import ArraySpec
from levelworks.xco2.zarr_readers import StoreReader
from levelworks.xco2.zarr_writers import new_store

NAN = float("nan")
GRID = (5, 7)
LAYERS = {"xco2": (np.dtype("f4"), NAN), "Retrieval/count": (np.dtype("i2"), -1)}


@dataclass(frozen=True)
class Packing:
    """How a store is packed."""

    zarr_format: int = 2
    time: int = 1
    rows: int = 5
    columns: int = 7
    shard: int = 0

    def spec(self, name: str, slices: int) -> ArraySpec:
        dtype, fill = LAYERS[name]
        inner = self.time, self.rows, self.columns
        chunks = (self.time * self.shard, *inner[1:]) if self.shard else inner
        dimensions = "time", "latitude", "longitude"
        return ArraySpec(name, (slices, *GRID), chunks, dtype, fill, dimensions, {}, inner if self.shard else None)


def dense(name: str, identity: int) -> np.ndarray | None:
    """Return a slice as a picture, None where this slice doesn't have the variable; some are empty."""
    dtype, fill = LAYERS[name]
    if identity % 5 == 4 and name != "xco2":
        return None
    rng = np.random.default_rng([identity, len(name)])
    values = np.full(GRID, fill, dtype)
    if identity % 7 != 6:
        touched = rng.random(GRID) < rng.choice([0.05, 0.3, 0.9])
        values[touched] = rng.integers(0, 400, int(touched.sum())).astype(dtype)
    return values


def fresh(name: str, identity: int) -> Fresh:
    values = dense(name, identity)
    assert values is not None
    flat = values.reshape(-1)
    cells = np.flatnonzero(~np.isnan(flat) if values.dtype.kind == "f" else flat != -1)
    return Fresh(cells, flat[cells])


def write(
    path: Path, packing: Packing, identities: Sequence[int], before: Path | None = None, held: Sequence[int] = ()
) -> Path:
    """Write a store of slices; those that the older one holds are kept from it."""
    old = StoreReader(before) if before is not None else None
    same = old is not None and old.attributes["packing"] == repr(packing)
    writer = new_store(path, packing.zarr_format, "zstd", 1)
    writer.group("", {"packing": repr(packing)})
    writer.group("Retrieval", {})
    for name in LAYERS:
        parts = []
        for one in identities:
            if one in held:
                parts.append(Kept(list(held).index(one)))
            elif dense(name, one) is None:
                parts.append(None)
            else:
                parts.append(lambda name=name, one=one: fresh(name, one))
        write_slices(writer, old, packing.spec(name, len(identities)), parts, link=same)
    writer.finish()
    return path


def expected(name: str, identities: Sequence[int]) -> np.ndarray:
    dtype, fill = LAYERS[name]
    pictures = [dense(name, one) for one in identities]
    empty = np.full(GRID, fill, dtype)
    return np.array([empty if one is None else one for one in pictures], dtype).reshape(-1, *GRID)


def tree(path: Path) -> dict[str, bytes]:
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in path.rglob("*") if one.is_file()}


PACKINGS = st.builds(Packing, st.just(2), st.integers(1, 5), st.sampled_from([2, 3, 5]), st.sampled_from([2, 4, 7]))
CONTENTS = st.lists(st.integers(0, 30), unique=True, max_size=9)
"""Slices by number, in any order: some stay, some go, some come, some change places."""


def check_history(packings: Sequence[Packing], contents: Sequence[Sequence[int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, before, held = Path(name), None, ()
        for step, (packing, identities) in enumerate(zip(packings, contents, strict=True)):
            bytes_before = tree(before) if before is not None else {}
            path = write(folder / f"{step}.zarr", packing, identities, before, held)
            for layer in LAYERS:
                np.testing.assert_array_equal(StoreReader(path).read(layer), expected(layer, identities))
            assert tree(path) == tree(write(folder / f"{step}-at-once.zarr", packing, identities))
            if before is not None:
                assert tree(before) == bytes_before
            before, held = path, identities


@settings(deadline=None, max_examples=40)
@given(PACKINGS, st.lists(CONTENTS, min_size=2, max_size=4))
def test_any_history_gives_the_store_written_in_one_go(packing, contents):
    check_history([packing] * len(contents), contents)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(PACKINGS, CONTENTS), min_size=2, max_size=4))
def test_chunks_may_change_on_the_way(history):
    check_history(*zip(*history, strict=True))


GROWING = [[3, 8], [3, 5, 8, 9], [3, 5, 8, 9, 10, 11, 12], [5, 6, 8, 9, 10, 11, 12]]


@pytest.mark.parametrize("packing", [Packing(3, 1, 3, 4), Packing(3, 2, 5, 7), Packing(3, 1, 3, 4, 4)])
def test_version_3_and_shards_keep_to_it_too(packing):
    check_history([packing] * 4, GROWING)


def test_the_version_may_change_on_the_way():
    packings = [Packing(3, 2, 3, 4), Packing(2, 3, 2, 2), Packing(3, 1, 3, 4, 3), Packing(2, 1)]
    check_history(packings, GROWING)


def linked(before: Path, after: Path, layer: str = "xco2") -> list[tuple[int, int]]:
    """Return which blocks of the new store are the same files as which of the older one."""
    old, new = StoreReader(before), StoreReader(after)
    found = []
    for block in range(new.arrays[layer].blocks[0]):
        for there in range(old.arrays[layer].blocks[0]):
            ours, theirs = new.chunks_of(layer, block), old.chunks_of(layer, there)
            paths = [(new.chunk_path(layer, index), old.chunk_path(layer, (there, *index[1:]))) for index in ours]
            if len(ours) == len(theirs) and ours and all(b.exists() and a.samefile(b) for a, b in paths):
                found.append((block, there))
    return found


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    ("time", "before", "after", "same"),
    [
        (1, [1, 2, 3], [1, 2, 3], [(0, 0), (1, 1), (2, 2)]),
        (1, [1, 2, 3], [0, 1, 3, 5], [(1, 0), (2, 2)]),
        (1, [1, 2, 3], [3, 1], [(0, 2), (1, 0)]),
        (2, [1, 2, 3, 5], [1, 2, 3, 5, 7], [(0, 0), (1, 1)]),
        (2, [1, 2, 3, 5], [1, 2, 3, 7], [(0, 0)]),
        (2, [1, 2, 3, 5], [3, 5, 1, 2], [(0, 1), (1, 0)]),
        (2, [1, 2, 3, 5], [2, 3, 5], []),
        (2, [1, 2, 3], [1, 2, 3], [(0, 0), (1, 1)]),
        (2, [1, 2, 3], [3, 1, 2], []),
        (2, [1, 2, 3], [1, 2, 3, 5], [(0, 0)]),
        (2, [1, 2, 3, 5], [1, 2, 3], [(0, 0)]),
    ],
)
def test_blocks_with_the_same_slices_are_the_same_files(tmp_path, zarr_format, time, before, after, same):
    packing = Packing(zarr_format, time, 3, 4)
    old = write(tmp_path / "old.zarr", packing, before)
    content = tree(old)
    new = write(tmp_path / "new.zarr", packing, after, old, before)
    assert linked(old, new) == same
    assert tree(new) == tree(write(tmp_path / "at-once.zarr", packing, after))
    assert tree(old) == content


def test_nothing_is_linked_where_stores_are_packed_otherwise(tmp_path):
    old = write(tmp_path / "old.zarr", Packing(2, 1), [1, 2])
    for number, packing in enumerate([Packing(2, 2), Packing(2, 1, 3), Packing(3, 1)]):
        assert linked(old, write(tmp_path / f"{number}.zarr", packing, [1, 2], old, [1, 2])) == []


def test_a_store_without_slices_is_one(tmp_path):
    for zarr_format in (2, 3):
        path = write(tmp_path / f"{zarr_format}.zarr", Packing(zarr_format), [])
        assert StoreReader(path).read("xco2").shape == (0, *GRID)
        grown = write(tmp_path / f"{zarr_format}-grown.zarr", Packing(zarr_format), [1], path, [])
        np.testing.assert_array_equal(StoreReader(grown).read("xco2"), expected("xco2", [1]))
