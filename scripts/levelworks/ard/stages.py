"""The stages of the ard line: file to file, from readers through algorithms to products."""

from __future__ import annotations

from pathlib import Path

from levelworks.ard.cube.cube_options import MergeTile, Mosaic, Overview, TabulateGrid, TileImage
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.peer.peer_options import IndexQueue, MakeParameterFile
from levelworks.ard.report.report_options import ReportLevel2
from levelworks.ard.water_vapour.water_vapour_options import BuildWaterVapourTable
from levelworks.core.outcome import Outcome
from levelworks.core.stage import stage


def _empty_image(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.products.empty_image import write_empty_image

    write_empty_image(path, outcome)


def _empty_tiles(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.cube.tile_stage import write_empty_tiles

    write_empty_tiles(path, outcome)


def _empty_listing(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.cube.merge_stage import write_empty_listing

    write_empty_listing(path, outcome)


def _empty_mosaics(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.cube.mosaic_stage import write_empty_mosaics

    write_empty_mosaics(path, outcome)


def _empty_overviews(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.cube.overview_stage import write_empty_overviews

    write_empty_overviews(path, outcome)


def _empty_report(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.report.report_stage import write_empty_report

    write_empty_report(path, outcome)


def _empty_text(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.peer.peer_stages import write_empty_text

    write_empty_text(path, outcome)


def _empty_tables(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.water_vapour.table_stage import write_empty_tables

    write_empty_tables(path, outcome)


def _empty_grid(path: Path, outcome: Outcome) -> None:
    from levelworks.ard.cube.grid_table_stage import write_empty_table

    write_empty_table(path, outcome)


@stage("ard", "process-image", version=1, empty=_empty_image, mpi=True)
def process_image(
    image: Path,
    dem: Path | None,
    area_of_interest: Path | None,
    water_vapour_tables: Path | None,
    aerosol_tables: Path | None,
    coregistration_base: Path | None,
    *,
    product: Path,
    options: ProcessImage,
) -> Outcome:
    """Turn a Level-1 image into surface reflectance with quality bits, in the image's own grid."""
    from levelworks.ard.image_stage import Ancillary, process
    from levelworks.core.record import described_product

    made = described_product(water_vapour_tables) if water_vapour_tables is not None else None
    ancillary = Ancillary(dem, area_of_interest, made, aerosol_tables, coregistration_base)
    return process(image, ancillary, product, options)


@stage("ard", "tile-image", version=1, empty=_empty_tiles)
def tile_image(image: Path, allow_list: Path | None, *, tiles: Path, options: TileImage) -> Outcome:
    """Warp an image to the projection of the cube and cut it into its tiles."""
    from levelworks.ard.cube import tile_stage

    return tile_stage.tile_image(image, allow_list, tiles=tiles, options=options)


@stage("ard", "merge-tile", version=1, empty=_empty_listing)
def merge_tile(tiles: list[Path], output_options: Path | None, *, merged: Path, options: MergeTile) -> Outcome:
    """Merge the tiles of all images of a day and sensor into files of the cube."""
    from levelworks.ard.cube import merge_stage

    return merge_stage.merge_tile(tiles, output_options, merged=merged, options=options)


@stage("ard", "mosaic", version=1, empty=_empty_mosaics)
def mosaic(merged: list[Path], *, mosaics: Path, options: Mosaic) -> Outcome:
    """Join the tiles of each product of the cube to virtual mosaics."""
    from levelworks.ard.cube import mosaic_stage

    return mosaic_stage.mosaic(merged, mosaics=mosaics, options=options)


@stage("ard", "overview", version=1, empty=_empty_overviews)
def overview(mosaics: Path, *, overviews: Path, options: Overview) -> Outcome:
    """Make pyramids where the format has none, and a quicklook of each day."""
    from levelworks.ard.cube import overview_stage

    return overview_stage.overview(mosaics, overviews=overviews, options=options)


@stage("ard", "report-level2", version=1, empty=_empty_report)
def report_level2(images: list[Path], *, page: Path, table: Path, options: ReportLevel2) -> Outcome:
    """Report what became of every image, as a page and as a table."""
    from levelworks.ard.report import report_stage

    return report_stage.report_level2(images, page=page, table=table, options=options)


@stage("ard", "index-queue", version=1, empty=_empty_text)
def index_queue(queue: Path, images: list[Path], *, states: Path, options: IndexQueue) -> Outcome:
    """Write into FORCE's queue what became of its images."""
    from levelworks.ard.peer import peer_stages

    return peer_stages.index_queue(queue, images, states=states, options=options)


@stage("ard", "build-water-vapour-table", version=1, empty=_empty_tables)
def build_water_vapour_table(
    reanalysis: list[Path],
    points: Path | None,
    *,
    tables: Path,
    options: BuildWaterVapourTable,  # noqa: ARG001 - of the contract
) -> Outcome:
    """Make tables of water vapour by day, and their climatology, from a reanalysis."""
    from levelworks.ard.water_vapour import table_stage

    return table_stage.build_water_vapour_table(reanalysis, points, tables=tables)


@stage("ard", "tabulate-grid", version=1, empty=_empty_grid)
def tabulate_grid(
    definition: Path | None, allow_list: Path | None, *, grid: Path, table: Path, options: TabulateGrid
) -> Outcome:
    """List the tiles of a grid that an extent reaches into."""
    from levelworks.ard.cube import grid_table_stage

    return grid_table_stage.tabulate_grid(definition, allow_list, grid=grid, table=table, options=options)


@stage("ard", "make-parameter-file", version=1, empty=_empty_text)
def make_parameter_file(*, parameters: Path, options: MakeParameterFile) -> Outcome:
    """Write FORCE's parameter file of a campaign."""
    from levelworks.ard.peer import peer_stages

    return peer_stages.make_parameter_file(parameters=parameters, options=options)
