"""What the page shows of one job, written shortly: what is empty or follows from names is left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from levelworks.campaign.failures import Attempt, log_tail
from levelworks.campaign.outcomes import SUFFIX
from levelworks.campaign.planned import LOGS
from levelworks.campaign.standing import Cell, State

PICTURES = (".png", ".jpg", ".jpeg")
SHOWN_PICTURES = 24
"""Of one job."""
PLOTS = "plot"
"""How the names of stages begin whose products are folders of pictures."""
TAILED = frozenset({State.FAILED, State.QUARANTINED, State.SKIPPED})
"""States whose page shows the end of the log."""
TAIL = 30
"""Lines of it."""
TAIL_LETTERS = 4000
NAMES = {
    "reason": "reason",
    "warnings": "warnings",
    "attempt": "attempt",
    "cause": "cause",
    "message": "message",
    "wall_s": "wall",
    "cpu_s": "cpu",
    "peak_memory_mb": "memory",
    "mem_mb": "asked_memory",
    "runtime": "asked_minutes",
    "threads": "threads",
    "host": "host",
    "external": "external",
    "queued": "queued",
    "began": "began",
    "ended": "ended",
}
TIMES = frozenset({"queued", "began", "ended"})


def detail(cell: Cell, attempts: Sequence[Attempt], folder: Path) -> dict[str, Any]:
    """Return what is to be shown of a job that was begun.

    Parameters
    ----------
    attempts : sequence of Attempt
        Those that ended badly.
    folder : Path
        Working folder of the campaign; paths are written relative to it.
    """
    found: dict[str, Any] = {"product": _below(cell.product, folder)}
    for name, short in NAMES.items():
        if value := getattr(cell, name):
            found[short] = round(value, 1) if name in TIMES else value
    if cell.record:
        found["record"] = 1 if cell.record == cell.product + SUFFIX else _below(cell.record, folder)
    if cell.log:
        usual = f"{LOGS}/{cell.line}/{cell.stage}/{cell.granule}.log"
        found["log"] = 1 if cell.log == usual else _below(cell.log, folder)
    if cell.state in TAILED and (lines := log_tail(folder, cell.log, TAIL)):
        found["tail"] = "\n".join(lines)[-TAIL_LETTERS:]
    if attempts:
        found["attempts"] = [_attempt(one) for one in attempts]
    return found


def _attempt(attempt: Attempt) -> list[Any]:
    return [
        attempt.attempt,
        attempt.cause,
        attempt.detail,
        attempt.host,
        attempt.external,
        attempt.mem_mb,
        attempt.runtime,
        attempt.peak_memory_mb,
        attempt.wall_s,
    ]


def pictures(cells: Iterable[Cell], folder: Path) -> list[tuple[str, str]]:
    """Return the pictures that jobs have drawn: stage and path of each."""
    return [(cell.stage, _below(path, folder)) for cell in cells for path in _pictures(cell, folder)]


def _pictures(cell: Cell, folder: Path) -> list[str]:
    found: list[str] = []
    for product in (cell.products or cell.product).split("\n"):
        path = product.removesuffix(SUFFIX)  # of a folder or an updated file the rule's product is the record
        if path.lower().endswith(PICTURES):
            found.append(path)
        elif cell.stage.startswith(PLOTS) and path != product:
            found.extend(_listed(path, folder))
    return found[:SHOWN_PICTURES]


def _listed(path: str, folder: Path) -> list[str]:
    try:
        names = sorted(os.listdir(folder / path))
    except OSError:
        return []
    return [f"{path}/{name}" for name in names if name.lower().endswith(PICTURES) and not name.startswith(".")]


def _below(path: str, folder: Path) -> str:
    return os.path.relpath(path, folder.absolute()) if path.startswith("/") else path
