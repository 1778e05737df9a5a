"""Map overlays: where a scene lies in the web's Mercator projection, and which of its pixels each overlay pixel shows.

One nearest-neighbour warp of pixel numbers serves every layer of a scene, so that values are resampled once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pyproj import CRS, Transformer
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from levelworks.plumes.drawing.level2_view import MapGrid

RADIUS = 6378137.0
"""Of the sphere of EPSG:3857 (m)."""
EDGE_POINTS = 65
"""Points along each edge of a scene, for its outline and bounds."""

Bounds = tuple[tuple[float, float], tuple[float, float]]
"""South-west and north-east corner: latitude, longitude (degrees). Longitudes may pass 180: no scene is cut there."""


@dataclass(frozen=True)
class Overlay:
    """Pixels of an image in EPSG:3857: the flat index of the pixel of the scene that each shows, or -1."""

    index: np.ndarray
    bounds: Bounds

    def take(self, layer: np.ndarray) -> np.ndarray:
        """Return what each overlay pixel shows of (rows, columns, ...); what lies outside shows the first pixel."""
        flat = layer.reshape(-1, *layer.shape[2:])
        return np.asarray(flat[np.maximum(self.index, 0)])

    @property
    def inside(self) -> np.ndarray:
        """Return which pixels lie in the scene, bool."""
        return np.asarray(self.index >= 0)


def _mercator(longitude: float) -> CRS:
    """Return EPSG:3857 turned so that a longitude lies in its middle: no scene is cut at 180 degrees."""
    return CRS.from_proj4(
        f"+proj=merc +a={RADIUS:.0f} +b={RADIUS:.0f} +lat_ts=0 +lon_0={longitude:.0f} +x_0=0 +y_0=0 +k=1 +units=m "
        "+nadgrids=@null +no_defs"
    )


def _edges(extent: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    left, right, bottom, top = extent
    along = np.linspace(0, 1, EDGE_POINTS)[:-1]
    x = np.concatenate([left + along * (right - left), np.full(along.size, right)])
    y = np.concatenate([np.full(along.size, top), top - along * (top - bottom)])
    return np.concatenate([x, left + right - x]), np.concatenate([y, bottom + top - y])


def overlay_of(grid: MapGrid, long_side: int) -> Overlay:
    """Return the overlay of a grid at its own resolution, or coarser where its long side would have too many pixels.

    Parameters
    ----------
    long_side : int
        Most pixels of the longer side.
    """
    middle = float(round(grid.centre[0]))
    target = _mercator(middle)
    forward = Transformer.from_crs(grid.crs, target, always_xy=True)
    x, y = forward.transform(*_edges(grid.extent))
    left, right, bottom, top = (float(one) for one in (np.min(x), np.max(x), np.min(y), np.max(y)))
    stretch = math.cosh((bottom + top) / 2 / RADIUS)
    step = max(min(grid.transform.a, -grid.transform.e) * stretch, max(right - left, top - bottom) / long_side)
    columns, rows = (max(1, math.ceil(round(size / step, 6))) for size in (right - left, top - bottom))
    index = np.full((rows, columns), -1, dtype=np.int32)
    reproject(
        np.arange(grid.shape[0] * grid.shape[1], dtype=np.int32).reshape(grid.shape),
        index,
        src_transform=grid.transform,
        src_crs=grid.crs.to_wkt(),
        dst_transform=Affine(step, 0, left, 0, -step, top),
        dst_crs=target.to_wkt(),
        src_nodata=-1,
        dst_nodata=-1,
        resampling=Resampling.nearest,
        num_threads=1,
    )
    south, north = _latitude(top - rows * step), _latitude(top)
    west, east = (middle + math.degrees(one / RADIUS) for one in (left, left + columns * step))
    return Overlay(index, ((south, west), (north, east)))


def _latitude(y: float) -> float:
    return math.degrees(math.atan(math.sinh(y / RADIUS)))


def outline_of(grid: MapGrid, present: np.ndarray) -> list[tuple[float, float]]:
    """Return the swath's boundary: the convex hull of the pixels that hold anything, as latitude and longitude.

    Longitudes run on past 180 degrees where the scene does.

    Parameters
    ----------
    present : ndarray of bool, shape (rows, columns)
    """
    from shapely import MultiPoint

    rows = np.flatnonzero(present.any(axis=1))
    if not rows.size:
        return []
    first = np.argmax(present[rows], axis=1)
    last = present.shape[1] - np.argmax(present[rows, ::-1], axis=1)
    columns = np.concatenate([first, last, first, last])
    lines = np.concatenate([rows, rows, rows + 1, rows + 1])
    hull = MultiPoint(np.column_stack([columns, lines])).convex_hull.simplify(1.0)
    if hull.geom_type != "Polygon":
        return []
    corners = np.asarray(hull.exterior.coords)
    x, y = grid.transform.c + corners[:, 0] * grid.transform.a, grid.transform.f + corners[:, 1] * grid.transform.e
    longitude, latitude = grid.to_degrees.transform(x, y)
    middle = grid.centre[0]
    longitude = middle + (np.asarray(longitude) - middle + 180) % 360 - 180
    return [(round(float(one), 6), round(float(other), 6)) for one, other in zip(latitude, longitude, strict=True)]
