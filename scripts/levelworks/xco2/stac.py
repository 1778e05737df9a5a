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

from levelworks.core.outcome import InvalidInput
from levelworks.core.stac import (
    COG_MEDIA_TYPE,
    EXTENSIONS,
    GEOJSON_MEDIA_TYPE,
    STAC_VERSION,
    band_object,
    file_fields,
    footprint_geometry,
    raster_fields,
)
from levelworks.xco2.geography import Box
from levelworks.xco2.granule import NO_ORBIT
from levelworks.xco2.grid_files import Entry, Source
from levelworks.xco2.layers import SETS

OCO2 = {"platform": "oco-2", "instruments": ["oco spectrometers"], "mission": "oco-2"}
OCO3 = {"platform": "iss", "instruments": ["oco-3"], "mission": "oco-3"}
PLATFORMS = {"oco2": OCO2, "oco3": OCO3, "oco3_sif": OCO3}
"""Names of GCMD's keywords in lower case, as STAC wants them."""


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
            raster, band = raster_fields(file), band_object(file, 1, variable.strip("/"))
    except RasterioIOError as error:
        raise InvalidInput(f"{path.name}: no GeoTIFF, or damaged ({error})") from None
    return {
        "href": href,
        "type": COG_MEDIA_TYPE,
        "title": title or band.get("description", variable),
        "roles": list(roles),
        **raster,
        "bands": [band],
        **file_fields(path),
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


def _ordered(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    ids = [item["id"] for item in items]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise InvalidInput(f"more than one capture has the id {', '.join(twice)}; ids of Items must differ")
    return sorted(items, key=lambda item: (item["properties"]["start_datetime"], item["id"]))


def _timestamp(seconds: float) -> str:
    """Return seconds since 1970-01-01 UTC as RFC 3339, to milliseconds."""
    if not math.isfinite(seconds):
        raise InvalidInput(f"the time of a capture is {seconds}; it must be a number of seconds")
    whole = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=round(seconds * 1000.0))  # noqa: DTZ001
    return whole.isoformat(timespec="milliseconds") + "Z"
