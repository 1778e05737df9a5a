"""Readers: a real file's geometry, times to the millisecond, fills, and files that are refused by name."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.granule import NO_ORBIT, Mode
from levelworks.xco2.lite_names import parse_name
from levelworks.xco2.lite_times import UNIX_EPOCH, seconds_from_counts, seconds_from_dates
from levelworks.xco2.lite_variables import DEFAULT_VARIABLES, NEVER_GRIDDED
from levelworks.xco2.overpasses import EARTH_RADIUS, Overpass
from levelworks.xco2.readers import read_granule
from levelworks.xco2.simulate import simulate_day

DAY = dt.date(2020, 3, 3)
NOON = dt.datetime(2020, 3, 3, 12, tzinfo=dt.UTC).timestamp()
LOS_ANGELES = Overpass("fossil0005", "Los Angeles", -118.2, 34.0, Mode.AREA_MAP, 5000, NOON, frames=6, swaths=2)
REAL = "oco2_LtCO2_160727_B99999r_sampledata.nc4"


@pytest.fixture
def lite(tmp_path):
    """Return a function that writes a small day of a dataset."""

    def write(dataset: str = "oco3", **settings) -> Path:
        return simulate_day(tmp_path, dataset, DAY, [LOS_ANGELES], background=10, fill_share=0.0, **settings)

    return write


def remove(path: Path, *names: str) -> None:
    """Write a file anew without some variables or groups, given by their full paths."""

    def copy(source, target, at=""):
        target.setncatts({key: source.getncattr(key) for key in source.ncattrs() if key != "date_time_coverage"})
        for name, dimension in source.dimensions.items():
            target.createDimension(name, len(dimension))
        for name, variable in source.variables.items():
            if f"{at}/{name}" not in names:
                made = target.createVariable(name, variable.dtype, variable.dimensions)
                made.setncatts({key: variable.getncattr(key) for key in variable.ncattrs()})
                made[...] = variable[...]
        for name, group in source.groups.items():
            if f"{at}/{name}" not in names:
                copy(group, target.createGroup(name), f"{at}/{name}")

    less = path.with_suffix(".less")
    with netCDF4.Dataset(path) as source, netCDF4.Dataset(less, "w") as target:
        for dataset in (source, target):
            dataset.set_auto_maskandscale(False)
        copy(source, target)
    less.replace(path)


def kilometres(longitude, latitude, about):
    scale = np.radians(1) * EARTH_RADIUS
    return longitude * scale * np.cos(np.radians(about)), latitude * scale


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "oco3_LtCO2_211218_B11072Ar_240915205334s.nc4",
            ("oco3", "oco3", "LtCO2", (2021, 12, 18), "B11072Ar", "240915205334s"),
        ),
        (
            "oco2_LtCO2_190201_B10206Ar_200729175909s.nc4",
            ("oco2", "oco2", "LtCO2", (2019, 2, 1), "B10206Ar", "200729175909s"),
        ),
        (
            "oco3_LtSIF_200226_B10206r_200709053505s.nc4",
            ("oco3_sif", "oco3", "LtSIF", (2020, 2, 26), "B10206r", "200709053505s"),
        ),
        (REAL, ("oco2", "oco2", "LtCO2", (2016, 7, 27), "B99999r", "sampledata")),
    ],
)
def test_names_of_the_agency(name, expected):
    found = parse_name(name)
    day = (found.day.year, found.day.month, found.day.day)
    assert (found.kind, found.mission, found.product, day, found.build, found.production) == expected


@pytest.mark.parametrize(
    "name",
    [
        "oco2_LtSIF_200226_B10206r_200709053505s.nc4",
        "oco3_L1bScGL_200226_B10206r_200709053505s.h5",
        "oco3_LtCO2_20200226_B10206r_200709053505s.nc4",
        "oco3_LtCO2_200226_10206r_200709053505s.nc4",
        "oco3_LtCO2_200226_B10206r_200709053505s.nc4.part",
        "",
    ],
)
def test_other_names_are_refused_with_what_is_expected(name):
    with pytest.raises(InvalidInput, match=r"not the name of a Lite file.*oco3_LtCO2_YYMMDD"):
        parse_name(name)


def test_name_without_a_day_is_refused():
    with pytest.raises(InvalidInput, match="200231 is no day"):
        parse_name("oco3_LtCO2_200231_B10206r_200709053505s.nc4")


def test_real_file(shared_data):
    granule = read_granule(shared_data / "xco2" / REAL)
    assert (granule.kind, granule.day, granule.build) == ("oco2", dt.date(2016, 7, 27), "B99999r")
    assert (len(granule), int(granule.good.sum()), int((granule.quality == 1).sum())) == (979, 721, 258)
    assert granule.located.all()
    assert set(granule.mode) == {Mode.NADIR}
    assert set(granule.orbit) == {11016}
    assert set(granule.target_id) == {""}
    assert granule.missing_variables == ("/xco2_x2019", "/xco2_uncertainty")
    xco2 = granule.variables["/xco2"]
    assert (xco2.units, xco2.kind, xco2.values.dtype) == ("ppm", "continuous", np.float64)
    assert xco2.values.mean() == pytest.approx(400.03, abs=0.01)
    assert granule.sounding_id[0] == 2016072718184471
    first, last = (dt.datetime.fromtimestamp(granule.time[place], dt.UTC) for place in (0, -1))
    assert (f"{first:%H:%M:%S}", f"{last:%H:%M:%S}") == ("18:18:44", "18:19:52")
    assert granule.time[0] % 1 == pytest.approx(0.562, abs=5e-4)


def test_real_footprints_have_the_shape_that_is_known_of_them(shared_data):
    granule = read_granule(shared_data / "xco2" / REAL)
    x, y = kilometres(
        granule.vertex_longitude - granule.longitude[:, None],
        granule.vertex_latitude - granule.latitude[:, None],
        granule.latitude[:, None],
    )
    next_x, next_y = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    edges = np.hypot(next_x - x, next_y - y)
    areas = np.sum(x * next_y - next_x * y, axis=1) / 2
    for along, across in ((0, 1), (2, 3)):
        np.testing.assert_allclose(np.median(edges[:, along]), 2.277, atol=2e-3)
        np.testing.assert_allclose(np.median(edges[:, across]), 1.097, atol=2e-3)
    assert edges[:, 0::2].min() > 2.255
    assert edges[:, 0::2].max() < 2.295
    assert edges[:, 1::2].min() > 1.065
    assert edges[:, 1::2].max() < 1.125
    assert (areas < 0).all(), "corners go clockwise"
    np.testing.assert_allclose(np.abs([areas.max(), np.median(areas), areas.min()]), [0.37, 0.53, 0.72], atol=0.01)
    assert np.median(np.hypot(x.mean(axis=1), y.mean(axis=1))) == pytest.approx(0.145, abs=2e-3)
    footprint, frame = granule.sounding_id % 10, granule.sounding_id // 10
    assert (np.bincount(footprint.astype(int))[1:] >= 118).all()
    assert (np.bincount(footprint.astype(int))[1:] <= 126).all()
    neighbours = (frame[1:] == frame[:-1]) & (footprint[1:] == footprint[:-1] + 1)
    apart = np.hypot(*kilometres(np.diff(granule.longitude), np.diff(granule.latitude), granule.latitude[1:]))
    assert np.median(apart[neighbours]) == pytest.approx(1.086, abs=2e-3)


def test_dates_keep_their_milliseconds():
    dates = np.array([[2020, 3, 3, 12, 34, 56, 333], [2016, 2, 29, 23, 59, 59, 999], [-9999] * 7], dtype=np.int16)
    expected = [
        dt.datetime(2020, 3, 3, 12, 34, 56, 333000, dt.UTC),
        dt.datetime(2016, 2, 29, 23, 59, 59, 999000, dt.UTC),
    ]
    found = seconds_from_dates(dates)
    assert found[:2].tolist() == [one.timestamp() for one in expected]
    assert np.isnan(found[2])


def test_date_stands_in_for_time(lite):
    path = lite()
    expected = read_granule(path).time
    remove(path, "/time")
    np.testing.assert_array_equal(read_granule(path).time, expected)
    assert len(set(np.rint(expected * 1000) % 1000)) > 5
    remove(path, "/date")
    with pytest.raises(InvalidInput, match="/time and /date are missing"):
        read_granule(path)


@pytest.mark.parametrize(
    ("units", "epoch"),
    [
        ("", UNIX_EPOCH),
        ("seconds", UNIX_EPOCH),
        ("seconds since 1990-01-01 00:00:00 UTC", dt.datetime(1990, 1, 1, tzinfo=dt.UTC)),
        ("seconds since 1993-1-1", dt.datetime(1993, 1, 1, tzinfo=dt.UTC)),
        ("seconds since 2000-01-01T12:30:15.0Z", dt.datetime(2000, 1, 1, 12, 30, 15, tzinfo=dt.UTC)),
    ],
)
def test_units_name_the_epoch(units, epoch):
    found = seconds_from_counts(np.array([0.5, np.nan, 1e300]), units, UNIX_EPOCH)
    np.testing.assert_array_equal(found, [epoch.timestamp() + 0.5, np.nan, np.nan])


@pytest.mark.parametrize("units", ["days since 1990-01-01", "seconds since 1990-13-01"])
def test_units_without_seconds_or_epoch_are_refused(units, lite):
    path = lite("oco3_sif")
    with netCDF4.Dataset(path, "a") as dataset:
        dataset["Delta_Time"].units = units
    with pytest.raises(InvalidInput, match=f"/Delta_Time has the units '{units}'"):
        read_granule(path)


@pytest.mark.parametrize("attribute", ["Units", "units", None])
def test_sif_times_with_and_without_cf_units(attribute, lite):
    path = lite("oco3_sif")
    with netCDF4.Dataset(path, "a") as dataset:
        dataset["Delta_Time"].delncattr("Units")
        if attribute:
            dataset["Delta_Time"].setncattr(attribute, "seconds since 1990-01-01 00:00:00")
    np.testing.assert_array_equal(read_granule(path).time, read_granule(lite("oco3")).time)


@pytest.mark.parametrize("fill", [-999999.0, np.nan, 91.0])
def test_fill_positions_are_no_numbers(fill, lite):
    path = lite()
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.set_auto_mask(False)
        dataset["latitude"][3] = fill
        dataset["vertex_latitude"][5, 2] = fill
    granule = read_granule(path)
    np.testing.assert_array_equal(np.flatnonzero(~granule.located), [3, 5])
    assert np.isnan([granule.latitude[3], granule.longitude[3]]).all()
    assert np.isnan([granule.vertex_latitude[5, 2], granule.vertex_longitude[5, 2]]).all()
    assert np.isfinite(granule.vertex_latitude[5, :2]).all()


def test_fill_values_are_no_numbers(lite):
    path = lite(noise=0.0)
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.set_auto_mask(False)
        dataset["xco2"][4] = -999999.0
        dataset["Retrieval/psurf"].missing_value = np.float32(-5)
        dataset["Retrieval/psurf"][6] = -5
        dataset["Retrieval/surface_type"][7] = 127
    granule = read_granule(path, ["/xco2", "Retrieval/psurf", "/Retrieval/surface_type"])
    xco2, psurf, surface = granule.variables.values()
    np.testing.assert_array_equal(np.flatnonzero(xco2.missing), [4])
    assert np.nanmin(xco2.values) > 400
    assert "missing_value" not in xco2.attributes
    np.testing.assert_array_equal(np.flatnonzero(psurf.missing), [6])
    assert (surface.kind, surface.values.dtype, surface.attributes["missing_value"]) == ("flag", np.int8, 127)
    np.testing.assert_array_equal(np.flatnonzero(surface.missing), [7])


def test_kinds_of_variables(lite):
    granule = read_granule(lite("oco3_sif"), ["/SAz", "/SZA", "/Cloud/cloud_flag_abp", "/Science/SIF_757nm"])
    assert [one.kind for one in granule.variables.values()] == ["angle", "continuous", "flag", "continuous"]
    granule = read_granule(lite("oco3"), ["/Sounding/solar_azimuth_angle", "/Sounding/airmass"])
    assert [one.kind for one in granule.variables.values()] == ["angle", "continuous"]


def test_flag_stored_as_float(lite):
    path = lite("oco3_sif")
    with netCDF4.Dataset(path, "a") as dataset:
        flag = dataset.createVariable("Cloud/cloud_flag_2", "f4", ("sounding_dim",))
        flag.missing_value = np.float32(-999999)
        flag[:] = 1.0
        flag[2] = -999999.0
    flag = read_granule(path, ["Cloud/cloud_flag_2"]).variables["/Cloud/cloud_flag_2"]
    assert (flag.kind, flag.values.dtype.kind, flag.attributes["missing_value"]) == ("flag", "i", -999999)
    np.testing.assert_array_equal(np.flatnonzero(flag.missing), [2])


def test_missing_variable_or_group_does_not_cost_the_granule(lite):
    granule = read_granule(lite(), ["/xco2", "/no_such", "/Retrieval/no_such", "/NoGroup/psurf", "xco2"])
    assert list(granule.variables) == ["/xco2"]
    assert granule.missing_variables == ("/no_such", "/Retrieval/no_such", "/NoGroup/psurf")


def test_groups_that_nothing_is_wanted_from_may_be_missing(lite):
    path = lite()
    remove(path, "/Meteorology", "/Preprocessors")
    assert read_granule(path).missing_variables == ()


def test_orbits_may_be_missing(lite):
    path = lite()
    remove(path, "/Sounding/orbit")
    granule = read_granule(path)
    assert set(granule.orbit) == {NO_ORBIT}
    assert granule.missing_variables == ("/Sounding/orbit",)


@pytest.mark.parametrize(
    ("dataset", "name", "message"),
    [
        ("oco3", "/Sounding", "the group /Sounding is missing"),
        ("oco3", "/Sounding/operation_mode", "the variable /Sounding/operation_mode is missing"),
        ("oco3", "/Sounding/target_id", "the variable /Sounding/target_id is missing"),
        ("oco2", "/Sounding", "the group /Sounding is missing"),
        ("oco2", "/vertex_latitude", "the variable /vertex_latitude is missing"),
        ("oco3", "/latitude", "the variable /latitude is missing"),
        ("oco3", "/xco2_quality_flag", "the variable /xco2_quality_flag is missing"),
        ("oco3_sif", "/Sequences", "the group /Sequences is missing"),
        ("oco3_sif", "/Metadata/MeasurementMode", "the variable /Metadata/MeasurementMode is missing"),
        ("oco3_sif", "/Delta_Time", "the variable /Delta_Time is missing"),
    ],
)
def test_what_every_file_has_must_be_there(dataset, name, message, lite):
    path = lite(dataset)
    remove(path, name)
    with pytest.raises(InvalidInput, match=f"{path.name}: {message}"):
        read_granule(path)


@pytest.mark.parametrize("dataset", ["oco3", "oco3_sif"])
def test_names_of_targets_may_be_missing(dataset, lite):
    path = lite(dataset)
    remove(path, "/Sounding/target_name", "/Sequences/SequencesName")
    granule = read_granule(path)
    assert set(granule.target_name) == {""}
    assert "fossil0005" in granule.target_id


def test_other_target_words_are_none(lite):
    path = lite()
    with netCDF4.Dataset(path, "a") as dataset:
        for place, word in enumerate(["none", "missing", "Missing", "", " None "]):
            dataset["Sounding/target_id"][20 + place] = word
    granule = read_granule(path)
    assert set(granule.target_id[20:25]) == {""}
    assert set(granule.target_id[25:]) == {"fossil0005"}


def test_sequences_as_characters_and_out_of_range(lite):
    path = lite("oco3_sif")
    remove(path, "/Sequences/SequencesId")
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.createDimension("length", 12)
        ids = dataset["Sequences"].createVariable("SequencesId", "S1", ("sequences_dim", "length"))
        ids[0] = netCDF4.stringtochar(np.array(["fossil0005"], dtype="S12"))[0]
    assert set(read_granule(path).target_id) == {"", "fossil0005"}
    with netCDF4.Dataset(path, "a") as dataset:
        dataset["Sequences/SequencesIndex"][15] = 1
    with pytest.raises(InvalidInput, match="SequencesIndex goes up to 1, 1 sequences"):
        read_granule(path)


def test_unknown_modes_stay_unknown(lite):
    path = lite()
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.set_auto_mask(False)
        dataset["Sounding/operation_mode"][:2] = [127, 9]
    np.testing.assert_array_equal(read_granule(path).mode[:2], [Mode.UNKNOWN] * 2)


def test_variable_with_levels_is_refused(lite):
    with pytest.raises(InvalidInput, match=r"/xco2_averaging_kernel has the shape \(\d+, 20\)"):
        read_granule(lite(), ["/xco2_averaging_kernel"])


def test_strings_are_no_numbers(lite):
    with pytest.raises(InvalidInput, match="/Sounding/target_name holds no numbers"):
        read_granule(lite(), ["/Sounding/target_name"])


@pytest.mark.parametrize("share", [0.001, 0.2, 0.7, 0.99])
def test_truncated_files_are_refused(share, lite):
    path = lite()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InvalidInput, match=rf"{path.name}: truncated or damaged"):
        read_granule(path)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"CDF\x01" + bytes(100)])
def test_other_formats_are_refused(content, tmp_path):
    path = tmp_path / "oco3_LtCO2_200303_B11072Ar_240915205334s.nc4"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="no NetCDF-4 file"):
        read_granule(path)


def test_file_of_another_level_is_refused(tmp_path):
    path = tmp_path / "oco3_LtCO2_200303_B11072Ar_240915205334s.nc4"
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createGroup("SoundingGeometry").createDimension("sounding", 3)
    with pytest.raises(InvalidInput, match="the variable /latitude is missing"):
        read_granule(path)


def test_wrong_shapes_are_refused(lite):
    path = lite()
    remove(path, "/vertex_latitude")
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.createVariable("vertex_latitude", "f4", ("sounding_id", "bands"))
    with pytest.raises(InvalidInput, match=r"/vertex_latitude has the shape \(\d+, 3\), \(\d+, 4\) is needed"):
        read_granule(path)


@pytest.mark.parametrize("dataset", ["oco2", "oco3", "oco3_sif"])
def test_empty_day_is_refused(dataset, tmp_path):
    path = simulate_day(tmp_path, dataset, DAY, [], background=0)
    with pytest.raises(InvalidInput, match="no soundings"):
        read_granule(path)


def test_day_of_the_name_must_be_that_of_the_soundings(lite):
    path = lite()
    other = shutil.copy(path, path.with_name(path.name.replace("200303", "200304")))
    with pytest.raises(InvalidInput, match="the name says 2020-03-04, its soundings are of 2020-03-03"):
        read_granule(other)


def test_missing_file_is_no_bad_granule(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_granule(tmp_path / "oco3_LtCO2_200303_B11072Ar_240915205334s.nc4")


def test_default_variables_are_griddable():
    for kind, names in DEFAULT_VARIABLES.items():
        assert not NEVER_GRIDDED[kind] & set(names)
        assert all(name.startswith("/") and "//" not in name for name in NEVER_GRIDDED[kind])


def test_importing_the_reader_stays_light():
    code = "import sys, levelworks.xco2.readers; sys.exit('netCDF4' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
