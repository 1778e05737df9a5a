"""Files of GACOS by their names: which dates there are zenith delays of.

GACOS names its products by the day alone (``YYYYMMDD.ztd`` with ``YYYYMMDD.ztd.rsc``, or ``YYYYMMDD.ztd.tif``): a
request has one time of day, which the binary's header holds as ``TIME_OF_DAY``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from levelworks.core.outcome import InvalidReference

NAME = re.compile(r"(?P<date>\d{8})\.ztd(?P<tif>\.tif)?")
HEADER = ".rsc"


def find_delay_files(folders: Iterable[Path]) -> dict[str, list[Path]]:
    """Return the files of zenith delays in folders by date; what has another name is passed over.

    Returns
    -------
    dict of str to list of Path
        Binary and header, or a GeoTIFF; where a folder has both, the binary. A header that isn't there is left out.

    Raises
    ------
    InvalidReference
        Where a folder isn't there, or two folders have the same date.
    """
    found: dict[str, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InvalidReference(f"the folder of delays {folder} does not exist")
        here: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            name = NAME.fullmatch(path.name)
            if name is not None and not (name["tif"] and name["date"] in here):
                here[name["date"]] = [path] if name["tif"] else [path, *_header(path)]
        for date, files in here.items():
            known = found.setdefault(date, files)
            if known[0].resolve() != files[0].resolve():
                raise InvalidReference(f"{date} has delays twice: {known[0]} and {files[0]}")
    return found


def _header(path: Path) -> list[Path]:
    header = path.with_name(path.name + HEADER)
    return [header] if header.is_file() else []
