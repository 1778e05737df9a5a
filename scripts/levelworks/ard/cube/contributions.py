"""What the images of a day bring to a tile, read by strips of rows and merged (spec section 17, defect D4).

All images are merged at once, in order of their identifiers: any order and any repetition gives the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from levelworks.ard.cube.merge_kernels import merge_least, merge_means, merge_quality, merge_strongest
from levelworks.ard.cube.tile_index import TileIndex, TileOfImage
from levelworks.ard.masks.quality import BY_NAME, FIELDS
from levelworks.ard.products.layers import EDGE, Layer
from levelworks.ard.products.tiled import BLOCK, CACHE_BYTES
from levelworks.ard.products.windows import Window, whole
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput

STRIP_ROWS = 256
FLAGS = sum(field.mask for field in FIELDS if field.states is None and field.name != "nodata")


@dataclass(frozen=True)
class Contribution:
    """A tile of one image."""

    index: TileIndex
    tile: TileOfImage


@dataclass(frozen=True)
class MergedTile:
    """A tile of the cube on one day: its pixels, the part of it with data, and what images bring to it."""

    path: str
    pixels: ImageGrid
    part: Window
    contributions: tuple[Contribution, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """Return the layers that any image brings."""
        return tuple(dict.fromkeys(name for one in self.contributions for name in one.tile.layers))


def merged_tiles(indexes: Sequence[TileIndex]) -> list[MergedTile]:
    """Return the tiles that images bring something to, sorted by their paths.

    Parameters
    ----------
    indexes : sequence of TileIndex
        In any order; each image once.

    Raises
    ------
    InvalidInput
        Where images do not share a tile's pixels.
    """
    found: dict[str, list[Contribution]] = {}
    for index in sorted(indexes, key=lambda one: one.id):
        for tile in index.tiles:
            found.setdefault(tile.path, []).append(Contribution(index, tile))
    return [_merged_tile(path, found[path]) for path in sorted(found)]


def _merged_tile(path: str, contributions: list[Contribution]) -> MergedTile:
    pixels = _union(path, contributions)
    parts = [_place(path, pixels, one.tile.part) for one in contributions]
    row, column = min(part.row for part in parts), min(part.column for part in parts)
    bottom, right = max(part.bottom for part in parts), max(part.right for part in parts)
    part = Window(row, column, bottom - row, right - column)
    if row % BLOCK or column % BLOCK:
        part = whole(pixels)
    return MergedTile(path, pixels, part, tuple(contributions))


def _union(path: str, contributions: list[Contribution]) -> ImageGrid:
    """Return the pixels that hold those of all: of tiles they are the same, of images kept whole they differ."""
    grids = [one.tile.pixels for one in contributions]
    first = grids[0]
    if all(grid == first for grid in grids):
        return first
    places = [_place(path, first, grid) for grid in grids]
    row, column = min(place.row for place in places), min(place.column for place in places)
    bottom, right = max(place.bottom for place in places), max(place.right for place in places)
    return Window(row, column, bottom - row, right - column).of(first)


def _place(path: str, grid: ImageGrid, part: ImageGrid) -> Window:
    """Return where a part lies in a grid."""
    row = (grid.north - part.north) / grid.resolution
    column = (part.west - grid.west) / grid.resolution
    near = abs(row - round(row)) < 1e-3 and abs(column - round(column)) < 1e-3
    if not near or part.resolution != grid.resolution or part.crs != grid.crs:
        raise InvalidInput(
            f"{path}: images of one day do not lie on one lattice of pixels; run tile-image again for all"
        )
    return Window(round(row), round(column), part.rows, part.columns)


def merged_strips(tile: MergedTile, layer: Layer, sensor: str) -> Iterator[tuple[int, np.ndarray]]:
    """Yield blocks of rows of a layer of a tile's part, from the top.

    Yields
    ------
    start : int
        First row, counted in the part.
    values : ndarray, shape (bands, rows, columns)
    """
    import rasterio

    count = len(layer.bands(sensor))
    dtype = np.dtype(layer.dtype)
    chosen = [one for one in tile.contributions if layer.name in one.tile.layers]
    with ExitStack() as opened:
        opened.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES))

        def reader(one: Contribution, name: str, nodata: int) -> _Reader:
            file = opened.enter_context(rasterio.open(one.index.file(one.tile, name)))
            return _Reader(file, _place(tile.path, tile.part.of(tile.pixels), one.tile.part), nodata)

        readers = [reader(one, layer.name, layer.nodata) for one in chosen]
        weighted = len(chosen) > 1 and layer.merge in ("mean", "strongest")
        edges = [reader(one, EDGE.name, EDGE.nodata) for one in chosen] if weighted else []
        combine = _rule(layer)
        for start in range(0, tile.part.rows, STRIP_ROWS):
            rows = min(STRIP_ROWS, tile.part.rows - start)
            window = Window(start, 0, rows, tile.part.columns)
            strip = np.empty((count, rows, tile.part.columns), dtype)
            if len(readers) == 1:
                readers[0].read(window, None, strip)
                yield start, strip
                continue
            weights = np.empty((len(edges), rows, tile.part.columns), np.uint8)
            for number, one in enumerate(edges):
                one.read(window, 1, weights[number])
            values = np.empty((len(readers), rows, tile.part.columns), dtype)
            for band in range(count):
                for number, one in enumerate(readers):
                    one.read(window, band + 1, values[number])
                combine(values, weights, strip[band])
            yield start, strip


class _Reader:
    """Reads an image's file as if it reached over the whole part of the tile."""

    def __init__(self, file: Any, place: Window, nodata: int) -> None:
        self.file = file
        self.place = place
        self.nodata = nodata

    def read(self, window: Window, band: int | None, target: np.ndarray) -> None:
        """Read one band, or all, into an array of the window's rows and columns."""
        from rasterio.windows import Window as FileWindow

        target[...] = self.nodata
        top, bottom = max(window.row, self.place.row), min(window.bottom, self.place.bottom)
        left, right = max(window.column, self.place.column), min(window.right, self.place.right)
        if top >= bottom or left >= right:
            return
        inside = FileWindow(left - self.place.column, top - self.place.row, right - left, bottom - top)
        rows, columns = slice(top - window.row, bottom - window.row), slice(left - window.column, right - window.column)
        target[..., rows, columns] = self.file.read(band, window=inside)


def _rule(layer: Layer) -> Callable[[np.ndarray, np.ndarray, np.ndarray], None]:
    """Return how the values of a layer become one: values, weights, and where the result is written."""
    if layer.merge == "quality":
        cloud, aerosol, light = (BY_NAME[name].mask for name in ("cloud", "aerosol", "illumination"))
        return lambda values, weights, merged: merge_quality(  # noqa: ARG005
            values, layer.nodata, cloud, aerosol, light, FLAGS, merged
        )
    if layer.merge == "least":
        return lambda values, weights, merged: merge_least(values, layer.nodata, merged)  # noqa: ARG005
    merge = merge_means if layer.merge == "mean" else merge_strongest
    return lambda values, weights, merged: merge(values, weights, layer.nodata, merged)
