"""Days: readiness and gaps (table-driven), reprocessed files (D18), gaps of several datasets (D17), state."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.days import (
    Gap,
    Presence,
    State,
    files_by_day,
    latest_complete_day,
    presence,
    read_gaps,
    read_state,
    select_days,
    write_state,
)
from levelworks.xco2.granule import DATASETS

PREFIX = {"oco2": "oco2_LtCO2", "oco3": "oco3_LtCO2", "oco3_sif": "oco3_LtSIF"}
PRESENT, EXPECTED, ABSENT = Presence.PRESENT, Presence.EXPECTED_ABSENT, Presence.ABSENT
GAPS = (Gap("oco3", date(2023, 11, 13), date(2024, 7, 16)), Gap("oco3_sif", date(2023, 11, 13), date(2024, 7, 16)))


def name(dataset, day, build="11072A", stamp="240915205334"):
    return f"{PREFIX[dataset]}_{day:%y%m%d}_B{build}r_{stamp}s.nc4"


def files(**days):
    """Return files by day; ``d3="oco2 oco3"`` stands for 2022-06-03."""
    return {
        date(2022, 6, int(day[1:])): {one: name(one, date(2022, 6, int(day[1:]))) for one in datasets.split()}
        for day, datasets in days.items()
    }


def days_of(*numbers):
    return [date(2022, 6, number) for number in numbers]


ALL = "oco2 oco3 oco3_sif"


@pytest.mark.parametrize(
    ("day", "dataset", "present", "skipped", "expected"),
    [
        ("2022-06-01", "oco3", "oco3", "", PRESENT),
        ("2022-06-01", "oco3", "oco2", "", ABSENT),
        ("2022-06-01", "oco3", "oco2", "oco3", EXPECTED),
        ("2022-06-01", "oco3", "oco3", "oco3", EXPECTED),
        ("2014-09-05", "oco2", "", "", EXPECTED),
        ("2014-09-06", "oco2", "", "", ABSENT),
        ("2019-08-05", "oco3", "", "", EXPECTED),
        ("2019-08-06", "oco3", "", "", ABSENT),
        ("2019-08-05", "oco3_sif", "", "", EXPECTED),
        ("2019-08-06", "oco3_sif", "", "", ABSENT),
        ("2023-11-12", "oco3", "", "", ABSENT),
        ("2023-11-13", "oco3", "", "", EXPECTED),
        ("2024-07-16", "oco3", "", "", EXPECTED),
        ("2024-07-17", "oco3", "", "", ABSENT),
        ("2024-01-01", "oco3_sif", "", "", EXPECTED),
        ("2024-01-01", "oco2", "", "", ABSENT),
        ("2024-01-01", "oco3", "oco3", "", PRESENT),
    ],
)
def test_presence_follows_missions_and_gaps(day, dataset, present, skipped, expected):
    assert presence(date.fromisoformat(day), dataset, present.split(), GAPS, skipped.split()) is expected


def test_a_gap_may_be_open():
    gap = Gap("oco2", date(2030, 1, 1))
    assert [gap.holds(day) for day in (date(2029, 12, 31), date(2030, 1, 1), date(2099, 1, 1))] == [False, True, True]


@pytest.mark.parametrize(
    ("found", "skipped", "complete", "selected", "waiting"),
    [
        ({}, "", None, [], []),
        ({"d1": ALL, "d2": ALL}, "", 2, [1, 2], []),
        ({"d1": ALL, "d2": "oco2 oco3"}, "", 1, [1], [2]),
        ({"d1": "oco2", "d2": ALL}, "", 2, [1, 2], []),
        ({"d1": "oco2", "d2": "oco3", "d5": ALL, "d6": "oco3"}, "", 5, [1, 2, 5], [6]),
        ({"d1": "oco2", "d2": "oco3"}, "", None, [], [1, 2]),
        ({"d1": "oco2", "d2": "oco3 oco3_sif"}, "oco2", 2, [2], []),
        ({"d1": "oco2 oco3", "d2": "oco2"}, "oco2 oco3_sif", 1, [1], []),
    ],
)
def test_days_up_to_the_latest_complete_one_are_released(found, skipped, complete, selected, waiting):
    chosen = select_days(files(**found), State(), skipped=skipped.split())
    assert chosen.latest_complete == (complete and date(2022, 6, complete))
    assert list(chosen.selected) == days_of(*selected)
    assert list(chosen.waiting) == days_of(*waiting)
    assert chosen.postponed == ()
    assert all(dataset not in skipped.split() for names in chosen.selected.values() for dataset in names)


def test_gaps_and_mission_starts_complete_a_day():
    early, inside, later = date(2016, 7, 27), date(2024, 1, 1), date(2024, 7, 17)
    found = {day: {"oco2": name("oco2", day)} for day in (early, inside, later)}
    assert latest_complete_day(found, GAPS) == inside
    assert latest_complete_day(found) == early
    assert list(select_days(found, State(), GAPS).selected) == [early, inside]


def test_gaps_of_several_datasets_in_one_object_all_count(shared_data):
    gaps = read_gaps(shared_data / "xco2" / "oco-23-known-gaps.json")
    assert gaps == GAPS
    day = date(2024, 1, 1)
    assert [presence(day, dataset, (), gaps) for dataset in DATASETS] == [ABSENT, EXPECTED, EXPECTED]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("{}", "must hold a list of objects"),
        ("[1]", "must hold a list of objects"),
        ('[{"oco4": {"start": "2020-01-01", "stop": null}}]', "entry 1: oco4: datasets are oco2, oco3, oco3_sif"),
        ('[{}, {"oco3": {"start": "2020-01-01"}}]', "entry 2: oco3 must be an object with start and stop"),
        ('[{"oco3": {"start": "2020-13-01", "stop": null}}]', "entry 1: oco3: start must be a day YYYY-MM-DD"),
        ('[{"oco3": {"start": null, "stop": null}}]', "entry 1: oco3: start must be a day YYYY-MM-DD, not None"),
        ('[{"oco3": {"start": "2020-02-01", "stop": "2020-01-01"}}]', "stop 2020-01-01 is before start 2020-02-01"),
    ],
)
def test_a_wrong_gap_is_named(tmp_path, text, message):
    (tmp_path / "gaps.json").write_text(text)
    with pytest.raises(InvalidOptions, match=r"gaps\.json") as raised:
        read_gaps(tmp_path / "gaps.json")
    assert message in str(raised.value)


def test_the_newest_version_of_a_day_stays():
    day = date(2021, 12, 18)
    versions = [
        name("oco3", day, "10400B", "220318000013"),
        name("oco3", day, "11072A", "230101000000"),
        name("oco3", day, "11072A", "240915205334"),
    ]
    others = ["oco2_LtSIF_211218_B11100r_220101000000s.nc4", "oco3_LtCO2_211318_B11072Ar_240915205334s.nc4", "a.txt"]
    found = files_by_day([*others, *versions, name("oco3_sif", day), name("oco2", date(2021, 1, 2))])
    assert found.files == {
        date(2021, 1, 2): {"oco2": name("oco2", date(2021, 1, 2))},
        day: {"oco3": versions[2], "oco3_sif": name("oco3_sif", day)},
    }
    assert list(found.files) == sorted(found.files)
    assert found.superseded == tuple(versions[:2])
    assert found.ignored == tuple(sorted(others))


def test_processed_days_are_not_selected_again():
    found = files(d1=ALL, d2=ALL, d3="oco2")
    state = State().with_processed(select_days(found, State()).selected)
    again = select_days(found, state)
    assert (again.selected, again.reasons, list(again.waiting)) == ({}, {}, days_of(3))


def test_a_dataset_that_arrives_late_or_vanishes_selects_the_whole_day():
    state = State().with_processed(files(d1="oco2 oco3", d2=ALL, d3=ALL))
    chosen = select_days(files(d1=ALL, d2="oco2 oco3_sif", d3=ALL), state)
    assert chosen.selected == files(d1=ALL, d2="oco2 oco3_sif")
    assert list(chosen.reasons.values()) == ["oco3_sif arrived", "oco3 vanished"]


def test_a_reprocessed_file_selects_its_day():
    found = files(d1=ALL, d2=ALL)
    state = State().with_processed(found)
    (first, second) = found
    newer = name("oco3", first, "11100A")
    chosen = select_days({first: found[first] | {"oco3": newer}, second: found[second]}, state)
    assert chosen.selected == {first: found[first] | {"oco3": newer}}
    assert chosen.reasons == {first: f"oco3 is {newer} and was {found[first]['oco3']}"}
    assert select_days(chosen.selected | {second: found[second]}, state.with_processed(chosen.selected)).selected == {}


def test_a_limit_postpones_the_later_days():
    chosen = select_days(files(d4=ALL, d1=ALL, d3=ALL, d2=ALL), State(), limit=2)
    assert (list(chosen.selected), list(chosen.postponed)) == (days_of(1, 2), days_of(3, 4))
    assert list(chosen.reasons) == days_of(1, 2)
    for wrong in (0, -1):
        with pytest.raises(InvalidOptions, match="limit must be a number of days from 1"):
            select_days({}, State(), limit=wrong)
    with pytest.raises(InvalidOptions, match="skipped datasets must be of oco2, oco3, oco3_sif, not oco4"):
        select_days({}, State(), skipped=["oco4"])


def test_the_state_is_written_and_read_back(tmp_path):
    state = State().with_processed(files(d2=ALL, d1="oco2"))
    write_state(state, tmp_path / "state.json")
    stored = json.loads((tmp_path / "state.json").read_text())
    assert (stored["days"], stored["granules"]) == (2, 4)
    assert list(stored["processed"]) == ["2022-06-01", "2022-06-02"]
    assert stored["processed"]["2022-06-01"] == {"oco2": name("oco2", date(2022, 6, 1))}
    assert read_state(tmp_path / "state.json") == (state, "")
    assert read_state(tmp_path / "absent.json") == (State(), "")


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"processed": []}', '{"processed": {"today": {}}}', '{"processed": {"2022-06-01": [1]}}']
)
def test_an_invalid_state_counts_as_empty_and_says_so(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    state, warning = read_state(tmp_path / "state.json")
    assert state == State()
    assert "state.json" in warning
    assert warning.endswith("every day counts as new")


@given(
    st.dictionaries(st.integers(1, 30), st.sets(st.sampled_from(DATASETS), min_size=1)),
    st.sets(st.sampled_from(DATASETS), max_size=2),
    st.integers(1, 5),
)
def test_runs_under_a_limit_end_with_every_released_day(found, skipped, limit):
    days = files(**{f"d{day}": " ".join(sorted(datasets)) for day, datasets in found.items()})
    state, seen = State(), []
    for _ in range(31):
        chosen = select_days(days, state, skipped=skipped, limit=limit)
        assert len(chosen.selected) <= limit
        if not chosen.selected:
            break
        seen += list(chosen.selected)
        state = state.with_processed(chosen.selected)
    assert seen == sorted(set(seen)), "each once, the oldest first"
    assert set(seen).isdisjoint(chosen.waiting)
    assert seen == list(select_days(days, State(), skipped=skipped).selected)
    assert (state.days, state.granules) == (len(seen), sum(map(len, state.processed.values())))
