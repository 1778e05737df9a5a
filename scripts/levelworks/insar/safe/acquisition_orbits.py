"""The orbit of an acquisition over its bursts."""

from __future__ import annotations

from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.burst import Burst

MARGIN = 5.0
"""s before and after a burst: places beside it, and its neighbours' edges, are seen then."""


def burst_arc(acquisition: Acquisition, burst: Burst) -> OrbitArc:
    """Fit the orbit of an acquisition over one of its bursts."""
    return acquisition.orbit.arc(burst.azimuth_time - MARGIN, burst.azimuth_time + burst.duration + MARGIN)


def acquisition_arc(acquisition: Acquisition) -> OrbitArc:
    """Fit the orbit of an acquisition over all its bursts."""
    start, stop = acquisition.span
    return acquisition.orbit.arc(start - MARGIN, stop + MARGIN)
