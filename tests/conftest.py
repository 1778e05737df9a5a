"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # as the command does: two threads on small matrices take many times as long

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Let workers of xdist take files in the order of the collection, not those of many tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with most long tests first, so that none of them is begun when the others have ended."""
    long = Counter(item.path for item in items if item.get_closest_marker("long"))
    items.sort(key=lambda item: -long[item.path])


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
