"""Targets: the file, boxes across the antimeridian, great-circle matching (D14), codes, and the box tools."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import EARTH_RADIUS_KM, great_circle_km, mean_position, unwrap_longitude, wrap_longitude
from levelworks.xco2.captures import Capture
from levelworks.xco2.geography import Box, bounding_box
from levelworks.xco2.granule import Granule
from levelworks.xco2.target_codes import ECOSTRESS_SITES, SIF_SITES, target_number, target_type
from levelworks.xco2.target_tools import (
    BoxCounts,
    Centre,
    capture_box,
    count_capture,
    count_in_box,
    distances_from_centre,
    read_centres,
    summarise,
    targets_from_centres,
    union_boxes,
)
from levelworks.xco2.targets import Target, nearest_in_degrees, nearest_target, read_targets, write_targets

BBOX = {"min_lon": 10.0, "min_lat": 45.0, "max_lon": 11.0, "max_lat": 46.0}
LONGITUDES = st.floats(-180, 180)
LATITUDES = st.floats(-89, 89)


def target(name: str, lon: float, lat: float, half: float = 0.5) -> Target:
    return Target(
        name, name, wrap_longitude(lon - half), lat - half, wrap_longitude(lon + half), lat + half, (lon, lat)
    )


def by_id(*targets: Target) -> dict[str, Target]:
    return {one.id: one for one in targets}


def written(folder, entries) -> dict[str, Target]:
    path = folder / "targets.json"
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    return read_targets(path)


def test_the_projects_target_files_load_with_their_counts(shared_data):
    found = read_targets(shared_data / "xco2" / "targets.json")
    assert len(found) == 559
    kinds = Counter(name.rstrip("0123456789").split("_")[0].rstrip("0123456789") for name in found)
    expected = {"fossil": 253, "volcano": 94, "ecostress": 80, "texmex": 27, "tccon": 23, "sif": 22, "C": 17}
    expected |= {"desert": 14, "val": 12, "cal": 11, "coccon": 6}
    assert kinds == expected
    assert Counter(one.type_code for one in found.values()) == {1: 253, 2: 80, 3: 22, 4: 94, 5: 23, 6: 87}
    for one in found.values():
        assert one.box.width == pytest.approx(3)
        assert one.box.height == pytest.approx(3)
        assert one.min_lon < one.max_lon
        assert one.contains(*one.centre)
        assert one.centre == pytest.approx(one.box.centre, abs=1e-6)
    public = read_targets(shared_data / "xco2" / "targets_oco2-pub.json")
    assert len(public) == 31
    assert all(one.box.width == pytest.approx(1) and one.box.height == pytest.approx(1) for one in public.values())
    assert public["anmyeondoKo"].name == "Anmyeondo, South Korea"
    assert public["anmyeondoKo"].centre == (126.37, 36.62)


def test_targets_are_written_as_they_are_read(shared_data, tmp_path):
    found = read_targets(shared_data / "xco2" / "targets.json")
    write_targets(found.values(), tmp_path / "again.json")
    assert read_targets(tmp_path / "again.json") == found
    first = (tmp_path / "again.json").read_bytes()
    write_targets(reversed(found.values()), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == first


def test_a_centre_is_the_middle_of_the_box_where_none_is_given(tmp_path):
    fiji = {"name": "Fiji", "bbox": {"min_lon": 179.0, "min_lat": -19.0, "max_lon": -178.0, "max_lat": -16.0}}
    found = written(tmp_path, {"a": {"name": "A", "bbox": BBOX}, "fiji": fiji})
    assert found["a"].centre == (10.5, 45.5)
    assert found["fiji"].centre == (-179.5, -17.5)
    assert found["fiji"].box.width == 3
    assert found["fiji"].box.unwrapped == Box(179.0, -19.0, 182.0, -16.0)
    np.testing.assert_array_equal(
        found["fiji"].contains([179.0, 180.0, -180.0, -178.0, 181.5, 178.9, -177.9, 0.0], -17.0),
        [True, True, True, True, True, False, False, False],
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("{", "not JSON"),
        ([], "object of targets"),
        ({}, "at least one"),
        ('{"a": {"name": "A"}, "a": {"name": "B"}}', "'a' stands there twice"),
        ({"../a": {"name": "A", "bbox": BBOX}}, "'../a': ids name folders"),
        ({"a": []}, "'a' must be an object"),
        ({"a": {"name": "A", "bbox": BBOX, "id": "b"}}, "'a': id is 'b'"),
        ({"a": {"bbox": BBOX}}, "'a': name must be a text"),
        ({"a": {"name": "A"}}, "'a': bbox must be an object"),
        ({"a": {"name": "A", "bbox": BBOX | {"min_lat": None}}}, "'a': bbox.min_lat must be a number from -90 to 90"),
        ({"a": {"name": "A", "bbox": BBOX | {"max_lon": 181}}}, "'a': bbox.max_lon must be a number from -180 to 180"),
        ('{"a": {"name": "A", "bbox": {"min_lon": NaN}}}', "'a': bbox.min_lon must be"),
        ({"a": {"name": "A", "bbox": BBOX | {"max_lat": 44}}}, "bbox.min_lat 45.0 must be less than bbox.max_lat 44.0"),
        ({"a": {"name": "A", "bbox": BBOX | {"max_lon": 10}}}, "the box has no width"),
        ({"a": {"name": "A", "bbox": BBOX, "centroid_wkt": "POINT (1)"}}, "'a': centroid_wkt must be 'POINT"),
        ({"a": {"name": "A", "bbox": BBOX, "centroid_wkt": "POINT (1 91)"}}, "'a': centroid_wkt must be 'POINT"),
        ({"a": {"name": "A", "bbox": BBOX, "centroid_wkt": "POINT (a b)"}}, "'a': centroid_wkt must be 'POINT"),
    ],
)
def test_a_wrong_target_is_named_with_file_id_and_key(tmp_path, entries, message):
    with pytest.raises(InvalidOptions, match=r"targets\.json") as raised:
        written(tmp_path, entries)
    assert message in str(raised.value)


def test_a_targets_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidOptions, match=r"absent\.json can't be read"):
        read_targets(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("name", "code", "number"),
    [
        ("fossil0012", 1, 12),
        ("ecostress_us_cz1", 2, 48),
        ("ecostress_us_wwt", 2, 76),
        ("ecostress_ca_tp4", 2, 0),
        ("sif_atto_2", 3, 2),
        ("sif_uva", 3, 14),
        ("sif_lambir", 3, 0),
        ("volcano0036", 4, 36),
        ("tccon07", 5, 7),
        ("C40_001", 6, 1),
        ("val003_TAO", 6, 0),
        ("texmex11", 6, 11),
    ],
)
def test_types_and_numbers(name, code, number):
    assert (target_type(name), target_number(name)) == (code, number)
    assert (len(ECOSTRESS_SITES.split()), len(SIF_SITES.split())) == (76, 14)


def test_great_circles_have_known_lengths():
    quarter = np.pi / 2 * EARTH_RADIUS_KM
    assert great_circle_km(0, 0, 90, 0) == pytest.approx(quarter)
    assert great_circle_km(12, 90, 100, 0) == pytest.approx(quarter)
    assert great_circle_km(179.5, 0, -179.5, 0) == pytest.approx(quarter / 90)
    assert great_circle_km(0, 60, 180, 60) == pytest.approx(quarter * 2 / 3)
    assert great_circle_km(0, 0, 180, 0) == pytest.approx(2 * quarter)
    assert great_circle_km([1, 2], [3, 4], 1, 3).shape == (2,)
    assert great_circle_km(5, 45, 5 + 1e-7, 45) == pytest.approx(quarter / 90 * 1e-7 * np.cos(np.pi / 4), rel=1e-6)


@given(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES)
def test_distances_are_symmetric_and_those_of_the_chord(lon_a, lat_a, lon_b, lat_b):
    there = great_circle_km(lon_a, lat_a, lon_b, lat_b)
    assert there == pytest.approx(great_circle_km(lon_b, lat_b, lon_a, lat_a))
    assert there == pytest.approx(great_circle_km(lon_a + 360, lat_a, lon_b, lat_b), abs=1e-6)
    assert 0 <= there <= np.pi * EARTH_RADIUS_KM * (1 + 1e-12)


@given(LONGITUDES, LONGITUDES)
def test_longitudes_about_a_centre_stay_the_same_place(longitude, centre):
    found = unwrap_longitude(longitude, centre).item()
    assert abs(found - centre) <= 180
    assert (found - longitude) % 360 == pytest.approx(0, abs=1e-9) or (found - longitude) % 360 == pytest.approx(360)
    if abs(longitude - centre) < 180:
        assert found == longitude


def test_mean_positions_and_boxes_cross_the_antimeridian():
    lon, lat = np.array([179.5, -179.5, 179.9]), np.array([-17.0, -16.0, -15.0])
    assert mean_position([179.5, -179.5], [10.0, 10.0])[0] in (pytest.approx(180), pytest.approx(-180))
    assert bounding_box(lon, lat) == Box(179.5, -17.0, -179.5, -15.0)
    assert bounding_box([170.0, 180.0], [0.0, 1.0]) == Box(170.0, 0.0, 180.0, 1.0)
    assert mean_position([0, 90, 180, -90], [80, 80, 80, 80])[1] == pytest.approx(90)


BOXES = st.builds(
    lambda lon, lat, width, height: Box(wrap_longitude(lon), lat, wrap_longitude(lon + width, east=True), lat + height),
    st.integers(-180, 179),
    st.integers(-80, 70),
    st.integers(1, 120),
    st.integers(1, 10),
)


@given(BOXES, BOXES)
def test_a_union_holds_both_boxes(one, other):
    both = one.union(other)
    assert one.intersects(other) == other.intersects(one)
    assert both.width <= 360
    for box in (one, other):
        ends = box.unwrapped
        lon = np.linspace(ends.min_lon, ends.max_lon, 7)
        assert both.contains(lon, ends.min_lat).all()
        assert both.contains(lon, ends.max_lat).all()
        assert both.intersects(box)
    assert both.width >= max(one.width, other.width)
    if one.intersects(other):
        assert both.width <= one.width + other.width


def test_boxes_that_touch_meet():
    box = Box(178.0, 0.0, 180.0, 1.0)
    for other in (Box(-180.0, 0.5, -179.0, 2.0), Box(179.0, 1.0, 179.5, 2.0), Box(170.0, -5.0, -170.0, 5.0)):
        assert box.intersects(other)
        assert other.intersects(box)
    for other in (Box(-179.9, 0.0, -179.0, 1.0), Box(179.0, 1.1, 179.5, 2.0), Box(-179.0, 0.0, 177.9, 1.0)):
        assert not box.intersects(other)
        assert not other.intersects(box)


def test_the_area_of_a_box_is_that_on_the_sphere():
    assert Box(-180, -90, 180, 90).area == pytest.approx(4 * np.pi * EARTH_RADIUS_KM**2)
    assert Box(179, 0, -179, 1).area == pytest.approx(2 * Box(0, 0, 1, 1).area)


def test_the_nearest_target_is_so_on_the_sphere():
    """At 70 degrees north 1 degree of longitude is 38 km: degrees would name the target to the north."""
    north, east = target("north", 20, 70.8, 1), target("east", 21, 70, 1)
    extent = Box(19.8, 69.9, 20.2, 70.1)
    assert nearest_target(20, 70, extent, by_id(north, east)) is east
    assert nearest_in_degrees(20, 70, extent, by_id(north, east)) is north


def test_the_nearest_target_is_found_across_the_antimeridian():
    fiji, other = target("fiji", -179.9, -17), target("other", 178.9, -17)
    extent = Box(179.6, -17.3, -179.8, -16.8)
    assert nearest_target(179.95, -17, extent, by_id(other, fiji)) is fiji
    assert nearest_in_degrees(179.95, -17, Box(179.6, -17.3, 179.99, -16.8), by_id(other, fiji)) is None


def test_a_target_must_hold_the_centre_or_meet_the_extent():
    near, far = target("near", 10, 50, 0.1), target("far", 10.8, 50, 0.5)
    extent = Box(10.2, 49.9, 10.4, 50.1)
    assert nearest_target(10.3, 50, extent, by_id(near, far)) is far
    assert nearest_in_degrees(10.3, 50, extent, by_id(near, far)) is None
    assert nearest_target(10.3, 50, extent, by_id(near)) is None
    assert nearest_target(10.3, 50, extent, {}) is None
    assert nearest_in_degrees(10.3, 50, extent, {}) is None
    wide = target("wide", 11, 50, 5)
    assert nearest_target(7, 46, Box(7, 46, 7, 46), by_id(wide), cap_km=600) is wide
    assert nearest_target(7, 46, Box(7, 46, 7, 46), by_id(wide), cap_km=200) is None


def test_of_equally_near_targets_the_smaller_box_then_the_first_id_wins():
    extent = Box(9.9, 49.9, 10.1, 50.1)
    wide, narrow, twin = target("a", 10, 50, 1.5), target("c", 10, 50, 0.5), target("b", 10, 50, 0.5)
    for order in ((wide, narrow, twin), (twin, narrow, wide), (narrow, wide, twin)):
        assert nearest_target(10.05, 50, extent, by_id(*order)) is twin
    assert nearest_target(10.05, 50, extent, by_id(wide, narrow)) is narrow


def footprints(lon, lat, half=0.01):
    lon, lat = np.asarray(lon, float)[:, None], np.asarray(lat, float)[:, None]
    return lon + half * np.array([-1, 1, 1, -1]), lat + half * np.array([1, 1, -1, -1])


def granule_at(lon, lat, quality) -> Granule:
    size = len(lon)
    lons, lats = footprints(lon, lat)
    empty = np.full(size, "")
    return Granule(
        "oco3", "name", dt.date(2020, 3, 3), "B1", np.asarray(lat, float), np.asarray(lon, float), lats, lons,
        np.arange(size, dtype=float), np.arange(size, dtype=np.uint64), np.full(size, 4, np.int8),
        np.asarray(quality, np.int8), empty, empty, np.ones(size, np.int32),
    )  # fmt: skip


def capture_of(granule: Granule, name: str) -> Capture:
    return Capture("oco3", 1, name, name, "sam", np.arange(len(granule)), f"1-{name}-sam-0", 0.0, 1.0)


def test_boxes_of_captures_join_to_one_for_each_target():
    granule = granule_at([179.0, 179.9, np.nan], [10.0, 11.0, 12.0], [0, 0, 0])
    box = capture_box(granule, capture_of(granule, "a"))
    assert box == pytest.approx((178.99, 9.99, 179.91, 11.01))
    only = capture_box(granule, capture_of(granule, "a"), used=np.array([True, False, False]))
    assert only == pytest.approx((178.99, 9.99, 179.01, 10.01))
    assert capture_box(granule, capture_of(granule, "a"), used=np.zeros(3, bool)) is None
    joined = union_boxes([("b", Box(0, 0, 1, 1)), ("a", Box(179, 0, -179, 1)), ("a", Box(-179.5, -1, -178, 0.5))])
    assert list(joined.items()) == [("a", Box(179, -1, -178, 1)), ("b", Box(0, 0, 1, 1))]


def test_distances_along_the_axes_and_direct():
    degree = np.pi / 180 * EARTH_RADIUS_KM
    km, degrees = distances_from_centre([11.0, 10.0, 13.0], [60.0, 62.0, 64.0], (10.0, 60.0))
    np.testing.assert_allclose(degrees, [1, 2, 4])
    np.testing.assert_allclose(km[:2], [degree / 2, 2 * degree], rtol=1e-4)
    direct, hypotenuse = distances_from_centre([13.0], [64.0], (10.0, 60.0), method="abs")
    assert hypotenuse == pytest.approx(5)
    assert direct == pytest.approx(great_circle_km(13, 64, 10, 60))
    assert distances_from_centre([-179.5], [0.0], (179.5, 0.0)).degrees == pytest.approx(1)


def test_summaries_pass_over_what_is_not_finite():
    found = summarise([0.0, 1.0, 2.0, 3.0, np.nan])
    assert (found["n"], found["min"], found["max"], found["mean"]) == (4, 0, 3, 1.5)
    assert found["p90"] == pytest.approx(2.7)
    assert summarise([np.nan]) == {"n": 0}


def test_targets_from_the_projects_centres(shared_data):
    centres = read_centres(shared_data / "xco2" / "clasp_report.csv")
    made = {one.id: one for one in targets_from_centres(centres, 1.5)}
    shipped = read_targets(shared_data / "xco2" / "targets.json")
    assert made.keys() == shipped.keys()
    for name, one in made.items():
        assert one.box == pytest.approx(shipped[name].box, abs=1e-5)
        assert (one.name, one.centre) == (shipped[name].name, pytest.approx(shipped[name].centre, abs=1e-5))
    public = read_centres(shared_data / "xco2" / "oco2-targets-pub.csv")
    assert len(public) == 31
    for one in targets_from_centres(public, 50, "km"):
        lon, lat = one.centre
        assert great_circle_km(lon, one.max_lat, lon, lat) == pytest.approx(50)
        assert one.box.centre == pytest.approx(one.centre)


def test_boxes_from_centres_reach_the_offset_and_stop_at_poles():
    km = targets_from_centres([Centre("a", "A", (179.9, 60.0)), Centre("p", "P", (5.0, 89.9))], 100, "km")
    degree = np.pi / 180 * EARTH_RADIUS_KM
    assert km[0].box.height == pytest.approx(200 / degree)
    assert km[0].min_lon > km[0].max_lon
    assert km[0].box.width == pytest.approx(2 * np.degrees(np.arctan(np.tan(100 / EARTH_RADIUS_KM) * 2)))
    assert km[1].box == pytest.approx((-180, 89.9 - 100 / degree, 180, 90))
    with pytest.raises(InvalidOptions, match="offset must be"):
        targets_from_centres([], 0)


def test_a_list_of_sites_without_its_columns_is_named(tmp_path):
    (tmp_path / "sites.csv").write_text("id,name\na,A\n")
    with pytest.raises(InvalidOptions, match=r"sites\.csv needs the columns Target ID"):
        read_centres(tmp_path / "sites.csv")
    (tmp_path / "sites.csv").write_text("Target_ID,Target_Name,Center_WKT\na,A,POINT (1)\n")
    with pytest.raises(InvalidOptions, match=r"sites\.csv line 2: Center_WKT must be 'POINT"):
        read_centres(tmp_path / "sites.csv")


def test_footprints_are_counted_inside_on_and_outside_a_box():
    box = Box(179.0, 0.0, -179.0, 2.0)
    lons, lats = footprints([180.0, 179.0, -178.0, -180.0], [1.0, 1.0, 1.0, 2.005])
    assert count_in_box(lons, lats, box) == BoxCounts(inside=1, on=2, outside=1)
    diamond = np.array([[-178.99, -178.98, -178.97, -178.98]]), np.array([[2.01, 2.02, 2.01, 2.00]])
    assert count_in_box(*diamond, box) == BoxCounts(0, 0, 1)
    # its bounding box meets the corner, the footprint does not
    beside = np.array([[-179.005, -178.98, -178.97, -178.995]]), np.array([[2.02, 1.995, 2.01, 2.04]])
    assert count_in_box(*beside, box) == BoxCounts(0, 0, 1)
    around = np.array([[178.0, -178.0, -178.0, 178.0]]), np.array([[3.0, 3.0, -1.0, -1.0]])
    assert count_in_box(*around, box) == BoxCounts(0, 1, 0)


def test_a_capture_is_counted_with_all_and_with_good_soundings():
    granule = granule_at([10.0, 10.5, 12.0, np.nan], [50.0, 50.0, 50.0, 50.0], [0, 1, 0, 0])
    counts = count_capture(granule, capture_of(granule, "a"), by_id(target("a", 10, 50)))
    assert counts == {"all": BoxCounts(1, 1, 1), "good": BoxCounts(1, 0, 1)}
