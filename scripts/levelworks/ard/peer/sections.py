"""FORCE's parameters as the section `ard` of our configuration, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levelworks.ard.peer.parameter_file import Value, parse
from levelworks.ard.peer.parameters import PARAMETERS

RESAMPLING = {"NN": "nearest", "BL": "bilinear", "CC": "cubic"}
WORDS = {
    "DEM_RESAMPLING": RESAMPLING,
    "RESAMPLING": RESAMPLING,
    "RES_MERGE": {"IMPROPHE": "improphe", "REGRESSION": "regression", "STARFM": "starfm", "NONE": "none"},
    "OUTPUT_FORMAT": {"ENVI": "envi", "GTiff": "geotiff", "COG": "cog", "CUSTOM": "custom"},
}


def section_of(values: Mapping[str, Value], folder: Path) -> dict[str, Any]:
    """Return the keys of the section `ard` that mean what a parameter file says.

    Parameters
    ----------
    values : mapping
        Of `read_parameter_file`.
    folder : Path
        In which relative paths begin.
    """
    section: dict[str, Any] = {}
    for one in PARAMETERS:
        value = values[one.tag]
        if not one.key or (value is None and one.kind == "path"):
            continue
        if one.kind == "path":
            value = str(folder / str(value))
        *groups, name = one.key.split(".")
        target = section
        for group in groups:
            target = target.setdefault(group, {})
        target[name] = WORDS[one.tag][str(value)] if one.tag in WORDS else value
    return section


def parameters_of(section: Mapping[str, Any]) -> dict[str, Value]:
    """Return FORCE's parameters from the section `ard` as plain values (a model dumped by alias).

    Keys that FORCE has no parameter for are left out; tags without a key of ours get FORCE's defaults.
    """
    found: dict[str, Value] = {}
    for one in PARAMETERS:
        value: Any = section
        for name in one.key.split(".") if one.key else ():
            value = value.get(name) if isinstance(value, Mapping) else None
        if not one.key or (value is None and not one.nullable):
            found[one.tag] = parse(one, one.default, check_files=False)
        elif one.tag in WORDS:
            found[one.tag] = next(theirs for theirs, ours in WORDS[one.tag].items() if ours == value)
        elif isinstance(value, list | tuple):
            found[one.tag] = [float(each) for each in value]
        else:
            found[one.tag] = str(value) if isinstance(value, Path) else value
    return found
