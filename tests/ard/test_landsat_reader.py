"""Landsat scenes: grids, counts and calibration of real clips and small scenes, angles of clips, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from ard_level1 import LANDSAT8, landsat5_tags, landsat8_tags, mtl_text, old_tags, write_landsat, write_tiff

from levelworks.ard.counts_kernels import calibrate
from levelworks.ard.names import identify
from levelworks.ard.readers.landsat import open_landsat
from levelworks.ard.readers.mtl import read_mtl
from levelworks.ard.readers.open_image import open_image
from levelworks.ard.scene import field_step
from levelworks.core.outcome import InvalidInput
from levelworks.core.sun import sun_distance

CLIPS = ["LC80200392015216LGN00_clip", "LC08_L1TP_195025_20130707_clip", "LE07_L1TP_195025_20010730_clip"]


@pytest.mark.parametrize("name", CLIPS)
def test_counts_of_real_clips_become_the_reflectance_of_the_mtl(shared_data: Path, name: str) -> None:
    """Reflectance is (mult count + add) / cos(sun zenith), temperature K2 / ln(K1 / L + 1) (specs/ard.md 29.2)."""
    folder = shared_data / "ard/landsat" / name
    image = open_image(folder)
    data, mtl = image.metadata, read_mtl(next(folder.glob("*_MTL.txt")))
    assert data.id == identify(folder).id
    assert list(data.files) == [band.name for band in data.sensor.bands]
    sun = np.float32(np.cos(np.radians(image.angles().sun_zenith[0, 0])))
    for band in data.sensor.bands:
        with rasterio.open(data.files[band.name]) as file:
            counts = file.read(1).astype(float)
        calibration = data.calibration[band.name]
        found = calibrate(
            image.read(band.name, 0, data.grid.rows),
            calibration.multiplier,
            calibration.offset,
            np.full((1, 1), sun if calibration.over_cosine else 1.0, np.float32),
            np.zeros(data.grid.shape, np.uint8),
            calibration.k1 or 0.0,
            calibration.k2 or 0.0,
        )
        key = band.key
        if band.name == "TEMP":
            radiance = mtl.number(f"RADIANCE_MULT_BAND_{key}") * counts + mtl.number(f"RADIANCE_ADD_BAND_{key}")
            k1, k2 = (mtl.number(f"K{index}_CONSTANT_BAND_{key}") for index in (1, 2))
            np.testing.assert_allclose(found, k2 / np.log(k1 / radiance + 1.0), rtol=1e-6)
            assert 250 < found.min() <= found.max() < 330
        else:
            expected = mtl.number(f"REFLECTANCE_MULT_BAND_{key}") * counts + mtl.number(f"REFLECTANCE_ADD_BAND_{key}")
            assert np.abs(found - expected / float(sun)).max() < 1e-6
    image.close()


def test_rows_are_read_alike_however_they_are_cut(shared_data: Path) -> None:
    image = open_landsat(shared_data / "ard/landsat" / CLIPS[0])
    whole = image.read("NIR", 0, 603)
    assert (whole.dtype, whole.shape) == (np.uint16, (603, 627))
    parts = [image.read("NIR", start, min(start + 100, 603)) for start in range(0, 603, 100)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert image.grid_of("NIR") == image.metadata.grid
    assert image.metadata.grid.crs == "EPSG:32616"
    assert open_landsat(shared_data / "ard/landsat" / CLIPS[2]).read("RED", 0, 41).dtype == np.uint8


def test_a_clip_has_the_angles_of_its_place_in_the_scene(shared_data: Path) -> None:
    """Valid corners of a clip tell nothing of the nadir line (specs/ard.md 28 D6)."""
    clip = open_landsat(shared_data / "ard/landsat" / CLIPS[1])
    assert clip.metadata.extras["clip"] == "yes"
    assert clip.angle_source == "nadir line of the full scene"
    angles = clip.angles()
    assert angles.view_zenith.shape == (5, 5)
    # 26 km west of the nadir line, which runs through 508.2 km east, 5569.4 km north, 13.5 degrees from north: the
    # satellite stood to the east, 47 km off over 710 km of height and the Earth's curve.
    x, y = 483285.0 + 615.0 - 508200.0, 5628525.0 - 615.0 - 5569350.0
    turn = np.radians(194.2)
    across = x * np.cos(turn) - y * np.sin(turn)
    height, radius = 710.0e3, 6371.0e3
    nadir = np.arctan2(radius * np.sin(across / radius), height + radius * (1 - np.cos(across / radius)))
    expected = abs(np.degrees(nadir + across / radius))
    assert float(angles.view_zenith.mean()) == pytest.approx(expected, abs=0.15)
    assert float(angles.view_azimuth.mean()) == pytest.approx(104.0, abs=5.0)
    assert float(np.ptp(angles.view_zenith)) < 0.2


def test_an_mtl_edited_to_the_clip_gives_the_same_angles(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "ard/landsat" / CLIPS[0]
    edited = open_landsat(folder)
    copy = tmp_path / "whole"
    copy.mkdir()
    for path in folder.glob("*.TIF"):
        (copy / path.name).symlink_to(path)
    shutil.copy(next(folder.glob("*_MTL_fullscene.orig")), copy / "LC80200392015216LGN00_MTL.txt")
    whole = open_landsat(copy)
    assert (edited.metadata.extras["clip"], whole.metadata.extras["clip"]) == ("no", "yes")
    for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"):
        one, other = getattr(edited.angles(), name), getattr(whole.angles(), name)
        assert np.abs(one - other).max() < 0.15, name


def test_a_small_scene_without_full_corners_takes_the_track_of_path_and_row(tmp_path: Path) -> None:
    image = open_landsat(write_landsat(tmp_path / "scene", landsat8_tags(60, 70)))
    data = image.metadata
    assert (data.reference, data.tier, data.grid.shape, data.grid.crs) == ("193024", 1, (60, 70), "EPSG:32633")
    assert data.earth_sun_distance == 1.0110014
    assert image.angle_source == "nominal track of path and row"
    angles = image.angles()
    assert angles.view_zenith.shape == (6, 7)
    assert angles.view_zenith.dtype == np.float32
    assert (angles.view_zenith < 10).all()
    assert ((angles.relative_azimuth >= 0) & (angles.relative_azimuth <= 180)).all()
    assert image.read_quality(0, 60) is None


def test_bands_of_angles_come_first(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(60, 70))
    for name, value in (("SZA", 4250), ("SAA", 15000), ("VZA", 650), ("VAA", -17950)):
        values = np.full((60, 70), value, np.int16)
        values[:, :15] = 0  # fill to the west
        write_tiff(folder / f"{LANDSAT8}_{name}.TIF", values)
    image = open_landsat(folder)
    angles = image.angles()
    assert image.angle_source == "bands of angles"
    np.testing.assert_allclose(angles.sun_zenith[:, 1:], 42.5, atol=1e-4)
    np.testing.assert_allclose(angles.view_zenith, 6.5, atol=1e-4)  # also beside the swath, for its outer pixels
    np.testing.assert_allclose(angles.view_azimuth, 180.5, atol=1e-3)
    assert np.isfinite(angles.sun_zenith).all()
    write_tiff(folder / f"{LANDSAT8}_VZA.TIF", np.zeros((50, 70), np.int16))
    with pytest.raises(InvalidInput, match=r"_VZA\.TIF has 50 x 70"):
        open_landsat(folder).angles()


def test_coefficients_of_the_scene_are_taken_and_another_s_are_not(shared_data: Path, tmp_path: Path) -> None:
    """A clip in the middle of the real Landsat 9 scene."""
    source = shared_data / "ard/meta/landsat_mtl/LC09_L1TP_112081_20220209_20220209_02_T1_MTL.txt"
    mtl = read_mtl(source)
    folder = tmp_path / "scene"
    folder.mkdir()
    shutil.copy(source, folder)
    ang = shutil.copy(source.with_name(source.name.replace("MTL", "ANG")), folder)
    for band in (*range(1, 8), 9, 10):
        name = mtl.text(f"FILE_NAME_BAND_{band}")
        write_tiff(folder / name, np.ones((90, 90), np.uint16), west=499185.0, north=-3351885.0, crs="EPSG:32650")
    image = open_landsat(folder)
    angles = image.angles()
    assert image.angle_source == "angle coefficients"
    assert float(angles.sun_zenith.mean()) == pytest.approx(90 - mtl.number("SUN_ELEVATION"), abs=0.02)
    assert np.isfinite(angles.view_zenith).all()
    assert (angles.view_zenith < 1.2).all()
    text = ang.read_text() if isinstance(ang, Path) else Path(ang).read_text()
    Path(ang).write_text(text.replace("LC91120812022040LGN00", "LC91120822022040LGN00"))
    other = open_landsat(folder)
    assert np.abs(other.angles().view_zenith - angles.view_zenith).max() < 0.95
    assert other.angle_source == "nadir line of the full scene"


def test_quality_bands_of_collection_2(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(20, 30))
    pixel, radsat = np.zeros((20, 30), np.uint16), np.zeros((20, 30), np.uint16)
    pixel[2, 3], pixel[4, 5] = 1, 1 << 3
    radsat[7, 8] = (1 << 0) | (1 << 3) | (1 << 8) | (1 << 11)  # bands 1, 4 and 9; terrain occlusion
    write_tiff(folder / f"{LANDSAT8}_QA_PIXEL.TIF", pixel, nodata=1)
    write_tiff(folder / f"{LANDSAT8}_QA_RADSAT.TIF", radsat, nodata=None)
    image = open_landsat(folder)
    quality = image.read_quality(2, 9)
    assert quality is not None
    assert np.argwhere(quality.fill).tolist() == [[0, 1 + 2]]
    assert not quality.dropped.any()
    names = [band.name for band in image.metadata.sensor.bands]
    expected = sum(1 << names.index(name) for name in ("ULTRABLUE", "RED", "CIRRUS"))
    assert np.argwhere(quality.saturated).tolist() == [[5, 8]]
    assert quality.saturated[5, 8] == expected


def test_dropped_pixels_of_the_older_sensors(tmp_path: Path) -> None:
    tags = landsat5_tags(20, 30)
    folder = write_landsat(tmp_path / "scene", tags)
    radsat = np.zeros((20, 30), np.uint16)
    radsat[1, 1], radsat[2, 2] = 1 << 9, 1 << 6
    write_tiff(folder / f"{tags['LANDSAT_PRODUCT_ID']}_QA_RADSAT.TIF", radsat, nodata=None)
    image = open_landsat(folder)
    quality = image.read_quality(0, 20)
    assert quality is not None
    assert np.argwhere(quality.dropped).tolist() == [[1, 1]]
    names = [band.name for band in image.metadata.sensor.bands]
    assert quality.saturated[2, 2] == 1 << names.index("SWIR2")
    assert image.read("TEMP", 0, 20).dtype == np.uint8


def test_scenes_before_2012_and_names_in_another_case(tmp_path: Path) -> None:
    tags = old_tags(20, 30)
    folder = write_landsat(tmp_path / "scene", tags)
    for path in list(folder.glob("*.TIF")):
        path.rename(path.with_name(path.name.lower()))
    image = open_landsat(folder)
    data = image.metadata
    assert (data.sensor.id, data.reference, data.grid.shape, data.tier) == ("LND07", "020039", (20, 30), 1)
    assert data.files["TEMP"].name == "l71020039_03920000727_b61.tif"
    assert data.earth_sun_distance == pytest.approx(sun_distance(data.time))
    assert data.calibration["BLUE"].over_cosine
    assert data.calibration["TEMP"].k1 == 666.09


@pytest.mark.parametrize(
    ("changes", "tier"),
    [
        ({"COLLECTION_CATEGORY": "T2"}, 2),
        ({"PROCESSING_LEVEL": "L1GT", "COLLECTION_CATEGORY": "T2"}, 2),
        ({"PROCESSING_LEVEL": "L1GS"}, 2),
        ({"COLLECTION_CATEGORY": "RT"}, 3),
    ],
)
def test_worse_tiers_are_refused_unless_they_are_asked_for(tmp_path: Path, changes: dict, tier: int) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(20, 30, **changes))
    with pytest.raises(InvalidInput, match=rf"tier {tier} .*none above {tier - 1}"):
        open_landsat(folder, max_tier=tier - 1)
    assert open_landsat(folder, max_tier=tier).metadata.tier == tier


def test_a_scene_without_thermal_bands_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(20, 30, SENSOR_ID="OLI", FILE_NAME_BAND_10=None))
    sensor = open_landsat(folder).metadata.sensor
    assert not sensor.has("TEMP")
    assert (sensor.id, sensor.product) == ("LND08", ("BLUE", "GREEN", "RED", "NIR", "SWIR1", "SWIR2"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"SENSOR_ID": "MSS"}, "MSS"),
        ({"SENSOR_ID": "TIRS"}, "TIRS alone"),
        ({"PROCESSING_LEVEL": "L2SP"}, "begins at Level 1"),
        ({"SPACECRAFT_ID": "LANDSAT_3"}, "none of Landsat"),
        ({"SPACECRAFT_ID": None}, "SPACECRAFT_ID"),
        ({"REFLECTIVE_LINES": "10"}, "different scenes"),
        ({"CORNER_UL_PROJECTION_X_PRODUCT": "500000"}, "different scenes"),
        ({"GRID_CELL_SIZE_REFLECTIVE": "60.00"}, "resampled"),
        ({"K1_CONSTANT_BAND_10": None}, "K1_CONSTANT_BAND_10"),
    ],
)
def test_other_sensors_levels_and_scenes_are_refused(tmp_path: Path, changes: dict, why: str) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(20, 30))
    (folder / f"{LANDSAT8}_MTL.txt").write_text(mtl_text(landsat8_tags(20, 30, **changes)))
    with pytest.raises(InvalidInput, match=why):
        open_landsat(folder)


@pytest.mark.parametrize("name", ["LM50490251987214PAC00_MTL.txt", "mss_MTL.txt"])
def test_real_mss_scenes_are_refused(shared_data: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(shared_data / "ard/meta/landsat_mtl" / name, tmp_path)
    with pytest.raises(InvalidInput, match="MSS"):
        open_landsat(tmp_path)


def test_bad_files_are_named(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(60, 70))
    red = folder / f"{LANDSAT8}_B4.TIF"
    whole = red.read_bytes()
    write_tiff(red, np.ones((60, 71), np.uint16))
    with pytest.raises(InvalidInput, match=r"_B4\.TIF has 60 x 71 pixels where 60 x 70"):
        open_landsat(folder)
    write_tiff(red, np.ones((60, 70), np.uint16), west=400215.0)
    with pytest.raises(InvalidInput, match=r"_B4\.TIF does not lie where"):
        open_landsat(folder)
    write_tiff(red, np.ones((60, 70), np.float32), nodata=None)
    with pytest.raises(InvalidInput, match=r"_B4\.TIF holds float32"):
        open_landsat(folder).read("RED", 0, 60)
    for kept in (0.0, 0.02, 0.5, 0.95):
        red.write_bytes(whole[: int(kept * len(whole))])
        with pytest.raises(InvalidInput, match=r"_B4\.TIF"):
            open_landsat(folder)
    red.unlink()
    with pytest.raises(InvalidInput, match=r"_B4\.TIF is missing"):
        open_landsat(folder)


def test_damage_inside_a_file_is_named_while_reading(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(60, 70))
    path = folder / f"{LANDSAT8}_B5.TIF"
    content = bytearray(path.read_bytes())
    content[2000:4000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"_B5\.TIF is truncated or damaged"):
        open_landsat(folder).read("NIR", 0, 60)


def test_signed_counts_and_another_no_data_become_zero(tmp_path: Path) -> None:
    """Clips made elsewhere hold int16 and -32768."""
    folder = write_landsat(tmp_path / "scene", landsat8_tags(20, 30))
    counts = np.full((20, 30), 9000, np.int16)
    counts[0] = -32768
    write_tiff(folder / f"{LANDSAT8}_B2.TIF", counts, nodata=-32768)
    counts = np.full((20, 30), 9000, np.uint16)
    counts[1] = 65535
    write_tiff(folder / f"{LANDSAT8}_B3.TIF", counts, nodata=65535)
    image = open_landsat(folder)
    assert np.unique(image.read("BLUE", 0, 2), axis=1).tolist() == [[0], [9000]]
    assert np.unique(image.read("GREEN", 0, 2), axis=1).tolist() == [[9000], [0]]


def test_opening_by_any_way_in(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "scene", landsat8_tags(20, 30))
    assert open_image(folder / f"{LANDSAT8}_MTL.txt").metadata.id == open_image(folder).metadata.id == LANDSAT8
    assert field_step(open_image(folder).metadata.grid) == 10
    for path, why in (
        (tmp_path, "holds no image"),
        (tmp_path / "none", "does not exist"),
        (folder / f"{LANDSAT8}_B2.TIF", "is no folder"),
    ):
        with pytest.raises(InvalidInput, match=why):
            open_image(path)
    (tmp_path / "scene.tar").touch()
    with pytest.raises(InvalidInput, match="unpack it before"):
        open_image(tmp_path / "scene.tar")
