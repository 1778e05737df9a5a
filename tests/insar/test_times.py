"""Times: exact to the microsecond, across midnight, and refused where they are none."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput
from levelworks.insar.times import format_time, parse_time, seconds_since

EPOCH = dt.date(2025, 4, 6)


@given(st.integers(-86_400_000_000, 3 * 86_400_000_000))
def test_microseconds_come_back(microseconds):
    text = format_time(EPOCH, microseconds / 1e6)
    assert seconds_since(EPOCH, parse_time(text)) == microseconds / 1e6


def test_the_forms_that_files_have():
    expected = 2 * 3600 + 20 * 60 + 9.449360
    for text in ("2025-04-06T02:20:09.449360", "UTC=2025-04-06T02:20:09.449360", " 2025-04-06T02:20:09.449360Z"):
        assert seconds_since(EPOCH, parse_time(text)) == expected
    assert seconds_since(EPOCH, parse_time("2025-04-07T00:00:01")) == 86401.0


def test_refuses_what_is_no_time():
    with pytest.raises(InvalidInput, match="start: 'noon' is no UTC time"):
        parse_time("noon", "start")
