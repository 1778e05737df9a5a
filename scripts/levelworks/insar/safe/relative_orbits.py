"""Relative orbits from orbit numbers (specs/insar.md 4.2)."""

from __future__ import annotations

from levelworks.insar.safe.burst_ids import ORBITS

FIRST_ORBIT = {"S1A": 73, "S1B": 27}
"""Absolute orbit that lies on track 1. Of later satellites catalogues and manifests tell."""


def relative_orbit(mission: str, absolute_orbit: int) -> int:
    """Return the relative orbit (1 to 175) of an absolute one; 0 of a satellite whose number is not known here."""
    first = FIRST_ORBIT.get(mission)
    return 0 if first is None else (absolute_orbit - first) % ORBITS + 1
