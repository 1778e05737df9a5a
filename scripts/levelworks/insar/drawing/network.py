"""Pictures of a frame's network: dates over time and baseline, pairs coloured by coherence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from levelworks.core import plots
from levelworks.core.plots import Sheet
from levelworks.insar.network.closure import Verdict
from levelworks.insar.network.epochs import Epoch
from levelworks.insar.network.select_pairs import Gap
from levelworks.insar.products.network_table import PairFacts

WIDTH, HEIGHT = 1200, 720
LEFT, TOP, RIGHT, BELOW = 84, 90, 150, 104
LABELLED, APART = 80, 13
"""Dates up to which each is labelled, save those nearer than so many pixels to the one before."""
BAD, SUSPECT, REFERENCE = "#d7263d", "#e8871e", "#d7263d"


def draw_network(
    path: Path, epochs: Sequence[Epoch], pairs: Sequence[PairFacts], reference: dt.date, gaps: Sequence[Gap] = ()
) -> None:
    """Draw dates by their perpendicular baselines, pairs as lines, bad and suspect ones marked, gaps shaded.

    Parameters
    ----------
    path : Path
        PNG.
    epochs : sequence of Epoch
        Baselines to the reference, m.
    pairs : sequence of PairFacts
        Whose dates are among the epochs.
    reference : date
    gaps : sequence of Gap
        That leave the network in parts.
    """
    height = {one.date: one.perpendicular_baseline for one in epochs}
    with plots.sheet(WIDTH, HEIGHT, font=12.0) as page:
        parts = f", {len(gaps)} gap{'s' if len(gaps) != 1 else ''}" if gaps else ", connected"
        page.text(LEFT, 16, f"{len(epochs)} dates, {len(pairs)} pairs{parts}", fontsize=15, fontweight="bold")
        _legend(page, bool(gaps))
        axes = page.axes(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BELOW)
        for number, gap in enumerate(gaps):
            axes.axvspan(
                _day(gap.before), _day(gap.after), facecolor="#dddddd", hatch="//", edgecolor="white", linewidth=0
            )
            days = (gap.after - gap.before).days
            middle = (_day(gap.before) + _day(gap.after)) / 2
            axes.text(middle, 0.98 - 0.05 * (number % 2), f"{days} days", ha="center", va="top", fontsize=10,
                      transform=axes.get_xaxis_transform())  # fmt: skip
        shown = _edges(axes, pairs, height)
        plots.colour_bar(page, shown, (WIDTH - RIGHT + 28, TOP, 22, 420), "mean coherence", _extension(shown))
        for one in epochs:
            mine = one.date == reference
            style: dict[str, Any] = {"marker": "*", "markersize": 17} if mine else {"marker": "o", "markersize": 6}
            colour = REFERENCE if mine else "#222222"
            axes.plot([_day(one.date)], [one.perpendicular_baseline], color=colour, markeredgecolor="white",
                      markeredgewidth=0.8, zorder=7 if mine else 6, **style)  # fmt: skip
        axes.margins(0.04, 0.12)
        _time_axis(axes, [_day(one.date) for one in sorted(epochs)], WIDTH - LEFT - RIGHT)
        axes.set_ylabel("perpendicular baseline to the reference (m)")
        page.save(path)


def draw_baselines(path: Path, epochs: Sequence[Epoch], pairs: Sequence[PairFacts]) -> None:
    """Draw the perpendicular baselines of pairs, signed as in ``network.csv``, and their coherence, over their days.

    Parameters
    ----------
    path : Path
        PNG.
    epochs, pairs : sequence
        As of `draw_network`; bad ones are marked.
    """
    with plots.sheet(WIDTH, 480, font=12.0) as page:
        page.text(LEFT, 16, f"{len(pairs)} pairs of {len(epochs)} dates", fontsize=15, fontweight="bold")
        days = np.array([one.pair.days for one in pairs], np.float64)
        between = np.array([one.baseline_difference for one in pairs])
        coherence = np.array([one.coherence for one in pairs])
        bad = np.array([one.verdict == Verdict.BAD for one in pairs], np.bool_)
        wide = (WIDTH - 3 * LEFT) // 2
        panels = (
            (days, between, "days", "perpendicular baseline of the pair (m)"),
            (days, coherence, "days", "mean coherence"),
        )
        for number, (x, y, below, beside) in enumerate(panels):
            axes = page.axes(LEFT + number * (wide + LEFT), 60, wide, 350)
            axes.scatter(x[~bad], y[~bad], s=26, color="#3b78b5", edgecolors="white", linewidths=0.5, zorder=3)
            axes.scatter(x[bad], y[bad], s=44, color=BAD, marker="x", zorder=4)
            axes.set_xlabel(below)
            axes.set_ylabel(beside)
            axes.set_xlim(left=0)
            if y is coherence:
                axes.set_ylim(0, 1)
            else:
                axes.axhline(0.0, color="#888888", linewidth=0.8, zorder=2)
            axes.grid(color="#bbbbbb", linewidth=0.5, linestyle=(0, (1, 3)))
        if bad.any():
            page.text(WIDTH - LEFT, 22, "× all triplets fail to close", ha="right", color=BAD, fontsize=11)
        page.save(path)


def _edges(axes: Axes, pairs: Sequence[PairFacts], height: dict[dt.date, float]) -> Any:
    """Draw pairs as lines; return what a colour bar needs."""
    coherence = np.array([one.coherence for one in pairs], np.float64)
    low, high = plots.robust_limits(coherence, 0, 100)
    norm = Normalize(max(0.0, np.floor(low * 20) / 20), min(1.0, np.ceil(high * 20) / 20))
    lines = [[(_day(date), height[date]) for date in (one.pair.first, one.pair.second)] for one in pairs]
    shown = LineCollection(lines, cmap=plots.colours(plots.SECONDARY), norm=norm, linewidths=1.8, zorder=3)
    shown.set_array(np.ma.masked_invalid(coherence))
    axes.add_collection(shown)
    for verdict, colour, dashes in ((Verdict.BAD, BAD, (0, (5, 2))), (Verdict.SUSPECT, SUSPECT, (0, (1, 2)))):
        chosen = [line for line, one in zip(lines, pairs, strict=True) if one.verdict == verdict]
        axes.add_collection(LineCollection(chosen, colors=colour, linewidths=2.6, linestyles=[dashes], zorder=4))
    return shown


def _extension(shown: Any) -> str:
    values = np.ma.compressed(shown.get_array())
    return plots.extension(values, (float(shown.norm.vmin), float(shown.norm.vmax)))


def _legend(page: Sheet, gaps: bool) -> None:
    entries = [("★", REFERENCE, "reference"), ("╍", BAD, "all triplets fail"), ("┄", SUSPECT, "some triplets fail")]
    if gaps:
        entries.append(("▨", "#888888", "gap: no pair across"))
    left = LEFT
    for mark, colour, text in entries:
        page.text(left, 56, mark, color=colour, fontsize=14, va="center")
        page.text(left + 20, 56, text, color="#444444", fontsize=11, va="center")
        left += 46 + 8 * len(text)


def _day(date: dt.date) -> float:
    return float(mdates.date2num(date))


def _time_axis(axes: Axes, days: Sequence[float], width: int) -> None:
    """Label dates themselves where they are few, else round times."""
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%Y-%m-%d"))
    if len(days) > LABELLED:
        axes.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=4, maxticks=10))
        axes.tick_params(axis="x", rotation=20)
    else:
        low, high = axes.get_xlim()
        shown: list[float] = []
        for day in days:
            if not shown or (day - shown[-1]) * width / (high - low) >= APART:
                shown.append(day)
        axes.set_xticks(shown)
        axes.tick_params(axis="x", rotation=90, labelsize=9)
    axes.grid(color="#bbbbbb", linewidth=0.5, linestyle=(0, (1, 3)))
