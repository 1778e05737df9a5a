"""The tables of a report: outcomes, flagged granules, what jobs and retries cost, resources asked against used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from statistics import median

from levelworks.campaign.job_records import JobRecord
from levelworks.campaign.profile_text import merge
from levelworks.campaign.quality_figures import name_of
from levelworks.campaign.retries import Cost
from levelworks.campaign.standing import Cell, State
from levelworks.campaign.summary import count_stages
from levelworks.campaign.usage import LEAST_JOBS, SHARE, Request, Usage, percentile
from levelworks.campaign.warned import Warned
from levelworks.core.durations import duration
from levelworks.core.outcome import Status

LISTED = 200
"""Flagged granules that stand on the page."""
TOP = 10
"""Jobs of the tables of the slowest and the hungriest."""
WARNINGS, WARNED = 20, 8
"""Groups of warnings that stand on the page, and granules of each."""
FLAGGED = (State.FAILED, State.QUARANTINED, State.SKIPPED)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = (), names: int = 2) -> str:
    """Return a table; cells are HTML already.

    Parameters
    ----------
    numbers : iterable of int
        Columns of numbers.
    names : int
        First columns, which are not broken.
    """
    right = set(numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = [
            " class=number" if place in right else " class=name" if place < names else "" for place in range(len(row))
        ]
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    head = f"<thead><tr>{cells('th', [escape(one) for one in headings])}</tr></thead>"
    return f'<div class="wide"><table>{head}\n<tbody>{body}</tbody></table></div>'


def outcomes_table(cells: Sequence[Cell]) -> str:
    """Return the jobs of every stage by state, with a bar, and what they took; stages in the order they began."""
    states = [state for state in State if any(cell.state is state for cell in cells)]
    began: dict[tuple[str, str], float] = {}
    for cell in cells:
        when = cell.began or cell.queued or cell.ended or float("inf")
        began[cell.line, cell.stage] = min(when, began.get((cell.line, cell.stage), float("inf")))
    rows = []
    last = None
    counted = count_stages(cells)
    for line, stage in sorted(counted, key=lambda key: (key[0], began[key], key[1])):
        count = counted[line, stage]
        bar = "".join(
            f'<i class="{state}" style="flex:{count.states[state]}" title="{count.states[state]} {state}"></i>'
            for state in states
            if count.states[state]
        )
        rows.append(
            [
                f"<b>{escape(line)}</b>" if line != last else "",
                escape(stage) or "other rules",
                f'<span class="bar">{bar}</span>',
                *(f"{count.states[state] or ''}" for state in states),
                f"{count.retried or ''}",
                f"{count.warnings or ''}",
                duration(count.cpu_s) if count.peak_memory_mb else "",
                f"{count.peak_memory_mb:.0f} MB" if count.peak_memory_mb else "",
            ]
        )
        last = line
    headings = ("line", "stage", "", *states, "retried", "with warnings", "CPU", "peak memory")
    return table(headings, rows, range(3, len(headings)))


def flagged_table(cells: Sequence[Cell]) -> str:
    """Return the granules that failed, are quarantined or were skipped, with reasons; the worst first."""
    found: dict[tuple[State, str, str, str], list[str]] = defaultdict(list)
    for cell in cells:
        if cell.state in FLAGGED:
            reason = " ".join((cell.reason or cell.message or cell.cause or "no reason is known").split())
            found[cell.state, cell.line, cell.granule, reason].append(cell.stage)
    if not found:
        return "<p>No granule failed, is quarantined or was skipped.</p>"
    ordered = sorted(found.items(), key=lambda one: (FLAGGED.index(one[0][0]), one[0][1:]))
    rows = [
        [f'<b class="{state}">{state}</b>', escape(line), escape(granule), escape(", ".join(stages)), escape(reason)]
        for (state, line, granule, reason), stages in ordered[:LISTED]
    ]
    more = f"<p>and {len(ordered) - LISTED} more: <code>levelworks failed</code> lists all</p>"
    reasons = _frequent_reasons(cells)
    text = table(("outcome", "line", "granule", "stage", "reason"), rows)
    return reasons + text + (more if len(ordered) > LISTED else "")


def _frequent_reasons(cells: Sequence[Cell]) -> str:
    counted = Counter((cell.state, cell.line, cell.stage) for cell in cells if cell.state in FLAGGED)
    if sum(counted.values()) <= TOP:
        return ""
    told = ", ".join(f"{number} {state} at {escape(stage)}" for (state, _, stage), number in counted.most_common(6))
    return f"<p>{told}{' and others' if len(counted) > 6 else ''}.</p>"


def warnings_table(groups: Sequence[Warned]) -> str:
    """Return what jobs that finished warned of, the most frequent first; nothing where none did."""
    if not groups:
        return ""
    rows = [
        [
            escape(group.line),
            escape(group.stage),
            f"{len(group.granules)}",
            escape(group.text),
            escape(group.named(WARNED)),
        ]
        for group in groups[:WARNINGS]
    ]
    rest = groups[WARNINGS:]
    jobs = sum(len(group.granules) for group in rest)
    more = f"<p>and {len(rest)} more, of {jobs} jobs: <code>levelworks failed --warnings</code> lists all</p>"
    text = table(("line", "stage", "jobs", "warning", "granules"), rows, (2,))
    return text + (more if rest else "")


def extremes_table(records: Sequence[JobRecord], of: Callable[[JobRecord], float]) -> str:
    """Return the jobs that took most, and how many times as much as the median of their stage.

    Parameters
    ----------
    of : callable
        Gives what counts of a job: its wall time, or its memory.
    """
    stages: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in records:
        if record.job.outcome is Status.DONE:
            stages[record.job.line, record.job.stage].append(of(record))
    medians = {key: median(values) for key, values in stages.items()}
    rows = []
    for record in sorted(records, key=lambda one: (-of(one), one.job.product))[:TOP]:
        job = record.job
        usual = medians.get((job.line, job.stage), 0.0)
        rows.append(
            [
                escape(job.line),
                escape(job.stage),
                escape(name_of(record)),
                duration(job.wall_s),
                duration(job.cpu_s),
                f"{job.peak_memory_mb:.0f} MB",
                f"{of(record) / usual:.1f} ×" if usual > 0 else "",
                f"{job.attempt}",
            ]
        )
    headings = ("line", "stage", "granule", "wall", "CPU", "memory", "of its stage's median", "attempt")
    return table(headings, rows, range(3, 8))


def retries_table(costs: Sequence[Cost], total_s: float) -> str:
    """Return what attempts that ended badly cost, by cause.

    Parameters
    ----------
    total_s : float
        Wall time of the attempts that ended well, s.
    """
    if not costs:
        return "<p>No attempt ended badly.</p>"
    wasted = sum(cost.wall_s for cost in costs)
    rows = [
        [
            escape(cost.cause),
            f"{cost.attempts}",
            f"{cost.overcome}",
            duration(cost.wall_s) if cost.attempts > cost.unknown else "not known",
            duration(cost.core_s) if cost.attempts > cost.unknown else "not known",
            escape(", ".join(sorted(cost.stages))),
        ]
        for cost in costs
    ]
    headings = ("cause", "attempts", "overcome later", "wall lost", "core time lost", "stages")
    share = 100.0 * wasted / (wasted + total_s) if wasted + total_s > 0 else 0.0
    return f"<p>{share:.1f} % of all wall time went into them.</p>" + table(headings, rows, range(1, 5))


def resources_table(usages: Sequence[Usage], requests: Mapping[str, Request]) -> str:
    """Return what rules asked for and used, and the block for a profile that is suggested."""
    rows = [_resources(usage, requests.get(usage.rule)) for usage in usages]
    headings = ("rule", "jobs", "memory asked", "used", "", "suggested", "time asked", "used", "suggested")
    told = (
        f"<p>Used: what {100 * SHARE:.0f} % of the jobs that were done stayed within, memory of all ranks together."
        f" Nothing is suggested from fewer than {LEAST_JOBS} jobs.</p>"
    )
    parts = [told, table(headings, rows, (1, 2, 3, 5, 6, 7, 8))]
    if requests:
        parts.append("<p>For a profile, or by <code>levelworks advise --write PROFILE</code>:</p>")
        parts.append(f"<pre>{escape(merge('', requests))}</pre>")
    return "".join(parts)


def _resources(usage: Usage, request: Request | None) -> list[str]:
    memory, wall = percentile(usage.memory, SHARE), percentile(usage.wall, SHARE)
    share = min(1.0, memory / usage.asked_memory) if usage.asked_memory else None
    return [
        escape(usage.rule),
        f"{usage.jobs}",
        f"{usage.asked_memory:.0f} MB" if usage.asked_memory else "",
        f"{memory:.0f} MB",
        f'<span class="meter" title="{share:.0%}"><i style="width:{share:.0%}"></i></span>'
        if share is not None
        else "",
        f"{request.mem_mb} MB" if request else "",
        f"{usage.asked_runtime:.0f} min" if usage.asked_runtime else "",
        duration(wall),
        f"{request.runtime} min" if request else "",
    ]
