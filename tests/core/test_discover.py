"""Granules in folders, wildcards, files and manifests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from levelworks.core.discover import Discovery, Granule, discover
from levelworks.core.outcome import InvalidOptions

PATTERN = r"L1_\w+\.fits"
KEY = "config: line.frames"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    (folder / "L1_of_another_night.fits").mkdir(parents=True)
    for name in ("L1_b.fits", "L1_a.fits", "notes.md", "L1_a.fits.part", "l1_c.fits"):
        (folder / name).write_text(name)
    return folder


def find(*sources: str | Path, pattern: str = PATTERN) -> Discovery:
    return discover(sources, pattern, KEY)


def complaint(*sources: str | Path, pattern: str = PATTERN) -> str:
    with pytest.raises(InvalidOptions) as caught:
        find(*sources, pattern=pattern)
    assert str(caught.value).startswith(f"{KEY}: ")
    return str(caught.value).removeprefix(f"{KEY}: ")


def manifest(folder: Path, *rows: str) -> Path:
    path = folder / "night.tsv"
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


def test_a_folder_gives_files_of_the_agency_s_names_and_tells_of_the_others(raw: Path) -> None:
    found = find(raw)
    assert found.granules == (Granule("L1_a", raw / "L1_a.fits"), Granule("L1_b", raw / "L1_b.fits"))
    assert [path.name for path in found.ignored] == ["L1_a.fits.part", "l1_c.fits", "notes.md"]


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert find(tmp_path) == Discovery((), ())


def test_a_wildcard_takes_what_matches_it(raw: Path) -> None:
    assert [granule.id for granule in find(raw / "[lL]1_?.fits").granules] == ["L1_a", "L1_b", "l1_c"]
    assert complaint(raw / "L2_*.fits") == f"nothing matches {raw / 'L2_*.fits'}"


def test_a_file_is_taken_whatever_its_name(raw: Path) -> None:
    assert find(str(raw / "notes.md")).granules == (Granule("notes", raw / "notes.md"),)


def test_a_file_named_twice_counts_once(raw: Path) -> None:
    assert [granule.id for granule in find(raw, raw / "L1_a.fits", raw / "L1_b*").granules] == ["L1_a", "L1_b"]


def test_the_order_of_sources_does_not_matter(raw: Path) -> None:
    assert find(raw / "notes.md", raw) == find(raw, raw / "notes.md")


def test_two_files_with_one_id_are_refused(raw: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "L1_a.fits"
    other.parent.mkdir()
    other.write_text("another")
    assert complaint(raw, other) == f"two files have the id L1_a: {raw / 'L1_a.fits'} and {other}"
    assert "two files have the id L1_a" in complaint(raw, raw / "L1_a.fits.part")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "nothing") == f"{tmp_path / 'nothing'} is neither a file nor a folder"


@pytest.mark.parametrize("name", ["a b.fits", "ä.fits", "-a.fits", ".hidden", "a{b}.fits"])
def test_ids_hold_what_logs_and_jobs_can_take(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    message = complaint(tmp_path / name)
    assert repr(name.split(".", maxsplit=1)[0]) in message
    assert "rename the file, or name an id in a manifest" in message


def test_a_manifest_names_paths_beside_itself_and_absolute_ones(raw: Path, tmp_path: Path) -> None:
    listed = manifest(tmp_path, "path\tobserver", "raw/L1_b.fits\tAda", "", f"{raw / 'notes.md'}\tBo")
    assert find(listed).granules == (Granule("L1_b", raw / "L1_b.fits"), Granule("notes", raw / "notes.md"))


def test_a_manifest_may_name_ids(raw: Path, tmp_path: Path) -> None:
    (raw / "a b.fits").write_text("")
    listed = manifest(tmp_path, "id\tpath", "first\traw/L1_b.fits", "\traw/L1_a.fits", "a_b\traw/a b.fits")
    found = {granule.id: granule.path.name for granule in find(listed).granules}
    assert found == {"first": "L1_b.fits", "L1_a": "L1_a.fits", "a_b": "a b.fits"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["id\tfile", "a\traw/L1_a.fits"], "has no column 'path'"),
        ([], "has no column 'path'"),
        (["path", "raw/L1_a.fits", "", "raw/L1_z.fits"], "line 4: raw/L1_z.fits does not exist"),
        (["path\tid", "\ta"], "line 2 names no path"),
        (["id\tpath", "a"], "line 2 names no path"),
        (["path", "raw"], "line 2: raw does not exist"),
        (["path\tid", "raw/L1_a.fits\tx", "raw/L1_b.fits\tx"], "two files have the id x"),
        (["path\tid", "raw/L1_a.fits\t../x"], "gives the id '../x'"),
        (["path\tid", "raw/L1_a.fits\ta/b"], "gives the id 'a/b'"),
    ],
)
def test_wrong_manifests(raw: Path, tmp_path: Path, rows: list[str], message: str) -> None:
    assert message in complaint(manifest(tmp_path, *rows))


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    assert "can't be read (No such file or directory)" in complaint(tmp_path / "night.tsv")


def test_a_wrong_pattern_is_told(raw: Path) -> None:
    assert "'L1_(' is no regular expression" in complaint(raw, pattern="L1_(")


def test_ten_thousand_files_are_found_in_a_moment(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"L1_{number:05d}.fits").touch()
    start = sum(os.times()[:2])
    assert len(find(tmp_path).granules) == 10_000
    assert sum(os.times()[:2]) - start < 2
