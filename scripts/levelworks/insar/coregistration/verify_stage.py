"""The stage `verify-coregistration`: spectral diversity once more, of the resampled bursts (specs/insar.md 4.9 e).

A stage of its own, so that another bound resamples nothing, and so that a date that has nothing in common with the
reference any more can be measured against the date beside it without dates waiting for each other to be resampled.
"""

from __future__ import annotations

from pathlib import Path

from levelworks.core.mpi import Communicator, split, together, world
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.core.record import described_product
from levelworks.insar.coregistration.refinement_options import Verification
from levelworks.insar.coregistration.rslc_files import find_bursts, missions_of
from levelworks.insar.coregistration.swath_shifts import describe_estimate, estimate_swaths
from levelworks.insar.coregistration.verification import Residual, choose_residual, judge_residual, write_residual
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.interferograms.seams import Dates, overlap_differences
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.refinement.overlaps import find_overlaps
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate
from levelworks.insar.safe.acquisition import Acquisition


def verify_coregistration(
    frame: Path, reference: Path, date: Path, against: list[Path], *, residual: Path, options: Verification
) -> Outcome:
    """Measure what is left of a date's azimuth shift after resampling; overlaps are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference : Path
        Acquisition of the frame's reference date.
    date : Path
        Folder of `coregister`, or the record beside it.
    against : list of Path
        The same of other dates, the reference first: the next is taken where one says nothing, as it does where too
        much time lies between, or where bursts of two satellites have phases of their own.
    residual : Path
        JSON of `verification`.
    """
    own = find_bursts(date)
    found = read_reference(read_frame(frame), reference)
    ranks = world()
    tried: list[Residual] = []
    figures: dict[str, ShiftEstimate] = {}
    for other in map(described_product, against):
        reason = _flagged(other)
        if reason:
            tried.append(Residual("not verified", other.name, reason=f"it can't be used: {reason}"))
            continue
        swaths = _measure(found, Dates(other, own), ranks, options)
        tried.append(judge_residual(other.name, swaths, options, missions_of((other, own))))
        figures = swaths
        if tried[-1].state != "not verified":
            break
    if ranks.rank > 0:
        return Outcome()
    chosen = choose_residual(tried)
    write_residual(residual, own.name, chosen, tried)
    return _outcome(own.name, chosen, figures)


def _flagged(path: Path) -> str:
    try:
        find_bursts(path)
    except (InvalidInput, NothingToProduce) as error:
        return str(error)
    return ""


def _measure(
    reference: Acquisition, dates: Dates, ranks: Communicator, options: Verification
) -> dict[str, ShiftEstimate]:
    """Return the shift of the second date against the first one by swath, the same on all ranks."""
    overlaps = [one for one in find_overlaps(reference.bursts) if dates.has(one.first) and dates.has(one.second)]
    with together(ranks):
        own = split(len(overlaps), ranks.size, ranks.rank)
        mine = [(k, overlap_differences(overlaps[k], reference, dates)) for k in own]
    parts = [one for part in ranks.allgather(mine) for one in part]
    there = [(overlaps[k], cells) for k, cells in parts if cells is not None]
    return estimate_swaths([overlap for overlap, _ in there], [cells for _, cells in there], options)


def _outcome(date: str, chosen: Residual, swaths: dict[str, ShiftEstimate]) -> Outcome:
    quality = {
        "state": chosen.state,
        "residual_lines": chosen.line,
        "residual_sigma": chosen.sigma,
        "against": chosen.against,
        "swaths": {swath: describe_estimate(estimate) for swath, estimate in swaths.items()},
    }
    warnings = []
    if chosen.state == "degraded":
        warnings.append(
            f"{date} is not on the grid of {chosen.against}: {chosen.reason}. See its pairs of estimate-diversity and "
            "its shift of solve-network, or leave the date out"
        )
    elif chosen.state == "not verified":
        warnings.append(f"the coregistration of {date} is not verified: {chosen.reason}")
    return Outcome(Status.DONE, quality=quality, warnings=tuple(warnings))
