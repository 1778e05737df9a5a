"""The stage `solve-network`: the shifts of all dates from those of pairs (specs/insar.md 4.9 c, 5.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from levelworks.core.aggregate import usable_inputs
from levelworks.core.outcome import Outcome, Status
from levelworks.insar.coregistration.network_files import NONE, Shift, read_shifts, write_network
from levelworks.insar.coregistration.refinement_files import DateOffset, PairShift, read_offset, read_shift
from levelworks.insar.coregistration.refinement_options import Solution
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.refinement.differences import Difference
from levelworks.insar.refinement.network_solution import NetworkSolution, keep_shifts, solve_network

SIGNIFICANT = 3.0
"""Standard deviations that amplitudes must see before a date is moved for it: geometry is good to some hundredths of a
pixel by itself, amplitudes of incoherent dates are not."""


def solve_shifts(
    frame: Path,
    shifts: list[Path] | None,
    offsets: list[Path] | None,
    previous: list[Path] | None,
    *,
    network: Path,
    options: Solution,
) -> Outcome:
    """Solve for the shifts of dates; what earlier solutions decided stays, unless it has moved.

    Parameters
    ----------
    frame : Path
    shifts : list of Path or None
        Of `estimate-diversity`, all pairs of dates.
    offsets : list of Path or None
        Of `correlate-amplitudes`, all dates but the reference.
    previous : list of Path or None
        Earlier solutions, the newest last.
    network : Path
        JSON of `network_files`: dates that no earlier solution has, and those that moved.

    Notes
    -----
    What amplitudes show is added only where it stands out of their noise; else geometry stays as it is.
    """
    reference = f"{read_frame(frame).reference:%Y%m%d}"
    dates = usable_inputs(offsets or [], 1.0, "dates")
    pairs = usable_inputs(shifts or [], 1.0, "pairs")
    by_date = {one.date: one for one in map(read_offset, dates.usable)}
    names = sorted({reference, *by_date})
    measured = [one for one in map(read_shift, pairs.usable) if {one.first, one.second} <= set(names)]
    solution = solve_network(
        names, reference, _sure(measured), _amplitudes(reference, by_date), options.largest_residual
    )
    earlier: dict[str, Shift] = {}
    for path in previous or []:
        earlier |= read_shifts(path)
    kept, changed = keep_shifts(
        solution, {date: one.line for date, one in earlier.items() if date in names}, options.frozen_within
    )
    moved = tuple(date for date in changed if date in earlier)
    found = {date: _shift(date, reference, kept[date], solution, by_date) for date in changed}
    left_out = {Path(name).name.split(".")[0]: reason for name, reason in dates.left_out}
    write_network(network, found, moved, left_out, options)
    degraded = {date: one.reason for date, one in found.items() if one.state != "done"}
    quality = {
        "state": "degraded" if degraded else "done",
        "dates": len(found),
        "pairs": len(measured),
        "pairs_degraded": sum(bool(one.degraded) for one in measured),
        "pairs_dropped": len(solution.dropped),
        "pairs_unchecked": len(solution.unchecked),
        "largest_residual_lines": max((abs(one) for one in solution.residuals), default=0.0),
        "sigma_scale": solution.scale,
        "moved": list(moved),
        "degraded": degraded,
    }
    warnings = (
        *dates.warnings,
        *pairs.warnings,
        *(f"{date}: {reason}" for date, reason in degraded.items()),
        *(f"{date} moved by more than {options.frozen_within:g} lines: it is resampled again" for date in moved),
    )
    return Outcome(Status.DONE, quality=quality, warnings=warnings)


def _sure(pairs: Sequence[PairShift]) -> list[Difference]:
    return [Difference(one.first, one.second, one.line, one.sigma) for one in pairs if not one.degraded]


def _amplitudes(reference: str, offsets: dict[str, DateOffset]) -> list[Difference]:
    """Return what amplitudes say of the dates that they are sure of; no shift where they see none."""
    return [
        Difference(reference, date, _seen(one.line, one.line_sigma), one.line_sigma)
        for date, one in sorted(offsets.items())
        if not one.degraded and 0 < one.line_sigma < math.inf and date != reference
    ]


def _seen(value: float, sigma: float) -> float:
    """Return a value that stands out of its noise, else 0."""
    return value if abs(value) > SIGNIFICANT * sigma else 0.0


def _shift(date: str, reference: str, line: float, solution: NetworkSolution, offsets: dict[str, DateOffset]) -> Shift:
    """Return what is added for a date, and how sure it is."""
    if date == reference:
        return NONE
    own, sigma, reason = offsets[date], solution.sigmas[date], solution.degraded.get(date, "")
    sample = _seen(own.sample, own.sample_sigma)
    if not math.isfinite(sigma):
        # Nothing ties the date to the reference: geometry, which is good to some hundredths of a line, is all there is.
        return Shift(0.0, sample, None, "degraded", reason)
    if reason and not own.degraded and _seen(own.line, own.line_sigma) == 0:
        noise = f"{own.line:.4f} lines are within their noise of {own.line_sigma:.4f}"
        reason = f"{reason}, whose {noise}: geometry is left as it is"
    return Shift(line, sample, sigma, "degraded" if reason else "done", reason)


def write_empty_network(path: Path, _outcome: Outcome) -> None:
    """Write a solution without dates."""
    write_network(path, {})
