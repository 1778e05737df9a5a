"""What listeners in the controller's process are told of jobs: a logger plug-in that keeps a ledger, say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snakemake_executor_plugin_jobarray.causes import Ending


@dataclass(frozen=True)
class Announcement:
    """What happened to a job.

    Attributes
    ----------
    job : Any
        Snakemake's job.
    what : str
        ``submitted``, ``began`` or ``ended badly``; that a job ended well Snakemake says itself.
    attempt : int
    external : str
        The scheduler's id of the array and the index of the element, ``101[3]``.
    host : str
        Node, as far as it is known.
    ending : Ending or None
        Of a bad end.
    memory, runtime : float or None
        What the attempt asked for, MB and minutes.
    log : str
        What the array element's worker printed.
    """

    job: Any
    what: str
    attempt: int
    external: str = ""
    host: str = ""
    ending: Ending | None = None
    memory: float | None = None
    runtime: float | None = None
    log: str = ""


listeners: list[Callable[[Announcement], None]] = []
"""Called from the controller's thread: they must return at once."""


def announce(announcement: Announcement) -> None:
    """Tell all listeners."""
    for listener in listeners:
        listener(announcement)
