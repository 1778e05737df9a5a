"""The stage `mosaic`: a virtual raster over the tiles of each day, sensor and layer, and the catalogue of the cube."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from levelworks.ard.cube.cube_options import Mosaic
from levelworks.ard.cube.grid import TILE_NAME
from levelworks.ard.products.layers import LAYERS
from levelworks.ard.products.stac import make_collection
from levelworks.ard.products.vrt import Source, write_vrt
from levelworks.ard.scene import ImageGrid
from levelworks.core.aggregate import usable_inputs
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome

INDEX = "index.json"
FORMAT = 1


def mosaic(merged: list[Path], *, mosaics: Path, options: Mosaic) -> Outcome:
    """Write virtual rasters with relative paths, one of each day, sensor and layer; continents lie in their folders.

    Parameters
    ----------
    merged : list of Path
        Listings of `merge-tile`.
    mosaics : Path
        Folder that is written, with ``index.json`` and the STAC Collection ``collection.json``.

    Raises
    ------
    NothingToProduce
        Where the cube has no tile.
    InvalidInput
        Where tiles do not lie on one lattice.
    """
    inputs = usable_inputs(merged, 1.0, "days")
    days = [read_listing(path) for path in inputs.usable]
    if not any(day["tiles"] for day in days):
        raise NothingToProduce("the cube has no tile")
    mosaics.mkdir()
    entries = [entry for day in days for entry in _mosaics_of_day(day, mosaics)]
    items = [one for day in days for one in _items_of_day(day, mosaics)]
    collection = make_collection(
        items, collection_id=options.collection, title=options.title, license_name=options.license
    )
    _write_json(mosaics / "collection.json", collection)
    _write_json(mosaics / INDEX, {"levelworks_mosaics": FORMAT, "mosaics": entries})
    figures = {"days": len(days), "mosaics": len(entries), "tiles": sum(len(day["tiles"]) for day in days)}
    return Outcome(quality=figures)


def read_listing(path: Path) -> dict[str, Any]:
    """Read a listing of `merge-tile`.

    Raises
    ------
    InvalidInput
        Where it is none.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content.get("levelworks_merged") != FORMAT:
            raise ValueError("not written by merge-tile of this version")
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{path}: can't be read as a listing of the cube's files ({error})") from None
    return content


def _mosaics_of_day(day: dict[str, Any], mosaics: Path) -> list[dict[str, Any]]:
    """Write the virtual rasters of a day and sensor; return their entries in the index."""
    cube = Path(day["cube"])
    entries = []
    for folder in sorted({tile["folder"] for tile in day["tiles"]}):
        tiles = [tile for tile in day["tiles"] if tile["folder"] == folder]
        overlapping = not all(TILE_NAME.fullmatch(tile["name"]) for tile in tiles)
        (mosaics / folder).mkdir(exist_ok=True)
        for name, layer in LAYERS.items():
            found = [tile for tile in tiles if name in tile["files"]]
            if not found:
                continue
            sources = [Source(cube / tile["files"][name]["path"], ImageGrid(**tile["pixels"])) for tile in found]
            relative = Path(folder) / f"{day['date']}_LEVEL2_{day['sensor']}_{name}.vrt"
            write_vrt(mosaics / relative, sources, layer, day["sensor"], overlapping=overlapping)
            entries.append(
                {
                    "folder": folder,
                    "date": day["date"],
                    "sensor": day["sensor"],
                    "layer": name,
                    "format": day["format"],
                    "mosaic": str(relative),
                    "files": [str(source.path) for source in sources],
                }
            )
    return entries


def _items_of_day(day: dict[str, Any], mosaics: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the STAC Items of a day's tiles, and where they are relative to the folder of mosaics."""
    cube = Path(day["cube"])
    paths = [cube / tile["files"]["STAC"]["path"] for tile in day["tiles"] if "STAC" in tile["files"]]
    return [(os.path.relpath(path, mosaics), json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_empty_mosaics(path: Path, outcome: Outcome) -> None:
    """Write a folder whose index says why there is no mosaic."""
    path.mkdir()
    said: dict[str, Any] = {"levelworks_mosaics": FORMAT, "outcome": outcome.status.value, "reason": outcome.reason}
    _write_json(path / INDEX, {**said, "mosaics": []})


def read_mosaics(folder: Path) -> Sequence[dict[str, Any]]:
    """Read the entries of the index of a folder of mosaics.

    Raises
    ------
    InvalidInput
        Where it has none.
    """
    path = folder / INDEX
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["mosaics"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path}: can't be read as an index of mosaics ({error})") from None
    return entries
