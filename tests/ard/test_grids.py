"""Grids of tiles: origins, names, borders, continents, seams of projections, tables of tiles."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from levelworks.ard.cube.cube_options import TabulateGrid
from levelworks.ard.cube.equi7_names import equi7_name
from levelworks.ard.cube.footprint import tiles_of_image
from levelworks.ard.cube.grid import CubeGrid, Tile
from levelworks.ard.cube.grid_table_stage import tabulate_grid
from levelworks.ard.cube.projections import (
    CONTINENTS,
    continental_grids,
    custom_grid,
    from_geographic,
    is_continental,
    same_projection,
    to_geographic,
    transformer,
)
from levelworks.ard.cube.tile_finder import find_tile, outline, tiles_of_extent, tiles_of_polygons
from levelworks.ard.cube.tile_lists import allowed_tiles, continent_tiles, read_allow_list, write_allow_list
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidOptions, NothingToProduce

PLAIN = CubeGrid("EPSG:3035", (0.0, 0.0), (1000.0, 9000.0), (300.0, 300.0))


def test_origins_are_those_of_force():
    """Specification section 26: both examples of datacube origins, to a millimetre."""
    europe = custom_grid("EPSG:3035", -25, 60, (30000, 30000))
    assert europe.origin_map == pytest.approx((2456026.363042, 4574919.607965), abs=1e-3)
    zone = custom_grid("EPSG:32616", -88, 32, (30000, 30000))
    assert zone.origin_map == pytest.approx((405542.536598, 3540872.531384), abs=1e-3)
    tile = zone.tile_at(465542.5 + 100, 3420872.5 - 100)
    assert tile.name == "X0002_Y0004"
    assert zone.corner(tile) == pytest.approx((465542.5366, 3420872.5314), abs=1e-3)


@pytest.mark.parametrize(
    ("tile", "name"),
    [(Tile(0, 0), "X0000_Y0000"), (Tile(12, -3), "X0012_Y-003"), (Tile(-1234, 10000), "X-1234_Y10000")],
)
def test_names_are_read_back(tile, name):
    assert tile.name == name
    assert Tile.parse(name) == tile


@pytest.mark.parametrize("name", ["X1_Y1", "X0001Y0001", "X0001_Y00a1", ""])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InvalidOptions, match="named like X0012_Y-003"):
        Tile.parse(name)


def test_points_on_borders_follow_force():
    """Right and below the lower number has the border, at the origin and left and above the tile that begins there."""
    x, y = PLAIN.origin_map
    assert PLAIN.tile_at(x, y) == Tile(0, 0)
    assert PLAIN.tile_at(x + 300, y) == Tile(0, 0)
    assert PLAIN.tile_at(x + 300.001, y) == Tile(1, 0)
    assert PLAIN.tile_at(x + 600, y - 300) == Tile(1, 0)
    assert PLAIN.tile_at(x + 10, y - 300.001) == Tile(0, 1)
    assert PLAIN.tile_at(x - 0.001, y + 0.001) == Tile(-1, -1)
    assert PLAIN.tile_at(x - 300, y) == Tile(-1, 0)
    assert PLAIN.tile_at(x - 300.001, y) == Tile(-2, 0)


@given(st.integers(-9000, 9000), st.integers(-9000, 9000), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_points_inside_are_in_their_tile(column, row, across, down):
    tile = Tile(column, row)
    west, south, east, north = PLAIN.bounds(tile)
    assert PLAIN.tile_at(west + across * (east - west), north - down * (north - south)) == tile
    assert Tile.parse(tile.name) == tile
    assert list(PLAIN.tiles_within(west, south, east, north)) == [tile]


def test_a_tile_holds_whole_pixels():
    assert PLAIN.image_grid(Tile(1, 2), 30.0) == ImageGrid("EPSG:3035", 1300.0, 8400.0, 30.0, 10, 10)
    assert PLAIN.image_grid(Tile(0, 0), 300.0 / 7.0004).columns == 7
    with pytest.raises(InvalidOptions, match="no whole number of pixels"):
        PLAIN.image_grid(Tile(0, 0), 29.0)


def test_projections_that_cannot_be_read_are_named():
    with pytest.raises(InvalidOptions, match=r"tile-image\.projection: 'EPSG:999999'"):
        custom_grid("EPSG:999999", 0, 0, (1, 1))
    with pytest.raises(InvalidOptions, match="'XX' is none of the continents"):
        continental_grids("EQUI7-XX")
    assert is_continental("glance7")
    assert not is_continental("GLANCE")
    assert not is_continental("EPSG:3035")


def test_equi7_is_that_of_tu_wien():
    """The pair of coordinates that the tests of Equi7Grid have (TUW-GEO/Equi7Grid, tests), and the EPSG registry."""
    for number, code in enumerate(CONTINENTS, 27701):
        assert [one.continent for one in continental_grids(f"EQUI7-{code}")] == [code]
        grid = continental_grids(f"EQUI7-{code}")[0].grid
        for longitude, latitude in ((15.1, 45.3), (-60.0, -20.0)):
            ours = from_geographic(grid.wkt, longitude, latitude)
            assert ours == pytest.approx(from_geographic(f"EPSG:{number}", longitude, latitude), abs=0.01)
    europe = continental_grids("EQUI7-EU")[0].grid
    x, y = 5138743.127891, 1307029.157093
    assert to_geographic(europe.wkt, x, y) == pytest.approx((15.1, 45.3), rel=1e-7)
    tile = europe.tile_at(x, y)
    assert equi7_name("EU", tile) == "E051N013T1"
    assert europe.bounds(tile)[:2] == (5100000.0, 1300000.0)


def test_glance_is_that_of_the_epsg_registry():
    for code, number in {"AF": 10592, "AS": 10594, "EU": 10596, "NA": 10598, "OC": 10601, "SA": 10603}.items():
        (one,) = continental_grids(f"GLANCE-{code}")
        assert same_projection(one.grid.wkt, f"EPSG:{number}")
        for longitude, latitude in ((15.1, 45.3), (-60.0, -20.0)):
            ours = from_geographic(one.grid.wkt, longitude, latitude)
            assert ours == pytest.approx(from_geographic(f"EPSG:{number}", longitude, latitude), abs=1e-6)


def test_lists_of_continents_are_as_long_as_forces():
    """Specification section 17; of two continents the zones end at the edge of the map, where seven tiles differ."""
    counts = [len(continent_tiles("EQUI7", code)) for code in CONTINENTS]
    assert counts == [8603, 6793, 7089, 2823, 9185, 13829, 8645]
    counts = [len(continent_tiles("GLANCE7", code)) for code in CONTINENTS]
    assert np.abs(np.subtract(counts, [3623, 2909, 3040, 1248, 3853, 5359, 3648])).tolist() == [0, 0, 0, 0, 1, 7, 0]
    for code in ("AF", "EU"):
        tiles = continent_tiles("EQUI7", code)
        assert (min(tile.x for tile in tiles), min(tile.y for tile in tiles)) == (0, 0)


def test_cities_are_on_their_continents():
    cities = {
        "AF": (36.8, -1.3),
        "AS": (116.4, 39.9),
        "EU": (13.4, 52.5),
        "NA": (-99.1, 19.4),
        "OC": (151.2, -33.9),
        "SA": (-58.4, -34.6),
        "AN": (166.7, -77.8),
    }
    for family in ("GLANCE7", "EQUI7"):
        for home, (longitude, latitude) in cities.items():
            found = [
                one.continent
                for one in continental_grids(family)
                if find_tile(one.grid, longitude, latitude, 30.0).tile in continent_tiles(family, one.continent)
            ]
            assert found == [home]


def test_an_image_touches_the_tiles_that_its_pixels_lie_in():
    image = ImageGrid("EPSG:32633", 399585, 5800215, 30, 700, 900)
    for grid in (custom_grid("EPSG:3035", -25, 60, (7000, 9000)), custom_grid("EPSG:4326", -25, 60, (0.1, 0.1))):
        x, y = np.meshgrid(image.west + 30 * np.linspace(0, 900, 181), image.north - 30 * np.linspace(0, 700, 141))
        points = np.column_stack([one.ravel() for one in transformer(image.crs, grid.wkt).transform(x, y)])
        wanted = {grid.tile_at(*point) for point in points}
        found = set(tiles_of_image(image, grid))
        assert wanted <= found
        assert len(found - wanted) <= 4


@pytest.mark.parametrize(
    ("projection", "latitude", "size", "last"),
    [("EPSG:4326", 90, 1.0, 359), ("EPSG:6933", 80, 50000.0, 694), ("EPSG:3857", 80, 50000.0, 801)],
)
def test_images_across_180_degrees_are_on_both_ends_of_the_map(projection, latitude, size, last):
    """Defect D15: an image about Fiji lies on the first and on the last tiles, and on none between."""
    image = ImageGrid("EPSG:32701", 99960, 8200000, 10, 10980, 10980)
    tiles = tiles_of_image(image, custom_grid(projection, -180, latitude, (size, size)))
    columns = {tile.x for tile in tiles}
    assert {0, last} <= columns <= {0, 1, 2, last - 2, last - 1, last}
    assert len({tile.y for tile in tiles}) <= 4


def test_glance_has_no_seam_at_180_degrees():
    image = ImageGrid("EPSG:32701", 99960, 8200000, 10, 10980, 10980)
    oceania = continental_grids("GLANCE-OC")[0]
    tiles = tiles_of_image(image, oceania.grid)
    assert 1 <= len(tiles) <= 4
    assert set(tiles) <= continent_tiles("GLANCE7", "OC")


def test_points_are_found_in_tile_and_pixel():
    grid = custom_grid("EPSG:3035", -25, 60, (30000, 30000))
    place = find_tile(grid, 13.4, 52.5, 10.0)
    west, _, _, north = grid.bounds(place.tile)
    assert 0 <= place.x - west - 10 * place.column < 10
    assert 0 <= north - 10 * place.row - place.y < 10


def test_lists_of_tiles(tmp_path):
    path = tmp_path / "tiles.txt"
    tiles = frozenset({Tile(3, -4), Tile(0, 0)})
    write_allow_list(path, tiles)
    assert path.read_text() == "2\nX0000_Y0000\nX0003_Y-004\n"
    assert read_allow_list(path) == tiles
    test = allowed_tiles(path, PLAIN)
    assert test(Tile(3, -4))
    assert not test(Tile(3, 4))
    for text, said in (
        ("X0000_Y0000\n", "first line"),
        ("2\nX0000_Y0000\n", "says 2 tiles and has 1"),
        ("1\nx\n", "no tile"),
    ):
        path.write_text(text)
        with pytest.raises(InvalidOptions, match=said):
            read_allow_list(path)


def test_polygons_choose_tiles(tmp_path):
    path = tmp_path / "area.geojson"
    ring = [[13.0, 52.3], [13.8, 52.3], [13.8, 52.7], [13.0, 52.7], [13.0, 52.3]]
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    grid = custom_grid("EPSG:3035", -25, 60, (30000, 30000))
    found = tiles_of_polygons(grid, path)
    assert find_tile(grid, 13.4, 52.5, 10.0).tile in found
    assert find_tile(grid, 13.4, 53.2, 10.0).tile not in found
    assert 4 <= len(found) <= 12
    path.write_text(json.dumps({"type": "Point", "coordinates": [1, 2]}))
    with pytest.raises(InvalidOptions, match="no polygons"):
        allowed_tiles(path, grid)


def test_the_table_of_an_extent(tmp_path):
    outcome = tabulate_grid(
        None,
        None,
        grid=tmp_path / "grid.geojson",
        table=tmp_path / "grid.csv",
        options=TabulateGrid(projection="GLANCE7", extent=(5.0, 47.0, 12.0, 52.0)),
    )
    features = json.loads((tmp_path / "grid.geojson").read_text())["features"]
    rows = list(csv.DictReader((tmp_path / "grid.csv").open()))
    assert len(features) == len(rows) == outcome.quality["tiles"]
    assert {row["folder"] for row in rows} == {"europe"}
    home = continental_grids("GLANCE-EU")[0].grid
    name = find_tile(home, 8.0, 50.0, 30.0).tile.name
    (holder,) = [one for one in features if shape(one["geometry"]).contains(Point(8.0, 50.0))]
    assert holder["properties"]["tile"] == name
    west, north = (float(next(row for row in rows if row["tile"] == name)[key]) for key in ("west", "north"))
    assert (west, north) == home.corner(Tile.parse(name))
    corner = from_geographic(home.wkt, holder["properties"]["longitude"], holder["properties"]["latitude"])
    assert corner == pytest.approx((west, north), abs=1.0)


def test_tables_across_180_degrees(tmp_path):
    options = TabulateGrid(projection="GLANCE-OC", extent=(178.0, -19.0, -178.0, -16.0))
    tabulate_grid(None, None, grid=tmp_path / "g.geojson", table=tmp_path / "g.csv", options=options)
    features = json.loads((tmp_path / "g.geojson").read_text())["features"]
    assert 6 <= len(features) <= 16
    shapes = [shape(one["geometry"]) for one in features]
    assert all(one.is_valid and one.bounds[0] >= -180 and one.bounds[2] <= 180 for one in shapes)
    assert any(one.geom_type == "MultiPolygon" for one in shapes)
    assert all(one.area < 5.0 for one in shapes)
    nowhere = TabulateGrid(projection="GLANCE-EU", extent=(178.0, -19.0, 179.0, -16.0))
    with pytest.raises(NothingToProduce):
        tabulate_grid(None, None, grid=tmp_path / "g.geojson", table=tmp_path / "g.csv", options=nowhere)


def test_extents_have_as_many_tiles_as_they_hold():
    grid = custom_grid("EPSG:4326", -180, 90, (10.0, 10.0))
    assert len(tiles_of_extent(grid, (0.5, 0.5, 39.5, 19.5))) == 8
    ring = outline(grid, Tile(0, 0), 2)
    assert ring[0] == ring[-1] == (-180.0, 80.0)
    assert len(ring) == 9


def test_one_projection_in_two_texts():
    assert same_projection("EPSG:32633", custom_grid("EPSG:32633", 15, 52, (1, 1)).wkt)
    assert not same_projection("EPSG:32633", "EPSG:32634")
