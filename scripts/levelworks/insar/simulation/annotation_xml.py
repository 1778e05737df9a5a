"""Annotations of simulated products: a real one cut to fewer bursts and samples, moved in time and along its orbit."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.insar.orbits.state_vectors import StateVectors
from levelworks.insar.times import format_time, parse_time

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
INFORMATION = "imageAnnotation/imageInformation"
GRID_COLUMNS = 5
BURST_TIMES = ("azimuthTime", "sensingTime")


@dataclass(frozen=True)
class Cut:
    """What is kept of a swath: bursts from ``first_burst`` on, samples from ``first_sample`` on."""

    first_burst: int
    bursts: int
    first_sample: int
    samples: int


@dataclass(frozen=True)
class Change:
    """How a pass differs from the one of the template.

    Parameters
    ----------
    later : timedelta
        Added to all times.
    bursts_later : float
        Added to the times of bursts alone, s: their synchronisation, or an error of timing.
    orbits_later : int
        Added to the number of the orbit.
    mission : str
        ``S1A``, ...
    data_take : int
        Number of the data take.
    vectors : StateVectors or None
        Of the orbit to write; the template's, moved in time, where there are none.
    """

    later: dt.timedelta = dt.timedelta(0)
    bursts_later: float = 0.0
    orbits_later: int = 0
    mission: str = "S1A"
    data_take: int = 475679
    vectors: StateVectors | None = field(default=None, repr=False)


def change_annotation(template: bytes, cut: Cut, change: Change, byte_offset: int) -> ET.Element:
    """Return the annotation of a simulated swath; its geolocation grid is yet to be filled.

    Parameters
    ----------
    template : bytes
        A real annotation.
    byte_offset : int
        Of the first line in the measurement file.
    """
    root = ET.fromstring(template)  # noqa: S314 - comes with the package
    for node in root.iter():
        if node.text and TIME.fullmatch(node.text.strip()):
            node.text = _time(parse_time(node.text) + change.later)
    _cut_bursts(root, cut, change.bursts_later, byte_offset)
    _cut_samples(root, cut)
    header = _node(root, "adsHeader")
    _set(header, "missionId", change.mission)
    _set(header, "absoluteOrbitNumber", str(int(_text(header, "absoluteOrbitNumber")) + change.orbits_later))
    _set(header, "missionDataTakeId", str(change.data_take))
    if change.vectors is not None:
        _write_vectors(_node(root, "generalAnnotation/orbitList"), change.vectors, _epoch(root))
    return root


def grid_axes(root: ET.Element) -> tuple[np.ndarray, np.ndarray]:
    """Return the lines and samples of the image at which a changed annotation gives positions."""
    per_burst, bursts = int(_text(root, "swathTiming/linesPerBurst")), len(_node(root, "swathTiming/burstList"))
    lines = np.append(np.arange(bursts) * per_burst, bursts * per_burst - 1)
    return lines, np.linspace(0, int(_text(root, f"{INFORMATION}/numberOfSamples")) - 1, GRID_COLUMNS).round()


def fill_grid(root: ET.Element, points: list[dict[str, str]]) -> None:
    """Write the points of the geolocation grid: names and texts of their elements."""
    grid = _node(root, "geolocationGrid/geolocationGridPointList")
    for old in list(grid):
        grid.remove(old)
    for point in points:
        node = ET.SubElement(grid, "geolocationGridPoint")
        for name, text in point.items():
            ET.SubElement(node, name).text = text
    grid.set("count", str(len(points)))


def to_bytes(root: ET.Element) -> bytes:
    """Return a document as it is written."""
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8") + b"\n"


def _cut_bursts(root: ET.Element, cut: Cut, later: float, byte_offset: int) -> None:
    """Keep some bursts, move their times, and let the image begin and end with them."""
    bursts = _node(root, "swathTiming/burstList")
    entries = list(bursts)
    for index, burst in enumerate(entries):
        if not cut.first_burst <= index < cut.first_burst + cut.bursts:
            bursts.remove(burst)
    bursts.set("count", str(len(bursts)))
    lines = int(_text(root, "swathTiming/linesPerBurst"))
    for index, burst in enumerate(bursts):
        for name in BURST_TIMES:
            _set(burst, name, _time(parse_time(_text(burst, name)) + dt.timedelta(seconds=later)))
        _set(burst, "azimuthAnxTime", f"{float(_text(burst, 'azimuthAnxTime')) + later:.15e}")
        _set(burst, "byteOffset", str(byte_offset + index * lines * cut.samples * 4))
    start = parse_time(_text(bursts[0], "azimuthTime"))
    interval = float(_text(root, f"{INFORMATION}/azimuthTimeInterval"))
    stop = parse_time(_text(bursts[-1], "azimuthTime")) + dt.timedelta(seconds=(lines - 1) * interval)
    for path, time in (
        (f"{INFORMATION}/productFirstLineUtcTime", start),
        (f"{INFORMATION}/productLastLineUtcTime", stop),
        ("adsHeader/startTime", start),
        ("adsHeader/stopTime", stop),
    ):
        _set(root, path, _time(time))
    _set(root, f"{INFORMATION}/numberOfLines", str(lines * len(bursts)))


def _cut_samples(root: ET.Element, cut: Cut) -> None:
    """Let the image begin at a later sample and be narrower."""
    rate = float(_text(root, "generalAnnotation/productInformation/rangeSamplingRate"))
    start = float(_text(root, f"{INFORMATION}/slantRangeTime")) + cut.first_sample / rate
    _set(root, f"{INFORMATION}/slantRangeTime", f"{start:.15e}")
    _set(root, f"{INFORMATION}/numberOfSamples", str(cut.samples))
    _set(root, "swathTiming/samplesPerBurst", str(cut.samples))
    for burst in _node(root, "swathTiming/burstList"):
        first, last = (np.array(_text(burst, f"{end}ValidSample").split(), np.int64) for end in ("first", "last"))
        valid = (first >= 0) & (first < cut.first_sample + cut.samples) & (last >= cut.first_sample)
        for name, values in (("firstValidSample", first), ("lastValidSample", last)):
            inside = np.clip(values - cut.first_sample, 0, cut.samples - 1)
            _set(burst, name, " ".join(map(str, np.where(valid, inside, -1))))


def _write_vectors(orbits: ET.Element, vectors: StateVectors, epoch: dt.date) -> None:
    for old in list(orbits):
        orbits.remove(old)
    for time, position, velocity in zip(vectors.times, vectors.positions, vectors.velocities, strict=True):
        orbit = ET.SubElement(orbits, "orbit")
        ET.SubElement(orbit, "time").text = format_time(epoch, float(time))
        ET.SubElement(orbit, "frame").text = "Earth Fixed"
        for name, state in (("position", position), ("velocity", velocity)):
            node = ET.SubElement(orbit, name)
            for axis, value in zip("xyz", state, strict=True):
                ET.SubElement(node, axis).text = f"{value:.15e}"
    orbits.set("count", str(len(orbits)))


def _epoch(root: ET.Element) -> dt.date:
    return parse_time(_text(root, "adsHeader/startTime")).date()


def _time(time: dt.datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="microseconds")


def _node(root: ET.Element, path: str) -> ET.Element:
    found = root.find(path)
    if found is None:
        raise KeyError(f"the template has no {path}")
    return found


def _text(root: ET.Element, path: str) -> str:
    return (_node(root, path).text or "").strip()


def _set(root: ET.Element, path: str, text: str) -> None:
    _node(root, path).text = text
