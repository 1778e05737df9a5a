"""Signs of life while work runs."""

from __future__ import annotations

import logging

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
