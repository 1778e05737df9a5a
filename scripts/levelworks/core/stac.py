"""What the STAC 1.1.0 metadata of all lines share: outlines of footprints, what GeoTIFFs and files say of themselves.

Bands are described by STAC's common metadata, the files by the extensions projection 2.0.0 and file 2.1.0.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.checksum import checksum
from levelworks.core.sphere import mean_position, unwrap_longitude, wrap_longitude

STAC_VERSION = "1.1.0"
EXTENSIONS = (
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
)
COG_MEDIA_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOJSON_MEDIA_TYPE = "application/geo+json"
NETCDF_MEDIA_TYPE = "application/x-netcdf"
SHA2_256 = "1220"
"""Multihash code of SHA2-256 and the length of its digest (https://multiformats.io/multihash)."""
TOLERANCE = 0.0002
"""Of the simplified outline, degrees: some twenty metres, where footprints measure two kilometres."""
PRECISION = 1e-4
"""Of the outline's coordinates, degrees; corners that neighbours share agree to it in real granules."""


def footprint_geometry(
    vertex_longitude: np.ndarray, vertex_latitude: np.ndarray
) -> tuple[dict[str, Any] | None, list[float] | None]:
    """Return the union of footprints as GeoJSON, and its bounding box.

    Parameters
    ----------
    vertex_longitude, vertex_latitude : ndarray, shape (n, 4)
        Corners, degrees. Footprints without position, with crossing edges or around a pole are left out.

    Returns
    -------
    geometry : dict or None
        Polygon or MultiPolygon, cut at the antimeridian (RFC 7946 section 3.1.9); None without valid footprints.
    bbox : list of float or None
        West, south, east, north; west is greater than east where the antimeridian is inside (section 5.2).
    """
    import shapely

    longitude, latitude = np.asarray(vertex_longitude, np.float64), np.asarray(vertex_latitude, np.float64)
    known = np.isfinite(longitude).all(axis=1) & (np.abs(latitude) <= 90.0).all(axis=1)
    longitude, latitude = longitude[known], latitude[known]
    if not known.any():
        return None, None
    first = unwrap_longitude(longitude[:, :1], mean_position(longitude, latitude)[0])
    longitude = longitude - 360.0 * np.round((longitude - first) / 360.0)
    quads = shapely.polygons(np.stack([longitude, latitude], axis=-1)[np.ptp(longitude, axis=1) <= 180.0])
    quads = quads[shapely.is_valid(quads) & (shapely.area(quads) > 0.0)]
    # On a grid of coordinates, corners that neighbours share but for rounding leave no slits.
    outline = shapely.normalize(shapely.union_all(quads, grid_size=PRECISION))
    outline = shapely.set_precision(shapely.simplify(outline, TOLERANCE), PRECISION)
    if outline.is_empty:
        return None, None
    west, south, east, north = (round(float(one), 4) for one in outline.bounds)
    polygons = _polygons(outline, range(math.floor((west + 180.0) / 360.0), math.ceil((east + 180.0) / 360.0)))
    if east - west >= 360.0:
        west, east = -180.0, 180.0
    bbox = [wrap_longitude(west), south, wrap_longitude(east, east=True), north]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}, bbox
    return {"type": "MultiPolygon", "coordinates": polygons}, bbox


def _polygons(outline: Any, turns: range) -> list[list[list[list[float]]]]:
    """Return the polygons of an outline that reaches into turns round the Earth, 0 for -180..180, as GeoJSON has them.

    Exterior rings go anticlockwise (RFC 7946 section 3.1.6).
    """
    import shapely
    from shapely.affinity import translate
    from shapely.geometry.polygon import orient

    boxes = [shapely.box(360.0 * turn - 180.0, -90.0, 360.0 * turn + 180.0, 90.0) for turn in turns]
    parts = [
        translate(shapely.intersection(outline, box), -360.0 * turn) for turn, box in zip(turns, boxes, strict=True)
    ]
    # Near a pole, parts of different turns may meet.
    whole = shapely.normalize(shapely.union_all(parts, grid_size=PRECISION))
    polygons = [orient(one) for one in shapely.get_parts(whole) if one.geom_type == "Polygon"]
    return [
        [[[round(x, 4), round(y, 4)] for x, y in ring.coords] for ring in (one.exterior, *one.interiors)]
        for one in polygons
    ]


def raster_fields(file: Any) -> dict[str, Any]:
    """Return the fields of the projection extension of an open raster of rasterio."""
    epsg = file.crs.to_epsg()
    fields: dict[str, Any] = {"proj:code": f"EPSG:{epsg}" if epsg else None}
    if not epsg:
        fields["proj:wkt2"] = file.crs.to_wkt(version="WKT2_2019")
    return fields | {
        "proj:shape": list(file.shape),
        "proj:transform": list(file.transform)[:6],
        "proj:bbox": list(file.bounds),
    }


def band_object(file: Any, number: int, name: str) -> dict[str, Any]:
    """Return the Band of an open raster of rasterio, counted from 1: type, unit, nodata and statistics."""
    optional = {
        "description": file.descriptions[number - 1],
        "unit": file.units[number - 1],
        "nodata": json_number(file.nodatavals[number - 1]),
    }
    band: dict[str, Any] = {"name": name, "data_type": file.dtypes[number - 1]}
    band |= {key: value for key, value in optional.items() if value not in (None, "")}
    tags = file.tags(number)
    names = ("minimum", "maximum", "mean", "stddev", "valid_percent")
    found = {key: tags.get(f"STATISTICS_{key.upper()}") for key in names}
    statistics = {key: float(value) for key, value in found.items() if value is not None}
    return band | ({"statistics": statistics} if statistics else {})


def file_fields(path: Path) -> dict[str, Any]:
    """Return the fields of the file extension: checksum (multihash of SHA2-256) and size (bytes)."""
    return {
        "file:checksum": SHA2_256 + checksum(path, "sha256").partition(":")[2],
        "file:size": path.stat().st_size,
    }


def json_number(value: float | None) -> float | str | None:
    """Return a number as JSON has it: NaN and infinities are texts."""
    if value is None or math.isfinite(value):
        return value
    return str(float(value))
