"""What an acquisition has of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from levelworks.core.outcome import InvalidInput
from levelworks.insar.frames.frame import Frame
from levelworks.insar.safe.acquisition import Acquisition, Gap
from levelworks.insar.safe.burst import Burst


@dataclass(frozen=True)
class Coverage:
    """The bursts of a frame that an acquisition has, in the frame's order, and why it lacks the others."""

    bursts: tuple[Burst, ...]
    missing: tuple[Gap, ...]

    @property
    def fraction(self) -> float:
        """Return the share of the frame's bursts that are there."""
        return len(self.bursts) / (len(self.bursts) + len(self.missing))

    def facts(self) -> dict[str, Any]:
        """Return numbers and the list of missing bursts, for a record."""
        return {
            "bursts": len(self.bursts),
            "bursts_missing": [f"{gap.swath} {gap.id}: {gap.reason}" for gap in self.missing],
            "coverage": round(self.fraction, 6),
        }


def cover_frame(frame: Frame, acquisition: Acquisition) -> Coverage:
    """Select the bursts of a frame from an acquisition.

    Raises
    ------
    InvalidInput
        Where the acquisition is in another polarisation, or has no burst of the frame.
    """
    if acquisition.polarisation != frame.polarisation:
        raise InvalidInput(
            f"the acquisition of {acquisition.date} is in {acquisition.polarisation}, "
            f"the frame {frame.frame} in {frame.polarisation}"
        )
    have = {burst.key: burst for burst in acquisition.bursts}
    reasons = {(gap.swath, gap.id): gap.reason for gap in acquisition.gaps}
    swaths = {burst.swath for burst in acquisition.bursts}
    found, missing = [], []
    for burst in frame.bursts:
        if burst.key in have:
            found.append(have[burst.key])
            continue
        absent = "no product has it" if burst.swath in swaths else "the swath is absent"
        missing.append(Gap(burst.swath, burst.burst_id, reasons.get((burst.swath, burst.burst_id), absent)))
    if not found:
        raise InvalidInput(f"the acquisition of {acquisition.date} has no burst of the frame {frame.frame}")
    return Coverage(tuple(found), tuple(missing))
