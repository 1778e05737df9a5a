"""What a campaign's configuration and its granules ask for: which days, datasets and targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from levelworks.core.discover import discover
from levelworks.core.location import local_path
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.days import State, read_state
from levelworks.xco2.days_stage import Ready, find_ready, known_gaps, merged_states
from levelworks.xco2.lite_names import DATASETS, parse_name
from levelworks.xco2.options import LITE_NAMES, Xco2
from levelworks.xco2.target_ids import ids_of_centres, ids_of_targets


@dataclass(frozen=True)
class Planned:
    """A granule that is processed."""

    id: str
    path: Path
    dataset: str
    day: date


@dataclass(frozen=True)
class Plan:
    """The line's section of the configuration, the granules found, and the days that are ready."""

    section: Xco2
    found: dict[str, Path]
    ready: Ready
    elsewhere: State

    @cached_property
    def granules(self) -> dict[str, Planned]:
        """Return the granules to process by id, oldest day first."""
        by_name = {path.name: (name, path) for name, path in self.found.items()}
        planned: dict[str, Planned] = {}
        for day, names in self.ready.planned.items():
            for dataset, file in sorted(names.items()):
                if self.elsewhere.processed.get(day, {}).get(dataset) != file:
                    name, path = by_name[file]
                    planned[name] = Planned(name, path, dataset, day)
        return planned

    @property
    def makes_targets(self) -> bool:
        """Return whether targets are made from centres."""
        return self.section.centres is not None

    @cached_property
    def datasets(self) -> list[str]:
        """Return the datasets that have a granule."""
        present = {one.dataset for one in self.granules.values()}
        return [dataset for dataset in DATASETS if dataset in present]

    def granules_of(self, dataset: str) -> list[Planned]:
        """Return the granules of a dataset."""
        return [one for one in self.granules.values() if one.dataset == dataset]

    @cached_property
    def by_day(self) -> dict[tuple[str, str], Planned]:
        """Return the granules by dataset and day (ISO)."""
        return {(one.dataset, one.day.isoformat()): one for one in self.granules.values()}

    def targets_file(self, dataset: str) -> Path | None:
        """Return the targets file of a dataset, None where targets are made here or there are none."""
        files = self.section.targets
        if dataset == "oco2" and files.oco2 is not None:
            return files.oco2
        return None if self.makes_targets else files.oco3

    @cached_property
    def targets(self) -> dict[str, list[str]]:
        """Return the ids of the targets of each dataset whose cubes are made.

        Raises
        ------
        InvalidOptions
            Where a targets file can't be used, or a target is asked for that none has.
        """
        found: dict[str, list[str]] = {}
        for dataset in self.datasets:
            file = self.targets_file(dataset)
            if file is not None:
                known = ids_of_targets(file)
            else:
                known = ids_of_centres(self.section.centres) if self.section.centres else []
            only = self.section.only_targets
            found[dataset] = [name for name in known if not only or name in only]
        missing = set(self.section.only_targets) - {name for names in found.values() for name in names}
        if missing and self.datasets:
            raise InvalidOptions(f"config: xco2.only-targets: no targets file has {', '.join(sorted(missing))}")
        return found


def plan_campaign(section: Xco2, own_state: Path) -> Plan:
    """Find granules, decide which days are ready, and see that what the configuration names is there.

    Parameters
    ----------
    section : Xco2
    own_state : Path
        What this campaign processed before, written by `select-days`.

    Raises
    ------
    InvalidOptions
        Where a file does not exist, or there is nothing to grid captures on.
    """
    for key, path in (
        ("targets.oco3", section.targets.oco3),
        ("targets.oco2", section.targets.oco2),
        ("centres", section.centres),
        ("gaps", section.gaps),
        ("state", section.state),
    ):
        if path is not None and not path.is_file():
            raise InvalidOptions(f"config: xco2.{key}: {path} does not exist")
    named = section.targets.oco3 or section.targets.oco2 or section.centres
    if section.granules and section.cubes == "on" and not named:
        raise InvalidOptions(
            "config: xco2.targets names no targets file, which cubes need; name one, or centres, or set cubes: off"
        )
    if section.centres is not None and section.targets.oco3 is not None:
        raise InvalidOptions("config: xco2.centres makes targets, xco2.targets.oco3 names them: choose")
    sources = [local_path(one, "config: xco2.granules") for one in section.granules]
    found = discover(sources, LITE_NAMES, "xco2.granules")
    granules = {granule.id: granule.path for granule in found.granules}
    for path in granules.values():
        try:
            parse_name(path.name)
        except InvalidInput as error:
            raise InvalidOptions(f"config: xco2.granules: {error}") from None
    elsewhere = _state(section.state)
    before = _state(own_state if own_state.is_file() else None)
    processed = merged_states(elsewhere, before)
    names = [path.name for path in granules.values()]
    ready = find_ready(names, known_gaps(section.gaps), processed, section.select_days)
    plan = Plan(section, granules, ready, elsewhere)
    for dataset in plan.datasets if section.cubes == "on" else ():
        if plan.targets_file(dataset) is None and not plan.makes_targets:
            raise InvalidOptions(
                f"config: xco2.targets.oco3 names no file, but there are granules of {dataset}; name it, or leave "
                "the dataset out by xco2.select-days.skipped"
            )
    return plan


def _state(path: Path | None) -> State:
    if path is None:
        return State()
    state, warning = read_state(path)
    if warning:
        raise InvalidOptions(f"config: xco2.state: {warning}; correct or remove it")
    return state
