"""ZIPs whose bytes depend on their members alone."""

from __future__ import annotations

import mmap
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

LEVEL = 1
"""Of compression: raw numbers shrink little more at higher ones, which take three times as long."""


def write_zip(archive: Path, members: Sequence[Path], time: datetime) -> None:
    """Pack files, none of them empty, by their names, all with one time of change."""
    with zipfile.ZipFile(archive, "w") as file:
        for member in members:
            entry = zipfile.ZipInfo(member.name, time.timetuple()[:6])
            with member.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content:
                file.writestr(entry, content, zipfile.ZIP_DEFLATED, LEVEL)
