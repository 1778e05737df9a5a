"""Packing a SAFE folder, the same bytes for the same files."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

CHUNK = 1 << 20


def pack_folder(folder: Path, path: Path, *, compressed: bool = False) -> None:
    """Write a SAFE folder to a zip under the folder's name, as archives hand products out.

    Parameters
    ----------
    compressed : bool
        Pixels of what is stored without compression are read in place.
    """
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for member in sorted(folder.rglob("*")):
            if member.is_file():
                entry = zipfile.ZipInfo(f"{folder.name}/{member.relative_to(folder).as_posix()}")
                entry.compress_type = kind
                with member.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target, CHUNK)
