"""What the pages know of a scene: a small JSON file beside its pictures; maps of many scenes open nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput

FORMAT = 1
NAME = "scene.json"


@dataclass(frozen=True)
class SummaryLayer:
    """One overlay: its file, its place (south-west and north-east corner: latitude, longitude) and its colour bar."""

    variable: str
    title: str
    kind: str
    gas: str
    picture: str
    bounds: list[list[float]]
    opacity: float
    units: str = ""
    limits: list[float] | None = None
    colours: list[str] = field(default_factory=list)
    zoomed: bool = False


@dataclass(frozen=True)
class SummaryPlume:
    """One plume: the rings of its polygons as (latitude, longitude), its source, and facts for people."""

    label: str
    gas: str
    source: list[float] | None
    rings: list[list[list[list[float]]]]
    facts: list[list[str]]
    rate: float | None = None


@dataclass(frozen=True)
class SummaryWind:
    """Wind of one source: speed (m s-1), where it comes from (degrees), where it holds (latitude, longitude)."""

    source: str
    speed: float
    direction: float
    place: list[float]


@dataclass(frozen=True)
class SummaryMarker:
    """A place that a person lists, with all that the list says of it."""

    label: str
    place: list[float]
    facts: list[list[str]]


@dataclass(frozen=True)
class Summary:
    """A scene as pages show it."""

    stem: str
    sensor: str
    start: str
    end: str
    bounds: list[list[float]]
    outline: list[list[float]]
    shown: str
    layers: list[SummaryLayer]
    winds: list[SummaryWind] = field(default_factory=list)
    plumes: list[SummaryPlume] = field(default_factory=list)
    markers: list[SummaryMarker] = field(default_factory=list)


def write_summary(path: Path, summary: Summary) -> None:
    """Write a scene's summary as JSON."""
    text = json.dumps({"levelworks_scene": FORMAT, **asdict(summary)}, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_summary(folder: Path) -> Summary:
    """Read the summary in a folder of pictures.

    Raises
    ------
    InvalidInput
        Where there is none, or it is none of ours.
    """
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or found.pop("levelworks_scene", None) != FORMAT:
            raise InvalidInput(f"{path} is no summary of a scene that this version reads; run plot-scene anew")
        parts: Mapping[str, Any] = {
            "layers": SummaryLayer,
            "winds": SummaryWind,
            "plumes": SummaryPlume,
            "markers": SummaryMarker,
        }
        built: dict[str, Any] = {key: [make(**one) for one in found.pop(key, [])] for key, make in parts.items()}
        return Summary(**found, **built)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read ({error.strerror}); run plot-scene for this scene") from None
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}); run plot-scene anew") from None


def moved(scene: Summary, middle: float) -> Summary:
    """Return a scene with all its longitudes in the turn of the globe that a meridian is in (degrees)."""

    def place(one: Sequence[float]) -> list[float]:
        return [one[0], one[1] + 360 * round((middle - one[1]) / 360)]

    def box(corners: Sequence[Sequence[float]]) -> list[list[float]]:
        turn = 360 * round((middle - (corners[0][1] + corners[1][1]) / 2) / 360)
        return [[latitude, longitude + turn] for latitude, longitude in corners]

    return replace(
        scene,
        bounds=box(scene.bounds),
        outline=[place(one) for one in scene.outline],
        layers=[replace(one, bounds=box(one.bounds)) for one in scene.layers],
        winds=[replace(one, place=place(one.place)) for one in scene.winds],
        markers=[replace(one, place=place(one.place)) for one in scene.markers],
        plumes=[
            replace(
                one,
                source=place(one.source) if one.source else None,
                rings=[[[place(corner) for corner in ring] for ring in polygon] for polygon in one.rings],
            )
            for one in scene.plumes
        ],
    )


def union(bounds: Sequence[Sequence[Sequence[float]]]) -> list[list[float]]:
    """Return the box that holds all boxes: south-west and north-east corner."""
    return [
        [min(one[0][0] for one in bounds), min(one[0][1] for one in bounds)],
        [max(one[1][0] for one in bounds), max(one[1][1] for one in bounds)],
    ]


def overlap(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> bool:
    """Return whether two boxes share more than an edge."""
    return all(one[0][axis] < other[1][axis] and other[0][axis] < one[1][axis] for axis in (0, 1))


def significant(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits and a true minus sign; a dash where it is none."""
    if not math.isfinite(value):
        return "–"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{places}f}".replace("-", "−")
