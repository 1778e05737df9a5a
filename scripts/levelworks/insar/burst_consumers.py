"""Which products of a frame are made of coregistered bursts; a stage that reads bursts is named here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from levelworks.core.stage import stages
from levelworks.insar.burst_use import BurstUse, Consumer

if TYPE_CHECKING:
    from levelworks.insar.layout import Layout


def use_of_bursts(layout: Layout, track: str) -> BurstUse:
    """Return which products of a frame are made of the bursts of which dates."""
    frame = layout.plan.frames[track]
    dates = list(frame.acquisitions)
    others = [date for date in dates if date != frame.reference]
    section = layout.plan.section

    def of_pairs(pattern: str) -> dict[str, list[str]]:
        return {pattern.format(track=track, pair=pair): pair.split("_") for pair in frame.pairs}

    made_of = {
        "form-interferogram": of_pairs(layout.interferogram),
        "estimate-azimuth-offsets": of_pairs(layout.offset_map) if section.offsets else {},
        "measure-along-track": of_pairs(layout.along_track) if section.along_track else {},
        "geocode-epoch": {layout.image.format(track=track, date=date): [date] for date in dates},
        "verify-coregistration": {
            layout.residual.format(track=track, date=date): [date, *frame.verified_against(date)] for date in others
        },
    }
    consumers = [
        Consumer(Path(product), tuple(own), *made_with)
        for stage, products in made_of.items()
        for made_with in [_made_with(layout, stage)]
        for product, own in products.items()
    ]
    folders = {date: Path(layout.bursts.format(track=track, date=date)) for date in dates}
    return BurstUse(folders, consumers)


def _made_with(layout: Layout, stage: str) -> tuple[int, dict[str, Any]]:
    """Return the version of a stage, and its options as records have them."""
    found = stages("insar")[stage]
    section = getattr(layout.plan.section, stage.replace("-", "_"), None)
    chosen = section.model_dump(by_alias=True) if section else {}
    if stage == "verify-coregistration":
        chosen |= layout.coherent_cells()
    return found.version, found.options(**chosen).model_dump(mode="json", by_alias=True)
