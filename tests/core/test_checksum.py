"""Checksums against the libraries' own, and when they are computed anew."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import xxhash

from levelworks.core.checksum import CHUNK, checksum, remember


@pytest.mark.parametrize("size", [0, 1, 4096, CHUNK - 1, CHUNK, CHUNK + 1])
def test_digests_are_those_of_the_libraries(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "file"
    path.write_bytes(content[:size])
    assert checksum(path) == f"sha256:{hashlib.sha256(content[:size]).hexdigest()}"
    assert checksum(path, "xxh3") == f"xxh3:{xxhash.xxh3_128_hexdigest(content[:size])}"


def test_known_value(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert checksum(tmp_path / "abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("algorithm", ["sha256", "xxh3"])
def test_a_folder_counts_names_and_contents(tmp_path: Path, algorithm: str) -> None:
    folders = [tmp_path / name for name in ("one", "same", "renamed", "changed")]
    for folder in folders:
        (folder / "inner").mkdir(parents=True)
        (folder / "zarr.json").write_text("{}")
        (folder / "inner" / ("1" if folder.name == "renamed" else "0")).write_text("chunk")
    (folders[3] / "zarr.json").write_text("[]")
    one, same, renamed, changed = (checksum(folder, algorithm) for folder in folders)
    assert one == same
    assert len({one, renamed, changed}) == 3
    assert one.startswith(f"{algorithm}:")


def test_a_folder_does_not_depend_on_the_order_in_which_it_was_filled(tmp_path: Path) -> None:
    for folder, order in (("up", range(20)), ("down", reversed(range(20)))):
        (tmp_path / folder).mkdir()
        for number in order:
            (tmp_path / folder / f"{number}").write_text(f"{number}")
    assert checksum(tmp_path / "up") == checksum(tmp_path / "down")


def test_a_change_of_size_or_time_makes_it_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"aaaa")
    os.utime(path, ns=(1, 10**18))
    first = checksum(path)
    path.write_bytes(b"bbbb")
    os.utime(path, ns=(1, 10**18 + 1))
    second = checksum(path)
    path.write_bytes(b"bbbbb")
    os.utime(path, ns=(1, 10**18 + 1))
    third = checksum(path)
    contents = (b"aaaa", b"bbbb", b"bbbbb")
    assert [first, second, third] == [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in contents]


def test_what_is_remembered_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"written")
    remember(path, memoryview(b"in memory"))
    assert checksum(path, "xxh3") == f"xxh3:{xxhash.xxh3_128_hexdigest(b'in memory')}"
    assert checksum(path) == f"sha256:{hashlib.sha256(b'written').hexdigest()}"


def test_relative_and_absolute_names_are_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text(folder)
        os.utime(tmp_path / folder / "file", ns=(1, 10**18))
    found = []
    for folder in ("a", "b"):
        monkeypatch.chdir(tmp_path / folder)
        found.append(checksum(Path("file")))
    assert found == [checksum(tmp_path / folder / "file") for folder in ("a", "b")]
    assert found[0] != found[1]
