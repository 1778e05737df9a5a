"""Reading and writing FORCE's Level-2 parameter file: ``TAG = VALUE`` between two marks, `#` comments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levelworks.ard.peer.parameters import BY_TAG, PARAMETERS, Parameter
from levelworks.core.outcome import InvalidOptions

START, END = "++PARAM_LEVEL2_START++", "++PARAM_LEVEL2_END++"

Value = bool | int | float | str | list[float] | None


def read_parameter_file(path: Path, *, check_files: bool = True) -> dict[str, Value]:
    """Read a parameter file whole, each value checked against what its tag allows.

    Parameters
    ----------
    check_files : bool
        Whether files and folders that are named must exist.

    Returns
    -------
    dict
        Every tag of `PARAMETERS`; NULL is None. Paths stay as written.

    Raises
    ------
    InvalidOptions
        With one line for each mistake: tags that are missing, unknown, named twice, or out of range.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidOptions(f"{path}: can't be read as a parameter file ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidOptions(f"{path}: can't be read as a parameter file: it holds bytes that are no text") from None
    if not lines or lines[0].strip() != START:
        raise InvalidOptions(f"{path}: the first line must be {START}: this is no Level-2 parameter file of FORCE")
    if END not in (line.strip() for line in lines):
        raise InvalidOptions(f"{path}: the line {END} is missing: the file is not whole")
    mistakes: list[str] = []
    found: dict[str, Value] = {}
    for number, line in enumerate(lines[1:], 2):
        text = line.split("#", 1)[0].strip()
        if text == END:
            break
        if not text:
            continue
        tag, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            mistakes.append(f"line {number}: {text!r} is not TAG = VALUE")
        elif tag not in BY_TAG:
            mistakes.append(f"line {number}: {tag} is no parameter of FORCE's Level 2")
        elif tag in found:
            mistakes.append(f"line {number}: {tag} stands there twice")
        else:
            try:
                found[tag] = parse(BY_TAG[tag], value, check_files=check_files, folder=path.parent)
            except ValueError as error:
                found[tag] = None
                mistakes.append(f"line {number}: {tag} {error}")
    mistakes += [f"{one.tag} is missing" for one in PARAMETERS if one.tag not in found]
    if not mistakes:
        mistakes = _together(found)
    if mistakes:
        raise InvalidOptions("\n".join(f"{path}: {one}" for one in mistakes))
    return found


def parse(parameter: Parameter, text: str, *, check_files: bool = True, folder: Path = Path()) -> Value:
    """Return the value of a tag.

    Parameters
    ----------
    folder : Path
        In which relative paths begin.

    Raises
    ------
    ValueError
        That says what is allowed.
    """
    if text == "NULL" and parameter.nullable:
        return None
    if not text or text == "NULL":
        raise ValueError("needs a value")
    if parameter.kind == "boolean":
        if text not in ("TRUE", "FALSE"):
            raise ValueError(f"is {text}, not TRUE or FALSE")
        return text == "TRUE"
    if parameter.kind == "choice":
        if text not in parameter.choices:
            raise ValueError(f"is {text}, not one of {', '.join(parameter.choices)}")
        return text
    if parameter.kind == "path":
        return _existing(parameter, text, folder) if check_files else text
    if parameter.kind == "text":
        return text
    words = text.split()
    if len(words) != parameter.count:
        raise ValueError(
            f"is {text}, not {parameter.count} numbers" if parameter.count > 1 else f"is {text}, not one number"
        )
    values = [_number(parameter, word) for word in words]
    return values if parameter.count > 1 else values[0]


def _number(parameter: Parameter, word: str) -> float:
    try:
        value: float = int(word) if parameter.kind == "integer" else float(word)
    except ValueError:
        kind = "whole number" if parameter.kind == "integer" else "number"
        raise ValueError(f"is {word}, not a {kind}") from None
    below = value <= parameter.least if parameter.open_below else value < parameter.least
    if below or value > parameter.most or not math.isfinite(value):
        least = f"above {parameter.least:g}" if parameter.open_below else f"{parameter.least:g} or more"
        most = f" and {parameter.most:g} or less" if math.isfinite(parameter.most) else ""
        raise ValueError(f"is {word}, not {least}{most}")
    return value


def _existing(parameter: Parameter, text: str, folder: Path) -> str:
    path = folder / text
    if parameter.must_exist == "folder" and not path.is_dir():
        raise ValueError(f"is {text}, which is no folder")
    if parameter.must_exist == "file" and not path.is_file():
        raise ValueError(f"is {text}, which is no file")
    if not path.exists():
        raise ValueError(f"is {text}, which does not exist")
    return text


def _together(found: Mapping[str, Value]) -> list[str]:
    """Return what can't go together; tile sizes must be whole numbers of pixels (tolerance 0.005, section 2)."""
    mistakes = []
    if found["DO_TILE"] and not str(found["PROJECTION"]).startswith(("GLANCE", "EQUI7")):
        for tag in ("RESOLUTION_LANDSAT", "RESOLUTION_SENTINEL2"):
            resolution: Any = found[tag]
            sizes: Any = found["TILE_SIZE"]
            if any(abs(size / resolution - round(size / resolution)) > 5e-3 for size in sizes):
                mistakes.append(f"TILE_SIZE {sizes[0]:g} {sizes[1]:g} is no multiple of {tag} {resolution:g}")
    if found["OUTPUT_FORMAT"] == "CUSTOM" and found["FILE_OUTPUT_OPTIONS"] is None:
        mistakes.append("FILE_OUTPUT_OPTIONS is NULL, but OUTPUT_FORMAT CUSTOM needs that file")
    if found["USE_DEM_DATABASE"] and (found["FILE_DEM"] is None):
        mistakes.append("FILE_DEM is NULL, but USE_DEM_DATABASE needs the folder of the database")
    return mistakes


def write_parameters(values: Mapping[str, Value]) -> str:
    """Return a parameter file as text; tags that are not given have FORCE's defaults."""
    lines = [START]
    for one in PARAMETERS:
        text = value_text(values[one.tag]) if one.tag in values else one.default
        lines.append(f"{one.tag} = {text}")
    return "\n".join([*lines, END, ""])


def value_text(value: Value) -> str:
    """Return a value as the file has it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, list):
        return " ".join(f"{one:.15g}" for one in value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)
