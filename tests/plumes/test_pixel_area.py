"""Pixel areas: grids of known area, places where longitudes break, pixels without a place."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod, Proj, Transformer

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.mapping.pixel_area import corner_lattice, pixel_area, pixel_size, quadrilateral_area


def map_positions(epsg: int, x: float, y: float, step: float = 60.0, rows: int = 12, columns: int = 9):
    east, north = np.meshgrid(x + step * np.arange(columns), y - step * np.arange(rows))
    return Transformer.from_crs(epsg, 4326, always_xy=True).transform(east, north)


@pytest.mark.parametrize(
    ("epsg", "x", "y"),
    [
        (32631, 500000.0, 4400000.0),
        (32613, 690000.0, 3600000.0),
        (32733, 310000.0, 7100000.0),
        (32601, 499800.0, 500000.0),
        (32660, 833500.0, 10000.0),  # across the antimeridian near the equator
        (5041, 2000200.0, 1999900.0),  # around the north pole
        (5042, 2000100.0, 2600000.0),
    ],
)
def test_cells_of_a_map_have_their_area_but_for_the_maps_scale(epsg, x, y):
    longitude, latitude = map_positions(epsg, x, y)
    scale = np.asarray(Proj(epsg).get_factors(longitude, latitude).areal_scale)
    np.testing.assert_allclose(pixel_area(longitude, latitude) * scale, 3600.0, rtol=1e-4)


def test_the_antimeridian_is_really_crossed():
    longitude, _ = map_positions(32660, 833500.0, 10000.0)
    assert longitude.min() < -179.9 < 179.9 < longitude.max()


def test_areas_add_up_to_the_scene_on_the_ellipsoid():
    longitude, latitude = np.meshgrid(20 + 0.001 * np.arange(30), 60 - 0.0005 * np.arange(40))
    area = pixel_area(longitude, latitude)
    west, east, south, north = 20 - 0.0005, 20.0295, 60 - 0.01975, 60.00025
    # Parallels are not geodesics: their points are taken densely.
    x = np.linspace(west, east, 500)
    ring_x, ring_y = np.r_[x, x[::-1]], np.r_[np.full(500, south), np.full(500, north)]
    expected, _ = Geod(ellps="WGS84").polygon_area_perimeter(ring_x, ring_y)
    assert float(area.sum(dtype=np.float64)) == pytest.approx(expected, rel=2e-6)


def test_corners_of_an_affine_scene_are_exact():
    column, row = np.meshgrid(np.arange(6.0), np.arange(5.0))
    centres = np.stack([100 + 61 * column - 7 * row, 900 - 5 * column - 58 * row], axis=-1)
    column, row = np.meshgrid(np.arange(7.0) - 0.5, np.arange(6.0) - 0.5)
    expected = np.stack([100 + 61 * column - 7 * row, 900 - 5 * column - 58 * row], axis=-1)
    np.testing.assert_allclose(corner_lattice(centres), expected, atol=1e-9)
    np.testing.assert_allclose(quadrilateral_area(corner_lattice(centres)), 61 * 58 + 7 * 5, rtol=1e-12)


def test_missing_pixels_take_only_their_own_area():
    longitude, latitude = map_positions(32631, 500000.0, 4400000.0)
    whole = pixel_area(longitude, latitude)
    missing = np.zeros(longitude.shape, bool)
    missing[5, 4] = missing[0, 0] = missing[-1, :3] = missing[:, -1] = True
    longitude[missing] = np.nan
    found = pixel_area(longitude, latitude)
    assert np.isnan(found[missing]).all()
    np.testing.assert_allclose(found[~missing], whole[~missing], rtol=1e-5)


def test_a_pixel_alone_has_no_area():
    longitude, latitude = map_positions(32631, 500000.0, 4400000.0, rows=3, columns=3)
    longitude[:] = np.where(np.arange(9).reshape(3, 3) == 4, longitude, np.nan)
    area = pixel_area(longitude, latitude)
    assert np.isnan(area).all()
    assert np.isnan(pixel_size(area))


def test_size_is_that_of_the_median_pixel():
    assert pixel_size(np.array([[3600.0, np.nan], [3600.0, 1e9]])) == 60.0


@pytest.mark.parametrize("shape", [(1, 5), (5, 1)])
def test_refuses_scenes_of_one_row_or_column(shape):
    with pytest.raises(InvalidInput, match="two of each"):
        pixel_area(np.zeros(shape), np.zeros(shape))
