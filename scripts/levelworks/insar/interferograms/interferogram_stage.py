"""The stage `form-interferogram`: coregistered bursts of two dates straight to sums over looks (specs 4.10)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import NothingToProduce, Outcome, Status
from levelworks.core.record import read_record
from levelworks.insar.coregistration.rslc_files import find_bursts, missions_of, read_rslc
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.interferograms.equivalent_looks import debias_coherence, equivalent_looks
from levelworks.insar.interferograms.interferogram_files import Interferogram, write_interferogram
from levelworks.insar.interferograms.interferogram_options import FormInterferogram
from levelworks.insar.interferograms.look_sums import LookSums, look_sums
from levelworks.insar.interferograms.phase_noise import phase_variance
from levelworks.insar.interferograms.seams import Dates, is_measurable, measure_seam, range_difference, seams_of
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.mosaic.mosaic import Mosaic, Placement
from levelworks.insar.network.epochs import parse_pair
from levelworks.insar.refinement.burst_phases import BurstPhases, solve_burst_phases
from levelworks.insar.refinement.differences import Difference

ROWS = 64
"""Of cells that are summed at once."""


def form_interferogram(
    frame: Path,
    reference: Path,
    geometry: Path,
    first: Path,
    second: Path,
    *,
    interferogram: Path,
    options: FormInterferogram,
) -> Outcome:
    """Sum the flattened interferogram of two dates over looks, burst by burst; bursts are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference : Path
        Acquisition of the frame's reference date.
    geometry : Path
        Of `reference-geometry`.
    first, second : Path
        Folders of `coregister` of the earlier and the later date, or the records beside them.
    interferogram : Path
        HDF5 of `interferogram_files`.

    Raises
    ------
    NothingToProduce
        Where no burst is there on both dates.
    """
    dates = Dates(find_bursts(first), find_bursts(second))
    found = read_reference(read_frame(frame), reference)
    mosaic = read_mosaic(geometry)
    common = [place for place in mosaic.placements if dates.has(place.key)]
    if not common:
        raise NothingToProduce(f"no burst is there on both {dates.first.name} and {dates.second.name}")
    ranks = world()
    overlaps = seams_of(found.bursts)
    with together(ranks):
        mine = split(len(overlaps), ranks.size, ranks.rank)
        steps = [(k, measure_seam(overlaps[k], found, dates)) for k in mine]
        sums = [_burst_sums(common[k], dates, mosaic) for k in split(len(common), ranks.size, ranks.rank)]
    parts = ranks.gather((steps, sums))
    if parts is None:
        return Outcome()
    seams = [seam for part, _ in parts for _, seam in part if seam is not None]
    expected = sum(is_measurable(overlap, dates) for overlap in overlaps)
    phases, figures = _burst_phases(common, seams, dates, options)
    figures |= {"seams_unmeasured": max(expected - len(seams), 0)}
    layers = _assemble(mosaic, common, [one for _, part in parts for one in part], phases)
    looks = equivalent_looks(found.bursts[0], mosaic.looks)
    pair = f"{dates.first.name}_{dates.second.name}"
    content = _interferogram(layers, looks, options.coherence_window, str(parse_pair(pair)))
    write_interferogram(interferogram, content)
    return _outcome(content, mosaic, common, figures, _unsure(dates), options)


def _burst_sums(place: Placement, dates: Dates, mosaic: Mosaic) -> LookSums:
    """Return the sums of the part that is taken from a burst; blocks of lines are read one by one."""
    offsets = range_difference(dates, place.key)
    lines, samples = place.inside
    step = ROWS * mosaic.looks[0]
    parts = []
    for start in range(lines.start, lines.stop, step):
        block = slice(start, min(start + step, lines.stop))
        one, two = (read_rslc(folder / f"{place.key}.h5", block, samples) for folder in (dates.first, dates.second))
        corner = start, samples.start
        parts.append(look_sums(one, two, offsets, mosaic.wavelength, mosaic.looks, corner))
    names = ("interferogram", "reference", "secondary", "count")
    return LookSums(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _burst_phases(
    common: Sequence[Placement],
    seams: Sequence[Difference],
    dates: Dates,
    options: FormInterferogram,
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return phases (rad) to take off by burst, and what is to be said of seams."""
    keys = [place.key for place in common]
    steps = {f"{seam.first}-{seam.second}": round(seam.value, 5) for seam in seams}
    largest = max((abs(seam.value) for seam in seams), default=None)
    sigma = max((seam.sigma for seam in seams), default=None)
    figures: dict[str, Any] = {"seams": steps, "seam_step_rad": largest, "seam_sigma_rad": sigma, "burst_phases": {}}
    missions = missions_of((dates.first, dates.second))
    if options.burst_phases == "off" or (options.burst_phases == "auto" and len(missions) < 2):
        return dict.fromkeys(keys, 0.0), figures
    solved: BurstPhases = solve_burst_phases(keys, seams)
    left = max((abs(one) for one in solved.residuals), default=None)
    figures |= {
        "burst_phases": {key: round(phase, 5) for key, phase in solved.phases.items()},
        "seam_step_rad": left,
        "seam_step_before_rad": largest,
        "burst_parts": len(solved.parts),
    }
    return solved.phases, figures


def _quality(folder: Path) -> dict[str, Any]:
    record = read_record(folder)
    return dict(record["quality"]) if record else {}


def _unsure(dates: Dates) -> list[str]:
    """Return what is to be said of dates whose shift is not sure."""
    reasons = [(folder.name, _quality(folder).get("added_line_unsure")) for folder in (dates.first, dates.second)]
    return [f"the shift of {date} is not sure: {reason}" for date, reason in reasons if reason]


def _assemble(
    mosaic: Mosaic, common: Sequence[Placement], sums: Sequence[LookSums], phases: dict[str, float]
) -> LookSums:
    """Return the sums of all bursts on the cells of the frame."""
    total = LookSums(
        np.zeros(mosaic.shape, np.complex64),
        np.zeros(mosaic.shape, np.float32),
        np.zeros(mosaic.shape, np.float32),
        np.zeros(mosaic.shape, np.int32),
    )
    for place, part in zip(common, sums, strict=True):
        cells = place.cells(mosaic.looks)
        total.interferogram[cells] = part.interferogram * np.complex64(np.exp(-1j * phases[place.key]))
        for name in ("reference", "secondary", "count"):
            getattr(total, name)[cells] = getattr(part, name)
    return total


def _interferogram(sums: LookSums, looks: float, window: int, pair: str) -> Interferogram:
    """Add coherence over a window of cells, without its bias, and the noise of one cell's phase."""
    there = sums.count > 0
    powers = [_box(power, window) for power in (sums.reference, sums.secondary)]
    summed = _box(sums.interferogram.real, window) + 1j * _box(sums.interferogram.imag, window)
    size = np.sqrt(np.maximum(powers[0] * powers[1], 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        coherence = np.where(there & (size > 0), np.abs(summed) / size, np.nan).astype(np.float32)
    coherence = np.minimum(coherence, np.float32(1))
    debiased = debias_coherence(coherence, max(looks * window**2, 1.5))
    sigma = np.where(np.isfinite(coherence), np.sqrt(phase_variance(debiased, looks)), np.nan).astype(np.float32)
    return Interferogram(
        sums.interferogram, sums.reference, sums.secondary, sums.count, coherence, debiased, sigma, looks, pair
    )


def _box(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean of a square of cells (float64), nothing beyond the edges."""
    return ndimage.uniform_filter(values.astype(np.float64), window, mode="constant")


def _outcome(
    content: Interferogram,
    mosaic: Mosaic,
    common: Sequence[Placement],
    figures: dict[str, Any],
    unsure: list[str],
    options: FormInterferogram,
) -> Outcome:
    there = np.isfinite(content.coherence)
    missing = [place.key for place in mosaic.placements if place not in common]
    warnings = [*(f"burst {key} is missing on one of the dates" for key in missing), *unsure]
    seam, unknown = figures["seam_step_rad"], figures["seams_unmeasured"]
    if seam is None and unknown:
        warnings.append("no phase step between bursts could be measured: where they overlap the phase is noise")
    if seam is not None and seam > options.largest_seam:
        warnings.append(
            f"the phase steps by {seam:.2f} rad between two bursts: misregistration, or the ionosphere, is left"
        )
    degraded = bool(warnings)
    if figures["burst_phases"]:
        warnings.append("constant phases of bursts were taken off, as the dates are of two satellites")
    quality = {
        "state": "degraded" if degraded else "done",
        "bursts": len(common),
        "bursts_missing": missing,
        "coverage": float(there.mean()),
        "equivalent_looks": content.equivalent_looks,
        "mean_coherence": float(np.mean(content.coherence[there])),
        "mean_coherence_debiased": float(np.mean(content.coherence_debiased[there])),
    }
    return Outcome(Status.DONE, quality=quality | figures, warnings=tuple(warnings))
