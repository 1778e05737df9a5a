"""STAC 1.1.0 metadata of the GeoTIFFs of captures: items, a collection, and a collection of items in one file.

Bands are described by STAC's common metadata, the files by the extensions projection 2.0.0 and file 2.1.0; our own
fields have the prefix ``xco2:``. Nothing depends on when or where it was made: the same captures give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.checksum import checksum
from levelworks.core.outcome import InvalidInput
from levelworks.xco2.geography import Box, mean_position, unwrap_longitude, wrap_longitude
from levelworks.xco2.granule import NO_ORBIT
from levelworks.xco2.grid_files import Entry, Source
from levelworks.xco2.layers import SETS

STAC_VERSION = "1.1.0"
EXTENSIONS = (
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
)
COG_MEDIA_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOJSON_MEDIA_TYPE = "application/geo+json"
SHA2_256 = "1220"
"""Multihash code of SHA2-256 and the length of its digest (https://multiformats.io/multihash)."""
OCO2 = {"platform": "oco-2", "instruments": ["oco spectrometers"], "mission": "oco-2"}
OCO3 = {"platform": "iss", "instruments": ["oco-3"], "mission": "oco-3"}
PLATFORMS = {"oco2": OCO2, "oco3": OCO3, "oco3_sif": OCO3}
"""Names of GCMD's keywords in lower case, as STAC wants them."""
TOLERANCE = 0.0002
"""Of the simplified outline, degrees: some twenty metres, where footprints measure two kilometres."""
PRECISION = 1e-4
"""Of the outline's coordinates, degrees; corners that neighbours share agree to it in real granules."""


def make_item(
    entry: Entry,
    source: Source,
    vertex_longitude: np.ndarray,
    vertex_latitude: np.ndarray,
    assets: Mapping[str, Mapping[str, Any]],
    *,
    collection: str | None = None,
    collection_href: str = "./collection.json",
) -> dict[str, Any]:
    """Make the STAC Item of a capture.

    Parameters
    ----------
    entry : Entry
        The gridded capture.
    source : Source
        Its granule.
    vertex_longitude, vertex_latitude : ndarray, shape (n, 4)
        Corners of its footprints, degrees.
    assets : mapping of str to mapping
        By key, see `cog_asset`.
    collection : str, optional
        Id of the Collection that the Item belongs to.
    collection_href : str
        Where the Collection is, relative to the Item.

    Returns
    -------
    dict
        Values are those of JSON. Geometry is None, and there is no bbox, where no footprint is valid.

    Raises
    ------
    InvalidInput
        Where the capture has no time, or ends before it starts.
    """
    if entry.end < entry.start:
        raise InvalidInput(f"capture {entry.id} ends at {entry.end} s, before it starts at {entry.start} s")
    geometry, bbox = footprint_geometry(vertex_longitude, vertex_latitude)
    sets = {asset.get("xco2:quality_set") for asset in assets.values()}
    properties = {
        "datetime": _timestamp(entry.start),
        "start_datetime": _timestamp(entry.start),
        "end_datetime": _timestamp(entry.end),
        **PLATFORMS[source.dataset],
        "xco2:dataset": source.dataset,
        "xco2:capture_id": entry.id,
        "xco2:target_id": entry.target_id,
        "xco2:target_name": entry.target_name,
        "xco2:mode": entry.mode,
        "xco2:n_soundings": entry.soundings,
        "xco2:n_good": entry.good,
        "xco2:quality_set": [one for one in SETS if one in sets],
        "xco2:source_file": source.name,
        "xco2:source_build": source.build,
    }
    if entry.orbit != NO_ORBIT:
        properties["xco2:orbit"] = entry.orbit
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": entry.id,
        "geometry": geometry,
        "properties": properties,
        "links": [],
        "assets": {key: dict(assets[key]) for key in sorted(assets)},
    }
    if bbox is not None:
        item["bbox"] = bbox
    if collection is not None:
        item["collection"] = collection
        relations = ("root", "parent", "collection")
        item["links"] = [{"rel": one, "href": collection_href, "type": "application/json"} for one in relations]
    return item


def cog_asset(
    path: Path, href: str, *, variable: str, quality_set: str, title: str = "", roles: Sequence[str] = ("data",)
) -> dict[str, Any]:
    """Describe a GeoTIFF as asset of an Item, from what the file itself says.

    Parameters
    ----------
    path : Path
        File of one band, see `levelworks.xco2.cogs.write_cog`.
    href : str
        Where the file is, relative to the Item.
    variable : str
        Full path, e.g. ``/xco2``; the band's name.
    quality_set : {"pre", "post"}
        Soundings that were gridded.
    title : str
        Description of the band where empty.
    roles : sequence of str
        Of the asset.

    Raises
    ------
    InvalidInput
        Where the file is no GeoTIFF.
    """
    import rasterio
    from rasterio.errors import RasterioIOError

    try:
        # GDAL shall take nothing from files beside it, and leave none.
        with (
            rasterio.Env(GDAL_PAM_ENABLED=False, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
            rasterio.open(path) as file,
        ):
            transform, bounds, shape = file.transform, file.bounds, file.shape
            epsg = file.crs.to_epsg()
            projection = {"proj:code": f"EPSG:{epsg}" if epsg else None}
            if not epsg:
                projection["proj:wkt2"] = file.crs.to_wkt(version="WKT2_2019")
            band: dict[str, Any] = {"name": variable.strip("/"), "data_type": file.dtypes[0]}
            optional = {"description": file.descriptions[0], "unit": file.units[0], "nodata": _nodata(file.nodata)}
            statistics = _statistics(file.tags(1))
    except RasterioIOError as error:
        raise InvalidInput(f"{path.name}: no GeoTIFF, or damaged ({error})") from None
    band |= {name: value for name, value in optional.items() if value not in (None, "")}
    if statistics:
        band["statistics"] = statistics
    return {
        "href": href,
        "type": COG_MEDIA_TYPE,
        "title": title or band.get("description", variable),
        "roles": list(roles),
        **projection,
        "proj:shape": list(shape),
        "proj:transform": list(transform)[:6],
        "proj:bbox": list(bounds),
        "bands": [band],
        "file:checksum": SHA2_256 + checksum(path, "sha256").partition(":")[2],
        "file:size": path.stat().st_size,
        "xco2:quality_set": quality_set,
    }


def make_collection(
    items: Sequence[Mapping[str, Any]],
    *,
    collection_id: str,
    title: str,
    description: str,
    license_name: str = "other",
    providers: Sequence[Mapping[str, Any]] = (),
    hrefs: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make the STAC Collection of Items.

    Parameters
    ----------
    items : sequence of mapping
        In any order, see `make_item`.
    collection_id, title, description : str
        Of the Collection.
    license_name : str
        SPDX identifier or expression, or ``other``.
    providers : sequence of mapping
        STAC Provider objects.
    hrefs : mapping of str to str, optional
        Where Items are by their ids, relative to the Collection; ``./<id>.json`` where absent.

    Returns
    -------
    dict
        Extents are those of the whole Earth and open in time where there is no Item.

    Raises
    ------
    InvalidInput
        Where two Items have one id.
    """
    ordered = _ordered(items)
    boxes = [Box(*item["bbox"]) for item in ordered if "bbox" in item]
    extent: Box = reduce(Box.union, boxes) if boxes else Box(-180.0, -90.0, 180.0, 90.0)
    facts = [item["properties"] for item in ordered]
    start = min((one["start_datetime"] for one in facts), default=None)
    end = max((one["end_datetime"] for one in facts), default=None)
    collection: dict[str, Any] = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": collection_id,
        "title": title,
        "description": description,
        "keywords": ["OCO-2", "OCO-3", "carbon dioxide", "XCO2", "solar-induced fluorescence"],
        "license": license_name,
        "extent": {"spatial": {"bbox": [list(extent)]}, "temporal": {"interval": [[start, end]]}},
        "links": [{"rel": "root", "href": "./collection.json", "type": "application/json"}],
    }
    if providers:
        collection["providers"] = [dict(one) for one in providers]
    if facts:
        names = ("platform", "mission", "xco2:dataset", "xco2:mode", "xco2:target_id")
        collection["summaries"] = {name: sorted({one[name] for one in facts}) for name in names}
        collection["summaries"]["instruments"] = sorted({name for one in facts for name in one["instruments"]})
    collection["links"] += [
        {"rel": "item", "href": (hrefs or {}).get(item["id"], f"./{item['id']}.json"), "type": GEOJSON_MEDIA_TYPE}
        for item in ordered
    ]
    return collection


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


def _ordered(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    ids = [item["id"] for item in items]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise InvalidInput(f"more than one capture has the id {', '.join(twice)}; ids of Items must differ")
    return sorted(items, key=lambda item: (item["properties"]["start_datetime"], item["id"]))


def _statistics(tags: Mapping[str, str]) -> dict[str, float]:
    names = ("minimum", "maximum", "mean", "stddev", "valid_percent")
    found = {name: tags.get(f"STATISTICS_{name.upper()}") for name in names}
    return {name: float(value) for name, value in found.items() if value is not None}


def _nodata(value: float | None) -> float | str | None:
    """Return nodata as JSON has it, without NaN and infinities."""
    if value is None or math.isfinite(value):
        return value
    return str(float(value))


def _timestamp(seconds: float) -> str:
    """Return seconds since 1970-01-01 UTC as RFC 3339, to milliseconds."""
    if not math.isfinite(seconds):
        raise InvalidInput(f"the time of a capture is {seconds}; it must be a number of seconds")
    whole = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=round(seconds * 1000.0))  # noqa: DTZ001
    return whole.isoformat(timespec="milliseconds") + "Z"
