"""Desmear: the forward model, the peer's double loop, filling of masked pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.desmear import (
    ROW_READ_TIME,
    desmear,
    desmear_variance,
    smear,
    smear_is_significant,
)


def double_loop(image, exposure_time, row_read_time):
    """Sum the smear of every row over all rows before it."""
    k = row_read_time / exposure_time
    result = image.copy()
    for r in range(image.shape[0]):
        for i in range(r + 1):
            result[r] -= k * (1 + k) ** (i - r - 1) * image[i]
    return result


def fill_column(column, bad):
    """Replace bad values by the nearest good one, of two the one of the lower index, of none 0."""
    good = np.flatnonzero(~bad)
    return np.array([column[good[np.argmin(np.abs(good - i))]] if good.size else 0.0 for i in range(column.size)])


@pytest.mark.parametrize("exposure_time", [0.05, 0.6, 100.0])
def test_equals_the_double_loop(exposure_time):
    image = np.random.default_rng(1).normal(1.0, 2.0, (300, 7))
    expected = double_loop(image, exposure_time, ROW_READ_TIME)
    np.testing.assert_allclose(desmear(image, exposure_time), expected, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e4), st.floats(0.0, 1e-3))
def test_round_trip(seed, exposure_time, row_read_time):
    signal = np.random.default_rng(seed).exponential(1.0, (200, 3))
    seen = smear(signal / exposure_time, exposure_time, row_read_time)
    # The subtraction can't be more exact than the image that is subtracted from.
    tolerance = 1e-12 * max(1.0, seen.max())
    np.testing.assert_allclose(desmear(seen, exposure_time, row_read_time), signal, rtol=0, atol=tolerance)


def test_round_trip_of_a_whole_image():
    signal = np.random.default_rng(2).exponential(1.0, (1024, 64))
    np.testing.assert_allclose(desmear(smear(signal / 0.6, 0.6), 0.6), signal, rtol=0, atol=1e-12)


def test_smear_moves_towards_higher_rows():
    flux = np.zeros((5, 1))
    flux[2] = 10.0
    np.testing.assert_allclose(smear(flux, 2.0, 0.1)[:, 0], [0.0, 0.0, 21.0, 1.0, 1.0])


def test_in_place_and_layouts():
    image = np.random.default_rng(3).normal(5.0, 1.0, (64, 30))
    mask = np.random.default_rng(4).random(image.shape) < 0.2
    for fill_mask in (None, mask):
        expected = desmear(image, 0.6, fill_mask=fill_mask)
        in_place = image.copy()
        assert desmear(in_place, 0.6, fill_mask=fill_mask, out=in_place) is in_place
        np.testing.assert_array_equal(in_place, expected)
        np.testing.assert_array_equal(desmear(np.asfortranarray(image), 0.6, fill_mask=fill_mask), expected)
    np.testing.assert_array_equal(desmear(image, 0.6, fill_mask=np.zeros_like(mask)), desmear(image, 0.6))
    np.testing.assert_array_equal(desmear(image, 0.6, 0.0), image)


@pytest.mark.parametrize("fraction", [0.0, 0.003, 0.3, 1.0])
def test_single_precision_is_the_double_precision_result_rounded(fraction):
    rng = np.random.default_rng(7)
    image = rng.normal(5.0, 2.0, (300, 41)).astype(np.float32)
    image[17, 3] = np.nan
    mask = rng.random(image.shape) < fraction
    for fill_mask in (None, mask):
        expected = desmear(image.astype(np.float64), 0.01, fill_mask=fill_mask)
        assert desmear(image, 0.01, fill_mask=fill_mask).tobytes() == expected.tobytes()
        in_place = image.copy()
        assert desmear(in_place, 0.01, fill_mask=fill_mask, out=in_place) is in_place
        assert in_place.tobytes() == expected.astype(np.float32).tobytes()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0), st.booleans())
def test_masked_pixels_count_with_their_nearest_good_value(seed, fraction, with_nan):
    rng = np.random.default_rng(seed)
    image = rng.normal(5.0, 2.0, (25, 4))
    bad = rng.random(image.shape) < fraction
    filled = np.stack([fill_column(image[:, c], bad[:, c]) for c in range(4)], axis=1)
    image[bad] = np.nan if with_nan else 1e6
    correction = desmear(filled, 0.01) - filled
    result = desmear(image, 0.01, fill_mask=None if with_nan else bad)
    np.testing.assert_allclose(result, image + correction, rtol=1e-12, atol=1e-12)


def test_a_cosmic_ray_does_not_smear():
    signal = np.full((100, 1), 4.0)
    seen = smear(signal / 0.6, 0.6)
    hit = np.zeros(seen.shape, bool)
    hit[50] = True
    seen[50] += 1e5
    plain, filled = desmear(seen, 0.6) - signal, desmear(seen, 0.6, fill_mask=hit) - signal
    assert np.abs(plain[51:]).max() > 30.0
    assert np.abs(filled[~hit]).max() < 1e-5
    assert filled[50, 0] == pytest.approx(1e5)


def test_nan_and_infinity_stay_alone():
    image = np.ones((10, 3))
    image[4] = [np.nan, np.inf, 1.0]
    result = desmear(image, 0.6)
    assert np.isnan(result[4, 0])
    assert np.isinf(result[4, 1])
    np.testing.assert_array_equal(np.delete(result, 4, axis=0), np.delete(desmear(np.ones((10, 3)), 0.6), 4, axis=0))


def test_variance_is_that_of_the_linear_operator():
    rows, exposure_time = 40, 0.002
    operator = desmear(np.eye(rows), exposure_time)
    variance = np.random.default_rng(6).exponential(1.0, (rows, 3))
    np.testing.assert_allclose(desmear_variance(variance, exposure_time), operator**2 @ variance, rtol=1e-12)


def test_significance():
    image = np.zeros((1000, 4))
    image[:, 2] = 10.0
    total = ROW_READ_TIME / 0.6 * 10000.0
    assert smear_is_significant(image, 0.5 * total * 0.999, 0.6)
    assert not smear_is_significant(image, 0.5 * total * 1.001, 0.6)
    assert smear_is_significant(image, 0.5 * total * 1.9, 0.6, frames=4)
    assert smear_is_significant(image, total * 0.999, 0.6, factor=1.0)
    image[10] = [0.0, np.nan, 1e9, 0.0]
    assert smear_is_significant(image, total, 0.6)
    hit = image > 1e6
    assert not smear_is_significant(image, total, 0.6, fill_mask=hit)


def test_wrong_input():
    image = np.ones((3, 3))
    for times in ((0.0, 1e-4), (-1.0, 1e-4), (np.nan, 1e-4), (1.0, -1e-4)):
        with pytest.raises(InvalidInput):
            desmear(image, *times)
    with pytest.raises(InvalidInput):
        desmear(image, 1.0, fill_mask=np.zeros((2, 3), bool))
    with pytest.raises(InvalidInput, match="out"):
        desmear(image, 1.0, out=np.empty((4, 3)))
