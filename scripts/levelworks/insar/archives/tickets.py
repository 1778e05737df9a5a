"""When a product was asked for from tape, as a file beside it: a job asks once, whatever becomes of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from levelworks.core.atomic import write_text
from levelworks.insar.archives.archive_options import State

PENDING = ("offline", "failed", "expired")
"""States in which a file has to be asked for."""


@dataclass(frozen=True)
class Ticket:
    """The requests of a product.

    Parameters
    ----------
    requests : int
    last : float
        Time of the last one, s since 1970.
    state : str
        The product's at that time.
    moved : bool
        Whether it has had another since: the library has taken the request up.
    """

    requests: int = 0
    last: float = 0.0
    state: State = "offline"
    moved: bool = False

    @property
    def since(self) -> str:
        """Return the time of the last request (UTC)."""
        return datetime.fromtimestamp(self.last, UTC).isoformat(timespec="seconds")

    def needs_request(self, state: State, again_s: float, now: float) -> bool:
        """Tell whether a product in a state is to be asked for: not while the library may still take a request up."""
        if state not in PENDING:
            return False
        waits = self.requests > 0 and state == self.state and not self.moved and now - self.last < again_s
        return not waits

    def seen(self, state: State) -> Ticket:
        """Return the ticket after a look at the state."""
        if self.requests == 0 or state == self.state:
            return self
        return Ticket(self.requests, self.last, self.state, moved=True)

    def asked(self, state: State) -> Ticket:
        """Return the ticket after a request of a product that is in a state."""
        return Ticket(self.requests + 1, time.time(), state)


def read_ticket(path: Path) -> Ticket:
    """Read a ticket; one without requests where there is none."""
    try:
        return Ticket(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Ticket()


def write_ticket(path: Path, ticket: Ticket) -> None:
    """Write a ticket."""
    write_text(path, json.dumps(asdict(ticket)) + "\n")
