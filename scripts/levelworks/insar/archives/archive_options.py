"""Options of archives: where products are fetched from, and how."""

from __future__ import annotations

import datetime as dt
import string
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import field_validator

from levelworks.core.options import Options, option

FIELDS = ("address", "path", "id", "mission", "date", "year", "month", "day")
"""What stands in braces in the address of a product."""
State: TypeAlias = Literal["online", "queued", "offline", "failed", "expired"]
"""Of a file on tape; offline: not asked for, expired: no longer online."""


WORDS = ("address", "place", "id", "label", "list")
"""What stands in braces in the words of a tape library's commands."""


def _checked(pattern: str | None, fields: tuple[str, ...]) -> str | None:
    """Return a pattern whose braces hold known names."""
    if pattern is None:
        return None
    try:
        named = {field for _, field, _, _ in string.Formatter().parse(pattern) if field is not None}
    except ValueError as error:
        raise ValueError(f"braces do not match ({error})") from None
    unknown = sorted(named - set(fields))
    if unknown:
        raise ValueError(f"{{{unknown[0]}}} is none of {', '.join(fields)}")
    return pattern


class Tape(Options):
    """The commands of a tape library, lists of words; {address}, {place}, {id}, {label}, {list} stand for values."""

    status: list[str] = option([], "prints the state of {address} as its first word")
    request: list[str] = option(
        [], "asks for the files that {list} names, a line each, under {label}; or, without {list}, for {address}"
    )
    states: dict[str, State] = option({}, "what the words mean that status prints, where it prints others than these")
    place: str | None = option(
        None, "where a file that is online stands, with the fields of archive.address; null takes its address"
    )
    batch: Literal["month", "none"] = option("month", "what is asked for at once: a frame's month, or each product")
    ask_again: float = option(
        24.0, "after which an unanswered request is made again", unit="h", gt=0, alias="ask-again"
    )

    @field_validator("place")
    @classmethod
    def _check_place(cls, value: str | None) -> str | None:
        return _checked(value, FIELDS)

    @field_validator("status", "request")
    @classmethod
    def _check_command(cls, value: list[str]) -> list[str]:
        return [_checked(word, WORDS) or "" for word in value]


class Archive(Options):
    """Where products of a catalogue are fetched from that are not among insar.products."""

    catalogue: Path | None = option(
        None, "what the archive has: a table (.tsv), results of ASF's search (GeoJSON) or of CDSE's OData (JSON), or a "
        "folder of them; null fetches nothing",
    )  # fmt: skip
    kind: Literal["folder", "http", "tape"] = option("folder", "how products are reached")
    address: str | None = option(
        None, "of a product, with {address}, {path}, {id}, {mission}, {date}, {year}, {month}, {day}; null takes the "
        "catalogue's",
    )  # fmt: skip
    first: dt.date | None = option(None, "earliest day to fetch")
    last: dt.date | None = option(None, "latest day to fetch")
    overlap: float = option(
        0.3, "share of a burst of a frame that a product's footprint must cover to be fetched", gt=0, le=1
    )
    link: bool = option(False, "link to the files of a folder or of tape instead of copying them")
    local: bool = option(False, "fetch in jobs of the machine that runs Snakemake, where nodes have no network")
    patience: float = option(600.0, "that a job waits for a busy service or for tape before it leaves", unit="s", ge=0)
    pause: float = option(30.0, "between two questions to a service", unit="s", gt=0)
    timeout: float = option(120.0, "without an answer after which a connection is given up", unit="s", gt=0)
    token_hosts: list[str] = option(
        [], "hosts that get the token beside that of the address, when it redirects to them", alias="token-hosts"
    )
    token_command: list[str] = option(
        [], "prints a token, for those that last minutes; [] takes LEVELWORKS_ARCHIVE_TOKEN", alias="token-command"
    )
    tape: Tape = option(Tape(), "commands of a tape library")

    @field_validator("address")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        return _checked(value, FIELDS)


class CheckFetched(Options):
    """How a product that was fetched is checked."""

    checksum: Literal["archive", "members"] = option(
        "archive",
        "the catalogue's, or, where it has none, of the manifest's files; members: always those (archive packs anew)",
    )


class FetchProduct(CheckFetched):
    """A product of a catalogue to a file, checked."""

    id: str = option("", "of the product")


class RequestProducts(Options):
    """A batch of products asked for from tape."""

    ids: list[str] = option([], "of the products")
    label: str = option("", "of the request")
