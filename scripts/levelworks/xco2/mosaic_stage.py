"""From the grids of days to a global mosaic."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import InvalidOptions, NothingToProduce, Outcome
from levelworks.xco2.cube_stage import read_granules
from levelworks.xco2.grid_files import GridSpec
from levelworks.xco2.mosaics import Contribution, StandingMosaic, merge_days, write_mosaic
from levelworks.xco2.options import UpdateGlobal
from levelworks.xco2.slice_layers import Kept
from levelworks.xco2.store_layout import STORAGE, storage_digest


def update_global(worlds: list[Path], standing_path: Path | None, mosaic: Path, options: UpdateGlobal) -> Outcome:
    """Bring a global mosaic up to date with the grids of days; what has not changed stays as it is.

    Raises
    ------
    NothingToProduce
        Where no day has a sounding and there is no mosaic.
    InvalidOptions
        Where the mosaic has days on another grid which this campaign does not bring.
    """
    read, left_out = read_granules(worlds, options.max_quarantined)
    standing = StandingMosaic.read(standing_path) if standing_path is not None else None
    incoming, specs = [], []
    for path, source, entries in read:
        entry = entries[0] if entries else None
        digest = entry.digests[options.quality_set] if entry else ""
        count = entry.count(options.quality_set) if entry else 0
        incoming.append(Contribution(source.name, digest, count, path))
        specs += [entry.spec] if entry else []
    merged = merge_days(standing.days if standing is not None else {}, incoming)
    days = merged.days
    if options.drop_empty:
        days = {day: found for day, found in days.items() if any(one.soundings for one in found.values())}
    warnings = tuple(f"{name} is older than what the mosaic has of its day and is left out" for name in merged.refused)
    warnings += tuple(f"left out {name}: {reason}" for name, reason in left_out)
    spec = _one_of(specs, standing)
    if spec is None:
        raise NothingToProduce("no sounding in a capture mode on any day")
    quality = {"days": len(days), "changed_contributions": merged.changed}
    storage = storage_digest(options)
    if standing is not None and days == standing.days and standing.store.attributes.get(STORAGE) == storage:
        return Outcome(quality={**quality, "changed": False}, warnings=warnings)
    if standing is not None and standing.spec != spec:
        kept = [one for found in days.values() for one in found.values() if isinstance(one.place, Kept)]
        if kept:
            raise InvalidOptions(
                f"the mosaic stands on another grid and has {len(kept)} granules that this campaign does not bring, "
                f"the first {kept[0].file}; move the mosaic away, or grid these granules again too"
            )
        standing = None
    write_mosaic(mosaic, spec, days, standing, options, storage)
    return Outcome(quality={**quality, "changed": True}, warnings=warnings)


def _one_of(specs: list[GridSpec], standing: StandingMosaic | None) -> GridSpec | None:
    """Return the grid of the incoming days, which share one, or that of the mosaic.

    Raises
    ------
    InvalidOptions
        Where incoming days lie on different grids.
    """
    if len(set(specs)) > 1:
        raise InvalidOptions("the days lie on different grids; run grid-capture for all of them with the same options")
    return specs[0] if specs else standing.spec if standing is not None else None
