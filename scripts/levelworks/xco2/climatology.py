"""Time means of a cube of captures by month, quarter, year or month of all years: arrays in and arrays out.

Slices come one at a time in ascending time, and a span leaves the memory when its last slice is in: one span is held at
a time, or twelve where years are consolidated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from levelworks.core.outcome import InvalidInput, InvalidOptions

Span: TypeAlias = Literal["monthly", "seasonal", "annual", "monthly-consolidated"]
SPANS: tuple[Span, ...] = get_args(Span)
LAST_DAY = 20
"""Day of March, June, September and December with which a quarter ends, as in OCO3-data-transformer."""

Floats = NDArray[np.float64]


class Slice(NamedTuple):
    """One capture on the grid of its cube, shape (rows, columns).

    Attributes
    ----------
    values : ndarray
        What is not finite counts as nothing.
    uncertainties : ndarray, optional
        Standard errors in the unit of the values; one that is not finite or not above 0 counts as none.
    """

    values: np.ndarray
    uncertainties: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class SpanStatistics:
    """Means of one span, every array of shape (rows, columns), floats NaN where they have no value.

    Attributes
    ----------
    mean : ndarray, float64
        Plain mean over captures.
    mean_uncertainty : ndarray, float64
        Its standard error if errors of captures are independent, sqrt(sum s^2) / n; NaN unless all have one.
    mean_scatter_error : ndarray, float64
        Its standard error by the scatter of the captures, spread / sqrt(n); NaN for less than two.
    weighted_mean : ndarray, float64
        Mean by inverse variance over captures with an uncertainty.
    weighted_mean_uncertainty : ndarray, float64
        Its standard error if errors of captures are independent, 1 / sqrt(sum w) with w = s^-2.
    weighted_mean_scatter_error : ndarray, float64
        Its standard error by the scatter, sqrt(sum w (x - mean)^2 / ((n - 1) sum w)); equal uncertainties give
        spread / sqrt(n). NaN for less than two.
    spread : ndarray, float64
        Sample standard deviation of the captures; NaN for less than two.
    valid_count : ndarray, int32
        Number of captures.
    n_days : ndarray, int32
        Number of UTC days that they fall on.
    """

    mean: Floats
    mean_uncertainty: Floats
    mean_scatter_error: Floats
    weighted_mean: Floats
    weighted_mean_uncertainty: Floats
    weighted_mean_scatter_error: Floats
    spread: Floats
    valid_count: NDArray[np.int32]
    n_days: NDArray[np.int32]


def span_starts(times_s: ArrayLike, span: Span) -> tuple[NDArray[np.datetime64], NDArray[np.intp]]:
    """Sort times into spans.

    Parameters
    ----------
    times_s : array_like, shape (T,)
        Seconds since 1970-01-01 UTC, in any order.
    span : {"monthly", "seasonal", "annual", "monthly-consolidated"}
        Calendar months; quarters that end with the 20th of March, June, September and December, so that the next one
        starts on the 21st; calendar years; calendar months of all years together, as months of 1970.

    Returns
    -------
    labels : ndarray, shape (S,), datetime64[s]
        Starts of the spans that hold a time, ascending.
    index : ndarray of int, shape (T,)
        Position of each time's span in ``labels``.

    Raises
    ------
    InvalidOptions
        Where the span is unknown.
    InvalidInput
        Where a time is not finite.
    """
    days = _utc_days(times_s)
    months = days.astype("datetime64[M]")
    if _known(span) == "annual":
        starts = days.astype("datetime64[Y]").astype("datetime64[s]")
    elif span == "seasonal":
        # Less the days before the cut, a quarter is three whole months from March, the month 2 of 1970.
        shifted = (days - np.timedelta64(LAST_DAY, "D")).astype("datetime64[M]").astype(np.int64)
        first = ((shifted - 2) // 3 * 3 + 2).astype("datetime64[M]")
        starts = (first.astype("datetime64[D]") + np.timedelta64(LAST_DAY, "D")).astype("datetime64[s]")
    elif span == "monthly":
        starts = months.astype("datetime64[s]")
    else:
        starts = (months.astype(np.int64) % 12).astype("datetime64[M]").astype("datetime64[s]")
    labels, index = np.unique(starts, return_inverse=True)
    return labels, index.reshape(-1)


def span_bounds(labels: NDArray[np.datetime64], span: Span) -> NDArray[np.datetime64]:
    """Return starts and ends of spans, shape (S, 2), datetime64[s]; an end is the start of what follows.

    Parameters
    ----------
    labels : ndarray, shape (S,), datetime64[s]
        As `span_starts` gives them; those of consolidated months are bounded in 1970.
    span : {"monthly", "seasonal", "annual", "monthly-consolidated"}

    Raises
    ------
    InvalidOptions
        Where the span is unknown.
    """
    months = {"annual": 12, "seasonal": 3}.get(_known(span), 1)
    starts = np.asarray(labels, "datetime64[s]")
    first = starts.astype("datetime64[M]")
    ends = (first + np.timedelta64(months, "M")).astype("datetime64[s]") + (starts - first.astype("datetime64[s]"))
    return np.stack([starts, ends], axis=-1)


def span_statistics(
    times_s: ArrayLike, span: Span, slices: Iterable[Slice]
) -> Iterator[tuple[np.datetime64, SpanStatistics]]:
    """Average slices over spans, and give out each span when its last slice is in.

    Parameters
    ----------
    times_s : array_like, shape (T,)
        Seconds since 1970-01-01 UTC, not descending.
    span : {"monthly", "seasonal", "annual", "monthly-consolidated"}
        See `span_starts`.
    slices : iterable of Slice
        T slices of one shape, taken one at a time.

    Yields
    ------
    label : datetime64[s]
        Start of the span. Labels ascend, but for consolidated months: these come in the order in which they end.
    statistics : SpanStatistics

    Raises
    ------
    InvalidOptions
        Where the span is unknown.
    InvalidInput
        Where times descend or are not finite, or slices differ in shape or from the times in number.
    """
    times, days = np.asarray(times_s, np.float64), _utc_days(times_s).astype(np.int64)
    labels, index = span_starts(times, span)
    if (np.diff(times) < 0).any():
        where = int(np.flatnonzero(np.diff(times) < 0)[0]) + 1
        raise InvalidInput(f"slice {where} is earlier than the one before; sort slices by time")
    last = {int(one): position for position, one in enumerate(index)}
    running: dict[int, SpanAccumulator] = {}
    taken = 0
    for one in slices:
        if taken == times.size:
            raise InvalidInput(f"there are {times.size} times and more slices; give one time for each slice")
        number = int(index[taken])
        if number not in running:
            running[number] = SpanAccumulator(np.shape(one.values))
        running[number].add(one, int(days[taken]))
        if last[number] == taken:
            yield labels[number], running.pop(number).statistics()
        taken += 1
    if taken < times.size:
        raise InvalidInput(f"there are {times.size} times, but only {taken} slices; give one time for each slice")


class SpanAccumulator:
    """Running means of one span, by the updates of Welford (1962), with weights West (1979), doi:10.1145/359146.359153.

    The same slices in the same order give the same bits. Another order changes means, errors and spread by rounding
    only, counts not at all; days must not descend, or ``n_days`` would count one twice.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        size = int(np.prod(shape))
        self._count, self._days = np.zeros(size, np.int32), np.zeros(size, np.int32)
        self._last_day = np.full(size, np.iinfo(np.int64).min)
        self._mean, self._squares = np.zeros(size), np.zeros(size)
        self._known, self._variance = np.zeros(size, np.int32), np.zeros(size)
        self._weight, self._weighted_mean, self._weighted_squares = np.zeros(size), np.zeros(size), np.zeros(size)

    def add(self, one: Slice, day: int) -> None:
        """Add a slice.

        Parameters
        ----------
        one : Slice
        day : int
            Its UTC day since 1970-01-01, not less than that of the slice before.

        Raises
        ------
        InvalidInput
            Where values or uncertainties have another shape.
        """
        values = self._flat(one.values, "values")
        cells = np.flatnonzero(np.isfinite(values))
        found = values[cells]
        self._count[cells] += 1
        self._days[cells] += self._last_day[cells] != day
        self._last_day[cells] = day
        step = found - self._mean[cells]
        self._mean[cells] += step / self._count[cells]
        self._squares[cells] += step * (found - self._mean[cells])
        if one.uncertainties is not None:
            self._add_weighted(cells, found, self._flat(one.uncertainties, "uncertainties")[cells])

    def _add_weighted(self, cells: NDArray[np.intp], found: Floats, uncertainties: Floats) -> None:
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            weights = uncertainties**-2.0
        usable = (uncertainties > 0) & np.isfinite(weights) & (weights >= np.finfo(np.float64).tiny)
        cells, found, weights = cells[usable], found[usable], weights[usable]
        self._known[cells] += 1
        self._variance[cells] += uncertainties[usable] ** 2
        self._weight[cells] += weights
        step = found - self._weighted_mean[cells]
        self._weighted_mean[cells] += step * (weights / self._weight[cells])
        self._weighted_squares[cells] += weights * step * (found - self._weighted_mean[cells])

    def statistics(self) -> SpanStatistics:
        """Return the means of what was added."""
        count, known = self._count, self._known
        spread = _root(self._squares, count - 1)
        found = {
            "mean": np.where(count > 0, self._mean, np.nan),
            "mean_uncertainty": _root(self._variance, np.where(known == count, np.square(count, dtype=float), 0)),
            "mean_scatter_error": _root(spread**2, count),
            "weighted_mean": np.where(known > 0, self._weighted_mean, np.nan),
            "weighted_mean_uncertainty": _root(np.ones(count.size), self._weight),
            "weighted_mean_scatter_error": _root(self._weighted_squares, (known - 1) * self._weight),
            "spread": spread,
        }
        floats = {name: one.reshape(self._shape) for name, one in found.items()}
        counts = count.reshape(self._shape).copy(), self._days.reshape(self._shape).copy()
        return SpanStatistics(**floats, valid_count=counts[0], n_days=counts[1])

    def _flat(self, array: np.ndarray, name: str) -> Floats:
        if np.shape(array) != self._shape:
            raise InvalidInput(f"{name} of a slice have the shape {np.shape(array)}, those before have {self._shape}")
        return np.asarray(array, np.float64).reshape(-1)


def _root(numerator: Floats, denominator: np.ndarray) -> Floats:
    """Return square roots of quotients, NaN where the denominator is not above 0."""
    quotient = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return np.sqrt(np.maximum(quotient, 0.0))  # rounding may leave a sum of squares a hair below 0


def _known(span: Span) -> Span:
    if span not in SPANS:
        raise InvalidOptions(f"span is {span!r}; it must be one of {', '.join(SPANS)}")
    return span


def _utc_days(times_s: ArrayLike) -> NDArray[np.datetime64]:
    times = np.asarray(times_s, np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise InvalidInput("times must be a row of finite seconds since 1970-01-01 UTC; leave slices without time out")
    return np.floor(times / 86400.0).astype(np.int64).astype("datetime64[D]")
