"""Virtual rasters over files that lie on one lattice of pixels, in GDAL's XML, with relative paths."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from levelworks.ard.products.layers import Layer
from levelworks.ard.products.tiled import BLOCK
from levelworks.ard.products.windows import Window
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput

DATA_TYPES = {"int16": "Int16", "uint8": "Byte"}


@dataclass(frozen=True)
class Source:
    """A file and its pixels."""

    path: Path
    pixels: ImageGrid


def mosaic_grid(sources: Sequence[Source]) -> ImageGrid:
    """Return the pixels that hold those of all sources.

    Raises
    ------
    InvalidInput
        Where they do not lie on one lattice.
    """
    first = sources[0].pixels
    places = [_place(first, one) for one in sources]
    row, column = min(place.row for place in places), min(place.column for place in places)
    bottom, right = max(place.bottom for place in places), max(place.right for place in places)
    return Window(row, column, bottom - row, right - column).of(first)


def _place(grid: ImageGrid, source: Source) -> Window:
    own = source.pixels
    row, column = (grid.north - own.north) / grid.resolution, (own.west - grid.west) / grid.resolution
    apart = max(abs(row - round(row)), abs(column - round(column)))
    if own.crs != grid.crs or own.resolution != grid.resolution or apart > 1e-3:
        raise InvalidInput(f"{source.path}: does not lie on the lattice of the other files of its mosaic")
    return Window(round(row), round(column), own.rows, own.columns)


def write_vrt(path: Path, sources: Sequence[Source], layer: Layer, sensor: str, *, overlapping: bool) -> None:
    """Write a virtual raster.

    Parameters
    ----------
    path : Path
        Where it is written; sources are named relative to its folder.
    sources : sequence of Source
        One at least.
    overlapping : bool
        Whether sources may overlap: pixels without data of one then let those of another through.

    Raises
    ------
    InvalidInput
        Where sources do not lie on one lattice.
    """
    grid = mosaic_grid(sources)
    kind = DATA_TYPES[layer.dtype]
    placed = (grid.west, grid.resolution, 0.0, grid.north, 0.0, -grid.resolution)
    lines = [
        f'<VRTDataset rasterXSize="{grid.columns}" rasterYSize="{grid.rows}">',
        f"  <SRS>{escape(grid.crs)}</SRS>",
        f"  <GeoTransform>{', '.join(map(repr, placed))}</GeoTransform>",
    ]
    for band, name in enumerate(layer.bands(sensor), 1):
        lines += [
            f'  <VRTRasterBand dataType="{kind}" band="{band}">',
            f"    <Description>{escape(name)}</Description>",
            f"    <NoDataValue>{layer.nodata}</NoDataValue>",
        ]
        if layer.scale != 1.0:
            lines.append(f"    <Scale>{1.0 / layer.scale!r}</Scale>")
        for source in sources:
            lines += _source(path, source, grid, band, kind, layer.nodata if overlapping else None)
        lines.append("  </VRTRasterBand>")
    path.write_text("\n".join([*lines, "</VRTDataset>"]) + "\n", encoding="utf-8")


def _source(path: Path, source: Source, grid: ImageGrid, band: int, kind: str, nodata: int | None) -> list[str]:
    place = _place(grid, source)
    name = escape(os.path.relpath(source.path, path.parent))
    element = "SimpleSource" if nodata is None else "ComplexSource"
    size = f'xSize="{place.columns}" ySize="{place.rows}"'
    shape = f'RasterXSize="{place.columns}" RasterYSize="{place.rows}"'
    lines = [
        f"    <{element}>",
        f'      <SourceFilename relativeToVRT="1">{name}</SourceFilename>',
        f"      <SourceBand>{band}</SourceBand>",
        f'      <SourceProperties {shape} DataType="{kind}" BlockXSize="{BLOCK}" BlockYSize="{BLOCK}" />',
        f'      <SrcRect xOff="0" yOff="0" {size} />',
        f'      <DstRect xOff="{place.column}" yOff="{place.row}" {size} />',
    ]
    if nodata is not None:
        lines.append(f"      <NODATA>{nodata}</NODATA>")
    return [*lines, f"    </{element}>"]
