"""METADATA.XML of a simulated EnMAP product, with every element that readers look for (specs/plumes.md 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.plumes.readers.enmap_metadata import CORNERS, RPC_NAMES
from levelworks.plumes.scene import Geometry, Rpc

TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
QUICKLOOK = {"vnir": (650.0, 550.0, 470.0), "swir": (2200.0, 1650.0, 1250.0)}
"""nm, of red, green and blue."""


@dataclass(frozen=True)
class WrittenBands:
    """Bands of one camera as they are written."""

    detector: str
    centres: np.ndarray
    widths: np.ndarray
    gains: np.ndarray
    offsets: np.ndarray
    rpcs: Sequence[Rpc]


def metadata_xml(
    name: str,
    files: Sequence[str],
    times: tuple[datetime, datetime],
    geometry: Geometry,
    cameras: Sequence[WrittenBands],
    *,
    revision: str,
    background: int,
    water_vapour: float,
    aerosol_optical_thickness: float,
) -> bytes:
    """Return METADATA.XML.

    Parameters
    ----------
    files : sequence of str
        Names of all members.
    cameras : sequence of WrittenBands
        VNIR, then SWIR.
    water_vapour : float
        g cm-2.
    """
    root = ET.Element("level_X")
    rows, columns = geometry.longitude.shape
    _put(root, "metadata/name", f"{name}-METADATA.XML")
    _put(root, "metadata/schema/versionSchema", "01.02.00")
    _put(root, "base/format", "ENMAP_L1B")
    _put(root, "base/level", "L1B")
    _put(root, "base/revision", revision)
    _put(root, "base/temporalCoverage/startTime", times[0].strftime(TIME))
    _put(root, "base/temporalCoverage/stopTime", times[1].strftime(TIME))
    _polygon(root, geometry)
    _put(root, "processing/productFormat", "GeoTIFF+Metadata")
    _put(root, "specific/backgroundValue", str(background))
    angles = {
        "sunElevationAngle": 90.0 - geometry.sun_zenith,
        "sunAzimuthAngle": geometry.sun_azimuth,
        "acrossOffNadirAngle": geometry.view_zenith,
        "alongOffNadirAngle": np.zeros((rows, columns)),
        "sceneAzimuthAngle": geometry.view_azimuth,
    }
    for element, angle in angles.items():
        for corner in CORNERS:
            _put(root, f"specific/{element}/{corner}", _number(angle[_corners(rows, columns)[corner]]))
        _put(root, f"specific/{element}/center", _number(_middle(angle)))
    _put(root, "specific/meanGroundElevation", _number(float(np.mean(geometry.elevation, dtype=float))))
    _put(root, "specific/qualityFlag/sceneAOT", str(round(1000 * aerosol_optical_thickness)))
    _put(root, "specific/qualityFlag/sceneWV", str(round(1000 * water_vapour)))
    for member in files:
        _put(_new(root, "product/productFileInformation", "file"), "name", member)
    first = 1
    for camera in cameras:
        _camera(root, name, camera, rows, columns, first)
        first += camera.centres.size
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8") + b"\n"


def _camera(root: ET.Element, name: str, camera: WrittenBands, rows: int, columns: int, first: int) -> None:
    """Write what is known of a camera; its first band has the number ``first``."""
    label, count = camera.detector.lower(), camera.centres.size
    numbers = range(first, first + count)
    _put(root, f"specific/{label}ProductQuality/numChannelsExpected", str(count))
    _put(root, f"specific/{label}ProductQuality/expectedChannelsList", ",".join(map(str, numbers)))
    image = f"product/image/{label}"
    _put(root, f"{image}/name", f"{name}-SPECTRAL_IMAGE_{camera.detector}.TIF")
    _put(root, f"{image}/channels", str(count))
    _put(root, f"{image}/dimension/rows", str(rows))
    _put(root, f"{image}/dimension/columns", str(columns))
    for colour, wavelength in zip(("red", "green", "blue"), QUICKLOOK[label], strict=True):
        nearest = camera.centres[np.argmin(np.abs(camera.centres - wavelength))]
        _put(root, f"{image}/qlChannels/{colour}", _number(nearest))
    _put(root, f"product/quicklook/{label}/name", f"{name}-QL_{camera.detector}.TIF")
    columns_of = (camera.centres, camera.widths, camera.gains, camera.offsets)
    names = ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand")
    for place, number in enumerate(numbers):
        band = _new(root, "specific/bandCharacterisation", "bandID")
        band.set("number", str(number))
        for element, values in zip(names, columns_of, strict=True):
            _put(band, element, _number(values[place]))
        band = _new(root, "product/navigation/RPC", "bandID")
        band.set("number", str(number))
        _rpc(band, camera.rpcs[place])


def _rpc(band: ET.Element, rpc: Rpc) -> None:
    for item in fields(rpc):
        value = getattr(rpc, item.name)
        if isinstance(value, tuple):
            for term, coefficient in enumerate(value, 1):
                _put(band, f"{RPC_NAMES[item.name]}_{term}", _number(coefficient))
        else:
            _put(band, RPC_NAMES[item.name], _number(value))


def _polygon(root: ET.Element, geometry: Geometry) -> None:
    rows, columns = geometry.longitude.shape
    for frame, pixel in (_corners(rows, columns) | {"center": (rows // 2, columns // 2)}).items():
        point = _new(root, "base/spatialCoverage/boundingPolygon", "point")
        _put(point, "frame", frame)
        _put(point, "latitude", _number(float(geometry.latitude[pixel])))
        _put(point, "longitude", _number(float(geometry.longitude[pixel])))


def _corners(rows: int, columns: int) -> dict[str, tuple[int, int]]:
    return dict(zip(CORNERS, ((0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)), strict=True))


def _middle(angle: np.ndarray) -> float:
    """Return the mean of the one to four pixels in the middle (degrees from 0 to 360)."""
    rows, columns = angle.shape
    inner = np.radians(angle[(rows - 1) // 2 : rows // 2 + 1, (columns - 1) // 2 : columns // 2 + 1].astype(float))
    return float(np.degrees(np.arctan2(np.sin(inner).mean(), np.cos(inner).mean())) % 360)


def _number(value: float) -> str:
    return repr(float(value))


def _put(parent: ET.Element, path: str, text: str) -> None:
    """Set the text of an element, making those on the way to it."""
    element = parent
    for tag in path.split("/"):
        found = element.find(tag)
        element = ET.SubElement(element, tag) if found is None else found
    element.text = text


def _new(parent: ET.Element, path: str, tag: str) -> ET.Element:
    """Add one more element under a path."""
    element = parent
    for step in path.split("/"):
        found = element.find(step)
        element = ET.SubElement(element, step) if found is None else found
    return ET.SubElement(element, tag)
