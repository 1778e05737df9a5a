"""What neighbouring bursts have in common, and the double differences of interferograms there (specs/insar.md 4.9 b).

The two bursts see an overlap under different squint. A misregistration by ``x`` lines turns the interferogram of a
burst by ``2 pi f x dt``, ``f`` its Doppler frequency and ``dt`` the time from line to line: what ground and air add
is the same in both, and goes in the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.geometry.carrier import Carrier
from levelworks.insar.geometry.pair_offsets import PairOffsets
from levelworks.insar.interferograms.look_sums import LookSums, look_sums
from levelworks.insar.safe.burst import Burst

LOOKS = (5, 15)
"""Lines and samples of a cell."""
GRID_TOLERANCE = 0.01
"""Lines and samples by which two bursts may lie beside one grid of pixels."""


@dataclass(frozen=True)
class Overlap:
    """The pixels that two bursts of one image share, between which all are valid in both.

    Parameters
    ----------
    first, second : str
        Keys of the bursts.
    lines, samples : tuple of int
        Of the first burst: the first one and the one after the last.
    step : tuple of int
        Lines and samples from the first burst's pixel 0 to the second one's.
    interval : float
        s from line to line.
    """

    first: str
    second: str
    lines: tuple[int, int]
    samples: tuple[int, int]
    step: tuple[int, int]
    interval: float

    def part(self, which: int) -> tuple[slice, slice]:
        """Return lines and samples of the overlap in the first burst (0) or the second one (1)."""
        (line, stop), (sample, end) = self.lines, self.samples
        down, right = (which * step for step in self.step)
        return slice(line - down, stop - down), slice(sample - right, end - right)


@dataclass(frozen=True)
class OverlapCells:
    """Double differences of an overlap's cells, one image pair.

    Parameters
    ----------
    difference : ndarray, shape (n,), complex64
        Unit phasors: the first burst's interferogram times the conjugate of the second one's.
    coherence : ndarray, shape (n,), float32
        Geometric mean of both bursts'.
    doppler : ndarray, shape (n,), float64
        Doppler frequency of the first burst less that of the second, Hz.
    interval : float
        s from line to line.
    """

    difference: np.ndarray
    coherence: np.ndarray
    doppler: np.ndarray
    interval: float


def find_overlaps(bursts: Sequence[Burst]) -> list[Overlap]:
    """Return the overlaps of consecutive bursts of each swath, in the order of swath and time."""
    ordered = sorted(bursts, key=lambda burst: (burst.swath, burst.id))
    found = [
        burst_overlap(one, two) for one, two in pairwise(ordered) if (one.swath, one.id + 1) == (two.swath, two.id)
    ]
    return [overlap for overlap in found if overlap is not None]


def burst_overlap(first: Burst, second: Burst) -> Overlap | None:
    """Return the overlap of two bursts of one image, of one swath or two; None where they share no pixel.

    Raises
    ------
    InvalidInput
        Where they are not on one grid of pixels.
    """
    places = float(first.line_of(second.azimuth_time)), float(first.sample_of(second.starting_range))
    step = round(places[0]), round(places[1])
    beside = max(abs(place - whole) for place, whole in zip(places, step, strict=True))
    if beside > GRID_TOLERANCE:
        raise InvalidInput(f"bursts {first.key} and {second.key} lie {beside:.3f} pixels beside one grid")
    one, two = first.valid, second.valid
    lines = max(one.first_line, two.first_line + step[0]), min(one.last_line, two.last_line + step[0]) + 1
    samples = max(one.first_sample, two.first_sample + step[1]), min(one.last_sample, two.last_sample + step[1]) + 1
    if lines[1] <= lines[0] or samples[1] <= samples[0]:
        return None
    return Overlap(first.key, second.key, lines, samples, step, first.azimuth_time_interval)


def strip_sums(
    overlap: Overlap,
    which: int,
    reference: np.ndarray,
    secondary: np.ndarray,
    offsets: PairOffsets,
    wavelength: float,
    looks: tuple[int, int] = LOOKS,
) -> LookSums:
    """Sum the flattened interferogram of one burst over the cells of an overlap.

    Parameters
    ----------
    overlap : Overlap
    which : int
        0 for the first burst, 1 for the second.
    reference, secondary : ndarray, shape (lines, samples), complex64
        The overlap's lines, all samples of the burst; 0 where there is no pixel.
    offsets : PairOffsets
        Of the whole burst.
    wavelength : float
        m.
    looks : tuple of int
        Lines and samples of a cell.
    """
    lines, samples = overlap.part(which)
    corner = lines.start, samples.start
    return look_sums(reference[:, samples], secondary[:, samples], offsets, wavelength, looks, corner)


def doppler_differences(
    overlap: Overlap, carriers: tuple[Carrier, Carrier], looks: tuple[int, int] = LOOKS
) -> np.ndarray:
    """Return the first burst's Doppler frequency less the second one's (Hz) at the centres of cells, (rows, columns).

    The reference's: the secondary's differs from it by the same in both bursts, but for the difference of their
    sweeps, which is a thousandth.
    """
    frequencies = []
    for which, carrier in enumerate(carriers):
        lines, samples = overlap.part(which)
        rows, columns = (lines.stop - lines.start) // looks[0], (samples.stop - samples.start) // looks[1]
        middle_lines = lines.start + looks[0] * np.arange(rows) + (looks[0] - 1) / 2
        middle_samples = samples.start + looks[1] * np.arange(columns) + (looks[1] - 1) / 2
        frequencies.append(carrier.frequency(middle_lines[:, None], middle_samples[None, :]))
    return np.asarray(frequencies[0] - frequencies[1])


def overlap_cells(first: LookSums, second: LookSums, doppler: np.ndarray, interval: float) -> OverlapCells:
    """Form the double differences of cells that both bursts fill.

    Parameters
    ----------
    first, second : LookSums
        Of the overlap's cells in both bursts (`strip_sums`).
    doppler : ndarray, shape (rows, columns), float64
        Hz (`doppler_differences`).
    interval : float
        s from line to line.
    """
    product = first.interferogram.astype(np.complex128) * np.conj(second.interferogram)
    size = np.abs(product)
    whole = int(max(first.count.max(initial=0), second.count.max(initial=0)))
    there = (first.count == whole) & (second.count == whole) & (size > 0)
    coherence = np.sqrt(first.coherence[there] * second.coherence[there])
    difference = (product[there] / size[there]).astype(np.complex64)
    return OverlapCells(difference, coherence.astype(np.float32), np.asarray(doppler, np.float64)[there], interval)
