"""Whether overlaps of two satellites' bursts show a shift, or phases that their bursts have (specs/insar.md 4.9 d).

A constant phase from burst to burst, as between S1C and S1D, looks like a shift in every overlap. Swaths tell: a shift
turns the phases of their overlaps in the ratio of their Doppler differences, a phase is the same in all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from levelworks.insar.refinement.ambiguity import AMPLITUDE_FLOOR, CLEAR, CONTRADICTION, FLOOR, ResolvedShift
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate

HARMLESS = 0.3
"""rad, of a phase that may be taken for a shift: no step between bursts is said below it either."""


def doubt_shift(
    swaths: Sequence[ShiftEstimate], resolved: ResolvedShift, near: tuple[float, float] = (0.0, math.inf)
) -> str:
    """Say why the shift of two satellites' dates is not to be believed.

    Parameters
    ----------
    swaths : sequence of ShiftEstimate
        One a swath.
    resolved : ResolvedShift
        Of these (`ambiguity.resolve_shift`).
    near : tuple of float
        Shift that amplitudes show, and its standard deviation, lines; infinite where there is none.

    Returns
    -------
    str
        Empty where phases are small, or one shift fits them clearly better than one phase does: by 9 in chi squared.
    """
    known = [(one, whole) for one, whole in zip(swaths, resolved.periods, strict=True) if not one.degraded]
    if resolved.degraded or not known:
        return ""
    phase, turned = _phase_in_common([one for one, _ in known])
    if abs(phase) <= HARMLESS:
        return ""
    places = [one.line + whole * one.period for one, whole in known]
    variances = [one.sigma**2 + FLOOR**2 for one, _ in known]
    line = _mean(places, variances)
    shifted = sum((place - line) ** 2 / variance for place, variance in zip(places, variances, strict=True))
    if math.isfinite(near[1]):
        shifted += (line - near[0]) ** 2 / (near[1] ** 2 + AMPLITUDE_FLOOR**2)
    if turned - shifted > CLEAR:
        return ""
    return (
        f"a phase of {phase:.2f} rad, as bursts of two satellites may have, fits the overlaps as well as "
        f"a shift of {line:.4f} lines"
    )


def phase_in_common(swaths: Sequence[ShiftEstimate]) -> float | None:
    """Return the phase that explains what the overlaps of all swaths show.

    Parameters
    ----------
    swaths : sequence of ShiftEstimate
        One a swath; degraded ones count for nothing.

    Returns
    -------
    float or None
        rad, from -pi to pi; None where there is none: the swaths' phases differ by more than five standard deviations.
    """
    known = [one for one in swaths if not one.degraded]
    if not known:
        return None
    phase, misfit = _phase_in_common(known)
    return phase if misfit <= CONTRADICTION else None


def _phase_in_common(known: Sequence[ShiftEstimate]) -> tuple[float, float]:
    """Return the mean phase of swaths (rad, from -pi to pi), and chi squared of what they differ by from it."""
    turns = [one.line / one.period for one in known]
    turns = [turn - round(turn - turns[0]) for turn in turns]
    variances = [(one.sigma**2 + FLOOR**2) / one.period**2 for one in known]
    turn = _mean(turns, variances)
    misfit = sum((one - turn) ** 2 / variance for one, variance in zip(turns, variances, strict=True))
    return 2 * math.pi * (turn - round(turn)), misfit


def _mean(values: Sequence[float], variances: Sequence[float]) -> float:
    weights = [1 / variance for variance in variances]
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
