"""Slices of a cube: the newest version of a day counts, whatever the order, and time is strictly increasing."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.xco2.cube_slices import TIE_S, CubeSlice, Incoming, as_columns, from_columns, merge
from levelworks.xco2.grid_files import source_of
from levelworks.xco2.slice_layers import Kept

FIRST = dt.date(2020, 3, 1)


def granule(day: int = 0, build: int = 10400, production: int = 1) -> str:
    return f"oco3_LtCO2_{FIRST + dt.timedelta(days=day):%y%m%d}_B{build}Br_{production:012d}s.nc4"


def one(number: int, name: str, *, start: float | None = None, digest: str | None = None, place=None) -> CubeSlice:
    """Return a slice of a granule; its content is the granule's own unless a digest is given."""
    source = source_of(name)
    midnight = dt.datetime.combine(source.day, dt.time(), dt.UTC).timestamp()
    begin = midnight + 60.0 * number if start is None else midnight + start
    return CubeSlice(
        capture_id=f"{number:05d}-fossil0005-sam",
        orbit=number,
        operation_mode=4,
        start=begin,
        end=begin + 30.0,
        number_in_capture=7,
        source_file=name,
        source_build=source.build,
        gridding_method="area",
        content_digest=digest if digest is not None else f"{name}-{number}",
        place=place if place is not None else ("new", name, number),
    )


def incoming(name: str, *numbers: int, **given) -> Incoming:
    return Incoming(source_of(name), tuple(one(number, name, **given) for number in numbers))


def stand(slices) -> list[CubeSlice]:
    """Return slices as a cube has them after they were written."""
    return from_columns(as_columns(list(slices)))


def held(merged) -> list[tuple[str, int]]:
    return [(each.source_file, each.orbit) for each in merged.slices]


def counts(merged) -> tuple[int, int, int]:
    return merged.added, merged.replaced, merged.removed


def test_the_newest_version_of_a_day_counts():
    old, new = granule(build=10400), granule(build=11072)
    merged = merge(stand(merge([], [incoming(old, 1, 2), incoming(granule(1), 3)]).slices), [incoming(new, 1, 2)])
    assert held(merged) == [(new, 1), (new, 2), (granule(1), 3)]
    assert counts(merged) == (0, 2, 0)
    assert merged.refused == ()
    assert merged.slices[2].place == Kept(2)


def test_production_decides_where_builds_are_the_same():
    old, new = granule(production=5), granule(production=6)
    assert held(merge(stand([one(1, old)]), [incoming(new, 1)])) == [(new, 1)]
    assert merge(stand([one(1, new)]), [incoming(old, 1)]).refused == (old,)


def test_build_numbers_are_compared_as_numbers():
    old, new = granule(build=9999, production=9), granule(build=10000, production=1)
    assert held(merge([], [incoming(new, 1), incoming(old, 1)])) == [(new, 1)]


def test_an_older_version_is_refused_by_name_and_changes_nothing():
    old, new = granule(build=10400), granule(build=11072)
    standing = stand([one(1, new)])
    merged = merge(standing, [incoming(old, 1, 2, 3)])
    assert merged.refused == (old,)
    assert merged.slices == tuple(standing)
    assert [each.place for each in merged.slices] == [Kept(0)]
    assert counts(merged) == (0, 0, 0)


def test_captures_that_a_newer_version_lacks_vanish():
    old, new = granule(build=10400), granule(build=11072)
    standing = stand([one(1, old), one(2, old), one(3, old)])
    merged = merge(standing, [incoming(new, 2)])
    assert (held(merged), counts(merged)) == ([(new, 2)], (0, 1, 2))
    merged = merge(standing, [incoming(new)])
    assert (held(merged), counts(merged)) == ([], (0, 0, 3))


def test_the_same_version_takes_the_place_of_what_it_brought_before():
    name = granule()
    standing = stand([one(1, name), one(2, name)])
    merged = merge(standing, [Incoming(source_of(name), (one(1, name), one(2, name, digest="other"), one(3, name)))])
    assert [isinstance(each.place, Kept) for each in merged.slices] == [True, False, False]
    assert counts(merged) == (1, 1, 0)
    assert counts(merge(standing, [incoming(name, 2)])) == (0, 0, 1)


def test_the_same_content_under_another_granule_is_written_anew():
    old, new = granule(production=1), granule(production=2)
    merged = merge(stand([one(1, old, digest="same")]), [incoming(new, 1, digest="same")])
    assert (held(merged), counts(merged)) == ([(new, 1)], (0, 1, 0))


def test_days_that_are_not_brought_stay_as_they_are():
    standing = stand([one(1, granule(0)), one(2, granule(2))])
    merged = merge(standing, [incoming(granule(1), 5)])
    assert [each.place for each in merged.slices] == [Kept(0), ("new", granule(1), 5), Kept(1)]
    assert merge(standing, []).slices == tuple(standing)


def test_captures_that_begin_at_once_are_a_millisecond_apart():
    name = granule()
    slices = [one(number, name, start=start) for number, start in ((3, 9.0), (1, 9.0), (2, 9.0), (4, 9.001), (5, 9.1))]
    merged = merge([], [Incoming(source_of(name), tuple(slices))])
    assert [each.orbit for each in merged.slices] == [1, 2, 3, 4, 5]
    assert [each.capture_ordinal for each in merged.slices] == [0, 1, 2, 3, 0]
    times = np.array([each.time for each in merged.slices])
    np.testing.assert_allclose(times - merged.slices[0].start, [0.0, 0.001, 0.002, 0.004, 0.1], atol=1e-6)
    again = merge(stand(merged.slices), [Incoming(source_of(name), tuple(slices[::-1]))])
    assert (again.slices, counts(again)) == (merged.slices, (0, 0, 0))


def test_ordinals_follow_when_one_of_a_tie_goes():
    name, newer = granule(), granule(production=2)
    first = merge([], [Incoming(source_of(name), tuple(one(number, name, start=1.0) for number in (1, 2, 3)))])
    assert [each.capture_ordinal for each in first.slices] == [0, 1, 2]
    left = merge(stand(first.slices), [Incoming(source_of(newer), (one(3, newer, start=1.0),))])
    assert [(each.orbit, each.capture_ordinal) for each in left.slices] == [(3, 0)]


def test_a_capture_across_midnight_has_a_half_in_each_day():
    halves = [one(1, granule(0), start=86399.0), one(1, granule(1), start=0.0)]
    merged = merge([], [Incoming(each.source, (each,)) for each in halves])
    assert [each.source_file for each in merged.slices] == [granule(0), granule(1)]
    assert counts(merged) == (2, 0, 0)


def test_slices_go_through_columns_and_back():
    slices = [one(1, granule()), dataclasses.replace(one(2, granule(1)), capture_id="ß" * 70, capture_ordinal=3)]
    columns = as_columns(slices)
    assert columns["capture_id"].dtype == "<U70"
    assert columns["orbit"].dtype == "<i4"
    assert columns["time"].tolist() == [slices[0].start, slices[1].start + 3 * TIE_S]
    assert from_columns(columns) == slices
    assert [each.place for each in from_columns(columns)] == [Kept(0), Kept(1)]


def test_no_slices_go_through_columns_and_back():
    columns = as_columns([])
    assert columns["time_bnds"].shape == (0, 2)
    assert from_columns(columns) == []


GRANULES = st.lists(
    st.builds(
        lambda day, build, production, captures: (granule(day, build, production), captures),
        st.integers(0, 2),
        st.sampled_from([9999, 10400, 11072]),
        st.integers(1, 2),
        st.dictionaries(st.integers(1, 4), st.integers(0, 3), max_size=3),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda each: each[0],
)


@settings(deadline=None, max_examples=200)
@given(GRANULES, st.data())
def test_neither_order_nor_grouping_matters(named, data):
    """Starts are whole milliseconds, most of them the same."""
    brought = [
        Incoming(source_of(name), tuple(one(number, name, start=start / 1000) for number, start in captures.items()))
        for name, captures in named
    ]
    expected = merge([], brought)
    times = [each.time for each in expected.slices]
    assert (np.diff(times) > TIE_S / 2).all()
    newest = {}
    for each in brought:
        newest[each.source.day] = max(newest.get(each.source.day, each), each, key=lambda it: it.source.version)
    assert sorted(held(expected)) == sorted(
        (each.source.name, x.orbit) for each in newest.values() for x in each.slices
    )
    assert set(expected.refused) == set()
    shuffled = data.draw(st.permutations(brought))
    assert merge([], shuffled).slices == expected.slices
    # One after the other, as long as no day was ever left without any capture: then nothing tells of its version.
    if all(each.slices for each in brought):
        standing: list[CubeSlice] = []
        for each in shuffled:
            standing = stand(merge(standing, [each]).slices)
        assert tuple(standing) == expected.slices
        assert merge(standing, newest.values()).slices == expected.slices
        assert counts(merge(standing, newest.values())) == (0, 0, 0)
