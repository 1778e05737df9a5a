"""Mosaics over tiles: every pixel where it belongs, by relative paths; pyramids and quicklooks."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import rasterio
from cube_images import write_image
from rasterio.enums import Resampling

from levelworks.ard.cube.cube_options import MergeTile, Mosaic, Overview, TileImage
from levelworks.ard.cube.merge_stage import merge_tile, write_empty_listing
from levelworks.ard.cube.mosaic_stage import mosaic, write_empty_mosaics
from levelworks.ard.cube.overview_stage import make_pyramid, overview, write_empty_overviews
from levelworks.ard.cube.tile_stage import tile_image
from levelworks.ard.products.layers import LAYERS
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.products.vrt import Source, mosaic_grid
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status

GRID = ImageGrid("EPSG:32633", 399585, 5850015, 30, 900, 700)
STEM = "20180824_LEVEL2_LND08"


def make_cube(root, form, **options):
    bits = np.zeros(GRID.shape, np.int16)
    bits[:20, :300] = 1
    bits[400:450, 100:200] = 3 << 1
    image = write_image(root / "image", GRID, quality=bits)
    usual = {"reproject": False, "origin_lon": 13, "origin_lat": 53, "tile_size": (12000, 9000)}
    tile_image(image, None, tiles=root / "tiles", options=TileImage(**{**usual, **options}))
    merge_tile([root / "tiles"], None, merged=root / "day.json", options=MergeTile(cube=root / "cube", format=form))
    return image


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    root = tmp_path_factory.mktemp("mosaic")
    make_cube(root, "geotiff")
    return root


def test_a_mosaic_is_the_image_again(cube):
    mosaic([cube / "day.json"], mosaics=cube / "mosaics", options=Mosaic())
    with rasterio.open(cube / "image" / "BOA.tif") as file:
        source = file.read()
    path = cube / "mosaics" / "utm33n" / f"{STEM}_BOA.vrt"
    with rasterio.open(path) as file:
        assert (file.descriptions[3], file.nodata, file.scales[0]) == ("NIR", -9999, 1e-4)
        window = file.window(*GRID.bounds)
        assert (window.width, window.height) == (700, 900)
        assert np.array_equal(file.read(window=window), source)
        assert (file.read() != -9999).sum() == (source != -9999).sum()
    text = path.read_text()
    assert str(cube) not in text
    assert 'relativeToVRT="1">../../cube/utm33n/X' in text


def test_mosaics_move_with_their_cube(cube, tmp_path):
    mosaic([cube / "day.json"], mosaics=cube / "again", options=Mosaic())
    for name in ("again", "cube"):
        shutil.copytree(cube / name, tmp_path / name)
    with rasterio.open(tmp_path / "again" / "utm33n" / f"{STEM}_QAI.vrt") as file:
        assert (file.read(1) == 3 << 1).sum() == 50 * 100


def test_the_catalogue_finds_every_item(cube):
    mosaic([cube / "day.json"], mosaics=cube / "listed", options=Mosaic(collection="mine"))
    collection = json.loads((cube / "listed" / "collection.json").read_text())
    items = [link["href"] for link in collection["links"] if link["rel"] == "item"]
    tiles = json.loads((cube / "day.json").read_text())["tiles"]
    assert collection["id"] == "mine"
    assert len(items) == len(tiles)
    assert all((cube / "listed" / href).resolve().is_file() for href in items)


def test_whole_images_let_each_other_through(tmp_path):
    make_cube(tmp_path, "cog", tile=False)
    other = ImageGrid("EPSG:32633", GRID.west + 3000, GRID.north - 3000, 30, 300, 300)
    bits = np.ones(other.shape, np.int16)
    bits[:50] = 0
    image = write_image(tmp_path / "other", other, quality=bits, reference="193025", offset=500)
    whole = TileImage(reproject=False, tile=False, origin_lon=13, origin_lat=53, tile_size=(12000, 9000))
    tile_image(image, None, tiles=tmp_path / "t2", options=whole)
    options = MergeTile(cube=tmp_path / "cube")
    merge_tile([tmp_path / "tiles", tmp_path / "t2"], None, merged=tmp_path / "day.json", options=options)
    mosaic([tmp_path / "day.json"], mosaics=tmp_path / "m", options=Mosaic())
    with rasterio.open(tmp_path / "m" / "utm33n" / f"{STEM}_BOA.vrt") as file:
        found = file.read(1)
    with rasterio.open(tmp_path / "image" / "BOA.tif") as file:
        wanted = file.read(1)
    wanted[100:150, 100:400] += 500
    assert np.array_equal(found, wanted)


def test_pyramids_average_reflectance_and_not_bits(cube):
    mosaic([cube / "day.json"], mosaics=cube / "for_overviews", options=Mosaic())
    outcome = overview(cube / "for_overviews", overviews=cube / "overviews", options=Overview(pixels=256))
    listing = json.loads((cube / "day.json").read_text())
    assert outcome.quality["pyramids"] == 2 * len(listing["tiles"])
    for tile in listing["tiles"]:
        path = cube / "cube" / tile["files"]["QAI"]["path"]
        with rasterio.open(path) as file:
            whole = file.read(1)
            assert file.overviews(1) == [2]
            half = file.read(1, out_shape=(150, 200), resampling=Resampling.nearest)
        assert np.array_equal(half, whole[::2, ::2])
        with rasterio.open(cube / "cube" / tile["files"]["BOA"]["path"]) as file:
            whole = file.read(2).astype(np.int64)
            half = file.read(2, out_shape=(150, 200), resampling=Resampling.nearest)
        blocks = whole.reshape(150, 2, 200, 2).transpose(0, 2, 1, 3).reshape(150, 200, 4)
        known = (blocks != -9999).all(axis=2)
        assert np.array_equal(half[known], ((blocks.sum(axis=2) + 2) // 4)[known])
    again = overview(cube / "for_overviews", overviews=cube / "overviews2", options=Overview())
    assert again.quality["pyramids"] == 0
    merge_tile(
        [cube / "tiles"], None, merged=cube / "day2.json", options=MergeTile(cube=cube / "cube", format="geotiff")
    )
    assert not list((cube / "cube").rglob("*.ovr"))


def test_a_quicklook_shows_the_day(cube):
    mosaic([cube / "day.json"], mosaics=cube / "for_pictures", options=Mosaic())
    overview(cube / "for_pictures", overviews=cube / "pictures", options=Overview(pixels=300, pyramids=False))
    with rasterio.open(cube / "pictures" / "utm33n" / f"{STEM}_quicklook.jpg") as file:
        colours = file.read().astype(int)
        with rasterio.open(cube / "for_pictures" / "utm33n" / f"{STEM}_QAI.vrt") as mosaic_file:
            rows, columns = mosaic_file.shape
            window = mosaic_file.window(*GRID.bounds)
        assert max(file.shape) == 300
        assert file.shape[1] / file.shape[0] == pytest.approx(columns / rows, rel=0.01)
    step = max(rows, columns) / 300
    at = lambda row, column: colours[:, round((window.row_off + row) / step), round((window.col_off + column) / step)]  # noqa: E731
    assert at(425, 150) == pytest.approx([255, 0, 0], abs=40)
    grey = at(700, 350)
    assert 60 < grey.mean() < 255
    assert grey.max() - grey.min() < 60
    assert not list((cube / "cube").rglob("*.ovr"))


def test_pyramids_are_whole_for_odd_sizes(tmp_path):
    grid = ImageGrid("EPSG:32633", 0, 0, 10, 1031, 517)
    values = np.random.default_rng(3).integers(0, 5000, grid.shape).astype(np.int16)
    path = tmp_path / "a.tif"
    with ImageWriter(path, grid, 1, "int16", -9999, ["A"]) as writer:
        writer.write(0, values)
    assert make_pyramid(path, LAYERS["DST"]) == tmp_path / "a.tif.ovr"
    assert make_pyramid(path, LAYERS["DST"]) is None
    with rasterio.open(path) as file:
        assert file.overviews(1) == [2, 4, 8]
        assert np.array_equal(file.read(1), values)
        with rasterio.open(path, overview_level=1) as coarse:
            assert coarse.shape == (258, 130)
            assert np.array_equal(coarse.read(1), values[::2, ::2][::2, ::2])
    (tmp_path / "b.tif").write_bytes(b"no raster")
    with pytest.raises(InvalidInput, match=r"b\.tif: can't be read"):
        make_pyramid(tmp_path / "b.tif", LAYERS["DST"])


def test_sources_must_lie_on_one_lattice(tmp_path):
    moved = ImageGrid(GRID.crs, GRID.west + 15, GRID.north, 30, 10, 10)
    with pytest.raises(InvalidInput, match=r"b\.tif: does not lie on the lattice"):
        mosaic_grid([Source(tmp_path / "a.tif", GRID), Source(tmp_path / "b.tif", moved)])


def test_without_tiles_there_is_no_mosaic(tmp_path):
    write_empty_listing(tmp_path / "day.json", Outcome(Status.SKIPPED, "no tile"))
    with pytest.raises(NothingToProduce, match="the cube has no tile"):
        mosaic([tmp_path / "day.json"], mosaics=tmp_path / "m", options=Mosaic())
    write_empty_mosaics(tmp_path / "m", Outcome(Status.SKIPPED, "the cube has no tile"))
    with pytest.raises(NothingToProduce, match="there are no mosaics"):
        overview(tmp_path / "m", overviews=tmp_path / "o", options=Overview())
    write_empty_overviews(tmp_path / "o", Outcome(Status.SKIPPED, "none"))
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InvalidInput, match="can't be read as a listing"):
        mosaic([tmp_path / "x.json"], mosaics=tmp_path / "m2", options=Mosaic())
