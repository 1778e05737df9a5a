"""Time means: where spans begin and end, means and errors against plain sums over all slices, one span at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.climatology import SPANS, Slice, SpanAccumulator, span_bounds, span_starts, span_statistics

DAY_S = 86400.0
INSTANTS = st.lists(st.floats(-2e9, 4e9, allow_subnormal=False), min_size=1, max_size=30)


def seconds(*instants: str) -> np.ndarray:
    return np.array(instants, "datetime64[ms]").astype(np.int64) / 1000


def starts(span, *instants: str) -> list[str]:
    labels, index = span_starts(seconds(*instants), span)
    return [str(one)[:10] for one in labels[index]]


def test_months_begin_at_midnight():
    found = starts("monthly", "2020-02-29T23:59:59.999", "2020-03-01", "2019-02-28T12:00", "1969-12-31T23:59")
    assert found == ["2020-02-01", "2020-03-01", "2019-02-01", "1969-12-01"]


@pytest.mark.parametrize("year", [2019, 2020, 2000, 2100])
def test_quarters_end_with_the_twentieth(year):
    instants = [f"{year}-03-20T23:59:59.999", f"{year}-03-21", f"{year}-06-20T23:59", f"{year}-06-21", f"{year}-09-20"]
    instants += [f"{year}-09-21", f"{year}-12-20T12:00", f"{year}-12-21", f"{year}-12-31", f"{year + 1}-01-01"]
    winter, spring, summer, autumn, next_winter = (
        f"{year - 1}-12-21", f"{year}-03-21", f"{year}-06-21", f"{year}-09-21", f"{year}-12-21",
    )  # fmt: skip
    assert starts("seasonal", *instants) == [
        winter, spring, spring, summer, summer, autumn, autumn, next_winter, next_winter, next_winter,
    ]  # fmt: skip


def test_every_day_of_a_leap_year_has_its_quarter():
    days = np.arange("2019-12-21", "2020-12-21", dtype="datetime64[D]")
    labels, index = span_starts(days.astype("datetime64[s]").astype(float), "seasonal")
    assert labels.astype("datetime64[D]").astype(str).tolist() == [
        "2019-12-21",
        "2020-03-21",
        "2020-06-21",
        "2020-09-21",
    ]
    assert np.bincount(index).tolist() == [91, 92, 92, 91]


def test_years_and_months_of_all_years():
    instants = "2020-12-31T23:59:59", "2021-01-01", "2019-07-04", "1968-02-29", "2020-02-29"
    assert starts("annual", *instants) == ["2020-01-01", "2021-01-01", "2019-01-01", "1968-01-01", "2020-01-01"]
    found = starts("monthly-consolidated", *instants)
    assert found == ["1970-12-01", "1970-01-01", "1970-07-01", "1970-02-01", "1970-02-01"]


def test_bounds_end_where_the_next_span_begins():
    def bounds(span, *instants):
        labels, _ = span_starts(seconds(*instants), span)
        return [tuple(str(end)[:10] for end in pair) for pair in span_bounds(labels, span)]

    assert bounds("monthly", "2020-02-29", "2021-12-31") == [("2020-02-01", "2020-03-01"), ("2021-12-01", "2022-01-01")]
    assert bounds("seasonal", "2020-01-01", "2020-03-21") == [
        ("2019-12-21", "2020-03-21"),
        ("2020-03-21", "2020-06-21"),
    ]
    assert bounds("annual", "2020-02-29") == [("2020-01-01", "2021-01-01")]
    assert bounds("monthly-consolidated", "2020-12-31", "1999-02-01") == [
        ("1970-02-01", "1970-03-01"),
        ("1970-12-01", "1971-01-01"),
    ]


@given(INSTANTS, st.sampled_from(SPANS))
def test_every_time_lies_in_its_span_and_spans_do_not_overlap(times, span):
    labels, index = span_starts(times, span)
    bounds = span_bounds(labels, span)
    assert labels.dtype == bounds.dtype == np.dtype("datetime64[s]")
    assert (np.diff(labels) > np.timedelta64(0)).all()
    assert set(index.tolist()) == set(range(len(labels)))
    assert (bounds[:, 0] == labels).all()
    assert (bounds[1:, 0] >= bounds[:-1, 1]).all()
    if span != "monthly-consolidated":
        assert (bounds[index, 0].astype(float) <= times).all()
        assert (times < bounds[index, 1].astype(float)).all()


def test_unknown_spans_and_times_without_number_are_named():
    with pytest.raises(InvalidOptions, match="span is 'weekly'; it must be one of monthly, seasonal"):
        span_starts([0.0], "weekly")
    with pytest.raises(InvalidOptions, match="span is 'weekly'"):
        span_bounds(np.array([0], "datetime64[s]"), "weekly")
    with pytest.raises(InvalidInput, match="finite seconds"):
        span_starts([0.0, np.nan], "monthly")
    labels, index = span_starts([], "monthly")
    assert (labels.size, index.size, span_bounds(labels, "monthly").shape) == (0, 0, (0, 2))
    assert list(span_statistics([], "annual", [])) == []


def only(times, *slices, span="annual"):
    ((_, found),) = span_statistics(times, span, slices)
    return found


def test_two_captures_in_closed_form():
    found = only(
        [0.0, 60.0], Slice(np.array([[400.0]]), np.array([[1.0]])), Slice(np.array([[410.0]]), np.array([[2.0]]))
    )
    assert found.mean == 405
    assert found.mean_uncertainty == pytest.approx(np.sqrt(5) / 2)
    assert found.spread == pytest.approx(np.sqrt(50))
    assert found.mean_scatter_error == pytest.approx(5)
    assert found.weighted_mean == pytest.approx(402)
    assert found.weighted_mean_uncertainty == pytest.approx(np.sqrt(0.8))
    assert found.weighted_mean_scatter_error == pytest.approx(np.sqrt((4 + 0.25 * 64) / 1.25))
    assert (found.valid_count, found.n_days) == (2, 1)


def test_one_capture_is_its_own_mean_without_spread():
    found = only([0.0], Slice(np.array([[400.1, np.nan]]), np.array([[0.3, 0.3]])))
    assert found.mean[0, 0] == found.weighted_mean[0, 0] == 400.1
    assert found.mean_uncertainty[0, 0] == found.weighted_mean_uncertainty[0, 0] == pytest.approx(0.3)
    for name in ("spread", "mean_scatter_error", "weighted_mean_scatter_error"):
        assert np.isnan(getattr(found, name)).all()
    for name in ("mean", "mean_uncertainty", "weighted_mean", "weighted_mean_uncertainty"):
        assert np.isnan(getattr(found, name)[0, 1])
    assert found.valid_count.tolist() == found.n_days.tolist() == [[1, 0]]
    assert found.valid_count.dtype == found.n_days.dtype == np.int32


def test_captures_without_uncertainty_count_in_the_plain_mean_alone():
    values = [
        Slice(np.array([[1.0]]), np.array([[0.5]])),
        Slice(np.array([[3.0]])),
        Slice(np.array([[8.0]]), np.zeros((1, 1))),
    ]
    found = only([0.0, 1.0, 2.0], *values)
    assert found.mean == 4
    assert np.isnan(found.mean_uncertainty)
    assert (found.weighted_mean, found.weighted_mean_uncertainty) == (1, 0.5)
    assert np.isnan(found.weighted_mean_scatter_error)
    assert found.valid_count == 3


def test_equal_uncertainties_make_both_means_one():
    values = [Slice(np.array([[one]]), np.array([[0.7]])) for one in (400.0, 401.0, 405.0)]
    found = only([0.0, 1.0, 2.0], *values)
    assert found.weighted_mean == pytest.approx(found.mean)
    assert found.weighted_mean_uncertainty == pytest.approx(found.mean_uncertainty)
    assert found.weighted_mean_scatter_error == pytest.approx(found.mean_scatter_error)


def test_days_are_counted_where_there_is_a_value():
    one, nothing = np.ones(1), np.full(1, np.nan)
    pair = [Slice(np.stack([one, one])), Slice(np.stack([one, nothing])), Slice(np.stack([nothing, one]))]
    found = only([DAY_S - 1, DAY_S, 2 * DAY_S - 1], *pair)
    assert found.n_days.tolist() == [[2], [2]]
    assert found.valid_count.tolist() == [[2], [2]]
    found = only([DAY_S, DAY_S + 1, 2 * DAY_S - 1], *pair)
    assert found.n_days.tolist() == [[1], [1]]


def test_a_small_spread_on_a_large_value_is_kept():
    """Sums of squares would lose all of it: 1e9 squared has no digit left for it."""
    values = 1e9 + np.array([4.0, 7.0, 13.0, 16.0])
    found = only(np.arange(4.0), *[Slice(np.full((1, 1), one), np.full((1, 1), 0.1)) for one in values])
    assert found.spread == pytest.approx(np.sqrt(30), rel=1e-12)
    assert found.weighted_mean_scatter_error == pytest.approx(np.sqrt(30) / 2, rel=1e-12)
    assert found.mean == 1e9 + 10


def reference(values, sigmas, days):
    """Return the statistics of one cell from all its captures at once."""
    valid = np.isfinite(values)
    x, s, days = values[valid], sigmas[valid], days[valid]
    n, nan = x.size, np.nan
    known = np.isfinite(s) & (s > 0)
    w, y = s[known] ** -2.0, x[known]
    weighted = (w * y).sum() / w.sum() if w.size else nan
    spread = x.std(ddof=1) if n > 1 else nan
    scatter = np.sqrt((w * (y - weighted) ** 2).sum() / ((w.size - 1) * w.sum())) if w.size > 1 else nan
    return {
        "mean": x.mean() if n else nan,
        "mean_uncertainty": np.sqrt((s**2).sum()) / n if n and known.all() else nan,
        "mean_scatter_error": spread / np.sqrt(n) if n > 1 else nan,
        "weighted_mean": weighted,
        "weighted_mean_uncertainty": w.sum() ** -0.5 if w.size else nan,
        "weighted_mean_scatter_error": scatter,
        "spread": spread,
        "valid_count": n,
        "n_days": len(set(days)),
    }


VALUES = st.one_of(st.just(np.nan), st.floats(380, 430))
SIGMAS = st.one_of(st.sampled_from([np.nan, 0.0, -1.0]), st.floats(0.1, 5))


@st.composite
def cubes(draw):
    count = draw(st.integers(1, 14))
    times = sorted(draw(st.lists(st.floats(1.5e9, 1.5e9 + 3 * 365 * DAY_S), min_size=count, max_size=count)))
    values = draw(st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=count, max_size=count))
    sigmas = draw(st.lists(st.lists(SIGMAS, min_size=2, max_size=2), min_size=count, max_size=count))
    return np.array(times), np.array(values)[:, None, :], np.array(sigmas)[:, None, :]


@settings(max_examples=150)
@given(cubes(), st.sampled_from(SPANS))
def test_means_are_those_of_all_captures_at_once(cube, span):
    times, values, sigmas = cube
    days = np.floor(times / DAY_S)
    labels, index = span_starts(times, span)
    found = dict(span_statistics(times, span, (Slice(*one) for one in zip(values, sigmas, strict=True))))
    assert set(found) == set(labels)
    for number, label in enumerate(labels):
        mine = index == number
        for column in range(2):
            expected = reference(values[mine, 0, column], sigmas[mine, 0, column], days[mine])
            for name, value in expected.items():
                assert getattr(found[label], name)[0, column] == pytest.approx(value, rel=1e-9, abs=1e-6, nan_ok=True)


@given(cubes())
def test_the_order_matters_to_rounding_only(cube):
    _, values, sigmas = cube

    def run(numbers):
        running = SpanAccumulator(values.shape[1:])
        for one in numbers:
            running.add(Slice(values[one], sigmas[one]), 0)
        return running.statistics()

    there, again, back = run(range(len(values))), run(range(len(values))), run(reversed(range(len(values))))
    for name, expected in vars(there).items():
        np.testing.assert_array_equal(getattr(again, name), expected)
        np.testing.assert_allclose(getattr(back, name), expected, rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(back.valid_count, there.valid_count)


def test_a_span_is_given_out_when_its_last_slice_is_in():
    taken = []

    def slices():
        for number in range(4):
            taken.append(number)
            yield Slice(np.full((1, 1), float(number)))

    times = seconds("2019-11-05", "2019-12-05", "2020-01-05", "2020-11-05")
    found = [
        (str(label)[:7], float(one.mean[0, 0]), len(taken))
        for label, one in span_statistics(times, "monthly", slices())
    ]
    assert found == [("2019-11", 0.0, 1), ("2019-12", 1.0, 2), ("2020-01", 2.0, 3), ("2020-11", 3.0, 4)]
    taken.clear()
    found = [
        (str(label)[:7], float(one.mean[0, 0]), len(taken))
        for label, one in span_statistics(times, "monthly-consolidated", slices())
    ]
    assert found == [("1970-12", 1.0, 2), ("1970-01", 2.0, 3), ("1970-11", 1.5, 4)]


def test_single_precision_is_averaged_in_double():
    values = np.float32([400.1, 400.2, 400.3])
    found = only(np.arange(3.0), *[Slice(np.full((1, 1), one)) for one in values])
    assert found.mean == pytest.approx(values.astype(float).mean(), rel=1e-15)
    assert np.isnan(found.weighted_mean)
    assert np.isnan(found.mean_uncertainty)


def test_extreme_uncertainties_are_none():
    sigmas = [1e-200, 1e200, np.inf, 1.0]
    found = only(np.arange(4.0), *[Slice(np.full((1, 1), 2.0 * n), np.full((1, 1), s)) for n, s in enumerate(sigmas)])
    assert (found.weighted_mean, found.weighted_mean_uncertainty, found.valid_count) == (6, 1, 4)


def test_slices_that_do_not_fit_are_named():
    one = Slice(np.ones((2, 2)))
    with pytest.raises(InvalidInput, match="slice 2 is earlier than the one before; sort"):
        list(span_statistics([0.0, 2.0, 1.0], "annual", [one] * 3))
    with pytest.raises(InvalidInput, match="2 times and more slices"):
        list(span_statistics([0.0, 2.0], "annual", [one] * 3))
    with pytest.raises(InvalidInput, match="3 times, but only 2 slices"):
        list(span_statistics([0.0, 1.0, 2.0], "annual", [one] * 2))
    with pytest.raises(InvalidInput, match=r"values of a slice have the shape \(1, 2\), those before have \(2, 2\)"):
        list(span_statistics([0.0, 1.0], "annual", [one, Slice(np.ones((1, 2)))]))
    with pytest.raises(InvalidInput, match="uncertainties of a slice have the shape"):
        list(span_statistics([0.0], "annual", [Slice(np.ones((2, 2)), np.ones(4))]))
