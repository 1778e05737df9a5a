"""From the top of the atmosphere to the surface and back: round trips, errors, flags, cuts of blocks, neutral cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from closed_form_atmosphere import WAVELENGTHS, ClosedFormTables, to_top

from levelworks.ard.atmosphere.forward import toa_reflectance
from levelworks.ard.atmosphere.tables import load_tables, pressure_at
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.surface.brdf import nadir_factor
from levelworks.ard.surface.correct import OFF, SATURATED, SUBZERO, correct_block, toa_to_surface
from levelworks.ard.surface.field import TABLES_ERROR, AtmosphereField, build_field, top_of_atmosphere_field
from levelworks.ard.surface.field_kernels import VARIANCE
from levelworks.ard.terrain.illumination import Illumination
from levelworks.core.outcome import InvalidInput

BANDS = tuple(WAVELENGTHS)
TABLES = ClosedFormTables()


def grid_of(size: int, resolution: float = 30.0) -> ImageGrid:
    return ImageGrid("EPSG:32633", 500000.0, 5000000.0, resolution, size, size)


def field_of(
    grid: ImageGrid, *, sun: float = 42.0, aod: float = 0.2, elevation: float = 0.0, **options
) -> AtmosphereField:
    shape = grid.coarser(field_step(grid)).shape
    angles = Angles(*(np.full(shape, value) for value in (sun, 150.0, 4.0, 100.0)))
    heights = np.full(shape, elevation)
    given = {"aod": np.full(shape, aod), "aod_error": 0.03, "water_vapour": 2.0, "ozone": 0.3} | options
    return build_field(TABLES, "continental", grid, BANDS, angles, elevation=heights, **given)


def level(shape: tuple[int, int], elevation: float = 0.0) -> Illumination:
    zeros = np.zeros(shape, np.float32)
    return Illumination(zeros + np.float32(elevation), zeros + 1, zeros + 1, zeros, np.zeros(shape, np.uint8))


def seen(
    surface: np.ndarray, *, sun=42.0, aod=0.2, elevation=0.0, water=2.0, ozone=0.3, around=None, brdf=None
) -> np.ndarray:
    state = {"sun_zenith": sun, "view_zenith": 4.0, "relative_azimuth": 50.0, "aod": aod}
    top = [
        to_top(
            TABLES, band, "continental", surface[index], surface[index] if around is None else around[index],
            brdf=1.0 if brdf is None else brdf[band], water_vapour=water, ozone=ozone,
            pressure=pressure_at(elevation), **state,
        )
        for index, band in enumerate(BANDS)
    ]  # fmt: skip
    return np.array(top, np.float32)


def surfaces(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.005, 0.6, (len(BANDS), size, size))


@pytest.mark.parametrize("adjacent", [False, True])
def test_any_atmosphere_is_taken_off(adjacent: bool) -> None:
    rng, shape = np.random.default_rng(41), (25, 25)
    surface, around = surfaces(25, 42), rng.uniform(0.02, 0.4, (len(BANDS), 1, 1)) * np.ones(shape)
    state = {
        "sun_zenith": rng.uniform(38, 40, shape), "view_zenith": rng.uniform(0, 7, shape),
        "relative_azimuth": rng.uniform(0, 180, shape), "aod": rng.uniform(0.02, 0.4, shape),
    }  # fmt: skip
    elevation, water = rng.uniform(0, 2000, shape), rng.uniform(0.5, 4, shape)
    toa = np.stack(
        [
            to_top(
                TABLES, band, "continental", surface[i], around[i] if adjacent else surface[i],
                water_vapour=water, ozone=0.32, pressure=pressure_at(elevation), **state,
            )
            for i, band in enumerate(BANDS)
        ]
    )  # fmt: skip
    found = toa_to_surface(
        TABLES, "continental", BANDS, toa, water_vapour=water, ozone=0.32, elevation=elevation,
        background=around if adjacent else None, **state,
    )  # fmt: skip
    assert np.abs(found - surface).max() < (1.5e-4 if adjacent else 1e-4)


@pytest.mark.parametrize("adjacent", [False, True])
def test_the_sensor_s_own_tables_are_inverted(adjacent: bool) -> None:
    tables, rng, shape = load_tables("LND08"), np.random.default_rng(43), (20, 20)
    surface, around = surfaces(20, 44), np.full((len(BANDS), *shape), 0.15)
    angles = {"sun_zenith": rng.uniform(47, 49, shape), "view_zenith": rng.uniform(0, 7.5, shape)}
    other = {"relative_azimuth": rng.uniform(0, 180, shape), "aod": rng.uniform(0.05, 0.35, shape)}
    elevation, water = rng.uniform(0, 1500, shape), rng.uniform(1, 3, shape)
    pressure = pressure_at(elevation)
    toa = np.stack(
        [
            toa_reflectance(
                tables.at(band, "continental", pressure=pressure, **angles, **other),
                tables.gases(band, water_vapour=water, ozone=0.3, pressure=pressure, **angles),
                surface[i],
                around[i] if adjacent else None,
            )
            for i, band in enumerate(BANDS)
        ]
    )
    found = toa_to_surface(
        tables, "continental", BANDS, toa, water_vapour=water, ozone=0.3, elevation=elevation,
        background=around if adjacent else None, **angles, **other,
    )  # fmt: skip
    assert np.abs(found - surface).max() < (1.5e-4 if adjacent else 1e-4)


def test_gases_act_alike_with_and_without_surroundings() -> None:
    """Defect D8 of the spec: three couplings of gas. A pixel like its surroundings is a uniform one."""
    surface = surfaces(12, 45)
    toa = seen(surface)
    state = {
        "sun_zenith": 42.0,
        "view_zenith": 4.0,
        "relative_azimuth": 50.0,
        "aod": 0.2,
        "water_vapour": 2.0,
        "ozone": 0.3,
    }
    alone = toa_to_surface(TABLES, "continental", BANDS, toa, **state)
    around = toa_to_surface(TABLES, "continental", BANDS, toa, background=alone, **state)
    np.testing.assert_allclose(around, alone, atol=2e-6)


@pytest.mark.parametrize(("scale_height", "most"), [(None, 1.5e-4), (2000.0, 7e-4)])
def test_an_image_is_corrected_over_its_relief(scale_height: float | None, most: float) -> None:
    """Pixels are up to 300 m off their cell's mean: what thins as 2 km is 1 % off a straight line there."""
    grid = grid_of(60)
    heights = (1200 + 300 * np.random.default_rng(46).uniform(-1, 1, grid.shape)).astype(np.float32)
    surface = surfaces(60, 47)
    field = field_of(grid, elevation=1200.0, aod=0.2, aod_scale_height=scale_height)
    thinning = np.exp(-(heights - 1200.0) / scale_height) if scale_height else 1.0
    flat = level(grid.shape)
    block = Illumination(heights, flat.direct, flat.sky_view, flat.tilt, flat.flags)
    found = correct_block(field, seen(surface, elevation=heights, aod=0.2 * thinning), 0, block, topographic=False)
    assert np.abs(found.reflectance / 1e4 - surface).max() < most


def test_no_steps_at_cells() -> None:
    """Defect D16: of a uniform scene under a changing atmosphere nothing is left at the edges of cells."""
    grid = grid_of(200)
    rows, columns = np.indices(grid.coarser(10).shape)
    field = field_of(grid, aod=0.1 + 0.01 * columns + 0.005 * rows)
    place = (np.arange(200) + 0.5) / 10 - 0.5
    y, x = np.meshgrid(np.clip(place, 0, 19), np.clip(place, 0, 19), indexing="ij")
    surface = np.full((len(BANDS), 200, 200), 0.1)
    found = correct_block(field, seen(surface, aod=0.1 + 0.01 * x + 0.005 * y), 0, level(grid.shape), topographic=False)
    assert np.abs(found.reflectance.astype(int) - 1000).max() <= 1


def test_viewing_geometry_is_normalised() -> None:
    grid = grid_of(30)
    surface = surfaces(30, 48)
    factor = {band: 1 / float(nadir_factor(band, 42.0, 4.0, 50.0, 35.0)) for band in BANDS}
    # Over black surroundings, of which a pixel is no part, light of the pixel alone has the factor.
    black = np.zeros_like(surface)
    around = np.zeros((len(BANDS), 3, 3), np.float32)
    field = replace(field_of(grid, standard_sun_zenith=35.0), background=around, own=(0.0, 0.0))
    found = correct_block(field, seen(surface, around=black, brdf=factor), 0, level(grid.shape), topographic=False)
    assert np.abs(found.reflectance / 1e4 - surface).max() < 1e-4


def test_reflectance_at_the_top_stays_itself_without_an_atmosphere() -> None:
    grid = grid_of(25)
    toa = surfaces(25, 49).astype(np.float32)
    found = correct_block(top_of_atmosphere_field(grid, BANDS), toa, 0, level(grid.shape), topographic=False)
    np.testing.assert_array_equal(found.reflectance, np.rint(toa * np.float32(1e4)).astype(np.int16))
    np.testing.assert_allclose(found.uncertainty, 300.0 * toa, atol=0.51)


def test_values_are_rounded_to_the_nearest_and_to_even() -> None:
    """Defect D9: truncation is half a step too low on average."""
    grid = grid_of(40)
    toa = np.random.default_rng(50).uniform(0, 1, (1, 40, 40)).astype(np.float32)
    halves = (np.arange(2000, dtype=np.float32) + np.float32(0.5)) / np.float32(1e4)
    # Those whose product with 10000 is a half in single precision too.
    halves = halves[halves * np.float32(1e4) % 1 == 0.5][:40]
    toa[0, 0] = halves
    field = top_of_atmosphere_field(grid, ("RED",))
    found = correct_block(field, toa, 0, level(grid.shape), topographic=False).reflectance
    assert (found[0, 0] % 2 == 0).all()
    assert np.abs(found[0, 0] - halves * 1e4).max() < 0.501
    assert abs((found / 1e4 - toa).mean()) < 3e-6


def test_flags_and_no_data() -> None:
    grid = grid_of(20)
    toa = np.full((len(BANDS), 20, 20), 0.3, np.float32)
    toa[2, 1, 1] = np.nan
    toa[:, 2, 2] = 0.02
    toa[4, 3, 3] = 1.4
    toa[4, 4, 4] = 5.0
    toa[4, 5, 5] = -2.0
    ground = level(grid.shape)
    ground.elevation[6, 6] = np.nan
    ground.direct[7, 7] = np.nan
    ground.flags[8, 8] = 7
    found = correct_block(field_of(grid), toa, 0, ground, topographic=True)
    for place in (1, 5, 6, 7):
        assert (found.reflectance[:, place, place] == -9999).all()
        assert (found.uncertainty[:, place, place] == -9999).all()
        assert found.flags[place, place] == OFF
    assert found.flags[2, 2] == SUBZERO
    assert found.reflectance[0, 2, 2] < 0
    assert found.flags[3, 3] == SATURATED
    assert found.reflectance[4, 4, 4] == 32767
    assert found.flags[8, 8] == 7
    assert (found.reflectance == -9999).sum() == 4 * len(BANDS)


def test_blocks_are_the_same_however_rows_are_cut() -> None:
    grid = grid_of(75, 10.0)
    rng = np.random.default_rng(51)
    shape = grid.coarser(30).shape
    field = field_of(grid, aod=rng.uniform(0.1, 0.3, shape), standard_sun_zenith=40.0, aod_scale_height=1500.0)
    field = field.with_background(rng.uniform(0, 0.3, (len(BANDS), *shape)).astype(np.float32))
    toa = seen(surfaces(75, 52))
    parts = [
        rng.uniform(low, high, grid.shape).astype(np.float32) for low, high in ((0, 90), (0.1, 1), (0.7, 1), (0, 0.5))
    ]
    ground = Illumination(*parts, np.zeros(grid.shape, np.uint8))
    whole = correct_block(field, toa, 0, ground, topographic=True)
    for start, stop in ((0, 1), (1, 14), (14, 44), (44, 46), (46, 75)):
        cut = Illumination(*(getattr(ground, name)[start:stop] for name in ground.__dataclass_fields__))
        part = correct_block(field, toa[:, start:stop], start, cut, topographic=True)
        for name in ("reflectance", "uncertainty"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:, start:stop])
        np.testing.assert_array_equal(part.flags, whole.flags[start:stop])


STATE = {"sun_zenith": 42.0, "view_zenith": 4.0, "relative_azimuth": 50.0}
NO_ERRORS = {"aod_error": 0.0, "water_vapour_error": 0.0, "ozone_error": 0.0}


def errors_of(field: AtmosphereField, surface: np.ndarray) -> np.ndarray:
    """Return standard errors of surfaces of shape (bands, n), from a field's first cell."""
    even, linear, square = field.coefficients(0, 1)[:, VARIANCE:, 0, :1].swapaxes(0, 1)
    return np.sqrt(even + surface * (linear + surface * square))


@pytest.mark.parametrize(
    ("name", "shift", "error"),
    [
        ("aod_error", {"aod": 0.22}, 0.02),
        ("water_vapour_error", {"water": 2.2}, 0.2),
        ("ozone_error", {"ozone": 0.32}, 0.02),
    ],
)
def test_an_error_is_what_the_surface_differs_by(name: str, shift: dict[str, float], error: float) -> None:
    """The atmosphere is off by one standard error, and so is what comes out, to a tenth; errors are lines over it."""
    surface = np.linspace(0.0, 0.4, 20) * np.ones((len(BANDS), 1))
    shifted = toa_to_surface(
        TABLES, "continental", BANDS, seen(surface[:, None], **shift), **STATE, aod=0.2, water_vapour=2.0, ozone=0.3
    )[:, 0]
    grid = grid_of(20)
    with_error, without = (errors_of(field_of(grid, **NO_ERRORS | one), surface) for one in ({name: error}, {}))
    added = np.sqrt(np.maximum(with_error**2 - without**2, 0.0))
    np.testing.assert_allclose(added, np.abs(shifted - surface), atol=1.5e-4, rtol=0.1)


def test_an_error_of_the_sensor_is_that_of_the_inversion() -> None:
    surface = np.linspace(0.02, 0.4, 20) * np.ones((len(BANDS), 1))
    brighter = toa_to_surface(
        TABLES, "continental", BANDS, 1.03 * seen(surface[:, None]), **STATE, aod=0.2, water_vapour=2.0, ozone=0.3
    )[:, 0]
    expected = np.hypot(brighter - surface, TABLES_ERROR)
    np.testing.assert_allclose(errors_of(field_of(grid_of(20), **NO_ERRORS), surface), expected, rtol=0.02)


def test_other_aerosol_models_widen_the_error() -> None:
    surface = np.linspace(0.0, 0.4, 20) * np.ones((len(BANDS), 1))
    maritime = toa_to_surface(
        TABLES, "maritime", BANDS, seen(surface[:, None]), **STATE, aod=0.2, water_vapour=2.0, ozone=0.3
    )[:, 0]
    one, two = (
        errors_of(field_of(grid_of(20), **NO_ERRORS, other_models=models), surface) for models in ((), ("maritime",))
    )
    added = np.sqrt(np.maximum(two**2 - one**2, 0.0))
    np.testing.assert_allclose(added, np.abs(maritime - surface), atol=8e-4, rtol=0.1)
    assert (added.max(axis=1) > 3e-4).all()


def test_cells_without_angles_take_their_neighbours_and_an_image_without_any_is_bad() -> None:
    grid = grid_of(60)
    shape = grid.coarser(10).shape
    angles = [np.full(shape, value) for value in (42.0, 150.0, 4.0, 100.0)]
    for one in angles:
        one[:, 4:] = np.nan
    options = {
        "elevation": np.zeros(shape),
        "aod": np.full(shape, 0.2),
        "aod_error": 0.03,
        "water_vapour": 2.0,
        "ozone": 0.3,
    }
    field = build_field(TABLES, "continental", grid, BANDS, Angles(*angles), **options)
    surface = surfaces(60, 53)
    found = correct_block(field, seen(surface), 0, level(grid.shape), topographic=False)
    assert np.abs(found.reflectance / 1e4 - surface).max() < 2e-4
    with pytest.raises(InvalidInput, match="no angles"):
        build_field(TABLES, "continental", grid, BANDS, Angles(*(one * np.nan for one in angles)), **options)
