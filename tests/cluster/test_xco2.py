"""The xco2 line through both schedulers: the same bytes of every cube and mosaic as on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lite_campaigns import section, simulated_days, stores
from lsf_cluster import LsfEmulator
from slurm_cluster import SlurmCluster

from workflow import BIN, Workflow

QUICK = ("--seconds-between-status-checks", "1", "--jobarray-query-interval", "3", "--jobarray-gather", "0.5")


def make_campaign(folder: Path) -> Workflow:
    """Simulate two days of three datasets over one target."""
    simulated_days(folder / "raw", days=2, targets=1)
    return Workflow(folder, {"xco2": section(world="on", cogs="on")})


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    campaign = make_campaign(tmp_path_factory.mktemp("reference"))
    campaign.run("xco2", profile="local")
    return stores(campaign.folder)


def check(campaign: Workflow, reference: dict[str, bytes], profile: str) -> None:
    """Run the campaign by a profile; check its stores and that another run would do nothing."""
    output = campaign.run("xco2", *QUICK, profile=profile).stdout
    assert stores(campaign.folder) == reference
    assert f"of {profile} array" in output
    assert "Nothing to be done" in campaign.run("xco2", *QUICK, profile=profile).stdout


@pytest.mark.long
def test_slurm_gives_the_same_stores(slurm: SlurmCluster, reference: dict[str, bytes], tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path)
    campaign.variables = {**slurm.environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    check(campaign, reference, "slurm")


@pytest.mark.long
def test_lsf_gives_the_same_stores(reference: dict[str, bytes], tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path / "work")
    with LsfEmulator(tmp_path / "lsf", slots=4) as lsf:
        campaign.variables = lsf.environment()
        check(campaign, reference, "lsf")
