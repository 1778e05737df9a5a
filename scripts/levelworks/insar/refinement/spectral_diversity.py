"""The azimuth shift of a date from the double differences of its overlaps (specs/insar.md 4.9 b)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.insar.refinement.overlaps import OverlapCells

LADDER = (0.85, 0.75, 0.65, 0.5)
"""Coherences from the first of which on enough cells are looked for."""
LEAST_CELLS = 1000
LEAST_SHARE = 0.01
"""Of all cells that must be coherent."""
MOST_SPREAD = 0.8
"""rad, standard deviation of the phases about the estimate."""
LEAST_OVERLAP_CELLS = 30
"""Coherent ones that an overlap must have to speak for itself."""
ITERATIONS = 12
LEAST_SIGMA = 1e-9
"""Lines; of images that are the same."""


@dataclass(frozen=True)
class ShiftEstimate:
    """An azimuth shift.

    Parameters
    ----------
    line : float
        Lines to ADD to places in the secondary; known but for whole periods. 0 where it is degraded.
    sigma : float
        Its standard deviation, lines; infinite where it is degraded.
    period : float
        Lines by which the phase turns once.
    threshold : float
        Coherence from which cells were used, the last of the ladder where they are too few.
    cells, used : int
        Of the overlaps, and those above the threshold.
    coherence : float
        Median over all cells.
    spread : float
        Standard deviation of the phases of the cells used, about the estimate, rad; NaN where there is none.
    degraded : str
        Why there is no estimate; empty where there is.
    """

    line: float
    sigma: float
    period: float
    threshold: float
    cells: int
    used: int
    coherence: float
    spread: float
    degraded: str = ""


def estimate_shift(
    overlaps: Sequence[OverlapCells],
    ladder: Sequence[float] = LADDER,
    least_cells: int = LEAST_CELLS,
    least_share: float = LEAST_SHARE,
    most_spread: float = MOST_SPREAD,
) -> ShiftEstimate:
    """Estimate the shift that the overlaps of one swath have in common; never fails, but says where it is degraded.

    Parameters
    ----------
    overlaps : sequence of OverlapCells
        Of one swath: their Doppler differences are near each other.
    ladder : sequence of float
        Thresholds of coherence, falling: the first that leaves enough cells is taken.
    least_cells, least_share, most_spread
        Below or above which the estimate is degraded.

    Notes
    -----
    The ``x`` that maximises ``sum w cos(phi - 2 pi df dt x)``, weights ``w`` the squared coherence. The standard
    deviation is that of an M-estimate, ``sqrt(sum (w k sin r)^2) / sum w k^2 cos r`` of residuals ``r`` and
    ``k = 2 pi df dt``: of the scatter that is there, not of a model of it.
    """
    phase, coherence, turning = _join(overlaps)
    count = phase.size
    median = float(np.median(coherence)) if count else 0.0
    threshold, chosen = ladder[-1], np.zeros(count, bool)
    for threshold in ladder:
        chosen = coherence >= threshold
        if int(chosen.sum()) >= least_cells:
            break
    used = int(chosen.sum())
    period = float(2 * np.pi / np.abs(turning).mean()) if count else float("nan")

    def degraded(reason: str, spread: float = float("nan")) -> ShiftEstimate:
        return ShiftEstimate(0.0, np.inf, period, float(threshold), count, used, median, spread, reason)

    if used < least_cells:
        return degraded(f"{used} of {count} cells have a coherence of {threshold} or more; {least_cells} are needed")
    if used < least_share * count:
        return degraded(f"only {used} of {count} cells are coherent")
    weight = coherence[chosen].astype(np.float64) ** 2
    line, sigma, spread = _circular(phase[chosen], turning[chosen], weight)
    if not spread <= most_spread:
        return degraded(f"phases of overlaps scatter by {spread:.2f} rad; at most {most_spread} are allowed", spread)
    return ShiftEstimate(line, sigma, period, float(threshold), count, used, median, spread)


def overlap_shift(
    cells: OverlapCells, estimate: ShiftEstimate, least_cells: int = LEAST_OVERLAP_CELLS
) -> tuple[float, float] | None:
    """Estimate the shift that one overlap shows by itself, near the one that all of its swath have in common.

    Parameters
    ----------
    cells : OverlapCells
    estimate : ShiftEstimate
        Of the swath: cells above its threshold are used, and the whole periods are those that come nearest to it.
    least_cells : int

    Returns
    -------
    tuple of float or None
        Lines to ADD to places in the secondary, and their standard deviation; None where too few cells are coherent,
        or their phase is noise.
    """
    phase, coherence, turning = _join([cells])
    chosen = coherence >= estimate.threshold
    if estimate.degraded or int(chosen.sum()) < least_cells:
        return None
    line, sigma, _ = _circular(phase[chosen], turning[chosen], coherence[chosen].astype(np.float64) ** 2)
    if not np.isfinite(sigma):
        return None
    return line + estimate.period * round((estimate.line - line) / estimate.period), sigma


def _join(overlaps: Sequence[OverlapCells]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return phases (rad), coherences, and the turn of the phase by a line (rad) of all cells."""
    phases = [np.angle(cells.difference).astype(np.float64) for cells in overlaps]
    turning = [2 * np.pi * cells.doppler * cells.interval for cells in overlaps]
    empty = np.zeros(0)
    return (
        np.concatenate([empty, *phases]),
        np.concatenate([empty, *(cells.coherence for cells in overlaps)]),
        np.concatenate([empty, *turning]),
    )


def _circular(phase: np.ndarray, turning: np.ndarray, weight: np.ndarray) -> tuple[float, float, float]:
    """Return the shift of the most common phase (lines), its standard deviation, and the phases' own (rad)."""
    line = float(np.angle(np.sum(weight * np.exp(1j * phase))) / turning.mean())
    for _ in range(ITERATIONS):
        rest = phase - turning * line
        slope = float(np.sum(weight * turning**2 * np.cos(rest)))
        if slope <= 0:
            return line, np.inf, np.inf
        step = float(np.sum(weight * turning * np.sin(rest))) / slope
        line += step
        if abs(step) < 1e-12:
            break
    rest = phase - turning * line
    sigma = float(np.sqrt(np.sum((weight * turning * np.sin(rest)) ** 2)) / slope)
    length = min(abs(float(np.sum(weight * np.cos(rest)) / np.sum(weight))), 1.0)
    return line, max(sigma, LEAST_SIGMA), float(np.sqrt(-2 * np.log(max(length, 1e-300))))
