"""Plots of a report: drawings as SVG that take the page's colour, the same bytes for the same values."""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from statistics import median
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DayLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from levelworks.campaign.quality_figures import Point, Series

INK = "#010203"
"""Stands for the colour of the page's text."""
COLOURS = ("#3b78b5", "#d9822b", "#4b9a5b", "#b5529f", "#8a7a3b")
DEGRADED = "#d23f3f"
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "text.parse_math": False,
    "axes.unicode_minus": True,
}
WIDTH, HEIGHT = 5.4, 2.3
"""Inches of 72 pixels."""
MANY = 2000
"""Points beyond which a plot over time shows how they are spread in each of `SPANS` spans, not every one."""
SPANS = 80
FEWEST = 3
"""Points below which a drawing says no more than the values."""
ENOUGH = 8
"""Points from which a distribution says something."""
FAR = 5.0
"""Robust standard deviations from the median beyond which a value is named."""


def plot(series: Series) -> str:
    """Return a figure's values over time, where that is known, and their distribution, as SVG."""
    salt = hashlib.sha256(repr(series).encode()).hexdigest()[:12]
    with drawing(salt, WIDTH, HEIGHT) as figure:
        timed = len({point.time for point in series.points if point.time is not None}) > 1
        enough = len(series.points) >= ENOUGH
        if timed:
            axes = figure.add_axes((0.17, 0.2, 0.65 if enough else 0.81, 0.69))
            _over_time(axes, series)
            if enough:
                _distribution(figure.add_axes((0.86, 0.2, 0.12, 0.69), sharey=axes), series, sideways=True)
        elif enough:
            _distribution(figure.add_axes((0.1, 0.26, 0.86, 0.68)), series, sideways=False)
        else:
            _few(figure.add_axes((0.32, 0.26, 0.65, 0.68)), series)
        return to_svg(figure, series.label, salt)


@contextmanager
def drawing(salt: str, width: float, height: float) -> Iterator[Figure]:
    """Give an empty drawing of so many inches, in the style of reports whatever the user's matplotlibrc says."""
    defaults: Any = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith(("backend", "_"))}
    with mpl.rc_context(defaults | STYLE | {"svg.hashsalt": salt}):
        yield Figure(figsize=(width, height))


def legend_above(axes: Axes, **style: Any) -> None:
    """Put a legend above the axes, where no value can be."""
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1, **style)


def far_ones(series: Series, most: int = 3) -> list[Point]:
    """Return the values that lie far from the others, the farthest first; by their ratios where they span decades."""
    if len(series.points) < ENOUGH:
        return []
    values = [math.log(point.value) if series.log else point.value for point in series.points]
    centre = median(values)
    distances = [abs(value - centre) for value in values]
    spread = 1.4826 * median(distances)
    far = [one for one in zip(distances, series.points, strict=True) if spread > 0 and one[0] > FAR * spread]
    return [point for _, point in sorted(far, key=lambda one: (-one[0], one[1].granule))[:most]]


def to_svg(figure: Figure, label: str, salt: str) -> str:
    """Return a drawing as an element of HTML: without colours of its own for text and axes, without a date."""
    FigureCanvasSVG(figure)
    text = StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="AutoDateLocator was unable", category=UserWarning)
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()[text.getvalue().index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg [^>]*?)width="[^"]*" height="[^"]*"|(<svg )', r"\1\2", svg, count=1)
    svg = re.sub(
        r' id="(?:figure|axes|patch|text|line2d|xtick|ytick|matplotlib|PathCollection|QuadMesh|Fill)[^"]*"', "", svg
    )
    # Identifiers that are referred to: two drawings on a page must not share them.
    svg = re.sub(r'(id="|#)([a-z][0-9a-f]{8,})', rf"\g<1>{salt[:6]}\2", svg)
    name = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
    return svg.replace(INK, "currentColor").strip()


def _over_time(axes: Axes, series: Series) -> None:
    timed = [(point.time, point) for point in series.points if point.time is not None]
    if len(timed) > MANY:
        _by_span(axes, timed)
    else:
        groups = sorted({point.group for _, point in timed})
        several = 1 < len(groups) <= len(COLOURS)
        for colour, group in zip(COLOURS, groups if several else [""], strict=False):
            good = [one for one in timed if not one[1].degraded and (not several or one[1].group == group)]
            _dots(axes, good, "o", color=colour, alpha=0.8, label=group)
        bad = [one for one in timed if one[1].degraded]
        if bad:
            _dots(axes, bad, "x", color=DEGRADED, label="degraded")
        if several or bad:
            legend_above(axes, ncols=6, fontsize=7.5, handletextpad=0.2, columnspacing=1.0)
    axes.axhline(median(point.value for point in series.points), color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
    times = [time for time, _ in timed]
    midnight = all(time.time() == datetime.min.time() for time in times)
    date_ticks(axes.xaxis, days=midnight and max(times) - min(times) < timedelta(days=6))
    axes.set_ylabel(series.unit)
    _scale(axes, series, "y")


def _dots(axes: Axes, timed: Sequence[tuple[datetime, Point]], marker: str, **style: Any) -> None:
    size = 5.0 if len(timed) < 50 else 3.5
    times: Any = [time for time, _ in timed]
    edge = 1.0 if marker == "x" else 0.0
    axes.plot(times, [point.value for _, point in timed], marker, markersize=size, markeredgewidth=edge, **style)


def _by_span(axes: Axes, timed: Sequence[tuple[datetime, Point]]) -> None:
    """Draw the median of each span of time, and from where to where nine tenths of its values lie."""
    seconds = np.array([time.timestamp() for time, _ in timed])
    values = np.array([point.value for _, point in timed])
    edges = np.linspace(seconds.min(), seconds.max(), SPANS + 1)
    place = np.clip(np.searchsorted(edges, seconds, side="right") - 1, 0, SPANS - 1)
    filled = np.unique(place)
    times: Any = [datetime.fromtimestamp(float(edges[one : one + 2].mean()), UTC) for one in filled]
    low, middle, high = np.array([np.percentile(values[place == one], (5.0, 50.0, 95.0)) for one in filled]).T
    axes.vlines(times, low, high, color=COLOURS[0], linewidth=2.0, alpha=0.35)
    axes.plot(times, middle, "o", markersize=3, color=COLOURS[0], markeredgewidth=0)


def _distribution(axes: Axes, series: Series, *, sideways: bool) -> None:
    values: Any = np.array([point.value for point in series.points])
    bins = min(30, max(6, int(np.sqrt(values.size) * 1.5)))
    if series.log and values.max() > values.min():
        edges = np.geomspace(values.min(), values.max(), bins + 1)
    else:
        edges = np.histogram_bin_edges(values, bins)
    orientation: Any = "horizontal" if sideways else "vertical"
    axes.hist(values, edges.tolist(), orientation=orientation, color=COLOURS[0], alpha=0.75)
    if sideways:
        axes.tick_params(labelleft=False, left=False)
        axes.set_xticks([axes.get_xlim()[1] / 1.05])
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.spines["left"].set_visible(False)
        return
    axes.axvline(median(values.tolist()), color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel(series.label)
    axes.set_ylabel("number")
    _scale(axes, series, "x")


def _few(axes: Axes, series: Series) -> None:
    """Draw few values as points, each on the line of its granule."""
    values = [point.value for point in series.points]
    colours = [DEGRADED if point.degraded else COLOURS[0] for point in series.points]
    axes.scatter(values, range(len(values)), s=22, c=colours, linewidths=0)
    axes.set_yticks(range(len(values)), [_short(point.granule) for point in series.points], fontsize=7.5)
    axes.set_ylim(-0.6, len(values) - 0.4)
    axes.grid(axis="y", linewidth=0.4, alpha=0.4)
    axes.set_xlabel(series.label)
    _scale(axes, series, "x")


def _scale(axes: Axes, series: Series, axis: str) -> None:
    values = [point.value for point in series.points]
    low, high = min(values), max(values)
    along = axes.yaxis if axis == "y" else axes.xaxis
    if series.log and high > 10.0 * low:
        axes.set_yscale("log") if axis == "y" else axes.set_xscale("log")
        along.set_major_locator(LogLocator(subs=(1.0,) if high > 1000.0 * low else (1.0, 2.0, 5.0)))
        along.set_minor_locator(NullLocator())
        along.set_major_formatter(FuncFormatter(_tick))
        return
    room = 0.08 * (high - low) or 0.05 * abs(high) or 0.5
    limits = (low - room, high + room)
    axes.set_ylim(limits) if axis == "y" else axes.set_xlim(limits)
    along.set_major_locator(MaxNLocator(5, integer=all(value == int(value) for value in values)))
    along.set_major_formatter(FuncFormatter(_tick))


def _tick(value: float, _position: object = None) -> str:
    """Write a tick in all its digits: rounded, it would stand at another value than it says."""
    return f"{value:,.9g}".replace("-", "−")


def date_ticks(axis: Axis, *, days: bool = False) -> None:
    """Set ticks of an axis of time; at days only where all times are days."""
    locator = DayLocator() if days else AutoDateLocator(maxticks=6)
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else f"…{name[1 - most :]}"
