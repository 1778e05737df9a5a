"""Plumes of known rate: line integrals are Q / U, mass is rate times time, whatever the grid and its direction."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.transport import (
    DEPTH,
    WIND_POWER,
    Plume,
    Wind,
    along_wind,
    gaussian_column,
    gaussian_plume,
    transport_speed,
)
from levelworks.plumes.simulation.transport_kernels import deposit_puffs
from levelworks.plumes.simulation.turbulent_transport import INTENSITY, turbulent_modes, turbulent_plume

GROUND = Ground(120, 100, 60.0, 54.2, 38.5, 40.0)
MIDDLE = Plume(6.0, 59.5, 49.5, kind="gaussian")


def test_rates_are_moles():
    # 1 t/h of methane is 1e6 g / 3600 s / 16.0425 g/mol
    assert Plume(1.0, 0, 0).molar_rate == pytest.approx(1e6 / 3600 / 16.0425, rel=1e-12)
    assert Plume(1.0, 0, 0, "co2").molar_rate == pytest.approx(1e6 / 3600 / 44.0095, rel=1e-12)


def test_wind_comes_from_its_direction():
    west = Wind(3.0, 270.0)
    assert (west.eastward, west.northward) == pytest.approx((3.0, 0.0), abs=1e-12)
    downwind, crosswind = along_wind(np.array([5.0, 0.0]), np.array([0.0, 5.0]), west)
    assert downwind == pytest.approx([5.0, 0.0], abs=1e-12)
    assert crosswind == pytest.approx([0.0, 5.0], abs=1e-12)


@pytest.mark.parametrize("stability", list(WIND_POWER))
def test_transport_is_the_mean_of_the_power_law(stability):
    heights = np.linspace(0, DEPTH, 200_001)[1:]
    mean = np.mean(5.0 * (heights / 10) ** WIND_POWER[stability])
    assert transport_speed(Wind(5.0, 0.0), stability) == pytest.approx(mean, rel=1e-3)


@pytest.mark.parametrize("distance", [1.0, 100.0, 1000.0, 20_000.0])
def test_the_integral_across_is_rate_over_speed(distance):
    crosswind = np.linspace(-60_000, 60_000, 600_001)
    column = gaussian_column(np.full(crosswind.size, distance), crosswind, MIDDLE, 4.5)
    assert np.trapezoid(column, crosswind) == pytest.approx(MIDDLE.molar_rate / 4.5, rel=1e-6)


def test_nothing_lies_upwind():
    assert gaussian_column(np.array([-1.0]), np.array([0.0]), MIDDLE, 4.0)[0] == 0


@pytest.mark.parametrize("direction", [220.0, 235.0, 250.0, 265.0, 300.0])
def test_pixels_hold_the_gas_between_two_lines(direction):
    """Between two lines across the wind lies Q / U times their distance, whatever the angle to the grid."""
    fine = Ground(200, 200, 30.0, 54.2, 38.5, 40.0)
    plume = Plume(6.0, 99.5, 99.5, kind="gaussian", stability="D")
    wind = Wind(4.0, direction)
    column = gaussian_plume(fine, plume, wind)
    east, north = fine.to_plane(*fine.grid())
    downwind, _ = along_wind(east, north, wind)
    # lines that are soft over 600 m, so that the grid of pixels doesn't show
    weight = 1 / (1 + np.exp(-(downwind - 800) / 60)) - 1 / (1 + np.exp(-(downwind - 2000) / 60))
    amount = (column * fine.area(*fine.grid()) * weight).sum()
    expected = plume.molar_rate / transport_speed(wind, "D") * 1200
    assert amount == pytest.approx(expected, rel=1e-3)


def test_pixels_near_the_source_hold_their_gas():
    """The first kilometre, where the plume is narrower than a pixel."""
    wind = Wind(4.0, 250.0)
    column = gaussian_plume(GROUND, MIDDLE, wind, oversample=8)
    finer = gaussian_plume(GROUND, MIDDLE, wind, oversample=24)
    east, north = GROUND.to_plane(*GROUND.grid())
    downwind, _ = along_wind(east, north, wind)
    near = (downwind > -200) & (downwind < 1000)
    area = GROUND.area(*GROUND.grid())
    assert (column * area)[near].sum() == pytest.approx((finer * area)[near].sum(), rel=2e-3)


def test_a_puff_loses_nothing():
    laid = deposit_puffs(
        np.array([10.2, 8.7]), np.array([8.9, 14.1]), np.array([0.05, 1.3]), np.array([2.0, 5.0]), (24, 26)
    )
    assert laid.sum() == pytest.approx(7.0, rel=1e-12)
    assert laid[10, 9] > 1.9
    row = (laid.sum(axis=1) * np.arange(24)).sum() / 7
    assert row == pytest.approx((2 * 10.0 + 5 * 8.7) / 7, abs=0.02)


def test_a_puff_at_the_edge_keeps_what_lies_inside():
    laid = deposit_puffs(np.array([-0.5]), np.array([10.0]), np.array([2.0]), np.array([1.0]), (20, 21))
    assert laid.sum() == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("seed", [3, 41])
def test_a_turbulent_plume_holds_rate_times_time(seed):
    plume = Plume(9.0, 59.5, 49.5)
    column = turbulent_plume(GROUND, plume, Wind(3.0, 250.0), seconds=400.0, seed=seed)
    amount = (column * GROUND.area(*GROUND.grid())).sum()
    assert amount == pytest.approx(plume.molar_rate * 400, rel=1e-9)


def test_a_turbulent_plume_goes_with_the_wind():
    """Over many draws the middle of the gas lies half the time downwind, at the speed of transport."""
    wind, seconds = Wind(3.0, 200.0), 500.0
    middles = []
    for seed in range(40):
        column = turbulent_plume(GROUND, MIDDLE, wind, seconds=seconds, seed=seed)
        east, north = GROUND.to_plane(*GROUND.grid())
        downwind, crosswind = along_wind(east, north, wind)
        weight = column * GROUND.area(*GROUND.grid())
        middles.append(((weight * downwind).sum() / weight.sum(), (weight * crosswind).sum() / weight.sum()))
    mean, spread = np.mean(middles, axis=0), np.std(middles, axis=0) / np.sqrt(len(middles))
    assert mean[0] == pytest.approx(transport_speed(wind, "C") * seconds / 2, abs=4 * spread[0] + 5)
    assert mean[1] == pytest.approx(0.0, abs=4 * spread[1] + 5)
    assert spread[1] > 0


def test_the_wind_is_as_turbulent_as_it_says():
    """Half of the summed squares of the amplitudes is the variance of both components."""
    modes = turbulent_modes(4.0, "C", np.random.default_rng(8))
    assert (modes[:, 4] ** 2).sum() / 2 == pytest.approx(2 * (INTENSITY["C"] * 4.0) ** 2, rel=1e-9)


def test_a_plume_is_the_same_each_time():
    first, second = (turbulent_plume(GROUND, MIDDLE, Wind(3.0, 250.0), seconds=300.0, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_ground_goes_there_and_back():
    row, column = np.broadcast_arrays(*GROUND.grid())
    there = GROUND.to_plane(row, column)
    np.testing.assert_allclose(GROUND.to_pixel(*there), (row, column), atol=1e-9)
    longitude, latitude = GROUND.to_geographic(*there)
    np.testing.assert_allclose(GROUND.from_geographic(longitude, latitude), there, atol=1e-4)


def test_pixels_have_the_area_of_their_corners_on_the_ellipsoid():
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    for row, column in ((0, 0), (60, 50), (119, 99), (0, 99)):
        corners = [(row + down, column + over) for down, over in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))]
        at = np.array(corners, dtype=float).T
        area, _ = geod.polygon_area_perimeter(*GROUND.to_geographic(*GROUND.to_plane(*at)))
        assert float(GROUND.area(np.array(row), np.array(column))) == pytest.approx(abs(area), rel=1e-4)
