"""The country, state and city that a plume lies in, from a file of outlines; nothing is asked of a network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapely import STRtree
from shapely.errors import ShapelyError
from shapely.geometry import Point, shape

from levelworks.core.outcome import InvalidReference

KEYS = {
    "country": ("country", "COUNTRY", "ADMIN", "NAME_0", "admin", "NAME_EN"),
    "state": ("state", "province", "NAME_1", "STATE"),
    "city": ("city", "municipality", "county", "NAME_2", "CITY"),
}
"""Properties of outlines by what they name; geoBoundaries, GADM and Natural Earth use some of these."""


@dataclass(frozen=True)
class Places:
    """Outlines with names, the smallest of which counts."""

    outlines: tuple[Any, ...]
    names: tuple[dict[str, str], ...]
    tree: STRtree

    def at(self, longitude: float, latitude: float) -> dict[str, str]:
        """Return country, state and city of a place; empty texts where no outline holds it."""
        point = Point(longitude, latitude)
        inside = sorted(
            (int(one) for one in self.tree.query(point, predicate="intersects")),
            key=lambda one: (self.outlines[one].area, one),
        )
        found = dict.fromkeys(KEYS, "")
        for one in inside:
            for key, text in self.names[one].items():
                found[key] = found[key] or text
        return found


def read_places(path: Path) -> Places:
    """Read outlines from GeoJSON (EPSG:4326).

    Raises
    ------
    InvalidReference
        Where it is no feature collection of polygons with names.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise InvalidReference(f"{path} is no GeoJSON of outlines, but a list or a value")
        features = content["features"]
        outlines = tuple(shape(feature["geometry"]) for feature in features)
        names = tuple(_names(feature.get("properties") or {}) for feature in features)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ShapelyError) as error:
        raise InvalidReference(f"{path} is no GeoJSON of outlines ({error})") from None
    if not any(names):
        raise InvalidReference(f"{path}: no outline has a property {', '.join(KEYS)}")
    return Places(outlines, names, STRtree(outlines))


def _names(properties: dict[str, Any]) -> dict[str, str]:
    found = {}
    for key, known in KEYS.items():
        text = next((str(properties[name]) for name in known if properties.get(name)), "")
        if text:
            found[key] = text
    return found
