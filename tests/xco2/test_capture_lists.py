"""The list of captures: what is written is read back, and granules without a capture are in it too."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.capture_lists import COLUMNS, NO_CAPTURE, Listed, listing, read_listing
from levelworks.xco2.geography import Box
from levelworks.xco2.grid_files import Entry, GridSpec, source_of

FIRST, SECOND, THIRD = (f"oco3_LtCO2_20030{day}_B11072Ar_240915205334s.nc4" for day in (1, 2, 3))


def entry(target: str = "fossil0005", orbit: int = 5000, **given) -> Entry:
    usual = Entry(
        id=f"{orbit}-{target}-sam-2020030112000021",
        target_id=target,
        target_name="Los Angeles",
        mode="sam",
        orbit=orbit,
        start=1583064000.123,
        end=1583064030.5,
        soundings=12,
        good=7,
        methods={"pre": "area", "post": "nearest"},
        spec=GridSpec(Box(-118.6, 33.6, -117.8, 34.4), 40, 30, "cell", True),
        digests={"pre": "abc", "post": "def"},
    )
    return dataclasses.replace(usual, **given)


def write(folder: Path, *granules: tuple[str, list[Entry]]) -> Path:
    path = folder / "lists" / "captures.tsv"
    path.parent.mkdir(exist_ok=True)
    told = [(folder / "grids" / f"{name}.nc", source_of(name), entries) for name, entries in granules]
    path.write_text(listing(told, path.parent), encoding="utf-8")
    return path


def test_entries_come_back_as_they_were(tmp_path):
    odd = entry(target_name='São "Paulo",\\ \t#1\r\nnew', start=float("nan"), orbit=-9999)
    path = write(tmp_path, (FIRST, [entry(), odd]))
    first, second = read_listing(path, "fossil0005")
    assert first == Listed(FIRST, path.parent / f"../grids/{FIRST}.nc", 0, entry())
    assert (second.number, second.entry.target_name, second.entry.orbit) == (1, odd.target_name, -9999)
    assert second.entry.start != second.entry.start
    assert second.entry.spec == odd.spec
    assert second.entry.spec.grid.shape == (40, 30)


def test_every_granule_is_there_once_where_it_has_no_capture_of_the_target(tmp_path):
    both = [entry("val001"), entry(), entry("val001", 5001)]
    path = write(tmp_path, (FIRST, both), (SECOND, []), (THIRD, [entry("val001"), entry("val002")]))

    def told(target):
        return sorted((one.granule, one.number, one.entry is None) for one in read_listing(path, target))

    assert told("fossil0005") == [(FIRST, 1, False), (SECOND, NO_CAPTURE, True), (THIRD, NO_CAPTURE, True)]
    assert told("val001") == [(FIRST, 0, False), (FIRST, 2, False), (SECOND, NO_CAPTURE, True), (THIRD, 0, False)]
    assert told("nowhere") == [(name, NO_CAPTURE, True) for name in (FIRST, SECOND, THIRD)]
    assert told("") == told("nowhere")


def test_the_order_of_granules_does_not_matter_and_numbers_are_in_order_of_number(tmp_path):
    granules = [(SECOND, [entry(orbit=number) for number in range(12)]), (FIRST, []), (THIRD, [entry()])]
    first = write(tmp_path, *granules).read_bytes()
    assert write(tmp_path, *granules[::-1]).read_bytes() == first
    assert [one.number for one in read_listing(write(tmp_path, *granules), "fossil0005")][:12] == list(range(12))


def test_the_table_may_be_moved_with_its_grids(tmp_path):
    (tmp_path / "a").mkdir()
    path = write(tmp_path / "a", (FIRST, [entry()]))
    moved = (tmp_path / "a").rename(tmp_path / "b")
    (found,) = read_listing(moved / path.relative_to(tmp_path / "a"), "fossil0005")
    assert found.grids.resolve() == moved / "grids" / f"{FIRST}.nc"


def test_no_granule_gives_a_table_with_a_head_alone(tmp_path):
    path = write(tmp_path)
    assert path.read_text() == "\t".join(COLUMNS) + "\n"
    assert read_listing(path, "fossil0005") == []


HEAD = "\t".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# quarantined: nothing\n",
        b"granule,number\n",
        b"\xff\xfe\x00",
        HEAD.encode() + b"a\tb\n",
        HEAD.encode() + b"a\tb\tx\t\t\t\t\t\t\t\n",
        HEAD.encode() + b"a\tb\t0\t\tfossil0005\t\t\t\t\t\n",
        HEAD.encode() + b"a\tb\t0\t\tfossil0005\t\t\t\t\t{}\n",
        HEAD.encode() + b"a\tb\t0\t\tfossil0005\t\t\t\t\t[1]\n",
    ],
)
def test_what_is_no_list_of_captures_is_told_by_name(tmp_path, content):
    path = tmp_path / "captures.tsv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"captures\.tsv: no list of captures, or damaged"):
        read_listing(path, "fossil0005")
