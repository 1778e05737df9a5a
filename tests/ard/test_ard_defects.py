"""The defects of FORCE (D1 to D16 of specs/ard.md 28), each as the right behaviour, and where it is proven.

D1   test_d1_aerosol_that_is_not_retrieved_is_not_nothing,
     test_aerosol_of_tables_is_taken_where_none_is_retrieved, test_given_aod_keeps_a_scale_height
D2   test_d2_slopes_are_corrected_band_by_band, test_each_band_has_its_own_diffuse_light
D3   test_d3_a_wide_image_is_whole_once_it_is_co_registered, test_an_image_is_moved_to_lie_as_its_base_does
D4   test_d4_images_may_be_merged_in_any_order, test_any_order_and_any_repetition_give_the_same_bytes,
     test_images_that_come_and_go_leave_no_trace
D5   test_d5_azimuths_about_south_and_north_are_whole, test_azimuths_about_north_are_averaged_as_vectors
D6   test_d6_a_clip_is_seen_as_its_part_of_the_scene_is, test_a_clip_has_the_angles_of_its_place_in_the_scene,
     test_an_mtl_edited_to_the_clip_gives_the_same_angles
D7   test_d7_aerosol_absorbs_and_there_are_several_kinds, test_components_are_those_of_6s,
     test_other_aerosol_models_widen_the_error
D8   test_d8_gases_of_every_kind_absorb, test_gases_act_alike_with_and_without_surroundings,
     test_all_gases_together_are_those_of_6s
D9   test_d9_numbers_are_the_nearest, test_values_are_rounded_to_the_nearest_and_to_even
D10  test_d10_every_satellite_has_its_own_responses, test_bands_lie_where_their_responses_say
D11  test_d11_order_changes_nothing, test_bytes_do_not_depend_on_ranks, test_bytes_do_not_depend_on_blocks_or_runs,
     test_results_do_not_depend_on_ranks_or_blocks
D12  test_d12_buffers_reach_to_the_edge_of_the_image
D13  test_d13_overviews_of_bits_are_bits, test_overviews_of_bits_are_pixels_of_the_file,
     test_pyramids_average_reflectance_and_not_bits
D14  test_d14_an_image_without_data_is_skipped_and_said_so, test_a_damaged_landsat_scene_ends_as_it_should
D15  test_d15_longitudes_of_both_signs_are_one_place, test_an_image_across_the_antimeridian_is_processed,
     test_images_across_180_degrees_are_on_both_ends_of_the_map, test_an_item_across_180_degrees_is_cut
D16  test_d16_light_of_the_surroundings_has_no_steps, test_no_steps_at_cells
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from ard_products import Product, make, run_stage
from proofs import known_tests, proofs_in
from rasterio.transform import Affine
from rasterio.windows import Window
from scipy.ndimage import distance_transform_edt, shift

from levelworks.ard.atmosphere.tables import load_tables
from levelworks.ard.masks.quality import NO_DATA, Cloud
from levelworks.ard.products.layers import LAYERS
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.readers.open_image import open_image
from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import SENSORS
from levelworks.ard.simulation.damage import bands_of, simulate_damaged
from levelworks.ard.simulation.scene_description import Air, Clouds, Landscape, SceneDescription
from levelworks.ard.simulation.simulate import simulate
from levelworks.ard.simulation.truth import SimulatedScene
from levelworks.core.outcome import NothingToProduce

PLAIN = SceneDescription(
    rows=100, columns=110, landscape=Landscape(parcel=450.0, seed=81), clouds=Clouds(cover=0.0), seed=81
)
AS_SIMULATED = {"brdf_correction": False, "water_vapour": 2.0}


@pytest.mark.parametrize("number", range(1, 17))
def test_every_defect_is_proven(number: int) -> None:
    named, known = proofs_in(__doc__ or "", "D").get(number, []), known_tests("ard")
    assert any(name.startswith(f"test_d{number}_") for name in named), f"D{number} has no test of its number"
    assert set(named) <= known, set(named) - known


def aerosol_tables(folder: Path, aod: float) -> Path:
    """Write a table of the day with an AOD at 550 nm."""
    folder.mkdir()
    (folder / "AOD_236.txt").write_text(f"12.85 51.7 {np.log(aod) + 1.2 * np.log(0.55):.6f} -1.2 0\n")
    return folder


def test_d1_aerosol_that_is_not_retrieved_is_not_nothing(tmp_path: Path) -> None:
    """FORCE's AOD becomes 0 where DO_AOD is FALSE, and blue +0.0271 too bright under an AOD of 0.30."""
    made = simulate(PLAIN.changed(air=Air(aod=0.30)), tmp_path)
    settings = {"aerosol_retrieval": False, "output_aerosol": True, **AS_SIMULATED}
    found = make(made.path, tmp_path / "image", aerosol_tables=aerosol_tables(tmp_path / "tables", 0.30), **settings)
    depth = found.stored("AOD") / 1000
    assert (depth > 0.25).all()
    assert found.quality["aod_green"] == pytest.approx(0.30, abs=0.015)
    assert abs(np.mean(found.band("BLUE") - made.surface("BLUE"))) < 0.005


def test_d2_slopes_are_corrected_band_by_band(tmp_path: Path) -> None:
    """Blue light is more diffuse than infrared: one factor for all bands would leave slopes blue or red."""
    ground = Landscape(water=0.0, forest=0.0, urban=0.0, bright=0.0, parcel=2500.0, relief=700.0, seed=82)
    air = Air(aod=0.15, aerosol_height=2000.0)
    made = simulate(PLAIN.changed(rows=150, columns=150, landscape=ground, air=air, sun_zenith=50.0), tmp_path)
    tables = aerosol_tables(tmp_path / "tables", 0.15)
    settings = {"aerosol_retrieval": False, "dem": made.dem, "aerosol_tables": tables, **AS_SIMULATED}
    found = make(made.path, tmp_path / "with", **settings)
    without = make(made.path, tmp_path / "without", topographic_correction=False, **settings)
    row, column = np.gradient(made.layer("elevation").astype(float), 30.0)
    sun = open_image(made.path).angles()
    zenith, azimuth = (np.radians(float(np.nanmean(one))) for one in (sun.sun_zenith, sun.sun_azimuth))
    tilted = -column * np.sin(azimuth) * np.sin(zenith) + row * np.cos(azimuth) * np.sin(zenith)
    cosine = (tilted + np.cos(zenith)) / np.sqrt(1 + row**2 + column**2)
    where = (found.bits["slope"] == 1) & (found.bits["illumination"] < 2) & (found.bits["cloud"] == 0)
    where &= (found.bits["shadow"] == 0) & (cosine > 0.25)
    assert where.sum() > 5000
    for band in ("BLUE", "RED", "NIR", "SWIR2"):
        relative = [(one.band(band) / made.surface(band))[where] for one in (found, without)]
        slopes = [np.polyfit(cosine[where], one, 1)[0] for one in relative]
        assert abs(slopes[0]) < 0.15 * abs(slopes[1]), (band, slopes)


def test_d3_a_wide_image_is_whole_once_it_is_co_registered(tmp_path: Path) -> None:
    """FORCE mends as many columns of the border as there are rows; here pixels stay and the grid moves."""
    description = PLAIN.changed(rows=400, columns=660, landscape=Landscape(water=0.0, parcel=450.0, seed=83))
    made = simulate(description, tmp_path)
    (tmp_path / "base").mkdir()
    with rasterio.open(bands_of(made)[0]) as file:
        profile = {"driver": "GTiff", "count": 12, "dtype": "int16", "crs": file.crs, "nodata": -9999}
        profile |= {"height": file.height, "width": file.width, "transform": file.transform}
        west = file.transform.c
    moved = np.rint(shift(made.surface("NIR"), (0.0, 3.0), order=1, mode="nearest") * 1e4).astype(np.int16)
    with rasterio.open(tmp_path / "base" / "2018.tif", "w", **profile) as file:
        for month in range(1, 13):
            file.write(moved, month)
    settings = {"atmospheric_correction": False}
    found = make(made.path, tmp_path / "image", coregistration_base=tmp_path / "base", **settings)
    plain = make(made.path, tmp_path / "plain", **settings)
    assert found.quality["tie_points"] >= 12
    with rasterio.open(found.folder / "TOA.tif") as file:
        assert file.transform.c - west == pytest.approx(90.0, abs=4.0)
    np.testing.assert_array_equal(found.stored("TOA"), plain.stored("TOA"))
    np.testing.assert_array_equal(found.stored("QAI"), plain.stored("QAI"))
    assert (found.stored("QAI") != NO_DATA).all()


def test_d4_images_may_be_merged_in_any_order(tmp_path: Path) -> None:
    settings = {"projection": "EPSG:32633", "max-cloud-cover": 100, "origin-lon": 12.0, "origin-lat": 52.5}
    tiles = []
    for number, longitude in enumerate((12.85, 12.87)):
        place = PLAIN.changed(place=(longitude, 51.7), path_row=(193, 24 + number), seed=number)
        product = make(simulate(place, tmp_path / f"{number}").path, tmp_path / f"{number}" / "image", **AS_SIMULATED)
        run_stage("tile-image", settings, image=product.folder, tiles=tmp_path / f"{number}" / "tiles")
        tiles.append(tmp_path / f"{number}" / "tiles")
    cubes = []
    for name, order in (("one", tiles), ("other", tiles[::-1])):
        for _ in range(2):
            cube = {"cube": str(tmp_path / name)}
            run_stage("merge-tile", cube, tiles=order, merged=tmp_path / f"{name}.json")
        cubes.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).rglob("*.tif"))})
    assert cubes[0]
    assert cubes[0] == cubes[1]


@pytest.mark.parametrize("azimuth", [179.0, 260.0, 0.5])
def test_d5_azimuths_about_south_and_north_are_whole(tmp_path: Path, azimuth: float) -> None:
    """Of the satellite from the sun's; layers of azimuths pass 180 degrees without a gap or a false mean."""
    made = simulate(PLAIN.changed(rows=60, columns=60, view=(6.0, azimuth)), tmp_path)
    found = make(made.path, tmp_path / "image", output_angles=True, **AS_SIMULATED)
    sun, view = (found.stored(name) for name in ("SAA", "VAA"))
    assert (view != -9999).all()
    turned = (view.astype(float) - sun) / 100 - azimuth
    assert np.abs((turned + 180) % 360 - 180).max() < 1.0
    facts = found.facts
    assert abs((facts["view_azimuth"] - facts["sun_azimuth"] - azimuth + 180) % 360 - 180) < 1.0


def test_d6_a_clip_is_seen_as_its_part_of_the_scene_is(tmp_path: Path) -> None:
    """Without files of angles the view follows from the track, not from which pixels are valid."""
    made = simulate(PLAIN.changed(rows=120, columns=200, angle_files=False), tmp_path / "whole")
    clip = tmp_path / made.path.name
    clip.mkdir()
    window = Window(110, 30, 90, 60)
    for path in made.path.iterdir():
        if path.suffix != ".TIF":
            (clip / path.name).write_bytes(path.read_bytes())
            continue
        with rasterio.open(path) as file:
            step = 1 if file.width == 200 else 2
            place = window if step == 1 else Window(220, 60, 180, 120)
            profile = {**file.profile, "width": place.width, "height": place.height}
            profile |= {"transform": file.transform @ Affine.translation(place.col_off, place.row_off)}
            values = file.read(1, window=place)
        with rasterio.open(clip / path.name, "w", **profile) as file:
            file.write(values, 1)
    whole = make(made.path, tmp_path / "a", output_angles=True, atmospheric_correction=False)
    part = make(clip, tmp_path / "b", output_angles=True, atmospheric_correction=False)
    for name in ("SZA", "SAA", "VZA"):
        expected = whole.stored(name)[30:90, 110:200].astype(int)
        assert np.abs(part.stored(name) - expected).max() <= 2, name


def test_d7_aerosol_absorbs_and_there_are_several_kinds() -> None:
    """Over bright ground aerosol that only scatters brightens; one that absorbs darkens."""
    tables = load_tables("LND08")
    assert len(tables.models) > 1
    seen = {}
    for model in tables.models:
        for aod in (0.05, 0.8):
            air = tables.at(
                "RED", model, sun_zenith=35.0, view_zenith=0.0, relative_azimuth=0.0, aod=aod, pressure=1013
            )
            lit = np.asarray(air.down) * np.asarray(air.up) * 0.6 / (1 - 0.6 * np.asarray(air.albedo))
            seen[model, aod] = float(np.asarray(air.path) + lit)
    change = {model: seen[model, 0.8] - seen[model, 0.05] for model in tables.models}
    assert change["continental"] < -0.01
    assert max(change.values()) - min(change.values()) > 0.01


def test_d8_gases_of_every_kind_absorb() -> None:
    """Oxygen, carbon dioxide and methane too, which FORCE leaves out: its SWIR is up to 0.009 too dark."""
    tables = load_tables("SEN2A")
    state = {"sun_zenith": 43.0, "view_zenith": 0.0, "water_vapour": 2.0, "ozone": 0.3, "pressure": 1013.0}
    other = {band: float(np.asarray(tables.gases(band, **state).other)) for band in ("GREEN", "NIR", "SWIR1", "SWIR2")}
    assert other["GREEN"] > 0.999
    assert other["SWIR2"] < 0.985
    assert 0.95 < other["SWIR1"] < 0.999


def test_d9_numbers_are_the_nearest(tmp_path: Path) -> None:
    """FORCE cuts off what lies behind the last digit: half a digit too dark on average."""
    made = simulate(PLAIN.changed(rows=60, columns=60), tmp_path)
    found = make(made.path, tmp_path / "image", atmospheric_correction=False)
    image = open_image(made.path)
    calibration = image.metadata.calibration["RED"]
    counts = image.read("RED", 0, 60).astype(float)
    image.close()
    with rasterio.open(next(made.path.glob("*_SZA.TIF"))) as file:
        cosine = np.cos(np.radians(np.mean(file.read(1)) / 100))
    exact = (calibration.multiplier * counts + calibration.offset) / cosine * 1e4
    error = found.band("RED", "TOA") * 1e4 - exact
    assert abs(error.mean()) < 0.1


def test_d10_every_satellite_has_its_own_responses() -> None:
    """FORCE takes Landsat 8's for Landsat 9 and Sentinel-2A's or -2B's for -2C and -2D."""
    for one, other in (
        ("LND08", "LND09"),
        ("SEN2A", "SEN2C"),
        ("SEN2A", "SEN2B"),
        ("SEN2B", "SEN2C"),
        ("SEN2B", "SEN2D"),
    ):
        first, second = load_tables(one), load_tables(other)
        differ = [
            band
            for band in first.bands
            if (first.bands[band].first, first.bands[band].response)
            != (second.bands[band].first, second.bands[band].response)
        ]
        assert len(differ) > len(first.bands) / 2, (one, other)


def test_d11_order_changes_nothing(tmp_path: Path) -> None:
    clouds = Clouds(cover=0.2, size=400.0, cirrus=0.05)
    made = simulate(PLAIN.changed(rows=200, landscape=Landscape(relief=300.0, snow=0.05), clouds=clouds), tmp_path)
    found = [
        make(made.path, tmp_path / f"{rows}", dem=made.dem, max_cloud_cover=100.0, block_rows=rows).bytes()
        for rows in (64, 77, 200)
    ]
    assert found[0] == found[1] == found[2]


@pytest.fixture(scope="module")
def cloudy(tmp_path_factory: pytest.TempPathFactory) -> SimulatedScene:
    clouds = Clouds(cover=0.12, layers=1, lowest=900.0, highest=900.0, size=600.0, soft_edges=False)
    return simulate(PLAIN.changed(rows=150, columns=150, clouds=clouds), tmp_path_factory.mktemp("cloudy"))


def test_d12_buffers_reach_to_the_edge_of_the_image(cloudy: SimulatedScene, tmp_path: Path) -> None:
    """FORCE does not widen clouds that lie closer to the edge than the buffer's radius."""
    found = make(cloudy.path, tmp_path / "image", cloud_buffer=180.0, **AS_SIMULATED)
    state = found.bits["cloud"]
    confident = state == Cloud.CONFIDENT
    edge = np.zeros_like(confident)
    edge[:6], edge[-6:], edge[:, :6], edge[:, -6:] = True, True, True, True
    assert (confident & edge).sum() > 20
    near = distance_transform_edt(~confident) <= 6
    np.testing.assert_array_equal(state > 0, near)


def test_d13_overviews_of_bits_are_bits(tmp_path: Path) -> None:
    """The tile-wise images of `process-image` have none; the cube's are the nearest pixels."""
    grid = ImageGrid("EPSG:32633", 400000.0, 5700000.0, 30.0, 600, 600)
    bits = np.where(np.indices(grid.shape).sum(axis=0) % 2, 4, 96).astype(np.int16)
    layer = LAYERS["QAI"]
    with ImageWriter(tmp_path / "QAI.tif", grid, 1, layer.dtype, layer.nodata, ("QAI",)) as writer:
        writer.write(0, bits[np.newaxis])
    with rasterio.open(tmp_path / "QAI.tif") as file:
        assert file.overviews(1) == []
        assert set(np.unique(file.read(1, out_shape=(150, 150)))) <= {4, 96}


def test_d14_an_image_without_data_is_skipped_and_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """FORCE prints -nan and goes on with a cloud cover of 100 %."""
    made = simulate_damaged(PLAIN.changed(rows=60, columns=60), tmp_path, "no-data")
    with caplog.at_level(logging.INFO, "levelworks"), pytest.raises(NothingToProduce, match="0 % of its pixels"):
        make(made.path, tmp_path / "image")
    assert "nan" not in caplog.text.lower()


def test_d15_longitudes_of_both_signs_are_one_place(tmp_path: Path) -> None:
    """A scene about 180 degrees is the same to the atmosphere in zone 60 as in zone 1."""
    found: list[Product] = []
    for zone, longitude in ((60, 179.9999), (1, -179.9999)):
        description = PLAIN.changed(
            rows=60,
            columns=60,
            place=(longitude, -17.0),
            zone=zone,
            time=datetime(2018, 5, 3, 22, 20, tzinfo=UTC),
            path_row=(74, 72),
        )
        made = simulate(description, tmp_path / f"raw{zone}")
        found.append(make(made.path, tmp_path / f"{zone}", aerosol_retrieval=False))
    one, other = (product.facts for product in found)
    assert one["quality"]["ozone_atm_cm"] == pytest.approx(other["quality"]["ozone_atm_cm"], abs=1e-4)
    assert one["sun_zenith"] == pytest.approx(other["sun_zenith"], abs=0.02)
    for band in SENSORS["LND08"].product:
        assert np.nanmedian(found[0].band(band)) == pytest.approx(np.nanmedian(found[1].band(band)), abs=0.03)


def test_d16_light_of_the_surroundings_has_no_steps(tmp_path: Path) -> None:
    """What the correction of a land far and wide alike adds changes from pixel to pixel by no more than a count."""
    ground = Landscape(water=0.5, forest=0.5, urban=0.0, bright=0.0, parcel=4000.0, seed=86)
    made = simulate(PLAIN.changed(rows=200, columns=200, landscape=ground, noise=False), tmp_path)
    settings = {"aerosol_retrieval": False, **AS_SIMULATED}
    found = make(made.path, tmp_path / "with", **settings)
    without = make(made.path, tmp_path / "without", adjacency_correction=False, **settings)
    for band in ("BLUE", "NIR"):
        added = (found.band(band) - without.band(band)) * 1e4
        assert np.ptp(added) > 20
        # Each pixel's own reflectance takes part; between alike neighbours only the surroundings change.
        alike = np.abs(np.diff(without.band(band), axis=1)) < 0.002
        steps = np.abs(np.diff(added, axis=1))
        border = np.zeros(steps.shape, bool)
        border[:, 9::10] = True
        border[:, 4::10] = True  # centres of cells, where the slope of the interpolation changes
        assert np.percentile(steps[alike & border], 99) <= np.percentile(steps[alike & ~border], 99) + 1.0
