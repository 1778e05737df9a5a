"""Which pixel a cell shows: shapely and closed forms as oracles, conservation, lookup tables, polynomials."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from plume_scenes import plume, swath
from pyproj import Geod, Transformer

from levelworks.core.dem import Dem, level_terrain
from levelworks.core.outcome import InvalidInput
from levelworks.plumes.mapping.orthorectify import area_weights, map_by_lookup, map_by_positions, map_by_rpc
from levelworks.plumes.mapping.pixel_area import corner_lattice, pixel_area, quadrilateral_area
from levelworks.plumes.mapping.rpc import ground_to_image, image_to_terrain
from levelworks.plumes.mapping.utm import OrthoGrid, epsg_of, scene_centre
from levelworks.plumes.scene import LookupTable, Rpc


def quads(east, north):
    corners = corner_lattice(np.stack([east, north], axis=-1))
    ring = np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], axis=2)
    return shapely.polygons(ring.reshape(-1, 4, 2))


def test_a_scene_on_the_grid_is_kept_as_it_is():
    east, north = np.meshgrid(400020 + 60.0 * np.arange(9) + 30, 4500000 - 60.0 * np.arange(7) - 30)
    longitude, latitude = Transformer.from_crs(32633, 4326, always_xy=True).transform(east, north)
    # A tenth of a millimetre inside its cells, so that rounding does not add an edge.
    found = map_by_positions(longitude, latitude, 60.0)
    inner = found.index[found.shown.any(axis=1)][:, found.shown.any(axis=0)]
    np.testing.assert_array_equal(inner, np.arange(63).reshape(7, 9))


def test_cells_show_the_pixel_that_holds_their_centre():
    longitude, latitude, east, north = swath(32633, 450000, 4500000, rows=20, columns=17)
    found = map_by_positions(longitude, latitude, 40.0)
    x, y = np.meshgrid(found.grid.x, found.grid.y)
    tree = shapely.STRtree(quads(east, north))
    cell, pixel = tree.query(shapely.points(x.ravel(), y.ravel()), predicate="within")
    expected = np.full(x.size, -1)
    expected[cell] = pixel
    assert (expected >= 0).sum() > 500
    np.testing.assert_array_equal(found.index.ravel(), expected)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 360), st.floats(25, 90), st.floats(25, 90), st.floats(-2e-4, 2e-4), st.floats(0, 60))
def test_no_cell_inside_is_left_out(turn, right, down, bend, shift):
    longitude, latitude, east, north = swath(
        32718, 500000 + shift, 8000000 - shift, rows=25, columns=20, step=(right, down), turn=turn, bend=bend
    )
    found = map_by_positions(longitude, latitude, 30.0)
    outline = shapely.union_all(quads(east, north), grid_size=1e-3)
    x, y = np.meshgrid(found.grid.x, found.grid.y)
    points = shapely.points(x, y)
    shapely.prepare(outline)
    sure = shapely.distance(points, outline.boundary) > 0.01
    np.testing.assert_array_equal(found.shown[sure], shapely.within(points, outline)[sure])


def sums(turn: float, shift: tuple[float, float], *, weighted: bool) -> float:
    """Return a plume's mass on the map over that in the scene."""
    longitude, latitude, _, _ = swath(32613, 560000 + shift[0], 3540000 + shift[1], rows=60, columns=50, turn=turn)
    field, area = plume(60, 50), pixel_area(longitude, latitude).astype(np.float64)
    found = map_by_positions(longitude, latitude, 60.0)
    if weighted:
        on_map = np.nan_to_num(area_weights(found, longitude, latitude).average(field).astype(np.float64))
    else:
        on_map = found.take(field, 0.0)
    return float(on_map.sum() * 3600.0 / found.grid.area_scale().mean() / (field * area).sum())


@pytest.mark.parametrize("turn", [0.0, 13.0, 45.0, 77.0])
def test_mass_of_plumes_is_kept_by_overlaps(turn):
    assert sums(turn, (17.0, 5.0), weighted=True) == pytest.approx(1.0, abs=5e-4)


@pytest.mark.parametrize("turn", [0.0, 13.0, 45.0, 77.0])
def test_mass_of_plumes_is_kept_by_samples_on_average(turn):
    # Where rows and columns run along the map's, a whole column of a narrow plume is shown twice or not at all.
    offsets = 60.0 * (np.arange(8) + 0.5) / 8
    found = [sums(turn, (right, up), weighted=False) for right in offsets for up in offsets]
    assert np.mean(found) == pytest.approx(1.0, abs=5e-3)
    assert np.std(found) < 0.1


def test_sampling_is_unbiased():
    # Pixels of 80 m by 40 m on a lattice of 20 m: over the nine places of a grid of 60 m relative to it, each pixel is
    # shown by exactly as many cells as its area has.
    times = np.zeros((6, 5))
    for right in (0.0, 20.0, 40.0):
        for up in (0.0, 20.0, 40.0):
            east, north = np.meshgrid(400000 + 80.0 * np.arange(5) + 40 + right, 100000 - 40.0 * np.arange(6) - 20 + up)
            longitude, latitude = Transformer.from_crs(32633, 4326, always_xy=True).transform(east, north)
            found = map_by_positions(longitude, latitude, 60.0)
            times += np.bincount(found.index[found.shown], minlength=30).reshape(6, 5)
    np.testing.assert_array_equal(times, 9 * 80 * 40 / 60**2)


def test_area_weights_keep_every_sum():
    longitude, latitude, east, north = swath(32633, 450000, 4500000, rows=40, columns=40)
    random = np.random.default_rng(5)
    field = plume(40, 40) + random.normal(0, 0.01, (40, 40))
    found = map_by_positions(longitude, latitude, 60.0)
    weights = area_weights(found, longitude, latitude)
    np.testing.assert_allclose(np.asarray(weights.matrix.sum(axis=1))[found.index.ravel() >= 0], 1.0)
    area = quadrilateral_area(corner_lattice(np.stack([east, north], axis=-1)))
    # Where the plume is, cells lie wholly inside the scene and the mean times their area is the sum.
    only = np.zeros((40, 40))
    only[12:26, 12:28] = field[12:26, 12:28]
    mean = (weights.matrix @ only.ravel()).sum() * 3600.0
    assert mean == pytest.approx((only * area).sum(), rel=1e-6)
    assert weights.matrix.shape == (found.grid.rows * found.grid.columns, 1600)
    assert weights.average(np.full((40, 40), 7.25))[found.shown] == pytest.approx(7.25)


def test_area_weights_leave_out_pixels_without_a_value():
    longitude, latitude, _, _ = swath(32633, 450000, 4500000, rows=20, columns=20)
    found = map_by_positions(longitude, latitude, 60.0)
    field = np.full((20, 20), 3.0)
    field[5:9, 5:9] = np.nan
    mean = area_weights(found, longitude, latitude).average(field)
    known = np.isfinite(mean)
    assert mean[known] == pytest.approx(3.0)
    assert not known[found.index == 6 * 20 + 6].any()
    assert not known[~found.shown].any()


def test_pixels_without_a_place_are_shown_nowhere():
    longitude, latitude, _, _ = swath(32633, 450000, 4500000, rows=20, columns=20)
    longitude[7, 8] = latitude[7, 8] = np.nan
    longitude[:, :2] = np.nan
    found = map_by_positions(longitude, latitude, 60.0)
    shown = np.unique(found.index)
    assert 7 * 20 + 8 not in shown
    assert not np.isin(np.arange(20) * 20, shown).any()
    assert 7 * 20 + 9 in shown


def test_folded_terrain_shows_the_nearest_pixel():
    longitude, latitude, east, north = swath(32633, 450000, 4500000, rows=12, columns=12, turn=0.0, bend=0.0)
    east = east.copy()
    east[:, 6] += 150.0  # laid over two neighbours
    longitude, latitude = Transformer.from_crs(32633, 4326, always_xy=True).transform(east, north)
    found = map_by_positions(longitude, latitude, 20.0)
    assert found.shown[3:-3, 3:-3].all()
    x, y = np.meshgrid(found.grid.x, found.grid.y)
    cell, pixel = shapely.STRtree(quads(east, north)).query(shapely.points(x.ravel(), y.ravel()), predicate="within")
    away = np.hypot(east.ravel()[pixel] - x.ravel()[cell], north.ravel()[pixel] - y.ravel()[cell])
    best = np.full(x.size, np.inf)
    np.minimum.at(best, cell, away)
    chosen = found.index.ravel()
    known = np.isfinite(best) & (chosen >= 0)
    distance = np.hypot(east.ravel()[chosen[known]] - x.ravel()[known], north.ravel()[chosen[known]] - y.ravel()[known])
    assert known.sum() > 700
    np.testing.assert_allclose(distance, best[known], atol=1e-3)


@pytest.mark.parametrize(
    ("epsg", "x", "y", "expected"),
    [
        (32633, 450000, 4500000, 32633),
        (32733, 450000, 6200000, 32733),
        (32733, 500000, 9999000, 32733),  # just south of the equator
        (32601, 166500, 30000, None),  # over the antimeridian
        (32760, 833400, 8100000, None),
        (32631, 200000, 6000000, None),  # over the edge of a zone
        (5041, 2000000, 2000000, 5041),  # over the pole
        (5042, 2300000, 1800000, 5042),
    ],
)
def test_everywhere_on_the_globe(epsg, x, y, expected):
    longitude, latitude, _, _ = swath(epsg, x, y, rows=30, columns=30)
    found = map_by_positions(longitude, latitude, 60.0)
    if expected is not None:
        assert found.grid.epsg == expected
    assert found.grid.rows * found.grid.columns < 4 * 900 * 63 * 57 / 3600
    for edge in (found.grid.west, found.grid.north):
        assert edge % 60.0 == 0
    east, north = found.grid.positions()
    shown = found.shown
    away = np.asarray(
        Geod(ellps="WGS84").inv(
            east[shown], north[shown], longitude.ravel()[found.index[shown]], latitude.ravel()[found.index[shown]]
        )[2]
    )
    assert shown.sum() > 700
    assert away.max() < 0.55 * np.hypot(63.0, 57.0) * 1.02
    assert np.unique(found.index[shown]).size > 0.65 * 900


@pytest.mark.parametrize(
    ("longitude", "latitude", "expected"),
    [
        (0.0, 0.0, 32631),
        (-0.001, -0.001, 32730),
        (5.999, 50, 32631),
        (6.0, 50, 32632),
        (-180.0, 10, 32601),
        (180.0, 10, 32601),
        (179.99, -10, 32760),
        (181.0, 10, 32601),
        (20, 84.1, 5041),
        (20, -80.1, 5042),
        (20, 84.0, 32634),
    ],
)
def test_zones(longitude, latitude, expected):
    assert epsg_of(longitude, latitude) == expected


def test_centre_across_the_antimeridian_and_at_the_pole():
    longitude, latitude = scene_centre(np.array([179.9, -179.9, np.nan]), np.array([-10.0, -10.0, 3.0]))
    assert abs(abs(longitude) - 180) < 1e-9
    assert latitude == pytest.approx(-10.0, abs=1e-4)
    assert scene_centre(np.array([0.0, 90, 180, -90]), np.full(4, 89.9))[1] == pytest.approx(90.0, abs=1e-9)


def lookup_of(longitude, latitude, step=0.0005):
    """Return a lookup table of the nearest pixels, 0 beyond 50 m from any."""
    west, north = longitude.min() - 3 * step, latitude.max() + 3 * step
    columns, rows = round(np.ptp(longitude) / step) + 7, round(np.ptp(latitude) / step) + 7
    x, y = np.meshgrid(west + step * (np.arange(columns) + 0.5), north - step * (np.arange(rows) + 0.5))
    nearest, apart = np.empty(x.size, int), np.empty(x.size)
    for number, (east, up) in enumerate(zip(x.ravel(), y.ravel(), strict=True)):
        distance = np.hypot((longitude - east) * np.cos(np.radians(up)), latitude - up) * 111e3
        nearest[number], apart[number] = distance.argmin(), distance.min()
    named = apart < 50
    line, sample = np.divmod(nearest, longitude.shape[1])
    return LookupTable(
        np.where(named, sample + 1, 0).reshape(rows, columns).astype(np.int32),
        np.where(named, line + 1, 0).reshape(rows, columns).astype(np.int32),
        (west, step, 0.0, north, 0.0, -step),
    )


def test_lookup_tables_count_from_one_and_negative_ones_are_filled():
    """T9 of the specification."""
    longitude, latitude, _, _ = swath(32633, 450000, 4500000, rows=25, columns=20)
    lookup = lookup_of(longitude, latitude)
    found = map_by_lookup(lookup, (25, 20), 60.0)
    direct = map_by_positions(longitude, latitude, 60.0)
    assert 0.9 < found.shown.sum() / direct.shown.sum() < 1.25
    east, north = found.grid.positions()
    row, column = found.rows_and_columns()
    shown = found.shown
    apart = Geod(ellps="WGS84").inv(
        east[shown], north[shown], longitude[row[shown], column[shown]], latitude[row[shown], column[shown]]
    )[2]
    assert max(apart) < 50 + 0.0005 / 2 * 111e3 * np.sqrt(2)
    # Cell by cell what the table says.
    west, step, _, top, _, _ = lookup.geotransform
    cell = np.floor((top - north) / step).astype(int), np.floor((east - west) / step).astype(int)
    np.testing.assert_array_equal(lookup.line[cell], row + 1)
    np.testing.assert_array_equal(lookup.sample[cell], column + 1)
    filled = np.random.default_rng(2).random(lookup.sample.shape) < 0.3
    negative = LookupTable(
        np.where(filled, -lookup.sample, lookup.sample),
        np.where(filled, -lookup.line, lookup.line),
        lookup.geotransform,
    )
    np.testing.assert_array_equal(map_by_lookup(negative, (25, 20), 60.0).index, found.index)


def test_lookup_tables_across_the_antimeridian():
    sample, line = np.meshgrid(np.arange(1, 31), np.arange(1, 21))
    crossing = LookupTable(sample, line, (179.99, 0.0005, 0.0, -10.0, 0.0, -0.0005))
    found = map_by_lookup(crossing, (20, 30), 60.0)
    assert found.grid.columns < 40
    assert np.unique(found.index[found.shown]).size > 450


def test_refuses_lookup_tables_of_other_scenes():
    table = np.full((4, 4), 9)
    geotransform = (10.0, 0.001, 0.0, 50.0, 0.0, -0.001)
    with pytest.raises(InvalidInput, match="line 9 and sample 9 of a scene of 8 lines"):
        map_by_lookup(LookupTable(table, table, geotransform), (8, 20), 60.0)
    with pytest.raises(InvalidInput, match="names no pixel"):
        map_by_lookup(LookupTable(table * 0, table, geotransform), (8, 20), 60.0)


def side_look(longitude: float = 15.0, latitude: float = 40.0) -> Rpc:
    """Return a view from the side: 30 m pixels, a kilometre of height moves the image by 10 pixels."""
    zero = [0.0] * 20
    one = (1.0, *zero[1:])
    line, sample = list(zero), list(zero)
    line[2] = -1.0
    sample[1], sample[3] = 1.0, 10.0 / 30.0
    east, north = 30 * 30 / (111320 * np.cos(np.radians(latitude))), 30 * 30 / 111320
    return Rpc(
        29.5, 29.5, latitude, longitude, 0.0, 30.0, 30.0, north, east, 1000.0, tuple(line), one, tuple(sample), one
    )


@pytest.mark.parametrize("longitude", [15.0, 180.0])
def test_polynomials_and_positions_agree(longitude):
    rpc = side_look(longitude)
    line, sample = np.meshgrid(np.arange(60.0), np.arange(60.0), indexing="ij")
    terrain = level_terrain(500.0, "")
    east, north, _ = image_to_terrain(rpc, line, sample, terrain.at)
    found, direct = map_by_rpc(rpc, terrain, (60, 60), 30.0), map_by_positions(east, north, 30.0)
    assert found.grid == direct.grid
    # Cells beside the borders of pixels, which are straight in the one and not in the other, may differ.
    assert (found.index == direct.index).mean() > 0.97


def test_terrain_displaces():
    rpc = side_look()
    step = 1 / 3600
    across = 14.98 + step * np.arange(150)
    ridge = np.tile(800.0 * np.exp(-(((across - 15.0) / 0.003) ** 2)), (150, 1))
    dem = Dem(14.98, 40.02, step, ridge.astype(np.float32))
    found = map_by_rpc(rpc, dem, (60, 60), 30.0)
    level = map_by_rpc(rpc, level_terrain(0.0, ""), (60, 60), 30.0)
    summit = np.array([15.0]), np.array([40.0])
    line, sample = ground_to_image(rpc, *summit, dem.at(*summit))
    for pixel_map, expected in ((found, round(float(sample[0]))), (level, round(float(sample[0])) - 8)):
        easting, northing = pixel_map.grid.project(*summit)
        column = int((easting[0] - pixel_map.grid.west) // 30)
        row = int((pixel_map.grid.north - northing[0]) // 30)
        shown_row, shown_column = np.divmod(pixel_map.index[row, column], 60)
        assert abs(shown_row - round(float(line[0]))) <= 1
        assert abs(shown_column - expected) <= 1


def test_layers_are_taken_with_their_axes():
    longitude, latitude, _, _ = swath(32633, 450000, 4500000, rows=20, columns=17)
    found = map_by_positions(longitude, latitude, 60.0)
    layers = np.arange(3 * 20 * 17, dtype=np.int32).reshape(3, 20, 17)
    taken = found.take(layers, -5)
    assert taken.shape == (3, *found.grid.shape)
    assert (taken[:, ~found.shown] == -5).all()
    np.testing.assert_array_equal(taken[1][found.shown], found.index[found.shown] + 340)
    with pytest.raises(InvalidInput, match="another scene"):
        found.take(np.zeros((17, 20)), 0)


def test_refuses_positions_that_are_none():
    nothing = np.full((5, 5), np.nan)
    with pytest.raises(InvalidInput, match="no pixel has a longitude"):
        map_by_positions(nothing, nothing, 60.0)
    with pytest.raises(InvalidInput, match="damaged, or the resolution"):
        OrthoGrid.around(np.array([0.0, 1e7]), np.array([0.0, 1e7]), 32633, 60.0)
    with pytest.raises(InvalidInput, match="no pixel has a place on the map"):
        OrthoGrid.around(nothing, nothing, 32633, 60.0)
