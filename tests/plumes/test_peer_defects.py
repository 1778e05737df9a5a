"""The defects of HyperGas (D1 to D22 of specs/plumes.md 2), each as the right behaviour, and where it is proven.

Where a number changes, the same or another test also shows that ``compat: hypergas`` gives HyperGas's.

D1   test_d1_mass_does_not_depend_on_the_pressure, test_compat_hypergas_reproduces_its_arithmetic
D2   test_d2_hypergas_target_lies_beside_the_exact_one, test_t2_hypergas_filter_is_spectral_pythons
D3   test_d3_one_slope_underestimates_strong_plumes, test_d3_slope_depends_on_the_range_it_is_fitted_over,
     test_d3_compat_is_the_slope_over_hypergas_concentrations
D4   test_d4_dark_surfaces_hide_no_gas
D5   test_d5_plumes_in_the_statistics_are_underestimated, test_second_pass_finds_what_the_first_loses
D6   test_d6_bands_are_weighted_by_what_they_see, test_d6_each_pixel_has_its_own_path,
     test_lookup_table_is_read_between_its_nodes
D7   test_d7_lambertian_white_has_reflectance_one, test_d7_every_sensor_reads_the_same_unit, test_units_are_converted
D8   test_d8_touched_pixels_overestimate_by_direction_and_sampling_does_not
D9   test_d9_lengths_are_averaged_over_the_radii_of_the_masses
D10  test_d10_an_area_source_does_not_change_the_next_point_source
D11  test_d11_winds_about_north_do_not_turn_over_south, test_azimuths_of_359_and_1_give_0,
     test_corners_and_centre_are_met
D12  test_d12_a_manual_wind_of_zero_is_a_wind, test_d12_a_manual_wind_of_zero_counts_and_has_no_error,
     test_d12_pressure_is_that_of_the_chosen_wind, test_d12_reprocessing_takes_the_wind_that_is_asked_for,
     test_d12_strong_pixels_of_one_scene_do_not_choose_the_filter_of_the_next
D13  test_d13_a_plume_that_spans_the_scene_has_no_legal_place_and_does_not_fail,
     test_d13_other_plumes_are_no_background, test_all_shifts_equal_brute_force, test_two_runs_give_the_same_bytes
D14  test_d14_water_is_denoised_and_gaps_stay_gaps
D15  test_d15_each_pixel_has_its_own_area, test_compat_hypergas_reproduces_its_arithmetic,
     test_area_weights_keep_every_sum
D16  test_d16_a_scene_is_placed_once_for_all_its_variables
D17  test_d17_every_pixel_has_an_error_a_sensitivity_and_a_limit, test_d17_flares_and_stripes_are_told,
     test_d17_flares_are_redder_than_sunlight
D18  test_d18_products_are_compressed_and_in_open_formats, test_geotiffs_are_cloud_optimised_and_true,
     test_the_item_is_valid_and_true, test_page_loads_nothing_from_the_network
D19  test_d19_wrong_options_are_refused_by_name, test_d19_records_say_how_a_product_came_about_without_network
D20  test_d20_one_missing_source_leaves_the_others, test_observations_missing_are_computed_with_a_warning
D21  test_d21_plumes_and_sources_are_found_without_people, test_no_gas_or_a_surface_is_a_false_positive
D22  test_d22_water_is_left_out_whatever_the_classes, test_d22_water_may_have_statistics_of_its_own
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
from plume_fields import clutter, write_retrieval
from plume_scenes import swath, write_products
from proofs import known_tests, proofs_in
from rasterio.transform import from_bounds
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import Point, shape

from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.detection.denoise_options import Denoise
from levelworks.plumes.detection.denoise_stage import denoise_fields
from levelworks.plumes.emission.quantify_options import ReprocessPlumes
from levelworks.plumes.emission.reprocess_stage import reprocess_plumes
from levelworks.plumes.layers import open_layers
from levelworks.plumes.mapping import placement
from levelworks.plumes.mapping.orthorectify_options import Orthorectify
from levelworks.plumes.mapping.orthorectify_stage import orthorectify_scene
from levelworks.plumes.options import Plumes
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.retrieval.absorption import (
    FWHM_TO_SIGMA,
    geometric_air_mass,
    library_source,
    young_path,
)
from levelworks.plumes.retrieval.absorption_files import read_absorption
from levelworks.plumes.retrieval.absorption_stage import tabulate_absorption
from levelworks.plumes.retrieval.enhancement import Retrieved
from levelworks.plumes.retrieval.gas_layers import _stripe_index
from levelworks.plumes.retrieval.quality import (
    FLAGS,
    HOT_BANDS,
    REFLECTANCE_BANDS,
    Thresholds,
    band_irradiance,
    find_flags,
)
from levelworks.plumes.retrieval.retrieval_options import Absorption, Retrieve
from levelworks.plumes.retrieval.retrieve_stage import retrieve
from levelworks.plumes.simulation.enmap_files import write_enmap
from levelworks.plumes.simulation.enmap_instrument import enmap_spectral
from levelworks.plumes.simulation.prisma_files import write_prisma
from levelworks.plumes.simulation.prisma_instrument import prisma_spectral
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_scenes import simulate_emit
from levelworks.plumes.simulation.transport import Plume, Wind
from levelworks.plumes.tables import emit_spectral, solar_irradiance


@pytest.mark.parametrize("number", range(1, 23))
def test_every_defect_is_proven(number: int) -> None:
    named, known = proofs_in(__doc__ or "", "D").get(number, []), known_tests()
    assert any(name.startswith(f"test_d{number}_") for name in named), f"D{number} has no test of its number"
    assert set(named) <= known


def run(emit, absorption: Path, path: Path, land: Path | None = None, **options) -> Path:
    """Retrieve a granule without leaving plumes out."""
    settings = Retrieve(**{"windows": "primary"} | options)
    retrieve(emit.radiance, emit.observations, None, land, absorption, None, path, settings)
    return path


def read(path: Path, *names: str) -> list[np.ndarray]:
    with open_layers(path) as layers:
        return [layers.read(name) for name in names]


def test_d3_compat_is_the_slope_over_hypergas_concentrations(emit, tmp_path) -> None:
    """Least squares with an intercept over 0 to 6.4 ppm, of bands that are means of transmittance (1.6).

    HyperGas convolves T0 T, where T0 is of the air without added gas. The library holds radiance L0, at the sensor
    sunlight F times what surface and angles give, which are smooth, times T0. So T0 goes with L0 / F, and a band has
    ln T = ln(sum(R T L0 / F) / sum(R L0 / F)). Channels that the air has blackened then weigh nothing, as HyperGas has
    it, and sunlight's own lines do not count.
    """
    path = tmp_path / "a.nc"
    tabulate_absorption(emit.radiance, emit.observations, {}, {}, path, Absorption(compat="hypergas"))
    found = read_absorption(path)["ch4"]
    with open_scene(emit.radiance, emit.observations, None) as scene:
        centres, widths = scene.spectral.centres, scene.spectral.widths
        sun_zenith, view_zenith = scene.geometry.sun_zenith, scene.geometry.view_zenith
    ppm = np.array([0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4])
    slant = ppm * 1000 / 2900 * float(young_path(sun_zenith.mean(), view_zenith.mean()))
    source = library_source()
    transmittance, sun = source.transmittance(slant), solar_irradiance()
    air = source.weights / np.interp(source.wavelengths, sun.wavelengths, sun.irradiance)
    step = np.gradient(source.wavelengths)
    for band in np.flatnonzero(np.abs(centres[0] - 2345) < 40)[::3]:
        away = (source.wavelengths - centres[0, band]) / (widths[0, band] * FWHM_TO_SIGMA)
        response = np.exp(-0.5 * away**2) * step * (np.abs(away) < 4) * air
        logs = np.log(transmittance @ response / response.sum())
        assert found.unit[0, band] == pytest.approx(np.polyfit(slant, logs, 1)[0], rel=1e-4)


def test_d6_each_pixel_has_its_own_path(emit, absorption, tmp_path) -> None:
    """1/cos of its own angles; HyperGas takes Young's air mass at the means of the scene."""
    ours, theirs = (
        read(run(emit, absorption, tmp_path / f"{kind}.nc", air_mass=kind), "ch4")[0] for kind in ("pixel", "young")
    )
    with open_scene(emit.radiance, emit.observations, None) as scene:
        sun, view = scene.geometry.sun_zenith, scene.geometry.view_zenith
    known = np.isfinite(ours)
    ratio = (geometric_air_mass(sun, view) / young_path(sun.mean(), view.mean()))[known]
    assert theirs[known] == pytest.approx(ours[known] * ratio, rel=1e-5)
    assert np.ptp(ratio) > 0
    assert Retrieve(compat="hypergas").air_mass == "young"


def test_d7_every_sensor_reads_the_same_unit(emit, tmp_path) -> None:
    """Radiance of desert in daylight at 1650 nm, microwatt cm-2 sr-1 nm-1, whatever the agency's unit."""
    from levelworks.plumes.simulation.simulated_campaigns import satellite_scene

    description = SceneDescription(sun_zenith=30.0, seed=5)
    granules = {"EMIT": emit.radiance}
    for sensor, spectral, write in (
        ("EnMAP", enmap_spectral(), write_enmap),
        ("PRISMA", prisma_spectral(20), write_prisma),
    ):
        granules[sensor] = write(tmp_path, satellite_scene(description, sensor, spectral, 24, 20))
    for sensor, path in granules.items():
        with open_scene(path) as scene:
            middle = scene.read(range(5, 15), np.array([scene.spectral.nearest(1650.0)]))
        assert 1.0 < np.nanmedian(middle) < 4.0, sensor


def test_d12_reprocessing_takes_the_wind_that_is_asked_for(products_of_emit, tmp_path) -> None:
    """With masses kept as well as with masses made anew; HyperGas keeps the table's wind in the first case."""
    quantified = products_of_emit.path(products_of_emit.layout.quantified)
    for anew in (False, True):
        options = ReprocessPlumes(reprocess_nc=anew, wind_data="GEOS-FP")
        reprocess_plumes(quantified, None, None, folder_out=tmp_path / str(anew), options=options)
        with (tmp_path / str(anew) / "plumes.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert {row["wind_source"] for row in rows} == {"GEOS-FP"}
        assert all(row["emission"] == row["emission_ime_geos_fp"] for row in rows)


def test_d12_strong_pixels_of_one_scene_do_not_choose_the_filter_of_the_next(emit, absorption, tmp_path) -> None:
    """Method auto decides pixel by pixel; after a scene with strong plumes the next one is what it was before."""
    weak = simulate_emit(tmp_path / "weak", SceneDescription(seed=8, sun_zenith=35.0), 96, 24)
    tabulate_absorption(weak.radiance, weak.observations, {}, {}, tmp_path / "a.nc", Absorption())
    before = run(weak, tmp_path / "a.nc", tmp_path / "before.nc", method="auto")
    run(emit, absorption, tmp_path / "strong.nc", method="auto", strong={"ch4": 600.0})
    after = run(weak, tmp_path / "a.nc", tmp_path / "after.nc", method="auto")
    normal = run(weak, tmp_path / "a.nc", tmp_path / "normal.nc", method="normal")
    assert before.read_bytes() == after.read_bytes()
    assert np.array_equal(*read(after, "ch4"), *read(normal, "ch4"), equal_nan=True)


def test_d14_water_is_denoised_and_gaps_stay_gaps(tmp_path) -> None:
    """HyperGas writes 0 on the other class, and fills clouds with a mean before it denoises."""
    rng = np.random.default_rng(14)
    field = clutter(rng, (90, 90))
    field[:20, :20] = np.nan
    water = np.zeros(field.shape, dtype=np.int16)
    water[:, 45:] = 1
    retrieval = write_retrieval(tmp_path / "r.nc", {"ch4": field}, segmentation=1 - water)
    denoise_fields(retrieval, tmp_path / "d.nc", Denoise())
    (found,) = read(tmp_path / "d.nc", "ch4_denoise")
    assert np.array_equal(np.isnan(found), np.isnan(field))
    for label in (0, 1):
        own = found[(water == label) & np.isfinite(found)]
        assert np.count_nonzero(own) == own.size
        assert 0 < own.std() < field[np.isfinite(field)].std()


def test_d16_a_scene_is_placed_once_for_all_its_variables(tmp_path, monkeypatch) -> None:
    longitude, latitude, _, _ = swath(32613, 560000, 3540000, rows=30, columns=24)
    products = write_products(tmp_path / "p", (longitude, latitude), gases=("ch4", "co2"))
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return original(*arguments)

    original = placement.map_by_positions
    monkeypatch.setattr(placement, "map_by_positions", counted)
    orthorectify_scene(
        products.retrieval, products.denoised, products.labels, products.wind, None, None, None,
        level2=tmp_path / "x.nc", cogs=None, options=Orthorectify(),
    )  # fmt: skip
    with netCDF4.Dataset(tmp_path / "x.nc") as file:
        assert len(file.variables) > 25
    assert len(calls) == 1


def test_d17_every_pixel_has_an_error_a_sensitivity_and_a_limit(products_of_emit) -> None:
    found, error, limit, sensitivity, flags = read(
        products_of_emit.path(products_of_emit.layout.second), "ch4", "ch4_unc", "ch4_detlim", "ch4_sens", "quality"
    )
    known = np.isfinite(found)
    assert known.mean() > 0.8
    assert (error[known] > 0).all()
    assert (limit[known] > error[known]).all()
    assert np.isfinite(sensitivity[known]).all()
    assert (flags[[0, -1]] & FLAGS["edge"] > 0).all()
    assert products_of_emit.outcomes["retrieve-again"].quality["ch4_stripe_index"] > 0


def test_d17_flares_and_stripes_are_told(tmp_path) -> None:
    """A flare is flagged where it burns and nowhere else; one level of gas in a detector column shows as a stripe."""
    description = SceneDescription(
        plumes=[Plume(3.0, 60.0, 10.0, kind="gaussian")], wind=Wind(5.0, 305.0), flares=1, seed=17
    )
    emit = simulate_emit(tmp_path, description, 128, 24)
    tabulate_absorption(emit.radiance, emit.observations, {}, {}, tmp_path / "a.nc", Absorption())
    (flags,) = read(run(emit, tmp_path / "a.nc", tmp_path / "x.nc"), "quality")
    with netCDF4.Dataset(emit.truth) as file:
        burning = file.variables["flare"][...] > 0
    flagged = flags & FLAGS["flare"] > 0
    assert burning.sum() == 1
    assert flagged[burning].all()
    assert flagged.sum() <= 25
    found = Retrieved.of_nothing(4, 50)
    found.clutter[...], found.noise[...] = 0.3, 0.4
    found.stripes[...] = [1.0, -1.0, 1.0, -1.0]
    assert _stripe_index(found) == pytest.approx(1 / 0.5)


@pytest.mark.parametrize("kelvin", [900, 1500, 2000])
def test_d17_flares_are_redder_than_sunlight(kelvin: int) -> None:
    """Planck's law and sunlight on grey ground through the same air, both bright at 2390 nm."""
    names = np.array(HOT_BANDS)
    spectral = emit_spectral(smile=False)
    sun = band_irradiance(spectral)[[spectral.nearest(one) for one in names]]
    metres = names * 1e-9
    flare = 1 / metres**5 / np.expm1(1.438776877e-2 / (metres * kelvin))
    air = np.array([0.85, 0.8, 0.75])
    for spectrum, expected in ((flare, True), (sun, False)):
        seen = 3.0 * spectrum * air / (spectrum * air)[1]
        hot = {name: np.full((5, 5), level) for name, level in zip(HOT_BANDS, seen, strict=True)}
        nothing = np.zeros((5, 5), dtype=bool)
        rho = {name: np.full((5, 5), 0.3) for name in REFLECTANCE_BANDS}
        flags = find_flags(rho, hot, nothing, nothing, {}, Thresholds())
        assert bool((flags & FLAGS["flare"] > 0).all()) is expected


def test_d18_products_are_compressed_and_in_open_formats(products_of_emit) -> None:
    to = products_of_emit.layout
    with netCDF4.Dataset(products_of_emit.path(to.level2)) as file:
        on_map = [one for one in file.variables.values() if one.dimensions[-2:] == ("y", "x")]
        assert len(on_map) > 20
        assert all(one.filters()["zlib"] for one in on_map)
    images = sorted(products_of_emit.path(to.cogs).glob("*.tif"))
    assert len(images) >= 10
    assert all(cog_validate(path, quiet=True)[0] for path in images)
    item = json.loads((products_of_emit.path(to.cogs) / f"{products_of_emit.scene}.json").read_text())
    assert (item["type"], item["stac_version"]) == ("Feature", "1.1.0")
    plume = json.loads(products_of_emit.path(to.plumes).read_text())["features"][0]
    source = Point(plume["properties"]["source_longitude"], plume["properties"]["source_latitude"])
    assert shape(plume["geometry"]).buffer(2e-3).contains(source)
    pages = [
        *products_of_emit.path(to.scene_pictures).glob("*.html"),
        *products_of_emit.path(to.folder_pages).iterdir(),
    ]
    assert len(pages) == 3
    assert all(path.stat().st_size < 4e6 for path in pages)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"retrieve": {"methd": "normal"}}, "retrieve.methd: unknown key; did you mean 'method'"),
        ({"quantify": {"wspd_manual": -1}}, "quantify.wspd_manual"),
        ({"detect-plumes": {"azimuth_diff_max": 120}}, "detect-plumes.azimuth_diff_max"),
        ({"gases": "ozone"}, "gases"),
    ],
)
def test_d19_wrong_options_are_refused_by_name(values, message) -> None:
    with pytest.raises(InvalidOptions) as refusal:
        validate(Plumes, values, "config: plumes")
    assert message in str(refusal.value)


def test_d19_records_say_how_a_product_came_about_without_network(products_of_emit) -> None:
    """Every stage ran with connections refused; options, inputs and versions stand beside each product."""
    to = products_of_emit.layout
    assert len(products_of_emit.outcomes) == 13
    record = json.loads(products_of_emit.path(to.record_of(to.second)).read_text())
    assert record["stage"] == "retrieve-again"
    assert record["options"]["method"] == "lognormal"
    (granule,) = record["inputs"]["radiance"]
    radiance = products_of_emit.emit.radiance
    assert (granule["path"], granule["size"]) == (str(radiance), radiance.stat().st_size)
    assert granule["checksum"] == f"sha256:{hashlib.sha256(radiance.read_bytes()).hexdigest()}"
    assert "numpy" in json.dumps(record)


def test_d21_plumes_and_sources_are_found_without_people(products_of_emit) -> None:
    truth = json.loads(products_of_emit.emit.truth.with_suffix(".json").read_text())["plumes"]
    features = json.loads(products_of_emit.path(products_of_emit.layout.plumes).read_text())["features"]
    found, *others = (one["properties"] for one in features)
    assert np.hypot(found["source_row"] - truth[0]["row"], found["source_column"] - truth[0]["column"]) < 2
    assert found["marker"] == "automatic"
    assert found["source_confidence"] > 0.5
    assert found["fp_score"] < 0.2
    # clutter that looks like a plume is told by its spectra
    assert all(one["fp_score"] > 0.5 for one in others)


@pytest.fixture(scope="module")
def lake(emit, absorption, tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A map whose western half is water, and which pixels lie there."""
    folder = tmp_path_factory.mktemp("lake")
    longitude, latitude = read(run(emit, absorption, folder / "places.nc"), "longitude", "latitude")
    middle = float(np.median(longitude))
    box = (middle - 1, float(latitude.min()) - 1, middle + 1, float(latitude.max()) + 1)
    with rasterio.open(
        folder / "lake.tif", "w", driver="GTiff", height=2, width=2, count=1, dtype="uint8", crs="EPSG:4326",
        transform=from_bounds(*box, 2, 2),
    ) as file:  # fmt: skip
        file.write(np.array([[0, 1], [0, 1]], dtype=np.uint8), 1)
    return folder / "lake.tif", longitude < middle


@pytest.mark.parametrize("classes", ["land-water", "clusters", "none"])
def test_d22_water_is_left_out_whatever_the_classes(emit, absorption, lake, tmp_path, classes: str) -> None:
    """HyperGas leaves it out where there are exactly two labels."""
    path, water = lake
    (found,) = read(run(emit, absorption, tmp_path / "x.nc", path, classes=classes, clusters=3), "ch4")
    assert np.isnan(found[water]).all()
    assert np.isfinite(found[~water]).mean() > 0.8


def test_d22_water_may_have_statistics_of_its_own(emit, absorption, lake, tmp_path) -> None:
    path, water = lake
    own, labels = read(run(emit, absorption, tmp_path / "x.nc", path, water="own"), "ch4", "segmentation")
    assert set(np.unique(labels[water])) == {0}
    assert set(np.unique(labels[~water])) == {1}
    assert np.isfinite(own[water]).mean() > 0.8
    for part in (water, ~water):
        # each class is centred on its own background, column by column
        assert abs(np.nanmedian(own[part])) < 0.2 * np.nanstd(own[part])
