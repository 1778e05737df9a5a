"""Findings of an examination: files that can't be opened are named, of many a sample is opened."""

from __future__ import annotations

from levelworks.core.check import examine_opened
from levelworks.core.outcome import InvalidInput


def test_files_that_cannot_be_used_are_named_and_the_others_pass() -> None:
    def open_one(item: int) -> None:
        if item == 3:
            raise InvalidInput("three is truncated")
        if item == 5:
            raise FileNotFoundError("five is gone")

    (found,) = examine_opened("frames", range(8), open_one)
    assert (found.name, found.verdict) == ("frames", "warning")
    assert found.detail == "2 of 8 opened can't be used: three is truncated; five is gone"
    assert list(examine_opened("frames", [1, 2], open_one)) == []
    assert list(examine_opened("frames", [], open_one)) == []


def test_of_many_files_a_sample_is_opened() -> None:
    opened: list[int] = []
    assert list(examine_opened("frames", range(1000), opened.append, 10)) == []
    assert len(opened) == 10
    assert (opened[0], opened[-1]) == (0, 999)
