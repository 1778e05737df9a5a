"""Every drill on the emulated LSF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from drill_table import DRILLS
from drills import Drill, Site
from lsf_cluster import LsfEmulator

ALL = "jobid jobindex stat job_name memlimit runtimelimit nreq_slot"
LIVE = ("PEND", "RUN", "UNKWN", "SSUSP", "USUSP", "PSUSP")


@pytest.fixture
def lsf(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LsfEmulator]:
    """Return an emulated cluster; where a job is to run out of time, -W 1 means two seconds."""
    factor = 1 / 30 if "timeout" in request.node.name else 1.0
    with LsfEmulator(tmp_path / "lsf", slots=8, run_limit_factor=factor) as cluster:
        yield cluster


@pytest.fixture
def site(lsf: LsfEmulator) -> Site:
    """Return the emulated LSF as drills see it."""

    def rows(*words: str) -> list[list[str]]:
        done = lsf.run("bjobs", "-a", "-noheader", "-o", f"{ALL} delimiter='|'", *words)
        return [[field.strip() for field in line.split("|")] for line in done.stdout.splitlines() if "|" in line]

    def asked() -> list[tuple[str, int, int, int]]:
        return [(row[3], int(row[4].split()[0]), int(float(row[5])), int(row[6])) for row in rows()]

    def element(_: Drill) -> str:
        """Return the element whose job asked for 160 MB: the one that a drill disturbs."""
        return next(f"{row[0]}[{row[1]}]" for row in rows() if row[2] == "RUN" and row[4].startswith("160"))

    def host(drill: Drill) -> str:
        done = lsf.run("bjobs", "-noheader", "-o", "exec_host", element(drill))
        return done.stdout.strip()

    failed: list[str] = []

    def fail_node(drill: Drill) -> None:
        failed.append(host(drill))
        lsf.fail_host(failed[-1])

    def outage(_: Drill) -> None:
        for command in ("bjobs", "bsub"):
            lsf.outage(command)

    def end_outage(_: Drill) -> None:
        for command in ("bjobs", "bsub"):
            lsf.end_outage(command)

    return Site(
        name="lsf",
        settings=("--jobarray-backend", "lsf"),
        environment=lsf.environment,
        live=lambda: sum(row[2] in LIVE for row in rows()),
        asked=asked,
        disturb={
            "lose": lambda drill: lsf.lose(element(drill)),
            "fail node": fail_node,
            "recover node": lambda _: lsf.restore_host(failed[-1]),
            "preempt": lambda drill: lsf.preempt(element(drill)),
            "outage": outage,
            "end outage": end_outage,
        },
        minutes=3,
    )


@pytest.mark.long
@pytest.mark.parametrize("name", DRILLS)
def test_drill(name: str, site: Site, tmp_path: Path) -> None:
    DRILLS[name](Drill(site, tmp_path / "work"))


def test_refusals_are_retried_with_smaller_arrays_and_patience(lsf: LsfEmulator, site: Site, tmp_path: Path) -> None:
    drill = Drill(site, tmp_path / "work")
    drill.granules(6)
    lsf.refuse(4)
    output = drill.run("--jobarray-bundle", "1")
    drill.check()
    assert "takes no jobs at the moment (User job limit reached" in output


def test_an_array_larger_than_the_site_allows_is_never_asked_for(lsf: LsfEmulator, site: Site, tmp_path: Path) -> None:
    lsf.set(max_job_array_size=4)
    drill = Drill(site, tmp_path / "work")
    drill.granules(10)
    output = drill.run("--jobarray-bundle", "1")
    drill.check()
    assert "first: 4 jobs in 4 elements" in output


def test_a_requeued_element_goes_on_where_it_was(lsf: LsfEmulator, site: Site, tmp_path: Path) -> None:
    drill = Drill(site, tmp_path / "work")
    drill.granules(2)
    drill.granule("odd", "* wait go")
    drill.start("--jobarray-bundle", "3", "--jobarray-requeue", retries=0)
    drill.until(lambda: drill.counts("begun")["first-odd"] == 1, "begun")
    lsf.preempt(f"{drill.arrays()[0]}[1]")
    drill.until(lambda: drill.counts("begun")["first-odd"] == 2, "begun again")
    (drill.folder / "go").touch()
    output = drill.finish()
    drill.check()
    assert len(re.findall(r"first: \d jobs? in ", output)) == 1
