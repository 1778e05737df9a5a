"""Whether a product that was fetched is the one that was asked for, and whole."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

from levelworks.core.checksum import CHUNK
from levelworks.core.outcome import InvalidInput
from levelworks.insar.archives.catalogue import CatalogueRow
from levelworks.insar.safe.manifest import read_manifest
from levelworks.insar.safe.package import Package, open_package


class DamagedFile(InvalidInput):
    """A file whose size or checksum is not the catalogue's, or that is no product: a transfer may be to blame."""


def digest_of(path: Path, algorithm: str) -> str:
    """Return the hex digest of a file."""
    found = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            found.update(piece)
    return found.hexdigest()


def verify(path: Path, row: CatalogueRow, *, members: bool, repacked: bool = False) -> dict[str, object]:
    """Check a fetched file against the catalogue and against itself.

    Parameters
    ----------
    members : bool
        Check the files inside by the manifest instead of size and checksum of the whole.
    repacked : bool
        Whether it was packed here: the catalogue's size and checksum are not of this file.

    Returns
    -------
    dict
        What was checked, for the record.

    Raises
    ------
    DamagedFile
        Where it is not whole.
    InvalidInput
        Where it is another product.
    """
    size = path.stat().st_size
    by_members = members or repacked
    if row.size and not by_members and size != row.size:
        raise DamagedFile(f"{row.id}: {size} bytes came, the catalogue has {row.size}")
    checked: dict[str, object] = {"bytes": size, "checksum": ""}
    if row.checksum and not by_members:
        algorithm, _, wanted = row.checksum.partition(":")
        found = digest_of(path, algorithm)
        if found != wanted:
            raise DamagedFile(f"{row.id}: its {algorithm.upper()} is {found}, the catalogue has {wanted}")
        checked["checksum"] = row.checksum
    try:
        package = open_package(path)
        _check_name(package, row)
        checked["files_checked"] = _check_members(package, row) if not checked["checksum"] else 0
    except DamagedFile:
        raise
    except InvalidInput as error:
        raise DamagedFile(f"{row.id}: {error}") from None
    return checked


def _check_name(package: Package, row: CatalogueRow) -> None:
    root = package.root.rstrip("/").rpartition("/")[2]
    if root != f"{row.id}.SAFE":
        raise InvalidInput(f"what came holds {root or 'files'} instead of {row.id}.SAFE: see the catalogue's address")


def _check_members(package: Package, row: CatalogueRow) -> int:
    """Check the size and MD5 of every file that the manifest lists; return their number."""
    listed = read_manifest(package).files
    for one in listed:
        if one.member not in package.members:
            raise DamagedFile(f"{row.id}: {one.member} is absent")
        digest = hashlib.md5(usedforsecurity=False)
        size = 0
        try:
            with package.open(one.member) as file:
                while piece := file.read(CHUNK):
                    digest.update(piece)
                    size += len(piece)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DamagedFile(f"{row.id}: {one.member} can't be read ({error})") from None
        if (size, digest.hexdigest()) != (one.size, one.md5.lower()):
            raise DamagedFile(f"{row.id}: {one.member} is not as its manifest says: size or MD5 differ")
    return len(listed)
