"""Positions on the sphere: great-circle distances, longitudes about a centre, and boxes that may cross 180 degrees."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM = 6371.0088  # mean radius (2a + b) / 3 of WGS84

Floats = NDArray[np.float64]


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


def wrap_longitude(longitude: float, *, east: bool = False) -> float:
    """Return a longitude in [-180, 180), or in (-180, 180] where ``east`` is set; values inside stay as they are."""
    if -180 < longitude < 180:
        return float(longitude)
    wrapped = (longitude + 180) % 360 - 180
    return 180.0 if east and wrapped == -180 else float(wrapped)


def unwrap_longitude(longitude: ArrayLike, centre: float) -> Floats:
    """Return longitudes shifted by whole turns to within 180 degrees of a centre (degrees, float64).

    Longitudes that are there already keep their bits.
    """
    values = np.asarray(longitude, np.float64)
    return values - 360.0 * np.round((values - centre) / 360.0)


def great_circle_km(lon_a: ArrayLike, lat_a: ArrayLike, lon_b: ArrayLike, lat_b: ArrayLike) -> Floats:
    """Compute great-circle distances on the sphere of the WGS84 mean radius.

    Parameters
    ----------
    lon_a, lat_a, lon_b, lat_b : array_like
        Degrees; broadcast against each other.

    Returns
    -------
    ndarray
        Kilometres, by the haversine formula, which is exact at short distances.
    """
    lon_1, lat_1, lon_2, lat_2 = (np.radians(np.asarray(value, np.float64)) for value in (lon_a, lat_a, lon_b, lat_b))
    half = np.sin((lat_2 - lat_1) / 2) ** 2 + np.cos(lat_1) * np.cos(lat_2) * np.sin((lon_2 - lon_1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def unit_vectors(longitude: ArrayLike, latitude: ArrayLike) -> Floats:
    """Return points (degrees) as unit vectors from the Earth's centre, shape (..., 3)."""
    lon, lat = np.radians(np.asarray(longitude, np.float64)), np.radians(np.asarray(latitude, np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def mean_position(longitude: ArrayLike, latitude: ArrayLike) -> tuple[float, float]:
    """Return the mean of points as longitude and latitude (degrees), safe at the antimeridian and the poles."""
    x, y, z = unit_vectors(longitude, latitude).reshape(-1, 3).mean(axis=0)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def bounding_box(longitude: ArrayLike, latitude: ArrayLike) -> Box:
    """Return the box of points that lie within 180 degrees of their mean position."""
    centre, _ = mean_position(longitude, latitude)
    east, north = unwrap_longitude(longitude, centre), np.asarray(latitude, np.float64)
    west_end, east_end = wrap_longitude(float(east.min())), wrap_longitude(float(east.max()), east=True)
    return Box(west_end, float(north.min()), east_end, float(north.max()))
