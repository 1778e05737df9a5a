"""Products in place: folders and zips, stored and compressed, read alike; damage found and named."""

from __future__ import annotations

import io
import shutil
import zipfile

import numpy as np
import pytest
import rasterio

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.manifest import check_files, read_manifest
from levelworks.insar.safe.measurement import Measurement, read_burst
from levelworks.insar.safe.names import parse_file_name, parse_product_name
from levelworks.insar.safe.package import open_package
from levelworks.insar.safe.tiff_layout import read_layout
from levelworks.insar.simulation.safe_files import pack

SWATHS = ("IW1", "IW2")


@pytest.fixture
def product(simulated_pair, tmp_path):
    source = simulated_pair.products["20250406"][0]
    return shutil.copytree(source, tmp_path / source.name)


def tiff_of(product, swath="iw1"):
    return next((product / "measurement").glob(f"*-{swath}-*.tiff"))


def test_names():
    name = parse_product_name("S1A_IW_SLC__1SDV_20250406T022008_20250406T022035_058630_07421F_93A7.SAFE")
    assert (name.id[-4:], name.mission, name.polarisations, name.absolute_orbit) == ("93A7", "S1A", ("VV", "VH"), 58630)
    file = parse_file_name("noise-s1a-iw2-slc-vv-20250406t022010-20250406t022035-058630-07421f-005.xml")
    assert (file.kind, file.swath, file.polarisation) == ("noise", "IW2", "VV")
    assert parse_file_name("s1a-iw-grd-vv-20211223t051122-20211223t051147-030148-039993-001.xml") is None
    for bad in (
        "S1A_IW_GRDH_1SDV_20250406T022008_20250406T022035_058630_07421F_93A7.SAFE",
        "S1A_IW_SLC__1SDV_20251306T022008_20251306T022035_058630_07421F_93A7",
        "S1A_IW_SLC__1SDV_20250406T022035_20250406T022008_058630_07421F_93A7",
    ):
        with pytest.raises(InvalidInput):
            parse_product_name(bad)


def test_manifests_of_every_real_product(real_products):
    for path in real_products:
        manifest, name = read_manifest(open_package(path)), parse_product_name(path.name)
        assert (manifest.mission, manifest.absolute_orbits[0]) == (name.mission, name.absolute_orbit)
        assert manifest.polarisations == name.polarisations
        assert manifest.data_take == int(name.data_take, 16)
        assert manifest.start.replace(microsecond=0) == name.start
        assert len(manifest.footprint) == 4
        assert manifest.processor.startswith("Sentinel-1 IPF 003.")
        assert sum(listed.member.startswith("measurement/") for listed in manifest.files) == 6


def test_files_that_manifests_name(real_pair):
    package = open_package(real_pair[0])
    findings = check_files(package, read_manifest(package), ("IW2",), "VV")
    assert len(findings) == 1
    assert findings[0].startswith("measurement/s1a-iw2-slc-vv-")
    assert findings[0].endswith("is absent")


@pytest.mark.parametrize("compressed", [False, True])
def test_zips_are_read_as_folders(product, compressed):
    archive = pack(product, compressed=compressed)
    folder = read_acquisition([product], swaths=SWATHS)
    zipped = read_acquisition([archive], swaths=SWATHS)
    assert (open_package(archive).in_place(folder.bursts[0].source.member) is None) == compressed
    for one, two in zip(folder.bursts, zipped.bursts, strict=True):
        pixels = read_burst(one)
        assert np.array_equal(pixels, read_burst(two))
        assert np.array_equal(pixels[100:110], read_burst(two, (100, 110)))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_pixels_agree_with_gdal(product):
    import rasterio

    acquisition = read_acquisition([product], swaths=SWATHS)
    burst = acquisition.bursts[1]
    with rasterio.open(tiff_of(product)) as file:
        assert file.dtypes[0] == "complex_int16"
        expected = file.read(1)[burst.lines : 2 * burst.lines]
    assert np.array_equal(read_burst(burst), expected)
    window = burst.valid
    valid = read_burst(burst)[window.first_line : window.last_line + 1, window.first_sample : window.last_sample + 1]
    assert np.abs(valid).min(axis=1).max() > 0
    assert not read_burst(burst, (0, window.first_line)).any()
    assert not read_burst(burst, (window.last_line + 1, burst.lines)).any()


def test_a_product_that_someone_compressed_again(insar_data):
    """GDAL reads what is not laid out as the agency does: LZW in tiles of the sarsen product."""
    path = next((insar_data / "sarsen/tests/data").glob("*SLC*.SAFE"))
    burst = read_acquisition([path], swaths=["IW1"]).bursts[-1]
    with Measurement(open_package(path), burst.source.member) as file:
        assert not file.layout.plain
        assert file.available(burst)
        assert file.read(burst, (1400, 1404)).shape == (4, 22694)


def test_truncated_measurement(product):
    """The bursts before the cut are still good."""
    path = tiff_of(product)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1000)
    acquisition = read_acquisition([product], swaths=SWATHS)
    assert [burst.key for burst in acquisition.bursts] == ["iw1_230135", "iw2_230135", "iw2_230136"]
    (gap,) = acquisition.gaps
    assert (gap.swath, gap.id) == ("IW1", 230136)
    assert "is truncated: it has" in gap.reason
    assert path.name in gap.reason
    whole = read_acquisition([product], swaths=SWATHS, pixels=False)
    with pytest.raises(InvalidInput, match=r"truncated: burst 230136 of IW1 needs \d+ bytes and has \d+"):
        read_burst(whole.bursts[1])


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"II*\0", "is no TIFF"), (b"II*\0\xff\xff\0\0" + bytes(40), "directory lies at byte 65535")],
)
def test_measurements_that_are_none(product, content, message):
    tiff_of(product).write_bytes(content)
    acquisition = read_acquisition([product], swaths=SWATHS)
    assert {burst.swath for burst in acquisition.bursts} == {"IW2"}
    assert len(acquisition.gaps) == 2
    assert all(message in gap.reason for gap in acquisition.gaps)


def test_a_damaged_zip(product):
    archive = pack(product)
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidInput, match="it is truncated or no zip, fetch it again"):
        open_package(archive)


def test_a_compressed_member_that_is_damaged(product):
    archive = pack(product, compressed=True)
    member = f"{product.name}/measurement/{tiff_of(product).name}"
    with zipfile.ZipFile(archive) as file:
        offset = file.getinfo(member).header_offset
    burst = read_acquisition([archive], swaths=SWATHS).bursts[1]  # to whose end the zip's checksum reaches
    content = bytearray(archive.read_bytes())
    content[offset + 100_000 : offset + 100_400] = bytes(400)
    archive.write_bytes(content)
    with pytest.raises(InvalidInput, match="can't be read"):
        read_burst(burst)


def test_what_is_no_product(tmp_path):
    (tmp_path / "x.SAFE").mkdir()
    for path, message in (
        (tmp_path / "x.SAFE", "has no manifest.safe"),
        (tmp_path / "y.zip", "is neither a SAFE folder nor a zip"),
    ):
        with pytest.raises(InvalidInput, match=message):
            open_package(path)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        file.writestr("readme.txt", "nothing")
    with pytest.raises(InvalidInput, match=r"holds 0 files manifest\.safe"):
        open_package(tmp_path / "z.zip")


def test_a_product_of_another_kind(insar_data):
    path = next((insar_data / "sarsen/tests/data").glob("*GRDH*.SAFE"))
    with pytest.raises(InvalidInput, match="it is IW GRD; the line takes IW SLC"):
        read_manifest(open_package(path))


@pytest.mark.parametrize("compress", ["none", "deflate"])
def test_lines_of_a_truncated_measurement_are_counted(tmp_path, compress):
    """Those before the first strip that reaches beyond the end; a list of strips that is cut is an error."""
    path = tmp_path / "measurement.tiff"
    pixels = np.random.default_rng(3).integers(-999, 999, (600, 40, 2)).astype(np.int16)
    profile = {"driver": "GTiff", "dtype": "complex_int16", "count": 1, "compress": compress, "blockysize": 1}
    with rasterio.open(path, "w", height=600, width=40, **profile) as file:
        file.write((pixels[..., 0] + 1j * pixels[..., 1]).astype(np.complex64), 1)
    content = path.read_bytes()
    whole = read_layout(io.BytesIO(content), "all", len(content))
    assert (whole.lines, whole.whole, whole.plain) == (600, 600, compress == "none")
    cut = read_layout(io.BytesIO(content), "cut", len(content) - len(content) // 4)
    assert 400 < cut.whole < 500
    with pytest.raises(InvalidInput, match="ends inside its directory"):
        read_layout(io.BytesIO(content[:1000]), "short", 1000)
