"""The stage `coregister`: the bursts of a date resampled to the pixels of the reference (specs/insar.md 4.6 to 4.8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import InvalidInput, Outcome, Status
from levelworks.insar.coregistration.burst_pairs import pair_bursts
from levelworks.insar.coregistration.coregister_options import Coregister
from levelworks.insar.coregistration.intensity import sum_intensity, write_intensity
from levelworks.insar.coregistration.network_files import NONE, Shift, find_shift
from levelworks.insar.coregistration.rslc_files import RslcFacts, write_rslc
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.mosaic.mosaic import Mosaic, Placement
from levelworks.insar.refinement.burst_pair import BurstPair, secondary_lines
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.safe.measurement import read_burst

LINES = 256
"""Of a burst that are resampled at once."""


@dataclass(frozen=True)
class Resampled:
    """What is said of a burst: sums of its part of the mosaic, greatest offset (pixels), Doppler difference (share)."""

    key: str
    sums: tuple[np.ndarray, np.ndarray]
    largest_offset: float
    doppler_difference: float


def coregister(
    frame: Path,
    reference: Path,
    secondary: Path,
    geometry: Path,
    network: Path | None,
    *,
    folder: Path,
    options: Coregister,
) -> Outcome:
    """Resample the bursts of a date to the pixels of the reference's; bursts are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference, secondary : Path
        Acquisitions of the frame's reference date and of the date; where they are one, its pixels stay as they are.
    geometry : Path
        Of `reference-geometry`.
    network : Path or None
        Solution of `solve-network` with what is to be added for this date; nothing is where there is none.
    folder : Path
        That is written: an HDF5 of `rslc_files` a burst, and ``mli.h5``.

    Raises
    ------
    InvalidInput
        Where pixels can't be read, or the shift is larger than can be.
    """
    refuse_flagged(secondary)
    found = read_reference(read_frame(frame), reference)
    own = read_acquisition_file(secondary)
    mosaic = read_mosaic(geometry)
    shift = _shift_of(own, found, network)
    if abs(shift.line) > options.largest_shift:
        raise InvalidInput(
            f"the shift of {own.date} is {shift.line:.3f} lines, beyond the largest of {options.largest_shift:g}: "
            "see its orbit and the estimates of estimate-diversity"
        )
    keys = {burst.key for burst in own.bursts}
    common = [place for place in mosaic.placements if place.key in keys]
    ranks = world()
    if ranks.rank == 0:
        folder.mkdir()
    ranks.allgather(None)
    with together(ranks):
        mine = [
            _write_burst(common[k], (found, own), geometry, mosaic, shift, folder)
            for k in split(len(common), ranks.size, ranks.rank)
        ]
    parts = ranks.gather(mine)
    if parts is None:
        return Outcome()
    written = [one for part in parts for one in part]
    mean, coverage = write_intensity(folder, mosaic, {one.key: one.sums for one in written})
    figures = {"mean_intensity": mean, "coverage": coverage, "mission": own.mission}
    return _outcome(own, mosaic, written, shift, figures, options)


def _shift_of(own: Acquisition, reference: Acquisition, network: Path | None) -> Shift:
    """Return what is to be added for a date."""
    if network is None or own.epoch == reference.epoch:
        return NONE
    return find_shift(network, own.date)


def _write_burst(
    place: Placement,
    dates: tuple[Acquisition, Acquisition],
    geometry: Path,
    mosaic: Mosaic,
    shift: Shift,
    folder: Path,
) -> Resampled:
    """Write one burst, and return what the date's intensity and record need of it."""
    pair = pair_bursts(*dates, geometry, [place.key])[place.key]
    reference = pair.reference
    same = dates[0].epoch == dates[1].epoch
    lines, samples = place.inside
    rows = (lines.stop - lines.start) // mosaic.looks[0]
    columns = (samples.stop - samples.start) // mosaic.looks[1]
    power, count = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.int32)

    def blocks() -> Iterator[tuple[int, np.ndarray]]:
        # Blocks begin where cells do, so that every cell is summed whole.
        edges = [0, *range(lines.start, lines.stop, LINES // mosaic.looks[0] * mosaic.looks[0]), lines.stop]
        for start, stop in zip(edges, [*edges[1:], reference.lines], strict=True):
            if stop <= start:
                continue
            pixels = _pixels(pair, (start, stop), (shift.line, shift.sample), same=same)
            if lines.start <= start < lines.stop:
                cells = slice((start - lines.start) // mosaic.looks[0], (stop - lines.start) // mosaic.looks[0])
                power[cells], count[cells] = sum_intensity(pixels[:, samples], mosaic.looks)
            yield start, pixels

    facts = RslcFacts(dates[1].date, place.key, (shift.line, shift.sample))
    write_rslc(folder / f"{place.key}.h5", facts, pair.offsets, (reference.lines, reference.samples), blocks())
    along, across = pair.offsets.line, pair.offsets.sample
    largest = float(max(np.nanmax(np.abs(along)), np.nanmax(np.abs(across))))
    return Resampled(place.key, (power, count), largest, _doppler_difference(pair))


def _pixels(pair: BurstPair, lines: tuple[int, int], added: tuple[float, float], *, same: bool) -> np.ndarray:
    """Return lines of a burst on the reference's pixels: the reference's own are not resampled."""
    return read_burst(pair.reference, lines) if same else secondary_lines(pair, lines, added)


def _doppler_difference(pair: BurstPair) -> float:
    """Return by which share of the bandwidth the two bursts see their middle under another Doppler frequency."""
    lines, samples = (count // 2 for count in (pair.reference.lines, pair.reference.samples))
    steps = pair.offsets.steps
    at = lines // steps[0], samples // steps[1]
    place = np.array([lines + pair.offsets.line[at]]), np.array([samples + pair.offsets.sample[at]])
    one = pair.carriers[0].frequency(np.array([lines]), np.array([samples]))
    two = pair.carriers[1].frequency(*place)
    return float(abs(two[0] - one[0]) / pair.reference.azimuth_window.bandwidth)


def _outcome(
    own: Acquisition,
    mosaic: Mosaic,
    written: list[Resampled],
    shift: Shift,
    figures: dict[str, Any],
    options: Coregister,
) -> Outcome:
    keys = {one.key for one in written}
    missing = [place.key for place in mosaic.placements if place.key not in keys]
    doppler = max(one.doppler_difference for one in written)
    warnings = [f"burst {key} is missing" for key in missing]
    if shift.state != "done":
        warnings.append(f"its shift is not sure: {shift.reason}")
    if doppler > options.largest_doppler_difference:
        warnings.append(
            f"bursts lie {doppler:.0%} of the azimuth bandwidth apart from the reference's: coherence suffers"
        )
    quality = {
        "state": "degraded" if missing or shift.state != "done" else "done",
        "bursts": len(written),
        "bursts_missing": missing,
        "added_line": shift.line,
        "added_line_sigma": shift.sigma,
        "added_line_unsure": shift.reason,
        "added_sample": shift.sample,
        "largest_offset_px": max(one.largest_offset for one in written),
        "doppler_difference_share": doppler,
        "orbit_kind": own.orbit_kind,
    }
    return Outcome(Status.DONE, quality=quality | figures, warnings=tuple(warnings))
