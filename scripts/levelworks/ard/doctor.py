"""Examining the inputs of the ard line before a campaign: images, elevation, water vapour; and warming its kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from levelworks.ard.options import Ard
from levelworks.ard.plan import Plan, plan_campaign
from levelworks.ard.readers.open_image import open_image
from levelworks.ard.warming import warm
from levelworks.core.check import Check, examine_opened, number_of
from levelworks.core.outcome import InvalidOptions
from levelworks.core.storage import size_of

__all__ = ["examine", "space_needed", "warm"]

SHARE_OF_LEVEL1 = 3.5
"""Bytes of all products of an image over those of its Level 1: in its own grid, as tiles, and in the cube."""
OPENED = 50


def examine(section: Ard) -> Iterator[Check]:
    """Examine images and what goes with them.

    Parameters
    ----------
    section : Ard
        Its relative paths begin in the working directory.
    """
    if not section.images and section.queue is None:
        yield Check("ard", "warning", "no images: nothing to do", "name images in ard.images, or a queue in ard.queue")
        return
    try:
        plan = plan_campaign(section)
    except InvalidOptions as error:
        yield Check("ard", "failure", str(error), "correct the configuration")
        return
    yield from _examine_images(section, plan)
    yield from _examine_ancillary(section, plan)


def _examine_images(section: Ard, plan: Plan) -> Iterator[Check]:
    images = list(plan.images.values())
    counts = Counter(one.identity.sensor for one in images)
    found = ", ".join(f"{count} of {sensor}" for sensor, count in sorted(counts.items())) or "none"
    yield Check("ard: images", "ok" if images else "warning", found, "" if images else "look there")
    folders = [one for one in images if one.path.is_dir()]
    tier = section.process_image.tier
    yield from examine_opened("ard: images", folders, lambda one: open_image(one.path, max_tier=tier), OPENED)
    archives = len(images) - len(folders)
    if archives:
        yield Check("ard: archives", "ok", f"{number_of(archives, 'archive')}, opened when they are processed")


def _examine_ancillary(section: Ard, plan: Plan) -> Iterator[Check]:
    settings = section.process_image
    if section.dem is None and settings.topographic_correction:
        yield Check("ard: elevation", "warning", "no elevation model: terrain is level at 0 m", "name one in ard.dem")
    landsat = [one for one in plan.images.values() if one.identity.sensor.startswith("LND")]
    made = bool(section.reanalysis) or section.water_vapour_tables is not None
    if landsat and not made and settings.water_vapour is None:
        detail = f"{number_of(len(landsat), 'Landsat image')} without water vapour: 2 g cm-2 is taken"
        yield Check("ard: water vapour", "warning", detail, "name ard.water-vapour-tables or ard.reanalysis")


def space_needed(section: Ard) -> int:
    """Estimate the bytes of all products from the sizes of the images.

    Raises
    ------
    InvalidOptions
        Where a source does not exist.
    """
    return int(SHARE_OF_LEVEL1 * sum(size_of(one.path) for one in plan_campaign(section).images.values()))
