"""Targets: the sites that captures are made of, their boxes and centres, and the file that defines them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from levelworks.core.atomic import write_text
from levelworks.core.discover import IDENTIFIER
from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import great_circle_km
from levelworks.xco2.geography import Box
from levelworks.xco2.target_codes import target_number, target_type

POINT = re.compile(r"\s*POINT\s*\(\s*(\S+)\s+(\S+)\s*\)\s*", re.IGNORECASE)
CAP_KM = 200.0
TIE_KM = 1e-6


@dataclass(frozen=True)
class Target:
    """A site: id, name, box (degrees, ``min_lon > max_lon`` across the antimeridian), centre (longitude, latitude)."""

    id: str
    name: str
    min_lon: float
    min_lat: float
    max_lon: float
    max_lat: float
    centre: tuple[float, float]

    @cached_property
    def box(self) -> Box:
        """Return the box."""
        return Box(self.min_lon, self.min_lat, self.max_lon, self.max_lat)

    @property
    def type_code(self) -> int:
        """Return the type code by prefix: 1 fossil, 2 ecostress, 3 sif, 4 volcano, 5 tccon, 6 other."""
        return target_type(self.id)

    @property
    def number(self) -> int:
        """Return the number within the type, 0 where the id gives none."""
        return target_number(self.id)

    def contains(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.bool_]:
        """Return whether points (degrees) lie inside or on the edge of the box."""
        return self.box.contains(longitude, latitude)

    def distance_km(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
        """Return great-circle distances of points (degrees) from the centre, in km."""
        return great_circle_km(longitude, latitude, *self.centre)


def read_targets(path: Path) -> dict[str, Target]:
    """Read a targets file ``{id: {name, bbox: {min_lon, min_lat, max_lon, max_lat}[, id, centroid_wkt]}}``.

    Returns
    -------
    dict of str to Target
        By id, in the file's order. Without ``centroid_wkt`` the centre is the middle of the box.

    Raises
    ------
    InvalidOptions
        Where the file can't be read or a target is wrong; the message names the file, the target and the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidOptions(f"targets file {path} can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidOptions(f"targets file {path} is not UTF-8 text") from None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InvalidOptions(f"targets file {path}: {key!r} stands there twice")
            found[key] = value
        return found

    try:
        entries = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InvalidOptions(f"targets file {path} is not JSON ({error})") from None
    if not isinstance(entries, dict) or not entries:
        raise InvalidOptions(f"targets file {path} must hold an object of targets by id, and at least one")
    return {name: _target(name, entry, f"targets file {path}: target {name!r}") for name, entry in entries.items()}


def _target(name: str, entry: Any, where: str) -> Target:
    if not IDENTIFIER.fullmatch(name):
        raise InvalidOptions(f"{where}: ids name folders, so they hold letters, digits, '_', '-' and '+'")
    if not isinstance(entry, dict):
        raise InvalidOptions(f"{where} must be an object with name and bbox")
    if entry.get("id", name) != name:
        raise InvalidOptions(f"{where}: id is {entry['id']!r}; leave it out or repeat the key")
    title = entry.get("name")
    if not isinstance(title, str):
        raise InvalidOptions(f"{where}: name must be a text, not {title!r}")
    box = _box(entry.get("bbox"), where)
    wkt = entry.get("centroid_wkt")
    return Target(name, title, *box, centre=box.centre if wkt is None else parse_point(wkt, f"{where}: centroid_wkt"))


def _box(bounds: Any, where: str) -> Box:
    if not isinstance(bounds, dict):
        raise InvalidOptions(f"{where}: bbox must be an object with min_lon, min_lat, max_lon and max_lat")
    values = []
    for key in Box._fields:
        value, limit = bounds.get(key), 180 if key.endswith("lon") else 90
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= limit:
            raise InvalidOptions(f"{where}: bbox.{key} must be a number from -{limit} to {limit}, not {value!r}")
        values.append(float(value))
    box = Box(*values)
    if box.height <= 0:
        raise InvalidOptions(f"{where}: bbox.min_lat {box.min_lat} must be less than bbox.max_lat {box.max_lat}")
    if box.width == 0:
        raise InvalidOptions(f"{where}: bbox.min_lon and bbox.max_lon are both {box.min_lon}: the box has no width")
    return box


def parse_point(text: Any, where: str) -> tuple[float, float]:
    """Parse ``POINT (longitude latitude)``.

    Raises
    ------
    InvalidOptions
        Where the text is no point or lies off the globe; the message starts with ``where``.
    """
    match = POINT.fullmatch(text) if isinstance(text, str) else None
    try:
        longitude, latitude = map(float, match.groups()) if match else (math.nan, math.nan)
    except ValueError:
        longitude = latitude = math.nan
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise InvalidOptions(f"{where} must be 'POINT (longitude latitude)' in degrees, not {text!r}")
    return longitude, latitude


def write_targets(targets: Iterable[Target], path: Path) -> None:
    """Write a targets file that `read_targets` reads back to equal targets, sorted by id, whole or not at all."""
    entries = {
        target.id: {
            "bbox": target.box._asdict(),
            "centroid_wkt": f"POINT ({float(target.centre[0])!r} {float(target.centre[1])!r})",
            "id": target.id,
            "name": target.name,
        }
        for target in targets
    }
    write_text(path, json.dumps(entries, indent=4, sort_keys=True, ensure_ascii=False) + "\n")


def nearest_target(
    longitude: float, latitude: float, extent: Box, targets: Mapping[str, Target], cap_km: float = CAP_KM
) -> Target | None:
    """Find the target of a capture that carries no target id.

    Parameters
    ----------
    longitude, latitude : float
        Centre of the capture (degrees).
    extent : Box
        Bounding box of the capture.
    targets : mapping of str to Target
        Targets by id.
    cap_km : float
        Greatest distance of the two centres (km).

    Returns
    -------
    Target or None
        Of the targets whose box holds the centre or meets the extent, the one whose centre is nearest by great
        circle; of equally near ones the one with the smaller box, then with the first id. None without any.
    """
    candidates = [
        target
        for target in targets.values()
        if target.contains(longitude, latitude).item() or target.box.intersects(extent)
    ]
    distances = {target.id: float(target.distance_km(longitude, latitude)) for target in candidates}
    near = [target for target in candidates if distances[target.id] <= cap_km]
    if not near:
        return None
    least = min(distances[target.id] for target in near)
    tied = [target for target in near if distances[target.id] <= least + TIE_KM]
    return min(tied, key=lambda target: (target.box.area, target.id))


def nearest_in_degrees(longitude: float, latitude: float, extent: Box, targets: Mapping[str, Target]) -> Target | None:
    """Find a capture's target as OCO3-data-transformer does.

    The nearest centre by plain distance in degrees, neither scaled by latitude nor wrapped; None where that one's
    box doesn't meet the extent, whatever other box does. Parameters as in `nearest_target`.
    """
    if not targets:
        return None
    best = min(
        targets.values(), key=lambda target: math.hypot(latitude - target.centre[1], longitude - target.centre[0])
    )
    apart = (
        best.max_lon < extent.min_lon
        or extent.max_lon < best.min_lon
        or best.max_lat < extent.min_lat
        or extent.max_lat < best.min_lat
    )
    return None if apart else best
