"""Small SAFE products in zips, and rows of catalogues that have them."""

from __future__ import annotations

import hashlib
import zipfile

from levelworks.insar.safe.names import parse_product_name

ID = "S1A_IW_SLC__1SDV_20250406T022008_20250406T022035_058630_07421F_93A7"
LATER = "S1A_IW_SLC__1SDV_20250418T022008_20250418T022035_058805_074946_C7D4"
FOOTPRINT = "POLYGON ((13.0 38.0, 16.0 38.5, 15.5 40.0, 12.5 39.5, 13.0 38.0))"
COLUMNS = ("id", "address", "size", "md5", "sha256", "footprint", "relative_orbit", "pass")

MANIFEST = """<?xml version="1.0"?>
<xfdu><metadataSection>
<platform><number>{unit}</number><instrumentMode><mode>IW</mode></instrumentMode></platform>
<orbitReference><orbitNumber type="start">{orbit}</orbitNumber><orbitNumber type="stop">{orbit}</orbitNumber>
<relativeOrbitNumber type="start">108</relativeOrbitNumber><relativeOrbitNumber type="stop">108</relativeOrbitNumber>
<pass>ASCENDING</pass><ascendingNodeTime>2025-04-06T02:00:00.000000</ascendingNodeTime></orbitReference>
<acquisitionPeriod><startTime>{start}</startTime><stopTime>{stop}</stopTime></acquisitionPeriod>
<standAloneProductInformation><productType>SLC</productType><missionDataTakeID>475679</missionDataTakeID>
<transmitterReceiverPolarisation>VV</transmitterReceiverPolarisation></standAloneProductInformation>
<footPrint><coordinates>38,13 38,16 40,15 40,12</coordinates></footPrint>
</metadataSection><dataObjectSection>{objects}</dataObjectSection></xfdu>"""

OBJECT = """<dataObject ID="o{number}"><byteStream size="{size}"><fileLocation href="./{member}"/>
<checksum checksumName="MD5">{md5}</checksum></byteStream></dataObject>"""


def make_product(folder, identifier=ID, *, pixels=30000, damage=False):
    """Write a zip of a product whose manifest names its files; with ``damage`` one of them is another."""
    name = parse_product_name(identifier)
    files = {
        "annotation/s1a-iw1.xml": b"<annotation/>" * 20,
        "measurement/s1a-iw1.tiff": bytes(k * k % 251 for k in range(pixels)),
    }
    objects = "".join(
        OBJECT.format(number=number, size=len(content), member=member, md5=hashlib.md5(content).hexdigest())
        for number, (member, content) in enumerate(files.items())
    )
    times = {"start": f"{name.start:%Y-%m-%dT%H:%M:%S}.000000", "stop": f"{name.stop:%Y-%m-%dT%H:%M:%S}.000000"}
    manifest = MANIFEST.format(unit=name.mission[2], orbit=name.absolute_orbit, objects=objects, **times)
    if damage:
        files["measurement/s1a-iw1.tiff"] = files["measurement/s1a-iw1.tiff"][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{identifier}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{identifier}.SAFE/manifest.safe", manifest)
        for member, content in files.items():
            archive.writestr(f"{identifier}.SAFE/{member}", content)
    return path


def row_of(product, address="", **values):
    """Return the row of a product with what is true of its file."""
    content = product.read_bytes()
    true = {"id": product.stem, "address": address, "size": len(content), "md5": hashlib.md5(content).hexdigest()}
    return true | {"sha256": "", "footprint": FOOTPRINT, "relative_orbit": 108, "pass": "ascending"} | values


def write_table(path, *rows):
    """Write a catalogue of our own kind."""
    lines = ["\t".join(COLUMNS), *("\t".join(str(row[column]) for column in COLUMNS) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
