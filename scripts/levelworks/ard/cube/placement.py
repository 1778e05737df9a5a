"""Which tiles an image is put on, and where their pixels lie."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from levelworks.ard.cube.cube_options import TileImage
from levelworks.ard.cube.grid import CubeGrid
from levelworks.ard.cube.image_folder import ImageFolder
from levelworks.ard.cube.projections import continental_grids, custom_grid, is_continental, transformer
from levelworks.ard.cube.tile_lists import Allowed, allowed_tiles, continent_tiles
from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import SENSORS

UTM_ZONE = re.compile(r"UTM zone (\d{1,2})([NS])")


@dataclass(frozen=True)
class Placement:
    """A tile that an image may be put on: the cube's grid, the name of the tile's folder, its pixels."""

    grid: CubeGrid
    name: str
    pixels: ImageGrid

    @property
    def path(self) -> str:
        """Return the tile's folder below the cube's root."""
        return f"{self.grid.folder}/{self.name}" if self.grid.folder else self.name


def placements(image: ImageFolder, allow_list: Path | None, options: TileImage) -> Iterator[Placement]:
    """Yield the tiles that an image touches and that may be written.

    An image that is not cut into tiles has one, named by its reference.

    Raises
    ------
    InvalidOptions
        Where projection, tile size and resolution do not go together, or the list is none.
    """
    if options.reproject:
        sensor = SENSORS[image.sensor]
        resolution = options.resolution_landsat if sensor.is_landsat else options.resolution_sentinel2
        for grid, listed in _grids(image, options):
            if options.tile:
                yield from _tiles(image, grid, resolution, listed, allowed_tiles(allow_list, grid))
            else:
                yield Placement(grid, image.reference, _whole(image.grid, grid, resolution))
    else:
        grid = _own_zone(image.grid, options)
        if not options.tile:
            yield Placement(grid, image.reference, image.grid)
            return
        for one in _tiles(image, grid, image.grid.resolution, None, allowed_tiles(allow_list, grid)):
            yield Placement(grid, one.name, _snapped(one.pixels, image.grid))


def _grids(image: ImageFolder, options: TileImage) -> Iterator[tuple[CubeGrid, Allowed | None]]:
    """Yield the grids of a projection, with the tiles that a continent has; of a whole image the one of its centre."""
    if not is_continental(options.projection):
        yield custom_grid(options.projection, options.origin_lon, options.origin_lat, options.tile_size), None
        return
    west, south, east, north = image.grid.bounds
    for one in continental_grids(options.projection):
        tiles = continent_tiles(one.family, one.continent)
        if options.tile:
            yield one.grid, tiles.__contains__
            continue
        x, y = transformer(image.grid.crs, one.grid.wkt).transform((west + east) / 2, (south + north) / 2)
        if math.isfinite(x) and one.grid.tile_at(x, y) in tiles:
            yield one.grid, None
            return


def _tiles(
    image: ImageFolder, grid: CubeGrid, resolution: float, listed: Allowed | None, allowed: Allowed
) -> Iterator[Placement]:
    from levelworks.ard.cube.footprint import tiles_of_image

    for tile in tiles_of_image(image.grid, grid):
        if (listed is None or listed(tile)) and allowed(tile):
            yield Placement(grid, tile.name, grid.image_grid(tile, resolution))


def _own_zone(image: ImageGrid, options: TileImage) -> CubeGrid:
    """Return the grid in an image's own projection, whose tiles lie in a folder of their own."""
    found = UTM_ZONE.search(image.crs)
    folder = f"utm{int(found[1]):02d}{found[2].lower()}" if found else "own"
    return custom_grid(image.crs, options.origin_lon, options.origin_lat, options.tile_size, folder)


def on_lattice(image: ImageGrid, sensor: str) -> ImageGrid:
    """Return an image moved by less than a pixel onto the lattice that all images of its zone share.

    Edges of Sentinel-2's pixels lie at whole multiples of their size, those of Landsat's half a pixel beside. Only an
    image that co-registration has moved lies elsewhere: without resampling, parts of a pixel can't be kept.
    """
    phase = image.resolution / 2 if SENSORS[sensor].is_landsat else 0.0
    return replace(image, west=_nearest(image.west, phase, image), north=_nearest(image.north, phase, image))


def _nearest(edge: float, phase: float, image: ImageGrid) -> float:
    return phase + round((edge - phase) / image.resolution) * image.resolution


def _snapped(tile: ImageGrid, image: ImageGrid) -> ImageGrid:
    """Return a tile moved by less than a pixel onto the pixels of an image."""
    size = image.resolution
    west = image.west + round((tile.west - image.west) / size) * size
    north = image.north - round((image.north - tile.north) / size) * size
    return ImageGrid(image.crs, west, north, size, tile.rows, tile.columns)


def _whole(image: ImageGrid, grid: CubeGrid, resolution: float) -> ImageGrid:
    """Return the pixels of the map that hold a whole image, on the lattice of the cube's origin."""
    from levelworks.ard.cube.footprint import extent_of_image

    west, south, east, north = extent_of_image(image, grid)
    left = math.floor((west - grid.origin_map[0]) / resolution)
    top = math.floor((grid.origin_map[1] - north) / resolution)
    right = math.ceil((east - grid.origin_map[0]) / resolution)
    bottom = math.ceil((grid.origin_map[1] - south) / resolution)
    x, y = grid.origin_map[0] + left * resolution, grid.origin_map[1] - top * resolution
    return ImageGrid(grid.wkt, x, y, resolution, bottom - top, right - left)
