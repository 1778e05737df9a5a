"""One writer at a time, across processes, and none that waits for ever."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from levelworks.core.lock import exclusive, lock_path
from levelworks.core.outcome import TransientError

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from levelworks.core.lock import exclusive
with exclusive([Path(name) for name in sys.argv[2:]]):
    print("held", flush=True)
    sys.stdin.readline()
print("let go", flush=True)
"""


@contextmanager
def holder(*paths: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold the locks of products until it is told or killed."""
    words = [sys.executable, "-c", HOLD, str(SCRIPTS), *map(str, paths)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_lock_is_an_empty_file_beside_the_product_and_stays(tmp_path: Path) -> None:
    product = tmp_path / "deep" / "cube.zarr"
    with exclusive([product]):
        assert [path.name for path in product.parent.iterdir()] == [lock_path(product).name]
    assert lock_path(product).read_bytes() == b""


def test_no_products_need_no_lock(tmp_path: Path) -> None:
    with exclusive([]):
        assert list(tmp_path.iterdir()) == []


def test_another_writer_is_waited_for_and_then_told(tmp_path: Path) -> None:
    product = tmp_path / "cube.zarr"
    with holder(product):
        begin = time.monotonic()
        said = r"cube\.zarr: another job has been changing it for 0\.2 s"
        with pytest.raises(TransientError, match=said), exclusive([product], patience_s=0.2):
            pytest.fail("two writers hold one lock")
        assert 0.2 <= time.monotonic() - begin < 5.0


def test_it_goes_on_as_soon_as_the_other_is_done(tmp_path: Path) -> None:
    product = tmp_path / "cube.zarr"
    with holder(product) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("go on\n")
        other.stdin.flush()
        with exclusive([product], patience_s=30.0):
            assert other.stdout.readline() == "let go\n"


def test_a_killed_writer_holds_nothing(tmp_path: Path) -> None:
    product = tmp_path / "cube.zarr"
    with holder(product) as other:
        other.kill()
        other.wait()
        with exclusive([product], patience_s=5.0):
            assert other.returncode != 0


def test_other_products_are_free(tmp_path: Path) -> None:
    with holder(tmp_path / "a.zarr"), exclusive([tmp_path / "b.zarr"], patience_s=0.0):
        assert lock_path(tmp_path / "b.zarr").exists()


def test_a_lock_not_got_lets_go_of_those_before_it(tmp_path: Path) -> None:
    first, second = tmp_path / "a.zarr", tmp_path / "b.zarr"
    with holder(second):
        with pytest.raises(TransientError, match=r"b\.zarr"), exclusive([second, first], patience_s=0.1):
            pytest.fail("two writers hold one lock")
        with holder(first) as other:
            assert other.poll() is None


def test_locks_are_taken_in_one_order_whatever_the_order_of_names(tmp_path: Path) -> None:
    """Two jobs over the same products never wait for each other: the one that has the first gets both."""
    first, second = tmp_path / "a.zarr", tmp_path / "b.zarr"
    with holder(first):
        with pytest.raises(TransientError, match=r"a\.zarr"), exclusive([second, first], patience_s=0.1):
            pytest.fail("two writers hold one lock")
        with exclusive([second], patience_s=0.0):
            assert lock_path(tmp_path / "b.zarr").exists()
