"""Shifts from double differences: as sure as is said, said where they are not, and their whole periods."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from insar_pair import arc_of, orbit_of

from levelworks.core.outcome import InvalidInput
from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.refinement.ambiguity import resolve_shift
from levelworks.insar.refinement.burst_phases import overlap_phase
from levelworks.insar.refinement.overlaps import (
    OverlapCells,
    burst_overlap,
    doppler_differences,
    find_overlaps,
)
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate, estimate_shift
from levelworks.insar.safe.acquisition import read_acquisition

INTERVAL, LOOKS = 0.0020555563, 37


def cells_of(seed, line, coherence, count=1500, doppler=(4700.0, 4860.0)):
    """Return double differences of a shift: both interferograms of circular Gaussian pixels, their phases noisy."""
    rng = np.random.default_rng(seed)
    sums, coherences = [], []
    frequency = rng.uniform(*doppler, count)
    for which in (0.5, -0.5):
        noise = rng.standard_normal((2, count, LOOKS, 2)).view(complex)[..., 0] / math.sqrt(2)
        one = noise[0]
        two = coherence * noise[0] + math.sqrt(1 - coherence**2) * noise[1]
        turn = np.exp(2j * np.pi * frequency * which * INTERVAL * line)
        total = (one * np.conj(two)).sum(1) * turn
        power = np.sqrt((np.abs(one) ** 2).sum(1) * (np.abs(two) ** 2).sum(1))
        sums.append(total)
        coherences.append(np.abs(total) / power)
    product = sums[0] * np.conj(sums[1])
    both = np.sqrt(coherences[0] * coherences[1])
    return OverlapCells((product / np.abs(product)).astype(np.complex64), both.astype(np.float32), frequency, INTERVAL)


@pytest.mark.parametrize(("coherence", "threshold"), [(0.93, 0.85), (0.8, 0.75), (0.6, 0.5)])
def test_errors_are_as_large_as_said(coherence, threshold):
    """And not much larger than the bound sqrt(2) sqrt((1 - g^2) / (2 L g^2)) allows (specs/insar.md 4.9)."""
    scores, shifts = [], np.random.default_rng(77).uniform(-0.05, 0.05, 80)
    for seed, line in enumerate(shifts):
        cells = cells_of(300 + seed, line, coherence)
        found = estimate_shift([cells])
        assert (found.degraded, found.threshold) == ("", threshold)
        scores.append((found.line - line) / found.sigma)
        phase = math.sqrt((1 - coherence**2) / (coherence**2 * 2 * LOOKS) * 2 / found.used)
        bound = phase / (2 * np.pi * 4780 * INTERVAL)
        assert 0.7 * bound < found.sigma < 1.35 * bound
    assert np.abs(scores).max() < 3.7
    assert 0.75 < np.std(scores) < 1.25


def test_overlaps_are_taken_together():
    parts = [cells_of(seed, 0.013, 0.8, 400) for seed in range(4)]
    found = estimate_shift(parts)
    assert found.cells == 1600
    assert abs(found.line - 0.013) < 4 * found.sigma
    assert estimate_shift(parts[::-1]).line == pytest.approx(found.line, abs=1e-12)
    assert estimate_shift(parts[:2], least_cells=700).sigma == pytest.approx(found.sigma * math.sqrt(2), rel=0.2)


def test_degraded_is_said():
    few = estimate_shift([cells_of(1, 0.01, 0.9, 400)])
    assert few.degraded == "400 of 400 cells have a coherence of 0.5 or more; 1000 are needed"
    assert (few.line, few.sigma, few.threshold) == (0.0, math.inf, 0.5)
    low = estimate_shift([cells_of(2, 0.01, 0.2, 3000)])
    assert low.used == 0
    assert low.coherence == pytest.approx(0.24, abs=0.03)
    nothing = estimate_shift([])
    assert nothing.degraded
    assert nothing.cells == 0
    # Coherent, but each cell of another phase: motion along the track, or bursts of other phases.
    rng = np.random.default_rng(3)
    cells = cells_of(3, 0.0, 0.9)
    turned = cells.difference * np.exp(2j * np.pi * rng.uniform(size=cells.difference.size)).astype(np.complex64)
    assert "scatter by" in estimate_shift([replace(cells, difference=turned)]).degraded
    share = estimate_shift([replace(cells_of(4, 0.0, 0.9, 1200)), cells_of(5, 0.0, 0.1, 3000)], least_share=0.5)
    assert share.degraded.endswith("of 4200 cells are coherent")


def test_an_image_with_itself():
    cells = OverlapCells(np.ones(1000, np.complex64), np.ones(1000, np.float32), np.full(1000, 4780.0), INTERVAL)
    found = estimate_shift([cells])
    assert (found.line, found.spread) == (0.0, 0.0)
    assert found.sigma > 0
    assert found.period == pytest.approx(1 / (4780 * INTERVAL))


def test_the_phase_that_is_left():
    cells = cells_of(9, 0.02, 0.8)
    jump = np.complex64(np.exp(1.5j))
    overlap = burst_overlap_stub()
    found = overlap_phase(overlap, replace(cells, difference=cells.difference * jump), 0.02, 0.75)
    assert (found.first, found.second) == ("iw1_1", "iw1_2")
    assert found.value == pytest.approx(-1.5, abs=4 * found.sigma)
    assert found.sigma < 0.02
    assert overlap_phase(overlap, cells, 0.02, 0.999) is None


def burst_overlap_stub():
    from levelworks.insar.refinement.overlaps import Overlap

    return Overlap("iw1_1", "iw1_2", (0, 10), (0, 10), (5, 0), INTERVAL)


def swath(line, period, sigma=1e-4, degraded=""):
    wrapped = line - period * round(line / period)
    return ShiftEstimate(wrapped, sigma, period, 0.85, 2000, 1500, 0.9, 0.1, degraded)


@pytest.mark.parametrize("line", [0.0, 0.049, -0.07, 0.21, -0.29])
def test_whole_periods(line):
    swaths = [swath(line, 0.1041), swath(line + 5e-5, 0.1185)]
    by_itself = resolve_shift(swaths, farthest=0.3)
    assert by_itself.degraded == ""
    assert by_itself.line == pytest.approx(line, abs=1e-4)
    assert by_itself.sigma == pytest.approx(1e-4 / math.sqrt(2))
    assert by_itself.disagreement == pytest.approx(5e-5, abs=1e-9)
    one = resolve_shift(swaths[:1], (line + 0.004, 0.003))
    assert one.line == pytest.approx(line, abs=1e-9)
    assert one.periods == (round(line / 0.1041),)
    assert one.margin > 9


def test_what_cannot_be_told():
    one = [swath(0.02, 0.1041)]
    assert "are both likely" in resolve_shift(one).degraded
    assert "are both likely" in resolve_shift(one, (0.02 + 0.052, 1e-3)).degraded or "contradict" in (
        resolve_shift(one, (0.02 + 0.052, 1e-3)).degraded
    )
    assert "contradict" in resolve_shift(one, (0.055, 1e-3)).degraded
    apart = [swath(0.02, 0.1041), swath(0.03, 0.1185)]
    assert "contradict" in resolve_shift(apart, (0.02, 1e-3)).degraded
    bad = replace(one[0], degraded="too few cells", sigma=math.inf, line=0.0)
    found = resolve_shift([bad, swath(0.02, 0.1185)], (0.02, 2e-3))
    assert (found.degraded, found.periods[0]) == ("", 0)
    none = resolve_shift([bad, bad], (0.02, 2e-3))
    assert (none.degraded, none.line, none.sigma) == ("too few cells", 0.0, math.inf)
    assert resolve_shift([]).degraded == "there is no overlap"
    assert "below 0.5 lines" in resolve_shift([swath(0.6, 3.0)], (0.6, 2e-3)).degraded


@pytest.fixture(scope="module")
def real_bursts(real_pair):
    """The bursts of a real annotation, and their orbit."""
    acquisition = read_acquisition([real_pair[0]], pixels=False)
    return acquisition.bursts, orbit_of(acquisition)


def test_overlaps_of_a_real_frame(real_bursts):
    """specs/insar.md 4.1, 4.9: 157 to 173 lines less what is invalid, 4779 and 4012 Hz."""
    bursts, orbit = real_bursts
    overlaps = find_overlaps(bursts[::-1])
    assert [overlap.first for overlap in overlaps] == sorted(overlap.first for overlap in overlaps)
    assert len(overlaps) == len(bursts) - 2
    by_key = {burst.key: burst for burst in bursts}
    expected = {"iw1": 4779.0, "iw2": 4012.0}
    for overlap in overlaps:
        upper, lower = by_key[overlap.first], by_key[overlap.second]
        assert 100 < overlap.lines[1] - overlap.lines[0] < 160
        assert 1340 <= overlap.step[0] <= 1343
        assert overlap.step[1] == 0
        first, second = overlap.part(0)[0], overlap.part(1)[0]
        assert (first.stop - first.start) == (second.stop - second.start)
        assert second.start >= lower.valid.first_line
        assert first.stop - 1 <= upper.valid.last_line
        carriers = carrier(upper, arc_of(orbit, upper)), carrier(lower, arc_of(orbit, lower))
        doppler = doppler_differences(overlap, carriers)
        assert doppler.shape[0] == (overlap.lines[1] - overlap.lines[0]) // 5
        assert doppler.mean() == pytest.approx(expected[overlap.first[:3]], rel=0.01)


def test_overlaps_of_two_swaths(real_bursts):
    """specs/insar.md 4.1: IW2 begins 19918 samples and 458 lines after IW1."""
    by_key = {burst.key: burst for burst in real_bursts[0]}
    first = next(burst for burst in real_bursts[0] if burst.swath == "IW1")
    second = by_key[f"iw2_{first.id:06d}"]
    overlap = burst_overlap(first, second)
    assert overlap.step[1] == 19918
    assert abs(overlap.step[0]) in (458, 1341 - 458, 1342 - 458)
    assert 500 < overlap.samples[1] - overlap.samples[0] < 3000
    far = by_key[max(key for key in by_key if key.startswith("iw1"))]
    assert burst_overlap(first, far) is None
    with pytest.raises(InvalidInput, match="beside one grid"):
        burst_overlap(first, replace(second, azimuth_time=second.azimuth_time + 0.3 * INTERVAL))
