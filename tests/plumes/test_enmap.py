"""EnMAP products: what is written is read back, alone and by independent means, and bad products are refused."""

from __future__ import annotations

import re
import shutil
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio
from level1_scene import Level1Scene, band_places
from plume_chain import PlumeChain
from rasterio.rpc import RPC
from rasterio.transform import RPCTransformer

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.layers import open_layers
from levelworks.plumes.mapping.rpc import ground_to_image
from levelworks.plumes.readers.enmap_reader import EnmapScene, open_enmap
from levelworks.plumes.scene import Spectral
from levelworks.plumes.simulation.enmap_files import write_enmap
from levelworks.plumes.simulation.enmap_instrument import calibration, enmap_spectral, swir_bands, vnir_bands
from levelworks.plumes.simulation.rpc_fit import fit_scene
from levelworks.plumes.simulation.simulate import SceneDescription, make_scene
from levelworks.plumes.simulation.transport import Plume

FULL = enmap_spectral()
FEW = Spectral(FULL.centres[:, ::8], FULL.widths[:, ::8])
MASKS = ("cloud", "shadow", "haze", "cirrus", "snow", "water", "fill", "saturated", "bad")
SCENE = Level1Scene(FEW)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_enmap(tmp_path_factory.mktemp("enmap"), SCENE, water_vapour=2.125)


def unpacked(product: Path, folder: Path) -> Path:
    with zipfile.ZipFile(product) as archive:
        archive.extractall(folder)
    return folder


def edited(product: Path, folder: Path, edit: Callable[[str], str]) -> Path:
    """Return the product unpacked, with other text in METADATA.XML."""
    path = next(unpacked(product, folder).glob("*-METADATA.XML"))
    text = path.read_text()
    changed = edit(text)
    assert changed != text
    path.write_text(changed)
    return folder


def image(folder: Path, part: str) -> Path:
    return next(folder.glob(f"*-{part}.TIF"))


def half_step(scene: EnmapScene) -> np.ndarray:
    """Half a number of each band, uW cm-2 sr-1 nm-1."""
    return 50 * calibration(scene.spectral.mean)[0]


def test_radiance_comes_back_within_half_a_number(tmp_path: Path) -> None:
    written = Level1Scene(FULL)
    with open_enmap(write_enmap(tmp_path, written)) as scene:
        read = scene.read(range(scene.columns), np.arange(scene.spectral.bands))
        truth = written.radiance(range(written.rows))[..., band_places(scene.spectral, FULL)].transpose(1, 0, 2)
        assert read.shape == (18, 24, scene.spectral.bands)
        assert read.dtype == np.float32
        assert read.flags.c_contiguous
        assert (np.abs(read - truth) <= half_step(scene) * (1 + 1e-3) + 1e-6 * truth).all()
        # far below the noise, about 1e-3 where methane absorbs
        assert half_step(scene)[scene.spectral.mean > 2000].max() < 1e-4
        some = scene.read(range(3, 11, 2), np.array([150, 7, 90]))
        np.testing.assert_array_equal(some, read[3:11:2][..., [150, 7, 90]])


def test_an_independent_reading_agrees(product: Path, tmp_path: Path) -> None:
    folder = unpacked(product, tmp_path)
    root = ET.parse(next(folder.glob("*-METADATA.XML"))).getroot()
    bands = root.findall("specific/bandCharacterisation/bandID")
    first = int(root.findtext("product/image/vnir/channels") or "")
    wanted = 4
    band = bands[first + wanted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(image(folder, "SPECTRAL_IMAGE_SWIR")) as file:
            assert file.dtypes[0] == "uint16"
            number = int(file.read(wanted + 1)[7, 5])
    watts = number * float(band.findtext("GainOfBand") or "") + float(band.findtext("OffsetOfBand") or "")
    with open_enmap(product) as scene:
        place = scene.spectral.nearest(float(band.findtext("wavelengthCenterOfBand") or ""))
        read = scene.read(range(5, 6), np.array([place]))[0, 7, 0]
    # W m-2 -> mW m-2 is 1000, mW m-2 -> uW cm-2 is 0.1
    assert read == pytest.approx(watts * 1000 * 0.1, rel=1e-5)


def test_bands_ascend_and_the_overlap_is_swir(product: Path) -> None:
    with open_enmap(product) as scene:
        centres = scene.spectral.centres[0]
        vnir, swir = vnir_bands()[0], swir_bands()[0]
        is_vnir = np.abs(centres[:, None] - vnir).min(axis=1) < 1e-9
        assert (np.diff(centres) > 0).all()
        assert centres[is_vnir].max() < centres[~is_vnir].min()
        written_swir = FEW.mean[np.abs(FEW.mean[:, None] - swir).min(axis=1) < 1e-9]
        np.testing.assert_array_equal(centres[~is_vnir], written_swir)
        np.testing.assert_array_equal(scene.spectral.widths[0], FEW.widths[0, band_places(scene.spectral, FEW)])


def test_the_instrument_is_that_of_the_paper() -> None:
    (vnir, vnir_widths), (swir, swir_widths) = vnir_bands(), swir_bands()
    assert (vnir.size, swir.size, FULL.bands) == (91, 133, 224)
    assert np.diff(vnir).mean() == pytest.approx(6.5, abs=0.3)
    assert np.diff(swir[swir > 2000]).mean() == pytest.approx(8.7, abs=1)
    assert vnir_widths.mean() == pytest.approx(8.1, abs=0.1)
    assert swir_widths.mean() == pytest.approx(12.5, abs=0.1)
    assert vnir[0] > 415
    assert swir[-1] < 2450


def test_name_times_and_attributes(product: Path) -> None:
    with open_enmap(product) as scene:
        assert scene.name == product.stem
        assert (scene.sensor, scene.rows, scene.columns) == ("EnMAP", 24, 18)
        assert scene.start == SCENE.start
        assert (scene.end - scene.start).total_seconds() == pytest.approx(24 * 4.38e-3)
        assert scene.earth_sun == pytest.approx(1 - 0.01672 * np.cos(np.radians(0.9856 * (206 - 4))), abs=3e-4)
        assert scene.attributes["water_vapour"] == pytest.approx(2.125)
        assert scene.attributes["aerosol_optical_thickness"] == pytest.approx(0.12)


def test_places_at_mean_elevation(product: Path) -> None:
    with open_enmap(product) as scene:
        east, north = SCENE.ground.from_geographic(scene.geometry.longitude, scene.geometry.latitude)
    expected = SCENE.ground.to_plane(*SCENE.ground.grid())
    assert np.hypot(east - expected[0], north - expected[1]).max() < 0.05 * 30


@pytest.mark.parametrize("longitude", [13.1, 179.9999, -180.0])
def test_rpc_fits_the_geometry(longitude: float) -> None:
    scene = Level1Scene(FEW, relief=150.0, view_zenith=17.0, place=(longitude, -61.0))
    geometry = scene.geometry
    line, sample = ground_to_image(fit_scene(geometry), geometry.longitude, geometry.latitude, geometry.elevation)
    rows, columns = np.mgrid[0:24, 0:18]
    assert max(np.abs(line - rows).max(), np.abs(sample - columns).max()) < 0.05


def test_gdal_places_pixels_by_the_same_rpc(product: Path) -> None:
    with open_enmap(product) as scene:
        rpc, geometry = scene.geometry.rpc, scene.geometry
    assert rpc is not None
    ours = RPC(
        rpc.height_offset, rpc.height_scale, rpc.latitude_offset, rpc.latitude_scale, list(rpc.line_denominator),
        list(rpc.line_numerator), rpc.line_offset, rpc.line_scale, rpc.longitude_offset, rpc.longitude_scale,
        list(rpc.sample_denominator), list(rpc.sample_numerator), rpc.sample_offset, rpc.sample_scale,
    )  # fmt: skip
    rows, columns = np.mgrid[0:24:5, 0:18:5]
    with RPCTransformer(ours) as transformer:
        found = transformer.rowcol(
            geometry.longitude[rows, columns].ravel().tolist(),
            geometry.latitude[rows, columns].ravel().tolist(),
            geometry.elevation[rows, columns].astype(float).ravel().tolist(),
            op=lambda value: value,
        )
    # GDAL counts from the corner of the first pixel
    np.testing.assert_allclose(found[0], rows.ravel() + 0.5, atol=0.05)
    np.testing.assert_allclose(found[1], columns.ravel() + 0.5, atol=0.05)


def test_terrain_moves_pixels_to_where_they_are(tmp_path: Path) -> None:
    written = Level1Scene(FEW, relief=150.0, view_zenith=17.0)
    product = write_enmap(tmp_path, written)
    expected = written.ground.to_plane(*written.ground.grid())
    missed = {}
    for name, terrain in (("level", None), ("hill", written.heights)):
        with open_enmap(product, terrain) as scene:
            east, north = written.ground.from_geographic(scene.geometry.longitude, scene.geometry.latitude)
            missed[name] = np.hypot(east - expected[0], north - expected[1]).max()
            assert ("No terrain" in " ".join(scene.notes)) == (terrain is None)
    np.testing.assert_allclose(scene.geometry.elevation, written.geometry.elevation, atol=1.0)
    assert missed["hill"] < 0.05 * 30
    # places lean by their height above the mean times tan(17 degrees)
    above = np.abs(written.geometry.elevation - written.geometry.elevation.mean(dtype=float)).max()
    assert missed["level"] == pytest.approx(above * np.tan(np.radians(17.0)), rel=0.05)


def test_the_retrieval_stands_where_the_elevation_model_says(tmp_path: Path) -> None:
    """The stages take the model, so that relief seen aside does not move pixels by its height times tan(17 degrees)."""
    written = Level1Scene(FULL, relief=150.0, view_zenith=17.0)
    product = write_enmap(tmp_path, written)
    west, top, step = written.place[0] - 0.02, written.place[1] + 0.02, 1e-4
    x, y = np.meshgrid(west + step * (np.arange(400) + 0.5), top - step * (np.arange(400) + 0.5))
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    transform = rasterio.transform.from_origin(west, top, step, step)
    with rasterio.open(tmp_path / "dem.tif", "w", height=400, width=400, transform=transform, **profile) as file:
        file.write(written.heights(x, y).astype(np.float32), 1)
    chain, truth = PlumeChain(tmp_path), written.ground.to_plane(*written.ground.grid())
    missed, elevation = {}, {}
    for name, dem in (("level", None), ("hill", tmp_path / "dem.tif")):
        absorption, found = tmp_path / name / "absorption.nc", tmp_path / name / "retrieved.nc"
        chain.run("absorption", {}, radiance=product, dem=dem, absorption=absorption)
        options = {"windows": "primary", "water": "own", "clouds": "keep"}
        chain.run("retrieve", options, radiance=product, absorption=absorption, dem=dem, enhancement=found)
        with open_layers(found) as layers:
            east, north = written.ground.from_geographic(layers.read("longitude"), layers.read("latitude"))
            elevation[name] = layers.read("elevation")
        missed[name] = np.hypot(east - truth[0], north - truth[1]).max()
    assert missed["hill"] < 0.1 * 30 < missed["level"]
    np.testing.assert_allclose(elevation["hill"], written.geometry.elevation, atol=2.0)
    assert np.ptp(elevation["level"]) == 0


def test_vnir_has_its_own_rpc(product: Path) -> None:
    with open_enmap(product) as scene:
        swir, vnir = scene.geometry.rpc, scene.attributes["rpc_vnir"]
        at = (scene.geometry.longitude[9, 9], scene.geometry.latitude[9, 9], 300.0)
    assert swir is not None
    shift = np.subtract(ground_to_image(vnir, *at), ground_to_image(swir, *at))
    wavelengths = [FEW.mean[np.abs(FEW.mean - wavelength).argmin()] for wavelength in (550, 2300)]
    assert shift == pytest.approx([0.2, 0.02 * (wavelengths[0] - wavelengths[1]) / 1000], abs=1e-3)


@pytest.mark.parametrize("azimuth", [282.0, 0.0])
def test_angles(tmp_path: Path, azimuth: float) -> None:
    written = Level1Scene(FEW, view_azimuth=azimuth)
    with open_enmap(write_enmap(tmp_path, written)) as scene:
        for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"):
            apart = (getattr(scene.geometry, name) - getattr(written.geometry, name) + 180) % 360 - 180
            assert np.abs(apart).max() < 0.01, name


def test_azimuths_do_not_turn_through_south(product: Path, tmp_path: Path) -> None:
    corners = {"upper_left": 359.0, "upper_right": 1.0, "lower_left": 359.0, "lower_right": 1.0, "center": 0.0}

    def edit(text: str) -> str:
        root = ET.fromstring(text)
        for corner, value in corners.items():
            element = root.find(f"specific/sceneAzimuthAngle/{corner}")
            assert element is not None
            element.text = str(value)
        return ET.tostring(root, encoding="unicode")

    with open_enmap(edited(product, tmp_path, edit)) as scene:
        north = (scene.geometry.view_azimuth + 180) % 360 - 180
        assert np.abs(north).max() <= 1.0 + 1e-4
        assert np.abs(north[:, 8:10]).max() < 0.2


def test_negative_off_nadir_angles_and_centres_alone(product: Path, tmp_path: Path) -> None:
    def edit(text: str) -> str:
        root = ET.fromstring(text)
        element = root.find("specific/acrossOffNadirAngle")
        assert element is not None
        element[:] = [child for child in element if child.tag == "center"]
        element[0].text = "-12.5"
        return ET.tostring(root, encoding="unicode")

    with open_enmap(edited(product, tmp_path, edit)) as scene:
        np.testing.assert_allclose(scene.geometry.view_zenith, 12.5, atol=1e-4)


@pytest.fixture(scope="module")
def masks() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    return {name: random.uniform(size=(24, 18)) < 0.1 for name in MASKS}


def test_quality_layers(tmp_path: Path, masks: dict[str, np.ndarray]) -> None:
    product = write_enmap(tmp_path, SCENE, masks=masks)
    with open_enmap(product) as scene:
        assert set(scene.masks) == set(MASKS)
        for name in set(MASKS) - {"water"}:
            np.testing.assert_array_equal(scene.masks[name], masks[name], err_msg=name)
        np.testing.assert_array_equal(scene.masks["water"], masks["water"] & ~masks["fill"])
        radiance = scene.read(range(18), np.arange(scene.spectral.bands))
        np.testing.assert_array_equal(np.isnan(radiance), np.broadcast_to(masks["fill"].T[..., None], radiance.shape))
        assert scene.notes == ["No terrain: all pixels are placed at the mean ground elevation, 300 m."]


def test_missing_pixels_and_pixels_too_bright(tmp_path: Path) -> None:
    swir_band = int(np.abs(FEW.mean - 2200).argmin())
    written = replace(SCENE, missing=(3, 4), extra={(5, 6, swir_band): 40.0})
    with open_enmap(write_enmap(tmp_path, written)) as scene:
        radiance = scene.read(range(18), np.arange(scene.spectral.bands))
        assert np.isnan(radiance[4, 3]).all()
        assert np.isnan(radiance).sum() == scene.spectral.bands
        assert np.argwhere(scene.masks["saturated"]).tolist() == [[5, 6]]
        assert not scene.masks["bad"].any()


def test_dead_elements_are_not_bad_pixels(tmp_path: Path) -> None:
    dead = np.random.default_rng(3).uniform(size=(18, FEW.bands)) < 0.05
    with open_enmap(write_enmap(tmp_path, SCENE, dead_elements=dead)) as scene:
        np.testing.assert_array_equal(scene.attributes["dead_elements"], dead[:, band_places(scene.spectral, FEW)])
        assert not scene.masks["bad"].any()


def test_a_defect_of_one_pixel_is_bad(product: Path, tmp_path: Path) -> None:
    folder = unpacked(product, tmp_path)
    path = image(folder, "QL_PIXELMASK_SWIR")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "r+") as file:
            layer = file.read(6)
            layer[2, 3] = 1
            layer[4, 5] = 255
            file.write(layer, 6)
    with open_enmap(folder) as scene:
        assert np.argwhere(scene.masks["bad"]).tolist() == [[2, 3]]
        assert not scene.attributes["dead_elements"].any()


def test_missing_quality_layers_are_noted(product: Path, tmp_path: Path) -> None:
    folder = unpacked(product, tmp_path)
    image(folder, "QL_QUALITY_CIRRUS").unlink()
    image(folder, "QL_PIXELMASK_SWIR").unlink()
    with open_enmap(folder) as scene:
        assert "cirrus" not in scene.masks
        assert any("QL_QUALITY_CIRRUS" in note for note in scene.notes)
        assert any("QL_PIXELMASK_SWIR" in note for note in scene.notes)


def test_nested_and_unpacked_products_are_the_same(product: Path, tmp_path: Path) -> None:
    folder = unpacked(product, tmp_path / "unpacked" / "inside")
    nested = tmp_path / "odd name (1).ZIP"
    with zipfile.ZipFile(nested, "w") as archive:
        for member in sorted(folder.iterdir()):
            archive.write(member, f"{product.stem}/{member.name}")
    with open_enmap(product) as plain:
        expected = plain.read(range(18), np.arange(5))
    for other in (folder, folder.parent, nested):
        with open_enmap(other) as scene:
            assert scene.name == product.stem
            np.testing.assert_array_equal(scene.read(range(18), np.arange(5)), expected)


def test_members_have_the_agencys_names(product: Path) -> None:
    with zipfile.ZipFile(product) as archive:
        names = {name.removeprefix(product.stem) for name in archive.namelist()}
    quality = {f"-QL_QUALITY_{name}.TIF" for name in ("CLASSES", "CLOUD", "CLOUDSHADOW", "HAZE", "CIRRUS", "SNOW")}
    both = {
        f"-{part}_{detector}.TIF"
        for part in ("SPECTRAL_IMAGE", "QL", "QL_PIXELMASK", "QL_QUALITY_TESTFLAGS")
        for detector in ("VNIR", "SWIR")
    }
    assert names == quality | both | {"-METADATA.XML"}


def test_the_same_scene_gives_the_same_bytes(product: Path, tmp_path: Path) -> None:
    again = write_enmap(tmp_path, SCENE, water_vapour=2.125)
    assert again.name == product.name
    assert again.read_bytes() == product.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [again.name]


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_truncated_zip_is_refused(product: Path, tmp_path: Path, share: float) -> None:
    short = tmp_path / product.name
    content = product.read_bytes()
    short.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InvalidInput, match="no whole ZIP"):
        open_enmap(short)


def without(tag: str, number: int = 5) -> Callable[[str], str]:
    """Return an edit that takes an element of one band away."""

    def edit(text: str) -> str:
        root = ET.fromstring(text)
        band = root.findall("specific/bandCharacterisation/bandID")[number]
        band.remove(next(child for child in band if child.tag == tag))
        return ET.tostring(root, encoding="unicode")

    return edit


def without_last(path: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        root = ET.fromstring(text)
        parent = root.find(path.rsplit("/", 1)[0])
        assert parent is not None
        parent.remove(root.findall(path)[-1])
        return ET.tostring(root, encoding="unicode")

    return edit


BAD_METADATA = {
    "level": (lambda text: text.replace("<level>L1B<", "<level>L2A<"), "Level 2A"),
    "gain": (without("GainOfBand"), "GainOfBand"),
    "offset": (without("OffsetOfBand"), "OffsetOfBand"),
    "wavelength": (without("wavelengthCenterOfBand"), "wavelengthCenterOfBand"),
    "gain is no number": (lambda text: text.replace("<GainOfBand>", "<GainOfBand>x", 1), "not a number"),
    "characterised": (without_last("specific/bandCharacterisation/bandID"), "bands are characterised"),
    "rpc": (without_last("product/navigation/RPC/bandID"), "have an RPC"),
    "channels": (
        lambda text: re.sub(r"<channels>(\d+)", lambda found: f"<channels>{int(found[1]) - 1}", text, count=1),
        "bands are characterised",
    ),
    "rows": (lambda text: text.replace("<rows>24</rows>", "<rows>25</rows>"), "METADATA.XML says"),
    "one camera's rows": (lambda text: text.replace("<rows>24</rows>", "<rows>25</rows>", 1), "can't be joined"),
    "time": (lambda text: text.replace("<startTime>2024-", "<startTime>2024/"), "not a time"),
    "sun": (lambda text: text.replace("sunElevationAngle", "sunAngle"), "sunElevationAngle"),
    "XML": (lambda text: text[: len(text) // 2], "no whole XML"),
    "entities": (lambda text: text.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1), "entities"),
    "rpc term": (lambda text: text.replace("<ROW_NUM_COEFF_7>", "<ROW_NUM_COEFF_7>?", 1), "ROW_NUM_COEFF_7"),
}


@pytest.mark.parametrize("case", BAD_METADATA)
def test_bad_metadata_is_refused(product: Path, tmp_path: Path, case: str) -> None:
    edit, message = BAD_METADATA[case]
    with pytest.raises(InvalidInput, match=message):
        open_enmap(edited(product, tmp_path, edit))


@pytest.mark.parametrize("part", ["SPECTRAL_IMAGE_VNIR", "SPECTRAL_IMAGE_SWIR"])
def test_a_missing_cube_is_refused(product: Path, tmp_path: Path, part: str) -> None:
    folder = unpacked(product, tmp_path)
    image(folder, part).unlink()
    with pytest.raises(InvalidInput, match=f"no member .*{part}"):
        open_enmap(folder)


def test_no_metadata_or_two_are_refused(product: Path, tmp_path: Path) -> None:
    folder = unpacked(product, tmp_path)
    path = next(folder.glob("*-METADATA.XML"))
    shutil.copy(path, folder / f"other{path.name}")
    with pytest.raises(InvalidInput, match="holds 2 files"):
        open_enmap(folder)
    for found in folder.glob("*-METADATA.XML"):
        found.unlink()
    with pytest.raises(InvalidInput, match="holds 0 files"):
        open_enmap(folder)


def test_a_cube_with_other_bands_or_broken_is_refused(product: Path, tmp_path: Path) -> None:
    folder = unpacked(product, tmp_path)
    vnir, swir = image(folder, "SPECTRAL_IMAGE_VNIR"), image(folder, "SPECTRAL_IMAGE_SWIR")
    shutil.copy(vnir, swir)
    with pytest.raises(InvalidInput, match=r"METADATA\.XML says"):
        open_enmap(folder)
    swir.write_bytes(b"II*\0" + bytes(20))
    with pytest.raises(InvalidInput, match="can't be opened"):
        open_enmap(folder)


def test_a_cube_that_ends_early_is_refused_when_read(product: Path, tmp_path: Path) -> None:
    folder = unpacked(product, tmp_path)
    swir = image(folder, "SPECTRAL_IMAGE_SWIR")
    content = swir.read_bytes()
    with open_enmap(folder) as scene:
        swir.write_bytes(content[: len(content) // 2])
        with pytest.raises(InvalidInput, match="SPECTRAL_IMAGE_SWIR can't be"):
            scene.read(range(2), np.arange(scene.spectral.bands))


def test_absent_products_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        open_enmap(tmp_path / "no.ZIP")


def test_a_scene_without_one_camera_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no VNIR bands"):
        write_enmap(tmp_path, Level1Scene(Spectral(FULL.centres[:, 150:160], FULL.widths[:, 150:160])))


def test_a_simulated_scene_comes_back(tmp_path: Path) -> None:
    description = SceneDescription("desert", [Plume(12, 6, 10.0)], seed=5)
    spectral = Spectral(FULL.centres[:, ::4], FULL.widths[:, ::4])
    simulated = make_scene(description, "x", "EnMAP", spectral, 30, 20, pixel=30.0, altitude=653e3, off_nadir=8.0)
    truth = simulated.radiance(range(30))
    with open_enmap(write_enmap(tmp_path, simulated)) as scene:
        read = scene.read(range(20), np.arange(scene.spectral.bands))
        expected = truth[..., band_places(scene.spectral, spectral)].transpose(1, 0, 2)
        lowest = -0.02 * half_step(scene) * 65534
        inside = (expected > lowest / 2) & ~scene.masks["saturated"].T[..., None]
        assert inside.mean() > 0.9
        # noise below the smallest number is clipped there
        apart = np.where(inside, np.abs(read - np.maximum(expected, lowest)), 0.0)
        assert (apart <= half_step(scene) * (1 + 1e-3) + 1e-6 * np.abs(expected)).all()
        assert scene.geometry.view_zenith == pytest.approx(simulated.geometry.view_zenith, abs=0.05)


def test_a_damaged_cube_is_refused_when_read(product: Path, tmp_path: Path) -> None:
    damaged = tmp_path / product.name
    content = bytearray(product.read_bytes())
    with zipfile.ZipFile(product) as archive:
        cube = next(entry for entry in archive.infolist() if entry.filename.endswith("SPECTRAL_IMAGE_SWIR.TIF"))
    middle = cube.header_offset + cube.compress_size * 3 // 4
    content[middle : middle + 32] = bytes(32)
    damaged.write_bytes(content)
    with pytest.raises(InvalidInput, match="SWIR"), open_enmap(damaged) as scene:
        scene.read(range(2), np.arange(scene.spectral.bands))
