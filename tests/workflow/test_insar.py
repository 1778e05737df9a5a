"""The insar line through Snakemake: eight dates from SAFE to a published tree, killed on the way; then a ninth."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from insar_chain import Chain
from insar_delays import write_ztd, zenith_grid
from insar_velocity import rates, read_stack, true_rates

from levelworks.insar.frames.frame import read_frame
from levelworks.insar.products.validate_tree import validate_tree
from levelworks.insar.simulation.scenario import Pass, Scenario, Uplift, cuts
from workflow import Workflow, planned

TIMING = (0.0, 0.02, 0.0, -0.01, 0.005, 0.0, 0.015, 0.0, -0.02)
BASELINES = (0.0, 0.0, -35.0, 20.0, 60.0, -80.0, 10.0, 45.0, -20.0)
DATES = (
    "20250406", "20250418", "20250430", "20250512", "20250524", "20250605", "20250617", "20250629", "20250711",
)  # fmt: skip
PARTIAL = ".part.*"


def run(campaign: Workflow, *words: str, **options):
    """Run the line in warm workers, as people do."""
    return campaign.run("insar", *words, profile="local", **options)


def add_products(stack: Path, folder: Path, dates: tuple[str, ...]) -> None:
    for path in (stack / "level1/products").iterdir():
        if any(date in path.name for date in dates):
            shutil.copytree(path, folder / "products" / path.name)


def counts(plan: dict[str, int]) -> dict[str, int]:
    return {rule: count for rule, count in plan.items() if rule not in ("insar", "check_outcomes")}


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Path:
    """Write nine passes over rising ground, and the definition of their frame."""
    passes = tuple(
        Pass(12 * k, "20250418" if k == 1 else "20250406", baseline=baseline, timing_error=timing)
        for k, (baseline, timing) in enumerate(zip(BASELINES, TIMING, strict=True))
    )
    folder = tmp_path_factory.mktemp("stack")
    Chain(Scenario(passes, cuts("ci"), uplift=Uplift(rate=1.0), seed=12, atmosphere=0.3), folder)
    return folder


@pytest.fixture(scope="module")
def killed(stack, tmp_path_factory) -> tuple[Workflow, dict[Path, bytes]]:
    """Begin with eight dates and kill the run once bursts are resampled; returns what stood then."""
    folder = tmp_path_factory.mktemp("campaign")
    add_products(stack, folder, DATES[:8])
    west, north, latitudes, longitudes = zenith_grid(stack / "frame.json")
    for k, date in enumerate((DATES[0], DATES[1], DATES[8])):
        write_ztd(folder / "delays", date, np.full((latitudes.size, longitudes.size), 2.3 + k / 100), west, north)
    section = {
        "frames": str(stack / "frame.json"),
        "products": "products",
        "orbits": str(stack / "level1/orbits"),
        "elevation": str(stack / "level1/dem.tif"),
        "estimate-diversity": {"least-cells": 150, "connections": 1},
        "pairs": {"neighbours": 2, "seasons": []},
        "delays": "delays",
        "correct-atmosphere": {"method": "gacos", "worse": "apply"},
        "tides": True,
        "offsets": True,
        "along-track": True,
    }
    made = Workflow(folder, {"insar": section})
    plan = planned(made.run("insar", "--dry-run").stdout)
    assert (plan["parse_safe"], plan["coregister"], plan["form_interferogram"], plan["unwrap"]) == (8, 8, 13, 13)
    process = subprocess.Popen(
        made.command("insar", profile="local"),
        cwd=folder,
        env=made.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    results = folder / "results/insar"
    until = time.monotonic() + 300
    while len(list(results.glob("coregister/*/[!.]*.json"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    standing = [*results.glob("parse-safe/*/[!.]*.json"), *results.glob("coregister/*/[!.]*.json")]
    return made, {path: path.read_bytes() for path in standing}


@pytest.fixture(scope="module")
def campaign(killed) -> Workflow:
    """Let the killed run go on to its end."""
    made, _ = killed
    made.run("insar", "--unlock", profile="local")
    run(made)
    return made


def tree_of(campaign: Workflow) -> Path:
    (tree,) = (path for path in (campaign.folder / "results/insar/publish").iterdir() if path.is_dir())
    return tree


@pytest.mark.long
def test_a_killed_run_goes_on_where_it_was(killed, campaign):
    """Records say when their job began: what stood was not made again."""
    _, standing = killed
    assert len(standing) >= 11
    assert {path: path.read_bytes() for path in standing} == standing
    assert not list((campaign.folder / "results").rglob(PARTIAL))
    assert planned(campaign.run("insar", "--dry-run").stdout) == {}


@pytest.mark.long
def test_the_tree_is_as_readers_of_licsar_want_it(campaign):
    tree = tree_of(campaign)
    pairs = sorted(path.name for path in (tree / "interferograms").iterdir())
    assert len(pairs) == 13
    assert validate_tree(tree) == []
    with rasterio.open(tree / "interferograms" / pairs[0] / f"{pairs[0]}.geo.unw.tif") as file:
        assert file.crs.to_epsg() == 4326
        assert (abs(file.read(1)) < 100).sum() > 1000
    assert len((tree / "metadata/baselines").read_text().splitlines()) == 8


@pytest.mark.long
def test_pairs_with_delays_are_corrected_and_the_others_listed(campaign):
    """Two of eight dates have delays: their pair is corrected by a constant, of the others the table says why not."""
    tree, pair = tree_of(campaign), f"{DATES[0]}_{DATES[1]}"
    assert {path.name for path in tree.glob("epochs/*/*.sltd.geo.tif")} == {
        f"{date}.sltd.geo.tif" for date in DATES[:2]
    }
    with rasterio.open(tree / "interferograms" / pair / f"{pair}.geo.atm.tif") as file:
        model = file.read(1)
    (path,) = tree.glob("metadata/*.geo.U.tif")
    with rasterio.open(path) as file:
        expected = 4 * np.pi / 0.05546576 * 0.01 / file.read(1)
    known = np.isfinite(model)
    assert known.sum() > 1000
    np.testing.assert_allclose(model[known], expected[known], rtol=1e-3)
    left_out = [line.split("\t") for line in (tree / "withheld.tsv").read_text().splitlines()[1:]]
    assert len(left_out) == 12
    for what, name, why in left_out:
        assert what == "correction"
        assert any(f"insar.delays has no delays of {date}" in why for date in name.split("_") if date not in DATES[:2])


@pytest.mark.long
def test_what_was_asked_for_beside_phase_is_published(campaign):
    tree = tree_of(campaign)
    assert len(list(tree.glob("epochs/*/*.tide.geo.tif"))) == 8
    for pair in (tree / "interferograms").iterdir():
        for kind in ("rng", "azi", "bovldiff.mm"):
            with rasterio.open(pair / f"{pair.name}.geo.{kind}.tif") as file:
                assert np.isfinite(file.read(1)).any()


@pytest.mark.long
def test_timing_errors_are_found_and_nothing_steps(campaign):
    results = campaign.folder / "results/insar"
    for path in (results / "form-interferogram").rglob("*.h5.json"):
        assert json.loads(path.read_text())["quality"]["seam_step_rad"] < 0.2
    (network,) = (results / "solve-network").rglob("001.json")
    shifts = json.loads(network.read_text())["dates"]
    for date, timing in zip(DATES[:8], TIMING[:8], strict=True):
        assert shifts[date]["line"] == pytest.approx(timing, abs=1e-3)


@pytest.mark.long
def test_the_motion_of_the_ground_comes_back_within_the_noise(campaign, stack):
    """The noise is the air and what decorrelates; with the air known, what is left must be decorrelation alone."""
    (record,) = (campaign.folder / "results/insar/form-interferogram").rglob(f"{DATES[0]}_{DATES[1]}.h5.json")
    found = read_stack(tree_of(campaign), json.loads(record.read_text())["quality"]["equivalent_looks"])
    rate, sigma = rates(found)
    keys = [burst.key for burst in read_frame(stack / "frame.json").bursts]
    truth = stack / "level1/truth.h5"
    motion, both = (true_rates(truth, keys, found, air=air) for air in (False, True))
    known = np.isfinite(rate) & np.isfinite(motion)
    assert known.sum() > 5000
    assert np.ptp(motion[known]) > 0.8
    noise = np.sqrt(np.mean(sigma[known] ** 2))
    assert 0.4 * noise < np.std((rate - both)[known]) < noise < 0.006
    assert np.std((rate - motion)[known]) < np.hypot(np.std((both - motion)[known]), noise)
    assert np.polyfit(both[known], rate[known], 1)[0] == pytest.approx(1.0, abs=2e-3)


@pytest.mark.long
def test_a_further_date_adds_only_its_own_work(campaign, stack):
    add_products(stack, campaign.folder, DATES[8:])
    plan = planned(campaign.run("insar", "--dry-run").stdout)
    own = {"parse_safe": 1, "correlate_amplitudes": 1, "estimate_diversity": 2, "solve_network": 1, "coregister": 1}
    own |= {"form_interferogram": 2, "filter_phase": 2, "unwrap": 2, "geocode": 2, "geocode_epoch": 1}
    own |= {"geocode_delay": 1, "correct_atmosphere": 2, "geocode_tide": 1}
    own |= {"estimate_azimuth_offsets": 2, "measure_along_track": 2}
    own |= {"verify_coregistration": 1}
    frame = {"check_closure": 1, "describe_frame": 1, "publish": 1, "validate_tree": 1, "report_frame": 1}
    assert counts(plan) == own | frame
    before = {path: path.stat().st_mtime_ns for path in (campaign.folder / "results").rglob("*.geo.unw.tif")}
    run(campaign)
    assert len(list((tree_of(campaign) / "interferograms").iterdir())) == 15
    assert planned(campaign.run("insar", "--dry-run").stdout) == {}
    kept = [path for path in before if "geocode" in path.parts]
    assert len(kept) == 13
    assert all(path.stat().st_mtime_ns == before[path] for path in kept)
