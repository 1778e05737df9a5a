"""Geometry: closed forms, both directions into each other, and the positions that the agency gives."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from insar_kepler import vectors
from pyproj import Transformer

from levelworks.core.outcome import InvalidReference
from levelworks.insar.geometry.elevation import Elevation, level, read_elevation
from levelworks.insar.geometry.ellipsoid import to_cartesian, to_geodetic
from levelworks.insar.geometry.geo2rdr import geo2rdr, locate
from levelworks.insar.geometry.line_of_sight import geocentric_incidence, heading, line_of_sight
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.orbits.state_vectors import Orbit, StateVectors
from levelworks.insar.simulation.ground import make_ground, write_elevation
from levelworks.insar.simulation.scenario import Hill, Terrain

LIGHT = 299792458.0
DAY = dt.date(2025, 4, 6)


def kepler_arc(start=60.0, stop=140.0):
    return Orbit(DAY, vectors(), "precise", ("test",)).arc(start, stop)


def below(arc, time, side=500_000.0):
    """Return a place to the right of the track."""
    position, velocity, _ = arc.at(time)
    right = np.cross(velocity, position)
    latitude, longitude, _ = to_geodetic(position + side * right / np.linalg.norm(right))
    return float(latitude), float(longitude)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-500, 9000))
@settings(max_examples=200, deadline=None)
def test_geodetic_comes_back(latitude, longitude, height):
    point = to_cartesian(latitude, longitude, height)
    reference = Transformer.from_crs(4979, 4978, always_xy=True).transform(longitude, latitude, height)
    np.testing.assert_allclose(point, reference, atol=2e-8)
    back = to_cartesian(*to_geodetic(point))
    assert np.linalg.norm(back - point) < 5e-9


def test_geolocation_grids_of_every_real_annotation(real_annotations):
    """specs/insar.md 9: range below 1 mm and azimuth below 3 microseconds; ranges agree to 0.03 mm here."""
    for _, annotation in real_annotations:
        grid = annotation.grid
        orbit = Orbit(annotation.epoch, annotation.state_vectors, "annotated", ("test",))
        arc = orbit.arc(annotation.start - 5, annotation.stop + 5)
        time, slant_range = geo2rdr(arc, grid.latitude, grid.longitude, grid.height)
        assert np.abs(time - grid.azimuth_time).max() < 3e-6
        assert np.abs(slant_range - LIGHT * grid.range_time / 2).max() < 3e-5
        points = to_cartesian(grid.latitude, grid.longitude, grid.height)
        assert np.abs(geocentric_incidence(arc, points) - grid.incidence).max() < 1e-8
        for k in (0, 104, 209):
            place = rdr2geo(arc, time[k : k + 1], slant_range[k : k + 1], level(grid.height[k]))
            point = to_cartesian(grid.latitude[k], grid.longitude[k], grid.height[k])
            assert np.linalg.norm(to_cartesian(*place)[0, 0] - point) < 1e-3


def test_zero_doppler_holds_at_the_solution():
    arc = kepler_arc()
    random = np.random.default_rng(2)
    latitude, longitude = below(arc, 100.0)
    latitude, longitude = latitude + random.uniform(-1, 1, 200), longitude + random.uniform(-1, 1, 200)
    points = to_cartesian(latitude, longitude, random.uniform(-100, 5000, 200))
    time, slant_range = locate(arc, points)
    position, velocity, _ = arc.at(time)
    assert np.isfinite(time).all()
    across = np.einsum("ij,ij->i", points - position, velocity) / np.linalg.norm(velocity, axis=1)
    assert np.abs(across).max() < 1e-6
    np.testing.assert_allclose(slant_range, np.linalg.norm(points - position, axis=1), atol=1e-8)


def test_the_solution_does_not_depend_on_neighbours():
    arc = kepler_arc()
    latitude, longitude = below(arc, 100.0)
    latitude = latitude + np.linspace(-1, 1, 99)
    whole = geo2rdr(arc, latitude, longitude, 10.0)
    parts = [geo2rdr(arc, latitude[k : k + 7], longitude, 10.0) for k in range(0, 99, 7)]
    for k in (0, 1):
        assert np.array_equal(whole[k], np.concatenate([part[k] for part in parts]))


def test_places_that_the_arc_does_not_pass():
    arc = kepler_arc(90, 110)
    latitude, longitude = below(arc, 100.0)
    time, slant_range = geo2rdr(arc, [latitude, latitude + 10, np.nan], longitude, 0.0)
    assert np.isfinite(time[0])
    assert np.isnan(time[1:]).all()
    assert np.isnan(slant_range[1:]).all()


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("cubic", [True, False])
def test_terrain_is_met(right, cubic):
    """Lines and samples come back from the ground, the ground is on the terrain, and on the side that is asked for."""
    arc = kepler_arc()
    latitude, longitude = below(arc, 100.0, 450_000.0 if right else -450_000.0)
    terrain = Terrain(300.0, 0.01, -0.02, (Hill(0, 0, 2000, 900), Hill(4000, 3000, 1200, 500)))
    ground = make_ground(terrain, (longitude - 0.05, latitude - 0.05, longitude + 0.05, latitude + 0.05))
    elevation = replace(ground.elevation, cubic=cubic)
    time, slant_range = geo2rdr(arc, latitude, longitude, 300.0)
    times = float(time) + np.linspace(-0.6, 0.6, 60)
    ranges = float(slant_range) + np.linspace(-3000, 3000, 80)
    lat, lon, height = rdr2geo(arc, times, ranges, elevation, right=right)
    assert np.isfinite(height).all()
    assert np.ptp(height) > 400
    assert np.abs(elevation.at(lat, lon) - height).max() < 2e-5
    back_time, back_range = geo2rdr(arc, lat, lon, height)
    assert np.abs(back_time - times[:, None]).max() < 1e-9
    assert np.abs(back_range - ranges).max() < 1e-7
    position, velocity, _ = arc.at(times[0])
    towards = to_cartesian(lat[0, 0], lon[0, 0], height[0, 0]) - position
    assert (np.dot(towards, np.cross(velocity, position)) > 0) == right


def test_steep_terrain_is_met_somewhere():
    """In layover several places share a pixel: any of them, but on the terrain and at the right range."""
    arc = kepler_arc()
    latitude, longitude = below(arc, 100.0, 350_000.0)
    ground = make_ground(
        Terrain(0.0, 0.0, 0.0, (Hill(0, 0, 700, 2500),)),
        (longitude - 0.03, latitude - 0.03, longitude + 0.03, latitude + 0.03),
    )
    time, slant_range = geo2rdr(arc, latitude, longitude, 0.0)
    ranges = float(slant_range) + np.linspace(-3000, 1500, 400)
    lat, lon, height = rdr2geo(arc, float(time) + np.linspace(-0.2, 0.2, 9), ranges, ground.elevation)
    assert np.isfinite(height).all()
    assert np.abs(ground.elevation.at(lat, lon) - height).max() < 2e-5
    assert np.abs(geo2rdr(arc, lat, lon, height)[1] - ranges).max() < 1e-7


def test_unknown_heights_give_no_place():
    arc = kepler_arc()
    latitude, longitude = below(arc, 100.0)
    elevation = Elevation(np.zeros((40, 40), np.float32), longitude - 0.02, latitude + 0.02, 0.001, 0.001)
    elevation.heights[:, 20:] = np.nan
    time, slant_range = geo2rdr(arc, latitude, longitude, 0.0)
    lat, lon, height = rdr2geo(arc, [float(time)], float(slant_range) + np.linspace(-1500, 1500, 50), elevation)
    known = np.isfinite(height)
    assert known.any()
    assert not known.all()
    assert np.isnan(lat[~known]).all()
    assert (lon[known] < longitude - 0.0005).all()


def test_heights_between_cells():
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:12, 0:15]
    quadratic = (x - 3.0) ** 2 - 2 * (y - 5.0) ** 2 + x * y
    elevation = Elevation(quadratic.astype(np.float32), 10.0, 50.0, 0.01, 0.02)
    column, row = random.uniform(1, 13, 200), random.uniform(1, 10, 200)
    expected = (column - 3) ** 2 - 2 * (row - 5) ** 2 + column * row
    np.testing.assert_allclose(elevation.at(50 - 0.02 * row, 10 + 0.01 * column), expected, atol=1e-4)
    assert elevation.at(50.0, 10.0 + 360) == pytest.approx(float(quadratic[0, 0]))
    assert np.isnan(elevation.at(50.02, 10.0))


def test_elevation_files(tmp_path):
    ground = make_ground(Terrain(), (10.0, 50.0, 10.02, 50.02))
    write_elevation(tmp_path / "dem.tif", ground.elevation)
    whole = read_elevation(tmp_path / "dem.tif")
    assert np.array_equal(whole.heights, ground.elevation.heights)
    place = np.array([50.005, 50.01]), np.array([10.004, 10.015])
    part = read_elevation(tmp_path / "dem.tif", (10.0, 50.0, 10.02, 50.012))
    assert part.heights.size < whole.heights.size
    np.testing.assert_allclose(part.at(*place), ground.elevation.at(*place), atol=1e-3)
    with pytest.raises(InvalidReference, match="does not reach"):
        read_elevation(tmp_path / "dem.tif", (20.0, 50.0, 20.1, 50.1))
    with pytest.raises(InvalidReference, match="can't be read"):
        read_elevation(tmp_path / "none.tif")


@pytest.mark.parametrize("name", ["T087-185683-IW2", "T087-185684-IW2"])
def test_lines_of_sight_of_opera(insar_data, name):
    """specs/insar.md 9: east within 0.006 and north within 0.001 of values whose mantissa was cut to eight bits."""
    path = next((insar_data / "dolphin/tests/data/opera-s1-static-packed").glob(f"*{name}*.h5"))
    with h5py.File(path) as file:
        orbit, data = file["metadata/orbit"], file["data"]
        epoch = dt.datetime.fromisoformat(orbit["reference_epoch"][()].decode())
        start = dt.datetime.fromisoformat(file["identification/zero_doppler_start_time"][()].decode())
        states = [
            np.stack([orbit[f"{kind}_{axis}"][()] for axis in "xyz"], axis=1) for kind in ("position", "velocity")
        ]
        later = (epoch - dt.datetime.combine(start.date(), dt.time())).total_seconds()
        found = StateVectors(orbit["time"][()] + later, *states)
        x, y = np.meshgrid(data["x_coordinates"][::40], data["y_coordinates"][::40])
        east, north = data["los_east"][::40, ::40], data["los_north"][::40, ::40]
        projection = int(data["projection"][()])
    begin = (start - dt.datetime.combine(start.date(), dt.time())).total_seconds()
    arc = Orbit(start.date(), found, "precise", (path.name,)).arc(begin - 4, begin + 7)
    longitude, latitude = Transformer.from_crs(projection, 4326, always_xy=True).transform(x, y)
    sight = line_of_sight(arc, latitude, longitude, np.zeros(latitude.shape))
    valid = np.isfinite(east) & (east != 0)
    assert valid.sum() > 20_000
    assert np.abs(sight.east - east)[valid].max() < 0.006
    assert np.abs(sight.north - north)[valid].max() < 0.001
    assert abs(np.median((sight.east - east)[valid])) < 1e-3
    np.testing.assert_allclose(sight.east**2 + sight.north**2 + sight.up**2, 1.0, atol=1e-12)


def test_headings(real_annotations):
    """From the ground, a right-looking satellite is to the west where it ascends, to the east where it descends."""
    for manifest, annotation in real_annotations:
        orbit = Orbit(annotation.epoch, annotation.state_vectors, "annotated", ("test",))
        arc = orbit.arc(annotation.start - 5, annotation.stop + 5)
        direction = heading(arc, (annotation.start + annotation.stop) / 2)
        assert direction == pytest.approx(annotation.heading, abs=0.3)
        grid = annotation.grid
        east = line_of_sight(arc, grid.latitude, grid.longitude, grid.height).east
        assert (east < 0).all() == (manifest.pass_direction == "ascending")
        assert (abs(direction) < 90) == (manifest.pass_direction == "ascending")
