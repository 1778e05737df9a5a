"""The definition of a frame: its bursts, reference, grid and looks, as a file that people can write."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from levelworks.core.outcome import InvalidReference
from levelworks.insar.frames.frame_names import parse_frame_name
from levelworks.insar.safe.manifest import Pass

Swath = Literal["IW1", "IW2", "IW3"]


class FrameModel(BaseModel):
    """Base of the parts of a frame's file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FrameBurst(FrameModel):
    """A burst of a frame: swath, the agency's id, and its outline as [longitude, latitude] pairs (degrees)."""

    swath: Swath
    burst_id: int = Field(ge=1)
    polygon: tuple[tuple[float, float], ...] = Field(min_length=4)

    @property
    def key(self) -> str:
        """Return swath and id as file names take them (``iw1_230132``)."""
        return f"{self.swath.lower()}_{self.burst_id:06d}"


class FrameGrid(FrameModel):
    """The geographic grid of products: cell size (degrees) and bounds, which are multiples of it; rows go south."""

    step: float = Field(gt=0, le=0.1)
    west: float
    south: float
    east: float
    north: float

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.west < self.east and self.south < self.north):
            raise ValueError("the grid has no extent")
        for name in ("west", "south", "east", "north"):
            cells = getattr(self, name) / self.step
            if abs(cells - round(cells)) > 1e-6:
                raise ValueError(f"{name} is not a multiple of the step {self.step}")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return round((self.north - self.south) / self.step), round((self.east - self.west) / self.step)


class Looks(FrameModel):
    """Samples and lines that are summed into one cell of the radar grid."""

    range: int = Field(20, ge=1, le=200)
    azimuth: int = Field(4, ge=1, le=200)


class Frame(FrameModel):
    """A frame: bursts of one track and pass that are processed as one image.

    ``reference`` is the day that all others are brought to, ``dem`` what the heights are from.
    """

    frame: str
    track: int = Field(ge=1, le=175)
    pass_direction: Pass
    polarisation: Literal["VV", "HH", "VH", "HV"] = "VV"
    reference: dt.date
    bursts: tuple[FrameBurst, ...] = Field(min_length=1)
    grid: FrameGrid
    looks: Looks = Looks()
    dem: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        keys = [burst.key for burst in self.bursts]
        if len(set(keys)) != len(keys):
            raise ValueError("a burst is listed twice")
        name = parse_frame_name(self.frame)
        if (name.track, name.pass_direction, name.counts) != (self.track, self.pass_direction, self.counts):
            raise ValueError(f"the id {self.frame} does not agree with track, pass and bursts {self.counts}")
        return self

    @property
    def counts(self) -> tuple[int, int, int]:
        """Return the numbers of bursts of IW1, IW2 and IW3."""
        one, two, three = (sum(burst.swath == swath for burst in self.bursts) for swath in ("IW1", "IW2", "IW3"))
        return one, two, three

    @property
    def burst_ids(self) -> tuple[int, int]:
        """Return the least and the greatest id."""
        ids = [burst.burst_id for burst in self.bursts]
        return min(ids), max(ids)


def read_frame(path: Path) -> Frame:
    """Read the definition of a frame.

    Raises
    ------
    InvalidReference
        Where it can't be read or contradicts itself; the message names the key.
    """
    try:
        return Frame.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidReference(f"{path} can't be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "frame"
        raise InvalidReference(f"{path} is no definition of a frame: {place}: {first['msg']}") from None


def write_frame(path: Path, frame: Frame) -> None:
    """Write the definition of a frame, a burst a line."""
    content = frame.model_dump(mode="json")
    bursts = ",\n".join(f"    {json.dumps(burst)}" for burst in content.pop("bursts"))
    head = json.dumps(content, indent=2).removesuffix("\n}")
    path.write_text(f'{head},\n  "bursts": [\n{bursts}\n  ]\n}}\n', encoding="utf-8")
