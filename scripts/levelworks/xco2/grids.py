"""Target grids: boxes of longitude and latitude divided into cells, and the planes in which their areas are exact.

A grid knows a plane in kilometres in which its cells are rectangles, so that overlaps with footprints are polygons
clipped by straight lines. Longitudes are continuous inside a grid: across the antimeridian they run on beyond 180,
and only the coordinates that a product stores are brought back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import unwrap_longitude
from levelworks.xco2.geography import Box

AUTHALIC_RADIUS = 6371.0072
"""Radius of the sphere that has the area of the WGS84 ellipsoid, km."""
POLAR_LATITUDE = 80.0
"""Latitude of a target's centre beyond which cells of equal degrees are too narrow, degrees."""
CONVENTIONS = ("cell", "node")
GEOMETRIES = ("sphere", "planar")


class Plane(NamedTuple):
    """A plane in which the cells of a grid are rectangles.

    Attributes
    ----------
    x_edges : ndarray, shape (columns + 1,), float64
        Edges of the columns, km, ascending.
    y_edges : ndarray, shape (rows + 1,), float64
        Edges of the rows, km, ascending.
    scale : ndarray, shape (rows,), float64
        Area on the Earth over area in the plane, for each row.
    """

    x_edges: np.ndarray
    y_edges: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid of equal steps of longitude and latitude.

    Attributes
    ----------
    x, y : ndarray, shape (columns,) and (rows,), float64
        Centres of the cells in the grid's own coordinates, ascending: continuous longitude, latitude, degrees.
    x_edges, y_edges : ndarray, shape (columns + 1,) and (rows + 1,), float64
        Edges of the cells.
    convention : str
        ``cell``: the box is divided into cells. ``node``: centres run from edge to edge of the box, endpoints
        included, and are rounded to float32, as OCO3-data-transformer stores them; the area covered is half a cell
        more on every side.
    """

    x: np.ndarray
    y: np.ndarray
    x_edges: np.ndarray
    y_edges: np.ndarray
    convention: str = "cell"

    @classmethod
    def from_box(cls, box: Box, rows: int, columns: int, convention: str = "cell") -> Grid:
        """Make the grid of a box.

        Parameters
        ----------
        box : Box
            Degrees.
        rows, columns : int
            Number of cells in latitude and in longitude.
        convention : str
            ``cell`` or ``node``.

        Raises
        ------
        InvalidOptions
            Where the box is empty or not on the Earth, the convention is unknown, or cells are too few.
        """
        box = check_box(box)
        x, x_edges = _axis(box.min_lon, box.max_lon, columns, convention, "longitude")
        y, y_edges = _axis(box.min_lat, box.max_lat, rows, convention, "latitude")
        # Half a cell more than a box that ends at a pole would lie beyond it.
        return cls(x, y, x_edges, np.clip(y_edges, -90.0, 90.0), convention)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.size, self.x.size

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude (continuous) and latitude of the middle, degrees."""
        return float(self.x_edges[0] + self.x_edges[-1]) / 2, float(self.y_edges[0] + self.y_edges[-1]) / 2

    @property
    def goes_round(self) -> bool:
        """Whether all longitudes are covered, so that the first column follows the last."""
        return bool(self.x_edges[-1] - self.x_edges[0] >= 360.0 - 1e-9)

    @property
    def longitude(self) -> np.ndarray:
        """Longitude of the centres as products store it, -180..180; shape (columns,)."""
        return unwrap_longitude(self.x, 0.0)

    @property
    def latitude(self) -> np.ndarray:
        """Latitude of the centres; shape (rows,)."""
        return self.y

    @property
    def longitude_bounds(self) -> np.ndarray:
        """Bounds of the columns, shape (columns, 2), contiguous with `longitude`."""
        return _pairs(self.x_edges) + (self.longitude - self.x)[:, np.newaxis]

    @property
    def latitude_bounds(self) -> np.ndarray:
        """Bounds of the rows, shape (rows, 2)."""
        return _pairs(self.y_edges)

    def cell_areas(self, geometry: str = "sphere") -> np.ndarray:
        """Return the area of every cell, km^2, shape (rows, columns)."""
        plane = self.plane(geometry)
        return np.outer(np.diff(plane.y_edges) * plane.scale, np.diff(plane.x_edges))

    def locate(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points in the grid's own coordinates.

        Parameters
        ----------
        longitude, latitude : ndarray, shape (n,) or (n, vertices)
            Degrees. Of two axes the last are the vertices of a polygon, which stay together wherever it lies.

        Returns
        -------
        tuple of ndarray of float64
            Longitude of a polygon that goes round a pole is NaN.
        """
        longitude, latitude = np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
        first = unwrap_longitude(longitude.T[0] if longitude.ndim > 1 else longitude, self.centre[0])
        if longitude.ndim == 1:
            return first, latitude
        longitude = longitude - 360.0 * np.round((longitude - first[:, np.newaxis]) / 360.0)
        longitude[np.ptp(longitude, axis=1) > 180.0] = np.nan
        return longitude, latitude

    def project(self, x: np.ndarray, y: np.ndarray, geometry: str = "sphere") -> tuple[np.ndarray, np.ndarray]:
        """Return points given in own coordinates as x and y in the grid's plane, km from its centre.

        ``sphere`` is Lambert's cylindrical equal-area projection, in which areas are exact; ``planar`` takes
        longitude and latitude as they are, and leaves the cosine of latitude to the scale of the rows.
        """
        if geometry not in GEOMETRIES:
            raise InvalidOptions(f"geometry is {geometry!r}; it must be one of {', '.join(GEOMETRIES)}")
        longitude, latitude = self.centre
        east = AUTHALIC_RADIUS * np.deg2rad(x - longitude)
        if geometry == "planar":
            return east, AUTHALIC_RADIUS * np.deg2rad(y - latitude)
        return east, AUTHALIC_RADIUS * (np.sin(np.deg2rad(y)) - np.sin(np.deg2rad(latitude)))

    def plane(self, geometry: str = "sphere") -> Plane:
        """Return the edges of the cells in the grid's plane, see `project`."""
        x_edges, y_edges = self.project(self.x_edges, self.y_edges, geometry)
        return Plane(x_edges, y_edges, self.area_scale(_pairs(self.y_edges).mean(axis=1), geometry))

    def area_scale(self, y: np.ndarray, geometry: str = "sphere") -> np.ndarray:
        """Return the area on the Earth over that in the plane at own coordinates ``y``."""
        return np.cos(np.deg2rad(y)) if geometry == "planar" else np.ones_like(y)

    def aspect(self, y: np.ndarray, geometry: str = "sphere") -> np.ndarray:
        """Return the ratio of the plane's scales, north to east, at own coordinates ``y``: 1 where shapes are true."""
        return np.cos(np.deg2rad(y)) ** (1 if geometry == "planar" else 2)


@dataclass(frozen=True, eq=False)
class EqualAreaGrid(Grid):
    """A grid of rectangles in Lambert's azimuthal equal-area projection about a target, for targets near a pole.

    Own coordinates are easting and northing in km (Snyder 1987, "Map Projections: A Working Manual", chapter 24, on
    the sphere). Longitude and latitude of the cells have two axes.

    Attributes
    ----------
    origin : tuple of float
        Longitude and latitude of the projection's centre, degrees.
    """

    origin: tuple[float, float] = (0.0, 90.0)

    @classmethod
    def from_box(cls, box: Box, rows: int, columns: int, convention: str = "cell") -> EqualAreaGrid:
        """Make the grid whose rectangle holds the box; parameters and errors as those of `Grid.from_box`."""
        box = check_box(box)
        origin = ((box.min_lon + box.max_lon) / 2, (box.min_lat + box.max_lat) / 2)
        along, up = np.linspace(box.min_lon, box.max_lon, 1025), np.linspace(box.min_lat, box.max_lat, 1025)
        longitude = np.concatenate([along, along, np.full_like(up, box.min_lon), np.full_like(up, box.max_lon)])
        latitude = np.concatenate([np.full_like(along, box.min_lat), np.full_like(along, box.max_lat), up, up])
        east, north = _azimuthal(longitude, latitude, origin)
        x, x_edges = _axis(float(east.min()), float(east.max()), columns, convention, "longitude")
        y, y_edges = _axis(float(north.min()), float(north.max()), rows, convention, "latitude")
        return cls(x, y, x_edges, y_edges, convention, origin)

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the projection's centre, degrees."""
        return self.origin

    @property
    def goes_round(self) -> bool:
        """False: the plane has no seam."""
        return False

    @property
    def longitude(self) -> np.ndarray:
        """Longitude of the centres, -180..180; shape (rows, columns)."""
        return unwrap_longitude(_azimuthal_inverse(self.x, self.y[:, np.newaxis], self.origin)[0], 0.0)

    @property
    def latitude(self) -> np.ndarray:
        """Latitude of the centres; shape (rows, columns)."""
        return _azimuthal_inverse(self.x, self.y[:, np.newaxis], self.origin)[1]

    @property
    def grid_mapping(self) -> dict[str, Any]:
        """Attributes of the CF grid mapping variable; coordinates in km."""
        return {
            "grid_mapping_name": "lambert_azimuthal_equal_area",
            "longitude_of_projection_origin": float(unwrap_longitude(self.origin[0], 0.0)),
            "latitude_of_projection_origin": self.origin[1],
            "false_easting": 0.0,
            "false_northing": 0.0,
            "earth_radius": AUTHALIC_RADIUS * 1000.0,
        }

    def locate(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return easting and northing of points, km."""
        return _azimuthal(np.asarray(longitude, np.float64), np.asarray(latitude, np.float64), self.origin)

    def project(
        self,
        x: np.ndarray,
        y: np.ndarray,
        geometry: str = "sphere",  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return easting and northing as they are: their plane preserves areas, whatever ``geometry`` says."""
        return x, y

    def area_scale(self, y: np.ndarray, geometry: str = "sphere") -> np.ndarray:  # noqa: ARG002
        """Return ones."""
        return np.ones_like(y)

    def aspect(self, y: np.ndarray, geometry: str = "sphere") -> np.ndarray:  # noqa: ARG002
        """Return ones: near the centre shapes are true."""
        return np.ones_like(y)


def target_grid(box: Box, rows: int, columns: int, convention: str = "cell", *, polar_equal_area: bool = False) -> Grid:
    """Make the grid of a target: of equal degrees, or of equal areas about a target near a pole where asked for.

    Parameters
    ----------
    box, rows, columns, convention
        See `Grid.from_box`.
    polar_equal_area : bool
        Use `EqualAreaGrid` where the middle of the box lies beyond `POLAR_LATITUDE`.
    """
    middle = (box.min_lat + box.max_lat) / 2
    kind = EqualAreaGrid if polar_equal_area and abs(middle) > POLAR_LATITUDE else Grid
    return kind.from_box(box, rows, columns, convention)


def check_box(box: Box) -> Box:
    """Return the box with continuous longitudes, or raise InvalidOptions where it can't be one."""
    if not np.isfinite(box).all() or not -90.0 <= box.min_lat < box.max_lat <= 90.0:
        raise InvalidOptions(f"{box}: latitudes must ascend and lie in -90..90")
    if max(abs(box.min_lon), abs(box.max_lon)) > 360.0 or not 0.0 < box.width <= 360.0:
        raise InvalidOptions(f"{box}: longitudes must differ, by 360 degrees at most")
    return box.unwrapped


def _axis(low: float, high: float, cells: int, convention: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres and edges of an axis."""
    if convention not in CONVENTIONS:
        raise InvalidOptions(f"grid convention is {convention!r}; it must be one of {', '.join(CONVENTIONS)}")
    least = 2 if convention == "node" else 1
    if cells < least:
        raise InvalidOptions(f"grid {name} is {cells}; in the {convention} convention it must be at least {least}")
    if convention == "cell":
        step = (high - low) / cells
        return low + (np.arange(cells) + 0.5) * step, np.linspace(low, high, cells + 1)
    step = (high - low) / (cells - 1)
    nodes = (np.arange(cells) * step + low).astype(np.float32).astype(np.float64)
    return nodes, low + (np.arange(cells + 1) - 0.5) * step


def _pairs(edges: np.ndarray) -> np.ndarray:
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _azimuthal(
    longitude: np.ndarray, latitude: np.ndarray, origin: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Project to easting and northing in km (Snyder 1987, equations 22-4, 22-5 and 24-2)."""
    turn, latitude, middle = np.deg2rad(longitude - origin[0]), np.deg2rad(latitude), np.deg2rad(origin[1])
    cosine = np.sin(middle) * np.sin(latitude) + np.cos(middle) * np.cos(latitude) * np.cos(turn)
    factor = AUTHALIC_RADIUS * np.sqrt(2.0 / np.maximum(1.0 + cosine, 1e-12))  # the antipode is a circle
    east = factor * np.cos(latitude) * np.sin(turn)
    north = factor * (np.cos(middle) * np.sin(latitude) - np.sin(middle) * np.cos(latitude) * np.cos(turn))
    return east, north


def _azimuthal_inverse(
    east: np.ndarray, north: np.ndarray, origin: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude in degrees (Snyder 1987, equations 20-14, 20-15 and 24-16)."""
    middle = np.deg2rad(origin[1])
    distance = np.hypot(east, north)
    angle = 2.0 * np.arcsin(distance / (2.0 * AUTHALIC_RADIUS))
    share = np.divide(north * np.sin(angle), distance, out=np.zeros_like(distance), where=distance > 0.0)
    latitude = np.arcsin(np.cos(angle) * np.sin(middle) + share * np.cos(middle))
    turn = np.arctan2(
        east * np.sin(angle), distance * np.cos(middle) * np.cos(angle) - north * np.sin(middle) * np.sin(angle)
    )
    return origin[0] + np.rad2deg(turn), np.rad2deg(latitude)
