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

import h5py
import pytest
from plume_campaigns import products, scenes_of, section, simulated_granules

from levelworks.core import config
from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.layers import open_layers
from levelworks.plumes.plan import plan_campaign
from levelworks.plumes.scene import Sensor
from workflow import ROOT, Workflow, planned

SENSORS: tuple[Sensor, ...] = ("EMIT", "EnMAP")
"""Days apart, so that neither's winds may cover the other."""
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
    simulated_granules(folder, SENSORS, apart=3)
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


def of_one_scene(raw: Path, folder: Path) -> Workflow:
    """Return a campaign of the scene of EMIT alone, without pictures."""
    shutil.copytree(raw, folder / "raw")
    for path in (folder / "raw").glob("ENMAP*"):
        path.unlink()
    return Workflow(folder, {"plumes": section()})


@pytest.fixture(scope="module")
def single(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A campaign of one scene that was run on one core, never to be touched again."""
    made = of_one_scene(raw, tmp_path_factory.mktemp("single"))
    run(made, "--cores", "1")
    return made


def copied(made: Workflow, folder: Path) -> Workflow:
    """Return a copy of a campaign that was run, with which a test may do as it likes."""
    shutil.copytree(made.folder, folder / "campaign")
    return Workflow(folder / "campaign", {"plumes": dict(made.config["plumes"])})


@pytest.fixture
def ready(whole: Workflow, tmp_path: Path) -> Workflow:
    return copied(whole, tmp_path)


def plumes_of(campaign: Workflow, scene: str, stage: str = "quantify") -> list[dict[str, str]]:
    """Return the rows of a scene's table of plumes."""
    with (campaign.folder / "results" / "plumes" / stage / scene / "plumes.csv").open() as file:
        return list(csv.DictReader(file))


def test_dry_run_plans_every_job_and_writes_nothing(campaign):
    assert plan(campaign) == {**dict.fromkeys(STAGES, len(SENSORS)), **TOGETHER}
    assert not (campaign.folder / "results").exists()


def test_one_pass_plans_no_second(campaign):
    campaign.config["plumes"]["two-pass"] = "off"
    expected = {**dict.fromkeys(STAGES, len(SENSORS)), **TOGETHER}
    del expected["mask_plumes"], expected["retrieve_again"]
    assert plan(campaign) == expected


WRONG = [
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
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_wrong_configurations_can_not_be_planned(campaign, monkeypatch, changed, message):
    monkeypatch.chdir(campaign.folder)
    campaign.config["plumes"] |= changed
    campaign.command("plumes")
    with pytest.raises(InvalidOptions) as caught:
        _ = plan_campaign(config.load_files([ROOT / "config" / "config.yaml", Path("campaign.yaml")]).plumes).era5
    assert message in str(caught.value)


@pytest.mark.parametrize(("changed", "message"), [WRONG[3], WRONG[7]])
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
        rows = plumes_of(whole, scene)
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
    plume = plumes_of(ready, scene)[0]
    point = [float(plume["plume_longitude"]), float(plume["plume_latitude"])]
    feature = {"type": "Feature", "properties": {"name": "well"}, "geometry": {"type": "Point", "coordinates": point}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    ready.config["plumes"]["markers"] = "markers"
    expected = jobs_from("mask_plumes", 1, without=("wind",))
    assert plan(ready) == expected
    ready.config["plumes"]["plots"] = False
    run(ready)
    after = products(ready.folder)
    changed = {name for name in before if before[name] != after.get(name)}
    assert any(name.startswith("detect-plumes/") for name in changed)
    name = scene.replace("L2B", "L1B_RAD")
    assert all(scene in one or name in one for one in changed if not one.startswith("revisit/"))
    labels = json.loads((ready.folder / "results/plumes/detect-plumes" / f"{name}.geojson").read_text())
    assert labels["features"][0]["properties"]["marker"] == "well"
    path.write_text(path.read_text().replace("well", "tank"))
    ready.config["plumes"]["plots"] = True
    assert plan(ready) == expected


@pytest.mark.long
def test_edits_rerun_their_stage_and_what_reads_it(single, tmp_path):
    edited = copied(single, tmp_path)
    scene = scenes_of(edited.folder / "raw")[0]
    (plume, *_) = plumes_of(edited, scene)
    edits = edited.folder / "edits.csv"
    edits.write_text(f"plume_id,name\n{plume['plume_id']},North well\n")
    edited.config["plumes"]["edits"] = "edits.csv"
    expected = {"reprocess_plumes": 1, "revisit": 1}
    assert plan(edited) == expected
    run(edited)
    assert plumes_of(edited, scene, "reprocess-plumes")[0]["name"] == "North well"
    assert plumes_of(edited, scene)[0]["name"] != "North well"
    edits.write_text(edits.read_text().replace("North", "South"))
    assert plan(edited) == expected


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
    ready.config["plumes"] = original | {"map-scenes": {"chunk": 2}, "cogs": False}
    assert plan(ready) == {"map_scenes": 1}  # what is no longer asked for is left as it is
    ready.config["plumes"] = original | {"unortho": True}
    assert plan(ready)["orthorectify"] == everywhere
    ready.config["plumes"] = original
    wind = next((ready.folder / "raw" / "winds" / "geos_fp").glob("*20230621_*"))
    wind.write_bytes(wind.read_bytes() + b"\0")
    assert plan(ready) == jobs_from("detect_plumes", 1, wind=1)


@pytest.mark.long
def test_geotiffs_and_pictures_that_are_asked_for_later_are_made(single, whole, tmp_path):
    """They are the bytes of the campaign that made them at once."""
    later = copied(single, tmp_path)
    later.config["plumes"] |= {"cogs": True, "plots": True}
    assert plan(later) == {"orthorectify": 1, "plot_scene": 1, "plot_plume": 1, "map_scenes": 1}
    run(later)
    found, known = of_scenes(later), of_scenes(whole)
    (scene,) = scenes_of(later.folder / "raw")
    assert {f"orthorectify/{scene}/{scene}_ch4.tif", f"plot-scene/{scene}/{scene}.html"} <= set(found)
    assert found == {name: known.get(name) for name in found}


def of_scenes(campaign: Workflow) -> dict[str, bytes]:
    """Return the bytes of the products of single scenes."""
    found = products(campaign.folder)
    return {name: content for name, content in found.items() if not name.startswith(("revisit/", "map-scenes/"))}


@pytest.mark.long
def test_two_runs_from_nothing_make_the_same_bytes(single, whole):
    """On one core and on all, alone and beside another scene."""
    found, known = of_scenes(single), of_scenes(whole)
    stages = {name.split("/")[0] for name in found}
    assert stages == {name.replace("_", "-") for name in STAGES if not name.startswith("plot")}
    assert found == {name: known.get(name) for name in found}


@pytest.mark.long
def test_a_killed_run_goes_on_to_the_same_bytes(raw, single, tmp_path):
    killed = of_one_scene(raw, tmp_path)
    process = subprocess.Popen(
        killed.command("plumes", profile="local"),
        cwd=killed.folder,
        env=killed.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    results = killed.folder / "results" / "plumes"
    deadline = time.monotonic() + 400
    while not list(results.glob("retrieve-again/[!.]*.nc")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    standing = list(results.glob("*/[!.]*.nc"))
    assert len(standing) >= 4
    for path in standing:
        with open_layers(path) as layers:
            assert layers.names
    assert not (results / "quantify").exists()
    finished = [path for stage in ("absorption", "retrieve") for path in results.glob(f"{stage}/*.nc")]
    times = [path.stat().st_mtime_ns for path in finished]
    killed.run("plumes", "--unlock", profile="local")
    run(killed)
    assert [path.stat().st_mtime_ns for path in finished] == times
    assert products(killed.folder) == products(single.folder)
    assert not list((killed.folder / "results").rglob(".part.*"))


@pytest.mark.long
def test_bad_granules_are_told_of_and_the_others_proceed(tmp_path):
    """Without winds, and in one pass."""
    folder = tmp_path / "raw"
    emit: list[Sensor] = ["EMIT"] * 4
    good, truncated, cloudy, imperial, prisma = simulated_granules(folder, [*emit, "PRISMA"])
    truncated.write_bytes(truncated.read_bytes()[:30_000])
    cover(cloudy)
    with h5py.File(imperial, "r+") as file:
        file["radiance"].attrs["units"] = "BTU/ft^2"
    prisma.write_bytes(b"<html>")
    bad = (truncated, imperial, prisma)
    plumes = {"granules": "raw", "two-pass": "off"}
    campaign = Workflow(tmp_path, {"campaign": {"max_quarantined": 0.6}, "plumes": plumes})
    run(campaign, "--jobarray-bundle", "5")
    results = tmp_path / "results" / "plumes"
    with (results / "outcomes.tsv").open() as file:
        outcomes = {row["granule"]: (row["outcome"], row["reason"]) for row in csv.DictReader(file, delimiter="\t")}
    assert {name: outcome for name, (outcome, _) in outcomes.items()} == {
        cloudy.stem: "skipped",
        good.stem: "done",
        **{one.stem: "quarantined" for one in bad},
    }
    assert "truncated" in outcomes[truncated.stem][1]
    assert "cloud 100 %" in outcomes[cloudy.stem][1]
    assert "BTU/ft^2" in outcomes[imperial.stem][1]
    table = (results / "quarantine.tsv").read_text()
    assert all(one.stem in table for one in bad)
    assert cloudy.stem not in table
    status = campaign.levelworks("status").stdout
    assert all(one.stem in status for one in bad)
    scene = good.stem.replace("L1B_RAD", "L2B")
    assert plumes_of(campaign, scene)
    assert record(campaign, f"quantify/{scene}")["outcome"] == "done"
    assert "there is no wind: emission rates are not a number" in record(campaign, f"quantify/{scene}")["warnings"]
    assert len(record(campaign, "revisit/sites.csv")["warnings"]) == len(bad)
    assert "Nothing to be done" in run(campaign).stdout
    campaign.config["campaign"]["max_quarantined"] = 0.1
    done = run(campaign, check=False)
    assert done.returncode != 0
    assert "3 of 5 granules are quarantined, more than max_quarantined 0.1 allows" in done.stdout.replace("\n", " ")


def cover(radiance: Path) -> None:
    """Put clouds over a whole scene."""
    with h5py.File(radiance.with_name(radiance.name.replace("L1B_RAD", "L2A_MASK")), "r+") as file:
        file["mask"][:, :, 0] = 1
