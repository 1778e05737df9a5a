"""People's markers of plumes, and their list of plumes that are none.

Source: specs/plumes.md 1.1 and 1.11: ``<L2 stem>.geojson``, the order of its points is the index of plumes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.plumes.detection.source_points import ground_distance
from levelworks.plumes.emission.emission_table import read_rows

RADIUS = 50.0
"""m within which a marker's pixel is sought, as in HyperGas; pixels larger than this reach half their diagonal."""


@dataclass(frozen=True)
class Marker:
    """One plume as a person marked it: index, name, the source (degrees) and, where drawn, the outline."""

    index: int
    name: str
    longitude: float
    latitude: float
    outline: shapely.Geometry | None = None


@dataclass(frozen=True)
class Rejection:
    """One plume that a person found to be none: by its id, or by a point (degrees) within it; and why."""

    reason: str
    plume_id: str = ""
    longitude: float = float("nan")
    latitude: float = float("nan")


def read_markers(path: Path) -> list[Marker]:
    """Read markers: points mark sources; polygons mark plumes, whose source is then found in them.

    Returns
    -------
    list of Marker
        Empty for an empty file or collection: plumes are then found automatically.

    Raises
    ------
    InvalidReference
        Where the file is no GeoJSON of points and polygons.
    """
    markers = []
    for number, feature in enumerate(_features(path)):
        geometry, properties = _geometry(path, number, feature), feature.get("properties") or {}
        if geometry.geom_type not in ("Point", "Polygon", "MultiPolygon"):
            raise InvalidReference(
                f"{path}: feature {number} is a {geometry.geom_type}; markers are points or polygons, draw one of these"
            )
        point = geometry if geometry.geom_type == "Point" else geometry.representative_point()
        outline = None if geometry.geom_type == "Point" else geometry
        name = str(properties.get("name") or f"plume{number}")
        markers.append(Marker(number, name, point.x, point.y, outline))
    return markers


def read_rejections(path: Path) -> list[Rejection]:
    """Read rejected plumes: a CSV table with plume_id or latitude and longitude, and reason; or GeoJSON with these.

    Raises
    ------
    InvalidReference
        Where a line has neither id nor place.
    """
    if path.suffix.lower() == ".csv":
        try:
            rows = read_rows(path)
        except InvalidInput as error:
            raise InvalidReference(str(error)) from None
        return [_rejection(path, f"line {number}", row) for number, row in enumerate(rows, start=2)]
    rejections = []
    for number, feature in enumerate(_features(path)):
        properties = dict(feature.get("properties") or {})
        if feature.get("geometry"):
            point = _geometry(path, number, feature).representative_point()
            properties |= {"longitude": point.x, "latitude": point.y}
        rejections.append(_rejection(path, f"feature {number}", properties))
    return rejections


def _rejection(path: Path, where: str, values: dict[str, Any]) -> Rejection:
    reason = str(values.get("reason") or "rejected by a person")
    plume_id = str(values.get("plume_id") or values.get("id") or "").strip()
    try:
        longitude, latitude = (float(values[key]) for key in ("longitude", "latitude"))
    except (KeyError, TypeError, ValueError):
        if not plume_id:
            raise InvalidReference(f"{path}, {where}: needs plume_id, or longitude and latitude as numbers") from None
        return Rejection(reason, plume_id)
    return Rejection(reason, plume_id, longitude, latitude)


def _features(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
        content = json.loads(text) if text else {"type": "FeatureCollection", "features": []}
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidReference(f"{path} is no GeoJSON ({error}); export it again from the map") from None
    if isinstance(content, dict) and content.get("type") == "Feature":
        content = {"type": "FeatureCollection", "features": [content]}
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise InvalidReference(f"{path} is no GeoJSON FeatureCollection; export it again from the map")
    return features


def _geometry(path: Path, number: int, feature: dict[str, Any]) -> shapely.Geometry:
    try:
        geometry = shapely.from_geojson(json.dumps(feature.get("geometry")))
    except (ShapelyError, TypeError, ValueError) as error:
        raise InvalidReference(f"{path}: feature {number} has no valid geometry ({error})") from None
    coordinates = shapely.get_coordinates(geometry) if geometry is not None else np.empty((0, 2))
    if not len(coordinates) or not np.isfinite(coordinates).all():
        raise InvalidReference(f"{path}: feature {number} has no coordinates")
    if np.any(np.abs(coordinates) > (360, 90)):
        raise InvalidReference(f"{path}: feature {number} is not in degrees of longitude and latitude")
    return geometry


def marked_pixel(
    marker_longitude: float, marker_latitude: float, longitude: np.ndarray, latitude: np.ndarray, pixel_size: float
) -> tuple[int, int] | None:
    """Return the row and column of the pixel at a marker; None outside of the scene.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (rows, columns)
        Degrees; not a number where a pixel has no place.
    pixel_size : float
        Metres.
    """
    distances = ground_distance(longitude, latitude, marker_longitude, marker_latitude)
    distances = np.where(np.isfinite(distances), distances, np.inf)
    best = int(np.argmin(distances))
    if distances.flat[best] > max(RADIUS, pixel_size / np.sqrt(2)):
        return None
    return best // longitude.shape[1], best % longitude.shape[1]


def outlined_pixels(outline: shapely.Geometry, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return the pixels whose centres lie within an outline: bool, shape (rows, columns)."""
    west, south, east, north = outline.bounds
    near = (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
    inside = np.zeros(longitude.shape, dtype=bool)
    inside[near] = shapely.contains_xy(outline, longitude[near], latitude[near])
    return inside
