"""The slices of a cube and the rule by which a newer granule takes the place of an older one.

A granule speaks for its whole day: of one dataset and day the newest version counts, by build and production stamp,
and its captures take the place of all that older versions brought. A cube then depends on the granules that it was
made from, not on their order; but of a day without captures it knows no version, so that it is for the campaign not to
bring an older granule after a newer one (`levelworks.xco2.days_stage`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from levelworks.xco2.granule import Mode
from levelworks.xco2.grid_files import Entry, Source, source_of
from levelworks.xco2.slice_layers import Kept

TIE_S = 1e-3
"""What times of captures that begin at once are put apart by."""
MODE_CODES = {"nadir": Mode.NADIR, "glint": Mode.GLINT, "target": Mode.TARGET, "sam": Mode.AREA_MAP}
COLUMNS: dict[str, tuple[str, str]] = {
    "capture_id": ("U", "orbit, target, mode and first sounding of the capture"),
    "orbit": ("i4", "orbit number, -9999 where the granule gives none"),
    "operation_mode": ("i1", "observation mode"),
    "number_in_capture": ("i4", "number of soundings that were gridded"),
    "source_file": ("U", "granule"),
    "source_build": ("U", "build of the granule"),
    "gridding_method": ("U", "how the soundings were gridded"),
    "content_digest": ("U", "XXH3 of the slice's content, and XXH32 of what its variables are"),
    "capture_ordinal": ("i1", "number among captures that begin at the same time; their times are 1 ms apart"),
}
"""Coordinates of each slice: type and meaning."""


@dataclass(frozen=True)
class CubeSlice:
    """One capture in a cube; times in seconds since 1970-01-01 UTC.

    ``place`` tells where its content is: in the standing cube, or in a file of grids.
    """

    capture_id: str
    orbit: int
    operation_mode: int
    start: float
    end: float
    number_in_capture: int
    source_file: str
    source_build: str
    gridding_method: str
    content_digest: str
    capture_ordinal: int = 0
    place: Any = field(default=None, compare=False)

    @property
    def time(self) -> float:
        """Return the time of the slice: the capture's first sounding, put apart where two begin at once."""
        return self.start + TIE_S * self.capture_ordinal

    @property
    def layer_set(self) -> str:
        """Return the digest of what the slice's variables are."""
        return self.content_digest.rpartition("-")[2]

    @property
    def source(self) -> Source:
        """Return the granule, as its name tells it."""
        return source_of(self.source_file)

    @classmethod
    def of(cls, entry: Entry, source: Source, quality_set: str, place: Any) -> CubeSlice:
        """Return the slice of a gridded capture."""
        return cls(
            capture_id=entry.id,
            orbit=entry.orbit,
            operation_mode=int(MODE_CODES.get(entry.mode, Mode.UNKNOWN)),
            start=entry.start,
            end=entry.end,
            number_in_capture=entry.count(quality_set),
            source_file=source.name,
            source_build=source.build,
            gridding_method=entry.methods[quality_set],
            content_digest=entry.digests[quality_set],
            place=place,
        )


@dataclass(frozen=True)
class Incoming:
    """What one granule brings to a cube; no slices where it has no capture of the target."""

    source: Source
    slices: tuple[CubeSlice, ...]


@dataclass(frozen=True)
class Merged:
    """The slices of a cube in order of time, and what became of those given."""

    slices: tuple[CubeSlice, ...]
    added: int
    replaced: int
    removed: int
    refused: tuple[str, ...]


def merge(standing: Sequence[CubeSlice], incoming: Iterable[Incoming]) -> Merged:
    """Merge what granules bring with what a cube has.

    Parameters
    ----------
    standing : sequence of CubeSlice
        With `Kept` as their place.
    incoming : iterable of Incoming
        In any order.

    Returns
    -------
    Merged
        ``refused`` names granules older than what the cube has of their day.
    """
    days: dict[dt.date, tuple[tuple[int, str], tuple[CubeSlice, ...]]] = {}
    for one in standing:
        source = one.source
        version, held = days.get(source.day, (source.version, ()))
        days[source.day] = max(version, source.version), (*held, one)
    before = {(one.source.day, one.capture_id): one for one in standing}
    refused = []
    for granule in sorted(incoming, key=lambda one: (one.source.day, one.source.version, one.source.name)):
        source = granule.source
        known = days.get(source.day)
        if known is not None and known[0] > source.version:
            refused.append(source.name)
            continue
        days[source.day] = source.version, tuple(_unless_same(one, before) for one in granule.slices)
    merged = _ordered([one for _, held in days.values() for one in held])
    after = {(one.source.day, one.capture_id): one for one in merged}
    added = sum(key not in before for key in after)
    replaced = sum(key in before and not isinstance(one.place, Kept) for key, one in after.items())
    return Merged(tuple(merged), added, replaced, sum(key not in after for key in before), tuple(refused))


def _unless_same(one: CubeSlice, before: Mapping[tuple[dt.date, str], CubeSlice]) -> CubeSlice:
    """Return the standing slice where the new one has the same content."""
    known = before.get((one.source.day, one.capture_id))
    if known is not None and replace(known, capture_ordinal=0) == one:
        return replace(known, capture_ordinal=0)
    return one


def _ordered(slices: list[CubeSlice]) -> list[CubeSlice]:
    """Order slices by time, then id, and number those that begin at once."""
    ordered: list[CubeSlice] = []
    for one in sorted(slices, key=lambda one: (one.start, one.capture_id)):
        # Times are told apart in whole milliseconds, as the granules give them.
        last = ordered[-1] if ordered else None
        tied = last is not None and one.start < last.time + TIE_S / 2
        number = last.capture_ordinal + 1 if tied and last is not None else 0
        ordered.append(replace(one, capture_ordinal=number))
    return ordered


def as_columns(slices: Sequence[CubeSlice]) -> dict[str, np.ndarray]:
    """Return the coordinates of slices as arrays, texts as wide as the longest, and their times and bounds."""
    columns = {}
    for name, (kind, _) in COLUMNS.items():
        values = [getattr(one, name) for one in slices]
        width = max((len(str(value)) for value in values), default=1) or 1
        columns[name] = np.array(values, dtype=f"<U{width}" if kind == "U" else f"<{kind}")
    columns["time"] = np.array([one.time for one in slices], dtype=np.float64)
    columns["time_bnds"] = np.array([(one.start, one.end) for one in slices], dtype=np.float64).reshape(-1, 2)
    return columns


def from_columns(columns: Mapping[str, np.ndarray]) -> list[CubeSlice]:
    """Return the slices of a standing cube from its coordinates."""
    bounds = columns["time_bnds"]

    def value(name: str, position: int) -> Any:
        return columns[name][position].item()

    return [
        CubeSlice(
            **{name: value(name, position) for name in COLUMNS},
            start=float(bounds[position, 0]),
            end=float(bounds[position, 1]),
            place=Kept(position),
        )
        for position in range(len(bounds))
    ]
