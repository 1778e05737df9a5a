"""From gridded captures to cubes: the list of captures, and the update of one cube by it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from levelworks.core.aggregate import refuse_quarantined, refuse_too_many, usable_inputs
from levelworks.core.outcome import InvalidInput, InvalidOptions, InvalidReference, NothingToProduce, Outcome, Status
from levelworks.core.record import status_of
from levelworks.xco2.capture_lists import Listed, listing, read_listing
from levelworks.xco2.cube_slices import CubeSlice, Incoming, merge
from levelworks.xco2.cubes import FromGrids, Identity, StandingCube, write_cube
from levelworks.xco2.grid_files import Entry, Source, open_grids, source_of
from levelworks.xco2.layers import without_values
from levelworks.xco2.options import ListCaptures, UpdateCube
from levelworks.xco2.slice_layers import Kept
from levelworks.xco2.store_layout import STORAGE, storage_digest

Granules = list[tuple[Path, Source, tuple[Entry, ...]]]


def read_granules(grids: Sequence[Path], max_quarantined: float | None) -> tuple[Granules, tuple[tuple[str, str], ...]]:
    """Return granules with their captures, and by name and reason those left out: quarantined, or damaged since.

    Raises
    ------
    TooManyQuarantined
        With the list, where their share is too large.
    """
    inputs = usable_inputs(grids, max_quarantined, "granules")
    read: Granules = []
    damaged = []
    for path in sorted(grids, key=lambda path: (path.name, path)):
        if status_of(path) is not Status.QUARANTINED:
            try:
                with open_grids(path) as file:
                    read.append((path, file.source, file.entries))
            except InvalidInput as error:
                damaged.append((path.name, str(error)))
    known = {path.name for path, _, _ in read} | {name for name, _ in damaged}
    left_out = (*(one for one in inputs.left_out if one[0] not in known), *damaged)
    refuse_too_many(left_out, len(grids), max_quarantined, "granules")
    return read, left_out


def list_captures(grids: list[Path], captures: Path, final_folder: Path, options: ListCaptures) -> Outcome:
    """List the captures of all granules of a dataset; quarantined and damaged ones are left out and named."""
    read, left_out = read_granules(grids, options.max_quarantined)
    captures.write_text(listing(read, final_folder), encoding="utf-8")
    quality = {
        "granules": len(read),
        "quarantined_granules": len(left_out),
        "captures": sum(len(entries) for _, _, entries in read),
        "targets": len({entry.target_id for _, _, entries in read for entry in entries}),
    }
    warnings = tuple(f"left out {name}: {reason}" for name, reason in left_out)
    return Outcome(quality=quality, warnings=warnings)


def update_cube(captures: Path, standing_path: Path | None, cube: Path, options: UpdateCube) -> Outcome:
    """Bring a cube up to date with the list of captures; what has not changed stays as it is.

    Raises
    ------
    NothingToProduce
        Where there is neither a capture of the target nor a cube.
    InvalidOptions
        Where the cube has captures on another grid which this campaign does not bring.
    InvalidReference
        Where the list or grids that it names are damaged.
    """
    refuse_quarantined(captures)
    standing = StandingCube.read(standing_path) if standing_path is not None else None
    try:
        return _update(captures, standing, cube, options)
    except InvalidInput as error:
        raise InvalidReference(str(error)) from None  # products of ours: no granule is at fault


def _update(captures: Path, standing: StandingCube | None, cube: Path, options: UpdateCube) -> Outcome:
    incoming = _incoming(read_listing(captures, options.target), options)
    merged = merge(standing.slices if standing is not None else (), incoming)
    warnings = tuple(f"{name} is older than what the cube has of its day and is left out" for name in merged.refused)
    if not merged.slices and standing is None:
        raise NothingToProduce(f"no capture of target {options.target!r} in {options.dataset}")
    quality = {
        "slices": len(merged.slices),
        "added": merged.added,
        "replaced": merged.replaced,
        "removed": merged.removed,
    }
    storage = storage_digest(options)
    changed = merged.added or merged.replaced or merged.removed
    if standing is not None and not changed and standing.store.attributes.get(STORAGE) == storage:
        return Outcome(quality={**quality, "changed": False}, warnings=warnings)
    identity = _identity(options, standing, merged.slices)
    if standing is not None and standing.spec != identity.spec:
        kept = [one for one in merged.slices if isinstance(one.place, Kept)]
        if kept:
            raise InvalidOptions(
                f"the cube stands on another grid and has {len(kept)} captures that this campaign does not bring, the "
                f"first of {kept[0].source_file}; move the cube away, or grid these granules again too"
            )
        standing = None
    write_cube(cube, identity, merged.slices, standing, options, storage)
    return Outcome(quality={**quality, "changed": True}, warnings=warnings)


def _incoming(rows: list[Listed], options: UpdateCube) -> list[Incoming]:
    by_granule: dict[str, list[Listed]] = {}
    for row in rows:
        by_granule.setdefault(row.granule, []).append(row)
    found = []
    for name, several in by_granule.items():
        source = source_of(name)
        slices = []
        for row in several:
            entry = row.entry
            if entry is not None and entry.count(options.quality_set) and not _left_out(row, options):
                place = FromGrids(row.grids, row.number, entry.spec, entry.target_name)
                slices.append(CubeSlice.of(entry, source, options.quality_set, place))
        found.append(Incoming(source, tuple(slices)))
    return found


def _left_out(row: Listed, options: UpdateCube) -> bool:
    """Return whether a capture without any value is left out."""
    if not options.drop_empty:
        return False
    with open_grids(row.grids) as file:
        return without_values(file.layers(row.number, options.quality_set))


def _identity(options: UpdateCube, standing: StandingCube | None, slices: Sequence[CubeSlice]) -> Identity:
    """Return what the cube is of: its target's name as the latest capture has it.

    Raises
    ------
    InvalidOptions
        Where captures lie on different grids.
    """
    fresh = [one.place for one in slices if isinstance(one.place, FromGrids)]
    if len({one.spec for one in fresh}) > 1:
        raise InvalidOptions(
            f"captures of {options.target} lie on different grids; run grid-capture for all with the same options"
        )
    last = slices[-1].place if slices else None
    name = str(standing.store.attributes.get("target_name", "")) if standing is not None else ""
    if isinstance(last, FromGrids) or standing is None:
        name = fresh[-1].target_name
    spec = fresh[0].spec if fresh or standing is None else standing.spec
    return Identity(options.dataset, (options.target, name), options.quality_set == "post", spec)
