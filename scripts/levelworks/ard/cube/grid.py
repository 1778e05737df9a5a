"""The grid of a cube: square tiles counted right and down from an origin (spec section 17).

Nothing here imports NumPy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidOptions

TILE_NAME = re.compile(r"X(-?\d{3,})_Y(-?\d{3,})")
WHOLE = 5e-3
"""Part of a pixel by which a tile may miss a whole number of pixels."""


@dataclass(frozen=True, order=True)
class Tile:
    """A tile: columns right and rows down from X0000_Y0000."""

    x: int
    y: int

    @property
    def name(self) -> str:
        """Return ``X0012_Y-003``: four characters each, the sign among them."""
        return f"X{self.x:04d}_Y{self.y:04d}"

    @classmethod
    def parse(cls, name: str) -> Tile:
        """Return the tile of a name.

        Raises
        ------
        InvalidOptions
            Where it is no tile's name.
        """
        found = TILE_NAME.fullmatch(name.strip())
        if found is None:
            raise InvalidOptions(f"{name.strip()!r} is no tile; tiles are named like X0012_Y-003")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class CubeGrid:
    """A grid of tiles in one projection.

    Parameters
    ----------
    wkt : str
        Projection, as WKT.
    origin_geo : tuple of float
        Longitude and latitude of the upper left corner of X0000_Y0000, degrees.
    origin_map : tuple of float
        The same in units of the projection.
    tile_size : tuple of float
        Width and height, in units of the projection.
    folder : str
        Of the cube's root in which the tiles lie: a continent or a UTM zone; empty for the root itself.
    """

    wkt: str
    origin_geo: tuple[float, float]
    origin_map: tuple[float, float]
    tile_size: tuple[float, float]
    folder: str = ""

    def corner(self, tile: Tile) -> tuple[float, float]:
        """Return the upper left corner of a tile."""
        return (
            self.origin_map[0] + tile.x * self.tile_size[0],
            self.origin_map[1] - tile.y * self.tile_size[1],
        )

    def bounds(self, tile: Tile) -> tuple[float, float, float, float]:
        """Return west, south, east, north of a tile."""
        west, north = self.corner(tile)
        return west, north - self.tile_size[1], west + self.tile_size[0], north

    def tile_at(self, x: float, y: float) -> Tile:
        """Return the tile of a point by FORCE's rule.

        Right of and below the origin, a point on a border belongs to the tile with the lower number; left of and above
        it, to the tile that begins there.
        """
        right = (x - self.origin_map[0]) / self.tile_size[0]
        down = (self.origin_map[1] - y) / self.tile_size[1]
        return Tile(_index(right), _index(down))

    def tiles_within(self, west: float, south: float, east: float, north: float) -> Iterator[Tile]:
        """Yield the tiles whose insides meet a rectangle, row by row; touching borders do not count."""
        tolerance = 1e-9
        first = math.floor((west - self.origin_map[0]) / self.tile_size[0] + tolerance)
        last = math.ceil((east - self.origin_map[0]) / self.tile_size[0] - tolerance) - 1
        top = math.floor((self.origin_map[1] - north) / self.tile_size[1] + tolerance)
        bottom = math.ceil((self.origin_map[1] - south) / self.tile_size[1] - tolerance) - 1
        for y in range(top, bottom + 1):
            for x in range(first, last + 1):
                yield Tile(x, y)

    def image_grid(self, tile: Tile, resolution: float) -> ImageGrid:
        """Return the pixels of a tile.

        Raises
        ------
        InvalidOptions
            Where a tile does not hold a whole number of pixels.
        """
        west, north = self.corner(tile)
        columns, rows = (whole_pixels(size, resolution) for size in self.tile_size)
        return ImageGrid(self.wkt, west, north, resolution, rows, columns)


def _index(distance: float) -> int:
    """Return the tile at a distance of so many tiles right of or below the origin."""
    return max(math.ceil(distance) - 1, 0) if distance >= 0.0 else math.floor(distance)


def whole_pixels(size: float, resolution: float) -> int:
    """Return how many pixels make the side of a tile.

    Raises
    ------
    InvalidOptions
        Where that is no whole number, to 0.005 of a pixel.
    """
    count = round(size / resolution)
    if count < 1 or abs(size / resolution - count) > WHOLE:
        raise InvalidOptions(
            f"tile-image: a tile of {size:g} holds no whole number of pixels of {resolution:g}; change tile-size or "
            "the resolution"
        )
    return count
