"""Wrapped phase as a KMZ: an image with transparent gaps that globes lay over the ground."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from levelworks.insar.drawing.cyclic_colours import phase_colours
from levelworks.insar.drawing.geo_rasters import GeoGrid, grid_of, mean_phase, read_reduced

MOST_PIXELS = 1500
WRITTEN = (1980, 1, 1, 0, 0, 0)
"""The date of the files in an archive, so that the same phase gives the same bytes."""

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>{name}</name>
<GroundOverlay><name>{name} wrapped phase</name>
<description>One colour cycle is 27.7 mm of range; light is phase 0.</description>
<Icon><href>phase.png</href></Icon>
<LatLonBox><north>{north!r}</north><south>{south!r}</south><east>{east!r}</east><west>{west!r}</west></LatLonBox>
</GroundOverlay></Document></kml>
"""


def write_overlay(source: Path, path: Path, name: str) -> Path:
    """Write the overlay of a wrapped phase (rad, EPSG:4326) and return its path."""
    import rasterio

    with rasterio.open(source) as file:
        grid = grid_of(file)
    factor = max(1, -(-max(grid.shape) // MOST_PIXELS))
    values = read_reduced(source, (factor, factor), mean_phase)
    covered = _covered(grid, factor, values.shape)
    document = DOCUMENT.format(
        name=escape(name), north=covered.north, south=covered.south, east=covered.east, west=covered.west
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in (("doc.kml", document.encode()), ("phase.png", _picture(values))):
            archive.writestr(zipfile.ZipInfo(inner, WRITTEN), content, zipfile.ZIP_DEFLATED)
    return path


def _covered(grid: GeoGrid, factor: int, shape: tuple[int, ...]) -> GeoGrid:
    """Return the bounds of whole blocks, which reach over the grid's where it doesn't divide."""
    rows, columns = grid.shape
    east = grid.west + (grid.east - grid.west) * shape[1] * factor / columns
    south = grid.north - (grid.north - grid.south) * shape[0] * factor / rows
    return GeoGrid(grid.west, south, east, grid.north, (shape[0], shape[1]))


def _picture(values: np.ndarray) -> bytes:
    colours = phase_colours()
    levels = colours.N
    present = np.isfinite(values)
    share = np.where(present, values, 0) / (2 * np.pi) + 0.5
    codes = np.where(present, 1 + np.clip((share * levels).astype(np.int64), 0, levels - 1), 0).astype(np.uint8)
    image = Image.fromarray(codes, "P")
    palette = np.vstack([np.zeros((1, 3)), np.asarray(colours(np.arange(levels)))[:, :3]])
    image.putpalette(np.rint(palette * 255).astype(np.uint8).tobytes())
    content = io.BytesIO()
    image.save(content, format="PNG", transparency=0)
    return content.getvalue()
