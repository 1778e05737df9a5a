"""The report of a campaign: one page that needs no network, from the records, the ledger and the pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from statistics import median
from urllib.parse import quote

from levelworks.campaign.job_records import JobRecord, read_jobs
from levelworks.campaign.quality_figures import NOTES, Series, plain, series_of
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.report_pictures import A_LINE, Picture, pictures
from levelworks.campaign.report_tables import (
    extremes_table,
    flagged_table,
    outcomes_table,
    resources_table,
    retries_table,
    table,
    warnings_table,
)
from levelworks.campaign.retries import cost_of_retries
from levelworks.campaign.standing import Standing, State
from levelworks.campaign.usage import percentile, usage_by_rule
from levelworks.campaign.warned import find_warnings
from levelworks.core.durations import duration
from levelworks.core.outcome import InvalidOptions
from levelworks.core.page import html_page

STYLE = """
:root { --done: #4b9a5b; --skipped: #c9a227; --quarantined: #d9822b; --failed: #d23f3f; --waiting: #8887;
  --running: #3b78b5; --queued: #3b78b577; --removed: #8884; }
body { max-width: 74rem; }
h2 { margin-top: 2.4rem; border-bottom: 2px solid var(--line); padding-bottom: .2rem; }
h3 { margin: 1.4rem 0 .3rem; }
nav a { margin-right: 1.2rem; }
th { vertical-align: bottom; font-size: .88em; opacity: .8; }
th.number { text-align: right; }
td { vertical-align: top; overflow-wrap: anywhere; font-size: .92em; }
td.number { white-space: nowrap; }
table { width: 100%; }
.wide { overflow-x: auto; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 1rem 0; }
.facts div b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
.facts div span { opacity: .75; font-size: .88em; }
.bar { display: flex; width: 8rem; height: .75rem; margin-top: .35rem; border-radius: 2px; overflow: hidden; }
.bar i { min-width: 2px; background: var(--done); }
.bar i.skipped { background: var(--skipped); } .bar i.quarantined { background: var(--quarantined); }
.bar i.failed { background: var(--failed); } .bar i.waiting { background: var(--waiting); }
.bar i.running { background: var(--running); } .bar i.queued { background: var(--queued); }
.bar i.removed { background: var(--removed); }
b.quarantined { color: var(--quarantined); } b.failed { color: var(--failed); } b.skipped { color: var(--skipped); }
.meter { display: block; width: 5rem; height: .5rem; margin-top: .45rem; background: #8883; border-radius: 2px; }
.meter i { display: block; height: 100%; background: var(--bar); border-radius: 2px; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: 1.2rem 1.6rem; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: .85em; opacity: .85; overflow-wrap: anywhere; }
.plots figure > b { display: block; font-size: .95em; }
.plots svg { width: 100%; height: auto; display: block; }
.plots svg text { font-family: system-ui, sans-serif !important; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem; }
.pictures { align-items: start; }
.plots figure.full { grid-column: 1 / -1; }
td.name { white-space: nowrap; }
.pictures img { width: 100%; height: auto; border-radius: 3px; background: #fff; }
pre { overflow-x: auto; padding: .6rem .8rem; background: #8881; border-radius: 4px; font-size: .85em; }
@media print {
  :root { color-scheme: light; } body { max-width: none; margin: 0; font-size: 11px; } nav { display: none; }
  .plots, .pictures { grid-template-columns: 1fr 1fr; } h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; } .bar i, .meter i, .meter { print-color-adjust: exact; }
}
"""


OWN_LINE = "campaign"
"""Under which the rules of report and crate write their logs."""


@dataclass(frozen=True)
class Gathered:
    """What a report is made from."""

    name: str
    results: Path
    standing: Standing
    records: Sequence[JobRecord]


def gather(folder: Path, results: Path, name: str = "") -> Gathered:
    """Read records and ledger of a campaign.

    Parameters
    ----------
    folder : Path
        Its working folder.

    Raises
    ------
    InvalidOptions
        Where no job has finished.
    """
    records = read_jobs(results)
    if not records:
        raise InvalidOptions(f"no records below {results}: nothing has finished yet")
    standing = read_standing(folder, results.absolute())
    # Where Snakemake makes the report, its own job runs now; it is no part of what is reported.
    standing = replace(standing, cells=tuple(cell for cell in standing.cells if cell.line != OWN_LINE))
    return Gathered(name or results.absolute().parent.name, results, standing, records)


def report(gathered: Gathered, folder: Path, page: Path, most_pictures: int = A_LINE) -> str:
    """Return the page.

    Parameters
    ----------
    folder : Path
        Working folder, for ledger and records.
    page : Path
        Where the page is going to stand: pictures are linked from there.
    most_pictures : int
        Of each line.
    """
    records, cells = gathered.records, gathered.standing.cells
    lines = sorted({record.job.line for record in records})
    usages = sorted(usage_by_rule(records, cells), key=lambda usage: -usage.jobs)
    requests = {usage.rule: found for usage in usages if (found := usage.suggest()) is not None}
    total = sum(record.job.wall_s for record in records)
    drawn = pictures(gathered.results, lines, most_pictures) if most_pictures > 0 else []
    sections = [
        ("outcomes", "Outcomes", [outcomes_table(cells)]),
        ("flagged", "Flagged granules", [flagged_table(cells)]),
        ("warnings", "Warnings", [warnings_table(find_warnings(gathered.standing, folder))]),
        ("quality", "Quality", list(_quality(lines, records))),
        ("pictures", "Pictures", list(_pictures(drawn, gathered.results, page))),
        ("cost", "What it took", list(_cost(records, lines))),
        ("retries", "What retries cost", [retries_table(cost_of_retries(folder, records), total)]),
        ("resources", "Resources asked and used", [resources_table(usages, requests)]),
        ("software", "Software", [_software(records)]),
    ]
    shown = [section for section in sections if any(section[2])]
    contents = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title, _ in shown)
    parts = [_facts(gathered), *_notes(gathered.standing), f"<nav>{contents}</nav>"]
    for anchor, title, inside in shown:
        parts += [f'<h2 id="{anchor}">{title}</h2>', *inside]
    return html_page(f"Campaign {gathered.name}", parts, STYLE)


def _facts(gathered: Gathered) -> str:
    records, cells = gathered.records, gathered.standing.cells
    began = min(_began(record) for record in records)
    ended = max(_began(record) + timedelta(seconds=record.job.wall_s) for record in records)
    states = Counter(cell.state for cell in cells)
    hosts = {str(record.content.get("host")) for record in records}
    facts = [(f"{len(cells):,}", "jobs")]
    facts += [(f"{states[state]:,}", state.value) for state in State if states[state]]
    facts += [
        (duration(sum(record.job.cpu_s for record in records)), "CPU time"),
        (duration((ended - began).total_seconds()), "from the first job to the last"),
        (f"{max(record.job.peak_memory_mb for record in records):.0f} MB", "peak memory of a job"),
        (f"{len(hosts)}", "host" if len(hosts) == 1 else "hosts"),
    ]
    told = "".join(f"<div><b>{escape(value)}</b><span>{escape(what)}</span></div>" for value, what in facts)
    when = f"{began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M} UTC"
    return f'<p>{when}</p><div class="facts">{told}</div>'


def _notes(standing: Standing) -> Iterator[str]:
    for note in standing.notes:
        yield f"<p>{escape(note)}</p>"


def _quality(lines: Sequence[str], records: Sequence[JobRecord]) -> Iterator[str]:
    for line in lines:
        found = series_of(line, [record for record in records if record.job.line == line])
        if found:
            yield f"<h3>{escape(line)}</h3>"
            yield f"<p>{NOTES[line]}</p>" if line in NOTES else ""
            yield f'<div class="plots">{"".join(map(_figure, found))}</div>'


def _figure(series: Series) -> str:
    from levelworks.campaign.quality_plots import FEWEST, far_ones, plot

    points = series.points
    unit = f" {escape(series.unit)}" if series.unit else ""
    if len(points) < FEWEST or not series.told_apart:
        shown = points[:1] if not series.told_apart else points
        told = "".join(f"<div>{plain(point.value)}{unit}: {escape(point.granule)}</div>" for point in shown)
        if len(shown) < len(points):
            told = f"<div>{plain(points[0].value)}{unit} for all {len(points)}</div>"
        return f"<figure><b>{escape(series.title)}</b><figcaption>{told}</figcaption></figure>"
    values = sorted(point.value for point in points)
    few = len(values) < 20
    low, high = (values[0], values[-1]) if few else (percentile(values, 0.05), percentile(values, 0.95))
    caption = f"{len(values)} values, median {plain(median(values))}, {'' if few else '5 to 95 %: '}"
    caption += f"{plain(low)} to {plain(high)}{unit}"
    degraded = sum(point.degraded for point in points)
    caption += f"; {degraded} degraded" if degraded else ""
    far = "; ".join(f"{escape(point.granule)} ({plain(point.value)})" for point in far_ones(series))
    return (
        f"<figure><b>{escape(series.label)}</b>{plot(series)}"
        f"<figcaption>{caption}{f'<br>far from the others: {far}' if far else ''}</figcaption></figure>"
    )


def _pictures(drawn: Sequence[Picture], results: Path, page: Path) -> Iterator[str]:
    by_line: dict[str, list[Picture]] = defaultdict(list)
    for picture in drawn:
        by_line[picture.line].append(picture)
    for line, found in by_line.items():
        figures = "".join(_picture(picture, results, page) for picture in found)
        yield f'<h3>{escape(line)}</h3><div class="pictures">{figures}</div>'


def _picture(picture: Picture, results: Path, page: Path) -> str:
    whole = (results / picture.path).absolute()
    folder = page.absolute().parent
    link = quote(str(whole.relative_to(folder))) if whole.is_relative_to(folder) else whole.as_uri()
    width, height = picture.size
    image = f'<img src="{picture.uri}" width="{width}" height="{height}" alt="{escape(picture.path)}" loading="lazy">'
    name = Path(picture.path).stem
    return f'<figure><a href="{link}">{image}</a><figcaption>{escape(name)}</figcaption></figure>'


def _cost(records: Sequence[JobRecord], lines: Sequence[str]) -> Iterator[str]:
    from levelworks.campaign.activity_plot import activity

    spans = [(record.job.line, _began(record), record.job.wall_s) for record in records]
    yield f'<div class="plots"><figure class="full"><b>Jobs at work</b>{activity(spans, lines)}</figure></div>'
    yield "<h3>The slowest jobs</h3>" + extremes_table(records, lambda one: one.job.wall_s)
    yield "<h3>The hungriest jobs</h3>" + extremes_table(records, lambda one: one.job.peak_memory_mb)


def _software(records: Sequence[JobRecord]) -> str:
    versions: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        for name, version in record.content["software"].items():
            versions[name][version] += 1
    rows = [
        [escape(name), ", ".join(f"{escape(version)} ({number} jobs)" for version, number in sorted(found.items()))]
        for name, found in sorted(versions.items())
    ]
    mixed = [name for name, found in versions.items() if len(found) > 1]
    warning = f"<p><b class=quarantined>More than one version of {escape(', '.join(sorted(mixed)))}</b></p>"
    return (warning if mixed else "") + table(("software", "version"), rows)


def _began(record: JobRecord) -> datetime:
    return datetime.fromisoformat(record.job.started).astimezone(UTC)
