"""Grids: both conventions, the antimeridian, the poles, exact areas, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import unwrap_longitude
from levelworks.xco2.geography import Box
from levelworks.xco2.grids import AUTHALIC_RADIUS, EqualAreaGrid, Grid, target_grid

LOS_ANGELES = Box(-119.5, 32.5, -116.5, 35.5)


def test_cells_divide_the_box():
    grid = Grid.from_box(LOS_ANGELES, 300, 150)
    assert grid.shape == (300, 150)
    np.testing.assert_allclose(grid.longitude, -119.5 + (np.arange(150) + 0.5) * 0.02, atol=1e-12)
    np.testing.assert_allclose(grid.latitude, 32.5 + (np.arange(300) + 0.5) * 0.01, atol=1e-12)
    assert (grid.x_edges[0], grid.x_edges[-1], grid.y_edges[0], grid.y_edges[-1]) == (-119.5, -116.5, 32.5, 35.5)
    np.testing.assert_array_equal(grid.longitude_bounds[1:, 0], grid.longitude_bounds[:-1, 1])
    np.testing.assert_allclose(grid.latitude_bounds.mean(axis=1), grid.latitude, atol=1e-12)


def test_nodes_are_those_of_the_seed():
    grid = Grid.from_box(LOS_ANGELES, 400, 400, "node")
    longitude, latitude = np.mgrid[-119.5:-116.5:400j, 32.5:35.5:400j].astype(np.float32)
    np.testing.assert_array_equal(grid.longitude, longitude[:, 0].astype(np.float64))
    np.testing.assert_array_equal(grid.latitude, latitude[0].astype(np.float64))
    step = 3.0 / 399
    assert step == pytest.approx(0.0075188, abs=1e-7)
    np.testing.assert_allclose(grid.x_edges[[0, -1]], [-119.5 - step / 2, -116.5 + step / 2], atol=1e-12)
    assert grid.longitude.dtype == grid.x_edges.dtype == np.float64


@pytest.mark.parametrize(
    ("box", "rows", "columns", "convention"),
    [
        (LOS_ANGELES, 1, 5, "node"),
        (LOS_ANGELES, 5, 1, "node"),
        (LOS_ANGELES, 0, 5, "cell"),
        (LOS_ANGELES, 5, 5, "corner"),
        (Box(0.0, 1.0, 1.0, 1.0), 5, 5, "cell"),
        (Box(0.0, 80.0, 1.0, 91.0), 5, 5, "cell"),
        (Box(1.0, 0.0, 1.0, 1.0), 5, 5, "cell"),
        (Box(0.0, float("nan"), 1.0, 1.0), 5, 5, "cell"),
        (Box(-180.0, 0.0, 181.0, 1.0), 5, 5, "cell"),
    ],
)
def test_refuses_what_is_no_grid(box, rows, columns, convention):
    with pytest.raises(InvalidOptions):
        Grid.from_box(box, rows, columns, convention)


def test_says_which_size_is_wrong():
    with pytest.raises(InvalidOptions, match="latitude is 1; in the node convention it must be at least 2"):
        Grid.from_box(LOS_ANGELES, 1, 5, "node")
    assert Grid.from_box(LOS_ANGELES, 1, 1).shape == (1, 1)


def test_refuses_an_unknown_geometry():
    with pytest.raises(InvalidOptions, match="geometry"):
        Grid.from_box(LOS_ANGELES, 2, 2).plane("flat")


def test_runs_on_across_the_antimeridian():
    grid = Grid.from_box(Box(179.0, -10.0, -179.0, -8.0), 4, 4)
    np.testing.assert_allclose(grid.x, [179.25, 179.75, 180.25, 180.75])
    np.testing.assert_allclose(grid.longitude, [179.25, 179.75, -179.75, -179.25])
    np.testing.assert_allclose(grid.longitude_bounds[2], [-180.0, -179.5])
    x, _ = grid.locate(np.array([-179.5, 179.5, 540.5]), np.zeros(3))
    np.testing.assert_allclose(x, [180.5, 179.5, 180.5])
    np.testing.assert_allclose(
        grid.locate(np.array([[179.9, -179.9, -179.9, 179.9]]), np.zeros((1, 4)))[0].max(), 180.1
    )


def test_keeps_a_far_footprint_together():
    # On the other side of the Earth vertices would else be torn to both ends of the grid.
    grid = Grid.from_box(Box(-1.0, 0.0, 1.0, 2.0), 4, 4)
    x, _ = grid.locate(np.array([[179.99, -179.99, -179.99, 179.99]]), np.array([[0.0, 0.0, 1.0, 1.0]]))
    assert np.ptp(x) < 0.03


def test_longitudes_inside_keep_their_bits():
    values = np.array([-180.0, -179.999, 0.0, 180.0])
    np.testing.assert_array_equal(unwrap_longitude(values, 0.0), values)
    np.testing.assert_allclose(unwrap_longitude(np.array([180.25, 190.0, -180.5]), 0.0), [-179.75, -170.0, 179.5])


@pytest.mark.parametrize("convention", ["cell", "node"])
def test_areas_of_the_earth_add_up(convention):
    grid = Grid.from_box(Box(-180.0, -90.0, 180.0, 90.0), 91, 181, convention)
    assert grid.goes_round
    assert abs(grid.y_edges).max() == 90.0
    turns = np.ptp(grid.x_edges) / 360.0
    assert grid.cell_areas().sum() == pytest.approx(4.0 * np.pi * AUTHALIC_RADIUS**2 * turns, rel=1e-12)
    assert grid.cell_areas("planar").sum() == pytest.approx(grid.cell_areas().sum(), rel=1e-3)


def test_planar_areas_are_those_of_the_sphere_in_small_cells():
    grid = Grid.from_box(LOS_ANGELES, 400, 400)
    np.testing.assert_allclose(grid.cell_areas("planar"), grid.cell_areas(), rtol=1e-9)


def test_polar_target_gets_equal_areas_where_asked_for():
    box = Box(20.0, 83.5, 40.0, 86.5)
    assert type(target_grid(box, 10, 10)) is Grid
    assert type(target_grid(LOS_ANGELES, 10, 10, polar_equal_area=True)) is Grid
    grid = target_grid(box, 40, 30, polar_equal_area=True)
    assert isinstance(grid, EqualAreaGrid)
    assert grid.shape == grid.longitude.shape == grid.latitude.shape == (40, 30)
    assert not grid.goes_round
    assert np.ptp(grid.cell_areas()) < 1e-9 * grid.cell_areas()[0, 0]
    x, y = grid.locate(grid.longitude, grid.latitude)
    np.testing.assert_allclose(x, np.broadcast_to(grid.x, grid.shape), atol=1e-9)
    np.testing.assert_allclose(y, np.broadcast_to(grid.y[:, np.newaxis], grid.shape), atol=1e-9)
    corner_x, corner_y = grid.locate(np.array([20.0, 40.0]), np.array([83.5, 86.5]))
    assert (np.abs(corner_x) <= grid.x_edges[-1] + 1e-9).all()
    assert (np.abs(corner_y) <= np.abs(grid.y_edges).max() + 1e-9).all()
    # A small rectangle of degrees has the same area in the plane as on the sphere.
    side = np.deg2rad(0.01)
    west, south = grid.locate(np.array([25.0, 25.01, 25.01, 25.0]), np.array([85.0, 85.0, 85.01, 85.01]))
    area = 0.5 * abs(np.dot(west, np.roll(south, 1)) - np.dot(south, np.roll(west, 1)))
    exact = AUTHALIC_RADIUS**2 * side * (np.sin(np.deg2rad(85.01)) - np.sin(np.deg2rad(85.0)))
    assert area == pytest.approx(exact, rel=1e-6)
    assert grid.grid_mapping["longitude_of_projection_origin"] == 30.0


def test_the_antipode_of_a_polar_target_raises_nothing():
    grid = EqualAreaGrid.from_box(Box(0.0, 88.0, 10.0, 90.0), 4, 4)
    assert np.isfinite(grid.locate(np.array([-175.0]), np.array([-89.0]))).all()
