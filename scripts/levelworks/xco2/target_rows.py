"""Rows of the tables of the box tools: what there is to say of each capture, and of what is in none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.captures import Capture, Dropped
from levelworks.xco2.geography import Box, bounding_box
from levelworks.xco2.granule import Granule
from levelworks.xco2.target_tools import BoxCounts, Distances, capture_box, count_capture, distances_from_centre
from levelworks.xco2.targets import Target

Method: TypeAlias = Literal["latlon", "abs"]
METHODS: tuple[Method, ...] = get_args(Method)
NO_FOOTPRINT = "no sounding has a usable footprint"


@dataclass(frozen=True, eq=False)
class CaptureRow:
    """What the tables say of one capture.

    Attributes
    ----------
    granule : str
        Name of the file.
    capture_id, target_id, target_name, mode : str
        As in `Capture`.
    start, stop : int
        Position of the first sounding in the file, and one more than that of the last.
    box : Box
        Bounds of the footprints that count.
    soundings, good : int
        Numbers of soundings, and of those of good quality, with or without a position.
    counts : mapping of str to BoxCounts
        Under ``all`` and ``good``, as `count_capture` gives them.
    distances : mapping of str to Distances
        Of soundings that count from the target's centre, by method.
    """

    granule: str
    capture_id: str
    target_id: str
    target_name: str
    mode: str
    start: int
    stop: int
    box: Box
    soundings: int
    good: int
    counts: Mapping[str, BoxCounts]
    distances: Mapping[Method, Distances] = field(repr=False)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return soundings and good ones, then those inside, on and outside, of all and of the good."""
        return (self.soundings, self.good, *self.counts["all"], *self.counts["good"])


@dataclass(frozen=True)
class ExcludedRow:
    """Soundings of a capture mode that are in no table, and why; fields as in `CaptureRow`, the box where known."""

    granule: str
    target_id: str
    target_name: str
    mode: str
    start: int
    stop: int
    box: Box | None
    reason: str


def tabulate(
    granule: Granule,
    captures: Sequence[Capture],
    dropped: Iterable[Dropped],
    targets: Mapping[str, Target],
    used: Sequence[NDArray[np.bool_]] | None = None,
) -> tuple[list[CaptureRow], list[ExcludedRow]]:
    """Return rows of the captures of one granule.

    Parameters
    ----------
    granule : Granule
    captures : sequence of Capture
    dropped : iterable of Dropped
        What was left out before, by cutting and by screening.
    targets : mapping of str to Target
        Targets by id: boxes that footprints are counted against, and centres that distances start from.
    used : sequence of ndarray of bool, optional
        For each capture which of its soundings make its box and its distances, as `screening.usable` gives it; those
        with a position by default. Counts are of all with a position.

    Returns
    -------
    rows : list of CaptureRow
    excluded : list of ExcludedRow
        ``dropped``, and captures without any footprint that counts.

    Raises
    ------
    InvalidOptions
        Where a capture's target is none of the targets.
    InvalidInput
        Where ``used`` isn't one array for each capture.
    """
    if used is not None and len(used) != len(captures):
        raise InvalidInput(f"{granule.path_name}: {len(used)} selections for {len(captures)} captures; give one each")
    rows, excluded = [], [_excluded(granule, one, targets, str(one.reason)) for one in dropped]
    for number, capture in enumerate(captures):
        if capture.target_id not in targets:
            raise InvalidOptions(
                f"{granule.path_name}: capture {capture.id} is of a target that is not in the targets file; "
                "tabulate with the file that captures were cut by"
            )
        located = granule.located[capture.indices]
        chosen = located if used is None else located & used[number]
        box = capture_box(granule, capture, chosen)
        if box is None:
            excluded.append(_excluded(granule, capture, targets, NO_FOOTPRINT))
        else:
            rows.append(_row(granule, capture, targets, chosen, box))
    return rows, excluded


def _row(
    granule: Granule, capture: Capture, targets: Mapping[str, Target], chosen: NDArray[np.bool_], box: Box
) -> CaptureRow:
    indices = capture.indices[chosen]
    lon, lat, centre = granule.longitude[indices], granule.latitude[indices], targets[capture.target_id].centre
    return CaptureRow(
        granule=granule.path_name,
        capture_id=capture.id,
        target_id=capture.target_id,
        target_name=capture.target_name,
        mode=capture.mode,
        start=int(capture.indices[0]),
        stop=int(capture.indices[-1]) + 1,
        box=box,
        soundings=capture.indices.size,
        good=int(granule.good[capture.indices].sum()),
        counts=count_capture(granule, capture, targets),
        distances={method: distances_from_centre(lon, lat, centre, method) for method in METHODS},
    )


def _excluded(granule: Granule, one: Capture | Dropped, targets: Mapping[str, Target], reason: str) -> ExcludedRow:
    found = one.indices[granule.located[one.indices]]
    corners = granule.vertex_longitude[found].ravel(), granule.vertex_latitude[found].ravel()
    return ExcludedRow(
        granule=granule.path_name,
        target_id=one.target_id,
        target_name=targets[one.target_id].name if one.target_id in targets else "",
        mode=one.mode,
        start=int(one.indices[0]),
        stop=int(one.indices[-1]) + 1,
        box=bounding_box(*corners) if found.size else None,
        reason=reason,
    )
