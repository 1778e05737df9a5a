"""True north on the map: closed form of the transverse Mercator projection, and angles that turn with it."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.ard.geometry.convergence import grid_convergence, on_grid
from levelworks.ard.geometry.places import coordinates
from levelworks.ard.scene import Angles, ImageGrid, field_step


@pytest.mark.parametrize(
    ("crs", "meridian", "north"), [("EPSG:32633", 15.0, 5730000.0), ("EPSG:32733", 15.0, 6200000.0)]
)
def test_convergence_is_that_of_the_sphere_within_a_hundredth_of_a_degree(crs, meridian, north):
    grid = ImageGrid(crs, 300000.0, north, 30000.0, 3, 14)
    longitude, latitude = coordinates(grid)
    # tan(convergence) = tan(longitude difference) sin(latitude); true north leans west of the map's north in the east.
    east = np.radians(longitude - meridian)
    expected = -np.degrees(np.arctan(np.tan(east) * np.sin(np.radians(latitude))))
    np.testing.assert_allclose(grid_convergence(grid), expected, atol=0.01)


def test_angles_turn_together_and_their_difference_stays():
    grid = ImageGrid("EPSG:32633", 345405.0, 5735865.0, 30.0, 60, 60)
    shape = grid.coarser(field_step(grid)).shape
    angles = Angles(*(np.full(shape, value) for value in (43.0, 359.5, 5.0, 100.0)))
    turned = on_grid(angles, grid)
    np.testing.assert_allclose(turned.relative_azimuth, angles.relative_azimuth, atol=1e-9)
    assert ((turned.sun_azimuth >= 0) & (turned.sun_azimuth < 360)).all()
    longitude, latitude = coordinates(grid.coarser(field_step(grid)))
    north = -np.degrees(np.arctan(np.tan(np.radians(longitude - 15.0)) * np.sin(np.radians(latitude))))
    np.testing.assert_allclose(turned.sun_azimuth, (359.5 + north) % 360, atol=0.01)
    assert (north > 1).all()
