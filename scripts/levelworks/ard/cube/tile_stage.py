"""The stage `tile-image`: an image cut into the tiles of the cube."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from levelworks.ard.cube.cube_options import TileImage
from levelworks.ard.cube.distance import Rows, write_distance, write_edge_weight
from levelworks.ard.cube.image_folder import ImageFolder, read_image_folder
from levelworks.ard.cube.placement import Placement, on_lattice, placements
from levelworks.ard.cube.tile_index import FILE_NAME, TileIndex, TileOfImage, write_tile_index
from levelworks.ard.cube.warp import Resampling, Warp, open_layer, pixel_scale
from levelworks.ard.masks.quality import BY_NAME, NO_DATA
from levelworks.ard.products.layers import EDGE, LAYERS, Layer
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.scene import ImageGrid
from levelworks.core.aggregate import refuse_flagged
from levelworks.core.atomic import remove
from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.core.record import described_product

CLOUDED = BY_NAME["cloud"].mask | BY_NAME["shadow"].mask


UNMOVED = 1e-3
"""Part of a pixel by which an image may be moved without a word."""
EMPTY = "the image has no data in it"


@dataclass
class Kept:
    """A tile that is written: where it lies, how the image is put on it, and what its quality bits say."""

    place: Placement
    warp: Warp
    valid_pixels: int = 0
    cloud_percent: float = 0.0

    @property
    def part(self) -> ImageGrid:
        """Return the pixels of the part of the tile where the image lies."""
        if self.warp.window is None:
            raise ValueError(f"{self.place.path}: the image does not touch the tile")
        return self.warp.window.of(self.place.pixels)

    def described(self, layers: tuple[str, ...]) -> TileOfImage:
        """Return the tile's entry in the index."""
        place = self.place
        return TileOfImage(
            place.grid.folder, place.name, place.pixels, self.part, layers, self.valid_pixels, self.cloud_percent
        )


def tile_image(image: Path, allow_list: Path | None, *, tiles: Path, options: TileImage) -> Outcome:
    """Cut an image into the tiles of the cube; tiles that are empty or too cloudy are left out and listed.

    Parameters
    ----------
    image : Path
        Folder of `process-image`, or the record beside it.
    allow_list : Path or None
        Tiles that are wanted: a list, or polygons (GeoJSON).
    tiles : Path
        Folder that is written: a folder a tile with a GeoTIFF a layer, and ``index.json``.

    Raises
    ------
    InvalidInput
        Where the folder is not as `process-image` writes it.
    NothingToProduce
        Where no tile is left.
    InvalidOptions
        Where the options of the grid do not go together.
    """
    folder = described_product(image)
    refuse_flagged(folder)
    source = read_image_folder(folder)
    warnings: tuple[str, ...] = ()
    if not options.reproject:
        moved = on_lattice(source.grid, source.sensor)
        east, north = moved.west - source.grid.west, moved.north - source.grid.north
        if max(abs(east), abs(north)) > UNMOVED * moved.resolution:
            warnings = (
                f"moved by {east:g} m east and {north:g} m north onto the pixels of its zone: reproject is false",
            )
        source = replace(source, grid=moved)
    tiles.mkdir()
    kept: list[Kept] = []
    left_out: list[tuple[str, str]] = []
    places = list(placements(source, allow_list, options))
    with open_layer(source.layers["QAI"]) as quality:
        for place in places:
            scale = pixel_scale(source.grid, place.pixels.crs, place.pixels.resolution)
            one = Kept(place, Warp(source.grid, place.pixels, scale))
            valid, clouded = _write_quality(source, one, quality, tiles / place.path) if one.warp.window else (0, 0)
            one.valid_pixels, one.cloud_percent = valid, round(100.0 * clouded / valid, 4) if valid else 0.0
            if valid and one.cloud_percent <= options.max_cloud_cover:
                kept.append(one)
                continue
            remove(tiles / place.path)
            limit = f"{one.cloud_percent:.2f} % cloud and shadow, more than max-cloud-cover {options.max_cloud_cover:g}"
            left_out.append((place.path, limit if valid else EMPTY))
    if not kept:
        raise NothingToProduce(_why_none(places, left_out))
    layers = _write_layers(source, kept, tiles, options)
    written = tuple(one.described(layers) for one in kept)
    grids = {one.place.grid.folder: one.place.grid for one in kept}
    write_tile_index(TileIndex(tiles, _facts(source), grids, written, tuple(left_out)))
    empty = sum(reason == EMPTY for _, reason in left_out)
    figures = {
        "tiles": len(kept),
        "empty_tiles": empty,
        "cloudy_tiles": len(left_out) - empty,
        "valid_pixels": sum(one.valid_pixels for one in written),
        "cloudiest_tile_percent": max(one.cloud_percent for one in written),
    }
    return Outcome(quality=figures, warnings=warnings)


def write_empty_tiles(path: Path, outcome: Outcome) -> None:
    """Write a folder of tiles without any, whose index says why."""
    path.mkdir()
    said = {"outcome": outcome.status.value, "reason": outcome.reason}
    (path / FILE_NAME).write_text(json.dumps(said) + "\n", encoding="utf-8")


def _why_none(places: list[Placement], left_out: list[tuple[str, str]]) -> str:
    if not places:
        return "the image touches no tile that is wanted"
    reasons = [reason for _, reason in left_out]
    lines = "; ".join(f"{tile}: {reason}" for tile, reason in left_out[:5])
    more = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    return f"no tile is left of {len(places)}: {lines}{more}"


def _facts(source: ImageFolder) -> dict[str, Any]:
    """Return what is handed on of an image: its facts, with the day as the cube's names have it."""
    return {**source.facts, "date": source.date, "reflectance": source.reflectance}


def _write_quality(source: ImageFolder, one: Kept, file: Any, folder: Path) -> tuple[int, int]:
    """Write the quality bits of a tile; return how many pixels have data, and how many of these cloud or shadow."""
    folder.mkdir(parents=True)
    layer = LAYERS["QAI"]
    valid = clouded = 0
    with _writer(folder, layer, source, one) as writer:
        for start, bits in one.warp.strips(file, "nearest", layer.nodata):
            known = bits != NO_DATA
            valid += int(np.count_nonzero(known))
            clouded += int(np.count_nonzero(known & ((bits & CLOUDED) != 0)))
            writer.write(start, bits)
    return valid, clouded


def _write_layers(source: ImageFolder, kept: list[Kept], tiles: Path, options: TileImage) -> tuple[str, ...]:
    """Write all layers but the quality bits, each to all tiles; return the names of those that the cube has."""
    with TemporaryDirectory(prefix="tile-image.") as work, _quality_rows(source) as quality:
        files = {**source.layers, EDGE.name: Path(work) / "EDG.tif"}
        write_edge_weight(quality, source.grid, files[EDGE.name])
        if options.distance:
            files["DST"] = Path(work) / "DST.tif"
            write_distance(quality, source.grid, files["DST"])
        names = tuple(name for name in LAYERS if name in files)
        for layer in (*(LAYERS[name] for name in names if name != "QAI"), EDGE):
            method: Resampling = options.resampling if layer.measured and options.reproject else "nearest"
            with open_layer(files[layer.name]) as file:
                for one in kept:
                    with _writer(tiles / one.place.path, layer, source, one) as writer:
                        for start, values in one.warp.strips(file, method, layer.nodata):
                            writer.write(start, values)
    return names


def _writer(folder: Path, layer: Layer, source: ImageFolder, one: Kept) -> ImageWriter:
    bands = layer.bands(source.sensor)
    return ImageWriter(folder / f"{layer.name}.tif", one.part, len(bands), layer.dtype, layer.nodata, bands)


@contextmanager
def _quality_rows(source: ImageFolder) -> Iterator[Rows]:
    """Give rows of an image's quality bits."""
    from rasterio.windows import Window as FileWindow

    with open_layer(source.layers["QAI"]) as file:

        def rows(start: int, stop: int) -> np.ndarray:
            return np.asarray(file.read(1, window=FileWindow(0, start, source.grid.columns, stop - start)))

        yield rows
