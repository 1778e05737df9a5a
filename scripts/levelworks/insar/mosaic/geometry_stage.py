"""The stage `reference-geometry`: the radar grid of a frame, and the ground under each burst of its reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core.mpi import together, world
from levelworks.core.outcome import InvalidReference, Outcome, Status
from levelworks.core.record import read_record
from levelworks.insar.frames.frame import Frame, read_frame
from levelworks.insar.geometry.elevation import Elevation, read_elevation
from levelworks.insar.geometry.pair_offsets import BurstGrid
from levelworks.insar.mosaic.fine_ground import fine_ground
from levelworks.insar.mosaic.geometry_files import write_geometry
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.mosaic.mosaic import Mosaic, make_mosaic
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.safe.acquisition_orbits import burst_arc
from levelworks.insar.safe.burst import Burst

MOST_UNKNOWN = 0.02
"""Share of a burst without ground above which it is said."""


@dataclass(frozen=True)
class GroundFacts:
    """What is said of the ground under a burst.

    ``steps`` lines and samples between its places, ``bend`` between them (m), ``unknown`` share without height,
    ``heights`` the least, mean and greatest (m).
    """

    key: str
    steps: tuple[int, int]
    bend: float
    unknown: float
    heights: tuple[float, float, float]


def read_reference(frame: Frame, path: Path) -> Acquisition:
    """Read the reference acquisition of a frame.

    Raises
    ------
    InvalidReference
        Where it was skipped or quarantined, or lacks bursts of the frame.
    """
    record = read_record(path)
    if record is not None and record["outcome"] != Status.DONE:
        raise InvalidReference(
            f"the reference {frame.reference} of {frame.frame} can't be used: {record['reason']}; choose another day"
        )
    found = read_acquisition_file(path)
    if found.gaps:
        names = ", ".join(f"{gap.swath} {gap.id}" for gap in found.gaps)
        raise InvalidReference(f"the reference {found.date} of {frame.frame} lacks {names}: choose another day")
    return found


def reference_geometry(
    frame: Path, reference: Path, heights: Path, *, geometry: Path, options: ReferenceGeometry
) -> Outcome:
    """Place the reference's bursts on one radar grid and locate them on the ground; bursts are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference : Path
        Acquisition of the reference date.
    heights : Path
        GeoTIFF of ellipsoidal heights of `prepare-dem`.
    geometry : Path
        HDF5 of `mosaic.geometry_files`.

    Raises
    ------
    InvalidReference
        Where the reference lacks bursts, or heights do not reach it.
    """
    wanted = read_frame(frame)
    found = read_reference(wanted, reference)
    ranks = world()
    with together(ranks):
        elevation = read_elevation(heights)
        mosaic = make_mosaic(found.bursts, (wanted.looks.azimuth, wanted.looks.range))
    facts: list[GroundFacts] = []

    def grounds() -> Iterator[tuple[str, BurstGrid]]:
        # A burst a rank at a time: steep ground takes 50 MB a burst.
        for first in range(0, len(found.bursts), ranks.size):
            with together(ranks):
                own = found.bursts[first + ranks.rank :][:1]
                mine = [_ground(burst, found, elevation, heights, options) for burst in own]
            for part in ranks.gather(mine) or []:
                for ground, said in part:
                    facts.append(said)
                    yield said.key, ground

    if ranks.rank > 0:
        for _ in grounds():
            pass
        return Outcome()
    write_geometry(geometry, mosaic, grounds())
    return _outcome(mosaic, facts)


def _ground(
    burst: Burst, reference: Acquisition, elevation: Elevation, heights: Path, options: ReferenceGeometry
) -> tuple[BurstGrid, GroundFacts]:
    """Return the ground under a burst, and what is said of it."""
    steps = options.lines, options.samples
    ground, bend = fine_ground(burst, burst_arc(reference, burst), elevation, steps, options.height_tolerance)
    known = ground.height[np.isfinite(ground.height)]
    if not known.size:
        raise InvalidReference(
            f"{heights} has no height under the burst {burst.key}: stage elevation that covers the frame"
        )
    taken = round(ground.lines[1] - ground.lines[0]), round(ground.samples[1] - ground.samples[0])
    limits = float(known.min()), float(known.mean()), float(known.max())
    return ground, GroundFacts(burst.key, taken, bend, 1 - known.size / ground.height.size, limits)


def _outcome(mosaic: Mosaic, facts: list[GroundFacts]) -> Outcome:
    warnings = tuple(
        f"{one.unknown:.1%} of the burst {one.key} has no height" for one in facts if one.unknown > MOST_UNKNOWN
    )
    lowest, mean, highest = zip(*(one.heights for one in facts), strict=True)
    quality = {
        "rows": mosaic.shape[0],
        "columns": mosaic.shape[1],
        "height_min_m": min(lowest),
        "height_mean_m": sum(mean) / len(mean),
        "height_max_m": max(highest),
        "least_steps": list(min(one.steps for one in facts)),
        "height_bend_m": max(one.bend for one in facts),
    }
    return Outcome(Status.DONE, quality=quality, warnings=warnings)
