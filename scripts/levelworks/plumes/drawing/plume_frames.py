"""The frame of a plume's picture: which part of the ground it shows, on the plume's own pixels."""

from __future__ import annotations

import math

import numpy as np
from pyproj import Transformer

from levelworks.core.plots import Limits, robust_limits
from levelworks.plumes.drawing.level2_view import MapGrid
from levelworks.plumes.drawing.plot_options import PlotPlume
from levelworks.plumes.drawing.plume_files import Plume

METRES_PER_DEGREE = 111195.0


def plume_limits(plume: Plume, options: PlotPlume) -> Limits:
    """Return the colour limits: 0 to what a person asks for, or to the 99th percentile in the plume."""
    high = options.vmax.get(plume.gas)
    if high is None:
        high = max(robust_limits(plume.enhancement, 0, 99)[1], 0.0) or 1.0
    return 0.0, high


def frame_box(plume: Plume, options: PlotPlume) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top (m) of the frame: about the source, or about the plume with a margin."""
    place = None if plume.source is None else plume.grid.from_degrees.transform(*plume.source)
    if options.pad is not None and place is not None:
        high = options.pad * METRES_PER_DEGREE
        wide = high * max(float(np.cos(np.radians(plume.source[1]))), 0.01)  # type: ignore[index]
        return place[0] - wide, place[0] + wide, place[1] - high, place[1] + high
    rows, columns = np.nonzero(np.isfinite(plume.enhancement))
    transform = plume.grid.transform
    x = [transform.c + one * transform.a for one in (columns.min(), columns.max() + 1)] if columns.size else []
    y = [transform.f + one * transform.e for one in (rows.max() + 1, rows.min())] if rows.size else []
    if place is not None:
        x, y = [*x, place[0]], [*y, place[1]]
    if not x:
        return plume.grid.extent
    size = max(max(x) - min(x), max(y) - min(y))
    half = size / 2 + max(0.2 * size, 8 * transform.a)
    middle = (max(x) + min(x)) / 2, (max(y) + min(y)) / 2
    return middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half


def frame_grid(plume: Plume, options: PlotPlume) -> MapGrid:
    """Return the grid of a plume's frame: the plume's own, continued to all sides, so that nothing is resampled."""
    left, right, bottom, top = frame_box(plume, options)
    own = plume.grid.transform
    columns, rows = (
        (math.floor(round(low, 6)), math.ceil(round(high, 6)))
        for low, high in (
            ((left - own.c) / own.a, (right - own.c) / own.a),
            ((own.f - top) / -own.e, (own.f - bottom) / -own.e),
        )
    )
    return plume.grid.part(slice(*rows), slice(*columns))


def pixels_below(frame: MapGrid, other: MapGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows and columns of the pixels of another grid below those of a frame, and whether there are any."""
    rows, columns = (np.arange(size) + 0.5 for size in frame.shape)
    x, y = np.meshgrid(frame.transform.c + columns * frame.transform.a, frame.transform.f + rows * frame.transform.e)
    if frame.crs != other.crs:
        x, y = Transformer.from_crs(frame.crs, other.crs, always_xy=True).transform(x, y)
    column = np.floor((x - other.transform.c) / other.transform.a)
    row = np.floor((y - other.transform.f) / other.transform.e)
    known = (row >= 0) & (row < other.shape[0]) & (column >= 0) & (column < other.shape[1])
    return np.where(known, row, 0).astype(int), np.where(known, column, 0).astype(int), known


def on_frame(own: MapGrid, values: np.ndarray, frame: MapGrid) -> np.ndarray:
    """Return values of a grid at the pixels of a frame; not a number beyond."""
    rows, columns, known = pixels_below(frame, own)
    return np.where(known, values[rows, columns], np.nan)


def outline_segments(mask: np.ndarray, grid: MapGrid) -> np.ndarray:
    """Return the edges between pixels in a mask and outside of it, shape (n, 2, 2): x and y of both ends (m)."""
    padded = np.pad(mask, 1).astype(np.int8)
    rows, columns = np.nonzero(np.diff(padded, axis=0)[:, 1:-1])
    across = np.stack([np.stack([columns, rows], -1), np.stack([columns + 1, rows], -1)], axis=1)
    rows, columns = np.nonzero(np.diff(padded, axis=1)[1:-1])
    down = np.stack([np.stack([columns, rows], -1), np.stack([columns, rows + 1], -1)], axis=1)
    corners = np.concatenate([across, down]).astype(np.float64)
    corners[..., 0] = grid.transform.c + corners[..., 0] * grid.transform.a
    corners[..., 1] = grid.transform.f + corners[..., 1] * grid.transform.e
    return corners
