"""The background's error: exact over all legal places, against brute force and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.emission.background_error import MovableBackground, trimmed_spread
from levelworks.plumes.emission.emission_errors import (
    drawn_wind_error,
    in_quadrature,
    rate_percentiles,
    wind_error,
    wind_sigma,
)
from levelworks.plumes.seeds import seed_of


def brute_force(enhancement: np.ndarray, usable: np.ndarray, plumes: np.ndarray, weights: np.ndarray) -> list[float]:
    rows, columns = np.nonzero(weights)
    piece = weights[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    support = piece != 0
    valid = usable & np.isfinite(enhancement)
    level = enhancement[valid & ~plumes].mean()
    sums = []
    for row in range(enhancement.shape[0] - piece.shape[0] + 1):
        for column in range(enhancement.shape[1] - piece.shape[1] + 1):
            here = np.s_[row : row + piece.shape[0], column : column + piece.shape[1]]
            enough = (valid[here] & support).sum() >= 0.9 * support.sum()
            if enough and not (plumes[here] & support).any():
                sums.append(float(np.sum(piece * np.where(valid[here], enhancement[here], level))))
    return sums


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_all_shifts_equal_brute_force(seed: int) -> None:
    generator = np.random.default_rng(seed)
    enhancement = generator.normal(0.01, 0.005, (23, 31))
    enhancement[generator.random((23, 31)) < 0.03] = np.nan
    usable = generator.random((23, 31)) < 0.97
    plumes = np.zeros((23, 31), dtype=bool)
    plumes[3:6, 4:9] = plumes[15, 20:24] = True
    weights = np.zeros((23, 31))
    weights[3:6, 4:9] = generator.normal(1.0, 0.7, (3, 5))
    weights[4, 6] = 0.0
    found = MovableBackground(enhancement, usable, plumes).moved_sums(weights)
    assert np.allclose(found, brute_force(enhancement, usable, plumes, weights), atol=1e-12)
    assert found.size > 50


def test_white_noise_gives_the_closed_form() -> None:
    generator = np.random.default_rng(5)
    enhancement = generator.normal(0.0, 2.0, (120, 130))
    weights = np.zeros((120, 130))
    weights[50:55, 60:64] = 3600.0
    found = MovableBackground(enhancement, np.ones_like(weights, dtype=bool), weights > 0).measure(weights)
    expected = 2.0 * 3600 * np.sqrt(20)
    assert found.spread == pytest.approx(expected, rel=0.06)
    assert found.white == pytest.approx(expected, rel=0.03)
    assert found.quantiles[50] == pytest.approx(0.0, abs=0.15 * expected)
    assert found.quantiles[84] - found.quantiles[16] == pytest.approx(2 * expected, rel=0.1)


def test_correlated_clutter_counts_more_than_white_noise() -> None:
    from scipy.ndimage import gaussian_filter

    enhancement = gaussian_filter(np.random.default_rng(6).normal(size=(100, 100)), 3)
    weights = np.zeros((100, 100))
    weights[40:50, 40:50] = 1.0
    found = MovableBackground(enhancement, np.ones((100, 100), dtype=bool), weights > 0).measure(weights)
    assert found.spread > 3 * found.white


def test_d13_a_plume_that_spans_the_scene_has_no_legal_place_and_does_not_fail() -> None:
    enhancement = np.random.default_rng(7).normal(size=(20, 20))
    for weights in (np.ones((20, 20)), np.eye(20)):
        found = MovableBackground(enhancement, np.ones((20, 20), dtype=bool), weights > 0).measure(weights)
        assert found.shifts == 0
        assert np.isnan(found.spread)
        assert found.quantiles.size == 0
    empty = MovableBackground(enhancement, np.zeros((20, 20), dtype=bool), np.zeros((20, 20), dtype=bool))
    assert empty.measure(np.pad(np.ones((2, 2)), 9)).shifts == 0
    assert empty.measure(np.zeros((20, 20))).shifts == 0


def test_d13_other_plumes_are_no_background() -> None:
    enhancement = np.random.default_rng(9).normal(0, 1, (60, 60))
    other = np.zeros((60, 60), dtype=bool)
    other[30:45, 30:45] = True
    enhancement[other] += 500
    weights = np.pad(np.ones((4, 4)), ((5, 51), (5, 51)))
    usable = np.ones((60, 60), dtype=bool)
    alone = MovableBackground(enhancement, usable, weights > 0).measure(weights)
    both = MovableBackground(enhancement, usable, (weights > 0) | other).measure(weights)
    assert both.spread == pytest.approx(4.0, rel=0.2)
    assert alone.spread > 100 * both.spread


def test_trimmed_spread_leaves_the_tails_out() -> None:
    values = np.concatenate([np.random.default_rng(1).normal(size=5000), [1e6, -1e6]])
    assert trimmed_spread(values) == pytest.approx(1.0, rel=0.04)
    assert np.isnan(trimmed_spread(np.zeros(0)))


def test_wind_errors_are_analytic_drawn_and_reproducible() -> None:
    def rate(speed: np.ndarray) -> np.ndarray:
        return (0.43 + 0.36 * speed) * 0.5

    assert (wind_sigma(3.0), wind_sigma(3.1), wind_sigma(8.0), wind_sigma(8.0, manual=True)) == (1.5, 1.5, 1.5, 0.0)
    assert wind_sigma(1.0) == 0.5
    assert wind_error(rate, 4.0, 1.5) == pytest.approx(0.18 * 1.5)
    drawn = drawn_wind_error(rate, 4.0, 1.5, "emi-plume0")
    assert drawn == pytest.approx(0.27, rel=0.08)
    assert drawn == drawn_wind_error(rate, 4.0, 1.5, "emi-plume0")
    assert drawn != drawn_wind_error(rate, 4.0, 1.5, "emi-plume1")
    assert wind_error(rate, 4.0, 0.0) == 0
    assert np.isnan(wind_error(rate, np.nan, 1.5))
    assert np.isnan(drawn_wind_error(rate, np.nan, 1.5, "x"))
    assert seed_of("a") == seed_of("a") != seed_of("b")


def test_percentiles_enclose_the_rate() -> None:
    quantiles = np.sqrt(2) * np.linspace(-1, 1, 101)

    def effective(speed: np.ndarray) -> np.ndarray:
        return 0.4 + 0.4 * speed

    low, middle, high = rate_percentiles(effective, 10.0, quantiles, 5.0, 1.5, 0.05, "id", draws=20000)
    assert middle == pytest.approx(24.0, rel=0.01)
    spread = np.hypot(np.hypot(0.6 * 10, 2.4 * np.sqrt(2 / 3)), 0.05 * 10)
    assert high - low == pytest.approx(2 * 1.645 * spread, rel=0.05)
    assert np.isnan(rate_percentiles(effective, np.nan, quantiles, 5.0, 1.5, 0.05, "id")).all()
    alone = rate_percentiles(effective, 10.0, np.zeros(0), 5.0, 0.0, 0.0, "id")
    assert alone == pytest.approx((24.0, 24.0, 24.0))
    assert in_quadrature(3.0, 4.0, np.nan) == 5.0
    assert np.isnan(in_quadrature(np.nan))
