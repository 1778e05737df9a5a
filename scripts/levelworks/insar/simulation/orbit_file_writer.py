"""Orbit files of the simulator, in the agency's layout of precise orbits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from xml.etree import ElementTree as ET

from levelworks.insar.orbits.state_vectors import StateVectors
from levelworks.insar.times import format_time, time_at

CREATED_LATER = dt.timedelta(days=20)
TAI_LESS_UTC = 37.0
"""s, since 2017."""


def write_orbit_file(
    folder: Path, mission: str, epoch: dt.date, vectors: StateVectors, absolute_orbit: int, kind: str = "POEORB"
) -> Path:
    """Write state vectors as an orbit file that is valid from the first of them to the last, and return its path."""
    start, stop = (time_at(epoch, float(vectors.times[k])) for k in (0, -1))
    created = f"{start + CREATED_LATER:%Y%m%dT%H%M%S}"
    # Bounds are written to the second, inwards.
    first, last = f"{start + dt.timedelta(seconds=1):%Y%m%dT%H%M%S}", f"{stop:%Y%m%dT%H%M%S}"
    name = f"{mission}_OPER_AUX_{kind}_OPOD_{created}_V{first}_{last}"
    root = ET.Element("Earth_Explorer_File")
    fixed = ET.SubElement(ET.SubElement(root, "Earth_Explorer_Header"), "Fixed_Header")
    ET.SubElement(fixed, "File_Name").text = name
    ET.SubElement(fixed, "File_Type").text = f"AUX_{kind}"
    variable = ET.SubElement(root[0], "Variable_Header")
    ET.SubElement(variable, "Ref_Frame").text = "EARTH_FIXED"
    ET.SubElement(variable, "Time_Reference").text = "UTC"
    block = ET.SubElement(root, "Data_Block", type="xml")
    listed = ET.SubElement(block, "List_of_OSVs", count=str(vectors.times.size))
    for time, position, velocity in zip(vectors.times, vectors.positions, vectors.velocities, strict=True):
        node = ET.SubElement(listed, "OSV")
        ET.SubElement(node, "TAI").text = f"TAI={format_time(epoch, float(time) + TAI_LESS_UTC)}"
        ET.SubElement(node, "UTC").text = f"UTC={format_time(epoch, float(time))}"
        ET.SubElement(node, "Absolute_Orbit").text = f"+{absolute_orbit}"
        for axis, value in zip(("X", "Y", "Z"), position, strict=True):
            ET.SubElement(node, axis, unit="m").text = f"{value:.6f}"
        for axis, value in zip(("VX", "VY", "VZ"), velocity, strict=True):
            ET.SubElement(node, axis, unit="m/s").text = f"{value:.6f}"
        ET.SubElement(node, "Quality").text = "NOMINAL"
    ET.indent(root)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.EOF"
    path.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8") + b"\n")
    return path
