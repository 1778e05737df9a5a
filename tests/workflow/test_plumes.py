"""The plumes line through Snakemake: plans, runs, reruns after people's edits, bad granules, kills."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from plume_campaigns import SENSORS, products, scenes_of, section, simulated_granules

from levelworks.plumes.layers import open_layers
from workflow import Workflow, planned

STAGES = ("absorption", "retrieve", "mask_plumes", "retrieve_again", "denoise", "wind", "detect_plumes", "orthorectify")
STAGES += ("quantify", "plot_scene", "plot_plume")
"""Of a granule, in the order of the line."""
TOGETHER = {"revisit": 1, "map_scenes": 1}


def run(campaign: Workflow, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the line in warm workers, as people do."""
    return campaign.run("plumes", *words, profile="local", **options)


def plan(campaign: Workflow) -> dict[str, int]:
    """Return the number of jobs by rule that another run would have, the target and the table of outcomes aside."""
    jobs = planned(campaign.run("plumes", "--dry-run", profile="local").stdout)
    return {rule: number for rule, number in jobs.items() if rule not in ("plumes", "check_outcomes")}


def jobs_from(first: str, scenes: int, *, without: tuple[str, ...] = (), **more: int) -> dict[str, int]:
    """Return the jobs of some scenes from a stage on, with what puts scenes together."""
    following = STAGES[STAGES.index(first) :]
    return {name: scenes for name in following if name not in without} | TOGETHER | more


def record(campaign: Workflow, product: str) -> dict[str, Any]:
    """Return the record of a product."""
    return json.loads((campaign.folder / "results" / "plumes" / f"{product}.json").read_text())


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("level1") / "raw"
    simulated_granules(folder)
    return folder


@pytest.fixture
def campaign(raw: Path, tmp_path: Path) -> Workflow:
    shutil.copytree(raw, tmp_path / "raw")
    return Workflow(tmp_path, {"plumes": section(plots=True)})


@pytest.fixture(scope="module")
def whole(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A campaign that was run, never to be touched again."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(raw, folder / "raw")
    made = Workflow(folder, {"plumes": section(plots=True, cogs=True)})
    run(made)
    return made


@pytest.fixture
def ready(whole: Workflow, tmp_path: Path) -> Workflow:
    """A copy of that campaign, with which a test may do as it likes."""
    shutil.copytree(whole.folder, tmp_path / "campaign")
    return Workflow(tmp_path / "campaign", {"plumes": dict(whole.config["plumes"])})


def test_dry_run_plans_every_job_and_writes_nothing(campaign):
    assert plan(campaign) == {**dict.fromkeys(STAGES, len(SENSORS)), **TOGETHER}
    assert not (campaign.folder / "results").exists()


def test_one_pass_plans_no_second(campaign):
    campaign.config["plumes"]["two-pass"] = "off"
    expected = {**dict.fromkeys(STAGES, len(SENSORS)), **TOGETHER}
    del expected["mask_plumes"], expected["retrieve_again"]
    assert plan(campaign) == expected


def test_edits_plan_their_stage(campaign):
    (campaign.folder / "edits.csv").write_text("plume_id,keep\n")
    campaign.config["plumes"] |= {"edits": "edits.csv", "plots": False}
    assert plan(campaign)["reprocess_plumes"] == len(SENSORS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"granules": "nothing"}, "plumes.granules: nothing is neither a file nor a folder"),
        ({"gases": ["co2"]}, "plumes.gases: nothing says how co2 absorbs; name plumes.lookup-tables.co2"),
        ({"gases": ["argon"]}, "plumes.gases"),
        ({"era5": "nowhere"}, "plumes.era5: nowhere is neither a file nor a folder"),
        ({"markers": "nowhere"}, "plumes.markers: nowhere is no folder"),
        ({"sites": "nowhere.csv"}, "plumes.sites: nowhere.csv does not exist"),
        ({"cross-sections": {"co": "co.txt"}}, "plumes.cross-sections.co: co.txt does not exist"),
        ({"two-pass": "maybe"}, "plumes.two-pass: is 'maybe'"),
        ({"quantify": {"method": ["ime"]}}, "plumes.quantify.method"),
        ({"calibrate-wind": {}, "effective-winds": "raw"}, "choose"),
    ],
)
def test_wrong_configurations_stop_before_any_job(campaign, changed, message):
    campaign.config["plumes"] |= changed
    done = campaign.run("plumes", "--dry-run", check=False)
    assert done.returncode != 0
    assert message in done.stdout


@pytest.mark.long
def test_everything_is_made_and_a_second_run_makes_nothing(whole):
    results = whole.folder / "results" / "plumes"
    scenes = scenes_of(whole.folder / "raw")
    assert len(scenes) == len(SENSORS)
    with (results / "outcomes.tsv").open() as file:
        outcomes = list(csv.DictReader(file, delimiter="\t"))
    assert [row["outcome"] for row in outcomes] == ["done"] * len(SENSORS)
    for scene in scenes:
        assert (results / "orthorectify" / f"{scene}.nc").stat().st_size > 10_000
        assert (results / "orthorectify" / scene / f"{scene}_ch4.tif").is_file()
        with (results / "quantify" / scene / "plumes.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(float(row["emission"]) > 0 for row in rows)
        assert (results / "plot-scene" / scene / f"{scene}.html").is_file()
        assert len(list((results / "plot-plume" / scene).glob("*_plume?.png"))) == len(rows)
    page = (results / "map-scenes" / "raw" / "raw.html").read_text()
    assert all(scene in page for scene in scenes)
    assert record(whole, "revisit/sites.csv")["quality"]["scenes"] == len(SENSORS)
    assert "Nothing to be done" in run(whole).stdout


@pytest.mark.long
def test_markers_of_a_scene_rerun_what_follows_them_for_this_scene(ready):
    before = products(ready.folder)
    scene = scenes_of(ready.folder / "raw")[0]
    path = ready.folder / "markers" / f"{scene}.geojson"
    path.parent.mkdir()
    with (ready.folder / "results/plumes/quantify" / scene / "plumes.csv").open() as file:
        plume = next(csv.DictReader(file))
    point = [float(plume["plume_longitude"]), float(plume["plume_latitude"])]
    feature = {"type": "Feature", "properties": {"name": "well"}, "geometry": {"type": "Point", "coordinates": point}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    ready.config["plumes"]["markers"] = "markers"
    expected = jobs_from("mask_plumes", 1, without=("wind",))
    assert plan(ready) == expected
    run(ready)
    after = products(ready.folder)
    changed = {name for name in before if before[name] != after.get(name)}
    assert any(name.startswith("detect-plumes/") for name in changed)
    name = scene.replace("L2B", "L1B_RAD")
    aggregates = ("revisit/", "map-scenes/")
    assert all(scene in one or name in one for one in changed if not one.startswith(aggregates))
    labels = json.loads((ready.folder / "results/plumes/detect-plumes" / f"{name}.geojson").read_text())
    assert labels["features"][0]["properties"]["marker"] == "well"
    path.write_text(path.read_text().replace("well", "tank"))
    assert plan(ready) == expected


@pytest.mark.long
def test_what_people_change_reruns_what_reads_it(ready):
    """Plans of copies of one campaign: each change alone."""
    everywhere = len(SENSORS)
    original = dict(ready.config["plumes"])
    (ready.folder / "rejected.csv").write_text("plume_id,reason\nemi-20230621t065312-plume0,a roof\n")
    ready.config["plumes"] = original | {"rejected": "rejected.csv"}
    assert plan(ready) == jobs_from("detect_plumes", everywhere)
    ready.config["plumes"] = original | {"quantify": {"wspd_manual": 3.0}}
    assert plan(ready) == {"quantify": everywhere, "plot_scene": everywhere, "plot_plume": everywhere, **TOGETHER}
    ready.config["plumes"] = original | {"denoise": {"steps": 6}}
    assert plan(ready) == jobs_from("denoise", everywhere, without=("wind",))
    ready.config["plumes"] = original | {"map-scenes": {"chunk": 2}}
    assert plan(ready) == {"map_scenes": 1}
    ready.config["plumes"] = original | {"cogs": False}
    assert plan(ready) == {}
    ready.config["plumes"] = original | {"unortho": True}
    assert plan(ready)["orthorectify"] == everywhere
    ready.config["plumes"] = original
    wind = next((ready.folder / "raw" / "winds" / "geos_fp").glob("*20230622_*"))
    wind.write_bytes(wind.read_bytes() + b"\0")
    near = 3  # the winds of a day may cover scenes of its neighbours too
    assert plan(ready) == jobs_from("detect_plumes", near, wind=near)


@pytest.mark.long
def test_geotiffs_that_are_asked_for_later_are_made(ready):
    shutil.rmtree(ready.folder / "results/plumes/orthorectify" / scenes_of(ready.folder / "raw")[0])
    (ready.folder / "results/plumes/orthorectify" / f"{scenes_of(ready.folder / 'raw')[0]}.json").unlink()
    assert plan(ready) == {"orthorectify": 1, "plot_scene": 1, "plot_plume": 1, "map_scenes": 1}


@pytest.mark.long
def test_a_killed_run_goes_on_to_the_same_bytes(raw, whole, tmp_path):
    """What is compared with was made of more scenes, so that a scene's products depend on itself alone."""
    few = Workflow(tmp_path, {"plumes": section(plots=True, cogs=True)})
    shutil.copytree(raw, few.folder / "raw")
    for path in (few.folder / "raw").glob("E*_2023062[234]T*"):
        path.unlink()
    process = subprocess.Popen(
        few.command("plumes", profile="local"),
        cwd=few.folder,
        env=few.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    detected = few.folder / "results" / "plumes" / "detect-plumes"
    deadline = time.monotonic() + 120
    while not list(detected.glob("[!.]*.nc")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    standing = list((few.folder / "results/plumes").glob("*/[!.]*.nc"))
    assert len(standing) >= 11
    for path in standing:
        with open_layers(path) as layers:
            assert layers.names
    few.run("plumes", "--unlock", profile="local")
    run(few)
    found, known = products(few.folder), products(whole.folder)
    of_scenes = {name: content for name, content in found.items() if not name.startswith(("revisit/", "map-scenes/"))}
    assert len(of_scenes) > 60
    assert of_scenes == {name: known.get(name) for name in of_scenes}
    assert not list((few.folder / "results").rglob(".part.*"))


@pytest.mark.long
def test_two_runs_from_nothing_make_the_same_bytes(raw, tmp_path):
    found = []
    for cores in ("1", "2"):
        one = Workflow(tmp_path / cores, {"plumes": section(plots=True, **{"two-pass": "off"})})
        shutil.copytree(raw, one.folder / "raw")
        for path in (one.folder / "raw").glob("E*_2023062[234]T*"):
            path.unlink()
        run(one, "--cores", cores)
        found.append(products(one.folder))
    assert found[0] == found[1]
    assert {"revisit/sites.csv", "revisit/sites.png", "map-scenes/raw/raw.html"} <= set(found[0])


@pytest.mark.long
def test_bad_granules_are_told_of_and_the_others_proceed(raw, tmp_path):
    campaign = Workflow(tmp_path, {"campaign": {"max_quarantined": 0.6}, "plumes": section(plots=True)})
    shutil.copytree(raw, tmp_path / "raw")
    folder = tmp_path / "raw"
    truncated, cloudy = (next(folder.glob(f"EMIT_L1B_RAD*_2023062{day}T*[0-9].nc")) for day in (1, 2))
    truncated.write_bytes(truncated.read_bytes()[:30_000])
    cover(cloudy)
    prisma = next(folder.glob("PRS_*.he5"))
    prisma.write_bytes(b"<html>")
    for path in folder.glob("ENMAP*"):
        path.unlink()
    shutil.rmtree(folder / "winds")
    del campaign.config["plumes"]["era5"], campaign.config["plumes"]["geos-fp"]
    run(campaign)
    results = tmp_path / "results" / "plumes"
    with (results / "outcomes.tsv").open() as file:
        outcomes = {row["granule"]: (row["outcome"], row["reason"]) for row in csv.DictReader(file, delimiter="\t")}
    good = next(folder.glob("EMIT_L1B_RAD*_20230623T*[0-9].nc"))
    assert {name: outcome for name, (outcome, _) in outcomes.items()} == {
        truncated.stem: "quarantined",
        cloudy.stem: "skipped",
        good.stem: "done",
        prisma.stem: "quarantined",
    }
    assert "truncated" in outcomes[truncated.stem][1]
    assert "cloud 100 %" in outcomes[cloudy.stem][1]
    table = (results / "quarantine.tsv").read_text()
    assert truncated.stem in table
    assert prisma.stem in table
    assert cloudy.stem not in table
    status = campaign.levelworks("status").stdout
    assert all(one.stem in status for one in (truncated, prisma))
    scene = good.stem.replace("L1B_RAD", "L2B")
    assert record(campaign, f"quantify/{scene}")["outcome"] == "done"
    assert "there is no wind: emission rates are not a number" in record(campaign, f"quantify/{scene}")["warnings"]
    assert len(record(campaign, "revisit/sites.csv")["warnings"]) == 2
    left_out = record(campaign, "map-scenes/raw")["warnings"][0]
    assert all(
        one.stem.replace("L1B_RAD", "L2B").replace("L1_", "L2_") in left_out for one in (truncated, cloudy, prisma)
    )
    assert "Nothing to be done" in run(campaign).stdout
    campaign.config["campaign"]["max_quarantined"] = 0.1
    done = run(campaign, check=False)
    assert done.returncode != 0
    assert "2 of 4 granules are quarantined, more than max_quarantined 0.1 allows" in done.stdout.replace("\n", " ")


def cover(radiance: Path) -> None:
    """Put clouds over a whole scene."""
    import h5py

    with h5py.File(radiance.with_name(radiance.name.replace("L1B_RAD", "L2A_MASK")), "r+") as file:
        file["mask"][:, :, 0] = 1
