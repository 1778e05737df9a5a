"""The time strip of a target: the latest slices of its cube as small maps, and their medians against time."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from levelworks.core import plots
from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.core.plots import Sheet, sheet
from levelworks.core.record import read_record
from levelworks.xco2 import plot_maps as maps
from levelworks.xco2.granule import Mode
from levelworks.xco2.options import PlotTarget
from levelworks.xco2.plot_footprints import HIGH, LOW
from levelworks.xco2.plot_slices import DrawnSlice, Strip, read_cube, read_strip

WIDTH, LEFT, RIGHT, TOP = 1500, 92, 130, 96
"""Pixels: of the picture, and left of, right of and above the maps."""
LABEL, GAP, BELOW = 44, 14, 58
"""Pixels: above each map, between maps, and below the last row of them."""
TALLEST = 1100
SERIES, COUNTS = 220, 70
LOOKS: dict[int, tuple[str, str, str]] = {
    Mode.AREA_MAP: ("SAM", "o", "#0072b2"),
    Mode.TARGET: ("target", "s", "#d55e00"),
    Mode.NADIR: ("nadir", "^", "#009e73"),
    Mode.GLINT: ("glint", "v", "#7f3b08"),
}
"""Short name, marker and colour of modes."""
DIGEST = "cube_digest"
"""Note: what of a cube and of options a picture was drawn from."""
OTHER = ("other mode", "D", "#777777")


def draw_target(cube: Path, picture: Path, options: PlotTarget, standing: Path | None = None) -> Outcome:
    """Draw the latest slices of a cube as maps in order of time, and the percentiles of their cells against time.

    What stands stays where the cube has not changed since.

    Parameters
    ----------
    cube : Path
        Product of `update-cube`.
    picture : Path
        PNG to write.
    options : PlotTarget
    standing : Path, optional
        Picture that stands under the name of the new one.

    Returns
    -------
    Outcome
        With the variable, the numbers of slices and of those drawn, and the median of the last one with values.

    Raises
    ------
    NothingToProduce
        Where the cube was skipped or has no slice.
    InvalidInput
        Where the folder is no cube of a target.
    InvalidOptions
        Where the cube has no such variable.
    """
    record = read_record(cube)
    if record is not None and record["outcome"] != "done":
        raise NothingToProduce(f"{cube.name} is empty ({record['outcome']}): {record['reason']}")
    digest = read_cube(cube).digest(options)
    if standing is not None and plots.note_of(standing, DIGEST) == digest:
        return Outcome(quality={"changed": False})
    strip = read_strip(cube, options.variables, options.most)
    columns, size = _layout(len(strip.slices))
    rows = -(-len(strip.slices) // columns)
    bottom = TOP + rows * (LABEL + size) + (rows - 1) * GAP + BELOW
    with sheet(WIDTH, bottom + 40 + SERIES + 12 + COUNTS + 56) as page:
        _draw_headline(page, strip)
        norm = _draw_maps(page, strip, columns, size)
        _draw_series(page, strip, bottom + 40, norm)
        page.save(picture, {DIGEST: digest})
    medians = [one.percentiles[1] for one in strip.slices if math.isfinite(one.percentiles[1])]
    quality = {"variable": f"/{strip.variable}", "slices": len(strip.cube.slices), "slices_drawn": len(strip.slices)}
    return Outcome(quality=quality | ({"last_median": medians[-1]} if medians else {}))


def _layout(number: int) -> tuple[int, int]:
    """Return the number of columns and the edge of a map: the largest maps that are not too tall together."""
    for columns in range(min(number, 4), 11):
        size = min((WIDTH - LEFT - RIGHT - (columns - 1) * GAP) // columns, 300)
        rows = -(-number // columns)
        if rows * (size + LABEL + GAP) <= TALLEST:
            break
    return columns, size


def _draw_headline(page: Sheet, strip: Strip) -> None:
    said = strip.cube.store.attributes
    target, full = (maps.legible(str(said.get(name, "")), 60) for name in ("target_id", "target_name"))
    page.text(24, 14, f"{full or target} ({target})", fontsize=16, fontweight="bold")
    number, shown = len(strip.cube.slices), len(strip.slices)
    which = f"the latest of {number} slices" if shown == 1 else f"the latest {shown} of {number} slices"
    if number == shown:
        which = "the only slice" if number == 1 else f"all {number} slices"
    words = f"{maps.legible(str(said.get('title', '')), 120)}  ·  {which}"
    page.text(24, 46, words, fontsize=12, color="#444444")


def _draw_maps(page: Sheet, strip: Strip, columns: int, size: int) -> Normalize:
    values = np.concatenate([one.values.astype(np.float64) for one in strip.slices])
    limits = plots.robust_limits(values, *((LOW, HIGH) if strip.averaged else (0.0, 100.0)))
    norm, colours = Normalize(*limits), maps.colour_map(maps.VALUES)
    ends = [maps.edges_of(strip.grid, one.cells) for one in strip.slices]
    x, y = (np.concatenate([one[axis] for one in ends]) for axis in (0, 1))
    view = maps.view_around(strip.grid, x, y, size, size)
    image: Any = None
    unseen = 0
    for number, one in enumerate(strip.slices):
        row, column = divmod(number, columns)
        slot = (LEFT + column * (size + GAP), TOP + row * (size + LABEL + GAP) + LABEL, size, size)
        last = number + columns >= len(strip.slices)
        axes = maps.map_axes(page, slot, view, left=column == 0, below=last)
        image = maps.draw_cells(axes, slot, view, one.cells, one.values, norm, colours, average=strip.averaged)
        unseen += int(np.count_nonzero(~maps.holds(view, one.cells)))
        maps.draw_target_marks(axes, view, 8)
        if not one.values.size:
            axes.text(0.5, 0.65, "no value", ha="center", va="center", color="#555555", transform=axes.transAxes)
        if number == 0:
            maps.draw_scale(axes, view, size)
        small = size < 180
        seconds = maps.utc(one.one.time, "%Y-%m-%d %H:%M")
        page.text(slot[0], slot[1] - 40, seconds, fontsize=9.5 if small else 11, fontweight="bold")
        words = f"{_look(one)[0]} · {one.one.number_in_capture:,}" + ("" if small else " soundings")
        page.text(slot[0], slot[1] - 20, words, fontsize=9 if small else 10, color="#444444")
    if unseen:
        words = f"{unseen:,} cell{'s lie' if unseen > 1 else ' lies'} out of view"
        page.text(WIDTH - 24, 48, words, fontsize=10, color="#444444", ha="right")
    shown = min(columns, len(strip.slices))
    height = min(-(-len(strip.slices) // columns) * (size + LABEL + GAP) - LABEL - GAP, 420)
    left = LEFT + shown * (size + GAP) + 4
    label = maps.quantity_label(strip.variable, str(strip.spec.attributes.get("units", "")))
    bar = (left, TOP + LABEL, 16, height)
    plots.colour_bar(page, image, bar, label, plots.extension(values, limits), integer=not strip.averaged)
    return norm


def _look(one: DrawnSlice) -> tuple[str, str, str]:
    return LOOKS.get(one.one.operation_mode, OTHER)


def _draw_series(page: Sheet, strip: Strip, top: int, norm: Normalize) -> None:
    """Draw median and 16th to 84th percentile of each slice's cells, and below how many soundings it has."""
    width = WIDTH - LEFT - 40
    days = np.array([one.one.time / 86400 for one in strip.slices])
    margin = max(0.03 * float(np.ptp(days)), 0.5)
    series, counts = page.axes(LEFT, top, width, SERIES), page.axes(LEFT, top + SERIES + 12, width, COUNTS)
    low, middle, high = np.array([one.percentiles for one in strip.slices]).T
    known = np.isfinite(middle)
    for look in dict.fromkeys(_look(one) for one in strip.slices):
        name, marker, colour = look
        mine = np.array([_look(one) == look for one in strip.slices])
        chosen = mine & known
        bars = np.stack([middle - low, high - middle])[:, chosen]
        series.errorbar(
            days[chosen],
            middle[chosen],
            bars,
            fmt=marker,
            color=colour,
            markersize=6,
            elinewidth=1.4,
            capsize=3,
            label=name,
        )
        numbers = np.array([one.one.number_in_capture for one in strip.slices])[mine]
        counts.vlines(days[mine], 0, numbers, color=colour, linewidth=3)
    label = maps.quantity_label(strip.variable, str(strip.spec.attributes.get("units", "")))
    series.set_title("median of the cells of each slice, bars from the 16th to the 84th percentile")
    series.set_ylabel(label)
    series.yaxis.set_major_formatter(FuncFormatter(plots.plain))
    series.margins(y=0.12)
    if not known.any():
        series.set_ylim(norm.vmin, norm.vmax)
        series.text(0.5, 0.5, "no value", ha="center", va="center", color="#555555", transform=series.transAxes)
    series.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 1.16), ncols=4, fontsize=10, borderaxespad=0)
    series.tick_params(labelbottom=False)
    counts.set_ylabel("soundings", fontsize=9.5)
    counts.set_ylim(0, None)
    counts.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    for axes in (series, counts):
        axes.set_xlim(days.min() - margin, days.max() + margin)
        axes.grid(axis="x" if axes is counts else "both", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        _date_axis(axes)
    counts.set_xlabel("UTC")


def _date_axis(axes: Axes) -> None:
    locator = AutoDateLocator(tz=dt.UTC, minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=dt.UTC))
