"""Files of the cube: Cloud-Optimised GeoTIFFs that others read, formats, metadata, blocks of rows of any size."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rio_cogeo import cog_info, cog_validate

from levelworks.ard.cube.projections import continental_grids
from levelworks.ard.products.cog import CogWriter
from levelworks.ard.products.file_formats import FORMATS, file_format, open_writer, read_output_options
from levelworks.ard.products.layers import LAYERS
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.products.windows import Window
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidOptions

EUROPE = continental_grids("GLANCE-EU")[0].grid
GRID = ImageGrid(EUROPE.wkt, -555560.0, -403755.0, 30.0, 700, 1000)


def reflectance(bands: int = 6, shape: tuple[int, int] = GRID.shape, seed: int = 7) -> np.ndarray:
    values = np.random.default_rng(seed).integers(-200, 9000, (bands, *shape)).astype(np.int16)
    values[:, : shape[0] // 3, : shape[1] // 2] = -9999
    values[:, -9::2, -7:] = -9999
    return values


def write(path, values, grid=GRID, rows=256, part=None, overviews="average", nodata=-9999):
    names = [f"B{number}" for number in range(len(values))]
    with CogWriter(path, grid, len(values), values.dtype.name, nodata, names, overviews=overviews, part=part) as writer:
        for start in range(0, values.shape[1], rows):
            writer.write(start, values[:, start : start + rows])
    return path


def halved(values: np.ndarray) -> np.ndarray:
    """Return means of the known of two by two, halves up."""
    rows, columns = (-(-size // 2) * 2 for size in values.shape)
    padded = np.full((rows, columns), -9999, np.int64)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows // 2, 2, columns // 2, 2).transpose(0, 2, 1, 3).reshape(rows // 2, columns // 2, 4)
    known = blocks != -9999
    total, count = np.where(known, blocks, 0).sum(axis=2), known.sum(axis=2)
    return np.where(count > 0, np.floor_divide(2 * total + count, np.maximum(2 * count, 1)), -9999)


def test_the_file_is_cloud_optimised_for_all_that_check_it(tmp_path):
    path = write(tmp_path / "a.tif", reflectance())
    assert cog_validate(path) == (True, [], [])
    with rasterio.open(path) as file:
        assert file.tags(ns="IMAGE_STRUCTURE") == {
            "LAYOUT": "COG",
            "COMPRESSION": "ZSTD",
            "INTERLEAVE": "BAND",
            "PREDICTOR": "2",
        }
        assert (file.block_shapes[0], file.overviews(1)) == ((256, 256), [2, 4])
        assert file.crs == rasterio.CRS.from_wkt(EUROPE.wkt)
        assert file.transform == rasterio.Affine(*GRID.transform)
        assert np.array_equal(file.read(), reflectance())
    offsets = [one.Decimation for one in cog_info(path).IFD]
    assert len(offsets) == 3


@pytest.mark.parametrize("form", ["NATIVE", "little"])
def test_every_type_and_size_is_read_back(tmp_path, form):
    rng = np.random.default_rng(1)
    for shape in ((1, 1), (255, 257), (256, 256), (513, 300), (40, 1500)):
        grid = ImageGrid("EPSG:32633", 300000, 5600000, 10, *shape)
        for dtype, nodata in (("int16", -9999), ("uint8", 255)):
            low, high = (-32768, 32767) if dtype == "int16" else (0, 255)
            values = rng.integers(low, high, (2, *shape), endpoint=True).astype(dtype)
            path = write(tmp_path / "a.tif", values, grid, rows=100, nodata=nodata, overviews="nearest")
            with rasterio.open(path) as file:
                assert (file.nodata, file.dtypes[0]) == (nodata, dtype)
                assert np.array_equal(file.read(), values)
                assert file.crs.to_epsg() == 32633


def test_overviews_average_what_was_measured(tmp_path):
    values = reflectance()
    path = write(tmp_path / "a.tif", values)
    level = values[4].astype(np.int64)
    for number in range(2):
        level = halved(level)
        with rasterio.open(path, overview_level=number) as file:
            assert np.array_equal(file.read(5), level)


def test_overviews_of_bits_are_pixels_of_the_file(tmp_path):
    """Defect D13: means of bit fields are no states at all."""
    bits = np.random.default_rng(2).choice([0, 2, 4, 8, 40, 6144, 1], (1, *GRID.shape)).astype(np.int16)
    layer = LAYERS["QAI"]
    with open_writer(FORMATS["cog"], tmp_path / "q.tif", GRID, layer, "LND08", "20180824", ["A"]) as writer:
        writer.write(0, bits)
    assert cog_validate(tmp_path / "q.tif")[0]
    for number in range(2):
        with rasterio.open(tmp_path / "q.tif", overview_level=number) as file:
            step = 2 ** (number + 1)
            assert np.array_equal(file.read(1), bits[0, ::step, ::step])


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.sampled_from(["average", "nearest"]))
def test_blocks_of_rows_may_have_any_size(tmp_path_factory, sizes, overviews):
    folder = tmp_path_factory.mktemp("blocks")
    values = reflectance(2, (600, 300))
    grid = ImageGrid("EPSG:32633", 0, 0, 10, 600, 300)
    whole = write(folder / "whole.tif", values, grid, 600, overviews=overviews)
    with CogWriter(folder / "cut.tif", grid, 2, "int16", -9999, ["B0", "B1"], overviews=overviews) as writer:
        start = 0
        while start < 600:
            count = min(sizes[start % len(sizes)], 600 - start)
            writer.write(start, values[:, start : start + count])
            start += count
    assert (folder / "cut.tif").read_bytes() == whole.read_bytes()


def test_a_part_gives_the_bytes_of_the_whole(tmp_path):
    grid = ImageGrid(EUROPE.wkt, 0, 0, 10, 2600, 2300)
    part = Window(512, 768, 700, 900)
    values = np.full((2, 2600, 2300), -9999, np.int16)
    values[:, 512:1212, 768:1668] = reflectance(2, (700, 900))
    whole = write(tmp_path / "whole.tif", values, grid)
    small = write(tmp_path / "part.tif", values[:, 512:1212, 768:1668], grid, 77, part)
    assert small.read_bytes() == whole.read_bytes()
    with pytest.raises(ValueError, match="does not begin at a tile"):
        CogWriter(tmp_path / "x.tif", grid, 1, "int16", -9999, ["a"], part=Window(100, 0, 10, 10))


def test_tiles_without_data_take_no_space(tmp_path):
    grid = ImageGrid(EUROPE.wkt, 0, 0, 10, 5000, 5000)
    part = Window(0, 0, 256, 256)
    path = write(tmp_path / "a.tif", np.zeros((1, 256, 256), np.int16), grid, 256, part)
    assert path.stat().st_size < 20000
    with rasterio.open(path) as file:
        assert (file.read(1)[:256, :256] == 0).all()
        assert (file.read(1, window=((256, 5000), (0, 5000))) == -9999).all()
    assert cog_validate(path)[0]


def test_rows_come_once_and_in_order(tmp_path):
    for kind in (CogWriter, ImageWriter):
        with (
            pytest.raises(ValueError, match="row 10 comes next"),
            kind(tmp_path / "a.tif", GRID, 1, "int16", -9999, ["a"]) as writer,
        ):
            writer.write(0, np.zeros((10, 1000), np.int16))
            writer.write(20, np.zeros((10, 1000), np.int16))
        with (
            pytest.raises(ValueError, match="10 of 700 rows"),
            kind(tmp_path / "a.tif", GRID, 1, "int16", -9999, ["a"]) as writer,
        ):
            writer.write(0, np.zeros((10, 1000), np.int16))
        with (
            pytest.raises(ValueError, match="does not fit"),
            kind(tmp_path / "a.tif", GRID, 1, "int16", -9999, ["a"]) as writer,
        ):
            writer.write(0, np.zeros((10, 1000), np.uint8))
        with pytest.raises(ValueError, match="2 descriptions of 1 bands"):
            kind(tmp_path / "a.tif", GRID, 1, "int16", -9999, ["a", "b"])


@pytest.mark.parametrize("form", ["cog", "geotiff", "envi"])
def test_files_say_what_force_says(tmp_path, form):
    """Specification section 16: items of file and band in the domain FORCE, names of bands, no data."""
    chosen = FORMATS[form]
    path = tmp_path / f"a{chosen.suffix}"
    values = reflectance()
    with open_writer(chosen, path, GRID, LAYERS["BOA"], "LND08", "20180824", ["LC08_A", "LC08_B"]) as writer:
        for start in range(0, 700, 300):
            writer.write(start, values[:, start : start + 300])
    with rasterio.open(path) as file:
        assert np.array_equal(file.read(), values)
        assert file.descriptions == ("BLUE", "GREEN", "RED", "NIR", "SWIR1", "SWIR2")
        assert (file.nodata, file.scales[0]) == (-9999, 1e-4)
        assert file.transform.almost_equals(rasterio.Affine(*GRID.transform))
        if form != "envi":
            assert file.tags(ns="FORCE")["FORCE_product"] == "BOA"
            assert file.tags(ns="FORCE")["FORCE_param"] == "LC08_A LC08_B"
            assert file.tags(4, ns="FORCE") == {
                "Domain": "NIR",
                "Wavelength": "0.864",
                "Wavelength_unit": "micrometers",
                "Scale": "10000.000",
                "Sensor": "LND08",
                "Date": "2018-08-24",
            }
    if form == "envi":
        header = path.with_suffix(".hdr").read_text()
        assert str(tmp_path) not in header
        assert "a.dat}" in header


def test_formats_of_ones_own(tmp_path):
    options = tmp_path / "options.txt"
    options.write_text("DRIVER = GTiff\nEXTENSION = tiff\n# strips\nCOMPRESS = LZW\nPREDICTOR = 2\n")
    form = file_format("custom", options)
    assert (form.driver, form.suffix, form.creation) == ("GTiff", ".tiff", {"COMPRESS": "LZW", "PREDICTOR": "2"})
    values = reflectance()
    with open_writer(form, tmp_path / "a.tiff", GRID, LAYERS["BOA"], "LND08", "20180824", ["A"]) as writer:
        writer.write(0, values)
    with rasterio.open(tmp_path / "a.tiff") as file:
        assert file.compression.name == "lzw"
        assert np.array_equal(file.read(), values)
        assert file.tags(1, ns="FORCE")["Domain"] == "BLUE"
    assert {path.name for path in tmp_path.iterdir()} == {"options.txt", "a.tiff"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("EXTENSION = tif\n", "DRIVER must be given"),
        ("DRIVER = Nonsense\nEXTENSION = x\n", "GDAL has no driver 'Nonsense'"),
        ("DRIVER = GTiff\nEXTENSION = tif\nCOMPRESS\n", "line 3: 'COMPRESS' is not TAG = VALUE"),
        (
            "DRIVER = GTiff\nEXTENSION = tif\n" + "".join(f"T{n} = 1\n" for n in range(33)),
            "has 33 options, more than 32",
        ),
    ],
)
def test_wrong_options_of_a_format_are_told(tmp_path, text, said):
    (tmp_path / "o.txt").write_text(text)
    with pytest.raises(InvalidOptions, match=said):
        read_output_options(tmp_path / "o.txt")
    with pytest.raises(InvalidOptions, match="output-options must name a file"):
        file_format("custom", None)


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for form, suffix in (("cog", ".tif"), ("geotiff", ".tif"), ("envi", ".dat")):
        digests = set()
        for name in ("first", "second"):
            folder = tmp_path / form / name
            folder.mkdir(parents=True)
            path = folder / f"a{suffix}"
            with open_writer(FORMATS[form], path, GRID, LAYERS["BOA"], "LND08", "20180824", ["A"]) as writer:
                writer.write(0, reflectance())
            digests.add(hashlib.sha256(b"".join(one.read_bytes() for one in sorted(folder.iterdir()))).hexdigest())
        assert len(digests) == 1
