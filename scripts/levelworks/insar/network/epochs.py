"""Dates of a frame, pairs of them, and what a pair costs."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

DAYS_COST = 180.0
BASELINE_COST = 150.0


@dataclass(frozen=True, order=True)
class Epoch:
    """A date of a frame: its perpendicular baseline to the frame's reference (m; NaN unknown), and its platform."""

    date: dt.date
    perpendicular_baseline: float = 0.0
    platform: str = ""


@dataclass(frozen=True, order=True)
class Pair:
    """Two dates, the earlier first."""

    first: dt.date
    second: dt.date

    def __str__(self) -> str:
        """Return the pair's name, ``YYYYMMDD_YYYYMMDD``."""
        return f"{self.first:%Y%m%d}_{self.second:%Y%m%d}"

    @property
    def days(self) -> int:
        """Return the days between."""
        return (self.second - self.first).days


def parse_pair(name: str) -> Pair:
    """Read a pair's name.

    Raises
    ------
    ValueError
        Where it isn't two dates, the earlier first.
    """
    first, _, second = name.partition("_")
    dates = [dt.date.fromisoformat(text) if len(text) == 8 and text.isdigit() else None for text in (first, second)]
    if dates[0] is None or dates[1] is None or dates[0] >= dates[1]:
        raise ValueError(f"a pair is named YYYYMMDD_YYYYMMDD, the earlier date first, not {name!r}")
    return Pair(dates[0], dates[1])


def baseline_between(one: Epoch, two: Epoch) -> float:
    """Return the size of the perpendicular baseline of two dates (m); infinite where either is unknown."""
    between = abs(two.perpendicular_baseline - one.perpendicular_baseline)
    return math.inf if math.isnan(between) else between


def pair_cost(one: Epoch, two: Epoch) -> float:
    """Return ``days / 180 + |perpendicular baseline| / 150`` (specs/insar.md 5.3); days alone decide without one."""
    days, between = abs((two.date - one.date).days), baseline_between(one, two)
    return days / DAYS_COST + (between / BASELINE_COST if math.isfinite(between) else 0.0)
