"""The manifest of a SAFE product: platform, orbit, slice, and the files that must be there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.elements import Element, parse_xml
from levelworks.insar.safe.package import Package

Pass: TypeAlias = Literal["ascending", "descending"]


@dataclass(frozen=True)
class ListedFile:
    """A file that the manifest names: its path inside the product, size (bytes) and MD5."""

    member: str
    size: int
    md5: str


@dataclass(frozen=True)
class Manifest:
    """What the manifest says.

    Parameters
    ----------
    mission : str
        ``S1A``, ``S1B``, ...
    absolute_orbits, relative_orbits : tuple of int
        At start and at stop; they differ where the product crosses the ascending node.
    data_take, slice : int
        Number of the data take, and of the slice in it (1 is the first; 0 where it says none).
    ascending_node_time : datetime
        UTC of the node that the burst times count from.
    footprint : tuple of (float, float)
        Longitude and latitude (degrees) of the corners.
    files : tuple of ListedFile
        Of annotations, calibrations and measurements.
    """

    mission: str
    mode: str
    product_type: str
    absolute_orbits: tuple[int, int]
    relative_orbits: tuple[int, int]
    pass_direction: Pass
    ascending_node_time: dt.datetime
    start: dt.datetime
    stop: dt.datetime
    data_take: int
    slice: int
    polarisations: tuple[str, ...]
    processor: str
    footprint: tuple[tuple[float, float], ...]
    files: tuple[ListedFile, ...] = field(repr=False)


def read_manifest(package: Package) -> Manifest:
    """Read ``manifest.safe``.

    Raises
    ------
    InvalidInput
        Where it is damaged, or the product is not an IW SLC.
    """
    return parse_manifest(package.read("manifest.safe"), f"{package.path}/manifest.safe")


def parse_manifest(content: bytes, file: str) -> Manifest:
    """Return what the content of a manifest says; errors name ``file``, as `read_manifest` raises them."""
    root = parse_xml(content, file)
    orbit = root.find(".//orbitReference")
    general = root.find(".//standAloneProductInformation")
    direction = orbit.text(".//pass").lower()
    if direction not in ("ascending", "descending"):
        raise InvalidInput(f"{file}: the pass is {direction!r}, neither ascending nor descending")
    manifest = Manifest(
        mission=f"S1{root.text('.//platform/number')}",
        mode=root.text(".//instrumentMode/mode"),
        product_type=general.text("productType"),
        absolute_orbits=_start_stop(orbit, "orbitNumber"),
        relative_orbits=_start_stop(orbit, "relativeOrbitNumber"),
        pass_direction=cast("Pass", direction),
        ascending_node_time=orbit.time(".//ascendingNodeTime"),
        start=root.time(".//acquisitionPeriod/startTime"),
        stop=root.time(".//acquisitionPeriod/stopTime"),
        data_take=general.integer("missionDataTakeID"),
        slice=general.integer("sliceNumber") if general.optional("sliceNumber") else 0,
        polarisations=tuple((each.node.text or "").strip() for each in general.all("transmitterReceiverPolarisation")),
        processor=_processor(root),
        footprint=_footprint(root),
        files=tuple(_files(root)),
    )
    if (manifest.mode, manifest.product_type) != ("IW", "SLC"):
        raise InvalidInput(f"{file}: it is {manifest.mode} {manifest.product_type}; the line takes IW SLC")
    return manifest


def check_files(package: Package, manifest: Manifest, swaths: tuple[str, ...], polarisation: str) -> tuple[str, ...]:
    """Return what is wrong with the annotations and measurements of swaths: absent files and wrong sizes.

    Checksums are left to the stage that fetches products: they take as long as reading everything.
    """
    findings = []
    for listed in manifest.files:
        name = listed.member.rsplit("/", 1)[-1]
        if not any(f"-{swath.lower()}-slc-{polarisation.lower()}-" in name for swath in swaths):
            continue
        if not listed.member.startswith(("annotation/s1", "measurement/")):
            continue
        size = package.members.get(listed.member)
        if size is None:
            findings.append(f"{listed.member} is absent")
        elif size != listed.size:
            findings.append(f"{listed.member} has {size} bytes instead of {listed.size}")
    return tuple(findings)


def _start_stop(orbit: Element, tag: str) -> tuple[int, int]:
    return orbit.integer(f"{tag}[@type='start']"), orbit.integer(f"{tag}[@type='stop']")


def _processor(root: Element) -> str:
    """Return name and version of the agency's processor."""
    for software in root.all(".//processing/facility/software"):
        if "IPF" in software.node.attrib.get("name", ""):
            return f"{software.node.attrib['name']} {software.node.attrib.get('version', '')}".strip()
    return ""


def _footprint(root: Element) -> tuple[tuple[float, float], ...]:
    try:
        pairs = [point.split(",") for point in root.text(".//footPrint/coordinates").split()]
        return tuple((float(longitude), float(latitude)) for latitude, longitude in pairs)
    except ValueError:
        raise InvalidInput(f"{root.file}: the footprint is no list of latitude,longitude") from None


def _files(root: Element) -> list[ListedFile]:
    files = []
    for listed in root.all(".//dataObject/byteStream"):
        member = listed.find("fileLocation").node.attrib.get("href", "").removeprefix("./")
        size = listed.node.attrib.get("size", "")
        if not size.isdigit():
            raise InvalidInput(f"{root.file}: the size of {member} is {size!r}")
        files.append(ListedFile(member, int(size), listed.text("checksum")))
    return files
