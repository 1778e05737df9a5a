"""Azimuth shifts of all dates from those of pairs, solved at once (specs/insar.md 4.9 c; Fattahi et al. 2017).

A chain through the nearest dates adds up its errors; a network averages them, and its loops show pairs that are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.refinement.differences import (
    Difference,
    components,
    residuals,
    solve_differences,
    spanning_tree,
    unchecked,
)

LARGEST_RESIDUAL = 5e-3
"""Lines beyond which a pair is dropped."""
BEND = 1.345
"""Standard deviations within which residuals are squared, and beyond which they count as they are (Huber 1981)."""
ITERATIONS = 100
CONVERGED = 1e-9


@dataclass(frozen=True)
class NetworkSolution:
    """Shifts of dates, lines to ADD to places in them, relative to the reference.

    Parameters
    ----------
    lines, sigmas : dict of str to float
        By date; the reference's are 0. Dates of a part that nothing ties to the reference have shifts whose mean over
        the part is 0, and infinite standard deviations.
    residuals : tuple of float
        Of all pairs, in the order given: measured less solved, lines.
    dropped : tuple of int
        Pairs left out for their residuals.
    bridges : tuple of int
        Which of the amplitude offsets tie parts together.
    unchecked : tuple of int
        Pairs that no loop checks.
    scale : float
        By which standard deviations were raised: the square root of chi squared over the degrees of freedom where
        that is above 1.
    degraded : dict of str to str
        Dates whose shift is not as it should be, and why.
    """

    lines: dict[str, float]
    sigmas: dict[str, float]
    residuals: tuple[float, ...]
    dropped: tuple[int, ...]
    bridges: tuple[int, ...]
    unchecked: tuple[int, ...]
    scale: float
    degraded: dict[str, str] = field(default_factory=dict)


def solve_network(
    dates: Sequence[str],
    reference: str,
    pairs: Sequence[Difference],
    amplitudes: Sequence[Difference] = (),
    largest: float = LARGEST_RESIDUAL,
) -> NetworkSolution:
    """Solve for the shifts of dates.

    Parameters
    ----------
    dates : sequence of str
    reference : str
        The date whose shift is 0.
    pairs : sequence of Difference
        Shifts (lines) of second dates less those of first ones, of overlaps; degraded ones are not among them.
    amplitudes : sequence of Difference
        Likewise by cross correlation: only taken where overlaps leave parts unconnected, the surest first.
    largest : float
        Lines, of residuals: the pair of the greatest is dropped and all is solved again, unless that would
        disconnect a date.

    Raises
    ------
    InvalidInput
        Where a pair names a date that isn't there, or has no standard deviation.

    Notes
    -----
    Least squares with Huber's weights ``min(1, 1.345 s / |r|) / s^2``, iterated: squares within the noise, absolute
    values beyond it, so that a wrong pair doesn't pull the others. The order of dates and pairs changes nothing.
    """
    _check(dates, reference, pairs, amplitudes)
    order = sorted(range(len(pairs)), key=lambda k: (pairs[k].first, pairs[k].second, pairs[k].value, pairs[k].sigma))
    kept, dropped = list(order), []
    bridges = _bridges(dates, pairs, amplitudes)
    tying = sorted((amplitudes[k] for k in bridges), key=lambda item: (item.first, item.second))
    while True:
        used = [*(pairs[k] for k in kept), *tying]
        parts = components(dates, [(item.first, item.second) for item in used])
        fixed = [reference if reference in part else part[0] for part in parts]
        lines, sigmas, scale = _robust(dates, used, fixed)
        worst = _worst(residuals(lines, used)[: len(kept)], largest, dates, used)
        if worst is None:
            break
        dropped.append(kept.pop(worst))
    degraded = _say(dates, reference, [pairs[k] for k in kept], tying)
    for part in parts:
        if reference not in part:
            mean = float(np.mean([lines[date] for date in part]))
            lines.update({date: lines[date] - mean for date in part})
            sigmas.update(dict.fromkeys(part, math.inf))
    return NetworkSolution(
        {date: lines[date] for date in sorted(dates)},
        {date: sigmas[date] for date in sorted(dates)},
        tuple(residuals(lines, pairs).tolist()),
        tuple(sorted(dropped)),
        tuple(bridges),
        tuple(sorted(kept[k] for k in unchecked(dates, used) if k < len(kept))),
        scale,
        degraded,
    )


def keep_shifts(
    solution: NetworkSolution, earlier: dict[str, float], tolerance: float = 5e-4
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Keep the shifts that dates were resampled with unless they have moved by more than a tolerance (lines).

    Returns
    -------
    lines : dict of str to float
    moved : tuple of str
        Dates that are new or must be resampled again (specs/insar.md 5.3).
    """
    moved = tuple(
        date for date, line in solution.lines.items() if date not in earlier or abs(line - earlier[date]) > tolerance
    )
    return {date: line if date in moved else earlier[date] for date, line in solution.lines.items()}, moved


def _check(dates: Sequence[str], reference: str, pairs: Sequence[Difference], amplitudes: Sequence[Difference]) -> None:
    if reference not in dates:
        raise InvalidInput(f"the reference {reference} is not among the dates")
    for item in (*pairs, *amplitudes):
        if item.first not in dates or item.second not in dates or item.first == item.second:
            raise InvalidInput(f"the pair {item.first}_{item.second} is not of two of the dates")
        if not (math.isfinite(item.value) and 0 < item.sigma < math.inf):
            raise InvalidInput(f"the pair {item.first}_{item.second} has no shift with a standard deviation")


def _bridges(dates: Sequence[str], pairs: Sequence[Difference], amplitudes: Sequence[Difference]) -> list[int]:
    """Return which amplitude offsets, as few and as sure as can be, tie the parts of the network together."""
    parts = components(dates, [(pair.first, pair.second) for pair in pairs])
    part_of = {date: part[0] for part in parts for date in part}
    between = [k for k, item in enumerate(amplitudes) if part_of[item.first] != part_of[item.second]]
    between.sort(key=lambda k: (amplitudes[k].first, amplitudes[k].second))
    joined = [
        Difference(part_of[amplitudes[k].first], part_of[amplitudes[k].second], 0.0, amplitudes[k].sigma)
        for k in between
    ]
    return sorted(between[k] for k in spanning_tree([part[0] for part in parts], joined))


def _robust(
    dates: Sequence[str], used: Sequence[Difference], fixed: Sequence[str]
) -> tuple[dict[str, float], dict[str, float], float]:
    """Return values, standard deviations (raised where residuals are larger than they say), and the raise."""
    sigma = np.array([item.sigma for item in used])
    weights = 1 / sigma**2
    values, sigmas = solve_differences(dates, used, fixed)
    rest = residuals(values, used) / sigma if len(used) else np.zeros(0)
    for _ in range(ITERATIONS):
        bent = np.minimum(1.0, BEND / np.maximum(np.abs(rest), 1e-300)) / sigma**2
        if not len(used) or np.allclose(bent, weights, rtol=CONVERGED, atol=0.0):
            break
        weights = bent
        values, sigmas = solve_differences(dates, used, fixed, weights)
        rest = residuals(values, used) / sigma
    freedom = len(used) - (len(dates) - len(fixed))
    shares = np.minimum(np.abs(rest), BEND) ** 2 if len(used) else rest
    scale = max(1.0, math.sqrt(float(shares.sum()) / freedom)) if freedom > 0 else 1.0
    return values, {date: scale * one for date, one in sigmas.items()}, scale


def _worst(rest: np.ndarray, largest: float, dates: Sequence[str], used: Sequence[Difference]) -> int | None:
    """Return the pair of the greatest residual above the limit whose loss disconnects nothing."""
    edges = [(item.first, item.second) for item in used]
    parts = len(components(dates, edges))
    for k in np.argsort(-np.abs(rest), kind="stable").tolist():
        if abs(rest[k]) <= largest:
            return None
        if len(components(dates, edges[:k] + edges[k + 1 :])) == parts:
            return int(k)
    return None


def _say(
    dates: Sequence[str], reference: str, pairs: Sequence[Difference], bridges: Sequence[Difference]
) -> dict[str, str]:
    """Return which dates hang on amplitudes, or on nothing, and say so."""
    degraded: dict[str, str] = {}
    own = _part(dates, reference, pairs)
    tied = _part(dates, reference, [*pairs, *bridges])
    names = ", ".join(f"{item.first}_{item.second}" for item in bridges if {item.first, item.second} <= tied)
    for date in sorted(dates):
        if date not in tied:
            degraded[date] = "no pair ties it to the reference"
        elif date not in own:
            degraded[date] = f"only amplitudes tie it to the reference ({names})"
    return degraded


def _part(dates: Sequence[str], reference: str, used: Sequence[Difference]) -> set[str]:
    parts = components(dates, [(item.first, item.second) for item in used])
    return next(set(part) for part in parts if reference in part)
