"""Closure of triplets: whole cycles that don't add up, noise, and verdicts on pairs (specs/insar.md 4.14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from levelworks.insar.network.epochs import Pair
from levelworks.insar.network.triplets import Triplet

CYCLE = 2 * np.pi
MOST_BAD = 0.02
"""Share of pixels with a whole cycle too many, above which a triplet is bad."""
MOST_RMS = 1.5
"""rad; the threshold of LiCSBAS (Morishita et al. 2020, doi:10.3390/rs12030424)."""
LEAST_VARIANCE = 0.05
"""rad2, that a pair has however coherent it is."""


@dataclass(frozen=True)
class Closure:
    """What the loop of a triplet gives over the pixels that all three pairs have.

    ``pixels`` in number; ``median`` of the closure, rad; ``cycles``, its whole cycles; ``rms`` of the closure without
    those, rad; ``noise``, the rms without the whole cycles of each pixel, rad; ``bad`` the share of pixels that have
    some. NaN without pixels.
    """

    triplet: Triplet
    pixels: int
    median: float
    cycles: int
    rms: float
    noise: float
    bad: float

    @property
    def fails(self) -> bool:
        """Return whether the triplet is bad; one without pixels tells nothing."""
        return self.pixels > 0 and (self.bad > MOST_BAD or self.rms > MOST_RMS)


class Verdict(StrEnum):
    """What the triplets of a pair say of it."""

    GOOD = "good"
    SUSPECT = "suspect"
    BAD = "bad"
    UNTESTED = "untested"


def reference_pixels(coherences: Sequence[np.ndarray], share: float = 0.05) -> np.ndarray:
    """Choose the pixels that all pairs are referred to: the most coherent ones that every pair has.

    Parameters
    ----------
    coherences : sequence of ndarray, shape (rows, columns), float
        Of each pair, NaN where it has no phase.
    share : float
        Of the common pixels.

    Returns
    -------
    ndarray, shape (rows, columns), bool
        Nowhere true where no pixel is common.
    """
    mean = np.zeros(coherences[0].shape)
    for coherence in coherences:
        mean += coherence
    common = np.isfinite(mean)
    if not common.any():
        return common
    count = max(1, round(share * np.count_nonzero(common)))
    order = np.argsort(-np.where(common, mean, -np.inf), axis=None, kind="stable")[:count]
    chosen = np.zeros(mean.size, np.bool_)
    chosen[order] = True
    return chosen.reshape(mean.shape)


def refer_phase(unwrapped: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, float]:
    """Take the median phase of the reference pixels off.

    Parameters
    ----------
    unwrapped : ndarray, shape (rows, columns), float32
        rad, NaN where there is no data.
    reference : ndarray, shape (rows, columns), bool

    Returns
    -------
    phase : ndarray, float32
    constant : float
        rad, that was taken off; 0 where the reference has no data.
    """
    values = unwrapped[reference]
    values = values[np.isfinite(values)]
    constant = float(np.median(values)) if values.size else 0.0
    return (unwrapped - np.float32(constant)).astype(np.float32), constant


def close_triplet(phases: Mapping[Pair, np.ndarray], triplet: Triplet) -> np.ndarray:
    """Return ``u_ij + u_jk - u_ik`` (rad, float64); NaN where one of the three has no data."""
    return sum(
        (sign * phases[pair].astype(np.float64) for pair, sign in triplet.signed), np.zeros(phases[triplet.first].shape)
    )


def whole_cycles(closure: np.ndarray) -> np.ndarray:
    """Return the whole cycles of a closure, int32; 0 where it is NaN."""
    return np.round(np.nan_to_num(closure) / CYCLE).astype(np.int32)


def measure_closure(triplet: Triplet, closure: np.ndarray) -> Closure:
    """Sum up the closure of a triplet."""
    values = closure[np.isfinite(closure)]
    if not values.size:
        return Closure(triplet, 0, np.nan, 0, np.nan, np.nan, np.nan)
    cycles = whole_cycles(values)
    noise = values - CYCLE * cycles
    median = float(np.median(values))
    common = round(median / CYCLE)
    return Closure(
        triplet,
        values.size,
        median,
        common,
        float(np.sqrt(np.mean((values - CYCLE * common) ** 2))),
        float(np.sqrt(np.mean(noise**2))),
        float(np.mean(cycles != 0)),
    )


def closure_chi_square(closure: np.ndarray, variances: Sequence[np.ndarray]) -> np.ndarray:
    """Compare a closure without its whole cycles with the noise of the three pairs.

    Parameters
    ----------
    closure : ndarray, shape (rows, columns), float64
        rad.
    variances : sequence of three ndarray
        rad2, of each pair; 0.05 rad2 at least is taken.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        About 1 where the closure is noise; NaN where there is no data.
    """
    total = np.zeros(closure.shape)
    for variance in variances:
        total += np.maximum(variance, LEAST_VARIANCE)
    return ((closure - CYCLE * whole_cycles(closure)) ** 2 / total).astype(np.float32)


def count_loop_errors(closures: Sequence[np.ndarray]) -> np.ndarray:
    """Return how many triplets have whole cycles at each pixel, int32."""
    return sum((np.abs(whole_cycles(closure)) > 0 for closure in closures), np.zeros(closures[0].shape, np.int32))


def judge_pairs(pairs: Sequence[Pair], closures: Sequence[Closure]) -> dict[Pair, Verdict]:
    """Judge pairs by their triplets: bad where all fail, suspect where some do, untested without any."""
    failures: dict[Pair, list[bool]] = {pair: [] for pair in pairs}
    for closure in closures:
        if closure.pixels:
            for pair, _ in closure.triplet.signed:
                failures[pair].append(closure.fails)
    return {pair: _verdict(failures[pair]) for pair in pairs}


def _verdict(failures: Sequence[bool]) -> Verdict:
    if not failures:
        return Verdict.UNTESTED
    if all(failures):
        return Verdict.BAD
    return Verdict.SUSPECT if any(failures) else Verdict.GOOD
