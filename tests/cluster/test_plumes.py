"""The plumes line through both schedulers, steps on ranks included: the same bytes of products as on this machine."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from lsf_cluster import LsfEmulator
from plume_campaigns import products, section, simulated_granules
from slurm_cluster import SlurmCluster

from workflow import BIN, Workflow

QUICK = ("--seconds-between-status-checks", "1", "--jobarray-query-interval", "3", "--jobarray-gather", "0.5")


def make_campaign(folder: Path) -> Workflow:
    """Simulate a scene of EMIT; nothing is drawn."""
    simulated_granules(folder / "raw", ["EMIT"])
    return Workflow(folder, {"plumes": section()})


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    campaign = make_campaign(tmp_path_factory.mktemp("reference"))
    campaign.run("plumes", profile="local")
    return products(campaign.folder)


def check(campaign: Workflow, reference: dict[str, bytes], profile: str) -> None:
    """Run the campaign by a profile; check its products, its ranks, and that another run would do nothing."""
    output = campaign.run("plumes", *QUICK, profile=profile).stdout
    assert products(campaign.folder) == reference
    for stage in ("retrieve", "retrieve-again"):
        rule = stage.replace("-", "_")
        assert re.search(rf"{rule}: \d jobs? in \d elements? of {profile} array", output)
        (path,) = (campaign.folder / "results" / "plumes" / stage).glob("*.json")
        record = json.loads(path.read_text())
        assert record["scheduler"]["name"] == profile
        assert record["ranks"] == 2
    assert "Nothing to be done" in campaign.run("plumes", *QUICK, profile=profile).stdout


@pytest.mark.long
def test_slurm_gives_the_same_products(slurm: SlurmCluster, reference: dict[str, bytes], tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path)
    campaign.variables = {**slurm.environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    check(campaign, reference, "slurm")


@pytest.mark.long
def test_lsf_gives_the_same_products(reference: dict[str, bytes], tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path / "work")
    with LsfEmulator(tmp_path / "lsf", slots=4) as lsf:
        campaign.variables = lsf.environment()
        check(campaign, reference, "lsf")
