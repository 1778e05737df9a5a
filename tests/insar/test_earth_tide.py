"""The solid Earth's tide: the test cases of the IERS, another implementation, and the line of sight on a frame."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import rasterio
from insar_delays import GeoPair
from insar_frames import frame_file

from levelworks.core.stage import run, stages
from levelworks.insar.corrections.atmosphere_options import GeocodeTide
from levelworks.insar.corrections.earth_tide import earth_tide, positions_of
from levelworks.insar.corrections.tide_stage import middle_of, tide_on_grid
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.acquisition_files import write_acquisition

IERS = [
    (
        dt.datetime(2009, 4, 13, tzinfo=dt.UTC),
        (4075578.385, 931852.890, 4801570.154),
        (-179996231.920342, -312468450.131567, -169288918.592160),
        (137859926952.015, 54228127881.4350, 23509422341.6960),
        (0.07700420357108126, 0.06304056321824968, 0.05516568152597247),
    ),
    (
        dt.datetime(2012, 7, 13, tzinfo=dt.UTC),
        (1112189.660, -4842955.026, 3985352.284),
        (300396716.912, 243238281.451, 120548075.939),
        (-54537460436.2357, 130244288385.279, 56463429031.5996),
        (-0.02036831479592076, 0.05658254776225972, -0.07597679676871742),
    ),
]
"""Test cases of the IERS' DEHANTTIDEINEL: time, station, Moon, Sun, displacement (m)."""

PYSOLID = [
    (40.8, 14.3, dt.datetime(2025, 4, 6, 17, 0, 30, tzinfo=dt.UTC), (0.02741, -0.01927, 0.07919)),
    (-33.0, -70.5, dt.datetime(2020, 11, 15, 6, 12, tzinfo=dt.UTC), (-0.03654, 0.06396, 0.00453)),
    (64.0, -20.0, dt.datetime(2016, 1, 2, 23, 5, tzinfo=dt.UTC), (-0.00636, -0.03191, -0.04012)),
    (0.5, 110.0, dt.datetime(2019, 9, 29, 22, 40, tzinfo=dt.UTC), (-0.02596, 0.00269, -0.15407)),
]
"""What PySolid 0.3.4 gives: latitude, longitude, time, and east, north, up (m)."""


@pytest.mark.parametrize(("time", "station", "moon", "sun", "expected"), IERS)
def test_the_cases_of_the_iers(time, station, moon, sun, expected):
    found = earth_tide(np.array(station), time, [np.array(moon), np.array(sun)])
    np.testing.assert_allclose(found, expected, atol=3e-4)


@pytest.mark.parametrize(("latitude", "longitude", "time", "expected"), PYSOLID)
def test_another_implementation_agrees_to_a_millimetre(tmp_path, latitude, longitude, time, expected):
    grid = read_frame(frame_file(tmp_path, longitude, latitude, longitude + 0.02, latitude + 0.02)).grid
    found = [part.mean() for part in tide_on_grid(grid, time)]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_moon_and_sun_stand_where_they_should():
    """New moon, when the Sun was eclipsed: 2024-04-08 18:21 UTC, over Mexico; both at about 7.6 degrees north."""
    moon, sun = positions_of(("moon", "sun"), dt.datetime(2024, 4, 8, 18, 21, tzinfo=dt.UTC))
    one, two = (place / np.linalg.norm(place) for place in (moon, sun))
    assert np.degrees(np.arccos(one @ two)) < 0.5
    assert np.linalg.norm(moon) == pytest.approx(3.6e8, rel=0.01)
    assert np.linalg.norm(sun) == pytest.approx(1.498e11, rel=2e-3)
    assert np.degrees(np.arcsin(two[2])) == pytest.approx(7.6, abs=0.1)
    assert np.degrees(np.arctan2(two[1], two[0])) == pytest.approx(-95, abs=1)


def test_years_that_no_table_of_the_rotation_reaches_are_computed():
    found = earth_tide(to_cartesian(40.0, 10.0, 0.0), dt.datetime(2055, 6, 1, 17, tzinfo=dt.UTC))
    assert 0.01 < np.linalg.norm(found) < 0.6


def test_its_mean_over_the_globe_is_level():
    """Degree 2 and 3 have no mean; the tide is even about the axis towards the Moon."""
    sine, longitude = np.meshgrid(np.linspace(-1, 1, 181)[:-1] + 1 / 180, np.radians(np.arange(0, 360, 2.0)))
    cosine = np.sqrt(1 - sine**2)
    up = np.stack((cosine * np.cos(longitude), cosine * np.sin(longitude), sine), axis=-1)
    found = (earth_tide(6371e3 * up, PYSOLID[0][2]) * up).sum(-1)
    assert abs(found.mean()) < 2e-4 < 0.05 < found.std()


def test_a_date_s_tide_is_along_the_line_of_sight(tmp_path, real_pair):
    acquisition = read_acquisition(real_pair[:1], swaths=("IW1",), pixels=False)
    path = tmp_path / f"{acquisition.date}.json"
    write_acquisition(path, acquisition)
    pair = GeoPair(tmp_path, frame_file(tmp_path, 10.0, 45.0, 10.3, 45.25))
    shape = pair.grid.shape
    sight = {"E": np.full(shape, -0.6), "N": np.full(shape, -0.1), "U": np.full(shape, 0.79)}
    sight["U"][:, :3] = np.nan  # that the frame does not see
    geometry = pair.write_geometry(np.zeros(shape), sight["U"], E=sight["E"], N=sight["N"])
    tide = tmp_path / "geocode-tide" / f"{acquisition.date}.tide.geo.tif"
    inputs = {"frame": [pair.frame], "acquisition": [path], "geometry": [geometry], "tide": [tide]}
    outcome = run(stages("insar")["geocode-tide"], inputs, GeocodeTide())
    time = middle_of(acquisition)
    assert outcome.quality["time"] == f"{time:%Y-%m-%dT%H:%M:%SZ}"
    assert acquisition.date == f"{time:%Y%m%d}"
    with rasterio.open(tide) as file:
        found, tags = file.read(1), file.tags()
        assert np.isnan(file.nodata)
        assert file.units == ("m",)
    assert tags["SIGN"] == "positive towards the satellite"
    assert np.isnan(found[:, :3]).all()
    assert np.isfinite(found[:, 3:]).all()
    # At places of their own, not on the lattice that the grid is filled from.
    rows, columns = np.array([0, 40, shape[0] - 1]), np.array([5, 77, shape[1] - 1])
    latitude, longitude = pair.latitudes[rows], pair.longitudes[columns]
    moved = earth_tide(to_cartesian(latitude, longitude, 0.0), time)
    phi, lam = np.radians(latitude), np.radians(longitude)
    east = np.stack((-np.sin(lam), np.cos(lam), 0 * lam), axis=-1)
    up = np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), axis=-1)
    expected = ((-0.6 * east - 0.1 * np.cross(up, east) + 0.79 * up) * moved).sum(-1)
    np.testing.assert_allclose(found[rows, columns], expected, atol=2e-6)
