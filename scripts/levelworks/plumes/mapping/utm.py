"""Grids of map projections: the UTM zone of a scene (UPS near the poles), and grids aligned to their resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.earth import ECCENTRICITY_SQUARED
from levelworks.plumes.mapping.pixel_area import geocentric

if TYPE_CHECKING:
    from pyproj import CRS
    from rasterio.transform import Affine

UPS_NORTH, UPS_SOUTH = 5041, 5042
"""EPSG codes of universal polar stereographic with eastings first."""
NORTH_END, SOUTH_END = 84.0, -80.0
"""Latitudes at which UTM ends."""
LARGEST_GRID = 400_000_000
"""Cells beyond which positions are taken for wrong: forty times the largest granule."""


def scene_centre(longitude: np.ndarray, latitude: np.ndarray) -> tuple[float, float]:
    """Return the middle of positions (degrees) as longitude and latitude, safe at the antimeridian and the poles.

    Raises
    ------
    InvalidInput
        Where no pixel has a place.
    """
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if not known.any():
        raise InvalidInput("no pixel has a longitude and latitude; the scene can't be put on a map")
    x, y, z = geocentric(longitude[known], latitude[known]).mean(axis=0)
    north = math.atan2(z, math.hypot(x, y) * (1 - ECCENTRICITY_SQUARED))
    return math.degrees(math.atan2(y, x)), math.degrees(north)


def epsg_of(longitude: float, latitude: float) -> int:
    """Return the EPSG code of the UTM zone of a point (degrees); that of UPS beyond 84 N and 80 S.

    Zones are the regular six degrees everywhere: no exceptions for Norway and Svalbard.
    """
    if latitude > NORTH_END:
        return UPS_NORTH
    if latitude < SOUTH_END:
        return UPS_SOUTH
    zone = int((longitude + 180.0) % 360.0 // 6.0) + 1
    return (32600 if latitude >= 0 else 32700) + zone


@dataclass(frozen=True)
class OrthoGrid:
    """A grid of square cells on a map, rows from north to south; its edges are multiples of its resolution.

    Parameters
    ----------
    epsg : int
        Of the projection, coordinates in metres.
    west, north : float
        Outer edges of the first column and row, m.
    resolution : float
        Side of a cell, m.
    """

    epsg: int
    west: float
    north: float
    resolution: float
    rows: int
    columns: int

    @classmethod
    def around(cls, x: np.ndarray, y: np.ndarray, epsg: int, resolution: float) -> OrthoGrid:
        """Return the smallest aligned grid that holds points (m).

        Raises
        ------
        InvalidInput
            Where there is no point, or the grid would be far larger than any scene.
        """
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            raise InvalidInput("no pixel has a place on the map")
        x, y = x[known], y[known]
        west, east = math.floor(x.min() / resolution), math.ceil(x.max() / resolution)
        south, north = math.floor(y.min() / resolution), math.ceil(y.max() / resolution)
        rows, columns = max(north - south, 1), max(east - west, 1)
        if rows * columns > LARGEST_GRID:
            raise InvalidInput(
                f"positions span {columns * resolution / 1e3:.0f} by {rows * resolution / 1e3:.0f} km: "
                "longitude and latitude are damaged, or the resolution is far too fine"
            )
        return cls(epsg, west * resolution, north * resolution, float(resolution), rows, columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.rows, self.columns

    @property
    def x(self) -> np.ndarray:
        """Return the eastings of the columns' centres (m)."""
        return self.west + self.resolution * (np.arange(self.columns) + 0.5)

    @property
    def y(self) -> np.ndarray:
        """Return the northings of the rows' centres (m), descending."""
        return self.north - self.resolution * (np.arange(self.rows) + 0.5)

    @property
    def crs(self) -> CRS:
        """Return the projection."""
        from pyproj import CRS

        return CRS.from_epsg(self.epsg)

    @property
    def transform(self) -> Affine:
        """Return the affine transform from column and row to easting and northing."""
        from rasterio.transform import Affine

        return Affine(self.resolution, 0.0, self.west, 0.0, -self.resolution, self.north)

    def project(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return eastings and northings (m) of positions on WGS 84 (degrees); not a number stays so."""
        return project(self.epsg, longitude, latitude)

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude (degrees, WGS 84) of all cell centres, each (rows, columns)."""
        from pyproj import Transformer

        x, y = np.meshgrid(self.x, self.y)
        inverse = Transformer.from_crs(self.epsg, 4326, always_xy=True)
        longitude, latitude = inverse.transform(x, y, inplace=True)
        return longitude, latitude

    def area_scale(self) -> np.ndarray:
        """Return by how much the map enlarges areas at 64 x 64 places or fewer, spread over the grid."""
        from pyproj import Proj, Transformer

        places = np.meshgrid(self.x[:: max(1, self.columns // 64)], self.y[:: max(1, self.rows // 64)])
        longitude, latitude = Transformer.from_crs(self.epsg, 4326, always_xy=True).transform(*places)
        return np.asarray(Proj(self.epsg).get_factors(longitude, latitude).areal_scale)


def project(epsg: int, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eastings and northings (m) of positions on WGS 84 (degrees); not a number where one has no place."""
    from pyproj import Transformer

    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(
        np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
    )
    return np.where(np.isfinite(x), x, np.nan), np.where(np.isfinite(y), y, np.nan)
