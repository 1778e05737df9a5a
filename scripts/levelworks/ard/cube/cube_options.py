"""Options of the stages of the cube: its grid, its tiles, its files, its mosaics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from levelworks.core.options import Options, option

Positive = Annotated[float, Field(gt=0)]


class TileGrid(Options):
    """Where the tiles of a cube lie."""

    projection: str = option(
        "GLANCE7",
        "WKT or EPSG:code, or GLANCE7, EQUI7 or one continent of these as GLANCE-EU, EQUI7-EU (AF AN AS EU NA OC SA), "
        "whose origins and tile sizes are fixed",
        min_length=1,
    )
    origin_lon: float = option(
        -25.0, "longitude of the upper left corner of X0000_Y0000", unit="deg", ge=-180, le=180, alias="origin-lon"
    )
    origin_lat: float = option(60.0, "latitude of the same", unit="deg", ge=-90, le=90, alias="origin-lat")
    tile_size: tuple[Positive, Positive] = option(
        (30000.0, 30000.0), "width and height of a tile, in units of the projection", alias="tile-size"
    )


class TileImage(TileGrid):
    """Images cut into the tiles of the cube."""

    reproject: bool = option(True, "put images on the cube's projection; false keeps their UTM zone and their pixels")
    tile: bool = option(True, "cut into tiles; false keeps an image whole, in a folder named by its reference")
    resolution_landsat: float = option(
        30.0, "pixel of Landsat, in units of the projection", gt=0, alias="resolution-landsat"
    )
    resolution_sentinel2: float = option(
        10.0, "pixel of Sentinel-2, in units of the projection", gt=0, alias="resolution-sentinel2"
    )
    resampling: Literal["nearest", "bilinear", "cubic"] = option(
        "cubic", "resampling of measured values; quality bits and azimuths are always nearest"
    )
    max_cloud_cover: float = option(
        75.0, "cloud and shadow of a tile above which it is left out", unit="%", ge=1, le=100, alias="max-cloud-cover"
    )
    distance: bool = option(False, "write the distance to the next cloud, shadow or snow")


class MergeTile(Options):
    """The cube's files of a day and sensor."""

    cube: Path | None = option(None, "folder of the cube; the workflow gives that of the line")
    format: Literal["cog", "geotiff", "envi", "custom"] = option(
        "cog", "format of the cube's files; custom takes that of output-options"
    )
    overview: bool = option(True, "write a picture of every tile (OVV)")


class Mosaic(Options):
    """Mosaics over the tiles of the cube."""

    collection: str = option("levelworks-ard", "id of the STAC collection", min_length=1)
    title: str = option("Analysis-ready surface reflectance", "its title", min_length=1)
    license: str = option("other", "its licence, as SPDX names it", min_length=1)


class Overview(Options):
    """Pyramids and quicklooks of mosaics."""

    pyramids: bool = option(True, "make overviews of files that have none")
    pixels: int = option(2048, "pixels along the longer side of a quicklook", ge=64, le=32768)


class TabulateGrid(TileGrid):
    """A table of the tiles of an extent."""

    extent: tuple[float, float, float, float] = option(
        (-180.0, -90.0, 180.0, 90.0),
        "west, south, east, north; west is greater than east across 180 degrees",
        unit="deg",
    )

    @model_validator(mode="after")
    def _check_extent(self) -> Self:
        west, south, east, north = self.extent
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90) or west == east:
            raise ValueError("extent: must be west, south, east, north in degrees, south below north")
        return self
