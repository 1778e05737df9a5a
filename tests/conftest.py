"""Fixtures that every test may use."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # as the command does: two threads on small matrices take many times as long

ROOT = Path(__file__).resolve().parents[1]
SECONDS, LONG_SECONDS = 0.3, 10.0
"""What a test takes, about, and one that is marked as long takes more."""


def pytest_configure(config: pytest.Config) -> None:
    """Let workers of xdist take files in the order of the collection, not those of many tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with most long tests first, so that none of them is begun when the others have ended.

    Files that wait for schedulers come one by one between those that compute, so that processors are never idle while
    several workers wait: the next when twice the work of those before it has been given out.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    long = {path: sum(1 for item in own if item.get_closest_marker("long")) for path, own in files.items()}
    seconds = {path: SECONDS * len(own) + LONG_SECONDS * long[path] for path, own in files.items()}
    ordered = sorted(files, key=lambda path: -long[path])
    waiting = [path for path in ordered if path.parent.name == "cluster"]
    computing = [path for path in ordered if path.parent.name != "cluster"]
    items.clear()
    waited = computed = 0.0
    while waiting or computing:
        if waiting and (not computing or computed >= 2 * waited):
            path = waiting.pop(0)
            waited += seconds[path]
        else:
            path = computing.pop(0)
            computed += seconds[path]
        items += files[path]


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Have a command that runs in the process of the tests leave no log to those after it."""
    _forget_log()
    yield
    _forget_log()


def _forget_log() -> None:
    log = logging.getLogger("levelworks")
    log.handlers.clear()
    log.setLevel(logging.NOTSET)
    log.propagate = True


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real input files beside the project; skip without it, fail where CI=true."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        message = f"the real input files are not here: {folder} does not exist"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder
