"""Weighted averages: exact fields, conservation, a plain reference, Monte Carlo errors, quality sets, flags, angles."""

from __future__ import annotations

import numpy as np
import pytest
from footprints import box_around, capture
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.geography import Box
from levelworks.xco2.grids import Grid
from levelworks.xco2.overlap import footprint_overlaps
from levelworks.xco2.weights import area_weights, cell_statistics, dominant_class, mean_direction, weighted_means

POWERS = [(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (1.0, 2.0)]


@pytest.fixture(scope="module")
def overlap():
    grid = Grid.from_box(Box(*box_around()), 60, 60)
    return footprint_overlaps(grid, *capture(20, target_mode=True))


@pytest.fixture(scope="module")
def soundings(overlap):
    rng = np.random.default_rng(21)
    number = overlap.footprint_areas.size
    return rng.normal(415.0, 2.0, number), rng.uniform(0.3, 0.9, number), rng.random(number) < 0.6


def plain_statistics(overlap, w, values, errors, keep, correlation):
    """Yield the statistics of each cell straight from their definitions."""
    for start, end in zip(overlap.starts[:-1], overlap.starts[1:], strict=True):
        members = overlap.soundings[start:end]
        use = keep[members] & ~np.isnan(values[members])
        weight, x, s = w[start:end][use], values[members][use], errors[members][use]
        if not use.any():
            yield np.nan, 0, np.nan, np.nan, np.nan, np.nan
            continue
        mean, total = np.average(x, weights=weight), weight.sum()
        spread = np.sqrt(np.average((x - mean) ** 2, weights=weight))
        random = (weight**2 * s**2).sum()
        both = (1.0 - correlation) * random + correlation * (weight * s).sum() ** 2
        yield (
            mean,
            use.sum(),
            total**2 / (weight**2).sum(),
            spread,
            np.sqrt(random) / total,
            np.sqrt(both) / total,
        )


@pytest.mark.parametrize(("p", "q"), POWERS)
def test_statistics_are_their_definitions(overlap, soundings, p, q):
    values, errors, keep = soundings
    values = np.where(np.arange(values.size) % 7 == 0, np.nan, values)
    weights = area_weights(overlap, area_power=p, error_power=q, errors=errors)
    expected_weights = overlap.areas / (overlap.footprint_areas**p * errors**q)[overlap.soundings]
    np.testing.assert_allclose(weights.values, expected_weights, rtol=1e-12)
    result = cell_statistics(weights, values, errors, keep, correlation=0.3)
    expected = np.array(list(plain_statistics(overlap, expected_weights, values, errors, keep, 0.3))).T
    for name, column in zip(
        ("mean", "number", "effective_number", "spread", "random_uncertainty", "uncertainty"), expected, strict=True
    ):
        np.testing.assert_allclose(getattr(result, name), column, rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(weighted_means(weights, values, keep)[0], result.mean, rtol=1e-14)
    assert result.number.dtype == np.int32
    assert (result.number == 0).any()
    assert result.number.max() > 5


@pytest.mark.parametrize(("p", "q"), POWERS)
def test_a_constant_stays_itself(overlap, soundings, p, q):
    _, errors, keep = soundings
    weights = area_weights(overlap, area_power=p, error_power=q, errors=errors)
    constant = np.full(errors.size, 0.1 + 412.3)
    assert np.unique(weighted_means(weights, constant)).tolist() == [constant[0]]
    result = cell_statistics(weights, constant, errors, keep)
    assert np.unique(result.mean[result.number > 0]).tolist() == [constant[0]]
    assert np.nanmax(result.spread) == 0.0
    assert np.isnan(result.mean[result.number == 0]).all()


def tiling(grid, fine, shear=0.0, geometry="planar"):
    """Return footprints that tile the grid's box, ``fine`` a cell in both directions, and their centres."""
    x = np.linspace(grid.x_edges[0], grid.x_edges[-1], fine * grid.shape[1] + 1)
    y = np.linspace(grid.y_edges[0], grid.y_edges[-1], fine * grid.shape[0] + 1)
    lean = shear * (y - y.mean())
    west, south = np.meshgrid(x[:-1], y[:-1])
    east, north = np.meshgrid(x[1:], y[1:])
    low, high = lean[:-1, np.newaxis], lean[1:, np.newaxis]
    longitude = np.stack([west + low, west + high, east + high, east + low], axis=-1).reshape(-1, 4)
    return longitude, np.stack([south, north, north, south], axis=-1).reshape(-1, 4)


def linear_field(longitude, latitude):
    return 412.0 + 3.0 * (longitude - 20.0) - 2.0 * (latitude - 10.0)


def test_a_linear_field_gives_exact_means_of_cells_made_of_footprints():
    grid = Grid.from_box(Box(20.0, 10.0, 21.0, 11.0), 8, 6)
    longitude, latitude = tiling(grid, 5)
    overlap = footprint_overlaps(grid, longitude, latitude, "planar")
    field = linear_field(longitude.mean(axis=1), latitude.mean(axis=1))
    means = area_weights(overlap).on_grid(weighted_means(area_weights(overlap), field)[0])
    np.testing.assert_allclose(means, linear_field(grid.x, grid.y[:, np.newaxis]), atol=1e-9)
    np.testing.assert_allclose(overlap.coverage(), 1.0, atol=1e-9)


def test_a_linear_field_gives_exact_means_of_small_sheared_footprints():
    """Footprints on a lattice symmetrical about a cell's centre: what they add beyond the edges cancels."""
    grid = Grid.from_box(Box(20.0, 10.0, 21.0, 11.0), 7, 5)
    longitude, latitude = tiling(grid, 11, shear=0.3)
    overlap = footprint_overlaps(grid, longitude, latitude, "planar")
    field = linear_field(longitude.mean(axis=1), latitude.mean(axis=1))
    means = area_weights(overlap).on_grid(weighted_means(area_weights(overlap), field)[0])
    difference = means - linear_field(grid.x, grid.y[:, np.newaxis])
    assert abs(difference[3, 2]) < 1e-6
    covered = overlap.on_grid(overlap.coverage()) > 1.0 - 1e-9
    assert covered.sum() > 20
    assert np.abs(difference[covered]).max() < 0.01 * 3.0 * 0.2


@pytest.mark.parametrize(("p", "q"), [(0.0, 0.0)])
def test_amounts_are_conserved(overlap, soundings, p, q):
    values, _, _ = soundings
    means = weighted_means(area_weights(overlap, area_power=p, error_power=q), values)[0]
    sums = np.add.reduceat(overlap.areas, overlap.starts[:-1])
    assert (sums * means).sum() == pytest.approx((overlap.footprint_areas * values).sum(), rel=1e-9)
    anomalies = weighted_means(area_weights(overlap), values - 415.0)[0]
    whole = (overlap.footprint_areas * np.abs(values - 415.0)).sum()
    assert (sums * anomalies).sum() == pytest.approx(
        (overlap.footprint_areas * (values - 415.0)).sum(), abs=1e-9 * whole
    )


def test_the_transpose_is_the_adjoint(overlap, soundings):
    values, _, _ = soundings
    matrix = area_weights(overlap).to_csr()
    field = np.random.default_rng(22).normal(size=matrix.shape[0])
    assert field @ (matrix @ values) == pytest.approx((matrix.T @ field) @ values, rel=1e-9)
    rows = np.asarray(matrix.sum(axis=1)).ravel()
    means = (matrix @ values)[rows > 0] / rows[rows > 0]
    np.testing.assert_allclose(weighted_means(area_weights(overlap), values)[0], means, rtol=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.25, 1.0])
def test_uncertainty_is_the_scatter_of_noise(overlap, soundings, correlation):
    _, errors, keep = soundings
    rng = np.random.default_rng(23)
    draws, number = 4000, errors.size
    noise = np.sqrt(1.0 - correlation) * rng.normal(size=(draws, number))
    noise += np.sqrt(correlation) * rng.normal(size=(draws, 1))
    weights = area_weights(overlap, area_power=1.0)
    scatter = weighted_means(weights, 415.0 + noise * errors, keep).std(axis=0)
    result = cell_statistics(weights, np.full(number, 415.0), errors, keep, correlation=correlation)
    used = result.number > 0
    np.testing.assert_allclose(scatter[used], result.uncertainty[used], rtol=0.05)
    if correlation == 0.0:
        np.testing.assert_array_equal(result.uncertainty, result.random_uncertainty)
    else:
        assert (result.uncertainty[used] >= result.random_uncertainty[used] * (1.0 - 1e-12)).all()


def test_quality_sets_share_the_weights(overlap, soundings):
    """Good soundings alone give what masked weights of all give."""
    values, errors, keep = soundings
    longitude, latitude = capture(20, target_mode=True)
    grid = Grid.from_box(Box(*box_around()), 60, 60)
    alone = footprint_overlaps(grid, longitude[keep], latitude[keep])
    expected = cell_statistics(area_weights(alone), values[keep], errors[keep], correlation=0.1)
    result = cell_statistics(area_weights(overlap), values, errors, keep, correlation=0.1)
    np.testing.assert_array_equal(overlap.mask(keep), alone.mask())
    for name in ("mean", "number", "effective_number", "spread", "random_uncertainty", "uncertainty"):
        masked = overlap.on_grid(getattr(result, name).astype(np.float64))[alone.mask()]
        np.testing.assert_allclose(masked, getattr(expected, name), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(overlap.coverage(keep)[overlap.touched(keep)], alone.coverage(), atol=1e-12)
    everything = weighted_means(area_weights(overlap), values, np.ones_like(keep))
    np.testing.assert_array_equal(everything, weighted_means(area_weights(overlap), values))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**31))
def test_means_lie_between_the_soundings(overlap, variables, seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((variables, overlap.footprint_areas.size)) < 0.3, np.nan, 1.0)
    values = values * rng.normal(size=values.shape)
    means = weighted_means(area_weights(overlap), values)
    for variable, mean in zip(values, means, strict=True):
        np.testing.assert_array_equal(mean, weighted_means(area_weights(overlap), variable)[0])
        known = ~np.isnan(mean)
        assert (mean[known] >= np.nanmin(variable) - 1e-12).all()
        assert (mean[known] <= np.nanmax(variable) + 1e-12).all()


def test_nothing_known_gives_nothing(overlap):
    nothing = np.full(overlap.footprint_areas.size, np.nan)
    weights = area_weights(overlap)
    assert np.isnan(weighted_means(weights, np.stack([nothing, nothing]))).all()
    result = cell_statistics(weights, nothing, nothing)
    assert (result.number == 0).all()
    assert np.isnan(result.effective_number).all()
    assert np.isnan(mean_direction(weights, nothing)).all()
    assert not overlap.touched(np.zeros(nothing.size, np.bool_)).any()
    assert np.isnan(weights.on_grid(result.mean)).all()


def test_errors_may_be_missing(overlap, soundings):
    values, errors, _ = soundings
    weights = area_weights(overlap)
    assert np.isnan(cell_statistics(weights, values).uncertainty).all()
    some = np.where(np.arange(errors.size) % 2 == 0, errors, np.nan)
    partial = cell_statistics(weights, values, some)
    complete = cell_statistics(weights, values, errors, ~np.isnan(some))
    np.testing.assert_allclose(partial.random_uncertainty, complete.random_uncertainty, rtol=1e-12)
    inverse = area_weights(overlap, error_power=2.0, errors=some)
    np.testing.assert_array_equal(
        cell_statistics(inverse, values, some).number, cell_statistics(weights, values, keep=~np.isnan(some)).number
    )


def test_one_sounding_and_the_same_twice():
    grid = Grid.from_box(Box(0.0, 0.0, 1.0, 1.0), 10, 10)
    longitude, latitude = np.array([[0.42, 0.62, 0.62, 0.42]]), np.array([[0.42, 0.42, 0.58, 0.58]])
    one = cell_statistics(area_weights(footprint_overlaps(grid, longitude, latitude)), np.array([7.0]), np.array([0.5]))
    assert set(one.number) == {1}
    assert set(one.mean) == {7.0}
    assert set(one.spread) == {0.0}
    np.testing.assert_allclose(one.uncertainty, 0.5)
    np.testing.assert_allclose(one.effective_number, 1.0)
    twice = footprint_overlaps(grid, longitude.repeat(2, axis=0), latitude.repeat(2, axis=0))
    two = cell_statistics(area_weights(twice), np.array([6.0, 8.0]), np.array([0.5, 0.5]), correlation=0.2)
    np.testing.assert_allclose(two.mean, 7.0)
    np.testing.assert_allclose(two.spread, 1.0)
    np.testing.assert_allclose(two.effective_number, 2.0)
    np.testing.assert_allclose(two.random_uncertainty, 0.5 / np.sqrt(2.0))
    np.testing.assert_allclose(two.uncertainty, 0.5 * np.sqrt(0.8 / 2.0 + 0.2))


def test_the_class_of_the_greatest_area_wins(overlap):
    rng = np.random.default_rng(24)
    codes = rng.integers(0, 4, overlap.footprint_areas.size).astype(np.int8)
    keep = rng.random(codes.size) < 0.8
    result = dominant_class(overlap, codes, keep, fill=-1, missing=(3,))
    assert result.dtype == np.int8
    for cell, (start, end) in enumerate(zip(overlap.starts[:-1], overlap.starts[1:], strict=True)):
        members = overlap.soundings[start:end]
        use = keep[members] & (codes[members] != 3)
        sums = np.bincount(codes[members][use], weights=overlap.areas[start:end][use], minlength=3)
        assert result[cell] == (np.argmax(sums) if use.any() else -1)
    assert (result == -1).any()


def test_of_equal_areas_the_least_class_wins():
    grid = Grid.from_box(Box(0.0, 0.0, 1.0, 1.0), 1, 1)
    longitude = np.array([[0.5, 1.0, 1.0, 0.5], [0.5, 1.0, 1.0, 0.5]])
    latitude = np.array([[0.25, 0.25, 0.75, 0.75]] * 2)
    overlap = footprint_overlaps(grid, longitude, latitude)
    for codes in ([5, 2], [2, 5]):
        for dtype in (np.int8, np.dtype(">i2"), np.int64):
            assert dominant_class(overlap, np.array(codes, dtype), fill=-1).tolist() == [2]


def test_directions_average_across_north():
    grid = Grid.from_box(Box(0.0, 0.0, 1.0, 1.0), 1, 1)
    overlap = footprint_overlaps(grid, np.array([[0.0, 1.0, 1.0, 0.0]] * 2), np.array([[0.0, 0.0, 1.0, 1.0]] * 2))
    weights = area_weights(overlap)
    for pair, mean in (([350.0, 20.0], 5.0), ([170.0, -170.0], 180.0), ([-90.0, -80.0], 275.0), ([0.0, 0.0], 0.0)):
        np.testing.assert_allclose(mean_direction(weights, np.array(pair)), [mean], atol=1e-9)
    np.testing.assert_allclose(mean_direction(weights, np.array([-90.0, -80.0]), signed=True), [-85.0])
    assert np.isnan(mean_direction(weights, np.array([10.0, 190.0]))).all()
    np.testing.assert_allclose(mean_direction(weights, np.array([10.0, np.nan])), [10.0])
    assert 0.0 <= mean_direction(weights, np.array([-1e-14, -1e-14]))[0] < 360.0


def test_grids_of_many_variables(overlap, soundings):
    values, _, _ = soundings
    weights = area_weights(overlap)
    cube = weights.on_grid(weighted_means(weights, np.stack([values, 2.0 * values])))
    assert cube.shape == (2, 60, 60)
    np.testing.assert_array_equal(~np.isnan(cube[0]), overlap.mask())
    np.testing.assert_allclose(cube[1], 2.0 * cube[0])


def test_refusals(overlap, soundings):
    values, errors, _ = soundings
    with pytest.raises(InvalidOptions):
        area_weights(overlap, error_power=2.0)
    with pytest.raises(InvalidOptions):
        cell_statistics(area_weights(overlap), values, errors, correlation=1.5)
    with pytest.raises(InvalidInput):
        weighted_means(area_weights(overlap), values[1:])
    with pytest.raises(InvalidInput):
        cell_statistics(area_weights(overlap), values[1:])
    with pytest.raises(InvalidInput):
        dominant_class(overlap, values, fill=-1)


def test_the_same_soundings_give_the_same_bytes(overlap, soundings):
    values, errors, keep = soundings
    first, second = (cell_statistics(area_weights(overlap), values, errors, keep, correlation=0.2) for _ in range(2))
    for name in ("mean", "number", "spread", "uncertainty"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
