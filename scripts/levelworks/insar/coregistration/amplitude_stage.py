"""The stage `correlate-amplitudes`: the constant offset of a date by amplitudes (specs/insar.md 4.9 a)."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import NothingToProduce, Outcome, Status
from levelworks.insar.coregistration.burst_pairs import common_keys, pair_bursts
from levelworks.insar.coregistration.refinement_files import DateOffset, write_offset
from levelworks.insar.coregistration.refinement_options import CorrelateAmplitudes
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.refinement.cross_correlation import AmplitudeOffset, amplitude_offset
from levelworks.insar.refinement.measure import join_patches, measure_patches
from levelworks.insar.safe.acquisition_files import read_acquisition_file


def correlate_amplitudes(
    frame: Path, reference: Path, secondary: Path, geometry: Path, *, offset: Path, options: CorrelateAmplitudes
) -> Outcome:
    """Measure by how much a date lies beside what geometry says; bursts are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference, secondary : Path
        Acquisitions of the frame's reference date and of the date.
    geometry : Path
        Of `reference-geometry`.
    offset : Path
        JSON of `refinement_files`. Where too few patches correlate it is 0 with an infinite deviation, and that is
        said: the overlaps of bursts may know more.

    Raises
    ------
    NothingToProduce
        Where the date has no burst of the reference.
    """
    refuse_flagged(secondary)
    found, own = read_reference(read_frame(frame), reference), read_acquisition_file(secondary)
    keys = common_keys(found, own)
    if not keys:
        raise NothingToProduce(f"{own.date} has no burst of the reference")
    ranks = world()
    with together(ranks):
        mine = [keys[k] for k in split(len(keys), ranks.size, ranks.rank)]
        pairs = pair_bursts(found, own, geometry, mine)
    total, iterations = AmplitudeOffset(0.0, 0.0, 0.0, 0.0, 0, 0, 0.0), 0
    line = sample = 0.0
    for _ in range(options.iterations):
        with together(ranks):
            patches = [measure_patches(pair, (line, sample)) for pair in pairs.values()]
        parts = ranks.allgather(patches)
        total = amplitude_offset(join_patches([one for part in parts for one in part]))
        iterations += 1
        if total.degraded:
            break
        line, sample = line + total.line, sample + total.sample
        if abs(total.line) <= options.line_tolerance and abs(total.sample) <= options.sample_tolerance:
            break
    if ranks.rank > 0:
        return Outcome()
    # An offset whose second measurement fails is not to be trusted either.
    line, sample = (0.0, 0.0) if total.degraded else (line, sample)
    write_offset(offset, DateOffset(own.date, line, sample, total.line_sigma, total.sample_sigma, total.degraded))
    quality = {
        "state": "degraded" if total.degraded else "done",
        "line": line,
        "line_sigma": None if total.degraded else total.line_sigma,
        "sample": sample,
        "sample_sigma": None if total.degraded else total.sample_sigma,
        "patches": total.patches,
        "patches_used": total.used,
        "iterations": iterations,
    }
    return Outcome(Status.DONE, quality=quality, warnings=(total.degraded,) if total.degraded else ())
