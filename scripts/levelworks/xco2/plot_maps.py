"""What the pictures of captures and targets share: the part of a grid that a panel shows, cells as pixels, and labels.

A panel is a rectangle of whole pixels whose axes are a grid's own coordinates, stretched so that a kilometre is as
long to the north as to the east. Cells that are smaller than a pixel are averaged, larger ones keep their edges.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.font_manager import findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from levelworks.core import plots
from levelworks.core.plots import Limits, Sheet
from levelworks.core.sphere import wrap_longitude
from levelworks.xco2.grids import EqualAreaGrid, Grid
from levelworks.xco2.layers import PPM

NO_DATA = "#dddddd"
"""A shade of grey that the palette of pictures keeps as it is."""
MARK = "#d7263d"
"""Colour of what is marked on maps: reddish, which neither of their colour maps contains."""
KM_PER_DEGREE = 111.195
LEAST_KM = 12.0
"""Least extent of a view, so that a single sounding has surroundings."""
MARGIN = 0.07
"""Of the extent, on every side."""
STRAYS = 0.5
"""Percent of the points on every side that may be strays, where they lie far from the others."""
VALUES, ERRORS, ANGLES = plots.SECONDARY, plots.SEQUENTIAL, "hsv"
MODES = {"sam": "snapshot area map", "target": "target mode", "nadir": "nadir", "glint": "glint"}
QUANTITIES = {"xco2": "XCO₂", "xco2_x2019": "XCO₂ (X2019)"}

Slot = tuple[int, int, int, int]
"""Left, top, width and height of a panel, in pixels of the sheet."""


@dataclass(frozen=True)
class View:
    """The part of a grid that panels show: limits of its own coordinates (degrees, or km of an equal-area grid)."""

    grid: Grid
    x: Limits
    y: Limits

    @property
    def km_wide(self) -> float:
        """Return the width at the middle latitude."""
        return (self.x[1] - self.x[0]) * _km_per_unit(self.grid, sum(self.y) / 2)[0]


def view_around(grid: Grid, x: np.ndarray, y: np.ndarray, width: int = 1, height: int = 1) -> View:
    """Return the view of a panel that holds points given in own coordinates, with a margin and true to scale.

    The whole grid is shown where there is no finite point. ``width`` and ``height`` are those of the panel.
    """
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        x, y, finite = grid.x_edges[[0, -1]], grid.y_edges[[0, -1]], np.ones(2, np.bool_)
    ends = [(float(one[finite].min()), float(one[finite].max())) for one in (x, y)]
    middle = [(low + high) / 2 for low, high in ends]
    scale = _km_per_unit(grid, middle[1])
    sizes = [max((1 + 2 * MARGIN) * (high - low) * km, LEAST_KM) for (low, high), km in zip(ends, scale, strict=True)]
    per_pixel = max(sizes[0] / width, sizes[1] / height)
    halves = [per_pixel * pixels / km / 2 for pixels, km in zip((width, height), scale, strict=True)]
    limits = [(centre - half, centre + half) for centre, half in zip(middle, halves, strict=True)]
    return View(grid, *limits)


def without_strays(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which points lie with the others, bool: finite, and not a few far off that would set the scale."""
    near = np.isfinite(x) & np.isfinite(y)
    if near.any():
        ends = [np.percentile(one[near], (STRAYS, 100 - STRAYS)) for one in (x, y)]
        for one, (low, high) in zip((x, y), ends, strict=True):
            reach = 0.3 * (high - low)
            near &= (one >= low - reach) & (one <= high + reach)
    return near


def _km_per_unit(grid: Grid, y: float) -> tuple[float, float]:
    if isinstance(grid, EqualAreaGrid):
        return 1.0, 1.0
    return KM_PER_DEGREE * max(math.cos(math.radians(y)), 0.01), KM_PER_DEGREE


def edges_of(grid: Grid, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return own coordinates of two corners of the rectangle that holds some cells but strays; nothing without any."""
    if not cells.size:
        return np.zeros(0), np.zeros(0)
    rows, columns = np.divmod(cells, grid.shape[1])
    near = without_strays(columns, rows)
    if near.any():
        rows, columns = rows[near], columns[near]
    ends = (columns.min(), columns.max() + 1), (rows.min(), rows.max() + 1)
    return grid.x_edges[list(ends[0])], grid.y_edges[list(ends[1])]


def holds(view: View, cells: np.ndarray) -> np.ndarray:
    """Return whether the middles of cells are in view, bool."""
    rows, columns = np.divmod(cells, view.grid.shape[1])
    x, y = view.grid.x[columns], view.grid.y[rows]
    return np.asarray((x >= view.x[0]) & (x <= view.x[1]) & (y >= view.y[0]) & (y <= view.y[1]))


def target_centre(grid: Grid) -> tuple[float, float]:
    """Return the middle of the target's box in own coordinates."""
    return (0.0, 0.0) if isinstance(grid, EqualAreaGrid) else grid.centre


def in_blocks(
    rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int], *, average: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Put values together by rows and columns of blocks: their mean, or the first where numbers stand for classes.

    Returns
    -------
    tuple of ndarray, shape ``shape``
        Values, and whether there are any.
    """
    place = rows * shape[1] + columns
    size = shape[0] * shape[1]
    number = np.bincount(place, minlength=size)
    if average:
        merged = np.bincount(place, values, minlength=size) / np.maximum(number, 1)
    else:
        merged = np.zeros(size)
        merged[place[::-1]] = values[::-1]
    return merged.reshape(shape), (number > 0).reshape(shape)


def rasterise(
    view: View, width: int, height: int, cells: np.ndarray, values: np.ndarray, *, average: bool = True
) -> np.ma.MaskedArray:
    """Return what each pixel of a panel shows of some cells, from the south up; masked where there is nothing.

    Parameters
    ----------
    view : View
    width, height : int
        Of the panel, in pixels.
    cells : ndarray of int64, shape (n,)
        Positions in the flattened grid.
    values : ndarray, shape (n,)
        Without missing ones.
    average : bool
        Whether values of cells that are smaller than a pixel may be averaged.
    """
    rows, columns = np.divmod(cells, view.grid.shape[1])
    axes = [
        _pixels(view.grid.y_edges, view.y, height, rows),
        _pixels(view.grid.x_edges, view.x, width, columns),
    ]
    chosen = axes[0].seen & axes[1].seen
    up, across = (
        (index[chosen] - axis.first) // axis.factor for index, axis in zip((rows, columns), axes, strict=True)
    )
    shape = axes[0].blocks, axes[1].blocks
    merged, present = in_blocks(up, across, values[chosen].astype(np.float64), shape, average=average)
    where = np.ix_(axes[0].block, axes[1].block)
    inside = axes[0].inside[:, np.newaxis] & axes[1].inside
    return np.ma.array(merged[where], mask=~(present[where] & inside))


@dataclass(frozen=True)
class _Pixels:
    """One axis: cells from ``first`` on in blocks of ``factor``; which block each pixel shows, which cells are seen."""

    first: int
    factor: int
    blocks: int
    block: np.ndarray
    inside: np.ndarray
    seen: np.ndarray


def _pixels(edges: np.ndarray, limits: Limits, pixels: int, index: np.ndarray) -> _Pixels:
    size = edges.size - 1
    first = min(max(int(np.searchsorted(edges, limits[0], "right")) - 1, 0), size - 1)
    stop = max(min(int(np.searchsorted(edges, limits[1], "left")), size), first + 1)
    factor = -(-(stop - first) // pixels)
    middles = limits[0] + (np.arange(pixels) + 0.5) * (limits[1] - limits[0]) / pixels
    shown = np.searchsorted(edges, middles, "right") - 1
    inside = (shown >= first) & (shown < stop)
    block = (np.clip(shown, first, stop - 1) - first) // factor
    return _Pixels(first, factor, -(-(stop - first) // factor), block, inside, (index >= first) & (index < stop))


def colour_map(name: str) -> Any:
    """Return a colour map in which what has no value is of the colour of no data."""
    return plots.colours(name).with_extremes(bad=NO_DATA)


def map_axes(page: Sheet, slot: Slot, view: View, *, left: bool = True, below: bool = True) -> Axes:
    """Place the axes of a map; longitudes are labelled in -180..180, equal-area grids in km from the target."""
    axes = page.axes(*slot)
    page.keep([to_rgb(NO_DATA)])
    axes.set_facecolor(NO_DATA)
    axes.set_xlim(view.x)
    axes.set_ylim(view.y)
    projected = isinstance(view.grid, EqualAreaGrid)
    steps = max(2, slot[2] // 75)
    x, y = (
        [tick for tick in MaxNLocator(steps).tick_values(*one) if one[0] <= tick <= one[1]] for one in (view.x, view.y)
    )
    if not projected:
        y = [tick for tick in y if abs(tick) <= 90]
    axes.set_xticks(x, [degrees(tick if projected else wrap_longitude(tick, east=True)) for tick in x])
    axes.set_yticks(y, [degrees(tick) for tick in y])
    axes.tick_params(length=3, labelleft=left, labelbottom=below)
    if below:
        axes.set_xlabel("km east of the target" if projected else "longitude (°E)", labelpad=2)
    if left:
        axes.set_ylabel("km north of the target" if projected else "latitude (°N)", labelpad=2)
    return axes


def degrees(value: float) -> str:
    """Write a coordinate without more digits than it needs, with a true minus sign."""
    return f"{round(value, 6) + 0.0:.9g}".replace("-", "−")


def draw_cells(
    axes: Axes,
    slot: Slot,
    view: View,
    cells: np.ndarray,
    values: np.ndarray,
    norm: Normalize,
    colours: Any,
    *,
    average: bool,
) -> Any:
    """Draw cells on a map pixel by pixel and return what a colour bar needs."""
    drawn = rasterise(view, slot[2], slot[3], cells, values, average=average)
    return axes.imshow(drawn, norm=norm, cmap=colours, extent=(*view.x, *view.y), aspect="auto")


def draw_target_marks(axes: Axes, view: View, size: float = 11) -> None:
    """Mark the middle of the target's box, and the box where its edges are in view."""
    halo = [withStroke(linewidth=3, foreground="white")]
    axes.plot(*target_centre(view.grid), "+", color=MARK, markersize=size, markeredgewidth=1.6, path_effects=halo)
    x, y = view.grid.x_edges, view.grid.y_edges
    box = Rectangle((x[0], y[0]), x[-1] - x[0], y[-1] - y[0], fill=False, edgecolor=MARK, linewidth=1, linestyle="--")
    axes.add_patch(box)


def draw_scale(axes: Axes, view: View, width: int) -> None:
    """Draw a bar of a round number of kilometres in the lower left corner of a panel that is so many pixels wide."""
    most = view.km_wide * max(0.3, 70 / width)
    power = 10.0 ** math.floor(math.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    share = length / view.km_wide
    style: dict[str, Any] = {"transform": axes.transAxes, "zorder": 6}
    axes.add_patch(
        Rectangle(
            (0.02, 0.02), share + 0.04, max(0.085, 24 / width), facecolor="white", alpha=0.85, linewidth=0, **style
        )
    )
    axes.plot([0.04, 0.04 + share], [0.04, 0.04], color="#222222", linewidth=2.5, solid_capstyle="butt", **style)
    axes.text(0.04 + share / 2, 0.052, f"{length:g} km", ha="center", va="bottom", fontsize=8.5, **style)


def draw_locator(page: Sheet, slot: Slot, view: View) -> None:
    """Draw where in the target's box a view lies: the box dashed, its middle, and the view as a filled rectangle."""
    grid = view.grid
    x, y = (np.array([*edges[[0, -1]], *limits]) for edges, limits in ((grid.x_edges, view.x), (grid.y_edges, view.y)))
    whole = view_around(grid, x, y, slot[2], slot[3])
    axes = page.axes(*slot)
    axes.set_axis_off()
    axes.set_xlim(whole.x)
    axes.set_ylim(whole.y)
    shown = Rectangle((view.x[0], view.y[0]), view.x[1] - view.x[0], view.y[1] - view.y[0])
    shown.set(facecolor="#bcc7d1", edgecolor="#444444", linewidth=0.8)
    axes.add_patch(shown)
    draw_target_marks(axes, whole, 7)


def unit_of(units: str) -> str:
    """Return how a unit is written in labels; empty where there is none."""
    if units in (*PPM, "1e-6"):
        return "ppm"
    plain = "" if units.lower() in ("1", "none", "unitless") else units
    return legible(plain.replace("^2", "²").replace("um", "µm"), 30)


def quantity_label(path: str, units: str) -> str:
    """Return the name of a variable with its unit."""
    name = path.rpartition("/")[2]
    unit = unit_of(units)
    return legible(QUANTITIES.get(name, name), 40) + (f" ({unit})" if unit else "")


def utc(seconds: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Write a time in seconds since 1970-01-01 UTC."""
    if not math.isfinite(seconds):
        return "unknown time"
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime(form)


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def legible(text: str, most: int = 80) -> str:
    """Return a text on one line, with ? for what the pictures' font lacks, cut to so many characters."""
    known = _glyphs()
    shown = "".join(one if one.isprintable() and ord(one) in known else " " if one.isspace() else "?" for one in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def find_variable(asked: str, known: Mapping[str, Any]) -> str | None:
    """Return the full path of the variable that is asked for, with or without its first slash."""
    return next((name for name in known if name.strip("/") == asked.strip("/")), None)
