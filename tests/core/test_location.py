"""Plain paths, file URLs, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelworks.core.location import local_path
from levelworks.core.outcome import InvalidOptions


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("raw/a.nc4", "raw/a.nc4"),
        ("/raw/a b.nc4", "/raw/a b.nc4"),
        ("file:///raw/a.nc4", "/raw/a.nc4"),
        ("file:///raw/", "/raw"),
        ("file://raw/a.nc4", "raw/a.nc4"),
        ("file:/raw/a.nc4", "/raw/a.nc4"),
        ("local:///raw/a.nc4", "/raw/a.nc4"),
        ("/raw/50%20.nc4", "/raw/50%20.nc4"),
        ("a:b.nc4", "a:b.nc4"),
    ],
)
def test_a_file_of_this_machine_is_a_path(location: str, path: str) -> None:
    assert local_path(location, "key") == Path(path)


@pytest.mark.parametrize(
    "location",
    ["s3://bucket/a.nc4", "https://host/a.nc4", "gs://b/a", "simplecache::s3://b/a", "zip://a.nc4::file:///a.zip"],
)
def test_what_lies_elsewhere_is_refused(location: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        local_path(location, "config: line.granules")
    assert str(caught.value) == (
        f"config: line.granules: {location}: only files of this machine's file systems can be read so far; "
        "stage them first"
    )


@pytest.mark.parametrize("location", ["", " ", "file://"])
def test_nothing_is_no_path(location: str) -> None:
    with pytest.raises(InvalidOptions, match=r"^key: '.*' names no file or folder$"):
        local_path(location, "key")
