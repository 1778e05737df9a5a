"""Simulated days: read back as they were asked for, shaped as real footprints, true to their fields, and repeatable."""

from __future__ import annotations

import datetime as dt
import time
from functools import partial

import netCDF4
import numpy as np
import pytest

from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.granule import DATASETS, Mode
from levelworks.xco2.lite_files import calendar, sounding_ids
from levelworks.xco2.overpasses import EARTH_RADIUS, Overpass, lay_footprints, place
from levelworks.xco2.readers import read_granule
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.truth import BACKGROUND, footprint_mean, truth_sif, truth_xco2

DAY = dt.date(2020, 3, 3)
MIDNIGHT = dt.datetime(2020, 3, 3, tzinfo=dt.UTC).timestamp()
NOON = MIDNIGHT + 43200
LOS_ANGELES = Overpass("fossil0005", "Los Angeles", -118.2, 34.0, Mode.AREA_MAP, 5000, NOON)
LAMONT = Overpass("tccon0007", "Lamont", -97.5, 36.6, Mode.TARGET, 5001, NOON + 5400)


def plane(granule):
    """Return corners about their centre, kilometres."""
    scale = np.radians(1) * EARTH_RADIUS
    x = (granule.vertex_longitude - granule.longitude[:, None] + 180) % 360 - 180
    return x * scale * np.cos(np.radians(granule.vertex_latitude)), granule.vertex_latitude * scale


def edges_and_areas(granule):
    x, y = plane(granule)
    next_x, next_y = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    return np.hypot(next_x - x, next_y - y), np.sum(x * next_y - next_x * y, axis=1) / 2


def distances(granule, overpass):
    """Return kilometres along great circles from the overpass's centre."""
    lat, lat0 = np.radians(granule.latitude), np.radians(overpass.lat)
    turn = np.radians(granule.longitude - overpass.lon)
    return EARTH_RADIUS * np.arccos(
        np.clip(np.sin(lat) * np.sin(lat0) + np.cos(lat) * np.cos(lat0) * np.cos(turn), -1, 1)
    )


@pytest.mark.parametrize("dataset", DATASETS)
def test_round_trip(dataset, tmp_path):
    looks = [LAMONT] if dataset == "oco2" else [LAMONT, LOS_ANGELES]
    granule = read_granule(simulate_day(tmp_path, dataset, DAY, looks, drop=0.0, fill_share=0.0, seed=3))
    assert granule.located.all()
    assert granule.missing_variables == ()
    assert (np.diff(granule.sounding_id.astype(np.int64)) > 0).all()
    footprint, frame = (granule.sounding_id % 10).astype(int), granule.sounding_id // 10
    assert set(footprint) == set(range(1, 9))
    for look in looks:
        mine = np.flatnonzero(granule.orbit == look.orbit)
        mine = mine[granule.mode[mine] == look.mode]
        seen = lay_footprints(look, "oco2" if dataset == "oco2" else "oco3", np.random.default_rng(0))
        full = look.frames * look.swaths * 8
        assert full <= len(mine) <= full + 3 * look.swaths
        assert granule.time[mine[0]] == look.start_time
        assert abs(granule.time[mine[-1]] - look.stop_time) < 0.5
        in_frame = np.array([np.ptp(granule.time[mine][frame[mine] == one]) for one in np.unique(frame[mine])[:20]])
        np.testing.assert_allclose(in_frame, 7 * 0.027, atol=1.1e-3)
        if look.mode == Mode.TARGET:
            np.testing.assert_array_equal(granule.time[mine], seen.time)
            np.testing.assert_array_equal(granule.sounding_id[mine], sounding_ids(seen.frame, seen.footprint))
        ids = set(granule.target_id[mine])
        assert ids == {"oco2": {""}, "oco3": {look.target_id}, "oco3_sif": {"", look.target_id}}[dataset]
        names = set(granule.target_name[mine]) - {""}
        assert names == (set() if dataset == "oco2" else {look.target_name})
    assert int(np.isin(granule.mode, [Mode.NADIR, Mode.GLINT]).sum()) == 300
    assert set(granule.target_id[granule.mode < Mode.TARGET]) == {""}


def test_times_to_the_millisecond(tmp_path):
    look = Overpass("val001", "x", 0.0, 10.0, Mode.TARGET, 7, NOON + 0.123, frames=2, swaths=1)
    expected = {round(NOON * 1000 + 123 + 333 * frame + 27 * footprint) for frame in range(2) for footprint in range(8)}
    for dataset in DATASETS:
        granule = read_granule(simulate_day(tmp_path, dataset, DAY, [look], background=0, drop=0.0, fill_share=0.0))
        np.testing.assert_allclose(granule.time * 1000, sorted(expected), atol=1e-3)
    # The middle of the first frame is 0.123 s + 0.0945 s: the nearest tenth is the second.
    assert granule.sounding_id[0] == 2020030312000021


def test_oco2_tracks_are_shaped_as_the_real_one(tmp_path):
    granule = read_granule(simulate_day(tmp_path, "oco2", DAY, [], background=979, fill_share=0.0))
    edges, areas = edges_and_areas(granule)
    np.testing.assert_allclose(np.median(edges, axis=0), [2.277, 1.097, 2.277, 1.097], atol=3e-3)
    assert (areas < 0).all(), "corners go clockwise"
    np.testing.assert_allclose(np.abs([areas.max(), np.median(areas), areas.min()]), [0.37, 0.53, 0.72], atol=0.03)
    x, y = plane(granule)
    offset = np.hypot(x.mean(axis=1), y.mean(axis=1) - np.radians(granule.latitude) * EARTH_RADIUS)
    assert np.median(offset) == pytest.approx(0.147, abs=3e-3)
    footprint, frame = granule.sounding_id % 10, granule.sounding_id // 10
    assert len(np.unique(frame)) <= np.ceil(979 / 8 / 0.6)
    neighbours = np.flatnonzero((frame[1:] == frame[:-1]) & (footprint[1:] == footprint[:-1] + 1))
    step = np.radians(granule.longitude[neighbours + 1] - granule.longitude[neighbours])
    step *= np.cos(np.radians(granule.latitude[neighbours]))
    apart = np.hypot(step, np.radians(granule.latitude[neighbours + 1] - granule.latitude[neighbours])) * EARTH_RADIUS
    assert np.median(apart) == pytest.approx(1.086, abs=3e-3)


def test_area_map_is_a_block_of_swaths_with_strays_between(tmp_path):
    granule = read_granule(simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES], background=0, drop=0.0, fill_share=0.0))
    away = distances(granule, LOS_ANGELES)
    stray = away > 100
    assert 4 <= stray.sum() <= 12
    assert away[stray].min() > 140
    assert away[~stray].max() < 70
    gaps = np.flatnonzero(np.diff(granule.time[~stray]) > 5)
    assert len(gaps) == LOS_ANGELES.swaths - 1
    assert 90 < np.ptp(granule.time) < 150
    edges, areas = edges_and_areas(granule.take(~stray))
    assert (areas < 0).all()
    assert 1.6 < np.median(edges[:, 1]) < 2.1
    assert 2.2 < np.median(edges[:, 0]) < 2.6
    # The block is about 80 by 80 km and filled: swaths touch each other.
    assert 4000 < np.abs(areas).sum() < 8000


def test_target_mode_sweeps_overlap_and_pixels_grow(tmp_path):
    granule = read_granule(simulate_day(tmp_path, "oco3", DAY, [LAMONT], background=0, drop=0.0, fill_share=0.0))
    _, areas = edges_and_areas(granule)
    assert (areas < 0).all()
    size = -areas.reshape(LAMONT.swaths, -1).mean(axis=1)
    assert size[0] > 3 * size[2]
    assert size[4] > 3 * size[2]
    assert distances(granule, LAMONT).max() < 40
    assert np.abs(areas).sum() > 4 * np.pi * 20**2


@pytest.mark.parametrize("dataset", DATASETS)
def test_without_noise_values_are_the_truth(dataset, tmp_path):
    truth = truth_sif if dataset == "oco3_sif" else truth_xco2
    granule = read_granule(simulate_day(tmp_path, dataset, DAY, [LAMONT], background=0, noise=0.0, fill_share=0.0))
    field = partial(truth, lon0=LAMONT.lon, lat0=LAMONT.lat, day=DAY)
    expected = footprint_mean(field, granule.vertex_longitude, granule.vertex_latitude)
    found = next(iter(granule.variables.values())).values
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.ptp(expected) > 0.1


def test_noise_is_as_large_as_its_uncertainty(tmp_path):
    granule = read_granule(simulate_day(tmp_path, "oco3", DAY, [LAMONT], background=0, fill_share=0.0, drop=0.0))
    field = partial(truth_xco2, lon0=LAMONT.lon, lat0=LAMONT.lat, day=DAY)
    error = granule.variables["/xco2"].values - footprint_mean(field, granule.vertex_longitude, granule.vertex_latitude)
    score = error / granule.variables["/xco2_uncertainty"].values
    assert abs(score.mean()) < 4 / np.sqrt(len(score))
    assert score.std() == pytest.approx(1, abs=4 / np.sqrt(2 * len(score)))
    assert error[granule.good].std() == pytest.approx(0.5, rel=0.1)
    assert granule.good.mean() == pytest.approx(0.85, abs=0.04)


def test_field():
    assert truth_xco2(170.0, -80.0, 170.0, -80.0, DAY) > BACKGROUND
    far = truth_xco2(np.array([2.0, 362.0, -358.0]), np.array([1.0, 1.0, 1.0]), 0.0, 0.0, DAY)
    np.testing.assert_allclose(far, BACKGROUND + 0.5 * 2 - 0.3, atol=1e-3)
    assert truth_xco2(0.1, 0.1, 0.0, 0.0, DAY) != truth_xco2(0.1, 0.1, 0.0, 0.0, DAY + dt.timedelta(days=1))


def test_footprint_mean_is_exact_for_polynomials():
    # A sheared quadrilateral across the antimeridian; the mean of x and y is its centroid, by triangles.
    x, y = np.array([[179.5, -179.9, -179.2, 179.8]]), np.array([[10.0, 10.6, 10.2, 9.7]])
    flat = np.where(x < 0, x + 360, x)[0]
    corners = np.stack([flat, y[0]], axis=-1)
    areas, centres = [], []
    for triangle in (corners[[0, 1, 2]], corners[[0, 2, 3]]):
        one, other = triangle[1] - triangle[0], triangle[2] - triangle[0]
        areas.append(one[0] * other[1] - one[1] * other[0])
        centres.append(triangle.mean(axis=0))
    centroid = np.average(centres, axis=0, weights=areas)
    np.testing.assert_allclose(footprint_mean(lambda lon, lat: lon, x, y), centroid[0])
    np.testing.assert_allclose(footprint_mean(lambda lon, lat: lat, x, y), centroid[1])
    np.testing.assert_allclose(footprint_mean(lambda lon, lat: np.full_like(lon, 7.0), x, y), 7.0)


def test_place_keeps_distances_from_the_centre():
    east, north = np.array([0.0, 30.0, -100.0, 0.0]), np.array([0.0, 40.0, 5.0, -80.0])
    for lon, lat in ((-118.2, 34.0), (180.0, -16.0), (20.0, 89.9)):
        longitude, latitude = place(east, north, lon, lat)
        a, b, turn = np.radians(latitude), np.radians(lat), np.radians(longitude - lon)
        chord = np.sqrt(np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(turn / 2) ** 2)
        np.testing.assert_allclose(2 * EARTH_RADIUS * np.arcsin(chord), np.hypot(east, north), atol=1e-6)
        assert ((longitude >= -180) & (longitude < 180)).all()


def test_sounding_ids_and_dates_carry_over():
    frame = round(dt.datetime(2019, 12, 31, 23, 59, 59, tzinfo=dt.UTC).timestamp()) * 10 + np.array([0, 9, 10])
    found = sounding_ids(frame, np.array([1, 8, 3]))
    np.testing.assert_array_equal(found, [2019123123595901, 2019123123595998, 2020010100000003])
    date = calendar(np.array([951782400000 + 86399999]))
    np.testing.assert_array_equal(date, [[2000, 2, 29, 23, 59, 59, 999]])


def test_capture_across_midnight_is_in_both_days(tmp_path):
    late = Overpass("fossil0005", "LA", -118.2, 34.0, Mode.AREA_MAP, 5000, MIDNIGHT + 86400 - 30, frames=20)
    paths = [
        simulate_day(tmp_path, "oco3", day, [late], background=0, drop=0.0, fill_share=0.0)
        for day in (DAY, DAY + dt.timedelta(days=1))
    ]
    before, after = (read_granule(path) for path in paths)
    assert before.time[-1] < MIDNIGHT + 86400 <= after.time[0]
    assert len(before) + len(after) >= 20 * 5 * 8
    assert str(before.sounding_id[-1]).startswith("2020030323")
    assert str(after.sounding_id[0]).startswith("2020030400")


def test_neighbours_and_ends_of_the_file(tmp_path):
    again = Overpass("fossil0005", "LA", -118.2, 34.0, Mode.AREA_MAP, 5001, NOON + 5600, frames=10, swaths=2)
    small = Overpass("fossil0005", "LA", -118.2, 34.0, Mode.AREA_MAP, 5000, NOON, frames=10, swaths=2)
    other = Overpass("volcano0001", "V", -118.0, 34.5, Mode.AREA_MAP, 5001, again.stop_time, frames=10, swaths=1)
    granule = read_granule(simulate_day(tmp_path, "oco3", DAY, [other, again, small], drop=0.0, fill_share=0.0))
    runs = np.flatnonzero(np.r_[True, granule.target_id[1:] != granule.target_id[:-1]])
    assert granule.target_id[runs].tolist() == ["", "fossil0005", "volcano0001"]
    assert set(granule.orbit[granule.target_id == "fossil0005"]) == {5000, 5001}
    assert granule.target_id[-1] == "volcano0001", "a run ends the file"
    assert granule.time[runs[2]] - granule.time[runs[2] - 1] < 1


def test_background_stands_between_different_targets(tmp_path):
    granule = read_granule(simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES, LAMONT], fill_share=0.0))
    runs = np.flatnonzero(np.r_[True, granule.target_id[1:] != granule.target_id[:-1]])
    assert granule.target_id[runs].tolist() == ["", "fossil0005", "", "tccon0007"]


@pytest.mark.parametrize("count", [1, 7, 2000, 20000])
def test_background_of_any_size_parts_no_capture(count, tmp_path):
    looks = [LOS_ANGELES, LAMONT]
    granule = read_granule(simulate_day(tmp_path, "oco3", DAY, looks, background=count, fill_share=0.0))
    assert int((granule.mode < Mode.TARGET).sum()) == count
    for look in looks:
        assert (
            np.ptp(np.flatnonzero(granule.target_id == look.target_id))
            == (granule.target_id == look.target_id).sum() - 1
        )
    assert granule.target_id[-1] == LAMONT.target_id


def test_background_after_an_overpass_from_midnight_on(tmp_path):
    early = Overpass("fossil0005", "LA", -118.2, 34.0, Mode.AREA_MAP, 5000, MIDNIGHT - 10, frames=10, swaths=2)
    granule = read_granule(simulate_day(tmp_path, "oco3", DAY, [early], fill_share=0.0))
    assert int((granule.mode < Mode.TARGET).sum()) == 300
    assert granule.target_id[0] == "fossil0005"


def test_sif_has_gaps_within_runs_and_at_their_start(tmp_path):
    granule = read_granule(simulate_day(tmp_path, "oco3_sif", DAY, [LOS_ANGELES], background=0, fill_share=0.0))
    assert set(granule.mode) == {Mode.AREA_MAP}
    assert granule.target_id[0] == ""
    assert 0.005 < np.mean(granule.target_id == "") < 0.05
    assert set(np.unique(granule.quality)) == {-1, 0, 1, 2}
    whole = Overpass("a", "A", 0.0, 0.0, Mode.TARGET, 1, NOON, unassigned=0.0)
    granule = read_granule(simulate_day(tmp_path, "oco3_sif", DAY, [whole], background=0))
    assert set(granule.target_id) == {"a"}


def test_all_bad_capture_and_single_sounding(tmp_path):
    bad = Overpass("bad", "Bad", 10.0, 50.0, Mode.AREA_MAP, 1, NOON, frames=5, swaths=1, bad_share=1.0)
    one = Overpass("one", "One", 10.0, 50.0, Mode.TARGET, 2, NOON + 6000, frames=1, swaths=1, footprints=1)
    for dataset in ("oco3", "oco3_sif"):
        path = simulate_day(tmp_path, dataset, DAY, [bad, one], bad_share=0.0, drop=1.0 if dataset == "oco3" else 0.0)
        granule = read_granule(path)
        assert not granule.good[granule.orbit == 1][granule.target_id[granule.orbit == 1] == "bad"].any()
        assert (granule.target_id == "one").sum() == 1
        assert granule.good[granule.target_id == "one"].all()


def test_fills(tmp_path):
    path = simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES], background=0, drop=0.0, fill_share=0.05, noise=0.0)
    granule = read_granule(path)
    missing = granule.variables["/xco2"].missing
    assert missing.sum() + (~granule.located).sum() == round(0.05 * len(granule))
    assert missing.sum() > 20
    assert (np.isnan(granule.latitude) < ~granule.located).any(), "corners alone may be fills"
    assert np.nanmin(granule.variables["/xco2"].values) > 405
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_mask(False)
        assert dataset["latitude"][:].min() == -999999.0
        assert dataset["xco2"][:].min() == -999999.0


def test_layout_of_the_files(tmp_path):
    with netCDF4.Dataset(simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES])) as dataset:
        assert dataset.data_model == "NETCDF4"
        assert set(dataset.groups) == {"Sounding", "Retrieval", "Preprocessors", "Meteorology"}
        for name, kind, dimensions in [
            ("sounding_id", "u8", ("sounding_id",)),
            ("vertex_longitude", "f4", ("sounding_id", "vertices")),
            ("time", "f8", ("sounding_id",)),
            ("date", "i2", ("sounding_id", "epoch_dimension")),
            ("xco2_quality_flag", "i1", ("sounding_id",)),
            ("pressure_levels", "f4", ("sounding_id", "levels")),
            ("Sounding/orbit", "i4", ("sounding_id",)),
            ("Sounding/operation_mode", "i1", ("sounding_id",)),
        ]:
            variable = dataset[name]
            assert (variable.dtype, variable.dimensions) == (np.dtype(kind), dimensions)
            assert "_FillValue" not in variable.ncattrs()
            assert variable.missing_value.dtype == variable.dtype
        assert dataset["Sounding/target_id"].dtype is str
        assert len(dataset["Retrieval"].variables) >= 50
        assert dataset.getncattr("BuildId") == "B11072Ar"
    with netCDF4.Dataset(simulate_day(tmp_path, "oco2", DAY, [LAMONT])) as dataset:
        assert "target_id" not in dataset["Sounding"].variables
        assert "n_dem_points" in dataset["Auxiliary"].variables
    with netCDF4.Dataset(simulate_day(tmp_path, "oco3_sif", DAY, [LOS_ANGELES])) as dataset:
        assert {"Metadata", "Sequences", "Science", "Cloud", "Geolocation", "Meteo", "Offset"} == set(dataset.groups)
        assert "units" not in dataset["Delta_Time"].ncattrs()
        assert len(dataset.getncattr("date_time_coverage")) == 2


def test_same_arguments_give_the_same_bytes(tmp_path):
    first = simulate_day(tmp_path / "a", "oco3", DAY, [LOS_ANGELES], seed=5)
    time.sleep(1.1)
    second = simulate_day(tmp_path / "b", "oco3", DAY, [LOS_ANGELES], seed=5)
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != simulate_day(tmp_path / "b", "oco3", DAY, [LOS_ANGELES], seed=6).read_bytes()


def test_productions_and_products_share_their_footprints(tmp_path):
    old = read_granule(simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES], fill_share=0.0))
    new = read_granule(
        simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES], fill_share=0.0, build="B12000Ar", production="260101000000")
    )
    sif = read_granule(simulate_day(tmp_path, "oco3_sif", DAY, [LOS_ANGELES], fill_share=0.0))
    assert new.path_name == "oco3_LtCO2_200303_B12000Ar_260101000000s.nc4"
    for other in (new, sif):
        np.testing.assert_array_equal(other.sounding_id, old.sounding_id)
        np.testing.assert_array_equal(other.vertex_latitude, old.vertex_latitude)
    assert (new.variables["/xco2"].values != old.variables["/xco2"].values).any()


def test_area_map_is_quick(tmp_path):
    simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES])
    start = time.process_time()
    simulate_day(tmp_path, "oco3", DAY, [LOS_ANGELES])
    assert time.process_time() - start < 1


@pytest.mark.parametrize("settings", [{"mode": 3}, {"mode": 9}, {"frames": 0}, {"footprints": 9}, {"swaths": 0}])
def test_impossible_overpasses_are_refused(settings):
    with pytest.raises(InvalidOptions):
        Overpass(**{**vars(LAMONT), **settings})


@pytest.mark.parametrize("settings", [{"drop": 1.5}, {"bad_share": -0.1}, {"fill_share": np.nan}])
def test_impossible_shares_are_refused(settings, tmp_path):
    with pytest.raises(InvalidOptions, match=next(iter(settings))):
        simulate_day(tmp_path, "oco3", DAY, [LAMONT], **settings)
    with pytest.raises(InvalidOptions, match="oco9"):
        simulate_day(tmp_path, "oco9", DAY, [LAMONT])
