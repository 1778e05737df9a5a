"""What an archive has: a table of our own, or the answers of agencies' searches as they are saved."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.insar.archives.search_results import Found, read_search_result
from levelworks.insar.safe.names import ProductName, parse_product_name
from levelworks.insar.safe.relative_orbits import relative_orbit

REQUIRED = ("id", "footprint")
COLUMNS = (*REQUIRED, "address", "size", "md5", "sha256", "relative_orbit", "pass")
"""Of a table, in any order; others are passed over."""
DIGITS = {"md5": 32, "sha256": 64}


@dataclass(frozen=True)
class CatalogueRow:
    """A product that an archive has.

    Parameters
    ----------
    address, path : str
        Where it is reached by network, and where in a file system; empty where the catalogue names none.
    size : int
        Bytes; 0 where unknown.
    checksum : str
        ``md5:…`` or ``sha256:…``; empty where unknown.
    track : int
        Relative orbit; 0 where neither the catalogue nor the orbit number tells.
    pass_direction : str
        ``ascending`` or ``descending``; empty where unknown.
    footprint : tuple of rings
        Longitude and latitude, degrees.
    """

    name: ProductName
    address: str
    path: str
    size: int
    checksum: str
    track: int
    pass_direction: str
    footprint: tuple[tuple[tuple[float, float], ...], ...]

    @property
    def id(self) -> str:
        """Return the id of the product."""
        return self.name.id


def read_catalogue(path: Path) -> dict[str, CatalogueRow]:
    """Read a catalogue: the IW SLC products of a file, or of all files of a folder; later rows of an id count.

    Parameters
    ----------
    path : Path
        ``.tsv`` with the columns `COLUMNS`, ``.json`` or ``.geojson`` as ASF's search or CDSE's OData return, or a
        folder of such.

    Raises
    ------
    InvalidReference
        Where it can't be read, or a row is none; the message names file and row.
    """
    files = [path]
    if path.is_dir():
        files = [one for one in sorted(path.iterdir()) if one.suffix in (".tsv", ".json", ".geojson")]
        if not files:
            raise InvalidReference(f"{path} holds no catalogue (.tsv, .json, .geojson)")
    rows: dict[str, CatalogueRow] = {}
    for file in files:
        for where, found in _read(file):
            try:
                name = parse_product_name(found.id)
            except InvalidInput:
                continue  # searches return other products as well
            rows[name.id] = _row(name, found, f"{file}: {where}")
    return rows


def _read(path: Path) -> Iterator[tuple[str, Found]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidReference(f"the catalogue {path} can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidReference(f"the catalogue {path} is no text") from None
    if path.suffix == ".tsv":
        yield from _read_table(path, text)
        return
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InvalidReference(f"the catalogue {path} is no JSON ({error})") from None
    yield from read_search_result(content, str(path))


def _read_table(path: Path, text: str) -> Iterator[tuple[str, Found]]:
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    absent = [column for column in REQUIRED if column not in (rows.fieldnames or ())]
    if absent:
        raise InvalidReference(
            f"the catalogue {path} has no column {absent[0]!r}; its columns are {', '.join(COLUMNS)}"
        )
    for row in rows:
        yield f"line {rows.line_num}", _of_table(row)


def _of_table(row: Mapping[str, Any]) -> Found:
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    remote = "://" in values["address"]
    return Found(
        id=values["id"],
        address=values["address"] if remote else "",
        path="" if remote else values["address"],
        size=values["size"],
        md5=values["md5"],
        sha256=values["sha256"],
        track=values["relative_orbit"],
        pass_direction=values["pass"],
        footprint=values["footprint"],
    )


def _row(name: ProductName, found: Found, where: str) -> CatalogueRow:
    direction = found.pass_direction.lower()
    if direction not in ("", "ascending", "descending"):
        raise InvalidReference(f"{where}: {name.id}: the pass is {direction!r}, neither ascending nor descending")
    footprint = found.footprint
    rings = parse_polygons(footprint) if isinstance(footprint, str) else footprint
    if not rings or any(len(ring) < 3 for ring in rings):
        raise InvalidReference(f"{where}: {name.id}: the footprint is no polygon (WKT, longitude before latitude)")
    track = _whole(found.track, f"{where}: {name.id}: the relative orbit")
    if track > 175:
        raise InvalidReference(f"{where}: {name.id}: the relative orbit is {track}; there are 175")
    return CatalogueRow(
        name,
        found.address,
        found.path,
        _whole(found.size, f"{where}: {name.id}: the size"),
        _checksum(found, f"{where}: {name.id}"),
        track or relative_orbit(name.mission, name.absolute_orbit),
        direction,
        rings,
    )


def _whole(value: object, what: str) -> int:
    text = "" if value is None else str(value).strip()
    if text and not re.fullmatch(r"\d+(\.0+)?", text):
        raise InvalidReference(f"{what} is {text!r}: no whole number")
    return int(text.split(".")[0]) if text else 0


def _checksum(found: Found, where: str) -> str:
    for algorithm, value in (("sha256", found.sha256), ("md5", found.md5)):
        digest = value.strip().lower()
        if digest:
            if not re.fullmatch(rf"[0-9a-f]{{{DIGITS[algorithm]}}}", digest):
                raise InvalidReference(f"{where}: {value!r} is no {algorithm.upper()}")
            return f"{algorithm}:{digest}"
    return ""


def parse_polygons(text: str) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return the rings of a WKT polygon or multipolygon (longitude and latitude); none where it is neither.

    What OData puts around it (``geography'SRID=4326;…'``) is passed over, and so are heights.
    """
    if not re.search(r"\b(MULTI)?POLYGON\b", text, flags=re.IGNORECASE):
        return ()
    rings = []
    for ring in re.findall(r"\(([^()]+)\)", text):
        try:
            points = [tuple(map(float, point.split()[:2])) for point in ring.split(",")]
        except ValueError:
            return ()
        if any(len(point) != 2 or abs(point[1]) > 90 for point in points):
            return ()
        rings.append(tuple((point[0], point[1]) for point in points))
    return tuple(rings)
