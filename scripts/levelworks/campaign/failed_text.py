"""Failures for a terminal, a pipe or a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from levelworks.campaign.failures import Attempt, Failure
from levelworks.campaign.reruns import Rerun
from levelworks.core.durations import duration

EXAMPLES = 5
"""Jobs of one cause that are shown whole; of the others the granules alone, unless all are asked for."""


def render_failures(failures: Sequence[Failure], command: str, *, everything: bool = False) -> str:
    """Format failures for people: by cause, each with attempts, resources and the end of its log, then the command."""
    if not failures:
        return "nothing failed, nothing is quarantined"
    parts = []
    for cause, group in groupby(failures, key=lambda one: one.cause):
        jobs = list(group)
        parts.append(f"{len(jobs)} job{'s' * (len(jobs) > 1)}: {cause}")
        whole = jobs if everything else jobs[:EXAMPLES]
        parts += [_job(failure) for failure in whole]
        if rest := jobs[len(whole) :]:
            names = ", ".join(failure.cell.granule for failure in rest[:EXAMPLES])
            parts.append(f"  and {len(rest)} more: {names}{', …' * (len(rest) > EXAMPLES)} (--all shows them)")
    return "\n\n".join([*parts, f"to run just these again: {command}"])


def _job(failure: Failure) -> str:
    cell = failure.cell
    lines = [f"  {cell.line} {cell.stage} {cell.granule}", f"    product  {cell.product}"]
    if failure.reason:
        lines.append(f"    reason   {failure.reason}")
    lines += [f"    attempt  {_attempt(one)}" for one in failure.attempts]
    if not failure.attempts and cell.peak_memory_mb:
        lines.append(f"    used     {cell.peak_memory_mb:.0f} MB, {duration(cell.wall_s)}")
    if cell.log:
        lines.append(f"    log      {cell.log}")
        lines += [f"      | {line}" for line in failure.tail]
    return "\n".join(lines)


def _attempt(one: Attempt) -> str:
    asked = [
        f"{one.mem_mb:.0f} MB" if one.mem_mb else "",
        f"{one.runtime:.0f} min" if one.runtime else "",
    ]
    used = [
        f"{one.peak_memory_mb:.0f} MB" if one.peak_memory_mb else "",
        duration(one.wall_s) if one.wall_s is not None else "",
    ]
    what = f"{one.attempt}: {one.cause}{': ' + ' '.join(one.detail.split()) if one.detail else ''}"
    figures = "".join(
        f"; {word} {', '.join(part for part in parts if part)}"
        for word, parts in (("asked", asked), ("used", used))
        if any(parts)
    )
    where = " ".join(part for part in (one.host and f"on {one.host}", one.external and f"({one.external})") if part)
    return f"{what}{figures}{'; ' + where if where else ''}"


def failures_json(failures: Sequence[Failure], again: Sequence[Rerun]) -> str:
    """Return failures, and the commands that run them again with the folders that they are for, as JSON."""
    content = {
        "failures": [
            {
                "cause": failure.cause,
                "state": failure.cell.state.value,
                **{name: getattr(failure.cell, name) for name in ("line", "stage", "granule", "product", "log")},
                "reason": failure.reason,
                "attempts": [asdict(one) for one in failure.attempts],
                "tail": failure.tail,
            }
            for failure in failures
        ],
        "reruns": [{"words": one.plain(), "folder": str(one.folder)} for one in again],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
