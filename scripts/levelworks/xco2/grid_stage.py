"""From captures to grids: each capture on its target's grid, and all soundings of the day on that of the world."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.aggregate import refuse_quarantined
from levelworks.core.outcome import InvalidOptions, Outcome, Status
from levelworks.xco2.capture_files import CutGranule, read_captures
from levelworks.xco2.captures import Capture
from levelworks.xco2.geography import Box
from levelworks.xco2.granule import NO_ORBIT, Granule, Variable
from levelworks.xco2.grid_files import Entry, GridSpec, Source, write_grids
from levelworks.xco2.gridding import grid_soundings
from levelworks.xco2.layers import Gridded
from levelworks.xco2.options import GridCapture
from levelworks.xco2.target_codes import target_number, target_type
from levelworks.xco2.targets import Target, read_targets

WORLD = Box(-180.0, -90.0, 180.0, 90.0)
TARGET_NUMBER, TARGET_TYPE, OPERATION_MODE = "/target_id", "/target_type", "/operation_mode"


def grid(
    captures: Path, targets_file: Path | None, grids: Path | None, world: Path | None, options: GridCapture
) -> Outcome:
    """Grid the captures of a granule and write them; a granule without any is skipped."""
    refuse_quarantined(captures)
    cut = read_captures(captures)
    granule = cut.granule
    source = Source(granule.kind, granule.path_name, granule.day, granule.build, granule.production)
    entries: list[Entry] = []
    quality: dict[str, Any] = {"captures": len(cut.captures)}
    if grids is not None:
        targets = read_targets(targets_file) if targets_file is not None else {}
        unknown = sorted({capture.target_id for capture in cut.captures} - set(targets))
        if unknown:
            raise InvalidOptions(
                f"--targets: {targets_file or 'no file'} has no {', '.join(unknown)}, of which {captures.name} has "
                "captures; give the file that it was cut with"
            )
        gridded = [_grid_capture(cut, capture, targets[capture.target_id], options) for capture in cut.captures]
        entries = write_grids(grids, source, gridded)
        quality["cells"] = [int(one.cells.size) for _, one in gridded]
        quality["good_soundings"] = [entry.good for entry in entries]
    if world is not None:
        mosaic = [_grid_world(cut, options)] if len(granule) else []
        write_grids(world, source, mosaic)
        quality["world_cells"] = sum(one.cells.size for _, one in mosaic)
    warnings: tuple[str, ...] = tuple(
        f"capture {entry.id}: none of its {entry.soundings} usable soundings is of good quality"
        if entry.soundings
        else f"capture {entry.id}: no usable sounding"
        for entry in entries
        if not entry.good
    )
    warnings += tuple(
        f"capture {entry.id}: none of its {entry.soundings} usable soundings touches the grid of {entry.target_id}"
        for entry, cells in zip(entries, quality.get("cells", ()), strict=True)
        if entry.soundings and not cells
    )
    nothing = not entries and (world is None or not len(granule))
    if nothing:
        return Outcome(Status.SKIPPED, "no captures in the granule", quality, warnings)
    return Outcome(quality=quality, warnings=warnings)


def _grid_capture(cut: CutGranule, capture: Capture, target: Target, options: GridCapture) -> tuple[Entry, Gridded]:
    equal_area = options.polar == "auto"
    spec = GridSpec(target.box, options.latitude, options.longitude, options.convention, equal_area)
    soundings = cut.granule.take(capture.indices)
    usable = cut.usable[capture.indices]
    gridded = grid_soundings(soundings, usable, cut.wanted, spec.grid, options)
    entry = Entry(
        id=capture.id,
        target_id=capture.target_id,
        target_name=capture.target_name,
        mode=capture.mode,
        orbit=capture.orbit,
        start=capture.start,
        end=capture.end,
        soundings=int(usable.sum()),
        good=int((usable & soundings.good).sum()),
        methods=gridded.methods,
        spec=spec,
    )
    return entry, gridded


def _grid_world(cut: CutGranule, options: GridCapture) -> tuple[Entry, Gridded]:
    """Grid all soundings of the day, with number and type of the target and the mode that most of a cell shows."""
    granule = _with_codes(cut.granule)
    spec = GridSpec(WORLD, options.world_latitude, options.world_longitude, options.convention, polar_equal_area=False)
    wanted = [*cut.wanted, TARGET_NUMBER, TARGET_TYPE, OPERATION_MODE]
    gridded = grid_soundings(granule, cut.usable, wanted, spec.grid, options)
    times = granule.time[np.isfinite(granule.time)]
    entry = Entry(
        id=f"{granule.kind}-{granule.day.isoformat()}",
        target_id="",
        target_name="",
        mode="",
        orbit=NO_ORBIT,
        start=float(times.min()) if times.size else float("nan"),
        end=float(times.max()) if times.size else float("nan"),
        soundings=int(cut.usable.sum()),
        good=int((cut.usable & granule.good).sum()),
        methods=gridded.methods,
        spec=spec,
    )
    return entry, gridded


def _with_codes(granule: Granule) -> Granule:
    ids, place = np.unique(granule.target_id, return_inverse=True)
    none = -1
    numbers = np.array([target_number(str(one)) if one else none for one in ids], np.int32)
    types = np.array([target_type(str(one)) if one else none for one in ids], np.int8)
    codes: dict[str, tuple[np.ndarray, str]] = {
        TARGET_NUMBER: (numbers[place] if len(ids) else np.zeros(0, np.int32), "number of the target within its type"),
        TARGET_TYPE: (
            types[place] if len(ids) else np.zeros(0, np.int8),
            "type of the target: 1 fossil, 2 ecostress, 3 sif, 4 volcano, 5 tccon, 6 other",
        ),
        OPERATION_MODE: (granule.mode, "observation mode: 0 nadir, 1 glint, 2 target, 4 snapshot area map"),
    }
    added = {
        name: Variable(name, values, "", {"long_name": title, "missing_value": none}, "flag")
        for name, (values, title) in codes.items()
    }
    return replace(granule, variables={**granule.variables, **added})
