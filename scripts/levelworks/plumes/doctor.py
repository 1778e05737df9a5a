"""Examining the inputs of the plumes line before a campaign: granules, absorption, winds; and warming its kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from levelworks.core.check import Check, examine_opened, name_some, number_of
from levelworks.core.discover import discover
from levelworks.core.location import local_path
from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.names import LEVEL1_NAMES, sensor_of
from levelworks.plumes.options import Plumes
from levelworks.plumes.plan import Plan, plan_campaign
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.warming import warm

__all__ = ["examine", "space_needed", "warm"]

SHARE_OF_RADIANCE = 0.35
"""Bytes of all products of a scene over those of its granule, both passes and pictures together."""
OPENED = 50


def examine(section: Plumes) -> Iterator[Check]:
    """Examine granules, what goes with them, and winds.

    Parameters
    ----------
    section : Plumes
        Its relative paths begin in the working directory.
    """
    if not section.granules:
        yield Check("plumes", "warning", "no granules: nothing to do", "name granules in plumes.granules")
        return
    try:
        plan = plan_campaign(section)
    except InvalidOptions as error:
        yield Check("plumes", "failure", str(error), "correct the configuration")
        return
    yield from _examine_granules(section, plan)
    yield from _examine_winds(plan)


def _examine_granules(section: Plumes, plan: Plan) -> Iterator[Check]:
    sources = [local_path(one, "config: plumes.granules") for one in section.granules]
    ignored = [path for path in discover(sources, LEVEL1_NAMES, "plumes.granules").ignored if _looks_like_one(path)]
    granules = list(plan.granules.values())
    counts = Counter(sensor_of(one.path.name) or "other" for one in granules)
    found = ", ".join(f"{count} of {sensor}" for sensor, count in sorted(counts.items())) or "none"
    passed = f"; passed over {name_some(path.name for path in ignored)}" if ignored else ""
    remedy = "" if granules else "look there"
    yield Check("plumes: granules", "ok" if granules else "warning", f"{found}{passed}", remedy)
    lonely = [one.id for one in granules if sensor_of(one.path.name) == "EMIT" and one.observations is None]
    if lonely:
        detail = f"{number_of(len(lonely), 'EMIT granule')} without EMIT_L1B_OBS: {name_some(lonely, 3)}"
        yield Check("plumes: observations", "warning", detail, "fetch them; angles are computed, the view is nadir")
    yield from examine_opened(
        "plumes: granules", granules, lambda one: open_scene(one.path, one.observations, one.mask).close(), OPENED
    )


def _looks_like_one(path: Path) -> bool:
    """Tell whether a file that was passed over was perhaps meant: a granule under a changed name."""
    return path.name.startswith(("EMIT_L1B_RAD", "ENMAP", "PRS_L1")) and "truth" not in path.name


def _examine_winds(plan: Plan) -> Iterator[Check]:
    section = plan.section
    manual = section.wind.wind_speed_manual
    without = [
        one.id
        for one in plan.granules.values()
        if not plan.winds(plan.era5, one.day) and not plan.winds(plan.geos_fp, one.day)
    ]
    if manual is not None:
        yield Check("plumes: winds", "ok", f"{manual:g} m/s everywhere")
    elif without:
        detail = f"{number_of(len(without), 'granule')} without a file of winds of its day: {name_some(without, 3)}"
        yield Check("plumes: winds", "warning", detail, "stage winds; without them there are masses but no rates")
    elif plan.granules:
        yield Check("plumes: winds", "ok", f"{len(plan.era5)} of ERA5, {len(plan.geos_fp)} of GEOS-FP")


def space_needed(section: Plumes) -> int:
    """Estimate the bytes of all products from the sizes of the granules.

    Raises
    ------
    InvalidOptions
        Where a source does not exist.
    """
    return int(SHARE_OF_RADIANCE * sum(one.path.stat().st_size for one in plan_campaign(section).granules.values()))
