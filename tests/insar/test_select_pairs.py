"""The network of pairs: nearest dates, seasons, one part, gaps, and no change of what was chosen."""

from __future__ import annotations

import datetime as dt
import math
import random
import subprocess
import sys
from itertools import accumulate, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.network.epochs import Epoch, Pair, parse_pair
from levelworks.insar.network.select_pairs import Gap, PairRules, select_pairs
from levelworks.insar.network.triplets import find_triplets

START = dt.date(2020, 1, 6)


def every(days, count, start=START, seed=3):
    draw = random.Random(seed)
    return [Epoch(start + dt.timedelta(days * k), draw.gauss(0, 60), "S1A") for k in range(count)]


def test_nearest_neighbours():
    epochs = every(12, 10)
    network = select_pairs(epochs, PairRules(neighbours=3, seasons=()))
    dates = [epoch.date for epoch in epochs]
    assert network.pairs == tuple(Pair(a, b) for a, b in combinations(dates, 2) if (b - a).days <= 36)
    assert network.gaps == ()
    assert len(find_triplets(network.pairs)) == sum((c - a).days <= 36 for a, _, c in combinations(dates, 3))


def test_order_does_not_matter():
    epochs = every(12, 60)
    one = select_pairs(epochs)
    random.Random(1).shuffle(epochs)
    assert select_pairs(epochs) == one


def test_seasonal_pairs_have_the_least_baseline():
    epochs = every(12, 60)
    network, baseline = select_pairs(epochs), {epoch.date: epoch.perpendicular_baseline for epoch in epochs}
    seasonal = [pair for pair, why in network.reasons.items() if why == "12 months"]
    assert seasonal
    for pair in seasonal:
        others = [date for date in baseline if abs((pair.second - date).days - 365.25) <= 18]
        assert pair.first == min(others, key=lambda date: abs(baseline[date] - baseline[pair.second]))


def test_new_dates_add_only_their_pairs():
    epochs = every(12, 50)
    before = select_pairs(epochs[:40])
    batch = select_pairs(epochs)
    grown = select_pairs(epochs, kept=before.pairs)
    assert grown.pairs == batch.pairs
    new = {epoch.date for epoch in epochs[40:]}
    assert all(pair.second in new for pair in set(grown.pairs) - set(before.pairs))
    late = Epoch(START + dt.timedelta(5), 0.0, "S1A")
    inserted = select_pairs([*epochs, late], kept=grown.pairs)
    assert set(grown.pairs) < set(inserted.pairs)
    assert all(late.date in (pair.first, pair.second) for pair in set(inserted.pairs) - set(grown.pairs))


def test_a_date_of_unknown_baseline_is_chosen_by_days():
    epochs = every(12, 60)
    lost = epochs[45]
    known = select_pairs(epochs)
    unknown = [Epoch(e.date, math.nan if e == lost else e.perpendicular_baseline, "S1A") for e in epochs]
    found = select_pairs(reversed(unknown))
    assert lost.date.month in PairRules().season_months
    for months in (3, 6, 12):
        span = months * 365.25 / 12
        others = [e.date for e in epochs if abs((lost.date - e.date).days - span) <= 18]
        best = min(others, key=lambda date: abs((lost.date - date).days - span))
        assert Pair(best, lost.date) in found.pairs
    # Dates that are known take it for none of theirs where another is known; those without it are as before.
    touched = {pair for pair in set(known.pairs) ^ set(found.pairs) if lost.date not in (pair.first, pair.second)}
    assert all(Pair(lost.date, pair.second) in known.pairs for pair in touched)
    assert found.gaps == ()
    blind = select_pairs([Epoch(e.date, math.nan, "S1A") for e in epochs])
    assert blind.pairs == select_pairs([Epoch(e.date, 0.0, "S1A") for e in epochs]).pairs


@given(
    st.lists(
        st.tuples(st.integers(1, 260), st.one_of(st.floats(-150, 150), st.just(math.nan))), min_size=2, max_size=14
    ),
    st.integers(1, 4),
)
def test_later_dates_change_no_pair(steps, neighbours):
    """With gaps, lone dates and unknown baselines: what earlier dates chose stays when later ones come."""
    days = accumulate(step for step, _ in steps)
    epochs = [Epoch(START + dt.timedelta(day), value) for day, (_, value) in zip(days, steps, strict=True)]
    rules = PairRules(neighbours=neighbours, longest=100, season_months=tuple(range(1, 13)), longest_connection=200)
    before: set[Pair] = set()
    for k in range(1, len(epochs) + 1):
        network = select_pairs(epochs[:k], rules)
        late = epochs[k - 1].date
        assert before <= set(network.pairs)
        # A date that was the last may take its second pair now; all else is of the new date.
        last = epochs[k - 2].date if k > 1 else late
        assert all({late, last} & {pair.first, pair.second} for pair in set(network.pairs) - before)
        before = set(network.pairs)
    assert all((gap.after - gap.before).days > 200 for gap in network.gaps)


def test_parts_are_connected_by_the_cheapest_pair_or_the_gap_is_told():
    near, far = every(12, 6), every(12, 6, START + dt.timedelta(300))
    rules = PairRules(seasons=())
    network = select_pairs([*near, *far], rules)
    joined = [pair for pair, why in network.reasons.items() if why == "connects parts"]
    # Of the first date beyond the gap, so that no later one changes it.
    cost = {
        Pair(a.date, b.date): (b.date - a.date).days / 180
        + abs(a.perpendicular_baseline - b.perpendicular_baseline) / 150
        for a in near
        for b in far[:1]
    }
    assert joined == [min(cost, key=cost.__getitem__)]
    assert network.gaps == ()
    apart = select_pairs([*near, *every(12, 6, START + dt.timedelta(900))], rules)
    assert apart.gaps == (Gap(near[-1].date, START + dt.timedelta(900)),)


def test_every_inner_date_has_two_pairs():
    epochs = [*every(12, 5), Epoch(START + dt.timedelta(250)), *every(12, 5, START + dt.timedelta(450))]
    network = select_pairs(epochs, PairRules(seasons=()))
    degree = {epoch.date: sum(epoch.date in (p.first, p.second) for p in network.pairs) for epoch in epochs}
    assert min(degree.values()) >= 2
    assert network.gaps == ()


def test_platforms_exclusions_and_bad_input():
    epochs = [*every(12, 5), *(Epoch(e.date + dt.timedelta(6), 0.0, "S1B") for e in every(12, 5))]
    only = select_pairs(epochs, PairRules(platforms=("S1B",)))
    assert {pair.days % 12 for pair in only.pairs} == {0}
    refused = only.pairs[0]
    again = select_pairs(epochs, PairRules(platforms=("S1B",)), excluded=[refused], kept=only.pairs)
    assert refused not in again.pairs
    with pytest.raises(InvalidOptions, match="2020-01-06 stands twice"):
        select_pairs([*epochs, Epoch(START)])
    assert str(parse_pair("20200106_20200118")) == "20200106_20200118"
    for name in ("20200118_20200106", "20200106", "2020-01-06_20200118"):
        with pytest.raises(ValueError, match="earlier date first"):
            parse_pair(name)


def test_planning_needs_no_arrays(project):
    code = (
        "import sys, levelworks.insar.network.select_pairs, levelworks.insar.network.triplets,"
        " levelworks.insar.unwrapping.tiles; sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=project, check=False).returncode == 0
