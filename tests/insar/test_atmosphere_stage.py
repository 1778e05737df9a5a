"""From files of GACOS and geocoded layers to corrected phase: truth, signs, masks, and what is skipped and why."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from insar_delays import GeoPair, write_ztd, write_ztd_tif, zenith_grid
from insar_frames import frame_file
from insar_products import write_note
from rasterio.warp import Resampling, reproject

from levelworks.core.outcome import Outcome, Status
from levelworks.core.record import described_product, read_record
from levelworks.core.stage import run, stages
from levelworks.insar.corrections.atmosphere_options import CorrectAtmosphere, GeocodeDelay
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.acquisition_files import write_acquisition

FIRST, SECOND = "20250406", "20250418"
PAIR = f"{FIRST}_{SECOND}"
WAVELENGTH = 0.05546576
"""m (specs/insar.md 3)."""
NOISE = 0.2
STRATIFIED = {FIRST: (2.30, 8000.0, 0.0), SECOND: (2.36, 7000.0, 0.015)}
"""Zenith delay at the sea (m), its scale height (m), and how much more there is at the eastern end (m)."""


def terrain(latitude, longitude):
    """Return heights of hills, from some 100 to 1900 m."""
    x, y = (longitude - 10.0) / 0.12, (latitude - 45.0) / 0.1
    return 1000 + 800 * np.sin(9 * x + 2 * y) * np.cos(7 * y - x) + 100 * x


def zenith(date, latitude, longitude):
    """Return the true zenith delay of a date, m."""
    sea, scale, more = STRATIFIED[date]
    return sea * np.exp(-terrain(latitude, longitude) / scale) + more * (longitude - 10.0) / 0.12


class Truth(GeoPair):
    """A pair of which deformation, delay and noise are known."""

    def __init__(self, folder, acquisition):
        folder.mkdir(exist_ok=True)
        super().__init__(folder, frame_file(folder, 10.0, 45.0, 10.12, 45.1))
        at = self.latitudes[:, None], self.longitudes[None, :]
        self.height = terrain(*at)
        self.incidence = np.radians(32 + 60 * (at[1] - 10.0) + 0 * at[0])
        up = np.cos(self.incidence)
        up[:, :2] = np.nan  # that the frame does not see
        self.write_geometry(np.where(np.isfinite(up), self.height, np.nan), up)
        two_way = 4 * np.pi / WAVELENGTH
        self.delay = two_way * (zenith(SECOND, *at) - zenith(FIRST, *at)) / np.cos(self.incidence)
        bowl = np.exp(-(((at[0] - 45.07) / 0.008) ** 2) - ((at[1] - 10.03) / 0.01) ** 2)
        self.deformation = two_way * 0.03 * bowl  # 3 cm away from the satellite
        rng = np.random.default_rng(11)
        self.coherence = np.where(rng.random(self.grid.shape) < 0.1, 0.15, 0.75)
        self.noise = NOISE * rng.normal(size=self.grid.shape) * np.where(self.coherence < 0.5, 4, 1)
        self.components = np.ones(self.grid.shape, int)
        self.components[80:, 90:] = 2
        self.seen = np.isfinite(up)
        self.unwrapped = self.seen & ((at[1] < 10.055) | (at[1] > 10.056)) & (rng.random(self.grid.shape) < 0.98)
        self.coherence[~self.seen] = np.nan
        self.acquisitions = {}
        for date in (FIRST, SECOND):
            path = folder / f"{date}.json"
            write_acquisition(path, replace(acquisition, epoch=acquisition.epoch.replace(day=int(date[6:]))))
            self.acquisitions[date] = path

    def layers(self, phase, name=PAIR):
        return self.write_layers(
            name, np.where(self.unwrapped, phase, np.nan), np.where(self.unwrapped, self.components, 0), self.coherence
        )

    def zenith_files(self, date, write=write_ztd, folder="gacos", **change):
        west, north, latitudes, longitudes = zenith_grid(self.frame)
        values = zenith(date, latitudes[:, None], longitudes[None, :])
        return write(self.folder / folder, date, values, west, north, **change)

    def geocode(self, date, files, name=None, **options):
        delay = self.folder / (name or "geocode-delay") / f"{date}.sltd.geo.tif"
        inputs = {"frame": [self.frame], "acquisition": [self.acquisitions[date]], "geometry": [self.geometry]}
        found = stages("insar")["geocode-delay"]
        outcome = run(found, inputs | {"zenith": files, "delay": [delay]}, GeocodeDelay(**options))
        return outcome, delay

    def correct(self, layers, delays, name="corrected", **options):
        folder = self.folder / name / described_product(layers).name
        named = {"first_delay": delays[:1], "second_delay": delays[1:]}
        named = {key: [path for path in paths if path is not None] for key, paths in named.items()}
        inputs = {"frame": [self.frame], "layers": [layers], "geometry": [self.geometry], **named, "folder": [folder]}
        return run(stages("insar")["correct-atmosphere"], inputs, CorrectAtmosphere(**options)), folder


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


@pytest.fixture(scope="module")
def acquisition(real_pair):
    return read_acquisition(real_pair[:1], swaths=("IW1",), pixels=False)


@pytest.fixture(scope="module")
def truth(tmp_path_factory, acquisition):
    return Truth(tmp_path_factory.mktemp("truth"), acquisition)


@pytest.fixture(scope="module")
def delays(truth):
    """Return the slant delays of both dates, one from each format, and what was said of them."""
    one = truth.geocode(FIRST, truth.zenith_files(FIRST))
    two = truth.geocode(SECOND, truth.zenith_files(SECOND, write_ztd_tif))
    return one, two


@pytest.fixture(scope="module")
def layers(truth):
    return truth.layers(truth.deformation + truth.delay + truth.noise)


def test_slant_delays_are_those_of_the_formula(truth, delays):
    """Radians, positive, at 2.3 m over the cosine of the incidence; 0 where the frame sees nothing."""
    at = truth.latitudes[:, None], truth.longitudes[None, :]
    for date, (outcome, path) in zip((FIRST, SECOND), delays, strict=True):
        expected = 4 * np.pi / WAVELENGTH * zenith(date, *at) / np.cos(truth.incidence)
        found = read(path)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found != 0, truth.seen)
        assert np.isfinite(found).all()
        # Bilinear interpolation lacks up to an eighth of curvature and squared step: a metre of height on these hills.
        np.testing.assert_allclose(found[truth.seen], expected[truth.seen], atol=0.1)
        assert np.mean(found[truth.seen] - expected[truth.seen]) == pytest.approx(0, abs=0.005)
        assert outcome.quality["state"] == "done"
        assert outcome.quality["coverage_of_frame"] == 1.0
        assert outcome.quality["slant_mean_rad"] == pytest.approx(expected[truth.seen].mean(), rel=1e-4)


def test_licsbas_takes_all_delays(truth, delays):
    """Its step 03 warps with 0 as no data and cubic splines: what is known stays known, NaN would spread."""
    for _, path in delays:
        with rasterio.open(path) as file:
            values, nodata, place = file.read(1), file.nodata, file.transform
        warped = np.zeros_like(values)
        inwards = rasterio.Affine(place.a, 0, place.c + place.a / 3, 0, place.e, place.f + place.e / 3)
        reproject(
            values, warped, src_transform=place, dst_transform=inwards, src_crs="EPSG:4326", dst_crs="EPSG:4326",
            src_nodata=0, resampling=Resampling.cubic_spline,
        )  # fmt: skip
        assert nodata == 0
        known = (warped != 0) & np.isfinite(warped)
        np.testing.assert_array_equal(known[:-1, :-1], truth.seen[:-1, :-1])
        assert warped[known].min() > 400


def test_gacos_leaves_deformation_and_noise(truth, delays, layers):
    outcome, folder = truth.correct(layers, [path for _, path in delays], method="gacos")
    rest = read(folder / f"{PAIR}.geo.unw_corrected.tif")[truth.unwrapped]
    left = rest - truth.deformation[truth.unwrapped]
    assert np.std(left) == pytest.approx(np.std(truth.noise[truth.unwrapped]), rel=2e-3)
    assert np.mean(left) == pytest.approx(0.0, abs=0.01)  # the constant is taken off too
    assert truth.delay[truth.unwrapped].std() > 5 * NOISE
    assert outcome.quality["applied"] == "gacos"
    assert outcome.quality["rms_after_rad"] < 0.5 * outcome.quality["rms_before_rad"]
    assert outcome.quality["delay_filled_share"] == 0.0
    assert outcome.warnings == ()


def test_the_fit_against_height_leaves_deformation_and_noise(truth, tmp_path):
    """A delay linear in height, 3 cm of deformation on a tenth of the ground, noise of which some is fourfold."""
    rate = 0.005
    layers = truth.layers(2.0 + rate * truth.height + truth.deformation + truth.noise, "20250406_20250430")
    outcome, folder = truth.correct(layers, [None, None], method="height")
    rest = read(folder / "20250406_20250430.geo.unw_corrected.tif")[truth.unwrapped]
    left = rest - truth.deformation[truth.unwrapped]
    assert np.std(left) == pytest.approx(np.std(truth.noise[truth.unwrapped]), rel=5e-3)
    assert outcome.quality["height_slope_rad_per_km"] == pytest.approx(1000 * rate, rel=5e-3)
    assert outcome.quality["height_correlation"] > 0.9
    assert outcome.quality["applied"] == "height"


def test_both_take_off_more_than_either(truth, delays, layers):
    """Delays of which the stratified part is wrong by a third: the slope takes off the rest of it."""
    wrong = truth.layers(truth.deformation + truth.delay + truth.noise + 0.002 * truth.height, "20250405_20250418")
    paths = [path for _, path in delays]
    rms = {
        method: truth.correct(wrong, paths, method, method=method)[0].quality["rms_after_rad"]
        for method in ("gacos", "height", "gacos-height")
    }
    assert rms["gacos-height"] < 0.8 * min(rms["gacos"], rms["height"])


def test_where_gacos_leaves_nothing_there_is_no_slope(truth, delays, layers):
    outcome, _ = truth.correct(layers, [path for _, path in delays], "none", method="gacos-height")
    assert (outcome.quality["state"], outcome.quality["applied"], outcome.warnings) == ("done", "gacos", ())
    assert outcome.quality["left_out"].startswith("height: its correlation with phase is")


def test_masks_and_the_sum_of_the_layers(truth, delays):
    name = "20250402_20250418"
    layers = truth.layers(truth.delay + truth.noise + 0.002 * truth.height, name)
    _, folder = truth.correct(layers, [path for _, path in delays], "sum", method="gacos-height")
    phase = read(described_product(layers) / f"{name}.geo.unw.tif")
    corrected, model = (read(folder / f"{name}.geo.{kind}.tif") for kind in ("unw_corrected", "atm"))
    for found in (corrected, model):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(phase))
    np.testing.assert_allclose((corrected + model)[truth.unwrapped], phase[truth.unwrapped], atol=1e-5)
    with rasterio.open(folder / f"{name}.geo.atm.tif") as file:
        assert file.tags()["CORRECTIONS"] == "gacos, height"
        assert np.isnan(file.nodata)
        assert file.crs.to_epsg() == 4326
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{name}.geo.atm.tif",
        f"{name}.geo.unw_corrected.tif",
    ]


def test_a_longer_path_at_the_second_date_is_a_positive_phase(truth, acquisition, tmp_path):
    """One more centimetre of zenith delay at the second date, straight down: 4 pi / lambda times a centimetre."""
    west, north, latitudes, longitudes = zenith_grid(truth.frame)
    level = np.full((latitudes.size, longitudes.size), 2.3)
    paths = [
        truth.geocode(date, write_ztd(tmp_path / "up", date, level + more, west, north), "constant")[1]
        for date, more in ((FIRST, 0.0), (SECOND, 0.01))
    ]
    layers = truth.layers(np.zeros(truth.grid.shape), "20250404_20250418")
    _, folder = truth.correct(layers, paths, method="gacos", worse="apply")
    model = read(folder / "20250404_20250418.geo.atm.tif")
    expected = 4 * np.pi / WAVELENGTH * 0.01 / np.cos(truth.incidence)
    np.testing.assert_allclose(model[truth.unwrapped], expected[truth.unwrapped], rtol=1e-3)


def test_the_same_bytes_again(truth, delays, layers):
    paths = [path for _, path in delays]
    again = truth.geocode(FIRST, truth.zenith_files(FIRST, folder="again"), "again")[1]
    assert again.read_bytes() == paths[0].read_bytes()
    folders = [truth.correct(layers, paths, name, method="gacos-height", window=5.0)[1] for name in ("a", "b")]
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two


def test_a_time_of_day_that_is_not_the_pass_s_is_said(truth, acquisition):
    middle = sum(acquisition.span) / 2 / 3600
    near, far = middle + 0.9, (middle + 23) % 24 - 0.2
    good, _ = truth.geocode(FIRST, truth.zenith_files(FIRST, folder="near", hour=near), "near")
    assert (good.quality["state"], good.warnings) == ("done", ())
    assert good.quality["hours_from_pass"] == pytest.approx(0.9, abs=1e-4)
    late, path = truth.geocode(FIRST, truth.zenith_files(FIRST, folder="far", hour=far), "far")
    assert late.quality["state"] == "degraded"
    assert late.quality["hours_from_pass"] == pytest.approx(1.2, abs=1e-4)
    assert "1.2 h from the pass" in late.warnings[0]
    assert np.isfinite(read(path)).any()


def shorten(path):
    path.write_bytes(path.read_bytes()[:-400])


BAD = {
    "too short": (lambda truth: damaged(truth, shorten), "download it again"),
    "no header": (lambda truth: truth.zenith_files(FIRST, folder="lonely")[:1], "has no header"),
    "too small": (lambda truth: small(truth), r"ends before the frame does, \d+\.\d% of whose cells it misses"),
    "elsewhere": (
        lambda truth: write_ztd(truth.folder / "away", FIRST, np.full((50, 50), 2.3), 30.0, 46.0),
        r"misses: ask GACOS for 45 to 45.1 north, 10 to 10.12 east",
    ),
    "no data where the frame is": (lambda truth: hollow(truth), "holds no delay where the frame"),
}


def damaged(truth, change):
    files = truth.zenith_files(FIRST, folder="damaged")
    change(files[0])
    return files


def small(truth):
    west, north, latitudes, longitudes = zenith_grid(truth.frame)
    values = zenith(FIRST, latitudes[:, None], longitudes[None, :])
    return write_ztd(truth.folder / "small", FIRST, values[:-20], west, north)


def hollow(truth):
    west, north, latitudes, longitudes = zenith_grid(truth.frame)
    values = np.zeros((latitudes.size, longitudes.size))
    values[0] = 2.3
    return write_ztd(truth.folder / "hollow", FIRST, values, west, north)


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_quarantined_and_stop_no_campaign(truth, delays, layers, name):
    make, message = BAD[name]
    outcome, delay = truth.geocode(FIRST, make(truth), f"bad {name}")
    assert outcome.status is Status.QUARANTINED
    assert re.search(message, outcome.reason)
    after, folder = truth.correct(layers, [delay, delays[1][1]], f"after {name}", method="gacos")
    assert (after.status, after.reason) == (outcome.status, outcome.reason)
    assert [path.name for path in folder.iterdir()] == ["reason.txt"]


def test_a_date_without_delays_skips_its_pairs(truth, delays, layers):
    for given, absent in (([None, delays[1][1]], FIRST), ([delays[0][1], None], SECOND)):
        for method in ("gacos", "gacos-height"):
            outcome, folder = truth.correct(layers, given, f"without {absent} {method}", method=method)
            assert outcome.status is Status.SKIPPED
            assert outcome.reason == f"insar.delays has no delays of {absent}"
            assert [path.name for path in folder.iterdir()] == ["reason.txt"]


def test_few_unknown_cells_take_the_nearest_delay_and_many_do_not(truth, delays, layers):
    west, north, latitudes, longitudes = zenith_grid(truth.frame)
    values = zenith(FIRST, latitudes[:, None], longitudes[None, :])
    values[60:68, 60:68] = 0
    files = write_ztd(truth.folder / "holes", FIRST, values, west, north)
    said, delay = truth.geocode(FIRST, files, "holes")
    assert 0.99 < said.quality["coverage_of_frame"] < 1
    given = [delay, delays[1][1]]
    outcome, folder = truth.correct(layers, given, "few", method="gacos")
    share = outcome.quality["delay_filled_share"]
    assert 0.002 < share < 0.01
    assert outcome.warnings == (f"{share:.2%} of the unwrapped cells take the delay of the nearest cell",)
    found = read(folder / f"{PAIR}.geo.unw_corrected.tif")
    np.testing.assert_array_equal(np.isfinite(found), truth.unwrapped)
    outcome, _ = truth.correct(layers, given, "strict", method="gacos", max_unknown=0.001)
    assert outcome.status is Status.SKIPPED
    assert "have no delay, more than max-unknown 0.001 allows" in outcome.reason


def test_a_correction_that_makes_it_worse_is_kept_out_and_said(truth, delays, layers):
    """The dates the wrong way round."""
    paths = [path for _, path in reversed(delays)]
    outcome, folder = truth.correct(layers, paths, "worse", method="gacos")
    assert outcome.status is Status.SKIPPED
    assert "is not corrected: gacos: it would raise the rms from" in outcome.reason
    assert outcome.quality["gacos_rms_after_rad"] > outcome.quality["gacos_rms_before_rad"]
    assert read_record(folder)["quality"]["gacos_rms_after_rad"] == outcome.quality["gacos_rms_after_rad"]
    assert [path.name for path in folder.iterdir()] == ["reason.txt"]
    outcome, folder = truth.correct(layers, paths, "forced", method="gacos", worse="apply")
    assert outcome.status is Status.DONE
    assert outcome.quality["rms_after_rad"] > outcome.quality["rms_before_rad"]


def test_a_step_that_is_left_out_makes_it_degraded(truth, delays, layers):
    paths = [path for _, path in reversed(delays)]
    outcome, _ = truth.correct(layers, paths, "half", method="gacos-height")
    assert outcome.quality["state"] == "degraded"
    assert outcome.quality["applied"] == "height"
    assert outcome.warnings[0].startswith("gacos: it would raise")


def test_flagged_layers_hand_on_their_outcome(truth):
    folder = truth.folder / "flagged" / PAIR
    folder.mkdir(parents=True)
    note = write_note(folder, Outcome(Status.SKIPPED, "no common burst"))
    outcome, _ = truth.correct(note, [None, None], "flagged pair", method="height")
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, "no common burst")


def test_nothing_unwrapped_and_off(truth, layers):
    name = "20250403_20250418"
    empty = truth.layers(np.full(truth.grid.shape, np.nan), name)
    outcome, _ = truth.correct(empty, [None, None], method="height")
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, f"{name} has no unwrapped phase")
    outcome, _ = truth.correct(layers, [None, None], "off")
    assert outcome.reason == "correct-atmosphere is off"
