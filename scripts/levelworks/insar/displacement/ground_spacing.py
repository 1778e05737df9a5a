"""Metres on the ground from line to line of a burst."""

from __future__ import annotations

import numpy as np

from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.geometry.pair_offsets import BurstGrid
from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.safe.burst import Burst


def along_track_spacing(burst: Burst, arc: OrbitArc, ground: BurstGrid) -> np.ndarray:
    """Return by how many metres along the flight the ground must move to be seen one line later.

    Parameters
    ----------
    burst : Burst
    arc : OrbitArc
        Of its satellite.
    ground : BurstGrid
        Under the burst.

    Returns
    -------
    ndarray, shape of the grid, float64
        m per line; NaN where the ground is unknown.

    Notes
    -----
    A point P is seen at the zero of ``(P - S) . V``. Where it moves by ``d`` along ``V``, time moves by
    ``d |V| / (V . V - (P - S) . A)``: the satellite's speed, less what the curvature of its orbit takes.
    """
    position, velocity, acceleration = (state[:, None, :] for state in arc.at(burst.time_of(ground.lines)))
    sight = to_cartesian(ground.latitude, ground.longitude, ground.height) - position
    square = np.sum(velocity**2, axis=-1)
    speed = (square - np.sum(sight * acceleration, axis=-1)) / np.sqrt(square)
    return np.asarray(speed * burst.azimuth_time_interval)


def nearest_on_grid(values: np.ndarray, grid: BurstGrid, lines: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return values that change slowly over a burst's grid at lines and samples (1-D), (lines, samples) float64.

    Where the ground at the nearest place is unknown the mean over the burst stands for it.
    """
    rows, columns = (
        np.clip(np.round((place - axis[0]) / (axis[1] - axis[0])).astype(int), 0, axis.size - 1)
        for place, axis in ((lines, grid.lines), (samples, grid.samples))
    )
    found = values[rows[:, None], columns[None, :]]
    known = np.isfinite(values)
    return np.where(np.isfinite(found), found, values[known].mean() if known.any() else np.nan)
