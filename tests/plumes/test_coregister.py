"""Shifts to a reference image: known shifts come back, whatever the brightness; what can't be registered is said."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import xarray
from plume_scenes import swath, write_products
from rasterio.transform import Affine
from scipy import ndimage
from scipy.spatial import cKDTree

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.layers import Layer, open_layers, write_layers
from levelworks.plumes.mapping.coregister import Shift, estimate_shift, moved_positions, read_reference
from levelworks.plumes.mapping.orthorectify import map_by_positions
from levelworks.plumes.mapping.orthorectify_options import Orthorectify
from levelworks.plumes.mapping.orthorectify_stage import orthorectify_scene
from levelworks.plumes.mapping.pixel_area import geocentric


def landscape(seed: int, rows: int = 150, columns: int = 170) -> np.ndarray:
    """Return fields of irregular outline and random brightness."""
    random = np.random.default_rng(seed)
    count = rows * columns // 80
    middles = random.uniform(0, 1, (count, 2)) * (rows, columns)
    nearest = cKDTree(middles).query(np.indices((rows, columns)).reshape(2, -1).T)[1]
    return ndimage.gaussian_filter(random.uniform(0.2, 1.0, count)[nearest].reshape(rows, columns), 0.7)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, -5), (-7, 2), (1.5, 0.25), (-2.3, -4.7)])
@pytest.mark.parametrize("gain", [1.0, -0.6])
def test_known_shifts_come_back(down, right, gain):
    scene = landscape(1)
    random = np.random.default_rng(2)
    reference = 0.4 + gain * ndimage.shift(scene, (down, right), order=3, mode="nearest")
    reference += random.normal(0, 0.01, scene.shape)
    image = scene + random.normal(0, 0.01, scene.shape)
    image[:, :20] = np.nan  # beyond the swath
    found = estimate_shift(image, reference, 30.0, 300.0)
    assert (found.east, found.north) == pytest.approx((30.0 * right, -30.0 * down), abs=6.0)
    assert found.after > 0.6
    assert found.after >= found.before - 0.02


def test_other_places_do_not_agree():
    found = estimate_shift(landscape(3), landscape(4), 30.0, 300.0)
    assert found.after < 0.3


def test_refuses_what_can_not_be_registered():
    scene = landscape(5)
    beyond = np.where(np.arange(170) < 8, scene, np.nan)
    with pytest.raises(InvalidReference, match="covers 5 %"):
        estimate_shift(scene, beyond, 30.0, 300.0)
    with pytest.raises(InvalidReference, match="no edges"):
        estimate_shift(scene, np.full_like(scene, 0.3), 30.0, 300.0)


def test_positions_are_moved_on_the_map():
    longitude, latitude, _, _ = swath(32633, 450000, 4500000, rows=10, columns=10)
    longitude[2, 2] = np.nan
    grid = map_by_positions(longitude, latitude, 60.0).grid
    east, north = moved_positions(longitude, latitude, Shift(120.0, -50.0, 0.0, 1.0), grid)
    apart = np.linalg.norm(geocentric(east, north) - geocentric(longitude, latitude), axis=-1)
    assert np.isnan(apart[2, 2])
    assert apart[np.isfinite(apart)] == pytest.approx(130.0, rel=1e-3)


def write_image(path, values, grid, shift=(0.0, 0.0), crs="EPSG:32613"):
    transform = Affine(30.0, 0, grid.west + shift[0], 0, -30.0, grid.north + shift[1])
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": crs, "transform": transform, "nodata": -1.0}
    with rasterio.open(path, "w", height=values.shape[0], width=values.shape[1], **profile) as file:
        file.write(values.astype(np.float32), 1)
    return path


def test_images_are_read_onto_the_grid(tmp_path):
    longitude, latitude, _, _ = swath(32613, 560000, 3540000)
    grid = map_by_positions(longitude, latitude, 60.0).grid
    values = np.kron(np.arange(grid.rows * grid.columns / 2).repeat(2).reshape(grid.shape), np.ones((2, 2)))
    values[:20] = -1.0
    found = read_reference(write_image(tmp_path / "a.tif", values, grid), grid)
    assert np.isnan(found[:10]).all()
    np.testing.assert_allclose(found[10:], values[20::2, ::2])
    (tmp_path / "b.tif").write_bytes(b"")
    with pytest.raises(InvalidReference, match=r"b\.tif can't be read"):
        read_reference(tmp_path / "b.tif", grid)


def test_a_reference_of_elsewhere_is_said(tmp_path):
    longitude, latitude, _, _ = swath(32613, 560000, 3540000, rows=30, columns=30)
    grid = map_by_positions(longitude, latitude, 60.0).grid
    reference = write_image(tmp_path / "reference.tif", landscape(8, 40, 40), grid, shift=(9e4, 0.0))
    products = write_products(tmp_path, (longitude, latitude))
    inputs = (products.retrieval, None, None, products.wind, None, None, None)
    outcome = orthorectify_scene(
        *inputs, reference=reference, level2=tmp_path / "level2.nc", cogs=None, options=Orthorectify()
    )
    assert outcome.warnings == (
        "not shifted to reference.tif: the reference image covers 0 % of the scene's map; too little",
    )


@pytest.mark.parametrize("same_place", [True, False])
def test_a_scene_is_shifted_to_its_reference(tmp_path, same_place):
    longitude, latitude, _, _ = swath(32613, 560000, 3540000, rows=100, columns=90, step=(30.0, 30.0), turn=10.0)
    true = map_by_positions(longitude, latitude, 30.0)
    scene = landscape(6, 100, 90)
    # The reference shows the scene where it is; the retrieval has positions 150 m to the west and 90 m to the north.
    picture = true.take(scene if same_place else landscape(7, 100, 90), -1.0)
    reference = write_image(tmp_path / "reference.tif", picture, true.grid)
    wrong = moved_positions(longitude, latitude, Shift(-150.0, 90.0, 0.0, 0.0), true.grid)
    products = write_products(tmp_path, wrong, sensor="PRISMA")
    with open_layers(products.retrieval) as file:
        layers = [
            Layer(
                name,
                scene.astype(np.float32) if name == "radiance_2100" else file.read(name),
                along="bands" if name == "rgb" else "",
            )
            for name in file.names
        ]
        attributes = file.attributes
    write_layers(tmp_path / "seen.nc", layers, attributes)
    inputs = (tmp_path / "seen.nc", None, None, None, None, None, None)
    outcome = orthorectify_scene(
        *inputs, reference=reference, level2=tmp_path / "level2.nc", cogs=None, options=Orthorectify()
    )
    with xarray.open_dataset(tmp_path / "level2.nc") as data:
        assert ("shifted by" in data.ch4.description) == same_place
        assert (float(data.x[0]) == true.grid.x[0]) == same_place
    assert any("not shifted to reference.tif" in one for one in outcome.warnings) != same_place
    if same_place:
        assert outcome.quality["shift_east_m"] == pytest.approx(150.0, abs=8.0)
        assert outcome.quality["shift_north_m"] == pytest.approx(-90.0, abs=8.0)
