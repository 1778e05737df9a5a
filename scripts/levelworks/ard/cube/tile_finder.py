"""Tiles of places: of a point, of an extent, of polygons; and where tiles lie (FORCE's force-tile-finder, -extent)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.ard.cube.footprint import tiles_of_nodes
from levelworks.ard.cube.grid import CubeGrid, Tile
from levelworks.ard.cube.projections import from_geographic, transformer
from levelworks.ard.cube.tile_lists import allowed_tiles

METRES_PER_DEGREE = 111_320.0
ROWS_AT_A_TIME = 64


@dataclass(frozen=True)
class Place:
    """Where a point lies: on the map, in which tile, and in which of its pixels, counted from 0."""

    x: float
    y: float
    tile: Tile
    row: int
    column: int


def find_tile(grid: CubeGrid, longitude: float, latitude: float, resolution: float) -> Place:
    """Find the tile and the pixel of a point given in degrees.

    Raises
    ------
    InvalidOptions
        Where the projection has no place for it.
    """
    x, y = from_geographic(grid.wkt, longitude, latitude)
    tile = grid.tile_at(x, y)
    west, north = grid.corner(tile)
    columns, rows = (round(size / resolution) for size in grid.tile_size)
    column = min(int((x - west) / resolution), columns - 1)
    return Place(x, y, tile, min(int((north - y) / resolution), rows - 1), column)


def tiles_of_extent(grid: CubeGrid, extent: Sequence[float]) -> list[Tile]:
    """Return the tiles that touch a box of longitude and latitude, sorted by row and column.

    Parameters
    ----------
    extent : sequence of float
        West, south, east, north, degrees; west is greater than east across 180 degrees.
    """
    west, south, east, north = extent
    wide = east - west if east > west else east - west + 360.0
    step = min(grid.tile_size) / 4 / (METRES_PER_DEGREE if _in_metres(grid) else 1.0)
    across, down = max(1, math.ceil(wide / step)), max(1, math.ceil((north - south) / step))
    longitudes = west + np.arange(across + 1) * (wide / across)
    latitudes = north - np.arange(down + 1) * ((north - south) / down)
    project = transformer("EPSG:4326", grid.wkt)
    tiles: set[Tile] = set()
    for start in range(0, down, ROWS_AT_A_TIME):
        x, y = np.meshgrid(longitudes, latitudes[start : start + ROWS_AT_A_TIME + 1])
        found_x, found_y = project.transform((x + 180.0) % 360.0 - 180.0, y)
        tiles |= tiles_of_nodes(np.asarray(found_x), np.asarray(found_y), grid)
    return sorted(tiles, key=lambda tile: (tile.y, tile.x))


def tiles_of_polygons(grid: CubeGrid, path: Path) -> list[Tile]:
    """Return the tiles that touch the polygons of a GeoJSON file in longitude and latitude.

    Raises
    ------
    InvalidOptions
        Where it has none.
    """
    import shapely

    touches = allowed_tiles(path, grid)
    west, south, east, north = shapely.from_geojson(path.read_text(encoding="utf-8")).bounds
    return [tile for tile in tiles_of_extent(grid, (west, south, east, north)) if touches(tile)]


def outline(grid: CubeGrid, tile: Tile, points: int = 8) -> list[tuple[float, float]]:
    """Return the edge of a tile in longitude and latitude, anticlockwise from its lower left corner, closed.

    Longitudes go on beyond 180 degrees where the tile lies across.

    Parameters
    ----------
    points : int
        Pieces along each side.
    """
    west, south, east, north = grid.bounds(tile)
    along = np.arange(points) / points
    x = np.concatenate([west + along * (east - west), np.full(points, east), east - along * (east - west),
                        np.full(points, west)])  # fmt: skip
    y = np.concatenate([np.full(points, south), south + along * (north - south), np.full(points, north),
                        north - along * (north - south)])  # fmt: skip
    longitude, latitude = transformer("EPSG:4326", grid.wkt).transform(x, y, direction="INVERSE")
    longitude = np.asarray(longitude)
    longitude = longitude - 360.0 * np.round((longitude - longitude[0]) / 360.0)
    ring = [(round(float(lon), 6), round(float(lat), 6)) for lon, lat in zip(longitude, latitude, strict=True)]
    return [*ring, ring[0]]


def _in_metres(grid: CubeGrid) -> bool:
    from pyproj import CRS

    return not CRS.from_user_input(grid.wkt).is_geographic
