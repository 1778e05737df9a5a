"""The index of the tiles of one image: what `tile-image` hands on to `merge-tile`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelworks.ard.cube.grid import CubeGrid
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput

FILE_NAME = "index.json"
FORMAT = 1


@dataclass(frozen=True)
class TileOfImage:
    """A tile with pixels of one image.

    Parameters
    ----------
    folder, name : str
        Of the cube's grid, and of the tile in it.
    pixels : ImageGrid
        Of the whole tile.
    part : ImageGrid
        Of the layers' files, which hold the part of the tile where the image lies.
    layers : tuple of str
    valid_pixels : int
    cloud_percent : float
        Cloud of any state or shadow, of the valid pixels.
    """

    folder: str
    name: str
    pixels: ImageGrid
    part: ImageGrid
    layers: tuple[str, ...]
    valid_pixels: int
    cloud_percent: float

    @property
    def path(self) -> str:
        """Return the tile's folder below the root of a cube or of an image's tiles."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True)
class TileIndex:
    """The tiles of one image, those left out with the reason, and the grids that they lie in by their folders."""

    root: Path
    image: dict[str, Any]
    grids: dict[str, CubeGrid]
    tiles: tuple[TileOfImage, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        """Return the image's identifier."""
        return str(self.image["id"])

    def file(self, tile: TileOfImage, layer: str) -> Path:
        """Return the file of a layer."""
        return self.root / tile.path / f"{layer}.tif"


def write_tile_index(index: TileIndex) -> None:
    """Write the index into the folder of the tiles."""
    content = {
        "levelworks_tiles": FORMAT,
        "image": index.image,
        "grids": {folder: asdict(grid) for folder, grid in sorted(index.grids.items())},
        "tiles": [asdict(tile) for tile in index.tiles],
        "left_out": [{"tile": tile, "reason": reason} for tile, reason in index.left_out],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (index.root / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def read_tile_index(folder: Path) -> TileIndex:
    """Read the index of a folder of tiles.

    Raises
    ------
    InvalidInput
        Where it is none.
    """
    path = folder / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("levelworks_tiles") != FORMAT:
            raise ValueError("not written by tile-image of this version")
        return TileIndex(
            folder,
            content["image"],
            {name: _grid(grid) for name, grid in content["grids"].items()},
            tuple(_tile(tile) for tile in content["tiles"]),
            tuple((one["tile"], one["reason"]) for one in content["left_out"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path}: can't be read as an index of tiles ({error})") from None


def _grid(content: dict[str, Any]) -> CubeGrid:
    pairs = {name: tuple(content[name]) for name in ("origin_geo", "origin_map", "tile_size")}
    return CubeGrid(**{**content, **pairs})


def _tile(content: dict[str, Any]) -> TileOfImage:
    grids = {name: ImageGrid(**content[name]) for name in ("pixels", "part")}
    return TileOfImage(**{**content, **grids, "layers": tuple(content["layers"])})
