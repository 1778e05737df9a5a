"""The picture of a campaign's sites: rates over time, with errors, of those seen most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from levelworks.core.plots import sheet

if TYPE_CHECKING:
    from levelworks.plumes.emission.revisit_stage import Site

MOST = 8
"""Sites in the picture."""
WIDTH, PANEL, GAP, TOP, BOTTOM, LEFT, RIGHT = 1000, 110, 44, 70, 60, 90, 30
"""Pixels."""
BLUE = "#2166ac"


def draw_series(path: Path, sites: Sequence[Site]) -> None:
    """Draw the rates of the sites seen most, each in a panel of its own; a sentence where there is none."""
    shown = sorted(
        (site for site in sites if any(np.isfinite(one.rate) for one in site.sightings)),
        key=lambda site: (-site.seen, site.name, site.gas),
    )[:MOST]
    with sheet(WIDTH, TOP + BOTTOM + (PANEL + GAP) * max(len(shown), 1)) as page:
        if not shown:
            page.text(24, 20, "No plume with an emission rate was seen.")
            page.save(path)
            return
        page.text(24, 14, "Emission rates of the sites seen most, with 1 sigma; dashed: mean", fontsize=13)
        times = [date2num([_time(one.time) for one in site.sightings]) for site in shown]
        first, last = min(float(one.min()) for one in times), max(float(one.max()) for one in times)
        margin = max(0.03 * (last - first), 0.5)
        for index, (site, when) in enumerate(zip(shown, times, strict=True)):
            axes = page.axes(LEFT, TOP + index * (PANEL + GAP) + 10, WIDTH - LEFT - RIGHT, PANEL)
            rates = np.array([one.rate for one in site.sightings]) / 1000
            errors = np.array([one.uncertainty for one in site.sightings]) / 1000
            known = np.isfinite(rates)
            spread = np.nan_to_num(errors[known])
            axes.errorbar(when[known], rates[known], spread, fmt="o", markersize=4, capsize=2, color=BLUE)
            if site.rate.count:
                axes.axhline(site.rate.mean / 1000, linewidth=0.8, linestyle="--", color="#444444")
            axes.set_ylim(bottom=min(0.0, float((rates[known] - spread).min())))
            axes.set_xlim(first - margin, last + margin)
            axes.set_ylabel("t/h")
            words = f"seen in {site.seen} of {site.overflown} overflights"
            axes.set_title(f"{site.name} ({site.gas.upper()}): {words}", loc="left", fontsize=10)
            locator = AutoDateLocator(maxticks=8)
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        page.save(path)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
