"""From the granules that are there to the days that are ready, and the note of what was processed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from levelworks.core.outcome import Outcome
from levelworks.xco2.days import (
    KNOWN_GAPS,
    Files,
    FilesByDay,
    Gap,
    Selection,
    State,
    files_by_day,
    read_gaps,
    read_state,
    select_days,
    write_state,
)
from levelworks.xco2.options import SelectDays


@dataclass(frozen=True)
class Ready:
    """The newest files by day, those selected now, and those processed before and still there."""

    files: FilesByDay
    selection: Selection
    before: State

    @property
    def planned(self) -> dict[date, dict[str, str]]:
        """Return the files of days that are selected, and those that other days were processed with and are there."""
        known = {day: names for day, names in self.before.processed.items() if names}
        return dict(sorted({**known, **self.selection.selected}.items()))


def find_ready(names: Iterable[str], gaps: Collection[Gap], state: State, options: SelectDays) -> Ready:
    """Find the days that are ready to be processed.

    A file older than the one a day was processed with is passed over.

    Parameters
    ----------
    names : iterable of str
        File names of granules.
    gaps : collection of Gap
    state : State
        What was processed before.
    options : SelectDays
    """
    known = {name for files in state.processed.values() for name in files.values()}
    found = files_by_day([*names, *known])
    there = set(names)
    newest = {
        day: {dataset: name for dataset, name in files.items() if name in there} for day, files in found.files.items()
    }
    newest = {day: files for day, files in newest.items() if files}
    files = FilesByDay(newest, tuple(sorted(set(found.superseded) & there)), found.ignored)
    # That a file which was processed is no longer there, or no longer wanted, changes nothing.
    state = State(
        {
            day: {
                dataset: name
                for dataset, name in processed.items()
                if dataset in newest.get(day, {}) and dataset not in options.skipped
            }
            for day, processed in state.processed.items()
        }
    )
    if options.every_day:
        selection = _every_day(newest, state, options)
    else:
        selection = select_days(newest, state, gaps, options.skipped, options.limit)
    standing = {
        day: {dataset: name for dataset, name in processed.items() if name in there}
        for day, processed in state.processed.items()
    }
    return Ready(files, selection, State(standing))


def _every_day(files: Files, state: State, options: SelectDays) -> Selection:
    """Select every day that is new or has other files, whether datasets are absent or not."""
    wanted = {
        day: kept
        for day, names in sorted(files.items())
        if (kept := {dataset: name for dataset, name in names.items() if dataset not in options.skipped})
    }
    new = [day for day, names in wanted.items() if names != state.processed.get(day)]
    chosen = new[: options.limit]
    return Selection(
        max(wanted, default=None),
        {day: wanted[day] for day in chosen},
        dict.fromkeys(chosen, "new or changed"),
        tuple(new[len(chosen) :]),
        (),
    )


def merged_states(elsewhere: State, own: State) -> State:
    """Return what was processed elsewhere or by this campaign; of one day and dataset its own file counts."""
    days = {**elsewhere.processed, **own.processed}
    return State({day: {**elsewhere.processed.get(day, {}), **own.processed.get(day, {})} for day in days})


def known_gaps(path: Path | None) -> tuple[Gap, ...]:
    """Return the gaps of a file, or those known to us."""
    return KNOWN_GAPS if path is None else read_gaps(path)


def select(
    granules: list[Path],
    gaps: Path | None,
    elsewhere: Path | None,
    standing: Path | None,
    days: Path,
    state: Path,
    options: SelectDays,
) -> Outcome:
    """Write which days are ready and why, and the note of what was processed with this run's days added."""
    before, warning = read_state(standing) if standing is not None else (State(), "")
    known = merged_states(read_state(elsewhere)[0], before) if elsewhere is not None else before
    ready = find_ready([path.name for path in granules], known_gaps(gaps), known, options)
    selection = ready.selection
    content = {
        "latest_complete_day": selection.latest_complete.isoformat() if selection.latest_complete else None,
        "selected": {
            day.isoformat(): {"reason": selection.reasons[day], "files": dict(sorted(names.items()))}
            for day, names in selection.selected.items()
        },
        "processed_before": [day.isoformat() for day in sorted(set(ready.planned) - set(selection.selected))],
        "postponed": [day.isoformat() for day in selection.postponed],
        "waiting": [day.isoformat() for day in selection.waiting],
        "superseded": list(ready.files.superseded),
        "ignored": list(ready.files.ignored),
    }
    days.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    after = before.with_processed(
        {day: {**known.processed.get(day, {}), **names} for day, names in selection.selected.items()}
    )
    write_state(after, state)
    quality = {
        "selected": len(selection.selected),
        "waiting": len(selection.waiting),
        "postponed": len(selection.postponed),
        "processed": after.days,
    }
    return Outcome(quality=quality, warnings=(warning,) if warning else ())
