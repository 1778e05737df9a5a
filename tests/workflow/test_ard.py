"""The ard line through Snakemake: plans, a campaign, a further image, a bad one, FORCE's queue and parameter file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from levelworks.ard.peer.parameter_file import write_parameters
from levelworks.ard.simulation.scene_description import Clouds, SceneDescription
from levelworks.ard.simulation.simulate import simulate_landsat
from workflow import Workflow, planned

PROJECTION = "EPSG:3035"
SIDE = 120


def run(campaign: Workflow, *words: str, **options):
    """Run the line in warm workers, as people do."""
    return campaign.run("ard", *words, profile="local", **options)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> list[Path]:
    """Write two images of one day that overlap, and one of a later day."""
    folder = tmp_path_factory.mktemp("scenes")
    days = [("2018-08-24", 24, 12.85), ("2018-08-24", 25, 12.87), ("2018-09-25", 24, 12.85)]
    found = []
    for number, (day, row, longitude) in enumerate(days):
        description = SceneDescription(
            rows=SIDE,
            columns=SIDE,
            place=(longitude, 51.7),
            day=type(SceneDescription().day).fromisoformat(day),
            path_row=(193, row),
            clouds=Clouds(cover=0.1, size=800.0),
            truth="none",
            seed=number,
        )
        found.append(simulate_landsat(description, folder).path)
    return found


@pytest.fixture(scope="module")
def campaign(scenes, tmp_path_factory) -> Workflow:
    """Run the two images of one day."""
    folder = tmp_path_factory.mktemp("campaign")
    for scene in scenes[:2]:
        shutil.copytree(scene, folder / "level1" / scene.name)
    section = {"images": "level1", "tile-image": {"projection": PROJECTION}}
    made = Workflow(folder, {"campaign": {"max_quarantined": 0.5}, "ard": section})
    assert planned(made.run("ard", "--dry-run").stdout) == {
        "process_image": 2,
        "tile_image": 2,
        "merge_tile": 1,
        "mosaic": 1,
        "report_level2": 1,
        "make_parameter_file": 1,
        "check_outcomes": 1,
        "ard": 1,
    }
    assert not (folder / "results").exists()
    run(made)
    return made


@pytest.mark.long
def test_images_of_a_day_are_one_product_of_the_cube_and_a_second_run_makes_nothing(campaign):
    results = campaign.folder / "results" / "ard"
    products = sorted(path.name for path in (results / "cube").glob("X*/*_BOA.tif"))
    assert set(products) == {"20180824_LEVEL2_LND08_BOA.tif"}
    assert (results / "mosaic" / "cube" / "20180824_LEVEL2_LND08_QAI.vrt").is_file()
    assert (results / "report-level2" / "report.html").read_text().count("<svg") > 3
    assert "Nothing to be done" in run(campaign).stdout


@pytest.mark.long
def test_a_further_image_and_a_bad_one_add_their_own_jobs(campaign, scenes):
    level1 = campaign.folder / "level1"
    shutil.copytree(scenes[2], level1 / scenes[2].name)
    bad = level1 / scenes[2].name.replace("193024", "193026")
    bad.mkdir()
    for path in scenes[2].iterdir():
        shutil.copy(path, bad / path.name.replace("193024", "193026"))
    next(bad.glob("*_B4.TIF")).unlink()
    jobs = planned(campaign.run("ard", "--dry-run").stdout)
    assert jobs["process_image"] == 2
    assert jobs["merge_tile"] == 1
    run(campaign)
    results = campaign.folder / "results" / "ard"
    record = json.loads((results / "process-image" / f"{bad.name}.json").read_text())
    assert record["outcome"] == "quarantined"
    assert "_B4.TIF" in record["reason"]
    assert bad.name in (results / "quarantine.tsv").read_text()
    assert list((results / "cube").glob("X*/20180925_LEVEL2_LND08_BOA.tif"))


@pytest.mark.long
def test_a_killed_campaign_goes_on_to_the_same_bytes(scenes, tmp_path):
    campaigns = []
    for name in ("whole", "killed"):
        for scene in (scenes[0], scenes[2]):
            shutil.copytree(scene, tmp_path / name / "level1" / scene.name)
        section = {"images": "level1", "tile-image": {"projection": PROJECTION}}
        campaigns.append(Workflow(tmp_path / name, {"ard": section}))
    whole, killed = campaigns
    run(whole)
    process = subprocess.Popen(
        killed.command("ard", profile="local"),
        cwd=killed.folder,
        env=killed.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    results = killed.folder / "results" / "ard"
    deadline = time.monotonic() + 120
    while not list(results.glob("tile-image/[!.]*")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    standing = [path / "image.json" for path in results.glob("process-image/[!.]*") if path.is_dir()]
    assert standing
    times = [path.stat().st_mtime_ns for path in standing]
    killed.run("ard", "--unlock", profile="local")
    run(killed)
    assert [path.stat().st_mtime_ns for path in standing] == times
    for folder in ("process-image", "tile-image", "cube", "mosaic"):
        made, known = (
            {
                path.relative_to(one.folder): path.read_bytes()
                for path in sorted((one.folder / "results" / "ard" / folder).rglob("*.tif"))
            }
            for one in (killed, whole)
        )
        assert made == known
        assert known or folder == "mosaic"
    assert not list((killed.folder / "results").rglob(".part.*"))


@pytest.mark.long
def test_a_queue_and_a_parameter_file_of_force_are_all_it_needs(scenes, tmp_path):
    done, queued = tmp_path / scenes[0].name, tmp_path / scenes[2].name
    for source, target in ((scenes[0], done), (scenes[2], queued)):
        shutil.copytree(source, target)
    (tmp_path / "queue.txt").write_text(f"{done} DONE\n{queued}  QUEUED\n")
    (tmp_path / "cube").mkdir()
    values = {"PROJECTION": PROJECTION, "FILE_QUEUE": str(tmp_path / "queue.txt"), "DIR_LEVEL2": str(tmp_path / "cube")}
    (tmp_path / "level2.prm").write_text(write_parameters(values | {"OUTPUT_HOT": True}))
    campaign = Workflow(tmp_path, {"ard": {"peer": "level2.prm"}})
    run(campaign)
    assert (tmp_path / "queue.txt").read_text() == f"{done} DONE\n{queued} DONE\n"
    assert list((tmp_path / "cube").glob("X*/20180925_LEVEL2_LND08_HOT.tif"))
    again = planned(campaign.run("ard", "--dry-run").stdout)
    assert "process_image" not in again


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": "nowhere"}, "ard.images: nowhere is neither a file nor a folder"),
        ({"dem": "nowhere.tif"}, "ard.dem: nowhere.tif does not exist"),
        ({"process-image": {"tier": 4}}, "ard.process-image.tier"),
        ({"peer": "nowhere.prm"}, "nowhere.prm"),
    ],
)
def test_mistakes_are_named_before_anything_runs(tmp_path, changed, message):
    campaign = Workflow(tmp_path, {"ard": changed})
    done = campaign.run("ard", "--dry-run", check=False)
    assert done.returncode != 0
    assert message in done.stdout
