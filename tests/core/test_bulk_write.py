"""Large buffers reach the disk whole, whatever their size and the file system."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from levelworks.core import checksum as checksums
from levelworks.core.bulk_write import ALIGNMENT, scratch, write_bulk
from levelworks.core.checksum import checksum

SIZES = [0, 1, 4095, 4096, 4097, 2880 * 7, 3 * 4096, 1_000_003]


def filled(size: int) -> memoryview:
    content = scratch(max(size, 1))[:size]
    content[:] = random.Random(size).randbytes(size)
    return content


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """Return a folder in a file system that lies in memory."""
    shm = Path("/dev/shm")
    if not os.access(shm, os.W_OK):
        pytest.skip("there is no file system in memory here")
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        yield Path(folder)


def read_anew(path: Path) -> str:
    """Return the checksum by reading: of another name for the same file, which nothing is remembered of."""
    other = path.with_name(f"{path.name}.other")
    other.hardlink_to(path)
    try:
        return checksum(other, "xxh3")
    finally:
        other.unlink()


@pytest.mark.parametrize("size", SIZES)
def test_content_and_remembered_checksum_are_the_file_s(tmp_path: Path, size: int) -> None:
    path = tmp_path / "bulk"
    content = filled(size)
    write_bulk(path, content)
    assert path.read_bytes() == content
    status = path.stat()
    remembered = checksums._known[str(path), size, status.st_mtime_ns, "xxh3"]
    assert remembered == read_anew(path)


@pytest.mark.parametrize("size", SIZES)
def test_content_in_memory(in_memory: Path, size: int) -> None:
    content = filled(size)
    write_bulk(in_memory / "bulk", content)
    assert (in_memory / "bulk").read_bytes() == content
    assert checksum(in_memory / "bulk", "xxh3") == read_anew(in_memory / "bulk")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP])
def test_without_direct_io_the_ordinary_way_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    real = fcntl.fcntl
    refused = []

    def refuse(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETFL and argument & os.O_DIRECT:
            refused.append(descriptor)
            raise OSError(code, os.strerror(code))
        return real(descriptor, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    content = filled(5000)
    write_bulk(tmp_path / "bulk", content)
    assert refused
    assert (tmp_path / "bulk").read_bytes() == content


def test_a_buffer_that_is_not_aligned_is_written_too(tmp_path: Path) -> None:
    content = filled(3 * ALIGNMENT + 100)[1:]
    write_bulk(tmp_path / "bulk", content)
    assert (tmp_path / "bulk").read_bytes() == content


def test_a_longer_file_of_the_same_name_is_cut(tmp_path: Path) -> None:
    for size in (3 * ALIGNMENT + 7, ALIGNMENT + 3):
        write_bulk(tmp_path / "bulk", filled(size))
    assert (tmp_path / "bulk").stat().st_size == ALIGNMENT + 3


def test_a_full_device_is_an_error() -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_bulk(Path("/dev/full"), filled(2 * ALIGNMENT + 1))


def test_scratch_is_aligned_and_kept() -> None:
    import numpy as np

    large = scratch(2_000_000)
    assert np.frombuffer(large, dtype=np.uint8).ctypes.data % ALIGNMENT == 0
    assert len(large) >= 2_000_000
    large[0] = 77
    assert scratch(10)[0] == 77
