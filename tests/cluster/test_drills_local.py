"""The drills that need no scheduler, on the pool of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from drill_table import DRILLS
from drills import Drill, Site

from workflow import environment

NAMES = (
    "everything_well",
    "codes_are_told_apart",
    "one_element_fails_alone",
    "controller_killed_and_restarted",
    "jobs_that_finished_unwatched_are_taken_over",
    "an_input_that_changed_meanwhile_is_heeded",
    "two_controllers",
    "cancel",
    "disk_full",
    "nested_snakemake",
    "few_jobs_at_a_time",
)


def site_of(folder: Path) -> Site:
    """Return this machine as drills in a folder see it, as if it had eight cores."""

    def live() -> int:
        """Count the workers that run in the drill's folder."""
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
        return sum(os.fsencode(folder) in line and b"node.worker" in line for line in lines)

    return Site(
        name="local",
        settings=("--jobarray-backend", "local", "--jobarray-slots", "8"),
        environment=environment,
        live=live,
        asked=list,
    )


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """Start the drill that has to wait for a minute: it does so beside the others."""
    folder = tmp_path_factory.mktemp("slow")
    drill = Drill(site_of(folder), folder / "work")
    drill.granule("slow", "1 sleep 600", runtime=1)
    drill.start()
    yield drill
    drill.end()


@pytest.fixture
def site(tmp_path: Path, slow: Drill) -> Site:
    return site_of(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_drill(name: str, site: Site, tmp_path: Path) -> None:
    DRILLS[name](Drill(site, tmp_path / "work"))


@pytest.mark.long
def test_a_job_that_takes_too_long_is_ended_by_its_worker(slow: Drill) -> None:
    output = slow.finish()
    slow.check()
    assert "first (granule=slow): killed for run time" in output
    assert "longer than 1 min" in output
    assert "2 min, 1 core, attempt 2" in output or "1 min, 1 core, attempt 2" in output
