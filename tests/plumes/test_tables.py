"""The tables that ship with the line, against the files they come from and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.tables import (
    EMIT_COLUMNS,
    earth_sun_distance,
    emit_noise,
    emit_spectral,
    solar_irradiance,
    surface_library,
)

MAP_SHAPE = (328, 1280, 2)
DISTRIBUTED = slice(24, 1266)


@pytest.fixture(scope="module")
def calibration(shared_data):
    return shared_data / "plumes" / "emit_l1b_cal"


@pytest.fixture(scope="module")
def wavelength_map(calibration):
    """Return centres (nm) of all rows and columns of the real detector, ascending."""
    values = np.fromfile(calibration / "EMIT_WavelengthCenters_20220421", dtype="<f4").reshape(MAP_SHAPE)
    return values[::-1, :, 0].astype(float)


def test_sunlight_adds_up_to_the_source(shared_data):
    source = np.loadtxt(shared_data / "plumes" / "isofit_data" / "tsis_f0_0p1.txt")
    sun = solar_irradiance()
    inside = (source[:, 0] >= 400) & (source[:, 0] <= 2500)
    watts = np.trapezoid(source[inside, 1], source[inside, 0]) / 1000
    own = (sun.wavelengths >= 400) & (sun.wavelengths <= 2500)
    assert np.trapezoid(sun.irradiance[own], sun.wavelengths[own]) / 100 == pytest.approx(watts, rel=1e-4)
    # mW m-2 nm-1 over all wavelengths is the solar constant less what lies beyond 202 to 2730 nm
    assert 1310 < np.trapezoid(source[:, 1], source[:, 0]) / 1000 < 1361


def test_another_solar_spectrum_has_the_same_unit(shared_data):
    other = np.load(shared_data / "plumes" / "spectf" / "irr.npy", allow_pickle=False)
    sun = solar_irradiance()
    for wavelength in (550.0, 1000.0, 1650.0, 2300.0):
        theirs = other[np.abs(other[:, 0] - wavelength) < 5, 1].mean()
        ours = sun.irradiance[np.abs(sun.wavelengths - wavelength) < 5].mean()
        assert ours == pytest.approx(theirs, rel=0.05)


def test_the_earth_is_nearest_in_january_and_farthest_in_july():
    distances = [earth_sun_distance(day) for day in range(1, 367)]
    assert distances[2] == pytest.approx(0.9833, abs=1e-4)
    assert distances[184] == pytest.approx(1.0167, abs=1e-4)
    assert 1 <= np.argmin(distances) + 1 <= 6
    assert 182 <= np.argmax(distances) + 1 <= 188


def test_noise_is_that_of_the_noise_file(shared_data):
    table = np.loadtxt(shared_data / "plumes" / "emit_misc" / "emit_noise.txt")
    model = emit_noise()
    assert model.centres.shape == (285,)
    np.testing.assert_allclose(np.stack([model.centres, model.a, model.b, model.c], axis=1), table[:, :4], rtol=1e-12)
    band = int(np.argmin(np.abs(table[:, 0] - 2300)))
    a, b, c = table[band, 1:4]
    assert model.sigma(np.ones(285))[band] == pytest.approx(abs(a * np.sqrt(b + 1) + c), rel=1e-12)
    # radiance of less than -b is noise of a dark band, whose root would not exist
    assert np.isfinite(model.sigma(np.full(285, -100.0))).all()


def test_noise_between_bands_lies_between():
    model = emit_noise()
    between = model.at(np.array([(model.centres[250] + model.centres[251]) / 2]))
    assert between.a[0] == pytest.approx((model.a[250] + model.a[251]) / 2, rel=1e-9)


def test_centres_are_those_of_the_products():
    spectral = emit_spectral(smile=False)
    assert spectral.centres.shape == (1, 285)
    assert spectral.centres[0, [0, -1]] == pytest.approx([381.0056, 2492.9239], abs=1e-4)
    assert spectral.widths.min() == pytest.approx(8.415, abs=1e-3)
    assert spectral.widths.max() == pytest.approx(8.808, abs=1e-3)
    windows = {(2122, 2488): 50, (2110, 2450): 46, (1930, 2200): 37, (1300, 2500): 161}
    assert {window: spectral.within([window]).size for window in windows} == windows


def test_smile_is_that_of_the_real_detector(wavelength_map, calibration):
    listed = np.loadtxt(calibration / "EMIT_Wavelengths_20220422.txt")[::-1, 1] * 1000
    assert np.abs(wavelength_map.mean(axis=1) - listed).max() < 1e-4
    centres = emit_spectral().centres
    assert centres.shape == (EMIT_COLUMNS, 285)
    moved = centres - centres.mean(axis=0)
    real = wavelength_map[:, DISTRIBUTED]
    real = real - real.mean(axis=1, keepdims=True)
    seen = np.stack([np.interp(centres.mean(axis=0), listed, column) for column in real.T])
    assert np.abs(moved - seen).max() < 2e-4
    assert np.ptp(moved, axis=0).max() == pytest.approx(0.031, abs=0.003)


def test_a_cut_of_the_detector_has_its_own_columns():
    np.testing.assert_array_equal(emit_spectral(range(100, 130)).centres, emit_spectral().centres[100:130])


def test_surfaces_are_what_their_kind_says():
    library = surface_library()
    assert library.reflectance.shape == (40, 223)
    assert set(library.surfaces) == {"vegetation", "dry_vegetation", "soil", "rock", "built", "water"}
    assert (library.reflectance >= 0).all()
    assert (library.reflectance <= 1).all()
    assert (np.diff(library.wavelengths) > 0).all()
    red, infrared = (library.of("vegetation", np.array([wave]))[:, 0] for wave in (660.0, 860.0))
    assert (infrared > 3 * red).all()
    assert library.of("water", np.array([1650.0])).max() < 0.03
    soil = library.of("soil", np.array([450.0, 660.0, 1650.0]))
    assert (np.diff(soil, axis=1) > 0).all()


def test_reflectance_is_the_source_row_by_row(shared_data):
    source = np.fromfile(
        shared_data / "plumes" / "isofit_data" / "ecostress_library_with_mixtures", dtype="<f4"
    ).reshape(2041, 479)
    from levelworks.plumes.tables import _load

    arrays = _load("surface_reflectance.npz")
    # the source's bands overlap at detector boundaries, so compare the sets
    for row, spectrum in zip(arrays["row"], arrays["reflectance"], strict=True):
        assert np.isin(spectrum, source[row]).all()
