"""Overlaps: plain clipping, conservation, shapely's masks and unions, the seed's mask to the letter, odd footprints."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from footprints import box_around, capture
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.geography import Box
from levelworks.xco2.grids import EqualAreaGrid, Grid
from levelworks.xco2.overlap import FootprintShape, footprint_overlaps, scale_footprints
from levelworks.xco2.seed_mask import seed_mask

LOCAL = Box(10.0, 50.0, 10.2, 50.1)


def around(site=(-118.2, 34.05), cells=60, convention="cell", half_width=0.6):
    return Grid.from_box(Box(*box_around(site, half_width)), cells, cells, convention)


def plain_area(polygon):
    x, y = np.array(polygon).T
    x, y = x - x[0], y - y[0]
    return 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))


def plain_clip(polygon, low, high):
    """Clip a convex polygon to a rectangle, one half plane after the other."""
    for axis, bound, side in ((0, low[0], 1), (0, high[0], -1), (1, low[1], 1), (1, high[1], -1)):
        out = []
        for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            da, db = side * (a[axis] - bound), side * (b[axis] - bound)
            if da >= 0:
                out.append(a)
            if da * db < 0:
                share = da / (da - db)
                out.append(tuple(a[k] + share * (b[k] - a[k]) for k in range(2)))
        polygon = out
        if not polygon:
            return []
    return polygon


def plain_overlaps(grid, overlap, geometry):
    """Return areas of every cell and sounding by clipping each footprint to each cell."""
    plane = grid.plane(geometry)
    result = np.zeros((*grid.shape, overlap.footprint_areas.size))
    for sounding in range(overlap.footprint_areas.size):
        for piece in overlap.pieces[overlap.first_piece[sounding] : overlap.first_piece[sounding + 1]]:
            for row, column in np.ndindex(grid.shape):
                low = plane.x_edges[column], plane.y_edges[row]
                high = plane.x_edges[column + 1], plane.y_edges[row + 1]
                clipped = plain_clip([tuple(vertex) for vertex in piece], low, high)
                if len(clipped) > 2:
                    result[row, column, sounding] += plain_area(clipped) * plane.scale[row]
    return result


angles = st.lists(st.floats(0.0, 2.0 * np.pi), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    angles,
    st.tuples(st.floats(0.01, 0.09), st.floats(0.01, 0.05), st.floats(-0.5, 0.5)),
    st.tuples(st.floats(9.98, 10.22), st.floats(49.99, 50.11)),
    st.sampled_from(list(itertools.permutations(range(4)))),
    st.sampled_from(["sphere", "planar"]),
)
def test_areas_equal_plain_clipping(turns, form, centre, order, geometry):
    grid = Grid.from_box(LOCAL, 5, 7)
    turns = np.sort(turns)[list(order)]
    longitude = centre[0] + form[0] * np.cos(turns) + form[2] * form[1] * np.sin(turns)
    latitude = centre[1] + form[1] * np.sin(turns)
    overlap = footprint_overlaps(grid, longitude[np.newaxis], latitude[np.newaxis], geometry)
    expected = plain_overlaps(grid, overlap, geometry)[..., 0].ravel()
    actual = overlap.to_csr().toarray()[:, 0]
    np.testing.assert_allclose(actual, expected, atol=1e-10 * grid.cell_areas().max())
    assert actual.sum() <= overlap.footprint_areas[0] * (1 + 1e-6) or geometry == "planar"
    inside = (longitude > 10.0) & (longitude < 10.2) & (latitude > 50.0) & (latitude < 50.1)
    if inside.all() and geometry == "sphere":
        assert actual.sum() == pytest.approx(overlap.footprint_areas[0], rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5)), min_size=4, max_size=4))
def test_quadrilaterals_on_the_lines_of_the_grid(corners):
    """Vertices on corners of cells: no cell is found for touching alone, whatever the four points are."""
    grid = Grid.from_box(LOCAL, 5, 7)
    columns, rows = np.array(corners).T
    overlap = footprint_overlaps(grid, grid.x_edges[columns][np.newaxis], grid.y_edges[rows][np.newaxis])
    expected = plain_overlaps(grid, overlap, "sphere")[..., 0]
    np.testing.assert_array_equal(overlap.mask(), expected > 1e-9)
    np.testing.assert_allclose(overlap.areas.sum(), overlap.footprint_areas[0], atol=1e-9)


@pytest.mark.parametrize("convention", ["cell", "node"])
@pytest.mark.parametrize("geometry", ["sphere", "planar"])
def test_areas_are_conserved(convention, geometry):
    longitude, latitude = capture(1)
    grid = around(cells=97, convention=convention)
    overlap = footprint_overlaps(grid, longitude, latitude, geometry)
    totals = overlap.to_csr().sum(axis=0)
    np.testing.assert_allclose(totals, overlap.footprint_areas, rtol=1e-9 if geometry == "sphere" else 2e-5)
    assert (overlap.footprint_shapes == FootprintShape.CONVEX).all()
    assert overlap.areas.min() > 0.0
    assert 3.0 < overlap.footprint_areas.min() < overlap.footprint_areas.max() < 4.5
    np.testing.assert_allclose(overlap.cell_areas, grid.cell_areas(geometry).ravel()[overlap.cells], rtol=1e-12)


def test_order_is_that_of_cells_and_soundings():
    overlap = footprint_overlaps(around(), *capture(2, target_mode=True))
    assert (np.diff(overlap.cells) > 0).all()
    for start, end in itertools.pairwise(overlap.starts):
        assert (np.diff(overlap.soundings[start:end]) > 0).all()


def test_vertices_may_come_in_any_order():
    longitude, latitude = capture(3, swaths=2, frames=4)
    expected = footprint_overlaps(around(), longitude, latitude)
    for order in itertools.permutations(range(4)):
        overlap = footprint_overlaps(around(), longitude[:, order], latitude[:, order])
        np.testing.assert_array_equal(overlap.cells, expected.cells)
        np.testing.assert_allclose(overlap.areas, expected.areas, rtol=1e-6, atol=1e-12)
        crossed = abs(order.index(0) - order.index(2)) != 2
        assert (overlap.footprint_shapes == (FootprintShape.REORDERED if crossed else FootprintShape.CONVEX)).all()


def test_a_footprint_that_is_not_convex_is_split():
    grid = Grid.from_box(LOCAL, 10, 20)
    longitude, latitude = np.array([[10.02, 10.18, 10.1, 10.1]]), np.array([[50.01, 50.01, 50.03, 50.09]])
    arrow = [(10.02, 50.01), (10.1, 50.03), (10.18, 50.01), (10.1, 50.09)]
    for turn in range(4):
        for step in (1, -1):
            longitude, latitude = np.roll(np.array(arrow), turn, axis=0)[::step].T[:, np.newaxis]
            overlap = footprint_overlaps(grid, longitude, latitude)
            assert overlap.footprint_shapes[0] == FootprintShape.SPLIT
            x, y = grid.project(longitude[0], latitude[0])
            assert overlap.footprint_areas[0] == pytest.approx(plain_area(list(zip(x, y, strict=True))), rel=1e-9)
            assert overlap.areas.sum() == pytest.approx(overlap.footprint_areas[0], rel=1e-12)
            assert overlap.starts[-1] == overlap.cells.size == overlap.soundings.size
            np.testing.assert_allclose(overlap.coverage(), overlap.areas / overlap.cell_areas, rtol=1e-9)


def test_footprints_without_area_give_nothing():
    line = [10.05, 10.06, 10.07, 10.08]
    longitude = np.array([line, [10.05] * 4, [np.nan, 10.1, 10.1, 10.0], [10.05, 10.06, 10.06, 10.05]])
    latitude = np.array([[50.05, 50.06, 50.07, 50.08], [50.05] * 4, [50.0] * 4, [50.01, 50.01, 50.02, 50.02]])
    overlap = footprint_overlaps(Grid.from_box(LOCAL, 10, 20), longitude, latitude)
    shapes = [FootprintShape.DEGENERATE, FootprintShape.DEGENERATE, FootprintShape.NOT_FINITE, FootprintShape.CONVEX]
    assert overlap.footprint_shapes.tolist() == shapes
    assert set(overlap.soundings.tolist()) == {3}
    np.testing.assert_array_equal(np.isnan(overlap.footprint_areas), [False, False, True, False])
    assert (overlap.footprint_areas[:2] == 0.0).all()


def test_no_footprints_and_footprints_elsewhere():
    grid = Grid.from_box(LOCAL, 10, 20)
    for longitude, latitude in ((np.empty((0, 4)), np.empty((0, 4))), capture(4)):
        overlap = footprint_overlaps(grid, longitude, latitude)
        assert overlap.cells.size == overlap.areas.size == overlap.coverage().size == 0
        assert not overlap.mask().any()
        assert overlap.to_csr().shape == (200, longitude.shape[0])
    with pytest.raises(InvalidInput):
        footprint_overlaps(grid, np.zeros((3, 5)), np.zeros((3, 5)))
    with pytest.raises(InvalidInput):
        overlap.mask(np.ones(3, np.bool_))


def test_mask_areas_and_coverage_equal_shapely():
    shapely = pytest.importorskip("shapely")
    longitude, latitude = capture(5, swaths=4, frames=6, target_mode=True)
    grid = around(cells=40, half_width=0.2)
    overlap = footprint_overlaps(grid, longitude, latitude)
    plane = grid.plane()
    quads = shapely.polygons(np.stack(grid.project(*grid.locate(longitude, latitude)), axis=2))
    west, south = np.meshgrid(plane.x_edges[:-1], plane.y_edges[:-1])
    east, north = np.meshgrid(plane.x_edges[1:], plane.y_edges[1:])
    cells = shapely.box(west, south, east, north)
    areas = shapely.area(shapely.intersection(cells[..., np.newaxis], quads))
    np.testing.assert_array_equal(overlap.mask(), (areas > 1e-12).any(axis=2))
    np.testing.assert_allclose(overlap.to_csr().toarray(), areas.reshape(-1, quads.size), atol=1e-10)
    keep = np.random.default_rng(1).random(quads.size) < 0.5
    for chosen in (keep, np.ones_like(keep)):
        union = shapely.area(shapely.intersection(cells, shapely.unary_union(quads[chosen])))
        np.testing.assert_allclose(overlap.on_grid(overlap.coverage(chosen), 0.0), union / grid.cell_areas(), atol=1e-9)
        np.testing.assert_array_equal(overlap.mask(chosen), (areas[..., chosen] > 1e-12).any(axis=2))


def test_coverage_of_many_footprints_in_one_cell():
    """More pieces are left of a cell than there is room for at first."""
    rng = np.random.default_rng(6)
    turn, centre = rng.uniform(0.0, np.pi, 300), rng.uniform(0.0, 1.0, (300, 2))
    along = 0.05 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    across = 0.005 * np.stack([-np.sin(turn), np.cos(turn)], axis=1)
    quads = np.stack([centre + a * along + b * across for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))], axis=1)
    overlap = footprint_overlaps(Grid.from_box(Box(0.0, 0.0, 1.0, 1.0), 1, 1), quads[..., 0], quads[..., 1], "planar")
    share = overlap.coverage()
    bound = overlap.areas.sum() / overlap.cell_areas[0]
    assert 0.15 < share[0] < bound < 0.31
    shapely = pytest.importorskip("shapely")
    union = shapely.unary_union(shapely.polygons(quads)).intersection(shapely.box(0, 0, 1, 1)).area
    assert share[0] == pytest.approx(union, rel=1e-9)


def test_a_sounding_given_twice_covers_once():
    longitude, latitude = capture(7, swaths=1, frames=3)
    once = footprint_overlaps(around(), longitude, latitude)
    twice = footprint_overlaps(around(), np.repeat(longitude, 2, axis=0), np.repeat(latitude, 2, axis=0))
    np.testing.assert_allclose(twice.coverage(), once.coverage(), atol=1e-9)
    np.testing.assert_array_equal(twice.mask(), once.mask())
    # A selection gives the geometry of the selected alone.
    np.testing.assert_allclose(twice.coverage(np.arange(2 * len(longitude)) % 2 == 0), once.coverage(), atol=1e-12)


@pytest.mark.parametrize("latitude", [10.0, 82.0, -86.0])
def test_the_antimeridian_is_a_meridian_like_others(latitude):
    longitude, north = capture(8, site=(0.125, latitude))
    expected = footprint_overlaps(
        Grid.from_box(Box(-4.0, latitude - 0.5, 4.0, latitude + 0.5), 50, 80), longitude, north
    )
    assert expected.areas.size > 500
    grid = Grid.from_box(Box(176.0, latitude - 0.5, -176.0, latitude + 0.5), 50, 80)
    moved = (longitude + 180.0 + 180.0) % 360.0 - 180.0
    assert moved.max() > 179.0
    assert moved.min() < -179.0
    overlap = footprint_overlaps(grid, moved, north)
    np.testing.assert_array_equal(overlap.cells, expected.cells)
    np.testing.assert_array_equal(overlap.soundings, expected.soundings)
    np.testing.assert_allclose(overlap.areas, expected.areas, atol=1e-9)


def test_a_grid_that_goes_round_has_no_seam():
    longitude, latitude = capture(9, site=(180.0, 10.0))
    longitude = (longitude + 180.0) % 360.0 - 180.0
    grid = Grid.from_box(Box(-180.0, 0.0, 180.0, 20.0), 200, 3600)
    overlap = footprint_overlaps(grid, longitude, latitude)
    np.testing.assert_allclose(overlap.to_csr().sum(axis=0), overlap.footprint_areas, rtol=1e-9)
    columns = overlap.cells % 3600
    assert columns.min() == 0
    assert columns.max() == 3599
    assert overlap.coverage().max() > 0.9


def test_equal_area_grid_holds_the_pole():
    longitude = np.array([[0.0, 90.0, 180.0, -90.0], [10.0, 11.0, 11.0, 10.0]])
    latitude = np.array([[89.95] * 4, [89.9, 89.9, 89.92, 89.92]])
    grid = EqualAreaGrid.from_box(Box(-180.0, 89.8, 180.0, 90.0), 30, 30)
    overlap = footprint_overlaps(grid, longitude, latitude)
    np.testing.assert_allclose(overlap.to_csr().sum(axis=0), overlap.footprint_areas, rtol=1e-9)
    assert overlap.footprint_areas[0] == pytest.approx(2.0 * (0.05 * 111.195) ** 2, rel=1e-4)
    degrees = Grid.from_box(Box(-180.0, 89.8, 180.0, 90.0), 30, 30)
    on_degrees = footprint_overlaps(degrees, longitude, latitude)
    assert on_degrees.footprint_shapes.tolist() == [FootprintShape.NOT_FINITE, FootprintShape.CONVEX]
    assert on_degrees.footprint_areas[1] == pytest.approx(overlap.footprint_areas[1], rel=1e-3)


def literal_seed_mask(grid, longitude, latitude, scaling):
    """Draw the mask as OCO3-data-transformer does, with shapely and numpy's older rules for scalars."""
    shapely = pytest.importorskip("shapely")
    affinity = pytest.importorskip("shapely.affinity")
    x, y = grid.longitude.astype(np.float32), grid.latitude.astype(np.float32)
    dx, dy = x[1] - x[0], y[1] - y[0]
    mask = np.zeros(grid.shape, np.bool_)
    for lons, lats in zip(longitude, latitude, strict=True):
        polygon = shapely.Polygon(list(zip(lons, lats, strict=True)))
        if scaling != 1.0:
            polygon = affinity.scale(polygon, scaling, scaling)
        west, south, east, north = polygon.bounds
        rows = (np.float32(south - float(dy / 2)) <= y) & (y <= np.float32(north + float(dy / 2)))
        columns = (np.float32(west - float(dx / 2)) <= x) & (x <= np.float32(east + float(dx / 2)))
        for row, column in itertools.product(np.flatnonzero(rows), np.flatnonzero(columns)):
            square = shapely.box(x[column] - dx, y[row] - dy, x[column] + dx, y[row] + dy)
            mask[row, column] |= square.intersects(polygon)
    return mask


@pytest.mark.parametrize("scaling", [1.0, 1.2, 1.5])
@pytest.mark.parametrize("cells", [30, 150])
def test_seed_mask_equals_the_letter(cells, scaling):
    longitude, latitude = capture(10, swaths=3, frames=6)
    longitude[0] += [0.05, 0.0, 0.0, 0.0]  # convex or not, symmetrical or not
    longitude[1] += [0.0, 0.03, 0.0, -0.01]
    grid = around(cells=cells, convention="node", half_width=0.3)
    mask = seed_mask(grid, longitude, latitude, scaling)
    np.testing.assert_array_equal(mask, literal_seed_mask(grid, longitude, latitude, scaling))
    exact = footprint_overlaps(grid, longitude[2:], latitude[2:]).mask()
    assert mask.sum() > exact.sum() > 50
    assert not (exact & ~mask).any()


def test_seed_mask_of_a_footprint_within_a_cell_and_around_cells():
    grid = Grid.from_box(Box(0.0, 0.0, 1.0, 1.0), 11, 11, "node")
    small = np.array([[0.49, 0.51, 0.51, 0.49]]), np.array([[0.49, 0.49, 0.51, 0.51]])
    assert np.argwhere(seed_mask(grid, *small)).tolist() == [[5, 5]]
    large = np.array([[-3.0, 3.0, 3.0, -3.0]]), np.array([[-3.0, -3.0, 3.0, 3.0]])
    assert seed_mask(grid, *large).all()
    np.testing.assert_array_equal(seed_mask(grid, *small, scaling=0.1), seed_mask(grid, *small))
    np.testing.assert_array_equal(seed_mask(grid, *small, scaling=9.0), seed_mask(grid, *small, scaling=1.5))
    assert not seed_mask(grid, np.full((1, 4), np.nan), small[1]).any()


def test_seed_mask_refuses_grids_that_it_does_not_know():
    vertices = np.zeros((1, 4)), np.zeros((1, 4))
    with pytest.raises(InvalidOptions):
        seed_mask(Grid.from_box(LOCAL, 1, 4), *vertices)
    with pytest.raises(InvalidOptions):
        seed_mask(EqualAreaGrid.from_box(Box(0.0, 85.0, 5.0, 86.0), 4, 4), *vertices)


def test_scaled_footprints_keep_their_middle():
    longitude, latitude = np.array([[179.9, -179.9, -179.9, 179.9]]), np.array([[1.0, 1.0, 2.0, 2.0]])
    scaled = scale_footprints(longitude, latitude, 1.5)
    np.testing.assert_allclose(scaled[0], [[179.85, 180.15, 180.15, 179.85]])
    np.testing.assert_allclose(scaled[1], [[0.75, 0.75, 2.25, 2.25]])
    for factor, taken in ((0.2, 1.0), (7.0, 1.5)):
        np.testing.assert_array_equal(
            scale_footprints(longitude, latitude, factor), scale_footprints(longitude, latitude, taken)
        )


def test_the_same_footprints_give_the_same_bytes():
    first, second = (footprint_overlaps(around(), *capture(11, target_mode=True)) for _ in range(2))
    for name in ("cells", "starts", "soundings", "areas"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.coverage().tobytes() == second.coverage().tobytes()
