"""How a campaign stands, for a terminal, a pipe or a program."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from levelworks.campaign.standing import Cell, Run, Standing, State
from levelworks.campaign.summary import Count, Pace, count_groups, count_stages, pace_of
from levelworks.core.durations import duration
from levelworks.core.table import format_table, on_terminal

LISTED, GROUPS = 50, 40
"""Flagged jobs, and frames, targets or datasets, that are shown; the number of others is told."""
BAR = 24
"""Characters."""
FLAGGED = (State.FAILED, State.QUARANTINED, State.SKIPPED)
COLUMNS = (
    State.DONE, State.RUNNING, State.QUEUED, State.WAITING, State.SKIPPED, State.QUARANTINED, State.FAILED,
    State.REMOVED,
)  # fmt: skip


def render(standing: Standing, *, terminal: bool | None = None) -> str:
    """Format for people: stages, groups, flagged jobs with their reasons, what is to be said, and the pace.

    Parameters
    ----------
    terminal : bool, optional
        Whether to colour and wrap; whether standard output is a terminal where not given.
    """
    terminal = on_terminal() if terminal is None else terminal
    parts = [_stages(standing, terminal), _groups(standing, terminal), _flagged(standing, terminal)]
    parts += [f"{len(standing.unreadable)} records can't be read:", *standing.unreadable] if standing.unreadable else []
    parts += [f"note: {note}" for note in standing.notes]
    parts += [_total(standing), warned(standing), _run(standing)]
    return "\n\n".join(part for part in parts if part)


def _stages(standing: Standing, terminal: bool) -> str:
    counts = count_stages(standing.cells)
    if not counts:
        return "nothing is known here: no ledger, and no record below the results folder"
    # What is nowhere needs no column: terminals are narrow.
    numbers = {
        name: [of(count) for count in counts.values()]
        for name, of in _NUMBERS.items()
        if name == State.DONE or any(of(count) for count in counts.values())
    }
    headings = ("line", "stage", "jobs", *numbers, "finished", "CPU", "memory")
    rows = [
        [
            *(line, stage, str(count.planned), *(_number(column[row]) for column in numbers.values())),
            *(f"{count.percent:.0f} %", duration(count.cpu_s), f"{count.peak_memory_mb:.0f} MB"),
        ]
        for row, ((line, stage), count) in enumerate(counts.items())
    ]
    return format_table(headings, rows, numbers=range(2, len(headings)), terminal=terminal)


def _in_state(state: State) -> Callable[[Count], int]:
    return lambda count: count.states[state]


_NUMBERS: dict[str, Callable[[Count], int]] = {
    **{state.value: _in_state(state) for state in COLUMNS},
    "retried": lambda count: count.retried,
    "warnings": lambda count: count.warnings,
}


def _number(count: int) -> str:
    return str(count) if count else "·"


def _groups(standing: Standing, terminal: bool) -> str:
    counts = {key: count for key, count in count_groups(standing.cells).items() if key[1]}
    if not counts:
        return ""
    shown = sorted(counts.items(), key=lambda item: (item[1].percent, item[0]))[:GROUPS]
    rows = [
        [
            line,
            group,
            _bar(count.percent),
            f"{count.percent:.0f} %",
            f"{count.finished} of {count.planned}",
            _bad(count),
        ]
        for (line, group), count in shown
    ]
    table = format_table(("line", "granules of", "", "", "jobs", "flagged"), rows, numbers=(3, 4), terminal=terminal)
    return table + (f"\nand {len(counts) - len(shown)} more, all further on" if len(counts) > len(shown) else "")


def _bar(percent: float) -> str:
    full = round(percent / 100 * BAR)
    full = min(full, BAR - 1) if percent < 100 else BAR
    return "█" * full + "░" * (BAR - full)


def _bad(count: Count) -> str:
    return ", ".join(f"{count.states[state]} {state}" for state in FLAGGED if count.states[state])


def _flagged(standing: Standing, terminal: bool) -> str:
    flagged = [cell for state in FLAGGED for cell in standing.cells if cell.state is state]
    if not flagged:
        return ""
    rows = [[cell.state.value, cell.line, cell.stage, cell.granule, why(cell)] for cell in flagged[:LISTED]]
    table = format_table(("outcome", "line", "stage", "granule", "reason"), rows, terminal=terminal)
    return table + (f"\nand {len(flagged) - LISTED} more" if len(flagged) > LISTED else "")


def why(cell: Cell) -> str:
    """Return in one phrase why a job is flagged."""
    if cell.state is State.FAILED:
        return ": ".join(part for part in (cell.cause, cell.message) if part) or "failed"
    return cell.reason


def _total(standing: Standing) -> str:
    cells = standing.cells
    wall, cpu = sum(cell.wall_s for cell in cells), sum(cell.cpu_s for cell in cells)
    peak = max((cell.peak_memory_mb for cell in cells), default=0.0)
    return f"{len(cells)} jobs, {duration(cpu)} CPU, {duration(wall)} wall, peak memory of a job {peak:.0f} MB"


def warned(standing: Standing) -> str:
    """Return in one phrase how many jobs gave warnings, and what shows them; empty where none did."""
    number = sum(cell.warnings > 0 for cell in standing.cells)
    return f"{number} job{'s' * (number > 1)} gave warnings: levelworks failed --warnings shows them" if number else ""


def _run(standing: Standing) -> str:
    if (run := standing.alive) is not None:
        return _going(run, pace_of(standing), standing)
    if standing.runs and (last := standing.runs[-1]).ended is not None:
        return f"no run goes on; the last ended {clock(last.ended)} after {duration(last.ended - last.began)}"
    return ""


def _going(run: Run, pace: Pace, standing: Standing) -> str:
    text = f"a run goes on since {clock(run.began)} (process {run.pid} on {run.host})"
    if pace.jobs_per_minute is not None:
        text += f": {pace.jobs_per_minute:.1f} jobs a minute"
    if pace.seconds_left is not None:
        text += f", expected to end {clock(standing.seen + pace.seconds_left)} (in {duration(pace.seconds_left)})"
    return text


def clock(seconds: float) -> str:
    """Return a time as date and time of day, here."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def as_json(standing: Standing) -> str:
    """Return all but the jobs that went well: counts of stages and groups, flagged jobs, runs, pace, notes."""
    states = Counter(cell.state for cell in standing.cells)
    content: dict[str, Any] = {
        "seen": round(standing.seen, 3),
        "stages": [_counted(count, line=line, stage=stage) for (line, stage), count in _items(count_stages, standing)],
        "groups": [_counted(count, line=line, group=group) for (line, group), count in _items(count_groups, standing)],
        **{state.value: [_cell(cell) for cell in standing.cells if cell.state is state] for state in FLAGGED},
        "total": {
            "jobs": len(standing.cells),
            "states": {state.value: states[state] for state in State},
            "wall_s": round(sum(cell.wall_s for cell in standing.cells), 3),
            "cpu_s": round(sum(cell.cpu_s for cell in standing.cells), 3),
            "peak_memory_mb": max((cell.peak_memory_mb for cell in standing.cells), default=0.0),
        },
        "runs": [asdict(run) for run in standing.runs],
        "pace": asdict(pace_of(standing)),
        "notes": standing.notes,
        "unreadable": standing.unreadable,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _items(count: Any, standing: Standing) -> Sequence[tuple[tuple[str, str], Count]]:
    return list(count(standing.cells).items())


def _counted(count: Count, **names: str) -> dict[str, Any]:
    return {
        **names,
        "jobs": count.planned,
        **{state.value: count.states[state] for state in State},
        "retried": count.retried,
        "warnings": count.warnings,
        "percent": round(count.percent, 2),
        "wall_s": round(count.wall_s, 3),
        "cpu_s": round(count.cpu_s, 3),
        "peak_memory_mb": count.peak_memory_mb,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    names = ("line", "stage", "granule", "product", "attempt", "reason", "cause", "message", "log", "record")
    return {name: getattr(cell, name) for name in names}
