"""Orbit files of the agency (EOF) by their names: which there are, and which cover an acquisition."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from levelworks.core.outcome import InvalidReference

OrbitKind: TypeAlias = Literal["precise", "restituted", "annotated"]
COVER = dt.timedelta(seconds=60)
"""That an orbit file must cover before and after an acquisition."""
NAME_PATTERN = r"(S1[A-Z])_OPER_AUX_(POEORB|RESORB)_[A-Z]{4}_(\d{8}T\d{6})_V(\d{8}T\d{6})_(\d{8}T\d{6})\.EOF(?:\.zip)?"
KINDS: dict[str, OrbitKind] = {"POEORB": "precise", "RESORB": "restituted"}


@dataclass(frozen=True)
class OrbitFile:
    """An orbit file by its name: mission, kind, when it was made, and the time (UTC) that it covers."""

    path: Path
    mission: str
    kind: OrbitKind
    created: dt.datetime
    start: dt.datetime
    stop: dt.datetime

    def covers(self, start: dt.datetime, stop: dt.datetime) -> bool:
        """Return whether the file is valid from ``start`` to ``stop``."""
        return self.start <= start and stop <= self.stop


def find_orbit_files(folders: Iterable[Path]) -> list[OrbitFile]:
    """Return the orbit files in folders, by their names and in the order of time; what has another name is passed over.

    Raises
    ------
    InvalidReference
        Where a folder isn't there.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise InvalidReference(f"the folder of orbit files {folder} does not exist")
        found += folder.iterdir()
    return identify_orbit_files(found)


def identify_orbit_files(paths: Iterable[Path]) -> list[OrbitFile]:
    """Return the orbit files among paths, by their names and in the order of time; others are passed over."""
    found = []
    for path in sorted(paths):
        name = re.fullmatch(NAME_PATTERN, path.name)
        if name is not None and not path.name.endswith(".zip"):
            created, start, stop = (
                dt.datetime.strptime(name[k], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC) for k in (3, 4, 5)
            )
            found.append(OrbitFile(path, name[1], KINDS[name[2]], created, start, stop))
    return sorted(found, key=lambda file: (file.start, file.created, file.path.name))


def covering_files(
    files: Sequence[OrbitFile], mission: str, start: dt.datetime, stop: dt.datetime
) -> tuple[OrbitFile, ...]:
    """Return the best file that covers a time with a minute on either side, or the best two together; else none.

    The precise file made last; else the restituted one; else two restituted ones of which the second goes on where
    the first ends (specs/insar.md 4.3).
    """
    first, last = start - COVER, stop + COVER
    mine = [file for file in files if file.mission == mission]
    for kind in ("precise", "restituted"):
        covering = [file for file in mine if file.kind == kind and file.covers(first, last)]
        if covering:
            return (max(covering, key=lambda file: (file.created, file.path.name)),)
    restituted = [file for file in mine if file.kind == "restituted"]
    pairs = [
        (one, other)
        for one in restituted
        for other in restituted
        if one.start <= first and one.stop >= other.start and one.stop < other.stop and other.stop >= last
    ]
    if not pairs:
        return ()
    return max(pairs, key=lambda pair: (pair[0].created, pair[1].created, pair[0].path.name))
