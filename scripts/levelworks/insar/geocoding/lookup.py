"""Which radar cell each cell of the geographic grid is: the lookup of a frame (specs/insar.md 4.15)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.insar.frames.frame import FrameGrid
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.geometry.elevation import Elevation
from levelworks.insar.geometry.geo2rdr import geo2rdr
from levelworks.insar.geometry.line_of_sight import line_of_sight
from levelworks.insar.mosaic.mosaic import Mosaic
from levelworks.insar.orbits.state_vectors import OrbitArc

FILE_NAME = "lookup.tif"
ROWS = 128
"""Of the geographic grid that are located at once."""


@dataclass(frozen=True)
class GeoGeometry:
    """Rows of a frame's geographic grid: all (rows, columns) float32, NaN where the frame does not see them.

    ``row`` and ``column`` of radar cells; ``east``, ``north``, ``up`` of the unit vector to the satellite;
    ``incidence`` against the ellipsoid's normal in degrees; ``height`` above the ellipsoid in m.
    """

    row: np.ndarray
    column: np.ndarray
    east: np.ndarray
    north: np.ndarray
    up: np.ndarray
    incidence: np.ndarray
    height: np.ndarray


NAMES = ("row", "column", "east", "north", "up", "incidence", "height")


def cell_centres(grid: FrameGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return latitudes of rows and longitudes of columns (degrees) of a grid's cell centres."""
    rows, columns = grid.shape
    return (
        grid.north - grid.step * (np.arange(rows) + 0.5),
        grid.west + grid.step * (np.arange(columns) + 0.5),
    )


def locate_rows(grid: FrameGrid, rows: range, elevation: Elevation, arc: OrbitArc, mosaic: Mosaic) -> GeoGeometry:
    """Locate rows of a geographic grid on the radar grid, and compute the line of sight there.

    Parameters
    ----------
    grid : FrameGrid
    rows : range
        Consecutive.
    elevation : Elevation
        Longitudes may pass 180, as those of the grid do.
    arc : OrbitArc
        Of the reference, over the whole frame.
    mosaic : Mosaic
    """
    parts = [_locate(grid, part, elevation, arc, mosaic) for part in _blocks(rows)]
    empty = np.zeros((0, grid.shape[1]), np.float32)
    return GeoGeometry(*(np.concatenate([empty, *(getattr(part, name) for part in parts)]) for name in NAMES))


def _blocks(rows: range) -> Iterator[range]:
    for start in range(rows.start, rows.stop, ROWS):
        yield range(start, min(start + ROWS, rows.stop))


def _locate(grid: FrameGrid, rows: range, elevation: Elevation, arc: OrbitArc, mosaic: Mosaic) -> GeoGeometry:
    latitudes, longitudes = cell_centres(grid)
    latitude, longitude = np.broadcast_arrays(latitudes[rows.start : rows.stop, None], longitudes[None, :])
    height = elevation.at(latitude, longitude)
    times, ranges = geo2rdr(arc, latitude, longitude, height)
    row, column = mosaic.rows_of(times), mosaic.columns_of(ranges)
    with np.errstate(invalid="ignore"):
        seen = (row >= -0.5) & (row <= mosaic.shape[0] - 0.5) & (column >= -0.5) & (column <= mosaic.shape[1] - 0.5)
    look = line_of_sight(arc, latitude, longitude, height)
    layers = (row, column, look.east, look.north, look.up, look.incidence, height)
    return GeoGeometry(*(np.where(seen, layer, np.nan).astype(np.float32) for layer in layers))


def write_lookup(folder: Path, geometry: GeoGeometry, grid: FrameGrid) -> None:
    """Write the lookup of a whole grid."""
    bands = geometry.row, geometry.column
    write_raster(folder / FILE_NAME, bands, grid, nodata=float("nan"), units="radar cells, row and column")


def read_lookup(folder: Path) -> np.ndarray:
    """Read the lookup of a frame, (2, rows, columns) float32.

    Raises
    ------
    InvalidReference
        Where it can't be read.
    """
    import rasterio
    from rasterio.errors import RasterioError

    path = folder / FILE_NAME
    try:
        with rasterio.open(path) as file:
            return np.asarray(file.read((1, 2)), np.float32)
    except RasterioError as error:
        raise InvalidReference(f"{path} can't be read ({error}): run geocode-geometry again") from None
