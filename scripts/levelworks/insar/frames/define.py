"""Frames from bursts: the id, the grid, the definition (specs/insar.md 1.1, 4.2)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from statistics import fmean

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import unwrap_longitude
from levelworks.insar.frames.catalogue import CatalogueBurst
from levelworks.insar.frames.frame import Frame, FrameBurst, FrameGrid, Looks
from levelworks.insar.frames.frame_names import name_frame
from levelworks.insar.safe.names import SWATHS

STEP = 0.001
"""Degrees, of a cell of products."""


def define_frame(
    bursts: Sequence[CatalogueBurst],
    reference: dt.date,
    *,
    step: float = STEP,
    looks: Looks | None = None,
    polarisation: str = "VV",
    dem: str = "",
) -> Frame:
    """Define a frame of bursts of one track.

    Parameters
    ----------
    bursts : sequence of CatalogueBurst
        In any order.
    reference : date
        That all others are brought to.
    step : float
        Degrees of a cell.

    Raises
    ------
    InvalidOptions
        Where there is no burst, or they are of several passes; across the ascending node one has two tracks.
    """
    tracks = sorted({burst.track for burst in bursts})
    directions = {burst.pass_direction for burst in bursts}
    if len(directions) != 1 or tracks[-1] - tracks[0] > 1:
        raise InvalidOptions(f"a frame has bursts of one pass, not of tracks {tracks} {sorted(directions)}")
    direction = directions.pop()
    ordered = sorted(bursts, key=lambda burst: (burst.swath, burst.burst_id))
    track = tracks[0]
    counts = [sum(burst.swath == swath for burst in ordered) for swath in SWATHS]
    return Frame.model_validate(
        {
            "frame": str(name_frame(track, direction, _centre(ordered), counts)),
            "track": track,
            "pass_direction": direction,
            "polarisation": polarisation,
            "reference": reference,
            "bursts": [
                FrameBurst.model_validate({"swath": b.swath, "burst_id": b.burst_id, "polygon": b.polygon})
                for b in ordered
            ],
            "grid": _grid(ordered, step),
            "looks": looks or Looks(),
            "dem": dem,
        }
    )


def _centre(bursts: Sequence[CatalogueBurst]) -> float:
    return fmean(latitude for burst in bursts for _, latitude in burst.polygon)


def _grid(bursts: Sequence[CatalogueBurst], step: float) -> FrameGrid:
    """Return the grid that holds all outlines, its bounds at multiples of the step; longitudes may pass 180."""
    points = [point for burst in bursts for point in burst.polygon]
    longitudes = unwrap_longitude([point[0] for point in points], points[0][0])
    latitudes = [point[1] for point in points]
    west, south = (math.floor(round(value / step, 6)) for value in (float(longitudes.min()), min(latitudes)))
    east, north = (math.ceil(round(value / step, 6)) for value in (float(longitudes.max()), max(latitudes)))
    digits = 9
    return FrameGrid(
        step=step,
        west=round(west * step, digits),
        south=round(south * step, digits),
        east=round(east * step, digits),
        north=round(north * step, digits),
    )
