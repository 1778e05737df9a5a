"""The stage `estimate-diversity`: the azimuth shift of a pair of dates by spectral diversity (specs/insar.md 4.9 b)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import Outcome, Status
from levelworks.insar.coregistration.burst_pairs import common_keys, pair_bursts
from levelworks.insar.coregistration.refinement_files import DateOffset, PairShift, read_offset, write_shift
from levelworks.insar.coregistration.refinement_options import EstimateDiversity
from levelworks.insar.coregistration.swath_shifts import describe_estimate, estimate_swaths
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.refinement.ambiguity import resolve_shift
from levelworks.insar.refinement.measure import secondary_strips, strip_cells
from levelworks.insar.refinement.overlaps import Overlap, OverlapCells, find_overlaps
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate, overlap_shift
from levelworks.insar.refinement.two_satellites import doubt_shift
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_files import read_acquisition_file

SIGNIFICANT = 3.0
"""Standard deviations from which an overlap is said to disagree."""


@dataclass(frozen=True)
class OverlapShift:
    """The shift that one overlap shows: its name, lines, standard deviation, and what it has beyond the common one.

    ``beyond`` in lines, ``phase`` the same as the phase that it leaves, rad.
    """

    name: str
    line: float
    sigma: float
    beyond: float
    phase: float


@dataclass(frozen=True)
class Side:
    """One date of a pair: its bursts, and what amplitudes say to add (nothing for the reference)."""

    acquisition: Acquisition
    offset: DateOffset

    @property
    def added(self) -> tuple[float, float]:
        """Return lines and samples to add."""
        return self.offset.line, self.offset.sample


def estimate_diversity(
    frame: Path,
    reference: Path,
    first: Path,
    second: Path,
    geometry: Path,
    first_offset: Path | None,
    second_offset: Path | None,
    *,
    shift: Path,
    options: EstimateDiversity,
) -> Outcome:
    """Measure the azimuth shift of two dates in the overlaps of bursts; overlaps are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference, first, second : Path
        Acquisitions of the frame's reference date and of the pair, of which one may be the reference.
    geometry : Path
        Of `reference-geometry`.
    first_offset, second_offset : Path or None
        Of `correlate-amplitudes`; None for the reference.
    shift : Path
        JSON of `refinement_files`: the shift beyond geometry, that of amplitudes included. Where nothing is coherent
        it is 0 with an infinite deviation, and that is said.

    Notes
    -----
    One shift is found for the pair. Where overlaps differ from it by more than their own noise, as the ionosphere makes
    them, its standard deviation is that of their scatter: their noise times the root of chi squared over the degrees of
    freedom. What each shows is in the record, and phases that this leaves between bursts are said. Between two
    satellites a shift is only believed where it is told from phases that their bursts may have.
    """
    for path in (first, second):
        refuse_flagged(path)
    found = read_reference(read_frame(frame), reference)
    sides = tuple(
        Side(read_acquisition_file(path), _offset(offset))
        for path, offset in ((first, first_offset), (second, second_offset))
    )
    keys = set(common_keys(found, *(side.acquisition for side in sides)))
    overlaps = [one for one in find_overlaps(found.bursts) if {one.first, one.second} <= keys]
    ranks = world()
    with together(ranks):
        own = [overlaps[k] for k in split(len(overlaps), ranks.size, ranks.rank)]
        mine = [_cells(overlap, found, (sides[0], sides[1]), geometry) for overlap in own]
    parts = ranks.gather(mine)
    if parts is None:
        return Outcome()
    cells = [one for part in parts for one in part]
    return _write(shift, overlaps, cells, (sides[0], sides[1]), options)


def _offset(path: Path | None) -> DateOffset:
    if path is None:
        return DateOffset("", 0.0, 0.0, 0.0, 0.0)
    refuse_flagged(path)
    return read_offset(path)


def _cells(overlap: Overlap, reference: Acquisition, sides: tuple[Side, Side], geometry: Path) -> OverlapCells:
    """Return the double differences of an overlap, both dates on the reference's pixels."""
    keys = overlap.first, overlap.second
    strips = []
    for side in sides:
        pairs = pair_bursts(reference, side.acquisition, geometry, keys)
        strips.append(secondary_strips(overlap, pairs, side.added))
    return strip_cells(overlap, pairs, (strips[0], strips[1]))


def _write(
    path: Path,
    overlaps: list[Overlap],
    cells: list[OverlapCells],
    sides: tuple[Side, Side],
    options: EstimateDiversity,
) -> Outcome:
    """Write the shift of the pair, and return what is said of it."""
    estimates = estimate_swaths(overlaps, cells, options)
    names = [side.acquisition.date for side in sides]
    one, two = (side.offset for side in sides)
    known = not (one.degraded or two.degraded)
    near = math.hypot(one.line_sigma, two.line_sigma) if known else math.inf
    if estimates:
        resolved = resolve_shift(list(estimates.values()), (0.0, near))
        line, sigma, degraded = resolved.line, resolved.sigma, resolved.degraded
        if sides[0].acquisition.mission != sides[1].acquisition.mission:
            degraded = degraded or doubt_shift(list(estimates.values()), resolved, (0.0, near))
    else:
        line, sigma, degraded = 0.0, math.inf, "no two bursts that follow each other are there on both dates"
    # What amplitudes say was added before: the shift beyond geometry is the sum.
    before = two.line - one.line
    value = 0.0 if degraded else line + before
    own = [] if degraded else _overlap_shifts(overlaps, cells, estimates, line)
    scale, formal = _scatter(own)
    sigma = max(sigma, scale * formal)
    write_shift(path, PairShift(names[0], names[1], value, math.inf if degraded else sigma, degraded))
    warnings = [degraded] if degraded else _disagreement(own, options.most_disagreement)
    quality = {
        "state": "degraded" if warnings else "done",
        "azimuth_shift_lines": value,
        "azimuth_shift_sigma": None if degraded else sigma,
        "beyond_amplitudes_lines": None if degraded else line,
        "overlap_scatter": scale,
        "swaths": {swath: describe_estimate(estimate) for swath, estimate in estimates.items()},
        "overlaps": {
            one.name: {
                "azimuth_shift_lines": one.line + before,
                "azimuth_shift_sigma": one.sigma,
                "phase_left_rad": one.phase,
            }
            for one in own
        },
    }
    return Outcome(Status.DONE, quality=quality, warnings=tuple(warnings))


def _overlap_shifts(
    overlaps: list[Overlap], cells: list[OverlapCells], swaths: dict[str, ShiftEstimate], common: float
) -> list[OverlapShift]:
    """Return what overlaps show each by itself, in whole periods with the common shift; none of swaths without one."""
    found = []
    for overlap, one in zip(overlaps, cells, strict=True):
        estimate = swaths[overlap.first.split("_")[0]]
        shown = overlap_shift(one, estimate)
        if shown is None:
            continue
        beyond = shown[0] - common
        beyond -= estimate.period * round((estimate.line - common) / estimate.period)
        phase = 2 * math.pi * beyond / estimate.period
        found.append(OverlapShift(f"{overlap.first}-{overlap.second}", common + beyond, shown[1], beyond, phase))
    return found


def _scatter(own: list[OverlapShift]) -> tuple[float, float]:
    """Return the root of chi squared over the degrees of freedom (1 at least), and the noise of the overlaps' mean."""
    if len(own) < 2:
        return 1.0, 0.0
    chi_square = sum((one.beyond / one.sigma) ** 2 for one in own)
    noise = 1 / math.sqrt(sum(one.sigma**-2 for one in own))
    return max(1.0, math.sqrt(chi_square / (len(own) - 1))), noise


def _disagreement(own: list[OverlapShift], most: float) -> list[str]:
    """Return what is to be said where one shift does not do for all overlaps."""
    beside = [one for one in own if abs(one.phase) > most and abs(one.beyond) > SIGNIFICANT * one.sigma]
    if not beside:
        return []
    worst = max(beside, key=lambda one: abs(one.phase))
    said = (
        f"{len(beside)} of {len(own)} overlaps disagree with the common shift, {worst.name} by {worst.beyond:.4f} "
        f"lines ({abs(worst.phase):.2f} rad): one shift for all bursts does not do (the ionosphere, two satellites)"
    )
    return [said]
