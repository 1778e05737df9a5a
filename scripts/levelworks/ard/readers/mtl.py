"""The metadata file of a Landsat scene (MTL) as text, JSON or XML, under the names of Collection 2.

Source: specs/ard.md 3.1; USGS LSDS-1822 (Collection 2), LSDS-1336 and the LPGS data format control books before 2012.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from levelworks.ard.names import METADATA_TEXT, stem
from levelworks.ard.readers.xml_files import read_xml
from levelworks.core.outcome import InvalidInput

MAX_BYTES = 4 * 2**20
LINE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*")
ROOTS = ("L1_METADATA_FILE", "LANDSAT_METADATA_FILE")

RENAMED: tuple[tuple[str, str], ...] = (
    (r"BAND(\d+)_FILE_NAME", r"FILE_NAME_BAND_\1"),
    (r"LMAX_BAND(\d+)", r"RADIANCE_MAXIMUM_BAND_\1"),
    (r"LMIN_BAND(\d+)", r"RADIANCE_MINIMUM_BAND_\1"),
    (r"QCALMAX_BAND(\d+)", r"QUANTIZE_CAL_MAX_BAND_\1"),
    (r"QCALMIN_BAND(\d+)", r"QUANTIZE_CAL_MIN_BAND_\1"),
    (r"PRODUCT_LINES_REF", "REFLECTIVE_LINES"),
    (r"PRODUCT_SAMPLES_REF", "REFLECTIVE_SAMPLES"),
    (r"PRODUCT_(UL|UR|LL|LR)_CORNER_MAP([XY])", r"CORNER_\1_PROJECTION_\2_PRODUCT"),
    (r"PRODUCT_(UL|UR|LL|LR)_CORNER_(LAT|LON)", r"CORNER_\1_\2_PRODUCT"),
    (r"GRID_CELL_SIZE_REF", "GRID_CELL_SIZE_REFLECTIVE"),
    (r"ACQUISITION_DATE", "DATE_ACQUIRED"),
    (r"SCENE_CENTER_SCAN_TIME", "SCENE_CENTER_TIME"),
    (r"STARTING_ROW", "WRS_ROW"),
    (r"PRODUCT_TYPE|DATA_TYPE", "PROCESSING_LEVEL"),
    (r"ZONE_NUMBER", "UTM_ZONE"),
    (r"ANGLE_COEFFICIENT_FILE_NAME", "FILE_NAME_ANGLE_COEFFICIENT"),
)
"""Names before Collection 2, and before 2012, whole."""
OLD_NAMES = tuple((re.compile(old), new) for old, new in RENAMED)


@dataclass(frozen=True)
class Mtl:
    """Tags of an MTL and their values as text; of tags that stand twice the first counts."""

    path: Path
    tags: dict[str, str]

    def get(self, tag: str) -> str | None:
        """Return a value, or None where the file has no such tag or it is empty."""
        return self.tags.get(tag) or None

    def text(self, tag: str) -> str:
        """Return a value; InvalidInput where there is none."""
        value = self.get(tag)
        if value is None:
            raise InvalidInput(f"{self.path} has no {tag}: it is no whole MTL of Level 1")
        return value

    def number(self, tag: str) -> float:
        """Return a value as a number; InvalidInput where there is none or it isn't finite."""
        value = self.find_number(tag)
        if value is None:
            raise InvalidInput(f"{self.path} has no {tag}: it is no whole MTL of Level 1")
        return value

    def find_number(self, tag: str) -> float | None:
        """Return a value as a number, or None where there is none; InvalidInput where it is no finite number."""
        value = self.get(tag)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if number != number or abs(number) == float("inf"):
            raise InvalidInput(f"{self.path}: {tag} = {value} is no number")
        return number

    @property
    def scene_centre_time(self) -> datetime:
        """Return when the centre of the scene was seen, UTC."""
        text = f"{self.text('DATE_ACQUIRED')}T{self.text('SCENE_CENTER_TIME').rstrip('Z')[:15]}"
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            raise InvalidInput(f"{self.path}: {text} is no time") from None

    @property
    def identifier(self) -> str:
        """Return the product's identifier; where the file names none, the scene's; before 2012 the file's own name."""
        return self.get("LANDSAT_PRODUCT_ID") or self.get("LANDSAT_SCENE_ID") or stem(self.path.name)


def find_mtl(folder: Path) -> Path:
    """Return the MTL of a scene's folder: the text, else JSON, else XML.

    Raises
    ------
    InvalidInput
        Where there is none, or there are several scenes'.
    """
    found = sorted(path for path in folder.iterdir() if METADATA_TEXT.fullmatch(path.name) and path.is_file())
    if not found:
        raise InvalidInput(f"{folder} holds no *_MTL.txt: it is no folder of a Landsat scene")
    if len({stem(path.name) for path in found}) > 1:
        raise InvalidInput(f"{folder} holds the metadata of several scenes: give each its own folder")
    order = (".txt", ".json", ".xml")
    return min(found, key=lambda path: order.index(path.suffix.lower()))


def read_mtl(path: Path) -> Mtl:
    """Read an MTL.

    Raises
    ------
    InvalidInput
        Where it can't be read, or is none.
    """
    if path.suffix.lower() == ".xml":
        root = read_xml(path)
        pairs: Iterator[tuple[str, str]] = (
            (element.tag, (element.text or "").strip()) for element in root.iter() if len(element) == 0
        )
        known = root.tag in ROOTS
    else:
        content = _content(path)
        if path.suffix.lower() == ".json":
            pairs, known = _from_json(path, content)
        else:
            pairs, known = _from_text(content), any(f"GROUP = {root}" in content for root in ROOTS)
    if not known:
        raise InvalidInput(f"{path} has no group {ROOTS[1]} or {ROOTS[0]}: it is no MTL of Landsat")
    tags: dict[str, str] = {}
    for tag, value in pairs:
        tags.setdefault(_current_name(tag), value)
    return Mtl(path, tags)


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_BYTES} bytes: it is no MTL")
        # Older files are padded with NUL to 65,535 bytes.
        return path.read_bytes().replace(b"\0", b"").decode("utf-8", "replace")
    except OSError as error:
        raise InvalidInput(f"{path} can't be read ({error.strerror})") from None


def _from_text(content: str) -> Iterator[tuple[str, str]]:
    for line in content.splitlines():
        if line.strip() == "END":
            return
        match = LINE.fullmatch(line)
        if match is not None and match[1] not in ("GROUP", "END_GROUP"):
            yield match[1], match[2].strip('"').strip()


def _from_json(path: Path, content: str) -> tuple[Iterator[tuple[str, str]], bool]:
    try:
        root = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is no whole JSON ({error}): fetch the image again") from None
    return _leaves(root), isinstance(root, dict) and any(name in root for name in ROOTS)


def _leaves(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict):
                yield from _leaves(value)
            else:
                yield str(name), str(value).strip()


def _current_name(tag: str) -> str:
    for pattern, name in OLD_NAMES:
        match = pattern.fullmatch(tag)
        if match is not None:
            tag = match.expand(name)
            break
    return re.sub(r"_BAND_6([12])$", r"_BAND_6_VCID_\1", tag)
