"""Outlines of plumes on the ground, from the corners of their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from scipy.ndimage import distance_transform_edt
from shapely.geometry.polygon import orient

SIMPLIFIED = 0.75
"""Pixels by which a simplified outline departs from the pixels' edges, at most."""


def pixel_outline(mask: np.ndarray, simplified: float = SIMPLIFIED) -> shapely.MultiPolygon:
    """Return the outline of a mask with its holes, in pixels (x columns, y rows; centres at whole numbers).

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    simplified : float
        Pixels; 0 keeps every corner.
    """
    from rasterio.features import shapes

    rows, columns = np.nonzero(mask)
    if not rows.size:
        return shapely.MultiPolygon()
    top, left = int(rows.min()), int(columns.min())
    crop = mask[top : rows.max() + 1, left : columns.max() + 1]
    found = [
        shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:])
        for shape, _ in shapes(crop.astype(np.uint8), mask=crop, connectivity=4)
    ]
    union = shapely.transform(shapely.union_all(found), lambda corners: corners + np.array([left - 0.5, top - 0.5]))
    if simplified:
        union = union.simplify(simplified, preserve_topology=True)
    parts = [part for part in shapely.get_parts(union) if part.geom_type == "Polygon" and part.area > 0]
    return shapely.MultiPolygon(parts)


def ground_position(
    rows: np.ndarray, columns: np.ndarray, longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude (degrees) at fractions of pixels: bilinear within, extrapolated beyond the edge.

    Beside pixels without a place they are extrapolated from the nearest four that have one.

    Parameters
    ----------
    rows, columns : ndarray, any shape
    longitude, latitude : ndarray, shape (rows, columns)
        Of pixel centres; at least two by two.
    """
    i = np.clip(np.floor(rows).astype(int), 0, longitude.shape[0] - 2)
    j = np.clip(np.floor(columns).astype(int), 0, longitude.shape[1] - 2)
    near = [longitude[i + a, j + b] + latitude[i + a, j + b] for a in (0, 1) for b in (0, 1)]
    if not np.isfinite(near).all():
        i, j = _nearest_placed(i, j, longitude, latitude)
    s, t = rows - i, columns - j
    base = longitude[i, j]
    corners = [(0, 0, (1 - s) * (1 - t)), (0, 1, (1 - s) * t), (1, 0, s * (1 - t)), (1, 1, s * t)]
    # Longitudes are taken from the first corner on, so that a turn round the Earth between corners does not count.
    turned = sum(((longitude[i + a, j + b] - base + 180) % 360 - 180) * weight for a, b, weight in corners)
    return base + turned, np.asarray(sum(latitude[i + a, j + b] * weight for a, b, weight in corners))


def _nearest_placed(
    i: np.ndarray, j: np.ndarray, longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest upper left pixels of four that all have a place; the same where none have."""
    placed = np.isfinite(longitude) & np.isfinite(latitude)
    known = placed[:-1, :-1] & placed[:-1, 1:] & placed[1:, :-1] & placed[1:, 1:]
    if not known.any():
        return i, j
    found = distance_transform_edt(~known, return_distances=False, return_indices=True)[:, i, j]
    return found[0], found[1]


def ground_outline(outline: shapely.MultiPolygon, longitude: np.ndarray, latitude: np.ndarray) -> dict[str, Any]:
    """Return an outline in pixels as a GeoJSON geometry (WGS 84), cut at the antimeridian (RFC 7946, 3.1.9).

    Parameters
    ----------
    outline : MultiPolygon
        Of `pixel_outline`.
    """

    def place(corners: np.ndarray) -> np.ndarray:
        east, north = ground_position(corners[:, 1], corners[:, 0], longitude, latitude)
        east = east[0] + (east - east[0] + 180) % 360 - 180 if east.size else east
        return np.column_stack([east, north])

    parts = []
    for part in shapely.get_parts(outline):
        if not np.isfinite(place(shapely.get_coordinates(part))).all():
            continue
        placed = shapely.transform(part, place)
        placed = placed if placed.is_valid else placed.buffer(0)
        for turn in (-360, 0, 360):
            inside = placed.intersection(shapely.box(-180 + turn, -90, 180 + turn, 90))
            parts += [
                orient(shapely.transform(piece, lambda corners, turn=turn: corners - np.array([turn, 0])))
                for piece in shapely.get_parts(inside)
                if piece.geom_type == "Polygon" and piece.area > 0
            ]
    rings = [
        [
            [[round(float(x), 6), round(float(y), 6)] for x, y in ring.coords]
            for ring in (part.exterior, *part.interiors)
        ]
        for part in parts
    ]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}
