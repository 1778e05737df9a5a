from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from plume_fields import PIXEL, places
from scipy import ndimage

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.detection.markers import marked_pixel, outlined_pixels, read_markers, read_rejections
from levelworks.plumes.detection.outlines import ground_outline, pixel_outline
from levelworks.plumes.detection.plume_pick import footprint_polygon, pick_plume, rectangle_azimuth


def collection(path, *geometries):
    features = [{"type": "Feature", "properties": properties, "geometry": g} for g, properties in geometries]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def point(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def test_points_and_polygons_keep_their_order(tmp_path):
    square = shapely.geometry.mapping(shapely.box(54, 37, 55, 38))
    path = collection(tmp_path / "m.geojson", (point(54.1, 38.2), {"name": "vent"}), (square, None), (point(1, 2), {}))
    markers = read_markers(path)
    assert [(one.index, one.name) for one in markers] == [(0, "vent"), (1, "plume1"), (2, "plume2")]
    assert (markers[0].longitude, markers[0].latitude) == (54.1, 38.2)
    assert markers[1].outline.equals(shapely.box(54, 37, 55, 38))
    assert markers[1].outline.contains(shapely.Point(markers[1].longitude, markers[1].latitude))


@pytest.mark.parametrize("text", ["", "  \n", '{"type": "FeatureCollection", "features": []}'])
def test_empty_files_have_no_marker(tmp_path, text):
    path = tmp_path / "m.geojson"
    path.write_text(text)
    assert read_markers(path) == []


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[1, 2]",
        '{"features": 3}',
        '{"features": [4]}',
        '{"type": "Feature", "geometry": null}',
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": []}}',
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": ["a", "b"]}}',
        '{"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}}',
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [500000, 4200000]}}',
    ],
)
def test_malformed_markers_are_refused_by_name(tmp_path, text):
    path = tmp_path / "broken.geojson"
    path.write_text(text)
    with pytest.raises(InvalidReference, match=r"broken\.geojson"):
        read_markers(path)


def test_rejections_by_id_and_by_place(tmp_path):
    table = tmp_path / "r.csv"
    table.write_text("plume_id,latitude,longitude,reason\nemi-20220815t042838-plume0,,,a roof\n,38.0,54.5,\n")
    by_id, by_place = read_rejections(table)
    assert (by_id.plume_id, by_id.reason) == ("emi-20220815t042838-plume0", "a roof")
    assert (by_place.longitude, by_place.latitude, by_place.plume_id) == (54.5, 38.0, "")
    marked = collection(tmp_path / "r.geojson", (point(54.5, 38.0), {"reason": "a road"}), (None, {"id": "x-plume1"}))
    assert [(one.plume_id, one.reason) for one in read_rejections(marked)] == [
        ("", "a road"),
        ("x-plume1", "rejected by a person"),
    ]
    table.write_text("latitude,reason\n38,no longitude\n")
    with pytest.raises(InvalidReference, match="line 2"):
        read_rejections(table)


def test_pixel_of_a_marker_is_the_nearest_within_reach():
    longitude, latitude = places((30, 40))
    assert marked_pixel(longitude[7, 9] + 1e-4, latitude[7, 9] - 1e-4, longitude, latitude, PIXEL) == (7, 9)
    assert marked_pixel(longitude[0, 0] - 0.01, latitude[0, 0], longitude, latitude, PIXEL) is None
    longitude[7, 9] = np.nan
    assert marked_pixel(longitude[7, 10], latitude[7, 10], longitude, latitude, PIXEL) == (7, 10)


def chain(shape=(40, 90)):
    """Return labels: 1 lies along columns, 2 follows it, 3 stands across beyond 2, 4 touches 1, 5 is far away."""
    labels = np.zeros(shape, dtype=np.int32)
    labels[20:22, 10:25] = 1
    labels[20:22, 27:40] = 2
    labels[10:32, 42:44] = 3
    labels[22:30, 12:14] = 4
    labels[20:22, 70:80] = 5
    return labels


def test_pick_follows_the_chain():
    labels = chain()
    alone = np.where(labels == 4, 0, labels)
    # 3 is across the chain and apart, 5 is farther than the widened masks reach.
    assert set(np.unique(labels[pick_plume(alone, (20, 12), PIXEL, 180.0, 30.0)])) == {1, 2}
    # 4 is across too, but touches.
    near = np.where(np.isin(labels, (1, 4)), labels, 0)
    assert set(np.unique(labels[pick_plume(near, (20, 12), PIXEL, 180.0, 30.0)])) == {1, 4}


def test_pick_compares_with_the_last_label_that_was_taken():
    labels = chain()
    labels[labels == 4] = 0
    picked = pick_plume(labels, (25, 43), PIXEL, 180.0, 30.0)
    assert set(np.unique(labels[picked])) == {3}
    everything = pick_plume(labels, (25, 43), PIXEL, 180.0, 90.0)
    assert set(np.unique(labels[everything])) == {1, 2, 3}


def test_pick_from_the_background_takes_the_nearest_pixel_and_the_reach_counts():
    labels = chain()
    assert set(np.unique(labels[pick_plume(labels, (19, 75), PIXEL, 180.0, 30.0)])) == {5}
    # Two pixels apart: widened by nothing they stay alone, and 90 m are one pixel each.
    assert set(np.unique(labels[pick_plume(labels, (20, 12), PIXEL, 50.0, 30.0)])) == {1, 4}
    assert set(np.unique(labels[pick_plume(labels, (20, 12), PIXEL, 90.0, 90.0)])) == {1, 2, 3, 4}
    assert not pick_plume(np.zeros((5, 5), int), (2, 2), PIXEL, 180.0, 30.0).any()


@pytest.mark.parametrize("seed", range(6))
def test_pick_lies_in_one_component_that_holds_the_source(seed):
    rng = np.random.default_rng(700 + seed)
    labels, _ = ndimage.label(ndimage.gaussian_filter(rng.standard_normal((60, 60)), 2) > 0.12)
    source = tuple(rng.integers(0, 60, 2))
    picked = pick_plume(labels, source, 30.0, 60.0, 30.0)
    wide = ndimage.binary_dilation(labels > 0, np.ones((3, 3)), iterations=2)
    components, _ = ndimage.label(wide, np.ones((3, 3)))
    assert np.unique(components[picked]).size == 1
    nearest = np.argwhere(labels > 0)
    nearest = nearest[np.argmin(((nearest - source) ** 2).sum(axis=1))]
    assert picked[tuple(nearest)]
    assert pick_plume(labels, source, 30.0, 60.0, 90.0).sum() >= picked.sum()


def test_azimuth_of_a_rectangle():
    assert rectangle_azimuth(footprint_polygon(np.array([[0, k] for k in range(9)]))) == pytest.approx(90)
    assert rectangle_azimuth(footprint_polygon(np.array([[k, 0] for k in range(9)]))) % 180 == pytest.approx(0)
    assert rectangle_azimuth(footprint_polygon(np.array([[k, k] for k in range(30)]))) == pytest.approx(45, abs=1)


def test_outline_has_the_area_and_the_holes_of_the_mask():
    mask = np.zeros((30, 40), dtype=bool)
    mask[5:15, 8:20] = True
    mask[8:11, 12:15] = False
    mask[20:22, 30:33] = True
    outline = pixel_outline(mask, simplified=0)
    assert outline.area == mask.sum()
    longitude, latitude = places(mask.shape)
    geometry = ground_outline(outline, longitude, latitude)
    assert geometry["type"] == "MultiPolygon"
    placed = shapely.from_geojson(json.dumps(geometry))
    assert placed.is_valid
    assert sum(len(part.interiors) for part in placed.geoms) == 1
    assert all(part.exterior.is_ccw for part in placed.geoms)
    assert np.array_equal(outlined_pixels(placed, longitude, latitude), mask)


def test_outline_goes_on_beside_pixels_without_a_place():
    mask = np.zeros((20, 30), dtype=bool)
    mask[5:15, 8:20] = True
    outline = pixel_outline(mask, simplified=0)
    longitude, latitude = places(mask.shape)
    whole = shapely.from_geojson(json.dumps(ground_outline(outline, longitude, latitude)))
    longitude[4:7, 18:22] = latitude[4:7, 18:22] = np.nan
    found = shapely.from_geojson(json.dumps(ground_outline(outline, longitude, latitude)))
    assert found.symmetric_difference(whole).area < 1e-3 * whole.area
    longitude[...] = np.nan
    assert ground_outline(outline, longitude, latitude) == {"type": "MultiPolygon", "coordinates": []}


def test_outline_is_cut_at_the_antimeridian():
    mask = np.zeros((20, 60), dtype=bool)
    mask[5:15, 10:50] = True
    longitude, latitude = places(mask.shape, longitude=180 - 30 * PIXEL / 111194.9266 / np.cos(np.radians(38)))
    longitude = (longitude + 180) % 360 - 180
    geometry = ground_outline(pixel_outline(mask), longitude, latitude)
    parts = shapely.get_parts(shapely.from_geojson(json.dumps(geometry)))
    assert len(parts) == 2
    bounds = sorted(part.bounds[0] for part in parts)
    assert bounds[0] == pytest.approx(-180)
    assert max(part.bounds[2] for part in parts) == pytest.approx(180)
    assert all(part.bounds[2] - part.bounds[0] < 1 for part in parts)
