"""Downloading a file over HTTP: resumed where it was interrupted, patient with a busy service."""

from __future__ import annotations

import http.client
import logging
import re
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from levelworks.core.outcome import InvalidInput, InvalidReference, TransientError
from levelworks.insar.archives.addresses import shown
from levelworks.insar.archives.http_client import Client, ServiceBusy
from levelworks.insar.archives.partial import Partial
from levelworks.insar.archives.waiting import Patience

log = logging.getLogger("levelworks")

CHUNK = 1 << 20
FRUITLESS = 5
"""Attempts in a row that bring no byte after which a download is left to a later job."""
LOST = (http.client.HTTPException, OSError)


@dataclass
class Transfer:
    """What a download took.

    Parameters
    ----------
    size : int
        Bytes of the whole file.
    resumed : int
        Of them those that an earlier attempt had brought.
    requests : int
    """

    size: int = 0
    resumed: int = 0
    requests: int = field(default=0)


def download(
    address: str, partial: Partial, client: Client, patience: Patience, *, size: int = 0, certain: bool = False
) -> Transfer:
    """Bring a file to where its partial stands.

    What an interrupted attempt left is gone on with where the service says that it is still the same file (``ETag`` or
    ``Last-Modified``, by ``If-Range``), or where a checksum will tell in the end. With one, a part that has all bytes
    is taken without asking.

    Parameters
    ----------
    size : int
        Bytes that the file should have; 0 where unknown.
    certain : bool
        Whether the file's checksum is known.

    Raises
    ------
    TransientError
        Where the service is busy, or loses the connection, for longer than patience has.
    InvalidReference, InvalidInput
        Of `Client.open`; the former also where a page comes instead of a file, the latter where the size is another.
    """
    done, fruitless = Transfer(), 0
    done.resumed = partial.size
    if certain and 0 < size == partial.size and partial.validator(shown(address)) is not None:
        done.size = size
        return done
    while True:
        before = partial.size
        try:
            done.requests += 1
            whole, began = _attempt(address, partial, client, size, certain=certain)
            if began == 0:
                done.resumed = 0
            if whole >= 0 and partial.size == whole:
                done.size = whole
                return done
            length = f"{whole} bytes" if whole >= 0 else "an unknown number of bytes"
            problem = ServiceBusy(f"{shown(address)}: the connection was lost at {partial.size} of {length}")
        except ServiceBusy as error:
            problem = error
            done.resumed = min(done.resumed, partial.size)
        fruitless = 0 if partial.size > before else fruitless + 1
        if fruitless >= FRUITLESS and problem.wait is None:
            raise TransientError(f"{problem}; {FRUITLESS} attempts brought nothing, a later job goes on from there")
        log.info("%s", problem)
        patience.wait(problem.wait, fruitless, str(problem))


def _attempt(address: str, partial: Partial, client: Client, size: int, *, certain: bool) -> tuple[int, int]:
    """Ask for what is missing and append it; return the size of the whole file and where this attempt began."""
    here = partial.size
    validator = partial.validator(shown(address))
    if here and (validator is None or not (validator or certain) or 0 < size < here):
        partial.discard()
        here = 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "levelworks"}
    if here:
        headers["Range"] = f"bytes={here}-"
        if validator:
            headers["If-Range"] = validator
    with closing(client.open(address, headers)) as answer:
        if answer.status == 416:
            whole = _total(answer.headers.get("Content-Range", ""))
            if whole == here:
                return whole, here
            partial.discard()
            raise ServiceBusy(f"{shown(address)}: what was there of it is no part of it: from its beginning")
        if answer.status == 206:
            begins = _begins(answer.headers.get("Content-Range", ""))
            if begins != here:
                partial.discard()
                raise ServiceBusy(f"{shown(address)}: {begins} came instead of byte {here}: from its beginning")
            whole = _total(answer.headers.get("Content-Range", ""))
            if whole < 0:
                whole = here + _length(answer) if _length(answer) >= 0 else size or -1
        else:
            _refuse_page(answer, address)
            here = 0
            partial.begin(shown(address), _validator(answer))
            whole = _length(answer) if _length(answer) >= 0 else size or -1
        if 0 <= whole != size > 0:
            partial.discard()
            raise InvalidInput(
                f"{shown(address)} has {whole} bytes, the catalogue {size}: another file, or packed anew"
            )
        ended = _append(answer, partial, whole)
    if whole < 0 and ended:
        whole = partial.size  # the service told no length: the end of its answer is the file's
    return whole, here


def _append(answer: Any, partial: Partial, whole: int) -> bool:
    """Append the body; tell whether it ended by itself."""
    with partial.path.open("ab") as file:
        while not 0 <= whole < file.tell():
            try:
                piece = answer.read(CHUNK)
            except LOST:
                return False
            if not piece:
                break
            file.write(piece)
    if 0 <= whole < partial.size:
        partial.discard()
        raise ServiceBusy("more bytes came than the file has: from its beginning")
    return True


def _refuse_page(answer: Any, address: str) -> None:
    kind = answer.headers.get_content_type() if answer.headers.get("Content-Type") else ""
    if kind in ("text/html", "application/xhtml+xml"):
        raise InvalidReference(
            f"{shown(address)}: a page came instead of a file (a login?): see the credentials in ~/.netrc or the token"
        )


def _length(answer: Any) -> int:
    value = answer.headers.get("Content-Length", "")
    return int(value) if value.isdecimal() else -1


def _validator(answer: Any) -> str:
    """Return what tells one version of a file from another; weak tags tell nothing of bytes (RFC 9110, 13.1.5)."""
    tag: str = answer.headers.get("ETag", "")
    if tag:
        return "" if tag.startswith("W/") else tag
    return str(answer.headers.get("Last-Modified", ""))


def _begins(value: str) -> int:
    found = re.fullmatch(r"bytes (\d+)-\d+/(?:\d+|\*)", value.strip())
    return int(found[1]) if found else -1


def _total(value: str) -> int:
    found = re.fullmatch(r"bytes (?:\d+-\d+|\*)/(\d+)", value.strip())
    return int(found[1]) if found else -1
