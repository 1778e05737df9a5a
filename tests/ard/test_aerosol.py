"""Aerosol retrieval on scenes of known optical depth (spec 13 and 26)."""

from __future__ import annotations

import ard_aerosol as scenes
import numpy as np
import pytest
from scipy.signal import fftconvolve

from levelworks.ard.aerosol.coarse import CoarseScene, accumulate
from levelworks.ard.aerosol.inversion import Sites, air_above, ground_reflectance
from levelworks.ard.aerosol.retrieve import (
    GLOBAL_PRIOR,
    AerosolOptions,
    Source,
    fixed_aerosol,
    retrieve_aerosol,
)
from levelworks.ard.aerosol.scale_height import STANDARD
from levelworks.ard.aerosol.scene_fit import Prior, load_nodes, moments
from levelworks.ard.atmosphere.forward import environment_fraction
from levelworks.ard.atmosphere.tables import load_tables
from levelworks.ard.scene import Angles

USUAL = ("water", "forest", "forest", "crop", "grass", "soil", "built")
FREE = AerosolOptions(adjacency=False, models=("continental",))
FORCE_U = {
    # BLUE, GREEN, RED, NIR, SWIR1, SWIR2: uncertainty of FORCE on scenes of one draw of spectra (spec 26)
    0.05: (0.0021, 0.0038, 0.0031, 0.0052, 0.0044, 0.0041),
    0.15: (0.0032, 0.0014, 0.0011, 0.0012, 0.0067, 0.0059),
    0.30: (0.0087, 0.0029, 0.0052, 0.0111, 0.0103, 0.0081),
}


@pytest.fixture(scope="module")
def tables():
    return load_tables("LND08")


def retrieve(tables, coarse, *, options=FREE, elevation=None, sensor="LND08", prior=None):
    shape = coarse.shape
    ground = np.zeros(shape) if elevation is None else elevation
    return retrieve_aerosol(
        coarse, tables, scenes.level(shape), ground, 2.0, 0.3, sensor=sensor, options=options, prior=prior
    )


def sixs_scene(seed, aod, names=USUAL, shape=(50, 60)):
    """Return the ground of a scene, and what 6S and the sensor's steps make of it."""
    ground = scenes.patches(seed, scenes.covers(seed, *names), shape, 60)
    noise = np.random.default_rng([seed, 9]).normal(0, 3e-4, ground.shape)
    return ground, (scenes.above_by_sixs(ground, aod) + noise).astype(np.float32)


def corrected(tables, found, toa):
    one = np.ones(toa.shape[1] * toa.shape[2])
    sites = Sites(43 * one, 0 * one, 0 * one, 1013.25 * one, 2 * one, 0.3 * one, found.aod.ravel().astype(float))
    air = air_above(tables, found.model, scenes.BANDS, sites, np.ones(1), 2.0)
    return ground_reflectance(air, toa.reshape(len(toa), -1).astype(float)).reshape(toa.shape)


SEEDS = range(300, 312)


@pytest.fixture(scope="module")
def trials(tables):
    """Return errors of AOD, standard errors, and errors of reflectance, by AOD: twelve scenes of fresh spectra."""
    result = {}
    for aod in FORCE_U:
        errors, sigmas, squares, inside = [], [], [], []
        for seed in SEEDS:
            ground, toa = sixs_scene(seed, aod)
            found = retrieve(tables, scenes.coarse_of_cells(toa))
            errors.append(float(np.median(found.aod)) - aod)
            sigmas.append(float(np.median(found.sigma)))
            away = corrected(tables, found, toa) - ground
            squares.append((away**2).mean(axis=(1, 2)))
            inside.append((np.abs(away) <= 0.005 + 0.05 * ground).mean(axis=(1, 2)))
        result[aod] = np.array(errors), np.array(sigmas), np.array(squares)[:, 1:], np.array(inside)[:, 1:]
    return result


@pytest.mark.parametrize("aod", FORCE_U)
def test_aod_is_found_within_three_hundredths(trials, aod):
    errors, sigmas, _, _ = trials[aod]
    assert np.sqrt((errors**2).mean()) <= 0.03
    assert abs(errors.mean()) <= 0.02
    assert np.sqrt(((errors / sigmas) ** 2).mean()) < 1.5  # the standard error says what is to be expected


def test_uncertainty_of_reflectance_is_below_that_of_force(trials):
    ratio = {aod: np.sqrt(squares.mean(axis=0)) / FORCE_U[aod] for aod, (_, _, squares, _) in trials.items()}
    for aod in (0.05, 0.30):
        assert ratio[aod].max() < 0.8
        assert np.median(ratio[aod]) < 0.5
    assert np.median(ratio[0.15]) < 1.0  # the prior of FORCE is the truth here


def test_nearly_all_reflectance_is_within_specification(trials):
    # 12 % of blue and 78 % of red with FORCE at 0.30
    for aod, (_, _, _, inside) in trials.items():
        assert inside.mean(axis=0).min() > (0.94 if aod == 0.30 else 0.99)


@pytest.mark.parametrize(
    "names", [("forest", "crop", "soil"), ("water", "soil", "built")], ids=["no water", "no green"]
)
def test_poorer_scenes_are_worse_and_say_so(tables, names):
    errors, sigmas = [], []
    for seed in range(400, 408):
        _, toa = sixs_scene(seed, 0.15, names)
        found = retrieve(tables, scenes.coarse_of_cells(toa))
        errors.append(float(np.median(found.aod)) - 0.15)
        sigmas.append(float(np.median(found.sigma)))
    assert np.sqrt(np.mean(np.square(errors))) < 0.08
    assert np.sqrt(np.mean((np.array(errors) / sigmas) ** 2)) < 1.6
    assert 0.025 < np.mean(sigmas) < 0.1


def test_deserts_take_the_prior_with_its_error(tables):
    _, toa = sixs_scene(1, 0.3, ("soil", "soil", "built"))
    found = retrieve(tables, scenes.coarse_of_cells(toa))
    assert np.allclose(found.aod, GLOBAL_PRIOR.mean)
    assert np.allclose(found.sigma, GLOBAL_PRIOR.sigma)
    assert (found.flags == Source.FILL).all()
    assert found.scale_height == STANDARD
    known = retrieve(tables, scenes.coarse_of_cells(toa), prior=Prior(0.4, 0.5))
    assert np.allclose(known.aod, 0.4)


def test_a_prior_from_outside_draws_the_result_towards_it(tables):
    _, toa = sixs_scene(2, 0.15)
    coarse = scenes.coarse_of_cells(toa)
    free = np.median(retrieve(tables, coarse).aod)
    drawn = [np.median(retrieve(tables, coarse, prior=Prior(0.5, spread)).aod) for spread in (2.0, 0.1, 0.01)]
    assert abs(drawn[0] - free) < 0.02
    assert free < drawn[1] < drawn[2] < 0.51
    assert drawn[2] > 0.45


def test_departures_within_a_scene_are_followed(tables):
    shape = (130, 140)
    y, x = np.indices(shape)
    aod = 0.2 + 0.06 * np.sin(x / 25) * np.cos(y / 30) + 0.0006 * x
    ground = scenes.patches(6, scenes.covers(6, *USUAL), shape, 300)
    found = retrieve(tables, scenes.coarse_of_cells(scenes.above_by_tables(tables, ground, aod)))
    error = found.aod - aod
    assert aod.std() > 0.03
    assert error.std() < 0.3 * aod.std()
    assert np.sqrt((error**2).mean()) < 2 * found.sigma.mean()


def test_surfaces_do_not_show_in_the_map(tables):
    ground, toa = sixs_scene(301, 0.15, shape=(100, 100))
    found = retrieve(tables, scenes.coarse_of_cells(toa))
    assert found.aod.std() < 0.004
    forests = ground[6] < 0.06
    assert abs(found.aod[forests].mean() - found.aod[~forests].mean()) < 0.003


def test_light_from_the_side_is_accounted_for(tables):
    shape, half = (120, 120), 60
    ground = scenes.patches(7, scenes.covers(7, *USUAL), shape, 150)
    y, x = np.mgrid[-half : half + 1, -half : half + 1] * 0.3
    rings = np.linspace(0, 30, 3001)
    middle = (rings[1:] + rings[:-1]) / 2

    def around(_, scattering, band):
        depths = float(np.ravel(scattering.rayleigh)[0]), float(np.ravel(scattering.aerosol)[0])
        density = np.diff(environment_fraction(rings, *depths)) / (np.pi * np.diff(rings**2))
        kernel = np.interp(np.hypot(x, y), middle, density) * 0.09
        kernel[half, half] = environment_fraction(0.3 / np.sqrt(np.pi), *depths)
        return fftconvolve(np.pad(band, half, mode="reflect"), kernel / kernel.sum(), mode="valid")

    aod = np.full(shape, 0.2)
    coarse = scenes.coarse_of_cells(scenes.above_by_tables(tables, ground, aod, around=around))
    options = AerosolOptions(models=("continental",))
    plain = scenes.coarse_of_cells(scenes.above_by_tables(tables, ground, aod))
    wanted = np.median(retrieve(tables, plain).aod)
    found = np.median(retrieve(tables, coarse, options=options).aod)
    ignored = np.median(retrieve(tables, coarse).aod)
    assert abs(found - wanted) < 0.02
    assert abs(ignored - wanted) > 2 * abs(found - wanted)


def test_aerosol_thins_out_with_elevation(tables):
    shape = (200, 200)
    y, x = np.indices(shape)
    elevation = 900.0 * (1 + np.sin(x / 20) * np.cos(y / 23))
    aod = 0.3 * np.exp(-elevation / 1500.0)
    ground = scenes.patches(8, scenes.covers(8, *USUAL), shape, 300)
    coarse = scenes.coarse_of_cells(scenes.above_by_tables(tables, ground, aod, elevation))
    found = retrieve(tables, coarse, elevation=elevation)
    assert found.scale_height == pytest.approx(1500.0, rel=0.25)
    assert np.corrcoef(found.aod.ravel(), aod.ravel())[0, 1] > 0.97
    low, high = elevation < 300, elevation > 1500
    assert found.aod[low].mean() / found.aod[high].mean() == pytest.approx(aod[low].mean() / aod[high].mean(), rel=0.2)


def test_given_aod_keeps_a_scale_height(tables):
    # FORCE divides by a scale height of -9999 here, and its AOD becomes 0 (spec 28, D1)
    elevation = np.array([[0.0, 1000.0, np.nan]])
    found = fixed_aerosol(0.25, tables, elevation, sensor="LND08")
    assert np.allclose(found.aod, [[0.25, 0.25 * np.exp(-0.5), 0.25 * np.exp(-0.5)]])
    assert np.all(found.sigma > 0)
    assert (found.flags == Source.FILL).all()
    assert found.scale_height == STANDARD
    assert found.green_ratio == pytest.approx(0.97, abs=0.03)
    with pytest.raises(ValueError, match="LND08"):
        fixed_aerosol(0.25, tables, elevation, sensor="LND05")


def test_flags_tell_estimated_interpolated_and_high(tables):
    shape = (100, 100)
    ground = scenes.patches(9, scenes.covers(9, *USUAL), shape, 200)
    bare = np.array(scenes.SOIL[0])
    ground[:, :, 60:] = bare[:, None, None]
    aod = np.full(shape, 0.2)
    found = retrieve(tables, scenes.coarse_of_cells(scenes.above_by_tables(tables, ground, aod)))
    assert (found.flags[:, :50] == Source.ESTIMATED).mean() > 0.8  # some blocks are bare ground
    assert (found.flags[:, 60:] == Source.INTERPOLATED).all()
    assert found.sigma[50, 95] > found.sigma[50, 30]
    assert abs(found.aod[:, 60:].mean() - found.aod[:, :60].mean()) < 0.02
    hazy = retrieve(tables, scenes.coarse_of_cells(scenes.above_by_tables(tables, ground, aod + 0.7)))
    assert (hazy.flags == Source.HIGH).mean() > 0.95


def test_results_do_not_depend_on_ranks_or_blocks(tables):
    rows, columns = 240, 180
    ground = scenes.patches(10, scenes.covers(10, *USUAL), (rows, columns), 40)
    toa = scenes.above_by_sixs(ground, 0.15)
    mask = np.ones((rows, columns), np.uint8)
    found = []
    for cuts in ((0, 240), (0, 77, 131, 240), (0, 1, 240)):
        ranks = [CoarseScene.empty(scenes.BANDS, (24, 18), 10) for _ in cuts[1:]]
        for rank, top, bottom in zip(ranks, cuts[:-1], cuts[1:], strict=True):
            accumulate(rank, top, toa[:, top:bottom], mask[top:bottom])
        for other in ranks[1:]:
            ranks[0].merge(other)
        found.append(retrieve(tables, ranks[0], options=AerosolOptions(models=("continental",))))
    for other in found[1:]:
        assert np.array_equal(other.aod, found[0].aod)
        assert np.array_equal(other.sigma, found[0].sigma)
        assert np.array_equal(other.flags, found[0].flags)


def test_sensors_without_ultrablue_and_sentinel_2(tables):
    ground = scenes.patches(11, scenes.covers(11, *USUAL), (50, 50), 60)
    landsat5 = load_tables("LND05")
    bands = scenes.BANDS[1:]
    toa = scenes.above_by_tables(landsat5, ground[1:], np.full((50, 50), 0.2), bands=bands)
    found = retrieve(landsat5, scenes.coarse_of_cells(toa, bands), sensor="LND05")
    assert abs(np.median(found.aod) - 0.2) < 2.5 * np.median(found.sigma)
    sentinel = load_tables("SEN2B")
    ground = scenes.patches(12, np.array([*scenes.SENTINEL2, scenes.WATER[0]]), (50, 50), 60)
    toa = scenes.above_by_tables(sentinel, ground, np.full((50, 50), 0.2))
    found = retrieve(sentinel, scenes.coarse_of_cells(toa, step=30), sensor="SEN2B")
    assert abs(np.median(found.aod) - 0.2) < 2.5 * np.median(found.sigma)


def test_missing_angles_and_elevations_are_taken_from_neighbours(tables):
    _, toa = sixs_scene(12, 0.15)
    coarse = scenes.coarse_of_cells(toa)
    whole = retrieve(tables, coarse)
    angles = scenes.level(coarse.shape)
    angles = Angles(*(np.where(np.arange(60) < 5, np.nan, one) for one in vars(angles).values()))
    elevation = np.zeros(coarse.shape)
    elevation[:4] = np.nan
    found = retrieve_aerosol(coarse, tables, angles, elevation, 2.0, 0.3, sensor="LND08", options=FREE)
    assert np.allclose(found.aod, whole.aod)
    assert np.isfinite(found.sigma).all()


def test_moments_of_a_normal_density():
    loads = load_nodes(0.005, 2.0, 48)
    median, sigma, evidence = moments(((loads - 0.3) / 0.03) ** 2, loads)
    assert median == pytest.approx(0.3, abs=0.003)
    assert sigma == pytest.approx(0.03, rel=0.1)
    assert evidence == pytest.approx(-2 * np.log(0.03 * np.sqrt(2 * np.pi)), abs=0.05)
