"""Shifts of all dates from pairs: closed forms, wrong pairs, parts that nothing ties, the order of nothing matters."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.insar.refinement.burst_phases import solve_burst_phases
from levelworks.insar.refinement.differences import Difference, components, solve_differences, unchecked
from levelworks.insar.refinement.network_solution import keep_shifts, solve_network

DATES = [f"2025{month:02d}06" for month in range(1, 9)]


def network(seed, connections=3, sigma=2e-4, dates=DATES):
    """Return true shifts, and pairs of neighbours measured with noise of the stated size."""
    rng = np.random.default_rng(seed)
    truth = dict(zip(dates, [0.0, *rng.uniform(-0.05, 0.05, len(dates) - 1)], strict=True))
    pairs = []
    for i, j in combinations(range(len(dates)), 2):
        if j - i <= connections:
            own = sigma * rng.uniform(0.5, 2.0)
            value = truth[dates[j]] - truth[dates[i]] + own * rng.standard_normal()
            pairs.append(Difference(dates[i], dates[j], value, own))
    return truth, pairs


def test_a_chain_adds_up():
    pairs = [Difference("a", "b", 0.01, 3e-4), Difference("c", "b", -0.02, 4e-4)]
    found = solve_network(["a", "b", "c"], "a", pairs)
    assert found.lines == pytest.approx({"a": 0.0, "b": 0.01, "c": 0.03}, abs=1e-15)
    assert found.sigmas == pytest.approx({"a": 0.0, "b": 3e-4, "c": 5e-4}, rel=1e-12)
    assert found.residuals == pytest.approx((0.0, 0.0), abs=1e-15)
    assert found.unchecked == (0, 1)
    assert found.scale == 1.0


def test_a_triangle_in_closed_form():
    """Two ways to one date, of variances s^2 and 2 s^2: their mean weighs 2 to 1, its variance is 2/3 s^2."""
    pairs = [
        Difference("a", "b", 0.0103, 3e-4),
        Difference("a", "c", 0.0300, 3e-4),
        Difference("c", "b", -0.0200, 3e-4),
    ]
    found = solve_network(["a", "b", "c"], "a", pairs)
    assert found.lines["b"] == pytest.approx((2 * 0.0103 + 0.0100) / 3, abs=1e-12)
    assert found.sigmas["b"] == pytest.approx(3e-4 * math.sqrt(2 / 3), rel=1e-9)
    assert found.unchecked == ()
    assert sum(found.residuals[k] * sign for k, sign in ((0, 1), (1, -1), (2, -1))) == pytest.approx(0.0003)


def test_least_squares_where_nothing_is_wrong():
    """Beside numpy's own least squares of the weighted equations, for noise that no residual makes an outlier."""
    _, pairs = network(11)
    pairs = [Difference(pair.first, pair.second, pair.value, 10 * pair.sigma) for pair in pairs]
    found = solve_network(DATES, DATES[0], pairs)
    matrix = np.array([[(d == pair.second) - (d == pair.first) for d in DATES[1:]] for pair in pairs], float)
    weight = np.array([1 / pair.sigma for pair in pairs])
    expected = np.linalg.lstsq(matrix * weight[:, None], weight * [pair.value for pair in pairs], rcond=None)[0]
    np.testing.assert_allclose([found.lines[d] for d in DATES[1:]], expected, atol=1e-13)
    covariance = np.linalg.inv(matrix.T @ (weight[:, None] ** 2 * matrix))
    np.testing.assert_allclose([found.sigmas[d] for d in DATES[1:]], np.sqrt(np.diag(covariance)), rtol=1e-9)


def test_errors_are_as_large_as_said():
    scores = []
    for seed in range(900, 1000):
        truth, pairs = network(seed)
        found = solve_network(DATES, DATES[0], pairs)
        scores += [(found.lines[d] - truth[d]) / found.sigmas[d] for d in DATES[1:]]
        assert found.dropped == ()
        assert not found.degraded
    assert 0.85 < np.std(scores) < 1.15
    assert abs(np.mean(scores)) < 0.15


@pytest.mark.parametrize("wrong", [0.102, -0.008, 0.4])
def test_wrong_pairs_are_dropped(wrong):
    truth, pairs = network(21)
    bad = [4, 13]
    off = [
        Difference(pair.first, pair.second, pair.value + (wrong if k in bad else 0.0), pair.sigma)
        for k, pair in enumerate(pairs)
    ]
    found = solve_network(DATES, DATES[0], off)
    assert found.dropped == tuple(bad)
    assert max(abs(found.lines[d] - truth[d]) / found.sigmas[d] for d in DATES[1:]) < 4
    assert all(abs(found.residuals[k]) > 0.7 * abs(wrong) for k in bad)


def test_wrong_pairs_below_the_limit_pull_little():
    _, pairs = network(22)
    off = [
        Difference(pair.first, pair.second, pair.value + 0.004 * (k == 6), pair.sigma) for k, pair in enumerate(pairs)
    ]
    robust = [solve_network(DATES, DATES[0], each) for each in (pairs, off)]
    plain = [solve_differences(DATES, each, DATES[:1])[0] for each in (pairs, off)]
    assert robust[1].dropped == ()
    pulled = [
        max(abs(after[d] - before[d]) for d in DATES) for before, after in ((robust[0].lines, robust[1].lines), plain)
    ]
    assert pulled[0] < 0.5 * pulled[1]


def test_the_order_changes_no_byte():
    _, pairs = network(31)
    pairs[3] = Difference(pairs[3].first, pairs[3].second, 0.3, pairs[3].sigma)
    amplitudes = [Difference(DATES[0], "20260101", 0.01, 2e-3), Difference(DATES[1], "20260101", 0.02, 2e-3)]
    dates = [*DATES, "20260101"]
    first = solve_network(dates, DATES[0], pairs, amplitudes)
    order = np.random.default_rng(5).permutation(len(pairs))
    again = solve_network(dates[::-1], DATES[0], [pairs[k] for k in order], amplitudes[::-1])
    assert again.lines == first.lines
    assert again.sigmas == first.sigmas
    assert [order[k] for k in again.dropped] == [3]
    assert [again.residuals[k] for k in np.argsort(order)] == list(first.residuals)
    assert (first.bridges, again.bridges) == ((0,), (1,))


def test_parts_are_tied_by_amplitudes():
    _, early = network(41, dates=DATES[:4])
    _, late = network(42, dates=DATES[4:])
    amplitudes = [Difference(DATES[0], date, 0.01, 1e-3 * (1 + k)) for k, date in enumerate(DATES[1:])]
    found = solve_network(DATES, DATES[0], [*early, *late], amplitudes)
    assert found.bridges == (3,)
    assert found.lines[DATES[4]] == pytest.approx(0.01, abs=1e-12)
    assert found.sigmas[DATES[4]] == pytest.approx(4e-3, rel=1e-6)
    assert list(found.degraded) == DATES[4:]
    assert f"{DATES[0]}_{DATES[4]}" in found.degraded[DATES[6]]
    alone = solve_network(DATES, DATES[0], [*early, *late])
    assert set(alone.degraded.values()) == {"no pair ties it to the reference"}
    assert sum(alone.lines[d] for d in DATES[4:]) == pytest.approx(0, abs=1e-15)
    assert all(math.isinf(alone.sigmas[d]) for d in DATES[4:])
    assert alone.lines[DATES[5]] - alone.lines[DATES[4]] == pytest.approx(
        found.lines[DATES[5]] - found.lines[DATES[4]], abs=1e-12
    )


def test_no_pair_at_all():
    found = solve_network(["a", "b"], "b", [])
    assert found.lines == {"a": 0.0, "b": 0.0}
    assert list(found.degraded) == ["a"]
    assert solve_network(["a"], "a", []).degraded == {}


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (Difference("a", "x", 0.0, 1.0), "not of two of the dates"),
        (Difference("a", "a", 0.0, 1.0), "not of two of the dates"),
        (Difference("a", "b", 0.0, math.inf), "no shift"),
        (Difference("a", "b", math.nan, 1.0), "no shift"),
    ],
)
def test_bad_pairs(pair, text):
    with pytest.raises(InvalidInput, match=text):
        solve_network(["a", "b"], "a", [pair])
    with pytest.raises(InvalidInput, match="not among the dates"):
        solve_network(["a", "b"], "c", [])


def test_what_moved_little_is_kept():
    found = solve_network(["a", "b", "c"], "a", [Difference("a", "b", 0.0100, 1e-4), Difference("b", "c", 0.01, 1e-4)])
    lines, moved = keep_shifts(found, {"a": 0.0, "b": 0.0104})
    assert (lines["b"], moved) == (0.0104, ("c",))
    assert keep_shifts(found, {"a": 0.0, "b": 0.0106, "c": 0.02})[1] == ("b",)


def test_graphs():
    edges = [("b", "a"), ("c", "d"), ("d", "e"), ("c", "e")]
    assert components("fedcba", edges) == [("a", "b"), ("c", "d", "e"), ("f",)]
    assert unchecked("abcdef", [Difference(*edge, 0.0, 1.0) for edge in edges]) == [0]


def test_phases_of_bursts():
    """Jumps as between S1C and S1D (isce3 issue 375); two swaths whose overlaps close loops over half a turn."""
    rng = np.random.default_rng(51)
    keys = [f"iw{swath}_{230132 + k}" for swath in (1, 2) for k in range(5)]
    truth = dict(zip(keys, [0.0, *rng.uniform(-math.pi, math.pi, 9)], strict=True))
    links = [(keys[k], keys[k + 1]) for k in range(9) if k != 4] + [(keys[k], keys[k + 5]) for k in range(5)]
    overlaps = []
    for one, two in links:
        value = truth[two] - truth[one] + 0.02 * rng.standard_normal()
        overlaps.append(Difference(one, two, math.remainder(value, 2 * math.pi), 0.02))
    found = solve_burst_phases(keys, overlaps)
    assert found.parts == (tuple(keys),)
    assert max(abs(math.remainder(found.phases[key] - truth[key], 2 * math.pi)) for key in keys) < 0.08
    assert max(abs(one) for one in found.residuals) < 0.08
    assert 0 < max(found.sigmas.values()) < 0.05
    apart = solve_burst_phases(keys, overlaps[:8])
    assert [part[0] for part in apart.parts] == [keys[0], keys[5]]
    assert apart.phases[keys[5]] == 0.0
