"""Closure of triplets on real and made stacks, verdicts, and repairs of known cycles."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import rasterio

from levelworks.insar.network.closure import (
    Verdict,
    close_triplet,
    closure_chi_square,
    count_loop_errors,
    judge_pairs,
    measure_closure,
    refer_phase,
    reference_pixels,
)
from levelworks.insar.network.epochs import Pair, parse_pair
from levelworks.insar.network.repair import apply_repair, closure_areas, find_repair
from levelworks.insar.network.triplets import find_triplets

CYCLE = 2 * np.pi
SHAPE = 40, 50


@pytest.fixture(scope="module")
def mexico(insar_data):
    """Return phases and coherences of PyRate's 30 real interferograms of Mexico City."""
    folder = insar_data / "PyRate/tests/test_data/cropA/geotiffs"
    phases, coherences = {}, {}
    for path in sorted(folder.glob("*_eqa_unw.tif")):
        pair = parse_pair(path.name[6:23].replace("-", "_"))
        with rasterio.open(path) as one, rasterio.open(str(path).replace("eqa_unw", "flat_eqa_cc")) as two:
            phase, coherence = one.read(1), two.read(1)
        phases[pair] = np.where(phase != 0, phase, np.nan)
        coherences[pair] = np.where((phase != 0) & (coherence > 0), coherence, np.nan)
    return phases, coherences


def test_real_stack_as_it_came(mexico):
    phases, _ = mexico
    triplets = find_triplets(phases)
    assert (len(phases), len({d for p in phases for d in (p.first, p.second)}), len(triplets)) == (30, 13, 24)
    found = [measure_closure(triplet, close_triplet(phases, triplet)) for triplet in triplets]
    rms = np.array([closure.rms for closure in found])
    assert (round(rms.min(), 3), round(rms.max(), 2), round(float(np.median(rms)), 2)) == (0.236, 3.08, 1.53)
    assert (rms > 1.5).sum() == 12
    worst = next(c for c in found if str(c.triplet) == "20180307_20180319_20180506")
    assert abs(worst.median - CYCLE * worst.cycles) == pytest.approx(2.92, abs=0.005)


def test_real_stack_referred_to_common_pixels(mexico):
    phases, coherences = mexico
    reference = reference_pixels(list(coherences.values()))
    assert reference.sum() == round(0.05 * np.isfinite(sum(coherences.values())).sum())
    referred = {pair: refer_phase(phase, reference)[0] for pair, phase in phases.items()}
    triplets = find_triplets(phases)
    closures = [close_triplet(referred, triplet) for triplet in triplets]
    found = [measure_closure(triplet, closure) for triplet, closure in zip(triplets, closures, strict=True)]
    assert all(closure.cycles == 0 and closure.bad < 0.005 and not closure.fails for closure in found)
    assert Counter(judge_pairs(list(phases), found).values()) == {Verdict.GOOD: 28, Verdict.UNTESTED: 2}
    assert (count_loop_errors(closures) > 0).mean() < 0.006


@pytest.fixture
def stack():
    """Return a stack whose phases are differences of dates: all loops close."""
    rng = np.random.default_rng(20)
    dates = [dt.date(2020, 1, 1) + dt.timedelta(12 * k) for k in range(6)]
    at = dict(zip(dates, rng.normal(0, 5, (6, *SHAPE)), strict=True))
    pairs = [Pair(a, b) for a, b in combinations(dates, 2) if (b - a).days <= 36]
    phases = {pair: (at[pair.second] - at[pair.first]).astype(np.float32) for pair in pairs}
    components = {pair: np.ones(SHAPE, np.uint16) for pair in pairs}
    for labels in components.values():
        labels[:, 30:] = 2
        labels[:, 28:30] = 0
    return pairs, phases, components


def test_all_loops_close(stack):
    pairs, phases, components = stack
    triplets = find_triplets(pairs)
    closures = [close_triplet(phases, triplet) for triplet in triplets]
    assert max(np.abs(closure).max() for closure in closures) < 1e-5
    assert find_repair(closure_areas(phases, components, triplets)).cycles == {}
    noisy = closures[0] + np.random.default_rng(4).normal(0, np.sqrt(0.6), SHAPE)
    assert closure_chi_square(noisy, [np.full(SHAPE, 0.2)] * 3).mean() == pytest.approx(1, abs=0.1)


def test_known_cycles_are_repaired(stack):
    pairs, phases, components = stack
    truth = {pair: phase.copy() for pair, phase in phases.items()}
    wrong = [(pairs[4], 2, 1), (pairs[7], 1, -2)]
    for pair, component, cycles in wrong:
        phases[pair][components[pair] == component] += np.float32(CYCLE * cycles)
    phases[pairs[5]][:5] = np.nan
    triplets = find_triplets(pairs)
    found = [measure_closure(triplet, close_triplet(phases, triplet)) for triplet in triplets]
    verdicts = judge_pairs(pairs, found)
    assert {verdicts[pair] for pair, _, _ in wrong} == {Verdict.BAD}
    repair = find_repair(closure_areas(phases, components, triplets))
    assert repair.cycles == {(pair, component): -cycles for pair, component, cycles in wrong}
    assert repair.undecided == ()
    for pair in pairs:
        fixed = apply_repair(phases[pair], components[pair], pair, repair)
        there = np.isfinite(fixed) & (components[pair] > 0)
        np.testing.assert_allclose(fixed[there], truth[pair][there], atol=1e-5)
        assert np.array_equal(np.isnan(fixed), np.isnan(phases[pair]))


def test_one_triplet_decides_nothing(stack):
    pairs, phases, components = stack
    lone = [pair for pair in pairs if pair.second <= sorted({p.first for p in pairs})[2]]
    assert len(lone) == 3
    phases[lone[0]] += np.float32(CYCLE)
    repair = find_repair(closure_areas(phases, components, find_triplets(lone)))
    assert repair.cycles == {}
    assert {pair for pair, _ in repair.undecided} == set(lone)


def test_nothing_in_common(stack):
    pairs, phases, _ = stack
    triplet = find_triplets(pairs)[0]
    phases[triplet.first][:] = np.nan
    closure = measure_closure(triplet, close_triplet(phases, triplet))
    assert closure.pixels == 0
    assert np.isnan(closure.rms)
    assert not closure.fails
    assert not reference_pixels([np.full(SHAPE, np.nan)]).any()
