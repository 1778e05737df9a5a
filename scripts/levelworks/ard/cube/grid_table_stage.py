"""The stage `tabulate-grid`: the tiles of an extent as GeoJSON and as a table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from levelworks.ard.cube.cube_options import TabulateGrid
from levelworks.ard.cube.definition import parse_definition
from levelworks.ard.cube.grid import CubeGrid, Tile
from levelworks.ard.cube.projections import continental_grids, custom_grid, is_continental
from levelworks.ard.cube.tile_finder import outline, tiles_of_extent
from levelworks.ard.cube.tile_lists import allowed_tiles, continent_tiles
from levelworks.core.outcome import NothingToProduce, Outcome

COLUMNS = ("folder", "tile", "x", "y", "west", "south", "east", "north", "longitude", "latitude")


def tabulate_grid(
    definition: Path | None, allow_list: Path | None, *, grid: Path, table: Path, options: TabulateGrid
) -> Outcome:
    """Write the tiles of a grid that touch an extent.

    Parameters
    ----------
    definition : Path or None
        ``datacube-definition.prj`` of a cube, in place of the grid that the options describe.
    allow_list : Path or None
        Tiles that are wanted: a list, or polygons (GeoJSON).
    grid : Path
        GeoJSON that is written, in longitude and latitude.
    table : Path
        CSV that is written: folder, name, numbers, bounds on the map, longitude and latitude of the upper left corner.

    Raises
    ------
    NothingToProduce
        Where no tile touches the extent.
    """
    found = [one for one in _tiles(definition, options) if allowed_tiles(allow_list, one[0])(one[1])]
    if not found:
        raise NothingToProduce("no tile of the grid touches the extent")
    features = [_feature(cube, tile) for cube, tile in found]
    collection = {"type": "FeatureCollection", "features": features}
    grid.write_text(json.dumps(collection, ensure_ascii=False) + "\n", encoding="utf-8")
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(feature["properties"] for feature in features)
    return Outcome(quality={"tiles": len(found)})


def write_empty_table(path: Path, outcome: Outcome) -> None:
    """Write GeoJSON without features, or a table without rows."""
    if path.suffix == ".csv":
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        return
    said = {"type": "FeatureCollection", "features": [], "outcome": outcome.status.value, "reason": outcome.reason}
    path.write_text(json.dumps(said, ensure_ascii=False) + "\n", encoding="utf-8")


def _tiles(definition: Path | None, options: TabulateGrid) -> list[tuple[CubeGrid, Tile]]:
    if definition is not None:
        cube = parse_definition(definition.read_text(encoding="utf-8"), definition)
        return [(cube, tile) for tile in tiles_of_extent(cube, options.extent)]
    if not is_continental(options.projection):
        cube = custom_grid(options.projection, options.origin_lon, options.origin_lat, options.tile_size)
        return [(cube, tile) for tile in tiles_of_extent(cube, options.extent)]
    found = []
    for one in continental_grids(options.projection):
        listed = continent_tiles(one.family, one.continent)
        found += [(one.grid, tile) for tile in tiles_of_extent(one.grid, options.extent) if tile in listed]
    return found


def _feature(cube: CubeGrid, tile: Tile) -> dict[str, Any]:
    west, south, east, north = cube.bounds(tile)
    ring = outline(cube, tile)
    longitude, latitude = ring[3 * (len(ring) // 4)]
    properties = {
        "folder": cube.folder,
        "tile": tile.name,
        "x": tile.x,
        "y": tile.y,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "longitude": longitude,
        "latitude": latitude,
    }
    return {"type": "Feature", "geometry": _polygon(ring), "properties": properties}


def _polygon(ring: list[tuple[float, float]]) -> dict[str, Any]:
    """Return a ring as GeoJSON, cut at 180 degrees (RFC 7946 section 3.1.9)."""
    import shapely
    from shapely.affinity import translate
    from shapely.geometry.polygon import orient

    whole = shapely.Polygon(ring)
    west, _, east, _ = whole.bounds
    if west >= -180.0 and east <= 180.0:
        return {"type": "Polygon", "coordinates": [[list(point) for point in ring]]}
    parts = []
    for turn in (-1, 0, 1):
        cut = shapely.intersection(whole, shapely.box(360.0 * turn - 180.0, -90.0, 360.0 * turn + 180.0, 90.0))
        parts += [orient(translate(one, -360.0 * turn)) for one in shapely.get_parts(cut) if one.geom_type == "Polygon"]
    return {"type": "MultiPolygon", "coordinates": [[[list(xy) for xy in part.exterior.coords]] for part in parts]}
