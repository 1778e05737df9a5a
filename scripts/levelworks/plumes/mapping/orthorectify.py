"""Which pixel of a scene each cell of a map shows: computed once, applied to every layer.

There is one resampling, none by way of a geographic grid (specs/plumes.md, D15 and D16). A cell
shows the pixel whose quadrilateral holds its centre; pixels share their corners, so that they tile the map without gap
and overlap, and sums of values times areas are kept without bias. They scatter, though: a narrow plume along the map's
axes may gain or lose some percent. Means by exact overlap keep them, and smooth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from levelworks.core.dem import Dem
from levelworks.core.outcome import InvalidInput
from levelworks.plumes.mapping.ortho_kernels import overlaps, pixels_of_cells
from levelworks.plumes.mapping.pixel_area import corner_lattice
from levelworks.plumes.mapping.rpc import ground_to_image, image_to_terrain
from levelworks.plumes.mapping.utm import OrthoGrid, epsg_of, project, scene_centre
from levelworks.plumes.scene import LookupTable, Rpc

RESOLUTION = {"EMIT": 60.0, "EnMAP": 30.0, "PRISMA": 30.0}
"""Cells of the map by sensor, m (specs/plumes.md 1.12)."""
BORDER_STEP = 16
"""Pixels between the places of a scene's border from which the extent of its map is taken."""


@dataclass(frozen=True)
class PixelMap:
    """A map grid, and the pixel that each of its cells shows.

    Parameters
    ----------
    index : ndarray of int32, shape (map rows, map columns)
        Row times columns plus column of the pixel; -1 where a cell shows none.
    shape : tuple of int
        Rows and columns of the scene.
    """

    grid: OrthoGrid
    index: np.ndarray
    shape: tuple[int, int]

    @cached_property
    def shown(self) -> np.ndarray:
        """Return which cells show a pixel."""
        return self.index >= 0

    @cached_property
    def hidden(self) -> np.ndarray:
        """Return which cells show none."""
        return ~self.shown

    def rows_and_columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column of each cell's pixel, -1 where there is none."""
        columns = self.shape[1]
        row, column = np.divmod(self.index, np.int32(columns))
        return row, np.where(self.shown, column, np.int32(-1))

    def cells_of_pixels(self) -> np.ndarray:
        """Return by how many cells each pixel is shown, flat."""
        return np.bincount(self.index[self.shown], minlength=self.shape[0] * self.shape[1])

    def take(self, layer: np.ndarray, fill: float) -> np.ndarray:
        """Return a layer of the scene, (rows, columns) or with leading axes, on the map; ``fill`` elsewhere."""
        if layer.shape[-2:] != self.shape:
            raise InvalidInput(
                f"a layer of {layer.shape[-2:]} pixels belongs to another scene than one of {self.shape}"
            )
        flat = layer.reshape(*layer.shape[:-2], -1)
        taken = np.take(flat, self.index, axis=-1, mode="clip")
        np.copyto(taken, fill, where=self.hidden, casting="unsafe")
        return taken


@dataclass(frozen=True)
class AreaWeights:
    """The share of each pixel in each cell of a map, as a sparse matrix of cells by pixels, rows adding up to one."""

    pixel_map: PixelMap
    matrix: Any

    def cells_of_pixels(self) -> np.ndarray:
        """Return the sum of each pixel's shares in the cells that show something, flat."""
        return np.asarray(self.matrix.T @ self.pixel_map.shown.ravel().astype(np.float64))

    def average(self, layer: np.ndarray) -> np.ndarray:
        """Return the area-weighted mean of the pixels with a value under each cell that shows one; else NaN."""
        flat = layer.reshape(-1).astype(np.float64)
        known = np.isfinite(flat)
        covered = self.matrix @ known.astype(np.float64)
        total = self.matrix @ np.where(known, flat, 0.0)
        mean = np.full(covered.shape, np.nan)
        # Under half a cell, the pixel at its centre has no value either.
        np.divide(total, covered, out=mean, where=covered >= 0.5)
        mean = mean.reshape(self.pixel_map.grid.shape)
        mean[~self.pixel_map.shown] = np.nan
        return mean.astype(np.float32)


def map_by_positions(longitude: np.ndarray, latitude: np.ndarray, resolution: float) -> PixelMap:
    """Put a scene on the map by the positions of its pixel centres.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (rows, columns)
        Degrees; not a number where a pixel has no place.
    resolution : float
        Of the map, m.

    Raises
    ------
    InvalidInput
        Where no pixel has a place.
    """
    epsg = epsg_of(*scene_centre(longitude, latitude))
    centres = np.stack(project(epsg, longitude, latitude), axis=-1)
    corners = corner_lattice(centres)
    grid = OrthoGrid.around(corners[..., 0], corners[..., 1], epsg, resolution)
    return PixelMap(grid, _index(corners, centres, grid), longitude.shape)


def area_weights(pixel_map: PixelMap, longitude: np.ndarray, latitude: np.ndarray) -> AreaWeights:
    """Compute the exact overlaps of pixels and cells, for means that keep every sum.

    Parameters
    ----------
    pixel_map : PixelMap
        See `map_by_positions`.
    longitude, latitude : ndarray, shape (rows, columns)
        As it was made from.
    """
    from scipy.sparse import coo_array

    grid = pixel_map.grid
    centres = np.stack(grid.project(longitude, latitude), axis=-1)
    corners, centres = _cells(corner_lattice(centres), grid), _cells(centres, grid)
    nothing = np.empty(0, np.int32)
    room = overlaps(corners, centres, grid.shape, nothing, nothing, np.empty(0))
    cells, pixels, areas = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    found = overlaps(corners, centres, grid.shape, cells, pixels, areas)
    cells, pixels, areas = cells[:found], pixels[:found], areas[:found]
    covered = np.bincount(cells, areas, grid.rows * grid.columns)
    shares = areas / covered[cells]
    size = grid.rows * grid.columns, pixel_map.shape[0] * pixel_map.shape[1]
    return AreaWeights(pixel_map, coo_array((shares, (cells, pixels)), shape=size).tocsr())


def map_by_lookup(lookup: LookupTable, shape: tuple[int, int], resolution: float) -> PixelMap:
    """Put a scene on the map by a geographic lookup table: cell centre, to the table's cell, to the pixel.

    Parameters
    ----------
    lookup : LookupTable
        1-based samples and lines; 0 where there is no pixel, negative where the nearest was filled in.
    shape : tuple of int
        Rows and columns of the scene.

    Raises
    ------
    InvalidInput
        Where the table names pixels that the scene does not have, or none.
    """
    sample, line = np.abs(lookup.sample.astype(np.int64)), np.abs(lookup.line.astype(np.int64))
    named = (sample > 0) & (line > 0)
    if not named.any():
        raise InvalidInput("the geographic lookup table names no pixel")
    if line.max() > shape[0] or sample.max() > shape[1]:
        raise InvalidInput(
            f"the geographic lookup table names line {line.max()} and sample {sample.max()} of a scene of "
            f"{shape[0]} lines and {shape[1]} samples"
        )
    table = np.where(named, (line - 1) * shape[1] + sample - 1, -1).astype(np.int32)
    origin_x, step_x, skew_x, origin_y, skew_y, step_y = lookup.geotransform
    row, column = np.nonzero(named)
    longitude = origin_x + (column + 0.5) * step_x + (row + 0.5) * skew_x
    latitude = origin_y + (column + 0.5) * skew_y + (row + 0.5) * step_y
    epsg = epsg_of(*scene_centre(longitude, latitude))
    grid = OrthoGrid.around(*project(epsg, longitude, latitude), epsg, resolution)
    east, north = grid.positions()
    middle = float(longitude.mean())
    x = east - 360.0 * np.round((east - middle) / 360.0) - origin_x
    y = north - origin_y
    determinant = step_x * step_y - skew_x * skew_y
    cell_column = np.floor((x * step_y - y * skew_x) / determinant).astype(np.int64)
    cell_row = np.floor((y * step_x - x * skew_y) / determinant).astype(np.int64)
    inside = (cell_row >= 0) & (cell_row < table.shape[0]) & (cell_column >= 0) & (cell_column < table.shape[1])
    index = np.full(grid.shape, -1, np.int32)
    index[inside] = table[cell_row[inside], cell_column[inside]]
    return PixelMap(grid, index, shape)


def map_by_rpc(rpc: Rpc, dem: Dem, shape: tuple[int, int], resolution: float) -> PixelMap:
    """Put a scene on the map by rational polynomials and heights: cell centre, to the ground there, to the pixel.

    Parameters
    ----------
    dem : Dem
        Heights above the ellipsoid.
    shape : tuple of int
        Rows and columns of the scene.
    """
    line, sample = _border(*shape)
    longitude, latitude, _ = image_to_terrain(rpc, line, sample, dem.at)
    epsg = epsg_of(*scene_centre(longitude, latitude))
    grid = OrthoGrid.around(*project(epsg, longitude, latitude), epsg, resolution)
    east, north = grid.positions()
    line, sample = ground_to_image(rpc, east, north, dem.at(east, north))
    row, column = np.floor(line + 0.5), np.floor(sample + 0.5)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    index = np.full(grid.shape, -1, np.int32)
    index[inside] = (row[inside] * shape[1] + column[inside]).astype(np.int32)
    return PixelMap(grid, index, shape)


def _border(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lines and samples of places along the outer edge of a scene."""
    down = np.linspace(-0.5, rows - 0.5, rows // BORDER_STEP + 2)
    right = np.linspace(-0.5, columns - 0.5, columns // BORDER_STEP + 2)
    lines = np.concatenate([np.full(right.size, down[0]), np.full(right.size, down[-1]), down, down])
    samples = np.concatenate([right, right, np.full(down.size, right[0]), np.full(down.size, right[-1])])
    return lines, samples


def _cells(points: np.ndarray, grid: OrthoGrid) -> np.ndarray:
    """Return points of the map (m) in cells: (column, row), whole numbers at centres."""
    cells = np.empty_like(points)
    cells[..., 0] = (points[..., 0] - grid.west) / grid.resolution - 0.5
    cells[..., 1] = (grid.north - points[..., 1]) / grid.resolution - 0.5
    return cells


def _index(corners: np.ndarray, centres: np.ndarray, grid: OrthoGrid) -> np.ndarray:
    index = np.full(grid.shape, -1, np.int32)
    pixels_of_cells(_cells(corners, grid), _cells(centres, grid), index)
    return index
