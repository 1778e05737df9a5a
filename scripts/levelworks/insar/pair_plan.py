"""The pairs of a frame as its dates came: what was chosen among dates that were there stays when others come."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.frames.products import PlannedAcquisition
from levelworks.insar.network.epochs import Epoch, Pair, parse_pair
from levelworks.insar.network.pair_options import Pairs
from levelworks.insar.network.select_pairs import Network, PairRules, select_pairs


def plan_pairs(
    options: Pairs,
    acquisitions: Mapping[str, PlannedAcquisition],
    baselines: Mapping[str, float],
    batches: Mapping[str, str],
    standing: Iterable[str] = (),
) -> Network:
    """Choose the pairs of a frame; dates that came in between earlier ones add theirs to those that stand.

    Parameters
    ----------
    options : Pairs
    acquisitions : mapping of str to PlannedAcquisition
        By date (YYYYMMDD).
    baselines : mapping of str to float
        Perpendicular, to the reference (m), of the dates of which it is known.
    batches : mapping of str to str
        Of each date, with which others it came.
    standing : iterable of str
        Pairs that were chosen of all dates but the last that came: they stay, whatever is known by now of baselines.
        Where there are none, each batch chooses again as it came.

    Raises
    ------
    InvalidOptions
        Where what is excluded is no pair.
    """
    rules = PairRules(
        options.neighbours,
        options.longest,
        tuple(options.seasons),
        tuple(options.season_months),
        options.season_tolerance,
        (),
        options.longest_connection,
    )
    epochs = {
        date: Epoch(found.products[0].start.date(), baselines.get(date, math.nan), found.mission)
        for date, found in acquisitions.items()
    }
    excluded = [_excluded(name) for name in options.excluded]
    kept = tuple(map(parse_pair, standing))
    network = Network(kept, {}, ())
    for dates in [sorted(epochs)] if kept else _arrivals(batches):
        network = select_pairs((epochs[date] for date in dates), rules, kept=network.pairs, excluded=excluded)
    return network


def _arrivals(batches: Mapping[str, str]) -> list[list[str]]:
    """Return the dates that were there each time one came in between earlier ones, and last all of them."""
    stages: list[list[str]] = []
    dates: list[str] = []
    for batch in sorted(set(batches.values())):
        own = [date for date, first in batches.items() if first == batch]
        if dates and min(own) < max(dates):
            stages.append(sorted(dates))
        dates += own
    return [*stages, sorted(dates)]


def _excluded(name: str) -> Pair:
    try:
        return parse_pair(name)
    except ValueError as error:
        raise InvalidOptions(f"config: insar.pairs.excluded: {error}") from None
