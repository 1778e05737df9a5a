"""STAC 1.1.0 metadata of the cube: an Item of a tile and day, and the Collection of Items.

Extensions: projection 2.0.0, file 2.1.0, eo 1.1.0, view 1.0.0, raster 1.1.0, classification 2.0.0, processing 1.0.0;
our own fields have the prefix ``ard:``. The same files give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from levelworks import __version__
from levelworks.ard.masks.quality import FIELDS
from levelworks.ard.products.boxes import box_around
from levelworks.ard.products.layers import LAYERS, Layer
from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import SENSORS
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

if TYPE_CHECKING:
    from levelworks.ard.cube.tile_statistics import TileStatistics

MORE_EXTENSIONS = (
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
)
VIEW = "https://stac-extensions.github.io/view/v1.0.0/schema.json"
CLASSIFICATION = "https://stac-extensions.github.io/classification/v2.0.0/schema.json"
MEDIA_TYPES = {".tif": "image/tiff; application=geotiff", ".jp2": "image/jp2", ".jpg": "image/jpeg"}
OTHER_MEDIA_TYPE = "application/octet-stream"
ROLES = {
    "BOA": ["data", "reflectance"],
    "TOA": ["data", "reflectance"],
    "QAI": ["metadata", "data-mask", "cloud", "cloud-shadow", "snow-ice", "water-mask"],
}
COMMON_NAMES = {
    "ULTRABLUE": "coastal",
    "BLUE": "blue",
    "GREEN": "green",
    "RED": "red",
    "REDEDGE1": "rededge",
    "REDEDGE2": "rededge",
    "REDEDGE3": "rededge",
    "BROADNIR": "nir",
    "NIR": "nir08",
    "SWIR1": "swir16",
    "SWIR2": "swir22",
}
FIELD_TITLES = {
    "nodata": "no data",
    "cloud": "state of cloud",
    "shadow": "cloud shadow",
    "snow": "snow",
    "water": "water",
    "aerosol": "where the aerosol comes from",
    "subzero": "reflectance below zero in a band",
    "saturation": "reflectance above one or saturated in a band",
    "low_sun": "sun zenith above 75 degrees",
    "illumination": "angle of the sun to the ground",
    "slope": "slope above 2 degrees",
    "water_vapour_fill": "water vapour is a climatology",
}


def tile_item(
    folder: Path,
    *,
    stem: str,
    suffix: str,
    tile: str,
    sensor: str,
    pixels: ImageGrid,
    facts: Sequence[Mapping[str, Any]],
    statistics: TileStatistics,
) -> dict[str, Any]:
    """Make the Item of a tile and day.

    Parameters
    ----------
    folder : Path
        Where the files are now.
    stem, suffix : str
        Of their names.
    tile : str
        The tile's folder in the cube.
    facts : sequence of mapping
        Of the images: ``id``, ``time``; angles where known (``sun_elevation`` or ``sun_zenith``, ``sun_azimuth``,
        ``view_zenith``, ``view_azimuth``, degrees).
    statistics : TileStatistics

    Returns
    -------
    dict
        Values are those of JSON.
    """
    geometry, bbox = footprint_geometry(*statistics.outline())
    found = SENSORS[sensor]
    times = sorted(str(one["time"]) for one in facts)
    view = _view(facts)
    properties: dict[str, Any] = {
        "datetime": times[0],
        "start_datetime": times[0],
        "end_datetime": times[-1],
        "platform": found.platform.lower(),
        "instruments": [one.lower() for one in found.instrument.split("/")],
        "constellation": "landsat" if found.is_landsat else "sentinel-2",
        "gsd": found.resolution,
        "eo:cloud_cover": statistics.percent("cloud"),
        "eo:snow_cover": statistics.percent("snow"),
        **view,
        "processing:level": "L2",
        "processing:software": {"levelworks": __version__},
        "ard:tile": tile,
        "ard:images": [str(one["id"]) for one in facts],
        "ard:valid_percent": statistics.percent("valid"),
        "ard:clouded_percent": statistics.percent("clouded"),
        "ard:shadow_percent": statistics.percent("shadow"),
        "ard:water_percent": statistics.percent("water"),
    }
    assets = {}
    for name, layer in LAYERS.items():
        path = folder / f"{stem}_{name}{suffix}"
        if path.exists():
            assets[name] = _asset(path, layer, sensor, pixels)
    picture = folder / f"{stem}_OVV.jpg"
    if picture.exists():
        about = {"href": f"./{picture.name}", "type": MEDIA_TYPES[".jpg"], "title": "Picture", "roles": ["overview"]}
        assets["OVV"] = about | file_fields(picture)
    extensions = [
        *EXTENSIONS,
        *MORE_EXTENSIONS,
        *([VIEW] if view else []),
        *([CLASSIFICATION] if "QAI" in assets else []),
    ]
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": sorted(extensions),
        "id": f"{tile.replace('/', '_')}_{stem}",
        "geometry": geometry,
        "properties": properties,
        "links": [],
        "assets": assets,
    }
    if bbox is not None:
        item["bbox"] = bbox
    return item


def _view(facts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the angles of the first image that tells them; those of a day hardly differ."""
    found: dict[str, float] = {}
    for one in facts:
        angles = dict(one)
        if "sun_zenith" in angles:
            angles.setdefault("sun_elevation", 90.0 - float(angles["sun_zenith"]))
        names = {
            "view:sun_elevation": "sun_elevation",
            "view:sun_azimuth": "sun_azimuth",
            "view:off_nadir": "view_zenith",
            "view:azimuth": "view_azimuth",
        }
        for field, name in names.items():
            if isinstance(angles.get(name), int | float):
                angle = float(angles[name]) % 360.0 if name.endswith("azimuth") else float(angles[name])
                found.setdefault(field, round(angle, 4))
    return found


def _asset(path: Path, layer: Layer, sensor: str, pixels: ImageGrid) -> dict[str, Any]:
    """Describe a file as asset, from what the file itself says."""
    import rasterio

    names = layer.bands(sensor)
    # GDAL shall take nothing from files beside it, and leave none; the parts of an ENVI file it must find.
    listing = "EMPTY_DIR" if path.suffix == ".tif" else "FALSE"
    with rasterio.Env(GDAL_PAM_ENABLED=False, GDAL_DISABLE_READDIR_ON_OPEN=listing), rasterio.open(path) as file:
        bands = [band_object(file, number, name) for number, name in enumerate(names, 1)]
        raster = raster_fields(file)
        optimised = file.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG"
    raster_bands = [_raster_band(band, layer, pixels) for band in bands]
    asset: dict[str, Any] = {
        "href": f"./{path.name}",
        "type": COG_MEDIA_TYPE if optimised else MEDIA_TYPES.get(path.suffix, OTHER_MEDIA_TYPE),
        "title": layer.title,
        "roles": ROLES.get(layer.name, ["data"]),
        **raster,
        "bands": bands,
        "raster:bands": raster_bands,
        **file_fields(path),
    }
    if layer.spectral:
        asset["eo:bands"] = [_eo_band(sensor, name) for name in names]
    if layer.merge == "quality":
        asset["classification:bitfields"] = _bitfields()
    return asset


def _raster_band(band: Mapping[str, Any], layer: Layer, pixels: ImageGrid) -> dict[str, Any]:
    found: dict[str, Any] = {
        "nodata": layer.nodata,
        "data_type": band["data_type"],
        "sampling": "area",
        "spatial_resolution": pixels.resolution,
    }
    if layer.scale != 1.0:
        found |= {"scale": 1.0 / layer.scale, "offset": 0.0}
    if layer.unit:
        found["unit"] = layer.unit
    return found


def _eo_band(sensor: str, name: str) -> dict[str, Any]:
    band = SENSORS[sensor].band(name)
    return {"name": name, "common_name": COMMON_NAMES[name], "center_wavelength": band.wavelength}


def _bitfields() -> list[dict[str, Any]]:
    """Return the meaning of the quality bits in the words of the classification extension."""
    found = []
    for field in FIELDS:
        states = {one.value: one.name.lower() for one in field.states} if field.states else {0: "no", 1: "yes"}
        found.append(
            {
                "name": field.name,
                "description": FIELD_TITLES[field.name],
                "offset": field.shift,
                "length": field.width,
                "classes": [{"value": value, "name": name, "description": name} for value, name in states.items()],
            }
        )
    return found


def make_collection(
    items: Sequence[tuple[str, Mapping[str, Any]]], *, collection_id: str, title: str, license_name: str
) -> dict[str, Any]:
    """Make the Collection of Items.

    Parameters
    ----------
    items : sequence of tuple
        Where each Item is, relative to the Collection, and the Item.

    Returns
    -------
    dict
        Extents are those of the whole Earth and open in time where there is no Item.
    """
    ordered = sorted(items, key=lambda one: (one[1]["properties"]["datetime"], one[1]["id"]))
    boxes = [item["bbox"] for _, item in ordered if "bbox" in item]
    facts = [item["properties"] for _, item in ordered]
    collection: dict[str, Any] = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": collection_id,
        "title": title,
        "description": "Landsat and Sentinel-2 in tiles of one grid, with quality bits, a file a layer, tile and day",
        "keywords": ["Landsat", "Sentinel-2", "surface reflectance", "analysis-ready data", "data cube"],
        "license": license_name,
        "extent": {
            "spatial": {"bbox": [box_around(boxes) if boxes else [-180.0, -90.0, 180.0, 90.0]]},
            "temporal": {
                "interval": [
                    [
                        min((one["start_datetime"] for one in facts), default=None),
                        max((one["end_datetime"] for one in facts), default=None),
                    ]
                ]
            },
        },
        "links": [{"rel": "root", "href": "./collection.json", "type": "application/json"}],
    }
    if facts:
        collection["summaries"] = {name: sorted({one[name] for one in facts}) for name in ("platform", "constellation")}
        collection["summaries"]["instruments"] = sorted({name for one in facts for name in one["instruments"]})
    collection["links"] += [{"rel": "item", "href": href, "type": GEOJSON_MEDIA_TYPE} for href, _ in ordered]
    return collection
