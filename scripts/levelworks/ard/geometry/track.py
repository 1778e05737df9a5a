"""The track of a Landsat satellite near a scene: where it stood when it saw a place.

A circle about the Earth's centre whose radius follows the frozen orbit, over the turning Earth. Two ways lead to it:
through the centre of a full scene, or from path and row by the Worldwide Reference System 2 (USGS: 233 paths, 248 rows,
16 days; path 1 crosses the equator southward at 64.6 degrees west, in row 60).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.geometry.places import SEMI_MAJOR_AXIS, earth_fixed, local_direction

PATHS, ROWS, DAYS = 233, 248, 16
EQUATOR_ROW = 60
FIRST_LONGITUDE = -64.6
INCLINATION = np.radians(98.2)
RATE = 2.0 * np.pi * PATHS / (DAYS * 86400.0)
"""Of the satellite about the Earth, radians a second."""
TURN = 2.0 * np.pi / 86400.0
"""Of the Earth under a sun-synchronous orbit, radians a second."""
ALTITUDE = 705_000.0
"""Metres, over the equator."""
ECCENTRIC_RADIUS = 8500.0
"""Metres that the frozen orbit is lower over the north pole, and higher over the south pole, than over the equator."""
REFINEMENTS = 4


@dataclass(frozen=True)
class Track:
    """A descending pass.

    Parameters
    ----------
    node : float
        Longitude at which it crosses the equator southward, degrees.
    centre : float
        Seconds after that crossing at the centre of the scene; before it they are negative.
    steered : bool
        Whether the sensor is turned so that it looks at right angles to the ground track (Landsat 8 and 9), not to the
        orbit (before).
    """

    node: float
    centre: float
    steered: bool

    def position(self, seconds: np.ndarray) -> np.ndarray:
        """Return where the satellite stands (Earth-fixed, m) some seconds after the crossing, shape (..., 3)."""
        angle = RATE * np.asarray(seconds, dtype=float)
        # Southward over the descending node, the plane leans to the west by the inclination beyond 90 degrees.
        north = -np.sin(INCLINATION) * np.sin(angle)
        turn = np.radians(self.node) + np.arctan2(np.cos(INCLINATION) * np.sin(angle), np.cos(angle)) - TURN * seconds
        across = np.sqrt(1.0 - north**2)
        radius = SEMI_MAJOR_AXIS + ALTITUDE - ECCENTRIC_RADIUS * north
        direction = np.stack([across * np.cos(turn), across * np.sin(turn), north], axis=-1)
        return np.asarray(radius[..., None] * direction)

    def forward(self, seconds: np.ndarray) -> np.ndarray:
        """Return the level part of the velocity (m s-1), which the line of sight is at right angles to."""
        motion = self.position(seconds + 0.5) - self.position(seconds - 0.5)
        position = self.position(seconds)
        if not self.steered:
            x, y, _ = np.moveaxis(position, -1, 0)
            motion = motion + TURN * np.stack([-y, x, np.zeros_like(x)], axis=-1)
        # Sensors point to the Earth's centre: met within 0.06 degrees by the coefficients of OLI and ETM+.
        down = position / np.linalg.norm(position, axis=-1, keepdims=True)
        return np.asarray(motion - (motion * down).sum(axis=-1, keepdims=True) * down)

    def look(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return unit vectors (east, north, up) to the satellite, and the seconds after the scene's centre it passed.

        Parameters
        ----------
        longitude, latitude : ndarray
            Degrees, of places in the scene.

        Returns
        -------
        vectors : ndarray, shape (..., 3)
        seconds : ndarray
        """
        place = earth_fixed(longitude, latitude)
        seconds = np.full(place.shape[:-1], self.centre)
        for _ in range(REFINEMENTS):
            position, forward = self.position(seconds), self.forward(seconds)
            ahead = ((place - position) * forward).sum(axis=-1)
            # On the ground the plane of view moves slower than the satellite, by the ratio of radii.
            slowness = np.linalg.norm(position, axis=-1) / np.linalg.norm(place, axis=-1)
            seconds = seconds + slowness * ahead / (forward**2).sum(axis=-1)
        return local_direction(longitude, latitude, self.position(seconds) - place), seconds - self.centre


def track_of_row(path: int, row: int, *, steered: bool) -> Track:
    """Return the nominal pass over a row of a path; satellites keep within some 5 km of it."""
    node = FIRST_LONGITUDE - (path - 1) * 360.0 / PATHS
    return Track(node, (row - EQUATOR_ROW) / ROWS * 2.0 * np.pi / RATE, steered)


def track_through(longitude: float, latitude: float, *, steered: bool) -> Track:
    """Return the descending pass over a place (degrees), straight up from the Earth's centre."""
    below = earth_fixed(longitude, latitude)
    north = below[2] / np.linalg.norm(below)
    angle = -np.arcsin(np.clip(north / np.sin(INCLINATION), -1.0, 1.0))
    seconds = angle / RATE
    unturned = Track(0.0, seconds, steered).position(np.asarray(seconds))
    node = np.degrees(np.arctan2(below[1], below[0]) - np.arctan2(unturned[1], unturned[0]))
    return Track(float((node + 180.0) % 360.0 - 180.0), float(seconds), steered)
