"""Every drill on a real SLURM."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from drill_table import DRILLS
from drills import Drill, Site
from slurm_cluster import SlurmCluster

BIN = Path(os.sys.executable).parent


@pytest.fixture
def blind(tmp_path: Path) -> Path:
    """Return a folder of commands that keep quiet about the jobs whose ids stand in the file ``hidden`` there."""
    folder = tmp_path / "blind"
    folder.mkdir()
    (folder / "hidden").touch()
    for name in ("sacct", "squeue"):
        real = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        script = folder / name
        script.write_text(
            f'#!/bin/sh\n{real} "$@" > {folder}/{name}.$$; code=$?\n'
            f"grep -v -x -f {folder}/hidden {folder}/{name}.$$\nrm {folder}/{name}.$$\nexit $code\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (folder / "hidden").write_text("no job\n")
    return folder


@pytest.fixture
def site(slurm: SlurmCluster, blind: Path) -> Iterator[Site]:
    """Return the SLURM as drills see it; nothing of one is left for the next."""
    known = set(_accounted(slurm))

    def live() -> int:
        return len(slurm.run("squeue", "--noheader", "--array").stdout.split("\n")) - 1

    def asked() -> list[tuple[str, int, int, int]]:
        rows = [row for identifier, row in _accounted(slurm).items() if identifier not in known]
        return [
            (name, int(float(memory.rstrip("M"))), int(minutes), int(cores)) for name, memory, minutes, cores in rows
        ]

    def element_of(drill: Drill) -> str:
        """Return the id of the array whose job asked for 160 MB: the one that a drill disturbs."""
        found = slurm.run("squeue", "--noheader", "--states=running", "--format=%i %m").stdout
        return next(line.split()[0] for line in found.splitlines() if line.split()[1] == "160M")

    def lose(drill: Drill) -> None:
        element = element_of(drill)
        array = element.split("_")[0]
        (blind / "hidden").write_text(f"{element}|.*\n{array}|1|.*\n".replace("|", "[|]"))
        slurm.run("scancel", element)

    def preempt(drill: Drill) -> None:
        slurm.submit("--partition=urgent", "--cpus-per-task=8", "--mem=1000M", "--wrap=sleep 3")

    away: list[str] = []

    def outage(_: Drill) -> None:
        # The accounting alone would go on telling that jobs run.
        away.append("both")
        slurm.stop_database()
        slurm.stop_controller()

    def end_outage(_: Drill) -> None:
        slurm.start_database()
        slurm.start_controller()
        away.clear()

    yield Site(
        name="slurm",
        settings=("--jobarray-backend", "slurm"),
        environment=lambda: {**slurm.environment(), "PATH": f"{blind}:{BIN}:{os.environ['PATH']}"},
        live=live,
        asked=asked,
        disturb={
            "lose": lose,
            "fail node": lambda _: slurm.fail_node(),
            "recover node": lambda _: slurm.recover_node(),
            "preempt": preempt,
            "outage": outage,
            "end outage": end_outage,
        },
        # The worker would end the job itself: the limit of SLURM shall be the one that strikes.
        special={"preemption": ("--jobarray-partition", "low"), "timeout": ("--jobarray-extra=--time=1",)},
        minutes=9,
    )
    if away:
        slurm.start_database()
        slurm.start_controller()
    slurm.run("scancel", "--user=root")


def _accounted(slurm: SlurmCluster) -> dict[str, tuple[str, str, str, str]]:
    form = "--format=JobID,JobName%80,ReqMem,TimelimitRaw,AllocCPUS"
    rows = slurm.run("sacct", "-X", "-n", "-P", "--starttime=now-1days", form).stdout.splitlines()
    return {row.split("|")[0]: tuple(row.split("|")[1:]) for row in rows if re.match(r"\d+_\d+\|", row)}


@pytest.mark.long
@pytest.mark.parametrize("name", DRILLS)
def test_drill(name: str, site: Site, tmp_path: Path) -> None:
    DRILLS[name](Drill(site, tmp_path / "work"))


@pytest.mark.long
def test_a_limit_on_submitted_jobs_is_waited_for(
    slurm: SlurmCluster, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with SlurmCluster(tmp_path_factory.mktemp("limited"), enforce_limits=True) as cluster:
        cluster.set_submit_limit(4)
        site = Site(
            name="slurm",
            settings=("--jobarray-backend", "slurm"),
            environment=lambda: {**cluster.environment(), "PATH": f"{BIN}:{os.environ['PATH']}"},
            live=lambda: 0,
            asked=list,
        )
        drill = Drill(site, tmp_path / "work")
        drill.granules(10)
        output = drill.run("--jobarray-bundle", "1", retries=0)
        drill.check()
    assert "takes no jobs at the moment" in output
    assert "job submit limit" in output
    assert set(drill.counts("begun").values()) == {1}
