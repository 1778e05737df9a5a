"""Dark targets: their sums over the field, the ratios of vegetation, the library of water, tables of optical depth."""

from __future__ import annotations

from datetime import date

import ard_aerosol as scenes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.ard.aerosol.coarse import (
    CLEAR,
    CLEAR_BIT,
    DARK_VEGETATION,
    LAND_BIT,
    VEGETATION,
    WATER,
    WATER_BIT,
    CoarseScene,
    accumulate,
    aerosol_bands,
)
from levelworks.ard.aerosol.gauss_markov import smooth_field
from levelworks.ard.aerosol.optical_depth import GLOBAL_MEDIAN, aerosol_coefficients_at, optical_depth
from levelworks.ard.aerosol.scale_height import STANDARD, aerosol_scale_height
from levelworks.ard.aerosol.surroundings import SIDES, square_means, square_shares
from levelworks.ard.aerosol.vegetation import departures, expected_red
from levelworks.ard.aerosol.water import water_library, water_likelihood
from levelworks.ard.atmosphere.forward import environment_fraction
from levelworks.ard.atmosphere.tables import load_tables
from levelworks.ard.sensors import SENSORS
from levelworks.core.outcome import InvalidReference

BANDS = scenes.BANDS
FOREST_TOA = [0.10, 0.08, 0.055, 0.04, 0.25, 0.10, 0.04]
CROP_TOA = [0.11, 0.09, 0.08, 0.06, 0.35, 0.18, 0.09]
LAKE_TOA = [0.11, 0.085, 0.05, 0.03, 0.015, 0.004, 0.002]
SOIL_TOA = [0.17, 0.17, 0.20, 0.25, 0.32, 0.40, 0.35]


def image(pixels, rows=20, columns=30):
    return np.broadcast_to(np.array(pixels, np.float32)[:, None, None], (7, rows, columns)).copy()


def random_image(seed=1, rows=64, columns=47):
    random = np.random.default_rng(seed)
    spectra = np.array([FOREST_TOA, CROP_TOA, LAKE_TOA, SOIL_TOA])
    toa = spectra[random.integers(0, 4, (rows, columns))].transpose(2, 0, 1)
    toa = (toa * random.uniform(0.8, 1.2, toa.shape)).astype(np.float32)
    toa[3, random.random((rows, columns)) < 0.01] = np.nan
    mask = (random.random((rows, columns)) < 0.9).astype(np.uint8) * CLEAR_BIT
    return toa, mask, random.uniform(0, 20, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize(
    ("pixel", "kind"),
    [(FOREST_TOA, DARK_VEGETATION), (CROP_TOA, VEGETATION), (LAKE_TOA, WATER), (SOIL_TOA, CLEAR)],
)
def test_targets_are_told_apart(pixel, kind):
    scene = CoarseScene.empty(BANDS, (2, 3), 10)
    accumulate(scene, 0, image(pixel), np.full((20, 30), CLEAR_BIT, np.uint8))
    for other in (DARK_VEGETATION, VEGETATION, WATER):
        assert scene.counts[other].sum() == (600 if other == kind else 0)
    assert scene.counts[CLEAR].tolist() == [[100] * 3] * 2
    assert np.allclose(scene.mean(kind), np.array(pixel)[:, None, None], atol=1e-6)


def test_masks_and_slopes_rule_targets_out():
    steep = np.full((20, 30), 16.0, np.float32)
    gentle = np.full((20, 30), 3.0, np.float32)
    high = np.full((2, 3), 1500.0)

    def count(pixel, kind, mask=CLEAR_BIT, slope=None, elevation=None):
        scene = CoarseScene.empty(BANDS, (2, 3), 10, elevation)
        accumulate(scene, 0, image(pixel), np.full((20, 30), mask, np.uint8), slope)
        return scene.counts[kind].sum()

    assert count(FOREST_TOA, CLEAR, mask=LAND_BIT) == 0
    assert count(FOREST_TOA, DARK_VEGETATION, mask=CLEAR_BIT | WATER_BIT) == 0
    assert count(LAKE_TOA, WATER, mask=CLEAR_BIT | LAND_BIT) == 0
    assert count(FOREST_TOA, DARK_VEGETATION, slope=steep) == 0
    assert count(LAKE_TOA, WATER, slope=gentle) == 600
    assert count(LAKE_TOA, WATER, slope=gentle, elevation=high) == 0
    turbid = [0.12, 0.10, 0.10, 0.09, 0.03, 0.004, 0.002]
    assert count(turbid, WATER) == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 63), max_size=4), st.integers(0, 3))
def test_sums_do_not_depend_on_how_rows_are_shared(cuts, seed):
    toa, mask, slope = random_image(seed)
    whole = CoarseScene.empty(BANDS, (7, 5), 10)
    accumulate(whole, 0, toa, mask, slope)
    edges = sorted({0, 64, *cuts})
    ranks = [CoarseScene.empty(BANDS, (7, 5), 10) for _ in edges[1:]]
    for rank, top, bottom in zip(ranks, edges[:-1], edges[1:], strict=True):
        accumulate(rank, top, toa[:, top:bottom], mask[top:bottom], slope[top:bottom])
    for other in ranks[:0:-1]:
        ranks[0].merge(other)
    assert np.array_equal(ranks[0].counts, whole.counts)
    assert np.array_equal(ranks[0].sums, whole.sums)


def test_means_are_those_of_the_pixels_and_missing_pixels_are_left_out():
    toa, mask, _ = random_image(9)
    scene = CoarseScene.empty(BANDS, (7, 5), 10)
    accumulate(scene, 0, toa, mask)
    good = (mask > 0) & np.isfinite(toa[3])
    assert scene.counts[CLEAR].sum() == good.sum()
    assert scene.mean(CLEAR)[2, 1, 3] == pytest.approx(toa[2, 10:20, 30:40][good[10:20, 30:40]].mean(), abs=1e-6)
    with pytest.raises(ValueError, match="can't be merged"):
        scene.merge(CoarseScene.empty(BANDS, (7, 6), 10))


def test_the_brightest_cells_of_sentinel_2_do_not_overflow():
    scene = CoarseScene.empty(BANDS, (1, 1), 30)
    accumulate(scene, 0, np.full((7, 30, 30), 7.0, np.float32), np.ones((30, 30), np.uint8))
    assert np.allclose(scene.mean(CLEAR), 2.0)


def test_bands_of_sensors():
    assert aerosol_bands([one.name for one in SENSORS["LND05"].bands]) == BANDS[1:]
    assert aerosol_bands([one.name for one in SENSORS["SEN2B"].bands]) == BANDS


def test_red_follows_the_relation_of_levy_for_modis():
    # Levy et al. 2007 at a scattering angle of 140 degrees: slope 0.58 for the greenest, 0.48 for the least green
    green = {"NIR": np.array([0.4]), "SWIR1": np.array([0.4]), "SWIR2": np.array([0.05])}
    brown = {"NIR": np.array([0.2]), "SWIR1": np.array([0.2]), "SWIR2": np.array([0.15])}
    for surface, slope in ((green, 0.58), (brown, 0.48)):
        far = surface["SWIR2"] / 1.02
        expected = 0.95 * ((slope + 0.002 * 140 - 0.27) * far - 0.00025 * 140 + 0.033)
        assert expected_red(surface, np.array([140.0]), "OLI/TIRS") == pytest.approx(expected)


@pytest.mark.parametrize("instrument", ["TM", "ETM+", "OLI/TIRS", "OLI-2/TIRS-2", "MSI"])
def test_departures_vanish_on_the_relations_and_are_shares(instrument):
    surface = {"NIR": np.array([0.3]), "SWIR1": np.array([0.12]), "SWIR2": np.array([0.05])}
    angle = np.array([137.0])
    surface["RED"] = expected_red(surface, angle, instrument)
    from levelworks.ard.aerosol.vegetation import CONVERSIONS

    factor = CONVERSIONS[instrument]
    surface["BLUE"] = factor["BLUE"] * (0.49 * surface["RED"] / factor["RED"] + 0.005)
    if "ULTRABLUE" in factor:
        surface["ULTRABLUE"] = surface["BLUE"] * factor["ULTRABLUE"] / factor["BLUE"]
    found = departures(surface, surface, angle, instrument)
    assert all(abs(float(one[0])) < 1e-12 for one in found.values())
    assert ("ULTRABLUE" in found) == ("ULTRABLUE" in factor)
    bluer = {**surface, "BLUE": 1.1 * surface["BLUE"]}
    assert departures(bluer, surface, angle, instrument)["BLUE"][0] == pytest.approx(0.1)


def test_the_library_of_water_holds_what_water_looks_like():
    library = water_library((0.4425, 0.482, 0.561, 0.6542, 0.8641, 1.6086, 2.2008))
    assert library.min() > 0
    assert np.percentile(library[:, 5:], 95) < 0.006  # black in the shortwave infrared
    low, high = np.percentile(library, (1, 99), axis=0)
    inside = [(low < spectrum).all() and (spectrum < high).all() for spectrum in np.array(scenes.WATER)]
    assert all(inside)
    clear = library[:, 1] > library[:, 2]
    assert 0.05 < clear.mean() < 0.6  # blue water and green water


def test_likelihood_of_water_is_highest_for_water():
    waves = (0.4425, 0.482, 0.561, 0.6542, 0.8641, 1.6086, 2.2008)
    water = np.array(scenes.WATER[2])
    haze = 0.02 * (np.array(waves) / 0.5) ** -1.3
    surface = np.stack([water - haze, water, water + haze, np.array(scenes.FOREST[0])], axis=1)[:, :, None]
    found = water_likelihood(surface, waves)[:, 0]
    assert np.argmax(found) == 1
    assert found[3] < found[1] - 50
    few = water_likelihood(surface, waves, 600)[:, 0]
    assert np.argmax(few) == 1


def test_light_from_the_side_comes_from_where_6s_says():
    tables = load_tables("LND08")
    shares = square_shares(tables, "continental", ("BLUE", "NIR"), 0.2, 300.0)
    assert np.allclose(shares.sum(axis=0), 1.0)
    radii = 0.3 * np.array(SIDES) / np.sqrt(np.pi)
    for number, band in enumerate(("BLUE", "NIR")):
        found = tables.at(band, "continental", sun_zenith=30, view_zenith=0, relative_azimuth=0, aod=0.2, pressure=1013)
        for radius in radii[:-1]:
            within = (shares[:, number] * np.minimum(1.0, (radius / radii) ** 2)).sum()
            assert within == pytest.approx(float(environment_fraction(radius, found.rayleigh, found.aerosol)))
    assert (shares > -0.02).all()
    assert shares[-1, 0] > shares[-1, 1]  # molecules mix light over longer ways than aerosol


def test_squares_are_means_of_clear_pixels_around():
    toa = np.broadcast_to(np.array(SOIL_TOA, np.float32)[:, None, None], (7, 40, 40)).copy()
    toa[:, 20, 20] *= 2
    scene = scenes.coarse_of_cells(toa)
    means = square_means(scene, np.array([20 * 40 + 20, 0]))
    for square, side in enumerate(SIDES[:3]):
        assert means[square, 1, 0] == pytest.approx(0.17 * (1 + 1 / side**2), rel=1e-5)
        assert means[square, 1, 1] == pytest.approx(0.17, rel=1e-5)  # beyond the edge there is nothing


def test_fields_are_the_solution_of_their_equations():
    random = np.random.default_rng(4)
    for shape in ((9, 5), (5, 9), (1, 6), (6, 1), (1, 1)):
        estimates = random.normal(0.2, 0.05, shape)
        estimates[random.random(shape) < 0.3] = np.nan
        errors = random.uniform(0.01, 0.05, shape)
        field, error = smooth_field(estimates, errors, mean=0.15, spread=0.04, length=6.0, rounds=1)
        count = field.size
        stiffness = np.log(32 * 36) / (4 * np.pi) / 0.04**2
        matrix = np.eye(count) * stiffness / 36
        numbers = np.arange(count).reshape(shape)
        pairs = [*zip(numbers[1:].ravel(), numbers[:-1].ravel(), strict=True)]
        pairs += [*zip(numbers[:, 1:].ravel(), numbers[:, :-1].ravel(), strict=True)]
        for one, other in pairs:
            matrix[[one, other], [one, other]] += stiffness
            matrix[[one, other], [other, one]] -= stiffness
        known = np.isfinite(estimates).ravel()
        precision = np.where(known, 1 / errors.ravel() ** 2, 0)
        matrix += np.diag(precision)
        right = precision * np.where(known, estimates.ravel() - 0.15, 0)
        assert np.allclose(field.ravel(), 0.15 + np.linalg.solve(matrix, right))
        assert np.allclose(error.ravel() ** 2, np.diag(np.linalg.inv(matrix)))


def test_fields_without_estimates_are_the_mean_and_outliers_count_less():
    nothing = np.full((61, 61), np.nan)
    empty, error = smooth_field(nothing, np.full((61, 61), np.inf), mean=0.2, spread=0.05, length=8.0)
    assert np.allclose(empty, 0.2)
    assert error[30, 30] == pytest.approx(0.05, rel=0.15)  # edges are freer
    estimates = np.full((15, 15), 0.2)
    estimates[7, 7] = 1.5
    robust, _ = smooth_field(estimates, np.full((15, 15), 0.02), mean=0.2, spread=0.05, length=8.0)
    plain, _ = smooth_field(estimates, np.full((15, 15), 0.02), mean=0.2, spread=0.05, length=8.0, rounds=1)
    assert robust[7, 7] - 0.2 < 0.3 * (plain[7, 7] - 0.2)


def test_the_scale_height_is_found_where_elevations_differ():
    random = np.random.default_rng(6)
    elevation = random.uniform(0, 2500, 400)
    error = np.full(400, 0.02)
    for height in (1400.0, 2000.0, 3500.0):
        aod = 0.3 * np.exp(-elevation / height) + 0.02 * random.standard_normal(400)
        assert aerosol_scale_height(aod, error, elevation) == pytest.approx(height, rel=0.15)
    flat = random.uniform(100, 200, 400)
    assert aerosol_scale_height(0.3 + 0 * flat, error, flat) == STANDARD
    assert aerosol_scale_height(np.full(400, np.nan), error, elevation) == STANDARD


def test_the_global_median_is_that_of_the_specification():
    assert optical_depth(GLOBAL_MEDIAN, 0.5609) == pytest.approx(0.1316, abs=2e-4)
    assert optical_depth(GLOBAL_MEDIAN, 0.4425) == pytest.approx(0.1839, abs=2e-4)
    assert optical_depth(GLOBAL_MEDIAN, 2.2008) == pytest.approx(0.0172, abs=2e-4)


def test_tables_of_optical_depth_are_read(tmp_path):
    (tmp_path / "AOD_236.txt").write_text("12.8 51.7 -2.5 -1.3 -0.05\n179.9 0 -1.0 -1.0 0\n")
    day = date(2018, 8, 24)
    assert aerosol_coefficients_at(tmp_path, 13.0, 51.0, day) == (-2.5, -1.3, -0.05)
    assert aerosol_coefficients_at(tmp_path, -179.9, 1.0, day) == (-1.0, -1.0, 0.0)
    with pytest.raises(InvalidReference, match="AOD_237"):
        aerosol_coefficients_at(tmp_path, 13.0, 51.0, date(2018, 8, 25))
    (tmp_path / "AOD_237.txt").write_text("12.8 51.7 -2.5 -1.3\n")
    with pytest.raises(InvalidReference, match="five numbers"):
        aerosol_coefficients_at(tmp_path, 13.0, 51.0, date(2018, 8, 25))
    (tmp_path / "AOD_238.txt").write_text("\n")
    with pytest.raises(InvalidReference, match="empty"):
        aerosol_coefficients_at(tmp_path, 13.0, 51.0, date(2018, 8, 26))
