"""Choose the pairs of a frame: deterministic, connected, and stable as dates are added (specs/insar.md 5.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.network.epochs import Epoch, Pair, baseline_between, pair_cost

DAYS_OF_MONTH = 365.25 / 12


@dataclass(frozen=True)
class PairRules:
    """What pairs to choose.

    Parameters
    ----------
    neighbours : int
        Earlier dates that each date is paired with, the nearest.
    longest : int
        Days, of these pairs.
    seasons : tuple of int
        Months back, at which each date of a season month is paired with the one of least perpendicular baseline.
    season_months : tuple of int
        Months of the year whose dates take seasonal pairs.
    season_tolerance : int
        Days by which a seasonal pair may differ from its span.
    platforms : tuple of str
        That both dates are of; empty for all.
    longest_connection : int
        Days, of pairs that are added to connect parts, or to give a date its second pair.
    """

    neighbours: int = 4
    longest: int = 180
    seasons: tuple[int, ...] = (3, 6, 12)
    season_months: tuple[int, ...] = (3, 6, 9, 12)
    season_tolerance: int = 18
    platforms: tuple[str, ...] = ()
    longest_connection: int = 400


@dataclass(frozen=True)
class Gap:
    """Two dates between which no pair is allowed: the last before the gap and the first after it."""

    before: dt.date
    after: dt.date

    def __str__(self) -> str:
        """Return the gap as a person reads it."""
        return f"{self.before} to {self.after}: {(self.after - self.before).days} days"


@dataclass(frozen=True)
class Network:
    """The pairs of a frame, sorted, why each was chosen, and the gaps that leave it in parts."""

    pairs: tuple[Pair, ...]
    reasons: dict[Pair, str]
    gaps: tuple[Gap, ...]


def select_pairs(
    epochs: Iterable[Epoch],
    rules: PairRules | None = None,
    *,
    kept: Iterable[Pair] = (),
    excluded: Iterable[Pair] = (),
) -> Network:
    """Choose the pairs of a frame.

    Dates are taken in the order of time and only look back, so that a later date adds pairs and changes none. Dates
    that come in between add theirs to the pairs that were kept.

    Parameters
    ----------
    epochs : iterable of Epoch
        In any order; the result doesn't depend on it.
    rules : PairRules, optional
    kept : iterable of Pair
        That exist: they stay where both dates do, and their dates take no new pairs among themselves, save to connect.
    excluded : iterable of Pair
        That must not be chosen.

    Returns
    -------
    Network
        One connected part; where no allowed pair connects two parts, the gap between them is reported.

    Raises
    ------
    InvalidOptions
        Where a date stands twice.
    """
    rules = rules or PairRules()
    taken = [epoch for epoch in epochs if not rules.platforms or epoch.platform in rules.platforms]
    dates = sorted(taken, key=lambda epoch: epoch.date)
    if len({epoch.date for epoch in dates}) != len(dates):
        twice = next(str(a.date) for a, b in pairwise(dates) if a.date == b.date)
        raise InvalidOptions(f"a frame has one epoch a date; {twice} stands twice")
    there, refused = {epoch.date for epoch in dates}, frozenset(excluded)
    reasons = {pair: "kept" for pair in sorted(kept) if pair.first in there and pair.second in there}
    reasons = {pair: why for pair, why in reasons.items() if pair not in refused}
    known = {date for pair in reasons for date in (pair.first, pair.second)}
    wanted: dict[dt.date, list[tuple[Pair, str]]] = {}
    for pair, why in _wanted(dates, rules):
        if pair not in refused and not (pair.first in known and pair.second in known):
            wanted.setdefault(pair.second, []).append((pair, why))
    legal = _Legal(rules.longest_connection, refused)
    for k, late in enumerate(dates):
        for pair, why in wanted.get(late.date, ()):
            reasons.setdefault(pair, why)
        _connect(dates[: k + 1], legal, reasons)
        _second_pairs(dates[: k + 1], legal, reasons)
    return Network(tuple(sorted(reasons)), {pair: reasons[pair] for pair in sorted(reasons)}, _gaps(dates, reasons))


@dataclass(frozen=True)
class _Legal:
    """Which pairs may connect: days at the most, and those that are refused."""

    longest: int
    refused: frozenset[Pair]

    def cheapest(self, pairs: Iterable[tuple[Epoch, Epoch]]) -> Pair | None:
        """Return the cheapest pair that is allowed, of ones that cost the same the earliest; None where none is."""
        found = [
            (pair_cost(one, two), Pair(one.date, two.date))
            for one, two in pairs
            if (two.date - one.date).days <= self.longest and Pair(one.date, two.date) not in self.refused
        ]
        return min(found)[1] if found else None


def _wanted(dates: Sequence[Epoch], rules: PairRules) -> Iterator[tuple[Pair, str]]:
    """Yield the pairs that each date wants with earlier ones, and why."""
    for k, late in enumerate(dates):
        for early in dates[max(k - rules.neighbours, 0) : k]:
            if (late.date - early.date).days <= rules.longest:
                yield Pair(early.date, late.date), "neighbour"
        if late.date.month not in rules.season_months:
            continue
        for months in rules.seasons:
            span = months * DAYS_OF_MONTH
            found = [
                (
                    baseline_between(early, late),
                    abs((late.date - early.date).days - span),
                    early.date,
                )
                for early in dates[:k]
                if abs((late.date - early.date).days - span) <= rules.season_tolerance
            ]
            if found:
                yield Pair(min(found)[2], late.date), f"{months} months"


def _connect(dates: Sequence[Epoch], legal: _Legal, reasons: dict[Pair, str]) -> None:
    """Join the last date's part to each of the others by the cheapest pair of the last date, where one is allowed.

    Dates come one after the other: what a date was joined by stays, whatever dates follow.
    """
    *before, late = dates
    while before:
        parts = _parts(dates, [pair for pair in reasons if pair.second <= late.date])
        found = legal.cheapest((early, late) for early in before if parts[early.date] != parts[late.date])
        if found is None:
            return
        reasons[found] = "connects parts"


def _second_pairs(dates: Sequence[Epoch], legal: _Legal, reasons: dict[Pair, str]) -> None:
    """Give dates with one pair a second, save the first and last date: without a triplet nothing tests a pair."""
    degree = dict.fromkeys((epoch.date for epoch in dates), 0)
    for pair in reasons:
        if pair.second <= dates[-1].date:
            degree[pair.first] += 1
            degree[pair.second] += 1
    for k in range(1, len(dates) - 1):
        own = dates[k]
        if degree[own.date] != 1:
            continue
        others = [(early, own) for early in dates[:k]] + [(own, late) for late in dates[k + 1 :]]
        found = legal.cheapest((one, two) for one, two in others if Pair(one.date, two.date) not in reasons)
        if found is not None:
            reasons[found] = "second pair"
            degree[found.first] += 1
            degree[found.second] += 1


def _parts(dates: Sequence[Epoch], pairs: Iterable[Pair]) -> dict[dt.date, dt.date]:
    """Return the earliest date that each date is connected with."""
    part = {epoch.date: epoch.date for epoch in dates}

    def root(date: dt.date) -> dt.date:
        while part[date] != date:
            part[date] = part[part[date]]
            date = part[date]
        return date

    for pair in pairs:
        one, two = root(pair.first), root(pair.second)
        part[max(one, two)] = min(one, two)
    return {date: root(date) for date in part}


def _gaps(dates: Sequence[Epoch], pairs: Iterable[Pair]) -> tuple[Gap, ...]:
    """Return where consecutive dates are in different parts."""
    parts = _parts(dates, pairs)
    return tuple(Gap(one.date, two.date) for one, two in pairwise(dates) if parts[one.date] != parts[two.date])
