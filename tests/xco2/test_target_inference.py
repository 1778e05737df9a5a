"""The target of an OCO-2 capture: votes and means, degrees and kilometres, outliers, and the project's own sites."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import great_circle_km
from levelworks.xco2 import target_inference
from levelworks.xco2.captures import cut_captures
from levelworks.xco2.granule import Granule, Mode
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.readers import read_granule
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.target_inference import METHODS, infer_target
from levelworks.xco2.targets import Target, read_targets

DAY = dt.date(2020, 3, 3)
NOON = dt.datetime(2020, 3, 3, 12, tzinfo=dt.UTC).timestamp()


def sites(**centres) -> dict[str, Target]:
    return {name: Target(name, name, x - 0.5, y - 0.5, x + 0.5, y + 0.5, (x, y)) for name, (x, y) in centres.items()}


def granule_at(*positions) -> Granule:
    lon, lat = np.array(positions, float).T
    size = len(lon)
    empty = np.full(size, "")
    return Granule(
        "oco2", "name", DAY, "B1", lat, lon, np.repeat(lat[:, None], 4, 1), np.repeat(lon[:, None], 4, 1),
        np.arange(size, dtype=float), np.arange(size, dtype=np.uint64), np.full(size, 2, np.int8),
        np.zeros(size, np.int8), empty, empty, np.ones(size, np.int32),
    )  # fmt: skip


def inferred(positions, targets, method, outlier=None) -> str | None:
    granule = granule_at(*positions)
    found = infer_target(granule, np.arange(len(granule)), targets, method, outlier)
    return found.id if found else None


def test_most_votes_and_the_mean_may_differ():
    """Three soundings at a and two far beyond b: the mean lies nearer to b."""
    positions, targets = [(0, 0), (0.1, 0), (0.2, 0), (9, 0), (9, 0)], sites(a=(0, 0), b=(4, 0))
    for unit in ("deg", "km"):
        assert inferred(positions, targets, f"all_{unit}") == "a"
        assert inferred(positions, targets, f"cent_{unit}") == "b"


def test_kilometres_see_that_meridians_meet():
    targets = sites(north=(20, 70.8), east=(21, 70))
    for kind in ("all", "cent"):
        assert inferred([(20, 70)], targets, f"{kind}_deg") == "north"
        assert inferred([(20, 70)], targets, f"{kind}_km") == "east"


def test_degrees_do_not_wrap_and_kilometres_do():
    positions, targets = [(179.9, 0), (-179.8, 0)], sites(fiji=(180, 0), none=(10, 0))
    assert inferred(positions, targets, "cent_deg") == "none"
    assert inferred(positions, targets, "cent_km") == "fiji"
    assert inferred(positions, targets, "all_km") == "fiji"
    assert inferred([(-179.8, 0)], targets, "all_deg") == "none"


def test_outliers_count_for_none():
    targets = sites(a=(0, 0), b=(10, 0))
    positions = [(0.5, 0), (8, 0), (8, 0), (8, 0)]
    assert inferred(positions, targets, "all_deg") == "b"
    assert inferred(positions, targets, "all_deg", 1.0) == "a"
    assert inferred(positions, targets, "all_deg", 0.4) is None
    assert inferred(positions, targets, "all_km", 100.0) == "a"
    assert inferred([(1, 0)], targets, "cent_deg", 1.0) == "a"
    assert inferred([(1, 0)], targets, "cent_deg", 0.999) is None
    degree = great_circle_km(0, 0, 1, 0).item()
    assert inferred([(1, 0)], targets, "cent_km", degree * 1.001) == "a"
    assert inferred([(1, 0)], targets, "cent_km", degree * 0.999) is None


def test_of_equals_the_first_wins():
    both = sites(b=(1, 0), a=(-1, 0))
    for method in METHODS:
        assert inferred([(0, 0)], both, method) == "b"
    assert inferred([(-1, 0), (1, 0)], both, "all_deg") == "a"
    assert inferred([(1, 0), (-1, 0)], both, "all_deg") == "b"


def test_soundings_without_position_are_left_aside():
    targets = sites(a=(0, 0), b=(10, 0))
    for method in METHODS:
        assert inferred([(np.nan, np.nan), (0, 0), (np.nan, np.nan)], targets, method) == "a"
        assert inferred([(np.nan, np.nan)], targets, method) is None
        assert inferred([(0, 0)], {}, method) is None
    granule = granule_at((0, 0), (10, 0), (10, 0))
    assert infer_target(granule, np.array([0]), targets, "all_km").id == "a"
    assert infer_target(granule, np.array([], int), targets, "all_km") is None


POSITIONS = st.lists(st.tuples(st.floats(-20, 20), st.floats(-60, 60)), min_size=1, max_size=12)


@given(
    POSITIONS,
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(-20, 20), st.integers(-60, 60)), min_size=1),
)
def test_votes_are_those_of_each_sounding_alone(positions, centres):
    targets = sites(**centres)
    for method in ("all_deg", "all_km"):
        votes = [inferred([one], targets, method) for one in positions]
        assert inferred(positions, targets, method) == max(dict.fromkeys(votes), key=votes.count)


def test_blocks_change_nothing(monkeypatch):
    positions, targets = [(x, 0) for x in np.linspace(0, 10, 23)], sites(a=(0, 0), b=(4, 0), c=(10, 0))
    whole = {method: inferred(positions, targets, method) for method in METHODS}
    monkeypatch.setattr(target_inference, "BLOCK", 5)
    assert {method: inferred(positions, targets, method) for method in METHODS} == whole


def test_every_public_site_is_found_from_an_overpass_of_it(shared_data, tmp_path):
    targets = read_targets(shared_data / "xco2" / "targets_oco2-pub.json")
    looks = [
        Overpass(
            one.id,
            one.name,
            *one.centre,
            Mode.TARGET,
            30000 + number,
            NOON - 40000 + 2500 * number,
            frames=20,
            swaths=2,
        )
        for number, one in enumerate(targets.values())
    ]
    granule = read_granule(simulate_day(tmp_path, "oco2", DAY, looks))
    captures, dropped = cut_captures(granule, targets)
    assert (len(captures), dropped) == (31, [])
    for capture in captures:
        for method in METHODS:
            assert (
                infer_target(granule, capture.indices, targets, method, 1.0 if "deg" in method else 50).id
                == capture.target_id
            )


def test_wrong_options_are_named():
    with pytest.raises(
        InvalidOptions, match="method is 'nearest'; it must be one of all_deg, all_km, cent_deg, cent_km"
    ):
        inferred([(0, 0)], sites(a=(0, 0)), "nearest")
    for outlier in (0.0, -1.0, np.nan):
        with pytest.raises(InvalidOptions, match="outlier must be a distance above 0"):
            inferred([(0, 0)], sites(a=(0, 0)), "all_km", outlier)
