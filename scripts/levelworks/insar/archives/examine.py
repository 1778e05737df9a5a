"""Examining an archive before a campaign: what is to be fetched, and whether a job would get at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from levelworks.core.check import Check, name_some, number_of
from levelworks.core.outcome import LevelworksError
from levelworks.insar.archives.addresses import address_of, shown
from levelworks.insar.archives.archive_options import Archive
from levelworks.insar.archives.credentials import TOKEN, Credentials
from levelworks.insar.archives.wanted import Wanted


def examine_archive(archive: Archive, wanted: Sequence[Wanted]) -> Iterator[Check]:
    """Examine an archive; no service is asked, and no command is run.

    Parameters
    ----------
    wanted : sequence of Wanted
        The products to fetch.
    """
    size = sum(one.row.size for one in wanted)
    unknown = sum(not one.row.size for one in wanted)
    more = f" and {number_of(unknown, 'product')} of unknown size" if unknown and size else ""
    detail = f"{number_of(len(wanted), 'product')} to fetch" + (f", {size / 1e9:.3g} GB{more}" if size else "")
    yield Check("insar: archive", "ok", detail)
    if archive.kind == "folder":
        yield from _examine_files(archive, wanted)
    elif archive.kind == "http":
        yield from _examine_hosts(archive, wanted)
    else:
        yield from _examine_commands(archive)


def _examine_files(archive: Archive, wanted: Sequence[Wanted]) -> Iterator[Check]:
    absent = [address for one in wanted if not Path(address := address_of(one.row, archive)).exists()]
    if absent:
        detail = f"{len(absent)} of {number_of(len(wanted), 'product')} not there: {name_some(absent, 3)}"
        yield Check(
            "insar: archive: files", "warning", detail, "see the catalogue's addresses and insar.archive.address"
        )


def _examine_hosts(archive: Archive, wanted: Sequence[Wanted]) -> Iterator[Check]:
    """Tell which hosts would be shown credentials, never which."""
    name = "insar: archive: credentials"
    for host, address in sorted(
        {urlsplit(found).hostname or "": found for found in _addresses(archive, wanted)}.items()
    ):
        if urlsplit(address).scheme not in ("https", "http"):
            detail = f"{shown(address)} is no address of HTTP"
            yield Check(
                "insar: archive: addresses", "failure", detail, "see insar.archive.kind and insar.archive.address"
            )
            continue
        if archive.token_command:
            yield Check(name, "ok", f"{host}: a token of {archive.token_command[0]}")
            continue
        try:
            there = Credentials([host]).header(address)
        except LevelworksError as error:
            yield Check(name, "failure", str(error))
            continue
        if there:
            yield Check(name, "ok", f"{host}: found")
        else:
            remedy = f"a machine entry in ~/.netrc (of the login service, where it has one) or a token in {TOKEN}"
            yield Check(name, "warning", f"{host}: none", remedy)


def _addresses(archive: Archive, wanted: Sequence[Wanted]) -> Iterator[str]:
    for one in wanted:
        yield address_of(one.row, archive)


def _examine_commands(archive: Archive) -> Iterator[Check]:
    for name in ("status", "request"):
        program = getattr(archive.tape, name)[0]
        if shutil.which(program) is None:
            detail = f"{program} ({name}) is not on this machine's path"
            yield Check("insar: archive: tape", "warning", detail, "jobs need it where they run")
