"""Granules that a person puts aside: stages heed the table, for one file and for many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from levelworks.core.outcome import InvalidOptions
from levelworks.core.quarantine import TABLE, put_aside, read_quarantine, sort_out, write_quarantine


def test_the_table_comes_back_and_goes_when_it_is_empty(tmp_path: Path) -> None:
    write_quarantine(tmp_path, {"b": "two\nlines", "a": "cloud"})
    assert read_quarantine(tmp_path) == {"a": "cloud", "b": "two lines"}
    assert (tmp_path / TABLE).read_text().splitlines()[0] == "granule\treason"
    (tmp_path / TABLE).write_text("c\twritten by hand, without a heading\n")
    assert read_quarantine(tmp_path) == {"c": "written by hand, without a heading"}
    write_quarantine(tmp_path, {})
    assert not (tmp_path / TABLE).exists()
    assert read_quarantine(tmp_path) == {}


@pytest.mark.parametrize(("granule", "reason"), [("a/b", "why"), ("", "why"), ("a\tb", "why"), ("a", " ")])
def test_what_could_be_no_granule_is_refused(tmp_path: Path, granule: str, reason: str) -> None:
    with pytest.raises(InvalidOptions):
        write_quarantine(tmp_path, {granule: reason})


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("raw/S1A_X.SAFE", "S1A_X"),
        ("raw/S1A_X.SAFE", "S1A_X.SAFE"),
        ("raw/S1A_X.SAFE/measurement/a.tiff", "S1A_X"),
        ("raw/S1A_XY.SAFE", None),
        ("raw/S1A.fits", None),
    ],
)
def test_a_granule_is_known_by_name_or_stem(path: str, known: str | None) -> None:
    assert put_aside(Path(path), {"S1A_X": "why", "S1A_X.SAFE": "why"}) in (known, "S1A_X.SAFE" if known else None)


def test_products_of_ours_are_never_put_aside(tmp_path: Path) -> None:
    (tmp_path / "g.tif.json").write_text("{}")
    assert put_aside(tmp_path / "g.tif", {"g": "why"}) is None


def test_nor_are_records_that_are_handed_on_for_them(tmp_path: Path) -> None:
    record = tmp_path / "g.json"
    record.write_text(json.dumps({"levelworks_record": 1, "outcome": "done"}))
    assert put_aside(record, {"g": "why"}) is None
    record.write_text("{}")
    assert put_aside(record, {"g": "why"}) == "g"


def test_of_many_the_others_stay() -> None:
    left, aside = sort_out({"frames": [Path("a.fits"), Path("b.fits")], "flat": [Path("f.fits")]}, {"a": "hot"})
    assert left == {"frames": [Path("b.fits")], "flat": [Path("f.fits")]}
    assert aside == {Path("a.fits"): "hot"}
