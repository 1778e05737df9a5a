"""Files of GACOS: their bytes, their places, and what is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from insar_delays import STEP, write_ztd, write_ztd_tif

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.insar.corrections.bilinear import interpolate
from levelworks.insar.corrections.delay_names import find_delay_files
from levelworks.insar.corrections.zenith_delay import read_zenith_delay

WEST, NORTH = 10.0, 46.0
DATE = "20250406"


def plane(rows=6, columns=9):
    """Return delays that are linear in latitude and longitude."""
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return (2.2 + 0.01 * i - 0.02 * j).astype(np.float32)


def test_the_bytes_of_the_binary(tmp_path):
    """Float32, little endian, row by row from the north-west; 0 is none; the header gives the first cell's centre."""
    (tmp_path / f"{DATE}.ztd").write_bytes(struct.pack("<6f", 2.0, 2.1, 2.2, 2.3, 0.0, 2.5))
    header = tmp_path / f"{DATE}.ztd.rsc"
    header.write_text("WIDTH 3\nFILE_LENGTH 2\nX_FIRST 10.0\nY_FIRST 46.0\nX_STEP 0.5\nY_STEP -0.25\n")
    found = read_zenith_delay([tmp_path / f"{DATE}.ztd", header])
    np.testing.assert_array_equal(found.values, np.array([[2.0, 2.1, 2.2], [2.3, np.nan, 2.5]], np.float32))
    assert (found.west, found.north, found.steps, found.hour) == (10.0, 46.0, (0.25, 0.5), None)
    at = found.at(np.array([46.0, 45.75]), np.array([10.0, 11.0]))
    np.testing.assert_array_equal(at, np.array([[2.0, 2.2], [2.3, 2.5]], np.float32))


def test_both_formats_are_the_same_delays(tmp_path):
    values = plane()
    values[3, 4] = np.nan
    binary = read_zenith_delay(write_ztd(tmp_path, DATE, values, WEST, NORTH, hour=12.35))
    raster = read_zenith_delay(write_ztd_tif(tmp_path, DATE, values, WEST, NORTH))
    np.testing.assert_array_equal(binary.values, values)
    np.testing.assert_array_equal(raster.values, values)
    assert (raster.west, raster.north) == pytest.approx((binary.west, binary.north), abs=1e-12)
    assert raster.steps == pytest.approx(binary.steps, abs=1e-12)
    assert (binary.hour, raster.hour) == (12.35, None)


def test_a_nodata_value_of_a_geotiff_is_none(tmp_path):
    values = plane()
    values[0, 0] = -9999
    found = read_zenith_delay(write_ztd_tif(tmp_path, DATE, values, WEST, NORTH, nodata=-9999))
    assert np.argwhere(np.isnan(found.values)).tolist() == [[0, 0]]


def test_a_plane_is_interpolated_exactly(tmp_path):
    found = read_zenith_delay(write_ztd(tmp_path, DATE, plane(), WEST, NORTH))
    rows, columns = np.array([0.0, 0.3, 2.5, 5.0]), np.array([0.0, 1.7, 8.0])
    at = found.at(NORTH - STEP * rows, WEST + STEP * columns)
    np.testing.assert_allclose(at, 2.2 + 0.01 * rows[:, None] - 0.02 * columns, atol=3e-7)


def test_nothing_beyond_the_outermost_cells(tmp_path):
    found = read_zenith_delay(write_ztd(tmp_path, DATE, plane(), WEST, NORTH))
    rows, columns = np.array([-0.6, -0.4, 5.4, 5.6]), np.array([-0.6, -0.4, 8.4, 8.6])
    latitudes, longitudes = NORTH - STEP * rows, WEST + STEP * columns
    known = np.isfinite(found.at(latitudes, longitudes))
    np.testing.assert_array_equal(known, np.outer([0, 1, 1, 0], [0, 1, 1, 0]).astype(bool))
    across, along = found.inside(latitudes, longitudes)
    np.testing.assert_array_equal(known, across[:, None] & along)
    # A turn of 360 degrees is the same place.
    np.testing.assert_array_equal(known, np.isfinite(found.at(latitudes, longitudes + 360)))


def test_unknown_neighbours_count_up_to_half():
    values = np.array([[1.0, np.nan], [3.0, np.nan]])
    found = interpolate(values, np.array([0.0, 0.5]), np.array([0.0, 0.5, 0.6]))
    np.testing.assert_array_equal(found, [[1.0, 1.0, np.nan], [2.0, 2.0, np.nan]])
    assert interpolate(np.array([[4.0]]), np.array([0.2]), np.array([-0.5])).tolist() == [[4.0]]


def rewrite(old, new):
    def change(path, header):
        text = header.read_text()
        assert old in text
        header.write_text(text.replace(old, new))

    return change


REFUSED = {
    "a byte short": (lambda path, header: path.write_bytes(path.read_bytes()[:-1]), "has 215 bytes, .* asks for 216"),
    "a row too many": (rewrite("FILE_LENGTH   6", "FILE_LENGTH   7"), "has 216 bytes, .* asks for 252"),
    "no width": (rewrite("WIDTH   9\n", ""), "lacks WIDTH"),
    "no numbers": (rewrite("X_STEP  ", "X_STEP none "), "X_STEP is .*not a number"),
    "half a cell": (rewrite("WIDTH   9\n", "WIDTH   8.5\n"), "WIDTH is '8.5', not a number of cells"),
    "rows go north": (rewrite("Y_STEP            -", "Y_STEP            "), "rows that go south"),
    "another scale": (rewrite("Z_SCALE       1", "Z_SCALE       0.001"), "Z_SCALE is 0.001, 1 is"),
    "another projection": (rewrite("LATLON", "UTM"), "PROJECTION is UTM"),
    "the other byte order": (
        lambda path, header: path.write_bytes(np.frombuffer(path.read_bytes(), "<f4").astype(">f4").tobytes()),
        "no zenith delays in m",
    ),
    "millimetres": (
        lambda path, header: path.write_bytes((np.frombuffer(path.read_bytes(), "<f4") * 1000).tobytes()),
        "values from 2\\d+ to 2\\d+, which are no zenith delays in m",
    ),
    "zeros only": (lambda path, header: path.write_bytes(bytes(216)), "holds no delay at all"),
    "a header that is none": (lambda path, header: header.write_bytes(b"\xff\xd8\xff"), "can't be read as a header"),
}


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("5.5UTC", 5.5),
        ("05:50UTC", 5 + 50 / 60),
        ("05:50:30 utc", 5 + 50 / 60 + 30 / 3600),
        ("24:00UTC", 24.0),
        ("25.0UTC", None),
        ("-1UTC", None),
        ("nan", None),
        ("05:60UTC", None),
        ("1:2:3:4", None),
        ("noon", None),
        ("", None),
    ],
)
def test_a_time_of_day_is_taken_where_it_can_be_read(tmp_path, written, hour):
    """It is no part of the delays: what it is not needed for must not stop them."""
    path, header = write_ztd(tmp_path, DATE, plane(), WEST, NORTH)
    rewrite("TIME_OF_DAY 2.340000UTC", f"TIME_OF_DAY {written}")(path, header)
    assert read_zenith_delay([path, header]).hour == (None if hour is None else pytest.approx(hour))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_with_a_binary_is_said(tmp_path, name):
    change, message = REFUSED[name]
    path, header = write_ztd(tmp_path, DATE, plane(), WEST, NORTH)
    change(path, header)
    with pytest.raises(InvalidInput, match=message) as caught:
        read_zenith_delay([path, header])
    assert path.name in str(caught.value)


def test_a_binary_without_its_header_is_refused(tmp_path):
    path, _ = write_ztd(tmp_path, DATE, plane(), WEST, NORTH)
    with pytest.raises(InvalidInput, match=r"has no header 20250406\.ztd\.rsc beside it"):
        read_zenith_delay([path])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crs": "EPSG:32632"}, "not in EPSG:4326"),
        ({"dtype": "int16"}, "bands of int16"),
        ({"count": 2}, "has 2 bands"),
    ],
)
def test_what_is_wrong_with_a_geotiff_is_said(tmp_path, change, message):
    with pytest.raises(InvalidInput, match=message):
        read_zenith_delay(write_ztd_tif(tmp_path, DATE, plane(), WEST, NORTH, **change))


def test_a_truncated_geotiff_is_refused(tmp_path):
    (path,) = write_ztd_tif(tmp_path, DATE, plane(40, 40), WEST, NORTH)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InvalidInput, match="can't be read"):
        read_zenith_delay([path])


def test_files_are_found_by_date(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    pair = write_ztd(one, DATE, plane(), WEST, NORTH)
    write_ztd_tif(one, DATE, plane(), WEST, NORTH)
    later = write_ztd_tif(two, "20250418", plane(), WEST, NORTH)
    lonely, header = write_ztd(two, "20250430", plane(), WEST, NORTH)
    header.unlink()
    for name in ("20250406.ztd.jpg", "20250512.sltd.geo.tif", "readme.txt", "x20250406.ztd"):
        (one / name).touch()
    assert find_delay_files([one, two]) == {DATE: pair, "20250418": later, "20250430": [lonely]}
    assert find_delay_files([one, one])[DATE] == pair
    write_ztd_tif(two, DATE, plane(), WEST, NORTH)
    with pytest.raises(InvalidReference, match="20250406 has delays twice"):
        find_delay_files([one, two])
    with pytest.raises(InvalidReference, match="does not exist"):
        find_delay_files([tmp_path / "none"])
