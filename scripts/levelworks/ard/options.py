"""The line's section of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import model_validator

from levelworks.ard.cube.cube_options import MergeTile, Mosaic, Overview, TabulateGrid, TileImage
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.peer.peer_options import IndexQueue, MakeParameterFile
from levelworks.ard.report.report_options import ReportLevel2
from levelworks.core.options import OneOrMore, Options, option


class Ard(Options):
    """Landsat and Sentinel-2 Level 1 to a tiled cube of surface reflectance with quality bits."""

    images: Annotated[list[str], OneOrMore] = option(
        [], "images, folders of images, wildcards or manifests (.tsv): Landsat folders and archives, .SAFE and its .zip"
    )
    queue: Path | None = option(None, "FORCE's queue file; its QUEUED images are processed and their states kept")
    peer: Path | None = option(
        None, "FORCE's Level-2 parameter file; what stands here beside it holds before what it says"
    )
    cube: Path | None = option(None, "folder of the cube; null is <results>/ard/cube")
    dem: Path | None = option(None, "elevation model (m), a raster, or a folder with process-image.dem-database")
    area_of_interest: Path | None = option(
        None,
        "polygons (GeoJSON, GeoPackage, shapefile or another vector file of GDAL) outside of which there is no data",
        alias="area-of-interest",
    )
    water_vapour_tables: Path | None = option(
        None, "folder of water vapour tables, WVP_YYYY-MM-DD.txt and WVP_0000-MM-00.txt", alias="water-vapour-tables"
    )
    reanalysis: Annotated[list[str], OneOrMore] = option(
        [], "ERA5 or MERRA-2 files of total column water vapour, of which water vapour tables are made"
    )
    water_vapour_points: Path | None = option(
        None, "text file of longitude and latitude of the tables' points; null takes the centres of WRS-2",
        alias="water-vapour-points",
    )  # fmt: skip
    aerosol_tables: Path | None = option(None, "folder of aerosol tables, AOD_DDD.txt", alias="aerosol-tables")
    coregistration_base: Path | None = option(
        None, "folder of yearly base images with twelve monthly bands, YYYY*", alias="coregistration-base"
    )
    definition: Path | None = option(
        None, "datacube-definition.prj of a cube, whose grid tabulate-grid lists in place of its own options"
    )
    tiles: Path | None = option(None, "list of the tiles that are wanted (FORCE's tile allow-list)")
    output_options: Path | None = option(
        None, "file of GDAL options with DRIVER and EXTENSION, for merge-tile.format custom", alias="output-options"
    )
    overviews: bool = option(False, "pyramids and a quicklook of the mosaics")
    process_image: ProcessImage = option(ProcessImage(), "Level 1 to surface reflectance", alias="process-image")
    tile_image: TileImage = option(TileImage(), "images cut into the tiles of the cube", alias="tile-image")
    merge_tile: MergeTile = option(MergeTile(), "the cube's files of a day", alias="merge-tile")
    mosaic: Mosaic = option(Mosaic(), "mosaics over the tiles")
    overview: Overview = option(Overview(), "pyramids and quicklooks of mosaics")
    report_level2: ReportLevel2 = option(ReportLevel2(), "what became of the images", alias="report-level2")
    index_queue: IndexQueue = option(IndexQueue(), "states of the queue", alias="index-queue")
    tabulate_grid: TabulateGrid | None = option(None, "tabulate the tiles of an extent", alias="tabulate-grid")
    make_parameter_file: MakeParameterFile = option(
        MakeParameterFile(), "FORCE's parameter file of the campaign", alias="make-parameter-file"
    )

    @model_validator(mode="before")
    @classmethod
    def _take_peer(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("peer"):
            return values
        from levelworks.ard.peer.parameter_file import read_parameter_file
        from levelworks.ard.peer.sections import section_of
        from levelworks.core.location import local_path

        if not isinstance(values["peer"], str | Path):
            raise ValueError(f"peer is {values['peer']!r}: it must name a file")  # noqa: TRY004 - as pydantic wants it
        path = local_path(str(values["peer"]), "config: ard.peer")
        return _over(section_of(read_parameter_file(path), path.parent), values)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others over them; keys may be written with hyphens or underscores."""
    result = dict(below)
    for key, value in above.items():
        name = key.replace("_", "-")
        standing = result.pop(name, None)
        nested = isinstance(standing, dict) and isinstance(value, dict)
        result[name if nested else key] = _over(standing, value) if nested else value
    return result


Section = Ard
