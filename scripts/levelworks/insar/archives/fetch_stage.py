"""The stage `fetch-product`: a product of an archive to a file, checked."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import urlsplit

from levelworks.core.lock import exclusive
from levelworks.core.outcome import InvalidInput, Outcome
from levelworks.core.record import described_product
from levelworks.insar.archives.addresses import address_of, shown
from levelworks.insar.archives.archive_files import find_row, read_archive
from levelworks.insar.archives.archive_options import Archive, FetchProduct
from levelworks.insar.archives.catalogue import CatalogueRow, read_catalogue
from levelworks.insar.archives.credentials import Credentials
from levelworks.insar.archives.download import download
from levelworks.insar.archives.folder_copy import bring
from levelworks.insar.archives.http_client import Client
from levelworks.insar.archives.partial import Partial
from levelworks.insar.archives.request_table import read_requests
from levelworks.insar.archives.tape_library import TapeLibrary, tape_file, wait_until_online
from levelworks.insar.archives.tickets import Ticket
from levelworks.insar.archives.verify import DamagedFile, verify
from levelworks.insar.archives.waiting import Patience

log = logging.getLogger("levelworks")


def fetch_product(
    catalogue: Path, archive: Path, requests: Path | None, *, product: Path, options: FetchProduct
) -> Outcome:
    """Fetch a product and check it.

    What an interrupted attempt has brought stays beside the product, and is gone on with; one attempt works at a time.

    Parameters
    ----------
    catalogue : Path
        See `catalogue.read_catalogue`.
    archive : Path
        JSON or YAML of `archive_options.Archive`.
    requests : Path or None
        Record of the table of `request-products`, of products that were asked for in a batch.
    product : Path
        A zip of one SAFE product.

    Raises
    ------
    TransientError
        Where a service is busy, or tape has not brought the file up yet: a later job goes on from there.
    InvalidReference, InvalidOptions
        Where the catalogue lacks the product, credentials are wrong, or a command can't be run.
    InvalidInput
        Where the archive has no such file, or one that is damaged or another.
    """
    section = read_archive(archive)
    row = find_row(read_catalogue(catalogue), options.id, catalogue)
    partial = Partial.beside(product, row.id)
    members = options.checksum == "members"
    with exclusive([product.with_name(f"{row.id}.zip")]):
        if section.kind == "http":
            facts = _from_service(row, section, partial, members=members)
        else:
            facts = _from_files(row, section, partial, requests, members=members)
        partial.becomes(product)
    return Outcome(quality={"state": "done", "kind": section.kind} | facts)


def _from_service(row: CatalogueRow, archive: Archive, partial: Partial, *, members: bool) -> dict[str, object]:
    address = address_of(row, archive)
    hosts = [(urlsplit(address).hostname or "").lower(), *map(str.lower, archive.token_hosts)]
    client = Client(Credentials(hosts, archive.token_command, archive.timeout), archive.timeout)
    patience = Patience(archive.patience, archive.pause)
    size, certain = (0, False) if members else (row.size, bool(row.checksum))

    def attempt() -> dict[str, object]:
        transfer = download(address, partial, client, patience, size=size, certain=certain)
        facts = {"source": shown(address), "resumed_bytes": transfer.resumed, "requests": transfer.requests}
        return facts | _verified(partial, row, members=members)

    try:
        return attempt()
    except DamagedFile as error:
        log.warning("%s: once more, from its beginning", error)
    try:
        return attempt()
    except DamagedFile as error:
        raise InvalidInput(
            f"{error}; it came twice from {shown(address)}: the archive's copy is damaged, or packed anew "
            "(fetch-product.checksum: members)"
        ) from None


def _from_files(
    row: CatalogueRow, archive: Archive, partial: Partial, requests: Path | None, *, members: bool
) -> dict[str, object]:
    if archive.kind == "tape":
        batch = read_requests(None if requests is None else described_product(requests)).get(row.id, Ticket())
        patience = Patience(archive.patience, archive.pause)
        source = wait_until_online(tape_file(row, archive), TapeLibrary(archive), patience, partial.ticket, batch)
    else:
        source = Path(address_of(row, archive))
    packed = bring(source, partial, link=archive.link)
    facts: dict[str, object] = {"source": str(source), "packed": packed}
    try:
        return facts | _verified(partial, row, members=members, repacked=packed)
    except InvalidInput as error:
        raise InvalidInput(f"{source}: {error}") from None


def _verified(partial: Partial, row: CatalogueRow, *, members: bool, repacked: bool = False) -> dict[str, object]:
    """Check what was fetched, and remove it where it is not what was asked for."""
    try:
        return verify(partial.path, row, members=members, repacked=repacked)
    except InvalidInput:
        partial.discard()
        raise
