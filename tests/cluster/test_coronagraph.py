"""The coronagraph line through both schedulers, by the profiles that people copy: the same bytes as on this machine."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from lsf_cluster import LsfEmulator
from slurm_cluster import SlurmCluster

from workflow import BIN, Workflow, references, simulated

QUICK = ("--seconds-between-status-checks", "1", "--jobarray-query-interval", "3", "--jobarray-gather", "0.5")
FRAMES = 4


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Return the campaign, run by Snakemake's own executor; one of its frames is truncated."""
    return make_campaign(tmp_path_factory.mktemp("reference"), run=True)


def make_campaign(folder: Path, *, run: bool = False) -> Workflow:
    """Simulate a small night, with noise maps to be made and one truncated frame."""
    frames = simulated(folder / "raw", frames=FRAMES)
    content = frames[2].read_bytes()
    frames[2].write_bytes(content[: len(content) // 2])
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw"), "plots": True}
    campaign = Workflow(folder, {"campaign": {"max_quarantined": 0.3}, "coronagraph": section})
    if run:
        campaign.run("coronagraph")
    return campaign


def check(campaign: Workflow, reference: Workflow, output: str, scheduler: str) -> None:
    """Check products, records, the plan of another run, and what was submitted."""
    assert campaign.products == reference.products
    record_path = next((campaign.folder / "results/coronagraph/calibrate-frame").glob("*_L2b.fits.json"))
    record = json.loads(record_path.read_text())
    assert record["scheduler"]["name"] == scheduler
    assert (record["attempt"], record["earlier_attempts"]) == (1, [])
    assert re.search(rf"calibrate_frame: {FRAMES} jobs in \d+ elements? of {scheduler} array", output)
    table = (campaign.folder / "results" / "coronagraph" / "quarantine.tsv").read_text().splitlines()
    assert len(table) == 2
    assert "truncated" in table[1]


@pytest.mark.long
def test_slurm_gives_the_same_products(slurm: SlurmCluster, reference: Workflow, tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path)
    campaign.variables = {**slurm.environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    output = campaign.run("coronagraph", *QUICK, profile="slurm").stdout
    check(campaign, reference, output, "slurm")
    assert "Nothing to be done" in campaign.run("coronagraph", *QUICK, profile="slurm").stdout


@pytest.mark.long
def test_lsf_gives_the_same_products(reference: Workflow, tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path / "work")
    with LsfEmulator(tmp_path / "lsf", slots=4) as lsf:
        campaign.variables = lsf.environment()
        output = campaign.run("coronagraph", *QUICK, profile="lsf").stdout
        check(campaign, reference, output, "lsf")
        assert "Nothing to be done" in campaign.run("coronagraph", *QUICK, profile="lsf").stdout


@pytest.mark.long
def test_this_machine_gives_the_same_products(reference: Workflow, tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path)
    output = campaign.run("coronagraph", profile="local").stdout
    assert campaign.products == reference.products
    assert f"calibrate_frame: {FRAMES} jobs in 2 elements of local array" in output


@pytest.mark.parametrize("profile", ["slurm", "lsf", "slurm-stock", "local", "test"])
def test_every_profile_plans(profile: str, reference: Workflow) -> None:
    done = reference.run("--dry-run", "--forceall", "coronagraph", profile=profile)
    assert re.search(rf"^calibrate_frame\s+{FRAMES}$", done.stdout, flags=re.MULTILINE)
