"""The stage plot-plume: a picture of each quantified plume of a scene."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.core.record import status_of
from levelworks.plumes.drawing.level2_view import UNKNOWN, Level2View, open_level2, refuse_empty
from levelworks.plumes.drawing.plot_options import PlotPlume
from levelworks.plumes.drawing.plume_files import Plume, plume_paths, read_plume, read_rows
from levelworks.plumes.drawing.plume_frames import frame_grid, pixels_below
from levelworks.plumes.drawing.plume_page import write_plume_page
from levelworks.plumes.drawing.plume_pictures import Base, draw_plume
from levelworks.plumes.drawing.quantified_files import read_plumes


def plot_plumes(quantified: Path, level2: Path | None, *, folder: Path, options: PlotPlume) -> Outcome:
    """Draw every plume of a scene.

    Parameters
    ----------
    quantified : Path
        Folder of `quantify`.
    level2 : Path or None
        Product of `orthorectify`, for what lies below the plumes and for the full field.
    folder : Path
        To write ``<scene>_plume<N>.png`` to, and pages of the same name.
    options : PlotPlume

    Raises
    ------
    NothingToProduce
        Where the scene was skipped or quarantined, or has no plume.
    InvalidInput
        Where a file can't be read.
    """
    refuse_empty(quantified)
    if not quantified.is_dir():
        raise InvalidInput(f"{quantified} is no folder of quantify")
    paths = plume_paths(quantified)
    if not paths:
        raise NothingToProduce(f"{quantified.name} has no plume")
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_rows(quantified)
    plumes = [read_plume(path, number, rows) for number, path in paths]
    usable = level2 is not None and status_of(level2) == Status.DONE
    with ExitStack() as stack:
        view = stack.enter_context(open_level2(level2)) if usable and level2 is not None else None
        if view is not None:
            plumes = [replace(one, sensor=view.sensor) if one.sensor == UNKNOWN else one for one in plumes]
        for plume in plumes:
            others = [one.source for one in plumes if options.plot_markers and one is not plume and one.source]
            draw_plume(folder / f"{plume.name}.png", plume, base_of(view, plume, options), options, others)
    if options.page:
        outlined = read_plumes(quantified)
        for _, path in paths:
            write_plume_page(path, outlined, folder, options)
    words = []
    if view is None and (options.full_field or options.base != "none"):
        words.append("without the Level-2 product there is nothing below the plumes, and no full field")
    without_rate = sum(not plume.row for plume in plumes)
    if without_rate:
        words.append(f"{without_rate} of {len(plumes)} plumes are not in the table of rates")
    return Outcome(quality={"plumes": len(plumes)}, warnings=tuple(words))


def base_of(view: Level2View | None, plume: Plume, options: PlotPlume) -> Base:
    """Return the grid of a plume's frame and what of the scene lies below it, whatever the scene's UTM zone."""
    grid = frame_grid(plume, options)
    if view is None:
        return Base(grid)
    rows, columns, known = pixels_below(grid, view.grid)
    rgb = whole = None
    if "rgb" in view.names and options.base != "none":
        colours, present = view.read_rgb()
        rgb = colours[rows, columns], present[rows, columns] & known
    if options.full_field and plume.gas in view.names:
        whole = np.where(known, view.read(plume.gas)[rows, columns], np.nan)
    return Base(grid, rgb, whole)
