"""The radar grid of a frame: bursts at whole lines and samples, seams at multiples of looks (specs/insar.md 4.10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.insar.safe.burst import Burst

GRID_TOLERANCE = 0.01
"""Lines and samples by which a burst may lie beside the grid of the others."""


@dataclass(frozen=True)
class Placement:
    """A burst on the radar grid.

    Parameters
    ----------
    key : str
        ``iw1_230132``.
    corner : tuple of int
        Line and sample of the grid at which the burst's first pixel lies.
    lines, samples : tuple of int
        Of the grid, the first and the one after the last that are taken from this burst; multiples of the looks. The
        parts of all bursts do not overlap.
    """

    key: str
    corner: tuple[int, int]
    lines: tuple[int, int]
    samples: tuple[int, int]

    @property
    def inside(self) -> tuple[slice, slice]:
        """Return the lines and samples of the burst that are taken."""
        return (
            slice(self.lines[0] - self.corner[0], self.lines[1] - self.corner[0]),
            slice(self.samples[0] - self.corner[1], self.samples[1] - self.corner[1]),
        )

    def cells(self, looks: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of cells that are taken from this burst."""
        return (
            slice(self.lines[0] // looks[0], self.lines[1] // looks[0]),
            slice(self.samples[0] // looks[1], self.samples[1] // looks[1]),
        )


@dataclass(frozen=True)
class Mosaic:
    """The radar grid of a frame's reference.

    Parameters
    ----------
    epoch : date
        From whose midnight times count.
    start_time, starting_range : float
        Of line 0 and sample 0: zero-Doppler time (s), slant range (m).
    time_interval, range_spacing : float
        From line to line (s) and from sample to sample (m).
    wavelength : float
        m.
    looks : tuple of int
        Lines and samples of a cell.
    shape : tuple of int
        Rows and columns of cells.
    placements : tuple of Placement
        In the order of swath and time.
    """

    epoch: dt.date
    start_time: float
    starting_range: float
    time_interval: float
    range_spacing: float
    wavelength: float
    looks: tuple[int, int]
    shape: tuple[int, int]
    placements: tuple[Placement, ...]

    def rows_of(self, times: np.ndarray) -> np.ndarray:
        """Return rows of cells, whole at their centres, at zero-Doppler times (s)."""
        lines = (np.asarray(times, np.float64) - self.start_time) / self.time_interval
        return (lines + 0.5) / self.looks[0] - 0.5

    def columns_of(self, ranges: np.ndarray) -> np.ndarray:
        """Return columns of cells, whole at their centres, at slant ranges (m)."""
        samples = (np.asarray(ranges, np.float64) - self.starting_range) / self.range_spacing
        return (samples + 0.5) / self.looks[1] - 0.5

    def times_of(self, rows: np.ndarray) -> np.ndarray:
        """Return zero-Doppler times (s) at rows of cells."""
        lines = (np.asarray(rows, np.float64) + 0.5) * self.looks[0] - 0.5
        return self.start_time + lines * self.time_interval

    def ranges_of(self, columns: np.ndarray) -> np.ndarray:
        """Return slant ranges (m) at columns of cells."""
        samples = (np.asarray(columns, np.float64) + 0.5) * self.looks[1] - 0.5
        return self.starting_range + samples * self.range_spacing


def make_mosaic(bursts: Sequence[Burst], looks: tuple[int, int]) -> Mosaic:
    """Place the bursts of a reference acquisition on one grid.

    Seams are in the middle of what two bursts, or two swaths, both have, at the nearest multiple of the looks.

    Parameters
    ----------
    bursts : sequence of Burst
    looks : tuple of int
        Lines and samples of a cell.

    Raises
    ------
    InvalidReference
        Where a burst does not lie on the grid of the others, or is farther from its neighbour than they reach.
    """
    ordered = sorted(bursts, key=lambda burst: (burst.swath, burst.id))
    first = ordered[0]
    start = min(ordered, key=lambda burst: burst.azimuth_time)
    near = min(ordered, key=lambda burst: burst.starting_range)
    corners = {burst.key: _corner(burst, start, near) for burst in ordered}
    lines = _line_parts(ordered, corners, looks[0])
    samples = _sample_parts(ordered, corners, looks[1])
    placements = tuple(Placement(b.key, corners[b.key], lines[b.key], samples[b.swath]) for b in ordered)
    shape = (
        max(place.lines[1] for place in placements) // looks[0],
        max(place.samples[1] for place in placements) // looks[1],
    )
    return Mosaic(
        first.epoch,
        start.azimuth_time,
        near.starting_range,
        first.azimuth_time_interval,
        first.range_spacing,
        first.wavelength,
        looks,
        shape,
        placements,
    )


def _corner(burst: Burst, start: Burst, near: Burst) -> tuple[int, int]:
    """Return where a burst's first pixel lies, in whole lines and samples."""
    line, sample = float(start.line_of(burst.azimuth_time)), float(near.sample_of(burst.starting_range))
    beside = max(abs(line - round(line)), abs(sample - round(sample)))
    if beside > GRID_TOLERANCE:
        raise InvalidReference(
            f"burst {burst.key} lies {beside:.3f} pixels beside the grid of the frame's reference: "
            "choose a reference whose slices are of one processing"
        )
    return round(line), round(sample)


def _line_parts(
    ordered: Sequence[Burst], corners: dict[str, tuple[int, int]], looks: int
) -> dict[str, tuple[int, int]]:
    """Return the first line of each burst's part and the one after its last."""
    parts = {}
    for burst in ordered:
        top = corners[burst.key][0]
        parts[burst.key] = -(-top // looks) * looks, (top + burst.lines) // looks * looks
    for one, two in pairwise(ordered):
        if (one.swath, one.id + 1) != (two.swath, two.id):
            continue
        last = corners[one.key][0] + one.valid.last_line
        begin = corners[two.key][0] + two.valid.first_line
        if begin > last + 1:
            raise InvalidReference(f"bursts {one.key} and {two.key} of the reference do not reach each other")
        seam = round((last + begin + 1) / 2 / looks) * looks
        parts[one.key], parts[two.key] = (parts[one.key][0], seam), (seam, parts[two.key][1])
    return parts


def _sample_parts(
    ordered: Sequence[Burst], corners: dict[str, tuple[int, int]], looks: int
) -> dict[str, tuple[int, int]]:
    """Return the first sample of each swath's part and the one after its last."""
    swaths = sorted({burst.swath for burst in ordered})
    own = {swath: [burst for burst in ordered if burst.swath == swath] for swath in swaths}
    parts = {}
    for swath, bursts in own.items():
        left = min(corners[burst.key][1] for burst in bursts)
        right = min(corners[burst.key][1] + burst.samples for burst in bursts)
        parts[swath] = -(-left // looks) * looks, right // looks * looks
    for one, two in pairwise(swaths):
        last = min(corners[burst.key][1] + burst.valid.last_sample for burst in own[one])
        begin = max(corners[burst.key][1] + burst.valid.first_sample for burst in own[two])
        if begin > last + 1:
            continue  # a swath between them is absent
        seam = round((last + begin + 1) / 2 / looks) * looks
        parts[one], parts[two] = (parts[one][0], seam), (seam, parts[two][1])
    return parts
