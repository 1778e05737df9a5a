"""Triplets: three pairs of three dates, whose phases add up to nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from levelworks.insar.network.epochs import Pair


@dataclass(frozen=True, order=True)
class Triplet:
    """Three pairs of the dates i < j < k: (i, j), (j, k) and (i, k), the last of which closes the loop."""

    first: Pair
    second: Pair
    closing: Pair

    def __str__(self) -> str:
        """Return the three dates."""
        return f"{self.first}_{self.second.second:%Y%m%d}"

    @property
    def signed(self) -> tuple[tuple[Pair, int], ...]:
        """Return the pairs with their signs in the sum around the loop."""
        return (self.first, 1), (self.second, 1), (self.closing, -1)


def find_triplets(pairs: Iterable[Pair]) -> tuple[Triplet, ...]:
    """Find all triplets of a network, sorted by their dates."""
    there = set(pairs)
    after: dict[object, list[Pair]] = {}
    for pair in sorted(there):
        after.setdefault(pair.first, []).append(pair)
    return tuple(
        Triplet(pair, second, Pair(pair.first, second.second))
        for pair in sorted(there)
        for second in after.get(pair.second, [])
        if Pair(pair.first, second.second) in there
    )
