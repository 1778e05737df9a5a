"""Whole masks of small scenes: clouds, shadows, snow and water against the truth; the same in any blocks or ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ard_masks import BARE, Found, Scene, Weather, accuracy, run, simulate, within_reach
from scipy import ndimage

from levelworks.ard.masks.quality import NO_DATA
from levelworks.ard.masks.settings import MaskOptions

SUMMER = Weather(cloud_fraction=0.2, height=1800, sun_zenith=42)
FORCE = replace(BARE, compat="force")


@pytest.fixture(scope="module")
def summer() -> Scene:
    return simulate("LND08", 300, 8101, SUMMER)


@pytest.fixture(scope="module")
def summer_masks(summer, tmp_path_factory) -> Found:
    return run(summer, tmp_path_factory.mktemp("summer") / "run")


@pytest.fixture(scope="module")
def sentinel() -> Scene:
    return simulate("SEN2A", 480, 8211, SUMMER)


@pytest.fixture(scope="module")
def sentinel_masks(sentinel, tmp_path_factory) -> Found:
    return run(sentinel, tmp_path_factory.mktemp("sentinel") / "run")


def assert_same(one: Found, other: Found) -> None:
    np.testing.assert_array_equal(one.quality, other.quality)
    np.testing.assert_array_equal(one.probability, other.probability)
    assert one.masks.statistics == other.masks.statistics


def test_clouds_of_landsat(summer, summer_masks):
    found = accuracy(summer_masks.cloud, summer.cloud)
    assert found.overall > 0.985
    assert found.user > 0.95
    assert found.producer > 0.93


def test_shadows_of_landsat(summer, summer_masks):
    where = ~summer.cloud & ~summer_masks.cloud & within_reach(summer, SUMMER)
    found = accuracy(summer_masks.shadow[where], summer.shadow[where])
    assert found.producer > 0.8
    assert found.user > 0.8


def test_clouds_and_shadows_of_sentinel_2(sentinel, sentinel_masks):
    clouds = accuracy(sentinel_masks.cloud, sentinel.cloud)
    assert clouds.overall > 0.96
    assert clouds.user > 0.9
    assert clouds.producer > 0.9
    where = ~sentinel.cloud & ~sentinel_masks.cloud & within_reach(sentinel, SUMMER)
    shadows = accuracy(sentinel_masks.shadow[where], sentinel.shadow[where])
    assert shadows.producer > 0.7
    assert shadows.user > 0.7


def test_bright_ground_is_no_cloud(summer, summer_masks):
    clear = ~ndimage.binary_dilation(summer.cloud, iterations=3)
    for name in ("bright", "bare", "urban"):
        ground = summer.is_surface(name) & clear
        assert ground.sum() > 100
        assert summer_masks.cloud[ground].mean() < 0.02


def test_water_is_found_and_what_clouds_hide_is_not(summer, summer_masks):
    found, true = summer_masks.bit(5), summer.water & ~summer_masks.cloud
    assert accuracy(found, true).producer > 0.9
    assert accuracy(found, true).user > 0.9
    assert not (found & summer_masks.cloud).any()


def test_snow_is_told_from_clouds(tmp_path):
    scene = simulate("LND08", 300, 8301, Weather(cloud_fraction=0.12, height=2500, style="snowy"))
    found = run(scene, tmp_path / "run")
    assert accuracy(found.bit(4), scene.snow).producer > 0.85
    clear_snow = scene.is_surface("snow") & ~ndimage.binary_dilation(scene.cloud, iterations=3)
    assert found.cloud[clear_snow].mean() < 0.03
    assert found.cloud[scene.cloud].mean() > 0.7


def test_cirrus_is_a_state_of_its_own(tmp_path):
    scene = simulate("LND08", 240, 8401, Weather(cloud_fraction=0.0, cirrus_fraction=0.3))
    found = run(scene, tmp_path / "run")
    veiled = found.cirrus | found.cloud
    assert veiled[scene.cirrus].mean() > 0.95
    assert veiled[~scene.cirrus].mean() < 0.01
    assert found.cirrus.any()


def test_clear_scenes_stay_clear(tmp_path):
    scene = simulate("LND08", 240, 8501, Weather(cloud_fraction=0.0))
    found = run(scene, tmp_path / "run", MaskOptions())
    assert found.cloud.mean() < 0.001
    assert found.shadow.mean() < 0.002
    assert not found.masks.cancelled
    assert found.masks.statistics.data_cover == 100.0


def test_overcast_scenes_are_cancelled(tmp_path):
    scene = simulate("LND08", 180, 8601, Weather(cloud_fraction=0.97, height=2000))
    found = run(scene, tmp_path / "run", MaskOptions())
    assert found.masks.cancelled
    assert found.masks.statistics.cloud_cover > 90
    assert not run(scene, tmp_path / "again", MaskOptions(max_cloud_cover=100.0)).masks.cancelled


def test_what_has_no_data_is_no_data_and_nothing_else(tmp_path):
    scene = simulate("LND08", 240, 8701, SUMMER, nodata_corner=120)
    found = run(scene, tmp_path / "run", MaskOptions())
    empty = ~np.isfinite(scene.toa["RED"])
    np.testing.assert_array_equal(found.quality == NO_DATA, empty)
    np.testing.assert_array_equal(found.probability == 255, empty)
    assert found.masks.statistics.valid == (~empty).sum()
    assert found.probability[~empty].max() <= 100


def test_an_image_without_any_data(tmp_path):
    scene = simulate("LND08", 60, 8702, SUMMER, nodata_corner=500)
    for name, options in (("ours", MaskOptions()), ("force", FORCE)):
        found = run(scene, tmp_path / name, options)
        assert (found.quality == NO_DATA).all()
        assert found.masks.statistics.valid == 0
        assert found.masks.statistics.cloud_cover == 0.0


@pytest.mark.parametrize("sensor", ["LND08", "SEN2A"])
@pytest.mark.parametrize("compat", ["none", "force"])
def test_masks_do_not_depend_on_blocks_or_ranks(sensor, compat, summer, sentinel, tmp_path):
    scene = summer if sensor == "LND08" else sentinel
    options = MaskOptions(compat=compat, block_rows=252)
    whole = run(scene, tmp_path / "whole", options)
    assert 0 < whole.cloud.mean() < 1
    assert 0 < whole.shadow.mean() < 1
    assert_same(run(scene, tmp_path / "cut", replace(options, block_rows=48)), whole)
    assert_same(run(scene, tmp_path / "shared", replace(options, block_rows=36), ranks=3), whole)


def test_masks_are_the_same_again(summer, summer_masks, tmp_path):
    assert_same(run(summer, tmp_path / "again"), summer_masks)


def test_only_the_results_are_left_on_disk(summer_masks):
    assert summer_masks.left == ["mask-probability.raster", "mask-quality.raster"]


def test_statistics_count_what_the_bits_say(summer, tmp_path):
    found = run(summer, tmp_path / "run", MaskOptions())
    statistics, states = found.masks.statistics, found.quality >> 1 & 3
    assert statistics.pixels == statistics.valid == summer.cloud.size
    assert statistics.cloud == (states == 2).sum()
    assert statistics.shadow == found.shadow.sum()
    assert statistics.snow == found.bit(4).sum()
    assert statistics.water == found.bit(5).sum()
    assert statistics.obscured == ((states > 0) | found.shadow).sum()


def test_buffers_are_distances_to_what_they_surround(summer, summer_masks, tmp_path):
    found = run(summer, tmp_path / "run", MaskOptions(cloud_buffer=300.0, shadow_buffer=90.0))
    np.testing.assert_array_equal(found.cloud, summer_masks.cloud)
    far = ndimage.distance_transform_edt(~summer_masks.cloud) * 30.0
    np.testing.assert_array_equal((found.quality >> 1 & 3) == 1, (far > 0) & (far <= 300))
    near = ndimage.distance_transform_edt(~summer_masks.shadow) * 30.0 <= 90
    np.testing.assert_array_equal(found.shadow, near)


def test_a_higher_threshold_finds_less(summer, summer_masks, tmp_path):
    strict = run(summer, tmp_path / "strict", replace(BARE, cloud_threshold=0.6))
    loose = run(summer, tmp_path / "loose", replace(BARE, cloud_threshold=0.0))
    assert strict.cloud.sum() < summer_masks.cloud.sum() < loose.cloud.sum()
    # How likely clouds are is another matter than what is called one.
    np.testing.assert_array_equal(strict.probability, summer_masks.probability)


def test_probabilities_tell_clouds_from_ground(summer, summer_masks):
    core = ndimage.binary_erosion(summer.cloud, iterations=3)
    clear = ~ndimage.binary_dilation(summer.cloud, iterations=3)
    assert np.median(summer_masks.probability[core]) > 90
    assert np.median(summer_masks.probability[clear]) < 5


def test_clouds_without_a_thermal_band(summer, tmp_path):
    found = run(summer, tmp_path / "run", without=("TEMP",))
    core = ndimage.binary_erosion(summer.cloud, iterations=3)
    assert found.cloud[core].mean() > 0.95
    assert found.cloud[~ndimage.binary_dilation(summer.cloud, iterations=3)].mean() < 0.05


def test_high_ground_is_cold_without_being_a_cloud(summer, tmp_path):
    """Half of the scene is lifted by 2500 m, and colder by what the air is."""
    cold = {name: band.copy() for name, band in summer.toa.items()}
    elevation = np.zeros(summer.cloud.shape, np.float32)
    elevation[:, 150:] = 2500.0
    cold["TEMP"] -= 0.0065 * elevation
    lifted = replace(summer, toa=cold)
    slope = np.zeros(summer.cloud.shape, np.float32)
    found = run(lifted, tmp_path / "run", elevation=elevation, slope=slope)
    clear = ~ndimage.binary_dilation(summer.cloud, iterations=3)
    assert found.cloud[clear & (elevation > 0)].mean() < 0.02
    assert found.cloud[ndimage.binary_erosion(summer.cloud, iterations=3)].mean() > 0.95


def test_there_is_no_water_on_slopes(summer, tmp_path):
    steep = np.full(summer.cloud.shape, 20.0, np.float32)
    assert not run(summer, tmp_path / "run", elevation=0 * steep, slope=steep).bit(5).any()


def test_saturated_pixels_are_marked(summer, tmp_path):
    saturated = np.zeros(summer.cloud.shape, bool)
    row, column = np.argwhere(ndimage.binary_erosion(summer.cloud, iterations=3))[0]
    saturated[row, column] = True
    found = run(replace(summer, saturated=saturated), tmp_path / "run")
    np.testing.assert_array_equal(found.bit(9), saturated)
    assert found.cloud[row, column]


def test_the_rules_of_force_find_clouds_and_shadows(summer, tmp_path):
    found = run(summer, tmp_path / "run", FORCE)
    core = ndimage.binary_erosion(summer.cloud, iterations=3)
    assert found.cloud[core].mean() > 0.9
    where = summer.shadow & within_reach(summer, SUMMER)
    assert found.shadow[where].mean() > 0.5
    assert found.masks.statistics.valid == summer.cloud.size


def test_force_calls_everything_shadow_where_cover_is_too_large(summer, tmp_path):
    found = run(summer, tmp_path / "run", replace(FORCE, max_cloud_cover=5.0))
    assert found.shadow.all()
    assert found.masks.cancelled
    assert found.masks.statistics.cloud_cover == 100.0
