"""What a network solution says to add to the places of each date, as a file (JSON)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput
from levelworks.insar.coregistration.refinement_options import Solution

LAYOUT = 1


@dataclass(frozen=True)
class Shift:
    """Lines and samples to add to all places of a date, and how sure the lines are.

    ``sigma`` in lines, None where nothing says; ``state`` ``done`` or ``degraded``, with the reason.
    """

    line: float
    sample: float
    sigma: float | None = None
    state: str = "done"
    reason: str = ""


NONE = Shift(0.0, 0.0, 0.0)
"""Of the reference."""


def write_network(
    path: Path,
    shifts: dict[str, Shift],
    moved: tuple[str, ...] = (),
    left_out: dict[str, str] | None = None,
    options: Solution | None = None,
) -> None:
    """Write the shifts of dates, which moved since they were resampled, why others were left out, and pairs to keep."""
    content = {
        "layout": LAYOUT,
        "dates": {date: asdict(shifts[date]) for date in sorted(shifts)},
        "moved": sorted(moved),
        "left_out": dict(sorted((left_out or {}).items())),
    }
    if options:
        content |= {"pairs": options.pairs, "rules": options.rules.model_dump(mode="json", by_alias=True)}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_shifts(path: Path) -> dict[str, Shift]:
    """Read the shifts of dates (YYYYMMDD).

    Raises
    ------
    InvalidInput
        Where the file is damaged or of another layout.
    """
    try:
        return {date: Shift(**values) for date, values in _read(path)["dates"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} is no network solution ({error}): run solve-network again") from None


def find_shift(path: Path, date: str) -> Shift:
    """Read the shift of one date (YYYYMMDD).

    Raises
    ------
    InvalidInput
        Where the file is damaged, or the date was left out: with the reason.
    """
    shifts = read_shifts(path)
    if date in shifts:
        return shifts[date]
    reason = _read(path).get("left_out", {}).get(date)
    raise InvalidInput(reason or f"{path} has no shift of {date}: it was left out of the network")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["layout"] != LAYOUT:
            raise InvalidInput(f"{path} is of another layout than this version reads: run solve-network again")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is no network solution ({error}): run solve-network again") from None
    found: dict[str, Any] = content
    return found
