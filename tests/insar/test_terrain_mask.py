"""Layover and shadow: a ridge's in closed form, both sides of symmetric hills, and no place of them in the plain."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import numpy as np
import pytest
from insar_kepler import vectors

from levelworks.insar.frames.frame import FrameGrid
from levelworks.insar.geocoding.terrain_mask import flag_ground, ground_lines, mask_grid
from levelworks.insar.geometry.elevation import Elevation
from levelworks.insar.geometry.ellipsoid import to_geodetic
from levelworks.insar.geometry.geo2rdr import geo2rdr
from levelworks.insar.geometry.line_of_sight import line_of_sight
from levelworks.insar.mosaic.mosaic import Mosaic
from levelworks.insar.orbits.state_vectors import Orbit

DAY = dt.date(2025, 4, 6)
STEP = 0.00025
METRES = 111_320.0


class Scene:
    """A place to the right of the track, and the axes of the look on the ground there."""

    def __init__(self, side=480_000.0, node=40.0):
        self.arc = Orbit(DAY, vectors(node=node), "precise", ("test",)).arc(60, 140)
        position, velocity, _ = self.arc.at(100.0)
        right = np.cross(velocity, position)
        latitude, longitude, _ = to_geodetic(position + side * right / np.linalg.norm(right))
        self.latitude, self.longitude = round(float(latitude), 3), round(float(longitude), 3)
        sight = line_of_sight(self.arc, self.latitude, self.longitude, 0.0)
        self.incidence = np.radians(float(sight.incidence))
        size = np.hypot(sight.east, sight.north)
        self.away = -float(sight.east) / size, -float(sight.north) / size

    def axes(self, latitude, longitude):
        """Return how far places lie away from the radar, and along the track, m."""
        east = (longitude - self.longitude) * METRES * np.cos(np.radians(self.latitude))
        north = (latitude - self.latitude) * METRES
        return east * self.away[0] + north * self.away[1], north * self.away[0] - east * self.away[1]

    def elevation(self, shape, half=0.05):
        cells = round(2 * half / STEP)
        west, north = self.longitude - half + STEP / 2, self.latitude + half - STEP / 2
        longitude, latitude = west + STEP * np.arange(cells), north - STEP * np.arange(cells)
        heights = shape(*self.axes(latitude[:, None], longitude[None, :]))
        return Elevation(heights.astype(np.float32), west, north, STEP, STEP, cubic=False)

    def mosaic(self):
        time, slant_range = geo2rdr(self.arc, self.latitude, self.longitude, 0.0)
        return Mosaic(DAY, float(time) - 0.4, float(slant_range) - 2000.0, 0.002, 2.33, 0.0555, (4, 20), (100, 86), ())

    def mask(self, shape, ranks=1):
        """Return mask, distance away and along of a grid's cells."""
        elevation, half = self.elevation(shape), 0.02
        grid = FrameGrid(
            step=STEP,
            west=round(self.longitude - half, 5),
            south=round(self.latitude - half, 5),
            east=round(self.longitude + half, 5),
            north=round(self.latitude + half, 5),
        )
        lines = ground_lines(self.mosaic(), elevation, STEP)
        bounds = np.linspace(0, lines.times.size, ranks + 1).astype(int)
        flags = [flag_ground(lines, range(a, b), elevation, self.arc) for a, b in itertools.pairwise(bounds)]
        mask = mask_grid(lines, np.concatenate(flags), grid, self.arc)
        rows, columns = grid.shape
        latitude = grid.north - STEP * (np.arange(rows) + 0.5)
        longitude = grid.west + STEP * (np.arange(columns) + 0.5)
        return (mask, *self.axes(latitude[:, None], longitude[None, :]))


def ridge(height, front, back):
    """Return a ridge along the track, its crest at 0, ``front`` m wide towards the radar and ``back`` m beyond."""

    def shape(away, along):
        rise = np.where(away < 0, 1 + away / front, 1 - away / back)
        return height * np.maximum(rise, 0) + 0 * along

    return shape


def runs(mask, away, values, near):
    """Return the first and the last distance of flags among the cells close to one line."""
    found = np.sort(away[near & np.isin(mask, values)])
    return (found[0], found[-1]) if found.size else None


@pytest.mark.parametrize("node", [40.0, 200.0])
def test_layover_of_a_ridge(node):
    """Slopes steeper than the incidence fold onto the plain before them and onto their own back."""
    scene = Scene(node=node)
    height, front, back = 800.0, 500.0, 3000.0
    mask, away, along = scene.mask(ridge(height, front, back))
    sine, cosine = np.sin(scene.incidence), np.cos(scene.incidence)
    start = -height / np.tan(scene.incidence)
    stop = (height * cosine - front * sine) / (sine + height / back * cosine)
    near = np.abs(along) < 800
    found = runs(mask, away, (2, 4), near)
    cell = 1.5 * STEP * METRES
    assert found == (pytest.approx(start, abs=cell), pytest.approx(stop, abs=cell))
    inside = near & (away > start + cell) & (away < stop - cell)
    assert (mask[inside] == 2).all()
    outside = near & ((away < start - cell) | (away > stop + cell))
    assert (mask[outside & (np.abs(away) < 1500)] == 1).all()


def test_shadow_of_a_ridge():
    """A back slope steeper than the look throws a shadow as long as the crest is high, times the tangent."""
    scene = Scene(side=650_000.0)
    height, front, back = 900.0, 4000.0, 300.0
    mask, away, along = scene.mask(ridge(height, front, back))
    cell = 1.5 * STEP * METRES
    near = np.abs(along) < 800
    found = runs(mask, away, (3, 4), near)
    assert found == (pytest.approx(0.0, abs=cell), pytest.approx(height * np.tan(scene.incidence), abs=2 * cell))
    assert not np.isin(mask[near & (np.abs(away) < 2000)], (2, 4)).any()


def test_gentle_slopes_are_fine():
    scene = Scene()
    mask, away, along = scene.mask(ridge(400.0, 1500.0, 1500.0))
    inside = (np.abs(along) < 1000) & (np.abs(away) < 1500)
    assert (mask[inside] == 1).all()


def test_a_cone_is_symmetric_about_the_look():
    """Through the apex a cone is as a ridge; what it does on one side of the look it does on the other."""
    scene = Scene()
    height, radius = 900.0, 700.0
    mask, away, along = scene.mask(lambda away, along: height * np.maximum(1 - np.hypot(away, along) / radius, 0))
    cell = 1.5 * STEP * METRES
    middle = runs(mask, away, (2, 4), np.abs(along) < 0.7 * STEP * METRES)
    assert middle[0] == pytest.approx(-height / np.tan(scene.incidence), abs=cell)
    folded = np.isin(mask, (2, 4))
    left, right = ((folded & side).sum() for side in (along > 0, along < 0))
    assert folded.sum() > 1000
    assert left == pytest.approx(right, rel=0.02)


def test_overhangs_of_everything_that_is_nearer():
    """By their definition: flags against a plain search over all pairs of places on a line."""
    scene = Scene()
    rng = np.random.default_rng(5)
    waves = rng.uniform(0.002, 0.006, (6, 2)), rng.uniform(0, 6, 6)

    def shape(away, along):
        return sum(120 * np.sin(k[0] * away + k[1] * along + p) for k, p in zip(*waves, strict=True))

    elevation = scene.elevation(shape)
    lines = ground_lines(scene.mosaic(), elevation, STEP)
    row = lines.times.size // 2
    flags = flag_ground(lines, range(row, row + 1), elevation, scene.arc)[0]
    slant, look = _profile(scene, elevation, lines, row)
    known = np.isfinite(slant)
    assert np.array_equal(known, flags > 0)
    before = np.tril(np.ones((slant.size, slant.size), bool), -1)
    with np.errstate(invalid="ignore"):
        folded = ((slant[None, :] >= slant[:, None]) & before).any(1) | (
            (slant[None, :] <= slant[:, None]) & before.T
        ).any(1)
        hidden = ((look[None, :] >= look[:, None]) & before).any(1)
    expected = np.where(known, 1 + folded + 2 * hidden, 0)
    assert (flags != expected).mean() < 0.002
    assert set(np.unique(flags)) >= {1, 2}


def _profile(scene, elevation, lines, row):
    from levelworks.insar.geometry.elevation import level
    from levelworks.insar.geometry.ellipsoid import to_cartesian
    from levelworks.insar.geometry.rdr2geo import rdr2geo

    latitude, longitude, _ = rdr2geo(scene.arc, lines.times[row : row + 1], lines.ranges, level(0.0))
    points = to_cartesian(latitude[0], longitude[0], elevation.at(latitude[0], longitude[0]))
    position = scene.arc.at(lines.times[row])[0]
    slant = np.linalg.norm(points - position, axis=1)
    return slant, np.arccos((position - points) @ position / slant / np.linalg.norm(position))


def test_shares_and_places_without_height():
    scene = Scene()
    shape = ridge(800.0, 500.0, 3000.0)
    whole, _, _ = scene.mask(shape)
    parts, _, _ = scene.mask(shape, ranks=3)
    assert np.array_equal(whole, parts)
    elevation = scene.elevation(shape)
    void = replace(elevation, heights=np.where(np.arange(elevation.heights.shape[1]) < 200, np.nan, elevation.heights))
    lines = ground_lines(scene.mosaic(), elevation, STEP)
    flags = flag_ground(lines, range(3), void, scene.arc)
    assert (flags == 0).any()
    assert (flags > 0).any()
    assert flag_ground(lines, range(2, 2), void, scene.arc).shape == (0, lines.ranges.size)
