"""Simulated Level 1: what was put in comes out by the agencies' own formulas, and lies where geometry says."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from levelworks.ard.sensors import SENSORS
from levelworks.ard.simulation import air_models
from levelworks.ard.simulation.orbits import BAND_OFFSETS, SENTINEL2
from levelworks.ard.simulation.placement import Placement
from levelworks.ard.simulation.scene_description import Air, Clouds, Landscape, SceneDescription
from levelworks.ard.simulation.simulate import make_scene, simulate, simulate_landsat, simulate_sentinel2
from levelworks.ard.simulation.utm import Zone, tile_corner, tile_name
from levelworks.core.outcome import InvalidOptions

CLEAR = Clouds(cover=0.0)
QUIET = SceneDescription(rows=120, columns=120, clouds=CLEAR, adjacency=False, noise=False)
SIXS = {"sun_zenith": 43.0, "view": (5.0, 90.0), "air": Air(aod=0.15, water_vapour=2.0, source="sixs")}
EXACT = replace(QUIET, **SIXS)
EXACT_SENTINEL2 = replace(EXACT, sensor="SEN2A", air=Air(aod=0.15, water_vapour=2.5, source="sixs"))


def tags_of(text: str) -> dict[str, str]:
    """Return the assignments of an MTL."""
    return {tag: value.strip('"') for tag, value in re.findall(r"^ +(\w+) = (.*)$", text, re.MULTILINE)}


def raster(path: Path) -> np.ndarray:
    """Return the first band of a file."""
    with rasterio.open(path) as file:
        return file.read(1)


def landsat_file(scene, name: str) -> Path:
    return scene.path / f"{scene.id}_{name}"


def image_of(scene, key: str) -> Path:
    return next(scene.path.glob(f"GRANULE/*/IMG_DATA/*_B{key}.jp2"))


def sixs_run(sensor: str, water_vapour: float) -> dict[str, dict[str, float]]:
    cases = json.loads(air_models.RUNS.read_text())["cases"]
    wanted = {"sensor": sensor, "sun_zenith": 43.0, "aod": 0.15, "elevation": 0.0, "water_vapour": water_vapour}
    return next(case["bands"] for case in cases if all(case[key] == value for key, value in wanted.items()))


def seen_by_sixs(run: dict[str, float], ground: np.ndarray) -> np.ndarray:
    return run["a"] + run["b"] * ground / (1 - run["c"] * ground)


@pytest.fixture(scope="module")
def exact_landsat(tmp_path_factory):
    return simulate_landsat(EXACT, tmp_path_factory.mktemp("landsat"))


@pytest.fixture(scope="module")
def exact_sentinel2(tmp_path_factory):
    return simulate_sentinel2(EXACT_SENTINEL2, tmp_path_factory.mktemp("sentinel2"))


@pytest.fixture(scope="module")
def cloudy_landsat(tmp_path_factory):
    clouds = Clouds(cover=0.2, layers=1, lowest=2000, highest=2000, soft_edges=False, cirrus=0.1)
    description = SceneDescription(rows=300, columns=280, clouds=clouds, noise=False, adjacency=False, seed=11)
    return simulate_landsat(description, tmp_path_factory.mktemp("cloudy"))


def test_landsat_counts_are_what_6s_sees_of_the_ground(exact_landsat):
    tags = tags_of(landsat_file(exact_landsat, "MTL.txt").read_text())
    cosine = np.cos(np.radians(raster(landsat_file(exact_landsat, "SZA.TIF")) * 0.01))
    runs = sixs_run("LND08", 2.0)
    for band in SENSORS["LND08"].reflective:
        gain, offset = (float(tags[f"REFLECTANCE_{part}_BAND_{band.key}"]) for part in ("MULT", "ADD"))
        seen = (gain * raster(landsat_file(exact_landsat, f"B{band.key}.TIF")) + offset) / cosine
        expected = seen_by_sixs(runs[band.name], exact_landsat.surface(band.name))
        # half a count over the cosine, the truth's step, and the angle's rounding to a hundredth of a degree
        assert (np.abs(seen - expected) <= 2.5e-5 + 9e-5 * expected).all(), band.name


def test_sentinel2_counts_are_what_6s_sees_of_the_ground(exact_sentinel2):
    root = ET.parse(exact_sentinel2.path / "MTD_MSIL1C.xml").getroot()
    offsets = [int(one.text) for one in root.iter("RADIO_ADD_OFFSET")]
    scale = int(next(root.iter("QUANTIFICATION_VALUE")).text)
    runs = sixs_run("SEN2A", 2.5)
    for number, band in enumerate(SENSORS["SEN2A"].bands):
        seen = (raster(image_of(exact_sentinel2, band.key)).astype(float) + offsets[number]) / scale
        expected = seen_by_sixs(runs[band.name], exact_sentinel2.surface(band.name))
        side = band.resolution // 10
        expected = expected.reshape(120 // side, side, 120 // side, side).mean(axis=(1, 3))
        assert np.abs(seen - expected).max() < 6e-5, band.name


def test_temperature_is_that_of_the_ground_through_the_air(exact_landsat):
    tags = tags_of(landsat_file(exact_landsat, "MTL.txt").read_text())
    gain, offset = (float(tags[f"RADIANCE_{part}_BAND_10"]) for part in ("MULT", "ADD"))
    k1, k2 = (float(tags[f"{name}_CONSTANT_BAND_10"]) for name in ("K1", "K2"))
    seen = k2 / np.log(k1 / (gain * raster(landsat_file(exact_landsat, "B10.TIF")) + offset) + 1)
    cover = exact_landsat.layer("cover")
    # air of 291 K, warmer by what covers the ground, cooler by 1 K for each g cm-2 of water vapour
    for number, warmth in ((2, 0.0), (6, 9.0), (8, 8.0)):
        if (cover == number).sum() > 50:
            assert seen[cover == number].mean() == pytest.approx(291 + warmth - 2, abs=0.3)
    assert seen.min() > 282


def test_metadata_have_the_tags_of_a_real_file(exact_landsat, shared_data):
    name = "LC08_L1TP_193024_20180824_20200831_02_T1_MTL.txt"
    real = (shared_data / "ard/meta/landsat_mtl" / name).read_text()
    ours = landsat_file(exact_landsat, "MTL.txt").read_text()
    assert re.findall(r"GROUP = (\w+)", ours) == re.findall(r"GROUP = (\w+)", real)
    lines = [re.findall(r"^ +(\w+) = ", text, re.MULTILINE) for text in (ours, real)]
    without = {"FILE_NAME_METADATA_XML", "FILE_NAME_BPF_OLI", "FILE_NAME_BPF_TIRS", "FILE_NAME_RLUT"}
    without |= {"TRUNCATION_OLI", "DATA_SOURCE_TIRS_STRAY_LIGHT_CORRECTION"}
    without |= {"TIRS_SSM_MODEL", "TIRS_SSM_POSITION_STATUS"}
    assert lines[0] == [tag for tag in lines[1] if tag not in without]


def test_sun_is_where_the_real_scene_has_it(tmp_path, shared_data):
    name = "LC08_L1TP_193024_20180824_20200831_02_T1_MTL.txt"
    real = tags_of((shared_data / "ard/meta/landsat_mtl" / name).read_text())
    x = [float(real[f"CORNER_{corner}_PROJECTION_X_PRODUCT"]) for corner in ("UL", "LR")]
    y = [float(real[f"CORNER_{corner}_PROJECTION_Y_PRODUCT"]) for corner in ("UL", "LR")]
    middle = (float(np.mean(x)) - 15 * 30, float(np.mean(y)) + 15 * 30)
    time = datetime(2018, 8, 24, 10, 2, 27, 463380, UTC)
    description = replace(QUIET, rows=30, columns=30, corner=middle, time=time, truth="none")
    ours = tags_of(landsat_file(simulate(description, tmp_path), "MTL.txt").read_text())
    assert float(ours["SUN_ELEVATION"]) == pytest.approx(float(real["SUN_ELEVATION"]), abs=0.05)
    assert float(ours["SUN_AZIMUTH"]) == pytest.approx(float(real["SUN_AZIMUTH"]), abs=0.1)
    assert float(ours["EARTH_SUN_DISTANCE"]) == pytest.approx(float(real["EARTH_SUN_DISTANCE"]), abs=2e-4)
    for tag in ("RADIANCE_MULT_BAND_4", "RADIANCE_ADD_BAND_2", "REFLECTANCE_MULT_BAND_7", "K1_CONSTANT_BAND_11"):
        assert float(ours[tag]) == pytest.approx(float(real[tag]), rel=5e-4)
    assert ours["SCENE_CENTER_TIME"] == "10:02:27.4633800Z"


def test_files_lie_where_the_metadata_say(exact_landsat, exact_sentinel2):
    tags = tags_of(landsat_file(exact_landsat, "MTL.txt").read_text())
    with rasterio.open(landsat_file(exact_landsat, "B4.TIF")) as file:
        assert file.dtypes == ("uint16",)
        assert file.nodata == 0
        assert file.crs.to_epsg() == 32633
        assert file.tags()["AREA_OR_POINT"] == "Point"
        assert file.bounds.left + 15 == float(tags["CORNER_UL_PROJECTION_X_PRODUCT"])
        assert file.bounds.top - 15 == float(tags["CORNER_UL_PROJECTION_Y_PRODUCT"])
        assert file.bounds.right - 15 == float(tags["CORNER_LR_PROJECTION_X_PRODUCT"])
        assert file.bounds.left % 30 == 15
    for key, size in (("02", 120), ("8A", 60), ("09", 20)):
        with rasterio.open(image_of(exact_sentinel2, key)) as file:
            assert (file.driver, file.dtypes, file.shape) == ("JP2OpenJPEG", ("uint16",), (size, size))
            assert file.bounds.left % 60 == file.bounds.top % 60 == 0


def test_shadow_lies_away_from_the_sun_by_the_height_of_the_cloud(cloudy_landsat):
    tags = tags_of(landsat_file(cloudy_landsat, "MTL.txt").read_text())
    zenith = np.radians(90 - float(tags["SUN_ELEVATION"]))
    # the azimuth is from true north; the grid is turned against it
    azimuth = np.radians(float(tags["SUN_AZIMUTH"]) - cloudy_landsat.facts["convergence"])
    distance = 2000 * np.tan(zenith) / 30
    down, right = round(distance * np.cos(azimuth)), round(-distance * np.sin(azimuth))
    cloud, shadow = cloudy_landsat.layer("cloud"), cloudy_landsat.layer("shadow")
    assert down < 0
    assert right < 0
    moved = cloud[-down:, -right:]
    there = shadow[: moved.shape[0], : moved.shape[1]]
    assert 0.05 < moved.mean() < 0.5
    assert (moved & there).sum() / (moved | there).sum() > 0.9
    # what lies beyond the image casts shadows too
    assert shadow[down:].any() or shadow[:, right:].any()
    nir = raster(landsat_file(cloudy_landsat, "B5.TIF")) * 2e-5 - 0.1
    clear = ~cloud & ~cloudy_landsat.layer("water") & (cloudy_landsat.layer("cover") == 2)
    if (clear & shadow).sum() > 100:
        assert nir[clear & shadow].mean() < 0.6 * nir[clear & ~shadow].mean()


def test_clouds_cover_their_share_and_are_cold_and_bright(cloudy_landsat):
    cloud, thick = cloudy_landsat.layer("cloud"), cloudy_landsat.layer("thickness")
    assert cloud.mean() == pytest.approx(0.2, abs=0.05)
    assert (cloudy_landsat.layer("cloud_height")[cloud] == 2000).all()
    cosine = np.cos(np.radians(raster(landsat_file(cloudy_landsat, "SZA.TIF")) * 0.01))
    red = (raster(landsat_file(cloudy_landsat, "B4.TIF")) * 2e-5 - 0.1) / cosine
    inside = cloud & ~cloudy_landsat.layer("cirrus")
    assert 0.3 < np.quantile(red[inside], 0.01) < np.quantile(red[inside], 0.99) < 1.0
    core = inside & (thick >= 1)
    assert 0.05 < red[core].std() / red[core].mean() < 0.1
    radiance = raster(landsat_file(cloudy_landsat, "B10.TIF")) * 3.342e-4 + 0.1
    temperature = 1321.0789 / np.log(774.8853 / radiance + 1)
    top = 291 - 0.0065 * 2000 - 3 * thick[inside]
    # where cirrus is too thin to count, it still cools a little
    assert np.median(np.abs(temperature[inside] - top)) < 0.01
    assert -1.5 < (temperature[inside] - top).min() < (temperature[inside] - top).max() < 0.01
    cirrus = cloudy_landsat.layer("cirrus")
    high = (raster(landsat_file(cloudy_landsat, "B9.TIF")) * 2e-5 - 0.1) / cosine
    assert 0.02 < cirrus.mean() < 0.25
    assert high[cirrus & ~cloud].min() > 0.009
    assert high[cirrus & ~cloud].max() < 0.065
    assert high[~cirrus & ~cloud].max() < 0.013


def test_quality_bits_say_what_is_true(cloudy_landsat):
    bits = raster(landsat_file(cloudy_landsat, "QA_PIXEL.TIF"))
    cloud, water = cloudy_landsat.layer("cloud"), cloudy_landsat.layer("water")
    assert np.array_equal((bits >> 3) & 1, cloud)
    assert np.array_equal((bits >> 2) & 1, cloudy_landsat.layer("cirrus"))
    assert np.array_equal((bits >> 4) & 1, cloudy_landsat.layer("shadow") & ~cloud)
    assert np.array_equal((bits >> 7) & 1, water & ~cloud)
    assert np.array_equal((bits >> 8) & 3, np.where(cloud, 3, 1))
    dilated = ((bits >> 1) & 1).astype(bool)
    assert dilated.any()
    assert not (dilated & cloud).any()
    ordinary = ~(cloud | dilated | water | cloudy_landsat.layer("cirrus") | cloudy_landsat.layer("shadow"))
    assert (bits[ordinary] == 21824).all()
    # clouds near the edge are widened at the edge as well
    assert dilated[0].any() or dilated[:, 0].any() or dilated[-1].any() or dilated[:, -1].any()


def moved_along(first: np.ndarray, second: np.ndarray, heading: float) -> float:
    """Return by how many pixels along a heading (radians) the second image is moved against the first."""
    from scipy.ndimage import shift

    inner = (slice(15, -15), slice(15, -15))

    def misfit(step: float) -> float:
        moved = shift(first, (-step * np.cos(heading), step * np.sin(heading)), order=1)
        return float(((moved - second)[inner] ** 2).mean())

    near = min(np.arange(-14.0, 15.0, 2.0), key=misfit)
    return float(min(near + np.arange(-2.0, 2.1, 0.5), key=misfit))


def test_bands_of_sentinel2_see_clouds_in_the_order_of_the_focal_plane():
    clouds = Clouds(cover=0.3, layers=1, lowest=5000, highest=5000, size=700)
    # 12.1 km across is the middle of a detector
    for across, sign in ((12_100.0, -1), (-12_100.0, 1)):
        description = replace(QUIET, sensor="SEN2A", rows=180, columns=180, clouds=clouds, across=across)
        maker = make_scene(description)
        block = next(maker.blocks(180))
        assert np.unique(block.seen).size == 1
        assert block.seen[0, 0] % 2 == (sign == 1)
        reference = block.clouds_in("BLUE").opacity
        heading = np.radians(maker.placement.heading)
        along = {}
        for band in SENSORS["SEN2A"].bands:
            along[band.key] = moved_along(reference, block.clouds_in(band.name).opacity, heading)
            # the image of a cloud moves away from the satellite
            assert along[band.key] == pytest.approx(-sign * 5000 * BAND_OFFSETS[band.key] / 10, abs=0.3)
        # half a pixel can't tell B11 from B06, nor B8A from B12
        order = sorted(along, key=lambda key: (-sign * along[key], BAND_OFFSETS[key]))
        assert order == ["02", "08", "03", "10", "04", "05", "11", "06", "07", "8A", "12", "01", "09"]
        assert abs(along["07"] - along["8A"]) < 0.2 * abs(along["08"] - along["8A"])


def test_parallax_tells_clouds_from_the_ground():
    """The cloud displacement index (Frantz et al. 2018): far below zero in clouds, about zero on the ground."""
    from scipy.ndimage import binary_erosion, uniform_filter

    clouds = Clouds(cover=0.3, layers=1, lowest=2500, highest=2500, size=1500)
    maker = make_scene(
        replace(EXACT_SENTINEL2, rows=300, columns=300, clouds=clouds, view=None, sun_zenith=None, air=Air())
    )
    block = next(maker.blocks(300))
    cells = {
        band: block.top_reflectance(band).reshape(150, 2, 150, 2).mean(axis=(1, 3))
        for band in ("REDEDGE3", "BROADNIR", "NIR")
    }
    variances = []
    for band in ("REDEDGE3", "BROADNIR"):
        ratio = (cells[band] / cells["NIR"]).astype(float)
        variances.append(uniform_filter(ratio**2, 7) - uniform_filter(ratio, 7) ** 2)
    index = (variances[0] - variances[1]) / (variances[0] + variances[1])
    hidden = block.widest_opacity.reshape(150, 2, 150, 2).mean(axis=(1, 3))
    inside, clear = binary_erosion(hidden > 0.99, iterations=5), binary_erosion(hidden == 0, iterations=5)
    assert inside.sum() > 300
    assert np.quantile(index[inside], 0.9) < -0.5
    assert np.median(index[clear]) > -0.3


def views_of(path: Path) -> dict[tuple[int, int], np.ndarray]:
    """Return the tangents of the view, east and north, by band and detector."""
    found = {}
    for grid in ET.parse(path).getroot().iter("Viewing_Incidence_Angles_Grids"):
        zenith, azimuth = (
            np.radians([[float(one) for one in row.text.split()] for row in grid.find(name).iter("VALUES")])
            for name in ("Zenith", "Azimuth")
        )
        tangent = np.tan(zenith)
        found[int(grid.get("bandId")), int(grid.get("detectorId"))] = np.stack(
            [tangent * np.sin(azimuth), tangent * np.cos(azimuth)]
        )
    return found


def along_track(views: dict[tuple[int, int], np.ndarray], band: int, detector: int, heading: float) -> float:
    """Return the mean tangent along track between a band and B02, of one detector."""
    difference = np.nanmean((views[band, detector] - views[1, detector]).reshape(2, -1), axis=1)
    return float(difference @ [np.sin(np.radians(heading)), np.cos(np.radians(heading))])


def test_view_angles_have_the_offsets_of_real_metadata(tmp_path, shared_data):
    name = "S2A_MSIL1C_20210713T032051_N0301_R032_T48LWP_20210713T054224.SAFE"
    real = views_of(next((shared_data / "ard/meta/sentinel2_l1c" / name / "GRANULE").glob("*/MTD_TL.xml")))
    description = replace(QUIET, sensor="SEN2A", place=(105.5, -10.4), rows=1200, columns=1200, across=0.0)
    placement = Placement(description)
    from levelworks.ard.simulation.sentinel2_angles import angle_grids

    grids = angle_grids(placement)
    ours = {
        key: np.tan(np.radians(zenith)) * np.stack([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
        for key, (zenith, azimuth) in grids.views.items()
    }
    detectors = {detector for _, detector in ours}
    assert detectors == {6, 7}
    heading = SENTINEL2.heading(-10.4)
    for detector in detectors:
        for band in range(13):
            expected = along_track(real, band, detector, heading)
            assert along_track(ours, band, detector, heading) == pytest.approx(expected, rel=0.03, abs=3e-5)
    assert grids.sun_zenith.shape == (4, 4)
    for zenith, azimuth in grids.views.values():
        assert np.nanmax(zenith) < 4
        assert np.nanmax(azimuth) <= 360


def test_granule_metadata_are_built_as_real_ones(exact_sentinel2, shared_data):
    folder = shared_data / "ard/meta/sentinel2_l1c/S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248.SAFE"

    def paths(path: Path) -> set[str]:
        found = set()

        def walk(node: ET.Element, above: str) -> None:
            here = f"{above}/{node.tag.partition('}')[2] or node.tag}"
            found.add(here)
            for child in node:
                walk(child, here)

        walk(ET.parse(path).getroot(), "")
        return found

    granule = next(exact_sentinel2.path.glob("GRANULE/*/MTD_TL.xml"))
    assert paths(granule) <= paths(next(folder.glob("GRANULE/*/MTD_TL.xml")))
    product = paths(exact_sentinel2.path / "MTD_MSIL1C.xml")
    new = {path for path in product if "Radiometric_Offset_List" in path}
    real = {path.replace("/Product_Info/Product_Organisation", "/Product_Organisation") for path in product - new}
    theirs = {
        path.replace("/Product_Info/Product_Organisation", "/Product_Organisation")
        for path in paths(folder / "MTD_MSIL1C.xml")
    }
    assert len(new) == 2
    assert real <= theirs


def test_tiles_have_the_names_and_corners_of_real_ones():
    for name, zone, south, corner in (
        ("46RER", 46, False, (499980, 3100020)),
        ("56JMM", 56, True, (399960, 6700000)),
        ("53JQJ", 53, True, (699960, 6900040)),
        ("48LWP", 48, True, (499980, 8900020)),
    ):
        place = Zone(zone, south), corner[0] + 50_000, corner[1] - 50_000
        assert tile_name(*place) == name
        assert tile_corner(*place) == corner


def test_old_baselines_have_no_offset_and_footprints_as_gml(tmp_path):
    description = replace(EXACT_SENTINEL2, rows=60, columns=60, baseline="02.09")
    scene = simulate(description, tmp_path)
    assert "_N0209_" in scene.id
    assert "RADIO_ADD_OFFSET" not in (scene.path / "MTD_MSIL1C.xml").read_text()
    later = simulate(replace(description, baseline="04.00", quality_masks=True), tmp_path)
    counts = [raster(image_of(one, "04")).astype(int) for one in (scene, later)]
    assert np.array_equal(counts[0] + 1000, counts[1])
    gml = next(scene.path.glob("GRANULE/*/QI_DATA/MSK_DETFOO_B03.gml")).read_text()
    assert re.findall(r'gml:id="(detector_footprint-B03-\d\d-0)"', gml)
    with rasterio.open(next(later.path.glob("GRANULE/*/QI_DATA/MSK_DETFOO_B8A.jp2"))) as file:
        assert set(np.unique(file.read(1))) <= {6, 7}
    with rasterio.open(next(later.path.glob("GRANULE/*/QI_DATA/MSK_QUALIT_B11.jp2"))) as file:
        assert file.count == 8
        assert not file.read().any()


def test_the_swath_ends_where_it_ends(tmp_path):
    maker = make_scene(replace(QUIET, sensor="SEN2A", rows=120, columns=120, across=145_200.0))
    seen = next(maker.blocks(120)).seen
    assert set(np.unique(seen)) == {0, 1}
    assert 0.3 < (seen == 0).mean() < 0.7
    # in descent the right edge is the western one
    assert (seen[:, 0] == 0).mean() > (seen[:, -1] == 0).mean()
    whole = Placement(replace(QUIET, rows=None, columns=None))
    assert whole.grid.shape == (7661, 7821)
    from levelworks.ard.simulation.cloud_kernels import fill_detectors

    numbers = np.empty((77, 79), np.uint8)
    fill_detectors(whole.look("4"), whole.grid.west, whole.grid.north, 3000.0, numbers)
    assert numbers[0, 0] == numbers[0, -1] == numbers[-1, 0] == numbers[-1, -1] == 0
    assert 0.62 < numbers.mean() < 0.75


def test_blocks_agree_however_rows_are_cut():
    clouds = Clouds(cover=0.3, cirrus=0.2)
    landscape = Landscape(relief=1200.0, snow=0.1)
    maker = make_scene(replace(QUIET, rows=90, columns=80, clouds=clouds, landscape=landscape, adjacency=True))
    whole = next(maker.blocks(90))
    for band in ("BLUE", "SWIR1", "CIRRUS"):
        parts = [block.top_reflectance(band) for block in maker.blocks(17)]
        assert np.array_equal(np.concatenate(parts), whole.top_reflectance(band))
    assert np.array_equal(np.concatenate([block.shade for block in maker.blocks(31)]), whole.shade)


def test_a_scene_is_a_function_of_its_description(tmp_path):
    description = replace(EXACT, rows=40, columns=40, noise=True, clouds=Clouds(), archive="tar.gz")
    first, second = (simulate(description, tmp_path / name).path for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    other = simulate(replace(description, seed=1), tmp_path / "third").path
    assert other.read_bytes() != first.read_bytes()


def test_the_ground_has_its_shares_and_varies_from_place_to_place(tmp_path):
    landscape = Landscape(water=0.2, forest=0.3, snow=0.1, seed=21)
    scene = simulate(replace(EXACT, rows=400, columns=400, landscape=landscape), tmp_path)
    shares = scene.facts["covers"]
    water = shares["clear_water"] + shares["turbid_water"]
    assert water == pytest.approx(0.2, abs=0.04)
    assert shares["snow"] == pytest.approx(0.1, abs=0.04)
    assert shares["conifer"] + shares["broadleaf"] == pytest.approx(0.27, abs=0.12)
    assert (scene.layer("water") | scene.layer("snow")).mean() == pytest.approx(water + shares["snow"])
    cover, red, nir = scene.layer("cover"), scene.surface("RED"), scene.surface("NIR")
    index = (nir - red) / (nir + red)
    assert index[cover == 3].mean() > 0.7
    assert index[cover == 0].mean() < 0
    for kind in (2, 3, 6):
        # the middle two thirds, as snow brightens some
        low, middle, high = np.quantile(red[cover == kind], (0.16, 0.5, 0.84))
        assert 0.03 < (high - low) / 2 / middle < 0.6


def test_sensors_that_overlap_see_the_same_ground():
    shared = Landscape(shared=True, seed=4, relief=600.0)
    landsat = make_scene(replace(QUIET, landscape=shared, corner=(400_005.0, 5_700_015.0)))
    # moved by five metres, so that centres of pixels meet
    sentinel = make_scene(replace(QUIET, sensor="SEN2A", landscape=shared, corner=(400_015.0, 5_700_005.0)))
    one, other = next(landsat.blocks(120)), next(sentinel.blocks(120))
    assert (one.window.x, one.window.y) == (other.window.x, other.window.y)
    assert np.array_equal(one.ground.cover[:40, :40], other.ground.cover[::3, ::3])
    assert np.allclose(one.ground.elevation[:40, :40], other.ground.elevation[::3, ::3], atol=1e-3)
    assert np.allclose(one.surface("NIR")[:40, :40], other.surface("NIR")[::3, ::3], rtol=0.01)


def test_slopes_towards_the_sun_are_brighter():
    landscape = Landscape(relief=2500.0, water=0.0, seed=8)
    description = replace(QUIET, rows=150, columns=150, landscape=landscape)
    maker, flat = make_scene(description), make_scene(replace(description, terrain=False))
    block = next(maker.blocks(150))
    down, right = np.gradient(block.ground.elevation.astype(float), 30.0)
    zenith, azimuth = (np.radians(float(one)) for one in maker.placement.sun(maker.placement.time))
    azimuth -= np.radians(maker.placement.convergence)
    slope, facing = np.arctan(np.hypot(right, down)), np.arctan2(-right, down)
    incidence = np.cos(zenith) * np.cos(slope) + np.sin(zenith) * np.sin(slope) * np.cos(azimuth - facing)
    beam, sky = block.light
    inner = (slice(2, -2), slice(2, -2))
    expected = np.maximum(incidence / np.cos(zenith), 0)
    assert np.corrcoef(beam[inner].ravel(), expected[inner].ravel())[0, 1] > 0.99
    assert np.abs(beam[inner] - expected[inner]).mean() < 0.02
    assert np.abs(sky[inner] - (1 - slope[inner] / np.pi)).mean() < 0.01
    nir = block.top_reflectance("NIR") / next(flat.blocks(150)).top_reflectance("NIR")
    assert np.corrcoef(nir[inner].ravel(), beam[inner].ravel())[0, 1] > 0.97


def test_light_is_added_up_as_the_formula_says():
    from levelworks.ard.simulation.forward_kernels import top_reflectance

    path, direct, diffuse, up_direct, up_diffuse, albedo, gas, path_gas, turn = (
        0.06, 0.7, 0.15, 0.8, 0.1, 0.12, 0.93, 0.97, 1.05
    )  # fmt: skip
    air = np.empty((1, 9, 2, 2, 2), np.float32)
    air[:] = np.array([path, direct, diffuse, up_direct, up_diffuse, albedo, gas, path_gas, turn])[
        None, :, None, None, None
    ]
    air[:, 0, 1] = 0.03
    ground, around, height, sunlit, sky, shade = (
        np.full((1, 1), one, np.float32) for one in (0.3, 0.2, 500.0, 0.6, 0.9, 0.5)
    )
    result = np.empty((1, 1), np.float32)
    look = Placement(QUIET).look("4")
    levels = np.array([0.0, 2000.0])
    top_reflectance(
        air, levels, 3000.0, 0.0, 3000.0, look, 100.0, 2000.0, 30.0,
        ground, around, height, sunlit, sky, shade, 0.25, result,
    )  # fmt: skip
    onto = (direct * 0.6 + diffuse * 0.9) * (1 - 0.5 * 0.75)
    rising = (onto * up_direct * 0.3 * turn + (direct + diffuse) * up_diffuse * 0.2) / (1 - albedo * 0.2)
    # a quarter of the way up to air with half the path reflectance
    assert result.item() == pytest.approx(path_gas * (0.75 * path + 0.25 * 0.03) + gas * rising, rel=1e-5)


def test_surroundings_are_a_mean_of_the_ground():
    from levelworks.ard.simulation.environment import aerosol_share, environment_weights, molecular_share, surroundings

    for molecules, aerosol, share in ((0.0, 0.2, aerosol_share), (0.2, 1e-9, molecular_share)):
        weights = environment_weights(0.3, molecules, aerosol)
        assert weights.sum() == pytest.approx(1)
        reach = weights.shape[0] // 2
        distance = 0.3 * np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
        whole = float(share(np.array(40.0)))
        for radius in (1.05, 3.15):
            within = weights[distance < radius].sum()
            assert within == pytest.approx(float(share(np.array(radius))) / whole, abs=0.02)
    assert np.allclose(surroundings(np.full((7, 9), 0.2), weights), 0.2)
    point = np.zeros((4 * reach + 1, 4 * reach + 1))
    point[2 * reach, 2 * reach] = 1
    around = slice(reach, 3 * reach + 1)
    assert np.allclose(surroundings(point, weights)[around, around], weights[::-1, ::-1], atol=1e-7)


def test_light_from_the_surroundings_brightens_what_is_dark():
    alone = make_scene(replace(EXACT, landscape=Landscape(seed=3)))
    amid = make_scene(replace(EXACT, landscape=Landscape(seed=3), adjacency=True))
    without, within = (next(maker.blocks(120)).top_reflectance("NIR") for maker in (alone, amid))
    ground = next(alone.blocks(120)).surface("NIR")
    dark, bright = ground < np.quantile(ground, 0.1), ground > np.quantile(ground, 0.9)
    assert (within - without)[dark].mean() > 0.002
    assert (within - without)[bright].mean() < 0
    assert abs((within - without).mean()) < 0.003


def test_directions_of_light_change_reflectance_by_the_ratio_of_kernels(tmp_path):
    from levelworks.ard.simulation.reflection_kernels import directional_ratio

    zero = np.zeros(1)
    assert directional_ratio("RED", np.full(1, 45.0), zero, zero, 45.0) == pytest.approx(1)
    # Roy et al. 2017: from -7 to 7 degrees of view, back scattering is brighter by some percent
    back = directional_ratio("NIR", np.full(1, 45.0), np.full(1, 7.0), zero, 45.0)
    forward = directional_ratio("NIR", np.full(1, 45.0), np.full(1, 7.0), np.full(1, 180.0), 45.0)
    assert 1.01 < back.item() < 1.08
    assert 0.92 < forward.item() < 0.99
    description = replace(QUIET, rows=60, columns=60, across=80_000.0)
    plain, turned = (make_scene(replace(description, brdf=brdf)) for brdf in (False, True))
    ratio = next(turned.blocks(60)).top_reflectance("SWIR1") / next(plain.blocks(60)).top_reflectance("SWIR1")
    zenith, azimuth = next(plain.blocks(60)).view_angles
    sun_zenith, sun_azimuth = next(plain.blocks(60)).sun_angles
    expected = directional_ratio(
        "SWIR1", *(np.array([float(one.mean())]) for one in (sun_zenith, zenith, azimuth - sun_azimuth)), 45.0
    )
    assert float(zenith.mean()) > 5
    assert float(np.median(ratio)) == pytest.approx(expected.item(), abs=0.01)


def test_aerosol_and_vapour_change_over_a_scene_as_asked(tmp_path):
    air = Air(aod=0.2, aod_change=0.5, aerosol_height=1500.0, water_vapour=3.0, water_vapour_change=-0.2)
    landscape = Landscape(relief=1000.0, base=200.0)
    scene = simulate(replace(QUIET, rows=60, columns=60, air=air, landscape=landscape), tmp_path)
    assert scene.facts["air"] == "tables"
    aod, height = scene.layer("aod"), scene.layer("elevation")
    along = (np.arange(60) + 0.5) / 60 - 0.5
    assert np.allclose(aod, 0.2 * (1 + 0.5 * along) * np.exp(-(height - 200) / 1500), rtol=1e-5)
    assert np.allclose(scene.layer("water_vapour"), (3 * (1 - 0.2 * along))[:, None] * np.ones(60), rtol=1e-5)
    with rasterio.open(scene.dem) as file:
        inner = file.read(1)[100:160, 100:160]
        assert file.bounds.left == scene.facts["west"] - 3000
    assert np.array_equal(inner, height)


def test_noise_is_the_instruments():
    quiet = replace(EXACT, rows=200, columns=200, truth="none")
    from levelworks.ard.simulation.landsat_files import LandsatWriter

    counts = []
    for noise in (False, True):
        writer = LandsatWriter(make_scene(replace(quiet, noise=noise)))
        counts.append(writer.reflective_counts(next(writer.maker.blocks(200)))["4"].astype(float))
    spread = (counts[1] - counts[0]).std() * 2e-5
    assert 1.5e-4 < spread < 6e-4
    assert abs((counts[1] - counts[0]).mean()) < 1


@pytest.mark.parametrize(
    ("sensor", "thermal"), [("LND04", ["6"]), ("LND05", ["6"]), ("LND07", ["6_VCID_1", "6_VCID_2"]), ("LND09", ["10"])]
)
def test_other_landsats_have_their_bands_and_counts(tmp_path, sensor, thermal):
    description = replace(QUIET, sensor=sensor, rows=60, columns=60, clouds=Clouds(cover=0.3), impulse_noise=0.02)
    scene = simulate(description, tmp_path)
    tags = tags_of(landsat_file(scene, "MTL.txt").read_text())
    eight_bit = sensor != "LND09"
    assert tags["SPACECRAFT_ID"] == f"LANDSAT_{sensor[-1]}"
    for key in thermal:
        values = raster(landsat_file(scene, f"B{key}.TIF"))
        assert values.dtype == (np.uint8 if eight_bit else np.uint16)
        gain, offset = (float(tags[f"RADIANCE_{part}_BAND_{key}"]) for part in ("MULT", "ADD"))
        k1, k2 = (float(tags[f"{name}_CONSTANT_BAND_{key}"]) for name in ("K1", "K2"))
        warm = k2 / np.log(k1 / (gain * values.astype(float) + offset) + 1)
        assert 285 < np.median(warm) < 302
    if eight_bit:
        full = np.zeros((60, 60), bool)
        for band in SENSORS[sensor].reflective:
            saturated = raster(landsat_file(scene, f"B{band.key}.TIF")) == 255
            bit = (raster(landsat_file(scene, "QA_RADSAT.TIF")) >> (int(band.key) - 1)) & 1
            assert np.array_equal(bit, saturated)
            assert (tags[f"SATURATION_BAND_{band.key}"] == "Y") == saturated.any()
            full |= saturated
        assert full.any()
        plain = simulate(replace(description, impulse_noise=0.0), tmp_path / "plain")
        changed = [
            np.abs(
                raster(landsat_file(scene, f"B{key}.TIF")).astype(int)
                - raster(landsat_file(plain, f"B{key}.TIF")).astype(int)
            )
            for key in "123"
        ]
        hit = np.max(changed, axis=0) > 0
        assert hit.mean() == pytest.approx(0.02, abs=0.01)
        assert (np.sum(np.array(changed) > 0, axis=0) <= 1).all()


def test_scenes_cross_the_antimeridian(tmp_path):
    for zone in (60, 1):
        description = replace(QUIET, rows=60, columns=60, place=(180.0, -16.8), zone=zone, day=date(2020, 6, 5))
        scene = simulate(description, tmp_path / str(zone))
        tags = tags_of(landsat_file(scene, "MTL.txt").read_text())
        assert tags["UTM_ZONE"] == str(zone)
        assert float(tags["CORNER_UL_LON_PRODUCT"]) > 179
        assert float(tags["CORNER_UR_LON_PRODUCT"]) < -179
        assert float(tags["CORNER_UL_PROJECTION_Y_PRODUCT"]) < 0
        zenith = raster(landsat_file(scene, "SZA.TIF")) * 0.01
        assert zenith.max() - zenith.min() < 0.1
        assert 90 - float(tags["SUN_ELEVATION"]) == pytest.approx(zenith.mean(), abs=0.05)
        with rasterio.open(landsat_file(scene, "B2.TIF")) as file:
            assert file.crs.to_epsg() == 32600 + zone
    south = Placement(replace(QUIET, sensor="SEN2A", rows=60, columns=60, place=(180.0, -16.8), zone=1))
    assert south.grid.crs == "EPSG:32701"
    assert south.tile.startswith("01K")


def test_the_sun_stands_where_it_is_asked_to():
    placement = Placement(replace(QUIET, sun_zenith=35.0, day=date(2019, 6, 1)))
    zenith, azimuth = placement.sun(placement.time)
    assert float(zenith) == pytest.approx(35, abs=0.02)
    assert float(azimuth) < 180
    usual = Placement(QUIET)
    # over 51.7 degrees north Landsat passes at about ten to eleven
    assert (usual.time.hour + usual.time.minute / 60 + 12.85 / 15) == pytest.approx(10.88, abs=0.05)


def test_archives_hold_what_the_agencies_put_in_them(tmp_path):
    import tarfile
    import zipfile

    landsat = simulate(replace(EXACT, rows=30, columns=30, archive="tar"), tmp_path)
    with tarfile.open(landsat.path) as archive:
        names = archive.getnames()
    assert landsat.path.name == f"{landsat.id}.tar"
    assert f"{landsat.id}_MTL.txt" in names
    assert all("/" not in name for name in names)
    sentinel = simulate(replace(EXACT_SENTINEL2, rows=30, columns=30, archive="zip"), tmp_path)
    with zipfile.ZipFile(sentinel.path) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert sentinel.path.name == f"{sentinel.id}.SAFE.zip"
    assert f"{sentinel.id}.SAFE/MTD_MSIL1C.xml" in names
    assert sum(name.endswith(".jp2") and "IMG_DATA" in name for name in names) == 13
    assert {path.name for path in tmp_path.iterdir()} == {
        landsat.path.name, sentinel.path.name, f"{landsat.id}_truth", f"{sentinel.id}_truth"
    }  # fmt: skip


def test_damaged_granules_are_damaged_as_asked(tmp_path):
    import tarfile

    from levelworks.ard.simulation.damage import ESCAPE, bands_of, metadata_of, simulate_damaged

    small = replace(EXACT, rows=30, columns=30, truth="none")
    whole = simulate(small, tmp_path / "whole")
    missing = simulate_damaged(small, tmp_path / "missing", "missing-band")
    assert len(bands_of(missing)) == len(bands_of(whole)) - 1
    cut = simulate_damaged(small, tmp_path / "cut", "truncated-band")
    with pytest.raises(rasterio.errors.RasterioIOError), rasterio.open(landsat_file(cut, "B4.TIF")) as file:
        file.read(1)
    half = simulate_damaged(small, tmp_path / "half", "truncated-metadata")
    assert "END\n" not in metadata_of(half).read_text()
    assert not list(simulate_damaged(small, tmp_path / "none", "missing-metadata").path.glob("*_MTL.txt"))
    assert simulate_damaged(small, tmp_path / "tier", "wrong-tier").id.endswith("_T2")
    level = simulate_damaged(small, tmp_path / "level", "wrong-level")
    assert 'PROCESSING_LEVEL = "L2TP"' in metadata_of(level).read_text()
    empty = simulate_damaged(small, tmp_path / "empty", "no-data")
    assert not raster(landsat_file(empty, "B4.TIF")).any()
    cloudy = simulate_damaged(replace(small, truth="masks"), tmp_path / "cloud", "all-cloud")
    assert cloudy.layer("cloud").all()
    hostile = simulate_damaged(small, tmp_path / "hostile", "hostile-archive")
    with tarfile.open(hostile.path) as archive:
        assert ESCAPE in archive.getnames()
    short = simulate_damaged(replace(small, archive="tar.gz"), tmp_path / "short", "truncated-archive")
    with pytest.raises((EOFError, tarfile.ReadError)), tarfile.open(short.path) as archive:
        archive.getmembers()
    with pytest.raises(InvalidOptions, match="wrong-tier"):
        simulate_damaged(replace(small, sensor="SEN2A"), tmp_path, "wrong-tier")


def test_damaged_sentinel2_products_are_damaged_as_asked(tmp_path):
    from levelworks.ard.simulation.damage import bands_of, simulate_damaged

    small = replace(EXACT_SENTINEL2, rows=60, columns=60, truth="none")
    assert len(bands_of(simulate_damaged(small, tmp_path / "missing", "missing-band"))) == 12
    cut = simulate_damaged(small, tmp_path / "cut", "truncated-band")
    with pytest.raises(rasterio.errors.RasterioIOError), rasterio.open(image_of(cut, "04")) as file:
        file.read(1)
    empty = simulate_damaged(small, tmp_path / "empty", "no-data")
    assert not raster(image_of(empty, "8A")).any()
    level = simulate_damaged(small, tmp_path / "level", "wrong-level")
    assert "Level-2A" in (level.path / "MTD_MSIL1C.xml").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sensor": "LND06"}, "LND06"),
        ({"sensor": "SEN2A", "rows": 100}, "multiple of 6"),
        ({"place": (0.0, 89.0)}, "UTM"),
        ({"time": datetime(2020, 1, 1, tzinfo=UTC), "sun_zenith": 40.0}, "one of them"),
        ({"clouds": Clouds(cover=1.2)}, "clouds.cover"),
        ({"clouds": Clouds(lowest=900, highest=500)}, "clouds"),
        ({"landscape": Landscape(water=0.6, forest=0.6)}, "landscape"),
        ({"archive": "zip"}, "archive"),
        ({"seed": -1}, "seed"),
    ],
)
def test_descriptions_that_cannot_be_are_refused(changes, message):
    with pytest.raises(InvalidOptions, match=re.escape(message)):
        replace(QUIET, **changes)


def test_scenes_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(InvalidOptions, match="sun_zenith"):
        Placement(replace(QUIET, sun_zenith=5.0))
    with pytest.raises(InvalidOptions, match="too low"):
        Placement(replace(QUIET, time=datetime(2020, 1, 1, 0, tzinfo=UTC)))
    with pytest.raises(InvalidOptions, match="sixs has no run"):
        make_scene(replace(QUIET, air=Air(aod=0.22, source="sixs")))
    with pytest.raises(InvalidOptions, match="aerosol"):
        make_scene(replace(QUIET, air=Air(aerosol="pollen")))
    with pytest.raises(InvalidOptions, match="no Landsat"):
        simulate_landsat(replace(QUIET, sensor="SEN2A"), tmp_path)
    with pytest.raises(InvalidOptions, match="no Sentinel-2"):
        simulate_sentinel2(QUIET, tmp_path)


def test_the_command_writes_a_campaign(tmp_path):
    import argparse

    from levelworks.ard.simulation import simulate_command

    parser = argparse.ArgumentParser()
    simulate_command.add_arguments(parser)
    words = "--sensor landsat8 sentinel2a --scenes 2 --size 64 --damage truncated-metadata --truth none --no-noise"
    simulate_command.simulate(tmp_path, parser.parse_args(words.split()))
    names = sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith("_truth"))
    assert [name[:4] + name.split("_")[3 if name[0] == "L" else 2][:8] for name in names] == [
        f"{unit}{day}" for unit in ("LC08", "S2A_") for day in ("20180824", "20180901")
    ]
    broken = next(path for path in tmp_path.glob("LC08*20180901*") if not path.name.endswith("_truth"))
    assert "END\n" not in next(broken.glob("*_MTL.txt")).read_text()
    for wrong in (["--scenes", "0"], ["--day", "yesterday"], ["--clouds", "2"]):
        with pytest.raises(InvalidOptions):
            simulate_command.simulate(tmp_path, parser.parse_args(wrong))
