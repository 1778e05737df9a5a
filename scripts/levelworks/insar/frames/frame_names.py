"""Ids of frames, as LiCSAR forms them: ``108A_03888_090900`` (specs/insar.md 1.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.safe.burst_ids import ORBITS
from levelworks.insar.safe.manifest import Pass

PATTERN = r"(\d{3})([AD])_(\d{5})_(\d{2})(\d{2})(\d{2})"
PASSES: dict[str, Pass] = {"A": "ascending", "D": "descending"}


@dataclass(frozen=True)
class FrameName:
    """What a frame's id says.

    Parameters
    ----------
    track : int
        Relative orbit, 1 to 175.
    pass_direction : {"ascending", "descending"}
    colatitude : int
        Hundred times the colatitude (degrees from the north pole) of the frame's centre.
    counts : tuple of int
        Numbers of bursts of IW1, IW2 and IW3; 0 where the frame has none of a swath.
    """

    track: int
    pass_direction: Pass
    colatitude: int
    counts: tuple[int, int, int]

    def __str__(self) -> str:
        bursts = "".join(f"{count:02d}" for count in self.counts)
        return f"{self.track:03d}{self.pass_direction[0].upper()}_{self.colatitude:05d}_{bursts}"

    @property
    def latitude(self) -> float:
        """Return the latitude of the frame's centre, degrees to a hundredth."""
        return 90 - self.colatitude / 100


def parse_frame_name(name: str) -> FrameName:
    """Take a frame's id apart.

    Raises
    ------
    InvalidOptions
        Where it is none.
    """
    found = re.fullmatch(PATTERN, name)
    if found is None:
        raise InvalidOptions(
            f"{name!r} is no frame id; they are track, pass, colatitude and burst counts, such as 108A_03888_090900"
        )
    frame = FrameName(int(found[1]), PASSES[found[2]], int(found[3]), (int(found[4]), int(found[5]), int(found[6])))
    if not (1 <= frame.track <= ORBITS and frame.colatitude <= 18000 and any(frame.counts)):
        raise InvalidOptions(f"{name!r} is no frame id: track, colatitude or burst counts are beyond their bounds")
    return frame


def name_frame(track: int, pass_direction: Pass, latitude: float, counts: Sequence[int]) -> FrameName:
    """Form a frame's id from its track, pass, centre latitude (degrees) and numbers of bursts of IW1, IW2 and IW3."""
    one, two, three = counts
    name = FrameName(track, pass_direction, round(100 * (90 - latitude)), (one, two, three))
    return parse_frame_name(str(name))
