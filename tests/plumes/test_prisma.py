"""PRISMA files: what is written is read back, alone and by independent means, and bad files are refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from level1_scene import Level1Scene, band_places

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.readers.prisma_orientation import across_axis
from levelworks.plumes.readers.prisma_reader import open_prisma
from levelworks.plumes.readers.satellite_view import satellite_positions, view_angles
from levelworks.plumes.scene import Spectral
from levelworks.plumes.simulation.prisma_files import write_prisma
from levelworks.plumes.simulation.prisma_instrument import detector_bands, prisma_spectral
from levelworks.plumes.simulation.simulate import SceneDescription, make_scene

SWATH = "HDFEOS/SWATHS/PRS_L1_HCO"
HALF = 0.5 * 0.01 * 0.1
"""Half a number in uW cm-2 sr-1 nm-1: numbers are hundredths of W m-2 sr-1 um-1."""


def few(columns: int = 18) -> Spectral:
    full = prisma_spectral(columns)
    return Spectral(full.centres[:, ::8], full.widths[:, ::8])


SCENE = Level1Scene(few())


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prisma(tmp_path_factory.mktemp("prisma"), SCENE)


def edited(product: Path, folder: Path, edit: Callable[[Any], None]) -> Path:
    """Return a copy of a file after an edit."""
    copy = folder / product.name
    copy.write_bytes(product.read_bytes())
    with h5py.File(copy, "r+") as file:
        edit(file)
    return copy


@pytest.mark.parametrize("along_first", [False, True])
@pytest.mark.parametrize("shape", [(24, 18), (20, 20)])
def test_radiance_comes_back_within_half_a_number(tmp_path: Path, along_first: bool, shape: tuple[int, int]) -> None:
    full = prisma_spectral(shape[1])
    written = Level1Scene(full, *shape)
    with open_prisma(write_prisma(tmp_path, written, along_first=along_first)) as scene:
        assert (scene.rows, scene.columns) == shape
        read = scene.read(range(scene.columns), np.arange(scene.spectral.bands))
        truth = written.radiance(range(shape[0]))[..., band_places(scene.spectral, full)].transpose(1, 0, 2)
        assert read.dtype == np.float32
        assert read.flags.c_contiguous
        assert (np.abs(read - truth) <= HALF * (1 + 1e-3) + 1e-6 * truth).all()
        some = scene.read(range(3, 11, 2), np.array([150, 7, 90]))
        np.testing.assert_array_equal(some, read[3:11:2][..., [150, 7, 90]])
        assert len(scene.notes) == 1


def test_an_independent_reading_agrees(product: Path) -> None:
    with h5py.File(product) as file:
        cube = file[f"{SWATH}/Data Fields/SWIR_Cube"]
        assert cube.dtype == np.uint16
        assert cube.shape[0] == 18
        assert cube.shape[2] == 24
        listed = file.attrs["List_Cw_Swir"]
        number, wavelength = int(cube[5, 3, 7]), float(listed[3])
        watts = number / float(file.attrs["ScaleFactor_Swir"]) - float(file.attrs["Offset_Swir"])
        place = float(file[f"{SWATH}/Geolocation Fields/Latitude_SWIR"][5, 7])
        centre = float(file["KDP_AUX/Cw_Swir_Matrix"][5, 3])
    with open_prisma(product) as scene:
        band = scene.spectral.nearest(wavelength)
        # W m-2 um-1 are a thousandth of W m-2 nm-1, and a W m-2 is 100 uW cm-2
        assert scene.read(range(5, 6), np.array([band]))[0, 7, 0] == pytest.approx(watts / 1000 * 100, rel=1e-6)
        assert scene.geometry.latitude[7, 5] == place
        assert scene.spectral.centres[5, band] == centre


def test_offsets_are_subtracted(product: Path, tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        file.attrs["Offset_Swir"] = 2.5

    with open_prisma(product) as plain, open_prisma(edited(product, tmp_path, edit)) as moved:
        band = np.array([plain.spectral.bands - 2])
        apart = plain.read(range(18), band) - moved.read(range(18), band)
    np.testing.assert_allclose(apart, 0.25, rtol=1e-5)


def test_lists_descend_with_zeros_as_the_agency_writes_them(tmp_path: Path) -> None:
    with h5py.File(write_prisma(tmp_path, Level1Scene(prisma_spectral(18)))) as file:
        vnir, swir = (file.attrs[f"List_Cw_{name}"] for name in ("Vnir", "Swir"))
        assert (vnir.size, swir.size) == (66, 173)
        assert (np.count_nonzero(vnir), np.count_nonzero(swir)) == (63, 171)
        for listed in (vnir, swir):
            assert (np.diff(listed[listed > 0]) < 0).all()
        assert file[f"{SWATH}/Data Fields/VNIR_Cube"].shape == (18, 66, 24)
        assert not file[f"{SWATH}/Data Fields/VNIR_Cube"][:, vnir == 0].any()
        assert file["KDP_AUX/Cw_Vnir_Matrix"].shape == (18, 66)
        assert file.attrs["Processing_Level"] == b"1"
        assert 'SwathName="PRS_L1_HCO"' in file["HDFEOS INFORMATION/StructMetadata.0"][()].decode()


def test_bands_ascend_and_the_overlap_is_swir(tmp_path: Path) -> None:
    full = prisma_spectral(18)
    with open_prisma(write_prisma(tmp_path, Level1Scene(full))) as scene:
        assert (np.diff(scene.spectral.centres, axis=1) > 0).all()
        swir = detector_bands("Swir")[0]
        mean = scene.spectral.mean
        is_swir = np.abs(mean[:, None] - swir).min(axis=1) < 1e-3
        assert is_swir.sum() == 171
        assert mean[~is_swir].max() < mean[is_swir].min()


def test_smile_is_that_of_the_matrices_or_left_out(tmp_path: Path) -> None:
    full = prisma_spectral(18)
    product = write_prisma(tmp_path, Level1Scene(full))
    with open_prisma(product) as scene:
        places = band_places(scene.spectral, full)
        np.testing.assert_allclose(scene.spectral.centres, full.centres[:, places], atol=2e-4)
        np.testing.assert_allclose(scene.spectral.widths, full.widths[:, places], atol=2e-6)
        bend = np.ptp(scene.spectral.centres, axis=0)
        assert bend.max() == pytest.approx(3.0, rel=0.01)
        assert bend[scene.spectral.mean > 1000] == pytest.approx(2.5, rel=0.01)
    with open_prisma(product, smile=False) as scene:
        assert scene.spectral.centres.shape[0] == 1
        np.testing.assert_allclose(scene.spectral.centres[0], full.mean[band_places(scene.spectral, full)], atol=2e-4)


def test_without_matrices_lists_are_used(product: Path, tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        del file["KDP_AUX/Cw_Swir_Matrix"]

    with open_prisma(edited(product, tmp_path, edit)) as scene:
        assert any("no smile" in note for note in scene.notes)
        swir = scene.spectral.mean > 1000
        assert np.ptp(scene.spectral.centres[:, swir], axis=0).max() == 0
        assert np.ptp(scene.spectral.centres[:, ~swir], axis=0).min() > 2


def test_the_instrument_is_that_of_the_paper() -> None:
    spectral = prisma_spectral()
    assert spectral.centres.shape == (1000, 234)
    assert np.ptp(spectral.centres, axis=0).max() < 5
    (vnir, vnir_widths), (swir, swir_widths) = detector_bands("Vnir"), detector_bands("Swir")
    assert vnir_widths.mean() == pytest.approx(13)
    assert swir_widths.mean() == pytest.approx(11)
    assert (vnir[0] > 400, swir[-1] < 2500) == (True, True)
    np.testing.assert_allclose(spectral.mean, np.sort(np.concatenate([vnir, swir])), atol=1e-9)
    assert prisma_spectral(smile=False).centres.shape == (1, 234)


def test_name_times_and_places(product: Path) -> None:
    with open_prisma(product) as scene:
        assert scene.name == product.stem
        assert scene.sensor == "PRISMA"
        assert scene.start == SCENE.start
        assert (scene.end - scene.start).total_seconds() == pytest.approx(23 * 4.31e-3, abs=2e-6)
        assert scene.earth_sun == pytest.approx(1 - 0.01672 * np.cos(np.radians(0.9856 * (206 - 4))), abs=3e-4)
        np.testing.assert_allclose(scene.geometry.longitude, SCENE.geometry.longitude, atol=1e-6)
        np.testing.assert_allclose(scene.geometry.latitude, SCENE.geometry.latitude, atol=4e-6)
        assert not scene.geometry.elevation.any()
        assert any("sea level" in note for note in scene.notes)


def test_terrain_gives_elevation(tmp_path: Path) -> None:
    written = Level1Scene(few(), relief=150.0)
    with open_prisma(write_prisma(tmp_path, written), written.heights) as scene:
        np.testing.assert_allclose(scene.geometry.elevation, written.geometry.elevation, atol=0.5)
        assert scene.notes == []


def test_angles_from_the_orbit(product: Path) -> None:
    with open_prisma(product) as scene:
        # the sun's are those of the scene as a whole; the view's follow from one position for a row
        np.testing.assert_allclose(scene.geometry.sun_zenith, 35.0, atol=0.2)
        np.testing.assert_allclose(scene.geometry.sun_azimuth, 160.0, atol=0.2)
        np.testing.assert_allclose(scene.geometry.view_zenith[:, 9], SCENE.geometry.view_zenith[:, 9], atol=0.05)
        np.testing.assert_allclose(scene.geometry.view_azimuth[:, 9], 282.0, atol=0.5)


def test_angles_of_the_files_own_fields(product: Path, tmp_path: Path) -> None:
    shape = (18, 24)

    def edit(file: Any) -> None:
        values = {"Observing_Angle": -12.0, "Rel_Azimuth_Angle": 120.0, "Solar_Zenith_Angle": 41.0}
        for name, value in values.items():
            plane = np.full(shape, value, np.float32)
            plane[3, 5] += 1
            file[f"{SWATH}/Geometric Fields/{name}"] = plane

    with open_prisma(edited(product, tmp_path, edit)) as scene:
        assert scene.geometry.view_zenith[0, 0] == pytest.approx(12)
        assert scene.geometry.view_zenith[5, 3] == pytest.approx(11)
        assert scene.geometry.sun_zenith[5, 3] == pytest.approx(42)
        assert scene.geometry.view_azimuth[0, 0] == pytest.approx(280, abs=0.2)


def test_nadir_with_a_note_where_nothing_tells_the_view(product: Path, tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        del file["Info/Ancillary/PVSdata"]
        del file.attrs["Sun_zenith_angle"]

    with open_prisma(edited(product, tmp_path, edit)) as scene:
        assert not scene.geometry.view_zenith.any()
        assert any("nadir" in note for note in scene.notes)
        # half past ten UTC in July at 13 E, 52 N
        np.testing.assert_allclose(scene.geometry.sun_zenith, 33.6, atol=1.0)
        assert any("were computed" in note for note in scene.notes)


def test_positions_of_another_time_are_passed_over(product: Path, tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        file["Info/Ancillary/PVSdata/GPS_Time_of_Last_Position"][...] += 600

    with open_prisma(edited(product, tmp_path, edit)) as scene:
        assert any("nadir" in note for note in scene.notes)


def test_orbits_across_midnight(tmp_path: Path) -> None:
    written = replace(SCENE, start=datetime(2024, 12, 31, 23, 59, 41, 990000, tzinfo=UTC))
    with open_prisma(write_prisma(tmp_path, written)) as scene:
        np.testing.assert_allclose(scene.geometry.view_zenith[:, 9], written.geometry.view_zenith[:, 9], atol=0.05)


@pytest.mark.parametrize(("zenith", "azimuth"), [(0.5, 10.0), (21.0, 283.0), (35.0, 100.0)])
def test_view_angles_undo_positions(zenith: float, azimuth: float) -> None:
    longitude, latitude = np.array([179.9, -60.0, 13.0]), np.array([-71.0, 0.0, 52.0])
    places = satellite_positions(longitude, latitude, np.full(3, zenith), np.full(3, azimuth), 650e3)
    found = view_angles(longitude[:, None], latitude[:, None], places)
    np.testing.assert_allclose(found[0], zenith, atol=1e-6)
    np.testing.assert_allclose(found[1], azimuth, atol=1e-5)
    overhead = view_angles(np.array([[13.0]]), np.array([[90.0]]), np.array([[0.0, 0.0, 7e6]]))
    assert overhead[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("heading", [192.0, 12.0, 168.0])
def test_places_tell_the_track(heading: float) -> None:
    latitude = Level1Scene(few(), 20, 20, heading=heading).geometry.latitude
    notes: list[str] = []
    assert across_axis((20, 20), latitude, 20, notes) == 1
    assert across_axis((20, 20), latitude.T, 20, notes) == 0
    assert notes == []


def test_sizes_tell_the_track_before_places() -> None:
    notes: list[str] = []
    latitude = np.zeros((20, 30))
    assert across_axis((20, 30), latitude, 30, notes) == 1
    assert across_axis((20, 30), latitude, 20, notes) == 0
    assert notes == []
    assert across_axis((20, 20), np.zeros((20, 20)), 20, notes) == 0
    assert "Neither sizes nor places" in notes[0]


@pytest.mark.parametrize("along_first", [False, True])
def test_masks(tmp_path: Path, along_first: bool) -> None:
    random = np.random.default_rng(9)
    masks = {name: random.uniform(size=(24, 18)) < 0.1 for name in ("cloud", "water", "fill", "saturated", "bad")}
    dead = random.uniform(size=(18, SCENE.spectral.bands)) < 0.05
    product = write_prisma(tmp_path, SCENE, along_first=along_first, masks=masks, dead_elements=dead)
    with open_prisma(product) as scene:
        for name in ("cloud", "water"):
            np.testing.assert_array_equal(scene.masks[name], masks[name] & ~masks["fill"], err_msg=name)
        for name in ("fill", "saturated"):
            np.testing.assert_array_equal(scene.masks[name], masks[name], err_msg=name)
        np.testing.assert_array_equal(scene.masks["bad"], masks["bad"])
        places = band_places(scene.spectral, SCENE.spectral)
        np.testing.assert_array_equal(scene.attributes["dead_elements"], dead[:, places])
        radiance = scene.read(range(2, 18), np.arange(scene.spectral.bands))
        expected = np.broadcast_to(masks["fill"].T[2:, :, None], radiance.shape)
        np.testing.assert_array_equal(np.isnan(radiance), expected)


def test_missing_pixels_and_pixels_too_bright(tmp_path: Path) -> None:
    band = int(np.abs(SCENE.spectral.mean - 2200).argmin())
    written = replace(SCENE, missing=(3, 4), extra={(5, 6, band): 70.0})
    with open_prisma(write_prisma(tmp_path, written)) as scene:
        assert np.argwhere(scene.masks["fill"]).tolist() == [[3, 4]]
        assert np.argwhere(scene.masks["saturated"]).tolist() == [[5, 6]]
        assert np.isnan(scene.read(range(18), np.arange(3))[4, 3]).all()


def test_dark_bands_are_no_fill(product: Path, tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        slot = int(np.abs(file.attrs["List_Cw_Swir"] - 1930).argmin())
        file[f"{SWATH}/Data Fields/SWIR_Cube"][:, slot] = 0

    with open_prisma(edited(product, tmp_path, edit)) as scene:
        assert not scene.masks["fill"].any()
        assert np.isfinite(scene.read(range(18), np.arange(scene.spectral.bands))).all()


def test_zipped_files_are_the_same_and_leave_nothing(product: Path, tmp_path: Path) -> None:
    archive = write_prisma(tmp_path, SCENE, zipped=True)
    assert archive.name == f"{product.stem}.zip"
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == [product.name]
        assert file.read(product.name) == product.read_bytes()
    with open_prisma(product) as plain, open_prisma(archive) as scene:
        assert scene.name == plain.name
        np.testing.assert_array_equal(scene.read(range(18), np.arange(5)), plain.read(range(18), np.arange(5)))
        folder = Path(scene.unpacked.name) if scene.unpacked is not None else Path()
        assert folder.is_dir()
    assert not folder.exists()


def test_the_same_scene_gives_the_same_bytes(product: Path, tmp_path: Path) -> None:
    assert write_prisma(tmp_path, SCENE).read_bytes() == product.read_bytes()
    first = write_prisma(tmp_path, SCENE, zipped=True).read_bytes()
    assert write_prisma(tmp_path / "again", SCENE, zipped=True).read_bytes() == first


def rename(old: str, new: str) -> Callable[[Any], None]:
    return lambda file: file.move(old, new)


def drop(name: str) -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        if name in file.attrs:
            del file.attrs[name]
        else:
            del file[name]

    return edit


def put(name: str, value: Any) -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        file.attrs[name] = value

    return edit


BAD_FILES = {
    "level": (put("Processing_Level", np.bytes_("2D")), "of Level 2D"),
    "swath of level 2": (rename(SWATH, "HDFEOS/SWATHS/PRS_L2D_HCO"), "a file with PRS_L2D_HCO"),
    "no swaths": (drop("HDFEOS"), "no PRISMA product"),
    "cube": (drop(f"{SWATH}/Data Fields/SWIR_Cube"), "SWIR_Cube"),
    "scale": (drop("ScaleFactor_Swir"), "ScaleFactor_Swir"),
    "scale of zero": (put("ScaleFactor_Vnir", 0.0), "above zero"),
    "offset": (drop("Offset_Vnir"), "Offset_Vnir"),
    "list": (drop("List_Cw_Swir"), "List_Cw_Swir"),
    "length of a list": (put("List_Fwhm_Vnir", np.ones(5)), "has 5 entries"),
    "empty list": (
        lambda file: put("List_Cw_Swir", 0.0 * file.attrs["List_Cw_Swir"])(file),
        "no wavelength above zero",
    ),
    "flags of nothing": (
        lambda file: put("List_Cw_Vnir_Flags", 0 * file.attrs["List_Cw_Vnir_Flags"])(file),
        "no wavelength above zero",
    ),
    "places": (drop(f"{SWATH}/Geolocation Fields"), "Latitude"),
    "start": (put("Product_StartTime", np.bytes_("yesterday")), "not a time"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused(product: Path, tmp_path: Path, case: str) -> None:
    edit, message = BAD_FILES[case]
    with pytest.raises(InvalidInput, match=message):
        open_prisma(edited(product, tmp_path, edit))


def test_places_without_values_are_refused(product: Path, tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        file[f"{SWATH}/Geolocation Fields/Longitude_SWIR"][...] = -999.0

    with pytest.raises(InvalidInput, match="Longitude has no valid value"):
        open_prisma(edited(product, tmp_path, edit))


@pytest.mark.parametrize("zipped", [False, True])
def test_truncated_files_are_refused(tmp_path: Path, zipped: bool) -> None:
    whole = write_prisma(tmp_path / "whole", SCENE, zipped=zipped)
    short = tmp_path / whole.name
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InvalidInput, match="no whole ZIP" if zipped else "truncated"):
        open_prisma(short)


def test_zips_without_a_product_and_absent_files_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "PRS_L1.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "x")
    with pytest.raises(InvalidInput, match="holds 0 files"):
        open_prisma(archive)
    for name in ("no.zip", "no.he5"):
        with pytest.raises(InvalidInput, match="does not exist"):
            open_prisma(tmp_path / name)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    archive = write_prisma(tmp_path, SCENE, zipped=True)
    content = bytearray(archive.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    archive.write_bytes(content)
    with pytest.raises(InvalidInput, match="no whole ZIP"):
        open_prisma(archive)


def test_a_scene_without_one_detector_is_not_written(tmp_path: Path) -> None:
    full = prisma_spectral(18)
    with pytest.raises(InvalidInput, match="no VNIR bands"):
        write_prisma(tmp_path, Level1Scene(Spectral(full.centres[:, 150:160], full.widths[:, 150:160])))


def test_a_simulated_scene_comes_back(tmp_path: Path) -> None:
    full = prisma_spectral(20)
    spectral = Spectral(full.centres[:, ::4], full.widths[:, ::4])
    description = SceneDescription("desert", seed=6, heading=190.0)
    simulated = make_scene(description, "x", "PRISMA", spectral, 30, 20, pixel=30.0, altitude=615e3, off_nadir=10.0)
    truth = simulated.radiance(range(30))
    with open_prisma(write_prisma(tmp_path, simulated, zipped=True)) as scene:
        read = scene.read(range(20), np.arange(scene.spectral.bands))
        expected = truth[..., band_places(scene.spectral, spectral)].transpose(1, 0, 2)
        assert (expected > 0).mean() > 0.9
        # numbers can't be negative: noise of dark bands is clipped there
        assert np.abs(read - np.maximum(expected, 0)).max() <= HALF * (1 + 1e-3) + 1e-6 * expected.max()
        assert scene.geometry.view_zenith == pytest.approx(simulated.geometry.view_zenith, abs=0.1)
