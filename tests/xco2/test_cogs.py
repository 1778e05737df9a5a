"""Cloud-Optimised GeoTIFFs: what they say and where their cells are, by rio-cogeo, rasterio and pyproj."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from pyproj import CRS, Transformer
from rio_cogeo.cogeo import cog_validate

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.cogs import COG_OPTIONS, cog_name, geotransform, known_cog_options, write_cog
from levelworks.xco2.geography import Box
from levelworks.xco2.grids import EqualAreaGrid, Grid

LOS_ANGELES = Box(-119.5, 32.5, -116.5, 35.5)
FIJI = Box(178.5, -19.0, -178.5, -16.0)
TIME = 1583250000.9996


def field(grid: Grid, seed: int = 1) -> np.ndarray:
    values = 412.0 + np.random.default_rng(seed).normal(0.0, 1.0, grid.shape).astype(np.float32)
    values[: grid.shape[0] // 4] = np.nan
    return values


def write(path, values, grid, **given):
    usual = {"units": "1e-6", "description": "XCO2", "tags": {}, "nodata": float("nan"), "resampling": "average"}
    write_cog(path, values, grid, **{**usual, **given})
    return path


def statistics(path) -> dict[str, float]:
    with rasterio.open(path) as file:
        return {name: float(value) for name, value in file.tags(1).items() if name.startswith("STATISTICS_")}


@pytest.mark.parametrize("convention", ["cell", "node"])
@pytest.mark.parametrize("box", [LOS_ANGELES, FIJI, Box(-180.0, -90.0, 180.0, 90.0)])
@pytest.mark.parametrize("size", [400, 37])
def test_cells_are_those_of_the_grid(tmp_path, box, convention, size):
    grid = Grid.from_box(box, size, size + 3, convention)
    values = field(grid)
    path = write(tmp_path / "a.tif", values, grid)
    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), values[::-1])
        assert file.crs.to_epsg() == 4326
        assert file.transform.e < 0.0 < file.transform.a
        columns, rows = np.arange(grid.shape[1] + 1), np.arange(grid.shape[0] + 1)
        x, y = file.transform.c + columns * file.transform.a, file.transform.f + rows * file.transform.e
    np.testing.assert_allclose(x, grid.x_edges, rtol=0.0, atol=1e-12)
    inside = slice(1, -1) if convention == "node" and box.max_lat == 90.0 else slice(None)
    np.testing.assert_allclose(y[::-1][inside], grid.y_edges[inside], rtol=0.0, atol=1e-12)


def test_nodes_at_a_pole_keep_their_places():
    grid = Grid.from_box(Box(0.0, 88.0, 4.0, 90.0), 3, 5, "node")
    assert geotransform(grid).f == pytest.approx(90.5, abs=1e-12)
    assert geotransform(grid).e == pytest.approx(-1.0, abs=1e-12)
    grid = Grid.from_box(Box(0.0, 0.0, 4.0, 90.0), 2, 5, "node")
    assert (geotransform(grid).f, geotransform(grid).e) == (135.0, -90.0)


def test_longitudes_run_on_across_the_antimeridian(tmp_path):
    grid = Grid.from_box(FIJI, 30, 30)
    with rasterio.open(write(tmp_path / "a.tif", field(grid), grid)) as file:
        assert (file.bounds.left, file.bounds.right) == (178.5, 181.5)


def test_equal_area_cells_are_those_of_the_grid(tmp_path):
    box = Box(170.0, 82.0, -170.0, 84.0)
    grid = EqualAreaGrid.from_box(box, 40, 150)
    path = write(tmp_path / "a.tif", field(grid), grid)
    assert cog_validate(path, strict=True, quiet=True)[0]
    with rasterio.open(path) as file:
        transform, crs = file.transform, file.crs
        assert file.units == ("1e-6",)
    np.testing.assert_allclose(transform.c + np.arange(151) * transform.a, grid.x_edges * 1e3, rtol=1e-12, atol=1e-9)
    rows = transform.f + np.arange(41) * transform.e
    np.testing.assert_allclose(rows[::-1], grid.y_edges * 1e3, rtol=1e-12, atol=1e-9)
    sphere = CRS.from_proj4("+proj=longlat +R=6371007.2 +no_defs")
    forward = Transformer.from_crs(sphere, CRS.from_wkt(crs.to_wkt()), always_xy=True)
    east, north = forward.transform(grid.longitude, grid.latitude)
    np.testing.assert_allclose(east, np.broadcast_to(grid.x * 1e3, grid.shape), atol=1e-5)
    np.testing.assert_allclose(north, np.broadcast_to(grid.y[:, np.newaxis] * 1e3, grid.shape), atol=1e-5)


@pytest.mark.parametrize(
    ("size", "overviews"),
    [(100, []), (128, []), (129, [2]), (256, [2]), (257, [2, 4]), (400, [2, 4]), (640, [2, 4, 8])],
)
def test_overviews_from_129_pixels_on(tmp_path, size, overviews):
    grid = Grid.from_box(LOS_ANGELES, size, 64)
    with rasterio.open(write(tmp_path / "a.tif", field(grid), grid)) as file:
        assert file.overviews(1) == overviews
        assert file.block_shapes == [(256, 256)]


def test_overviews_average_what_is_there(tmp_path):
    grid = Grid.from_box(LOS_ANGELES, 200, 200)
    values = field(grid)
    write(tmp_path / "average.tif", values, grid)
    write(tmp_path / "nearest.tif", values, grid, resampling="nearest")
    with rasterio.open(tmp_path / "average.tif", overview_level=0) as file:
        expected = values[::-1].reshape(100, 2, 100, 2).astype(np.float64).mean(axis=(1, 3))
        np.testing.assert_allclose(file.read(1), expected, rtol=1e-6)
    with rasterio.open(tmp_path / "nearest.tif", overview_level=0) as file:
        assert np.isin(file.read(1), values).sum() == np.isfinite(file.read(1)).sum() > 0


def test_statistics_are_those_of_the_values(tmp_path):
    grid = Grid.from_box(LOS_ANGELES, 40, 50)
    values = field(grid)
    found = statistics(write(tmp_path / "a.tif", values, grid))
    real = values[np.isfinite(values)].astype(np.float64)
    assert found == {
        "STATISTICS_MINIMUM": real.min(),
        "STATISTICS_MAXIMUM": real.max(),
        "STATISTICS_MEAN": pytest.approx(real.mean(), rel=1e-15),
        "STATISTICS_STDDEV": pytest.approx(real.std(), rel=1e-12),
        "STATISTICS_VALID_PERCENT": 75.0,
    }


@pytest.mark.parametrize("chosen", ["AUTO", "yes", True])
def test_a_band_without_values_has_no_statistics(tmp_path, caplog, chosen):
    grid = Grid.from_box(LOS_ANGELES, 200, 50)
    path = write(tmp_path / "a.tif", np.full(grid.shape, np.nan), grid, options={"statistics": chosen})
    assert statistics(path) == {}
    assert caplog.records == []
    assert cog_validate(path, strict=True, quiet=True)[0]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint16", "bool", ">i4"])
def test_integers_stay_integers(tmp_path, dtype):
    grid = Grid.from_box(LOS_ANGELES, 150, 50)
    values = (np.arange(7500).reshape(grid.shape) % 5).astype(dtype)
    path = write(tmp_path / "a.tif", values, grid, nodata=0, resampling="nearest", units="1")
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), values[::-1])
        assert file.dtypes == ("uint8" if dtype == "bool" else np.dtype(dtype).name,)
        assert file.nodata == 0
        assert file.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "2"
        assert set(np.unique(file.read(1, out_shape=(75, 25)))) <= set(range(5))
    assert statistics(path)["STATISTICS_VALID_PERCENT"] == 80.0
    assert statistics(path)["STATISTICS_MINIMUM"] == 1.0


def test_band_and_file_say_what_they_hold(tmp_path):
    grid = Grid.from_box(LOS_ANGELES, 30, 30)
    tags = {"target_id": "fossil0001", "Comment": "a = b; ü", "tifftag_software": "another"}
    path = write(tmp_path / "a.tif", field(grid).astype(np.float64), grid, tags=tags, start_seconds=TIME)
    with rasterio.open(path) as file:
        assert (file.dtypes, file.units, file.descriptions) == (("float32",), ("1e-6",), ("XCO2",))
        assert np.isnan(file.nodata)
        assert file.tags() == {
            "AREA_OR_POINT": "Area",
            "TIFFTAG_DATETIME": "2020:03:03 15:40:00",
            "TIFFTAG_IMAGEDESCRIPTION": "XCO2",
            "TIFFTAG_SOFTWARE": "another",
            "DATETIME_OF_FIRST_SOUNDING": "2020-03-03T15:40:00Z",
            "TARGET_ID": "fossil0001",
            "COMMENT": "a = b; ü",
        }
        structure = file.tags(ns="IMAGE_STRUCTURE")
    assert (structure["COMPRESSION"], structure["PREDICTOR"], structure["LAYOUT"]) == ("DEFLATE", "3", "COG")


def test_the_same_bytes_twice_and_nothing_beside(tmp_path):
    grid = Grid.from_box(LOS_ANGELES, 400, 400)
    first = write(tmp_path / "a.tif", field(grid), grid, tags={"a": "b"}, start_seconds=TIME)
    second = write(tmp_path / "b.tif", field(grid), grid, tags={"a": "b"}, start_seconds=TIME)
    third = write(
        tmp_path / "c.tif", field(grid), grid, tags={"a": "b"}, start_seconds=TIME, options={"num_threads": 4}
    )
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.tif", "b.tif", "c.tif"]


@pytest.mark.parametrize(
    ("options", "compression", "predictor"),
    [
        ({}, "DEFLATE", "3"),
        ({"compress": "lzw"}, "LZW", "3"),
        ({"COMPRESS": "ZSTD", "LEVEL": 3}, "ZSTD", "3"),
        ({"compress": "lerc"}, "LERC", None),
        ({"compress": "NONE"}, None, None),
        ({"predictor": False}, "DEFLATE", None),
        ({"predictor": 2}, "DEFLATE", "2"),
    ],
)
def test_options_go_before_our_own(tmp_path, options, compression, predictor):
    grid = Grid.from_box(LOS_ANGELES, 130, 130)
    path = write(tmp_path / "a.tif", field(grid), grid, options=options)
    with rasterio.open(path) as file:
        structure = file.tags(ns="IMAGE_STRUCTURE")
        np.testing.assert_array_equal(file.read(1), field(grid)[::-1])
    assert (structure.get("COMPRESSION"), structure.get("PREDICTOR")) == (compression, predictor)
    assert cog_validate(path, strict=True, quiet=True)[0]


def test_blocks_overviews_and_statistics_are_the_users(tmp_path):
    grid = Grid.from_box(LOS_ANGELES, 400, 400)
    given = {"BlockSize": 128, "overview-count": 1, "statistics": False, "unheard_of": 1}
    with rasterio.open(write(tmp_path / "a.tif", field(grid), grid, options=given)) as file:
        assert (file.block_shapes, file.overviews(1)) == ([(128, 128)], [2])
    assert statistics(tmp_path / "a.tif") == {}
    with rasterio.open(write(tmp_path / "b.tif", field(grid), grid, options={"overviews": "NONE"})) as file:
        assert file.overviews(1) == []


def test_knows_the_options_of_the_peer():
    given = {"BLOCKSIZE": 512, "overview-resampling": "mode", "sparse_ok": True, "res": 0.0075, "quality": 80.0, "x": 1}
    assert known_cog_options(given) == (
        {"blocksize": "512", "overview_resampling": "mode", "sparse_ok": "YES", "res": "0.0075", "quality": "80"},
        ("x",),
    )
    assert len(set(COG_OPTIONS)) == len(COG_OPTIONS) == 33


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"options": {"compress": "gzip"}}, InvalidOptions, "compress is 'gzip'; it must be one of none, lzw"),
        ({"options": {"blocksize": 100}}, InvalidOptions, "a.tif: GDAL's COG driver can't write with blocksize=100"),
        ({"options": {"compress": "webp"}}, InvalidOptions, "with blocksize=256, compress=webp"),
        ({"values": np.zeros((3, 4))}, InvalidInput, r"a.tif: values have shape \(3, 4\), the grid has \(30, 20\)"),
        ({"values": np.zeros((30, 20), complex)}, InvalidInput, "values are complex128"),
        ({"values": np.full((30, 20), 1e300)}, InvalidInput, "beyond the range of float32"),
        ({"values": np.zeros((30, 20), np.int16)}, InvalidOptions, "nodata is nan; for int16 it must be one of its"),
        ({"values": np.zeros((30, 20), np.uint8), "nodata": 256}, InvalidOptions, "nodata is 256; for uint8"),
        ({"start_seconds": float("nan")}, InvalidInput, "time of the first sounding is nan"),
    ],
)
def test_refuses_what_it_cannot_write(tmp_path, given, error, words):
    grid = Grid.from_box(LOS_ANGELES, 30, 20)
    values = given.pop("values", field(grid))
    with pytest.raises(error, match=words):
        write(tmp_path / "a.tif", values, grid, **given)
    assert list(tmp_path.iterdir()) == []


def test_a_nodata_number_is_one_of_float32(tmp_path):
    grid = Grid.from_box(LOS_ANGELES, 30, 20)
    values = np.full(grid.shape, 1.5)
    values[0] = -999.99
    path = write(tmp_path / "a.tif", values, grid, nodata=-999.99)
    with rasterio.open(path) as file:
        assert file.read(1, masked=True).mask.sum() == 20
    assert statistics(path)["STATISTICS_MINIMUM"] == 1.5


@pytest.mark.parametrize(
    ("dataset", "filtered", "variable", "name"),
    [
        ("oco3", True, "/xco2", "oco3-co2_fossil0001_2020-03-03T154000Z_filtered_xco2.tif"),
        ("oco2", False, "/Retrieval/psurf", "oco2-co2_fossil0001_2020-03-03T154000Z_unfiltered_Retrieval.psurf.tif"),
        ("oco3_sif", True, "Daily_SIF_757nm", "oco3-sif_fossil0001_2020-03-03T154000Z_filtered_Daily_SIF_757nm.tif"),
    ],
)
def test_names_are_those_of_the_peer(dataset, filtered, variable, name):
    assert cog_name(dataset, "fossil0001", TIME, filtered, variable) == name


def test_refuses_names_of_nothing():
    with pytest.raises(InvalidOptions, match="dataset is 'oco4'"):
        cog_name("oco4", "a", TIME, True, "/xco2")
    with pytest.raises(InvalidInput, match="can't be part of a file name"):
        cog_name("oco3", "../a", TIME, True, "/xco2")
    with pytest.raises(InvalidInput, match="must be a number of seconds"):
        cog_name("oco3", "a", float("nan"), True, "/xco2")
