"""Keeps the page of a campaign fresh while its run goes on, from a thread of the controller."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from levelworks.campaign.page import Page
from levelworks.campaign.watching import Watch

SHORTEST, LONGEST = 2.0, 300.0
"""Seconds between two refreshes."""
CPU_SHARE, WALL_SHARE = 0.02, 0.1
"""Of the time that refreshes may take: of a processor, and of waiting for a slow file system."""
WAIT = 60.0
"""Seconds that the end of a run waits for its last page."""


class PageKeeper:
    """Writes a page again and again, so seldom that it costs the controller little.

    A thread will do, as a refresh asks the ledger only for what changed: records on disk are read at the beginning
    and at the end of a run.

    Parameters
    ----------
    folder, results : Path
        Working folder of the campaign and folder of its products.
    complain : callable
        Takes a message for people, once.
    """

    def __init__(self, folder: Path, results: Path, complain: Callable[[str], None] = lambda _message: None) -> None:
        self._watch = Watch(folder, results)
        self._page = Page(folder, results)
        self._complain = complain
        self._complained = False
        self._shown = False
        self._pause = SHORTEST
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="page", daemon=True)

    def start(self) -> None:
        """Begin to write, from a thread."""
        self._thread.start()

    def close(self) -> None:
        """Write it for the last time, as the records on disk say."""
        self._closing.set()
        self._thread.join(WAIT)

    def refresh(self, *, whole: bool = False) -> float:
        """Write what is new and return the seconds to wait until the next time.

        Parameters
        ----------
        whole : bool
            Read the records on disk too, and say that nobody will write it again.
        """
        cpu, wall = time.thread_time(), time.perf_counter()
        first = not self._shown
        standing = None if whole or first else self._watch.follow()
        if standing is None:
            standing = self._watch.read()
            self._page.show(standing)
            self._shown = True
        else:
            self._page.change(standing.cells)
        self._page.write(standing, None if whole else self._pause)
        if not first:  # the first costs most, and only once
            cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
            self._pause = min(LONGEST, max(SHORTEST, cpu / CPU_SHARE, wall / WALL_SHARE))
        return self._pause

    def _keep(self) -> None:
        while not self._closing.wait(self._pause):
            self._try()
        self._try(whole=True)

    def _try(self, *, whole: bool = False) -> None:
        try:
            self.refresh(whole=whole)
        except OSError as error:
            if not self._complained:
                self._complain(f"{self._page.path} can't be written ({error}); it is tried again, the campaign goes on")
                self._complained = True
