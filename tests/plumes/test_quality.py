"""Flags: reflectance in its units (D7), the thresholds of clouds, water, cirrus and fires, bad detector columns."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.retrieval.quality import (
    FLAGS,
    HOT_BANDS,
    REFLECTANCE_BANDS,
    Thresholds,
    bad_columns,
    band_irradiance,
    find_flags,
    reflectance,
)
from levelworks.plumes.retrieval.scene_planes import picture_of
from levelworks.plumes.tables import emit_spectral

SHAPE = (40, 50)


def ground(**changes: float) -> dict[float, np.ndarray]:
    """Return reflectance of land, by wavelength."""
    values = dict(zip(REFLECTANCE_BANDS, (0.12, 0.15, 0.2, 0.3, 0.32, 0.01, 0.33, 0.3), strict=True))
    values |= {float(key[1:]): value for key, value in changes.items()}
    return {name: np.full(SHAPE, value, dtype=np.float32) for name, value in values.items()}


def flags_of(rho: dict[float, np.ndarray], hot: dict[float, np.ndarray] | None = None, **planes) -> np.ndarray:
    cold = {name: np.full(SHAPE, level) for name, level in zip(HOT_BANDS, (0.9, 0.4, 0.35), strict=True)}
    nothing = np.zeros(SHAPE, dtype=bool)
    return find_flags(
        rho, hot or cold, planes.pop("saturated", nothing), planes.pop("filled", nothing), planes, Thresholds()
    )


def has(flags: np.ndarray, name: str) -> np.ndarray:
    return flags & FLAGS[name] > 0


def test_d7_lambertian_white_has_reflectance_one() -> None:
    spectral = emit_spectral(smile=False)
    sun = band_irradiance(spectral)
    zenith, distance = np.array([[30.0, 60.0]]), 1.0167
    band = spectral.nearest(1000.0)
    radiance = sun[band] * np.cos(np.radians(zenith)) / np.pi / distance**2
    assert reflectance(radiance, sun[band], zenith, distance) == pytest.approx(1.0)
    # about 74 uW cm-2 nm-1 at a micrometre
    assert 70 < sun[band] < 78
    assert np.isnan(reflectance(radiance, sun[band], np.array([[95.0, 90.0]]), distance)).all()


def test_land_is_not_flagged() -> None:
    assert not flags_of(ground()).any()


def test_clouds_are_bright_and_white() -> None:
    cloud = flags_of(ground(_450=0.6, _560=0.62, _650=0.63, _1000=0.65, _1250=0.6, _1650=0.5))
    assert has(cloud, "cloud").all()
    sand = flags_of(ground(_450=0.29, _560=0.4, _650=0.5, _1000=0.6, _1250=0.65, _1650=0.65))
    assert not has(sand, "cloud").any()


def test_water_and_cirrus() -> None:
    assert has(flags_of(ground(_1000=0.02)), "water").all()
    assert has(flags_of(ground(_1380=0.15)), "cirrus").all()


def test_missing_reflectance_is_no_water() -> None:
    rho = ground()
    rho[1000.0][...] = np.nan
    assert not has(flags_of(rho), "water").any()


def test_flares_reach_their_neighbours_and_sunlit_ground_is_none() -> None:
    hot = {name: np.full(SHAPE, level) for name, level in zip(HOT_BANDS, (0.9, 0.4, 0.35), strict=True)}
    for name, level in zip(HOT_BANDS, (2.0, 4.0, 4.5), strict=True):
        hot[name][20, 25] = level
    found = has(flags_of(ground(), hot), "flare")
    assert found.sum() == 25
    assert found[18:23, 23:28].all()
    bright = {name: np.full(SHAPE, level) for name, level in zip(HOT_BANDS, (4.0, 2.0, 1.8), strict=True)}
    assert not has(flags_of(ground(), bright), "flare").any()


def test_shadow_lies_near_clouds_only() -> None:
    rho = ground()
    for name, level in zip(REFLECTANCE_BANDS, (0.6, 0.62, 0.63, 0.65, 0.6, 0.01, 0.5, 0.4), strict=True):
        rho[name][:3, :3] = level
    for name in (1000.0, 1250.0, 1650.0):
        rho[name][6:8, 6:8] = 0.04
        rho[name][39, 49] = 0.04
    found = has(flags_of(rho), "shadow")
    assert found[6:8, 6:8].all()
    assert not found[39, 49]


def test_flags_of_the_agency_are_taken() -> None:
    plane = np.zeros(SHAPE, dtype=bool)
    plane[3, 4] = True
    found = flags_of(ground(), cloud=plane, saturated=plane, bad=plane)
    assert has(found, "cloud").sum() == 1
    assert has(found, "saturated").sum() == 1
    assert has(found, "bad_column").sum() == 1


def test_bad_column_has_a_band_that_departs_alike_in_all_rows() -> None:
    rng = np.random.default_rng(12)
    ground = np.exp(0.1 * rng.normal(size=(1, 60, 80)) + 0.1 * rng.normal(size=(9, 60, 80)))
    planes = 0.4 * ground * (1 + 0.005 * rng.normal(size=(9, 60, 1)))
    assert not bad_columns(planes).any()
    planes[4, 17] *= 0.4
    assert np.flatnonzero(bad_columns(planes)).tolist() == [16, 17, 18]
    planes[4, 17] /= 0.4
    planes[4, 30] *= 1.35
    assert np.flatnonzero(bad_columns(planes)).tolist() == [30]
    planes[8] = 0.01 * np.abs(rng.normal(size=(60, 80)))  # a band in the dark of water vapour
    assert np.flatnonzero(bad_columns(planes)).tolist() == [30]
    assert not bad_columns(np.full((9, 60, 80), np.nan)).any()


def test_darkest_ground_of_a_picture_is_not_no_data() -> None:
    rng = np.random.default_rng(31)
    reflectances = rng.uniform(0.02, 0.4, (3, 30, 40))
    reflectances[:, 5, 7] = 0.0
    reflectances[1, 8, 9] = np.nan
    found = picture_of(reflectances)
    assert (found[:, 5, 7] == 1).all()
    assert (found[:, 8, 9] == 0).all()
    assert np.count_nonzero((found == 0).all(axis=0)) == 1
    assert found.max() == 255
