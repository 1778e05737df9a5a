"""One finding of an examination before a campaign, and the report of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from levelworks.core.outcome import InvalidInput
from levelworks.core.table import format_table, on_terminal

Item = TypeVar("Item")
SAMPLE = 1000
"""Most input files that an examination opens for each set of them."""
NAMED = 10
"""Most files that one finding names."""


@dataclass(frozen=True)
class Check:
    """What was examined, how it stands, what was found, and what a person should do about it."""

    name: str
    verdict: Literal["ok", "warning", "failure"]
    detail: str
    remedy: str = ""


def sample(items: Sequence[Item], size: int = SAMPLE) -> list[Item]:
    """Take all of a few items, or ``size`` of many, evenly spread, the first and the last among them."""
    if len(items) <= size:
        return list(items)
    return [items[i * (len(items) - 1) // (size - 1)] for i in range(size)]


def name_some(lines: Iterable[str], most: int = NAMED) -> str:
    """Join findings to one text; of many name the first and tell the number of the others."""
    lines = list(lines)
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return "; ".join(lines[:most] + more)


def examine_opened(
    title: str, items: Sequence[Item], open_one: Callable[[Item], object], size: int = SAMPLE
) -> Iterator[Check]:
    """Open some input files and yield a warning that names those that can't be used; nothing where all can.

    Parameters
    ----------
    title : str
        Name of the check.
    open_one : callable
        Opens an item; raises InvalidInput or OSError where it can't be used.
    size : int
        Most items opened, evenly spread.
    """
    opened, unusable = sample(items, size), []
    for item in opened:
        try:
            open_one(item)
        except (InvalidInput, OSError) as error:
            unusable.append(str(error))
    if unusable:
        detail = f"{len(unusable)} of {len(opened)} opened can't be used: {name_some(unusable)}"
        yield Check(title, "warning", detail, "fetch them again; they will be quarantined")


def number_of(count: int, what: str) -> str:
    """Say a number of things, e.g. ``1 frame`` or ``3 frames``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def report(checks: Sequence[Check], *, terminal: bool | None = None) -> str:
    """Format checks for people: one row each, with the remedy where there is one, and the count of verdicts.

    Parameters
    ----------
    terminal : bool, optional
        Whether to colour and wrap; whether standard output is a terminal where not given.
    """
    terminal = on_terminal() if terminal is None else terminal
    rows = [(one.verdict, one.name, one.detail, one.remedy) for one in checks]
    if terminal:
        text = format_table(("verdict", "check", "found", "what to do"), rows, terminal=True)
    else:
        lines = format_table(("verdict", "check", "found"), [row[:3] for row in rows]).splitlines()
        remedies = ["", *(f"{'':9}{one.remedy}" if one.remedy else "" for one in checks)]
        text = "\n".join(part for pair in zip(lines, remedies, strict=True) for part in pair if part)
    count = Counter(one.verdict for one in checks)
    faults = f"{number_of(count['warning'], 'warning')}, {number_of(count['failure'], 'failure')}"
    return f"{text}\n\n{count['ok']} ok, {faults}"
