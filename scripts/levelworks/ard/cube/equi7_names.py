"""Names of tiles in Equi7Grid beside ours: ``EU_X0050_Y0036`` is ``E050N019T1`` (spec section 17)."""

from __future__ import annotations

from pathlib import Path

from levelworks.ard.cube.grid import CubeGrid, Tile
from levelworks.ard.cube.projections import CONTINENTS, EQUI7, EQUI7_TILE, continental_grids
from levelworks.ard.cube.tile_lists import continent_tiles
from levelworks.core.atomic import write_text

FILE_NAME = "equi7-tile-dictionary.txt"


def equi7_name(continent: str, tile: Tile) -> str:
    """Return the name of a T1 tile in Equi7Grid: hundreds of kilometres east and north of its lower left corner."""
    return f"E{tile.x:03d}N{EQUI7[continent][4] - tile.y:03d}T1"


def write_dictionary(folder: Path, grid: CubeGrid) -> None:
    """Write the names of a continent's tiles in both systems where the cube is one of Equi7Grid and has none yet."""
    path = folder / FILE_NAME
    continent = next((code for code, name in CONTINENTS.items() if name == grid.folder), None)
    if continent is None or grid.tile_size != (EQUI7_TILE, EQUI7_TILE) or path.exists():
        return
    if continental_grids(f"EQUI7-{continent}")[0].grid.wkt != grid.wkt:
        return
    tiles = sorted(continent_tiles("EQUI7", continent))
    lines = [f"{tile.name} {equi7_name(continent, tile)}" for tile in tiles]
    write_text(path, "\n".join(["FORCE Equi7", *lines]) + "\n")
