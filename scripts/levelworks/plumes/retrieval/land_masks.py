"""Land and water from a map: a raster that is 0 on water, or polygons of land.

Rasters are such as OSM and WorldCover give once converted; polygons such as Natural Earth's or GSHHS's as GeoJSON.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio.warp import transform

from levelworks.core.outcome import InvalidReference


def read_land(path: Path, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return whether places (degrees, WGS 84) are land, in the shape given; outside a raster all is land.

    Raises
    ------
    InvalidReference
        Where the file is neither a raster nor a GeoJSON of polygons.
    """
    if path.suffix.lower() in (".geojson", ".json"):
        return _in_polygons(path, longitude, latitude)
    known = np.isfinite(longitude) & np.isfinite(latitude)
    land = np.ones(longitude.shape, dtype=bool)
    try:
        with rasterio.open(path) as raster:
            x, y = longitude[known], latitude[known]
            if raster.crs is not None and not raster.crs.is_geographic:
                x, y = (np.asarray(axis) for axis in transform("EPSG:4326", raster.crs, x, y))
            inverse = ~raster.transform
            columns = np.floor(inverse.a * x + inverse.b * y + inverse.c).astype(int)
            rows = np.floor(inverse.d * x + inverse.e * y + inverse.f).astype(int)
            inside = (columns >= 0) & (rows >= 0) & (columns < raster.width) & (rows < raster.height)
            if not inside.any():
                return land
            left, top = int(columns[inside].min()), int(rows[inside].min())
            width, height = int(columns[inside].max()) - left + 1, int(rows[inside].max()) - top + 1
            block = raster.read(1, window=rasterio.windows.Window(left, top, width, height))
    except rasterio.errors.RasterioIOError as error:
        raise InvalidReference(f"{path} is no raster of land and water ({error})") from None
    found = np.ones(x.size, dtype=bool)
    found[inside] = block[rows[inside] - top, columns[inside] - left] != 0
    land[known] = found
    return land


def _in_polygons(path: Path, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        shapes = [shapely.geometry.shape(one["geometry"]) for one in content["features"]]
    except (ValueError, KeyError, TypeError, shapely.errors.ShapelyError) as error:
        raise InvalidReference(f"{path} is no GeoJSON of land polygons ({error})") from None
    if not shapes:
        raise InvalidReference(f"{path} has no polygon of land")
    merged = shapely.union_all(shapes)
    shapely.prepare(merged)
    known = np.isfinite(longitude) & np.isfinite(latitude)
    land = np.ones(longitude.shape, dtype=bool)
    land[known] = shapely.contains_xy(merged, longitude[known], latitude[known])
    return land
