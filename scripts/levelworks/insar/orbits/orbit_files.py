"""The state vectors of orbit files of the agency (EOF)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.insar.orbits.state_vectors import StateVectors
from levelworks.insar.times import parse_time, seconds_since

AXES = ("X", "Y", "Z", "VX", "VY", "VZ")


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
