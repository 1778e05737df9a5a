"""Scenes of the simulation against what they say of themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from levelworks.coronagraph import scenes
from levelworks.coronagraph.geometry import Geometry


def test_scene_holds_the_companions_it_lists(small: Geometry) -> None:
    scene = scenes.coronagraph_scene(small, sky_flux=0.0)
    doubled = scenes.coronagraph_scene(small, hole_flux=0.02, sky_flux=0.0)
    companions = sum(
        flux * scenes.point_source(scene.flux.shape, row, column, 2.3) for row, column, flux in scene.sources
    )
    assert companions.sum() == pytest.approx(sum(flux for _, _, flux in scene.sources), rel=1e-12)
    rows, columns = np.indices(scene.flux.shape)
    hole = np.hypot(rows - scene.flux.shape[0] // 2, columns - scene.flux.shape[1] // 2) < 22
    # Within the hole everything scales with its flux, and speckles are what companions leave: never negative.
    assert np.allclose(doubled.flux[hole], 2 * scene.flux[hole], rtol=1e-12)
    assert (scene.flux - companions).min() > -1e-12
    assert (scene.flux - 1.2 * companions).min() < 0
    for row, column, flux in scene.sources:
        assert scene.flux[int(row), int(column)] > 0.9 * flux / (2 * np.pi * (2.3 / 2.3548) ** 2)


def test_scene_has_a_dark_hole(small: Geometry) -> None:
    flux = scenes.coronagraph_scene(small).flux
    rows, columns = np.indices(flux.shape)
    radius = np.hypot(rows - flux.shape[0] // 2, columns - flux.shape[1] // 2)
    hole, halo = (radius > 9) & (radius < 20), (radius > 23) & (radius < 27)
    assert np.median(flux[halo]) > 100 * np.median(flux[hole])
    assert flux.min() > 0


def test_flux_map_is_placed_in_the_centre(shared_data: Path, small: Geometry) -> None:
    path = shared_data / "coronagraph" / "sci_fluxmap.fits"
    scene = scenes.flux_map_scene(path, small)
    stamp = fits.getdata(path).astype(np.float64)
    assert scene.flux.sum() == pytest.approx(stamp.sum(), rel=1e-12)
    assert np.array_equal(scene.flux[19:84, 20:85], stamp)
