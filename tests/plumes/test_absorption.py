"""Absorption: the real target of an EMIT scene, closed forms, air masses, smile."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.core.outcome import InvalidReference
from levelworks.core.sun import sun_position
from levelworks.plumes.retrieval.absorption import (
    NODES,
    Source,
    cross_section_source,
    geometric_air_mass,
    library_source,
    scene_absorption,
    young_air_mass,
)
from levelworks.plumes.retrieval.absorption_kernels import band_means
from levelworks.plumes.retrieval.absorption_tables import (
    CONCENTRATIONS,
    GROUNDS,
    SENSOR_HEIGHTS,
    WATER_VAPOURS,
    ZENITHS,
    Atmosphere,
    read_cross_sections,
    read_lookup_table,
)
from levelworks.plumes.retrieval.methane_library import REFERENCE_AIR_MASS, load_library
from levelworks.plumes.scene import Spectral
from levelworks.plumes.tables import emit_spectral
from levelworks.plumes.units import AVOGADRO, PPM_M


@pytest.fixture(scope="module")
def official(shared_data):
    """The target that JPL computed for a real scene: centres (nm) and 1e5 d ln L per ppm m, of 285 bands."""
    table = np.loadtxt(shared_data / "plumes/emit_misc/emit20220815t042838_ch4_target")
    return table[:, 1], table[:, 2]


def slopes(concentrations: np.ndarray, air_mass: float, centres: np.ndarray) -> np.ndarray:
    """Return 1e5 times the slope of ln T over concentrations (ppm m), as JPL fits it."""
    widths = np.full((1, centres.size), 8.5)
    widths[0] = np.interp(centres, *emit_widths())
    found = scene_absorption(
        library_source(), Spectral(centres[None], widths), concentrations * PPM_M * air_mass
    ).ln_transmittance[0]
    away = concentrations - concentrations.mean()
    return 1e5 * (found @ away) / (away @ away)


def emit_widths() -> tuple[np.ndarray, np.ndarray]:
    spectral = emit_spectral(smile=False)
    return spectral.centres[0], spectral.widths[0]


def test_t1_real_target_of_an_emit_scene(official) -> None:
    centres, target = official
    window = (centres >= 2122) & (centres <= 2488)
    assert window.sum() == 50
    concentrations = np.array([0, 500, 1000, 2000, 4000, 8000, 16000.0])
    found = slopes(concentrations, REFERENCE_AIR_MASS, centres[window])
    assert np.corrcoef(found, target[window])[0, 1] == pytest.approx(0.99255, abs=2e-4)
    for wavelength, known in ((2278.5, -0.7069), (2300.7, -1.1281), (2345.1, -1.4554), (2389.5, -0.7138)):
        assert found[np.argmin(np.abs(centres[window] - wavelength))] == pytest.approx(known, abs=2e-3)


def test_path_of_the_library_follows_from_the_real_target(official) -> None:
    """With JPL's own range of concentrations and the scene's sun, both targets agree in shape and in size."""
    centres, target = official
    window = (centres >= 2122) & (centres <= 2488)
    from datetime import UTC, datetime

    zenith, _ = sun_position(datetime(2022, 8, 15, 4, 28, 38, tzinfo=UTC), np.array(53.77), np.array(39.46))
    assert float(zenith) == pytest.approx(58.24, abs=0.05)
    # EMIT looks within some degrees of nadir: 1 to 1.02
    air_mass = float(geometric_air_mass(zenith, np.array(5.0)))
    concentrations = np.array([0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3])
    found = slopes(concentrations, air_mass, centres[window])
    assert np.corrcoef(found, target[window])[0, 1] > 0.9995
    assert (found @ target[window]) / (found @ found) == pytest.approx(1.0, abs=0.02)


def test_t6_young_air_mass() -> None:
    assert young_air_mass(0.0) == pytest.approx(1.0000003636, abs=1e-10)
    assert young_air_mass(60.0) == pytest.approx(1.9917307558, abs=1e-10)


def test_d3_slope_depends_on_the_range_it_is_fitted_over(official) -> None:
    """Therefore the curve is kept: 0 to 2000 ppm m is 11 % steeper than 0 to 16000."""
    centres, _ = official
    window = (centres >= 2122) & (centres <= 2488)
    wide = slopes(np.array([0, 500, 1000, 2000, 4000, 8000, 16000.0]), REFERENCE_AIR_MASS, centres[window])
    narrow = slopes(np.array([0, 500, 1000, 2000.0]), REFERENCE_AIR_MASS, centres[window])
    assert (narrow @ wide) / (wide @ wide) == pytest.approx(1.113, abs=0.01)


def test_d6_bands_are_weighted_by_what_they_see() -> None:
    """A line that is black without added gas can't darken: unweighted transmittance says it does."""
    wavelengths = np.linspace(2290, 2310, 2001)
    black = np.abs(wavelengths - 2300) < 0.5
    depth = np.stack([np.zeros(2001), np.where(black, 1.0, 0.0)])
    weights = np.where(black, 1e-9, 1.0)
    seen = Source("ch4", "test", wavelengths, weights, np.array([0.0, 1.0]), depth)
    blind = Source("ch4", "test", wavelengths, np.ones(2001), np.array([0.0, 1.0]), depth)
    spectral = Spectral(np.array([[2300.0]]), np.array([[4.0]]))
    nodes = np.array([0.0, 1.0])
    assert abs(scene_absorption(seen, spectral, nodes).ln_transmittance[0, 0, 1]) < 1e-8
    assert scene_absorption(blind, spectral, nodes).ln_transmittance[0, 0, 1] < -0.1


def test_grey_absorber_gives_beers_law_in_every_band() -> None:
    section = 3e-22
    wavelengths = np.linspace(2000, 2400, 4001)
    source = cross_section_source("co2", "grey", wavelengths, np.full(4001, section), np.ones(4001))
    spectral = Spectral(np.linspace(2050, 2350, 7)[None], np.full((1, 7), 9.0))
    nodes = np.array([0.0, 0.5, 3.0, 40.0])
    found = scene_absorption(source, spectral, nodes).ln_transmittance[0]
    assert np.allclose(found, -section * AVOGADRO / 1e4 * nodes, rtol=1e-12)


def test_response_is_a_gaussian_of_its_width() -> None:
    """Moments of the response: centre and standard deviation, on an uneven grid of channels."""
    rng = np.random.default_rng(831)
    wavelengths = np.sort(rng.uniform(2200, 2400, 20000))
    centre, sigma = 2301.3, 8.5 / 2.354820045
    spectra = np.stack([wavelengths, (wavelengths - centre) ** 2], axis=1)
    mean, variance = band_means(wavelengths, np.ones(20000), spectra, np.array([centre]), np.array([sigma]))[0]
    assert mean == pytest.approx(centre, abs=0.05)
    assert variance == pytest.approx(sigma**2, rel=0.01)


def test_smile_is_kept() -> None:
    spectral = emit_spectral(smile=False)
    bands = spectral.within([(2110, 2450)])
    centres = spectral.centres[:, bands] + np.linspace(-1.5, 1.5, 31)[:, None]
    widths = np.broadcast_to(spectral.widths[:, bands], centres.shape)
    together = scene_absorption(library_source(), Spectral(centres, widths))
    for column in (0, 7, 22):
        alone = scene_absorption(library_source(), Spectral(centres[[column]], widths[[column]]))
        unlike = np.abs(together.ln_transmittance[column] - alone.ln_transmittance[0]).max()
        assert unlike < 2e-3 * np.abs(alone.ln_transmittance[0]).max()
    shifted = np.abs(together.unit[0] - together.unit[-1]).max() / np.abs(together.unit).max()
    assert shifted > 0.1


def test_bands_outside_the_library_are_not_guessed() -> None:
    spectral = emit_spectral(smile=False)
    found = scene_absorption(library_source(), spectral)
    outside = spectral.mean < 1380
    assert np.isnan(found.ln_transmittance[0, outside]).all()
    assert np.isfinite(found.ln_transmittance[0, spectral.within([(1450, 2490)])]).all()


def test_library_darkens_without_end() -> None:
    library = load_library()
    assert library.columns[-1] == pytest.approx(16000 * PPM_M)
    assert np.all(np.diff(library.optical_depth[:, 15000:15010], axis=0) >= -1e-6)
    found = scene_absorption(library_source(), emit_spectral(smile=False))
    strong = int(np.nanargmin(found.ln_transmittance[0, :, 3]))
    assert np.all(np.diff(found.ln_transmittance[0, strong]) < 0)
    assert found.slant_columns == pytest.approx(NODES)


@pytest.fixture
def lookup_table(tmp_path):
    """A small table in the peer's layout, linear in every dimension so that interpolation has a closed form."""
    import h5py

    wave = np.linspace(2200.0, 2400.0, 101)
    k = 1e-6 * (1 + np.sin(wave / 7) ** 2)
    z, s, g, w, c = np.meshgrid(ZENITHS, SENSOR_HEIGHTS, GROUNDS, WATER_VAPOURS, CONCENTRATIONS["ch4"], indexing="ij")
    base = 5 + 0.01 * z + 0.002 * s - 0.3 * g - 0.1 * w
    path = tmp_path / "dataset_ch4_full.hdf5"
    with h5py.File(path, "w") as file:
        file["modtran_data"] = (base[..., None] * np.exp(-k * c[..., None])).astype("f4")
        file["modtran_param"] = np.zeros(1)
        file["wave"] = wave
    return path, wave, k


def test_lookup_table_is_read_between_its_nodes(lookup_table) -> None:
    path, wave, k = lookup_table
    atmosphere = Atmosphere(sun_zenith=37.0, sensor=100.0, ground=0.7, water_vapour=2.4)
    source = read_lookup_table(path, "ch4", atmosphere, air_mass=2.2)
    assert source.wavelengths == pytest.approx(wave)
    assert source.weights == pytest.approx(5 + 0.37 + 0.2 - 0.21 - 0.24, rel=1e-5)
    concentrations = CONCENTRATIONS["ch4"]
    assert source.optical_depth == pytest.approx(concentrations[:, None] * k, rel=2e-4, abs=1e-6)
    assert source.slant_columns == pytest.approx(concentrations * PPM_M * 2.2)


def test_lookup_table_without_the_gas_is_refused(lookup_table, tmp_path) -> None:
    path, _, _ = lookup_table
    with pytest.raises(InvalidReference, match="not of co; name its cross-sections"):
        read_lookup_table(path, "co", Atmosphere(30.0), 2.0)
    broken = tmp_path / "broken.hdf5"
    broken.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InvalidReference, match="can't be read as HDF5"):
        read_lookup_table(broken, "ch4", Atmosphere(30.0), 2.0)
    import h5py

    other = tmp_path / "other.hdf5"
    with h5py.File(other, "w") as file:
        file["wave"] = np.zeros(3)
    with pytest.raises(InvalidReference, match="has no dataset modtran_data"):
        read_lookup_table(other, "ch4", Atmosphere(30.0), 2.0)
    flat = tmp_path / "flat.hdf5"
    with h5py.File(path) as source, h5py.File(flat, "w") as file:
        file["modtran_data"] = np.ones(source["modtran_data"].shape, "f4")
        file["wave"] = source["wave"][...]
    with pytest.raises(InvalidReference, match="does not fall with the concentration"):
        read_lookup_table(flat, "ch4", Atmosphere(30.0), 2.0)


def test_cross_sections_are_read_and_implausible_ones_refused(tmp_path) -> None:
    table = tmp_path / "co2.csv"
    table.write_text("# nm, cm2\n2000,1e-22\n2010,2e-22\n1990,0\n")
    source = read_cross_sections(table, "co2")
    assert source.wavelengths.tolist() == [1990, 2000, 2010]
    assert source.transmittance(np.array([0.0, 1.0]))[1, 1] == pytest.approx(np.exp(-1e-22 * AVOGADRO / 1e4))
    table.write_text("2000,3.0\n2010,4.0\n")
    with pytest.raises(InvalidReference, match="between 0 and 1e-15"):
        read_cross_sections(table, "co2")
    table.write_text("wavelength only\n")
    with pytest.raises(InvalidReference, match="no table of wavelength"):
        read_cross_sections(table, "co2")
