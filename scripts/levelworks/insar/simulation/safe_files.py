"""SAFE products of the simulator: names, folder layout, manifest, calibration and noise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.insar.safe.annotation import SwathAnnotation
from levelworks.insar.safe.packing import pack_folder
from levelworks.insar.simulation.annotation_xml import to_bytes
from levelworks.insar.times import format_time

NAMESPACES = {
    "xfdu": "urn:ccsds:schema:xfdu:1",
    "gml": "http://www.opengis.net/gml",
    "safe": "http://www.esa.int/safe/sentinel-1.0",
    "s1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1",
    "s1sarl1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-1",
}
VECTOR_STEP = 40
CALIBRATION = 300.0
"""DN of a backscatter of one."""
CHUNK = 1 << 20


@dataclass(frozen=True)
class ProductIdentity:
    """What names and manifest of a product say beside its annotations; ``slice`` counts from 1."""

    mission: str
    absolute_orbit: int
    data_take: int
    slice: int
    footprint: tuple[tuple[float, float], ...]
    ascending_node_time: str


def product_name(identity: ProductIdentity, annotations: list[SwathAnnotation]) -> str:
    """Return the agency's name of a product of one polarisation, with ``.SAFE``."""
    start, stop = (_compact(time, annotations[0]) for time in _span(annotations))
    stem = f"{identity.mission}_IW_SLC__1SSV_{start}_{stop}_{identity.absolute_orbit:06d}_{identity.data_take:06X}"
    return f"{stem}_{int(hashlib.sha256(stem.encode()).hexdigest()[:4], 16):04X}.SAFE"


def file_stem(identity: ProductIdentity, annotation: SwathAnnotation, number: int) -> str:
    """Return the name, without suffix, of the files of a swath."""
    start, stop = (_compact(time, annotation).lower() for time in (annotation.start, annotation.stop))
    return (
        f"{identity.mission.lower()}-{annotation.swath.lower()}-slc-{annotation.polarisation.lower()}-{start}-{stop}-"
        f"{identity.absolute_orbit:06d}-{identity.data_take:06x}-{number:03d}"
    )


def write_radiometry(folder: Path, stem: str, annotation: SwathAnnotation, noise: float) -> None:
    """Write calibration and noise (DN squared) of a swath, the same everywhere."""
    lines = np.append(np.arange(len(annotation.bursts)), len(annotation.bursts)) * annotation.lines_per_burst
    pixels = np.unique(
        np.append(np.arange(0, annotation.samples_per_burst, VECTOR_STEP), annotation.samples_per_burst - 1)
    )
    calibration = _radiometry("calibration", annotation)
    information = ET.SubElement(calibration, "calibrationInformation")
    ET.SubElement(information, "absoluteCalibrationConstant").text = f"{1.0:e}"
    names = ("sigmaNought", "betaNought", "gamma", "dn")
    _vectors(calibration, "calibrationVector", lines, pixels, dict.fromkeys(names, CALIBRATION), annotation)
    thermal = _radiometry("noise", annotation)
    _vectors(thermal, "noiseRangeVector", lines, pixels, {"noiseRangeLut": noise}, annotation)
    (folder / f"calibration-{stem}.xml").write_bytes(to_bytes(calibration))
    (folder / f"noise-{stem}.xml").write_bytes(to_bytes(thermal))


def write_manifest(
    folder: Path, template: bytes, identity: ProductIdentity, annotations: list[SwathAnnotation]
) -> None:
    """Write ``manifest.safe`` of a product whose other files are there; sizes and checksums are theirs."""
    for prefix, uri in NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    root = ET.fromstring(template)  # noqa: S314 - comes with the package
    first, last = (format_time(annotations[0].epoch, time) for time in _span(annotations))
    corners = " ".join(f"{latitude:.6f},{longitude:.6f}" for longitude, latitude in identity.footprint)
    texts = {
        "safe:platform/safe:number": identity.mission[-1],
        "safe:acquisitionPeriod/safe:startTime": first,
        "safe:acquisitionPeriod/safe:stopTime": last,
        "s1:orbitProperties/s1:ascendingNodeTime": identity.ascending_node_time,
        "safe:footPrint/gml:coordinates": corners,
        "s1sarl1:standAloneProductInformation/s1sarl1:missionDataTakeID": str(identity.data_take),
        "s1sarl1:standAloneProductInformation/s1sarl1:sliceNumber": str(identity.slice),
    }
    for path, text in texts.items():
        for node in root.iterfind(f".//{path}", NAMESPACES):
            node.text = text
    for node in root.iterfind(".//safe:orbitReference/safe:orbitNumber", NAMESPACES):
        node.text = str(identity.absolute_orbit)
    general = root.find(".//s1sarl1:standAloneProductInformation", NAMESPACES)
    polarisation = f"{{{NAMESPACES['s1sarl1']}}}transmitterReceiverPolarisation"
    for node in [] if general is None else general.findall(polarisation):
        if general is not None and node.text != annotations[0].polarisation:
            general.remove(node)
    _list_files(root, folder)
    (folder / "manifest.safe").write_bytes(to_bytes(root))


def pack(folder: Path, *, compressed: bool = False) -> Path:
    """Put a SAFE folder into a zip beside it, as archives hand products out, and return the zip."""
    archive = folder.with_suffix(".zip")
    pack_folder(folder, archive, compressed=compressed)
    return archive


def _list_files(root: ET.Element, folder: Path) -> None:
    """Replace the manifest's objects by the files that are there."""
    listed = root.find("dataObjectSection")
    if listed is None:
        raise KeyError("the template's manifest lists no files")
    for old in list(listed):
        listed.remove(old)
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name == "manifest.safe":
            continue
        name = "".join(character for character in path.stem if character.isalnum())
        entry = ET.SubElement(listed, "dataObject", ID=name)
        stream = ET.SubElement(entry, "byteStream", mimeType="text/xml", size=str(path.stat().st_size))
        if path.suffix == ".tiff":
            stream.set("mimeType", "application/octet-stream")
        ET.SubElement(stream, "fileLocation", locatorType="URL", href=f"./{path.relative_to(folder).as_posix()}")
        ET.SubElement(stream, "checksum", checksumName="MD5").text = _md5(path)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _radiometry(kind: str, annotation: SwathAnnotation) -> ET.Element:
    root = ET.Element(kind)
    header = ET.SubElement(root, "adsHeader")
    for name, text in (
        ("missionId", annotation.mission),
        ("productType", "SLC"),
        ("polarisation", annotation.polarisation),
        ("mode", "IW"),
        ("swath", annotation.swath),
    ):
        ET.SubElement(header, name).text = text
    return root


def _vectors(
    root: ET.Element,
    name: str,
    lines: np.ndarray,
    pixels: np.ndarray,
    values: dict[str, float],
    annotation: SwathAnnotation,
) -> None:
    vectors = ET.SubElement(root, f"{name}List", count=str(lines.size))
    count = str(pixels.size)
    for line in lines:
        vector = ET.SubElement(vectors, name)
        time = annotation.start + float(line) * annotation.azimuth_time_interval
        ET.SubElement(vector, "azimuthTime").text = format_time(annotation.epoch, time)
        ET.SubElement(vector, "line").text = str(line)
        ET.SubElement(vector, "pixel", count=count).text = " ".join(map(str, pixels))
        for quantity, value in values.items():
            ET.SubElement(vector, quantity, count=count).text = " ".join([f"{value:e}"] * pixels.size)


def _span(annotations: list[SwathAnnotation]) -> tuple[float, float]:
    return min(each.start for each in annotations), max(each.stop for each in annotations)


def _compact(time: float, annotation: SwathAnnotation) -> str:
    return format_time(annotation.epoch, time)[:19].replace("-", "").replace(":", "")
