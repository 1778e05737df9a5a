"""Where a product of a catalogue is, as a site says and as it may be shown: without queries, which may be signed."""

from __future__ import annotations

from urllib.parse import urlsplit

from levelworks.core.outcome import InvalidReference
from levelworks.insar.archives.archive_options import Archive
from levelworks.insar.archives.catalogue import CatalogueRow


def address_of(row: CatalogueRow, archive: Archive) -> str:
    """Return the address of a product: the catalogue's, or what the archive's pattern makes of it.

    Raises
    ------
    InvalidReference
        Where there is none, or it holds a password.
    """
    found = row.address or row.path if archive.kind == "http" else row.path or row.address
    if archive.address is not None:
        found = filled(archive.address, row)
    if not found:
        raise InvalidReference(f"{row.id}: the catalogue names no address: say where products are in archive.address")
    if archive.kind == "http" and "@" in urlsplit(found).netloc:
        raise InvalidReference(
            f"{row.id}: its address holds a user name: put it and the password in ~/.netrc, and remove them there"
        )
    return found


def filled(pattern: str, row: CatalogueRow) -> str:
    """Return a pattern of the options with the values of a product in place of its fields."""
    start = row.name.start
    return pattern.format(
        address=row.address,
        path=row.path,
        id=row.id,
        mission=row.name.mission,
        date=f"{start:%Y%m%d}",
        year=f"{start:%Y}",
        month=f"{start:%m}",
        day=f"{start:%d}",
    )


def shown(address: str) -> str:
    """Return an address as messages and records name it: without query, fragment, user name and password."""
    parts = urlsplit(address)
    if not parts.scheme or not parts.netloc:
        return address
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
