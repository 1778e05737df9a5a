"""Light from the surroundings: weights, uniform scenes left alone, contrast given back, clouds, order of sums."""

from __future__ import annotations

import numpy as np
import pytest
from closed_form_atmosphere import WAVELENGTHS, ClosedFormTables, surroundings, to_top

from levelworks.ard.atmosphere.forward import environment_fraction
from levelworks.ard.atmosphere.tables import pressure_at
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.surface.adjacency import ClearCells, background_reflectance, environment_weights, invert_cells
from levelworks.ard.surface.correct import correct_block
from levelworks.ard.surface.field import AtmosphereField, build_field
from levelworks.ard.terrain.illumination import Illumination

BANDS = tuple(WAVELENGTHS)
TABLES = ClosedFormTables()
STATE = {"sun_zenith": 40.0, "view_zenith": 3.0, "relative_azimuth": 50.0}
GASES = {"water_vapour": 2.0, "ozone": 0.3}


def field_of(size: int, aod: float, elevation: float = 0.0) -> AtmosphereField:
    grid = ImageGrid("EPSG:32633", 500000.0, 5000000.0, 30.0, size, size)
    shape = grid.coarser(field_step(grid)).shape
    angles = Angles(*(np.full(shape, value) for value in (40.0, 150.0, 3.0, 100.0)))
    given = {"elevation": np.full(shape, elevation), "aod": np.full(shape, aod), "aod_error": 0.03}
    return build_field(TABLES, "continental", grid, BANDS, angles, **given, **GASES)


def level(shape: tuple[int, int]) -> Illumination:
    zeros = np.zeros(shape, np.float32)
    return Illumination(zeros, zeros + 1, zeros + 1, zeros, np.zeros(shape, np.uint8))


def cells_of(field: AtmosphereField, toa: np.ndarray, clear: np.ndarray) -> ClearCells:
    cells = ClearCells(field.grid, len(BANDS))
    cells.add(toa, clear, 0)
    return cells


def seen_with_surroundings(surface: np.ndarray, aod: float) -> np.ndarray:
    """Mix light at full resolution, each pixel with its own rings; the world goes on as the image over and over."""
    top, state = [], STATE | {"aod": aod, "pressure": pressure_at(0.0)}
    for index, band in enumerate(BANDS):
        found = TABLES.at(band, "continental", **state)
        around = surroundings(surface[index], found.rayleigh, found.aerosol)
        top.append(to_top(TABLES, band, "continental", surface[index], around, **GASES, **state))
    return np.array(top, np.float32)


def patches(size: int, seed: int) -> np.ndarray:
    """Fields of vegetation, water, soil and town, 0.3 to 1.2 km across."""
    rng = np.random.default_rng(seed)
    spectra = np.array(
        [
            [0.03, 0.05, 0.04, 0.40, 0.20, 0.10],
            [0.02, 0.03, 0.02, 0.01, 0.005, 0.003],
            [0.12, 0.16, 0.20, 0.28, 0.35, 0.30],
            [0.20, 0.22, 0.25, 0.30, 0.30, 0.28],
        ]
    )
    kinds = np.zeros((size, size), int)
    for _ in range(size // 3):
        top, left = rng.integers(0, size, 2)
        kinds[top : top + rng.integers(10, 40), left : left + rng.integers(10, 40)] = rng.integers(4)
    return np.moveaxis(spectra[kinds], -1, 0)


# Weights


@pytest.mark.parametrize("spacing", [30.0, 300.0])
@pytest.mark.parametrize("depths", [(1.0, 0.0), (0.0, 1.0), (0.16, 0.2)])
def test_weights_within_a_radius_are_the_environment_function(spacing: float, depths: tuple[float, float]) -> None:
    weights = environment_weights(spacing, *depths, reach=9.0)
    half = weights.shape[0] // 2
    y, x = np.indices(weights.shape) - half
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weights, weights[::-1, ::-1])
    np.testing.assert_allclose(weights, weights.T)
    whole = environment_fraction(9.0, *depths)
    for radius in (1.5, 3.0, 6.0):
        within = weights[np.hypot(x, y) * spacing / 1000 <= radius].sum()
        assert within == pytest.approx(float(environment_fraction(radius, *depths) / whole), abs=0.004)


# Uniform scenes


def test_a_uniform_scene_is_left_alone_exactly() -> None:
    field = field_of(170, 0.3)
    toa = np.full((len(BANDS), 170, 170), 0.13, np.float32)
    toa[:, :40, 120:] = np.nan
    clear = np.random.default_rng(61).random((170, 170)) > 0.3
    clear[60:110, 30:90] = False
    background = background_reflectance(field, cells_of(field, toa, clear))
    alone = invert_cells(field, np.full((len(BANDS), *field.shape), 0.13, np.float32))
    # The cells' sums count in parts of 20000.
    np.testing.assert_allclose(background, alone, atol=3e-5)
    assert (np.ptp(background, axis=(1, 2)) == 0.0).all()
    with_it, without = (
        correct_block(one, toa, 0, level((170, 170)), topographic=False).reflectance
        for one in (field.with_background(background), field)
    )
    assert np.abs(with_it.astype(int) - without).max() <= 1


# Contrast


def test_contrast_is_given_back() -> None:
    surface = patches(300, 62)
    field, aod = field_of(300, 0.3), 0.3
    toa = seen_with_surroundings(surface, aod)
    background = background_reflectance(field, cells_of(field, toa, np.ones((300, 300), bool)))
    errors = [
        correct_block(one, toa, 0, level((300, 300)), topographic=False).reflectance / 1e4 - surface
        for one in (field, field.with_background(background))
    ]
    without, with_it = (np.sqrt((one**2).mean(axis=(1, 2))) for one in errors)
    assert (without[:4] > 0.007).all()
    assert (with_it < 0.0016).all()
    assert (with_it[:4] < without[:4] / 7).all()
    # What the surroundings gave is taken and no more: means stay.
    assert np.abs(errors[1].mean(axis=(1, 2))).max() < 3e-4


def test_a_lake_is_as_dark_as_it_is() -> None:
    surface = np.full((len(BANDS), 300, 300), 0.35)
    surface[:, 100:200, 100:200] = 0.02
    field = field_of(300, 0.2)
    toa = seen_with_surroundings(surface, 0.2)
    background = background_reflectance(field, cells_of(field, toa, np.ones((300, 300), bool)))
    lake = slice(110, 190)
    without, with_it = (
        correct_block(one, toa, 0, level((300, 300)), topographic=False).reflectance[:4, lake, lake] / 1e4 - 0.02
        for one in (field, field.with_background(background))
    )
    assert (without.mean(axis=(1, 2)) > 0.008).all()
    assert np.abs(with_it.mean(axis=(1, 2))).max() < 8e-4


# Clouds and gaps


def test_clouds_are_filled_from_what_is_clear_about_them() -> None:
    surface = patches(300, 63)
    field = field_of(300, 0.2)
    toa = seen_with_surroundings(surface, 0.2)
    clear = np.ones((300, 300), bool)
    clear[95:155, 100:160] = False
    truth = background_reflectance(field, cells_of(field, toa, clear | True))
    cloudy = toa.copy()
    cloudy[:, ~clear] = 0.8
    found = background_reflectance(field, cells_of(field, cloudy, clear))
    away = np.ones(field.shape, bool)
    away[8:17, 8:17] = False
    assert np.abs(found - truth)[:, away].max() < 0.04
    assert np.sqrt(((found - truth)[:, away] ** 2).mean()) < 0.008
    # Nothing of the clouds' own 0.8 is in it.
    assert found.max() < 0.41


def test_without_anything_clear_surroundings_are_the_pixel_s_own() -> None:
    field = field_of(60, 0.2)
    toa = np.full((len(BANDS), 60, 60), 0.2, np.float32)
    background = background_reflectance(field, cells_of(field, toa, np.zeros((60, 60), bool)))
    assert np.isnan(background).all()
    with_it, without = (
        correct_block(one, toa, 0, level((60, 60)), topographic=False)
        for one in (field.with_background(background), field)
    )
    np.testing.assert_array_equal(with_it.reflectance, without.reflectance)


def test_sums_are_the_same_in_any_order_of_any_blocks() -> None:
    field = field_of(95, 0.2)
    rng = np.random.default_rng(64)
    toa = rng.uniform(0, 0.6, (len(BANDS), 95, 95)).astype(np.float32)
    toa[0, 20:25, 20:25] = np.nan
    clear = rng.random((95, 95)) > 0.4
    whole = cells_of(field, toa, clear)
    one, other = ClearCells(field.grid, len(BANDS)), ClearCells(field.grid, len(BANDS))
    for cells, start, stop in ((other, 47, 95), (one, 12, 47), (one, 0, 12)):
        cells.add(toa[:, start:stop], clear[start:stop], start)
    one.merge(other)
    np.testing.assert_array_equal(one.sums, whole.sums)
    np.testing.assert_array_equal(one.counts, whole.counts)
    # A mean is that of its clear pixels; the last cells are cut by the edge.
    assert whole.toa[2, 9, 9] == pytest.approx(toa[2, 90:, 90:][clear[90:, 90:]].mean(), abs=2e-5)
    assert whole.counts[1, 2, 2] == 75
