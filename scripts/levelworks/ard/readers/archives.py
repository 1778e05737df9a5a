"""Unpacks an image's archive into a folder: nothing outside it, nothing larger than is sensible.

Names and sizes of all members are looked at before the first is written. Members that the line doesn't read (as
FORCE leaves them out, specs/ard.md 1) are skipped.
"""

from __future__ import annotations

import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from levelworks.ard.names import GRANULE_METADATA, METADATA_TEXT, PRODUCT_METADATA, is_archive, stem
from levelworks.core.outcome import InvalidInput, TransientError

MAX_RATIO = 200.0
"""Of unpacked bytes to the archive's: a frame that is all fill stays below."""
MAX_BYTES = 40 * 2**30
MAX_MEMBERS = 20_000
CHUNK = 2**20

SKIPPED = re.compile(
    r"(?:^|/)gap_mask/|_GM_B\d\w*\.TIF(?:\.gz)?$|_GCP\.txt$|_VER\.(?:jpg|txt)$|_BQA\.TIF$|\.GTF$"
    r"|LE0?7\w*_B(?:8|6_VCID_2|62)\.TIF$|L[CO]0?[89]\w*_B(?:8|11)\.TIF$|_TCI\.jp2$",
    re.IGNORECASE,
)
"""Members that nothing reads: masks of gaps, control points, reports, the panchromatic and second thermal bands."""


@dataclass(frozen=True)
class _Member:
    """A file in an archive: its place under the folder, its size in bytes, and what its archive knows it by."""

    path: PurePosixPath
    size: int
    handle: tarfile.TarInfo | zipfile.ZipInfo


class _Archive(Protocol):
    """An opened archive."""

    def members(self) -> Iterator[_Member]:
        """Yield the files; folders are left out, anything else is refused."""

    def open(self, member: _Member) -> IO[bytes]:
        """Open a file for reading."""

    def close(self) -> None:
        """Close the archive."""


class _Tar:
    """A tar file, compressed or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tar = tarfile.open(path)  # noqa: SIM115 - closed by close

    def members(self) -> Iterator[_Member]:
        for info in self._tar:
            if info.isdir():
                safe_path(self.path, info.name)
                continue
            if not info.isreg():
                raise InvalidInput(f"{self.path}: {info.name} is a link or a device: no image has such members")
            yield _Member(safe_path(self.path, info.name), info.size, info)

    def open(self, member: _Member) -> IO[bytes]:
        assert isinstance(member.handle, tarfile.TarInfo)
        file = self._tar.extractfile(member.handle)
        assert file is not None
        return file

    def close(self) -> None:
        self._tar.close()


class _Zip:
    """A ZIP file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path)

    def members(self) -> Iterator[_Member]:
        for info in self._zip.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                safe_path(self.path, info.filename)
                continue
            if kind not in (0, stat.S_IFREG):
                raise InvalidInput(f"{self.path}: {info.filename} is a link or a device: no image has such members")
            if info.flag_bits & 1:
                raise InvalidInput(f"{self.path}: {info.filename} is encrypted")
            yield _Member(safe_path(self.path, info.orig_filename), info.file_size, info)

    def open(self, member: _Member) -> IO[bytes]:
        assert isinstance(member.handle, zipfile.ZipInfo)
        return self._zip.open(member.handle)

    def close(self) -> None:
        self._zip.close()


def unpack(
    archive: Path,
    folder: Path,
    *,
    max_ratio: float = MAX_RATIO,
    max_bytes: int = MAX_BYTES,
) -> Path:
    """Unpack an archive into ``folder/<name of the image>`` and return the folder of the image in there.

    Parameters
    ----------
    archive : Path
        ``*.tar``, ``*.tar.gz``, ``*.tgz`` or ``*.zip``.
    folder : Path
        What an earlier attempt left there under the image's name is removed.
    max_ratio : float
        Most unpacked bytes for a byte of the archive.
    max_bytes : int
        Most unpacked bytes.

    Returns
    -------
    Path
        The Landsat scene (where ``*_MTL.txt`` lies) or the SAFE.

    Raises
    ------
    InvalidInput
        Where it is truncated, holds no image, a member leads out of the folder or is a link or a device, or it would
        become larger than is sensible.
    TransientError
        Where the disk hasn't the room.
    """
    if not is_archive(archive):
        raise InvalidInput(f"{archive} is no archive: expected is a name that ends in .tar, .tar.gz, .tgz or .zip")
    target = folder / stem(archive.name)
    try:
        opened: _Archive = _Zip(archive) if archive.name.lower().endswith(".zip") else _Tar(archive)
        try:
            members = _checked(archive, opened.members(), max_ratio=max_ratio, max_bytes=max_bytes)
            _require_room(archive, folder, sum(member.size for member in members))
            shutil.rmtree(target, ignore_errors=True)
            for member in members:
                _write(archive, opened, member, target)
        finally:
            opened.close()
        return _image_folder(archive, target)
    except FileNotFoundError:
        raise InvalidInput(f"{archive} does not exist") from None
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise InvalidInput(f"{archive} is truncated or no archive ({error}): fetch it again") from None
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def safe_path(archive: Path, name: str) -> PurePosixPath:
    """Return where a member belongs, with doubled ``.SAFE.SAFE`` collapsed.

    Raises
    ------
    InvalidInput
        Where it is absolute or leads out of the folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in path.parts if part != "."]
    drive = bool(parts) and re.match(r"[A-Za-z]:", parts[0]) is not None
    if path.is_absolute() or drive or ".." in parts or "\0" in name:
        raise InvalidInput(f"{archive}: {name!r} leads out of the folder: the archive is not the agency's")
    return PurePosixPath(*(re.sub(r"(?:\.SAFE)+$", ".SAFE", part, flags=re.IGNORECASE) for part in parts))


def _checked(archive: Path, members: Iterator[_Member], *, max_ratio: float, max_bytes: int) -> list[_Member]:
    """Return the members that are read, sorted; sizes add up while they are listed, so that a bomb ends it early."""
    packed = archive.stat().st_size
    kept: dict[PurePosixPath, _Member] = {}
    total = 0
    for count, member in enumerate(members, start=1):
        total += member.size
        if total > max_bytes:
            raise InvalidInput(f"{archive} would unpack to more than {max_bytes} bytes: no image is that large")
        if total > max_ratio * packed:
            raise InvalidInput(f"{archive} would unpack to more than {max_ratio:g} times its size: it is no image")
        if count > MAX_MEMBERS:
            raise InvalidInput(f"{archive} holds more than {MAX_MEMBERS} members: it is no image")
        if SKIPPED.search(str(member.path)):
            continue
        if member.path in kept:
            raise InvalidInput(f"{archive} holds {member.path} twice")
        kept[member.path] = member
    return list(kept.values())


def _require_room(archive: Path, folder: Path, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise TransientError(
            f"{archive} unpacks to {size / 2**30:.1f} GiB and {folder} has {free / 2**30:.1f} GiB left: make room"
        )


def _write(archive: Path, opened: _Archive, member: _Member, target: Path) -> None:
    path = target / member.path
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(member) as source, path.open("xb") as file:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            file.write(chunk)
    if written != member.size:
        raise InvalidInput(f"{archive}: {member.path} ends after {written} of {member.size} bytes: fetch it again")


def _image_folder(archive: Path, target: Path) -> Path:
    """Return the topmost folder that holds an image's metadata; of several the first by name."""
    folders = [target, *sorted(path for path in target.rglob("*") if path.is_dir())]
    for folder in sorted(folders, key=lambda path: (len(path.parts), path)):
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        if any(METADATA_TEXT.fullmatch(name) or PRODUCT_METADATA.fullmatch(name) for name in names):
            return folder
        if any(GRANULE_METADATA.fullmatch(name) or name == "metadata.xml" for name in names):
            return folder
    raise InvalidInput(f"{archive} holds no Landsat scene (*_MTL.txt) and no Sentinel-2 product (MTD_MSIL1C.xml)")
