"""The ground under a burst, as fine as its terrain bends (specs/insar.md 4.6: one to one where it is steep).

Offsets and phases are interpolated between the places whose ground is computed. Where terrain bends between two of them
by a metre, a baseline of 150 m turns the phase by 0.07 rad that flattening does not take off.
"""

from __future__ import annotations

import numpy as np

from levelworks.insar.geometry.elevation import Elevation
from levelworks.insar.geometry.pair_offsets import BurstGrid
from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.refinement.burst_pair import burst_ground
from levelworks.insar.safe.burst import Burst

FINEST = (2, 8)
"""Lines and samples from place to place: some 30 m, as elevation models are, and less than a cell of looks."""


def fine_ground(
    burst: Burst, arc: OrbitArc, elevation: Elevation, steps: tuple[int, int], tolerance: float
) -> tuple[BurstGrid, float]:
    """Compute the ground under a burst on a grid that is halved until terrain is straight between its places.

    Parameters
    ----------
    burst : Burst
        Of the reference.
    arc : OrbitArc
        Of the reference over the burst.
    elevation : Elevation
    steps : tuple of int
        Lines and samples from place to place to begin with.
    tolerance : float
        m, by which heights may bend between places (`height_bend`); the steps are not halved below 2 and 8.

    Returns
    -------
    ground : BurstGrid
    bend : float
        m, that is left: in folds of layover there is no end of it.
    """
    while True:
        ground = burst_ground(burst, arc, elevation, steps)
        bend = height_bend(ground)
        finer = tuple(max(step // 2, min(step, least)) for step, least in zip(steps, FINEST, strict=True))
        if bend <= tolerance or finer == steps:
            return ground, bend
        steps = finer[0], finer[1]


def height_bend(ground: BurstGrid) -> float:
    """Return by how much (m) heights leave the straight line between neighbouring places, at the most.

    An eighth of the second differences along lines and along samples together: the error of bilinear interpolation in
    the middle of four places.
    """
    heights = ground.height
    bend = np.zeros((max(heights.shape[0] - 2, 0), max(heights.shape[1] - 2, 0)))
    if bend.size:
        bend += np.abs(np.diff(heights, 2, axis=0))[:, 1:-1] / 8
        bend += np.abs(np.diff(heights, 2, axis=1))[1:-1] / 8
    known = bend[np.isfinite(bend)]
    return float(known.max(initial=0.0))
