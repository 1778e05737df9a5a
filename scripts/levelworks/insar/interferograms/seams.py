"""Phase steps between the bursts of an interferogram, and constant phases of bursts (specs/insar.md 4.9 d, 6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import numpy as np

from levelworks.insar.coregistration.rslc_files import read_range_difference, read_rslc
from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.geometry.pair_offsets import PairOffsets
from levelworks.insar.refinement.burst_phases import LEAST_CELLS, overlap_phase
from levelworks.insar.refinement.differences import Difference
from levelworks.insar.refinement.overlaps import (
    LOOKS,
    Overlap,
    OverlapCells,
    burst_overlap,
    doppler_differences,
    find_overlaps,
    overlap_cells,
    strip_sums,
)
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_orbits import burst_arc
from levelworks.insar.safe.burst import Burst

THRESHOLDS = (0.5, 0.0)
"""Coherences from which cells of an overlap count: all do where too few are coherent, if together they are sure."""
LARGEST_SIGMA = 0.1
"""rad, of a step that is believed: a third of what is flagged."""


@dataclass(frozen=True)
class Dates:
    """The folders of the coregistered bursts of two dates."""

    first: Path
    second: Path

    def has(self, key: str) -> bool:
        """Return whether both have a burst."""
        return all((folder / f"{key}.h5").exists() for folder in (self.first, self.second))


def range_difference(dates: Dates, key: str) -> PairOffsets:
    """Return the later date's slant range less the earlier one's (m), on the grid of the burst's offsets."""
    one, two = (read_range_difference(folder / f"{key}.h5") for folder in (dates.first, dates.second))
    between = two.range_difference - one.range_difference
    nothing = np.zeros_like(between)
    return PairOffsets(nothing, nothing, between, two.steps)


def seams_of(bursts: Sequence[Burst]) -> list[Overlap]:
    """Return what neighbours have in common: consecutive bursts of a swath, then bursts of neighbouring swaths."""
    swaths = sorted({burst.swath for burst in bursts})
    across = []
    for one, two in pairwise(swaths):
        near, far = ([burst for burst in bursts if burst.swath == swath] for swath in (one, two))
        across += [burst_overlap(a, b) for a, b in product(near, far)]
    return [*find_overlaps(bursts), *(overlap for overlap in across if overlap is not None)]


def overlap_differences(overlap: Overlap, reference: Acquisition, dates: Dates) -> OverlapCells | None:
    """Form the double differences of an overlap from coregistered bursts.

    Parameters
    ----------
    overlap : Overlap
        Of two bursts of the reference.
    reference : Acquisition
        Of the frame.
    dates : Dates

    Returns
    -------
    OverlapCells or None
        None where a burst is missing.
    """
    keys = overlap.first, overlap.second
    if not all(map(dates.has, keys)):
        return None
    by_key = {burst.key: burst for burst in reference.bursts}
    sums = []
    for which, key in enumerate(keys):
        lines, _ = overlap.part(which)
        one, two = (read_rslc(folder / f"{key}.h5", lines) for folder in (dates.first, dates.second))
        sums.append(strip_sums(overlap, which, one, two, range_difference(dates, key), by_key[key].wavelength))
    first, second = (carrier(by_key[key], burst_arc(reference, by_key[key])) for key in keys)
    return overlap_cells(sums[0], sums[1], doppler_differences(overlap, (first, second)), overlap.interval)


def is_measurable(overlap: Overlap, dates: Dates) -> bool:
    """Return whether a seam would be measured if it were coherent: both bursts are there, and cells enough."""
    cells = math.prod((stop - start) // looks for (start, stop), looks in zip(
        (overlap.lines, overlap.samples), LOOKS, strict=True
    ))  # fmt: skip
    return cells >= LEAST_CELLS and dates.has(overlap.first) and dates.has(overlap.second)


def measure_seam(overlap: Overlap, reference: Acquisition, dates: Dates) -> Difference | None:
    """Measure the phase of the second burst's interferogram less that of the first one.

    Parameters
    ----------
    overlap : Overlap
        Of two bursts of the reference.
    reference : Acquisition
        Of the frame.
    dates : Dates

    Returns
    -------
    Difference or None
        rad; None where a burst is missing, the overlap has fewer than 30 cells, or its phase is noise.
    """
    cells = overlap_differences(overlap, reference, dates)
    if cells is None:
        return None
    steps = [overlap_phase(overlap, cells, 0.0, threshold) for threshold in THRESHOLDS]
    return next((step for step in steps if step is not None and step.sigma <= LARGEST_SIGMA), None)
