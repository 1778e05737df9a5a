"""METADATA.XML of an EnMAP Level-1B product: detectors, calibration, RPCs, angles, times.

Source: specs/plumes.md 4.4; names of elements as DLR's product specification and EnPT have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.scene import Rpc

CORNERS = ("upper_left", "upper_right", "lower_left", "lower_right")
TIME_FORMATS = ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ")
RPC_NAMES = {
    "line_offset": "ROW_OFF",
    "sample_offset": "COL_OFF",
    "latitude_offset": "LAT_OFF",
    "longitude_offset": "LONG_OFF",
    "height_offset": "HEIGHT_OFF",
    "line_scale": "ROW_SCALE",
    "sample_scale": "COL_SCALE",
    "latitude_scale": "LAT_SCALE",
    "longitude_scale": "LONG_SCALE",
    "height_scale": "HEIGHT_SCALE",
    "line_numerator": "ROW_NUM_COEFF",
    "line_denominator": "ROW_DEN_COEFF",
    "sample_numerator": "COL_NUM_COEFF",
    "sample_denominator": "COL_DEN_COEFF",
}
RPC_SERIES = ("line_numerator", "line_denominator", "sample_numerator", "sample_denominator")
"""Names with a number behind them, one for each term."""
RPC_TERMS = 20


@dataclass(frozen=True)
class Detector:
    """One of the two cameras: size of its cube, and by band the calibration, wavelengths (nm) and RPC.

    Radiance in W m-2 sr-1 nm-1 is ``number * gain + offset``.
    """

    image: str
    rows: int
    columns: int
    centres: np.ndarray
    widths: np.ndarray
    gains: np.ndarray
    offsets: np.ndarray
    rpcs: tuple[Rpc, ...]

    @property
    def bands(self) -> int:
        """Return how many bands the cube has."""
        return self.centres.size


@dataclass(frozen=True)
class Angle:
    """An angle (degrees) at the corners of a scene, (2, 2) with the upper row first, and at its centre, if given.

    All corners are equal where only the centre's angle is known.
    """

    corners: np.ndarray
    centre: float | None


@dataclass(frozen=True)
class EnmapMetadata:
    """What the reader needs of METADATA.XML; angles in degrees, elevation in metres, water vapour in g cm-2."""

    revision: str
    start: datetime
    end: datetime
    vnir: Detector
    swir: Detector
    sun_elevation: Angle
    sun_azimuth: Angle
    off_nadir: Angle
    scene_azimuth: Angle
    elevation: float
    background: float
    water_vapour: float | None
    aerosol_optical_thickness: float | None


class _Document:
    """Elements by path, with errors that name the file and the path."""

    def __init__(self, root: ET.Element, where: str) -> None:
        self.root, self.where = root, where

    def text(self, path: str) -> str:
        found = self.root.findtext(path)
        if found is None or not found.strip():
            raise InvalidInput(f"{self.where}: METADATA.XML has no {path}: fetch the product again")
        return found.strip()

    def number(self, path: str) -> float:
        return self.parsed(path, self.text(path))

    def parsed(self, path: str, text: str | None) -> float:
        try:
            value = float(text or "")
        except ValueError:
            raise InvalidInput(f"{self.where}: METADATA.XML: {path} is {text!r}, not a number") from None
        if not np.isfinite(value):
            raise InvalidInput(f"{self.where}: METADATA.XML: {path} is {text!r}")
        return value

    def optional(self, path: str) -> float | None:
        try:
            return float(self.root.findtext(path) or "")
        except ValueError:
            return None

    def column(self, path: str, name: str) -> np.ndarray:
        """Return a number of every element at a path."""
        elements = self.root.findall(path)
        return np.array(
            [
                self.parsed(f"{path}[{element.get('number', place)}]/{name}", element.findtext(name))
                for place, element in enumerate(elements, 1)
            ]
        )

    def time(self, path: str) -> datetime:
        text = self.text(path)
        for form in TIME_FORMATS:
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise InvalidInput(f"{self.where}: METADATA.XML: {path} is {text!r}, not a time as 2024-07-24T10:45:26.000000Z")

    def angle(self, path: str) -> Angle:
        centre = self.number(f"{path}/center") if self.root.findtext(f"{path}/center") else None
        corners = [f"{path}/{corner}" for corner in CORNERS]
        if all(self.root.findtext(corner) for corner in corners):
            return Angle(np.array([self.number(corner) for corner in corners]).reshape(2, 2), centre)
        centre = self.number(f"{path}/center")
        return Angle(np.full((2, 2), centre), centre)


def parse_metadata(xml: bytes, where: str) -> EnmapMetadata:
    """Take METADATA.XML apart.

    Parameters
    ----------
    xml : bytes
        The file.
    where : str
        The product's name, for messages.

    Raises
    ------
    InvalidInput
        Where it is no XML, not of Level 1B, or something is missing or no number.
    """
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise InvalidInput(f"{where}: METADATA.XML declares entities, which the agency's never does")
    try:
        root = ET.fromstring(xml)  # noqa: S314 - declarations, the only way to harm, are refused above
    except ET.ParseError as error:
        raise InvalidInput(f"{where}: METADATA.XML is no whole XML ({error}): fetch the product again") from None
    document = _Document(root, where)
    level = document.text("base/level")
    if level != "L1B":
        raise InvalidInput(f"{where} is of Level {level.removeprefix('L')}; the plumes line takes Level 1B radiance")
    vnir, swir = _detectors(document)
    start = document.time("base/temporalCoverage/startTime")
    stop = "base/temporalCoverage/stopTime"
    water_vapour = document.optional("specific/qualityFlag/sceneWV")
    aerosol = document.optional("specific/qualityFlag/sceneAOT")
    return EnmapMetadata(
        revision=root.findtext("base/revision") or "",
        start=start,
        end=document.time(stop) if root.findtext(stop) else start,
        vnir=vnir,
        swir=swir,
        sun_elevation=document.angle("specific/sunElevationAngle"),
        sun_azimuth=document.angle("specific/sunAzimuthAngle"),
        off_nadir=document.angle("specific/acrossOffNadirAngle"),
        scene_azimuth=document.angle("specific/sceneAzimuthAngle"),
        elevation=document.number("specific/meanGroundElevation"),
        background=document.optional("specific/backgroundValue") or 0.0,
        water_vapour=None if water_vapour is None else water_vapour / 1000,
        aerosol_optical_thickness=None if aerosol is None else aerosol / 1000,
    )


def _detectors(document: _Document) -> tuple[Detector, Detector]:
    channels = [int(document.number(f"product/image/{name}/channels")) for name in ("vnir", "swir")]
    path = "specific/bandCharacterisation/bandID"
    names = ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand")
    columns = [document.column(path, name) for name in names]
    rpcs = tuple(_rpcs(document))
    for label, count in (("bands are characterised", columns[0].size), ("bands have an RPC", len(rpcs))):
        if count != sum(channels):
            raise InvalidInput(
                f"{document.where}: METADATA.XML counts {channels[0]} VNIR and {channels[1]} SWIR bands, "
                f"but {count} {label}: fetch the product again"
            )
    parts = (("vnir", slice(0, channels[0])), ("swir", slice(channels[0], None)))
    vnir, swir = (
        Detector(
            document.text(f"product/image/{name}/name"),
            int(document.number(f"product/image/{name}/dimension/rows")),
            int(document.number(f"product/image/{name}/dimension/columns")),
            columns[0][part],
            columns[1][part],
            columns[2][part],
            columns[3][part],
            rpcs[part],
        )
        for name, part in parts
    )
    if (vnir.rows, vnir.columns) != (swir.rows, swir.columns):
        raise InvalidInput(
            f"{document.where}: the VNIR cube has {vnir.rows} rows and {vnir.columns} columns, "
            f"the SWIR cube {swir.rows} and {swir.columns}: they can't be joined"
        )
    return vnir, swir


def _rpcs(document: _Document) -> Iterator[Rpc]:
    path = "product/navigation/RPC/bandID"
    for band in document.root.findall(path):
        at = f"{path}[{band.get('number')}]"
        found = {
            name: document.parsed(f"{at}/{tag}", band.findtext(tag))
            for name, tag in RPC_NAMES.items()
            if name not in RPC_SERIES
        }
        series = {
            name: tuple(
                document.parsed(f"{at}/{RPC_NAMES[name]}_{term}", band.findtext(f"{RPC_NAMES[name]}_{term}"))
                for term in range(1, RPC_TERMS + 1)
            )
            for name in RPC_SERIES
        }
        yield Rpc(**found, **series)  # type: ignore[arg-type]
