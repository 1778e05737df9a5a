"""Sentinel-2 Level-1C: metadata of real products, small SAFEs, masks, angles, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from ard_level1 import GRANULE, KEYS, RESOLUTIONS, SAFE, gml_mask, granule_xml, product_xml, write_jp2, write_safe

from levelworks.ard.names import identify
from levelworks.ard.readers.open_image import open_image
from levelworks.ard.readers.sentinel2 import calibrations, find_layout, open_sentinel2
from levelworks.ard.readers.sentinel2_masks import detector_footprint
from levelworks.ard.readers.sentinel2_xml import BAND_KEYS, read_granule, read_product
from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import SENSORS
from levelworks.core.outcome import InvalidInput

REAL = {
    "T56JMM": ("02.06", "EPSG:32756", 399960, 6700000, (9, 10, 11, 12)),
    "T53JQJ": ("02.09", "EPSG:32753", 699960, 6900040, (1, 2, 3)),
    "T48LWP": ("03.01", "EPSG:32748", 499980, 8900020, (3, 4, 5, 6, 7, 8)),
    "T46RER": ("03.01", "EPSG:32646", 499980, 3100020, (11, 12)),
}


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_safe(tmp_path_factory.mktemp("safe"))


def granule_of(safe: Path) -> Path:
    return safe / "GRANULE" / GRANULE


@pytest.mark.parametrize("tile", list(REAL))
def test_real_metadata_is_read_whole(shared_data: Path, tile: str) -> None:
    baseline, crs, west, north, detectors = REAL[tile]
    folder = next((shared_data / "ard/meta/sentinel2_l1c").glob(f"*_{tile}_*.SAFE"))
    layout = find_layout(folder)
    assert layout.product is not None
    product, granule = read_product(layout.product), read_granule(layout.granule)
    assert (product.name, product.baseline, product.sensor.id) == (folder.stem, baseline, "SEN2A")
    assert product.start.date() == identify(folder).date
    assert (product.quantification, product.nodata, product.saturated) == (10000.0, 0, 65535)
    assert set(product.offsets.values()) == {0.0}
    assert product.degraded == 0.0
    assert list(product.irradiance) == list(BAND_KEYS)
    assert product.irradiance["8A"] == 955.32
    assert product.distance_factor == pytest.approx(1.0, abs=0.035)
    assert (granule.crs, granule.west, granule.north) == (crs, west, north)
    assert granule.shapes == {10: (10980, 10980), 20: (5490, 5490), 60: (1830, 1830)}
    assert set(granule.view) == set(BAND_KEYS)
    assert all(tuple(grids) == detectors for grids in granule.view.values())
    assert granule.sun.vectors.shape == (23, 23, 3)
    assert granule.sun.spacing == (5000.0, 5000.0)
    assert abs((granule.time - product.start).total_seconds()) < 900
    assert granule.masks["MSK_DETFOO", "8A"] == "MSK_DETFOO_B8A.gml"
    with pytest.raises(InvalidInput, match=r"_B01\.jp2 is missing"):
        open_image(folder)


def test_the_real_tile_of_sinergise_goes_as_far_as_its_files(shared_data: Path) -> None:
    """Its bands are decimated to a hundredth: the metadata is whole, the sizes aren't."""
    folder = next((shared_data / "ard/meta/sentinel2_l1c/sinergise_s2_l1c").iterdir())
    layout = find_layout(folder)
    assert layout.product is None
    granule = read_granule(layout.granule)
    assert granule.time == datetime(2020, 10, 11, 0, 6, 49, 882566, tzinfo=UTC)
    assert len(granule.view["05"]) == 6
    assert identify(folder).sensor == "SEN2B"
    with pytest.raises(InvalidInput, match=r"B01\.jp2 has 19 x 19 pixels and metadata\.xml says 1830 x 1830"):
        open_image(folder)


def test_a_safe_is_opened_with_the_offsets_of_its_bands(safe: Path) -> None:
    image = open_image(safe)
    data = image.metadata
    assert (data.id, data.sensor.id, data.reference, data.tier) == (SAFE, "SEN2A", "T33UUP", 1)
    assert data.time == datetime(2022, 6, 29, 10, 15, 0, 123456, tzinfo=UTC)
    assert data.grid == ImageGrid("EPSG:32633", 300000.0, 5800020.0, 10.0, 180, 180)
    assert data.earth_sun_distance == pytest.approx(0.967**-0.5)
    assert list(data.files) == [band.name for band in data.sensor.bands]
    assert data.extras["baseline"] == "04.00"
    for band in data.sensor.bands:
        calibration = data.calibration[band.name]
        offset = -0.0999 if band.key == "04" else -0.1
        assert (calibration.multiplier, calibration.over_cosine) == (1e-4, False)
        assert calibration.offset == pytest.approx(offset)
        grid = image.grid_of(band.name)
        pixels = 1800 // band.resolution
        assert (grid.shape, grid.resolution) == ((pixels, pixels), band.resolution)
        with rasterio.open(data.files[band.name]) as file:
            counts = file.read(1)
        np.testing.assert_array_equal(image.read(band.name, 0, pixels), counts)
        np.testing.assert_array_equal(image.read(band.name, 5, 17), counts[5:17])
    image.close()


def test_products_before_baseline_4_have_no_offset(tmp_path: Path) -> None:
    path = tmp_path / "MTD_MSIL1C.xml"
    path.write_text(product_xml(None), encoding="utf-8")
    product = read_product(path)
    assert product.baseline == "03.01"
    assert {one.offset for one in calibrations(product, product.sensor).values()} == {0.0}
    assert {one.multiplier for one in calibrations(None, SENSORS["SEN2B"]).values()} == {1e-4}


def test_a_granule_is_opened_alone_and_the_first_of_several(safe: Path, tmp_path: Path) -> None:
    one = open_image(granule_of(safe))
    assert one.metadata.id == SAFE
    assert "warning" not in one.metadata.extras
    several = tmp_path / safe.name
    (several / "GRANULE").mkdir(parents=True)
    (several / "MTD_MSIL1C.xml").symlink_to(safe / "MTD_MSIL1C.xml")
    (several / "GRANULE" / GRANULE).symlink_to(granule_of(safe))
    (several / "GRANULE" / "L1C_T33UVP_A036657_20220629T101040").mkdir()
    first = open_sentinel2(several)
    assert first.metadata.reference == "T33UUP"
    assert first.metadata.extras["warning"].startswith("2 granules")
    assert GRANULE in first.metadata.extras["warning"]


def test_old_names_of_products_and_granules(safe: Path, tmp_path: Path) -> None:
    product = tmp_path / "S2A_OPER_PRD_MSIL1C_PDMC_20160112T232100_R111_V20160112T160202_20160112T160202.SAFE"
    name = "S2A_OPER_MSI_L1C_TL_SGS__20160112T214028_A002911_T33UUP"
    granule = product / "GRANULE" / f"{name}_N02.01"
    (granule / "IMG_DATA").mkdir(parents=True)
    (product / "S2A_OPER_MTD_SAFL1C_PDMC_20160112T232100_R111_V20160112T160202_20160112T160202.xml").symlink_to(
        safe / "MTD_MSIL1C.xml"
    )
    (granule / "S2A_OPER_MTD_L1C_TL_SGS__20160112T214028_A002911_T33UUP.xml").symlink_to(
        granule_of(safe) / "MTD_TL.xml"
    )
    for path in (granule_of(safe) / "IMG_DATA").iterdir():
        (granule / "IMG_DATA" / f"{name}_B{path.stem[-2:]}.jp2").symlink_to(path)
    assert open_image(product).metadata.id == product.stem
    alone = open_image(granule).metadata
    assert (alone.id, alone.reference) == (name, "T33UUP")


def test_the_layout_of_sinergise(safe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "0"
    folder.mkdir()
    (folder / "metadata.xml").symlink_to(granule_of(safe) / "MTD_TL.xml")
    for path in (granule_of(safe) / "IMG_DATA").iterdir():
        (folder / f"B{path.stem[-2:]}.jp2").symlink_to(path)
    with pytest.raises(InvalidInput, match="no name of a Level-1 image"):
        open_image(folder)
    (folder / "tileInfo.json").write_text(json.dumps({"path": "x", "productName": SAFE}))
    image = open_image(folder)
    assert (image.metadata.id, image.metadata.sensor.id) == (SAFE, "SEN2A")
    assert image.metadata.calibration["RED"].multiplier == 1e-4
    assert image.read("RED", 0, 3).shape == (3, 180)


def test_angles_are_those_of_the_grids(safe: Path) -> None:
    image = open_sentinel2(safe)
    angles = image.angles()
    assert angles.sun_zenith.shape == (6, 6)
    np.testing.assert_allclose(angles.sun_zenith, 32.0, atol=1e-4)
    np.testing.assert_allclose(angles.sun_azimuth, 150.0, atol=1e-4)
    np.testing.assert_allclose(angles.view_zenith, 4.0, atol=1e-4)
    np.testing.assert_allclose(angles.view_azimuth, 350.0, atol=1e-3)
    np.testing.assert_allclose(angles.relative_azimuth, 160.0, atol=1e-3)
    assert image.angles() is angles


def test_footprints_say_which_detector_saw(tmp_path: Path) -> None:
    """Two detectors have angles everywhere; 350 degrees of detector 5, and 4 of detector 6, which saw the east."""
    safe = write_safe(tmp_path)
    granule = granule_of(safe)
    text = (granule / "MTD_TL.xml").read_text()
    (granule / "MTD_TL.xml").write_text(text.replace("nan", "4"))
    masks = granule / "QI_DATA"
    for key in KEYS:
        pixels = 1800 // RESOLUTIONS[key]
        detectors = np.full((pixels, pixels), 5, np.uint8)
        detectors[:, pixels // 2 :] = 6
        write_jp2(masks / f"MSK_DETFOO_B{key}.jp2", detectors, RESOLUTIONS[key])
    azimuth = open_sentinel2(safe).angles().view_azimuth
    np.testing.assert_allclose(azimuth[:, :3], 350.0, atol=1e-3)
    np.testing.assert_allclose(azimuth[:, 3:], 4.0, atol=1e-3)
    # The same as outlines: of bands that have both, the name in the metadata counts, else the raster.
    halves = [(300000.0, 300900.0, 5), (300900.0, 301800.0, 6)]
    outlines = gml_mask([
        (f"detector_footprint-B02-{number:02d}-{index}", "DETECTOR_FOOTPRINT",
         [(west, 5800020.0), (east, 5800020.0), (east, 5798220.0), (west, 5798220.0)])
        for index, (west, east, number) in enumerate(halves)
    ])  # fmt: skip
    path = masks / "MSK_DETFOO_B02.gml"
    path.write_text(outlines)
    field = ImageGrid("EPSG:32633", 300000.0, 5800020.0, 300.0, 6, 6)
    expected = np.array([5, 5, 5, 6, 6, 6]) * np.ones((6, 1), int)
    np.testing.assert_array_equal(detector_footprint(path, field), expected)
    np.testing.assert_array_equal(detector_footprint(masks / "MSK_DETFOO_B02.jp2", field), expected)
    wider = ImageGrid("EPSG:32633", 300000.0, 5800020.0, 300.0, 7, 7)
    assert detector_footprint(masks / "MSK_DETFOO_B05.jp2", wider).shape == (7, 7)


def test_quality_rasters_are_read_where_data_were_lost(tmp_path: Path) -> None:
    safe = write_safe(tmp_path, degraded="0.5")
    masks = granule_of(safe) / "QI_DATA"
    for key in KEYS:
        pixels = 1800 // RESOLUTIONS[key]
        layers = np.zeros((8, pixels, pixels), np.uint8)
        if key == "02":
            layers[2, 50, 60], layers[5, 51, 61], layers[0, 52, 62] = 1, 1, 1
        if key == "11":
            layers[7, 20, 30] = 1
        write_jp2(masks / f"MSK_QUALIT_B{key}.jp2", layers, RESOLUTIONS[key])
    image = open_sentinel2(safe)
    quality = image.read_quality(35, 60)
    assert quality is not None
    assert np.argwhere(quality.dropped).tolist() == [[15, 60]]
    assert np.argwhere(quality.fill).tolist() == [[16, 61]]
    bit = [band.name for band in image.metadata.sensor.bands].index("SWIR1")
    assert np.argwhere(quality.saturated == 1 << bit).tolist() == [[5, 60], [5, 61], [6, 60], [6, 61]]
    (safe / "MTD_MSIL1C.xml").write_text(product_xml(-1000, "0.0"), encoding="utf-8")
    assert open_sentinel2(safe).read_quality(0, 20) is None


def test_outlines_of_lost_packets_and_saturation(safe: Path, tmp_path: Path) -> None:
    copy = tmp_path / safe.name
    granule = granule_of(copy)
    (granule / "QI_DATA").mkdir(parents=True)
    (copy / "MTD_MSIL1C.xml").symlink_to(safe / "MTD_MSIL1C.xml")
    (granule / "MTD_TL.xml").symlink_to(granule_of(safe) / "MTD_TL.xml")
    (granule / "IMG_DATA").symlink_to(granule_of(safe) / "IMG_DATA")

    def box(column: int, row: int, size: int) -> list[tuple[float, float]]:
        west, north = 300000.0 + 10 * column, 5800020.0 - 10 * row
        return [
            (west, north),
            (west + 10 * size, north),
            (west + 10 * size, north - 10 * size),
            (west, north - 10 * size),
        ]

    lost = [("a-B04-1", "MSI_LOST", box(10, 20, 3)), ("b-B04-2", "ANC_LOST", box(50, 20, 3))]
    (granule / "QI_DATA" / "MSK_TECQUA_B04.gml").write_text(gml_mask(lost))
    (granule / "QI_DATA" / "MSK_SATURA_B8A.gml").write_text(gml_mask([("c-B8A-1", "L1A_SATURATED", box(100, 21, 2))]))
    image = open_sentinel2(copy)
    quality = image.read_quality(21, 30)
    assert quality is not None
    assert np.argwhere(quality.dropped).tolist() == [[row, column] for row in (0, 1) for column in (10, 11, 12)]
    bit = [band.key for band in image.metadata.sensor.bands].index("8A")
    assert np.argwhere(quality.saturated == 1 << bit).tolist() == [
        [row, column] for row in (0, 1) for column in (100, 101)
    ]
    assert not quality.fill.any()


def test_bad_bands_are_named(safe: Path, tmp_path: Path) -> None:
    copy = tmp_path / safe.name
    granule = granule_of(copy)
    images = granule / "IMG_DATA"
    images.mkdir(parents=True)
    (copy / "MTD_MSIL1C.xml").symlink_to(safe / "MTD_MSIL1C.xml")
    (granule / "MTD_TL.xml").symlink_to(granule_of(safe) / "MTD_TL.xml")
    for path in (granule_of(safe) / "IMG_DATA").iterdir():
        (images / path.name).write_bytes(path.read_bytes())
    red = next(images.glob("*_B04.jp2"))
    whole = red.read_bytes()
    for kept in (0, 50, len(whole) // 2, len(whole) - 3):
        red.write_bytes(whole[:kept])
        with pytest.raises(InvalidInput, match=r"_B04\.jp2"):
            open_sentinel2(copy)
    # A stream that was cut and closed again opens, and is found out while it is read.
    cut = bytearray(whole[: len(whole) // 2] + b"\xff\xd9")
    box = cut.index(b"jp2c") - 4
    cut[box : box + 4] = bytes(4)  # to the end of the file
    red.write_bytes(cut)
    image = open_sentinel2(copy)
    with pytest.raises(InvalidInput, match=r"_B04\.jp2 is truncated or damaged"):
        image.read("RED", 0, 180)
    write_jp2(red, np.ones((180, 170), np.uint16), 10)
    with pytest.raises(InvalidInput, match=r"_B04\.jp2 has 180 x 170 pixels and MTD_TL\.xml says 180 x 180"):
        open_sentinel2(copy)
    red.unlink()
    with pytest.raises(InvalidInput, match=r"_B04\.jp2 is missing"):
        open_sentinel2(copy)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Level-1C", "Level-2A", "takes Level-1C"),
        ("Sentinel-2A", "Sentinel-2E", "none of Sentinel-2A to 2D"),
        (">10000<", "><", "has no QUANTIFICATION_VALUE"),
        (">10000<", ">many<", "is no number"),
        ('band_id="7"', 'band_id="13"', "is no band"),
        (">-1000<", ">n/a<", "RADIO_ADD_OFFSET = n/a"),
        ("2022-06-29T10:10:41.024Z", "soon", "soon is no time"),
        ("</n1:Level-1C_User_Product>", "", "no whole XML"),
        ("<n1:General_Info>", '<!DOCTYPE a [<!ENTITY b "c">]><n1:General_Info>', "entities"),
    ],
)
def test_bad_product_metadata_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = tmp_path / "MTD_MSIL1C.xml"
    text = product_xml(-1000)
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidInput, match=why):
        read_product(path)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('<Size resolution="20">', '<Size resolution="30">', "no Size of 20 m"),
        ("<Sun_Angles_Grid>", "<Other_Grid>", "no whole XML"),
        ('<Geoposition resolution="10">', '<Geoposition resolution="11">', "no Geoposition"),
        ("<VALUES>32 32", "<VALUES>32", "is not whole"),
        ("<VALUES>32 32", "<VALUES>x 32", "is not whole"),
        ("EPSG:32633", "", "has no HORIZONTAL_CS_CODE"),
    ],
)
def test_bad_granule_metadata_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = tmp_path / "MTD_TL.xml"
    text = granule_xml(180, "2022-06-29T10:15:00Z")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidInput, match=why):
        read_granule(path)


def test_folders_that_are_no_product_are_refused(tmp_path: Path) -> None:
    for path, why in (
        (tmp_path, "neither a SAFE nor a granule"),
        (tmp_path / "none", "is no folder"),
    ):
        with pytest.raises(InvalidInput, match=why):
            open_sentinel2(path)
    (tmp_path / "a" / "GRANULE").mkdir(parents=True)
    with pytest.raises(InvalidInput, match=r"no MTD_MSIL1C\.xml"):
        open_image(tmp_path / "a")
    (tmp_path / "a" / "MTD_MSIL1C.xml").write_text("<a/>")
    with pytest.raises(InvalidInput, match="is empty"):
        open_image(tmp_path / "a")
    (tmp_path / "a" / "GRANULE" / "b" / "IMG_DATA").mkdir(parents=True)
    with pytest.raises(InvalidInput, match=r"no MTD_TL\.xml"):
        open_image(tmp_path / "a")
    (tmp_path / "c" / "IMG_DATA").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="leave it in its SAFE"):
        open_image(tmp_path / "c")
