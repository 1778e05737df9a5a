"""Constant phases of bursts, as between two satellites whose products disagree by burst (specs/insar.md 4.9 d)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.insar.refinement.differences import (
    Difference,
    components,
    residuals,
    solve_differences,
    spanning_tree,
)
from levelworks.insar.refinement.overlaps import Overlap, OverlapCells

LEAST_CELLS = 30


@dataclass(frozen=True)
class BurstPhases:
    """Constant phases of the interferograms of bursts.

    Parameters
    ----------
    phases, sigmas : dict of str to float
        rad by burst, from -pi to pi; to be taken off. The first burst of each part has 0.
    residuals : tuple of float
        Of the overlaps, in their order, rad.
    parts : tuple of tuple of str
        Bursts that overlaps connect; phases of different parts can't be compared.
    """

    phases: dict[str, float]
    sigmas: dict[str, float]
    residuals: tuple[float, ...]
    parts: tuple[tuple[str, ...], ...]


def overlap_phase(overlap: Overlap, cells: OverlapCells, line: float, threshold: float) -> Difference | None:
    """Measure the phase of the second burst's interferogram less the first one's, once a shift is taken off.

    Parameters
    ----------
    overlap : Overlap
    cells : OverlapCells
        Its double differences.
    line : float
        Shift of the secondary that is still in them, lines.
    threshold : float
        Coherence from which cells are used.

    Returns
    -------
    Difference or None
        rad; None where fewer than 30 cells are coherent. A phase common to all overlaps of a swath looks like a
        shift, and the other way round: ``line`` must come from amplitudes, or from several swaths.
    """
    chosen = cells.coherence >= threshold
    if int(chosen.sum()) < LEAST_CELLS:
        return None
    turn = 2 * np.pi * cells.doppler[chosen] * cells.interval * line
    weight = cells.coherence[chosen].astype(np.float64) ** 2
    rest = np.angle(cells.difference[chosen]).astype(np.float64) - turn
    phase = float(np.angle(np.sum(weight * np.exp(1j * rest))))
    length = float(np.sum(weight * np.cos(rest - phase)))
    sigma = math.sqrt(float(np.sum((weight * np.sin(rest - phase)) ** 2))) / max(length, 1e-300)
    return Difference(overlap.first, overlap.second, _wrapped(-phase), max(sigma, 1e-9))


def solve_burst_phases(bursts: Sequence[str], overlaps: Sequence[Difference]) -> BurstPhases:
    """Solve for the phases of all bursts.

    The surest overlaps that connect all are added up; what the others differ by from them is less than half a turn,
    and least squares over all share it.

    Parameters
    ----------
    bursts : sequence of str
        Keys.
    overlaps : sequence of Difference
        rad (`overlap_phase`), of one swath and of neighbouring ones.
    """
    parts = components(bursts, [(item.first, item.second) for item in overlaps])
    fixed = [part[0] for part in parts]
    order = sorted(range(len(overlaps)), key=lambda k: (overlaps[k].first, overlaps[k].second))
    measured = [overlaps[k] for k in order]
    tree = sorted(spanning_tree(bursts, measured))
    first, _ = solve_differences(bursts, [measured[k] for k in tree], fixed)
    rest = [_wrapped(one) for one in residuals(first, measured)]
    left = [Difference(item.first, item.second, one, item.sigma) for item, one in zip(measured, rest, strict=True)]
    more, sigmas = solve_differences(bursts, left, fixed)
    phases = {key: _wrapped(first[key] + more[key]) for key in sorted(bursts)}
    misfit = tuple(_wrapped(one) for one in residuals(phases, overlaps))
    return BurstPhases(phases, {key: sigmas[key] for key in sorted(bursts)}, misfit, tuple(parts))


def _wrapped(phase: float) -> float:
    """Return a phase between -pi and pi, rad."""
    return phase - 2 * math.pi * math.floor(phase / (2 * math.pi) + 0.5)
