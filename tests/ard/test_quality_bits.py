"""The quality bits of a product and the figures of a mask: in their places, and all states there and back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from levelworks.ard.masks.quality import (
    BY_NAME,
    FIELDS,
    NO_DATA,
    Aerosol,
    Cloud,
    Illumination,
    inflate,
    pack,
    unpack,
)
from levelworks.ard.masks.settings import BLOCK_MULTIPLE, LARGEST_BLOCK, MaskOptions, MaskStatistics

POSITIONS = {  # of the lowest bit and the number of bits, specification section 16
    "nodata": (0, 1),
    "cloud": (1, 2),
    "shadow": (3, 1),
    "snow": (4, 1),
    "water": (5, 1),
    "aerosol": (6, 2),
    "subzero": (8, 1),
    "saturation": (9, 1),
    "low_sun": (10, 1),
    "illumination": (11, 2),
    "slope": (13, 1),
    "water_vapour_fill": (14, 1),
}


def test_fields_stand_where_the_specification_has_them():
    assert {field.name: (field.shift, field.width) for field in FIELDS} == POSITIONS
    assert sum(field.mask for field in FIELDS) == 2**15 - 1


@pytest.mark.parametrize(
    ("states", "value"),
    [
        ({"cloud": Cloud.BUFFER}, 2),
        ({"cloud": Cloud.CONFIDENT, "shadow": 1}, 12),
        ({"cloud": Cloud.CIRRUS, "water": 1}, 38),
        ({"snow": 1, "aerosol": Aerosol.FILL}, 16 + 192),
        ({"subzero": 1, "saturation": 1, "low_sun": 1}, 256 + 512 + 1024),
        ({"illumination": Illumination.SHADED, "slope": 1, "water_vapour_fill": 1}, 6144 + 8192 + 16384),
    ],
)
def test_states_have_the_values_of_force(states, value):
    packed = pack((1,), **states)
    assert packed.dtype == np.int16
    assert packed.tolist() == [value]


def test_every_state_comes_back():
    choices = [range(1 << field.width) for field in FIELDS[1:]]
    states = np.array(list(itertools.product(*choices)), np.int16).T
    names = [field.name for field in FIELDS[1:]]
    packed = pack(**dict(zip(names, states, strict=True)))
    assert np.unique(packed).size == packed.size == 2**14
    apart = inflate(packed)
    for name, values in zip(names, states, strict=True):
        np.testing.assert_array_equal(apart[name], values)
        assert apart[name].dtype == np.uint8
    for place in (0, 5000, packed.size - 1):
        found = unpack(int(packed[place]))
        assert [int(found[name]) for name in names] == states[:, place].tolist()


def test_unpacking_names_the_states():
    found = unpack(2 + 64 + 2048)
    assert found["cloud"] is Cloud.BUFFER
    assert found["aerosol"] is Aerosol.INTERPOLATED
    assert found["illumination"] is Illumination.MEDIUM


def test_no_data_takes_the_whole_value():
    packed = pack(nodata=np.array([True, False]), cloud=2, water=1)
    assert packed.tolist() == [NO_DATA, 36]


def test_states_are_broadcast():
    assert pack(shadow=np.ones((3, 1), bool), snow=np.array([0, 1])).tolist() == [[8, 24]] * 3
    assert pack((2, 2), water=1).tolist() == [[32, 32], [32, 32]]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="quality field cloud holds 0 to 3, not 4 to 4"):
        pack((1,), cloud=4)
    with pytest.raises(ValueError, match="shadow holds 0 to 1"):
        pack(shadow=np.array([-1, 0]))
    with pytest.raises(KeyError, match="clouds"):
        pack((1,), clouds=1)
    for value in (-1, 1 << 15):
        with pytest.raises(ValueError, match="no value of quality bits"):
            unpack(value)
    assert set(BY_NAME) == set(POSITIONS)


def test_covers_are_percentages_of_valid_pixels():
    counts = MaskStatistics(pixels=400, valid=200, cloud=10, shadow=6, snow=4, water=50, obscured=30)
    assert (counts.data_cover, counts.water_cover, counts.snow_cover, counts.cloud_cover) == (50, 25, 2, 15)


def test_covers_of_nothing_are_zero():
    nothing = MaskStatistics(0, 0, 0, 0, 0, 0, 0)
    assert (nothing.data_cover, nothing.water_cover, nothing.snow_cover, nothing.cloud_cover) == (0, 0, 0, 0)


@pytest.mark.parametrize("rows", [1, 12, 13, 100, 251, 512, 10_000])
def test_blocks_hold_whole_cells(rows):
    block = MaskOptions(block_rows=rows).block
    assert block % BLOCK_MULTIPLE == 0
    assert min(rows, LARGEST_BLOCK) <= block <= LARGEST_BLOCK
