"""Whole cycles that the closure of triplets asks of components of pairs (specs/insar.md 4.14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from levelworks.insar.network.closure import CYCLE, close_triplet, whole_cycles
from levelworks.insar.network.epochs import Pair
from levelworks.insar.network.triplets import Triplet

PRIOR = 1e-3
"""Weight of a cycle itself, against 1 for an area that doesn't close: of equal explanations the smallest."""
MOST_CYCLES = 32
LEAST_SHARE = 0.5
"""Of an area's pixels, that agree on its whole cycles."""

Part = tuple[Pair, int]
"""A component of a pair."""


@dataclass(frozen=True)
class Area:
    """The pixels of a triplet in one component of each of its pairs, and the whole cycles that most of them have."""

    triplet: Triplet
    components: tuple[int, int, int]
    cycles: int
    pixels: int

    @property
    def signed(self) -> tuple[tuple[Part, int], ...]:
        """Return the components with their signs in the closure."""
        return tuple(
            ((pair, component), sign)
            for (pair, sign), component in zip(self.triplet.signed, self.components, strict=True)
        )


@dataclass(frozen=True)
class Repair:
    """Cycles to add to components of pairs, and components that may be wrong but have no unique repair."""

    cycles: dict[Part, int]
    undecided: tuple[Part, ...]


def closure_areas(
    phases: Mapping[Pair, np.ndarray],
    components: Mapping[Pair, np.ndarray],
    triplets: Sequence[Triplet],
    least_pixels: int = 100,
) -> list[Area]:
    """Find the whole cycles of each area of each triplet.

    Parameters
    ----------
    phases : mapping of Pair to ndarray, shape (rows, columns), float32
        Unwrapped and referred, rad; NaN where there is no data.
    components : mapping of Pair to ndarray, shape (rows, columns), uint16
        0 for none.
    triplets : sequence of Triplet
    least_pixels : int
        Of an area that counts. One in which no half of the pixels agree says nothing and doesn't count either.
    """
    areas = []
    for triplet in triplets:
        closure = close_triplet(phases, triplet)
        labels = np.stack([components[pair] for pair, _ in triplet.signed])
        inside = np.isfinite(closure) & (labels > 0).all(0)
        keys, where = np.unique(labels[:, inside], axis=1, return_inverse=True)
        cycles = whole_cycles(closure[inside])
        for k, key in enumerate(keys.T):
            values, counts = np.unique(cycles[where.ravel() == k], return_counts=True)
            if counts.sum() >= least_pixels and counts.max() > LEAST_SHARE * counts.sum():
                first, second, closing = (int(label) for label in key)
                cycle = int(values[np.argmax(counts)])
                areas.append(Area(triplet, (first, second, closing), cycle, int(counts.sum())))
    return areas


def find_repair(areas: Sequence[Area]) -> Repair:
    """Find the fewest cycles that close the most area, and apply those that no other choice equals.

    Minimises the sum of ``|K - A n|``, weighted by pixels, and a little of ``|n|``, over whole numbers n. Only the
    components that meet an area which doesn't close are unknown. A component is repaired where every answer with
    another number of its cycles is worse. Else all in its open areas are undecided: in one triplet alone, each of
    three pairs may be the wrong one.

    Parameters
    ----------
    areas : sequence of Area
        From `closure_areas`.
    """
    unknown = sorted({part for area in areas if area.cycles for part, _ in area.signed})
    if not unknown:
        return Repair({}, ())
    index = {part: k for k, part in enumerate(unknown)}
    used = [area for area in areas if any(part in index for part, _ in area.signed)]
    problem = _Problem(index, used)
    best, found = problem.solve({})
    cycles, tied = {}, set()
    for part, k in index.items():
        count = int(found[k])
        if count:
            others = (-MOST_CYCLES, count - 1), (count + 1, MOST_CYCLES)
            unique = all(problem.solve({k: limits})[0] - best > PRIOR / 2 for limits in others)
            if unique:
                cycles[part] = -count  # what the closure has too much is taken off
            else:
                tied.add(part)
    open_areas = [{part for part, _ in area.signed} for area in areas if area.cycles]
    undecided = {part for parts in open_areas if parts & tied for part in parts} - set(cycles)
    return Repair(cycles, tuple(sorted(undecided)))


def apply_repair(phase: np.ndarray, components: np.ndarray, pair: Pair, repair: Repair) -> np.ndarray:
    """Add a repair's cycles to the components of a pair.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Unwrapped, rad.
    components : ndarray, shape (rows, columns), uint16

    Returns
    -------
    ndarray, float32
    """
    fixed = phase.copy()
    for (other, component), cycles in repair.cycles.items():
        if other == pair:
            fixed[components == component] += np.float32(CYCLE * cycles)
    return fixed


class _Problem:
    """The linear programme over whole cycles, and slacks of areas and of cycles themselves."""

    def __init__(self, index: Mapping[Part, int], areas: Sequence[Area]) -> None:
        self.unknowns, count = len(index), len(areas)
        rows = [
            (row, index[part], sign) for row, area in enumerate(areas) for part, sign in area.signed if part in index
        ]
        i, j, signs = np.array(rows).T
        matrix = sparse.csr_array((signs.astype(float), (i, j)), (count, self.unknowns))
        target = np.array([area.cycles for area in areas], float)
        pixels = np.array([area.pixels for area in areas], float)
        identity, unit = sparse.eye_array(count), sparse.eye_array(self.unknowns)
        self.constraint = LinearConstraint(
            sparse.block_array(
                [[matrix, identity, None], [matrix, -identity, None], [unit, None, unit], [unit, None, -unit]],
                format="csc",
            ),
            np.concatenate([target, np.full(count, -np.inf), np.zeros(self.unknowns), np.full(self.unknowns, -np.inf)]),
            np.concatenate([np.full(count, np.inf), target, np.full(self.unknowns, np.inf), np.zeros(self.unknowns)]),
        )
        self.price = np.concatenate([np.zeros(self.unknowns), pixels / pixels.max(), np.full(self.unknowns, PRIOR)])

    def solve(self, limits: Mapping[int, tuple[int, int]]) -> tuple[float, np.ndarray]:
        """Return the least price and its cycles, with limits on some unknowns."""
        low, high = np.zeros(self.price.size), np.full(self.price.size, np.inf)
        low[: self.unknowns], high[: self.unknowns] = -MOST_CYCLES, MOST_CYCLES
        for k, (least, most) in limits.items():
            low[k], high[k] = least, most
        whole = np.zeros(self.price.size)
        whole[: self.unknowns] = 1
        answer = milp(self.price, constraints=self.constraint, bounds=Bounds(low, high), integrality=whole)
        if answer.x is None:
            return np.inf, np.zeros(self.unknowns, np.int64)
        return float(answer.fun), np.round(answer.x[: self.unknowns]).astype(np.int64)
