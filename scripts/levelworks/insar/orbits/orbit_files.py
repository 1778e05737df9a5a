"""Orbit files of the agency (EOF): their names, and the state vectors of a time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.insar.orbits.state_vectors import OrbitKind, StateVectors
from levelworks.insar.times import parse_time, seconds_since

NAME_PATTERN = r"(S1[A-Z])_OPER_AUX_(POEORB|RESORB)_[A-Z]{4}_(\d{8}T\d{6})_V(\d{8}T\d{6})_(\d{8}T\d{6})\.EOF(?:\.zip)?"
KINDS: dict[str, OrbitKind] = {"POEORB": "precise", "RESORB": "restituted"}
AXES = ("X", "Y", "Z", "VX", "VY", "VZ")


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
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise InvalidReference(f"the folder of orbit files {folder} does not exist")
        for path in sorted(folder.iterdir()):
            name = re.fullmatch(NAME_PATTERN, path.name)
            if name is not None and not path.name.endswith(".zip"):
                created, start, stop = (
                    dt.datetime.strptime(name[k], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC) for k in (3, 4, 5)
                )
                found.append(OrbitFile(path, name[1], KINDS[name[2]], created, start, stop))
    return sorted(found, key=lambda file: (file.start, file.created, file.path.name))


def read_orbit_file(path: Path, epoch: dt.date, start: float, stop: float) -> tuple[StateVectors, int]:
    """Read the state vectors of a time.

    Parameters
    ----------
    path : Path
        Of the EOF.
    epoch : date
        The day whose midnight times count from.
    start, stop : float
        Bounds (s since the epoch's midnight), included.

    Returns
    -------
    vectors : StateVectors
    degraded : int
        How many of them the agency marks as other than nominal.

    Raises
    ------
    InvalidReference
        Where the file is damaged or its frame is not Earth fixed.
    """
    rows, degraded = [], 0
    try:
        for _, node in ET.iterparse(path):  # noqa: S314 - external entities are not resolved, expansion is bounded
            if node.tag == "Ref_Frame" and node.text != "EARTH_FIXED":
                raise InvalidReference(f"{path}: its frame is {node.text}; the line takes EARTH_FIXED")
            if node.tag != "OSV":
                continue
            time = seconds_since(epoch, parse_time(node.findtext("UTC", ""), str(path)))
            if start <= time <= stop:
                rows.append([time, *(float(node.findtext(axis, "nan")) for axis in AXES)])
                degraded += node.findtext("Quality", "NOMINAL") != "NOMINAL"
            node.clear()
    except (OSError, ET.ParseError, ValueError) as error:
        raise InvalidReference(f"{path} can't be read ({error}): fetch the orbit file again") from None
    values = np.array(rows, np.float64).reshape(-1, 7)
    if not np.isfinite(values).all():
        raise InvalidReference(f"{path}: a state vector is incomplete: fetch the orbit file again")
    return StateVectors(values[:, 0].copy(), values[:, 1:4].copy(), values[:, 4:].copy()).evenly_timed(), degraded
