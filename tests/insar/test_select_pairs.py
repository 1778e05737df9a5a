"""The network of pairs: nearest dates, seasons, one part, gaps, and no change of what was chosen."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
from itertools import combinations

import pytest

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


def test_parts_are_connected_by_the_cheapest_pair_or_the_gap_is_told():
    near, far = every(12, 6), every(12, 6, START + dt.timedelta(300))
    rules = PairRules(seasons=())
    network = select_pairs([*near, *far], rules)
    joined = [pair for pair, why in network.reasons.items() if why == "connects parts"]
    cost = {
        Pair(a.date, b.date): (b.date - a.date).days / 180
        + abs(a.perpendicular_baseline - b.perpendicular_baseline) / 150
        for a in near
        for b in far
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
