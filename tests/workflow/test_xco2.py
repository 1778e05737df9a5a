"""The xco2 line through Snakemake: plans, days one by one, new builds, bad granules, kills, the peer's files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import xarray as xr
import yaml
from lite_campaigns import DATASETS, FIRST, section, simulated_days, stores

from levelworks.core import config
from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.layout import Layout
from levelworks.xco2.plan import plan_campaign
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.simulated_campaigns import looks_of_day
from levelworks.xco2.targets import read_targets
from workflow import ROOT, Workflow, planned


def run(campaign: Workflow, *words: str, **options):
    """Run the line in warm workers, as people do; a single one for all of a rule that is ready."""
    return campaign.run("xco2", "--jobarray-bundle", "20", *words, profile="local", **options)


def record(folder: Path, product: str) -> dict:
    """Return the record of a product."""
    return json.loads((folder / "results" / "xco2" / f"{product}.json").read_text())


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    simulated_days(folder, targets=2)
    return folder


@pytest.fixture
def campaign(raw, tmp_path) -> Workflow:
    shutil.copytree(raw, tmp_path / "raw")
    return Workflow(tmp_path, {"xco2": section()})


EVERYTHING = {"cogs": "on", "world": "on", "plots": True, "tables": True, "climatologies": ["monthly"]}


@pytest.fixture(scope="module")
def whole(raw, tmp_path_factory) -> Workflow:
    """A campaign that was run with everything that can be asked for, never to be touched again."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(raw, folder / "raw")
    made = Workflow(folder, {"xco2": section(**EVERYTHING)})
    run(made)
    return made


def test_dry_run_plans_every_job_and_writes_nothing(campaign):
    campaign.config["xco2"] |= EVERYTHING
    assert planned(campaign.run("xco2", "--dry-run").stdout) == {
        "cut_captures": 9,
        "grid_capture": 9,
        "list_captures": 3,
        "update_cube": 12,
        "verify_cube": 6,
        "write_cog": 9,
        "update_global": 2,
        "tabulate_targets": 3,
        "make_climatology": 12,
        "plot_capture": 9,
        "plot_target": 6,
        "select_days": 1,
        "check_outcomes": 1,
        "xco2": 1,
    }
    assert not (campaign.folder / "results").exists()


@pytest.mark.long
def test_everything_is_made_and_a_second_run_makes_nothing(whole):
    results = whole.folder / "results" / "xco2"
    outcomes = [json.loads(path.read_text())["outcome"] for path in results.rglob("*.json") if is_record(path)]
    assert set(outcomes) <= {"done", "skipped"}
    assert outcomes.count("done") > 60
    cube = xr.open_zarr(results / "update-cube" / "post_qf" / "oco3" / "fossil0005.zarr")
    assert cube.xco2.dims == ("time", "latitude", "longitude")
    assert 405 < float(cube.xco2.mean()) < 420
    assert record(whole.folder, "verify-cube/oco3/fossil0005_report.json")["quality"]["findings"] == 0
    assert len(list((results / "write-cog" / "oco3" / "2020-03-03").glob("*.tif"))) >= 14
    assert {path.name for path in (results / "update-global").iterdir() if path.is_dir()} == {"pre_qf", "post_qf"}
    assert (results / "plot-target" / "oco3" / "fossil0005.png").stat().st_size > 10_000
    assert "Nothing to be done" in run(whole).stdout


def is_record(path: Path) -> bool:
    """Tell whether a file is a record."""
    return "levelworks_record" in path.read_text()


@pytest.mark.long
def test_days_that_come_one_by_one_give_the_same_stores(whole, raw, tmp_path):
    at_once = stores(whole.folder)
    later = Workflow(tmp_path, {"xco2": section(world="on")})
    (later.folder / "raw").mkdir()
    shutil.copy(raw / "targets.json", later.folder / "raw")
    files = sorted(raw.glob("*.nc4"))
    for day in ("200305", "200303", "200304"):  # in any order
        for path in files:
            if f"_{day}_" in path.name:
                shutil.copy(path, later.folder / "raw")
        later.config["xco2"]["select-days"] = {"every_day": True}
        run(later)
    assert stores(later.folder) == at_once
    assert any(name.endswith(".zarr/.zmetadata") for name in at_once)
    assert any(name.startswith("update-global/") for name in at_once)


@pytest.mark.long
def test_a_newer_build_takes_the_place_of_the_older_and_an_older_one_is_refused(whole, raw, tmp_path):
    shutil.copytree(whole.folder, tmp_path / "campaign")
    campaign = Workflow(tmp_path / "campaign", {"xco2": section()})
    before = stores(campaign.folder)
    sites = list(read_targets(raw / "targets.json").values())
    looks = looks_of_day(sites, FIRST, "oco3", looks=2, frames=8)
    newer = simulate_day(campaign.folder / "raw", "oco3", FIRST, looks, background=20, build="B12000Ar", seed=4)
    plan = planned(campaign.run("xco2", "--dry-run").stdout)
    assert (plan["cut_captures"], plan["grid_capture"], plan["list_captures"]) == (1, 1, 1)
    run(campaign)
    changed = stores(campaign.folder)
    assert changed != before
    cubes = [xr.open_zarr(path) for path in (campaign.folder / "results/xco2/update-cube/pre_qf/oco3").glob("*.zarr")]
    sources = {str(name) for cube in cubes for name in cube.source_file.values if "_200303_" in str(name)}
    assert sources == {newer.name}
    newer.unlink()  # what was processed is remembered: the older file of that day does not come back
    run(campaign)
    assert stores(campaign.folder) == changed


@pytest.mark.long
def test_bad_granules_are_quarantined_and_the_others_proceed(campaign):
    truncated = next((campaign.folder / "raw").glob("oco3_LtCO2_200304*.nc4"))
    truncated.write_bytes(truncated.read_bytes()[:30_000])
    campaign.config["campaign"] = {"max_quarantined": 0.5}
    run(campaign)
    name = truncated.stem
    assert "truncated" in record(campaign.folder, f"cut-captures/{name}.nc")["reason"]
    assert "truncated" in record(campaign.folder, f"grid-capture/{name}.nc")["reason"]
    assert f"left out {name}.nc" in record(campaign.folder, "list-captures/oco3.tsv")["warnings"][0]
    table = (campaign.folder / "results/xco2/quarantine.tsv").read_text()
    assert name in table
    cubes = list((campaign.folder / "results/xco2/update-cube/pre_qf").rglob("*.zarr"))
    sources = {str(one) for cube in cubes for one in xr.open_zarr(cube).source_file.values}
    assert len(sources) >= 7
    assert truncated.name not in sources


def test_too_many_bad_granules_fail_with_the_list(campaign):
    for path in (campaign.folder / "raw").glob("*.nc4"):
        if path.name.startswith("oco3_LtCO2"):
            path.write_bytes(b"no NetCDF")
        else:
            path.unlink()
    campaign.config["xco2"]["select-days"] = {"every_day": True}
    done = run(campaign, check=False)
    assert done.returncode != 0
    assert "3 of 3 granules are quarantined, more than max_quarantined 0.1 allows" in done.stdout


@pytest.mark.long
def test_a_killed_run_goes_on_to_the_same_stores(campaign, whole):
    process = subprocess.Popen(
        campaign.command("xco2", profile="local"),
        cwd=campaign.folder,
        env=campaign.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    cubes = campaign.folder / "results" / "xco2" / "update-cube"
    deadline = time.monotonic() + 300
    while len(list(cubes.glob("*/*/[!.]*.zarr"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    standing = list(cubes.glob("*/*/[!.]*.zarr"))
    assert len(standing) >= 4
    for cube in standing:
        xr.open_zarr(cube).load()
    campaign.run("xco2", "--unlock", profile="local")
    run(campaign)
    undisturbed = {name: content for name, content in stores(whole.folder).items() if name.startswith("update-cube/")}
    assert stores(campaign.folder) == undisturbed


def test_days_without_all_datasets_wait_for_a_complete_one(campaign):
    next((campaign.folder / "raw").glob("oco2_LtCO2_200305*")).unlink()
    jobs = planned(campaign.run("xco2", "--dry-run").stdout)
    assert jobs["cut_captures"] == 6
    campaign.config["xco2"]["select-days"] = {"skipped": ["oco2"]}
    assert planned(campaign.run("xco2", "--dry-run").stdout)["cut_captures"] == 6
    campaign.config["xco2"]["select-days"] = {"every_day": True}
    assert planned(campaign.run("xco2", "--dry-run").stdout)["cut_captures"] == 8


WRONG = [
    ({"targets": "nowhere.json"}, "xco2.targets.oco3: nowhere.json does not exist"),
    ({"targets": None}, "xco2.targets"),
    ({"only-targets": ["atlantis"]}, "xco2.only-targets: no targets file has atlantis"),
    ({"granules": "nothing"}, "xco2.granules: nothing is neither a file nor a folder"),
    ({"grid-capture": {"latitude": 0}}, "xco2.grid-capture.latitude"),
    ({"grid-capture": {"latitude": 1, "convention": "node"}}, "need at least 2"),
    ({"layout": "{target}.zarr"}, "xco2: layout"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_wrong_configurations_can_not_be_planned(campaign, monkeypatch, changed, message):
    monkeypatch.chdir(campaign.folder)
    campaign.config["xco2"] |= changed
    campaign.command("xco2")
    with pytest.raises(InvalidOptions) as caught:
        found = config.load_files([ROOT / "config" / "config.yaml", Path("campaign.yaml")]).xco2
        Layout(plan_campaign(found, Path("state.json")), Path("results")).targets()
    assert message in str(caught.value)


@pytest.mark.parametrize(("changed", "message"), [WRONG[2], WRONG[6]])
def test_wrong_configurations_stop_before_any_job(campaign, changed, message):
    campaign.config["xco2"] |= changed
    done = campaign.run("xco2", "--dry-run", check=False)
    assert done.returncode != 0
    assert message in done.stdout


@pytest.mark.long
def test_the_peer_s_configuration_gives_the_peer_s_layout(campaign):
    files = sorted((campaign.folder / "raw").glob("*_200303_*.nc4"))
    keys = {"oco2_LtCO2": "oco2", "oco3_LtCO2": "oco3", "oco3_LtSIF": "oco3_sif"}
    peer = {
        "input": {"files": [{keys["_".join(path.name.split("_")[:2])]: str(path) for path in files}]},
        "output": {
            "local": str(campaign.folder / "product"),
            "naming": {"pre_qf": "before", "post_qf": "after"},
            "global": False,
            "cog": {"output": {"local": str(campaign.folder / "cogs")}, "options": {"blocksize": 128, "odd": 1}},
        },
        "grid": {"latitude": 50, "longitude": 40, "method": "linear"},
        "chunking": {"latitude": 25, "longitude": 40, "time": 5},
        "target-file": {"oco3": "raw/targets.json", "oco2": "raw/targets.json"},
        "max-workers": 4,
    }
    (campaign.folder / "run-config.yaml").write_text(yaml.safe_dump(peer))
    campaign.config["xco2"] = {"peer": "run-config.yaml", "select-days": {"every_day": True}}
    run(campaign)
    cubes = sorted(
        path.relative_to(campaign.folder / "product") for path in (campaign.folder / "product").rglob("*.zarr")
    )
    assert {str(path.parent) for path in cubes} == {f"{one}/{name}" for one in ("before", "after") for name in DATASETS}
    cube = xr.open_zarr(campaign.folder / "product" / cubes[0])
    assert dict(cube.sizes) | {"latitude": 50, "longitude": 40} == dict(cube.sizes)
    names = {path.name for path in (campaign.folder / "cogs").iterdir()}
    assert any(name.startswith("oco3-co2_") and name.endswith("Z_filtered_xco2.tif") for name in names)
