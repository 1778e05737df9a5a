"""Detector physics: register, overflow, exposure and digitisation against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph import desmear, emccd
from levelworks.coronagraph.nonlinearity import curve_at_gain
from levelworks.coronagraph.scenes import nonlinearity_table

SIGMAS = 6.0
GAINS = (1.0, 20.0, 100.0, 150.0, 1000.0, 5000.0)


@pytest.fixture
def generator(request: pytest.FixtureRequest) -> np.random.Generator:
    seed = np.random.SeedSequence()
    print(f"{request.node.name}: seed {seed.entropy}")
    return np.random.default_rng(seed)


def assert_moments(sample: np.ndarray, mean: float, variance: float) -> None:
    """Compare mean and variance of a sample with the expected ones, within `SIGMAS` standard errors."""
    deviation = sample - mean
    error_of_mean = np.sqrt(variance / sample.size)
    error_of_variance = np.sqrt(max((deviation**4).mean() - variance**2, 0.0) / sample.size)
    assert abs(deviation.mean()) <= SIGMAS * error_of_mean
    assert abs((deviation**2).mean() - variance) <= SIGMAS * error_of_variance


def assert_distribution(sample: np.ndarray, distribution: np.ndarray, bins: int = 25) -> None:
    """Compare a sample with probabilities of 0, 1, 2, ... by chi2 in bins of like probability, at 5 sigma."""
    cumulative = np.cumsum(distribution)
    edges = np.unique(np.searchsorted(cumulative, np.arange(1, bins) / bins))
    probability = np.diff(np.concatenate(([0.0], cumulative[edges], [1.0])))
    observed = np.bincount(np.searchsorted(edges, sample, side="left"), minlength=probability.size)
    expected = sample.size * probability
    assert expected.min() > 5
    statistic = ((observed - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, probability.size - 1) > 3e-7


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("electrons", [1, 3, 9, 400])
def test_register_has_mean_and_variance_of_branching_process(
    gain: float, electrons: int, generator: np.random.Generator
) -> None:
    # Enough draws of many electrons to tell the variance from that of a gamma variate, 2.4 % more at 1000.
    output = emccd.multiply(np.full(60_000 if electrons < 9 else 400_000, electrons), gain, generator)
    assert_moments(output, electrons * gain, electrons * emccd.register_variance(gain))


@pytest.mark.parametrize("gain", GAINS)
def test_poisson_signal_shows_the_excess_noise_factor(gain: float, generator: np.random.Generator) -> None:
    signal = generator.poisson(2.5, 150_000)
    referred = emccd.multiply(signal, gain, generator) / gain
    assert_moments(referred, 2.5, emccd.excess_noise_factor_squared(gain) * 2.5)


@pytest.mark.parametrize("gain", GAINS)
def test_excess_noise_factor_agrees_with_the_variance_of_one_electron(gain: float) -> None:
    expected = 1.0 + emccd.register_variance(gain) / gain**2
    assert emccd.excess_noise_factor_squared(gain) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gain", [1.5, 20.0, 150.0, 5000.0])
@pytest.mark.parametrize("electrons", [1, 8])
def test_distribution_has_exact_moments(gain: float, electrons: int) -> None:
    distribution = emccd.register_distribution(electrons, gain)
    output = np.arange(distribution.size)
    mean = (output * distribution).sum()
    assert distribution.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.all(distribution[:electrons] < 1e-12)
    assert mean == pytest.approx(electrons * gain, rel=1e-9)
    variance = ((output - mean) ** 2 * distribution).sum()
    assert variance == pytest.approx(electrons * emccd.register_variance(gain), rel=1e-8)


@pytest.mark.parametrize(("gain", "electrons"), [(20.0, 1), (150.0, 2)])
def test_distribution_agrees_with_stages_drawn_one_by_one(
    gain: float, electrons: int, generator: np.random.Generator
) -> None:
    probability = emccd.stage_probability(gain)
    charge = np.full(5_000, electrons)
    for _ in range(emccd.STAGES):
        charge += generator.binomial(charge, probability)
    assert_distribution(charge, emccd.register_distribution(electrons, gain))


@pytest.mark.parametrize("gain", [1.2, 20.0, 1000.0])
def test_tabulated_and_untabulated_numbers_of_electrons_follow_the_exact_law(
    gain: float, generator: np.random.Generator
) -> None:
    eight = emccd.register_distribution(8, gain)
    assert_distribution(emccd.multiply(np.full(20_000, 8), gain, generator).astype(int), eight)
    size = 1 << int(np.ceil(np.log2(eight.size + eight.size // 4)))
    one = emccd.register_distribution(1, gain)
    nine = np.fft.irfft(np.fft.rfft(eight, size) * np.fft.rfft(one, size), size)
    assert_distribution(emccd.multiply(np.full(20_000, 9), gain, generator).astype(int), nine)


def test_register_leaves_nothing_and_unit_gain_alone(generator: np.random.Generator) -> None:
    electrons = np.array([[0, 1], [7, 90_000]])
    assert np.array_equal(emccd.multiply(electrons, 1.0, generator), electrons)
    assert not emccd.multiply(np.zeros((3, 4), dtype=int), 5000.0, generator).any()
    amplified = emccd.multiply(electrons, 5000.0, generator)
    assert amplified[0, 0] == 0
    assert np.all(amplified >= electrons)
    assert electrons[1, 1] == 90_000


def test_gamma_law_has_the_variance_of_a_gamma_variate(generator: np.random.Generator) -> None:
    output = emccd.multiply(np.full(60_000, 3), 1000.0, generator, law="gamma")
    assert_moments(output, 3e3, 3e6)


@pytest.mark.parametrize("gain", [0.5, float("nan"), -1.0])
def test_gain_below_one_is_refused(gain: float, generator: np.random.Generator) -> None:
    with pytest.raises(InvalidOptions, match="EM gain"):
        emccd.multiply(np.ones(3, dtype=int), gain, generator)


def test_overflow_fills_the_following_pixels_across_rows() -> None:
    stream = np.array([[0.0, 0.0, 250.0], [0.0, 30.0, 0.0]])
    out, lost = emccd.overflow(stream, 100.0, np.array([1.0]))
    assert out.tolist() == [[0, 0, 100], [100, 80, 0]]
    assert lost == 0.0
    out, lost = emccd.overflow(stream[:1], 100.0, np.array([1.0]))
    assert (out[0, 2], lost) == (100.0, 150.0)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, (4, 9), elements=st.floats(0, 1e6)), st.integers(1, 12))
def test_overflow_conserves_charge_and_respects_the_full_well(stream: np.ndarray, length: int) -> None:
    weights = 1.0 / np.arange(2.0, length + 2.0)
    before = stream.copy()
    out, lost = emccd.overflow(stream, 1e5, weights / weights.sum())
    assert out.max() <= 1e5
    assert out.sum() + lost == pytest.approx(before.sum(), rel=1e-12)
    assert np.array_equal(stream, before)
    if before.max() <= 1e5:
        assert np.array_equal(out, before)


def test_exposure_is_undone_by_the_desmear_recursion(generator: np.random.Generator) -> None:
    flux, time, read = generator.random((50, 7)) * 30, 0.6, 223.5e-6
    seen = desmear.smear(flux, time, read)
    assert seen[10, 3] == pytest.approx(flux[10, 3] * time + read * flux[:11, 3].sum(), rel=1e-13)
    ratio, smear, restored = read / time, np.zeros(7), np.empty_like(seen)
    for row, values in enumerate(seen):
        smear = (smear + ratio * values) / (1 + ratio)
        restored[row] = values - smear
    assert np.abs(restored - flux * time).max() < 1e-12
    assert np.array_equal(desmear.smear(flux, time, 0.0), flux * time)


def test_counts_are_linearised_back_to_electrons(generator: np.random.Generator) -> None:
    electrons = generator.uniform(-3000.0, 4e5, 10_000)
    for gain in (1.0, 37.0, 7000.0):
        curve = curve_at_gain(nonlinearity_table(), gain)
        counts = emccd.counts(electrons, 8.7, curve)
        restored = counts * np.interp(counts, curve.counts, curve.factors) * 8.7
        assert np.abs(restored - electrons).max() < 1e-9 * 4e5
    assert np.array_equal(emccd.counts(electrons, 8.7, None), electrons / 8.7)


def test_converter_rounds_and_clips() -> None:
    digital = emccd.digitise(np.array([-5.0, 0.4, 3120.6, 65535.2, 1e6]))
    assert digital.dtype == np.uint16
    assert digital.tolist() == [0, 0, 3121, 65535, 65535]
