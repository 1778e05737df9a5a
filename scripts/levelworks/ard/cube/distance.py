"""Distances in an image: to the next cloud, shadow or snow (DST), and to the image's edge (weights of merging).

Both are found in the image's own pixels, in metres on the ground, before it is put on the map: a cube may be in
degrees, and tiles cut through clouds. Taken by the nearest pixel like the quality bits, DST is 0 exactly where these
say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from levelworks.ard.cube.distance_kernels import FAR, count_from_below, distances_of_rows
from levelworks.ard.masks.quality import BY_NAME, NO_DATA
from levelworks.ard.products.layers import EDGE, LAYERS
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.scene import ImageGrid
from levelworks.ard.scratch import Scratch

ROWS = 512
"""Rows that are worked on at a time."""
FARTHEST = 32767
"""Metres, the largest distance that is told."""
FEATHER = 3000.0
"""Metres from the edge within which the weight of an image rises, from 1 to 255."""
HEAVIEST = 255
UNCLEAR = BY_NAME["cloud"].mask | BY_NAME["shadow"].mask | BY_NAME["snow"].mask

Rows = Callable[[int, int], np.ndarray]


def distances(marked: Rows, grid: ImageGrid, reach: int, edge: bool, folder: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield blocks of rows of the distance to the next marked pixel, from the top.

    Parameters
    ----------
    marked : callable
        Gives the rows start to stop, (stop - start, columns) bool.
    grid : ImageGrid
    reach : int
        Pixels; farther ones are as far.
    edge : bool
        Whether all beyond the image counts as marked.
    folder : Path
        For a file of two bytes a pixel.

    Yields
    ------
    start : int
    distances : ndarray, shape (rows, columns), float32
        Pixels.
    """
    beyond = 0 if edge else FAR
    with TemporaryDirectory(dir=folder) as inner:
        counts = Scratch(Path(inner) / "counts", grid.shape, np.uint16)
        run = np.full(grid.columns, beyond, np.uint16)
        for start in reversed(range(0, grid.rows, ROWS)):
            rows = marked(start, min(start + ROWS, grid.rows))
            found = np.empty(rows.shape, np.uint16)
            count_from_below(rows, run, found)
            counts.write(start, found)
        run[:] = beyond
        for start in range(0, grid.rows, ROWS):
            stop = min(start + ROWS, grid.rows)
            rows = marked(start, stop)
            result = np.empty(rows.shape, np.float32)
            distances_of_rows(rows, counts.read(start, stop), run, reach, edge, result)
            yield start, result
        counts.remove()


def write_distance(quality: Rows, grid: ImageGrid, path: Path) -> None:
    """Write the distance to the next cloud, shadow or snow in whole metres (int16, -9999 where there is no data).

    Parameters
    ----------
    quality : callable
        Gives rows of quality bits.
    """
    layer = LAYERS["DST"]
    reach = max(1, min(FAR - 1, round(FARTHEST / grid.resolution)))

    def marked(start: int, stop: int) -> np.ndarray:
        bits = quality(start, stop)
        return np.asarray(((bits & UNCLEAR) != 0) & (bits != NO_DATA))

    with ImageWriter(path, grid, 1, layer.dtype, layer.nodata, [layer.name]) as writer:
        for start, pixels in distances(marked, grid, reach, False, path.parent):
            metres = np.minimum(np.rint(pixels * np.float32(grid.resolution)), FARTHEST).astype(np.int16)
            metres[quality(start, start + len(pixels)) == NO_DATA] = layer.nodata
            writer.write(start, metres)


def write_edge_weight(quality: Rows, grid: ImageGrid, path: Path) -> None:
    """Write an image's weight by the distance to where it has no data: 1 at the edge, 255 from 3 km on, 0 outside.

    Parameters
    ----------
    quality : callable
        Gives rows of quality bits.
    """
    reach = max(1, round(FEATHER / grid.resolution))

    def outside(start: int, stop: int) -> np.ndarray:
        return np.asarray(quality(start, stop) == NO_DATA)

    with ImageWriter(path, grid, 1, EDGE.dtype, EDGE.nodata, [EDGE.name]) as writer:
        for start, pixels in distances(outside, grid, reach, True, path.parent):
            weight = np.clip(np.rint(pixels * np.float32(HEAVIEST / reach)), 1, HEAVIEST).astype(np.uint8)
            weight[pixels == 0] = EDGE.nodata
            writer.write(start, weight)
