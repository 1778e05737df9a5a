"""Ground that slides: offsets of amplitudes and along-track motion of a simulated pair, against what was put in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from insar_chain import Chain
from insar_products import write_note

from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.insar.coregistration.network_files import Shift, write_network
from levelworks.insar.coregistration.rslc_files import RslcFacts, read_range_difference, read_rslc, write_rslc
from levelworks.insar.displacement.along_track_files import read_table, table_name
from levelworks.insar.displacement.along_track_options import MeasureAlongTrack
from levelworks.insar.displacement.along_track_stage import measure_along_track
from levelworks.insar.displacement.offsets_files import read_offsets
from levelworks.insar.displacement.offsets_options import EstimateAzimuthOffsets
from levelworks.insar.displacement.offsets_stage import estimate_azimuth_offsets
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.geocoding.geometry_stage import geocode_geometry
from levelworks.insar.geometry.ellipsoid import local_axes
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.safe.acquisition_orbits import burst_arc
from levelworks.insar.simulation.burst_signal import white_noise
from levelworks.insar.simulation.scenario import Pass, Scenario, Slip, Uplift, cuts
from levelworks.insar.simulation.truth import read_truth

FIRST, SECOND = "20250406", "20250418"
PAIR = f"{FIRST}_{SECOND}"
EAST, NORTH = 0.70, 0.55
"""m, by which the northern half of the scene has slid: along the flight, and away from the satellite."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a pair of three bursts across a fault, brought to one grid, and the lookup of its frame."""
    passes = tuple(Pass(days, template, swaths=("IW1",)) for days, template in ((0, FIRST), (12, SECOND)))
    cut = {"IW1": replace(cuts("ci")["IW1"], bursts=3)}
    slip = Slip(EAST, NORTH, bearing=-10.0, width=150.0)
    scenario = Scenario(passes, cut, uplift=Uplift(rate=0.0), slip=slip, seed=31)
    made = Chain(scenario, tmp_path_factory.mktemp("slid"))
    made.dates = made.resample(FIRST), made.resample(SECOND)
    made.lookup = made.folder / "lookup"
    geocode_geometry(made.frame, made.reference, made.simulated.elevation, made.geometry, None, folder=made.lookup,
                     options=GeocodeGeometry())  # fmt: skip
    return made


def offsets_of(chain, dates, folder):
    """Run `estimate-azimuth-offsets`; return its outcome and layers."""
    files = chain.frame, chain.reference, chain.geometry, chain.lookup, *dates
    said = estimate_azimuth_offsets(*files, folder=folder, options=EstimateAzimuthOffsets())
    return said, read_offsets(folder)


def along_track_of(chain, dates, folder):
    """Run `measure-along-track`; return its outcome and table."""
    files = chain.frame, chain.reference, chain.geometry, chain.lookup, *dates
    said = measure_along_track(*files, folder=folder, options=MeasureAlongTrack())
    return said, read_table(folder / table_name(PAIR))


@pytest.fixture(scope="module")
def offsets(chain):
    return offsets_of(chain, chain.dates, chain.folder / "offsets" / PAIR)


@pytest.fixture(scope="module")
def along_track(chain):
    return along_track_of(chain, chain.dates, chain.folder / "along-track" / PAIR)


@pytest.fixture(scope="module", autouse=True)
def folders(chain):
    for name in ("offsets", "along-track"):
        (chain.folder / name).mkdir()


@pytest.fixture(scope="module")
def slid(chain):
    """Return by how much the far side has slid along the flight, and away along the line of sight, m."""
    acquisition = read_acquisition_file(chain.reference)
    burst = acquisition.bursts[-1]
    velocity = burst_arc(acquisition, burst).at(np.array([burst.azimuth_time]))[1][0]
    truth = read_truth(chain.simulated.truth, burst.key, SECOND)
    east, north, _ = local_axes(np.mean(truth["latitude"]), np.mean(truth["longitude"]))
    along = (EAST * east + NORTH * north) @ velocity / np.linalg.norm(velocity)
    return float(along), -float(np.median(truth["motion"]))


def geocoded(folder, name):
    with rasterio.open(folder / f"{PAIR}.geo.{name}.tif") as file:
        return file.read(1), file.units[0], file.tags()


def test_the_motion_of_overlaps(along_track, slid):
    said, table = along_track
    assert said.quality["state"] == "done"
    assert [row["first_burst"][-6:] for row in table] == ["230135", "230136"]
    assert float(table[0]["latitude"]) + 0.1 < float(table[1]["latitude"])  # a burst is 19 km long
    for row, expected in zip(table, (0.0, slid[0]), strict=True):
        sigma = float(row["sigma_m"])
        assert sigma < 0.004
        assert abs(float(row["along_track_m"]) - expected) < 3.5 * sigma
        # 0.102 lines of 13.9 m (specs/insar.md 4.9 b).
        assert float(row["period_m"]) == pytest.approx(0.102 * 13.9, rel=0.03)
        assert row["absolute_m"] == row["along_track_m"]
    assert 0.3 < slid[0] < 0.6


def test_rasters_of_overlaps(chain, along_track, slid):
    folder = chain.folder / "along-track" / PAIR
    metres, units, tags = geocoded(folder, "bovldiff.mm")
    grid = read_frame(chain.frame).grid
    assert metres.shape == grid.shape
    assert units == "mm"
    phase, sigma, coherence = (geocoded(folder, name)[0] for name in ("bovldiff", "bovldiff.mm_sigma", "bovldiff.cc"))
    there = np.isfinite(phase)
    assert np.array_equal(there, np.isfinite(metres))
    assert np.array_equal(there, coherence > 0)
    period = float(along_track[1][0]["period_m"])
    np.testing.assert_allclose(metres[there], phase[there] * period * 1000 / (2 * np.pi), rtol=2e-3)
    assert float(tags["PERIOD_MM"]) == pytest.approx(1000 * period, rel=2e-3)
    north = np.arange(grid.shape[0])[:, None] < np.median(np.nonzero(there)[0])
    for side, expected in ((there & north, slid[0]), (there & ~north, 0.0)):
        assert side.sum() > 50
        scores = (metres[side] - 1000 * expected) / sigma[side]
        assert 0.7 < np.sqrt(np.mean(scores**2)) < 1.3


def test_what_coregistration_takes_out_is_kept_apart(chain, along_track, tmp_path):
    """A date resampled a hundredth of a line later shows so much less, and the sum says what it did before."""
    network = tmp_path / "network.json"
    write_network(network, {FIRST: Shift(0, 0, 0), SECOND: Shift(0.01, 0.0, 5e-4)})
    (tmp_path / "moved").mkdir()
    moved = chain.resample(SECOND, network, str(tmp_path / "moved" / SECOND))
    first = tmp_path / FIRST
    shutil.copytree(chain.dates[0], first)
    for folder, sigma, mission in ((first, 0.0, "S1A"), (moved, 5e-4, "S1C")):
        write_note(folder, Outcome(quality={"added_line_sigma": sigma, "mission": mission}), "coregister")
    said, table = along_track_of(chain, (first, moved), tmp_path / PAIR)
    # The records say, though it is not so, that they are of two satellites.
    assert said.quality["state"] == "degraded"
    assert "S1A and S1C: constant phases of bursts" in said.warnings[0]
    taken = 0.01 * 13.91
    assert said.quality["taken_out_m"] == pytest.approx(taken, rel=1e-3)
    for before, after in zip(along_track[1], table, strict=True):
        apart = float(before["along_track_m"]) - float(after["along_track_m"])
        assert apart == pytest.approx(taken, abs=2 * float(after["sigma_m"]))
        assert float(after["absolute_m"]) == pytest.approx(float(before["absolute_m"]), abs=2 * float(after["sigma_m"]))
        expected = np.hypot(float(after["sigma_m"]), 5e-4 * 13.91)
        assert float(after["absolute_sigma_m"]) == pytest.approx(expected, rel=1e-3)
    tags = geocoded(tmp_path / PAIR, "bovldiff.mm")[2]
    assert float(tags["TAKEN_OUT_BY_COREGISTRATION_MM"]) == pytest.approx(1000 * taken, rel=1e-3)


def test_offsets_of_amplitudes(chain, offsets, slid):
    said, layers = offsets
    assert said.quality["state"] == "done"
    assert said.quality["patches_used"] > 0.95 * said.quality["patches"]
    there = np.isfinite(layers["azi"])
    rows = np.nonzero(there)[0]
    apart = np.abs(np.arange(there.shape[0]) - np.median(rows)) > 20  # the fault is in the middle
    for north, (along, away) in ((True, slid), (False, (0.0, 0.0))):
        side = there & apart[:, None] & ((np.arange(there.shape[0]) > np.median(rows)) == north)[:, None]
        for name, expected in (("azi", along), ("rng", away)):
            values, sigmas = layers[name][side], layers[f"{name}_sigma"][side]
            assert 0.5 < np.sqrt(np.mean(((values - expected) / sigmas) ** 2)) < 1.3
            # Some dozen patches share nothing: their mean is a few times surer than each.
            assert abs(values.mean() - expected) < 0.5 * np.median(sigmas)
    assert slid[1] > 0.2
    assert np.nanmedian(layers["rng_sigma"]) < 0.03
    assert np.nanmedian(layers["azi_sigma"]) < 0.2


def test_rasters_of_offsets(chain, offsets, slid):
    folder = chain.folder / "offsets" / PAIR
    grid = read_frame(chain.frame).grid
    for name, expected in (("azi", slid[0]), ("rng", slid[1])):
        values, units, tags = geocoded(folder, name)
        assert values.shape == grid.shape
        assert units == "m"
        assert "positive" in tags["MEANING"]
        seen = np.nonzero(np.isfinite(values))[0]
        north = np.arange(grid.shape[0]) < np.median(seen) - 15  # rows of 111 m
        south = np.arange(grid.shape[0]) > np.median(seen) + 15
        sigma = float(np.nanmedian(geocoded(folder, f"{name}_sigma")[0]))
        assert np.nanmean(values[north]) == pytest.approx(expected, abs=0.5 * sigma)
        assert np.nanmean(values[south]) == pytest.approx(0.0, abs=0.5 * sigma)
    correlation = geocoded(folder, "tracking_corr")[0]
    assert 0.5 < np.nanmedian(correlation) < 1.0


def noise_instead(source, target):
    """Copy the bursts of a date with other pixels: nothing in common is left."""
    target.mkdir(parents=True)
    for path in sorted(source.glob("iw*.h5")):
        pixels = read_rslc(path)
        other = white_noise(pixels.shape, [91, int(path.stem[-6:])]) * 100 * (pixels != 0)
        facts = RslcFacts(SECOND, path.stem, (0.0, 0.0))
        write_rslc(target / path.name, facts, read_range_difference(path), pixels.shape, [(0, other)])


def test_a_pair_without_coherence_is_degraded(chain, tmp_path):
    noise_instead(chain.dates[1], tmp_path / SECOND)
    dates = chain.dates[0], tmp_path / SECOND
    (tmp_path / "a").mkdir()
    said, layers = offsets_of(chain, dates, tmp_path / "a" / PAIR)
    assert said.quality["state"] == "degraded"
    assert "patches correlate" in said.warnings[0]
    assert np.isfinite(layers["azi"]).mean() < 0.02
    said, table = along_track_of(chain, dates, tmp_path / PAIR)
    assert said.quality["state"] == "degraded"
    assert said.quality["mean_along_track_m"] is None
    for row in table:
        assert row["along_track_m"] == row["absolute_m"] == ""
        assert "coherence" in row["degraded"]
        assert float(row["sigma_m"]) == pytest.approx(float(row["period_m"]) / np.sqrt(12), rel=1e-4)
    sigma = geocoded(tmp_path / PAIR, "bovldiff.mm_sigma")[0]
    assert np.nanmedian(sigma) > 60


def test_one_burst_has_no_overlap(chain, tmp_path):
    keys = [place.key for place in read_mosaic(chain.geometry).placements]
    target = tmp_path / SECOND
    target.mkdir()
    for key in (keys[0], keys[2]):
        (target / f"{key}.h5").symlink_to(chain.dates[1] / f"{key}.h5")
    with pytest.raises(NothingToProduce, match="no two bursts that follow each other"):
        along_track_of(chain, (chain.dates[0], target), tmp_path / "none")
    shutil.rmtree(target)
    target.mkdir()
    with pytest.raises(NothingToProduce, match="no burst is there on both"):
        offsets_of(chain, (chain.dates[0], target), tmp_path / "none")


SCRIPT = """
import sys
from pathlib import Path
from levelworks.core.stage import run, stages
name, *words = sys.argv[1:]
found = stages("insar")[name]
files = {}
for word in words:
    port, _, path = word.partition("=")
    files.setdefault(port, []).append(Path(path))
run(found, files, found.options())
"""


@pytest.mark.long
def test_the_same_bytes_on_one_and_two_ranks(chain, tmp_path):
    names = ("frame", "reference", "geometry", "lookup", "first", "second")
    files = (chain.frame, chain.reference, chain.geometry, chain.lookup, *chain.dates)
    words = [f"{name}={path}" for name, path in zip(names, files, strict=True)]
    content: dict[int, dict[str, bytes]] = {}
    for ranks in (1, 2):
        content[ranks] = {}
        for stage in ("estimate-azimuth-offsets", "measure-along-track"):
            folder = tmp_path / f"{stage}-{ranks}" / PAIR
            launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), sys.executable, "-c", SCRIPT]
            done = subprocess.run(
                [*launcher, stage, *words, f"folder={folder}"],
                check=False, capture_output=True, text=True, timeout=300,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            content[ranks] |= {f"{stage}/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}
    assert len(content[1]) == 11
    assert content[1] == content[2]
