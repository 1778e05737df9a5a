"""Run the benchmarks of a line: ``python tests/benchmarks/run.py LINE [NAME]``; one JSON object a figure."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from figure import Figure

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

MARK = "BENCHMARKS"
"""What a module of benchmarks defines."""
WRONG = 64
"""The exit code of a word that is not known."""


def main(words: list[str]) -> int:
    """Print the figures of every benchmark of a line, or those of the one that is named."""
    known = lines()
    if not words or len(words) > 2:
        return _refuse(f"usage: scripts/bench LINE [NAME]\nlines: {', '.join(known)}")
    if words[0] not in known:
        return _refuse(f"there are no benchmarks of {words[0]!r}, but of {', '.join(known)}")
    module = importlib.import_module(words[0])
    return run(words[0], module.BENCHMARKS, getattr(module, "ON_REQUEST", {}), words[1:])


def lines() -> list[str]:
    """Return the names of the modules of benchmarks here."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(path.stem for path in found if f"\n{MARK}" in path.read_text(encoding="utf-8"))


def run(
    line: str,
    usual: Mapping[str, Callable[[], Iterable[Figure]]],
    on_request: Mapping[str, Callable[[], Iterable[Figure]]],
    names: list[str],
) -> int:
    """Print the figures of the usual benchmarks, or of one that is named."""
    known = {**usual, **on_request}
    if unknown := [name for name in names if name not in known]:
        return _refuse(f"{line} has no benchmark {unknown[0]!r}; it has {', '.join(known)}")
    for name in names or usual:
        for figure in known[name]():
            sys.stdout.write(figure.to_json() + "\n")
            sys.stdout.flush()
    return 0


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return WRONG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
