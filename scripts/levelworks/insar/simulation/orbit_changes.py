"""Orbits beside a real one: shifted across the track, or off by an error."""

from __future__ import annotations

import math

import numpy as np

from levelworks.insar.orbits.state_vectors import Orbit, StateVectors

LOOK = math.radians(33.0)
"""From nadir, at which a shift is wholly perpendicular to the line of sight."""
HALF_STEP = 0.5
"""s, of the derivative of directions."""


def shift_across(orbit: Orbit, perpendicular: float) -> StateVectors:
    """Return an orbit that flies beside another, at a perpendicular baseline (m) that stays the same."""
    return shift(orbit, (perpendicular * math.sin(LOOK), 0.0, perpendicular * math.cos(LOOK)))


def shift(orbit: Orbit, by: tuple[float, float, float]) -> StateVectors:
    """Return an orbit moved up, forward and to the right (m) by the same everywhere, and its velocities."""
    vectors = orbit.vectors
    first, last = vectors.times[0], vectors.times[-1]
    before = np.clip(vectors.times - HALF_STEP, first, last)
    after = np.clip(vectors.times + HALF_STEP, first, last)
    offset = np.array(by)
    change = (_axes(orbit, after) - _axes(orbit, before)) / (after - before)[:, None, None]
    return StateVectors(
        vectors.times,
        vectors.positions + np.einsum("nij,i->nj", _axes(orbit, vectors.times), offset),
        vectors.velocities + np.einsum("nij,i->nj", change, offset),
    )


def _axes(orbit: Orbit, times: np.ndarray) -> np.ndarray:
    """Return the directions up, forward and right at times, (n, 3, 3)."""
    position, velocity = orbit.at(times)
    up = position / np.linalg.norm(position, axis=1, keepdims=True)
    right = np.cross(velocity, up)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([up, np.cross(up, right), right], axis=1)
