"""The stage `merge-tile`: the cube's files of one day and sensor, from the tiles of all its images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelworks.ard.cube.contributions import MergedTile, merged_strips, merged_tiles
from levelworks.ard.cube.cube_files import (
    appearing,
    list_path,
    product_stem,
    read_list,
    remove_files,
    write_list,
)
from levelworks.ard.cube.cube_options import MergeTile
from levelworks.ard.cube.definition import write_definition
from levelworks.ard.cube.equi7_names import write_dictionary
from levelworks.ard.cube.overview_picture import OverviewPicture
from levelworks.ard.cube.tile_index import TileIndex, read_tile_index
from levelworks.ard.cube.tile_statistics import TileStatistics
from levelworks.ard.names import identify
from levelworks.ard.products.file_formats import FileFormat, file_format, open_writer
from levelworks.ard.products.layers import LAYERS, REFLECTANCE
from levelworks.ard.products.stac import tile_item
from levelworks.core.aggregate import usable_inputs
from levelworks.core.checksum import checksum
from levelworks.core.lock import exclusive
from levelworks.core.outcome import InvalidInput, InvalidOptions, Outcome, Status
from levelworks.core.record import described_product

FORMAT = 1


@dataclass(frozen=True)
class Day:
    """The job of a day and sensor: the cube, the format of its files, and whether tiles get pictures."""

    cube: Path
    date: str
    sensor: str
    form: FileFormat
    overview: bool

    @property
    def stem(self) -> str:
        """Return how the names of files begin."""
        return product_stem(self.date, self.sensor)


def merge_tile(tiles: list[Path], output_options: Path | None, *, merged: Path, options: MergeTile) -> Outcome:
    """Write the cube's files of a day and sensor, and remove those of this job that no longer belong there.

    Parameters
    ----------
    tiles : list of Path
        Folders of `tile-image`, or the records beside them, of all images of the day; any order, any repetition.
    output_options : Path or None
        GDAL's options of a custom format.
    merged : Path
        Listing that is written: every file of the cube with size and checksum.

    Raises
    ------
    InvalidOptions
        Where the cube has another grid, images are not of one day and sensor, or one comes from two folders.
    InvalidInput
        Where images do not lie on one lattice of pixels.
    """
    if options.cube is None:
        raise InvalidOptions("merge-tile.cube is required: the folder of the cube")
    form = file_format(options.format, output_options)
    folders = sorted({described_product(path) for path in tiles})
    inputs = usable_inputs(folders, 1.0, "images")
    indexes, broken = _read_all(inputs.usable)
    left_out = [{"image": name, "reason": reason} for name, reason in (*inputs.left_out, *broken)]
    date, sensor = _day_of(indexes, folders)
    day = Day(options.cube, date, sensor, form, options.overview)
    listing = list_path(day.cube, date, sensor)
    with exclusive([listing]):
        before = read_list(listing)
        for index in indexes:
            for folder, grid in index.grids.items():
                write_definition(day.cube / folder, grid)
                write_dictionary(day.cube / folder, grid)
        planned = merged_tiles(indexes)
        # The list names what may be there before it is: a job that is killed leaves no file that no list knows.
        write_list(listing, before | {name for tile in planned for name in _names(tile, day)})
        content = _content(day, [_write_tile(tile, day) for tile in planned], left_out)
        files = {file["path"] for tile in content["tiles"] for file in tile["files"].values()}
        gone = sorted(before - files)
        remove_files(day.cube, gone)
        write_list(listing, files)
    merged.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    quality = {
        "images": len(indexes),
        "tiles": len(content["tiles"]),
        "files": len(files),
        "removed_files": len(gone),
        "left_out_images": len(left_out),
    }
    warnings = tuple(f"left out {one['image']}: {one['reason']}" for one in left_out)
    if not content["tiles"]:
        return Outcome(Status.SKIPPED, "no image of the day has a tile", quality, warnings)
    return Outcome(quality=quality, warnings=warnings)


def write_empty_listing(path: Path, outcome: Outcome) -> None:
    """Write a listing without tiles that says why."""
    said: dict[str, Any] = {
        "levelworks_merged": FORMAT,
        "outcome": outcome.status.value,
        "reason": outcome.reason,
        "tiles": [],
    }
    path.write_text(json.dumps(said) + "\n", encoding="utf-8")


def _read_all(folders: Sequence[Path]) -> tuple[list[TileIndex], list[tuple[str, str]]]:
    """Read the indexes of images; those that can't be read are told with the reason."""
    found: dict[str, TileIndex] = {}
    broken = []
    for folder in folders:
        try:
            index = read_tile_index(folder)
        except InvalidInput as error:
            broken.append((folder.name, str(error)))
            continue
        known = found.setdefault(index.id, index)
        if known.root.resolve() != folder.resolve():
            raise InvalidOptions(f"--tiles: the image {index.id} comes from two folders: {known.root} and {folder}")
    return [found[name] for name in sorted(found)], broken


def _day_of(indexes: Sequence[TileIndex], folders: Sequence[Path]) -> tuple[str, str]:
    """Return the day and sensor of images; of days without tiles by the names of the images."""
    days = {(str(one.image["date"]), str(one.image["sensor"])) for one in indexes}
    if not indexes:
        try:
            names = [identify(folder) for folder in folders]
        except InvalidInput as error:
            raise InvalidOptions(f"--tiles: {error}") from None
        days = {(f"{one.date:%Y%m%d}", one.sensor) for one in names}
    if len(days) != 1:
        found = ", ".join(f"{date} {sensor}" for date, sensor in sorted(days))
        raise InvalidOptions(f"--tiles: images must be of one day and sensor, not of {found}")
    return days.pop()


def _content(day: Day, tiles: list[dict[str, Any]], left_out: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "levelworks_merged": FORMAT,
        "cube": str(day.cube),
        "date": day.date,
        "sensor": day.sensor,
        "format": day.form.name,
        "tiles": tiles,
        "left_out": left_out,
    }


def _write_tile(tile: MergedTile, day: Day) -> dict[str, Any]:
    """Write the files of a tile; return its entry in the listing."""
    reflectance = next((name for name in REFLECTANCE if name in tile.layers), REFLECTANCE[0])
    images = [one.index.id for one in tile.contributions]
    statistics = TileStatistics(tile.pixels, tile.part)
    picture = OverviewPicture(tile.pixels, tile.part, LAYERS[reflectance].nodata)
    folder = day.cube / tile.path
    with appearing(folder, day.stem) as temporary:
        for name in (one for one in LAYERS if one in tile.layers):
            layer = LAYERS[name]
            path = temporary / f"{day.stem}_{name}{day.form.suffix}"
            with open_writer(day.form, path, tile.pixels, layer, day.sensor, day.date, images, tile.part) as writer:
                for start, strip in merged_strips(tile, layer, day.sensor):
                    writer.write(start, strip)
                    if name == "QAI":
                        statistics.add(start, strip[0])
                        picture.add_quality(start, strip[0])
                    elif name == reflectance:
                        picture.add_reflectance(start, strip, layer.bands(day.sensor))
        if day.overview:
            picture.write(temporary / f"{day.stem}_OVV.jpg")
        item = tile_item(
            temporary,
            stem=day.stem,
            suffix=day.form.suffix,
            tile=tile.path,
            sensor=day.sensor,
            pixels=tile.pixels,
            facts=[one.index.image for one in tile.contributions],
            statistics=statistics,
        )
        text = json.dumps(item, ensure_ascii=False, allow_nan=False)
        (temporary / f"{day.stem}_STAC.json").write_text(text + "\n", encoding="utf-8")
        files = {
            _key(path.name, day): {
                "path": f"{tile.path}/{path.name}",
                "size": path.stat().st_size,
                "checksum": checksum(path, "xxh3"),
            }
            for path in sorted(temporary.iterdir())
        }
    return {
        "folder": tile.path.rpartition("/")[0],
        "name": tile.path.rpartition("/")[2],
        "pixels": asdict(tile.pixels),
        "images": images,
        "valid_percent": statistics.percent("valid"),
        "cloud_percent": statistics.percent("clouded"),
        "files": files,
    }


def _names(tile: MergedTile, day: Day) -> list[str]:
    """Return the files that a tile will have, relative to the cube."""
    endings = [f"{name}{day.form.suffix}" for name in tile.layers]
    return [f"{tile.path}/{day.stem}_{ending}" for ending in (*endings, "OVV.jpg", "STAC.json")]


def _key(name: str, day: Day) -> str:
    """Return the layer of a file's name; of files beside a layer's own the whole ending."""
    ending = name.removeprefix(f"{day.stem}_")
    layer, _, suffix = ending.partition(".")
    return layer if f".{suffix}" in (day.form.suffix, ".jpg", ".json") else ending
