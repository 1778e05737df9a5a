"""Frames of maps on a projected grid, north up: pixels drawn one by one, meridians and parallels, a scale bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from levelworks.core import plots
from levelworks.core.plots import Sheet
from levelworks.plumes.drawing.level2_view import MapGrid

NO_DATA = "#dddddd"
"""A shade of grey that the palette of pictures keeps as it is."""
GRATICULE = "#777777"


@dataclass(frozen=True)
class Frame:
    """A map of whole pixels on a sheet: its axes are in metres of the grid's projection."""

    axes: Axes
    grid: MapGrid
    factor: int
    left: int
    top: int
    width: int
    height: int


def frame_size(shape: tuple[int, int], width: int, height: int) -> tuple[int, int, int]:
    """Return by how much a grid is reduced to fit, and the width and height of its frame in pixels."""
    factor, enlarged = plots.reduction(shape, width, height)
    return factor, -(-shape[1] // factor) * enlarged, -(-shape[0] // factor) * enlarged


def map_frame(page: Sheet, grid: MapGrid, left: int, top: int, most: tuple[int, int], *, bare: bool = False) -> Frame:
    """Place a frame on a sheet.

    Parameters
    ----------
    left, top : int
        Its upper left corner (pixels).
    most : tuple of int
        Greatest width and height (pixels).
    bare : bool
        Without meridians, parallels and their labels.
    """
    factor, width, height = frame_size(grid.shape, *most)
    axes = page.axes(left, top, width, height)
    page.keep([to_rgb(NO_DATA)])
    axes.set_facecolor(NO_DATA)
    step_x, step_y = grid.transform.a * factor, -grid.transform.e * factor
    rows, columns = (-(-size // factor) for size in grid.shape)
    first, _, _, north = grid.extent
    axes.set_xlim(first, first + columns * step_x)
    axes.set_ylim(north - rows * step_y, north)
    axes.tick_params(length=3)
    frame = Frame(axes, grid, factor, left, top, width, height)
    if bare:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    else:
        _draw_graticule(frame)
    return frame


def draw_pixels(frame: Frame, image: Any, **style: Any) -> Any:
    """Draw an image that has been reduced by the frame's factor, north up, and return what a colour bar needs."""
    (west, east), (south, north) = frame.axes.get_xlim(), frame.axes.get_ylim()
    return frame.axes.imshow(image, extent=(west, east, south, north), origin="upper", aspect="auto", **style)


def reduced(values: np.ndarray, factor: int) -> np.ma.MaskedArray:
    """Average blocks of values; masked where half or less of one is finite."""
    return plots.block_mean(values, np.isfinite(values), factor)


def every(values: np.ndarray, factor: int) -> np.ndarray:
    """Take the middle pixel of each block, for what can't be averaged."""
    rows, columns = (
        np.minimum(np.arange(-(-size // factor)) * factor + factor // 2, size - 1) for size in values.shape[:2]
    )
    return np.asarray(values[np.ix_(rows, columns)])


def _draw_graticule(frame: Frame) -> None:
    (west, east), (south, north) = frame.axes.get_xlim(), frame.axes.get_ylim()
    middle = frame.grid.centre[0]
    bottom = _degrees_along(frame.grid, np.linspace(west, east, 65), np.full(65, south), middle)
    side = _degrees_along(frame.grid, np.full(65, west), np.linspace(south, north, 65), middle)
    corners = _degrees_along(
        frame.grid, np.array([west, east, west, east]), np.array([south, south, north, north]), middle
    )
    spans = [(float(np.min(one)), float(np.max(one))) for one in corners]
    steps = max(2, frame.width // 120), max(2, frame.height // 90)
    meridians, parallels = (
        np.asarray(MaxNLocator(step).tick_values(*span)) for step, span in zip(steps, spans, strict=True)
    )
    parallels = parallels[np.abs(parallels) < 90]
    if not (np.isfinite(bottom[0]).all() and np.isfinite(side[1]).all()):
        return
    for longitude in meridians:
        _draw_line(frame, np.full(33, longitude), np.linspace(*spans[1], 33))
    for latitude in parallels:
        _draw_line(frame, np.linspace(*spans[0], 33), np.full(33, latitude))
    x_ticks = _crossings(bottom[0], np.linspace(west, east, 65), meridians)
    y_ticks = _crossings(side[1], np.linspace(south, north, 65), parallels)
    frame.axes.set_xticks([place for place, _ in x_ticks], [degrees((one + 180) % 360 - 180) for _, one in x_ticks])
    frame.axes.set_yticks([place for place, _ in y_ticks], [degrees(one) for _, one in y_ticks])
    frame.axes.set_xlabel("longitude (°E)", labelpad=2)
    frame.axes.set_ylabel("latitude (°N)", labelpad=2)


def _degrees_along(grid: MapGrid, x: np.ndarray, y: np.ndarray, middle: float) -> tuple[np.ndarray, np.ndarray]:
    longitude, latitude = grid.to_degrees.transform(x, y)
    return middle + (np.asarray(longitude) - middle + 180) % 360 - 180, np.asarray(latitude)


def _draw_line(frame: Frame, longitude: np.ndarray, latitude: np.ndarray) -> None:
    limits = frame.axes.get_xlim(), frame.axes.get_ylim()
    x, y = frame.grid.from_degrees.transform((longitude + 180) % 360 - 180, latitude)
    frame.axes.plot(x, y, color=GRATICULE, linewidth=0.5, linestyle=(0, (1, 4)), zorder=3)
    frame.axes.set_xlim(limits[0])
    frame.axes.set_ylim(limits[1])


def _crossings(values: np.ndarray, places: np.ndarray, ticks: np.ndarray) -> list[tuple[float, float]]:
    order = np.argsort(values)
    low, high = values[order[0]], values[order[-1]]
    return [
        (float(np.interp(tick, values[order], places[order])), float(tick)) for tick in ticks if low <= tick <= high
    ]


def degrees(value: float) -> str:
    """Write a coordinate without more digits than it needs, with a true minus sign."""
    return f"{round(value, 6) + 0.0:.9g}".replace("-", "−")


def scale_length(metres_wide: float, width: int) -> float:
    """Return the length of a scale bar: 1, 2 or 5 times a power of ten, a third of a frame or less (m)."""
    most = metres_wide * max(0.3, 70 / width)
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most)


def draw_scale(frame: Frame) -> None:
    """Draw a bar of a round length in the lower left corner, and where north is."""
    axes, width = frame.axes, frame.width
    west, east = axes.get_xlim()
    length = scale_length(east - west, width)
    share = length / (east - west)
    style: dict[str, Any] = {"transform": axes.transAxes, "zorder": 8}
    high = 30 / frame.height
    x, y = 8 / width, 8 / frame.height
    box = Rectangle((x, y), share + 16 / width, high, facecolor="white", alpha=0.85, linewidth=0, **style)
    axes.add_patch(box)
    x, y = x + 8 / width, y + 7 / frame.height
    axes.plot([x, x + share], [y, y], color="#222222", linewidth=2.5, solid_capstyle="butt", **style)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.text(x + share / 2, y + 4 / frame.height, text, ha="center", va="bottom", fontsize=8.5, **style)


def draw_no_data(page: Sheet, left: float, top: float) -> None:
    """Say in a legend which colour means no data."""
    page.text(left, top, "■", fontsize=14, color=NO_DATA, va="center")
    page.text(left + 18, top, "no data", fontsize=10, color="#444444", va="center")


def projection_name(grid: MapGrid) -> str:
    """Return the projection in a few words."""
    return str(grid.crs.name).replace("WGS 84 / ", "").strip() or "projected"
