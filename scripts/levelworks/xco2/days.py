"""Which days are ready: files by day and dataset, known gaps, and what was processed before.

A day waits while a dataset is absent that neither a mission's start nor a known gap explains, and no later day is
complete: late files then have a chance to arrive. Once a later day is complete, a hole is taken for one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from levelworks.core.atomic import write_text
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.lite_names import DATASETS, parse_name

MISSION_STARTS = {"oco2": date(2014, 9, 6), "oco3": date(2019, 8, 6), "oco3_sif": date(2019, 8, 6)}

Files = dict[date, dict[str, str]]


class Presence(StrEnum):
    """What is known of one dataset on one day."""

    PRESENT = "present"
    EXPECTED_ABSENT = "expected absent"
    ABSENT = "absent"


@dataclass(frozen=True, order=True)
class Gap:
    """Days on which a dataset has no file, both ends included; open where ``stop`` is None."""

    dataset: str
    start: date
    stop: date | None = None

    def holds(self, day: date) -> bool:
        """Return whether a day lies in the gap."""
        return self.start <= day and (self.stop is None or day <= self.stop)


KNOWN_GAPS = tuple(Gap(dataset, date(2023, 11, 13), date(2024, 7, 16)) for dataset in ("oco3", "oco3_sif"))
"""Months in which OCO-3 was stored away: what OCO3-data-transformer knows of, for both datasets."""


@dataclass(frozen=True)
class FilesByDay:
    """The newest file of each day and dataset, older versions of the same, and names that are none of a Lite file."""

    files: Files
    superseded: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """What was processed: file names by day and dataset."""

    processed: Files = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Return the number of days."""
        return len(self.processed)

    @property
    def granules(self) -> int:
        """Return the number of files."""
        return sum(map(len, self.processed.values()))

    def with_processed(self, files: Mapping[date, Mapping[str, str]]) -> State:
        """Return the state after some days were processed with these files; a day's former files are forgotten."""
        return State({**self.processed, **{day: dict(names) for day, names in files.items()}})


@dataclass(frozen=True)
class Selection:
    """What to process now, and why the rest is not.

    Attributes
    ----------
    latest_complete : date or None
        The latest day on which nothing is absent without an explanation.
    selected : dict
        Files by day and dataset, oldest day first, up to the limit.
    reasons : dict
        Why each selected day is, in words.
    postponed : tuple of date
        Days beyond the limit.
    waiting : tuple of date
        Days after the latest complete one.
    """

    latest_complete: date | None
    selected: Files
    reasons: dict[date, str]
    postponed: tuple[date, ...]
    waiting: tuple[date, ...]


def files_by_day(names: Iterable[str]) -> FilesByDay:
    """Sort names of Lite files by day and dataset; of several versions the highest build, then the latest stamp stays.

    Parameters
    ----------
    names : iterable of str
        File names without folders, such as ``oco3_LtCO2_211218_B11072Ar_240915205334s.nc4``.
    """
    versions: dict[tuple[date, str], list[tuple[int, str, str]]] = {}
    ignored = []
    for name in sorted(set(names)):
        try:
            found = parse_name(name)
        except InvalidInput:
            ignored.append(name)
            continue
        build = int("".join(filter(str.isdigit, found.build)))
        versions.setdefault((found.day, found.kind), []).append((build, found.production, name))
    files: Files = {}
    superseded: list[str] = []
    for (day, dataset), several in sorted(versions.items()):
        *older, newest = sorted(several)
        files.setdefault(day, {})[dataset] = newest[2]
        superseded += [name for _, _, name in older]
    return FilesByDay(files, tuple(sorted(superseded)), tuple(ignored))


def presence(
    day: date, dataset: str, present: Collection[str], gaps: Iterable[Gap] = (), skipped: Collection[str] = ()
) -> Presence:
    """Return whether a dataset is present on a day, absent as expected, or absent.

    Parameters
    ----------
    day : date
    dataset : str
    present : collection of str
        Datasets with a file on that day.
    gaps : iterable of Gap
    skipped : collection of str
        Datasets that the campaign does without.
    """
    if dataset in skipped:
        return Presence.EXPECTED_ABSENT
    if dataset in present:
        return Presence.PRESENT
    explained = day < MISSION_STARTS[dataset] or any(gap.dataset == dataset and gap.holds(day) for gap in gaps)
    return Presence.EXPECTED_ABSENT if explained else Presence.ABSENT


def latest_complete_day(
    files: Mapping[date, Collection[str]], gaps: Collection[Gap] = (), skipped: Collection[str] = ()
) -> date | None:
    """Return the latest day with files on which no dataset is absent without an explanation; None without any."""
    for day in sorted(files, reverse=True):
        found = [presence(day, dataset, files[day], gaps, skipped) for dataset in DATASETS]
        if Presence.PRESENT in found and Presence.ABSENT not in found:
            return day
    return None


def select_days(
    files: Mapping[date, Mapping[str, str]],
    state: State,
    gaps: Collection[Gap] = (),
    skipped: Collection[str] = (),
    limit: int | None = None,
) -> Selection:
    """Select the days to process.

    Up to the latest complete day, those that the state doesn't hold, or holds with other datasets or other file names.

    Parameters
    ----------
    files : mapping
        File names by day and dataset.
    state : State
        What was processed.
    gaps : collection of Gap
        Known gaps.
    skipped : collection of str
        Datasets that the campaign does without; their files are passed over.
    limit : int, optional
        Greatest number of days.

    Raises
    ------
    InvalidOptions
        Where the limit is below 1, or ``skipped`` names no dataset.
    """
    if limit is not None and limit < 1:
        raise InvalidOptions(f"limit must be a number of days from 1, not {limit!r}")
    unknown = sorted(set(skipped) - set(DATASETS))
    if unknown:
        raise InvalidOptions(f"skipped datasets must be of {', '.join(DATASETS)}, not {', '.join(unknown)}")
    wanted: Files = {}
    for day, names in sorted(files.items()):
        kept = {dataset: name for dataset, name in names.items() if dataset not in skipped}
        if kept:
            wanted[day] = kept
    latest = latest_complete_day(wanted, gaps, skipped)
    reasons = {}
    for day, names in wanted.items():
        reason = _difference(names, state.processed.get(day), skipped) if latest and day <= latest else ""
        if reason:
            reasons[day] = reason
    chosen = list(reasons)[:limit]
    return Selection(
        latest,
        {day: wanted[day] for day in chosen},
        {day: reasons[day] for day in chosen},
        tuple(reasons)[len(chosen) :],
        tuple(day for day in wanted if latest is None or day > latest),
    )


def _difference(names: Mapping[str, str], known: Mapping[str, str] | None, skipped: Collection[str]) -> str:
    if known is None:
        return "new day"
    before = {dataset: name for dataset, name in known.items() if dataset not in skipped}
    remarks = [f"{dataset} arrived" for dataset in sorted(set(names) - set(before))]
    remarks += [f"{dataset} vanished" for dataset in sorted(set(before) - set(names))]
    changed = [dataset for dataset in sorted(set(names) & set(before)) if names[dataset] != before[dataset]]
    remarks += [f"{dataset} is {names[dataset]} and was {before[dataset]}" for dataset in changed]
    return "; ".join(remarks)


def read_gaps(path: Path) -> tuple[Gap, ...]:
    """Read known gaps: ``[{dataset: {start: YYYY-MM-DD, stop: YYYY-MM-DD or null}, …}, …]``, all keys of all objects.

    Raises
    ------
    InvalidOptions
        Where the file can't be read or an entry is wrong; the message names the file, the entry and the key.
    """
    where = f"gaps file {path}"
    entries = _json(path, where)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidOptions(f"{where} must hold a list of objects, each of gaps by dataset")
    gaps = []
    for number, entry in enumerate(entries, start=1):
        for dataset, ends in entry.items():
            here = f"{where}: entry {number}: {dataset}"
            if dataset not in DATASETS:
                raise InvalidOptions(f"{here}: datasets are {', '.join(DATASETS)}")
            if not isinstance(ends, dict) or set(ends) != {"start", "stop"}:
                raise InvalidOptions(f"{here} must be an object with start and stop")
            start = _day(ends["start"], f"{here}: start")
            stop = None if ends["stop"] is None else _day(ends["stop"], f"{here}: stop")
            if stop is not None and stop < start:
                raise InvalidOptions(f"{here}: stop {stop} is before start {start}")
            gaps.append(Gap(dataset, start, stop))
    return tuple(gaps)


def _json(path: Path, where: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidOptions(f"{where} can't be read ({error.strerror})") from None
    except ValueError as error:
        raise InvalidOptions(f"{where} is not JSON ({error})") from None


def _day(text: Any, where: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except (TypeError, ValueError):
        raise InvalidOptions(f"{where} must be a day YYYY-MM-DD, not {text!r}") from None


def read_state(path: Path) -> tuple[State, str]:
    """Read what was processed, ``{days, granules, processed: {YYYY-MM-DD: {dataset: file name}}}``.

    Returns
    -------
    state : State
        Empty where there is no file yet, or an invalid one.
    warning : str
        Why an invalid file is passed over; empty otherwise.
    """
    if not path.exists():
        return State(), ""
    where = f"state file {path}"
    try:
        entries = _json(path, where)
        if not isinstance(entries, dict) or not isinstance(entries.get("processed"), dict):
            raise InvalidOptions(f"{where} must hold an object with processed")
        return State(
            {_day(day, where): _names(names, f"{where}: {day}") for day, names in entries["processed"].items()}
        ), ""
    except InvalidOptions as error:
        return State(), f"{error}; every day counts as new"


def _names(names: Any, where: str) -> dict[str, str]:
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InvalidOptions(f"{where} must be an object of file names by dataset")
    return dict(names)


def write_state(state: State, path: Path) -> None:
    """Write what was processed, days and datasets sorted, whole or not at all."""
    processed = {day.isoformat(): dict(sorted(names.items())) for day, names in sorted(state.processed.items())}
    text = json.dumps({"days": state.days, "granules": state.granules, "processed": processed}, indent=2)
    write_text(path, text + "\n")
