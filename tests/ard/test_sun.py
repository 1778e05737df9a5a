"""The sun over an image: against the agencies' angles, closed forms and days that are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from levelworks.ard.geometry.directions import to_angles
from levelworks.ard.geometry.places import coordinates, to_geographic
from levelworks.ard.geometry.sun import standard_sun_zenith, sun_on_field
from levelworks.ard.readers.mtl import read_mtl
from levelworks.ard.readers.sentinel2_xml import read_granule
from levelworks.ard.scene import ImageGrid
from levelworks.core.sun import refraction_of, sun_distance, sun_position

FULL = [
    "LC08_L1TP_193024_20180824_20200831_02_T1_MTL.txt",
    "LC08_L1TP_195025_20130707_20170503_01_T1_MTL.txt",
    "LC09_L1TP_112081_20220209_20220209_02_T1_MTL.txt",
    "LE07_L1TP_160031_20110416_20161210_01_T1_MTL.TXT",
    "LT05_L1TP_047027_20101006_20160512_01_T1_MTL.txt",
    "LT05_L1TP_218072_20100801_20161015_01_T1_MTL.txt",
    "data/LE07_L1TP_107068_20220310_20220405_02_T1/LE07_L1TP_107068_20220310_20220405_02_T1_MTL.txt",
]


def test_the_oracle_of_the_specification() -> None:
    """LC08 193024 of 2018-08-24 10:02:27: 42.97 degrees at the scene's centre (specs/ard.md 26)."""
    zenith, _ = sun_position(datetime(2018, 8, 24, 10, 2, 27, tzinfo=UTC), np.array(12.849), np.array(51.689))
    assert float(zenith) == pytest.approx(42.97, abs=0.005)


@pytest.mark.parametrize("name", FULL)
def test_every_mtl_s_sun_at_the_scene_s_centre(shared_data: Path, name: str) -> None:
    mtl = read_mtl(shared_data / "ard/meta/landsat_mtl" / name)
    corners = [
        [mtl.number(f"CORNER_{corner}_PROJECTION_{axis}_PRODUCT") for corner in ("UL", "UR", "LL", "LR")]
        for axis in "XY"
    ]
    longitude, latitude = to_geographic(f"EPSG:{32600 + int(mtl.number('UTM_ZONE'))}", *np.mean(corners, axis=1))
    zenith, azimuth = sun_position(mtl.scene_centre_time, longitude, latitude)
    assert float(zenith) == pytest.approx(90.0 - mtl.number("SUN_ELEVATION"), abs=0.02)
    assert float(azimuth) == pytest.approx(mtl.number("SUN_AZIMUTH"), abs=0.05)
    assert sun_distance(mtl.scene_centre_time) == pytest.approx(mtl.number("EARTH_SUN_DISTANCE"), abs=5e-5)


@pytest.mark.parametrize("tile", ["T53JQJ", "T48LWP", "T46RER"])
def test_the_sun_grids_of_sentinel2(shared_data: Path, tile: str) -> None:
    """A tile is sensed in some 14 s, in which the sun moves by 0.06 degrees: half of it off at top and bottom."""
    granule = read_granule(next((shared_data / "ard/meta/sentinel2_l1c").glob(f"*{tile}*.SAFE/GRANULE/*/MTD_TL.xml")))
    zenith, azimuth = to_angles(granule.sun.vectors)
    nodes = ImageGrid(granule.crs, granule.west - 2500.0, granule.north + 2500.0, 5000.0, 23, 23)
    ours_zenith, ours_azimuth = sun_on_field(nodes, granule.time)
    assert np.abs(ours_zenith - zenith).max() < 0.035
    assert abs((ours_zenith - zenith).mean()) < 0.006
    assert np.abs((ours_azimuth - azimuth) * np.sin(np.radians(zenith))).max() < 0.045


def test_seconds_move_the_sun_as_time_does() -> None:
    start = datetime(2021, 3, 5, 9, 30, tzinfo=UTC)
    places = np.linspace(-60, 60, 7)
    later = sun_position(start + timedelta(seconds=5000), places, places / 2)
    shifted = sun_position(start, places, places / 2, seconds=np.full(7, 5000.0))
    for one, other in zip(later, shifted, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_refraction_lifts_the_sun_by_the_pieces_of_noaa() -> None:
    assert refraction_of(np.array(3.0)) == 0.0
    assert float(refraction_of(np.array(45.0))) * 3600 == pytest.approx(58.1 - 0.07 + 0.000086, abs=1e-9)
    assert float(refraction_of(np.array(90.0))) * 3600 == pytest.approx(1735.0)
    assert float(refraction_of(np.array(95.0))) * 3600 == pytest.approx(20.774 / np.tan(np.radians(5)), rel=1e-9)
    # The pieces were fitted to meet: within 30 seconds of arc at 5 degrees and at the horizon.
    for edge in (85.0, 90.575):
        low, high = refraction_of(np.array([edge - 1e-6, edge + 1e-6])) * 3600
        assert low == pytest.approx(high, abs=30)
    now, place = datetime(2020, 6, 1, 12, tzinfo=UTC), np.array(10.0)
    geometric, azimuth = sun_position(now, place, place)
    apparent, same = sun_position(now, place, place, refraction=True)
    assert float(geometric - apparent) == pytest.approx(float(refraction_of(geometric)), abs=1e-12)
    assert azimuth == same


def test_a_field_has_the_sun_of_its_cells() -> None:
    field = ImageGrid("EPSG:32633", 400000.0, 5700000.0, 300.0, 4, 6)
    when = datetime(2018, 8, 24, 10, 2, 27, tzinfo=UTC)
    zenith, azimuth = sun_on_field(field, when)
    longitude, latitude = coordinates(field)
    assert zenith.shape == azimuth.shape == (4, 6)
    one = sun_position(when, longitude[3, 5], latitude[3, 5])
    assert (zenith[3, 5], azimuth[3, 5]) == (float(one[0]), float(one[1]))
    # Before noon, in the north: higher to the south and to the east.
    assert (np.diff(zenith, axis=0) < 0).all()
    assert (np.diff(zenith, axis=1) < 0).all()


def test_standard_zenith_at_an_equinox_on_the_equator() -> None:
    """The sun is 15 degrees an hour from noon: passes at 10.1833 and 10.5, the equation of time apart."""
    expected = 15.0 * (12.0 - (10.1833 + 10.5) / 2) + 15 * 7.4 / 60
    found = standard_sun_zenith(np.array(0.0), np.array(0.0), date(2021, 3, 20))
    assert float(found) == pytest.approx(expected, abs=0.1)


def test_standard_zenith_is_later_in_the_morning_to_the_north() -> None:
    """At 50 degrees the local hours are 10.84 and 11.19: sin dec sin lat + cos dec cos lat cos(hour angle)."""
    hours = [
        crossing - np.degrees(np.arcsin(np.tan(np.radians(50)) / np.tan(np.radians(inclination)))) / 15
        for inclination, crossing in ((98.2, 10.1833), (98.62, 10.5))
    ]
    declination, equation = np.radians(23.43), -1.9 / 60
    expected = np.mean([
        np.degrees(np.arccos(
            np.sin(declination) * np.sin(np.radians(50))
            + np.cos(declination) * np.cos(np.radians(50)) * np.cos(np.radians(15 * (hour + equation - 12)))
        ))
        for hour in hours
    ])  # fmt: skip
    found = standard_sun_zenith(np.array(50.0), np.array(7.0), date(2021, 6, 21))
    assert float(found) == pytest.approx(expected, abs=0.03)


def test_standard_zenith_is_smooth_to_the_poles_and_round_the_earth() -> None:
    latitude = np.linspace(-90, 90, 181)
    found = standard_sun_zenith(latitude, np.zeros(181), date(2021, 3, 20))
    assert np.isfinite(found).all()
    assert np.abs(np.diff(found)).max() < 3.0
    # A day's declination is the most that the choice of the day can change: 0.4 degrees at an equinox.
    round_about = standard_sun_zenith(np.full(73, 30.0), np.linspace(-180, 180, 73), date(2021, 3, 20))
    assert np.ptp(round_about) < 0.45
