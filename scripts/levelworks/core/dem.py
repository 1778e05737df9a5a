"""Heights of the terrain, from elevation models as GeoTIFF or VRT: one file, or a folder of tiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidReference

LOWEST, HIGHEST = -1000.0, 9000.0
"""Of land (m); what lies beyond is a void, whatever the file says."""
FINEST = 1 / 3600
"""Step (degrees) of heights: that of GLO-30, of which coarser models are interpolated."""
SUFFIXES = (".tif", ".tiff", ".vrt")


@dataclass(frozen=True)
class Dem:
    """Heights on a grid of longitude and latitude.

    Parameters
    ----------
    west, north : float
        Centre of the first cell (degrees).
    step : float
        Between cells (degrees).
    heights : ndarray of float32, shape (rows, columns)
        Metres above the ellipsoid, from north to south.
    notes : tuple of str
        What was missing, and what was taken in its place.
    """

    west: float
    north: float
    step: float
    heights: np.ndarray
    notes: tuple[str, ...] = ()

    def at(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return heights (m) at places (degrees), bilinear; beyond the grid those of its edge."""
        rows, columns = self.heights.shape
        east = np.asarray(longitude, np.float64) - self.west
        # Longitudes count from the middle of the grid, which may lie across the antimeridian.
        middle = 0.5 * self.step * (columns - 1)
        east = east - 360.0 * np.round((east - middle) / 360.0)
        x = np.clip(np.nan_to_num(east / self.step), 0, columns - 1)
        y = np.clip(np.nan_to_num((self.north - np.asarray(latitude, np.float64)) / self.step), 0, rows - 1)
        left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
        right, below = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        beside, down = x - left, y - top
        upper = (1 - beside) * self.heights[top, left] + beside * self.heights[top, right]
        lower = (1 - beside) * self.heights[below, left] + beside * self.heights[below, right]
        return np.asarray((1 - down) * upper + down * lower)


def level_terrain(height: float, note: str) -> Dem:
    """Return one height (m) everywhere, with the note that says why."""
    return Dem(0.0, 0.0, 1.0, np.full((1, 1), height, np.float32), (note,))


def read_dem(
    path: Path | None,
    longitude: np.ndarray,
    latitude: np.ndarray,
    *,
    mean_elevation: float,
    buffer: float = 0.01,
    geoid: float | Path = 0.0,
) -> Dem:
    """Read the heights under a scene and around it.

    Parameters
    ----------
    path : Path or None
        A file, or a folder of tiles in any projection that GDAL knows; None where there is no model.
    longitude, latitude : ndarray
        Positions (degrees) that the heights shall cover; not a number is passed over.
    mean_elevation : float
        Height (m) that takes the place of a missing model.
    buffer : float
        Degrees around the positions.
    geoid : float or Path
        Height of the geoid above the ellipsoid (m), or a raster of it: added to what the model says.

    Raises
    ------
    InvalidReference
        Where the model or the geoid can't be read.
    """
    if path is None:
        shift = geoid if isinstance(geoid, float | int) else 0.0
        note = f"no elevation model: the terrain is level at the scene's mean elevation of {mean_elevation:.0f} m"
        return level_terrain(mean_elevation + shift, note)
    west, south, east, north = _bounds(longitude, latitude, buffer)
    step = FINEST
    west, north = math.floor(west / step) * step, math.ceil(north / step) * step
    shape = math.ceil((north - south) / step) + 1, math.ceil((east - west) / step) + 1
    window = Window(west, north, step, step, shape)
    heights = read_window(elevation_files(path), window)
    notes = []
    void = ~((heights > LOWEST) & (heights < HIGHEST))
    if void.any():
        heights[void] = 0.0
        share = 100 * float(void.mean())
        notes.append(f"{path.name} has no height in {share:.2g} % of the scene's surroundings: 0 m is taken there")
    if isinstance(geoid, Path):
        undulation = read_window(elevation_files(geoid), window)
        if not np.isfinite(undulation).all():
            raise InvalidReference(f"{geoid} does not cover the scene; name a geoid that does, or give its height in m")
        heights += undulation
    else:
        heights += np.float32(geoid)
    return Dem(west, north, step, heights, tuple(notes))


def _bounds(longitude: np.ndarray, latitude: np.ndarray, buffer: float) -> tuple[float, float, float, float]:
    """Return west, south, east and north of positions; east is beyond 180 where they cross the antimeridian."""
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if not known.any():
        raise InvalidReference("no position to read heights for")
    east, north = np.asarray(longitude, np.float64)[known], latitude[known]
    # The widest gap between longitudes is the one that the scene is not in.
    ordered = np.unique(east % 360.0)
    gaps = np.diff(ordered, append=ordered[0] + 360.0)
    start = ordered[(int(np.argmax(gaps)) + 1) % ordered.size]
    start = start - 360.0 if start >= 180.0 else start
    width = 360.0 - float(gaps.max())
    aside = min(buffer / max(math.cos(math.radians(float(np.abs(north).max()))), 0.01), 180.0)
    south_end, north_end = max(float(north.min()) - buffer, -90.0), min(float(north.max()) + buffer, 90.0)
    return float(start) - aside, south_end, float(start) + width + aside, north_end


def elevation_files(path: Path) -> list[Path]:
    """Return the file of an elevation model, or the files of a folder of tiles in the order of their names.

    Raises
    ------
    InvalidReference
        Where a folder holds none.
    """
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not files:
        raise InvalidReference(f"{path} holds no elevation model: no file ends in {', '.join(SUFFIXES)}")
    return files


@dataclass(frozen=True)
class Window:
    """A grid of longitude and latitude: centre of its first cell and steps (degrees), rows and columns.

    ``east`` of it may lie beyond 180 degrees; rows go south.
    """

    west: float
    north: float
    step_east: float
    step_south: float
    shape: tuple[int, int]

    @property
    def span(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north of the centres of the outermost cells."""
        rows, columns = self.shape
        east, south = self.west + self.step_east * (columns - 1), self.north - self.step_south * (rows - 1)
        return self.west, south, east, self.north

    def part(self, turn: float, bounds: tuple[float, float, float, float]) -> tuple[slice, slice]:
        """Return the rows and columns, two more each way, of what bounds (degrees), carried on by a turn, hold."""
        west, south, east, north = bounds
        left = math.floor((west + turn - self.west) / self.step_east) - 2
        right = math.ceil((east + turn - self.west) / self.step_east) + 3
        top = math.floor((self.north - north) / self.step_south) - 2
        below = math.ceil((self.north - south) / self.step_south) + 3
        rows, columns = self.shape
        return slice(max(top, 0), min(max(below, 0), rows)), slice(max(left, 0), min(max(right, 0), columns))


def read_window(files: Sequence[Path], window: Window) -> np.ndarray:
    """Read the values of files on a grid, the first file that has one.

    Parameters
    ----------
    files : sequence of Path
        Rasters in any projection that GDAL knows.
    window : Window

    Returns
    -------
    ndarray, shape (rows, columns), float32
        Bilinear; NaN where no file has a value.

    Raises
    ------
    InvalidReference
        Where a file can't be read or has no coordinate reference system.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.transform import Affine
    from rasterio.warp import Resampling, reproject

    values = np.full(window.shape, np.nan, np.float32)
    for path in files:
        try:
            with rasterio.open(path) as file:
                for turn, bounds in turns(file, path, window.span):
                    rows, columns = window.part(turn, bounds)
                    west = window.west + window.step_east * (columns.start - 0.5) - turn
                    north = window.north - window.step_south * (rows.start - 0.5)
                    known = values[rows, columns]
                    part = np.full(known.shape, np.nan, np.float32)
                    reproject(
                        rasterio.band(file, 1),
                        part,
                        dst_transform=Affine(window.step_east, 0.0, west, 0.0, -window.step_south, north),
                        dst_crs="EPSG:4326",
                        dst_nodata=np.nan,
                        resampling=Resampling.bilinear,
                    )
                    np.copyto(known, part, where=np.isnan(known))
        except RasterioError as error:
            raise InvalidReference(f"{path} can't be read as an elevation model ({error})") from None
    return values


def turns(
    file: Any, path: Path, span: tuple[float, float, float, float]
) -> Iterator[tuple[float, tuple[float, float, float, float]]]:
    """Yield by which whole turns (degrees) a file is carried on to overlap a span, and its bounds (degrees).

    Parameters
    ----------
    file : DatasetReader
        Of rasterio.
    span : tuple of float
        West, south, east and north; east may be beyond 180 degrees.

    Raises
    ------
    InvalidReference
        Where the file has no coordinate reference system.
    """
    from rasterio.warp import transform_bounds

    if file.crs is None:
        raise InvalidReference(f"{path} has no coordinate reference system")
    west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
    if west > east:
        east += 360.0
    for turn in (0.0, 360.0, -360.0):
        apart = span[0] > east + turn or span[2] < west + turn or span[1] > north or span[3] < south
        if not apart:
            yield turn, (west, south, east, north)
