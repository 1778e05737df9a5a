"""Landsat's metadata file in all the forms it has had."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ard_level1 import landsat5_tags, landsat8_tags, mtl_text, old_tags

from levelworks.ard.readers.landsat_calibration import calibrations
from levelworks.ard.readers.mtl import find_mtl, read_mtl
from levelworks.ard.sensors import SENSORS
from levelworks.core.outcome import InvalidInput

REAL = [
    "LC08_L1TP_193024_20180824_20200831_02_T1_MTL.txt",
    "LC08_L1TP_195025_20130707_20170503_01_T1_MTL.txt",
    "LC09_L1TP_112081_20220209_20220209_02_T1_MTL.txt",
    "LC09_L1TP_112081_20220209_20220209_02_T1_MTL.xml",
    "LE07_L1TP_160031_20110416_20161210_01_T1_MTL.TXT",
    "LT05_L1TP_047027_20101006_20160512_01_T1_MTL.txt",
    "LT05_L1TP_218072_20100801_20161015_01_T1_MTL.txt",
    *(
        f"data/LE07_L1TP_107068_20220310_20220405_02_T1/LE07_L1TP_107068_20220310_20220405_02_T1_MTL.{kind}"
        for kind in ("txt", "json", "xml")
    ),
]


@pytest.mark.parametrize("name", REAL)
def test_every_real_file_has_what_is_read(shared_data: Path, name: str) -> None:
    mtl = read_mtl(shared_data / "ard/meta/landsat_mtl" / name)
    product = Path(name).name[: len("LC08_L1TP_193024_20180824_20200831_02_T1")]
    assert mtl.identifier == product
    assert mtl.scene_centre_time.strftime("%Y%m%d") == product.split("_")[3]
    assert f"{int(mtl.number('WRS_PATH')):03d}{int(mtl.number('WRS_ROW')):03d}" == product.split("_")[2]
    assert mtl.text("PROCESSING_LEVEL") == "L1TP"
    sensor = SENSORS[f"LND{product[2:4]}"]
    assert mtl.text("SPACECRAFT_ID")[-1] == sensor.id[-1]
    found = calibrations(mtl, sensor, 1.0)
    assert list(found) == [band.name for band in sensor.bands]
    for band in sensor.reflective:
        assert found[band.name].multiplier == mtl.number(f"REFLECTANCE_MULT_BAND_{band.key}")
        assert mtl.text(f"FILE_NAME_BAND_{band.key}").endswith(f"_B{band.key}.TIF")
    assert found["TEMP"].k1 == pytest.approx(700, abs=110)


def test_text_json_and_xml_of_a_scene_say_the_same(shared_data: Path) -> None:
    folder = shared_data / "ard/meta/landsat_mtl/data/LE07_L1TP_107068_20220310_20220405_02_T1"
    text, coded, marked = (read_mtl(path).tags for path in sorted(folder.glob("*_MTL.*"))[::-1])
    assert find_mtl(folder).suffix == ".txt"
    assert len(text) > 200
    assert text == marked == coded


def test_a_file_padded_with_nul_is_read(shared_data: Path, tmp_path: Path) -> None:
    mtl = read_mtl(shared_data / "ard/meta/landsat_mtl/LM50490251987214PAC00_MTL.txt")
    assert mtl.text("SENSOR_ID") == "MSS"
    assert mtl.text("RESAMPLING_OPTION") == "CUBIC_CONVOLUTION"
    path = tmp_path / "a_MTL.txt"
    text = mtl_text(landsat8_tags(10, 10)).encode()
    path.write_bytes(text + bytes(65535 - len(text)))
    assert read_mtl(path).tags == landsat8_tags(10, 10)


def test_names_before_2012_become_those_of_today(tmp_path: Path) -> None:
    path = tmp_path / "L71020039_03920000727_MTL.txt"
    path.write_text(mtl_text(old_tags(7, 9), "L1_METADATA_FILE"))
    mtl = read_mtl(path)
    assert mtl.identifier == "L71020039_03920000727"
    assert mtl.scene_centre_time == datetime(2000, 7, 27, 16, 12, 5, 123456, tzinfo=UTC)
    assert (mtl.number("REFLECTIVE_LINES"), mtl.number("REFLECTIVE_SAMPLES")) == (7, 9)
    assert mtl.text("PROCESSING_LEVEL") == "L1T"
    assert mtl.number("WRS_ROW") == 39
    assert mtl.number("CORNER_UL_PROJECTION_Y_PRODUCT") == 5700000
    assert mtl.text("FILE_NAME_BAND_6_VCID_1") == "L71020039_03920000727_B61.TIF"
    assert mtl.number("RADIANCE_MAXIMUM_BAND_6_VCID_1") == 17.04
    found = calibrations(mtl, SENSORS["LND07"], 1.0)
    assert (found["TEMP"].k1, found["TEMP"].k2) == (666.09, 1282.71)


def test_reflectance_from_radiance_where_the_file_has_none(tmp_path: Path) -> None:
    """Counts 1 and 255 are the least and largest radiance; reflectance is pi d^2 L / E0."""
    path = tmp_path / "a_MTL.txt"
    path.write_text(mtl_text(landsat5_tags(5, 5)))
    found = calibrations(read_mtl(path), SENSORS["LND05"], 1.01)
    for name, count, radiance, irradiance in (("BLUE", 1, -1.52, 1981.2), ("SWIR2", 255, 240.0, 83.4)):
        expected = 3.14159265358979 * 1.01**2 * radiance / irradiance
        assert found[name].over_cosine
        assert found[name].multiplier * count + found[name].offset == pytest.approx(expected, rel=1e-9)
    thermal = found["TEMP"]
    assert (thermal.k1, thermal.k2, thermal.over_cosine) == (607.76, 1260.56, False)
    assert thermal.multiplier * 255 + thermal.offset == pytest.approx(220.0)


def test_radiance_of_the_fallback_agrees_with_the_agency_s_reflectance(shared_data: Path) -> None:
    """The agency's solar irradiances are others than Thuillier's: they differ by up to 5 percent in the bands of TM."""
    mtl = read_mtl(shared_data / "ard/meta/landsat_mtl/LT05_L1TP_218072_20100801_20161015_01_T1_MTL.txt")
    sensor, distance = SENSORS["LND05"], mtl.number("EARTH_SUN_DISTANCE")
    given = calibrations(mtl, sensor, distance)
    without = {name: value for name, value in mtl.tags.items() if not name.startswith("REFLECTANCE_MULT")}
    derived = calibrations(type(mtl)(mtl.path, without), sensor, distance)
    for band in sensor.reflective:
        assert derived[band.name].multiplier == pytest.approx(given[band.name].multiplier, rel=0.05)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "no group"),
        ("GROUP = SOMETHING\nEND\n", "no group"),
        ("GROUP = L1_METADATA_FILE\nEND\n", "has no DATE_ACQUIRED"),
    ],
)
def test_what_is_no_mtl_is_refused(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "a_MTL.txt"
    path.write_text(content)
    with pytest.raises(InvalidInput, match=why):
        read_mtl(path).scene_centre_time  # noqa: B018 - the value is read


def test_damaged_values_and_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a_MTL.txt"
    path.write_text(mtl_text(landsat8_tags(5, 5, REFLECTANCE_MULT_BAND_2="nan", SCENE_CENTER_TIME="25:00:00Z")))
    mtl = read_mtl(path)
    with pytest.raises(InvalidInput, match="REFLECTANCE_MULT_BAND_2 = nan"):
        calibrations(mtl, SENSORS["LND08"], 1.0)
    with pytest.raises(InvalidInput, match="no time"):
        mtl.scene_centre_time  # noqa: B018 - the value is read
    broken = tmp_path / "b_MTL.json"
    broken.write_text(json.dumps({"LANDSAT_METADATA_FILE": {}})[:-2])
    with pytest.raises(InvalidInput, match="no whole JSON"):
        read_mtl(broken)
    bomb = tmp_path / "c_MTL.xml"
    bomb.write_text('<!DOCTYPE x [<!ENTITY a "b">]><LANDSAT_METADATA_FILE/>')
    with pytest.raises(InvalidInput, match="entities"):
        read_mtl(bomb)
    with pytest.raises(InvalidInput, match="several scenes"):
        find_mtl(tmp_path)
    with pytest.raises(InvalidInput, match="can't be read"):
        read_mtl(tmp_path / "d_MTL.txt")
