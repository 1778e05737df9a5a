"""Gas absorption tables, ozone, pressure, distance to the sun, and 6S."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from levelworks.ard.atmosphere.ozone import ozone_column
from levelworks.ard.atmosphere.standard_atmosphere import pressure_at, water_share_above
from levelworks.ard.atmosphere.sunlight import earth_sun_distance
from levelworks.ard.atmosphere.tables import Gases, load_tables
from levelworks.ard.sensors import SENSORS

ORACLE = json.loads((Path(__file__).parent / "data" / "sixs_oracle.json").read_text())
USUAL = {"sun_zenith": 43.0, "view_zenith": 5.0, "water_vapour": 2.0, "ozone": 0.3, "pressure": 1013.25}


def product(gases: Gases) -> np.ndarray:
    return np.asarray(gases.water * gases.ozone * gases.other)


def test_all_gases_together_are_those_of_6s() -> None:
    for run in ORACLE["uniform"]:
        found = load_tables(run["sensor"]).gases(
            run["band"],
            sun_zenith=run["sun_zenith"],
            view_zenith=run["view_zenith"],
            water_vapour=run["water_vapour"],
            ozone=run["ozone"],
            pressure=pressure_at(run["elevation"]),
        )
        assert product(found) == pytest.approx(run["gas"], abs=3e-4), run


def test_water_vapour_bands_are_those_of_6s_over_all_amounts() -> None:
    """The retrieval of water vapour compares B09 with B8A: within 1 per cent of the amount."""
    runs = ORACLE["water_vapour"]
    assert len(runs) >= 10
    tables = load_tables("SEN2A")
    for run in runs:
        geometry = {name: run[name] for name in ("sun_zenith", "view_zenith", "ozone")}
        geometry["pressure"] = pressure_at(run["elevation"])
        amounts = run["water_vapour"] * np.array([0.99, 1.0, 1.01])
        vapour = product(tables.gases("VAPOR", water_vapour=amounts, **geometry))
        assert vapour[1] == pytest.approx(run["VAPOR"], rel=0.004)
        ratios = vapour / product(tables.gases("NIR", water_vapour=amounts, **geometry))
        # the ratio that 6S gives lies between those of 1 per cent less and more
        assert ratios[0] > run["VAPOR"] / run["NIR"] > ratios[2], run


def test_no_gas_absorbs_nothing() -> None:
    for sensor in SENSORS:
        tables = load_tables(sensor)
        for band in tables.bands:
            found = tables.gases(band, **(USUAL | {"water_vapour": 0.0, "ozone": 0.0}))
            assert found.water == found.half_water == found.ozone == 1.0
            assert 0.8 < found.other <= 1.0


def test_more_gas_and_longer_ways_absorb_more() -> None:
    tables = load_tables("SEN2B")
    for band in ("GREEN", "VAPOR", "SWIR2"):
        amounts = tables.gases(band, **(USUAL | {"water_vapour": np.linspace(0.0, 7.0, 300)})).water
        assert (np.diff(amounts) < 0).all()
        ways = product(tables.gases(band, **(USUAL | {"sun_zenith": np.linspace(0.0, 75.0, 200)})))
        assert (np.diff(ways) < 0).all()
    ozone = tables.gases("GREEN", **(USUAL | {"ozone": np.linspace(0.1, 0.5, 50)})).ozone
    assert (np.diff(ozone) < 0).all()


def test_half_the_water_vapour_is_half() -> None:
    tables = load_tables("LND05")
    whole = tables.gases("NIR", **USUAL)
    half = tables.gases("NIR", **(USUAL | {"water_vapour": 1.0}))
    assert whole.half_water == half.water
    assert whole.water < whole.half_water < 1.0


def test_thin_air_absorbs_less() -> None:
    tables = load_tables("LND08")
    low, high = (tables.gases("SWIR2", **(USUAL | {"pressure": value})) for value in (1013.25, 700.0))
    assert high.other > low.other + 0.005
    assert high.water > low.water  # narrower lines for the same amount
    assert high.ozone == low.ozone


def test_ozone_is_that_of_the_bands() -> None:
    """Specs/ard.md 20: effective absorption at 0.3 atm-cm, of another ozone spectrum than 6S's."""
    tables = load_tables("LND08")
    for band, coefficient in (("GREEN", 0.1013), ("RED", 0.0649), ("BLUE", 0.0185)):
        found = tables.gases(band, **(USUAL | {"sun_zenith": 0.0, "view_zenith": 0.0})).ozone
        assert -np.log(found) / 0.6 == pytest.approx(coefficient, rel=0.2, abs=0.002)


def test_arrays_broadcast_and_missing_values_stay_missing() -> None:
    found = load_tables("SEN2C").gases(
        "VAPOR", **(USUAL | {"water_vapour": np.array([1.0, np.nan]), "pressure": np.array([[1000.0], [900.0]])})
    )
    assert found.water.shape == (2, 2)
    assert np.isnan(found.other[:, 1]).all()
    assert np.isfinite(found.water[:, 0]).all()


@pytest.mark.parametrize(
    ("latitude", "longitude", "day", "expected"),
    [
        # Van Heuklon's formula by hand: 235 + (150 + 40 sin(0.9856 (196 - 30)) + 20 sin(3 (13 + 20))) sin2(1.28 52)
        (52.0, 13.0, 196, 0.235 + (150 + 40 * 0.2820 + 20 * 0.9877) * 0.8421 / 1000),
        # and of the south: 235 + (100 + 30 sin(0.9856 (15 + 152.625)) + 20 sin(2 (18 - 75))) sin2(1.5 (-33))
        (-33.0, 18.0, 15, 0.235 + (100 + 30 * 0.2556 - 20 * 0.9135) * 0.5782 / 1000),
        (0.0, 100.0, 100, 0.235),
    ],
)
def test_ozone_climatology(latitude: float, longitude: float, day: int, expected: float) -> None:
    assert ozone_column(latitude, longitude, day) == pytest.approx(expected, abs=2e-4)


def test_ozone_climatology_of_many_places() -> None:
    found = ozone_column(np.array([[60.0], [-60.0]]), np.array([10.0, -80.0, 170.0]), 80)
    assert found.shape == (2, 3)
    assert ((found > 0.2) & (found < 0.5)).all()


@pytest.mark.parametrize(
    ("day", "expected"),
    # of Landsat's metadata: 2022-02-09, 2011-04-16, 2013-07-07, 2015-08-04, 2018-08-24, 2010-10-06
    [(40, 0.9865362), (106, 1.0034290), (188, 1.0166988), (216, 1.0145544), (236, 1.0110014), (279, 0.9996474)],
)
def test_distance_to_the_sun(day: int, expected: float) -> None:
    assert earth_sun_distance(day) == pytest.approx(expected, abs=5e-4)


def test_pressure_of_the_standard_atmosphere() -> None:
    assert pressure_at(0.0) == pytest.approx(1013.25)
    # ICAO tables
    assert pressure_at(np.array([1000.0, 3000.0, 5000.0])) == pytest.approx([898.75, 701.08, 540.2], abs=0.1)


def test_most_water_vapour_lies_low() -> None:
    assert water_share_above(0.0) == pytest.approx(1.0)
    assert water_share_above(2.0) == pytest.approx(0.4008, abs=1e-3)
    assert water_share_above(1.5) == pytest.approx(0.512, abs=0.02)
    shares = [water_share_above(altitude) for altitude in np.linspace(0.0, 6.0, 61)]
    assert (np.diff(shares) < 0).all()
