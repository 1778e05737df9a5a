"""What test files say of where something is proven, and the tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def known_tests(folder: str = "") -> set[str]:
    """Return the names of all test functions below a folder of the tests."""
    found: set[str] = set()
    for path in (TESTS / folder).rglob("test_*.py"):
        found |= set(re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return found


def proofs_in(docstring: str, letter: str) -> dict[int, list[str]]:
    """Return the tests that a docstring names in lines such as ``D7   test_a, test_b``, by number; lines may go on."""
    found: dict[int, list[str]] = {}
    number = 0
    for line in docstring.splitlines():
        head = re.match(rf"{letter}(\d+)\s", line)
        if head:
            number = int(head[1])
        elif not line.startswith("  "):
            number = 0
        if number:
            found.setdefault(number, []).extend(re.findall(r"\btest_\w+", line))
    return found
