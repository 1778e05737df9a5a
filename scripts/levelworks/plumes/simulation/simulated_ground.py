"""Where the pixels of a simulated scene lie: a nadir camera on a tangent plane, with a small warp, in closed form.

Pixel coordinates are (row, column), 0 at the centre of the first pixel. On the plane, metres east and north of the
scene's middle; to longitude and latitude by the azimuthal equidistant projection of WGS 84, whose scale is true to a
few millionths over a scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

WARP = 2e-3
"""Second-order part of the warp, as a share of the scene's half width."""


@dataclass(frozen=True)
class Ground:
    """The plane and the pixels on it.

    Parameters
    ----------
    rows, columns : int
    pixel : float
        Size of a pixel (m) along and across.
    longitude, latitude : float
        Of the middle of the scene, degrees.
    heading : float
        Direction of flight, degrees clockwise from north; rows go along it, columns to its right.
    warp : float
        Share of the half width by which the corners are bent; 0 for an affine grid.
    """

    rows: int
    columns: int
    pixel: float
    longitude: float
    latitude: float
    heading: float
    warp: float = WARP

    def to_plane(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return metres east and north of the scene's middle."""
        along, across, half = self._centred(row, column)
        along, across = along + self.warp * across**2 / half, across + self.warp * along * across / half
        sine, cosine = np.sin(np.radians(self.heading)), np.cos(np.radians(self.heading))
        return along * sine + across * cosine, along * cosine - across * sine

    def to_pixel(self, east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column of places on the plane: the inverse of `to_plane`, by fixed-point steps."""
        sine, cosine = np.sin(np.radians(self.heading)), np.cos(np.radians(self.heading))
        seen_along, seen_across = east * sine + north * cosine, east * cosine - north * sine
        half = self._half
        along, across = seen_along, seen_across
        for _ in range(6):
            along, across = (
                seen_along - self.warp * across**2 / half,
                seen_across / (1 + self.warp * along / half),
            )
        return along / self.pixel + (self.rows - 1) / 2, across / self.pixel + (self.columns - 1) / 2

    def area(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Return the area of a pixel (m2): the determinant of the warp's derivative."""
        along, across, half = self._centred(row, column)
        determinant = (1 + self.warp * along / half) - 2 * self.warp * across / half * self.warp * across / half
        return self.pixel**2 * determinant

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column of every pixel, (rows, 1) and (1, columns)."""
        return np.arange(self.rows, dtype=float)[:, None], np.arange(self.columns, dtype=float)[None, :]

    def to_geographic(self, east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude (degrees, WGS 84); longitude from -180 to 180."""
        longitude, latitude = self._projection()(east, north, inverse=True)
        return np.asarray(longitude), np.asarray(latitude)

    def from_geographic(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return metres east and north of the scene's middle."""
        east, north = self._projection()(longitude, latitude)
        return np.asarray(east), np.asarray(north)

    @property
    def _half(self) -> float:
        return max(self.rows, self.columns) * self.pixel / 2

    def _centred(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        along = (np.asarray(row) - (self.rows - 1) / 2) * self.pixel
        across = (np.asarray(column) - (self.columns - 1) / 2) * self.pixel
        return along, across, self._half

    def _projection(self) -> Any:
        from pyproj import Proj

        return Proj(proj="aeqd", lon_0=self.longitude, lat_0=self.latitude, ellps="WGS84")
