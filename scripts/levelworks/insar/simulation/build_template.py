"""Makes the annotations that the simulator starts from out of a real product: what it replaces anyway is left out."""

from __future__ import annotations

import gzip
from pathlib import Path
from xml.etree import ElementTree as ET

from levelworks.insar.safe.names import parse_file_name
from levelworks.insar.safe.package import open_package

SHORTENED = {
    "generalAnnotation/noiseList": 2,
    "generalAnnotation/attitudeList": 2,
    "generalAnnotation/replicaInformationList/replicaInformation/replicaList": 1,
    "antennaPattern/antennaPatternList": 1,
    "geolocationGrid/geolocationGridPointList": 1,
}
"""Lists and how many of their entries stay."""
VALUES = 3
"""Numbers that stay of each list of an antenna pattern."""


def build_template(product: Path, folder: Path) -> None:
    """Write shortened annotations and the manifest of a product, compressed, as ``iw1.xml.gz`` ... .

    Parameters
    ----------
    product : Path
        A SAFE folder or zip with annotations of VV.
    folder : Path
        Where they are written.
    """
    package = open_package(product)
    folder.mkdir(parents=True, exist_ok=True)
    for member in package.members:
        name = parse_file_name(member.rsplit("/", 1)[-1])
        if name and (name.kind, name.polarisation, name.suffix) == ("product", "VV", "xml"):
            _write(folder / f"{name.swath.lower()}.xml.gz", _shortened(package.read(member)))
    _write(folder / "manifest.safe.gz", package.read("manifest.safe"))


def _shortened(content: bytes) -> bytes:
    root = ET.fromstring(content)  # noqa: S314 - a product that its maker trusts
    for path, count in SHORTENED.items():
        entries = root.find(path)
        if entries is not None:
            for entry in list(entries)[count:]:
                entries.remove(entry)
            entries.set("count", str(len(entries)))
    for node in root.iterfind("antennaPattern/antennaPatternList/antennaPattern/*[@count]"):
        node.text = " ".join((node.text or "").split()[:VALUES])
        node.set("count", str(VALUES))
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, 9, mtime=0))
