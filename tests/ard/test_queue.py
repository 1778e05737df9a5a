"""FORCE's queue of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelworks.ard.peer.queue import Entry, read_queue, updated_queue
from levelworks.core.outcome import InvalidOptions


def test_queue_is_read_with_any_white_space(tmp_path):
    path = tmp_path / "queue.txt"
    path.write_text("/data/a.tar   QUEUED\r\n\n\t/data/b.SAFE\tDONE \n/data/c FAIL\n")
    assert read_queue(path) == [
        Entry(Path("/data/a.tar"), "QUEUED"),
        Entry(Path("/data/b.SAFE"), "DONE"),
        Entry(Path("/data/c"), "FAIL"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.tar QUEUED\n", "line 1: a.tar is not absolute"),
        ("/a WAITING\n", "QUEUED|DONE|FAIL"),
        ("/a b QUEUED\n", "paths hold no blanks"),
        ("/a QUEUED\n/a DONE\n", "line 2: /a stands there twice"),
    ],
)
def test_mistakes_are_named_by_line(tmp_path, text, message):
    path = tmp_path / "queue.txt"
    path.write_text(text)
    with pytest.raises(InvalidOptions) as caught:
        read_queue(path)
    assert message in str(caught.value)


def test_only_known_images_change_their_state():
    text = "/a   QUEUED\n/b FAIL\nsomething else entirely\n"
    assert updated_queue(text, {"/a": "DONE", "/c": "DONE"}) == "/a DONE\n/b FAIL\nsomething else entirely\n"
