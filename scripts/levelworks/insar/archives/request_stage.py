"""The stage `request-products`: a batch of a frame's products asked for from tape at once."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from levelworks.core.outcome import Outcome, TransientError
from levelworks.insar.archives.archive_files import find_row, read_archive
from levelworks.insar.archives.archive_options import RequestProducts, State
from levelworks.insar.archives.catalogue import read_catalogue
from levelworks.insar.archives.request_table import read_requests, write_requests
from levelworks.insar.archives.tape_library import TapeFile, TapeLibrary, tape_file
from levelworks.insar.archives.tickets import PENDING, Ticket


def request_products(
    catalogue: Path, archive: Path, standing: Path | None, *, requests: Path, options: RequestProducts
) -> Outcome:
    """Ask for those products of a batch that are neither online nor asked for.

    Parameters
    ----------
    catalogue : Path
        See `catalogue.read_catalogue`.
    archive : Path
        JSON or YAML of `archive_options.Archive`.
    standing : Path or None
        The table of earlier runs: what it says was asked for is left to the job that fetches it.
    requests : Path
        Table of `request_table`.

    Raises
    ------
    TransientError
        Where the request fails, or no state can be had.
    InvalidReference, InvalidOptions
        Where the catalogue lacks a product, or a command can't be run.
    """
    section = read_archive(archive)
    library = TapeLibrary(section)
    rows = read_catalogue(catalogue)
    known = read_requests(standing)
    found = {identifier: ticket for identifier, ticket in known.items() if ticket.requests}
    new = [
        tape_file(find_row(rows, identifier, catalogue), section)
        for identifier in options.ids
        if identifier not in found
    ]
    states, troubles = _states(library, new)
    wanted = [file for file in new if states.get(file.id) in PENDING]
    if wanted:
        library.request(wanted, options.label)
    now = time.time()
    for identifier, state in states.items():
        found[identifier] = Ticket(1, now, state) if state in PENDING else Ticket(state=state)
    write_requests(requests, found)
    quality = {"label": options.label, "products": len(options.ids), "requested": len(wanted)}
    return Outcome(quality=quality | dict(sorted(Counter(states.values()).items())), warnings=tuple(troubles))


def _states(library: TapeLibrary, files: list[TapeFile]) -> tuple[dict[str, State], list[str]]:
    """Return the states of files, and a sentence each about those whose state can't be had: they hold up no other.

    Raises
    ------
    TransientError
        Where that is so of all.
    """
    states: dict[str, State] = {}
    troubles = []
    for file in files:
        try:
            states[file.id] = library.state(file)
        except TransientError as error:
            troubles.append(f"left {file.id} to the job that fetches it: {error}")
    if troubles and not states:
        raise TransientError(troubles[0])
    return states, troubles
