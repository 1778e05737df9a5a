"""Progress of frames by job type, read from the records of their products: no database that could disagree with them.

Job types and status codes are LiCSAR's (specs/insar.md 1.2): 0 built, -1 unbuilt, -2 missing input, -3 error, -5
building, -6 removed after use.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Literal

from levelworks.core.atomic import PREFIX
from levelworks.core.outcome import Status
from levelworks.core.survey import Standing, beside, walk
from levelworks.insar.degraded import is_degraded

State = Literal["done", "degraded", "skipped", "quarantined", "missing", "building", "removed"]
STATES: tuple[State, ...] = ("done", "degraded", "skipped", "quarantined", "missing", "building", "removed")
BUILT: tuple[State, ...] = ("done", "degraded", "removed")
UNIT = re.compile(r"\d{8}(?:_\d{8})?")
TEMPORARY = re.compile(rf"{re.escape(PREFIX)}.+\.\d+\.(\d{{8}}(?:_\d{{8}})?)(?:\..+)?")


@dataclass(frozen=True)
class JobType:
    """A job type: its name, the stages that it stands for, the job types it needs, and whether its units are pairs."""

    name: str
    stages: tuple[str, ...]
    needs: tuple[str, ...]
    of_pairs: bool


VERIFICATION = "verify-coregistration"

JOB_TYPES = (
    JobType("mk_image", ("parse-safe",), (), False),
    JobType("coreg", ("coregister", VERIFICATION), ("mk_image",), False),
    JobType("mk_ifg", ("form-interferogram", "filter-phase"), ("coreg",), True),
    JobType("unwrap", ("unwrap", "geocode"), ("mk_ifg",), True),
)
FIGURES = {
    "mean_coherence": ("filter-phase", "mean_coherence"),
    "unwrapped_fraction": ("unwrap", "unwrapped_share_of_data"),
    "azimuth_shift_lines": ("estimate-diversity", "azimuth_shift_lines"),
    "seam_step_rad": ("form-interferogram", "seam_step_rad"),
}
"""Figures of a pair: the stage and the quality figure in its record."""
FIGURES_OF_DATES = {
    "added_lines": ("coregister", "added_line"),
    "residual_lines": (VERIFICATION, "residual_lines"),
    "residual_sigma": (VERIFICATION, "residual_sigma"),
}
"""Figures of a date: what was added to geometry, and what is left after resampling."""


@dataclass(frozen=True)
class PlannedFrame:
    """What is to be built of a frame: dates (YYYYMMDD) and pairs (YYYYMMDD_YYYYMMDD).

    The reference date is brought to nothing: its image is its own coregistration where no stage says otherwise.
    """

    frame: str
    dates: tuple[str, ...]
    pairs: tuple[str, ...]
    reference: str = ""


@dataclass(frozen=True)
class Unit:
    """A date or pair in a job type: its state, LiCSAR's code, why, and whether what was built of it is degraded."""

    name: str
    job: str
    state: State
    code: int
    reason: str = ""
    degraded: bool = False


@dataclass(frozen=True)
class PairRow:
    """What the table of pairs says of one: its state, the verdict of its triplets, and figures by name.

    The state is the worst of its job types and its dates.
    """

    name: str
    state: State
    verdict: str
    figures: Mapping[str, float | None]


@dataclass(frozen=True)
class DateRow:
    """What the table of dates says of one: its state, what verification says, and figures by name.

    The state is the worst of its job types. ``verified`` is ``done``, ``degraded`` or ``not verified``, and empty where
    nothing was measured; ``against`` the date that it was measured against.
    """

    name: str
    state: State
    verified: str
    against: str
    figures: Mapping[str, float | None]


@dataclass(frozen=True)
class FrameProgress:
    """How a frame stands: units by job type, its pairs, and its dates."""

    frame: str
    units: Mapping[str, tuple[Unit, ...]]
    pairs: tuple[PairRow, ...]
    dates: tuple[DateRow, ...] = ()

    def counts(self, job: str) -> dict[str, int]:
        """Return planned units of a job type and how many are in each state."""
        counted = Counter(unit.state for unit in self.units[job])
        return {"planned": len(self.units[job]), **{state: counted[state] for state in STATES}}

    def percent(self, job: str) -> float | None:
        """Return the share of planned units that are built (%); None where none is planned."""
        units = self.units[job]
        return 100.0 * sum(unit.state in BUILT for unit in units) / len(units) if units else None


@dataclass(frozen=True)
class Records:
    """Records by stage, frame and unit, and the units that are being built."""

    standing: Mapping[tuple[str, str, str], Standing]
    building: frozenset[tuple[str, str, str]] = frozenset()


def records_below(results: Path) -> Records:
    """Read the records of the line below a results folder, and what is being written there."""
    standing: dict[tuple[str, str, str], Standing] = {}
    building = set()
    for folder in walk(results):
        frame, stage = PurePath(folder.path).name, PurePath(folder.path).parent.name
        for name in folder.entries:
            found = TEMPORARY.fullmatch(name)
            if found:
                building.add((stage, frame, found[1]))
        standing |= _by_unit(folder.records)
    return Records(standing, frozenset(building))


def records_beside(products: Iterable[Path]) -> Records:
    """Read the records beside products, each at ``<stage>/<frame>/<unit>``."""
    return Records(_by_unit(map(beside, products)))


def _by_unit(records: Iterable[Standing]) -> dict[tuple[str, str, str], Standing]:
    found = {}
    for one in records:
        unit = UNIT.match(one.product.name)
        content = one.content or {}
        if unit and content.get("line") == "insar":
            found[str(content["stage"]), one.product.parent.name, unit[0]] = one
    return found


def measure_progress(
    plan: Sequence[PlannedFrame], records: Records, verdicts: Mapping[str, Mapping[str, str]] | None = None
) -> list[FrameProgress]:
    """Compare what is planned with what records say.

    Parameters
    ----------
    plan : sequence of PlannedFrame
    records : Records
    verdicts : mapping of str to mapping of str to str, optional
        By frame, what the closure says of each pair.

    Returns
    -------
    list of FrameProgress
        In the order of the plan.
    """
    return [_frame(one, records, (verdicts or {}).get(one.frame, {})) for one in plan]


def _frame(planned: PlannedFrame, records: Records, verdicts: Mapping[str, str]) -> FrameProgress:
    units: dict[str, dict[str, Unit]] = {}
    for job in JOB_TYPES:
        names = planned.pairs if job.of_pairs else planned.dates
        units[job.name] = {name: _unit(planned, job, name, records, units) for name in sorted(names)}
    pairs = tuple(
        PairRow(
            name, _worst(name, units), verdicts.get(name, "untested"), _figures(planned.frame, name, records, FIGURES)
        )
        for name in sorted(planned.pairs)
    )
    dates = tuple(_date(planned.frame, name, _worst(name, units), records) for name in units["coreg"])
    return FrameProgress(planned.frame, {job: tuple(found.values()) for job, found in units.items()}, pairs, dates)


def _worst(name: str, units: Mapping[str, Mapping[str, Unit]]) -> State:
    """Return the state of the last job type of a date or pair; degraded where one before, or a date of a pair, is."""
    own = [found[name] for found in units.values() if name in found]
    last = own[-1].state
    dates = [found[date] for found in units.values() for date in name.split("_") if date in found]
    worse = any(unit.degraded for unit in (*own, *dates))
    return "degraded" if last in BUILT and worse else last


def _date(frame: str, name: str, state: State, records: Records) -> DateRow:
    said = _quality(records.standing.get((VERIFICATION, frame, name)))
    figures = _figures(frame, name, records, FIGURES_OF_DATES)
    return DateRow(name, state, str(said.get("state", "")), str(said.get("against", "")), figures)


def _unit(
    planned: PlannedFrame, job: JobType, name: str, records: Records, before: Mapping[str, Mapping[str, Unit]]
) -> Unit:
    # The reference is what others are verified against.
    own = [stage for stage in job.stages if (stage, name) != (VERIFICATION, planned.reference)]
    keys = [(stage, planned.frame, name) for stage in own]
    found = [records.standing.get(key) for key in keys]
    if job.name == "coreg" and name == planned.reference and found == [None]:
        image = before["mk_image"].get(name)
        if image:
            return replace(image, job=job.name)
    contents = [_content(one) for one in found if one is not None]
    for content in contents:
        outcome, reason = content.get("outcome"), str(content.get("reason", ""))
        if outcome == Status.SKIPPED:
            return Unit(name, job.name, "skipped", -2, reason)
        if outcome == Status.QUARANTINED:
            inherited = any(_flagged(before[need], name) for need in job.needs)
            return Unit(name, job.name, "quarantined", -2 if inherited else -3, reason)
    if any(key in records.building for key in keys):
        return Unit(name, job.name, "building", -5)
    if len(contents) < len(keys):
        return Unit(name, job.name, "missing", -1)
    worse = any(map(is_degraded, contents))
    if not all(one.present for one in found if one is not None):
        return Unit(name, job.name, "removed", -6, degraded=worse)
    warnings = "; ".join(str(text) for content in contents for text in content.get("warnings", ()))
    return Unit(name, job.name, "degraded" if worse else "done", 0, warnings, worse)


def _flagged(units: Mapping[str, Unit], name: str) -> bool:
    """Return whether a unit, or a date of a pair, is flagged in a job type that is needed."""
    names = [name] if name in units else name.split("_")
    return any(one in units and units[one].state in ("skipped", "quarantined") for one in names)


def _figures(frame: str, unit: str, records: Records, wanted: Mapping[str, tuple[str, str]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for column, (stage, key) in wanted.items():
        quality = _quality(records.standing.get((stage, frame, unit)))
        # Without a standard deviation nothing was measured.
        measured = quality.get(key.replace("_lines", "_sigma"), 0.0) is not None
        value = quality.get(key) if measured else None
        found[column] = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return found


def _quality(one: Standing | None) -> dict[str, Any]:
    return _content(one).get("quality") or {}


def _content(one: Standing | None) -> dict[str, Any]:
    return (one.content if one else None) or {}
