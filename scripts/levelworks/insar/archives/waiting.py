"""Patience: how long a job waits for a service, in all, before a later one goes on."""

from __future__ import annotations

import logging
import time

from levelworks.core.outcome import TransientError

log = logging.getLogger("levelworks")

LONGEST_PAUSE = 300.0
"""s"""


class Patience:
    """Waiting that adds up over a job.

    Parameters
    ----------
    seconds : float
        In all.
    pause : float
        First pause, s; those after vain attempts double.
    """

    def __init__(self, seconds: float, pause: float) -> None:
        self.seconds = seconds
        self.left = seconds
        self.pause = pause

    def wait(self, asked: float | None, vain: int, why: str) -> None:
        """Wait for as long as the service asks, or a pause that grows with the number of vain attempts.

        Raises
        ------
        TransientError
            Where that is longer than what is left; ``why`` is said.
        """
        pause = min(self.pause * 2.0 ** max(vain - 1, 0), max(LONGEST_PAUSE, self.pause))
        if asked is not None:
            pause = max(asked, self.pause)
        if pause > self.left:
            wish = f"it asks to be left alone for {asked:g} s" if asked else f"{self.seconds:g} s of patience are over"
            raise TransientError(f"{why}; {wish}: ask again later")
        log.info("waiting for %g s", pause)
        time.sleep(pause)
        self.left -= pause
