"""Images on tiles: values where they belong, no data at the same places in every layer, distances, what is left out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from cube_images import centres, waves, write_image
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.warp import Resampling, reproject
from scipy.ndimage import distance_transform_edt

from levelworks.ard.cube import distance, warp
from levelworks.ard.cube.cube_options import TileImage
from levelworks.ard.cube.distance import distances
from levelworks.ard.cube.image_folder import read_image_folder
from levelworks.ard.cube.projections import custom_grid, transformer
from levelworks.ard.cube.tile_index import read_tile_index
from levelworks.ard.cube.tile_lists import write_allow_list
from levelworks.ard.cube.tile_stage import tile_image, write_empty_tiles
from levelworks.ard.cube.warp import Warp, pixel_scale
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce, Outcome, Status

LANDSAT = ImageGrid("EPSG:32633", 399585, 5800215, 30, 420, 500)
EUROPE = TileImage(projection="EPSG:3035", tile_size=(9000, 9000))


def quality() -> np.ndarray:
    """Return bits with an edge, a hole, a cloud with its shadow, and snow."""
    bits = np.zeros(LANDSAT.shape, np.int16)
    bits[:25] = bits[:, :40] = bits[200:206, 100:400] = 1
    bits[300:330, 200:260] = 2 << 1
    bits[330:350, 210:260] = 1 << 3
    bits[60:70, 400:420] = 1 << 4
    return bits


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiles")
    extra = {"UNC": 57, "CPR": np.where(quality() == 2 << 1, 90, 5), "SAA": 15120}
    image = write_image(root / "image", LANDSAT, quality=quality(), extra=extra)
    outcome = tile_image(image, None, tiles=root / "tiles", options=EUROPE.model_copy(update={"distance": True}))
    return image, read_tile_index(root / "tiles"), outcome


def read(index, tile, layer):
    with rasterio.open(index.file(tile, layer)) as file:
        return file.read()


def places_in_image(grid: ImageGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact place of pixel centres in the image, in pixels."""
    x, y = transformer(LANDSAT.crs, grid.crs).transform(*centres(grid), direction="INVERSE")
    return (x - LANDSAT.west) / LANDSAT.resolution, (LANDSAT.north - y) / LANDSAT.resolution


def test_tiles_hold_the_image(made):
    _, index, outcome = made
    assert outcome.quality["tiles"] == len(index.tiles) >= 4
    # As many pixels as the image has, as both are equal-area to some parts in a thousand.
    assert outcome.quality["valid_pixels"] == pytest.approx(np.count_nonzero(quality() != 1), rel=3e-3)
    for tile in index.tiles:
        assert tile.layers == ("BOA", "QAI", "UNC", "CPR", "DST", "SAA")
        with rasterio.open(index.file(tile, "BOA")) as file:
            assert (file.count, file.nodata, file.descriptions[0]) == (6, -9999.0, "BLUE")
            assert file.bounds == pytest.approx(tile.part.bounds)
        bits = read(index, tile, "QAI")[0]
        assert tile.valid_pixels == np.count_nonzero(bits != 1)
        unclear = ((bits & 0b1110) != 0) & (bits != 1)
        assert tile.cloud_percent == pytest.approx(100 * unclear.sum() / tile.valid_pixels, abs=1e-4)


def test_bits_are_the_nearest_pixels(made):
    _, index, _ = made
    for tile in index.tiles:
        column, row = places_in_image(tile.part)
        # Where a centre lies on an edge between pixels, to a thousandth of a pixel, either is the nearest.
        safe = np.minimum(np.abs(column - np.rint(column)), np.abs(row - np.rint(row))) > 1e-3
        inside = (column >= 0) & (column < LANDSAT.columns) & (row >= 0) & (row < LANDSAT.rows)
        wanted = np.ones(tile.part.shape, np.int16)
        wanted[inside] = quality()[row[inside].astype(int), column[inside].astype(int)]
        found = read(index, tile, "QAI")[0]
        assert np.array_equal(found[safe], wanted[safe])
        assert safe.mean() > 0.99


def test_reflectance_is_that_of_the_place(made):
    """The image is a smooth function of the place: cubic convolution gives it back to a rounded unit or two."""
    _, index, _ = made
    for tile in index.tiles:
        bands = read(index, tile, "BOA")
        known = read(index, tile, "QAI")[0] != 1
        x, y = transformer(LANDSAT.crs, tile.part.crs).transform(*centres(tile.part), direction="INVERSE")
        for number in (0, 5):
            error = bands[number] - (waves(x, y) + 100 * number)
            near_edge = distance_transform_edt(np.pad(known, 1))[1:-1, 1:-1] < 4
            assert np.abs(error[known & ~near_edge]).max() < 1.2
            assert np.abs(error[known]).max() < 45  # half a pixel of the steepest slope, at edges


def test_all_layers_miss_the_same_pixels(made):
    _, index, _ = made
    for tile in index.tiles:
        missing = read(index, tile, "QAI")[0] == 1
        for layer, nodata in (("BOA", -9999), ("UNC", -9999), ("CPR", 255), ("DST", -9999), ("SAA", -9999), ("EDG", 0)):
            for band in read(index, tile, layer):
                assert np.array_equal(band == nodata, missing)
        known = ~missing
        assert (read(index, tile, "UNC")[:, known] == 57).all()
        assert (read(index, tile, "SAA")[:, known] == 15120).all()


def test_distance_is_zero_exactly_under_cloud_shadow_and_snow(made):
    _, index, _ = made
    for tile in index.tiles:
        bits, metres = read(index, tile, "QAI")[0], read(index, tile, "DST")[0]
        unclear = ((bits & 0b11110) != 0) & (bits != 1)
        assert np.array_equal(metres == 0, unclear)


def test_distance_is_euclidean_in_the_image(made, tmp_path):
    bits = quality()
    unclear = ((bits & 0b11110) != 0) & (bits != 1)
    wanted = np.where(bits == 1, -9999, np.rint(30 * distance_transform_edt(~unclear)))
    distance.write_distance(lambda start, stop: bits[start:stop], LANDSAT, tmp_path / "DST.tif")
    with rasterio.open(tmp_path / "DST.tif") as file:
        assert np.abs(file.read(1) - wanted).max() <= 1
    distance.write_distance(lambda start, stop: bits[start:stop] * 0, LANDSAT, tmp_path / "far.tif")
    with rasterio.open(tmp_path / "far.tif") as file:
        assert (file.read(1) >= 32750).all()


def test_weight_rises_from_the_edge(tmp_path):
    bits = quality()
    outside = np.pad(bits == 1, 1, constant_values=True)
    pixels = distance_transform_edt(~outside)[1:-1, 1:-1]
    distance.write_edge_weight(lambda start, stop: bits[start:stop], LANDSAT, tmp_path / "EDG.tif")
    with rasterio.open(tmp_path / "EDG.tif") as file:
        weight = file.read(1)
    wanted = np.clip(np.rint(pixels * 255 / 100), 1, 255) * (pixels > 0)
    assert np.abs(weight - wanted).max() <= 1
    assert np.array_equal(weight == 0, bits == 1)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 17))),
    st.integers(1, 30),
    st.booleans(),
    st.integers(1, 6),
)
def test_distances_are_exact_for_any_marks_and_any_blocks(tmp_path_factory, marked, reach, edge, rows):
    grid = ImageGrid("EPSG:32633", 0, 0, 1, *marked.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distance, "ROWS", rows)
        folder = tmp_path_factory.getbasetemp()
        found = list(distances(lambda start, stop: marked[start:stop], grid, reach, edge, folder))
    padded = np.pad(marked, 1, constant_values=edge)
    exact = distance_transform_edt(~padded)[1:-1, 1:-1] if padded.any() else np.full(marked.shape, np.inf)
    assert np.concatenate([block for _, block in found]) == pytest.approx(np.minimum(exact, reach), abs=1e-5)


@pytest.mark.parametrize("method", ["nearest", "bilinear", "cubic"])
def test_warping_does_not_depend_on_blocks(made, monkeypatch, method):
    image, index, _ = made
    source = read_image_folder(image)
    tile = index.tiles[0]

    def warped() -> np.ndarray:
        job = Warp(source.grid, tile.pixels, pixel_scale(source.grid, tile.pixels.crs, 30.0))
        return on_tile(job, source.layers["BOA"], method)

    whole = warped()
    assert whole.shape[2] > 256
    monkeypatch.setattr(warp, "STRIP_BYTES", 1)
    monkeypatch.setattr(warp, "BLOCK_COLUMNS", 51)
    assert np.array_equal(warped(), whole)


def on_tile(job: Warp, path, method: str) -> np.ndarray:
    with warp.open_layer(path) as file:
        return np.concatenate([strip for _, strip in job.strips(file, method, -9999)], axis=1)


def texture(seed: int, shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.rint(rng.normal(2000, 600, shape)).clip(0, 9000).astype(np.int16)


@pytest.mark.parametrize(("method", "theirs"), [("bilinear", Resampling.bilinear), ("cubic", Resampling.cubic)])
def test_inside_an_image_values_are_those_of_gdal(tmp_path, method, theirs):
    """A shift by parts of a pixel: GDAL's weights are ours; it rounds float32 sums, so a unit may differ."""
    grid = ImageGrid("EPSG:32633", 399585, 5800215, 30, 120, 140)
    values = texture(11, grid.shape)
    with ImageWriter(tmp_path / "a.tif", grid, 1, "int16", -9999, ["a"]) as writer:
        writer.write(0, values)
    tile = ImageGrid(grid.crs, grid.west + 30 * 7.3, grid.north - 30 * 5.8, 30, 90, 100)
    ours = on_tile(Warp(grid, tile), tmp_path / "a.tif", method)[0]
    gdal = np.empty(tile.shape, np.int16)
    transforms = [rasterio.Affine(*one.transform) for one in (grid, tile)]
    reproject(
        values, gdal, src_transform=transforms[0], src_crs=grid.crs, dst_transform=transforms[1], dst_crs=grid.crs,
        src_nodata=-9999, dst_nodata=-9999, resampling=theirs,
    )  # fmt: skip
    assert np.abs(ours.astype(int) - gdal).max() <= 1
    assert (ours != gdal).mean() < 0.01


@pytest.mark.parametrize("method", ["bilinear", "cubic"])
@pytest.mark.parametrize("resolution", [30.0, 75.0])
def test_an_even_surface_stays_even_up_to_its_edges(tmp_path, method, resolution):
    """No ringing and no fading at holes and edges, whatever the size of the map's pixels."""
    bits = quality()
    with ImageWriter(tmp_path / "a.tif", LANDSAT, 1, "int16", -9999, ["a"]) as writer:
        writer.write(0, np.where(bits == 1, -9999, 2345).astype(np.int16))
    grid = custom_grid("EPSG:3035", -25, 60, (9000, 9000))
    for tile in warp_tiles(grid, resolution):
        scale = pixel_scale(LANDSAT, grid.wkt, resolution)
        assert scale == pytest.approx(resolution / 30, rel=5e-3)
        found = on_tile(Warp(LANDSAT, tile, scale), tmp_path / "a.tif", method)
        assert set(np.unique(found)) <= {-9999, 2345}


def warp_tiles(grid, resolution):
    from levelworks.ard.cube.footprint import tiles_of_image

    tiles = [grid.image_grid(tile, resolution) for tile in tiles_of_image(LANDSAT, grid)]
    return [tile for tile in tiles if Warp(LANDSAT, tile).window is not None]


def test_coarser_maps_hold_means(tmp_path):
    """White noise averaged over 4 x 4 pixels keeps its mean and loses its variance; taking pixels would keep it."""
    grid = ImageGrid("EPSG:32633", 399585, 5800215, 30, 400, 400)
    values = texture(5, grid.shape)
    with ImageWriter(tmp_path / "a.tif", grid, 1, "int16", -9999, ["a"]) as writer:
        writer.write(0, values)
    tile = ImageGrid(grid.crs, grid.west, grid.north, 120, 100, 100)
    scale = pixel_scale(grid, grid.crs, 120.0)
    assert scale == 4.0
    found = on_tile(Warp(grid, tile, scale), tmp_path / "a.tif", "bilinear")
    assert found.mean() == pytest.approx(values.mean(), rel=5e-3)
    assert found[:, 5:-5, 5:-5].std() == pytest.approx(values.std() * 2 / 3 / 4, rel=0.1)  # of a tent over 8 x 8


def test_pixels_stay_as_they_are_without_reprojection(made, tmp_path):
    image, _, _ = made
    options = TileImage(reproject=False, origin_lon=10, origin_lat=54, tile_size=(6000, 6000), resolution_landsat=17)
    tile_image(image, None, tiles=tmp_path / "tiles", options=options)
    index = read_tile_index(tmp_path / "tiles")
    with rasterio.open(image / "BOA.tif") as file:
        source = file.read()
    seen = np.zeros(LANDSAT.shape, int)
    for tile in index.tiles:
        assert tile.folder == "utm33n"
        values = read(index, tile, "BOA")
        column = (tile.part.west - LANDSAT.west) / 30
        row = (LANDSAT.north - tile.part.north) / 30
        assert (column, row) == (round(column), round(row))
        rows, columns = (
            np.arange(size) + round(first) for size, first in zip(tile.part.shape, (row, column), strict=True)
        )
        i = np.flatnonzero((rows >= 0) & (rows < LANDSAT.rows))
        j = np.flatnonzero((columns >= 0) & (columns < LANDSAT.columns))
        assert np.array_equal(values[np.ix_(range(6), i, j)], source[np.ix_(range(6), rows[i], columns[j])])
        seen[np.ix_(rows[i], columns[j])] += 1
        nominal = index.grids["utm33n"].corner(type(index.grids["utm33n"].tile_at(0, 0)).parse(tile.name))
        assert abs(tile.pixels.west - nominal[0]) <= 15
        assert abs(tile.pixels.north - nominal[1]) <= 15
    assert np.array_equal(seen[quality() != 1] > 0, np.ones(np.count_nonzero(quality() != 1), bool))


def test_images_that_were_moved_share_the_lattice_without_reprojection(made, tmp_path):
    """Co-registration moves an image by parts of a pixel, which can't be kept: its pixels stay, and it is told."""
    options = TileImage(reproject=False, tile=False)
    for east, north, columns, rows in ((7.2, -8.4, 0, 0), (24.0, 31.0, 1, 1)):
        grid = replace(LANDSAT, west=LANDSAT.west + east, north=LANDSAT.north + north)
        image = write_image(tmp_path / f"image{east}", grid)
        outcome = tile_image(image, None, tiles=tmp_path / f"tiles{east}", options=options)
        (tile,) = read_tile_index(tmp_path / f"tiles{east}").tiles
        assert (tile.pixels.west, tile.pixels.north) == (LANDSAT.west + 30 * columns, LANDSAT.north + 30 * rows)
        assert outcome.warnings[0].startswith(
            f"moved by {30 * columns - east:g} m east and {30 * rows - north:g} m north"
        )
        with (
            rasterio.open(image / "BOA.tif") as one,
            rasterio.open(tmp_path / f"tiles{east}" / tile.path / "BOA.tif") as other,
        ):
            assert np.array_equal(one.read(), other.read())
    assert tile_image(made[0], None, tiles=tmp_path / "unmoved", options=options).warnings == ()


@pytest.mark.parametrize("reproject", [True, False])
def test_an_image_may_stay_whole(made, tmp_path, reproject):
    image, _, _ = made
    options = TileImage(projection="GLANCE7", tile=False, reproject=reproject)
    outcome = tile_image(image, None, tiles=tmp_path / "tiles", options=options)
    (tile,) = read_tile_index(tmp_path / "tiles").tiles
    assert tile.path == ("europe/193024" if reproject else "utm33n/193024")
    assert outcome.quality["valid_pixels"] == pytest.approx(np.count_nonzero(quality() != 1), rel=1e-2)
    if not reproject:
        assert tile.pixels.bounds == LANDSAT.bounds
    else:
        assert (tile.pixels.west + 5505560) / 30 == pytest.approx(round((tile.pixels.west + 5505560) / 30), abs=1e-6)


def test_tiles_too_cloudy_or_empty_are_left_out_and_listed(tmp_path):
    bits = quality()
    bits[:, 250:][bits[:, 250:] != 1] = 2 << 1
    image = write_image(tmp_path / "image", LANDSAT, quality=bits)
    outcome = tile_image(
        image, None, tiles=tmp_path / "tiles", options=EUROPE.model_copy(update={"max_cloud_cover": 60})
    )
    index = read_tile_index(tmp_path / "tiles")
    cloudy = [tile for tile, reason in index.left_out if "cloud and shadow, more than max-cloud-cover 60" in reason]
    assert outcome.quality["cloudy_tiles"] == len(cloudy) > 0
    assert all(tile.cloud_percent <= 60 for tile in index.tiles)
    assert not any((tmp_path / "tiles" / tile).exists() for tile, _ in index.left_out)
    bits[bits != 1] = 2 << 1
    other = write_image(tmp_path / "clouds", LANDSAT, quality=bits)
    with pytest.raises(NothingToProduce, match=r"no tile is left of .*X\d{4}_Y\d{4}: 100\.00 % cloud and shadow"):
        tile_image(other, None, tiles=tmp_path / "none", options=EUROPE)
    blank = write_image(tmp_path / "blank", LANDSAT, quality=np.ones(LANDSAT.shape))
    with pytest.raises(NothingToProduce, match="the image has no data in it"):
        tile_image(blank, None, tiles=tmp_path / "blank_tiles", options=EUROPE)


def test_only_wanted_tiles_are_written(made, tmp_path):
    image, index, _ = made
    grid = index.grids[""]
    wanted = type(grid.tile_at(0, 0)).parse(index.tiles[1].name)
    write_allow_list(tmp_path / "tiles.txt", frozenset({wanted}))
    tile_image(image, tmp_path / "tiles.txt", tiles=tmp_path / "tiles", options=EUROPE)
    (found,) = read_tile_index(tmp_path / "tiles").tiles
    assert found.name == wanted.name
    assert (tmp_path / "tiles" / found.name / "BOA.tif").read_bytes() == index.file(index.tiles[1], "BOA").read_bytes()
    write_allow_list(tmp_path / "tiles.txt", frozenset({wanted.__class__(0, 0)}))
    with pytest.raises(NothingToProduce, match="touches no tile that is wanted"):
        tile_image(image, tmp_path / "tiles.txt", tiles=tmp_path / "other", options=EUROPE)


def test_an_image_across_180_degrees_is_whole_in_the_cube(tmp_path):
    """Defect D15: no pixel is lost at the seam, in degrees and on the map of Oceania."""
    grid = ImageGrid("EPSG:32701", 150000, 8150000, 60, 500, 900)
    edge = transformer("EPSG:4326", grid.crs).transform(180.0, -16.8)[0]
    assert grid.bounds[0] + 3000 < edge < grid.bounds[2] - 3000
    image = write_image(tmp_path / "image", grid, values=lambda x, y: 3000 + x / 1000 + (y - 8e6) / 1000)
    turned = TileImage(
        projection="EPSG:4326", origin_lon=-180, origin_lat=90, tile_size=(0.5, 0.5), resolution_landsat=0.0005
    )
    for name, options in (("degrees", turned), ("map", TileImage(projection="GLANCE7", resolution_landsat=60))):
        tile_image(image, None, tiles=tmp_path / name, options=options)
        index = read_tile_index(tmp_path / name)
        total = 0.0
        for tile in index.tiles:
            x, y = transformer(grid.crs, tile.part.crs).transform(*centres(tile.part), direction="INVERSE")
            values, known = read(index, tile, "BOA")[0], read(index, tile, "QAI")[0] != 1
            inner = distance_transform_edt(np.pad(known, 1))[1:-1, 1:-1] > 2
            assert np.abs(values - (3000 + x / 1000 + (y - 8e6) / 1000))[inner].max() < 1.2
            area = 60.0**2 if name == "map" else (0.0005 * 111195) ** 2 * np.cos(np.radians(centres(tile.part)[1]))
            total += float((np.broadcast_to(area, known.shape) * known).sum())
        assert total == pytest.approx(grid.rows * grid.columns * 60.0**2, rel=0.01)
        if name == "degrees":
            columns = {tile.name[:5] for tile in index.tiles}
            assert {"X0000", "X0719"} <= columns


def test_a_bad_folder_is_told(tmp_path, made):
    with pytest.raises(InvalidInput, match=r"image\.json: can't be read"):
        tile_image(tmp_path, None, tiles=tmp_path / "t", options=EUROPE)
    image = write_image(tmp_path / "image", LANDSAT)
    (image / "QAI.tif").unlink()
    with pytest.raises(InvalidInput, match=r"has no QAI\.tif"):
        tile_image(image, None, tiles=tmp_path / "t", options=EUROPE)
    image = write_image(tmp_path / "cut", LANDSAT)
    (image / "BOA.tif").write_bytes((image / "BOA.tif").read_bytes()[:200])
    with pytest.raises(InvalidInput, match=r"BOA\.tif: no raster, or damaged"):
        tile_image(image, None, tiles=tmp_path / "t", options=EUROPE)
    image = write_image(tmp_path / "moved", LANDSAT)
    other = write_image(tmp_path / "other", ImageGrid("EPSG:32633", 0, 5800215, 30, 420, 500))
    (other / "QAI.tif").replace(image / "QAI.tif")
    with pytest.raises(InvalidInput, match="BOA and QAI do not lie on one grid"):
        tile_image(image, None, tiles=tmp_path / "t", options=EUROPE)


@pytest.mark.parametrize(("outcome", "error"), [("quarantined", InvalidInput), ("skipped", NothingToProduce)])
def test_what_became_of_an_image_is_passed_on(tmp_path, outcome, error):
    (tmp_path / "image").mkdir()
    record = {"levelworks_record": 1, "outcome": outcome, "reason": "all cloud"}
    (tmp_path / "image.json").write_text(json.dumps(record))
    with pytest.raises(error, match="all cloud"):
        tile_image(tmp_path / "image.json", None, tiles=tmp_path / "t", options=EUROPE)
    write_empty_tiles(tmp_path / "empty", Outcome(Status.SKIPPED, "all cloud"))
    assert json.loads((tmp_path / "empty" / "index.json").read_text())["reason"] == "all cloud"


def test_options_that_do_not_go_together_are_told(made, tmp_path):
    image, _, _ = made
    for options, said in (
        (TileImage(projection="EQUI7"), "no whole number of pixels of 30"),
        (
            TileImage(projection="EPSG:4326", tile_size=(1, 1), resolution_landsat=0.5),
            "pixels of the image along a side",
        ),
        (TileImage(projection="EPSG:326333"), "can't be read"),
    ):
        with pytest.raises(InvalidOptions, match=said):
            tile_image(image, None, tiles=tmp_path / said[:3], options=options)


def test_the_same_image_gives_the_same_bytes(made, tmp_path):
    image, index, _ = made
    tile_image(image, None, tiles=tmp_path / "tiles", options=EUROPE.model_copy(update={"distance": True}))
    for path in sorted(index.root.rglob("*.tif")):
        assert (tmp_path / "tiles" / path.relative_to(index.root)).read_bytes() == path.read_bytes()
    assert (tmp_path / "tiles" / "index.json").read_text() == (index.root / "index.json").read_text()
