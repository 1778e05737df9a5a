"""The plot of a campaign's activity: how many jobs of each line were at work over time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from levelworks.campaign.quality_plots import COLOURS, date_ticks, drawing, legend_above, to_svg

WIDTH, HEIGHT = 11.0, 2.1
"""Inches of 72 pixels."""
STEPS = 400
"""Intervals over which numbers are averaged."""


def activity(spans: Sequence[tuple[str, datetime, float]], lines: Sequence[str]) -> str:
    """Return the number of jobs at work over time, by line, as SVG.

    Parameters
    ----------
    spans : sequence
        Line, begin, and wall time in seconds of each job.
    lines : sequence of str
        In the order in which they are stacked.
    """
    begins = np.array([begin.timestamp() for _, begin, _ in spans])
    ends = begins + np.array([max(wall, 1e-3) for _, _, wall in spans])
    edges = np.linspace(begins.min(), ends.max(), STEPS + 1)
    names = np.array([line for line, _, _ in spans])
    numbers = [_mean_number(begins[names == line], ends[names == line], edges) for line in lines]
    times: Any = [datetime.fromtimestamp(float(edge), UTC) for edge in edges[:-1]]
    salt = hashlib.sha256(np.concatenate([begins, ends]).tobytes()).hexdigest()[:12]
    with drawing(salt, WIDTH, HEIGHT) as figure:
        axes = figure.add_axes((0.06, 0.2, 0.92, 0.66))
        axes.stackplot(times, numbers, labels=lines, colors=COLOURS, step="post", linewidth=0, alpha=0.85)
        date_ticks(axes.xaxis)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlim(times[0], times[-1])
        axes.set_ylim(bottom=0)
        axes.set_ylabel("jobs at once")
        legend_above(axes, ncols=5, fontsize=8)
        return to_svg(figure, "jobs at work over time", salt)


def _mean_number(begins: np.ndarray, ends: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return how many spans cover each interval, on average over it."""

    def passed(times: np.ndarray) -> np.ndarray:
        """Return the sum over spans of the time since each of these times, at every edge."""
        ordered = np.sort(times)
        number = np.searchsorted(ordered, edges)
        sums = np.concatenate([[0.0], np.cumsum(ordered - edges[0])])
        return number * (edges - edges[0]) - sums[number]

    covered: np.ndarray = np.diff(passed(begins) - passed(ends)) / np.diff(edges)
    return covered
