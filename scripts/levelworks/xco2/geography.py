"""Boxes of longitude and latitude that may cross 180 degrees."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from levelworks.core.sphere import EARTH_RADIUS_KM, mean_position, unwrap_longitude, wrap_longitude


class Box(NamedTuple):
    """A range of longitude and latitude (degrees); ``min_lon > max_lon`` crosses the antimeridian."""

    min_lon: float
    min_lat: float
    max_lon: float
    max_lat: float

    @property
    def width(self) -> float:
        """Return the extent in longitude (degrees)."""
        width = self.max_lon - self.min_lon
        return width if width >= 0 else width + 360.0

    @property
    def height(self) -> float:
        """Return the extent in latitude (degrees)."""
        return self.max_lat - self.min_lat

    @property
    def centre(self) -> tuple[float, float]:
        """Return longitude and latitude of the middle (degrees)."""
        return wrap_longitude(self.min_lon + self.width / 2), (self.min_lat + self.max_lat) / 2

    @property
    def area(self) -> float:
        """Return the area on the sphere (km2)."""
        south, north = np.sin(np.radians([self.min_lat, self.max_lat]))
        return float(EARTH_RADIUS_KM**2 * np.radians(self.width) * (north - south))

    @property
    def unwrapped(self) -> Box:
        """Return the box with ``max_lon = min_lon + width``, beyond 180 where it crosses the antimeridian."""
        return Box(self.min_lon, self.min_lat, self.min_lon + self.width, self.max_lat)

    def contains(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.bool_]:
        """Return whether points (degrees) lie inside or on the edge."""
        middle = self.min_lon + self.width / 2
        east = unwrap_longitude(longitude, middle)
        north = np.asarray(latitude, np.float64)
        inside = (east >= self.min_lon) & (east <= self.min_lon + self.width)
        return inside & (north >= self.min_lat) & (north <= self.max_lat)

    def intersects(self, other: Box) -> bool:
        """Return whether two boxes share a point; touching edges do."""
        if self.max_lat < other.min_lat or other.max_lat < self.min_lat:
            return False
        return (other.min_lon - self.min_lon) % 360 <= self.width or (self.min_lon - other.min_lon) % 360 <= other.width

    def union(self, other: Box) -> Box:
        """Return the smallest box that holds both, going round the short way."""
        gaps = [(first.min_lon, (other_end - first.min_lon)) for first, other_end in self._ends(other)]
        start, width = min(gaps, key=lambda gap: gap[1])
        lats = min(self.min_lat, other.min_lat), max(self.max_lat, other.max_lat)
        if width >= 360:
            return Box(-180.0, lats[0], 180.0, lats[1])
        return Box(wrap_longitude(start), lats[0], wrap_longitude(start + width, east=True), lats[1])

    def _ends(self, other: Box) -> list[tuple[Box, float]]:
        """Return both boxes as the western one, and the eastern end of the union in its longitudes."""
        pairs = []
        for west, east in ((self, other), (other, self)):
            start = west.min_lon + (east.min_lon - west.min_lon) % 360
            pairs.append((west, max(west.min_lon + west.width, start + east.width)))
        return pairs


def bounding_box(longitude: ArrayLike, latitude: ArrayLike) -> Box:
    """Return the box of points that lie within 180 degrees of their mean position."""
    centre, _ = mean_position(longitude, latitude)
    east, north = unwrap_longitude(longitude, centre), np.asarray(latitude, np.float64)
    west_end, east_end = wrap_longitude(float(east.min())), wrap_longitude(float(east.max()), east=True)
    return Box(west_end, float(north.min()), east_end, float(north.max()))
