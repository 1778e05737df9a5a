"""Photon counting: closed forms, inversion, Monte Carlo truth, and the peers' series."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.emccd import multiply
from levelworks.coronagraph.photon_counting import (
    check_settings,
    count_photons,
    detection_probability,
    invert_counts,
    invert_probability,
)

SIMULATED = {"gain": 5000.0, "threshold": 500.0, "read_noise": 100.0}
LAWS = ("branching", "gamma")


def settings_of(gain: float, threshold: float, read_noise: float, register_law: str = "gamma") -> dict[str, object]:
    """Name the arguments of a setting, of the gamma law where closed forms exist."""
    return {"gain": gain, "threshold": threshold, "read_noise": read_noise, "register_law": register_law}


def expose(
    rng: np.random.Generator, mean: np.ndarray, gain: float, read_noise: float, law: str = "gamma"
) -> np.ndarray:
    """Draw gain-multiplied electrons of one frame from the mean electrons of its pixels."""
    signal = multiply(rng.poisson(mean), gain, rng, law=law)
    return signal + rng.normal(0.0, read_noise, signal.shape) if read_noise else signal


def direct_probability(mean: float, gain: float, threshold: float, read_noise: float) -> float:
    """Integrate the Skellam tail over the read noise, an algorithm unlike the product's sum over electrons."""

    def tail(noise: float) -> float:
        level = (threshold - noise * read_noise) / gain
        above = stats.skellam.sf(0, mean, level) if level > 0 else -math.expm1(-mean)
        return above * stats.norm.pdf(noise)

    kink = threshold / read_noise
    points = np.unique(np.clip([-10.0, -3.0, 0.0, 3.0, kink, 10.0], -10.0, 10.0))
    total = sum(integrate.quad(tail, a, b, epsabs=1e-14, epsrel=1e-12)[0] for a, b in pairwise(points))
    return total + math.exp(-mean) * stats.norm.sf(kink)


@pytest.mark.parametrize("mean", [0.0, 1e-6, 0.08, 1.0, 6.0, 40.0])
@pytest.mark.parametrize(("gain", "threshold"), [(5000.0, 500.0), (1000.0, 990.0), (300.0, 1.0)])
def test_without_read_noise_it_is_the_skellam_tail(mean, gain, threshold):
    probability, _ = detection_probability(mean, gain, threshold, 0.0, "gamma")
    level = threshold / gain
    electrons = np.arange(1, 200)
    tail = np.sum(stats.poisson.pmf(electrons, mean) * stats.poisson.cdf(electrons - 1, level))
    assert_allclose(probability, tail, rtol=1e-13)
    if 1e-3 < mean < 10:
        assert_allclose(probability, stats.skellam.sf(0, mean, level), rtol=1e-9)


@pytest.mark.parametrize("mean", [0.01, 0.7, 5.0])
@pytest.mark.parametrize(
    ("gain", "threshold", "read_noise"),
    [(5000.0, 500.0, 100.0), (5000.0, 20.0, 100.0), (1000.0, 600.0, 130.0), (200.0, 150.0, 150.0), (6000.0, 1.0, 0.5)],
)
def test_read_noise_is_convolved_exactly(mean, gain, threshold, read_noise):
    probability, _ = detection_probability(mean, gain, threshold, read_noise, "gamma")
    assert_allclose(probability, direct_probability(mean, gain, threshold, read_noise), rtol=1e-9)


def test_dark_pixel_gives_the_false_counts_only():
    probability, derivative = detection_probability(0.0, **SIMULATED, register_law="gamma")
    assert_allclose(probability, 0.5 * math.erfc(5.0 / math.sqrt(2.0)), rtol=1e-14)
    assert derivative == pytest.approx(direct_probability(1e-5, 5000.0, 500.0, 100.0) / 1e-5, rel=0.04)


@pytest.mark.parametrize("law", LAWS)
def test_read_noise_tending_to_zero_is_continuous(law):
    # Output is whole electrons: half of one above the threshold is the same without noise.
    exact = detection_probability(0.5, 5000.0, 500.5, 0.0, law)
    assert_allclose(detection_probability(0.5, 5000.0, 500.5, 0.01, law), exact, rtol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_probability_of_a_flood_is_one(law):
    probability, derivative = detection_probability(np.array([50.0, 1e4, 1e300]), **SIMULATED, register_law=law)
    assert_allclose(probability, 1.0, rtol=1e-14)
    assert_allclose(derivative, 0.0, atol=1e-15)


@given(
    mean=st.floats(0.01, 8.0),
    gain=st.floats(200.0, 8000.0),
    share=st.floats(0.01, 0.99),
    noises=st.floats(1.0, 10.0),
    law=st.sampled_from(LAWS),
)
@settings(max_examples=50, deadline=None)
def test_derivative_is_that_of_the_probability(mean, gain, share, noises, law):
    threshold = share * gain
    read_noise = threshold / noises
    h = 1e-3 * mean
    p = detection_probability(mean + h * np.array([-2.0, -1.0, 1.0, 2.0]), gain, threshold, read_noise, law)[0]
    _, derivative = detection_probability(mean, gain, threshold, read_noise, law)
    assert_allclose(derivative, (8 * (p[2] - p[1]) - (p[3] - p[0])) / (12 * h), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize(
    ("mean", "gain", "threshold", "read_noise"),
    [
        (0.0, 5000.0, 150.0, 100.0),
        (0.05, 5000.0, 500.0, 100.0),
        (0.3, 1000.0, 400.0, 130.0),
        (1.5, 2000.0, 1800.0, 100.0),
        (0.5, 5000.0, 50.0, 100.0),
        (4.0, 600.0, 500.0, 110.0),
    ],
)
def test_monte_carlo_rate(mean, gain, threshold, read_noise):
    draws = 400_000
    rng = np.random.default_rng()
    passed = np.count_nonzero(expose(rng, np.full(draws, mean), gain, read_noise) > threshold)
    probability, _ = detection_probability(mean, gain, threshold, read_noise, "gamma")
    sigma = math.sqrt(draws * float(probability * (1 - probability)))
    assert abs(passed - draws * probability) < 5.5 * sigma


@given(
    mean=st.floats(1e-3, 7.0),
    gain=st.floats(200.0, 8000.0),
    share=st.floats(0.01, 0.95),
    noises=st.one_of(st.just(math.inf), st.floats(1.0, 10.0)),
    law=st.sampled_from(LAWS),
)
@settings(max_examples=50, deadline=None)
def test_round_trip(mean, gain, share, noises, law):
    threshold = share * gain
    read_noise = threshold / noises
    probability, derivative = detection_probability(mean, gain, threshold, read_noise, law)
    back = invert_probability(probability, gain, threshold, read_noise, law)
    rounding = 1e-16 * (probability + 1) / derivative
    assert abs(back - mean) < 1e-9 * max(1.0, mean) or abs(back - mean) < 20 * rounding


def test_pairs_are_solved_in_any_shape_and_with_frames_by_pixel():
    counts = np.array([[0, 3, 9], [100, 3, 0]])
    frames = np.array([[100, 100, 120], [100, 50, 0]])
    result = invert_counts(counts, frames, **SIMULATED)
    for index in np.ndindex(counts.shape):
        alone = invert_counts(counts[index], int(frames[index]), **SIMULATED)
        assert_array_equal(result.mean[index], alone.mean)
        assert_array_equal(result.error[index], alone.error)
    assert_array_equal(result.dq, [[0, 0, 0], [DQ.TOO_BRIGHT, 0, DQ.ALL_MASKED]])
    assert result.dq.dtype == np.uint16
    assert np.isnan(result.mean[1, 2])
    assert np.isnan(result.error[1, 2])


def test_estimates_satisfy_the_equation_and_rise_with_the_count():
    counts = np.arange(201)
    result = invert_counts(counts, 200, **SIMULATED)
    assert np.all(np.diff(result.mean) > 0)
    probability, _ = detection_probability(result.mean[1:], **SIMULATED)
    assert_allclose(probability, np.append(counts[1:-1], 199.5) / 200, rtol=1e-12)
    assert np.all(result.error > 0)
    assert result.warnings


def test_a_pixel_that_always_passes_is_a_lower_limit():
    for frames in (1, 2, 1000, 10**7):
        result = invert_counts(np.array([frames, frames - 1]), frames, **SIMULATED)
        assert result.dq[0] == DQ.TOO_BRIGHT
        assert result.dq[1] == 0
        assert np.isfinite(result.mean[0])
        assert result.mean[0] > result.mean[1]
        assert_allclose(detection_probability(result.mean[0], **SIMULATED)[0], 1 - 0.5 / frames, rtol=1e-12)


def test_below_the_false_counts_the_tangent_continues():
    options = {"gain": 5000.0, "threshold": 100.0, "read_noise": 100.0}
    false, slope = (float(value) for value in detection_probability(0.0, **options))
    frames = 1000
    counts = np.arange(0, int(false * frames) + 1)
    result = invert_counts(counts, frames, **options)
    assert_allclose(result.mean, (counts / frames - false) / slope, rtol=1e-12)
    assert result.mean[0] < 0
    assert "read noises" in result.warnings[0]


def test_dark_pixels_average_to_zero():
    """With many false counts half of the estimates are below 0; clipped they'd average at 0.4 sigma."""
    options = {"gain": 5000.0, "threshold": 150.0, "read_noise": 100.0}
    false = float(detection_probability(0.0, **options)[0])
    counts = np.random.default_rng().binomial(2000, false, 40_000)
    result = invert_counts(counts, 2000, **options)
    standard_error = result.mean.std() / math.sqrt(counts.size)
    assert abs(result.mean.mean()) < 5.5 * standard_error
    assert np.maximum(result.mean, 0).mean() > 50 * standard_error


@pytest.mark.parametrize("law", LAWS)
def test_simulated_pixels_are_unbiased_and_errors_true(law):
    """L = 0.0801, 4000 frames, 400 pixels: raw rate 0.0700."""
    rng, truth, frames = np.random.default_rng(), 0.0801, 4000
    pixels = np.full((20, 20), truth)
    usable = np.ones(pixels.shape, dtype=bool)
    stream = ((expose(rng, pixels, 5000.0, 100.0, law), usable) for _ in range(frames))
    counts, total = count_photons(stream, 500.0)
    result = invert_counts(counts, total, **SIMULATED, register_law=law)
    pulls = (result.mean - truth) / result.error
    assert counts.mean() / frames == pytest.approx(0.0700, abs=0.0015)
    assert abs(pulls.mean()) < 5.5 / 20
    assert abs(pulls.std() - 1) < 5.5 / math.sqrt(2 * 400)
    assert result.warnings == ()


@pytest.mark.parametrize(("law", "other"), [LAWS, LAWS[::-1]])
def test_only_the_law_of_the_register_inverts_without_bias(law, other):
    """Frames of gain 5000 and a threshold where the laws differ by 0.66 %, 12 sigma of 5.25 million samples."""
    rng, truth, gain, threshold, noise = np.random.default_rng(), 1.5, 5000.0, 2000.0, 100.0
    pixels = np.full((250, 500), truth)
    usable = np.ones(pixels.shape, dtype=bool)
    counts, total = count_photons(((expose(rng, pixels, gain, noise, law), usable) for _ in range(42)), threshold)
    rate = counts.sum() / total.sum()
    right, wrong = (float(invert_probability(rate, gain, threshold, noise, name)) for name in (law, other))
    slope = float(detection_probability(truth, gain, threshold, noise, law)[1])
    sigma = math.sqrt(rate * (1 - rate) / total.sum()) / slope
    assert abs(right - truth) < 5.5 * sigma
    assert abs(wrong - truth) > 5.5 * sigma


@pytest.mark.parametrize("truth", [0.3, 2.0])
def test_first_order_bias_of_few_frames(truth):
    probability = float(detection_probability(truth, **SIMULATED)[0])
    counts = np.random.default_rng().binomial(100, probability, 300_000)
    result = invert_counts(counts, 100, **SIMULATED)
    standard_error = result.mean.std() / math.sqrt(counts.size)
    assert result.mean.mean() - truth > 8 * standard_error
    # What remains is of second order in 1/frames.
    second_order = (result.bias.mean() / truth) ** 2 * 10 * truth
    assert abs((result.mean - result.bias).mean() - truth) < 5.5 * standard_error + second_order


def test_accuracy_oracle_of_dark_subtracted_frames():
    """160 illuminated and 160 dark frames, digitised: the mean is within 1 % of flux times QE times time."""
    rng, shape, k_gain, gain, noise = np.random.default_rng(), (400, 400), 7.0, 5000.0, 100.0
    truth, dark_mean = 1.0 * 0.9 * 0.05, 8.33e-4 * 0.05 + 0.0088
    usable = np.ones(shape, dtype=bool)

    def estimate(mean):
        lam = np.full(shape, mean)
        digital = (np.round(expose(rng, lam, gain, noise, "branching") / k_gain) * k_gain for _ in range(160))
        counts, total = count_photons(((frame, usable) for frame in digital), 5 * noise)
        return invert_counts(counts, total, gain, 5 * noise, noise)

    bright, dark = estimate(truth + dark_mean), estimate(dark_mean)
    difference = (bright.mean - dark.mean).mean()
    corrected = difference - (bright.bias - dark.bias).mean()
    assert difference == pytest.approx(truth, rel=0.01)
    assert corrected == pytest.approx(truth, rel=0.0075)


def test_count_photons_sums_exactly_in_any_split():
    rng = np.random.default_rng(5)
    frames = [(rng.normal(400, 200, (6, 7)), rng.random((6, 7)) > 0.2) for _ in range(9)]
    frames[2][0][0, 0] = np.nan
    frames[3][0][0, 0] = 500.0
    counts, total = count_photons(iter(frames), 500.0)
    electrons, usable = (np.array(values) for values in zip(*frames, strict=True))
    usable &= np.isfinite(electrons)
    assert_array_equal(total, usable.sum(axis=0))
    assert_array_equal(counts, (usable & (electrons > 500.0)).sum(axis=0))
    assert counts.dtype == total.dtype == np.int32
    parts = [count_photons(frames[a:b], 500.0) for a, b in ((4, 9), (0, 4))]
    assert_array_equal(sum(part[0] for part in parts), counts)
    assert_array_equal(sum(part[1] for part in parts), total)


def test_count_photons_refuses_nothing_and_odd_shapes():
    with pytest.raises(InvalidInput, match="no frame"):
        count_photons([], 500.0)
    frame = (np.zeros((3, 4)), np.ones((3, 4), bool))
    with pytest.raises(InvalidInput, match="differ"):
        count_photons([frame, (np.zeros((4, 3)), np.ones((4, 3), bool))], 500.0)


@pytest.mark.parametrize(
    ("gain", "threshold", "read_noise", "name"),
    [
        (500.0, 500.0, 100.0, "threshold"),
        (5000.0, 0.0, 100.0, "threshold"),
        (5000.0, math.nan, 100.0, "threshold"),
        (5000.0, 500.0, -1.0, "read_noise"),
        (5000.0, 500.0, 5000.0, "read_noise"),
        (0.0, 500.0, 100.0, "gain"),
        (math.inf, 500.0, 100.0, "gain"),
    ],
)
def test_impossible_settings_are_refused(gain, threshold, read_noise, name):
    with pytest.raises(InvalidOptions, match=name):
        invert_counts(np.array([1]), 10, gain, threshold, read_noise)


def test_low_threshold_and_bright_scene_warn():
    assert check_settings(5000.0, 400.0, 100.0) == ()
    assert len(check_settings(5000.0, 399.0, 100.0)) == 1
    assert invert_counts(np.array([5]), 100, **SIMULATED).warnings == ()
    assert "0.1" in invert_counts(np.array([50]), 100, **SIMULATED).warnings[0]


@pytest.mark.parametrize(
    ("counts", "frames"),
    [(np.array([3]), 2), (np.array([-1]), 2), (np.array([1.0]), 2), (np.array([1]), np.array([2.0]))],
)
def test_impossible_counts_are_refused(counts, frames):
    with pytest.raises(InvalidInput):
        invert_counts(counts, frames, **SIMULATED)


def test_impossible_means_and_probabilities_are_refused():
    with pytest.raises(InvalidInput, match="negative"):
        detection_probability(-0.1, **SIMULATED)
    for probability in (-0.1, 1.0, math.nan):
        with pytest.raises(InvalidInput, match="probabilities"):
            invert_probability(probability, **SIMULATED)
