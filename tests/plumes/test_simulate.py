"""Simulated granules: gas darkens as the library says, noise is the model's, files are laid out as the agency's."""

from __future__ import annotations

import hashlib
import json
from argparse import ArgumentParser
from datetime import UTC, datetime

import netCDF4
import numpy as np
import pytest

from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.layers import open_layers
from levelworks.plumes.readers import emit_layout as layout
from levelworks.plumes.retrieval.methane_library import load_library
from levelworks.plumes.simulate_command import add_arguments, simulate
from levelworks.plumes.simulation.simulate import SceneDescription, start_of
from levelworks.plumes.simulation.simulated_atmosphere import (
    gas_source,
    gas_table,
    rayleigh_depth,
    synthetic_cross_section,
)
from levelworks.plumes.simulation.simulated_scenes import emit_scene, simulate_emit
from levelworks.plumes.simulation.simulated_surfaces import VAPOUR, make_surface
from levelworks.plumes.simulation.transport import Plume, Wind, transport_speed
from levelworks.plumes.tables import emit_noise, emit_spectral, solar_irradiance
from levelworks.plumes.units import AVOGADRO

PLUME = Plume(20.0, 20.0, 8.0, kind="gaussian")
QUIET = {"noise": False, "stripes": 0.0}
WINDY = Wind(3.0, 200.0)
ATTRIBUTES = {
    "ncei_template_version", "summary", "keywords", "Conventions", "sensor", "instrument", "platform", "institution",
    "license", "naming_authority", "date_created", "stdname_vocabulary", "creator_name", "creator_url", "project",
    "project_url", "publisher_name", "publisher_url", "identifier_product_doi_authority", "flight_line",
    "time_coverage_start", "time_coverage_end", "software_build_version", "software_delivery_version",
    "product_version", "history", "crosstrack_orientation", "easternmost_longitude", "northernmost_latitude",
    "westernmost_longitude", "southernmost_latitude", "spatialResolution", "spatial_ref", "geotransform",
    "day_night_flag", "title",
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    description = SceneDescription(plumes=[PLUME], wind=WINDY, seed=17)
    return simulate_emit(tmp_path_factory.mktemp("granule"), description, 40, 20, mask=True)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_methane_darkens_bands_as_the_library_does():
    """Against sums over the library's channels, written out for some pixels and bands."""
    plume = Plume(8.0, 20.0, 8.0, kind="gaussian")
    with_gas = emit_scene(SceneDescription(plumes=[plume], wind=WINDY, surface="flat", **QUIET), 40, 20)
    without = emit_scene(SceneDescription(wind=WINDY, surface="flat", **QUIET), 40, 20)
    # the air's own light isn't darkened: gas lies below it
    cosine = np.cos(np.radians(without.geometry.sun_zenith))[..., None]
    path = np.asarray(without._path * cosine, dtype=float)
    seen = np.log((with_gas.clean_radiance(range(40)) - path) / (without.clean_radiance(range(40)) - path))
    library = load_library()
    wave = library.wavelengths
    column = with_gas.gas_columns["ch4"]
    pixels = [np.unravel_index(np.argsort(column, axis=None)[place], column.shape) for place in (-1, -3, -20, -60)]
    assert column[pixels[0]] > 3 * column[pixels[3]] > 0
    for row, over in pixels:
        zeniths = with_gas.geometry.sun_zenith[row, over], with_gas.geometry.view_zenith[row, over]
        slant = column[row, over] * sum(1 / np.cos(np.radians(zenith)) for zenith in zeniths)
        logs = np.log(np.maximum(library.radiance.astype(float), 1e-30))
        place = np.searchsorted(library.slant_columns, slant) - 1
        share = (slant - library.slant_columns[place]) / np.diff(library.slant_columns)[place]
        enhanced = np.exp(logs[place] + share * (logs[place + 1] - logs[place]))
        for band in (180, 250, 265, 275):
            centre, width = with_gas.spectral.centres[over, band], with_gas.spectral.widths[over, band]
            response = np.exp(-4 * np.log(2) * ((wave - centre) / width) ** 2)
            expected = np.log(
                np.trapezoid(enhanced * response, wave) / np.trapezoid(library.radiance[0] * response, wave)
            )
            assert seen[row, over, band] == pytest.approx(expected, rel=1e-3, abs=5e-6)


def test_little_gas_darkens_in_proportion_to_air_mass():
    deep = emit_scene(SceneDescription(plumes=[PLUME], wind=WINDY, surface="flat", sun_zenith=60.0, **QUIET), 30, 12)
    high = emit_scene(SceneDescription(plumes=[PLUME], wind=WINDY, surface="flat", sun_zenith=0.0, **QUIET), 30, 12)
    assert deep.air_mass[15, 6] == pytest.approx(3.0, abs=1e-3)
    assert high.air_mass[15, 6] == pytest.approx(2.0, abs=1e-3)
    thin = 1e-3
    tables = [
        scene.gas_tables["ch4"].at(np.array([8]), np.array([thin * scene.air_mass[20, 8]])) for scene in (deep, high)
    ]
    band = deep.spectral.nearest(2345)
    assert tables[0][0, band] / tables[1][0, band] == pytest.approx(1.5, rel=2e-2)


def test_synthetic_gas_follows_beers_law():
    """One smooth band, far wider than the response: ln T at its middle is the cross-section times molecules."""
    spectral = emit_spectral(smile=False)
    table = gas_table(gas_source("co2"), spectral, np.array([0]), 400.0)
    wave, cross_section = synthetic_cross_section("co2")
    assert "SYNTHETIC" in gas_source("co2").name
    band = spectral.nearest(2004)
    molar = np.interp(spectral.centres[0, band], wave, cross_section) * AVOGADRO / 1e4
    assert table.at(np.array([0]), np.array([100.0]))[0, band] == pytest.approx(-100 * molar, rel=0.1)
    assert table.at(np.array([0]), np.array([0.0]))[0] == pytest.approx(0.0)
    assert table.at(np.array([0]), np.array([100.0]))[0, spectral.nearest(1000)] == pytest.approx(0.0, abs=1e-6)


def test_radiance_over_a_grey_surface_is_lambert_law():
    """In the clear window at 2130 nm: rho cos(zenith) E0 / (pi d2) times 0.97, within the window's own structure."""
    scene = emit_scene(SceneDescription(surface="flat", sun_zenith=35.0, **QUIET), 6, 5)
    radiance = scene.radiance(range(6))
    sun = solar_irradiance()
    for wavelength, transmittance in ((2133.0, 0.97), (1640.0, 0.97), (1040.0, 0.97)):
        band = scene.spectral.nearest(wavelength)
        centre = scene.spectral.mean[band]
        reflectance = scene.surface.reflectance(range(6), scene.spectral.mean)[0, 0, band]
        light = np.interp(centre, sun.wavelengths, sun.irradiance)
        expected = reflectance * np.cos(np.radians(35)) * light / np.pi / scene.earth_sun**2 * transmittance
        assert radiance[..., band] == pytest.approx(np.full((6, 5), expected), rel=0.08)


def test_the_air_is_blue_and_rayleigh_is_known():
    # 0.098 at 550 nm at sea level (Bodhaine et al. 1999)
    assert rayleigh_depth(np.array([550.0]))[0] == pytest.approx(0.098, rel=0.03)
    dark = emit_scene(SceneDescription(surface="coast", **QUIET), 60, 60)
    water = dark.surface.water
    assert water.any()
    radiance = dark.clean_radiance(range(60))[water].mean(axis=0)
    assert radiance[dark.spectral.nearest(450)] > 10 * radiance[dark.spectral.nearest(860)] / 2
    assert radiance[dark.spectral.nearest(2200)] < 0.05


def test_noise_scatters_as_the_model_says():
    """T11: on a flat scene every band's scatter is its sigma within 5 %, and their mean far closer."""
    quiet = emit_scene(SceneDescription(surface="flat", sun_zenith=30.0, stripes=0.0, noise=False), 60, 40)
    noisy = emit_scene(SceneDescription(surface="flat", sun_zenith=30.0, stripes=0.0, seed=0), 60, 40)
    clean, seen = quiet.radiance(range(60)), noisy.radiance(range(60))
    sigma = emit_noise().sigma(clean)
    drawn = (seen - clean) / sigma
    ratio = drawn.std(axis=(0, 1))
    # 2400 pixels: one standard error is 1.4 %
    assert np.abs(ratio - 1).max() < 4.5 / np.sqrt(2 * 2400)
    assert ratio.mean() == pytest.approx(1.0, abs=2.5e-3)
    assert np.abs(drawn.mean(axis=(0, 1))).max() < 4.5 / np.sqrt(2400)
    near = np.corrcoef(drawn[..., 100].ravel(), drawn[..., 101].ravel())[0, 1]
    assert abs(near) < 4 / np.sqrt(2400)


def test_stripes_stay_in_their_columns():
    striped = emit_scene(SceneDescription(surface="flat", sun_zenith=30.0, stripes=0.004, noise=False), 5, 400)
    plain = emit_scene(SceneDescription(surface="flat", sun_zenith=30.0, stripes=0.0, noise=False), 5, 400)
    gain = striped.radiance(range(5)) / plain.radiance(range(5))
    assert np.ptp(gain, axis=0).max() < 1e-5
    assert gain[0, :, 50].std() == pytest.approx(0.004 * np.sqrt(1 + 1 / 16), rel=0.15)


def test_rows_do_not_depend_on_how_many_are_asked_for():
    scene = emit_scene(SceneDescription(plumes=[PLUME], wind=WINDY, clouds=0.1, seed=4), 40, 20)
    whole = scene.radiance(range(40))
    np.testing.assert_array_equal(whole[7:19], scene.radiance(range(7, 19)))


def test_dead_elements_flares_and_clouds():
    description = SceneDescription(
        surface="cropland", plumes=[PLUME], wind=WINDY, clouds=0.2, flares=2, dead_elements=9, seed=3
    )
    scene = emit_scene(description, 60, 50)
    radiance = scene.radiance(range(60))
    column, band = scene.dead_elements
    assert column.size == 9
    assert (radiance[:, column, band] == 0).all()
    assert (scene.flares[0] == [20, 8]).all()
    burning = scene.spectral.nearest(2389.5)
    flare = radiance[20, 8, burning]
    assert flare > 1.5
    assert flare > 3 * np.median(radiance[..., burning])
    assert scene.clouds.cloudy.mean() == pytest.approx(0.2, abs=0.03)
    blue = radiance[..., scene.spectral.nearest(450)]
    clear = ~scene.clouds.cloudy & ~scene.clouds.shaded
    assert np.median(blue[scene.clouds.cloudy]) > 2 * np.median(blue[clear])
    infrared = radiance[..., scene.spectral.nearest(1040)]
    assert np.median(infrared[scene.clouds.shaded]) < 0.6 * np.median(infrared[clear])


def test_saturation_is_an_end_of_radiance():
    scene = emit_scene(SceneDescription(surface="flat", flares=1, seed=3), 12, 8)
    radiance = scene.radiance(range(12))
    assert (radiance <= scene.saturation_levels).all()


@pytest.mark.parametrize("kind", ["desert", "cropland", "urban", "coast"])
def test_surfaces_are_mixtures(kind):
    surface = make_surface(kind, 50, 40, 6)
    reflectance = surface.reflectance(range(50), np.linspace(400, 2480, 60))
    assert np.isfinite(reflectance).all()
    assert (reflectance > 0).all()
    assert (reflectance < 1).all()
    assert surface.shares.sum(axis=-1).mean() == pytest.approx(1.0, abs=0.05)
    assert surface.water.any() == (kind == "coast")
    assert (surface.elevation >= 0).all()


def test_terrain_is_lit_from_where_the_sun_stands():
    """cos(i) of a plane that tilts towards the sun by t is cos(zenith - t)."""
    from dataclasses import replace

    scene = emit_scene(SceneDescription(surface="flat", heading=0.0, sun_zenith=40.0, **QUIET), 20, 20)
    azimuth = float(scene.geometry.sun_azimuth.mean())
    east, north = scene.ground.to_plane(*scene.ground.grid())
    height = -np.tan(np.radians(10)) * (east * np.sin(np.radians(azimuth)) + north * np.cos(np.radians(azimuth)))
    tilted = replace(scene, surface=replace(scene.surface, elevation=height.astype(np.float32)))
    slope, aspect = tilted.slope_aspect
    assert slope[5:15, 5:15] == pytest.approx(np.full((10, 10), 10.0), abs=0.1)
    assert aspect[10, 10] == pytest.approx(azimuth, abs=0.5)
    expected = np.cos(np.radians(30)) / np.cos(np.radians(40))
    assert tilted.illumination[10, 10] == pytest.approx(expected, rel=3e-3)


def test_high_ground_has_less_air_above_it(monkeypatch):
    """Optical depth of the air goes with the air: ln T of a column of lines is that much smaller."""
    from dataclasses import replace

    scene = emit_scene(SceneDescription(surface="flat", **QUIET), 6, 5)
    thin = replace(scene, surface=replace(scene.surface, air=np.full((6, 5), -0.1, dtype=np.float32)))
    ratio = thin.clean_radiance(range(6)) / scene.clean_radiance(range(6))
    lines, window = scene.spectral.nearest(2440), scene.spectral.nearest(2133)
    depth = -np.log(scene.clean_radiance(range(6))[..., lines] / scene.clean_radiance(range(6))[..., window])
    assert depth.min() > 0.3
    assert (ratio[..., lines] > 1.05).all()
    assert (np.abs(ratio[..., window] - 1) < 0.02).all()
    monkeypatch.setitem(VAPOUR, "desert", 0.0)
    ground = make_surface("desert", 60, 50, 2)
    np.testing.assert_allclose(np.diff(ground.air), -np.diff(ground.elevation) / 8000, atol=1e-7)


def test_some_materials_are_rare():
    """Every kind but the flat one has patches of materials that are nowhere else."""
    surface = make_surface("urban", 200, 200, 11)
    share = (surface.shares > 0).mean(axis=(0, 1))
    assert (share < 0.02).sum() == 5
    assert share[-5:] == pytest.approx(np.full(5, 2e-3), rel=0.3)
    assert make_surface("flat", 20, 20, 11).shares.shape[-1] == 1


def test_the_layout_is_the_agencys(written):
    """Dimensions, variables, types, attributes and encodings of specs/plumes.md 4.1."""
    with netCDF4.Dataset(written.radiance) as file:
        sizes = {name: len(size) for name, size in file.dimensions.items()}
        assert list(sizes)[:3] == ["downtrack", "crosstrack", "bands"]
        assert (sizes["downtrack"], sizes["crosstrack"], sizes["bands"]) == (40, 20, 285)
        radiance = file["radiance"]
        assert radiance.dimensions == ("downtrack", "crosstrack", "bands")
        assert (radiance.dtype, radiance.chunking()) == (np.dtype("f4"), "contiguous")
        assert not radiance.filters()["zlib"]
        assert (radiance.long_name, radiance.units, radiance._FillValue) == ("Radiance Data", layout.UNITS, -9999.0)
        assert set(file.ncattrs()) >= ATTRIBUTES
        assert len(file.flight_line) == 31
        stamp = datetime.strptime(file.time_coverage_start, "%Y-%m-%dT%H:%M:%S%z")
        assert stamp == start_of(SceneDescription(seed=17))
        assert file.geotransform.size == 6
        assert file.geotransform[1] == pytest.approx(0.000542232520, abs=1e-12)
        bands = file["sensor_band_parameters"]
        assert {name: bands[name].dtype for name in ("wavelengths", "fwhm")} == dict.fromkeys(
            ("wavelengths", "fwhm"), np.dtype("f4")
        )
        location = file["location"]
        for name in ("lon", "lat", "elev"):
            assert (location[name].dtype, location[name]._FillValue) == (np.dtype("f8"), -9999.0)
        for name in ("glt_x", "glt_y"):
            assert (location[name].dtype, location[name]._FillValue) == (np.dtype("i4"), 0)
            assert location[name].filters()["complevel"] == 9
            assert location[name].dimensions == ("ortho_y", "ortho_x")
        west, east = file.westernmost_longitude, file.easternmost_longitude
        assert west == location["lon"][...].min()
        assert east == location["lon"][...].max()


def test_observations_agree_with_each_other(written):
    with netCDF4.Dataset(written.observations) as file:
        values = np.asarray(file["obs"][...], dtype=float)
        assert tuple(file["sensor_band_parameters/observation_bands"][...]) == layout.OBSERVATION_BANDS
    path, view_azimuth, view, sun_azimuth, sun, phase, slope, aspect, cosine, hours, distance = np.moveaxis(
        values, -1, 0
    )
    degrees = np.radians
    towards_sun = np.stack([np.sin(degrees(sun)) * np.sin(degrees(sun_azimuth)),
                            np.sin(degrees(sun)) * np.cos(degrees(sun_azimuth)), np.cos(degrees(sun))])  # fmt: skip
    towards_view = np.stack([np.sin(degrees(view)) * np.sin(degrees(view_azimuth)),
                             np.sin(degrees(view)) * np.cos(degrees(view_azimuth)), np.cos(degrees(view))])  # fmt: skip
    normal = np.stack([np.sin(degrees(slope)) * np.sin(degrees(aspect)),
                       np.sin(degrees(slope)) * np.cos(degrees(aspect)), np.cos(degrees(slope))])  # fmt: skip
    np.testing.assert_allclose(np.cos(degrees(phase)), (towards_sun * towards_view).sum(axis=0), atol=1e-4)
    np.testing.assert_allclose(cosine, (towards_sun * normal).sum(axis=0), atol=1e-4)
    np.testing.assert_allclose(path * np.cos(degrees(view)), 415_000, rtol=1e-5)
    assert np.ptp(distance) == 0
    start = start_of(SceneDescription(seed=17))
    assert hours[0, 0] == pytest.approx(start.hour + start.minute / 60 + start.second / 3600, abs=1e-4)


def test_truth_holds_the_gas_and_what_it_came_from(written):
    with open_layers(written.truth) as truth:
        column, area, label = (truth.read(name) for name in ("ch4", "pixel_area", "plume"))
        each = truth.read("plume_columns")
        parameters = json.loads(truth.attributes["parameters"])
    assert parameters == json.loads(written.truth.with_suffix(".json").read_text())
    plume = parameters["plumes"][0]
    assert plume["rate_t_h"] == 20.0
    assert plume["transport_speed_m_s"] == pytest.approx(transport_speed(WINDY, "C"))
    assert (column * area).sum() == pytest.approx(plume["amount_mol"], rel=1e-5)
    np.testing.assert_allclose(each[0], column, rtol=1e-6)
    assert set(np.unique(label)) == {0, 1}
    assert label[column == column.max()] == 1
    with netCDF4.Dataset(written.radiance) as file:
        place = float(file["location/lon"][20, 8]), float(file["location/lat"][20, 8])
    assert (plume["longitude"], plume["latitude"]) == pytest.approx(place, abs=1e-6)


def test_the_same_description_gives_the_same_bytes(tmp_path):
    description = SceneDescription(plumes=[Plume(5.0, 4.0, 4.0)], clouds=0.1, seed=21)
    for folder in ("first", "second"):
        simulate_emit(tmp_path / folder, description, 12, 10, mask=True)
    assert digests(tmp_path / "first") == digests(tmp_path / "second")
    simulate_emit(tmp_path / "third", description, 12, 10, mask=True, noise=False)
    assert digests(tmp_path / "first") != digests(tmp_path / "third")


@pytest.mark.parametrize(
    "changes",
    [
        {"surface": "moon"},
        {"clouds": 1.0},
        {"wind": Wind(0.0, 10.0)},
        {"plumes": [Plume(1.0, 2.0, 2.0, gas="xe")]},
        {"plumes": [Plume(-1.0, 2.0, 2.0)]},
        {"start": datetime(2023, 6, 21, 20, 0, tzinfo=UTC)},
    ],
)
def test_impossible_scenes_are_refused(changes):
    with pytest.raises(InvalidOptions):
        emit_scene(SceneDescription(**changes), 8, 8)


def test_a_scene_is_no_wider_than_the_detector():
    with pytest.raises(InvalidOptions, match="1242"):
        emit_scene(SceneDescription(), 4, 1243)


def test_the_command_writes_granules_truth_and_winds(tmp_path):
    parser = ArgumentParser()
    add_arguments(parser)
    sizes = ["--scenes", "1", "--rows", "24", "--columns", "16", "--plumes", "1", "--seed", "5"]
    simulate(tmp_path, parser.parse_args(["--sensor", "EMIT", "EnMAP", "PRISMA", *sizes]))
    for pattern in ("EMIT_L1B_RAD_*_???.nc", "EMIT_L1B_OBS_*.nc", "EMIT_L2A_MASK_*.nc", "ENMAP*.ZIP", "PRS_L1_*.he5"):
        assert len(list(tmp_path.glob(pattern))) == 1, pattern
    assert len(list(tmp_path.glob("*_truth.nc"))) == 3
    assert list((tmp_path / "winds").rglob("*.nc4"))
    with pytest.raises(InvalidOptions, match="--rows"):
        simulate(tmp_path, parser.parse_args(["--rows", "0"]))
