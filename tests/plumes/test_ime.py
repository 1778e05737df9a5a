"""Mass of a plume: closed forms, true areas, numbers of specs/plumes.md 7 (T4, T5), fetch and Carbon Mapper's mask."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from levelworks.plumes.emission.carbon_mapper import carbon_mapper_mask
from levelworks.plumes.emission.effective_wind import effective_wind
from levelworks.plumes.emission.emission_measures import NO_LINES, Measured, Measures
from levelworks.plumes.emission.emission_rates import PlumeWind, rates
from levelworks.plumes.emission.fetch import Fetch, mass_by_fetch
from levelworks.plumes.emission.ime import (
    HYPERGAS_PPM_PER_MOLE,
    Mass,
    farthest_distance,
    hypergas_mass,
    hypergas_mass_per_mole,
    integrated_mass,
)
from levelworks.plumes.units import MOLAR_MASS, PPM_M


def measures(mass: Mass, reach: float = np.nan) -> Measures:
    """Return measures of a plume of which a mass alone is known, Carbon Mapper's with its reach (m)."""
    none, nothing = np.zeros(0), Measured(np.nan)
    fetch, mask = Fetch(np.nan, np.nan, 0), np.zeros((1, 1), dtype=bool)
    return Measures(
        Measured(mass.mass, mass.noise), mass, reach, nothing, none, none, NO_LINES, fetch, mass, mask, reach
    )


def test_t4_units_of_mass() -> None:
    one_ppb = 1 / (HYPERGAS_PPM_PER_MOLE * 1e3)  # mol m-2 that HyperGas retrieves as 1 ppb
    assert one_ppb == pytest.approx(3.448276e-4, rel=1e-6)
    compat = one_ppb * hypergas_mass_per_mole("ch4", 101325.0)
    assert compat == pytest.approx(5.72580e-6, rel=1e-5)
    assert compat * 60**2 == pytest.approx(0.0206129, rel=1e-5)
    assert pytest.approx(7.16071e-7, rel=1e-6) == PPM_M * 16.04e-3
    assert pytest.approx(0.00257786, rel=1e-5) == PPM_M * 16.04e-3 * 60**2
    assert compat / (PPM_M * 16.04e-3) == pytest.approx(7.996, rel=1e-3)
    assert one_ppb * 16.04e-3 == pytest.approx(5.53103e-6, rel=1e-6)


def test_t5_uniform_plume_in_hypergas_numbers() -> None:
    enhancement = np.full((12, 15), 100 / (HYPERGAS_PPM_PER_MOLE * 1e3))
    mask = np.zeros((12, 15), dtype=bool)
    mask[1:11, 2:12] = True
    found = hypergas_mass(enhancement, mask, 60.0, "ch4", 101325.0)
    assert found.mass == pytest.approx(206.129, rel=1e-5)
    assert found.length == 600.0
    wind = effective_wind("ch4", "EMIT", "point", "hypergas")
    assert wind is not None
    assert wind.of_mass(5.0) == pytest.approx(2.23)
    rate = rates(measures(found), PlumeWind("ERA5", 3.0, 4.0), wind, "plume").ime.value
    assert rate / 3600 == pytest.approx(0.766112, rel=1e-5)
    assert rate == pytest.approx(2758.005, rel=1e-5)


@pytest.mark.parametrize(
    ("pressure", "bias"), [(101325, 3.5), (95000, -2.9), (90000, -8.0), (80000, -18.3), (70000, -28.5)]
)
def test_d1_mass_does_not_depend_on_the_pressure(pressure: float, bias: float) -> None:
    """HyperGas takes columns for mixing ratios of one standard column and back with another."""
    enhancement, mask, area = np.full((4, 4), 0.03), np.ones((4, 4), dtype=bool), np.full((4, 4), 3600.0)
    ours = integrated_mass(enhancement, mask, area, 16.04e-3).mass
    theirs = hypergas_mass(enhancement, mask, 60.0, "ch4", pressure).mass
    assert ours == pytest.approx(0.03 * 16 * 3600 * 16.04e-3)
    assert 100 * (theirs / ours - 1) == pytest.approx(bias, abs=0.11)


def test_d15_each_pixel_has_its_own_area() -> None:
    generator = np.random.default_rng(20)
    enhancement, area = generator.normal(0.02, 0.01, (7, 9)), generator.uniform(3000, 5000, (7, 9))
    mask = generator.random((7, 9)) < 0.5
    enhancement[np.nonzero(mask)[0][0], np.nonzero(mask)[1][0]] = np.nan
    noise = np.full((7, 9), 0.004)
    found = integrated_mass(enhancement, mask, area, MOLAR_MASS["ch4"], noise)
    inside = mask & np.isfinite(enhancement)
    assert found.pixels == inside.sum() == mask.sum() - 1
    assert found.mass == pytest.approx(np.sum(enhancement[inside] * area[inside]) * MOLAR_MASS["ch4"])
    assert found.length == pytest.approx(np.sqrt(area[inside].sum()))
    assert found.noise == pytest.approx(0.004 * np.sqrt(np.sum(area[inside] ** 2)) * MOLAR_MASS["ch4"])


def test_a_mask_without_a_known_pixel_has_no_mass() -> None:
    nothing = np.full((3, 3), np.nan)
    found = integrated_mass(nothing, np.ones((3, 3), dtype=bool), np.ones((3, 3)), 0.016)
    assert np.isnan(found.mass)
    assert found.pixels == 0
    wind = effective_wind("ch4", "EMIT", "point", "hypergas")
    assert np.isnan(rates(measures(found), PlumeWind("ERA5", 2.0, 0.0), wind, "plume").ime.value)
    assert np.isnan(hypergas_mass(nothing, nothing > 0, 60.0, "ch4", 1e5).mass)


def test_farthest_point_is_a_vertex_of_the_hull() -> None:
    points = np.random.default_rng(3).normal(size=(50, 2)) * 400
    hull = points[ConvexHull(points).vertices]
    expected = np.hypot(*(hull - [100.0, -50.0]).T).max()
    assert farthest_distance(points[:, 0], points[:, 1], (100.0, -50.0)) == pytest.approx(expected)


def test_fetch_of_a_constant_flux_is_mass_per_length() -> None:
    """A line of equal pixels from the source: the mass grows by the same amount with each step of fetch."""
    distance = 60.0 * np.arange(0.5, 30.5)
    found = mass_by_fetch(np.full(30, 6.0), distance, 60.0)
    assert found.mass_per_length == pytest.approx(0.1, rel=0.02)
    assert found.relative_spread < 0.3


def test_d9_lengths_are_averaged_over_the_radii_of_the_masses() -> None:
    distance = 60.0 * np.arange(0.5, 20.5)
    ours = mass_by_fetch(np.full(20, 6.0), distance, 60.0)
    theirs = mass_by_fetch(np.full(20, 6.0), distance, 60.0, hypergas=True, edge=1200.0)
    assert ours.mass_per_length == pytest.approx(0.1, rel=0.03)
    assert theirs.mass_per_length == pytest.approx(0.1 * 1200 / 2500, rel=0.03)  # low


def test_fetch_of_nothing_and_of_one_pixel() -> None:
    assert mass_by_fetch(np.zeros(0), np.zeros(0), 60.0).radii == 0
    one = mass_by_fetch(np.array([3.0]), np.array([10.0]), 60.0)
    assert one.mass_per_length == pytest.approx(3.0 / 22.5)


def test_carbon_mapper_keeps_clusters_near_the_source() -> None:
    east, north = np.meshgrid(60.0 * np.arange(-50, 51), -60.0 * np.arange(-50, 51))
    field = np.random.default_rng(8).normal(0, 1e-4, east.shape)
    field[48:52, 50:58] = 1.0  # by the source
    field[20, 20] = 1.0  # one pixel
    field[90:94, 90:94] = 1.0  # beyond the crop
    field[50, 50] = np.nan
    mask = carbon_mapper_mask(field, east, north, 60.0)
    assert mask[48:52, 51:58].all()
    assert not mask[50, 50]
    assert not mask[20, 20]
    assert not mask[90:94, 90:94].any()
    assert not carbon_mapper_mask(np.full((5, 5), np.nan), east[:5, :5], north[:5, :5], 60.0).any()


def test_carbon_mapper_rate_is_mass_and_wind_over_reach() -> None:
    wind = effective_wind("ch4", "EMIT", "point", "hypergas")
    mass = Mass(100.0, 5.0, 3600.0, 60.0, 1)
    for reach, expected in ((500.0, 0.8 * 3600), (0.0, np.nan)):
        found = rates(measures(mass, reach), PlumeWind("ERA5", 0.0, 4.0), wind, "plume").carbon_mapper
        assert found.value == pytest.approx(expected, nan_ok=True)
