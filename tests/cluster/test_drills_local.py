"""The drills that need no scheduler, on the pool of this machine."""

from __future__ import annotations

import os
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


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return this machine as drills see it, as if it had eight cores."""

    def live() -> int:
        """Count the workers that run in the drill's folder."""
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
        return sum(os.fsencode(tmp_path) in line and b"node.worker" in line for line in lines)

    return Site(
        name="local",
        settings=("--jobarray-backend", "local", "--jobarray-slots", "8"),
        environment=environment,
        live=live,
        asked=list,
    )


@pytest.mark.parametrize("name", NAMES)
def test_drill(name: str, site: Site, tmp_path: Path) -> None:
    DRILLS[name](Drill(site, tmp_path / "work"))


@pytest.mark.long
def test_a_job_that_takes_too_long_is_ended_by_its_worker(site: Site, tmp_path: Path) -> None:
    drill = Drill(site, tmp_path / "work")
    drill.granule("slow", "1 sleep 600", runtime=1)
    output = drill.run()
    drill.check()
    assert "first (granule=slow): killed for run time" in output
    assert "longer than 1 min" in output
    assert "2 min, 1 core, attempt 2" in output or "1 min, 1 core, attempt 2" in output
