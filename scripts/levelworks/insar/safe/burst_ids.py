"""The agency's burst ids: the same piece of ground has the same number on every pass (specs/insar.md 4.2).

Bursts of the whole repeat cycle are numbered from 1 along its 175 orbits, by the time at which the middle of the
cycle of three bursts is sensed; those of one cycle in IW1, IW2 and IW3 share the number.
"""

from __future__ import annotations

import math

ORBIT_DURATION = 12 * 86400 / 175
"""s, nominal."""
PREAMBLE = 2.299849
"""s from the ascending node of the first orbit to the first burst cycle."""
CYCLE = 2.758273
"""s of a burst cycle of IW."""
DWELL = {"IW1": 0.832, "IW2": 1.078}
"""s of the bursts that precede others in their cycle."""
ORBITS = 175


def burst_id(swath: str, seconds_since_node: float, track: int, *, crosses_node: bool = False) -> int:
    """Compute the id of a burst.

    Parameters
    ----------
    swath : {"IW1", "IW2", "IW3"}
    seconds_since_node : float
        From the annotated ascending node to the sensing of the first line, s.
    track : int
        Relative orbit of the product at its end.
    crosses_node : bool
        Whether the product begins on the orbit before ``track``, whose node its times count from.
    """
    before = {"IW1": 0.0, "IW2": DWELL["IW1"], "IW3": DWELL["IW1"] + DWELL["IW2"]}[swath]
    middle = seconds_since_node - before + DWELL["IW1"] + DWELL["IW2"] / 2
    passed = middle + (track - 1) * ORBIT_DURATION - (ORBIT_DURATION if crosses_node else 0.0)
    return 1 + math.floor((passed - PREAMBLE) / CYCLE)


def track_of(identifier: int) -> int:
    """Return the relative orbit (1 to 175) on which a burst of an id lies.

    Where a pass crosses the ascending node, its bursts lie on two: ids say which, whatever slices they came in.
    """
    return 1 + math.floor(((identifier - 1) * CYCLE + PREAMBLE) / ORBIT_DURATION)
