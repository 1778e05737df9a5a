"""What aggregates do with flagged inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from levelworks.core.aggregate import TooManyQuarantined, refuse_too_many, usable_inputs
from levelworks.core.quarantine import told
from levelworks.core.record import record_path


def product(folder: Path, name: str, outcome: str = "", reason: str = "") -> Path:
    path = folder / name
    path.write_text("product")
    if outcome:
        record = {"levelworks_record": 1, "outcome": outcome, "reason": reason, "outputs": {}}
        record_path(path).write_text(json.dumps(record))
    return path


def test_flagged_inputs_are_left_out_with_their_reasons_in_order(tmp_path):
    paths = [
        product(tmp_path, "c", "done"),
        product(tmp_path, "b", "quarantined", "truncated"),
        product(tmp_path, "d", "skipped", "no plume"),
        product(tmp_path, "a"),
    ]
    found = usable_inputs(paths, 0.3, "frames")
    assert [path.name for path in found.usable] == ["a", "c"]
    assert found.left_out == (("b", "truncated"), ("d", "no plume"))
    assert found.warnings == ("left out b: truncated", "left out d: no plume")


def test_skipped_inputs_do_not_count_against_the_limit(tmp_path):
    paths = [product(tmp_path, str(number), "skipped", "cloud") for number in range(4)]
    assert usable_inputs(paths, 0.0, "scenes").usable == ()


@pytest.mark.parametrize(
    ("bad", "limit", "refused"), [(1, 0.1, False), (2, 0.1, True), (1, None, False), (2, None, True)]
)
def test_the_limit_is_a_share_that_may_be_reached(bad, limit, refused):
    flagged = [(f"f{number}", "bad") for number in range(bad)]
    if not refused:
        refuse_too_many(flagged, 10, limit, "frames")
        return
    with pytest.raises(
        TooManyQuarantined, match=r"2 of 10 frames are quarantined, more than max_quarantined 0\.1"
    ) as caught:
        refuse_too_many(flagged, 10, limit, "frames")
    assert "f0: bad" in str(caught.value)
    assert caught.value.exit_code == 65


def test_what_a_person_put_aside_is_left_out_of_the_share_and_stays_listed(tmp_path):
    aside = told("raw.fits", "stray light")
    paths = [product(tmp_path, f"{number:02}", "done") for number in range(5)]
    paths.append(product(tmp_path, "aside", "quarantined", aside))
    found = usable_inputs(paths, 0.1, "frames")
    assert found.left_out == (("aside", aside),)
    assert [path.name for path in found.usable] == [path.name for path in paths[:5]]
    usable_inputs(paths[5:], 0.0, "frames")


def test_bad_ones_are_a_share_of_what_was_not_put_aside():
    aside = [(f"a{number}", told("x", "why")) for number in range(4)]
    refuse_too_many([*aside, ("b", "bad")], 14, 0.1, "frames")
    with pytest.raises(
        TooManyQuarantined, match=r"^1 of 9 frames are quarantined, .* \(besides 4 put aside by hand\):\n  b: bad$"
    ):
        refuse_too_many([*aside, ("b", "bad")], 13, 0.1, "frames")


def test_long_lists_are_cut_and_say_so():
    with pytest.raises(TooManyQuarantined, match="and 5 more"):
        refuse_too_many([(str(number), "bad") for number in range(25)], 25, 0.1, "frames")


def test_the_order_of_arguments_does_not_matter_even_for_equal_names(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
    paths = [product(tmp_path / folder, name) for folder in ("x", "y") for name in ("a", "b")]
    assert usable_inputs(paths, None, "frames") == usable_inputs(paths[::-1], None, "frames")
    assert [path.name for path in usable_inputs(paths, None, "frames").usable] == ["a", "a", "b", "b"]


def test_without_records_or_inputs_nothing_is_left_out(tmp_path):
    assert usable_inputs([product(tmp_path, "raw")], 0.0, "frames").left_out == ()
    assert usable_inputs([], 0.0, "frames").usable == ()
