"""The stage `process-image` whole, on small simulated scenes: layers, quality bits, options, sensors, same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from ard_products import Product, make
from rasterio.warp import transform_geom
from scipy.ndimage import binary_dilation, shift

from levelworks.ard.cube.image_folder import read_image_folder
from levelworks.ard.geometry.sun import standard_sun_zenith
from levelworks.ard.masks.quality import NO_DATA, Cloud
from levelworks.ard.products.layers import LAYERS
from levelworks.ard.sensors import SENSORS
from levelworks.ard.simulation.damage import bands_of
from levelworks.ard.simulation.scene_description import Air, Clouds, Landscape, SceneDescription
from levelworks.ard.simulation.simulate import simulate
from levelworks.ard.simulation.truth import SimulatedScene
from levelworks.core.outcome import InvalidReference, NothingToProduce

ROWS, COLUMNS = 170, 150
EMPTY = np.s_[20:47, 90:117]
"""Where a band of the main scene has no data."""
EVERYTHING = dict.fromkeys(
    ("output_aerosol", "output_water_vapour", "output_view_zenith", "output_haze", "output_angles"), True
)
FLAT = SceneDescription(
    rows=160, columns=150, landscape=Landscape(parcel=500.0, seed=61), clouds=Clouds(cover=0.0), seed=61
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> SimulatedScene:
    """Hills with some clouds and a gap in one band."""
    description = SceneDescription(
        rows=ROWS,
        columns=COLUMNS,
        sun_zenith=52.0,
        landscape=Landscape(water=0.15, relief=500.0, parcel=600.0, seed=62),
        clouds=Clouds(cover=0.06, layers=1, highest=1200.0, size=500.0),
        seed=62,
    )
    made = simulate(description, tmp_path_factory.mktemp("hills"))
    with rasterio.open(next(made.path.glob("*_B5.TIF")), "r+") as file:
        counts = file.read(1)
        counts[EMPTY] = 0
        file.write(counts, 1)
    return made


@pytest.fixture(scope="module")
def product(scene: SimulatedScene, tmp_path_factory: pytest.TempPathFactory) -> Product:
    return make(scene.path, tmp_path_factory.mktemp("product") / "image", dem=scene.dem, **EVERYTHING)


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> SimulatedScene:
    """Level ground without clouds."""
    return simulate(FLAT, tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="module")
def flat_product(flat: SimulatedScene, tmp_path_factory: pytest.TempPathFactory) -> Product:
    return make(flat.path, tmp_path_factory.mktemp("product") / "image", brdf_correction=False, water_vapour=2.0)


def test_layers_are_those_that_were_asked_for_and_typed_as_told(scene, product):
    assert product.names == [name for name in LAYERS if name not in ("TOA", "DST")]
    with rasterio.open(bands_of(scene)[0]) as band:
        transform, crs = band.transform, band.crs
    for name in product.names:
        layer = LAYERS[name]
        with rasterio.open(product.folder / f"{name}.tif") as file:
            assert (set(file.dtypes), file.nodata) == ({layer.dtype}, layer.nodata), name
            assert file.descriptions == layer.bands("LND08")
            assert file.scales == pytest.approx([1 / layer.scale] * file.count)
            assert (file.shape, file.transform, file.crs) == ((ROWS, COLUMNS), transform, crs)
    folder = read_image_folder(product.folder)
    assert (folder.id, folder.sensor, folder.date) == (scene.id, "LND08", "20180824")
    assert folder.reflectance == "BOA"


def test_layers_that_were_not_asked_for_are_not_there(flat_product):
    assert flat_product.names == ["BOA", "QAI", "UNC", "CPR"]


def test_no_data_is_the_same_in_all_layers(product):
    off = product.stored("QAI") == NO_DATA
    expected = np.zeros((ROWS, COLUMNS), bool)
    expected[EMPTY] = True
    np.testing.assert_array_equal(off, expected)
    for name in product.names:
        missing = product.stored(name) == LAYERS[name].nodata
        np.testing.assert_array_equal(missing, np.broadcast_to(off, missing.shape), err_msg=name)
    assert product.quality["data_percent"] == pytest.approx(100 * (1 - off.mean()), abs=1e-3)


def test_quality_bits_say_what_the_layers_show(scene, product):
    bits, seen = product.bits, product.stored("QAI") != NO_DATA
    reflectance = product.stored("BOA")
    assert (product.stored("QAI") >= 0).all()
    assert (bits["subzero"][seen & (reflectance < 0).any(axis=0)] == 1).all()
    assert (bits["saturation"][seen & (reflectance > 10000).any(axis=0)] == 1).all()
    # Bits are those of reflectance before it is rounded: beside zero and one they may be set alone.
    assert (reflectance.min(axis=0)[seen & (bits["subzero"] == 1)] <= 0).all()
    cloudy = (bits["cloud"] > 0) | (bits["shadow"] > 0)
    assert product.quality["cloud_percent"] == pytest.approx(100 * cloudy[seen].mean(), abs=1e-3)
    assert product.quality["water_percent"] == pytest.approx(100 * (bits["water"][seen] == 1).mean(), abs=1e-3)
    confident = bits["cloud"] == Cloud.CONFIDENT
    assert product.stored("CPR")[confident].mean() > product.stored("CPR")[seen & (bits["cloud"] == 0)].mean() + 30
    assert (confident & scene.layer("cloud")).sum() > 0.7 * (scene.layer("cloud") & seen).sum()
    assert (bits["low_sun"] == 0).all()
    assert (bits["water_vapour_fill"] == 0).all()


def test_quality_bits_of_slopes_are_those_of_the_elevation_model(scene, product):
    """Horn's slope in the inner pixels, and the sun's angle to it."""
    height = scene.layer("elevation").astype(float)
    pad = [height[1 + y : ROWS - 1 + y, 1 + x : COLUMNS - 1 + x] for y in (-1, 0, 1) for x in (-1, 0, 1)]
    a, b, c, d, _, f, g, h, i = pad
    east, south = ((c + 2 * f + i) - (a + 2 * d + g)) / 240, ((g + 2 * h + i) - (a + 2 * b + c)) / 240
    slope = np.degrees(np.arctan(np.hypot(east, south)))
    inner = np.s_[1:-1, 1:-1]
    seen = product.stored("QAI")[inner] != NO_DATA
    clear = seen & (np.abs(slope - 2) > 0.05)
    np.testing.assert_array_equal(product.bits["slope"][inner][clear], (slope > 2)[clear])
    zenith, azimuth = (np.radians(product.stored(name)[inner] / 100.0) for name in ("SZA", "SAA"))
    normal = np.hypot(np.hypot(east, south), 1)
    cosine = (np.sin(zenith) * (-np.sin(azimuth) * east + np.cos(azimuth) * south) + np.cos(zenith)) / normal
    classes = np.digitize(-cosine, [-0.5735764, -0.1736482, 0.0])
    sure = seen & (np.abs(np.subtract.outer(cosine, [0.5735764, 0.1736482, 0.0])) > 3e-3).all(axis=-1)
    assert np.mean(product.bits["illumination"][inner][sure] == classes[sure]) > 0.995  # the rest is cast shadow
    assert (product.bits["illumination"][inner] >= classes)[sure].all()


def test_reflectance_is_that_of_the_ground(flat, flat_product):
    """Whole chain with aerosol found in the image; thresholds are the floors of specification section 26."""
    for band in SENSORS["LND08"].product:
        error = flat_product.band(band) - flat.surface(band)
        tolerance = 0.005 + 0.05 * flat.surface(band)
        assert np.mean(np.abs(error) <= tolerance) > 0.93, band
        assert abs(np.nanmean(error)) < 0.005, band
        # As large as the errors are: neither a tenth of them nor ten times as much.
        told = np.nanmean(flat_product.band(band, "UNC"))
        assert 0.3 < told / np.sqrt(np.mean(error**2)) < 10, band


def test_bytes_do_not_depend_on_blocks_or_runs(scene, product, tmp_path):
    known = product.bytes()
    for rows in (64, 100, 512):
        found = make(scene.path, tmp_path / f"{rows}", dem=scene.dem, block_rows=rows, **EVERYTHING)
        assert found.bytes() == known
        assert found.outcome == product.outcome


@pytest.mark.parametrize("ranks", [2, 3])
def test_bytes_do_not_depend_on_ranks(scene, product, tmp_path, ranks):
    folder = Path(sys.executable).parent
    options = json.dumps({name.replace("_", "-"): True for name in EVERYTHING} | {"block-rows": 64})
    command = [str(folder / "mpiexec"), "-n", str(ranks), "levelworks", "ard", "process-image", "--image"]
    command += [str(scene.path), "--dem", str(scene.dem), "--product", str(tmp_path / "image"), "--options", options]
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = Product(tmp_path / "image", product.outcome)
    assert found.bytes() == product.bytes()
    assert found.facts["quality"] == product.facts["quality"]
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(
        path.name for path in product.folder.iterdir()
    )
    assert done.stderr.count("Success!") == 1


def nir_error(scene: SimulatedScene, product: Product, where: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean((product.band("NIR") - scene.surface("NIR"))[where] ** 2)))


def test_slopes_are_put_level(scene, product, tmp_path):
    without = make(scene.path, tmp_path / "image", dem=scene.dem, topographic_correction=False)
    clear = (product.bits["cloud"] == 0) & (product.bits["shadow"] == 0) & (product.bits["illumination"] < 2)
    sloping = clear & (product.bits["slope"] == 1) & ~scene.layer("shadow")
    assert nir_error(scene, product, sloping) < 0.6 * nir_error(scene, without, sloping)
    np.testing.assert_array_equal(without.bits["slope"], product.bits["slope"])


def test_without_an_elevation_model_nothing_slopes(scene, tmp_path):
    found = make(scene.path, tmp_path / "image")
    assert (found.bits["slope"] == 0).all()
    assert np.unique(found.bits["illumination"]).tolist() == [0]


def test_light_of_the_surroundings_is_taken_out(flat, flat_product, tmp_path):
    without = make(
        flat.path, tmp_path / "image", adjacency_correction=False, brdf_correction=False, water_vapour=2.0
    )  # fmt: skip
    water = flat.layer("water")
    assert water.sum() > 500
    bias = [np.nanmean((found.band("NIR") - flat.surface("NIR"))[water]) for found in (flat_product, without)]
    assert bias[1] > 0.004
    assert abs(bias[0]) < 0.4 * bias[1]


def test_reflectance_is_that_seen_from_above_under_the_standard_sun(tmp_path):
    longitude, latitude = FLAT.place
    standard = float(standard_sun_zenith(np.array(latitude), np.array(longitude), FLAT.day))
    description = FLAT.changed(
        rows=100, columns=100, brdf=True, standard_sun_zenith=standard, view=(7.0, 170.0), sun_zenith=62.0
    )
    made = simulate(description, tmp_path)
    land = ~binary_dilation(made.layer("water"))
    settings = {"water_vapour": 2.0, "aerosol_retrieval": False}
    found = make(made.path, tmp_path / "with", **settings)
    without = make(made.path, tmp_path / "without", brdf_correction=False, **settings)
    errors = [np.nanmean((one.band("NIR") - made.surface("NIR"))[land]) for one in (found, without)]
    assert abs(errors[1]) > 0.01
    assert abs(errors[0]) < 0.35 * abs(errors[1])


def test_reflectance_at_the_top_of_the_atmosphere_is_that_of_the_metadata(scene, tmp_path):
    found = make(scene.path, tmp_path / "image", dem=scene.dem, atmospheric_correction=False, **EVERYTHING)
    assert found.names == ["TOA", "QAI", "CPR", "VZN", "HOT", "SZA", "SAA", "VZA", "VAA"]
    assert (found.bits["aerosol"] == 0).all()
    off = found.stored("QAI") == NO_DATA
    assert off.sum() == 27 * 27
    tags = dict(
        line.split(" = ") for line in next(scene.path.glob("*_MTL.txt")).read_text().splitlines() if " = " in line
    )
    tags = {name.strip(): value for name, value in tags.items()}
    with rasterio.open(next(scene.path.glob("*_SZA.TIF"))) as file:
        cosine = np.cos(np.radians(file.read(1) / 100.0))
    for band in ("BLUE", "SWIR2"):
        key = SENSORS["LND08"].band(band).key
        with rasterio.open(next(scene.path.glob(f"*_B{key}.TIF"))) as file:
            counts = file.read(1)
        gain, offset = (float(tags[f"REFLECTANCE_{part}_BAND_{key}"]) for part in ("MULT", "ADD"))
        expected = (gain * counts + offset) / cosine
        found_here = found.band(band, "TOA")
        assert np.abs(found_here - expected)[~off].max() < 1.5e-4
        assert abs(np.mean((found_here - expected)[~off])) < 1e-5  # rounded, not cut
    haze = found.band("BLUE", "TOA") - 0.5 * found.band("RED", "TOA") - 0.08
    assert np.abs(found.stored("HOT") * 1e-4 - haze)[~off].max() < 1.6e-4


def test_reflectance_under_confident_cloud_may_be_left_out(scene, product, tmp_path):
    found = make(scene.path, tmp_path / "image", dem=scene.dem, erase_clouds=True)
    np.testing.assert_array_equal(found.stored("QAI"), product.stored("QAI"))
    left_out = (product.bits["cloud"] == Cloud.CONFIDENT) | (product.stored("QAI") == NO_DATA)
    assert left_out.sum() > 27 * 27 + 100
    for name in ("BOA", "UNC"):
        missing = found.stored(name) == -9999
        np.testing.assert_array_equal(missing, np.broadcast_to(left_out, missing.shape))
        np.testing.assert_array_equal(found.stored(name)[~missing], product.stored(name)[~missing])


def area_file(folder: Path, scene: SimulatedScene, corners: list[tuple[float, float]], kind: str) -> Path:
    """Write a polygon given in pixels (column, row): GeoJSON in degrees, other files in the projection."""
    with rasterio.open(bands_of(scene)[0]) as file:
        ring = [file.transform @ corner for corner in [*corners, corners[0]]]
        code, geometry = f"EPSG:{file.crs.to_epsg()}", {"type": "Polygon", "coordinates": [ring]}
        degrees = transform_geom(file.crs, "OGC:CRS84", geometry)
    path = folder / f"area.{kind}"
    shape, crs = (degrees, "OGC:CRS84") if kind == "geojson" else (geometry, code)
    wkb = np.array([shapely.to_wkb(shapely.geometry.shape(shape))], object)
    pyogrio.raw.write(path, wkb, [], [], geometry_type="Polygon", crs=crs)
    return path


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "shp"])
def test_outside_of_the_area_of_interest_there_is_no_data(scene, product, tmp_path, kind):
    corners = [(-10.0, 40.2), (100.3, 40.2), (100.3, 120.4), (-10.0, 120.4)]
    area = area_file(tmp_path, scene, corners, kind)
    found = make(scene.path, tmp_path / "image", dem=scene.dem, area_of_interest=area, **EVERYTHING)
    inside = np.zeros((ROWS, COLUMNS), bool)
    inside[40:120, :100] = True
    expected = np.where(inside, product.stored("QAI"), NO_DATA)
    np.testing.assert_array_equal(found.stored("QAI"), expected)
    for name in found.names:
        values, known = found.stored(name), product.stored(name)
        np.testing.assert_array_equal(values, np.where(expected != NO_DATA, known, LAYERS[name].nodata), err_msg=name)
    small = make(scene.path, tmp_path / "small", dem=scene.dem, area_of_interest=area, block_rows=64, **EVERYTHING)
    assert small.bytes() == found.bytes()


def test_polygons_without_a_projection_are_refused(scene, tmp_path):
    area = area_file(tmp_path, scene, [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)], "shp")
    area.with_suffix(".prj").unlink()
    with pytest.raises(InvalidReference, match="in which projection"):
        make(scene.path, tmp_path / "image", area_of_interest=area)


def test_an_image_outside_of_the_area_is_nothing_to_produce(scene, tmp_path):
    area = area_file(tmp_path, scene, [(500.0, 0.0), (600.0, 0.0), (600.0, 50.0)], "geojson")
    with pytest.raises(NothingToProduce, match=r"outside of the area of interest area\.geojson"):
        make(scene.path, tmp_path / "image", area_of_interest=area)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "can't be read as polygons"),
        ('{"type": "FeatureCollection", "features": []}', "has no polygon"),
        ('{"type": "Point", "coordinates": [1, 2]}', "has no polygon"),
        ('{"type": "Polygon", "coordinates": [[["a", "b"]]]}', "can't be read as polygons"),
        ('{"type": "Polygon", "coordinates": []}', "has no polygon"),
        ("[1]", "can't be read as polygons"),
    ],
)
def test_an_area_that_is_none_is_refused(scene, tmp_path, content, reason):
    path = tmp_path / "area.geojson"
    path.write_text(content)
    with pytest.raises(InvalidReference, match=reason) as caught:
        make(scene.path, tmp_path / "image", area_of_interest=path)
    assert str(path) in str(caught.value)


def test_no_data_may_be_widened(scene, product, tmp_path):
    off = product.stored("QAI") == NO_DATA
    for rows in (64, 512):
        found = make(scene.path, tmp_path / f"{rows}", dem=scene.dem, buffer_nodata=True, block_rows=rows)
        wider = found.stored("QAI") == NO_DATA
        np.testing.assert_array_equal(wider, binary_dilation(off, np.ones((3, 3))))


def aerosol_tables(folder: Path, day: date, aod: float) -> Path:
    """Write a table whose nearest line has an AOD at 550 nm, falling with the wavelength to the power of -1.3."""
    folder.mkdir()
    line = f"12.8 51.7 {np.log(aod) - 1.3 * -np.log(0.55):.6f} -1.3 0.0\n"
    (folder / f"AOD_{day.timetuple().tm_yday:03d}.txt").write_text(line + "40.0 10.0 -0.5 -1.0 0.0\n")
    return folder


def test_aerosol_of_tables_is_taken_where_none_is_retrieved(flat, tmp_path):
    tables = aerosol_tables(tmp_path / "tables", FLAT.day, 0.15)
    settings = {"aerosol_retrieval": False, "output_aerosol": True, "water_vapour": 2.0, "brdf_correction": False}
    found = make(flat.path, tmp_path / "image", aerosol_tables=tables, **settings)
    depth = found.stored("AOD") / 1000.0
    assert np.ptp(depth) < 0.002
    assert depth.mean() == pytest.approx(0.15 * (0.55 / 0.561) ** 1.3, abs=0.003)
    assert (found.bits["aerosol"] == 3).all()
    for band in ("BLUE", "GREEN", "RED"):
        assert abs(np.nanmean(found.band(band) - flat.surface(band))) < 0.003


def test_without_tables_the_median_of_all_places_stands_for_aerosol(flat, tmp_path):
    found = make(flat.path, tmp_path / "image", aerosol_retrieval=False, output_aerosol=True)
    assert found.quality["aod_green"] == pytest.approx(0.1316, abs=0.003)
    assert found.quality["aerosol_model"] == "continental"


def test_aerosol_of_tables_guides_what_is_found_in_the_image(flat, flat_product, tmp_path):
    """Little over an image full of dark ground, and in its direction."""
    tables = aerosol_tables(tmp_path / "tables", FLAT.day, 0.6)
    found = make(flat.path, tmp_path / "image", aerosol_tables=tables, water_vapour=2.0, brdf_correction=False)
    retrieved = flat_product.quality["aod_green"]
    assert retrieved == pytest.approx(0.15, abs=0.03)
    assert retrieved < found.quality["aod_green"] < retrieved + 0.05


def test_water_vapour_of_tables_is_taken(flat, tmp_path):
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "WVP_2018-08-24.txt").write_text("12.9 51.8 3.1 MOD\n14.9 51.8 1.1 MOD\n")
    (tables / "WVP_0000-08-00.txt").write_text("12.9 51.8 2.4 0.6 40\n")
    settings = {"output_water_vapour": True, "aerosol_retrieval": False}
    found = make(flat.path, tmp_path / "day", water_vapour_tables=tables, **settings)
    assert np.unique(found.stored("WVP")).tolist() == [3100]
    assert found.quality["water_vapour_source"] == "MOD"
    assert found.outcome.warnings == ()
    (tables / "WVP_2018-08-24.txt").unlink()
    found = make(flat.path, tmp_path / "month", water_vapour_tables=tables, **settings)
    assert np.unique(found.stored("WVP")).tolist() == [2400]
    assert found.quality["water_vapour_source"] == "climatology"
    with pytest.raises(NothingToProduce, match="climatology is forbidden"):
        make(flat.path, tmp_path / "strict", water_vapour_tables=tables, strict_water_vapour=True, **settings)
    given = make(flat.path, tmp_path / "given", water_vapour=1.2345, **settings)
    assert np.unique(given.stored("WVP")).tolist() == [1234]  # whole numbers are the nearest, halves even
    unknown = make(flat.path, tmp_path / "unknown", **settings)
    assert unknown.outcome.warnings == ("water vapour is unknown: 2 g cm-2 is taken",)


def test_a_database_of_elevation_models_serves_by_path_and_row(scene, product, tmp_path):
    name = f"WRS-2_{product.quality['reference']}.vrt"
    assert name == "WRS-2_193024.vrt"
    with rasterio.open(scene.dem) as file:
        profile, heights = file.profile, file.read(1)
    with rasterio.open(tmp_path / name, "w", **{**profile, "driver": "GTiff"}) as file:
        file.write(heights, 1)
    found = make(scene.path, tmp_path / "image", dem=tmp_path, dem_database=True, **EVERYTHING)
    assert found.bytes() == product.bytes()
    (tmp_path / name).rename(tmp_path / "WRS-2_193025.vrt")
    with pytest.raises(InvalidReference, match=rf"has no {name}"):
        make(scene.path, tmp_path / "again", dem=tmp_path, dem_database=True)


def test_an_image_is_moved_to_lie_as_its_base_does(tmp_path):
    """The base is the ground's truth, displaced by 2.4 pixels to the left and 1.3 up."""
    ground = replace(FLAT.landscape, water=0.0)
    made = simulate(FLAT.changed(rows=512, columns=512, landscape=ground, noise=False, truth="full"), tmp_path)
    with rasterio.open(bands_of(made)[0]) as file:
        profile = {"driver": "GTiff", "count": 12, "dtype": "int16", "crs": file.crs, "nodata": -9999}
        profile |= {"height": file.height, "width": file.width, "transform": file.transform}
        west, north = file.transform.c, file.transform.f
    base = tmp_path / "base"
    base.mkdir()
    nearer = shift(made.surface("NIR"), (-1.3, -2.4), order=3, mode="nearest")
    with rasterio.open(base / "2017_base.tif", "w", **profile) as file:
        for month in range(1, 13):
            file.write(np.rint(nearer * 1e4).astype(np.int16), month)
    found = make(made.path, tmp_path / "image", coregistration_base=base, atmospheric_correction=False)
    assert found.quality["tie_points"] >= 12
    assert found.quality["shift_east_m"] == pytest.approx(-72, abs=4)
    assert found.quality["shift_north_m"] == pytest.approx(39, abs=4)
    with rasterio.open(found.folder / "QAI.tif") as file:
        assert file.transform.c - west == pytest.approx(found.quality["shift_east_m"], abs=0.01)
        assert file.transform.f - north == pytest.approx(found.quality["shift_north_m"], abs=0.01)
    read_image_folder(found.folder)
    lost = make(made.path, tmp_path / "lost", coregistration_base=_noise(tmp_path / "noise", profile),
                atmospheric_correction=False)  # fmt: skip
    assert lost.quality["tie_points"] == 0
    assert any("not co-registered" in warning for warning in lost.outcome.warnings)
    with rasterio.open(lost.folder / "QAI.tif") as file:
        assert (file.transform.c, file.transform.f) == (west, north)


def _noise(folder: Path, profile: dict) -> Path:
    folder.mkdir()
    values = np.random.default_rng(5).integers(1500, 4000, (12, profile["height"], profile["width"])).astype(np.int16)
    with rasterio.open(folder / "2018_noise.tif", "w", **profile) as file:
        file.write(values)
    return folder


def test_impulse_noise_of_8_bit_sensors_is_left_out(tmp_path):
    description = FLAT.changed(
        sensor="LND05", rows=120, columns=100, day=date(2010, 8, 1), impulse_noise=0.004, angle_files=False
    )
    noisy = simulate(description, tmp_path / "noisy")
    clean = simulate(description.changed(impulse_noise=0.0), tmp_path / "clean")
    change = np.zeros((120, 100), int)
    for path in bands_of(noisy):
        with rasterio.open(path) as one, rasterio.open(clean.path / path.name) as other:
            change = np.maximum(change, np.abs(one.read(1).astype(int) - other.read(1)))
    wrong = change > 80
    assert wrong.sum() > 15
    settings = {"max_cloud_cover": 100.0}
    found = make(noisy.path, tmp_path / "image", **settings)
    off = found.stored("QAI") == NO_DATA
    # One band varies about a wrong pixel: it and its neighbours go, hardly anything else.
    assert off[wrong].mean() > 0.9
    assert (off & ~binary_dilation(change > 0, np.ones((3, 3)))).mean() < 0.001
    kept = make(noisy.path, tmp_path / "kept", impulse_noise=False, **settings)
    assert (kept.stored("QAI") != NO_DATA).all()


@pytest.mark.parametrize("sensor", ["LND04", "LND07", "LND09"])
def test_other_landsats_are_processed(tmp_path, sensor):
    days = {"LND04": date(1990, 8, 1), "LND07": date(2001, 7, 30), "LND09": date(2022, 8, 1)}
    made = simulate(FLAT.changed(sensor=sensor, rows=70, columns=60, day=days[sensor]), tmp_path)
    settings = {"brdf_correction": False, "water_vapour": 2.0, "aerosol_retrieval": False}
    found = make(made.path, tmp_path / "image", **settings)
    assert found.quality["sensor"] == sensor
    assert (found.stored("QAI") != NO_DATA).all()
    for band in SENSORS[sensor].product:
        assert abs(np.nanmean(found.band(band) - made.surface(band))) < 0.006, band


def test_an_archive_gives_what_its_folder_gives(tmp_path):
    description = FLAT.changed(rows=60, columns=60)
    one = simulate(description, tmp_path / "folder")
    other = simulate(description.changed(archive="tar.gz"), tmp_path / "archive")
    first, second = make(one.path, tmp_path / "one"), make(other.path, tmp_path / "other")
    assert other.path.is_file()
    assert second.bytes() == first.bytes()
    assert second.facts == first.facts


def test_the_day_is_that_of_the_name_where_the_centre_was_seen_after_midnight(tmp_path):
    made = simulate(FLAT.changed(rows=60, columns=60), tmp_path)
    path = next(made.path.glob("*_MTL.txt"))
    text = path.read_text()
    assert "DATE_ACQUIRED = 2018-08-24" in text
    path.write_text(text.replace("DATE_ACQUIRED = 2018-08-24", "DATE_ACQUIRED = 2018-08-25"))
    found = make(made.path, tmp_path / "image")
    assert (found.quality["date"], found.facts["date"]) == ("2018-08-24", "20180824")
    assert found.facts["time"].startswith("2018-08-25T")


def test_facts_tell_the_directions_of_sun_and_satellite(scene, product):
    facts = product.facts
    seen = product.stored("QAI") != NO_DATA
    assert facts["sun_zenith"] == pytest.approx(52.0, abs=0.1)
    assert facts["sun_zenith"] == pytest.approx(product.stored("SZA")[seen].mean() / 100, abs=0.05)
    assert facts["sun_azimuth"] == pytest.approx(product.stored("SAA")[seen].mean() / 100 % 360, abs=0.05)
    np.testing.assert_array_equal(product.stored("VZN"), product.stored("VZA"))
    assert facts["view_zenith"] < 8
    assert facts["quality"] == json.loads(json.dumps(product.quality))


def test_low_sun_is_told(tmp_path):
    made = simulate(FLAT.changed(rows=60, columns=60, day=date(2018, 12, 20), sun_zenith=76.0), tmp_path)
    found = make(made.path, tmp_path / "image", max_cloud_cover=100.0)
    assert (found.bits["low_sun"] == 1).all()


@pytest.fixture(scope="module")
def sentinel2(tmp_path_factory: pytest.TempPathFactory) -> SimulatedScene:
    pytest.importorskip("levelworks.ard.water_vapour.image")
    description = SceneDescription(
        sensor="SEN2A",
        rows=198,
        columns=198,
        landscape=Landscape(parcel=300.0, seed=63),
        air=replace(Air(), water_vapour=2.5),
        clouds=Clouds(cover=0.0),
        seed=63,
    )
    return simulate(description, tmp_path_factory.mktemp("sentinel2"))


@pytest.fixture(scope="module")
def sentinel2_product(sentinel2: SimulatedScene, tmp_path_factory: pytest.TempPathFactory) -> Product:
    return make(sentinel2.path, tmp_path_factory.mktemp("product") / "image", brdf_correction=False, **EVERYTHING)


def test_sentinel2_is_processed(sentinel2, sentinel2_product):
    found = sentinel2_product
    assert found.names == [name for name in LAYERS if name not in ("TOA", "DST")]
    assert found.stored("BOA").shape == (10, 198, 198)
    off = found.stored("QAI") == NO_DATA
    assert off.mean() < 0.01
    for name in found.names:
        missing = found.stored(name) == LAYERS[name].nodata
        np.testing.assert_array_equal(missing, np.broadcast_to(off, missing.shape), err_msg=name)
    assert found.quality["water_vapour_source"] == "image"
    assert found.quality["water_vapour_g_cm2"] == pytest.approx(2.5, rel=0.15)
    for band in ("BLUE", "GREEN", "RED", "BROADNIR"):
        error = found.band(band) - sentinel2.surface(band)
        assert np.nanmean(np.abs(error) <= 0.005 + 0.05 * sentinel2.surface(band)) > 0.85, band


def test_sentinel2_does_not_depend_on_blocks(sentinel2, sentinel2_product, tmp_path):
    settings = {"brdf_correction": False, **EVERYTHING}
    for rows in (64, 100):
        found = make(sentinel2.path, tmp_path / f"{rows}", block_rows=rows, **settings)
        assert found.bytes() == sentinel2_product.bytes()
    archived = simulate(sentinel2.description.changed(archive="zip"), tmp_path / "zip")
    assert make(archived.path, tmp_path / "archived", **settings).bytes() == sentinel2_product.bytes()
