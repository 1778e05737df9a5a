"""How long the jobs of a rule take: from what has ended in this run, else from benchmark files of earlier ones."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict, deque
from collections.abc import Iterator
from statistics import median

REMEMBERED = 200
SAMPLE = 25


class Durations:
    """Median wall times by rule, in seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._read: dict[str, float | None] = {}

    def add(self, rule: str, seconds: float) -> None:
        """Remember a job that has ended well."""
        self._seen[rule].append(seconds)

    def of(self, rule: str, benchmarks: str | None) -> float | None:
        """Return the median of a rule's jobs; None where nothing is known.

        Parameters
        ----------
        benchmarks : str or None
            Folder of the rule's benchmark files.
        """
        if self._seen[rule]:
            return median(self._seen[rule])
        if benchmarks is None:
            return None
        if benchmarks not in self._read:
            found = list(itertools.islice(_benchmarked(benchmarks), SAMPLE))
            self._read[benchmarks] = median(found) if found else None
        return self._read[benchmarks]


def _benchmarked(folder: str) -> Iterator[float]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".tsv") and (seconds := _first_figure(entry.path)) is not None:
                    yield seconds
    except OSError:
        return


def _first_figure(path: str) -> float | None:
    try:
        with open(path, encoding="utf-8") as file:
            header, row = file.readline().split("\t"), file.readline().split("\t")
        return float(row[header.index("s")])
    except (OSError, ValueError, IndexError):
        return None
