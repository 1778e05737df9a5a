"""STAC 1.1.0 Item of a Level-2 scene: its outline, its time, its NetCDF file and its GeoTIFFs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.stac import (
    COG_MEDIA_TYPE,
    EXTENSIONS,
    NETCDF_MEDIA_TYPE,
    STAC_VERSION,
    band_object,
    file_fields,
    footprint_geometry,
    raster_fields,
)
from levelworks.plumes.earth import ECCENTRICITY_SQUARED
from levelworks.plumes.mapping.pixel_area import corner_lattice, geocentric

BLOCK = 64
"""Pixels along the sides of the pieces that an outline is made of: some kilometres."""
PLATFORMS = {
    "EMIT": {"platform": "iss", "instruments": ["emit"]},
    "EnMAP": {"platform": "enmap", "instruments": ["hsi"]},
    "PRISMA": {"platform": "prisma", "instruments": ["hsi"]},
}
"""Names of platforms and instruments in lower case, as STAC wants them."""


def scene_item(
    stem: str,
    attributes: Mapping[str, Any],
    longitude: np.ndarray,
    latitude: np.ndarray,
    assets: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Make the Item of a scene.

    Parameters
    ----------
    stem : str
        Name of the Level-2 product: the Item's id.
    attributes : mapping
        Of the product: ``start_time``, ``end_time`` (ISO 8601, UTC), ``sensor``, ``gases``, ``scene``, ``version``.
    longitude, latitude : ndarray, shape (rows, columns)
        Of pixel centres, degrees.
    assets : mapping of str to mapping
        By key, see `file_asset`.

    Returns
    -------
    dict
        Values are those of JSON; the same inputs give the same bytes.
    """
    geometry, bbox = footprint_geometry(*_pieces(longitude, latitude))
    start = str(attributes["start_time"])
    sensor = str(attributes["sensor"])
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": stem,
        "geometry": geometry,
        "properties": {
            "datetime": start,
            "start_datetime": start,
            "end_datetime": str(attributes.get("end_time", start)),
            **PLATFORMS.get(sensor, {"platform": sensor.lower()}),
            "plumes:scene": str(attributes["scene"]),
            "plumes:gases": str(attributes.get("gases", "")).split(),
            "plumes:version": str(attributes.get("version", "")),
        },
        "links": [],
        "assets": {key: dict(assets[key]) for key in sorted(assets)},
    }
    if bbox is not None:
        item["bbox"] = bbox
    return item


def product_asset(path: Path, href: str) -> dict[str, Any]:
    """Describe the NetCDF file of a scene as asset."""
    return {
        "href": href,
        "type": NETCDF_MEDIA_TYPE,
        "title": "Level-2 product",
        "roles": ["data"],
        **file_fields(path),
    }


def cog_asset(path: Path, href: str, name: str) -> dict[str, Any]:
    """Describe a GeoTIFF as asset, from what the file itself says.

    Parameters
    ----------
    path : Path
        See `levelworks.plumes.mapping.level2_cogs.write_cog`.
    href : str
        Where the file is, relative to the Item.
    name : str
        Of the layer.
    """
    import rasterio

    with rasterio.Env(GDAL_PAM_ENABLED=False, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), rasterio.open(path) as file:
        names = [name] if file.count == 1 else list(file.descriptions)
        bands = [band_object(file, number, one) for number, one in enumerate(names, start=1)]
        title = file.tags().get("TIFFTAG_IMAGEDESCRIPTION", name)
        return {
            "href": href,
            "type": COG_MEDIA_TYPE,
            "title": title,
            "roles": ["visual"] if name == "rgb" else ["data"],
            **raster_fields(file),
            "bands": bands,
            **file_fields(path),
        }


def _pieces(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (degrees, (n, 4) each) of blocks of pixels that make up a scene."""
    lattice = corner_lattice(geocentric(longitude, latitude))
    rows, columns = (np.unique(np.r_[0:size:BLOCK, size - 1]) for size in lattice.shape[:2])
    x, y, z = np.moveaxis(lattice[np.ix_(rows, columns)], -1, 0)
    # Outlines are simplified to twenty metres: the geocentric latitude must be made geodetic all the same.
    east = np.degrees(np.arctan2(y, x))
    north = np.degrees(np.arctan2(z, np.hypot(x, y) * (1 - ECCENTRICITY_SQUARED)))
    return tuple(  # type: ignore[return-value]
        np.stack([one[:-1, :-1], one[:-1, 1:], one[1:, 1:], one[1:, :-1]], axis=-1).reshape(-1, 4)
        for one in (east, north)
    )
