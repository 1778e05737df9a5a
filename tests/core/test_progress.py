"""Signs of life while work runs."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
import time

import pytest

from levelworks.core.progress import track


@pytest.fixture
def lines():
    """Collect what the package logs."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    log = logging.getLogger("levelworks")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield found
    log.removeHandler(handler)
    log.setLevel(level)


def test_items_pass_in_order_and_are_counted(lines):
    assert list(track("abc", 3, "letters", every=0.0)) == ["a", "b", "c"]
    assert lines == ["letters: 1 of 3", "letters: 2 of 3", "letters: 3 of 3"]


def test_quick_work_stays_silent(lines):
    assert sum(track(range(100), 100, "numbers")) == 4950
    assert lines == []


def test_lines_are_as_far_apart_as_asked(lines):
    for _ in track(range(10), 10, "frames", every=0.03):
        time.sleep(0.01)
    assert 1 <= len(lines) <= 5


def test_a_terminal_gets_a_bar_and_standard_output_stays_clean():
    script = "from levelworks.core.progress import track; print(list(track('abc', 3, 'frames')))"
    controller, terminal = pty.openpty()
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=terminal, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(terminal)
        shown = b""
        try:
            while part := os.read(controller, 4096):
                shown += part
        except OSError:
            pass  # the other end was closed
        output, _ = process.communicate(timeout=30)
    os.close(controller)
    assert process.returncode == 0, shown
    assert output == b"['a', 'b', 'c']\n"
    assert b"frames" in shown
    assert b"\x1b[" in shown
