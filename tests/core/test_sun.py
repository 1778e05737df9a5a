"""The sun's place against astropy, and against what is known of days and noons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from levelworks.core.sun import sun_distance, sun_position

CASES = [
    (datetime(2022, 8, 15, 4, 28, 38, tzinfo=UTC), 61.0, 39.0),
    (datetime(2023, 1, 3, 18, 5, 0, tzinfo=UTC), -101.4, 37.9),
    (datetime(2023, 6, 21, 12, 0, 0, tzinfo=UTC), 10.0, -30.0),
    (datetime(2024, 2, 29, 2, 30, 0, tzinfo=UTC), 150.0, -33.5),
    (datetime(2022, 11, 11, 9, 15, 0, tzinfo=UTC), 45.0, 51.0),
    (datetime(2023, 3, 20, 21, 24, 0, tzinfo=UTC), 179.9, 0.5),
]


@pytest.fixture(autouse=True)
def offline():
    from astropy.utils import iers

    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("iers_degraded_accuracy", "warn"):
        yield


@pytest.mark.parametrize(("time", "longitude", "latitude"), CASES)
@pytest.mark.filterwarnings("ignore")
def test_it_stands_where_astropy_says(time, longitude, latitude):
    from astropy import units
    from astropy.coordinates import AltAz, EarthLocation, get_sun
    from astropy.time import Time

    place = EarthLocation.from_geodetic(longitude * units.deg, latitude * units.deg)
    sun = get_sun(Time(time)).transform_to(AltAz(obstime=Time(time), location=place))
    zenith, azimuth = sun_position(time, np.array(longitude), np.array(latitude))
    assert float(zenith) == pytest.approx(90 - sun.alt.deg, abs=0.02)
    across = (float(azimuth) - sun.az.deg + 180) % 360 - 180
    assert across * np.sin(np.radians(float(zenith))) == pytest.approx(0, abs=0.02)
    assert sun_distance(time) == pytest.approx(get_sun(Time(time)).distance.au, abs=5e-5)


def test_it_is_overhead_at_noon_of_the_equinox():
    # 2023-03-20 21:24 UTC; the equation of time is then -7.5 minutes
    noon = datetime(2023, 3, 20, 21, 24, tzinfo=UTC)
    longitude = -15 * (21.4 - 12 - 7.5 / 60)
    zenith, _ = sun_position(noon, np.array(longitude), np.array(0.0))
    assert float(zenith) < 0.1


def test_it_crosses_from_east_to_west_over_an_array_of_places():
    day = datetime(2023, 6, 21, tzinfo=UTC)
    places = np.array([[0.0, 10.0], [20.0, 30.0]])
    morning, evening = (sun_position(day + timedelta(hours=hour), places, places + 30) for hour in (6, 17))
    assert morning[0].shape == (2, 2)
    assert (morning[1] < 180).all()
    assert (evening[1] > 180).all()
