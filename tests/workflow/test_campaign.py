"""The coronagraph line through Snakemake: plans, runs, reruns, bad input, kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from levelworks.coronagraph.headers import read_units
from workflow import Workflow, environment, planned, references, simulated


def night_of(folder: Path, **more: object) -> Workflow:
    """Return a campaign of the frames in a folder's raw/."""
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw"), **more}
    return Workflow(folder, {"coronagraph": section})


def run(campaign: Workflow, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the line in warm workers, one for all of a rule that is ready; other runs have a process for every job."""
    return campaign.run("coronagraph", "--jobarray-bundle", "30", *words, profile="local", **options)


@pytest.fixture
def campaign(tmp_path: Path) -> Workflow:
    simulated(tmp_path / "raw")
    return night_of(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A campaign that was run with pictures, never to be touched again."""
    folder = tmp_path_factory.mktemp("whole")
    simulated(folder / "raw")
    made = night_of(folder, plots=True)
    run(made)
    return made


@pytest.fixture
def ready(whole: Workflow, tmp_path: Path) -> Workflow:
    """A copy of the campaign that was run, with which a test may do as it likes; pictures are no longer asked for."""
    shutil.copytree(whole.folder, tmp_path / "campaign")
    return night_of(tmp_path / "campaign")


def test_dry_run_plans_every_job_and_writes_nothing(campaign):
    jobs = planned(campaign.run("--dry-run", "coronagraph").stdout)
    expected = {"make_dark": 1, "calibrate_frame": 4, "combine": 1, "check_outcomes": 1, "coronagraph": 1}
    assert jobs == expected
    assert not (campaign.folder / "results").exists()


@pytest.mark.long
def test_run_makes_products_and_a_second_run_nothing(whole):
    names = set(whole.products)
    frames = [f"coronagraph/calibrate-frame/{path.stem}" for path in sorted((whole.folder / "raw").glob("*.fits"))]
    assert {f"{frame}_{level}.fits" for frame in frames for level in ("L2a", "L2b")} <= names
    assert {f"coronagraph/combine/night_{kind}.fits" for kind in ("mean", "median")} <= names
    assert {f"coronagraph/plot/combine/night_{kind}.png" for kind in ("mean", "median")} <= names
    for name in names:
        record = json.loads((whole.folder / "results" / f"{name}.json").read_text())
        assert record["outcome"] == "done"
    assert "Nothing to be done" in whole.run("coronagraph").stdout


@pytest.mark.long
def test_changing_an_option_reruns_exactly_the_stages_that_read_it(ready):
    ready.config["coronagraph"]["combine"] = {"scale_to_sum": True}
    assert set(planned(ready.run("--dry-run", "coronagraph").stdout)) == {"combine", "coronagraph"}
    ready.run("coronagraph")
    ready.config["coronagraph"]["calibrate-frame"] = {"desmear": "off"}
    jobs = planned(ready.run("--dry-run", "coronagraph").stdout)
    assert jobs == {"calibrate_frame": 4, "combine": 1, "check_outcomes": 1, "coronagraph": 1}


def test_a_new_frame_adds_its_own_jobs_only(ready):
    simulated(ready.folder / "raw", frames=1, first=9)
    jobs = planned(ready.run("--dry-run", "coronagraph").stdout)
    assert jobs == {"calibrate_frame": 1, "combine": 1, "check_outcomes": 1, "coronagraph": 1}


def test_wrong_configuration_stops_before_any_job(campaign):
    campaign.config["coronagraph"]["calibrate-frame"] = {"k_gian": 8.7, "desmear": "maybe"}
    done = campaign.run("--dry-run", "coronagraph", check=False)
    assert done.returncode != 0
    assert "coronagraph.calibrate-frame.k_gian: unknown key; did you mean 'k_gain'?" in done.stdout
    assert "coronagraph.calibrate-frame.desmear: is 'maybe': input should be 'off', 'on' or 'auto'" in done.stdout


def test_missing_reference_stops_before_any_job(campaign):
    campaign.config["coronagraph"]["references"]["flat"] = "raw/no_such_flat.fits"
    done = campaign.run("--dry-run", "coronagraph", check=False)
    assert done.returncode != 0
    assert "coronagraph.references.flat: raw/no_such_flat.fits does not exist" in done.stdout


def spoil(raw: Path) -> dict[str, str]:
    """Spoil frames of a folder in every way that people meet; returns the expected reason of each by id."""
    paths = sorted(raw.glob("*.fits"))
    reasons = {}

    def rewrite(path: Path, change) -> None:
        with fits.open(path) as units:
            units.readall() if hasattr(units, "readall") else None
            copied = fits.HDUList([unit.copy() for unit in units])
        change(copied)
        copied.writeto(path, overwrite=True)

    content = paths[0].read_bytes()
    paths[0].write_bytes(content[: len(content) - 30000])
    reasons[paths[0].stem] = "truncated"

    def other_level(units):
        units[1].header["DATALVL"] = "L2a"

    rewrite(paths[1], other_level)
    reasons[paths[1].stem] = "data level is L2a"

    def other_shape(units):
        units[1] = fits.ImageHDU(units[1].data[:100], units[1].header)

    rewrite(paths[2], other_shape)
    reasons[paths[2].stem] = "fits no geometry"

    def saturate(units):
        units[1].data[:, 108:] = 60000

    rewrite(paths[3], saturate)
    reasons[paths[3].stem] = "of the pixels are saturated"
    paths[4].write_bytes(b"this is no FITS file")
    reasons[paths[4].stem] = "no FITS file"

    def nameless(units):
        for keyword in ("EMGAIN_C", "EMGAIN_A", "EMGAIN_M"):
            units[1].header.remove(keyword, ignore_missing=True)

    rewrite(paths[5], nameless)
    reasons[paths[5].stem] = "gives no EM gain"
    (raw / "notes.txt").write_text("unrelated")
    (raw / "other.fits").write_bytes(b"unrelated")
    return reasons


@pytest.mark.long
def test_bad_frames_are_quarantined_and_the_rest_completes(tmp_path):
    simulated(tmp_path / "raw", frames=9)
    reasons = spoil(tmp_path / "raw")
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw")}
    campaign = Workflow(tmp_path, {"campaign": {"max_quarantined": 0.7}, "coronagraph": section})
    run(campaign)
    folder = tmp_path / "results" / "coronagraph"
    for frame, reason in reasons.items():
        product = folder / "calibrate-frame" / f"{frame}_L2b.fits"
        record = json.loads(product.with_name(product.name + ".json").read_text())
        assert record["outcome"] == "quarantined"
        assert reason in record["reason"], record["reason"]
        with fits.open(product) as units:
            units.verify("exception")
            assert units[0].header["OUTCOME"] == "quarantined"
    combined = json.loads((folder / "combine" / "night_mean.fits.json").read_text())
    assert combined["quality"]["frames"] == 3
    assert sum(frame in warning for frame in reasons for warning in combined["warnings"]) == len(reasons)
    table = (folder / "quarantine.tsv").read_text().splitlines()
    assert len(table) == 1 + len(reasons)
    status = campaign.levelworks("status").stdout
    assert all(frame in status for frame in reasons)
    done = run(campaign, "--forcerun", "check_outcomes", "--config", "campaign={max_quarantined: 0.1}", check=False)
    assert done.returncode != 0
    assert "6 of 9 granules are quarantined" in done.stdout.replace("\n", " ")


@pytest.mark.long
def test_mixed_gains_are_combined_apart(tmp_path):
    simulated(tmp_path / "raw", frames=2)
    simulated(tmp_path / "raw", frames=3, gain=10.0, first=5)
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw")}
    campaign = Workflow(tmp_path, {"coronagraph": section})
    run(campaign)
    folder = tmp_path / "results" / "coronagraph" / "combine"
    frames = {
        name: json.loads((folder / f"{name}_mean.fits.json").read_text())["quality"]["frames"]
        for name in ("night_gain100_2s", "night_gain10_2s")
    }
    assert frames == {"night_gain100_2s": 2, "night_gain10_2s": 3}


@pytest.mark.long
def test_nan_in_a_reference_is_flagged_and_mostly_nan_refused(campaign):
    path = campaign.folder / "raw" / "references" / "dark_current.fits"
    with fits.open(path) as units:
        values = units[0].data.copy()
    values[3, 4] = np.nan
    fits.writeto(path, values, overwrite=True)
    run(campaign)
    product = next((campaign.folder / "results/coronagraph/calibrate-frame").glob("*_L2b.fits"))
    with fits.open(product) as units:
        assert units["DQ"].data[3, 4] & 1
        assert np.isfinite(units["SCI"].data).all()
    dark = json.loads(next((campaign.folder / "results/coronagraph/make-dark").glob("*.json")).read_text())
    assert any("1 pixels of the maps are not finite" in warning for warning in dark["warnings"])
    values[:] = np.nan
    fits.writeto(path, values, overwrite=True)
    done = run(campaign, check=False)
    assert done.returncode != 0
    assert "of the dark's pixels are not finite" in done.stdout
    assert "dark_current.fits" in done.stdout


@pytest.mark.long
def test_killed_runs_leave_nothing_partial_and_resume_to_the_same_bytes(campaign, whole):
    generator = np.random.default_rng()
    results = campaign.folder / "results"
    for standing in (1, 3, 7):
        process = subprocess.Popen(
            campaign.command("coronagraph", "--nolock"),
            cwd=campaign.folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while len(list(results.rglob("[!.]*.fits"))) < standing:
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(generator.uniform(0, 2))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for product in results.rglob("*.fits"):
            if not product.name.startswith(".part."):
                assert len(read_units(product)) > 1
                assert product.with_name(product.name + ".json").exists()
    campaign.run("coronagraph", "--nolock")
    undisturbed = {name: content for name, content in whole.products.items() if name.endswith(".fits")}
    assert campaign.products == undisturbed
    assert not list((campaign.folder / "results").rglob(".part.*"))


@pytest.mark.long
def test_photon_counting_and_noise_maps_are_planned_from_darks(tmp_path):
    first = 0
    for gain in (10.0, 1000.0):
        for exposure in (2.0, 60.0):
            from levelworks.coronagraph.geometry import geometries
            from levelworks.coronagraph.scenes import dark_scene

            simulated(
                tmp_path / "darks",
                frames=6,
                gain=gain,
                time=exposure,
                first=first,
                scene=dark_scene(geometries()["TEST"]),
            )
            first += 6
    simulated(tmp_path / "raw", frames=6, gain=1000.0, first=50)
    made = references("raw")
    section = {
        "datasets": {
            "night": {"frames": "raw", "count_photons": True, "photon_counting_dark": "darks"},
            "darks": {"frames": "darks", "kind": "dark"},
        },
        "references": {key: made[key] for key in ("flat", "nonlinearity")},
        "make-bad-pixel-map": {},
        "calibrate-frame": {"cosmic_ray_box": 1},
    }
    campaign = Workflow(tmp_path, {"coronagraph": section})
    run(campaign)
    folder = tmp_path / "results" / "coronagraph"
    assert (folder / "make-noise-maps" / "noise_maps.fits").exists()
    assert (folder / "make-bad-pixel-map" / "bad_pixels.fits").exists()
    record = json.loads((folder / "count-photons" / "night_photons.fits.json").read_text())
    assert record["outcome"] == "done"
    assert Path(record["inputs"]["dark"][0]["path"]).name == "darks_gain1000_2s_photons.fits"
