"""Archives as the agencies give them out: Landsat's files side by side in a tar, a SAFE as a folder in a zip."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from levelworks.ard.simulation.scene_description import Archive
from levelworks.core.atomic import remove, replace, temporary_name

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every member, so that the same scene gives the same bytes."""


def pack(folder: Path, archive: Archive) -> Path:
    """Put a granule into an archive beside it, and remove the folder.

    Returns
    -------
    Path
        ``<id>.tar``, ``<id>.tar.gz``, or ``<id>.SAFE.zip``.
    """
    target = folder.with_name(f"{folder.name}.{archive}")
    temporary = temporary_name(target)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if archive == "zip":
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
            for path in files:
                info = zipfile.ZipInfo(str(path.relative_to(folder.parent)), EPOCH)
                with path.open("rb") as source, file.open(info, "w") as member:
                    shutil.copyfileobj(source, member, 2**20)
    else:
        root = folder.parent if folder.suffix == ".SAFE" else folder
        with (
            temporary.open("wb") as raw,
            _compressed(raw, archive) as stream,
            tarfile.open(fileobj=stream, mode="w") as file,
        ):
            for path in files:
                file.add(path, str(path.relative_to(root)), recursive=False, filter=_plain)
    replace(temporary, target)
    remove(folder)
    return target


@contextmanager
def _compressed(raw: BinaryIO, archive: Archive) -> Iterator[Any]:
    if archive == "tar":
        yield raw
    else:
        with gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as stream:
            yield stream


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member
