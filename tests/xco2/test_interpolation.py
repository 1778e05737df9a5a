"""Interpolation: scipy's griddata at the cells of a mask, fallbacks, missing values, metrics."""

from __future__ import annotations

import numpy as np
import pytest
from footprints import box_around, capture
from scipy.interpolate import griddata
from scipy.spatial import Delaunay

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2 import interpolation
from levelworks.xco2.geography import Box
from levelworks.xco2.grids import Grid
from levelworks.xco2.interpolation import METHODS, barycentric_weights, interpolate, metric_points
from levelworks.xco2.seed_mask import seed_mask


@pytest.fixture(scope="module")
def scene():
    grid = Grid.from_box(Box(*box_around()), 80, 90, "node")
    longitude, latitude = capture(30)
    mask = seed_mask(grid, longitude, latitude)
    rng = np.random.default_rng(31)
    points = metric_points(longitude.mean(axis=1), latitude.mean(axis=1), "plane")
    values = 415.0 + rng.normal(size=(3, points.shape[0]))
    x, y = np.meshgrid(grid.x, grid.y)
    return grid, mask, points, values, metric_points(x[mask], y[mask], "plane")


@pytest.mark.parametrize("target_mode", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_equals_griddata_at_the_cells_of_the_mask(method, target_mode):
    grid = Grid.from_box(Box(*box_around()), 80, 90, "node")
    vertices = capture(32, target_mode=target_mode)
    mask = seed_mask(grid, *vertices)
    longitude, latitude = (values.mean(axis=1).astype(np.float32) for values in vertices)
    values = (415.0 + np.random.default_rng(33).normal(size=(2, longitude.size))).astype(np.float32)
    x, y = np.meshgrid(grid.x.astype(np.float32), grid.y.astype(np.float32))
    result = interpolate(
        metric_points(longitude, latitude, "plane"), values, metric_points(x[mask], y[mask], "plane"), method
    )
    assert result.methods == (method, method)
    for variable, actual in zip(values, result.values, strict=True):
        expected = griddata(list(zip(longitude, latitude, strict=True)), variable, (x, y), method=method)[mask]
        np.testing.assert_allclose(actual, expected, atol=1e-9, rtol=0.0)
        assert np.isfinite(actual).sum() > 250


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_stays_itself_and_a_plane_is_a_plane(scene, method):
    _, _, points, _, targets = scene
    values = np.stack([np.full(points.shape[0], 412.3), points[:, 0] - 2.0 * points[:, 1]])
    result = interpolate(points, values, targets, method).values
    inside = np.isfinite(result[0])
    np.testing.assert_allclose(result[0, inside], 412.3, atol=1e-9)
    if method != "nearest":
        np.testing.assert_allclose(result[1, inside], (targets[:, 0] - 2.0 * targets[:, 1])[inside], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_missing_values_leave_the_other_variables_alone(scene, method):
    _, _, points, values, targets = scene
    some, other = values.copy(), values[1].copy()
    some[1, ::3] = np.nan
    some[2] = np.nan
    result = interpolate(points, some, targets, method)
    assert result.methods == (method, method, "none")
    np.testing.assert_array_equal(result.values[0], interpolate(points, values[0], targets, method).values[0])
    known = ~np.isnan(some[1])
    expected = griddata(points[known], other[known], targets, method=method)
    np.testing.assert_allclose(result.values[1], expected, atol=1e-9)
    assert np.isnan(result.values[2]).all()


@pytest.mark.parametrize("method", METHODS)
def test_soundings_without_a_place_are_left_out(scene, method):
    _, _, points, values, targets = scene
    lost = points.copy()
    lost[5] = np.nan
    expected = interpolate(np.delete(points, 5, axis=0), np.delete(values, 5, axis=1), targets, method)
    np.testing.assert_array_equal(interpolate(lost, values, targets, method).values, expected.values)


def test_variables_share_one_triangulation(scene, monkeypatch):
    _, _, points, values, targets = scene
    made = []

    def counted(of):
        made.append(of.shape)
        return Delaunay(of)

    monkeypatch.setattr(interpolation, "Delaunay", counted)
    for method in METHODS:
        interpolate(points, values, targets, method)
    assert made == [points.shape] * 2


@pytest.mark.parametrize("method", ["linear", "cubic"])
@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_few_soundings_or_a_line_give_the_nearest(method, number):
    points = np.stack([np.arange(number) * 0.1, np.arange(number) * 0.2], axis=1)
    values = np.arange(number, dtype=np.float64)
    targets = points + 0.01
    result = interpolate(points, values, targets, method)
    assert result.methods == ("nearest",)
    np.testing.assert_array_equal(result.values[0], values)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_place_twice(method):
    rng = np.random.default_rng(34)
    points = np.repeat(rng.random((30, 2)), 2, axis=0)
    values = rng.normal(size=60)
    targets = rng.random((50, 2))
    result = interpolate(points, values, targets, method)
    np.testing.assert_allclose(result.values[0], griddata(points, values, targets, method=method), atol=1e-9)
    assert result.methods == (method,)


def test_weights_are_shares_of_a_triangle(scene):
    _, _, points, values, targets = scene
    weights, inside = barycentric_weights(Delaunay(points), targets)
    assert weights.shape == (targets.shape[0], points.shape[0])
    np.testing.assert_array_equal(np.diff(weights.indptr), 3 * inside)
    np.testing.assert_allclose(np.asarray(weights.sum(axis=1)).ravel(), inside, atol=1e-12)
    np.testing.assert_allclose((weights @ points)[inside], targets[inside], atol=1e-9)
    assert weights.data.min() > -1e-9
    result = interpolate(points, values, targets, "linear").values[:, inside]
    assert result.min() >= values.min() - 1e-9
    assert result.max() <= values.max() + 1e-9


def test_the_local_metric_takes_distances_on_the_ground():
    points = metric_points(np.array([0.0, 0.0]), np.array([60.0, 60.9]), "local", 60.0)
    target = metric_points(np.array([0.8]), np.array([60.3]), "local", 60.0)
    np.testing.assert_allclose(target, [[0.4, 60.3]])
    assert interpolate(points, np.array([1.0, 2.0]), target, "nearest").values.tolist() == [[1.0]]
    longitude, latitude = np.array([0.0, 1.6]), np.array([60.6, 60.0])
    for metric, nearest in (("plane", 1.0), ("local", 2.0)):
        points = metric_points(longitude, latitude, metric, 60.0)
        target = metric_points(np.array([0.6]), np.array([60.0]), metric, 60.0)
        assert interpolate(points, np.array([1.0, 2.0]), target, "nearest").values.tolist() == [[nearest]]


def test_no_targets_and_no_soundings():
    for method in METHODS:
        assert interpolate(np.zeros((0, 2)), np.zeros((2, 0)), np.zeros((3, 2)), method).methods == ("none", "none")
        points = np.random.default_rng(35).random((9, 2))
        assert interpolate(points, np.ones(9), np.zeros((0, 2)), method).values.shape == (1, 0)


def test_refusals():
    points = np.zeros((5, 2))
    with pytest.raises(InvalidOptions, match="method"):
        interpolate(points, np.zeros(5), points, "quintic")
    with pytest.raises(InvalidOptions, match="metric"):
        metric_points(np.zeros(1), np.zeros(1), "miles")
    with pytest.raises(InvalidInput):
        interpolate(points, np.zeros(4), points, "linear")
