"""The stage `reference-geometry`: the radar grid of a frame, and the ground under each burst of its reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import InvalidReference, Outcome, Status
from levelworks.core.record import read_record
from levelworks.insar.frames.frame import Frame, read_frame
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.geometry.pair_offsets import BurstGrid
from levelworks.insar.mosaic.geometry_files import write_geometry
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.mosaic.mosaic import make_mosaic
from levelworks.insar.refinement.burst_pair import burst_ground
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.safe.acquisition_orbits import burst_arc

MOST_UNKNOWN = 0.02
"""Share of a burst without ground above which it is said."""


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
    steps = options.lines, options.samples
    with together(ranks):
        elevation = read_elevation(heights)
        mosaic = make_mosaic(found.bursts, (wanted.looks.azimuth, wanted.looks.range))
        mine = [found.bursts[k] for k in split(len(found.bursts), ranks.size, ranks.rank)]
        own = [(burst.key, burst_ground(burst, burst_arc(found, burst), elevation, steps)) for burst in mine]
    parts = ranks.gather(own)
    if parts is None:
        return Outcome()
    grounds = [ground for part in parts for ground in part]
    unknown = {key: float(np.isnan(ground.height).mean()) for key, ground in grounds}
    if min(unknown.values()) == 1:
        empty = next(key for key, share in unknown.items() if share == 1)
        raise InvalidReference(
            f"{heights} has no height under the burst {empty}: stage elevation that covers the frame"
        )
    write_geometry(geometry, mosaic, grounds)
    rows, columns = mosaic.shape
    warnings = tuple(
        f"{share:.1%} of the burst {key} has no height" for key, share in unknown.items() if share > MOST_UNKNOWN
    )
    return Outcome(Status.DONE, quality={"rows": rows, "columns": columns, **_heights(grounds)}, warnings=warnings)


def _heights(grounds: list[tuple[str, BurstGrid]]) -> dict[str, float]:
    """Return the least, mean and greatest height (m) under the bursts."""
    values = np.concatenate([ground.height[np.isfinite(ground.height)] for _, ground in grounds])
    return {
        "height_min_m": float(values.min()),
        "height_mean_m": float(values.mean()),
        "height_max_m": float(values.max()),
    }
