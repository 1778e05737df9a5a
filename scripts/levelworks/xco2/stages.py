"""The stages of the xco2 line: file to file, from readers through algorithms to products."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import Outcome
from levelworks.core.stage import stage
from levelworks.xco2.options import (
    CutCaptures,
    GridCapture,
    ListCaptures,
    MakeClimatology,
    MakeTargets,
    PlotCapture,
    PlotTarget,
    SelectDays,
    TabulateTargets,
    UpdateCube,
    UpdateGlobal,
    VerifyCube,
    WriteCog,
)


def _empty_captures(path: Path, outcome: Outcome) -> None:
    from levelworks.xco2.empty_products import write_empty_captures

    write_empty_captures(path, outcome)


def _empty_grids(path: Path, outcome: Outcome) -> None:
    from levelworks.xco2.empty_products import write_empty_grids

    write_empty_grids(path, outcome)


def _empty_text(path: Path, outcome: Outcome) -> None:
    from levelworks.xco2.empty_products import write_empty_text

    write_empty_text(path, outcome)


def _empty_folder(path: Path, outcome: Outcome) -> None:
    from levelworks.xco2.empty_products import write_empty_folder

    write_empty_folder(path, outcome)


def _empty_picture(path: Path, outcome: Outcome) -> None:
    from levelworks.xco2.plots import draw_nothing

    draw_nothing(path, outcome)


@stage("xco2", "select-days", version=1, empty=_empty_text, updates="state")
def select_days(
    granules: list[Path],
    gaps: Path | None,
    elsewhere: Path | None,
    standing: Path | None,
    finished: list[Path],  # noqa: ARG001 - what must be done before a day counts as processed
    *,
    days: Path,
    state: Path,
    options: SelectDays,
) -> Outcome:
    """Tell which days are ready and which wait, and note what was processed."""
    from levelworks.xco2 import days_stage

    return days_stage.select(granules, gaps, elsewhere, standing, days, state, options)


@stage("xco2", "make-targets", version=1, empty=_empty_text)
def make_targets(centres: Path, *, targets: Path, options: MakeTargets) -> Outcome:
    """Make a targets file of boxes about the centres of a list of sites."""
    from levelworks.xco2 import table_stage

    return table_stage.make_targets(centres, targets, options)


@stage("xco2", "cut-captures", version=1, empty=_empty_captures)
def cut_captures(granule: Path, targets: Path | None, *, captures: Path, options: CutCaptures) -> Outcome:
    """Cut a Lite file into captures: one overpass of one target in one mode each."""
    from levelworks.xco2 import cut_stage

    return cut_stage.cut(granule, targets, captures, options)


@stage("xco2", "grid-capture", version=1, empty=_empty_grids)
def grid_capture(
    captures: Path, targets: Path | None, *, grids: Path | None, world: Path | None, options: GridCapture
) -> Outcome:
    """Grid the captures of a granule: both quality sets from one set of weights."""
    from levelworks.xco2 import grid_stage

    return grid_stage.grid(captures, targets, grids, world, options)


@stage("xco2", "list-captures", version=1, empty=_empty_text)
def list_captures(grids: list[Path], *, captures: Path, options: ListCaptures) -> Outcome:
    """List the gridded captures of all granules of a dataset."""
    from levelworks.xco2 import cube_stage

    return cube_stage.list_captures(grids, captures, captures.parent, options)


@stage("xco2", "update-cube", version=1, empty=_empty_text, updates="cube")
def update_cube(captures: Path, standing: Path | None, *, cube: Path, options: UpdateCube) -> Outcome:
    """Bring the cube of a target up to date: newer granules take the place of older ones, nothing else is touched."""
    from levelworks.xco2 import cube_stage

    return cube_stage.update_cube(captures, standing, cube, options)


@stage("xco2", "update-global", version=1, empty=_empty_text, updates="mosaic")
def update_global(worlds: list[Path], standing: Path | None, *, mosaic: Path, options: UpdateGlobal) -> Outcome:
    """Bring a global mosaic up to date: a slice a day, arrays of each dataset."""
    from levelworks.xco2 import mosaic_stage

    return mosaic_stage.update_global(worlds, standing, mosaic, options)


@stage("xco2", "verify-cube", version=1, empty=_empty_text, updates="report")
def verify_cube(pre: Path, post: Path, standing: Path | None, *, report: Path, options: VerifyCube) -> Outcome:
    """Examine both cubes of a target, given by themselves or by their records: chunks, coordinates, metadata."""
    from levelworks.xco2 import verify_stage

    return verify_stage.verify(pre, post, standing, report, options)


@stage("xco2", "write-cog", version=1, empty=_empty_folder)
def write_cog(captures: Path, grids: Path, *, cogs: Path, options: WriteCog) -> Outcome:
    """Write Cloud-Optimised GeoTIFFs of the captures of a granule, with STAC Items."""
    from levelworks.xco2 import cog_stage

    return cog_stage.write_cogs(captures, grids, cogs, options)


@stage("xco2", "tabulate-targets", version=1, empty=_empty_folder)
def tabulate_targets(captures: list[Path], targets: Path, *, tables: Path, options: TabulateTargets) -> Outcome:
    """Tabulate captures: boxes that hold them, distances from centres, counts inside and outside of targets."""
    from levelworks.xco2 import table_stage

    return table_stage.tabulate(captures, targets, tables, options)


@stage("xco2", "make-climatology", version=1, empty=_empty_text, updates="climatology")
def make_climatology(cube: Path, standing: Path | None, *, climatology: Path, options: MakeClimatology) -> Outcome:
    """Average a cube, given by itself or by its record, over months, seasons or years."""
    from levelworks.xco2 import climatology_stage

    return climatology_stage.make_climatology(cube, standing, climatology, options)


@stage("xco2", "plot-capture", version=1, empty=_empty_picture)
def plot_capture(captures: Path, grids: Path, *, picture: Path, options: PlotCapture) -> Outcome:
    """Draw the captures of a granule: footprints, both quality sets on the grid, standard error."""
    from levelworks.xco2.plots import draw_captures

    return draw_captures(captures, grids, picture, options)


@stage("xco2", "plot-target", version=1, empty=_empty_picture, updates="picture")
def plot_target(cube: Path, standing: Path | None, *, picture: Path, options: PlotTarget) -> Outcome:
    """Draw the latest slices of a cube, given by itself or by its record, and its course in time."""
    from levelworks.xco2.plots import draw_target
    from levelworks.xco2.verify_stage import standing_cube

    return draw_target(standing_cube(cube), picture, options, standing)
