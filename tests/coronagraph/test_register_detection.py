"""Chances that known numbers of electrons pass: the branching process by positive sums, by draws, and the gamma law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import ndtr

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph import emccd
from levelworks.coronagraph.register_detection import passing_probabilities


def low_end(electrons: int, gain: float, size: int) -> np.ndarray:
    """Return the probabilities of outputs 0 to size - 1, exact by sums of positive terms, stage after stage."""
    probability = emccd.stage_probability(gain)
    one = np.zeros(size)
    one[1] = 1.0
    for _ in range(emccd.STAGES):
        one = (1.0 - probability) * one + probability * np.convolve(one, one)[:size]
    result = one
    for _ in range(electrons - 1):
        result = np.convolve(result, one)[:size]
    return result


@pytest.mark.parametrize(
    ("gain", "threshold", "read_noise"),
    [(300.0, 60.0, 12.0), (5000.0, 250.0, 0.0), (20.0, 10.0, 3.0), (1.5, 0.7, 0.2), (2000.0, 40.0, 10.0)],
)
def test_failures_of_the_branching_process_are_exact_however_small(gain, threshold, read_noise):
    _, failing, _ = passing_probabilities(gain, threshold, read_noise, "branching")
    size = int(threshold + 12 * read_noise) + 2
    output = np.arange(size)
    kept = ndtr((threshold - output) / read_noise) if read_noise else (output <= threshold).astype(float)
    for electrons in (1, 2, 3, 5, 8, 12):
        exact = (low_end(electrons, gain, size) * kept).sum()
        # What a failure adds to a mean of 37 electrons is at most 1e-10 off.
        weight = math.exp(electrons * math.log(37.0) - math.lgamma(electrons + 1))
        assert failing[electrons] == pytest.approx(exact, rel=1e-10, abs=1e-11 / weight)


@pytest.mark.parametrize(("gain", "threshold", "read_noise"), [(5000.0, 500.0, 100.0), (1000.0, 990.0, 0.0)])
def test_branching_agrees_with_the_tabulated_distribution(gain, threshold, read_noise):
    passing, _, _ = passing_probabilities(gain, threshold, read_noise, "branching")
    for electrons in range(1, 9):
        distribution = emccd.register_distribution(electrons, gain)
        output = np.arange(distribution.size)
        above = ndtr((output - threshold) / read_noise) if read_noise else (output > threshold)
        assert passing[electrons] == pytest.approx((distribution * above).sum(), abs=1e-11)


@pytest.mark.parametrize(("law", "other"), [("branching", "gamma"), ("gamma", "branching")])
def test_drawn_electrons_pass_as_often_as_their_law_says_and_not_as_the_other(law, other):
    gain, threshold, noise, draws = 5000.0, 2000.0, 100.0, 1_000_000
    rng = np.random.default_rng()
    for electrons in (1, 2):
        output = emccd.multiply(np.full(draws, electrons), gain, rng, law=law) + rng.normal(0.0, noise, draws)
        passed = np.count_nonzero(output > threshold) / draws
        right, wrong = (passing_probabilities(gain, threshold, noise, name)[0][electrons] for name in (law, other))
        sigma = math.sqrt(right * (1 - right) / draws)
        assert abs(passed - right) < 5.5 * sigma
        if electrons == 1:
            assert abs(right - wrong) > 10 * sigma


def test_an_electron_passes_more_often_than_the_gamma_law_says():
    """By 0.38 % at a tenth of a gain of 5000, 0.56 % at a fifth; towards 0 with the threshold."""
    excess = [
        passing_probabilities(5000.0, threshold, 0.0, "branching")[0][1] * math.exp(threshold / 5000.0) - 1
        for threshold in (1.0, 500.0, 1000.0)
    ]
    assert 0 < excess[0] < 2e-4
    assert excess[1] == pytest.approx(0.0038, abs=1e-4)
    assert excess[2] == pytest.approx(0.0057, abs=1e-4)


@pytest.mark.parametrize("threshold", [0.5, 50.0, 299.0])
def test_gamma_law_is_the_gamma_distribution(threshold):
    passing, failing, step = passing_probabilities(300.0, threshold, 0.0, "gamma")
    number = np.arange(1, passing.size)
    assert_allclose(passing[1:], stats.gamma.sf(threshold, number, scale=300.0), rtol=1e-13)
    assert_allclose(failing[1:8], stats.gamma.cdf(threshold, number[:7], scale=300.0), rtol=1e-10)
    assert_allclose(step, stats.poisson.pmf(np.arange(step.size), threshold / 300.0), rtol=1e-10)


@pytest.mark.parametrize("law", ["branching", "gamma"])
@pytest.mark.parametrize(
    ("gain", "threshold", "read_noise"),
    [(5000.0, 500.0, 100.0), (5000.0, 4999.0, 0.0), (300.0, 1.0, 0.0), (200.0, 150.0, 199.0), (1.0, 0.5, 0.3)],
)
def test_chances_rise_with_the_electrons_and_add_up(gain, threshold, read_noise, law):
    passing, failing, step = passing_probabilities(gain, threshold, read_noise, law)
    assert passing.shape == failing.shape == step.shape
    assert np.all(step >= 0)
    assert np.all(np.diff(failing) <= 0)
    assert failing[-1] < 1e-15
    assert_allclose(passing + failing, 1.0, rtol=1e-13)
    assert_allclose(step[:-1], np.diff(passing), atol=1e-14)
    assert passing[0] == pytest.approx(stats.norm.sf(threshold / read_noise) if read_noise else 0.0, rel=1e-12)


def test_no_gain_multiplies_nothing():
    """At a gain of 1 the output is the input, so that only noise keeps an electron below."""
    passing, _, _ = passing_probabilities(1.0, 0.6, 0.2, "branching")
    assert_allclose(passing[:4], stats.norm.cdf((np.arange(4) - 0.6) / 0.2), rtol=1e-10)


def test_unknown_laws_and_gains_below_one_are_refused():
    with pytest.raises(InvalidOptions, match="register_law"):
        passing_probabilities(100.0, 50.0, 5.0, "normal")
    with pytest.raises(InvalidOptions, match="EM gain"):
        passing_probabilities(0.9, 0.5, 0.1, "branching")
