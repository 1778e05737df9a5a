"""Copying or linking a product of a file system, and packing one that stands there as a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from levelworks.core.outcome import InvalidInput
from levelworks.insar.archives.partial import Partial
from levelworks.insar.safe.packing import pack_folder


def bring(source: Path, partial: Partial, *, link: bool) -> bool:
    """Copy a zip to where a partial stands, or link to it; a SAFE folder is packed, without compression.

    Returns
    -------
    bool
        Whether it was packed here.

    Raises
    ------
    InvalidInput
        Where there is no such file.
    """
    partial.discard()
    if source.is_dir():
        pack_folder(source, partial.path)
        return True
    if not source.is_file():
        raise InvalidInput(f"{source} is not in the archive; see the catalogue's address")
    if link:
        partial.path.symlink_to(source.absolute())
    else:
        shutil.copyfile(source, partial.path)
    return False
