"""One pass of the satellite: the slices of a data take merged, their bursts in order, what is missing said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from levelworks.core.outcome import InvalidInput
from levelworks.insar.orbits.orbit_names import OrbitKind
from levelworks.insar.orbits.state_vectors import Orbit, StateVectors
from levelworks.insar.safe.annotation import SwathAnnotation
from levelworks.insar.safe.annotation_reader import read_annotation
from levelworks.insar.safe.burst import Burst
from levelworks.insar.safe.bursts import bursts_of, sort_bursts
from levelworks.insar.safe.manifest import Manifest, Pass, read_manifest
from levelworks.insar.safe.measurement import find_damage
from levelworks.insar.safe.names import SWATHS, parse_file_name
from levelworks.insar.safe.package import Package, open_package

LINE_TOLERANCE = 0.01
"""Lines by which bursts of a swath may lie beside one grid of lines."""


@dataclass(frozen=True)
class Gap:
    """A burst that should be there: swath, id and why it isn't."""

    swath: str
    id: int
    reason: str


@dataclass(frozen=True)
class Acquisition:
    """All bursts of one pass in one polarisation.

    Parameters
    ----------
    track : int
        Relative orbit of the first burst.
    epoch : date
        UTC day on which the first product begins: names the acquisition, and all times count from its midnight.
    products : tuple of str
        Ids of the products, in the order of time.
    bursts : tuple of Burst
        In the order of swath and time, one per id.
    gaps : tuple of Gap
        Bursts between others that are absent, and those whose pixels can't be read.
    state_vectors : StateVectors
        Of the annotations of all slices, or of the orbit that was chosen.
    notes : tuple of str
        What a person should know: absent swaths, duplicates, slices of several processor versions.
    orbit_kind : {"precise", "restituted", "annotated"}
    orbit_sources : tuple of str
        Files that the state vectors are from; none where they are the annotation's.
    """

    mission: str
    epoch: dt.date
    track: int
    pass_direction: Pass
    absolute_orbit: int
    polarisation: str
    processors: tuple[str, ...]
    products: tuple[str, ...]
    bursts: tuple[Burst, ...]
    gaps: tuple[Gap, ...]
    state_vectors: StateVectors
    notes: tuple[str, ...] = field(default=())
    orbit_kind: OrbitKind = "annotated"
    orbit_sources: tuple[str, ...] = ()

    @property
    def date(self) -> str:
        """Return the acquisition's name (YYYYMMDD)."""
        return f"{self.epoch:%Y%m%d}"

    @property
    def orbit(self) -> Orbit:
        """Return the orbit of the pass."""
        return Orbit(self.epoch, self.state_vectors, self.orbit_kind, self.orbit_sources or ("the annotation",))

    @property
    def span(self) -> tuple[float, float]:
        """Return the times (s since the epoch's midnight) of the first line and of the last."""
        return (
            min(burst.azimuth_time for burst in self.bursts),
            max(burst.azimuth_time + burst.duration for burst in self.bursts),
        )


def read_acquisition(
    paths: Sequence[Path], polarisation: str = "VV", swaths: Sequence[str] = SWATHS, *, pixels: bool = True
) -> Acquisition:
    """Read the products of one pass and merge them.

    Parameters
    ----------
    paths : sequence of Path
        SAFE folders or zips of consecutive slices, in any order.
    polarisation : {"VV", "VH", "HH", "HV"}
        The one to take.
    swaths : sequence of str
        Those to take.
    pixels : bool
        Look at the measurement files' sizes and headers, and leave out bursts that can't be read.

    Raises
    ------
    InvalidInput
        Where a product is damaged or lacks the polarisation, products are not of one pass, or no burst is left.
    """
    if not paths:
        raise InvalidInput("no product was given to read")
    opened = [(package, read_manifest(package)) for package in map(open_package, paths)]
    opened.sort(key=lambda pair: (pair[1].start, str(pair[0].path)))
    first = opened[0][1]
    for package, manifest in opened[1:]:
        if (manifest.mission, manifest.data_take) != (first.mission, first.data_take):
            raise InvalidInput(f"{package.path} is not of the same pass as {opened[0][0].path}")
    epoch = first.start.date()
    notes: list[str] = []
    bursts: list[Burst] = []
    vectors: StateVectors | None = None
    for package, manifest in opened:
        for annotation, member in _annotations(package, manifest, polarisation, swaths, epoch, notes):
            own = annotation.state_vectors
            vectors = own if vectors is None else vectors.joined(own)
            bursts.extend(bursts_of(annotation, manifest, str(package.path), member))
    if vectors is None or not bursts:
        raise InvalidInput(f"{opened[0][0].path} has no burst of {polarisation} in {', '.join(swaths)}")
    damage = find_damage(bursts) if pixels else {}
    kept = _one_of_each([burst for burst in bursts if burst.key not in damage], notes)
    if not kept:
        raise InvalidInput(next(iter(damage.values())))
    processors = tuple(sorted({manifest.processor for _, manifest in opened}))
    if len(processors) > 1:
        notes.append(f"slices are of several processor versions: {', '.join(processors)}")
    _check_lines(kept, notes)
    return Acquisition(
        mission=first.mission,
        epoch=epoch,
        track=min(kept, key=lambda burst: burst.id).track,
        pass_direction=first.pass_direction,
        absolute_orbit=first.absolute_orbits[0],
        polarisation=polarisation,
        processors=processors,
        products=tuple(package.path.name.removesuffix(".SAFE").removesuffix(".zip") for package, _ in opened),
        bursts=tuple(kept),
        gaps=_gaps(kept, damage, bursts),
        state_vectors=vectors,
        notes=tuple(notes),
    )


def _annotations(
    package: Package, manifest: Manifest, polarisation: str, swaths: Sequence[str], epoch: dt.date, notes: list[str]
) -> list[tuple[SwathAnnotation, str]]:
    """Return the annotations of the swaths that are there, and the measurement files that belong to them."""
    if polarisation not in manifest.polarisations:
        raise InvalidInput(f"{package.path} has {', '.join(manifest.polarisations)} and no {polarisation}")
    found = {}
    for member in package.members:
        if not member.startswith("annotation/s1"):
            continue
        name = parse_file_name(member.rsplit("/", 1)[-1])
        if name and name.kind == "product" and name.polarisation == polarisation and name.swath in swaths:
            found[name.swath] = member
    notes.extend(
        f"{package.path.name} has no annotation of {swath} in {polarisation}: the swath is absent"
        for swath in swaths
        if swath not in found
    )
    return [
        (
            read_annotation(package.read(member), f"{package.path}: {member}", epoch),
            member.replace("annotation/", "measurement/").replace(".xml", ".tiff"),
        )
        for _, member in sorted(found.items())
    ]


def _one_of_each(bursts: list[Burst], notes: list[str]) -> list[Burst]:
    """Return one burst per swath and id: of those in two products the one with most valid lines, then the first."""
    best: dict[str, Burst] = {}
    for burst in sort_bursts(bursts):
        known = best.get(burst.key)
        if known is not None:
            notes.append(f"burst {burst.id} of {burst.swath} is in {known.source.product} and {burst.source.product}")
        if known is None or _valid_lines(burst) > _valid_lines(known):
            best[burst.key] = burst
    return sort_bursts(list(best.values()))


def _valid_lines(burst: Burst) -> int:
    return burst.valid.last_line - burst.valid.first_line


def _gaps(kept: list[Burst], damage: dict[str, str], bursts: list[Burst]) -> tuple[Gap, ...]:
    """Return bursts whose pixels can't be read, and ids that are absent between the first and the last of a swath."""
    gaps = {burst.key: Gap(burst.swath, burst.id, damage[burst.key]) for burst in bursts if burst.key in damage}
    for swath in sorted({burst.swath for burst in kept}):
        have = {burst.id for burst in kept if burst.swath == swath}
        for burst in (replace(kept[0], swath=swath, id=k) for k in range(min(have), max(have)) if k not in have):
            gaps.setdefault(burst.key, Gap(swath, burst.id, "no product has it"))
    present = {burst.key for burst in kept}
    return tuple(gap for key, gap in sorted(gaps.items()) if key not in present)


def _check_lines(bursts: list[Burst], notes: list[str]) -> None:
    """Note where the bursts of a swath do not lie on one grid of lines, as those of one processing do."""
    for swath in sorted({burst.swath for burst in bursts}):
        own = [burst for burst in bursts if burst.swath == swath]
        lines = [float(own[0].line_of(burst.azimuth_time)) for burst in own]
        worst = max(abs(line - round(line)) for line in lines)
        if worst > LINE_TOLERANCE:
            notes.append(f"bursts of {swath} lie up to {worst:.3f} lines beside one grid of lines")
