from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from levelworks.ard.atmosphere.forward import toa_reflectance
from levelworks.ard.atmosphere.tables import load_tables, pressure_at
from levelworks.ard.scene import Angles
from levelworks.ard.water_vapour.retrieve import BANDS, WaterVapourRetrieval
from levelworks.ard.water_vapour.retrieve_kernels import SLOPE_CONSTANT, SLOPE_EDGE, SLOPE_INDEX

SIXS = [
    # ground (red, 0.783, 0.865, 0.945 um), sun zenith, AOD, g cm-2, and what 6SV 1.1 gives for Sentinel-2A with the
    # responses of Py6S: continental aerosol, view zenith 4, relative azimuth 60, 0.3 atm-cm
    ("vegetation .04 .40 .42 .405", 43, 0.15, 1.0, 0.05944, 0.38607, 0.40797, 0.1453),
    ("vegetation .04 .40 .42 .405", 43, 0.15, 2.5, 0.05912, 0.38248, 0.40756, 0.08473),
    ("vegetation .04 .40 .42 .405", 60, 0.05, 4.0, 0.05845, 0.38275, 0.41232, 0.04968),
    ("soil .20 .235 .25 .26", 43, 0.15, 1.0, 0.19729, 0.2314, 0.24586, 0.09526),
    ("soil .20 .235 .25 .26", 43, 0.15, 4.0, 0.1947, 0.22759, 0.24539, 0.03994),
    ("soil .20 .235 .25 .26", 60, 0.05, 2.5, 0.1962, 0.23151, 0.24876, 0.04864),
    ("bright .33 .36 .37 .375", 43, 0.15, 2.5, 0.30936, 0.3451, 0.35969, 0.07882),
    ("bright .33 .36 .37 .375", 60, 0.05, 1.0, 0.31243, 0.35235, 0.36486, 0.12127),
]


@pytest.fixture(scope="module")
def tables():
    return load_tables("SEN2A")


def angles(shape, sun=43.0):
    one = np.ones(shape)
    return Angles(sun * one, 150.0 * one, 4.0 * one, 210.0 * one)


def observed(tables, red, edge, near, amount, *, sun=43.0, elevation=0.0, aod=0.135):
    """Return the bands over ground that has just the slope that is expected of it."""
    beyond = near * np.exp(
        SLOPE_CONSTANT + SLOPE_INDEX * (near - red) / (near + red) + SLOPE_EDGE * np.log(near / edge)
    )
    place = {"sun_zenith": sun, "view_zenith": 4.0, "pressure": pressure_at(elevation)}
    found = []
    for band, ground in zip(BANDS, (red, edge, near, beyond), strict=True):
        scattering = tables.at(band, "continental", relative_azimuth=60.0, aod=aod, **place)
        gases = tables.gases(band, water_vapour=amount, ozone=0.3, **place)
        found.append(toa_reflectance(scattering, gases, ground))
    return np.stack(np.broadcast_arrays(*found)).astype(np.float32)


def blocky(bands):
    """Repeat each pixel of 60 m as 6 by 6 of 10 m."""
    return np.repeat(np.repeat(bands, 6, axis=1), 6, axis=2)


@pytest.mark.parametrize("case", SIXS, ids=lambda case: f"{case[0].split()[0]}-{case[1]}-{case[3]}")
def test_agrees_with_6s_over_grounds_that_were_not_fitted(tables, case):
    _, sun, _, amount, *bands = case
    retrieval = WaterVapourRetrieval(tables, angles((2, 2), sun), np.zeros((2, 2)), 0.3)
    retrieval.add(0, np.array(bands)[:, None, None] * np.ones((1, 60, 60)), np.ones((60, 60), bool))
    found = retrieval.map(2.0)
    assert np.abs(found.amount / amount - 1).max() < 0.06  # ten percent are wanted
    assert not found.filled.any()
    assert np.all(found.sigma < 0.06 * amount)


@pytest.mark.parametrize("elevation", [0.0, 1800.0])
def test_inverts_the_forward_model(tables, elevation):
    amounts = np.geomspace(0.05, 6.8, 40).reshape(4, 10)
    red, near = np.linspace(0.03, 0.2, 40).reshape(4, 10), np.linspace(0.5, 0.22, 40).reshape(4, 10)
    share = np.exp(-elevation / 2000.0)
    toa = observed(tables, red, 0.96 * near, near, amounts, elevation=elevation, aod=0.135 * share)
    ground = np.full((1, 2), elevation)
    pixels = WaterVapourRetrieval(tables, angles((1, 2)), ground, 0.3).add(0, blocky(toa), np.ones((24, 60), bool))
    assert np.abs(pixels / amounts - 1).max() < 0.01


def scene(tables, seed=5, cells=8):
    """Return a scene with a gradient of water vapour, bright and dark ground and holes, and its truth by 60 m pixel."""
    random = np.random.default_rng(seed)
    size = cells * 5
    y, x = np.mgrid[:size, :size] / size
    truth = 1.5 + 1.5 * x + 0.5 * y
    near = random.uniform(0.2, 0.45, (size, size))
    red = random.uniform(0.03, 0.2, (size, size))
    toa = observed(tables, red, near * random.uniform(0.93, 1.0, (size, size)), near, truth)
    return blocky(toa), truth


def test_blocks_may_be_cut_anywhere_between_pixels_of_60_metres(tables):
    toa, _ = scene(tables)
    valid = np.random.default_rng(3).random(toa.shape[1:]) > 0.002
    found = []
    for edges in ((0, 240), (0, 6, 96, 102, 240), (0, 120, 240)):
        retrieval = WaterVapourRetrieval(tables, angles((8, 8)), np.zeros((8, 8)), 0.3)
        parts = [retrieval.add(top, toa[:, top:bottom], valid[top:bottom]) for top, bottom in pairwise(edges)]
        found.append((np.concatenate(parts), retrieval.map(2.0)))
    for pixels, field in found[1:]:
        assert np.array_equal(pixels, found[0][0], equal_nan=True)
        assert np.array_equal(field.amount, found[0][1].amount)
    with pytest.raises(ValueError, match="multiple of 6"):
        retrieval.add(10, toa, valid)


def test_ranks_add_up_to_one(tables):
    toa, _ = scene(tables)
    valid = np.ones(toa.shape[1:], bool)
    whole, first, second = (WaterVapourRetrieval(tables, angles((8, 8)), np.zeros((8, 8)), 0.3) for _ in range(3))
    whole.add(0, toa, valid)
    first.add(0, toa[:, :90], valid[:90])
    second.add(90, toa[:, 90:], valid[90:])
    first.merge(second.counts, second.sums)
    assert np.array_equal(first.map(2.0).amount, whole.map(2.0).amount)


def test_a_gradient_is_followed_and_holes_are_filled_and_flagged(tables):
    toa, truth = scene(tables, cells=20)
    valid = np.ones(toa.shape[1:], bool)
    valid[180:330, 240:390] = False
    retrieval = WaterVapourRetrieval(tables, angles((20, 20)), np.zeros((20, 20)), 0.3)
    pixels = retrieval.add(0, toa, valid)
    found = retrieval.map(2.0)
    expected = truth.reshape(20, 5, 20, 5).mean(axis=(1, 3))
    hole = np.zeros((20, 20), bool)
    hole[6:11, 8:13] = True
    assert np.array_equal(found.filled, hole)
    assert np.isnan(pixels[30:55, 40:65]).all()
    error = found.amount - expected
    assert np.abs(error[2:-2, 2:-2]).max() < 0.1
    assert np.abs(error).max() < 0.25  # edges are averaged with the inside alone
    assert found.sigma[hole].min() > 2 * found.sigma[~hole].max()
    assert found.quality["water_vapour_filled_share"] == pytest.approx(25 / 400)


def test_dark_ground_and_darkness_beyond_the_table_give_nothing(tables):
    bright = observed(tables, 0.1, 0.29, 0.3, 2.0)[:, None, None]
    dark = observed(tables, 0.02, 0.09, 0.1, 2.0)[:, None, None]
    black = bright.copy()
    black[3] = 0.011
    missing = bright.copy()
    missing[2] = np.nan
    toa = blocky(np.concatenate([bright, dark, black, missing, bright], axis=2))
    valid = np.ones((6, 30), bool)
    valid[3, 27] = False  # one cloudy pixel of 10 m spoils its pixel of 60 m
    retrieval = WaterVapourRetrieval(tables, angles((1, 1)), np.zeros((1, 1)), 0.3)
    pixels = retrieval.add(0, toa, valid)
    assert np.isfinite(pixels).tolist() == [[True, False, False, False, False]]
    assert pixels[0, 0] == pytest.approx(2.0, rel=0.01)


def test_images_without_bright_land_take_the_fallback(tables):
    elevation = np.array([[0.0, 2000.0]])
    retrieval = WaterVapourRetrieval(tables, angles((1, 2)), elevation, 0.3)
    retrieval.add(0, np.full((4, 30, 60), 0.02, np.float32), np.ones((30, 60), bool))
    found = retrieval.map(2.5)
    assert found.filled.all()
    assert np.allclose(found.amount, [[2.5, 2.5 / np.e]])
    assert np.all(found.sigma >= 0.5 * found.amount)


def test_filled_cells_follow_the_elevation(tables):
    elevation = np.zeros((6, 12))
    elevation[:, 6:] = 1500.0
    share = np.exp(-0.75)
    amount = np.where(np.repeat(np.repeat(elevation, 5, 0), 5, 1) > 0, 3.0 * share, 3.0)
    aod = np.where(amount < 3.0, 0.135 * share, 0.135)
    height = np.repeat(np.repeat(elevation, 5, 0), 5, 1)
    toa = blocky(observed(tables, 0.1, 0.29, 0.3, amount, elevation=height, aod=aod))
    valid = np.ones(toa.shape[1:], bool)
    valid[:, 270:] = False
    retrieval = WaterVapourRetrieval(tables, angles((6, 12)), elevation, 0.3)
    retrieval.add(0, toa, valid)
    found = retrieval.map(2.0)
    assert found.filled[:, 9:].all()
    assert np.abs(found.amount[:, :6] / 3.0 - 1).max() < 0.02
    assert np.abs(found.amount[:, 6:] / (3.0 * share) - 1).max() < 0.02


def test_noise_averages_out_over_the_field(tables):
    toa, truth = scene(tables, cells=12)
    random = np.random.default_rng(8)
    noisy = toa[:, ::6, ::6] * (1 + 0.01 * random.standard_normal((4, 60, 60)))
    retrieval = WaterVapourRetrieval(tables, angles((12, 12)), np.zeros((12, 12)), 0.3)
    retrieval.add(0, blocky(noisy.astype(np.float32)), np.ones((360, 360), bool))
    expected = truth.reshape(12, 5, 12, 5).mean(axis=(1, 3))
    inside = (retrieval.map(2.0).amount - expected)[2:-2, 2:-2]
    assert np.abs(inside / expected[2:-2, 2:-2]).max() < 0.03
