from __future__ import annotations

from datetime import date, datetime

import netCDF4
import numpy as np
import pytest

from levelworks.ard.water_vapour.reanalysis import build_tables
from levelworks.ard.water_vapour.tables import (
    climatology_name,
    daily_name,
    read_climatology,
    read_coordinates,
    read_daily,
    water_vapour_at,
    write_climatology,
    write_daily,
    wrs2_centres,
)
from levelworks.core.outcome import InvalidReference, NothingToProduce

DAY = date(2018, 8, 24)


def climatology(folder, places, mean, deviation=0.4, month=8):
    count = np.full(len(places), 30)
    write_climatology(
        folder / climatology_name(month), np.array(places), np.array(mean), np.full(len(places), deviation), count
    )


def reanalysis(path, times, latitude, longitude, values, *, name="tcwv", unit="kg m**-2", clock="valid_time"):
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createDimension(clock, len(times))
        dataset.createDimension("latitude", len(latitude))
        dataset.createDimension("longitude", len(longitude))
        at = dataset.createVariable(clock, "f8", (clock,))
        at.units = "hours since 1970-01-01"
        at[:] = netCDF4.date2num(times, at.units)
        dataset.createVariable("latitude", "f8", ("latitude",))[:] = latitude
        dataset.createVariable("longitude", "f8", ("longitude",))[:] = longitude
        variable = dataset.createVariable(name, "f4", (clock, "latitude", "longitude"), fill_value=-999.0)
        variable.units = unit
        variable[:] = values
    return path


def test_the_day_has_the_word_before_the_climatology(tmp_path):
    climatology(tmp_path, [(12.8, 51.7)], [2.1])
    write_daily(tmp_path / daily_name(DAY), np.array([(12.8, 51.7), (20.0, 51.7)]), np.array([1.234, 3.0]), "ERA")
    found = water_vapour_at(tmp_path, 13.0, 51.5, DAY)
    assert found.value == pytest.approx(1.234)
    assert found.source == "ERA"


def test_fills_fall_back_to_the_climatology_with_its_spread(tmp_path):
    climatology(tmp_path, [(12.8, 51.7)], [2.1], 0.55)
    write_daily(tmp_path / daily_name(DAY), np.array([(12.8, 51.7)]), np.array([np.nan]), "MOD")
    assert "9999 TBD" in (tmp_path / daily_name(DAY)).read_text()
    found = water_vapour_at(tmp_path, 13.0, 51.5, DAY)
    assert (found.value, found.sigma, found.source) == (pytest.approx(2.1), pytest.approx(0.55), "climatology")


def test_strict_forbids_the_climatology(tmp_path):
    climatology(tmp_path, [(12.8, 51.7)], [2.1])
    with pytest.raises(NothingToProduce, match="climatology is forbidden"):
        water_vapour_at(tmp_path, 13.0, 51.5, DAY, strict=True)


def test_a_place_is_near_across_the_antimeridian(tmp_path):
    climatology(tmp_path, [(179.8, -16.0), (170.0, -16.0)], [4.5, 1.0])
    assert water_vapour_at(tmp_path, -179.6, -16.2, DAY).value == pytest.approx(4.5)
    assert water_vapour_at(tmp_path, 180.4, -16.2, DAY).value == pytest.approx(4.5)


def test_reach_is_an_arc_not_a_difference_of_longitudes(tmp_path):
    climatology(tmp_path, [(20.0, 75.0)], [0.6])
    assert water_vapour_at(tmp_path, 25.0, 75.0, DAY).value == pytest.approx(0.6)  # 1.3 degrees of arc
    with pytest.raises(InvalidReference, match=r"within 1\.5 degrees"):
        water_vapour_at(tmp_path, 27.0, 75.0, DAY)  # 1.8 degrees
    with pytest.raises(InvalidReference, match=r"within 1\.5 degrees"):
        water_vapour_at(tmp_path, 20.0, 73.4, DAY)


def test_values_above_ten_are_fills(tmp_path):
    (tmp_path / climatology_name(8)).write_text("12.8 51.7 2.1 0.3 90\n")
    (tmp_path / daily_name(DAY)).write_text("12.8 51.7 12.5 MOD\n")
    assert water_vapour_at(tmp_path, 12.8, 51.7, DAY).source == "climatology"


@pytest.mark.parametrize(
    ("text", "message"),
    [("1 2 3\n", "5 columns"), ("a 2 3 4 5\n", "holds numbers"), (None, "can't be read"), ("", "within")],
)
def test_bad_tables_are_told(tmp_path, text, message):
    if text is not None:
        (tmp_path / climatology_name(8)).write_text(text)
    with pytest.raises(InvalidReference, match=message):
        water_vapour_at(tmp_path, 1.0, 2.0, DAY)


def test_tables_are_built_at_the_hour_of_the_overpass(tmp_path):
    # water grows by 1 kg m-2 an hour: each place's value tells the hour at which it was taken
    times = [datetime(2018, 8, 24, hour) for hour in range(24)] + [datetime(2018, 8, 25, hour) for hour in range(24)]  # noqa: DTZ001
    latitude, longitude = np.arange(60.0, 39.9, -0.25), np.arange(0.0, 360.0, 0.25)
    hours = np.arange(48.0)[:, None, None]
    values = np.broadcast_to(hours, (48, len(latitude), len(longitude)))
    one = reanalysis(tmp_path / "a.nc", times[24:], latitude, longitude, values[24:])
    two = reanalysis(tmp_path / "b.nc", times[:24], latitude, longitude, values[:24])
    places = np.array([(0.0, 50.0), (30.0, 50.0), (-90.0, 45.0), (179.9, 50.0)])
    written = build_tables([one, two], places, tmp_path / "tables")
    assert [path.name for path in written] == ["WVP_2018-08-24.txt", "WVP_2018-08-25.txt", "WVP_0000-08-00.txt"]
    _, first, sources = read_daily(written[0])
    assert np.allclose(first, 0.1 * ((10.25 - places[:, 0] / 15) % 24), atol=1e-3)
    assert set(sources) == {"ERA"}
    _, second, _ = read_daily(written[1])
    late = 0.1 * (24 + (10.25 - places[:, 0] / 15) % 24)
    assert np.allclose(second, np.minimum(late, 4.7), atol=1e-3)  # the last hour where no later step is there
    positions, mean, deviation = read_climatology(written[2])
    assert np.allclose(mean, (first + second) / 2, atol=2e-4)
    assert np.allclose(deviation, np.abs(second - first) / np.sqrt(2), atol=2e-4)
    assert np.allclose(positions, places)
    assert water_vapour_at(tmp_path / "tables", -179.9, 50.2, DAY).value == pytest.approx(first[3])


def test_boxes_are_averaged_and_missing_values_left_out(tmp_path):
    latitude, longitude = np.arange(48.0, 52.1, 0.5), np.arange(-180.0, 180.0, 0.625)
    values = np.zeros((1, len(latitude), len(longitude)))
    values += latitude[None, :, None]
    values[0, :, longitude > 10.3] = -999.0
    times = [datetime(2020, 1, 5, 10)]  # noqa: DTZ001
    names = {"name": "TQV", "unit": "kg m-2", "clock": "time"}
    path = reanalysis(tmp_path / "m.nc", times, latitude, longitude, values, **names)
    places = np.array([(10.0, 50.0), (14.0, 50.0), (-179.9, 50.1)])
    daily, month = build_tables([path], places, tmp_path)
    _, found, sources = read_daily(daily)
    assert found[0] == pytest.approx(5.0)
    assert found[1] == 9999.0
    assert found[2] == pytest.approx(9999.0)  # no step within twelve hours of its overpass: 22 o'clock
    assert sources == ("MER", "TBD", "TBD")
    assert month.read_text().splitlines()[1].endswith("9999 9999 0")


def test_bad_reanalyses_are_told(tmp_path):
    times, axis = [datetime(2018, 8, 24)], np.arange(0.0, 3.0)  # noqa: DTZ001
    wrong = reanalysis(tmp_path / "w.nc", times, axis, axis, np.ones((1, 3, 3)), unit="K")
    other = reanalysis(tmp_path / "o.nc", times, axis, axis, np.ones((1, 3, 3)), name="t2m")
    (tmp_path / "x.nc").write_bytes(b"no netcdf")
    for path, message in ((wrong, "'K'"), (other, "tcwv or TQV"), (tmp_path / "x.nc", "can't be read")):
        with pytest.raises(InvalidReference, match=message):
            build_tables([path], np.array([(1.0, 1.0)]), tmp_path)
    with pytest.raises(InvalidReference, match="no file"):
        build_tables([], np.array([(1.0, 1.0)]), tmp_path)


def test_centres_of_wrs2_agree_with_real_scenes():
    # midpoints of the corners in real MTL files (shared/data/ard): Germany, Florida, Western Australia
    for path, row, longitude, latitude in ((195, 25, 9.12, 50.26), (20, 39, -87.01, 30.30), (112, 81, 117.0, -30.30)):
        found = wrs2_centres([path], [row])[0]
        assert np.abs(found - (longitude, latitude)).max() < 0.2
    whole = wrs2_centres()
    assert whole.shape == (233 * 122, 2)
    assert np.abs(whole[:, 0]).max() <= 180.0
    assert np.abs(whole[:, 1]).max() < 83.0


def test_coordinates_are_read(tmp_path):
    (tmp_path / "places.txt").write_text("12.5 51.0\n\n-179.5 -16\n")
    assert read_coordinates(tmp_path / "places.txt").tolist() == [[12.5, 51.0], [-179.5, -16.0]]
    (tmp_path / "bad.txt").write_text("12.5 151.0\n")
    with pytest.raises(InvalidReference, match="latitudes"):
        read_coordinates(tmp_path / "bad.txt")
