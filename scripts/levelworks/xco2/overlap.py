"""Exact overlap areas of footprints with the cells of a grid, and what follows from geometry alone: masks, coverage.

Footprints are quadrilaterals whose edges are straight in the plane of the grid. They are clipped to the cells
(Sutherland and Hodgman 1974, "Reentrant polygon clipping", Communications of the ACM 17), so that areas of one
footprint add up to its own wherever it lies inside the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from levelworks.core.outcome import InvalidInput
from levelworks.xco2 import footprint_kernels as shapes
from levelworks.xco2.grids import AUTHALIC_RADIUS, Grid, Plane
from levelworks.xco2.overlap_kernels import compress_rows, count_candidates, overlap_areas, stable_order
from levelworks.xco2.union_kernels import union_shares


class FootprintShape(IntEnum):
    """What the four vertices of a footprint are, in the order in which they were given."""

    CONVEX = shapes.CONVEX
    REORDERED = shapes.REORDERED
    """The edges crossed; the convex quadrilateral of the same vertices is used."""
    SPLIT = shapes.SPLIT
    """Not convex; used as two triangles."""
    DEGENERATE = shapes.DEGENERATE
    """A line or a point; overlaps nothing."""
    NOT_FINITE = shapes.NOT_FINITE
    """A vertex is missing, or the footprint goes round a pole on a grid of equal degrees; overlaps nothing."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """Overlap areas of soundings with cells, as compressed rows of the cells that are touched.

    Attributes
    ----------
    cells : ndarray, shape (cells,), int64
        Touched cells in the order of the flattened grid, row by row from the south west, ascending.
    starts : ndarray, shape (cells + 1,), int64
        Where the overlaps of each cell start.
    soundings : ndarray, shape (overlaps,), int32
        Sounding of each overlap, ascending within a cell.
    areas : ndarray, shape (overlaps,), float64
        Area of each overlap, km^2, above 0.
    shape : tuple of int
        Rows and columns of the grid.
    footprint_areas : ndarray, shape (soundings,), float64
        Area of the whole footprints, inside the grid or not, km^2; 0 where degenerate, NaN where not finite.
    footprint_shapes : ndarray, shape (soundings,), uint8
        `FootprintShape`.
    plane : Plane
        Plane of the grid.
    pieces : ndarray, shape (pieces, 4, 2), float64
        Footprints as convex pieces in the plane, km, counter-clockwise.
    first_piece : ndarray, shape (soundings + 1,), int64
        First piece of each footprint.
    """

    cells: np.ndarray
    starts: np.ndarray
    soundings: np.ndarray
    areas: np.ndarray
    shape: tuple[int, int]
    footprint_areas: np.ndarray
    footprint_shapes: np.ndarray
    plane: Plane
    pieces: np.ndarray
    first_piece: np.ndarray

    @cached_property
    def cell_areas(self) -> np.ndarray:
        """Area of the touched cells, km^2."""
        rows, columns = np.divmod(self.cells, self.shape[1])
        heights = np.diff(self.plane.y_edges) * self.plane.scale
        return heights[rows] * np.diff(self.plane.x_edges)[columns]

    def selection(self, keep: np.ndarray | None) -> np.ndarray:
        """Return a selection of soundings as booleans, all where it is None; raise InvalidInput on a wrong shape."""
        if keep is None:
            return np.ones(self.footprint_areas.size, np.bool_)
        keep = np.asarray(keep, np.bool_)
        if keep.shape != self.footprint_areas.shape:
            raise InvalidInput(f"a selection has shape {keep.shape}; there are {self.footprint_areas.size} soundings")
        return keep

    def touched(self, keep: np.ndarray | None = None) -> np.ndarray:
        """Tell which of `cells` a footprint overlaps, of those in ``keep``; shape (cells,), bool."""
        counts = np.concatenate([[0], np.cumsum(self.selection(keep)[self.soundings])])
        return counts[self.starts[1:]] > counts[self.starts[:-1]]

    def mask(self, keep: np.ndarray | None = None) -> np.ndarray:
        """Return the exact mask: cells that a footprint overlaps with an area above 0.

        Parameters
        ----------
        keep : ndarray of bool, shape (soundings,), optional
            Footprints that count; all without it.

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        return self.on_grid(self.touched(keep), fill=False)

    def coverage(self, keep: np.ndarray | None = None) -> np.ndarray:
        """Return the share of each touched cell that footprints cover, counted once where they overlap each other.

        Exact: what is left of a cell is cut by one footprint after the other. Never above the sum of the overlaps.

        Parameters
        ----------
        keep : ndarray of bool, shape (soundings,), optional
            Footprints that count; all without it.

        Returns
        -------
        ndarray, shape (cells,), float64, 0..1
        """
        counted = self.selection(keep)
        shares = np.zeros(self.cells.size)
        overlaps = self.cells, self.starts, self.soundings, self.areas
        footprints = self.pieces, self.first_piece
        room = 64, 32
        while not union_shares(overlaps, counted, footprints, *self.plane, room, shares):
            room = room[0] * 4, room[1] * 2
        return shares

    def on_grid(self, values: np.ndarray, fill: float = np.nan) -> np.ndarray:
        """Place values of the touched cells, shape (..., cells), on the grid, shape (..., rows, columns)."""
        return place_on_grid(self.cells, self.shape, values, fill)

    def to_csr(self) -> csr_array:
        """Return areas as a sparse matrix: rows all cells of the flattened grid, columns the soundings."""
        return rows_to_csr(self.cells, self.starts, self.soundings, self.areas, self.shape, self.footprint_areas.size)


def footprint_overlaps(
    grid: Grid, vertex_longitude: np.ndarray, vertex_latitude: np.ndarray, geometry: str = "sphere"
) -> Overlap:
    """Compute the areas in which footprints overlap the cells of a grid.

    Parameters
    ----------
    grid : Grid
        Target grid.
    vertex_longitude, vertex_latitude : ndarray, shape (soundings, 4)
        Vertices in degrees, in any order; longitudes of any turn. NaN vertices leave a footprint out.
    geometry : str
        ``sphere``: edges are straight in Lambert's cylindrical equal-area projection, areas exact on the sphere;
        ``planar``: edges are straight in longitude and latitude, areas scaled by the cosine of the row's latitude. A
        footprint around a pole needs an `EqualAreaGrid`.

    Returns
    -------
    Overlap

    Raises
    ------
    InvalidInput
        Where the vertices don't have the shape of footprints.
    """
    longitude, latitude = np.asarray(vertex_longitude), np.asarray(vertex_latitude)
    if longitude.ndim != 2 or longitude.shape[1] != 4 or longitude.shape != latitude.shape:
        raise InvalidInput(f"vertices of footprints have shapes {longitude.shape} and {latitude.shape}, not (n, 4)")
    plane = grid.plane(geometry)
    own_x, own_y = grid.locate(longitude, latitude)
    middle = own_y.mean(axis=1)
    quads = np.stack(grid.project(own_x, own_y, geometry), axis=2)
    number = quads.shape[0]
    pieces, first_piece = np.empty((2 * number, 4, 2)), np.empty(number + 1, np.int64)
    found = np.empty(number, np.uint8)
    pieces = pieces[: shapes.convex_pieces(quads, grid.aspect(middle, geometry), pieces, first_piece, found)]

    owners = np.repeat(np.arange(number), np.diff(first_piece))
    footprint_areas = np.bincount(owners, weights=_areas(pieces), minlength=number) * grid.area_scale(middle, geometry)
    footprint_areas[found == FootprintShape.NOT_FINITE] = np.nan
    if grid.goes_round:
        pieces, first_piece = _with_turns(pieces, owners, plane.x_edges, number)
        owners = np.repeat(np.arange(number), np.diff(first_piece))
    cells, starts, soundings, overlap = _overlaps(pieces, owners, plane)
    return Overlap(cells, starts, soundings, overlap, grid.shape, footprint_areas, found, plane, pieces, first_piece)


def scale_footprints(
    vertex_longitude: np.ndarray, vertex_latitude: np.ndarray, factor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scale footprints about the mean of their vertices.

    Parameters
    ----------
    vertex_longitude, vertex_latitude : ndarray, shape (soundings, 4)
        Degrees.
    factor : float
        Taken as 1 below 1 and as 1.5 above 1.5.

    Returns
    -------
    tuple of ndarray, shape (soundings, 4), float64
        Longitudes are continuous within a footprint.
    """
    factor = min(max(factor, 1.0), 1.5)
    longitude, latitude = np.asarray(vertex_longitude, np.float64), np.asarray(vertex_latitude, np.float64)
    longitude = longitude - 360.0 * np.round((longitude - longitude[:, :1]) / 360.0)
    middles = longitude.mean(axis=1, keepdims=True), latitude.mean(axis=1, keepdims=True)
    return middles[0] + factor * (longitude - middles[0]), middles[1] + factor * (latitude - middles[1])


def place_on_grid(cells: np.ndarray, shape: tuple[int, int], values: np.ndarray, fill: float) -> np.ndarray:
    """Place values of some cells, shape (..., cells), on a grid that has ``fill`` elsewhere."""
    values = np.asarray(values)
    result = np.full((*values.shape[:-1], shape[0] * shape[1]), fill, dtype=values.dtype)
    result[..., cells] = values
    return result.reshape(*values.shape[:-1], *shape)


def rows_to_csr(
    cells: np.ndarray, starts: np.ndarray, columns: np.ndarray, data: np.ndarray, shape: tuple[int, int], width: int
) -> csr_array:
    """Return rows of some cells as a sparse matrix with a row for every cell of the grid."""
    counts = np.zeros(shape[0] * shape[1] + 1, np.int64)
    counts[cells + 1] = np.diff(starts)
    return csr_array((data, columns, np.cumsum(counts)), shape=(shape[0] * shape[1], width))


def _areas(pieces: np.ndarray) -> np.ndarray:
    """Return the areas of quadrilaterals in the plane, by their diagonals."""
    first, second = pieces[:, 2] - pieces[:, 0], pieces[:, 3] - pieces[:, 1]
    return 0.5 * np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])


def _with_turns(
    pieces: np.ndarray, owners: np.ndarray, x_edges: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Repeat the pieces that reach over the seam of a grid that goes round, a whole turn away."""
    turn = 2.0 * np.pi * AUTHALIC_RADIUS
    west, east = pieces[:, :, 0].min(axis=1), pieces[:, :, 0].max(axis=1)
    shifted = [pieces]
    indices = [owners]
    for beyond, shift in ((west < x_edges[0], turn), (east > x_edges[-1], -turn)):
        shifted.append(pieces[beyond] + np.array([shift, 0.0]))
        indices.append(owners[beyond])
    owners = np.concatenate(indices)
    order = np.argsort(owners, kind="stable")
    return np.concatenate(shifted)[order], np.searchsorted(owners[order], np.arange(number + 1))


def _overlaps(pieces: np.ndarray, owners: np.ndarray, plane: Plane) -> tuple[np.ndarray, ...]:
    """Return cells, their starts, and soundings and areas of the overlaps in order of cells and soundings."""
    room = count_candidates(pieces, plane.x_edges, plane.y_edges)
    rows, columns, of_piece = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)
    areas = np.empty(room)
    found = overlap_areas(pieces, plane.x_edges, plane.y_edges, rows, columns, of_piece, areas)
    order = stable_order(columns[:found], plane.x_edges.size - 1, np.arange(found))
    order = stable_order(rows[:found], plane.y_edges.size - 1, order)
    rows = rows[order]
    flat = rows.astype(np.int64) * (plane.x_edges.size - 1) + columns[order]
    areas = areas[order] * plane.scale[rows]
    soundings = owners[of_piece[order]].astype(np.int32)
    cells, starts = np.empty(found, np.int64), np.empty(found + 1, np.int64)
    number, kept = compress_rows(flat, soundings, areas, cells, starts)
    return cells[:number], starts[: number + 1], soundings[:kept], areas[:kept]
