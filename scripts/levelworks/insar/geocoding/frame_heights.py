"""Ellipsoidal heights around a frame, from elevation models in any projection and a geoid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from levelworks.core.dem import FINEST, HIGHEST, LOWEST, Window, elevation_files, read_window, turns
from levelworks.core.outcome import InvalidReference
from levelworks.insar.frames.frame import FrameGrid

METRES_PER_DEGREE = 111_320.0
LEAST_COSINE = 0.01

Void = Literal["sea-level", "interpolate", "refuse"]


@dataclass(frozen=True)
class FrameHeights:
    """Heights (m, float32) above the ellipsoid on a window; what is not known of them, as a share of the frame."""

    heights: np.ndarray
    window: Window
    void_share: float


def frame_window(model: Path, grid: FrameGrid, margin: float, step: float | None) -> Window:
    """Return the grid that heights of a frame are put on.

    Parameters
    ----------
    model : Path
        File or folder of tiles.
    grid : FrameGrid
    margin : float
        Degrees of latitude around the frame's grid; as many metres to the east and west.
    step : float or None
        Degrees. None takes the model's own cells where it is in degrees, so that its heights stay as they are, and
        a step like its own elsewhere; finer models are brought to that of GLO-30.

    Raises
    ------
    InvalidReference
        Where no file of the model reaches the frame.
    """
    aside = margin / max(math.cos(math.radians(max(abs(grid.north), abs(grid.south)))), LEAST_COSINE)
    west, east = grid.west - aside, grid.east + aside
    south, north = max(grid.south - margin, -90.0), min(grid.north + margin, 90.0)
    east_step, south_step, left, top = _cells(model, (west, south, east, north), step)
    west, north = _snap(west, left, east_step, math.floor), _snap(north, top, south_step, math.ceil)
    shape = math.ceil((north - south) / south_step) + 1, math.ceil((east - west) / east_step) + 1
    return Window(west, north, east_step, south_step, shape)


def _snap(side: float, centre: float, step: float, whole: Any) -> float:
    """Return the centre of a cell beyond a side, of cells one of which is centred where it is said."""
    return float(centre + whole(round((side - centre) / step, 6)) * step)


def _cells(
    model: Path, span: tuple[float, float, float, float], step: float | None
) -> tuple[float, float, float, float]:
    """Return steps to east and south, and the centre of a cell, of the first file that reaches a span (degrees)."""
    import rasterio
    from rasterio.errors import RasterioError

    for path in elevation_files(model):
        try:
            with rasterio.open(path) as file:
                turn = next((turn for turn, _ in turns(file, path, span)), None)
                if turn is None:
                    continue
                if step is not None:
                    return step, step, 0.0, 0.0
                own = file.transform
                if file.crs.is_geographic and own.b == own.d == 0 and min(own.a, -own.e) > FINEST * (1 - 1e-6):
                    return own.a, -own.e, own.c + own.a / 2 + turn, own.f + own.e / 2
                size = max(*file.res) / (1.0 if file.crs.is_geographic else METRES_PER_DEGREE)
                coarser = max(size, FINEST)
                return coarser, coarser, 0.0, 0.0
        except RasterioError as error:
            raise InvalidReference(f"{path} can't be read as an elevation model ({error})") from None
    raise InvalidReference(f"{model} does not reach the frame: stage an elevation model that covers it")


def read_heights(model: Path, geoid: Path | float, grid: FrameGrid, window: Window, void: Void) -> FrameHeights:
    """Read an elevation model and bring it to the ellipsoid.

    Parameters
    ----------
    model : Path
        File or folder of tiles; of several that overlap, the first by name that has a height.
    geoid : Path or float
        Height of the geoid above the ellipsoid (m), as a raster or one number: added.
    grid : FrameGrid
    window : Window
    void : {"sea-level", "interpolate", "refuse"}
        What takes the place of heights that the model does not have: 0 m, the heights around by distance, or nothing.

    Raises
    ------
    InvalidReference
        Where a file can't be read, the geoid does not cover the window, or the frame has voids that are refused.
    """
    heights = read_window(elevation_files(model), window)
    known = (heights > LOWEST) & (heights < HIGHEST)
    share = 1.0 - float(known[_inside(grid, window)].mean())
    if share > 0 and void == "refuse":
        raise InvalidReference(
            f"{model} has no height in {share:.2%} of the frame: stage one that covers it, or set void to sea-level or "
            "to interpolate"
        )
    if not known.all():
        heights = _filled(heights, known) if void == "interpolate" and known.any() else np.where(known, heights, 0)
    heights += read_geoid(geoid, window)
    return FrameHeights(heights.astype(np.float32), window, share)


def read_geoid(geoid: Path | float, window: Window) -> np.ndarray:
    """Return the geoid's heights (m) on a window, or the one number that holds everywhere.

    Raises
    ------
    InvalidReference
        Where the raster does not cover the window.
    """
    if not isinstance(geoid, Path):
        return np.asarray(geoid, np.float32)
    undulation = read_window(elevation_files(geoid), window)
    if not np.isfinite(undulation).all():
        raise InvalidReference(f"{geoid} does not cover the frame; name a geoid that does, or give its height in m")
    return undulation


def _inside(grid: FrameGrid, window: Window) -> tuple[slice, slice]:
    """Return the rows and columns of a window whose centres a frame's grid holds."""
    return (
        _between(window.north - grid.north, window.north - grid.south, window.step_south),
        _between(grid.west - window.west, grid.east - window.west, window.step_east),
    )


def _between(start: float, stop: float, step: float) -> slice:
    return slice(math.ceil(round(start / step, 6)), math.floor(round(stop / step, 6)) + 1)


def _filled(heights: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return heights with voids filled from their edges, weighted by distance."""
    from rasterio.fill import fillnodata

    start = np.where(known, heights, 0).astype(np.float32)
    filled = fillnodata(start, mask=known.astype(np.uint8), max_search_distance=float(max(heights.shape)))
    return np.asarray(filled, np.float32)
