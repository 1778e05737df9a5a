"""Which tiles may be written: a list, polygons, or the tiles of a continent (spec sections 2 and 17).

FORCE writes of GLANCE7 and EQUI7 only tiles on its lists. Those of EQUI7 are the T1 tiles of Equi7Grid V14; those of
GLANCE7 were made anew, as tiles that touch the continent's zone in Equi7Grid: as many as FORCE has of five continents,
3854 for 3853 of North America and 5352 for 5359 of Oceania, where the zones end at the edge of the map.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path

from levelworks.ard.cube.grid import CubeGrid, Tile
from levelworks.ard.cube.projections import transformer
from levelworks.core.outcome import InvalidOptions

Allowed = Callable[[Tile], bool]


@cache
def continent_tiles(family: str, continent: str) -> frozenset[Tile]:
    """Return the tiles of a continent; `family` is ``EQUI7`` or ``GLANCE7``."""
    text = resources.files("levelworks.ard").joinpath("data/continent_tiles.json").read_text(encoding="utf-8")
    rows = json.loads(text)[family][continent]
    return frozenset(
        Tile(x, y)
        for y, *ends in rows
        for first, last in zip(ends[::2], ends[1::2], strict=True)
        for x in range(first, last + 1)
    )


def read_allow_list(path: Path) -> frozenset[Tile]:
    """Read a list of tiles: their number on the first line, then one name a line.

    Raises
    ------
    InvalidOptions
        Where the file is no such list, or has another number of tiles than it says.
    """
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not lines or not lines[0].isdecimal():
        raise InvalidOptions(f"{path}: the first line must be the number of tiles, then one tile a line")
    try:
        tiles = [Tile.parse(line) for line in lines[1:]]
    except InvalidOptions as error:
        raise InvalidOptions(f"{path}: {error}") from None
    if len(tiles) != int(lines[0]):
        raise InvalidOptions(f"{path}: says {lines[0]} tiles and has {len(tiles)}")
    return frozenset(tiles)


def write_allow_list(path: Path, tiles: frozenset[Tile]) -> None:
    """Write a list of tiles as `read_allow_list` reads it, sorted."""
    names = [tile.name for tile in sorted(tiles)]
    path.write_text("\n".join([str(len(names)), *names]) + "\n", encoding="utf-8")


def allowed_tiles(path: Path | None, grid: CubeGrid) -> Allowed:
    """Return the test whether a tile of a grid may be written.

    Parameters
    ----------
    path : Path or None
        A list of tiles, or polygons in longitude and latitude (``.json``, ``.geojson``): tiles that touch them. None
        allows all.

    Raises
    ------
    InvalidOptions
        Where the file is neither.
    """
    if path is None:
        return lambda tile: True  # noqa: ARG005
    if path.suffix.lower() in (".json", ".geojson"):
        return _touching(path, grid)
    tiles = read_allow_list(path)
    return lambda tile: tile in tiles


def _touching(path: Path, grid: CubeGrid) -> Allowed:
    import numpy as np
    import shapely

    try:
        shapes = shapely.get_parts(shapely.from_geojson(path.read_text(encoding="utf-8")))
    except shapely.errors.GEOSException as error:
        raise InvalidOptions(f"{path}: no GeoJSON ({error})") from None
    polygons = [one for one in shapes if one.geom_type in ("Polygon", "MultiPolygon")]
    if not polygons:
        raise InvalidOptions(f"{path}: has no polygons")
    project = transformer("EPSG:4326", grid.wkt)

    def onto_map(points: np.ndarray) -> np.ndarray:
        return np.column_stack(project.transform(points[:, 0], points[:, 1]))

    # Edges are straight in degrees; a point every tenth of a degree keeps them so on the map.
    dense = [shapely.segmentize(one, 0.1) for one in polygons]
    mapped = [shapely.transform(one, onto_map) for one in dense]
    finite = [shapely.make_valid(one) for one in mapped if np.isfinite(one.bounds).all()]
    area = shapely.union_all(finite)
    shapely.prepare(area)
    return lambda tile: bool(shapely.intersects(area, shapely.box(*grid.bounds(tile))))
