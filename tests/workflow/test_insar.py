"""The insar line through Snakemake: from SAFE to a published tree, then a further date, a bad one, and its plan."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import rasterio
from insar_chain import Chain

from levelworks.insar.products.validate_tree import validate_tree
from levelworks.insar.simulation.scenario import Pass, Scenario, Uplift, cuts
from workflow import Workflow, planned

DATES = ("20250406", "20250418", "20250430", "20250512")


def run(campaign: Workflow, *words: str, **options):
    """Run the line in warm workers, as people do."""
    return campaign.run("insar", *words, profile="local", **options)


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Path:
    """Write four passes, and the definition of their frame."""
    passes = (
        Pass(0),
        Pass(12, "20250418", timing_error=0.02),
        Pass(24, baseline=-35.0),
        Pass(36, baseline=20.0, timing_error=-0.01),
    )
    folder = tmp_path_factory.mktemp("stack")
    scenario = Scenario(passes, cuts("ci"), uplift=Uplift(rate=1.0), seed=12, atmosphere=0.3)
    Chain(scenario, folder)
    return folder


@pytest.fixture(scope="module")
def campaign(stack, tmp_path_factory) -> Workflow:
    """Run three dates, then the fourth."""
    folder = tmp_path_factory.mktemp("campaign")
    (folder / "products").mkdir()
    for path in (stack / "level1/products").iterdir():
        if DATES[3] not in path.name:
            shutil.copytree(path, folder / "products" / path.name)
    section = {
        "frames": str(stack / "frame.json"),
        "products": "products",
        "orbits": str(stack / "level1/orbits"),
        "elevation": str(stack / "level1/dem.tif"),
        "estimate-diversity": {"least-cells": 150},
        "plots": True,
    }
    made = Workflow(folder, {"insar": section})
    plan = planned(made.run("insar", "--dry-run").stdout)
    assert (plan["parse_safe"], plan["coregister"], plan["form_interferogram"], plan["unwrap"]) == (3, 3, 3, 3)
    run(made)
    return made


def tree_of(campaign: Workflow) -> Path:
    (tree,) = (path for path in (campaign.folder / "results/insar/publish").iterdir() if path.is_dir())
    return tree


@pytest.mark.long
def test_the_tree_is_as_readers_of_licsar_want_it(campaign):
    tree = tree_of(campaign)
    pairs = sorted(path.name for path in (tree / "interferograms").iterdir())
    assert pairs == [f"{DATES[0]}_{DATES[1]}", f"{DATES[0]}_{DATES[2]}", f"{DATES[1]}_{DATES[2]}"]
    assert validate_tree(tree) == []
    with rasterio.open(tree / "interferograms" / pairs[0] / f"{pairs[0]}.geo.unw.tif") as file:
        assert file.crs.to_epsg() == 4326
        assert (abs(file.read(1)) < 100).sum() > 1000
    assert len((tree / "metadata/baselines").read_text().splitlines()) == 3


@pytest.mark.long
def test_timing_errors_are_found_and_nothing_steps(campaign):
    results = campaign.folder / "results/insar"
    for path in (results / "form-interferogram").rglob("*.h5.json"):
        assert json.loads(path.read_text())["quality"]["seam_step_rad"] < 0.2
    (network,) = (results / "solve-network").rglob("001.json")
    shifts = json.loads(network.read_text())["dates"]
    assert shifts[DATES[1]]["line"] == pytest.approx(0.02, abs=1e-3)
    assert shifts[DATES[2]]["line"] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.long
def test_a_further_date_adds_only_its_own_work(campaign, stack):
    assert planned(campaign.run("insar", "--dry-run").stdout) == {}
    for path in (stack / "level1/products").iterdir():
        if DATES[3] in path.name:
            shutil.copytree(path, campaign.folder / "products" / path.name)
    plan = planned(campaign.run("insar", "--dry-run").stdout)
    own = {"parse_safe": 1, "correlate_amplitudes": 1, "estimate_diversity": 3, "solve_network": 1, "coregister": 1}
    own |= {"form_interferogram": 3, "filter_phase": 3, "unwrap": 3, "geocode": 3, "geocode_epoch": 1, "plot_pair": 3}
    frame = {"check_closure": 1, "describe_frame": 1, "publish": 1, "validate_tree": 1, "report_frame": 1}
    assert {rule: count for rule, count in plan.items() if rule not in ("insar", "check_outcomes")} == own | frame
    before = {path: path.stat().st_mtime_ns for path in (campaign.folder / "results").rglob("*.geo.unw.tif")}
    run(campaign)
    assert len(list((tree_of(campaign) / "interferograms").iterdir())) == 6
    assert planned(campaign.run("insar", "--dry-run").stdout) == {}
    kept = [path for path in before if "geocode" in path.parts]
    assert len(kept) == 3
    assert all(path.stat().st_mtime_ns == before[path] for path in kept)
