"""Offsets of dates and shifts of pairs as files (JSON)."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput

LAYOUT = 1


@dataclass(frozen=True)
class DateOffset:
    """Lines and samples to add to geometry for a date, by amplitudes; sigmas infinite where it is degraded."""

    date: str
    line: float
    sample: float
    line_sigma: float
    sample_sigma: float
    degraded: str = ""


@dataclass(frozen=True)
class PairShift:
    """Lines to add to the second date's places less those of the first, by overlaps; sigma infinite where degraded."""

    first: str
    second: str
    line: float
    sigma: float
    degraded: str = ""


def write_offset(path: Path, offset: DateOffset) -> None:
    """Write the offset of a date."""
    _write(path, asdict(offset))


def read_offset(path: Path) -> DateOffset:
    """Read the offset of a date; InvalidInput where the file is damaged."""
    return DateOffset(**_read(path, "correlate-amplitudes"))


def write_shift(path: Path, shift: PairShift) -> None:
    """Write the shift of a pair."""
    _write(path, asdict(shift))


def read_shift(path: Path) -> PairShift:
    """Read the shift of a pair; InvalidInput where the file is damaged."""
    return PairShift(**_read(path, "estimate-diversity"))


def _write(path: Path, content: dict[str, Any]) -> None:
    # JSON has no infinity: what nothing is known of is null.
    plain = {name: None if isinstance(value, float) and math.isinf(value) else value for name, value in content.items()}
    path.write_text(json.dumps({"layout": LAYOUT, **plain}, indent=1) + "\n", encoding="utf-8")


def _read(path: Path, stage: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("layout") != LAYOUT:
            raise InvalidInput(f"{path} is of another layout than this version reads: run {stage} again")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}): run {stage} again") from None
    return {name: math.inf if value is None else value for name, value in content.items()}
