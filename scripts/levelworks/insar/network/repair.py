"""Whole cycles that the closure of triplets asks of components of pairs (specs/insar.md 4.14)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
MOST_UNKNOWNS = 400
"""Of areas that hang together; more are undecided."""
MOST_NODES = 2000
"""Of the search for one answer: a count, unlike a time, ends at the same answer on every machine."""

OPTIMAL, INFEASIBLE = 0, 2
"""What `scipy.optimize.milp` ends with."""

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
        if not inside.any():
            continue
        numbers = labels[:, inside].astype(np.int64)
        cycles = whole_cycles(closure[inside]).astype(np.int64)
        low = cycles.min()
        sizes = (*(numbers.max(1) + 1), cycles.max() - low + 1)
        keys, counts = np.unique(np.ravel_multi_index((*numbers, cycles - low), sizes), return_counts=True)
        *parts, steps = np.unravel_index(keys, sizes)
        starts = np.flatnonzero(np.concatenate([[True], np.diff(keys // sizes[-1]) > 0]))
        for start, stop in zip(starts, [*starts[1:], keys.size], strict=True):
            pixels = int(counts[start:stop].sum())
            most = start + int(np.argmax(counts[start:stop]))
            if pixels >= least_pixels and counts[most] > LEAST_SHARE * pixels:
                first, second, closing = (int(part[start]) for part in parts)
                areas.append(Area(triplet, (first, second, closing), int(steps[most] + low), pixels))
    return areas


def find_repair(areas: Sequence[Area], movable: Collection[Pair] | None = None) -> Repair:
    """Find the fewest cycles that close the most area, and apply those that no other choice equals.

    Minimises the sum of ``|K - A n|``, weighted by pixels, and a little of ``|n|``, over whole numbers n. Only the
    components that meet an area which doesn't close are unknown. A component is repaired where every answer with
    another number of its cycles is worse. Else all in its open areas are undecided: in one triplet alone, each of
    three pairs may be the wrong one. Undecided is also what the search doesn't prove within its limits.

    Parameters
    ----------
    areas : sequence of Area
        From `closure_areas`.
    movable : collection of Pair, optional
        Pairs that may be repaired, all where none; the others are taken as they are.
    """
    unknown = sorted(
        {part for area in areas if area.cycles for part, _ in area.signed if movable is None or part[0] in movable}
    )
    cycles: dict[Part, int] = {}
    undecided: set[Part] = set()
    for parts, used in _groups(unknown, areas):
        if len(parts) > MOST_UNKNOWNS:
            undecided.update(parts)
            continue
        found, open_parts = _repair_group(parts, used)
        cycles |= found
        undecided |= open_parts
    return Repair(cycles, tuple(sorted(undecided)))


def _groups(unknown: Sequence[Part], areas: Sequence[Area]) -> list[tuple[list[Part], list[Area]]]:
    """Part unknowns, and the areas that they are in, into groups that have no area in common."""
    if not unknown:
        return []
    index = {part: k for k, part in enumerate(unknown)}
    members = [(area, [index[part] for part, _ in area.signed if part in index]) for area in areas]
    members = [(area, found) for area, found in members if found]
    links = np.array([(found[0], other) for _, found in members for other in found]).T
    graph = sparse.csr_array((np.ones(links.shape[1]), tuple(links)), (len(unknown), len(unknown)))
    count, group = sparse.csgraph.connected_components(graph, directed=False)
    groups: list[tuple[list[Part], list[Area]]] = [([], []) for _ in range(count)]
    for part, k in index.items():
        groups[group[k]][0].append(part)
    for area, found in members:
        groups[group[found[0]]][1].append(area)
    return groups


def _repair_group(parts: Sequence[Part], areas: Sequence[Area]) -> tuple[dict[Part, int], set[Part]]:
    """Return the cycles to add to components of a group, and those that are undecided."""
    index = {part: k for k, part in enumerate(parts)}
    problem = _Problem(index, areas)
    answer = problem.solve({})
    if answer is None:
        return {}, set(parts)
    best, found = answer
    cycles, tied = {}, set()
    for part, k in index.items():
        count = int(found[k])
        if count:
            others = (-MOST_CYCLES, count - 1), (count + 1, MOST_CYCLES)
            answers = [problem.solve({k: limits}) for limits in others]
            if all(other is not None and other[0] - best > PRIOR / 2 for other in answers):
                cycles[part] = -count  # what the closure has too much is taken off
            else:
                tied.add(part)
    open_areas = [{part for part, _ in area.signed if part in index} for area in areas if area.cycles]
    return cycles, {part for open_parts in open_areas if open_parts & tied for part in open_parts} - set(cycles)


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

    def solve(self, limits: Mapping[int, tuple[int, int]]) -> tuple[float, np.ndarray] | None:
        """Return the least price and its cycles, with limits on some unknowns; None where it isn't proven."""
        low, high = np.zeros(self.price.size), np.full(self.price.size, np.inf)
        low[: self.unknowns], high[: self.unknowns] = -MOST_CYCLES, MOST_CYCLES
        for k, (least, most) in limits.items():
            low[k], high[k] = least, most
        whole = np.zeros(self.price.size)
        whole[: self.unknowns] = 1
        answer = milp(
            self.price,
            constraints=self.constraint,
            bounds=Bounds(low, high),
            integrality=whole,
            options={"node_limit": MOST_NODES, "mip_rel_gap": 0.0},
        )
        if answer.status == INFEASIBLE:
            return np.inf, np.zeros(self.unknowns, np.int64)
        if answer.status != OPTIMAL:
            return None
        return float(answer.fun), np.round(answer.x[: self.unknowns]).astype(np.int64)
