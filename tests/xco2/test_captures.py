"""Captures: what parts and what joins soundings, targets, stray soundings, what is dropped (D8, D14, D15, D19)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.captures import Capture, Dropped, Reason, cut_captures
from levelworks.xco2.fused_runs import Run, fill_forward_then_back, fused_runs
from levelworks.xco2.granule import Granule, Mode
from levelworks.xco2.targets import Target

SAM, TARGET, NADIR, GLINT = Mode.AREA_MAP, Mode.TARGET, Mode.NADIR, Mode.GLINT
SITES = {"A": (10.0, 50.0), "B": (20.0, 40.0), "C": (-70.0, -20.0)}
TARGETS = {name: Target(name, f"Site {name}", x - 1, y - 1, x + 1, y + 1, (x, y)) for name, (x, y) in SITES.items()}
START = 1_583_193_600.0  # 2020-03-03


def soundings(mode, name, count, start, *, orbit=1, step=0.1, at=None):
    """Return a run of soundings as rows: mode, target id, time, orbit, longitude, latitude."""
    lon, lat = at or SITES.get(name, (0.0, 0.0))
    return [(mode, name, START + start + step * k, orbit, lon + 0.001 * k, lat) for k in range(count)]


def granule(*runs, kind="oco3", quality=0) -> Granule:
    rows = [row for run in runs for row in run]
    size = len(rows)
    mode, name, time, orbit, lon, lat = zip(*rows, strict=True) if rows else ((),) * 6
    lon, lat = np.array(lon, float), np.array(lat, float)
    corner = 0.01 * np.array([-1, 1, 1, -1])
    return Granule(
        kind=kind,
        path_name="name.nc4",
        day=dt.date(2020, 3, 3),
        build="B10400Br",
        latitude=lat,
        longitude=lon,
        vertex_latitude=lat[:, None] + np.roll(corner, 1),
        vertex_longitude=lon[:, None] + corner,
        time=np.array(time, float),
        sounding_id=np.arange(1000, 1000 + size, dtype=np.uint64),
        mode=np.array(mode, np.int8),
        quality=np.full(size, quality, np.int8),
        target_id=np.array([""] * size if kind == "oco2" else name, dtype=np.str_),
        target_name=np.full(size, ""),
        orbit=np.array(orbit, np.int32),
    )


def cut(*runs, kind="oco3", quality=0, **options):
    return cut_captures(granule(*runs, kind=kind, quality=quality), TARGETS, **options)


def brief(ones: list[Capture] | list[Dropped]):
    return [(one.target_id, one.mode, one.indices.tolist()) for one in ones]


def test_a_capture_knows_what_it_is():
    captures, dropped = cut(soundings(NADIR, "", 3, 0), soundings(SAM, "A", 4, 1, orbit=77), soundings(NADIR, "", 2, 2))
    (one,) = captures
    assert one.id == "77-A-sam-1003"
    assert (one.dataset, one.orbit, one.target_id, one.target_name, one.mode) == ("oco3", 77, "A", "Site A", "sam")
    assert one.indices.tolist() == [3, 4, 5, 6]
    assert (one.start, one.end) == (START + 1, pytest.approx(START + 1.3))
    assert dropped == []


def test_two_overpasses_adjacent_in_the_file_are_two_captures():
    first, second = soundings(SAM, "A", 3, 0, orbit=1), soundings(SAM, "A", 3, 5520, orbit=2)
    assert brief(cut(first, second)[0]) == [("A", "sam", [0, 1, 2]), ("A", "sam", [3, 4, 5])]
    assert brief(cut(first, second, compat="seed")[0]) == [("A", "sam", [0, 1, 2, 3, 4, 5])]


def test_a_pause_or_a_new_orbit_alone_parts_captures():
    assert len(cut(soundings(SAM, "A", 3, 0), soundings(SAM, "A", 3, 121))[0]) == 2
    assert len(cut(soundings(SAM, "A", 3, 0), soundings(SAM, "A", 3, 119))[0]) == 1
    assert len(cut(soundings(SAM, "A", 3, 0), soundings(SAM, "A", 3, 121), gap_s=300)[0]) == 1
    assert len(cut(soundings(SAM, "A", 3, 0, orbit=1), soundings(SAM, "A", 3, 0.3, orbit=2))[0]) == 2


def test_the_id_changes_inside_a_run():
    captures, _ = cut(soundings(SAM, "A", 3, 0), soundings(SAM, "B", 2, 0.3), soundings(SAM, "C", 1, 0.5))
    assert brief(captures) == [("A", "sam", [0, 1, 2]), ("B", "sam", [3, 4]), ("C", "sam", [5])]


def test_modes_are_captures_of_their_own():
    runs = soundings(SAM, "A", 3, 0), soundings(TARGET, "A", 3, 0.3)
    assert brief(cut(*runs)[0]) == [("A", "sam", [0, 1, 2]), ("A", "target", [3, 4, 5])]
    assert brief(cut(*runs, compat="seed")[0]) == [("A", "sam", [0, 1, 2, 3, 4, 5])]


def test_a_run_at_the_end_of_the_file_keeps_its_last_sounding():
    for compat in ("none", "seed"):
        captures, _ = cut(soundings(NADIR, "", 2, 0), soundings(TARGET, "B", 3, 1), compat=compat)
        assert brief(captures) == [("B", "target", [2, 3, 4])]


@pytest.mark.parametrize("kind", ["oco2", "oco3", "oco3_sif"])
@pytest.mark.parametrize("compat", ["none", "seed"])
def test_days_without_captures(kind, compat):
    assert cut(kind=kind, compat=compat) == ([], [])
    assert cut(soundings(NADIR, "", 5, 0), soundings(GLINT, "", 5, 1), kind=kind, compat=compat) == ([], [])


@pytest.mark.parametrize("kind", ["oco2", "oco3", "oco3_sif"])
@pytest.mark.parametrize("compat", ["none", "seed"])
def test_a_single_sounding_is_a_capture(kind, compat):
    captures, _ = cut(soundings(TARGET, "A", 1, 0), kind=kind, compat=compat)
    assert brief(captures) == [("A", "target", [0])]
    assert captures[0].start == captures[0].end == START


def test_a_capture_crosses_midnight():
    captures, _ = cut(soundings(SAM, "A", 20, 86399.05))
    assert [(len(one.indices), one.end > START + 86400 > one.start) for one in captures] == [(20, True)]


@pytest.mark.parametrize("kind", ["oco2", "oco3", "oco3_sif"])
def test_captures_don_t_depend_on_quality(kind):
    """Times and indices are those of all soundings; a run of bad ones at the end of an OCO-2 file is as any other."""
    runs = soundings(NADIR, "", 2, 0), soundings(TARGET, "A", 5, 1)
    assert cut(*runs, kind=kind, quality=1) == cut(*runs, kind=kind, quality=0)
    assert len(cut(*runs, kind=kind, quality=1)[0]) == 1


def test_single_soundings_of_another_mode_are_swallowed():
    runs = soundings(SAM, "A", 3, 0), soundings(NADIR, "", 1, 0.3), soundings(SAM, "A", 3, 0.4)
    for compat in ("none", "seed"):
        captures, dropped = cut(*runs, compat=compat)
        assert brief(captures) == [("A", "sam", [0, 1, 2, 3, 4, 5, 6])]
        assert dropped == []
    two = runs[0], soundings(NADIR, "", 2, 0.3), soundings(SAM, "A", 3, 0.5)
    assert brief(cut(*two)[0]) == [("A", "sam", [0, 1, 2, 5, 6, 7])]
    assert len(cut(*two, compat="seed")[0]) == 2
    assert brief(cut(*two, kind="oco3_sif")[0]) == [("A", "sam", [0, 1, 2, 3, 4, 5, 6, 7])]
    assert len(cut(*two, kind="oco3_sif", compat="seed")[0]) == 1


def test_a_stray_of_the_other_capture_mode_or_without_id_joins():
    for stray in (soundings(TARGET, "A", 1, 0.3), soundings(TARGET, "", 1, 0.3), soundings(SAM, "none", 1, 0.3)):
        captures, dropped = cut(soundings(SAM, "A", 3, 0), stray, soundings(SAM, "A", 3, 0.4))
        assert brief(captures) == [("A", "sam", [0, 1, 2, 3, 4, 5, 6])]
        assert dropped == []


@pytest.mark.parametrize(("pause", "orbit"), [(200, 1), (50, 2)])
def test_a_stray_joins_nothing_over_a_pause_or_another_orbit(pause, orbit):
    before, stray = soundings(SAM, "A", 3, 0), soundings(SAM, "none", 1, pause)
    captures, dropped = cut(before, stray, soundings(SAM, "A", 3, 2 * pause, orbit=orbit))
    assert brief(captures) == [("A", "sam", [0, 1, 2]), ("A", "sam", [4, 5, 6])]
    assert brief(dropped) == [("", "sam", [3])]


def test_a_stray_of_another_target_stays_its_own():
    captures, _ = cut(soundings(SAM, "A", 3, 0), soundings(SAM, "B", 1, 0.3), soundings(SAM, "A", 3, 0.4))
    assert brief(captures) == [("A", "sam", [0, 1, 2, 4, 5, 6]), ("B", "sam", [3])]
    captures, dropped = cut(soundings(SAM, "A", 3, 0), soundings(SAM, "unknown", 1, 0.3), soundings(SAM, "A", 3, 0.4))
    assert brief(captures) == [("A", "sam", [0, 1, 2, 4, 5, 6])]
    assert brief(dropped) == [("unknown", "sam", [3])]


@pytest.mark.parametrize("compat", ["none", "seed"])
@pytest.mark.parametrize("name", ["", "none", "missing", "Missing"])
def test_soundings_without_target_are_reported(name, compat):
    captures, dropped = cut(soundings(SAM, "A", 3, 0), soundings(SAM, name, 3, 0.3), compat=compat)
    assert brief(captures) == [("A", "sam", [0, 1, 2])]
    assert brief(dropped) == [("", "sam", [3, 4, 5])]
    assert dropped[0].reason is Reason.NO_TARGET_ID
    assert (dropped[0].start, dropped[0].orbit, dropped[0].dataset) == (pytest.approx(START + 0.3), 1, "oco3")


@pytest.mark.parametrize("compat", ["none", "seed"])
def test_targets_that_the_file_lacks_are_reported(compat):
    captures, dropped = cut(soundings(SAM, "fossil9999", 3, 0), soundings(TARGET, "A", 2, 50), compat=compat)
    assert brief(captures) == [("A", "target", [3, 4])]
    assert brief(dropped) == [("fossil9999", "sam", [0, 1, 2])]
    assert dropped[0].reason is Reason.UNKNOWN_TARGET


def test_soundings_without_time_are_reported():
    lost = [(SAM, "A", np.nan, 1, 10.0, 50.0)] * 2
    captures, dropped = cut(soundings(SAM, "A", 3, 0), lost, soundings(SAM, "A", 3, 0.5))
    assert brief(captures) == [("A", "sam", [0, 1, 2, 5, 6, 7])]
    assert brief(dropped) == [("A", "sam", [3, 4])]
    assert dropped[0].reason is Reason.NO_TIME
    assert np.isnan(dropped[0].start)


def test_open_ids_of_sif_take_those_of_their_neighbours():
    runs = (
        soundings(SAM, "", 2, 0),
        soundings(SAM, "A", 2, 0.2),
        soundings(SAM, "", 5, 0.4),
        soundings(SAM, "B", 2, 0.9),
        soundings(SAM, "", 3, 1.1),
    )
    for compat in ("none", "seed"):
        captures, dropped = cut(*runs, kind="oco3_sif", compat=compat)
        assert brief(captures) == [("A", "sam", list(range(9))), ("B", "sam", [9, 10, 11, 12, 13])]
        assert dropped == []
    captures, dropped = cut(*runs)
    assert brief(captures) == [("A", "sam", [2, 3]), ("B", "sam", [9, 10])]
    assert [len(one.indices) for one in dropped] == [10]


def test_open_ids_of_sif_don_t_reach_over_a_pause():
    runs = soundings(SAM, "A", 2, 0), soundings(SAM, "", 3, 200)
    captures, dropped = cut(*runs, kind="oco3_sif")
    assert brief(captures) == [("A", "sam", [0, 1])]
    assert brief(dropped) == [("", "sam", [2, 3, 4])]
    assert brief(cut(*runs, kind="oco3_sif", compat="seed")[0]) == [("A", "sam", [0, 1, 2, 3, 4])]


def test_oco2_captures_find_their_target():
    runs = (
        soundings(TARGET, "A", 5, 0, orbit=5),
        soundings(NADIR, "", 5, 10, orbit=5),
        soundings(TARGET, "B", 5, 900, orbit=5),
        soundings(TARGET, "ocean", 5, 5000, orbit=6),
    )
    for compat in ("none", "seed"):
        captures, dropped = cut(*runs[:3], runs[1], runs[3], kind="oco2", compat=compat)
        assert [one.id for one in captures] == ["5-A-target-1000", "5-B-target-1010"]
        assert [one.reason for one in dropped] == [Reason.NO_TARGET_NEAR]
        assert dropped[0].indices.tolist() == [20, 21, 22, 23, 24]
    assert cut(*runs, kind="oco2", cap_km=1e-9)[0] == []


def test_oco2_captures_at_the_antimeridian_find_their_target():
    fiji = Target("fiji", "Fiji", 179.5, -17.5, -179.5, -16.5, (180.0, -17.0))
    run = [(TARGET, "", START + k, 3, lon, -17.0) for k, lon in enumerate((179.9, 179.95, -179.9, -179.95))]
    captures, _ = cut_captures(granule(run, kind="oco2"), {"fiji": fiji, **TARGETS})
    assert brief(captures) == [("fiji", "target", [0, 1, 2, 3])]
    captures, _ = cut_captures(granule(run, kind="oco2"), {"fiji": fiji, **TARGETS}, compat="seed")
    assert captures == []


def test_oco2_captures_without_positions_are_reported():
    run = [(TARGET, "", START + k, 3, np.nan, np.nan) for k in range(3)]
    captures, dropped = cut(run, kind="oco2")
    assert (captures, [one.reason for one in dropped]) == ([], [Reason.NO_POSITION])
    captures, _ = cut(run, [(TARGET, "", START + 3, 3, 10.0, 50.0)], kind="oco2")
    assert brief(captures) == [("A", "target", [0, 1, 2, 3])]


@pytest.mark.parametrize(
    ("options", "message"), [({"gap_s": 0}, "gap_s"), ({"cap_km": -1}, "cap_km"), ({"compat": "old"}, "compat")]
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(InvalidOptions, match=message):
        cut(soundings(SAM, "A", 1, 0), **options)


def test_runs_fuse_as_in_the_earlier_software():
    modes = np.array([4, 4, 0, 4, 0, 0, 4, 2, 2])
    codes = np.array([1, 1, 0, 1, 0, 0, 1, 1, 2])
    assert fused_runs(modes, codes, (4, 2), wildcard=False) == [Run(0, 4, 4, 1), Run(6, 8, 4, 1), Run(8, 9, 2, 2)]
    assert fused_runs(modes, codes, (4, 2), wildcard=True) == [Run(0, 8, 4, 1), Run(8, 9, 2, 2)]
    assert [tuple(run)[:2] for run in fused_runs(modes, codes, (4, 2), wildcard=False, fuse=False)] == [
        (0, 2), (3, 4), (6, 7), (7, 8), (8, 9)
    ]  # fmt: skip


def test_runs_without_target_fuse_with_any_for_sif():
    modes, codes = np.array([4, 4, 0, 4, 4, 0, 4]), np.array([0, 0, 0, 1, 0, 0, 2])
    assert fused_runs(modes, codes, (4, 2), wildcard=True) == [Run(0, 5, 4, 1), Run(6, 7, 4, 2)]


def test_zeros_take_the_number_before_or_else_behind():
    assert fill_forward_then_back(np.array([0, 0, 3, 0, 2, 0])).tolist() == [3, 3, 3, 3, 2, 2]
    assert fill_forward_then_back(np.array([0, 0])).tolist() == [0, 0]
    assert fill_forward_then_back(np.array([], int)).tolist() == []


RUN = st.tuples(
    st.sampled_from([SAM, TARGET, NADIR, GLINT]),
    st.sampled_from(["A", "B", "", "none", "unknown"]),
    st.integers(1, 4),
    st.sampled_from([0.1, 60.0, 130.0, 5000.0]),
)


def laid_out(runs):
    """Return runs one after the other; a long pause is a new orbit."""
    at, orbit, rows = 0.0, 1, []
    for mode, name, count, pause in runs:
        orbit += pause > 1000
        at += pause
        rows.append(soundings(mode, "" if mode in (NADIR, GLINT) else name, count, at, orbit=orbit))
        at += 0.1 * count
    return rows


@settings(deadline=None, max_examples=60)
@given(st.lists(RUN, max_size=9), st.sampled_from(["oco2", "oco3", "oco3_sif"]))
def test_every_sounding_of_a_capture_mode_is_in_one_place(runs, kind):
    day = granule(*laid_out(runs), kind=kind)
    captures, dropped = cut_captures(day, TARGETS)
    placed = np.concatenate([one.indices for one in (*captures, *dropped)] or [np.zeros(0, int)])
    assert len(np.unique(placed)) == len(placed)
    observed = np.flatnonzero((day.mode == SAM) | (day.mode == TARGET))
    assert set(observed) <= set(placed)
    assert len({one.id for one in captures}) == len(captures)
    for one in (*captures, *dropped):
        assert (np.diff(one.indices) > 0).all()
        own = one.indices[np.isin(day.mode[one.indices], (SAM, TARGET))]
        assert np.unique(day.orbit[own]).size == 1
        assert (np.diff(day.time[own]) <= 120).all()
    for one in captures:
        assert day.mode[one.indices[0]] in (SAM, TARGET)
        if kind == "oco3":
            assert set(day.target_id[one.indices]) <= {one.target_id, "", "none"}


@settings(deadline=None, max_examples=60)
@given(st.lists(RUN, max_size=7), st.data(), st.sampled_from(["oco2", "oco3", "oco3_sif"]))
def test_soundings_of_other_modes_change_no_capture(runs, data, kind):
    """Taken out, put in: the soundings of capture modes that stand together are the same."""
    rows = [row for run in laid_out(runs) for row in run]
    observed = [row for row in rows if row[0] in (SAM, TARGET)]
    mixed = []
    for row in observed:
        count = data.draw(st.integers(0, 3))
        mixed += [(NADIR, "", row[2], row[3], 0.0, 0.0)] * count + [row]

    def members(day: Granule, ones):
        numbers = np.cumsum(np.isin(day.mode, (SAM, TARGET))) - 1
        found = [
            (one.target_id, one.mode, tuple(numbers[[i for i in one.indices if day.mode[i] in (SAM, TARGET)]]))
            for one in ones
        ]
        return sorted(found)

    plain, other = granule(observed, kind=kind), granule(mixed, kind=kind)
    for before, behind in zip(cut_captures(plain, TARGETS), cut_captures(other, TARGETS), strict=True):
        assert members(plain, before) == members(other, behind)


@settings(deadline=None, max_examples=40)
@given(st.lists(RUN, max_size=6), st.lists(RUN, max_size=6), st.sampled_from(["oco2", "oco3", "oco3_sif"]))
def test_days_are_cut_part_by_part(early, late, kind):
    """What lies orbits apart has no influence: the cut of a day is the cuts of its halves."""
    whole = laid_out([*early, (NADIR, "", 3, 5000.0), (NADIR, "", 3, 5000.0), *late])
    first, second = whole[: len(early) + 1], whole[len(early) + 1 :]
    shift = sum(map(len, first))
    halves = [cut_captures(granule(*half, kind=kind), TARGETS) for half in (first, second)]
    together = cut_captures(granule(*whole, kind=kind), TARGETS)
    for place in (0, 1):
        expected = brief(halves[0][place])
        expected += [(name, mode, [shift + i for i in indices]) for name, mode, indices in brief(halves[1][place])]
        assert brief(together[place]) == expected
