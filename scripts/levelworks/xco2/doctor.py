"""Examining the inputs of the xco2 line before a campaign: granules, days, targets, room; and warming its kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from levelworks.core.check import Check, examine_opened, number_of
from levelworks.core.discover import Discovery, discover
from levelworks.core.location import local_path
from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.options import LITE_NAMES, Xco2
from levelworks.xco2.plan import Plan, plan_campaign
from levelworks.xco2.readers import read_granule
from levelworks.xco2.warming import warm

__all__ = ["examine", "space_needed", "warm"]

CAPTURES_A_GRANULE = 6
BYTES_OF_A_CAPTURE = 1_500_000
"""Both quality sets of one capture of one variable, grids and slices of cubes together, at 400x400."""


def examine(section: Xco2) -> Iterator[Check]:
    """Examine granules and targets.

    Parameters
    ----------
    section : Xco2
        Its relative paths begin in the working directory.
    """
    if not section.granules:
        yield Check("xco2", "warning", "no granules: nothing to do", "name Lite files in xco2.granules")
        return
    try:
        plan = plan_campaign(section, Path("results/xco2/select-days/state.json"))
        targets = plan.targets
    except InvalidOptions as error:
        yield Check("xco2", "failure", str(error), "correct the configuration")
        return
    yield from _examine_granules(section, plan)
    yield from _examine_days(plan)
    for dataset, names in targets.items():
        detail = f"{number_of(len(names), 'target')} for {dataset}"
        if section.cubes == "on" and not names:
            yield Check("xco2: targets", "failure", detail, "name a targets file that has some")
        else:
            yield Check("xco2: targets", "ok", detail)


def _examine_granules(section: Xco2, plan: Plan) -> Iterator[Check]:
    ignored = _discover(section).ignored
    counts = Counter(one.dataset for one in plan.granules.values())
    found = ", ".join(f"{count} of {dataset}" for dataset, count in sorted(counts.items())) or "none to process"
    others = f"; {number_of(len(ignored), 'other file')} passed over" if ignored else ""
    superseded = plan.ready.files.superseded
    older = f"; {number_of(len(superseded), 'older version')} left out" if superseded else ""
    if plan.granules:
        yield Check("xco2: granules", "ok", f"{found}{older}{others}")
    else:
        yield Check("xco2: granules", "warning", f"{found}{older}{others}", "see which days wait, and for what")
    granules = list(plan.granules.values())
    yield from examine_opened("xco2: granules", granules, lambda one: read_granule(one.path))


def _examine_days(plan: Plan) -> Iterator[Check]:
    selection = plan.ready.selection
    detail = f"{number_of(len(selection.selected), 'new day')} ready"
    if selection.latest_complete is not None:
        detail += f", the latest complete one {selection.latest_complete}"
    yield Check("xco2: days", "ok", detail)
    if selection.waiting:
        yield Check(
            "xco2: days",
            "warning",
            f"{number_of(len(selection.waiting), 'day')} from {selection.waiting[0]} on lack a dataset and wait for a "
            "later complete day",
            "add the files, or name datasets to do without in select-days.skipped, or set select-days.every_day",
        )


def _discover(section: Xco2) -> Discovery:
    sources = [local_path(one, "config: xco2.granules") for one in section.granules]
    return discover(sources, LITE_NAMES, "xco2.granules")


def space_needed(section: Xco2) -> int:
    """Estimate the bytes of all products from the number of granules and the size of grids.

    Raises
    ------
    InvalidOptions
        Where a source does not exist.
    """
    granules = len(_discover(section).granules)
    share = section.grid_capture.latitude * section.grid_capture.longitude / 160_000
    return int(granules * CAPTURES_A_GRANULE * BYTES_OF_A_CAPTURE * max(share, 0.1))
