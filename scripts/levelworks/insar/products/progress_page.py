"""The page of frames' progress: bars in percent by job type, units that are not built, tables of pairs and dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from levelworks.core.page import html_page
from levelworks.insar.products.progress import BUILT, JOB_TYPES, DateRow, FrameProgress, PairRow, Unit

LISTED = 500
"""Units that are not built, named on the page; the table has all."""

STYLE = """body { max-width: 76rem; }
th { vertical-align: bottom; } th.number { text-align: right; }
thead th { position: sticky; top: 0; background: Canvas; }
.bar { display: inline-flex; width: 7rem; height: .8rem; border: 1px solid var(--line); vertical-align: middle; }
.bar span { display: block; height: 100%; }
.bar + b { display: inline-block; min-width: 3.2rem; text-align: right; font-variant-numeric: tabular-nums; }
.count { white-space: nowrap; opacity: .75; font-size: .85em; }
.bar .done, .key .done { background: var(--bar); } .bar .removed, .key .removed { background: #74a3cf; }
.bar .degraded, .key .degraded { background: #d39b22; } .bar .building, .key .building { background: #5aa469; }
.bar .skipped, .key .skipped { background: #9a9a9a; } .bar .quarantined, .key .quarantined { background: #c0392b; }
.key span { display: inline-block; width: .8rem; height: .8rem; margin: 0 .3rem 0 1rem; vertical-align: -1px; }
.wide { overflow-x: auto; max-height: 34rem; }
.wide:focus-visible, summary:focus-visible { outline: 2px solid var(--bar); }
summary { cursor: pointer; padding: .3rem 0; }
td.bad { color: #c0392b; font-weight: 600; } td.suspect { color: #8a5800; }
@media (prefers-color-scheme: dark) { td.bad { color: #ff8a7a; } td.suspect { color: #e8b04a; } }
"""
BARS = ("done", "removed", "degraded", "building", "skipped", "quarantined")
HEADINGS = (
    ("pair", "", ""),
    ("state", "", ""),
    ("coherence", "mean over its cells", "mean_coherence"),
    ("unwrapped (%)", "of cells with data", "unwrapped_fraction"),
    ("closure", "verdict of the triplets", ""),
    ("azimuth shift (lines)", "from spectral diversity", "azimuth_shift_lines"),
    ("seam step (rad)", "largest median phase step between bursts", "seam_step_rad"),
)

HEADINGS_OF_DATES = (
    ("date", "", ""),
    ("state", "", ""),
    ("added (lines)", "to geometry along azimuth", "added_lines"),
    ("left (lines)", "along azimuth after resampling, from spectral diversity", "residual_lines"),
    ("its deviation (lines)", "standard deviation of what is left", "residual_sigma"),
    ("against", "date that it was measured against", ""),
    ("verified", "", ""),
)


def progress_page(title: str, frames: Sequence[FrameProgress]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title : str
    frames : sequence of FrameProgress
        One a row of the first table, in this order.
    """
    parts = [_key(), _overview(frames), *(_details(one, number) for number, one in enumerate(frames))]
    return html_page(title, parts if frames else ["<p>No frame is planned.</p>"], STYLE)


def _key() -> str:
    return '<p class="key">' + "".join(f'<span class="{one}"></span>{one}' for one in BARS) + "</p>"


def _overview(frames: Sequence[FrameProgress]) -> str:
    head = "".join(f'<th scope="col">{job.name}<br><small>{", ".join(job.stages)}</small></th>' for job in JOB_TYPES)
    lines = []
    for number, one in enumerate(frames):
        cells = "".join(f"<td>{_bar(one, job.name)}</td>" for job in JOB_TYPES)
        lines.append(f'<tr><th scope="row"><a href="#frame-{number}">{escape(one.frame)}</a></th>{cells}</tr>')
    table = f'<thead><tr><th scope="col">frame</th>{head}</tr></thead><tbody>{"".join(lines)}</tbody>'
    return _scrolled("progress of frames by job type", table)


def _bar(one: FrameProgress, job: str) -> str:
    counts, percent = one.counts(job), one.percent(job)
    if percent is None:
        return '<span class="count">none planned</span>'
    said = [f"{counts[state]} {state}" for state in (*BARS, "missing") if counts[state]]
    planned = counts["planned"]
    shares = "".join(
        f'<span class="{state}" style="width:{100 * counts[state] / planned:.2f}%"></span>'
        for state in BARS
        if counts[state]
    )
    label = escape(f"{percent:.0f} percent: {', '.join(said)} of {planned}")
    built = sum(counts[state] for state in BUILT)
    return (
        f'<span class="bar" role="img" title="{label}" aria-label="{label}">{shares}</span><b>{percent:.0f} %</b> '
        f'<span class="count">{built} of {planned}</span>'
    )


def _details(one: FrameProgress, number: int) -> str:
    open_units = [unit for job in JOB_TYPES for unit in one.units[job.name] if unit.state not in ("done", "removed")]
    return "\n".join(
        [
            f'<h2 id="frame-{number}">{escape(one.frame)}</h2>',
            f"<details open><summary>{len(one.pairs)} pairs</summary>{_pairs(one.pairs)}</details>"
            if one.pairs
            else "",
            f"<details><summary>{len(one.dates)} dates</summary>{_dates(one.dates)}</details>" if one.dates else "",
            f"<details><summary>{len(open_units)} units that are not done</summary>{_units(open_units)}</details>"
            if open_units
            else "<p>All units are done.</p>",
        ]
    )


def _head(headings: Sequence[tuple[str, str, str]]) -> str:
    return "".join(
        f'<th scope="col" class="{"number" if figure else "word"}" title="{hint}">{name}</th>'
        for name, hint, figure in headings
    )


def _dates(rows: Iterable[DateRow]) -> str:
    lines = []
    for row in rows:
        numbers = "".join(_number(row, figure) for _, _, figure in HEADINGS_OF_DATES if figure)
        look = {"degraded": "bad", "not verified": "suspect"}.get(row.verified, "")
        cells = f'{numbers}<td>{escape(row.against)}</td><td class="{look}">{escape(row.verified)}</td>'
        lines.append(f'<tr><th scope="row">{row.name}</th><td>{row.state}</td>{cells}</tr>')
    return _scrolled("dates", f"<thead><tr>{_head(HEADINGS_OF_DATES)}</tr></thead><tbody>{''.join(lines)}</tbody>")


def _pairs(rows: Iterable[PairRow]) -> str:
    lines = []
    for row in rows:
        numbers = [_number(row, figure) for _, _, figure in HEADINGS if figure]
        verdict = f'<td class="{escape(row.verdict)}">{escape(row.verdict)}</td>'
        cells = f"{numbers[0]}{numbers[1]}{verdict}{numbers[2]}{numbers[3]}"
        lines.append(f'<tr><th scope="row">{row.name}</th><td>{row.state}</td>{cells}</tr>')
    return _scrolled("pairs", f"<thead><tr>{_head(HEADINGS)}</tr></thead><tbody>{''.join(lines)}</tbody>")


def _number(row: PairRow | DateRow, figure: str) -> str:
    value = row.figures[figure]
    if value is None:
        return '<td class="number">–</td>'
    text = {
        "mean_coherence": f"{value:.2f}",
        "unwrapped_fraction": f"{100 * value:.1f}",
        "azimuth_shift_lines": f"{value:+.4f}",
        "seam_step_rad": f"{value:.3f}",
        "added_lines": f"{value:+.4f}",
        "residual_lines": f"{value:+.5f}",
        "residual_sigma": f"{value:.5f}",
    }[figure]
    return f'<td class="number">{text.replace("-", "−")}</td>'


def _units(units: Sequence[Unit]) -> str:
    lines = [
        f'<tr><th scope="row">{unit.name}</th><td>{unit.job}</td><td>{unit.state}</td>'
        f'<td class="number">{str(unit.code).replace("-", "−")}</td><td>{escape(unit.reason)}</td></tr>'
        for unit in units[:LISTED]
    ]
    more = f"<p>and {len(units) - LISTED} more, in the table</p>" if len(units) > LISTED else ""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("unit", "job type", "state", "code", "reason"))
    return _scrolled("units", f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>") + more


def _scrolled(label: str, table: str) -> str:
    return f'<div class="wide" tabindex="0" role="region" aria-label="{label}"><table>{table}</table></div>'
