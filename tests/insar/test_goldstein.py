"""The Goldstein filter: what it leaves alone, what it takes away, and that parts are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.interferograms.goldstein import goldstein_filter
from levelworks.insar.interferograms.phase_noise import phase_variance


def fringes(shape=(128, 160), cycles=(2 / 32, 3 / 32)):
    lines, samples = np.mgrid[: shape[0], : shape[1]]
    return np.exp(2j * np.pi * (cycles[0] * lines + cycles[1] * samples))


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(8)
    noise = rng.normal(0, 0.6, (128, 160))
    size = rng.uniform(0.5, 2, noise.shape)
    return (size * fringes() * np.exp(1j * noise)).astype(np.complex64)


def rms(values):
    return np.sqrt(np.mean(np.angle(values) ** 2))


def test_pure_fringes_stay():
    pure = fringes().astype(np.complex64)
    inside = slice(32, -32), slice(32, -32)
    for smoothing in (1, 3):
        found = goldstein_filter(pure, 1.0, smoothing=smoothing)
        assert np.abs(np.angle(found * np.conj(pure)))[inside].max() < 1e-5


def test_exponent_zero_changes_nothing(noisy):
    np.testing.assert_allclose(goldstein_filter(noisy, 0.0), noisy, atol=2e-6)


def test_noise_falls_with_the_exponent_and_magnitudes_stay(noisy):
    left = [rms(goldstein_filter(noisy, exponent) * np.conj(fringes())) for exponent in (0.0, 0.5, 1.0)]
    assert left[0] == pytest.approx(0.6, abs=0.02)
    assert left[1] < 0.5 * left[0]
    assert left[2] < 0.3 * left[0]
    np.testing.assert_allclose(np.abs(goldstein_filter(noisy, 1.0)), np.abs(noisy), rtol=1e-5)


def test_adaptive_filters_where_coherence_is_low(noisy):
    assert np.allclose(goldstein_filter(noisy, "adaptive", coherence=np.ones(noisy.shape)), noisy, atol=2e-6)
    low = goldstein_filter(noisy, "adaptive", coherence=np.zeros(noisy.shape))
    np.testing.assert_allclose(low, goldstein_filter(noisy, 1.0), atol=1e-5)


def test_gaps_stay_gaps(noisy):
    holed = noisy.copy()
    holed[20:90, 30:100] = 0
    holed[100:110, 5:9] = np.nan
    holed[50, 60] = 1j
    found = goldstein_filter(holed, 1.0)
    assert np.array_equal(found == 0, ~(np.abs(holed) > 0))
    assert found[50, 60] == pytest.approx(1j)  # alone: no patch has enough around it
    assert np.isfinite(found).all()


def test_parts_are_those_of_the_whole(noisy):
    whole = goldstein_filter(noisy, 0.5)
    part = goldstein_filter(noisy[16:112, 24:136], 0.5)
    inside = slice(32, -32), slice(32, -32)
    np.testing.assert_allclose(part[inside], whole[16:112, 24:136][inside], atol=1e-6)


def test_bad_options(noisy):
    for options in ({"window": 30}, {"step": 7}, {"smoothing": 2}):
        with pytest.raises(InvalidOptions, match="multiple of the step"):
            goldstein_filter(noisy, **options)
    with pytest.raises(InvalidOptions, match="needs the coherence"):
        goldstein_filter(noisy, "adaptive")


def test_phase_variance():
    found = phase_variance(np.array([1.0, 0.5, 0.0, np.nan]), 10)
    np.testing.assert_allclose(found, [0, 0.75 / (20 * 0.25), np.pi**2 / 3, np.pi**2 / 3], rtol=1e-6)
