"""Answers of agencies' searches, as people save them: the GeoJSON of ASF, the JSON of CDSE's OData service.

ASF (search API and ``asf_search``, output ``geojson``): features with the properties ``sceneName``, ``url``,
``bytes``, ``md5sum``, ``pathNumber``, ``flightDirection`` and ``processingLevel``. CDSE (``odata/v1/Products``,
best with ``$expand=Attributes``): ``value`` with ``Id``, ``Name``, ``ContentLength``, ``Checksum``, ``S3Path``,
``Footprint`` or ``GeoFootprint``, and ``Attributes``. Of many products CDSE has neither size (0) nor checksum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from levelworks.core.outcome import InvalidReference

CDSE_DOWNLOAD = "https://download.dataspace.copernicus.eu/odata/v1/Products({})/$value"
Rings: TypeAlias = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True)
class Found:
    """A product as a search or a table has it: values as they stand there, empty where there is none."""

    id: str
    address: str = ""
    path: str = ""
    size: object = ""
    md5: str = ""
    sha256: str = ""
    track: object = ""
    pass_direction: str = ""
    footprint: str | Rings = ""


def read_search_result(content: Any, file: str) -> Iterator[tuple[str, Found]]:
    """Yield the products of an answer, each with where it stands.

    Raises
    ------
    InvalidReference
        Where it is no answer of a search that is known here.
    """
    features, value = (content.get(key) if isinstance(content, Mapping) else None for key in ("features", "value"))
    if isinstance(features, list):
        yield from _each(features, _of_asf, "feature", file)
    elif isinstance(value, list):
        yield from _each(value, _of_cdse, "product", file)
    else:
        raise InvalidReference(f"{file} is neither ASF's GeoJSON ('features') nor CDSE's OData ('value')")


def _each(items: list[Any], read: Any, what: str, file: str) -> Iterator[tuple[str, Found]]:
    for number, item in enumerate(items, start=1):
        try:
            found = read(item)
            if found is not None and not isinstance(found.id, str):
                raise TypeError(found.id)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            raise InvalidReference(f"{file}: {what} {number} is not as the search returns it") from None
        if found is not None:
            yield f"{what} {number}", found


def _of_asf(feature: Mapping[str, Any]) -> Found | None:
    properties = feature["properties"]
    if properties.get("processingLevel") != "SLC":
        return None  # the metadata of a product has its name as well
    return Found(
        id=properties["sceneName"],
        address=properties.get("url") or "",
        size=properties.get("bytes"),
        md5=properties.get("md5sum") or "",
        track=properties.get("pathNumber"),
        pass_direction=properties.get("flightDirection") or "",
        footprint=_rings(feature.get("geometry")),
    )


def _of_cdse(product: Mapping[str, Any]) -> Found:
    attributes = {one["Name"]: one["Value"] for one in product.get("Attributes") or ()}
    checksums = {one["Algorithm"]: one["Value"] for one in product.get("Checksum") or () if one}
    return Found(
        id=product["Name"],
        address=CDSE_DOWNLOAD.format(product["Id"]),
        path=product.get("S3Path") or "",
        size=product.get("ContentLength"),
        md5=checksums.get("MD5") or "",
        track=attributes.get("relativeOrbitNumber"),
        pass_direction=attributes.get("orbitDirection") or "",
        footprint=_rings(product.get("GeoFootprint")) or product.get("Footprint") or "",
    )


def _rings(geometry: Mapping[str, Any] | None) -> Rings:
    """Return the outer rings of a GeoJSON polygon or multipolygon."""
    if geometry is None or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return ()
    coordinates = geometry["coordinates"]
    polygons = [coordinates] if geometry["type"] == "Polygon" else coordinates
    return tuple(tuple((float(point[0]), float(point[1])) for point in polygon[0]) for polygon in polygons)
