"""A reference burst and a secondary one of the same ground, and lines of the secondary on the reference's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.insar.geometry.carrier import Carrier, carrier
from levelworks.insar.geometry.elevation import Elevation
from levelworks.insar.geometry.pair_offsets import BurstGrid, PairOffsets, grid_axis, pair_offsets
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.resampling.resample import resample_burst
from levelworks.insar.safe.burst import Burst
from levelworks.insar.safe.measurement import read_burst

STEPS = (8, 32)
"""Lines and samples of the reference between places whose offsets are computed."""
MARGIN = 20
"""Lines that are read before and after those that offsets name: half of the longest interpolation, and more."""


@dataclass(frozen=True)
class BurstPair:
    """Two bursts of one id and swath, their carriers, and the offsets of the secondary by geometry."""

    reference: Burst
    secondary: Burst
    carriers: tuple[Carrier, Carrier]
    offsets: PairOffsets


def burst_ground(burst: Burst, arc: OrbitArc, elevation: Elevation, steps: tuple[int, int] = STEPS) -> BurstGrid:
    """Compute the ground under a reference burst, on every so many of its lines and samples."""
    lines, samples = grid_axis(burst.lines, steps[0]), grid_axis(burst.samples, steps[1])
    return BurstGrid(lines, samples, *rdr2geo(arc, burst.time_of(lines), burst.range_of(samples), elevation))


def burst_pair(reference: Burst, secondary: Burst, arcs: tuple[OrbitArc, OrbitArc], ground: BurstGrid) -> BurstPair:
    """Compute what resampling and refinement of a pair need.

    Parameters
    ----------
    reference, secondary : Burst
    arcs : tuple of OrbitArc
        Of either satellite over its burst.
    ground : BurstGrid
        Of the reference (`burst_ground`).

    Raises
    ------
    InvalidInput
        Where the bursts are not of the same ground.
    """
    carriers = carrier(reference, arcs[0]), carrier(secondary, arcs[1])
    return BurstPair(reference, secondary, carriers, pair_offsets(reference, secondary, arcs[1], ground))


def secondary_lines(pair: BurstPair, lines: tuple[int, int], added: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Read and resample the secondary on lines of the reference; only the lines that are needed are read.

    Parameters
    ----------
    pair : BurstPair
    lines : tuple of int
        First line of the reference and the one after the last.
    added : tuple of float
        Lines and samples to add to all places.

    Returns
    -------
    ndarray, shape (lines, samples), complex64
        0 where there is no pixel.
    """
    burst = pair.secondary
    step = pair.offsets.steps[0]
    rows = pair.offsets.line[lines[0] // step : -(-lines[1] // step) + 1]
    shifts = rows[np.isfinite(rows)] + added[0]
    if shifts.size == 0:
        return np.zeros((lines[1] - lines[0], pair.reference.samples), np.complex64)
    first = min(max(int(np.floor(lines[0] + shifts.min())) - MARGIN, 0), burst.lines)
    stop = max(min(int(np.ceil(lines[1] + shifts.max())) + MARGIN, burst.lines), first)
    # Pages of zeros that nothing touches take no memory.
    pixels = np.zeros((burst.lines, burst.samples), np.complex64)
    if stop > first:
        part = read_burst(burst, (first, stop))
        pair.carriers[1].remove(part, first)
        pixels[first:stop] = part
    return resample_burst(pixels, burst, pair.carriers[1], pair.offsets, pair.reference.samples, lines, added)
