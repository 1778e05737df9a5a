"""Metadata of Sentinel-2 Level-1C: of the product and of a granule, before and after baseline 04.00.

Source: specs/ard.md 3.2; ESA, Sentinel-2 Products Specification Document, Level-1C.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.ard.geometry.directions import to_vectors
from levelworks.ard.readers.xml_files import read_xml
from levelworks.ard.sensors import SENSORS, Sensor
from levelworks.core.outcome import InvalidInput

BAND_KEYS = ("01", "02", "03", "04", "05", "06", "07", "08", "8A", "09", "10", "11", "12")
"""In the order of ``bandId``."""
RESOLUTIONS = (10, 20, 60)


@dataclass(frozen=True)
class ProductMetadata:
    """Of ``MTD_MSIL1C.xml``; per-band values by the band's key.

    Parameters
    ----------
    name : str
        Of the product, without ``.SAFE``.
    start : datetime
        Of the datatake, UTC.
    quantification : float
    offsets : dict
        Added to counts before they are divided; 0 before baseline 04.00.
    nodata, saturated : int
        Special counts.
    distance_factor : float
        U: one over the square of the Earth-Sun distance.
    irradiance : dict
        W m-2 um-1.
    degraded : float or None
        Percent of the datatake's image data that were lost or damaged.
    """

    path: Path
    name: str
    sensor: Sensor
    baseline: str
    start: datetime
    quantification: float
    offsets: dict[str, float]
    nodata: int
    saturated: int
    distance_factor: float | None
    irradiance: dict[str, float]
    degraded: float | None
    granules: tuple[str, ...]
    cloud_cover: str


@dataclass(frozen=True)
class NodeGrid:
    """Unit vectors at nodes of the tile, shape (rows, columns, 3); the first stands on its upper-left corner."""

    spacing: tuple[float, float]
    vectors: np.ndarray


@dataclass(frozen=True)
class GranuleMetadata:
    """Of ``MTD_TL.xml``: `shapes` are rows and columns by resolution, `masks` names by type and band's key."""

    path: Path
    name: str
    time: datetime
    crs: str
    west: float
    north: float
    shapes: dict[int, tuple[int, int]]
    sun: NodeGrid
    view: dict[str, dict[int, NodeGrid]]
    masks: dict[tuple[str, str], str]


def read_product(path: Path) -> ProductMetadata:
    """Read the metadata of a product.

    Raises
    ------
    InvalidInput
        Where it is not whole, or not of Level 1C.
    """
    root = read_xml(path)
    level = _text(path, root, "PROCESSING_LEVEL")
    if "1C" not in level:
        raise InvalidInput(f"{path} is of {level}: the line takes Level-1C of Sentinel-2")
    spacecraft = _text(path, root, "SPACECRAFT_NAME")
    sensor = SENSORS.get(f"SEN2{spacecraft[-1]}")
    if sensor is None:
        raise InvalidInput(f"{path}: SPACECRAFT_NAME = {spacecraft} is none of Sentinel-2A to 2D")
    special = {
        _text(path, one, "SPECIAL_VALUE_TEXT"): int(_number(path, one, "SPECIAL_VALUE_INDEX"))
        for one in root.iter("Special_Values")
    }
    offsets = dict.fromkeys(BAND_KEYS, 0.0) | _by_band(path, root, "RADIO_ADD_OFFSET", "band_id")
    factor = root.find(".//Reflectance_Conversion/U")
    degraded = root.find(".//Technical_Quality_Assessment/DEGRADED_MSI_DATA_PERCENTAGE")
    name = root.findtext(".//PRODUCT_URI") or root.findtext(".//PRODUCT_URI_1C") or path.parent.name
    granules = [one.get("granuleIdentifier", "") for kind in ("Granule", "Granules") for one in root.iter(kind)]
    return ProductMetadata(
        path=path,
        name=name.strip().removesuffix(".SAFE"),
        sensor=sensor,
        baseline=(root.findtext(".//PROCESSING_BASELINE") or "").strip(),
        start=_time(path, _text(path, root, "PRODUCT_START_TIME")),
        quantification=_number(path, root, "QUANTIFICATION_VALUE"),
        offsets=offsets,
        nodata=special.get("NODATA", 0),
        saturated=special.get("SATURATED", 65535),
        distance_factor=float(factor.text) if factor is not None and factor.text else None,
        irradiance=_by_band(path, root, "SOLAR_IRRADIANCE", "bandId"),
        degraded=float(degraded.text) if degraded is not None and degraded.text else None,
        granules=tuple(dict.fromkeys(granules)),
        cloud_cover=(root.findtext(".//Cloud_Coverage_Assessment") or "").strip(),
    )


def read_granule(path: Path) -> GranuleMetadata:
    """Read the metadata of a granule.

    Raises
    ------
    InvalidInput
        Where it is not whole.
    """
    root = read_xml(path)
    shapes = {
        int(size.get("resolution", "0")): (int(_number(path, size, "NROWS")), int(_number(path, size, "NCOLS")))
        for size in root.iter("Size")
    }
    missing = [str(resolution) for resolution in RESOLUTIONS if resolution not in shapes]
    if missing:
        raise InvalidInput(f"{path} has no Size of {' and '.join(missing)} m: fetch the image again")
    position = next((one for one in root.iter("Geoposition") if one.get("resolution") == "10"), None)
    if position is None:
        raise InvalidInput(f"{path} has no Geoposition of 10 m: fetch the image again")
    sun = root.find(".//Sun_Angles_Grid")
    if sun is None:
        raise InvalidInput(f"{path} has no Sun_Angles_Grid: fetch the image again")
    view: dict[str, dict[int, NodeGrid]] = {}
    for grid in root.iter("Viewing_Incidence_Angles_Grids"):
        band = _key(path, grid.get("bandId", ""))
        view.setdefault(band, {})[int(grid.get("detectorId", "0"))] = _nodes(path, grid)
    return GranuleMetadata(
        path=path,
        name=_text(path, root, "TILE_ID"),
        time=_time(path, _text(path, root, "SENSING_TIME")),
        crs=_text(path, root, "HORIZONTAL_CS_CODE"),
        west=_number(path, position, "ULX"),
        north=_number(path, position, "ULY"),
        shapes=shapes,
        sun=_nodes(path, sun),
        view=view,
        masks=_masks(root),
    )


def _nodes(path: Path, element: ET.Element) -> NodeGrid:
    values = []
    for kind in ("Zenith", "Azimuth"):
        part = element.find(kind)
        if part is None:
            raise InvalidInput(f"{path}: {element.tag} has no {kind}: fetch the image again")
        rows = [(row.text or "").split() for row in part.iter("VALUES")]
        try:
            values.append(np.array(rows, dtype=float))
        except ValueError:
            raise InvalidInput(f"{path}: {element.tag} is not whole: fetch the image again") from None
        spacing = (_number(path, part, "ROW_STEP"), _number(path, part, "COL_STEP"))
    zenith, azimuth = values
    if zenith.ndim != 2 or zenith.shape != azimuth.shape or min(zenith.shape) < 2 or min(spacing) <= 0:
        raise InvalidInput(f"{path}: {element.tag} is not whole: fetch the image again")
    return NodeGrid(spacing, to_vectors(zenith, azimuth))


def _masks(root: ET.Element) -> dict[tuple[str, str], str]:
    """Return names of mask files, without folders, by type (MSK_DETFOO) and key of the band."""
    found = {}
    for element in root.iter("MASK_FILENAME"):
        band = element.get("bandId")
        if band is not None and band.isdigit() and int(band) < len(BAND_KEYS) and element.text:
            name = element.text.strip().rpartition("/")[2]
            found[element.get("type", ""), BAND_KEYS[int(band)]] = name
    return found


def _by_band(path: Path, root: ET.Element, tag: str, attribute: str) -> dict[str, float]:
    found = {}
    for element in root.iter(tag):
        try:
            found[_key(path, element.get(attribute, ""))] = float(element.text or "")
        except ValueError:
            raise InvalidInput(f"{path}: {tag} = {element.text} is no number") from None
    return found


def _key(path: Path, band: str) -> str:
    if not band.isdigit() or int(band) >= len(BAND_KEYS):
        raise InvalidInput(f"{path}: {band!r} is no band of Sentinel-2: fetch the image again")
    return BAND_KEYS[int(band)]


def _text(path: Path, element: ET.Element, tag: str) -> str:
    text = element.findtext(f".//{tag}")
    if text is None or not text.strip():
        raise InvalidInput(f"{path} has no {tag}: fetch the image again")
    return text.strip()


def _number(path: Path, element: ET.Element, tag: str) -> float:
    text = _text(path, element, tag)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InvalidInput(f"{path}: {tag} = {text} is no number")
    return value


def _time(path: Path, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.removesuffix("Z")[:26]).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(f"{path}: {text} is no time") from None
