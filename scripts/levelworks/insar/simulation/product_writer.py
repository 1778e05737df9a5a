"""Writes the products of one simulated pass, burst by burst."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from levelworks.insar.safe.annotation import SwathAnnotation
from levelworks.insar.safe.burst import Burst
from levelworks.insar.safe.elements import parse_xml
from levelworks.insar.simulation.annotation_xml import Cut
from levelworks.insar.simulation.burst_signal import AMPLITUDE
from levelworks.insar.simulation.ground import Ground
from levelworks.insar.simulation.passes import SimulatedPass, ascending_node_time, written_annotation
from levelworks.insar.simulation.safe_files import (
    ProductIdentity,
    file_stem,
    product_name,
    write_manifest,
    write_radiometry,
)
from levelworks.insar.simulation.scenario import Scenario
from levelworks.insar.simulation.tiff_files import header_size, write_header, write_lines


@dataclass(frozen=True)
class Slice:
    """One product that is being written: its folder, and by swath the cut, the file stem and the annotation."""

    folder: Path
    identity: ProductIdentity
    cuts: dict[str, Cut]
    stems: dict[str, str]
    annotations: dict[str, SwathAnnotation]


class PassWriter:
    """The products of a pass: begun with annotations and empty measurements, filled by bursts, then finished."""

    def __init__(self, folder: Path, simulated: SimulatedPass, scenario: Scenario, ground: Ground) -> None:
        """Begin the products of a pass."""
        self._simulated, self._noise = simulated, 2 * scenario.noise * AMPLITUDE**2
        count = min(cut.bursts for cut in scenario.cuts.values())
        runs = _runs(count, simulated.asked.missing, simulated.asked.slices)
        self._slices = [self._begin(folder, number + 1, run, scenario, ground) for number, run in enumerate(runs)]
        self._first = {swath: cut.first_burst for swath, cut in scenario.cuts.items()}

    def write(self, burst: Burst, index: int, pixels: np.ndarray) -> None:
        """Write the pixels (DN, complex64) of a burst, which is the ``index``-th of its swath in the scenario."""
        position = self._first[burst.swath] + index
        for one in self._slices:
            cut = one.cuts.get(burst.swath)
            if cut is not None and cut.first_burst <= position < cut.first_burst + cut.bursts:
                annotation = one.annotations[burst.swath]
                path = one.folder / "measurement" / f"{one.stems[burst.swath]}.tiff"
                lines = annotation.lines_per_burst * len(annotation.bursts)
                write_lines(path, lines, (position - cut.first_burst) * burst.lines, [pixels])

    def finish(self) -> tuple[Path, ...]:
        """Write the manifests and return the products."""
        for one in self._slices:
            for swath, annotation in one.annotations.items():
                write_radiometry(one.folder / "annotation/calibration", one.stems[swath], annotation, self._noise)
            template = self._simulated.template.manifest
            write_manifest(one.folder, template, one.identity, list(one.annotations.values()))
        return tuple(one.folder for one in self._slices)

    def _begin(self, folder: Path, number: int, run: tuple[int, int], scenario: Scenario, ground: Ground) -> Slice:
        cuts, contents, annotations = {}, {}, {}
        for swath in self._simulated.asked.swaths:
            whole = scenario.cuts[swath]
            cut = Cut(whole.first_burst + run[0], run[1] - run[0], whole.first_sample, whole.samples)
            lines = _lines(self._simulated, swath) * cut.bursts
            cuts[swath] = cut
            contents[swath], annotations[swath] = written_annotation(
                self._simulated, swath, cut, header_size(lines), ground.elevation
            )
        identity = ProductIdentity(
            self._simulated.asked.mission,
            self._simulated.absolute_orbit,
            self._simulated.truth.data_take,
            number,
            _footprint(list(annotations.values())),
            ascending_node_time(self._simulated),
        )
        product = folder / product_name(identity, list(annotations.values()))
        shutil.rmtree(product, ignore_errors=True)
        for name in ("annotation/calibration", "measurement"):
            (product / name).mkdir(parents=True)
        stems = {}
        for position, (swath, annotation) in enumerate(annotations.items()):
            stems[swath] = file_stem(identity, annotation, position + 4)
            (product / "annotation" / f"{stems[swath]}.xml").write_bytes(contents[swath])
            lines = annotation.lines_per_burst * len(annotation.bursts)
            write_header(product / "measurement" / f"{stems[swath]}.tiff", lines, annotation.samples_per_burst)
        return Slice(product, identity, cuts, stems, annotations)


def _runs(count: int, missing: tuple[int, ...], slices: int) -> list[tuple[int, int]]:
    """Return first burst and the one after the last of each product: bursts that follow each other, split evenly."""
    cuts = sorted({0, count, *(round(count * k / slices) for k in range(slices)), *missing, *(k + 1 for k in missing)})
    return [(first, stop) for first, stop in pairwise(cuts) if first not in missing]


def _lines(simulated: SimulatedPass, swath: str) -> int:
    return parse_xml(simulated.template.annotations[swath], swath).integer("swathTiming/linesPerBurst")


def _footprint(annotations: list[SwathAnnotation]) -> tuple[tuple[float, float], ...]:
    longitudes = np.concatenate([each.grid.longitude for each in annotations])
    latitudes = np.concatenate([each.grid.latitude for each in annotations])
    west, south, east, north = longitudes.min(), latitudes.min(), longitudes.max(), latitudes.max()
    return ((west, north), (east, north), (east, south), (west, south))
