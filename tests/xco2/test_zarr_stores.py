"""Stores of both versions: read back by zarr-python and xarray, the same bytes each time, damage told by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.zarr_arrays import ArraySpec
from levelworks.xco2.zarr_readers import StoreReader
from levelworks.xco2.zarr_writers import new_store

pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")

NAN = float("nan")
KINDS = [(2, False), (3, False), (3, True)]
"""Version, and whether chunks stand in shards."""


def values() -> np.ndarray:
    """Return an array most of whose chunks are empty, with values on both edges."""
    found = np.full((7, 5, 6), np.nan, np.float32)
    found[0, 0, 0], found[6, 4, 5], found[6, 0, 1:] = 412.5, 413.0, -0.0
    return found


COUNTS = np.array([[3, -1, -1], [-1, -1, -1], [0, 1, 2]], np.int32)
IDS = np.array(["5000-sam", "", "größe", "ß" * 12])
TIMES = np.array([0.0, 0.001, 1.6e9])


def write(path: Path, zarr_format: int, *, sharded: bool = False) -> Path:
    writer = new_store(path, zarr_format, "zstd", 1)
    writer.group("", {"title": "Größe", "number": 3})
    writer.group("Retrieval", {"comment": "inner"})
    inner = (2, 3, 4)
    chunks = (4, 3, 4) if sharded else inner
    dimensions = "time", "latitude", "longitude"
    attributes = {"units": "1e-6", "flag_values": [1, 2]}
    writer.write(
        ArraySpec("xco2", (7, 5, 6), chunks, np.dtype("f4"), NAN, dimensions, attributes, inner if sharded else None),
        values(),
    )
    writer.write(ArraySpec("Retrieval/count", (3, 3), (2, 2), np.dtype("i4"), -1, ("y", "x")), COUNTS)
    writer.write(ArraySpec("capture_id", (4,), (4000,), IDS.dtype, None, ("id",)), IDS)
    writer.write(ArraySpec("stamp", (3,), (4000,), TIMES.dtype, None, ("stamp",), {"axis": "T"}), TIMES)
    writer.write(ArraySpec("none", (0,), (4000,), np.dtype("f8"), None, ("none",)), np.zeros(0))
    writer.write(ArraySpec("nobody", (0,), (4000,), np.dtype("U1"), None, ("none",)), np.zeros(0, "U1"))
    writer.write(ArraySpec("crs", (), (), np.dtype("i4"), None, (), {"grid_mapping_name": "x"}), np.array(0, np.int32))
    writer.write(ArraySpec("answer", (), (), np.dtype("i4"), None, ()), np.array(42, np.int32))
    writer.repeat("stamp", "Retrieval/stamp")
    writer.repeat("crs", "Retrieval/crs")
    writer.finish()
    return path


@pytest.fixture(params=KINDS, ids=["v2", "v3", "v3-sharded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    zarr_format, sharded = request.param
    return write(tmp_path / "a.zarr", zarr_format, sharded=sharded)


def tree(path: Path) -> dict[str, bytes]:
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in path.rglob("*") if one.is_file()}


def chunk_files(path: Path, name: str) -> list[Path]:
    return sorted(one for one in (path / name).rglob("*") if one.is_file() and not one.name.startswith((".z", "zarr")))


def test_our_reader_reads_what_was_written(store: Path) -> None:
    found = StoreReader(store)
    assert found.attributes == {"title": "Größe", "number": 3}
    assert found.groups == {"Retrieval": {"comment": "inner"}}
    for name, expected in {"xco2": values(), "Retrieval/count": COUNTS, "capture_id": IDS, "stamp": TIMES}.items():
        read = found.read(name)
        np.testing.assert_array_equal(read, expected)
        assert read.dtype == expected.dtype
    assert (found.read("crs"), found.read("answer")) == (0, 42)
    assert (found.read("none").shape, found.read("nobody").shape) == ((0,), (0,))
    np.testing.assert_array_equal(found.read("Retrieval/stamp"), TIMES)
    spec = found.arrays["xco2"]
    assert spec.dimensions == ("time", "latitude", "longitude")
    assert spec.attributes == {"units": "1e-6", "flag_values": [1, 2]}
    assert found.arrays["Retrieval/count"].attributes == {}
    assert type(found.arrays["Retrieval/count"].fill) is int
    assert type(spec.fill) is float
    assert np.isnan(spec.fill)


@pytest.mark.parametrize("consolidated", [True, False])
def test_zarr_python_reads_it(store: Path, consolidated: bool) -> None:
    group = zarr.open_group(store, mode="r", use_consolidated=consolidated)
    assert dict(group.attrs) == {"title": "Größe", "number": 3}
    np.testing.assert_array_equal(group["xco2"][...], values())
    np.testing.assert_array_equal(group["Retrieval/count"][...], COUNTS)
    assert list(group["capture_id"][...]) == list(IDS)
    assert (group["crs"][()], group["answer"][()]) == (0, 42)
    assert group["none"].shape == (0,)


@pytest.mark.parametrize("consolidated", [True, False])
def test_xarray_reads_it_with_fills_masked(store: Path, consolidated: bool) -> None:
    with xr.open_zarr(store, consolidated=consolidated, chunks=None) as data:
        np.testing.assert_array_equal(data.xco2, values())
        assert data.xco2.dims == ("time", "latitude", "longitude")
        assert data.xco2.attrs == {"units": "1e-6", "flag_values": [1, 2]}
        assert list(data.capture_id.values) == list(IDS)
        np.testing.assert_array_equal(data.stamp, TIMES)
        assert (int(data.crs), int(data.answer)) == (0, 42)
    with xr.open_zarr(store, group="Retrieval", consolidated=consolidated, chunks=None) as inner:
        np.testing.assert_array_equal(inner["count"], np.where(COUNTS == -1, np.nan, COUNTS))


def test_chunks_without_a_value_are_not_written(store: Path) -> None:
    found = StoreReader(store)
    last = 1 if found.arrays["xco2"].inner_chunks else 3
    present = [(0, 0, 0), (last, 0, 0), (last, 0, 1), (last, 1, 1)]
    assert chunk_files(store, "xco2") == sorted(found.chunk_path("xco2", index) for index in present)
    assert [index for block in range(4) for index in found.chunks_of("xco2", block)] == present
    assert found.read_chunk("xco2", (0, 1, 1)) is None
    assert found.chunks_of("none", 0) == []


def test_a_chunk_on_the_edge_is_whole_and_filled_up(store: Path) -> None:
    found = StoreReader(store)
    spec = found.arrays["xco2"]
    chunk = found.read_chunk("xco2", (spec.blocks[0] - 1, 1, 1))
    assert chunk is not None
    assert chunk.shape == spec.chunks
    assert np.argwhere(~np.isnan(chunk)).tolist() == [[6 % spec.chunks[0], 1, 1]]


@pytest.mark.parametrize(("zarr_format", "sharded"), KINDS)
def test_the_same_contents_give_the_same_bytes(tmp_path: Path, zarr_format: int, sharded: bool) -> None:
    first, second = (tree(write(tmp_path / name, zarr_format, sharded=sharded)) for name in ("a.zarr", "b"))
    assert first == second
    assert len(first) > 15


def test_version_2_is_the_bytes_of_zarr_python(tmp_path: Path) -> None:
    ours = write(tmp_path / "ours.zarr", 2)
    group = zarr.open_group(tmp_path / "theirs.zarr", mode="w", zarr_format=2)
    codec = StoreReader(ours)._codecs["xco2"]
    import numcodecs

    for name, fill in (("xco2", np.nan), ("Retrieval/count", -1)):
        source = zarr.open_group(ours, mode="r")[name]
        array = group.create_array(
            name,
            shape=source.shape,
            chunks=source.chunks,
            dtype=source.dtype,
            fill_value=fill,
            compressors=numcodecs.get_codec(codec),
        )
        array[...] = source[...]
    theirs = tree(tmp_path / "theirs.zarr")
    chunks = {name: content for name, content in theirs.items() if "/." not in name and not name.startswith(".")}
    assert len(chunks) == 7
    assert {name: tree(ours)[name] for name in chunks} == chunks
    documents = [json.loads(tree(one)["xco2/.zarray"]) for one in (ours, tmp_path / "theirs.zarr")]
    for one in documents:
        one.pop("dimension_separator", None)
    assert documents[0] == documents[1]


@pytest.mark.parametrize("damage", ["empty", "short", "cut", "junk", "header"])
def test_a_damaged_chunk_is_told_by_name(store: Path, damage: str) -> None:
    found = StoreReader(store)
    path = found.chunk_path("xco2", (0, 0, 0))
    content = path.read_bytes()
    changed = {
        "empty": b"",
        "short": content[:10],
        "cut": content[:-3],
        "junk": b"x" * len(content),
        "header": content[:4] + b"\xff" * 12 + content[16:],
    }
    path.write_bytes(changed[damage])
    with pytest.raises(InvalidInput, match=r"a\.zarr/xco2.*: damaged"):
        found.read_chunk("xco2", (0, 0, 0))
    if found.zarr_format == 2 or damage not in ("empty", "cut"):  # where zarr-python sees nothing amiss
        with pytest.raises(InvalidInput, match=r"a\.zarr/xco2.*: damaged"):
            StoreReader(store).read("xco2")


@pytest.mark.parametrize("name", ["capture_id", "stamp", "answer"])
def test_a_missing_chunk_of_what_has_no_fill_is_told_by_name(tmp_path: Path, name: str) -> None:
    store = write(tmp_path / "a.zarr", 2)
    (store / name / "0").unlink()
    with pytest.raises(InvalidInput, match=rf"a\.zarr/{name}/0: missing"):
        StoreReader(store).read(name)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"metadata": {}}', '{"metadata": {"a/.zarray": {}}}', "null"]
)
def test_metadata_that_are_none_are_told_by_name(store: Path, content: str) -> None:
    document = store / ("zarr.json" if (store / "zarr.json").exists() else ".zmetadata")
    document.write_text(content)
    with pytest.raises(InvalidInput, match=r"a\.zarr: no Zarr store with consolidated metadata"):
        StoreReader(store)


def test_missing_metadata_are_told_by_name(store: Path, tmp_path: Path) -> None:
    for document in ("zarr.json", ".zmetadata"):
        (store / document).unlink(missing_ok=True)
    (tmp_path / "file").write_text("no folder")
    for path in (store, tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(InvalidInput, match=rf"{path}: no Zarr store with consolidated metadata"):
            StoreReader(path)


def test_version_3_without_consolidated_metadata_is_refused(tmp_path: Path) -> None:
    store = write(tmp_path / "a.zarr", 3)
    document = json.loads((store / "zarr.json").read_text())
    del document["consolidated_metadata"]
    (store / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match="consolidated"):
        StoreReader(store)


def test_attributes_that_json_does_not_have_are_refused(tmp_path: Path) -> None:
    writer = new_store(tmp_path / "a.zarr", 2, "zstd", 1)
    with pytest.raises(ValueError, match="JSON"):
        writer.group("", {"valid_min": NAN})


def test_a_chunk_is_taken_over_as_the_same_file(store: Path, tmp_path: Path) -> None:
    found = StoreReader(store)
    writer = new_store(tmp_path / "b.zarr", found.zarr_format, "zstd", 1)
    writer.group("", {})
    spec = found.arrays["xco2"]
    writer.create(spec)
    for index in found.chunks_of("xco2", 0):
        writer.link_chunk(spec, index, found.chunk_path("xco2", index))
    writer.finish()
    copy = StoreReader(tmp_path / "b.zarr")
    assert copy.chunk_path("xco2", (0, 0, 0)).samefile(found.chunk_path("xco2", (0, 0, 0)))
    np.testing.assert_array_equal(copy.read("xco2")[0], values()[0])
    assert np.isnan(copy.read("xco2")[1:]).all()
