"""The page of a report: counts by outcome, distributions, images by sensor and day; one file that needs no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from levelworks.ard.report.outcomes import Row
from levelworks.core.page import html_page

WIDTH, HEIGHT, MARGIN = 420, 190, 42
BINS = 20
LISTED = 500
"""Images that are not done, named one by one on the page; the table has all."""

DISTRIBUTIONS: tuple[tuple[str, str, Callable[[Row], float | None]], ...] = (
    ("Cloud and shadow", "% of valid pixels", lambda row: row.figures["cloud_percent"]),
    ("Snow", "% of valid pixels", lambda row: row.figures["snow_percent"]),
    ("Water", "% of valid pixels", lambda row: row.figures["water_percent"]),
    ("Aerosol optical depth", "green band", lambda row: row.figures["aod_green"]),
    ("CPU time", "seconds an image", lambda row: row.cpu_s),
    ("Peak memory", "MB an image", lambda row: row.memory_mb),
)

STYLE = """.charts { display: flex; flex-wrap: wrap; gap: 1rem; } svg text { font-size: 12px; fill: currentColor; }
svg rect { fill: var(--bar); } svg line { stroke: currentColor; }
"""


def report_page(title: str, rows: Sequence[Row]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    rows : sequence of Row
        One an image, in the order of the table.
    """
    done = [row for row in rows if row.outcome == "done"]
    parts = [
        _counts(rows),
        "<h2>Images that were done</h2>" if done else "<p>No image was done.</p>",
        '<div class="charts">',
        *(
            _histogram(name, unit, [value for row in done if (value := get(row)) is not None])
            for name, unit, get in DISTRIBUTIONS
        ),
        _over_time(rows),
        "</div>",
        _not_done([row for row in rows if row.outcome != "done"]),
    ]
    return html_page(title, parts, STYLE)


def _counts(rows: Sequence[Row]) -> str:
    sensors = sorted({row.sensor or "unknown" for row in rows})
    outcomes = ("done", "skipped", "quarantined")
    counted = Counter((row.sensor or "unknown", row.outcome) for row in rows)
    head = "".join(f"<th>{name}</th>" for name in ("sensor", *outcomes, "all"))
    lines = []
    for sensor in [*sensors, "all"]:
        chosen = [counted[one, outcome] for outcome in outcomes for one in ([sensor] if sensor != "all" else sensors)]
        size = 1 if sensor != "all" else len(sensors)
        numbers = [sum(chosen[start : start + size]) for start in range(0, len(chosen), size)]
        cells = "".join(f'<td class="number">{number}</td>' for number in (*numbers, sum(numbers)))
        lines.append(f"<tr><td>{escape(sensor)}</td>{cells}</tr>")
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _histogram(name: str, unit: str, values: Sequence[float]) -> str:
    if not values:
        return ""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(values, BINS, (low, high))
    bars = [(float(edge), float(count)) for edge, count in zip(edges, counts, strict=False)]
    note = f"median {np.median(values):.3g}, {len(values)} images"
    return _chart(f"{name} ({unit})", note, bars, (f"{low:.3g}", f"{high:.3g}"))


def _over_time(rows: Sequence[Row]) -> str:
    months = Counter(row.date[:7] for row in rows if row.date)
    if not months:
        return ""
    names = sorted(months)
    bars = [(float(place), float(months[name])) for place, name in enumerate(names)]
    return _chart("Images by month", f"{sum(months.values())} images", bars, (names[0], names[-1]))


def _chart(title: str, note: str, bars: Sequence[tuple[float, float]], ends: tuple[str, str]) -> str:
    """Return bars as SVG, with the largest count at the axis and both ends of the range below it."""
    top = max(count for _, count in bars) or 1.0
    step = (WIDTH - 2 * MARGIN) / len(bars)
    base = HEIGHT - MARGIN
    shapes = [
        f'<rect x="{MARGIN + place * step + 1:.1f}" y="{base - (base - MARGIN) * count / top:.1f}" '
        f'width="{max(step - 2, 1):.1f}" height="{(base - MARGIN) * count / top:.1f}"/>'
        for place, (_, count) in enumerate(bars)
    ]
    words: list[tuple[Any, Any, str, str]] = [
        (0, 16, "start", title),
        (0, 32, "start", note),
        (MARGIN - 4, MARGIN + 5, "end", f"{top:g}"),
        (MARGIN, base + 16, "start", ends[0]),
        (WIDTH - MARGIN, base + 16, "end", ends[1]),
    ]
    texts = [f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>' for x, y, anchor, text in words]
    axis = f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{base}" y2="{base}"/>'
    inside = "".join([*shapes, axis, *texts])
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(title)}">{inside}</svg>'


def _not_done(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = [
        f"<tr><td>{escape(row.id)}</td><td>{escape(row.outcome)}</td><td>{escape(row.reason)}</td></tr>"
        for row in rows[:LISTED]
    ]
    more = f"<p>and {len(rows) - LISTED} more, in the table</p>" if len(rows) > LISTED else ""
    head = "<tr><th>image</th><th>outcome</th><th>reason</th></tr>"
    return f"<h2>Images that were not</h2><table>{head}{''.join(lines)}</table>{more}"
