"""Frames of maps in degrees, north up, with a kilometre as long to the north as to the east."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from levelworks.core.plots import Sheet
from levelworks.insar.drawing.geo_rasters import GeoGrid

KM_PER_DEGREE = 111.195
LABEL_WIDTH = 80
"""Pixels that a label of a meridian takes."""
GRATICULE = "#666666"
LEAST_SIDE = 560
"""Pixels along the longer side of a map, however few cells it has."""


@dataclass(frozen=True)
class MapSize:
    """Width and height of a map (pixels), and rows and columns of cells that are reduced to one value."""

    width: int
    height: int
    factors: tuple[int, int]


def map_size(grid: GeoGrid, most: int) -> MapSize:
    """Return how large a map of a grid is drawn, true to scale at its middle latitude.

    Parameters
    ----------
    most : int
        Pixels along the longer side.
    """
    east, north = km_extent(grid)
    longer = min(most, max(LEAST_SIDE, *grid.shape))
    width, height = (max(1, round(longer * one / max(east, north))) for one in (east, north))
    return MapSize(width, height, (max(1, grid.shape[0] // height), max(1, grid.shape[1] // width)))


def km_extent(grid: GeoGrid) -> tuple[float, float]:
    """Return the extent to the east, at the middle latitude, and to the north (km)."""
    middle = math.radians((grid.south + grid.north) / 2)
    return (grid.east - grid.west) * KM_PER_DEGREE * math.cos(middle), (grid.north - grid.south) * KM_PER_DEGREE


def map_axes(page: Sheet, grid: GeoGrid, left: int, top: int, size: MapSize, no_data: str) -> Axes:
    """Place the axes of a map, with meridians and parallels."""
    axes = page.axes(left, top, size.width, size.height)
    page.keep([to_rgb(no_data)])
    axes.set_facecolor(no_data)
    axes.set_xlim(grid.west, grid.east)
    axes.set_ylim(grid.south, grid.north)
    across = MaxNLocator(max(2, size.width // 130)).tick_values(grid.west, grid.east)
    up = MaxNLocator(max(2, size.height // 100)).tick_values(grid.south, grid.north)
    x = [float(one) for one in across if grid.west <= one <= grid.east]
    if len(x) > 1:
        # On a narrow map labels would run into each other.
        apart = size.width * (x[1] - x[0]) / (grid.east - grid.west)
        x = x[:: math.ceil(LABEL_WIDTH / apart)]
    y = [float(one) for one in up if grid.south <= one <= grid.north]
    axes.set_xticks(x, [degrees(one, "E", "W") for one in x])
    axes.set_yticks(y, [degrees(one, "N", "S") for one in y])
    axes.grid(color=GRATICULE, linewidth=0.5, linestyle=(0, (1, 4)))
    axes.tick_params(length=3)
    return axes


def degrees(value: float, positive: str, negative: str) -> str:
    """Write a coordinate with its hemisphere and no more digits than it needs."""
    if positive == "E":
        value = (value + 180) % 360 - 180
    value = round(value, 6) + 0.0
    return f"{abs(value):.9g}°{'' if value == 0 else positive if value > 0 else negative}"


def draw_cells(axes: Axes, values: np.ndarray, size: MapSize, **style: Any) -> Any:
    """Draw reduced cells pixel by pixel, the nearest at each, and return what a colour bar needs."""
    rows, columns = (
        ((np.arange(pixels) + 0.5) * cells / pixels).astype(np.int64)
        for pixels, cells in zip((size.height, size.width), values.shape, strict=True)
    )
    extent = (*axes.get_xlim(), *axes.get_ylim())
    shown = np.ma.masked_invalid(values[np.ix_(rows, columns)])
    return axes.imshow(shown, extent=extent, origin="upper", aspect="auto", **style)


def draw_scale(axes: Axes, grid: GeoGrid, size: MapSize) -> None:
    """Draw a bar of a round length, at most a third of the width, and an arrow to the north."""
    wide = km_extent(grid)[0]
    most = wide / 3
    power = 10.0 ** math.floor(math.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    style: dict[str, Any] = {"transform": axes.transAxes, "zorder": 8}
    share, x, y = length / wide, 10 / size.width, 10 / size.height
    white: dict[str, Any] = {"facecolor": "white", "alpha": 0.85, "linewidth": 0}
    axes.add_patch(Rectangle((x, y), share + 20 / size.width, 34 / size.height, **white, **style))
    x, y = x + 10 / size.width, y + 8 / size.height
    axes.plot([x, x + share], [y, y], color="#222222", linewidth=2.5, solid_capstyle="butt", **style)
    axes.text(x + share / 2, y + 4 / size.height, f"{length:g} km", ha="center", va="bottom", fontsize=10, **style)
    right, high = 1 - 34 / size.width, 1 - 52 / size.height
    axes.add_patch(Rectangle((right, high), 24 / size.width, 42 / size.height, **white, **style))
    at = right + 12 / size.width
    points: dict[str, Any] = {"xy": (at, high + 38 / size.height), "xytext": (at, high + 16 / size.height)}
    arrow = {"arrowstyle": "-|>", "color": "#222222", "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xycoords="axes fraction", textcoords="axes fraction", arrowprops=arrow, zorder=9, **points)
    axes.text(at, high + 3 / size.height, "N", ha="center", va="bottom", fontsize=9, fontweight="bold", **style)
