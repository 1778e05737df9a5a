"""Aggregates leave flagged inputs out, list them, and fail where there are too many."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from campaigns import LINE, make_campaign

from levelworks.core.aggregate import LISTED, Inputs, TooManyQuarantined, usable_inputs


def products(folder: Path, **contents: str) -> list[Path]:
    """Copy granules of these contents; bad ones are quarantined, empty ones skipped."""
    results = make_campaign(folder, contents)
    return [results / LINE / "copy-twice" / f"{name}.txt" for name in contents]


def names(inputs: Inputs) -> list[str]:
    return [path.stem for path in inputs.usable]


def test_flagged_inputs_are_left_out_and_listed(tmp_path: Path) -> None:
    found = usable_inputs(products(tmp_path, d="fine", b="bad", c="empty", a="fine"), 0.25, "frames")
    assert names(found) == ["a", "d"]
    assert found.left_out == (("b.txt", "b.raw: truncated,\n 3 of 9 bytes are there"), ("c.txt", "c.raw: all cloud"))
    assert found.warnings[1] == "left out c.txt: c.raw: all cloud"


def test_the_order_of_arguments_does_not_matter(tmp_path: Path) -> None:
    paths = products(tmp_path, **{f"g{i}": "fine" if i % 3 else "empty" for i in range(12)})
    paths += [path.with_name("second") / path.name for path in paths]
    expected = usable_inputs(paths, None, "frames")
    random.Random(1).shuffle(paths)
    assert usable_inputs(paths, None, "frames") == expected
    assert [path.name for path in expected.usable] == sorted(path.name for path in expected.usable)


def test_a_share_up_to_the_limit_is_allowed(tmp_path: Path) -> None:
    paths = products(tmp_path, a="fine", b="bad", c="fine", d="fine")
    assert names(usable_inputs(paths, 0.25, "frames")) == ["a", "c", "d"]
    with pytest.raises(TooManyQuarantined) as caught:
        usable_inputs(paths, 0.24, "frames")
    assert caught.value.exit_code == 64
    assert str(caught.value).startswith(
        "1 of 4 frames are quarantined, more than max_quarantined 0.24 allows:\n  b.txt: "
    )


def test_skipped_inputs_do_not_count_as_quarantined(tmp_path: Path) -> None:
    found = usable_inputs(products(tmp_path, a="empty", b="empty"), 0.0, "frames")
    assert (found.usable, len(found.left_out)) == ((), 2)


def test_without_a_limit_a_tenth_is_allowed(tmp_path: Path) -> None:
    paths = products(tmp_path, **{f"g{i}": "fine" for i in range(9)}, bad="bad")
    assert len(usable_inputs(paths, None, "frames").usable) == 9
    with pytest.raises(TooManyQuarantined, match=r"max_quarantined 0\.1"):
        usable_inputs(paths[1:], None, "frames")


def test_all_may_be_quarantined_where_that_is_allowed(tmp_path: Path) -> None:
    assert usable_inputs(products(tmp_path, a="bad"), 1.0, "frames").usable == ()


def test_a_long_list_is_cut_and_counted(tmp_path: Path) -> None:
    paths = products(tmp_path, **{f"g{i:02d}": "bad" for i in range(LISTED + 3)})
    with pytest.raises(TooManyQuarantined) as caught:
        usable_inputs(paths, 0.5, "frames")
    assert str(caught.value).endswith("and 3 more")
    assert f"g{LISTED - 1:02d}.txt" in str(caught.value)
    assert f"g{LISTED:02d}.txt" not in str(caught.value)


def test_files_without_a_record_are_usable(tmp_path: Path) -> None:
    path = tmp_path / "raw.fits"
    path.write_text("")
    assert usable_inputs([path], 0.0, "frames") == Inputs((path,), ())


def test_nothing_in_gives_nothing(tmp_path: Path) -> None:
    assert usable_inputs([], 0.0, "frames") == Inputs((), ())
