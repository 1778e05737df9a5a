"""Whole periods of azimuth shifts: the phase of overlaps turns once in a tenth of a line (specs/insar.md 4.9 b).

Every swath has its own period, and amplitudes know the shift to some thousandths of a line: of the numbers of
periods, those are taken under which all agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from levelworks.insar.refinement.spectral_diversity import ShiftEstimate

FARTHEST = 0.5
"""Lines, the greatest shift that is looked for."""
FLOOR = 5e-4
"""Lines by which swaths may differ although each is exact: ionosphere, scatterers that change with squint."""
AMPLITUDE_FLOOR = 5e-3
"""Lines by which amplitudes may be wrong as a whole: bright edges, layover."""
CONTRADICTION = 25.0
"""Chi squared beyond which no choice is believed: five standard deviations."""
CLEAR = 9.0
"""By which chi squared must rise for the second best choice: three standard deviations."""


@dataclass(frozen=True)
class ResolvedShift:
    """A shift without ambiguity.

    Parameters
    ----------
    line, sigma : float
        Lines to ADD to places in the secondary, and standard deviation; 0 and infinite where it is degraded.
    periods : tuple of int
        Whole periods added to each swath's estimate; 0 for one that is degraded.
    margin : float
        By which chi squared is less than that of the next choice; infinite where there is none.
    disagreement : float
        Lines by which the swaths' estimates differ, the greatest less the least.
    degraded : str
        Why there is no shift, or none that is sure.
    """

    line: float
    sigma: float
    periods: tuple[int, ...]
    margin: float
    disagreement: float
    degraded: str = ""


@dataclass(frozen=True)
class _Choice:
    periods: tuple[int, ...]
    line: float
    sigma: float
    disagreement: float
    misfit: float


def resolve_shift(
    swaths: Sequence[ShiftEstimate], near: tuple[float, float] = (0.0, math.inf), farthest: float = FARTHEST
) -> ResolvedShift:
    """Choose the whole periods of the swaths' shifts.

    Parameters
    ----------
    swaths : sequence of ShiftEstimate
        One a swath; degraded ones count for nothing.
    near : tuple of float
        Shift that amplitudes show (`cross_correlation`), and its standard deviation: lines, what has been applied
        already taken off. Infinite where there is none: the swaths must then tell by themselves.
    farthest : float
        Lines, of shifts that are looked for.

    Notes
    -----
    The choice of least ``chi^2 = sum (x_s + n_s P_s - x)^2 / s_s^2 + (x - near)^2 / s_near^2``, with floors under the
    standard deviations; the shift itself is that of the overlaps, amplitudes only choose.
    """
    known = [index for index, swath in enumerate(swaths) if not swath.degraded]
    if not known:
        reason = "; ".join(dict.fromkeys(swath.degraded for swath in swaths)) or "there is no overlap"
        return ResolvedShift(0.0, math.inf, (0,) * len(swaths), math.inf, 0.0, reason)
    choices = _choices(swaths, known, near, farthest)
    if not choices:
        reason = f"no number of periods leaves a shift below {farthest} lines"
        return ResolvedShift(0.0, math.inf, (0,) * len(swaths), math.inf, 0.0, reason)
    best = choices[0]
    margin = choices[1].misfit - best.misfit if len(choices) > 1 else math.inf
    if best.misfit > CONTRADICTION:
        reason = f"swaths and amplitudes contradict each other: the nearest they come to agree is {best.line:.4f} lines"
        return ResolvedShift(0.0, math.inf, (0,) * len(swaths), margin, best.disagreement, reason)
    if margin < CLEAR:
        reason = f"shifts of {best.line:.4f} and {choices[1].line:.4f} lines are both likely"
        return ResolvedShift(0.0, math.inf, (0,) * len(swaths), margin, best.disagreement, reason)
    return ResolvedShift(best.line, best.sigma, best.periods, margin, best.disagreement)


def _choices(
    swaths: Sequence[ShiftEstimate], known: list[int], near: tuple[float, float], farthest: float
) -> list[_Choice]:
    """Return choices of periods, the likeliest first."""
    lead = min(known, key=lambda index: (swaths[index].sigma, index))
    reach = math.ceil(farthest / swaths[lead].period) + 1
    found: dict[tuple[int, ...], _Choice] = {}
    for whole in range(-reach, reach + 1):
        place = swaths[lead].line + whole * swaths[lead].period
        periods = [0] * len(swaths)
        for index in known:
            periods[index] = round((place - swaths[index].line) / swaths[index].period)
        choice = _weigh(swaths, known, tuple(periods), near)
        if abs(choice.line) <= farthest:
            found[choice.periods] = choice
    return sorted(found.values(), key=lambda choice: (choice.misfit, abs(choice.line)))


def _weigh(
    swaths: Sequence[ShiftEstimate], known: list[int], periods: tuple[int, ...], near: tuple[float, float]
) -> _Choice:
    """Return the shift under a choice of periods, and how badly all agree with it."""
    places = [swaths[index].line + periods[index] * swaths[index].period for index in known]
    weights = [1 / swaths[index].sigma ** 2 for index in known]
    line = sum(place * weight for place, weight in zip(places, weights, strict=True)) / sum(weights)
    misfit = sum(
        (place - line) ** 2 / (swaths[index].sigma ** 2 + FLOOR**2) for place, index in zip(places, known, strict=True)
    )
    if math.isfinite(near[1]):
        misfit += (line - near[0]) ** 2 / (near[1] ** 2 + AMPLITUDE_FLOOR**2)
    return _Choice(periods, line, 1 / math.sqrt(sum(weights)), max(places) - min(places), misfit)
