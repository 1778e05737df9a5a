"""Combination: bits of numpy's masked mean and median, peers' numbers, independence of striping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.combine import combine_stripe, enough_for_read_noise
from levelworks.coronagraph.dq import DQ

BITS = {np.dtype(np.float32): np.uint32, np.dtype(np.float64): np.uint64}


def draw(seed, shape, dtype, masked=0.2):
    rng = np.random.default_rng(seed)
    return rng.normal(1.0, 3.0, shape).astype(dtype), rng.random(shape) >= masked


def assert_same_bits(actual, expected):
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual.view(BITS[actual.dtype]), expected.view(BITS[expected.dtype]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 13, 16, 37, 100, 257])
@pytest.mark.parametrize("masked", [0.0, 0.01, 0.5, 0.95])
def test_equals_numpy_bit_for_bit(frames, masked, dtype):
    values, usable = draw(frames, (frames, 3, 41), dtype, masked)
    result = combine_stripe(values, usable, empty_value=0.0)
    stack = np.ma.array(values, mask=~usable)
    assert_same_bits(result.median, np.ma.median(stack, axis=0).filled(0.0))
    assert_same_bits(result.mean, np.ma.mean(stack, axis=0, dtype=np.float64).filled(0.0))
    np.testing.assert_array_equal(result.count, usable.sum(axis=0))
    np.testing.assert_array_equal(result.dq, np.where(usable.any(axis=0), 0, int(DQ.ALL_MASKED)))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([32, 64]))
def test_median_of_awkward_values(data, width):
    shape = data.draw(array_shapes(min_dims=3, max_dims=3, max_side=9))
    extreme = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0**-149, -(2.0**-149), 2.0**127, -(2.0**127), np.inf, -np.inf])
    number = st.one_of(extreme, st.floats(width=width, allow_nan=False))
    values = data.draw(arrays(np.dtype(f"f{width // 8}"), shape, elements=number))
    usable = data.draw(arrays(np.bool_, shape))
    with np.errstate(over="ignore", invalid="ignore"):
        result = combine_stripe(values, usable, empty_value=-7.0)
        expected = np.full(shape[1:], -7.0, values.dtype)
        for pixel in np.ndindex(*shape[1:]):
            samples = values[:, *pixel][usable[:, *pixel]]
            if samples.size:
                # A plain sort, as masked arrays sort masked values in among infinities.
                ordered = np.sort(samples)
                low, high = ordered[(samples.size - 1) // 2], ordered[samples.size // 2]
                expected[pixel] = high if samples.size % 2 else (low + high) / values.dtype.type(2)
    # Equal zeros have no order, so that their sign is not compared.
    np.testing.assert_array_equal(result.median, expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 4), st.sampled_from([np.float32, np.float64]))
def test_ties(seed, frames, levels, dtype):
    rng = np.random.default_rng(seed)
    values = rng.integers(-levels, levels + 1, (frames, 2, 7)).astype(dtype)
    usable = rng.random(values.shape) < 0.7
    result = combine_stripe(values, usable, empty_value=0.0)
    stack = np.ma.array(values, mask=~usable)
    np.testing.assert_array_equal(result.median, np.ma.median(stack, axis=0).filled(0.0))
    np.testing.assert_array_equal(result.mean, np.ma.mean(stack, axis=0, dtype=np.float64).filled(0.0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("frames", [2, 7, 8])
def test_equals_ccdproc(frames, dtype):
    ccdproc = pytest.importorskip("ccdproc")
    values, usable = draw(frames, (frames, 6, 20), np.float64)
    values = values.astype(dtype)
    usable[:, 0, :3] = False
    stack = [
        ccdproc.CCDData(frame.astype(np.float64), mask=~good, unit="electron")
        for frame, good in zip(values, usable, strict=True)
    ]
    result = combine_stripe(values, usable)
    good = usable.any(axis=0)
    mean = ccdproc.combine(stack, method="average", dtype=np.float64)
    np.testing.assert_array_equal(result.mean[good], mean.data[good])
    np.testing.assert_array_equal(mean.mask, (result.dq & DQ.ALL_MASKED) != 0)
    if dtype == np.float64:
        median = ccdproc.combine(stack, method="median", dtype=np.float64)
        np.testing.assert_array_equal(result.median[good], median.data[good])


def test_equals_a_sort_with_infinities():
    values, usable = draw(5, (100, 8, 256), np.float32, 0.01)
    ordered = np.sort(np.where(usable, values, np.float32(np.inf)), axis=0)
    count = usable.sum(axis=0)
    low, high = (np.take_along_axis(ordered, rank[np.newaxis], 0)[0] for rank in ((count - 1) // 2, count // 2))
    expected = np.where(count % 2 == 1, low, (low + high) / np.float32(2))
    assert_same_bits(combine_stripe(values, usable).median, expected)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_striping_does_not_matter(rows):
    values, usable = draw(8, (23, 10, 300), np.float32, 0.4)
    dq = np.where(usable, 0, int(DQ.COSMIC_RAY)).astype(np.uint16)
    errors = np.abs(values) + np.float32(0.1)
    whole = combine_stripe(values, dq=dq, errors=errors)
    for first in range(0, 10, rows):
        stripe = slice(first, first + rows)
        part = combine_stripe(values[:, stripe], dq=dq[:, stripe], errors=errors[:, stripe])
        for name in ("mean", "median", "count", "mean_error", "median_error", "dq"):
            assert getattr(part, name).tobytes() == getattr(whole, name)[stripe].tobytes()


def test_order_of_frames_moves_no_median():
    values, usable = draw(9, (31, 4, 50), np.float32)
    order = np.random.default_rng(1).permutation(31)
    first, second = combine_stripe(values, usable), combine_stripe(values[order], usable[order])
    np.testing.assert_array_equal(first.median, second.median)
    np.testing.assert_allclose(first.mean, second.mean, rtol=1e-12)


def test_nan_counts_as_masked():
    values = np.ones((3, 2, 2), np.float32)
    values[0, 0, 0] = np.nan
    values[:, 1, 1] = -np.nan
    result = combine_stripe(values)
    np.testing.assert_array_equal(result.count, [[2, 3], [3, 0]])
    np.testing.assert_array_equal(result.dq, [[0, 0], [0, int(DQ.ALL_MASKED)]])
    np.testing.assert_array_equal(result.mean, [[1, 1], [1, np.nan]])
    np.testing.assert_array_equal(result.median, [[1, 1], [1, np.nan]])


@pytest.mark.parametrize(
    ("frames", "masked", "mean", "mean_error", "median_error"),
    [
        (2, 0, 2.0, np.sqrt(2.0), np.sqrt(np.pi)),
        (4, 0, 4.0, 2.0, np.sqrt(2.0 * np.pi)),
        (2, 1, 2.0, 2.0, np.sqrt(2.0 * np.pi)),
        (2, 2, np.nan, np.nan, np.nan),
    ],
)
def test_errors_of_sums(frames, masked, mean, mean_error, median_error):
    dq = np.zeros((frames, 3, 5), np.uint16)
    dq[:masked] = DQ.UNRELIABLE
    ones = np.ones(dq.shape, np.float32)
    result = combine_stripe(ones, dq=dq, errors=ones, scale_to_sum=True)
    np.testing.assert_allclose(result.mean, mean, rtol=1e-15)
    np.testing.assert_allclose(result.median, mean, rtol=1e-15)
    np.testing.assert_allclose(result.mean_error, mean_error, rtol=1e-15)
    np.testing.assert_allclose(result.median_error, median_error, rtol=1e-15)
    assert np.all(result.dq == (DQ.UNRELIABLE | DQ.ALL_MASKED if masked == frames else 0))


def test_errors_are_those_of_the_used_samples():
    values, usable = draw(11, (9, 4, 30), np.float64)
    errors = np.random.default_rng(12).exponential(1.0, values.shape)
    result = combine_stripe(values, usable, errors=errors)
    kept = np.where(usable, errors, np.nan)
    number = usable.sum(axis=0)
    np.testing.assert_allclose(result.mean_error, np.sqrt(np.nanmean(kept**2, axis=0)) / np.sqrt(number), rtol=1e-14)
    np.testing.assert_allclose(result.median_error, result.mean_error * np.sqrt(np.pi / 2.0), rtol=1e-14)
    errors[:, 2, 2] = np.nan
    assert np.isnan(combine_stripe(values, usable, errors=errors).mean_error[2, 2])


def test_errors_match_the_scatter():
    frames, pixels = 200, 3000
    values = np.random.default_rng(13).normal(0.0, 2.0, (frames, 1, pixels)).astype(np.float32)
    result = combine_stripe(values, errors=np.full_like(values, 2.0))
    for estimate, error in ((result.mean, result.mean_error), (result.median, result.median_error)):
        # Five standard errors of a standard deviation.
        assert np.std(estimate / error) == pytest.approx(1.0, abs=5.0 / np.sqrt(2.0 * pixels))


def test_data_quality():
    hot, beyond, replaced = int(DQ.HOT), int(DQ.NONLINEAR), int(DQ.BIAS_REPLACED)
    dq = np.array([[hot, hot | beyond, beyond], [hot | replaced, 0, replaced]], np.uint16)[:, np.newaxis]
    values = np.ones(dq.shape)
    result = combine_stripe(values, dq=dq)
    np.testing.assert_array_equal(result.count, [[0, 1, 2]])
    np.testing.assert_array_equal(result.dq, [[hot | replaced | DQ.ALL_MASKED, 0, beyond | replaced]])
    chosen = combine_stripe(values, np.ones(dq.shape, np.uint8), dq=dq)
    np.testing.assert_array_equal(chosen.count, [[2, 2, 2]])
    np.testing.assert_array_equal(chosen.dq, [[replaced, beyond, beyond | replaced]])


def test_empty_value():
    values = np.ones((2, 1, 2), np.float32)
    usable = np.array([[[1, 0]], [[1, 0]]])
    result = combine_stripe(values, usable, errors=values, empty_value=0.0, scale_to_sum=True)
    np.testing.assert_array_equal(result.mean, [[2.0, 0.0]])
    np.testing.assert_array_equal(result.median, [[2.0, 0.0]])
    np.testing.assert_array_equal(result.mean_error[0, 1], 0.0)
    assert result.median.dtype == np.float32


def test_other_layouts_and_byte_orders():
    values, usable = draw(14, (6, 5, 9), np.float32)
    expected = combine_stripe(values, usable)
    for same in (values.astype(">f4"), np.asfortranarray(values), np.repeat(values, 2, axis=2)[:, :, ::2]):
        result = combine_stripe(same, usable.astype(">i2"))
        assert_same_bits(result.median, expected.median)
        assert_same_bits(result.mean, expected.mean)
    one = combine_stripe(values[0])
    np.testing.assert_array_equal(one.median, values[0])


def test_enough_for_read_noise():
    assert enough_for_read_noise(4, 8)
    assert not enough_for_read_noise(3, 7)
    assert enough_for_read_noise(4, 7)


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        (np.ones((0, 2, 2)), {}),
        (np.ones(3), {}),
        (np.ones((2, 2, 2)), {"usable": np.ones((2, 2, 3), bool)}),
        (np.ones((2, 2, 2)), {"usable": np.full((2, 2, 2), 2)}),
        (np.ones((2, 2, 2)), {"usable": np.ones((2, 2, 2))}),
        (np.ones((2, 2, 2)), {"errors": np.ones((1, 2, 2))}),
        (np.ones((2, 2, 2)), {"dq": np.ones((3, 2, 2), np.uint16)}),
    ],
)
def test_wrong_input(values, changes):
    with pytest.raises(InvalidInput):
        combine_stripe(values, **changes)
