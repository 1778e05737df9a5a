"""How a campaign stands, as people and programs read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from campaigns import LINE, edit_record, make_campaign

from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.status_text import LISTED, as_json, render

CONTENTS = {"a": "fine", "b": "bad", "c": "empty", "d": "fine"}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_campaign(tmp_path, CONTENTS)


def test_a_table_is_aligned_and_plain_in_a_pipe(results: Path) -> None:
    text = render(read_standing(results.parent, results), terminal=False)
    heading, row = text.splitlines()[:2]
    assert heading.split()[:6] == ["line", "stage", "jobs", "done", "skipped", "quarantined"]
    assert row.split()[:6] == [LINE, "copy-twice", "4", "2", "1", "1"]
    end = heading.index("quarantined") + len("quarantined")
    assert row[end - 2 : end] == " 1"
    assert "\x1b" not in text
    assert "b.raw: truncated, 3 of 9 bytes are there\n" in text


def test_columns_of_what_is_nowhere_are_left_out(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "fine"})
    heading = render(read_standing(tmp_path, results), terminal=False).splitlines()[0]
    assert heading.split() == ["line", "stage", "jobs", "done", "finished", "CPU", "memory"]


def test_a_table_on_a_terminal_keeps_brackets(results: Path) -> None:
    for product in (results / LINE / "copy-twice" / "b.txt", results / LINE / "copy-twice" / "second" / "b.txt"):
        edit_record(product, reason="x[red]y", started="9999")
    text = render(read_standing(results.parent, results), terminal=True)
    assert "\x1b[" in text
    assert "x[red]y" in text


def test_what_is_not_listed_is_counted(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {f"g{i:03}": "bad" for i in range(LISTED + 3)})
    text = render(read_standing(tmp_path, results), terminal=False)
    assert "and 3 more" in text
    assert f"g{LISTED + 2:03}" not in text


def test_json_holds_every_flagged_granule(results: Path) -> None:
    content = json.loads(as_json(read_standing(results.parent, results)))
    assert content["total"]["jobs"] == 4
    assert [job["granule"] for job in content["quarantined"]] == ["b"]
    assert content["stages"][0]["done"] == 2
    assert content["total"]["states"]["skipped"] == 1


def test_where_nothing_is_known_it_says_so(tmp_path: Path) -> None:
    assert "nothing is known here" in render(read_standing(tmp_path), terminal=False)
