"""Granules: what is good, what is located, and parts that keep together."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.granule import Granule, Mode, Variable

SIZE = 6


@pytest.fixture
def granule() -> Granule:
    """Return six soundings; the third has no centre, the fifth lacks a corner."""
    position = np.linspace(0, 5, SIZE)
    latitude = position.copy()
    latitude[2] = np.nan
    corners = np.add.outer(position, [-0.01, 0.01, 0.01, -0.01])
    vertex_longitude = corners.copy()
    vertex_longitude[4, 3] = np.nan
    number = np.arange(SIZE)
    variables = {
        "/xco2": Variable("/xco2", np.where(number == 1, np.nan, 410.0 + number), "ppm", {}, "continuous"),
        "/Cloud/flag": Variable("/Cloud/flag", number.astype(np.int8), "", {"missing_value": 3}, "flag"),
        "/Cloud/all": Variable("/Cloud/all", number.astype(np.int8), "", {}, "flag"),
    }
    return Granule(
        kind="oco3",
        path_name="oco3_LtCO2_200303_B11072Ar_200919000013s.nc4",
        day=dt.date(2020, 3, 3),
        build="B11072Ar",
        latitude=latitude,
        longitude=position,
        vertex_latitude=corners,
        vertex_longitude=vertex_longitude,
        time=1583193600.0 + number,
        sounding_id=number.astype(np.uint64),
        mode=np.full(SIZE, Mode.AREA_MAP, dtype=np.int8),
        quality=np.array([0, 1, 2, -1, 127, 0], dtype=np.int8),
        target_id=np.array(["a", "a", "", "b", "b", "b"]),
        target_name=np.array(["A", "A", "", "B", "B", "B"]),
        orbit=np.full(SIZE, 7, dtype=np.int32),
        variables=variables,
    )


def test_good_depends_on_the_product(granule):
    np.testing.assert_array_equal(granule.good, [True, False, False, False, False, True])
    sif = Granule(**{**vars(granule), "kind": "oco3_sif"})
    np.testing.assert_array_equal(sif.good, [True, True, False, False, False, True])


def test_located_needs_centre_and_all_corners(granule):
    np.testing.assert_array_equal(granule.located, [True, True, False, True, False, True])


def test_missing_values(granule):
    np.testing.assert_array_equal(np.flatnonzero(granule.variables["/xco2"].missing), [1])
    np.testing.assert_array_equal(np.flatnonzero(granule.variables["/Cloud/flag"].missing), [3])
    assert not granule.variables["/Cloud/all"].missing.any()


@pytest.mark.parametrize(
    "index", [np.array([4, 0, 5]), slice(1, 4), np.arange(SIZE) % 2 == 0, np.array([], dtype=np.int64)]
)
def test_take_keeps_soundings_together(granule, index):
    expected = np.arange(SIZE)[index]
    part = granule.take(index)
    assert len(part) == len(expected)
    np.testing.assert_array_equal(part.sounding_id, expected)
    np.testing.assert_array_equal(part.target_name, granule.target_name[expected])
    np.testing.assert_array_equal(part.vertex_latitude, granule.vertex_latitude[expected])
    np.testing.assert_array_equal(part.variables["/xco2"].values, granule.variables["/xco2"].values[expected])
    np.testing.assert_array_equal(part.located, granule.located[expected])
    assert (part.day, part.build, part.kind) == (granule.day, granule.build, granule.kind)


@pytest.mark.parametrize("name", ["time", "vertex_longitude", "mode"])
def test_arrays_of_different_lengths_are_refused(granule, name):
    short = {**vars(granule), name: getattr(granule, name)[:-1]}
    with pytest.raises(InvalidInput, match=rf"oco3_LtCO2_200303.*{name} has the shape"):
        Granule(**short)


def test_variable_of_another_length_is_refused(granule):
    wrong = {"/xco2": Variable("/xco2", np.zeros(SIZE + 1), "ppm", {}, "continuous")}
    with pytest.raises(InvalidInput, match="/xco2 has the shape"):
        Granule(**{**vars(granule), "variables": wrong})
