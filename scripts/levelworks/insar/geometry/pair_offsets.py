"""Where the pixels of a reference burst lie in a secondary one, from orbits and terrain (specs/insar.md 4.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.geometry.geo2rdr import locate
from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.safe.burst import Burst


@dataclass(frozen=True)
class BurstGrid:
    """The ground under a burst, on every so many of its lines and samples.

    Latitude and longitude in degrees, ellipsoidal height in m, each (lines, samples) float64, NaN where unknown.
    """

    lines: np.ndarray
    samples: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    height: np.ndarray


@dataclass(frozen=True)
class PairOffsets:
    """What to add to lines and samples of the reference to be at the same ground in the secondary; float64.

    ``range_difference`` is the secondary's slant range less the reference's, m; ``steps`` are the lines and samples
    from each to the next.
    """

    line: np.ndarray
    sample: np.ndarray
    range_difference: np.ndarray
    steps: tuple[int, int]


def grid_axis(count: int, step: int) -> np.ndarray:
    """Return every ``step``-th index of an axis, float64, up to the first at or beyond its last; at least two."""
    return step * np.arange(max(-(-(count - 1) // step), 1) + 1, dtype=np.float64)


def pair_offsets(reference: Burst, secondary: Burst, secondary_arc: OrbitArc, grid: BurstGrid) -> PairOffsets:
    """Compute the offsets of a secondary burst on a grid of the reference one.

    Parameters
    ----------
    reference, secondary : Burst
        Of one id and swath.
    secondary_arc : OrbitArc
        Of the secondary, times since the secondary's epoch.
    grid : BurstGrid
        Ground of the reference burst.

    Raises
    ------
    InvalidInput
        Where the bursts are not of the same ground.
    """
    if (reference.swath, reference.id) != (secondary.swath, secondary.id):
        raise InvalidInput(f"bursts {reference.key} and {secondary.key} are not of the same ground")
    times, ranges = locate(secondary_arc, to_cartesian(grid.latitude, grid.longitude, grid.height))
    return PairOffsets(
        line=secondary.line_of(times) - grid.lines[:, None],
        sample=secondary.sample_of(ranges) - grid.samples[None, :],
        range_difference=ranges - reference.range_of(grid.samples)[None, :],
        steps=(round(grid.lines[1] - grid.lines[0]), round(grid.samples[1] - grid.samples[0])),
    )
