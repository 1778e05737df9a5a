"""The burst catalogue: where each burst of the repeat cycle lies, learned from the products that were seen.

A text file, one burst a line: track, pass, swath, id, and the outline as ``longitude latitude`` pairs (degrees).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from levelworks.core.atomic import write_text
from levelworks.core.outcome import InvalidReference
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.manifest import Pass
from levelworks.insar.safe.names import SWATHS

COLUMNS = ("track", "pass", "swath", "burst_id", "polygon")


@dataclass(frozen=True)
class CatalogueBurst:
    """A burst of the repeat cycle and its outline (longitude, latitude; degrees)."""

    track: int
    pass_direction: Pass
    swath: str
    burst_id: int
    polygon: tuple[tuple[float, float], ...]

    @property
    def key(self) -> tuple[int, str]:
        """Return what the catalogue is ordered by: id, then swath."""
        return self.burst_id, self.swath


def list_bursts(acquisition: Acquisition) -> list[CatalogueBurst]:
    """Return the bursts of an acquisition as the catalogue has them."""
    return [
        CatalogueBurst(burst.track, acquisition.pass_direction, burst.swath, burst.id, burst.corners)
        for burst in acquisition.bursts
    ]


def merge(known: Iterable[CatalogueBurst], seen: Iterable[CatalogueBurst]) -> list[CatalogueBurst]:
    """Return the bursts of both in the catalogue's order; of those in both the known outline stays."""
    bursts = {burst.key: burst for burst in seen}
    bursts.update({burst.key: burst for burst in known})
    return [bursts[key] for key in sorted(bursts)]


def within(
    bursts: Sequence[CatalogueBurst], bounds: tuple[float, float, float, float], pass_direction: Pass
) -> list[CatalogueBurst]:
    """Return the bursts of passes in a direction whose outlines meet a box (west, south, east, north; degrees).

    They may be of several tracks, of which a frame takes one.
    """
    from shapely import Polygon, box

    area = box(*bounds)
    return [
        burst for burst in bursts if burst.pass_direction == pass_direction and Polygon(burst.polygon).intersects(area)
    ]


def read_catalogue(path: Path) -> list[CatalogueBurst]:
    """Read a catalogue.

    Raises
    ------
    InvalidReference
        Where the file can't be read, or a line is none.
    """
    try:
        rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    except OSError as error:
        raise InvalidReference(f"the burst catalogue {path} can't be read ({error.strerror})") from None
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise InvalidReference(f"{path}: a burst catalogue has the columns {', '.join(COLUMNS)}")
    bursts = []
    for row in rows:
        try:
            bursts.append(_burst(row))
        except (ValueError, TypeError, AttributeError):
            raise InvalidReference(f"{path} line {rows.line_num} is no burst") from None
    return bursts


def write_catalogue(path: Path, bursts: Iterable[CatalogueBurst]) -> None:
    """Write a catalogue, atomically."""
    lines = ["\t".join(COLUMNS)]
    for burst in bursts:
        outline = ", ".join(f"{longitude:.5f} {latitude:.5f}" for longitude, latitude in burst.polygon)
        lines.append(f"{burst.track}\t{burst.pass_direction}\t{burst.swath}\t{burst.burst_id}\t{outline}")
    write_text(path, "\n".join(lines) + "\n")


def _burst(row: dict[str, str]) -> CatalogueBurst:
    pairs = [point.split() for point in row["polygon"].split(",")]
    polygon = tuple((float(longitude), float(latitude)) for longitude, latitude in pairs)
    if row["pass"] not in ("ascending", "descending") or row["swath"] not in SWATHS or len(polygon) < 4:
        raise ValueError
    return CatalogueBurst(int(row["track"]), cast("Pass", row["pass"]), row["swath"], int(row["burst_id"]), polygon)
