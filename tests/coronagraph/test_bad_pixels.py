"""Hot and dead pixels against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.testing import assert_allclose, assert_array_equal

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.bad_pixels import box_mean, combine_bad_pixels, dead_pixels, hot_pixels
from levelworks.coronagraph.dq import DQ

# Whole numbers: sums are exact, so that comparisons at the limit are too.
flats = npst.arrays(
    np.float64,
    npst.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.one_of(st.integers(-4, 64).map(float), st.just(np.nan)),
)


def brute_force_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Average every box on its own."""
    before = width // 2 if width % 2 else width // 2 - 1
    out = np.full(values.shape, np.nan)
    for row, column in np.ndindex(values.shape):
        rows = range(max(row - before, 0), min(row + width // 2, values.shape[0] - 1) + 1)
        columns = range(max(column - before, 0), min(column + width // 2, values.shape[1] - 1) + 1)
        box = [values[i, j] for i in rows for j in columns if np.isfinite(values[i, j])]
        if box:
            out[row, column] = sum(box) / len(box)
    return out


@given(values=flats, width=st.integers(1, 13))
@settings(max_examples=150, deadline=None)
def test_box_mean_is_that_of_brute_force(values, width):
    assert_array_equal(box_mean(values, width), brute_force_mean(values, width))


@given(values=flats, width=st.integers(1, 13), fraction=st.sampled_from([0.25, 0.5, 0.7]))
@settings(max_examples=150, deadline=None)
def test_dead_pixels_are_those_of_brute_force(values, width, fraction):
    if not np.isfinite(values).any():
        return
    expected = np.zeros(values.shape, np.uint16)
    means = brute_force_mean(values, width)
    for index in np.ndindex(values.shape):
        if np.isnan(values[index]):
            expected[index] = DQ.UNRELIABLE
        elif values[index] < fraction * means[index] or values[index] <= 0:
            expected[index] = DQ.DEAD
    result = dead_pixels(values, fraction, width)
    assert result.dtype == np.uint16
    assert_array_equal(result, expected)


@given(values=flats, threshold=st.floats(0.1, 6.0), shift=st.integers(-50, 50), scale=st.sampled_from([0.5, 2.0, 8.0]))
@settings(max_examples=100, deadline=None)
def test_hot_pixels_do_not_depend_on_offset_or_unit(values, threshold, shift, scale):
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return
    limit = finite.mean() + threshold * finite.std()
    if np.min(np.abs(finite - limit)) < 1e-9 * (1 + abs(limit)):
        return
    result = hot_pixels(values, threshold)
    assert_array_equal(result == DQ.HOT, values > limit)
    assert_array_equal(result == DQ.UNRELIABLE, np.isnan(values))
    assert_array_equal(hot_pixels(scale * values + shift, threshold), result)


@given(values=flats, low=st.floats(0.1, 3.0), more=st.floats(0.0, 3.0))
@settings(max_examples=50, deadline=None)
def test_a_higher_threshold_flags_no_more(values, low, more):
    if np.isfinite(values).any():
        assert np.all((hot_pixels(values, low + more) == DQ.HOT) <= (hot_pixels(values, low) == DQ.HOT))


def test_even_box_has_its_extra_pixel_at_the_higher_index():
    values = np.zeros((7, 7))
    values[3, 3] = 16.0
    expected = np.zeros((7, 7))
    expected[1:5, 1:5] = 1.0
    assert_array_equal(box_mean(values, 4), expected * 16 / _box_sizes(7, 4))


def _box_sizes(side: int, width: int) -> np.ndarray:
    index = np.arange(side)
    cut = np.minimum(index + width // 2, side - 1) - np.maximum(index - (width - 1) // 2, 0) + 1
    return np.outer(cut, cut).astype(float)


def test_large_image_keeps_its_digits():
    values = 1.0 + 0.01 * np.random.default_rng().standard_normal((1024, 1024))
    means = box_mean(values, 32)
    for row, column in ((0, 0), (500, 511), (1023, 1023), (1023, 7)):
        box = values[max(row - 15, 0) : row + 17, max(column - 15, 0) : column + 17]
        assert_allclose(means[row, column], box.mean(), rtol=1e-13)


def test_constant_maps_have_no_bad_pixel():
    assert not hot_pixels(np.full((50, 30), 0.1), 5.0).any()
    assert not hot_pixels(np.full((50, 30), 0.1), 5.0, robust=True).any()
    assert not dead_pixels(np.ones((50, 30)), 0.7, 32).any()


def test_robust_statistics_find_what_brighter_pixels_hide():
    rng = np.random.default_rng()
    dark = rng.normal(1.0, 0.1, (200, 200))
    dark[0, :50], dark[1, :20] = 1000.0, 3.0
    assert not hot_pixels(dark, 5.0)[1, :20].any()
    robust = hot_pixels(dark, 7.0, robust=True)
    assert np.count_nonzero(robust) == 70
    assert np.all(robust[1, :20] == DQ.HOT)


def test_zero_response_is_dead_even_among_its_like():
    flat = np.ones((20, 20))
    flat[:8, :8] = 0.0
    assert_array_equal(dead_pixels(flat, 0.5, 3) == DQ.DEAD, flat == 0)


def test_maps_combine_to_all_their_bits():
    dark, flat = np.ones((12, 10)), np.ones((12, 10))
    dark[2, 3] = dark[4, 5] = 90.0
    flat[4, 5], flat[6, 7] = 0.1, np.nan
    fixed = np.zeros((12, 10), np.int64)
    fixed[0, 0] = DQ.UNRELIABLE
    combined = combine_bad_pixels(hot_pixels(dark, 3.0), dead_pixels(flat, 0.7, 5), fixed)
    expected = np.zeros((12, 10), np.uint16)
    expected[2, 3], expected[4, 5] = DQ.HOT, DQ.HOT | DQ.DEAD
    expected[6, 7] = expected[0, 0] = DQ.UNRELIABLE
    assert combined.dtype == np.uint16
    assert_array_equal(combined, expected)


@pytest.mark.parametrize("threshold", [0.0, -1.0, np.nan, np.inf])
def test_impossible_thresholds_are_refused(threshold):
    with pytest.raises(InvalidOptions, match="threshold"):
        hot_pixels(np.ones((3, 3)), threshold)


@pytest.mark.parametrize(("fraction", "width"), [(0.0, 3), (1.0, 3), (np.nan, 3), (0.5, 0), (0.5, 2.5)])
def test_impossible_boxes_are_refused(fraction, width):
    with pytest.raises(InvalidOptions, match=r"fraction|width"):
        dead_pixels(np.ones((3, 3)), fraction, width)


def test_useless_maps_are_refused():
    with pytest.raises(InvalidInput, match="no finite"):
        hot_pixels(np.full((3, 3), np.nan), 3.0)
    with pytest.raises(InvalidInput, match="dimensions"):
        dead_pixels(np.ones(3), 0.5, 3)
    mostly = np.zeros((5, 5))
    mostly[0, 0] = 1.0
    with pytest.raises(InvalidInput, match="spread"):
        hot_pixels(mostly, 3.0, robust=True)


@pytest.mark.parametrize(
    "maps",
    [
        (),
        (np.zeros((2, 2), np.uint16), np.zeros((2, 3), np.uint16)),
        (np.zeros((2, 2)),),
        (np.full((2, 2), 70000),),
        (np.full((2, 2), -1),),
    ],
)
def test_maps_that_do_not_fit_are_refused(maps):
    with pytest.raises(InvalidInput):
        combine_bad_pixels(*maps)
