"""Signs of life: lines in a log, a bar on a terminal."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from levelworks.core.progress import track

SCRIPT = "import time; from levelworks.core.progress import track; print([x for x in track('abc', 3, 'frames')])"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Return the lines that the log of levelworks gets."""
    found: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    log = logging.getLogger("levelworks")
    handler, level = Collect(), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield found
    log.removeHandler(handler)
    log.setLevel(level)


def test_items_come_one_by_one_and_unchanged(lines: list[str]) -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(3):
            taken.append(number)
            yield number

    tracked = track(source(), 3, "frames")
    assert (next(tracked), taken) == (0, [0])
    assert list(tracked) == [1, 2]
    assert lines == []


def test_a_log_gets_a_counted_line_now_and_then(lines: list[str]) -> None:
    for _ in track(range(4), 4, "frames", every=0.0):
        pass
    assert lines == [f"frames: {number} of 4" for number in range(1, 5)]


def test_lines_are_as_far_apart_as_asked(lines: list[str]) -> None:
    for _ in track(range(10), 10, "frames", every=0.03):
        time.sleep(0.01)
    assert 1 <= len(lines) <= 5


def test_errors_of_the_items_pass() -> None:
    with pytest.raises(ZeroDivisionError):
        list(track((1 / number for number in (1, 0)), 2, "frames"))


def test_a_terminal_gets_a_bar_and_the_output_stays_clean() -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=terminal, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                part = os.read(controller, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        output, _ = process.communicate(timeout=30)
    os.close(controller)
    assert process.returncode == 0, shown
    assert output == b"['a', 'b', 'c']\n"
    assert b"frames" in shown
    assert b"\x1b[" in shown
