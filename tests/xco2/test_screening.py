"""Screening: impossible footprints, isolated clusters, mirrored captures, and swaths that jump."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from levelworks.core.sphere import unit_vectors
from levelworks.xco2.captures import Capture, Reason
from levelworks.xco2.granule import Granule
from levelworks.xco2.screening import (
    Screen,
    clusters,
    isolated,
    screen_capture,
    screen_captures,
    screen_footprints,
    usable,
)
from levelworks.xco2.swath_jumps import SwathJump, compare_swaths, flag_swath_jumps, number_swaths

KM = 1 / 111.195  # degrees of latitude


def quads(lon, lat, width=1.1, height=2.2):
    """Return rectangles in km about centres, clockwise from the north-west."""
    lon, lat = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
    east = width / 2 * KM / np.cos(np.radians(lat))
    return lon[:, None] + east[:, None] * [-1, 1, 1, -1], lat[:, None] + height / 2 * KM * np.array([1, 1, -1, -1])


def screened(lon, lat, lons, lats):
    return screen_footprints(lat, lon, lats, lons)


@pytest.mark.parametrize(("lon", "lat"), [(10.0, 50.0), (180.0, -17.0), (-180.0, 0.001), (-75.0, 80.0), (185.0, 20.0)])
def test_a_footprint_as_they_are_passes(lon, lat):
    lons, lats = quads(lon, lat)
    assert screened([lon], [lat], lons, lats).tolist() == [0]
    assert screened([lon], [lat], lons[:, ::-1], lats[:, ::-1]).tolist() == [0]
    wrapped = (lons + 180) % 360 - 180
    assert screened([lon], [lat], wrapped, lats).tolist() == [0]


@pytest.mark.parametrize(
    ("lon", "lat"),
    [(10.0, -999999.0), (-999999.0, 50.0), (10.0, 0.0), (np.nan, 50.0), (10.0, np.nan), (10.0, 90.5), (np.inf, 50.0)],
)
def test_impossible_centres_are_flagged(lon, lat):
    lons, lats = quads(10.0, 50.0)
    flags = screened([lon, 10.0], [lat, 50.0], np.vstack([lons, lons]), np.vstack([lats, lats]))
    assert flags.tolist() == [Screen.POSITION, 0]


@pytest.mark.parametrize("value", [-999999.0, np.nan])
@pytest.mark.parametrize("which", [0, 1])
def test_impossible_corners_are_flagged(value, which):
    corners = quads(10.0, 50.0)
    corners[which][0, 2] = value
    assert screened([10.0], [50.0], *corners).tolist() == [Screen.POSITION]


def test_footprints_without_an_inside_are_flagged():
    lons, lats = quads([10.0] * 5, [50.0] * 5)
    bow_tie, line, point, twin, good = range(5)
    lons[bow_tie], lats[bow_tie] = lons[bow_tie, [0, 2, 1, 3]], lats[bow_tie, [0, 2, 1, 3]]
    lats[line] = 50 + np.array([0, 1, 2, 3]) * KM
    lons[line] = 10
    lons[point], lats[point] = 10, 50
    lons[twin, 1], lats[twin, 1] = lons[twin, 0], lats[twin, 0]
    expected = [Screen.SHAPE] * 4 + [0]
    assert screened([10.0] * 5, [50.0] * 5, lons, lats).tolist() == expected
    assert good == 4


def test_long_edges_are_flagged():
    lons, lats = quads([10.0, 10.0, 179.99], [50.0, 70.0, 70.0], width=9.9, height=9.9)
    assert screened([10.0, 10.0, 179.99], [50.0, 70.0, 70.0], lons, lats).tolist() == [0, 0, 0]
    lons, lats = quads([10.0, 10.0], [50.0, 70.0], width=10.1)
    assert screened([10.0, 10.0], [50.0, 70.0], lons, lats).tolist() == [Screen.EDGE, Screen.EDGE]
    assert screen_footprints([50.0], [10.0], lats[:1], lons[:1], max_edge_km=11).tolist() == [0]


def test_no_footprints_give_no_flags():
    flags = screened([], [], np.zeros((0, 4)), np.zeros((0, 4)))
    assert (flags.shape, flags.dtype) == ((0,), np.uint8)
    assert isolated([], []).shape == (0,)


def test_the_soundings_of_a_real_track_pass(shared_data):
    netcdf = pytest.importorskip("netCDF4")
    path = shared_data / "xco2" / "oco2_LtCO2_160727_B99999r_sampledata.nc4"
    with netcdf.Dataset(path) as file:
        names = ("longitude", "latitude", "vertex_longitude", "vertex_latitude")
        lon, lat, lons, lats = (np.asarray(file[name][:], float) for name in names)
    assert len(lon) == 979
    assert not screened(lon, lat, lons, lats).any()
    assert not isolated(lon, lat).any()


def cloud(count, lon, lat, seed=1, spread=0.2):
    draw = np.random.default_rng(seed)
    return lon + draw.uniform(-spread, spread, count), lat + draw.uniform(-spread, spread, count)


def test_small_clusters_far_from_the_bulk_are_isolated():
    parts = [cloud(50, 10, 50), cloud(32, 20, 50), cloud(33, 30, 50), cloud(1, 40, 50)]
    lon, lat = (np.concatenate(axis) for axis in zip(*parts, strict=True))
    expected = np.repeat([False, True, False, True], [50, 32, 33, 1])
    np.testing.assert_array_equal(isolated(lon, lat), expected)
    order = np.random.default_rng(2).permutation(len(lon))
    np.testing.assert_array_equal(isolated(lon[order], lat[order]), expected[order])


def test_the_largest_cluster_stays_however_small():
    assert isolated([5.0], [5.0]).tolist() == [False]
    assert isolated([5.0, 15.0], [5.0, 5.0]).tolist() == [False, True]
    assert isolated([5.0, 15.0, 15.1], [5.0, 5.0, 5.0]).tolist() == [True, False, False]


def test_a_chain_and_the_antimeridian_link():
    assert not isolated(np.arange(10) * 0.99, np.zeros(10)).any()
    assert isolated(np.arange(10) * 1.01, np.zeros(10)).sum() == 9
    assert not isolated([179.8, -179.8], [0.0, 0.0]).any()
    assert not isolated([10.0, 11.9], [60.0, 60.0]).any(), "2 degrees of longitude at 60 north are 1 of a great circle"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(-4, 4), st.floats(-4, 4)), min_size=2, max_size=40), st.floats(0.2, 2))
def test_clusters_are_those_of_single_linkage(places, reach):
    points = np.column_stack([np.array(places), np.zeros(len(places))])
    labels = clusters(points, reach)
    peer = fcluster(linkage(points, "single"), reach, "distance")
    np.testing.assert_array_equal(labels[:, None] == labels, peer[:, None] == peer)
    assert labels[0] == 0
    assert (np.diff(np.unique(labels, return_index=True)[1]) > 0).all()


def test_a_dense_capture_is_one_cluster():
    lon, lat = cloud(20000, 10, 50, spread=0.5)
    assert clusters(unit_vectors(lon, lat), np.radians(1)).max() == 0


def granule_of(lon, lat) -> Granule:
    size = len(lon)
    lons, lats = quads(lon, lat)
    zeros, empty = np.zeros(size), np.full(size, "")
    return Granule(
        "oco3", "name", dt.date(2020, 3, 3), "B1", np.asarray(lat, float), np.asarray(lon, float), lats, lons, zeros,
        np.arange(size, dtype=np.uint64), np.full(size, 4, np.int8), zeros.astype(np.int8), empty, empty,
        zeros.astype(np.int32),
    )  # fmt: skip


def capture_of(name, indices) -> Capture:
    return Capture("oco3", 1, name, name, "sam", np.asarray(indices), f"1-{name}-sam-{indices[0]}", 0.0, 1.0)


def test_a_capture_is_screened_as_a_whole():
    lon, lat = cloud(40, 10, 50)
    lon, lat = np.append(lon, [25.0, 10.0, 10.0]), np.append(lat, [50.0, np.nan, 50.0])
    granule = granule_of(lon, lat)
    flags = screen_capture(granule, capture_of("a", np.arange(1, 42)))
    assert flags.tolist() == [0] * 39 + [Screen.ISOLATED, Screen.POSITION]
    assert usable(flags).sum() == 39
    assert usable([0, Screen.SWATH_JUMP, Screen.SWATH_JUMP | Screen.EDGE]).tolist() == [True, True, False]
    nothing = screen_capture(granule, capture_of("a", np.array([41])))
    assert nothing.tolist() == [Screen.POSITION]


def test_mirrored_and_excluded_captures_are_left_out():
    granule = granule_of([104.2, 104.3, -104.2, -104.3, np.nan, 110.7], [39.9] * 6)
    ones = [
        capture_of("val001", [0, 1, 4]),
        capture_of("val001", [2, 3, 4]),
        capture_of("val001", [4]),
        capture_of("volcano0036", [5]),
        capture_of("val002", [0, 1]),
        capture_of("fossil0240", [2, 3]),
    ]
    kept, dropped = screen_captures(granule, ones)
    assert kept == [ones[1], ones[2], ones[4]]
    assert [(one.target_id, one.reason) for one in dropped] == [
        ("val001", Reason.MIRRORED),
        ("volcano0036", Reason.MIRRORED),
        ("fossil0240", Reason.EXCLUDED_TARGET),
    ]
    assert dropped[0].indices.tolist() == [0, 1, 4]
    assert screen_captures(granule, ones, excluded=(), mirrored=()) == (ones, [])


def swaths(offsets, noise=0.3, seed=3):
    """Return swaths of 30 by 8 soundings side by side, 10 km wide, over a field with a gradient."""
    draw = np.random.default_rng(seed)
    rows, columns = np.meshgrid(np.arange(30), np.arange(8), indexing="ij")
    parts = []
    for number, offset in enumerate(offsets):
        lon = 10 + (10 * number + 1.25 * columns.ravel()) * KM / np.cos(np.radians(50))
        lat = 50 + 2.2 * rows.ravel() * KM
        values = 412 + 2 * (lat - 50) + offset + draw.normal(0, noise, lon.size)
        time = 27 * number + rows.ravel() / 3
        parts.append((np.full(lon.size, number), lon, lat, values, time))
    return (np.concatenate(axis) for axis in zip(*parts, strict=True))


def test_swaths_are_parted_by_pauses():
    swath, *_, time = swaths([0, 0, 0])
    np.testing.assert_array_equal(number_swaths(time), swath)
    assert number_swaths([]).tolist() == []
    assert number_swaths([4.0]).tolist() == [0]


def test_a_swath_that_jumps_is_found_and_flagged():
    swath, lon, lat, values, _ = swaths([0, 0, 1.5, 1.5])
    found = compare_swaths(swath, lon, lat, values)
    assert [(one.first, one.second) for one in found] == [(0, 1), (1, 2), (2, 3)]
    np.testing.assert_allclose([one.offset for one in found], [0, 1.5, 0], atol=0.3)
    flags = flag_swath_jumps(swath, found)
    np.testing.assert_array_equal(flags, np.where((swath == 1) | (swath == 2), Screen.SWATH_JUMP, 0))
    assert usable(flags).all()
    assert flags.dtype == np.uint8
    assert not flag_swath_jumps(swath, found, min_offset=2).any()


def test_noise_and_gradients_are_no_jump():
    for seed in range(10):
        swath, lon, lat, values, _ = swaths([0, 0, 0, 0, 0], noise=0.5, seed=seed)
        assert not flag_swath_jumps(swath, compare_swaths(swath, lon, lat, values)).any()


def test_swaths_without_common_ground_are_not_compared():
    swath, lon, lat, values, _ = swaths([0, 5])
    assert compare_swaths(swath, np.where(swath == 1, lon + 1, lon), lat, values) == []
    assert compare_swaths(swath, lon, lat, np.where(swath == 1, np.nan, values)) == []
    assert compare_swaths([], [], [], []) == []
    assert flag_swath_jumps([0, 1], [SwathJump(0, 1, 1.0, 0.5, 10)]).tolist() == [0, 0]
