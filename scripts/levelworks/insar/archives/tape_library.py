"""A tape library through the commands of a site: what state a file is in, asking for files, waiting for one."""

from __future__ import annotations

import logging
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from levelworks.core.outcome import InvalidInput, InvalidOptions, TransientError
from levelworks.insar.archives.addresses import address_of, filled
from levelworks.insar.archives.archive_options import Archive, State
from levelworks.insar.archives.catalogue import CatalogueRow
from levelworks.insar.archives.tickets import Ticket, read_ticket, write_ticket
from levelworks.insar.archives.waiting import Patience

log = logging.getLogger("levelworks")

MOST_REQUESTS = 2
"""Requests of a product after whose failures the tape is believed."""


@dataclass(frozen=True)
class TapeFile:
    """A product on tape: its name there, and where it stands once it is online."""

    id: str
    address: str
    place: str


def tape_file(row: CatalogueRow, archive: Archive) -> TapeFile:
    """Return how the library knows a product."""
    address = address_of(row, archive)
    return TapeFile(row.id, address, address if archive.tape.place is None else filled(archive.tape.place, row))


class TapeLibrary:
    """The commands of `archive_options.Tape`."""

    def __init__(self, archive: Archive) -> None:
        self.options = archive.tape
        self.timeout = archive.timeout
        for name in ("status", "request"):
            if not getattr(self.options, name):
                raise InvalidOptions(f"config: insar.archive.tape.{name}: is required where kind is tape")

    def state(self, file: TapeFile) -> State:
        """Ask for the state of a file.

        Raises
        ------
        TransientError
            Where the command fails.
        InvalidOptions
            Where it can't be run, or prints a word that means nothing here.
        """
        said = self._run("status", {"address": file.address, "place": file.place, "id": file.id})
        word = (said.split() or [""])[0]
        known = {state: state for state in get_args(State)} | self.options.states
        if word not in known:
            raise InvalidOptions(
                f"archive.tape.status printed {word!r} for {file.id}: say in archive.tape.states whether that is "
                f"{', '.join(get_args(State))}"
            )
        return cast("State", known[word])

    def request(self, files: Sequence[TapeFile], label: str) -> None:
        """Ask for files: at once where the command takes a list, else one by one."""
        if any("{list}" in word for word in self.options.request):
            with tempfile.TemporaryDirectory() as folder:
                listing = Path(folder, "files.txt")
                listing.write_text("".join(f"{file.address}\n" for file in files), encoding="utf-8")
                first = files[0]
                values = {"address": first.address, "place": first.place, "id": first.id}
                self._run("request", values | {"label": label, "list": str(listing)})
            return
        for file in files:
            self._run("request", {"address": file.address, "place": file.place, "id": file.id, "label": label})

    def _run(self, name: str, values: dict[str, str]) -> str:
        values = {"label": "", "list": ""} | values
        words = [word.format(**values) for word in getattr(self.options, name)]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=self.timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise TransientError(f"{words[0]} ({name} of tape) has not ended for {self.timeout:g} s") from None
        except OSError as error:
            raise InvalidOptions(f"archive.tape.{name}: {words[0]} can't be run ({error.strerror})") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise TransientError(f"{words[0]} ({name} of tape) ended with {done.returncode}: {last}")
        return done.stdout


def wait_until_online(
    file: TapeFile, library: TapeLibrary, patience: Patience, ticket_path: Path, batch: Ticket
) -> Path:
    """Wait until a file is online, having asked for it where nobody has; return where it stands.

    Parameters
    ----------
    ticket_path : Path
        Where this product's own requests are written down.
    batch : Ticket
        The request of its batch; one without requests where there was none.

    Raises
    ------
    TransientError
        Where it is not online yet when patience ends.
    InvalidInput
        Where the library has failed it `MOST_REQUESTS` times.
    """
    own = read_ticket(ticket_path)
    ticket = own if own.requests else batch
    while True:
        state = library.state(file)
        place = Path(file.place)
        if state == "online" and place.exists():
            ticket_path.unlink(missing_ok=True)
            return place
        ticket = ticket.seen(state)
        if ticket.needs_request(state, library.options.ask_again * 3600.0, time.time()):
            if state == "failed" and ticket.requests >= MOST_REQUESTS:
                ticket_path.unlink(missing_ok=True)
                raise InvalidInput(f"{file.id}: the tape library failed it {ticket.requests} times")
            library.request([file], file.id)
            ticket = ticket.asked(state)
            log.info("%s was %s: asked for, for the %d. time", file.id, state, ticket.requests)
        if ticket.requests:
            write_ticket(ticket_path, ticket)
        since = f"asked for at {ticket.since}" if ticket.requests else "asked for by others"
        there = f", but {file.place} is not there" if state == "online" else ""
        patience.wait(None, 0, f"{file.id} on tape is {state}{there}, {since}")
