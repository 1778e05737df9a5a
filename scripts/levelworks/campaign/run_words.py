"""What a run of a campaign was told on its command line, as its ledger keeps it."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from levelworks.campaign.ledger import LEDGER, reading

CONFIGURATION = ("--configfile", "--configfiles")
PROFILE = ("--profile", "--workflow-profile")


def last_words(folder: Path) -> list[str]:
    """Return the command line of the last run in a folder; empty without a ledger that can be read."""
    try:
        with reading(folder / LEDGER) as connection:
            row = connection.execute("SELECT words FROM runs ORDER BY run DESC LIMIT 1").fetchone()
    except (OSError, sqlite3.Error):
        return []
    try:
        return shlex.split(row[0] or "") if row else []
    except ValueError:
        return []


def values_of(words: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the values of an option: what follows it up to the next option, or after its equals sign."""
    found: list[str] = []
    taking = False
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            taking = name in names
            if taking and equals:
                found.append(value)
                taking = False
        elif taking:
            found.append(word)
    return found
