"""Images on the map: by blocks of a tile, with bounded memory, the same whatever the blocks.

Where the pixels of a tile lie in the image is found exactly at every 32nd pixel edge and interpolated between, which
is right to a thousandth of a pixel. Layers of the image are read in windows around what a block needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from levelworks.ard.cube.projections import transformer
from levelworks.ard.cube.warp_kernels import (
    MOST_TAPS,
    places,
    take_nearest,
    take_smooth,
    take_wide,
    whole_neighbourhoods,
)
from levelworks.ard.products.tiled import BLOCK, CACHE_BYTES
from levelworks.ard.products.windows import Window
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidOptions

STEP = 32
"""Pixels of the map between nodes."""
STRIP_BYTES = 48 << 20
"""Of a strip of all bands; a strip has one row of a file's blocks at least, and `MOST_BLOCKS` at most."""
MOST_BLOCKS = 4
BLOCK_COLUMNS = 1024
SAME_SIZE = 1.05
"""Pixels of the image along one of the map below which they count as equally large."""

Resampling = Literal["nearest", "bilinear", "cubic"]


def pixel_scale(image: ImageGrid, crs: str, resolution: float) -> float:
    """Return how many pixels of an image lie along a pixel of a map, at the image's centre; 1 where hardly more.

    Raises
    ------
    InvalidOptions
        Where that are too many to average.
    """
    if image.crs == crs:
        scale = resolution / image.resolution
    else:
        to_map = transformer(image.crs, crs)
        west, south, east, north = image.bounds
        x, y = to_map.transform((west + east) / 2, (south + north) / 2)
        half = resolution / 2
        right = to_map.transform([x - half, x + half], [y, y], direction="INVERSE")
        up = to_map.transform([x, x], [y - half, y + half], direction="INVERSE")
        lengths = [math.hypot(*np.diff(np.asarray(ends), axis=1)[:, 0]) for ends in (right, up)]
        scale = sum(lengths) / 2 / image.resolution
    if not scale * 4 < MOST_TAPS:
        raise InvalidOptions(
            f"tile-image: a pixel of {resolution:g} holds {scale:.0f} pixels of the image along a side, which is too "
            "many; resolutions are in units of the projection"
        )
    return scale if scale > SAME_SIZE else 1.0


class Warp:
    """An image put on the pixels of a tile.

    Parameters
    ----------
    image : ImageGrid
        Of the layers.
    tile : ImageGrid
        Of the map.
    scale : float
        See `pixel_scale`.
    """

    def __init__(self, image: ImageGrid, tile: ImageGrid, scale: float = 1.0) -> None:
        self.image = image
        self.tile = tile
        self.scale = scale

    @cached_property
    def nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the places in the image, in pixels, of every 32nd pixel edge of the tile: columns and rows."""
        steps = [np.arange(0, math.ceil(size / STEP) * STEP + 1, STEP) for size in (self.tile.columns, self.tile.rows)]
        columns, rows = np.meshgrid(*steps)
        x = self.tile.west + columns * self.tile.resolution
        y = self.tile.north - rows * self.tile.resolution
        if self.image.crs != self.tile.crs:
            x, y = transformer(self.image.crs, self.tile.crs).transform(x, y, direction="INVERSE")
        return (
            (np.asarray(x) - self.image.west) / self.image.resolution,
            (self.image.north - np.asarray(y)) / self.image.resolution,
        )

    @cached_property
    def window(self) -> Window | None:
        """Return the part of the tile where the image may lie, in whole blocks of a file; None where it does not."""
        x, y = self.nodes
        with np.errstate(invalid="ignore"):
            inside = _overlaps(x, self.image.columns) & _overlaps(y, self.image.rows)
        if not inside.any():
            return None
        rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
        spans = []
        for cells, size in ((rows, self.tile.rows), (columns, self.tile.columns)):
            first = cells[0] * STEP // BLOCK * BLOCK
            last = min(math.ceil((cells[-1] + 1) * STEP / BLOCK) * BLOCK, size)
            spans.append((int(first), int(last - first)))
        (row, height), (column, width) = spans
        return Window(row, column, height, width)

    def strips(self, file: Any, resampling: Resampling, nodata: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield blocks of rows of the window, from the top.

        Parameters
        ----------
        file
            Layer of the image, open in rasterio; see `open_layer`.
        resampling : {'nearest', 'bilinear', 'cubic'}
        nodata : int
            Of the layer, and of the result.

        Yields
        ------
        start : int
            First row, counted in the window.
        values : ndarray, shape (bands, rows, columns)
            In the type of the layer.
        """
        window = self.window
        if window is None:
            return
        dtype = np.dtype(file.dtypes[0])
        bytes_a_row = file.count * window.columns * dtype.itemsize
        height = min(max(STRIP_BYTES // bytes_a_row // BLOCK, 1), MOST_BLOCKS) * BLOCK
        for start in range(0, window.rows, height):
            rows = min(height, window.rows - start)
            strip = np.empty((file.count, rows, window.columns), dtype)
            for left in range(0, window.columns, BLOCK_COLUMNS):
                columns = min(BLOCK_COLUMNS, window.columns - left)
                first = window.row + start, window.column + left
                strip[:, :, left : left + columns] = self._block(file, first, (rows, columns), resampling, nodata)
            yield start, strip

    def _block(
        self, file: Any, first: tuple[int, int], shape: tuple[int, int], resampling: Resampling, nodata: int
    ) -> np.ndarray:
        """Return the values of a layer at the pixels of the tile from a first one on."""
        from rasterio.windows import Window as FileWindow

        dtype = np.dtype(file.dtypes[0])
        target = np.full((file.count, *shape), nodata, dtype)
        x, y = np.empty(shape), np.empty(shape)
        top, left, bottom, right = places(*self.nodes, STEP, *first, *self.image.shape, x, y)
        if bottom <= top:
            return target
        margin = math.ceil(2 * self.scale) + 2
        top, left = max(top - margin, 0), max(left - margin, 0)
        bottom, right = min(bottom + margin, self.image.rows), min(right + margin, self.image.columns)
        source = file.read(window=FileWindow(left, top, right - left, bottom - top))
        x -= left
        y -= top
        limits = np.iinfo(dtype)
        cubic = resampling == "cubic"
        if resampling == "nearest":
            take_nearest(source, x, y, nodata, target)
        elif self.scale > 1.0:
            take_wide(source, x, y, nodata, limits.min, limits.max, cubic, self.scale, target)
        else:
            whole = whole_neighbourhoods(source, nodata, 4 if cubic else 2)
            take_smooth(source, whole, x, y, nodata, limits.min, limits.max, cubic, target)
        return target


@contextmanager
def open_layer(path: Path) -> Iterator[Any]:
    """Open a layer of an image; of its blocks, those read last stay in memory."""
    import rasterio

    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), rasterio.open(path) as file:
        yield file


def _overlaps(nodes: np.ndarray, size: int) -> np.ndarray:
    """Tell which cells between nodes reach into 0 to size; those with a node without a place do not."""
    corners = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]])
    return np.asarray(np.isfinite(corners).all(axis=0) & (corners.min(axis=0) < size) & (corners.max(axis=0) > 0))
