"""The table of a batch of requests: which products were asked for when, and in which state they were."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from levelworks.insar.archives.archive_options import State
from levelworks.insar.archives.tickets import Ticket

COLUMNS = ("id", "state", "requested")


def read_requests(path: Path | None) -> dict[str, Ticket]:
    """Return the products of a table; none where there is no such file, or it is no table."""
    if path is None or not path.is_file():
        return {}
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return {}
    return {
        row["id"]: Ticket(1, datetime.fromisoformat(row["requested"]).timestamp(), cast("State", row["state"]))
        if row["requested"]
        else Ticket(state=cast("State", row["state"]))
        for row in rows
    }


def write_requests(path: Path, found: Mapping[str, Ticket]) -> None:
    """Write a table, in the order of ids."""
    lines = ["\t".join(COLUMNS)]
    for identifier, ticket in sorted(found.items()):
        when = datetime.fromtimestamp(ticket.last, UTC).isoformat() if ticket.requests else ""
        lines.append(f"{identifier}\t{ticket.state}\t{when}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
