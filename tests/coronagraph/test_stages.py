"""Stages of the line on files: bytes that depend on nothing but the input, datasets on ranks, counted photons."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from levelworks.core.aggregate import TooManyQuarantined
from levelworks.core.outcome import InvalidReference, Status
from levelworks.core.stage import run, stages
from levelworks.coronagraph.desmear import desmear
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.product_reader import DamagedProduct
from levelworks.coronagraph.scenes import dark_scene
from workflow import simulated

MPIEXEC = Path(sys.executable).parent / "mpiexec"


def stage(name: str, options: dict | None = None, **files):
    """Run a stage in this process; values are a path or a list of them."""
    found = stages("coronagraph")[name]
    paths = {key: [value] if isinstance(value, Path) else list(value) for key, value in files.items()}
    return run(found, paths, found.options(**(options or {})))


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Path:
    """Six calibrated frames of gain 1000 with their master dark, Level 2a and 2b."""
    folder = tmp_path_factory.mktemp("night")
    simulated(folder / "raw", frames=6, gain=1000.0)
    maps = {role: folder / "raw/references" / f"{role}.fits" for role in ("fixed_pattern", "dark_current")}
    setting = {"gain": 1000.0, "exposure_time": 2.0}
    stage("make-dark", setting, **maps, dark=folder / "dark.fits")
    calibrate(folder, folder / "frames", sorted((folder / "raw").glob("*.fits")))
    return folder


def calibrate(folder: Path, target: Path, frames: list[Path]) -> None:
    for frame in frames:
        stage(
            "calibrate-frame",
            frame=frame,
            dark=folder / "dark.fits",
            flat=folder / "raw/references/flat.fits",
            nonlinearity=folder / "raw/references/nonlinearity.csv",
            level2a=target / f"{frame.stem}_L2a.fits",
            level2b=target / f"{frame.stem}_L2b.fits",
        )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.fits"))}


def test_bytes_of_a_frame_depend_on_neither_order_nor_bundle(night, tmp_path):
    frames = sorted((night / "raw").glob("*.fits"))
    calibrate(night, tmp_path / "reversed", frames[::-1])
    script = "import sys; from levelworks.cli import main; sys.exit(main(sys.argv[1:]))"
    for frame in frames[:2]:
        # A process of its own: a bundle of one, with nothing warm.
        words = ["coronagraph", "calibrate-frame", "--frame", frame, "--dark", night / "dark.fits"]
        words += [
            "--flat",
            night / "raw/references/flat.fits",
            "--nonlinearity",
            night / "raw/references/nonlinearity.csv",
        ]
        words += ["--level2a", tmp_path / f"alone/{frame.stem}_L2a.fits"]
        words += ["--level2b", tmp_path / f"alone/{frame.stem}_L2b.fits"]
        subprocess.run([sys.executable, "-c", script, *map(str, words)], check=True)
    expected = contents(night / "frames")
    assert len(expected) == 12
    assert contents(tmp_path / "reversed") == expected
    alone = contents(tmp_path / "alone")
    assert len(alone) == 4
    assert all(expected[name] == content for name, content in alone.items())


def on_ranks(ranks: int, folder: Path, *words: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(MPIEXEC), "-n", str(ranks), str(MPIEXEC.with_name("levelworks")), "coronagraph", *map(str, words)]
    subprocess.run(command, check=True, cwd=folder, stderr=subprocess.PIPE)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_bytes_of_datasets_depend_on_neither_ranks_nor_order(night, tmp_path, ranks):
    level2b, level2a = sorted((night / "frames").glob("*_L2b.fits")), sorted((night / "frames").glob("*_L2a.fits"))
    stage("combine", frames=level2b, mean=tmp_path / "one/mean.fits", median=tmp_path / "one/median.fits")
    stage("count-photons", {"threshold_sigma": 4.0}, frames=level2a, photons=tmp_path / "one/photons.fits")
    many = tmp_path / "many"
    # Sixteen megabytes hold a few rows: many stripes on each rank.
    on_ranks(ranks, many, "combine", "--frames", *level2b[::-1], "--mean", "mean.fits", "--median", "median.fits",
             "--options", '{"memory_mb": 16}')  # fmt: skip
    on_ranks(ranks, many, "count-photons", "--frames", *level2a[::-1], "--photons", "photons.fits",
             "--options", '{"threshold_sigma": 4.0}')  # fmt: skip
    assert contents(many) == contents(tmp_path / "one")
    record = json.loads((many / "mean.fits.json").read_text())
    assert record["ranks"] == ranks


def test_noise_maps_depend_on_neither_ranks_nor_order(darks, tmp_path):
    options = {"frames_per_block": 2}
    outcome = stage("make-noise-maps", options, frames=darks, noise_maps=tmp_path / "one/maps.fits")
    assert outcome.status is Status.DONE
    assert outcome.quality["stacks"] == 4
    for ranks in (2, 3):
        many = tmp_path / f"ranks{ranks}"
        on_ranks(ranks, many, "make-noise-maps", "--frames", *darks[::-1], "--noise-maps", "maps.fits",
                 "--options", json.dumps(options))  # fmt: skip
        assert contents(many) == contents(tmp_path / "one")


def edited(frame: Path, target: Path, **cards: object) -> Path:
    """Copy a frame with other values in its image header."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with fits.open(frame, do_not_scale_image_data=True) as units:
        units[1].header.update(cards)
        units.writeto(target)
    return target


@pytest.fixture
def darks(tmp_path) -> list[Path]:
    """Dark frames of two gains and two times, three each."""
    scene, settings = (
        dark_scene(geometries()["TEST"]),
        [(gain, time) for gain in (10.0, 1000.0) for time in (2.0, 60.0)],
    )
    for number, (gain, time) in enumerate(settings):
        simulated(tmp_path / "raw", frames=3, gain=gain, time=time, first=3 * number, scene=scene)
    return sorted((tmp_path / "raw").glob("*.fits"))


def test_noise_maps_leave_out_frames_that_turn_out_unusable(darks, tmp_path):
    with fits.open(darks[4], mode="update") as units:
        units[1].data[:, geometries()["TEST"].image.slices[1]] = 65000
    outcome = stage("make-noise-maps", frames=darks, noise_maps=tmp_path / "one/maps.fits")
    assert outcome.status is Status.DONE
    assert (outcome.quality["frames"], outcome.quality["left_out"]) == (11, 1)
    assert any(darks[4].name in text and "saturated" in text for text in outcome.warnings)
    with fits.open(tmp_path / "one/maps.fits") as units:
        assert darks[4].name not in {name.strip() for name in units["PROVENANCE"].data["NAME"]}
    on_ranks(2, tmp_path / "two", "make-noise-maps", "--frames", *darks, "--noise-maps", "maps.fits")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_noise_maps_without_an_estimate_of_read_noise_are_written(darks, tmp_path, monkeypatch):
    monkeypatch.setattr("levelworks.coronagraph.noise_maps._root", lambda square: np.nan)
    outcome = stage("make-noise-maps", frames=darks, noise_maps=tmp_path / "maps.fits")
    assert outcome.status is Status.DONE
    assert fits.getheader(tmp_path / "maps.fits")["RN"] is None


def test_frames_of_different_k_gain_are_combined(night, tmp_path):
    raw = min((night / "raw").glob("*.fits"))
    calibrate(night, tmp_path, [raw, edited(raw, tmp_path / "raw/other.fits", KGAINPAR=8.5)])
    frames = sorted(tmp_path.glob("*_L2b.fits"))
    outcome = stage("combine", frames=frames, mean=tmp_path / "mean.fits", median=tmp_path / "median.fits")
    assert outcome.status is Status.DONE
    assert outcome.quality["frames"] == 2


def test_photons_are_not_counted_with_maps_of_another_shape(night, tmp_path):
    fits.PrimaryHDU(np.zeros((120, 220))).writeto(tmp_path / "map.fits")
    frames = sorted((night / "frames").glob("*_L2a.fits"))
    for role in ("fixed_pattern", "flat"):
        files = {role: tmp_path / "map.fits", "photons": tmp_path / "photons.fits"}
        with pytest.raises(InvalidReference, match=f"references.{role}: .* has 120x220 pixels"):
            stage("count-photons", {"threshold_sigma": 4.0}, frames=frames, **files)


def test_photons_are_counted_with_the_pattern_of_noise_maps_and_bad_pixels_are_flagged(night, darks, tmp_path):
    stage("make-noise-maps", frames=darks, noise_maps=tmp_path / "maps.fits")
    image = geometries()["TEST"].image
    with fits.open(tmp_path / "maps.fits") as units:
        fits.PrimaryHDU(units["FPN"].data[image.slices]).writeto(tmp_path / "pattern.fits")
    bad = np.zeros((image.rows, image.columns), np.int16)
    bad[7, 9] = 8
    fits.PrimaryHDU(bad).writeto(tmp_path / "bad.fits")
    frames, options = sorted((night / "frames").glob("*_L2a.fits")), {"threshold_sigma": 4.0}
    planes = []
    for name in ("noise_maps", "fixed_pattern"):
        files = {name: tmp_path / ("maps.fits" if name == "noise_maps" else "pattern.fits")}
        photons = tmp_path / f"{name}.fits"
        stage("count-photons", options, frames=frames, bad_pixels=tmp_path / "bad.fits", photons=photons, **files)
        planes.append({plane: fits.getdata(photons, plane) for plane in ("COUNTS", "DQ")})
    assert np.array_equal(planes[0]["COUNTS"], planes[1]["COUNTS"])
    assert planes[0]["DQ"][7, 9] & 8
    assert np.count_nonzero(planes[0]["DQ"] & 8) == 1
    stage("count-photons", options, frames=frames, photons=tmp_path / "plain.fits")
    assert not np.array_equal(fits.getdata(tmp_path / "plain.fits", "COUNTS"), planes[0]["COUNTS"])


def test_photon_counted_dark_of_another_time_is_refused(night, tmp_path):
    frames = sorted((night / "frames").glob("*_L2a.fits"))
    simulated(tmp_path / "raw", frames=1, gain=1000.0, time=3.0, scene=dark_scene(geometries()["TEST"]))
    raw = next((tmp_path / "raw").glob("*.fits"))
    stage("calibrate-frame", frame=raw, level2a=tmp_path / "a.fits", level2b=tmp_path / "b.fits")
    options = {"threshold_sigma": 4.0}
    stage("count-photons", options, frames=[tmp_path / "a.fits"], photons=tmp_path / "dark.fits")
    outcome = stage("count-photons", options, frames=frames, dark=tmp_path / "dark.fits", photons=tmp_path / "p.fits")
    assert outcome.status is Status.QUARANTINED
    assert "has exposure time 3, the frames have 2" in outcome.reason


def test_combined_headers_list_every_input(night, tmp_path):
    frames = sorted((night / "frames").glob("*_L2b.fits"))
    stage("combine", frames=frames, mean=tmp_path / "mean.fits", median=tmp_path / "median.fits")
    with fits.open(tmp_path / "mean.fits") as units:
        header = units["SCI"].header
        assert header["NUM_FR"] == 6
        assert [header[f"FILE{number}"] for number in range(6)] == [path.name for path in frames]
        listed = units["PROVENANCE"].data
        assert [name.strip() for name in listed["NAME"]] == [path.name for path in frames]
        assert header["EXPTIME"] == 2.0
        assert "SCTSRT" not in header or header["SCTSRT"] == fits.getval(frames[0], "SCTSRT", "SCI")


def test_mean_of_frames_agrees_with_their_planes(night, tmp_path):
    frames = sorted((night / "frames").glob("*_L2b.fits"))
    stage("combine", frames=frames, mean=tmp_path / "mean.fits", median=tmp_path / "median.fits")
    unusable = 1 | 2 | 4 | 8 | 32 | 128 | 2048 | 4096
    stack = np.ma.masked_array(
        np.stack([fits.getdata(path, "SCI") for path in frames]).astype(np.float64),
        np.stack([(fits.getdata(path, "DQ") & unusable) != 0 for path in frames]),
    )
    mean = np.ma.filled(stack.mean(axis=0), np.nan).astype(np.float32)
    median = np.ma.filled(np.ma.median(stack.astype(np.float32), axis=0), np.nan)
    assert np.array_equal(fits.getdata(tmp_path / "mean.fits", "SCI"), mean, equal_nan=True)
    assert np.array_equal(fits.getdata(tmp_path / "median.fits", "SCI"), median, equal_nan=True)


def test_mixed_gains_are_quarantined_with_both_named(night, tmp_path):
    simulated(tmp_path / "raw", frames=1, gain=50.0, first=40)
    frame = next((tmp_path / "raw").glob("*.fits"))
    stage("calibrate-frame", frame=frame, level2b=tmp_path / "other_L2b.fits")
    frames = [*sorted((night / "frames").glob("*_L2b.fits")), tmp_path / "other_L2b.fits"]
    outcome = stage("combine", frames=frames, mean=tmp_path / "mean.fits", median=tmp_path / "median.fits")
    assert outcome.status is Status.QUARANTINED
    assert "mixed GAIN: 50 (other_L2b.fits), 1000" in outcome.reason


def test_photons_are_not_counted_at_low_gain(tmp_path):
    simulated(tmp_path / "raw", frames=1, gain=50.0)
    frame = next((tmp_path / "raw").glob("*.fits"))
    stage("calibrate-frame", frame=frame, level2a=tmp_path / "a.fits", level2b=tmp_path / "b.fits")
    outcome = stage("count-photons", frames=[tmp_path / "a.fits"], photons=tmp_path / "p.fits")
    assert outcome.status is Status.SKIPPED
    assert "gain 50" in outcome.reason


def test_peer_view_holds_the_peer_s_four_files_in_double_precision(tmp_path):
    simulated(tmp_path / "raw", frames=1, gain=50.0)
    frame = next((tmp_path / "raw").glob("*.fits"))
    names = ("peer_level2a_image", "peer_level2a_map", "peer_level2b_image", "peer_level2b_map")
    files = {name: tmp_path / f"{name}.fits" for name in names}
    stage("calibrate-frame", {"compat": "iit"}, frame=frame, level2b=tmp_path / "b.fits", **files)
    with fits.open(tmp_path / "b.fits") as ours, fits.open(files["peer_level2b_image"]) as peer:
        assert len(peer) == 2
        assert peer[0].data is None
        assert peer[1].data.dtype == np.dtype(">f8")
        assert np.array_equal(peer[1].data, ours["SCI"].data)
        assert peer[1].header["DATA_LEVEL"] == "L2b"
        assert peer[1].header["DESMEARED"] is False
        assert peer[1].header["EPERDN"] == 8.7
    with fits.open(files["peer_level2b_map"]) as peer:
        assert peer[1].data.dtype == np.dtype(">i8")
        assert set(np.unique(peer[1].data)) <= {0, 1}


def test_a_damaged_product_stops_the_combination_and_is_named(night, tmp_path):
    frames = sorted((night / "frames").glob("*_L2b.fits"))[:3]
    damaged = tmp_path / "damaged_L2b.fits"
    damaged.write_bytes(frames[0].read_bytes()[:20000])
    with pytest.raises(DamagedProduct, match=r"damaged_L2b\.fits.*remove it and run again"):
        stage("combine", frames=[*frames, damaged], mean=tmp_path / "mean.fits", median=tmp_path / "median.fits")
    assert not list(tmp_path.glob("me*.fits"))


def test_frames_of_another_level_are_not_combined(night, tmp_path):
    frames = sorted((night / "frames").glob("*_L2a.fits"))
    outcome = stage("combine", frames=frames, mean=tmp_path / "mean.fits", median=tmp_path / "median.fits")
    assert outcome.status is Status.QUARANTINED
    assert "has data level L2a, L2b is needed" in outcome.reason


def test_desmeared_and_other_frames_in_one_combination_are_told(night, tmp_path):
    frames = sorted((night / "frames").glob("*_L2b.fits"))[:2]
    raw = night / "raw" / f"{frames[0].name.removesuffix('_L2b.fits')}.fits"
    stage("calibrate-frame", {"desmear": "off"}, frame=raw, dark=night / "dark.fits", level2b=tmp_path / "off_L2b.fits")
    both = [frames[1], tmp_path / "off_L2b.fits"]
    outcome = stage("combine", frames=both, mean=tmp_path / "mean.fits", median=tmp_path / "median.fits")
    assert "1 of 2 frames are desmeared, the others are not" in outcome.warnings


def test_counted_means_are_desmeared_unless_told(night, tmp_path):
    frames = sorted((night / "frames").glob("*_L2a.fits"))
    images = {}
    for switch in ("on", "off"):
        stage(
            "count-photons",
            {"threshold_sigma": 4.0, "desmear": switch},
            frames=frames,
            photons=tmp_path / f"{switch}.fits",
        )
        with fits.open(tmp_path / f"{switch}.fits") as units:
            images[switch] = units["SCI"].data.astype(np.float64)
            masked = (units["DQ"].data & 0x18AF) != 0
            assert units["SCI"].header["DESMEAR"] is (switch == "on")
    expected = desmear(images["off"], 2.0, fill_mask=masked)
    assert np.nanmax(np.abs(images["on"] - expected)) < 1e-6
    assert np.nanmax(np.abs(images["on"] - images["off"])) > 1e-6


def test_too_many_bad_dark_frames_are_refused_with_the_list(tmp_path):
    for number, (gain, time) in enumerate([(10.0, 2.0), (10.0, 60.0), (1000.0, 2.0), (1000.0, 60.0)]):
        scene = dark_scene(geometries()["TEST"])
        simulated(tmp_path / "raw", frames=2, gain=gain, time=time, first=2 * number, scene=scene)
    frames = sorted((tmp_path / "raw").glob("*.fits"))
    for frame in frames[::4]:
        frame.write_bytes(frame.read_bytes()[:9000])
    with pytest.raises(TooManyQuarantined, match="2 of 8 dark frames are quarantined"):
        stage("make-noise-maps", frames=frames, noise_maps=tmp_path / "maps.fits")
    outcome = stage("make-noise-maps", {"max_quarantined": 0.5}, frames=frames, noise_maps=tmp_path / "maps.fits")
    assert outcome.quality["left_out"] == 2


def test_weighted_noise_maps_differ_and_have_smaller_errors_of_the_fixed_pattern(tmp_path):
    for number, (gain, time) in enumerate([(10.0, 2.0), (10.0, 60.0), (500.0, 2.0), (1000.0, 60.0), (1000.0, 2.0)]):
        scene = dark_scene(geometries()["TEST"])
        simulated(tmp_path / "raw", frames=4, gain=gain, time=time, first=4 * number, scene=scene)
    frames = sorted((tmp_path / "raw").glob("*.fits"))
    errors = {}
    for weighted in (False, True):
        path = tmp_path / f"{weighted}.fits"
        stage("make-noise-maps", {"weighted": weighted}, frames=frames, noise_maps=path)
        errors[weighted] = np.nanmedian(fits.getdata(path, "FPN_ERR"))
    assert errors[True] < errors[False]


def test_a_pixel_without_samples_leaves_errors_of_its_column_alone(night, tmp_path):
    frames = []
    for path in sorted((night / "frames").glob("*_L2a.fits")):
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        with fits.open(copy, mode="update") as units:
            units["DQ"].data[10, 20] |= 1
        frames.append(copy)
    stage("count-photons", {"threshold_sigma": 4.0}, frames=frames, photons=tmp_path / "photons.fits")
    with fits.open(tmp_path / "photons.fits") as units:
        assert np.isnan(units["ERR"].data[10, 20])
        assert units["DQ"].data[10, 20] & 4096
        assert np.isfinite(units["ERR"].data[11:40, 20]).any()
        masked = (units["DQ"].data & 4096) != 0
        assert np.array_equal(np.isnan(units["ERR"].data), masked)


def test_noise_of_few_frames_is_not_hot(tmp_path):
    from levelworks.coronagraph.fits_writer import Plane, card, write_planes

    rng, shape = np.random.default_rng(), geometries()["TEST"].shape
    error = np.full(shape, 2e-3)
    current = np.maximum(rng.normal(5e-4, 2e-3, shape), 0)
    rows, columns = geometries()["TEST"].image.slices
    current[rows, columns][7, 8] = 0.5
    planes = [Plane(name, current if name == "DC" else error) for name in ("FPN", "FPN_ERR", "CIC", "CIC_ERR", "DC")]
    write_planes(tmp_path / "maps.fits", [card("ARRTYPE", "TEST")], [*planes, Plane("DC_ERR", error)])
    outcome = stage("make-bad-pixel-map", dark_current=tmp_path / "maps.fits", bad_pixels=tmp_path / "bad.fits")
    assert outcome.quality["hot_pixels"] < 5
    assert outcome.warnings == ()
    assert fits.getdata(tmp_path / "bad.fits", "DQ")[7, 8] & 8
