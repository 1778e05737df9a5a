"""SAFE packages, as folders and as zips, read in place."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from levelworks.core.outcome import InvalidInput

MAX_DOCUMENT = 64 * 2**20
"""Bytes above which a member is no metadata."""
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
PASSED_OVER = ("__MACOSX/",)


@dataclass(frozen=True)
class Package:
    """One SAFE product: its files by their paths inside, whether it is a folder or a zip.

    Parameters
    ----------
    path : Path
        The folder ``*.SAFE`` or the archive ``*.zip``.
    root : str
        Path of the SAFE folder inside an archive, with a slash at its end; empty for a folder.
    members : dict of str to int
        Paths inside the SAFE folder (``annotation/…xml``) and sizes in bytes.
    """

    path: Path
    root: str
    members: dict[str, int] = field(repr=False)

    @property
    def archived(self) -> bool:
        """Return whether the product is a zip."""
        return self.path.suffix == ".zip"

    def read(self, member: str) -> bytes:
        """Return the whole content of a metadata file.

        Raises
        ------
        InvalidInput
            Where it is absent, too large for metadata, or damaged.
        """
        if member not in self.members:
            raise InvalidInput(f"{self.path} has no file {member}: fetch the product again")
        if self.members[member] > MAX_DOCUMENT:
            raise InvalidInput(f"{self.path}: {member} is larger than {MAX_DOCUMENT} bytes: it is no metadata")
        try:
            with self.open(member) as file:
                return file.read()
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InvalidInput(f"{self.path}: {member} can't be read ({error}): fetch the product again") from None

    def open(self, member: str) -> IO[bytes]:
        """Open a file of the product for reading; what is stored in an archive without compression is read in place.

        A compressed member seeks forward by decompressing: read it from its beginning to its end, once.
        """
        if not self.archived:
            return (self.path / member).open("rb")
        archive = zipfile.ZipFile(self.path)
        try:
            return archive.open(self.root + member)
        finally:
            archive.close()  # the open member keeps the file

    def in_place(self, member: str) -> tuple[Path, int] | None:
        """Return the file and the offset (bytes) at which a member's bytes lie as they are; None where compressed."""
        if not self.archived:
            return self.path / member, 0
        with zipfile.ZipFile(self.path) as archive:
            entry = archive.getinfo(self.root + member)
        if entry.compress_type != zipfile.ZIP_STORED:
            return None
        with self.path.open("rb") as file:
            file.seek(entry.header_offset)
            header = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
        return self.path, entry.header_offset + LOCAL_HEADER.size + header[9] + header[10]


def open_package(path: Path) -> Package:
    """Open a SAFE folder or a zip of one.

    Raises
    ------
    InvalidInput
        Where it is neither, is truncated, or holds no manifest or several.
    """
    if path.is_dir():
        files = _folder_members(path)
        if "manifest.safe" not in files:
            raise InvalidInput(f"{path} has no manifest.safe: it is no SAFE product, or not wholly there")
        return Package(path, "", files)
    if path.suffix != ".zip" or not path.is_file():
        raise InvalidInput(f"{path} is neither a SAFE folder nor a zip of one")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()}
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path} can't be opened ({error}): it is truncated or no zip, fetch it again") from None
    entries = {name: size for name, size in entries.items() if not name.startswith(PASSED_OVER)}
    roots = [name.removesuffix("manifest.safe") for name in entries if PurePosixPath(name).name == "manifest.safe"]
    if len(roots) != 1:
        raise InvalidInput(f"{path} holds {len(roots)} files manifest.safe instead of one")
    size = len(roots[0])
    return Package(path, roots[0], {name[size:]: n for name, n in entries.items() if name.startswith(roots[0])})


def _folder_members(path: Path) -> dict[str, int]:
    members = {}
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            members[file.relative_to(path).as_posix()] = file.stat().st_size
    return dict(sorted(members.items()))
