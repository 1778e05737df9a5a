"""A real SLURM for the tests in this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from slurm_cluster import SlurmCluster, requirements_missing


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    """Return a running SLURM of 8 CPUs and 64 GB, one for each process of the test run; skip where none can run.

    Each process has its own, so that a test may take the node or the controller away without harm to another process.
    """
    reason = requirements_missing()
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with SlurmCluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster
