"""The elevation model of a frame: ellipsoidal heights on a grid of longitude and latitude."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from levelworks.core.outcome import InvalidReference
from levelworks.insar.geometry.elevation_kernels import heights_at

MARGIN = 3
"""Cells around a part that is read."""


@dataclass(frozen=True)
class Elevation:
    """Heights above the ellipsoid of WGS 84.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns), float32
        m; NaN where unknown. Rows go south, columns east; at least two each.
    west, north : float
        Longitude and latitude (degrees) of the centre of the first cell.
    step_east, step_south : float
        Degrees from centre to centre, both positive.
    cubic : bool
        Interpolate by cubic convolution, otherwise bilinearly.
    """

    heights: np.ndarray
    west: float
    north: float
    step_east: float
    step_south: float
    cubic: bool = True

    @property
    def grid(self) -> tuple[float, float, float, float]:
        """Return west, north and both steps in radians, as kernels take them."""
        west, north, east, south = map(math.radians, (self.west, self.north, self.step_east, self.step_south))
        return west, north, east, south

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Return the least and the greatest height (m)."""
        if np.isnan(self.heights).all():
            raise InvalidReference("the elevation model has no height at all")
        return float(np.nanmin(self.heights)), float(np.nanmax(self.heights))

    def at(self, latitude: ArrayLike, longitude: ArrayLike) -> np.ndarray:
        """Return heights (m, float64) at places (degrees); NaN outside and where unknown."""
        lat, lon = np.broadcast_arrays(*(np.asarray(value, np.float64) for value in (latitude, longitude)))
        result = np.empty(lat.size)
        heights_at(self.heights, self.grid, self.cubic, lat.ravel(), lon.ravel(), result)
        return result.reshape(lat.shape)


def level(height: float) -> Elevation:
    """Return a model of the same height (m) everywhere."""
    return Elevation(np.full((3, 3), height, np.float32), -180.0, 90.0, 180.0, 90.0, cubic=False)


def read_elevation(
    path: Path, bounds: tuple[float, float, float, float] | None = None, *, cubic: bool = True
) -> Elevation:
    """Read a frame's prepared elevation model: a GeoTIFF of ellipsoidal heights in EPSG:4326.

    Parameters
    ----------
    path : Path
    bounds : tuple of float, optional
        West, south, east and north (degrees) of the part to read; the whole where they aren't given.

    Raises
    ------
    InvalidReference
        Where it can't be read, is in another projection, or does not reach the part.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.windows import Window, from_bounds, intersect

    try:
        with rasterio.open(path) as file:
            if file.crs is None or file.crs.to_epsg() not in (4326, 4979):
                raise InvalidReference(f"{path} is in {file.crs}; an elevation model of the line is in EPSG:4326")
            whole = Window(0, 0, file.width, file.height)
            window = whole
            if bounds is not None:
                inner = from_bounds(*bounds, file.transform)
                row, column = math.floor(inner.row_off) - MARGIN, math.floor(inner.col_off) - MARGIN
                height, width = (math.ceil(size) + 1 + 2 * MARGIN for size in (inner.height, inner.width))
                window = Window(column, row, width, height)
                if not intersect([window, whole]):
                    raise InvalidReference(f"{path} does not reach {bounds} (west, south, east, north)")
                window = window.intersection(whole)
            heights = file.read(1, window=window, masked=True).astype(np.float32).filled(np.nan)
            transform = file.window_transform(window)
    except RasterioError as error:
        raise InvalidReference(f"{path} can't be read ({error})") from None
    if min(heights.shape) < 2:
        raise InvalidReference(f"{path} has {heights.shape} cells; interpolation takes two each way")
    west, north = transform.c + transform.a / 2, transform.f + transform.e / 2
    return Elevation(heights, west, north, transform.a, -transform.e, cubic=cubic)
