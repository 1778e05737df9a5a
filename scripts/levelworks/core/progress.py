"""A sign of life while long work runs: a bar on a terminal, a counted line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

log = logging.getLogger("levelworks")

Item = TypeVar("Item")


def track(items: Iterable[Item], total: int, label: str, *, every: float = 10.0) -> Iterator[Item]:
    """Yield items and show how many are done.

    Parameters
    ----------
    every : float
        Seconds between two lines where standard error is no terminal.
    """
    if sys.stderr.isatty():
        yield from _bar(items, total, label)
        return
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - last >= every:
            last = time.monotonic()
            log.info("%s: %d of %d", label, done, total)


def _bar(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(items, total=total, description=label)
