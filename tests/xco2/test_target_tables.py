"""Tables of the box tools: simulated days, boxes across the antimeridian, pooled distances, counts, and order."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random

import numpy as np
import pytest
import shapely
import shapely.geometry
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.core.sphere import wrap_longitude
from levelworks.xco2.captures import Reason, cut_captures
from levelworks.xco2.geography import Box
from levelworks.xco2.granule import Granule, Mode
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.readers import read_granule
from levelworks.xco2.screening import screen_capture, screen_captures, usable
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.target_rows import NO_FOOTPRINT, CaptureRow, ExcludedRow, tabulate
from levelworks.xco2.target_tables import (
    bounds_csv,
    bounds_geojson,
    box_geometry,
    box_wkt,
    boxes_csv,
    captures_csv,
    counts_by_capture_csv,
    counts_by_target_csv,
    counts_by_type_csv,
    distance_statistics,
    excluded_csv,
    write_tables,
)
from levelworks.xco2.target_tools import BoxCounts, Distances, distances_from_centre, summarise
from levelworks.xco2.targets import Target, read_targets

FIJI = Target("volcano0999", "Fiji, across", 179.0, -18.5, -178.5, -15.5, (-179.9, -17.0))
EXCLUDED = Target("fossil0240", "Never wanted", 29.0, 19.0, 31.0, 21.0, (30.0, 20.0))


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def targets(shared_data):
    return read_targets(shared_data / "xco2" / "targets.json") | {one.id: one for one in (FIJI, EXCLUDED)}


@pytest.fixture(scope="module")
def days(targets, tmp_path_factory):
    """Return two days: granule, captures, what was dropped, and which soundings are usable."""
    folder, found = tmp_path_factory.mktemp("days"), []
    for day, first in ((dt.date(2020, 3, 4), 5100), (dt.date(2020, 3, 3), 5000)):
        begin = dt.datetime(day.year, day.month, day.day, 3, tzinfo=dt.UTC).timestamp()
        looks = [
            Overpass(
                name, targets[name].name, *targets[name].centre, mode, first + n, begin + 5400 * n, frames=12, swaths=3
            )
            for n, (name, mode) in enumerate(
                [
                    ("fossil0005", Mode.AREA_MAP),
                    (FIJI.id, Mode.AREA_MAP),
                    ("fossil0005", Mode.TARGET),
                    ("desert0000", Mode.AREA_MAP),
                    ("fossil0240", Mode.AREA_MAP),
                ]
            )
        ]
        looks.append(
            Overpass("nowhere", "Nowhere", 0.0, 10.0, Mode.TARGET, first + 9, begin + 50000, frames=5, swaths=1)
        )
        granule = read_granule(simulate_day(folder, "oco3", day, looks, fill_share=0.01))
        captures, dropped = cut_captures(granule, targets)
        captures, excluded = screen_captures(granule, captures)
        found.append(
            (granule, captures, dropped + excluded, [usable(screen_capture(granule, one)) for one in captures])
        )
    return found


@pytest.fixture(scope="module")
def tables(days, targets) -> tuple[list[CaptureRow], list[ExcludedRow]]:
    rows, excluded = [], []
    for granule, captures, dropped, used in days:
        more, others = tabulate(granule, captures, dropped, targets, used)
        rows += more
        excluded += others
    return rows, excluded


def test_captures_are_listed_with_the_boxes_of_their_footprints(days, tables):
    lines = parsed(captures_csv(tables[0]))
    assert list(lines[0]) == [
        "Granule", "Target ID", "Target Name", "Region Start Index", "Region End Index", "Operation Mode",
        "min_lon", "min_lat", "max_lon", "max_lat", "Bounding Box WKT", "Capture ID",
    ]  # fmt: skip
    assert len(lines) == 8
    assert [line["Granule"] for line in lines] == sorted(line["Granule"] for line in lines)
    by_id = {
        one.id: (granule, one, used) for granule, ones, _, uses in days for one, used in zip(ones, uses, strict=True)
    }
    for line in lines:
        granule, capture, used = by_id[line["Capture ID"]]
        assert (line["Granule"], line["Target ID"], line["Target Name"]) == (
            granule.path_name, capture.target_id, capture.target_name,
        )  # fmt: skip
        assert line["Operation Mode"] == {"sam": "4", "target": "2"}[capture.mode]
        chosen = np.arange(int(line["Region Start Index"]), int(line["Region End Index"]))
        np.testing.assert_array_equal(chosen, capture.indices)
        lats, lons = granule.vertex_latitude[chosen][used], granule.vertex_longitude[chosen][used]
        assert float(line["min_lat"]) == pytest.approx(lats.min(), abs=5.1e-7)
        assert float(line["max_lat"]) == pytest.approx(lats.max(), abs=5.1e-7)
        turned = lons % 360 if capture.target_id == FIJI.id else lons
        assert float(line["min_lon"]) == pytest.approx(wrap_longitude(turned.min()), abs=5.1e-7)
        assert float(line["max_lon"]) == pytest.approx(wrap_longitude(turned.max()), abs=5.1e-7)
        shape = shapely.from_wkt(line["Bounding Box WKT"])
        assert shape.geom_type == ("MultiPolygon" if capture.target_id == FIJI.id else "Polygon")
        assert float(line["min_lon"]) > float(line["max_lon"]) or capture.target_id != FIJI.id


def test_what_is_left_out_is_listed_with_its_reason(tables):
    lines = parsed(excluded_csv(tables[1]))
    assert [(line["Target ID"], line["Reason"]) for line in lines] == [
        ("fossil0240", Reason.EXCLUDED_TARGET), ("nowhere", Reason.UNKNOWN_TARGET),
    ] * 2  # fmt: skip
    assert [bool(line["Target Name"]) for line in lines] == [True, False] * 2
    assert all(shapely.from_wkt(line["Bounding Box WKT"]).area > 0 for line in lines)


def test_bounds_hold_all_captures_of_a_target(tables):
    lines = {line["Target ID"]: line for line in parsed(bounds_csv(tables[0]))}
    assert list(lines) == ["desert0000", "fossil0005", FIJI.id]
    assert {name: line["Captures"] for name, line in lines.items()} == {
        "desert0000": "2",
        "fossil0005": "4",
        FIJI.id: "2",
    }
    for row in tables[0]:
        box = Box(*(float(lines[row.target_id][edge]) for edge in Box._fields))
        for edge, found in zip(box.unwrapped, row.box.unwrapped, strict=True):
            assert abs(edge - found) < 0.5
        assert box.unwrapped.min_lon <= row.box.unwrapped.min_lon + 1e-6
        assert box.unwrapped.max_lon >= row.box.unwrapped.max_lon - 1e-6
        assert box.min_lat <= row.box.min_lat + 1e-6
        assert box.max_lat >= row.box.max_lat - 1e-6


def test_bounds_as_geojson_say_the_same(tables):
    content = json.loads(json.dumps(bounds_geojson(tables[0]), allow_nan=False))
    assert set(content) == {"type", "features"}
    lines = parsed(bounds_csv(tables[0]))
    assert [one["id"] for one in content["features"]] == [line["Target ID"] for line in lines]
    for one, line in zip(content["features"], lines, strict=True):
        assert one["bbox"] == [float(line[edge]) for edge in Box._fields]
        assert shapely.geometry.shape(one["geometry"]).equals(shapely.from_wkt(line["Bounding Box WKT"]))
    types = {one["id"]: one["properties"]["type"] for one in content["features"]}
    assert types == {"desert0000": "other", "fossil0005": "fossil", FIJI.id: "volcano"}


def test_boxes_at_the_antimeridian_in_closed_form():
    assert box_wkt(Box(10.0, -1.5, 11.25, 2.0)) == "POLYGON ((10.0 -1.5, 11.25 -1.5, 11.25 2.0, 10.0 2.0, 10.0 -1.5))"
    assert box_wkt(Box(179.0, 0.0, -178.0, 1.0)) == (
        "MULTIPOLYGON (((179.0 0.0, 180.0 0.0, 180.0 1.0, 179.0 1.0, 179.0 0.0)), "
        "((-180.0 0.0, -178.0 0.0, -178.0 1.0, -180.0 1.0, -180.0 0.0)))"
    )
    # boxes that end at the antimeridian, however that is written
    for box in (Box(179.0, 0.0, 180.0, 1.0), Box(179.0, 0.0, -180.0, 1.0)):
        assert box_wkt(box) == "POLYGON ((179.0 0.0, 180.0 0.0, 180.0 1.0, 179.0 1.0, 179.0 0.0))"
    assert box_geometry(Box(180.0, 0.0, -179.0, 1.0))["coordinates"][0][0] == [-180.0, 0.0]
    assert box_wkt(Box(-1e-9, 0.00001, 0.1 + 0.2, 1 / 3)).startswith("POLYGON ((0.0 0.00001, 0.3 0.00001, 0.3 0.333333")


BOXES = st.builds(
    lambda lon, lat, width, height: Box(
        wrap_longitude(lon / 10), lat / 10, wrap_longitude((lon + width) / 10, east=True), (lat + height) / 10
    ),
    st.integers(-1800, 1799), st.integers(-800, 700), st.integers(1, 1000), st.integers(1, 100),
)  # fmt: skip


@given(BOXES)
def test_geometries_are_valid_anticlockwise_and_as_large_as_the_box(box):
    shape = shapely.geometry.shape(box_geometry(box))
    assert shape.is_valid
    assert shape.equals(shapely.from_wkt(box_wkt(box)))
    assert shape.area == pytest.approx(box.width * box.height)
    west, _, east, _ = shape.bounds
    assert -180 <= west < east <= 180
    assert all(part.exterior.is_ccw for part in getattr(shape, "geoms", [shape]))


def test_distances_are_pooled_by_target_type_and_mode(days, tables, targets):
    content = json.loads(json.dumps(distance_statistics(tables[0]), allow_nan=False))
    assert set(content["targets"]) == {"desert0000", "fossil0005", FIJI.id}
    assert set(content["types"]) == {"fossil", "other", "volcano"}
    assert set(content["targets"]["fossil0005"]) == {"sam", "target"}
    assert content["types"]["fossil"] == content["targets"]["fossil0005"]
    assert content["types"]["volcano"] == content["targets"][FIJI.id]
    parts = [
        (granule.longitude[one.indices[used]], granule.latitude[one.indices[used]])
        for granule, ones, _, uses in days
        for one, used in zip(ones, uses, strict=True)
        if (one.target_id, one.mode) == (FIJI.id, "sam")
    ]
    lon, lat = (np.concatenate(one) for one in zip(*parts, strict=True))
    for method in ("latlon", "abs"):
        expected = distances_from_centre(lon, lat, FIJI.centre, method)
        for unit, decimals in (("km", 3), ("degrees", 6)):
            found = content["targets"][FIJI.id]["sam"][method][unit]
            assert found == {key: round(value, decimals) for key, value in summarise(getattr(expected, unit)).items()}
            assert list(found) == ["n", "min", "max", "mean", "std", "p90", "p95", "p99"]
            assert found["max"] < 100
    pools = [content["targets"][name]["sam"]["abs"]["km"] for name in content["targets"]]
    whole = content["all"]["sam"]["abs"]["km"]
    assert whole["n"] == sum(one["n"] for one in pools)
    assert whole["max"] == max(one["max"] for one in pools)
    assert whole["mean"] == pytest.approx(sum(one["n"] * one["mean"] for one in pools) / whole["n"], abs=1e-3)


def test_counts_add_up_from_captures_to_types(tables):
    def numbers(lines):
        return np.array([[int(value) for key, value in line.items() if "Soundings" in key] for line in lines])

    captures, by_target, by_type = (
        parsed(one(tables[0])) for one in (counts_by_capture_csv, counts_by_target_csv, counts_by_type_csv)
    )
    assert [key for key in captures[0] if "Soundings" in key] == [
        "Soundings", "Good Soundings", "Soundings in Bounds", "Soundings on Bounds", "Soundings out of Bounds",
        "Good Soundings in Bounds", "Good Soundings on Bounds", "Good Soundings out of Bounds",
    ]  # fmt: skip
    total = numbers(captures).sum(axis=0)
    np.testing.assert_array_equal(numbers(by_target).sum(axis=0), total)
    assert [line["Target Type"] for line in by_type] == ["fossil", "other", "volcano", "all"]
    np.testing.assert_array_equal(numbers(by_type)[-1], total)
    np.testing.assert_array_equal(numbers(by_type)[:-1].sum(axis=0), total)
    fossil = [line["Target ID"] == "fossil0005" for line in captures]
    np.testing.assert_array_equal(numbers(by_type)[0], numbers(captures)[fossil].sum(axis=0))
    table = numbers(captures)
    assert (table[:, 0] >= table[:, 2:5].sum(axis=1)).all()
    assert (table[:, 1] >= table[:, 5:].sum(axis=1)).all()
    assert (table[:, 2:5] >= table[:, 5:]).all()
    assert (table[:, 2] > 0).all()


def test_boxes_are_those_of_the_targets(targets):
    lines = {line["Target ID"]: line for line in parsed(boxes_csv(targets))}
    assert list(lines) == sorted(targets)
    for name, one in targets.items():
        assert [float(lines[name][edge]) for edge in Box._fields] == pytest.approx(one.box, abs=5.1e-7)
        point = shapely.from_wkt(lines[name]["Centroid WKT"])
        assert (point.x, point.y) == pytest.approx(one.centre, abs=5.1e-7)
    assert lines[FIJI.id]["Target Name"] == "Fiji, across"
    assert lines[FIJI.id]["Bounding Box WKT"].startswith("MULTIPOLYGON")


def test_tables_do_not_depend_on_the_order_of_rows(tables, targets, tmp_path):
    rows, excluded = tables
    first = write_tables(rows, excluded, targets, tmp_path / "first")
    shuffled, others = random.Random(3).sample(rows, len(rows)), excluded[::-1]
    second = write_tables(iter(shuffled), iter(others), dict(reversed(targets.items())), tmp_path / "second")
    assert [path.name for path in first] == [path.name for path in second]
    assert {path.name for path in first} == {path.name for path in (tmp_path / "first").iterdir()} == {
        "captures.csv", "captures.excluded.csv", "bounds.csv", "bounds.geojson", "distances.json",
        "counts_by_capture.csv", "counts_by_target.csv", "counts_by_type.csv", "boxes.csv",
    }  # fmt: skip
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "first" / "captures.csv").read_text() == captures_csv(rows)
    assert json.loads((tmp_path / "first" / "distances.json").read_text()) == distance_statistics(rows)


def test_tables_without_captures_are_their_headers(tmp_path):
    paths = {path.name: path.read_text() for path in write_tables([], [], {}, tmp_path)}
    assert all(text.count("\n") == 1 for name, text in paths.items() if name.endswith(".csv") and "type" not in name)
    assert paths["counts_by_type.csv"].splitlines()[1] == "all" + 8 * ",0"
    assert json.loads(paths["bounds.geojson"]) == {"type": "FeatureCollection", "features": []}
    assert json.loads(paths["distances.json"]) == {"targets": {}, "types": {}, "all": {}}


def small_granule(*positions) -> Granule:
    lon, lat = np.array(positions, float).T
    size, corner = len(lon), 0.01 * np.array([-1, 1, 1, -1])
    name = np.full(size, "a")
    return Granule(
        "oco3", "g.nc4", dt.date(2020, 3, 3), "B1", lat, lon, lat[:, None] + np.roll(corner, 1), lon[:, None] + corner,
        np.arange(size, dtype=float), np.arange(size, dtype=np.uint64), np.full(size, 4, np.int8),
        np.array([0, 1, 0, 0][:size], np.int8), name, name, np.ones(size, np.int32),
    )  # fmt: skip


SMALL = {"a": Target("a", "A", 9.0, 49.0, 11.0, 51.0, (10.0, 50.0))}


def test_one_capture_in_closed_form():
    granule = small_granule((10, 50), (11, 50), (10, 52), (np.nan, np.nan))
    captures, dropped = cut_captures(granule, SMALL)
    ((row,), excluded) = tabulate(granule, captures, dropped, SMALL)
    assert excluded == []
    assert (row.start, row.stop, row.soundings, row.good) == (0, 4, 4, 3)
    assert row.counts == {"all": BoxCounts(1, 1, 1), "good": BoxCounts(1, 0, 1)}
    assert row.box == pytest.approx((9.99, 49.99, 11.01, 52.01))
    assert row.distances["latlon"].degrees.tolist() == [0, 1, 2]
    ((row,), _) = tabulate(granule, captures, dropped, SMALL, [np.array([True, False, False, True])])
    assert row.box == pytest.approx((9.99, 49.99, 10.01, 50.01))
    assert row.distances["abs"].km.tolist() == [0]
    assert row.counts["all"] == BoxCounts(1, 1, 1)
    assert isinstance(row.distances["abs"], Distances)


def test_a_capture_without_usable_footprint_is_excluded():
    granule = small_granule((10, 50), (10, 50.1))
    captures, dropped = cut_captures(granule, SMALL)
    rows, (one,) = tabulate(granule, captures, dropped, SMALL, [np.zeros(2, bool)])
    assert (rows, one.reason, one.target_name, one.start, one.stop) == ([], NO_FOOTPRINT, "A", 0, 2)
    nowhere = small_granule((np.nan, np.nan), (np.nan, np.nan))
    captures, dropped = cut_captures(nowhere, SMALL)
    rows, excluded = tabulate(nowhere, captures, dropped, SMALL)
    assert rows == []
    assert excluded_csv(excluded).splitlines()[1] == f"g.nc4,a,A,0,2,4,,,,,,{NO_FOOTPRINT}"


def test_what_does_not_belong_together_is_named():
    granule = small_granule((10, 50), (10, 50.1))
    captures, dropped = cut_captures(granule, SMALL)
    with pytest.raises(InvalidOptions, match=r"g\.nc4: capture 1-a-sam-0 is of a target that is not in the targets"):
        tabulate(granule, captures, dropped, {})
    with pytest.raises(InvalidInput, match=r"g\.nc4: 0 selections for 1 captures"):
        tabulate(granule, captures, dropped, SMALL, [])
