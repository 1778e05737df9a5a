"""Checksums of stores: digests by hand, keys in order, documents left out, and what changes them."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.store_checksum import list_objects, store_checksum


def md5(content: bytes) -> bytes:
    return hashlib.md5(content).digest()


def store(folder, content: dict[str, bytes]):
    for key, text in content.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(text)
    return folder


def test_one_object_is_its_own_digest(tmp_path):
    assert store_checksum(store(tmp_path, {"a": b""})) == "d41d8cd98f00b204e9800998ecf8427e"


def test_pairs_join_and_an_odd_one_is_carried(tmp_path):
    a, b, c, d, e = (md5(one) for one in (b"1", b"2", b"3", b"4", b"5"))
    store(tmp_path, {"v/0.0": b"2", "v/0.1": b"3", ".zgroup": b"1"})
    assert store_checksum(tmp_path) == md5(md5(a + b) + c).hex()
    store(tmp_path, {"v/1.0": b"4"})
    assert store_checksum(tmp_path) == md5(md5(a + b) + md5(c + d)).hex()
    store(tmp_path, {"v/1.1": b"5"})
    assert store_checksum(tmp_path) == md5(md5(md5(a + b) + md5(c + d)) + e).hex()


def test_keys_are_sorted_as_text(tmp_path):
    keys = [".zgroup", "a/.zarray", "a/10.0", "a/2.0", "a-b/0", "Z/0"]
    store(tmp_path, dict.fromkeys(keys, b""))
    assert list_objects(tmp_path) == [".zgroup", "Z/0", "a-b/0", "a/.zarray", "a/10.0", "a/2.0"]


def test_documents_are_left_out_of_chunks(tmp_path):
    documents = [".zgroup", ".zmetadata", ".zattrs", "zarr.json", "v/.zarray", "v/.zattrs", "v/zarr.json"]
    store(tmp_path, dict.fromkeys(documents, b"x") | {"v/c/0/0": b"1", "v/0.0": b"2"})
    assert list_objects(tmp_path, chunks_only=True) == ["v/0.0", "v/c/0/0"]
    before, whole = store_checksum(tmp_path, chunks_only=True), store_checksum(tmp_path)
    assert before == md5(md5(b"2") + md5(b"1")).hex()
    store(tmp_path, {".zattrs": b"another date"})
    assert store_checksum(tmp_path, chunks_only=True) == before
    assert store_checksum(tmp_path) != whole


@given(
    st.dictionaries(
        st.text("abc019._-", min_size=1, max_size=5).map(lambda one: f"k{one}"), st.binary(max_size=4), min_size=1
    )
)
def test_any_tree_matches_the_recursion_from_above(tmp_path_factory, content):
    """The tree from below equals that which splits at the greatest power of two."""
    folder = store(tmp_path_factory.mktemp("store"), content)
    leaves = [md5(content[key]) for key in sorted(content)]

    def root(digests):
        if len(digests) == 1:
            return digests[0]
        half = 1 << (len(digests) - 1).bit_length() - 1
        return md5(root(digests[:half]) + root(digests[half:]))

    assert store_checksum(folder) == root(leaves).hex()


def test_a_real_store_changes_with_its_numbers_only_in_chunks(tmp_path):
    zarr = pytest.importorskip("zarr")

    def written(name, values, date):
        group = zarr.open_group(tmp_path / name, mode="w", zarr_format=2, attributes={"date_updated": date})
        group.create_array("xco2", shape=values.shape, chunks=(2, 2), dtype=values.dtype, fill_value=-1)[...] = values
        return tmp_path / name

    values = np.arange(12.0).reshape(4, 3)
    first, later = written("first", values, "2020"), written("later", values, "2021")
    assert store_checksum(first) != store_checksum(later)
    assert store_checksum(first, chunks_only=True) == store_checksum(later, chunks_only=True)
    other = written("other", values + 1, "2020")
    assert store_checksum(first, chunks_only=True) != store_checksum(other, chunks_only=True)


def test_what_is_no_store_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"absent\.zarr is no folder"):
        store_checksum(tmp_path / "absent.zarr")
    with pytest.raises(InvalidInput, match="holds no objects"):
        store_checksum(tmp_path)
    store(tmp_path, {".zgroup": b"{}"})
    with pytest.raises(InvalidInput, match="holds no chunks"):
        store_checksum(tmp_path, chunks_only=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_can_not_be_read_is_named(tmp_path):
    store(tmp_path, {"a/0": b"1", "b/0": b"2"})
    (tmp_path / "b").chmod(0)
    try:
        with pytest.raises(InvalidInput, match="can't be read"):
            store_checksum(tmp_path)
    finally:
        (tmp_path / "b").chmod(0o755)
