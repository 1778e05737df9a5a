"""Row bias: numpy's medians, outlier rows, and noise and error against Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from levelworks.coronagraph import emccd
from levelworks.coronagraph.bias import GAUSSIAN_MAD, row_bias, sample_noise
from levelworks.coronagraph.cosmic_ray_hits import tail_weights

ROWS, COLUMNS = 1024, 200
NOISE = 18.0


def draw_samples(rng: np.random.Generator, rows: int = ROWS, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Draw raw counts of a prescan with a wandering bias; return them and the bias (DN)."""
    truth = 3120.0 + np.cumsum(rng.normal(0.0, 0.3, rows))
    raw = truth[:, None] + rng.normal(0.0, NOISE, (rows, columns))
    return np.rint(raw).astype(np.uint16), truth


@pytest.mark.parametrize("columns", [1, 2, 3, 107, 108, 199, 200])
@pytest.mark.parametrize("dtype", [np.uint16, np.float64])
def test_level_is_numpy_s_median(columns, dtype):
    rng = np.random.default_rng()
    samples = rng.integers(0, 65536, (60, columns)).astype(dtype)
    np.testing.assert_array_equal(row_bias(samples).level, np.median(samples, axis=1))


@given(arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(65530, 65535)))
@settings(max_examples=100, deadline=None)
def test_median_of_ties_at_the_end_of_the_converter(samples):
    np.testing.assert_array_equal(row_bias(samples).level, np.median(samples.astype(np.float64), axis=1))


def test_samples_are_left_alone():
    samples, _ = draw_samples(np.random.default_rng(1), 20)
    before = samples.copy()
    row_bias(samples, outlier_sigma=5.0)
    np.testing.assert_array_equal(samples, before)


def test_offset_is_taken_off_every_row():
    samples, _ = draw_samples(np.random.default_rng(2), 50)
    samples[7] += 500
    for sigma in (0.0, 5.0):
        plain, shifted = (row_bias(samples, offset=offset, outlier_sigma=sigma) for offset in (0.0, 12.5))
        np.testing.assert_array_equal(shifted.level, plain.level - 12.5)
        np.testing.assert_array_equal(shifted.error, plain.error)


def test_half_integers_occur():
    samples = np.array([[1, 2, 3, 4], [4, 4, 4, 9]], np.uint16)
    np.testing.assert_array_equal(row_bias(samples).level, [2.5, 4.0])


def test_cosmic_tail_in_the_prescan_is_replaced():
    """A head near the end of the row before overflows the register; its tail fills the next row's first columns."""
    rng, gain, k_gain = np.random.default_rng(), 1000.0, 8.7
    samples, truth = draw_samples(rng)
    stream = np.zeros((2, 2200))
    stream[0, 2190:] = 8e5
    # The good columns are taken nearer to the row's start here, and the tail longer, so that it reaches half of them.
    weights = np.repeat(tail_weights(gain), 8) / 8
    spilled, _ = emccd.overflow(stream, 1e5, weights)
    tail = spilled[1, :COLUMNS] / k_gain
    assert np.count_nonzero(tail > 5 * NOISE) > COLUMNS / 2
    samples[500] = np.minimum(samples[500] + np.rint(tail), 65535).astype(np.uint16)
    kept, replaced = row_bias(samples), row_bias(samples, outlier_sigma=7.0)
    assert not kept.replaced.any()
    assert np.flatnonzero(replaced.replaced).tolist() == [500]
    assert abs(kept.level[500] - truth[500]) > 20 * kept.error[500]
    around = np.array([np.median(kept.level[max(row - 15, 0) : row + 16]) for row in range(16, ROWS - 16)])
    spread = max(GAUSSIAN_MAD * np.median(np.abs(kept.level[16:-16] - around)), kept.error[0])
    assert replaced.level[500] == around[500 - 16]
    # The rows at the edges, which the plain median here leaves out, move the spread a little.
    assert replaced.error[500] == pytest.approx(np.hypot(kept.error[0], spread), rel=0.05)
    assert abs(replaced.level[500] - truth[500]) < 5 * replaced.error[500]
    others = np.delete(np.arange(ROWS), 500)
    np.testing.assert_array_equal(replaced.level[others], kept.level[others])
    np.testing.assert_array_equal(replaced.error[others], kept.error[others])


def test_one_outlier_does_not_hide_another():
    """Under a plain standard deviation of the medians ten bright rows would widen the limit beyond themselves."""
    samples, _ = draw_samples(np.random.default_rng(3))
    bright = np.arange(100, 200, 10)
    samples[bright] += np.linspace(60, 20000, bright.size).astype(np.uint16)[:, None]
    assert np.flatnonzero(row_bias(samples, outlier_sigma=6.0).replaced).tolist() == bright.tolist()
    medians = np.median(samples, axis=1)
    assert np.count_nonzero(np.abs(medians - np.median(medians)) > 6 * medians.std()) < bright.size


def test_rows_that_hardly_differ_are_not_outliers():
    """Where the bias does not wander, the spread is that of the medians' own errors, not quantised to 0."""
    rng = np.random.default_rng()
    samples = np.rint(3000.0 + rng.normal(0.0, 2.0, (400, COLUMNS))).astype(np.uint16)
    assert not row_bias(samples, outlier_sigma=8.0).replaced.any()


@pytest.mark.parametrize("columns", [108, 199, 200])
def test_noise_is_that_of_the_samples(columns):
    rng = np.random.default_rng()
    samples, _ = draw_samples(rng, ROWS, columns)
    # Rounding adds 1/12 to the variance; half of the samples measure it.
    truth = np.hypot(NOISE, np.sqrt(1 / 12))
    assert row_bias(samples).noise == pytest.approx(truth, rel=5.5 / np.sqrt(samples.size))


@pytest.mark.parametrize("columns", [4, 9, 20])
def test_noise_of_few_columns_is_corrected_for_their_own_median(columns):
    samples = np.random.default_rng().normal(100.0, NOISE, (200_000, columns))
    found = sample_noise(samples, np.median(samples, axis=1))
    # What remains is of second order in 1/columns.
    assert found == pytest.approx(NOISE, rel=5.5 / np.sqrt(samples.size) + 1.0 / columns**2)


def test_noise_is_unbiased_by_clock_induced_charge_at_high_gain():
    """A percent of the samples holds an electron of 575 DN on average, which a plain standard deviation counts in."""
    rng = np.random.default_rng()
    electrons = rng.poisson(0.0088, (ROWS, COLUMNS))
    samples, truth = draw_samples(rng)
    samples = samples + np.rint(emccd.multiply(electrons, 5000.0, rng) / 8.7).astype(np.uint16)
    bias = row_bias(samples, outlier_sigma=5.0)
    deviations = samples - np.median(samples, axis=1)[:, None]
    assert deviations.std() > 2 * NOISE
    quantised = np.hypot(NOISE, np.sqrt(1 / 12))
    # Charge in 0.88 % of the samples makes the median the 50.44th percentile of the rest: 0.011 sigma higher.
    assert bias.noise == pytest.approx(quantised, rel=5.5 / np.sqrt(samples.size) + 0.01)
    # Of a thousand rows one lies beyond five sigma in a hundred frames; three never do.
    assert np.count_nonzero(bias.replaced) < 3
    assert np.mean(bias.level - truth) == pytest.approx(0.0110 * NOISE, abs=5.5 * bias.error[0] / np.sqrt(ROWS) + 0.02)


@pytest.mark.parametrize("columns", [108, 199, 200])
def test_error_is_the_scatter_of_the_medians(columns):
    rng, rows = np.random.default_rng(), 20_000
    samples = rng.normal(3000.0, NOISE, (rows, columns))
    bias = row_bias(samples)
    # sqrt(pi / (2 n)) is the limit of many samples; the scatter of medians of n differs from it by 0.3 / n or less.
    assert np.all(bias.error == bias.error[0])
    assert bias.level.std() == pytest.approx(bias.error[0], rel=5.5 / np.sqrt(2 * rows) + 0.5 / columns)


def test_real_frame(shared_data):
    """Row bias 3103.0 to 3140.5 with a median of 3121.0 and an sd of 7.10 (coronagraph spec, 2).

    The standard deviation of all samples is 17.95 DN; that of those below the median is a little smaller.
    """
    fits = pytest.importorskip("astropy.io.fits")
    raw = fits.getdata(shared_data / "coronagraph" / "example_L1_input.fits")
    bias = row_bias(np.ascontiguousarray(raw[13:1037, 800:1000]).astype(np.uint16))
    assert (bias.level.min(), np.median(bias.level), bias.level.max()) == (3103.0, 3121.0, 3140.5)
    assert bias.level.std() == pytest.approx(7.10, abs=0.005)
    assert 17.6 < bias.noise < 17.95


def test_drift_over_the_frame_is_no_outlier():
    """Bias wanders over a frame by more than its scatter from row to row: no row of a drift may be replaced."""
    rng = np.random.default_rng()
    truth = 3120 + np.concatenate([np.zeros(ROWS - 100), np.linspace(0, 200, 100)])
    samples = np.rint(truth[:, None] + rng.normal(0, NOISE, (ROWS, COLUMNS))).astype(np.uint16)
    found = row_bias(samples, outlier_sigma=6.0)
    assert not found.replaced.any()
