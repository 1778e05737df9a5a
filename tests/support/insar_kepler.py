"""Keplerian orbits in the turning Earth's frame, known in closed form."""

from __future__ import annotations

import numpy as np

from levelworks.insar.orbits.state_vectors import StateVectors

GRAVITY = 3.986004418e14
EARTH_RATE = 7.2921151467e-5


def kepler(times, semi_major=7_071_000.0, eccentricity=0.0012, inclination=98.18, node=40.0, perigee=70.0, mean=150.0):
    """Return positions (m) and velocities (m/s), Earth fixed, of an elliptic orbit at times (s)."""
    times = np.asarray(times, float)
    motion = np.sqrt(GRAVITY / semi_major**3)
    anomaly = np.radians(mean) + motion * times
    eccentric = anomaly.copy()
    for _ in range(30):
        eccentric -= (eccentric - eccentricity * np.sin(eccentric) - anomaly) / (1 - eccentricity * np.cos(eccentric))
    rate = motion / (1 - eccentricity * np.cos(eccentric))
    axis = np.sqrt(1 - eccentricity**2)
    plane = semi_major * np.stack([np.cos(eccentric) - eccentricity, axis * np.sin(eccentric)])
    speed = semi_major * rate * np.stack([-np.sin(eccentric), axis * np.cos(eccentric)])
    turn = _turn(perigee, inclination, node)
    position, velocity = (turn[:, :2] @ part for part in (plane, speed))
    angle = EARTH_RATE * times
    cosine, sine = np.cos(angle), np.sin(angle)
    x = np.stack([cosine * position[0] + sine * position[1], -sine * position[0] + cosine * position[1], position[2]])
    v = np.stack([cosine * velocity[0] + sine * velocity[1], -sine * velocity[0] + cosine * velocity[1], velocity[2]])
    v[0] += EARTH_RATE * x[1]
    v[1] -= EARTH_RATE * x[0]
    return x.T, v.T


def vectors(start=0.0, stop=200.0, step=10.0, **elements):
    """Return state vectors of a Keplerian orbit."""
    times = np.arange(start, stop + step / 2, step)
    return StateVectors(times, *kepler(times, **elements))


def _turn(perigee, inclination, node):
    def about(axis, degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        if axis == "z":
            return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])

    return about("z", node) @ about("x", inclination) @ about("z", perigee)
