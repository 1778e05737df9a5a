"""Slopes put level: a synthetic hill with truth from direct and diffuse light, shadows, neutral ground, diffuse light
as terrain shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from closed_form_atmosphere import WAVELENGTHS, ClosedFormTables, surroundings, to_top

from levelworks.ard.atmosphere.tables import pressure_at
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.scratch import Scratch
from levelworks.ard.surface.adjacency import ClearCells, background_reflectance
from levelworks.ard.surface.brdf import nadir_factor
from levelworks.ard.surface.correct import MOST, correct_block
from levelworks.ard.surface.field import AtmosphereField, build_field
from levelworks.ard.surface.field_kernels import DIFFUSE
from levelworks.ard.surface.topographic import SlopeSums, diffuse_of_terrain, light_beyond_theory
from levelworks.ard.terrain.horizon import shadow_margin, sky_view_factor
from levelworks.ard.terrain.illumination import CLASS, Illumination, Terrain

BANDS = tuple(WAVELENGTHS)
TABLES = ClosedFormTables()
SIZE = 300
GASES = {"water_vapour": 2.0, "ozone": 0.3}


@dataclass(frozen=True)
class Hills:
    """An image over hills, what it shows and what is true."""

    field: AtmosphereField
    illumination: Illumination
    toa: np.ndarray
    surface: np.ndarray
    cosine: np.ndarray
    shadow: np.ndarray

    @property
    def lit(self) -> np.ndarray:
        return (self.cosine > 0.05) & ~self.shadow


def hills(
    folder: Path,
    *,
    sun: float = 50.0,
    height: float = 120.0,
    aod: float = 0.2,
    assumed: float = 0.2,
    beyond: float = 0.0,
    aod_error: float = 0.03,
    standard_sun_zenith: float | None = None,
    seed: int = 71,
) -> Hills:
    """Simulate an image: slopes and incidence in closed form, sky view and shadow at full resolution.

    Light on a slope is direct (spec section 25: cos i), of the sky in its view, of terrain of the mean reflectance, and
    `beyond` of light that knows no slope.
    """
    grid = ImageGrid("EPSG:32633", 500000.0, 5000000.0, 30.0, SIZE, SIZE)
    shape = grid.coarser(field_step(grid)).shape
    y, x = np.indices(grid.shape) * 30.0
    kx, ky = 2 * np.pi / 1500.0, 2 * np.pi / 1900.0
    elevation = height * (np.sin(kx * x) * np.cos(ky * y) + 1)
    east, south = height * kx * np.cos(kx * x) * np.cos(ky * y), -height * ky * np.sin(kx * x) * np.sin(ky * y)
    angles = Angles(*(np.full(shape, value) for value in (sun, 150.0, 3.0, 100.0)))
    raster = Scratch(folder / f"{seed}-{sun}-{height}.raw", grid.shape, np.float32)
    raster.write(0, elevation)
    terrain = Terrain(raster, grid, angles, folder)
    to_sun = terrain.sun[:, 0, 0].astype(float)
    cosine = (to_sun[2] - east * to_sun[0] + south * to_sun[1]) / np.sqrt(1 + east**2 + south**2)
    sky = sky_view_factor(elevation.astype(np.float32), 30.0)
    shadow = shadow_margin(elevation.astype(np.float32), 30.0, terrain.sun, field_step(grid)) > 0

    rng = np.random.default_rng(seed)
    spectra = np.array(
        [
            [0.03, 0.05, 0.04, 0.40, 0.20, 0.10],
            [0.06, 0.09, 0.10, 0.28, 0.30, 0.22],
            [0.05, 0.08, 0.06, 0.35, 0.25, 0.15],
        ]
    )
    kinds = rng.integers(0, 3, (SIZE // 15, SIZE // 15)).repeat(15, axis=0).repeat(15, axis=1)
    surface = np.moveaxis(spectra[kinds], -1, 0) * (1 + 0.03 * rng.normal(size=(6, SIZE, SIZE)))
    state = {
        "sun_zenith": sun,
        "view_zenith": 3.0,
        "relative_azimuth": 50.0,
        "aod": aod,
        "pressure": pressure_at(elevation),
    }
    overhead, top = np.cos(np.radians(sun)), []
    for index, band in enumerate(BANDS):
        air = TABLES.at(band, "continental", **state)
        brdf = 1.0
        if standard_sun_zenith is not None:
            brdf = 1 / float(nadir_factor(band, sun, 3.0, 50.0, standard_sun_zenith))
        around: np.ndarray = surface[index].mean() * np.ones(grid.shape)
        for _ in range(3):  # surroundings depend on light, and light on surroundings
            total = air.down / (1 - air.albedo * around)
            diffuse = overhead * (total - air.direct_down) / air.direct_down
            direct = np.where(shadow, 0.0, np.maximum(cosine, 0.0))
            light = direct + sky * (diffuse + beyond) + (1 - sky) * around * (overhead + diffuse + beyond)
            light = light / (overhead + diffuse + beyond)
            around = surroundings(surface[index] * brdf * light, air.rayleigh.mean(), air.aerosol)
        top.append(to_top(TABLES, band, "continental", surface[index], around, lit=light, brdf=brdf, **GASES, **state))
    toa = np.array(top, np.float32)
    given = {"elevation": terrain.field, "aod": np.full(shape, assumed), "aod_error": aod_error}
    field = build_field(
        TABLES, "continental", grid, BANDS, angles, standard_sun_zenith=standard_sun_zenith, **given, **GASES
    )
    cells = ClearCells(grid, len(BANDS))
    cells.add(toa, np.ones(grid.shape, bool), 0)
    field = field.with_background(background_reflectance(field, cells))
    return Hills(field, terrain.block(0, SIZE), toa, surface, cosine, shadow)


def sums_of(scene: Hills, clear: np.ndarray | None = None) -> SlopeSums:
    sums = SlopeSums(scene.field)
    clear = np.ones((SIZE, SIZE), bool) if clear is None else clear
    sums.add(scene.toa[4], scene.toa[5], clear, 0, scene.illumination)
    return sums


def corrected(scene: Hills, field: AtmosphereField | None = None, *, topographic: bool = True) -> np.ndarray:
    found = correct_block(field or scene.field, scene.toa, 0, scene.illumination, topographic=topographic)
    return found.reflectance / 1e4


def rise(values: np.ndarray, scene: Hills) -> np.ndarray:
    """Return how reflectance over truth rises with the cosine of incidence, of each band."""
    return np.array(
        [
            np.polyfit(scene.cosine[scene.lit], (a / b)[scene.lit], 1)[0]
            for a, b in zip(values, scene.surface, strict=True)
        ]
    )


@pytest.fixture(scope="module")
def gentle(tmp_path_factory: pytest.TempPathFactory) -> Hills:
    return hills(tmp_path_factory.mktemp("gentle"))


@pytest.fixture(scope="module")
def steep(tmp_path_factory: pytest.TempPathFactory) -> Hills:
    return hills(tmp_path_factory.mktemp("steep"), sun=60.0, height=250.0)


@pytest.mark.parametrize("name", ["gentle", "steep"])
def test_reflectance_no_longer_rises_with_the_sun(name: str, request: pytest.FixtureRequest) -> None:
    """Acceptance test 12 of the spec: reduced by 80 % at least; here by 92 %, with theory and with the terrain's C."""
    scene: Hills = request.getfixturevalue(name)
    before = rise(corrected(scene, topographic=False), scene)
    assert (before > 0.2).all()
    with_c = scene.field.with_diffuse(diffuse_of_terrain(scene.field, sums_of(scene)))
    for field in (scene.field, with_c):
        values = corrected(scene, field)
        assert (np.abs(rise(values, scene)) < 0.08 * before).all()
        left = np.sqrt(((values - scene.surface)[:, scene.lit] ** 2).mean(axis=1))
        raw = np.sqrt(((corrected(scene, topographic=False) - scene.surface)[:, scene.lit] ** 2).mean(axis=1))
        assert (left < 0.2 * raw).all()


def test_everything_at_once_is_taken_off(tmp_path: Path) -> None:
    """Gases, scattering, surroundings, slopes and viewing geometry: a known surface comes back."""
    scene = hills(tmp_path, sun=45.0, height=80.0, standard_sun_zenith=38.0, seed=75)
    error = corrected(scene) - scene.surface
    assert np.abs(error.mean(axis=(1, 2))).max() < 8e-4
    assert np.sqrt((error**2).mean(axis=(1, 2))).max() < 2.5e-3
    # Within the specification of ACIX, 0.005 + 0.05 rho, everywhere.
    assert (np.abs(error) < 0.005 + 0.05 * scene.surface).mean() > 0.999


def test_dim_slopes_are_not_overcorrected(steep: Hills) -> None:
    dim = (steep.cosine > 0.0) & (steep.cosine < 0.2) & ~steep.shadow
    assert dim.sum() > 5000
    excess = (corrected(steep) / steep.surface - 1)[:, dim]
    assert (excess.mean(axis=1) < 0.1).all()
    assert (np.quantile(excess, 0.99, axis=1) < 1.0).all()


def test_shadow_is_lit_by_the_sky_alone(steep: Hills) -> None:
    dark = (steep.illumination.flags & CLASS == 3) & (steep.shadow | (steep.cosine <= 0))
    deep = dark & (steep.illumination.direct == 0.0)
    assert deep.sum() > 5000
    values, raw = corrected(steep)[:, deep], corrected(steep, topographic=False)[:, deep]
    truth = steep.surface[:, deep]
    # Blue to red light comes from the sky: a factor below the cap brings them back.
    for band in range(3):
        assert raw[band].mean() < 0.6 * truth[band].mean()
        assert values[band].mean() == pytest.approx(truth[band].mean(), rel=0.12)
    # In SWIR next to nothing does, and the cap holds.
    assert np.median(values[5] / raw[5]) == pytest.approx(MOST, rel=0.05)
    assert (values[5] < truth[5]).mean() > 0.99


def test_each_band_has_its_own_diffuse_light(gentle: Hills) -> None:
    """Defect D2 of the spec: with the diffuse share of one band for all, blue is overcorrected."""
    diffuse = gentle.field.coefficients(0, 1, variance=False)[:, DIFFUSE, 0, 0]
    assert (np.diff(diffuse) < 0).all()
    air = [TABLES.at(band, "continental", sun_zenith=50.0, view_zenith=3.0, relative_azimuth=50.0, aod=0.2,
                     pressure=pressure_at(float(gentle.field.cells[4, 0, 0]))) for band in BANDS]  # fmt: skip
    around = gentle.field.background[:, 0, 0]
    for index, one in enumerate(air):
        share = (one.down / (1 - one.albedo * around[index]) - one.direct_down) / one.direct_down
        assert diffuse[index] == pytest.approx(np.cos(np.radians(50.0)) * share, rel=2e-3)


def test_level_ground_stays_as_it_is(gentle: Hills) -> None:
    zeros = np.zeros((SIZE, SIZE), np.float32)
    flat = Illumination(
        zeros, zeros + np.cos(np.radians(np.float32(50.0))), zeros + 1, zeros, np.zeros((SIZE, SIZE), np.uint8)
    )
    level, slopes = (correct_block(gentle.field, gentle.toa, 0, flat, topographic=one) for one in (False, True))
    assert np.abs(level.reflectance.astype(int) - slopes.reflectance).max() <= 1


def test_a_slope_s_error_grows_where_light_is_dim(steep: Hills) -> None:
    level, slopes = (
        correct_block(steep.field, steep.toa, 0, steep.illumination, topographic=one).uncertainty.astype(float)
        for one in (False, True)
    )
    bright, dim = steep.cosine > 0.8, steep.lit & (steep.cosine < 0.3)
    grown = slopes[3] / level[3]
    assert np.median(grown[bright]) < 1.2
    assert np.median(grown[dim]) > 2.0
    deviation = np.abs(corrected(steep) - steep.surface)[:, steep.lit] / (slopes[:, steep.lit] / 1e4)
    assert (np.sqrt((deviation**2).mean(axis=1)) < 1.0).all()


# Diffuse light as terrain shows it


def test_terrain_shows_light_beyond_theory(tmp_path: Path) -> None:
    for beyond in (0.1, 0.3):
        scene = hills(tmp_path, beyond=beyond, seed=72)
        found = light_beyond_theory(sums_of(scene).sums)
        assert np.median(found) == pytest.approx(beyond, rel=0.3)
        values = corrected(scene, scene.field.with_diffuse(diffuse_of_terrain(scene.field, sums_of(scene))))
        theory = rise(corrected(scene), scene)
        assert (np.abs(rise(values, scene)) < 0.5 * np.abs(theory)).all()


def test_terrain_agrees_with_theory_where_theory_is_true(gentle: Hills) -> None:
    found = light_beyond_theory(sums_of(gentle).sums)
    assert found.max() < 0.05
    assert np.median(found) < 0.02


def test_uncertain_aerosol_takes_its_share_of_what_terrain_shows(tmp_path: Path) -> None:
    """More aerosol than was thought: blue light gets more diffuse, not only SWIR2's few parts in a hundred."""
    scene = hills(tmp_path, aod=0.5, assumed=0.1, aod_error=0.3, seed=73)
    diffuse = diffuse_of_terrain(scene.field, sums_of(scene))
    assert (diffuse[0] > 1.0).all()
    assert (diffuse[0] <= 2.0).all()
    certain = hills(tmp_path, aod=0.5, assumed=0.1, aod_error=0.001, seed=73)
    assert (diffuse_of_terrain(certain.field, sums_of(certain))[0] < 1.0 + 1e-3).all()
    before, after = (
        np.abs(rise(corrected(scene, field), scene)) for field in (scene.field, scene.field.with_diffuse(diffuse))
    )
    assert (after[2:] < before[2:]).all()


def test_without_slopes_or_clear_pixels_theory_stands(gentle: Hills) -> None:
    sums = sums_of(gentle, np.zeros((SIZE, SIZE), bool))
    assert not sums.sums.any()
    diffuse = diffuse_of_terrain(gentle.field, sums)
    np.testing.assert_array_equal(diffuse[0], 1.0)
    np.testing.assert_array_equal(diffuse[1], 0.0)


def test_sums_are_the_same_in_any_order_of_any_blocks(gentle: Hills) -> None:
    clear = np.random.default_rng(74).random((SIZE, SIZE)) > 0.3
    whole = sums_of(gentle, clear)
    one, other = SlopeSums(gentle.field), SlopeSums(gentle.field)
    for sums, start, stop in ((one, 151, SIZE), (other, 0, 20), (one, 20, 151)):
        part = Illumination(
            *(getattr(gentle.illumination, name)[start:stop] for name in Illumination.__dataclass_fields__)
        )
        sums.add(gentle.toa[4, start:stop], gentle.toa[5, start:stop], clear[start:stop], start, part)
    one.merge(other)
    np.testing.assert_array_equal(one.sums, whole.sums)
    assert whole.sums[..., 0].sum() > 5000
